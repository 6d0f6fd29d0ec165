/*
 * Which folders hold the bytes of the file system that a check stands on, what kind of files they
 * are, and which of them grows: a walk by a helper, bounded in entries and time, compared with the
 * walk before.
 *
 *	ground -> walk from its mount point -> rows -> (earlier rows) growth
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs_walk.h"
#include "io/loop.h"
#include "probes/facts/fact.h"
#include "probes/facts/ground.h"

#define WALK_MS     1500
#define SHOWN       6
#define REMEMBERED  96
#define SPAN_MIN_US (2 * USEC_PER_SEC)

enum key {
	KEY_FIRST,
	KEY_FIRST_BYTES,
	KEY_SECOND,
	KEY_GROWING,
	KEY_GROWTH,
	KEY_KIND,
	KEY_FIRST_FILE
};

static const struct metric_desc keys[] = {
	{ "first", METRIC_GAUGE, UNIT_TEXT, "The folder that holds most." },
	{ "first_bytes", METRIC_GAUGE, UNIT_BYTES, "What it holds." },
	{ "second", METRIC_GAUGE, UNIT_TEXT, "The next." },
	{ "growing", METRIC_GAUGE, UNIT_TEXT, "The folder that grows most." },
	{ "growth_rate", METRIC_GAUGE, UNIT_BYTES_PER_SECOND, "How fast it grows." },
	{ "kind", METRIC_GAUGE, UNIT_TEXT,
		"What it is about, by the names of the growing folder, else of the first: "
		"\"binlog\", \"backup\", \"export\", \"database\", \"container\", \"log\" or "
		"\"\"." },
	{ "first_file", METRIC_GAUGE, UNIT_TEXT,
		"The largest file in the folder that holds most." },
	{ .name = NULL },
};

/* By the largest file, or by a part of the path; the first row that fits. */
static const struct {
	const char *kind, *file, *part; /* globs in lower case; NULL: does not matter */
} kinds[] = {
	{ "binlog", "*-bin.[0-9]*", NULL },
	{ "binlog", "binlog.[0-9]*", NULL },
	{ "binlog", "*-relay-bin*", NULL },
	{ "backup", "*.sql", NULL },
	{ "backup", "*.sql.*", NULL },
	{ "backup", "*.dump*", NULL },
	{ "backup", "*backup*", NULL },
	{ "backup", "*.bak", NULL },
	{ "backup", NULL, "*backup*" },
	{ "backup", NULL, "*/dumps*" },
	{ "export", "*.csv", NULL },
	{ "export", "*.csv.*", NULL },
	{ "export", "*.xlsx", NULL },
	{ "export", NULL, "*export*" },
	{ "export", NULL, "*report*" },
	{ "container", NULL, "*/docker*" },
	{ "container", NULL, "*/containers/*" },
	{ "container", NULL, "*/containerd*" },
	{ "container", NULL, "*/overlay2*" },
	{ "log", "*.log", NULL },
	{ "log", "*.log.*", NULL },
	{ "log", "*.log-*", NULL },
	{ "log", "*.journal", NULL },
	{ "log", NULL, "*/log/*" },
	{ "log", NULL, "*/logs/*" },
	{ "log", NULL, "*/log" },
	{ "log", NULL, "*/logs" },
	{ "database", "*.ibd", NULL },
	{ "database", "ibdata*", NULL },
	{ "database", "ib_logfile*", NULL },
	{ "database", "*.rdb", NULL },
	{ "database", "*.aof", NULL },
	{ "database", "*.db", NULL },
	{ "database", "*.sqlite*", NULL },
	{ "database", NULL, "*/postgres*" },
	{ "database", NULL, "*/pg_wal*" },
	{ "database", NULL, "*/pgdata*" },
	{ "database", NULL, "*/mysql*" },
	{ "database", NULL, "*/mariadb*" },
	{ "database", NULL, "*/redis*" },
	{ "database", NULL, "*/mongo*" },
};

struct seen {
	uint64_t bytes;
	char path[FS_WALK_PATH];
};

struct memory {
	usec_t at_us; /* 0: never */
	size_t count;
	struct seen all[REMEMBERED];
};

struct state {
	struct ground_asking ground;
	struct fs_call *call;
	char mount[256];
	double used_bytes; /* of the file system */
	bool is_blind;     /* folders that are closed to us may hold more than the largest we see */
};

/* --- what it is --- */

static void
lower(char *out, size_t size, const char *text)
{
	str_copy(out, size, text);
	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
}

static const char *
kind_of(const char *mount, const struct fs_du_row *row)
{
	char whole[sizeof(row->path) + 260], path[sizeof(whole)], file[sizeof(row->biggest)];

	snprintf(whole, sizeof(whole), "%s/%s", str_eq(mount, "/") ? "" : mount, row->path);
	if (row->path[0] == '\0')
		whole[strlen(whole) - 1] = '\0';
	lower(path, sizeof(path), whole);
	lower(file, sizeof(file), row->biggest);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((kinds[i].file == NULL || str_matches_glob(file, kinds[i].file)) &&
			(kinds[i].part == NULL || str_matches_glob(path, kinds[i].part)))
			return kinds[i].kind;
	return "";
}

static void
full_name(const char *mount, const char *path, char *out, size_t size)
{
	if (path[0] == '\0')
		str_copy(out, size, mount);
	else
		snprintf(out, size, "%s/%s", str_eq(mount, "/") ? "" : mount, path);
}

/* --- growth --- */

/* Bytes a second; NAN: not known.  A folder that is new has grown from nothing. */
static double
growth_of(const struct memory *before, const struct fs_du_row *row, usec_t now_us)
{
	usec_t span_us = now_us - before->at_us;
	uint64_t was = 0;

	if (before->at_us == 0 || span_us < SPAN_MIN_US)
		return NAN;
	for (size_t i = 0; i < before->count; i++)
		if (str_eq(before->all[i].path, row->path))
			was = before->all[i].bytes;
	if (was == 0 && before->count == REMEMBERED)
		return NAN; /* it may have been too small to be remembered */
	return ((double)row->bytes - (double)was) * (double)USEC_PER_SEC / (double)span_us;
}

static void
remember(struct memory *memory, const struct fs_du_row *rows, size_t count, usec_t now_us)
{
	if (memory->at_us != 0 && now_us - memory->at_us < SPAN_MIN_US)
		return;
	memory->at_us = now_us;
	memory->count = count < REMEMBERED ? count : REMEMBERED;
	for (size_t i = 0; i < memory->count; i++) {
		memory->all[i].bytes = rows[i].bytes;
		str_copy(memory->all[i].path, sizeof(memory->all[i].path), rows[i].path);
	}
}

/* --- the answer --- */

static void
say_row(struct fact_run *run, const struct fs_du_row *row, double growth)
{
	const struct state *state = fact_state(run);
	usec_t age_us = loop_wall(fact_env(run)->loop) - (usec_t)row->newest_us;
	char name[512], bytes[32], rate[48] = "", more[32], big[32], file[128] = "", age[32];

	full_name(state->mount, row->path, name, sizeof(name));
	metric_format((double)row->bytes, UNIT_BYTES, bytes, sizeof(bytes));
	if (fabs(growth) >= 1) { /* NAN is not */
		metric_format(fabs(growth), UNIT_BYTES_PER_SECOND, more, sizeof(more));
		snprintf(rate, sizeof(rate), ", %s%s", growth > 0 ? "+" : "-", more);
	}
	if (row->biggest[0] != '\0') {
		metric_format((double)row->biggest_bytes, UNIT_BYTES, big, sizeof(big));
		snprintf(file, sizeof(file), "; largest file %s, %s", row->biggest, big);
	}
	clock_format_duration(age_us > 0 ? age_us : 0, age, sizeof(age));
	fact_line(run, "%s %s%s%s; last written %s ago", bytes, name, rate, file, age);
}

static void
say_largest(struct fact_run *run, const struct fs_du_row *rows, size_t count)
{
	const struct state *state = fact_state(run);
	char name[512];

	full_name(state->mount, rows[0].path, name, sizeof(name));
	fact_text(run, KEY_FIRST, "%s", name);
	fact_number(run, KEY_FIRST_BYTES, (double)rows[0].bytes);
	fact_text(run, KEY_FIRST_FILE, "%s", rows[0].biggest);
	if (count < 2)
		return;
	full_name(state->mount, rows[1].path, name, sizeof(name));
	fact_text(run, KEY_SECOND, "%s", name);
}

static void
say_denied(struct fact_run *run, const struct fs_walk_head *head)
{
	const struct state *state = fact_state(run);
	double unseen = state->used_bytes - (double)head->bytes;
	char bytes[32];

	if (head->denied == 0)
		return;
	metric_format(unseen > 0 ? unseen : 0, UNIT_BYTES, bytes, sizeof(bytes));
	fact_line(run,
		"%u folders are closed to this daemon and may hold up to %s, which is missing here "
		"(CAP_DAC_READ_SEARCH)",
		head->denied, bytes);
}

static void
say_rows(struct fact_run *run, const struct fs_du_row *rows, size_t count)
{
	const struct state *state = fact_state(run);
	const struct memory *memory = fact_memory(run, sizeof(*memory));
	usec_t now_us = loop_now(fact_env(run)->loop);
	const struct fs_du_row *growing = NULL;
	double most = 0, first;
	char name[512];

	for (size_t i = 0; i < count; i++) {
		double growth = growth_of(memory, &rows[i], now_us);

		if (i < SHOWN)
			say_row(run, &rows[i], growth);
		if (growth > most) { /* NAN is not */
			growing = &rows[i];
			most = growth;
		}
	}
	first = growth_of(memory, &rows[0], now_us);
	if (!state->is_blind)
		say_largest(run, rows, count);
	if (growing != NULL) {
		full_name(state->mount, growing->path, name, sizeof(name));
		fact_text(run, KEY_GROWING, "%s", name);
		fact_number(run, KEY_GROWTH, most);
	}
	if (growing != NULL || !state->is_blind)
		fact_text(run, KEY_KIND, "%s",
			kind_of(state->mount, growing != NULL ? growing : &rows[0]));
	if (isnan(first))
		fact_line(run, "how fast they grow is not known yet");
}

static void
on_walk(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	struct fs_walk_head head;
	struct fs_du_row *rows;
	size_t count;

	state->call = NULL;
	if (r->status != FS_OK || r->data_len < sizeof(head)) {
		fact_missed(run, "%s: %s", state->mount,
			r->status == FS_FAILED ? strerror(r->error)
					       : "the file system does not answer");
		return;
	}
	memcpy(&head, r->data, sizeof(head));
	count = (r->data_len - sizeof(head)) / sizeof(*rows);
	if (count == 0) {
		fact_none(run, "there is no file on %s that this daemon may see", state->mount);
		return;
	}
	rows = xcalloc(count, sizeof(*rows));
	memcpy(rows, r->data + sizeof(head), count * sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		rows[i].path[sizeof(rows[i].path) - 1] = '\0';
		rows[i].biggest[sizeof(rows[i].biggest) - 1] = '\0';
	}
	state->is_blind =
		head.denied > 0 && state->used_bytes - (double)head.bytes > (double)rows[0].bytes;
	say_rows(run, rows, count);
	if (head.is_cut)
		fact_line(run, "not everything was looked at: %llu entries in the time there was",
			(unsigned long long)head.entries);
	else
		remember(fact_memory(run, sizeof(struct memory)), rows, count,
			loop_now(fact_env(run)->loop));
	say_denied(run, &head);
	free(rows);
	fact_had(run);
}

static void
on_ground(struct fact_run *run, const struct ground *ground, const char *why)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	char full[FS_PATH_MAX];
	const struct fs_request request = {
		.op = FS_DU, .path = full, .root = env->host_root, .offset = WALK_MS
	};

	if (ground == NULL) {
		fact_missed(run, "%s", why);
		return;
	}
	str_copy(state->mount, sizeof(state->mount), ground->mount);
	state->used_bytes = (double)(ground->room.blocks - ground->room.blocks_free) *
			    (double)ground->room.block_size;
	ground_path(env, state->mount, full, sizeof(full));
	state->call = fs_call_start(env->fs, &request, fact_time_left(run), on_walk, run);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	ground_start(&state->ground, run, on_ground);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	ground_cancel(&state->ground);
	fs_call_cancel(state->call);
	state->call = NULL;
}

const struct fact_type fact_type_big_dirs = {
	.name = "big-dirs",
	.summary = "The folders that hold most of the file system that the check stands on, and "
		   "which of them grows.",
	.rights = "CAP_DAC_READ_SEARCH to look into other users' folders",
	.keys = keys,
	.run_size = sizeof(struct state),
	.timeout_us = 3 * USEC_PER_SEC,
	.is_near = true,
	.start = start,
	.stop = stop,
};
