/*
 * The last lines of whoever the check is about, and what they are about.  From the first of these
 * places that has any:
 *
 *	the log check's own file -> the server's log file -> the unit's journal ->
 *		the container's log
 *
 * Of a file it is told, too, whether its writer still holds another one: deleted, or renamed by a
 * rotation that it was not told of.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "io/fs_walk.h"
#include "io/journal.h"
#include "io/loop.h"
#include "io/offload.h"
#include "probes/container_state.h"
#include "probes/docker_client.h"
#include "probes/facts/fact.h"
#include "probes/facts/ground.h"
#include "probes/facts/log_class.h"
#include "probes/host_file.h"
#include "probes/log_conf.h"

#define LINES_MAX  20
#define SHOWN      12
#define TAIL_BYTES 16384
#define WALK_MS    800

enum key {
	KEY_LINES,
	KEY_LAST,
	KEY_LAST_AGE,
	KEY_CLASS,
	KEY_MATCH,
	KEY_SOURCE,
	KEY_DELETED,
	KEY_HOLDER,
	KEY_HOLDER_PID,
	KEY_UNSEEN,
};

static const struct metric_desc keys[] = {
	{ "lines", METRIC_GAUGE, UNIT_NONE, "Lines that were read, 20 at most." },
	{ "last", METRIC_GAUGE, UNIT_TEXT, "The last one." },
	{ "last_age", METRIC_GAUGE, UNIT_SECONDS, "How long ago it was written." },
	{ "class", METRIC_GAUGE, UNIT_TEXT,
		"What they are about: \"port-in-use\", \"db-connect\", \"db-auth\", "
		"\"redis-ping\", \"redis-url\", \"session-secret\", \"permission\", "
		"\"package-missing\", \"oom\", \"config\", \"disk-full\", "
		"\"too-many-connections\", \"migration\", \"panic\"; \"\": none of these." },
	{ "match", METRIC_GAUGE, UNIT_TEXT, "The line that told it." },
	{ "source", METRIC_GAUGE, UNIT_TEXT, "Where they are from." },
	{ "deleted_inode", METRIC_FLAG, UNIT_BOOL,
		"The writer holds a file that was deleted or renamed, and not this one." },
	{ "holder", METRIC_GAUGE, UNIT_TEXT, "The program that does." },
	{ "holder_pid", METRIC_GAUGE, UNIT_NONE, "The number of that process." },
	{ "unseen", METRIC_GAUGE, UNIT_TEXT,
		"What this daemon lacks to see which file the writer holds; unknown: nothing." },
	{ .name = NULL },
};

enum source { SOURCE_OWN_FILE, SOURCE_FILE, SOURCE_JOURNAL, SOURCE_CONTAINER, SOURCES };

struct state {
	enum source at;
	struct fs_call *call;
	struct offload_job *job;
	struct docker_call *docker;
	char path[FS_PATH_MAX]; /* as the host sees it */
	uint64_t dev, ino;
	char trouble[200]; /* of the first place that would not tell */
};

static void try_source(struct fact_run *run);

/* The place has nothing to say: the next one. */
static void
try_next(struct fact_run *run, const char *source, const char *why)
{
	struct state *state = fact_state(run);

	if (state->trouble[0] == '\0')
		snprintf(state->trouble, sizeof(state->trouble), "%.90s: %.90s", source, why);
	state->at++;
	try_source(run);
}

/* --- lines --- */

/* Splits in place; the last LINES_MAX that are not empty. */
static size_t
split(char *text, const char *lines[LINES_MAX])
{
	size_t count = 0;

	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (line[0] == '\0')
			continue;
		if (count == LINES_MAX)
			memmove(lines, lines + 1, (LINES_MAX - 1) * sizeof(lines[0]));
		lines[count == LINES_MAX ? LINES_MAX - 1 : count++] = line;
	}
	return count;
}

static void
say_lines(struct fact_run *run, const char *source, char *text, usec_t age_us)
{
	const char *lines[LINES_MAX], *class;
	size_t count = split(text, lines), which = 0;
	char age[32];

	fact_text(run, KEY_SOURCE, "%s", source);
	fact_number(run, KEY_LINES, (double)count);
	if (age_us >= 0) {
		fact_number(run, KEY_LAST_AGE, (double)age_us / USEC_PER_SEC);
		clock_format_duration(age_us, age, sizeof(age));
		fact_line(run, "%s, last written %s ago", source, age);
	} else {
		fact_line(run, "%s", source);
	}
	if (count == 0)
		return;
	class = log_class_find(lines, count, &which);
	fact_text(run, KEY_LAST, "%s", lines[count - 1]);
	fact_text(run, KEY_CLASS, "%s", class);
	if (class[0] != '\0') {
		fact_text(run, KEY_MATCH, "%s", lines[which]);
		if (count > SHOWN && which < count - SHOWN)
			fact_line(run, "%s", lines[which]);
	}
	for (size_t i = count > SHOWN ? count - SHOWN : 0; i < count; i++)
		fact_line(run, "%s", lines[i]);
}

/* --- a file --- */

/* A writer has the file itself, or one that went by its name. */
static void
on_holders(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	struct fs_walk_head head = { .count = 0 };
	struct fs_open_row row, other = { .pid = 0 };
	bool has_this = false;

	state->call = NULL;
	if (r->status == FS_OK && r->data_len >= sizeof(head))
		memcpy(&head, r->data, sizeof(head));
	for (uint32_t i = 0; i < head.count; i++) {
		size_t at = sizeof(head) + i * sizeof(row);

		if (at + sizeof(row) > r->data_len)
			break;
		memcpy(&row, r->data + at, sizeof(row));
		row.path[sizeof(row.path) - 1] = row.comm[sizeof(row.comm) - 1] = '\0';
		if (!row.is_writer)
			continue;
		if (row.dev == state->dev && row.ino == state->ino)
			has_this = true;
		else
			other = row;
	}
	if (!has_this && other.pid == 0 && head.denied > 0) {
		fact_text(run, KEY_UNSEEN, "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH");
		fact_line(run, "which file its writer holds is not shown to this daemon "
			       "(CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH are missing)");
	}
	if (has_this || other.pid > 0)
		fact_number(run, KEY_DELETED, !has_this);
	if (!has_this && other.pid > 0) {
		fact_text(run, KEY_HOLDER, "%s", other.comm);
		fact_number(run, KEY_HOLDER_PID, other.pid);
		fact_line(run, "%s (pid %u) writes to %s%s, not to this file", other.comm,
			other.pid, other.path, other.is_deleted ? ", which was deleted" : "");
	}
	fact_had(run);
}

static void
ask_holders(struct fact_run *run)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	char proc[HOST_PATH_MAX];
	const struct fs_request request = {
		.op = FS_OPEN_FILES, .path = proc, .arg = state->path, .length = WALK_MS
	};

	host_path(env, "proc", proc);
	state->call = fs_call_start(env->fs, &request, fact_time_left(run), on_holders, run);
}

static void
on_bytes(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	usec_t age_us = loop_wall(fact_env(run)->loop) - (usec_t)r->mtime_us;
	char *text;

	state->call = NULL;
	if (r->status != FS_OK) {
		try_next(run, state->path, r->error != 0 ? strerror(r->error) : "no answer");
		return;
	}
	text = xstrndup(r->data, r->data_len);
	/* the piece may begin within a line */
	if (r->size > TAIL_BYTES && strchr(text, '\n') != NULL)
		memmove(text, strchr(text, '\n') + 1, strlen(strchr(text, '\n') + 1) + 1);
	say_lines(run, state->path, text, age_us > 0 ? age_us : 0);
	free(text);
	ask_holders(run);
}

static void
ask_file(struct fact_run *run, enum fs_op op, uint64_t offset, fs_fn fn)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	char full[FS_PATH_MAX];
	const struct fs_request request = {
		.op = op,
		.path = full,
		.root = env->host_root,
		.offset = offset,
		.length = TAIL_BYTES,
	};

	ground_path(env, state->path, full, sizeof(full));
	state->call = fs_call_start(env->fs, &request, fact_time_left(run) / 2, fn, run);
}

static void
on_stat(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	char words[VEIL_WORDS_MAX];

	state->call = NULL;
	veil_words(&r->veil, words, sizeof(words));
	if (r->veil.kind != VEIL_NONE) {
		try_next(run, state->path, words);
		return;
	}
	if (r->status != FS_OK) {
		try_next(run, state->path,
			r->error == EACCES ? "permission denied (group adm?)"
			: r->error != 0    ? strerror(r->error)
					   : "no answer");
		return;
	}
	state->dev = r->dev;
	state->ino = r->ino;
	ask_file(run, FS_READ, r->size > TAIL_BYTES ? r->size - TAIL_BYTES : 0, on_bytes);
}

/* --- a journal --- */

struct job {
	struct fact_run *run;
	char *folder, *unit;
	struct journal_piece piece;
	struct err err;
	bool is_failed;
};

static void
drop(void *arg)
{
	struct job *job = arg;

	journal_piece_fini(&job->piece);
	free(job->folder);
	free(job->unit);
	free(job);
}

static void
read_journal(void *arg)
{
	struct job *job = arg;
	const struct journal_ask ask = { .folder = job->folder,
		.unit = job->unit,
		.entries_max = LINES_MAX,
		.bytes_max = TAIL_BYTES };

	job->is_failed = journal_read_last(&ask, 0, &job->piece, &job->err) < 0;
}

static void
on_journal(void *arg)
{
	struct job *job = arg;
	struct fact_run *run = job->run;
	struct state *state = fact_state(run);
	char source[160], *text;
	usec_t age_us = loop_wall(fact_env(run)->loop) - job->piece.last_us;

	state->job = NULL;
	snprintf(source, sizeof(source), "journal of %s", job->unit);
	if (job->is_failed || buf_left(&job->piece.lines) == 0) {
		try_next(run, source, job->is_failed ? job->err.text : "it is empty");
	} else {
		text = xstrdup(buf_text(&job->piece.lines));
		say_lines(run, source, text, age_us > 0 ? age_us : 0);
		free(text);
		fact_had(run);
	}
	drop(job);
}

static void
ask_journal(struct fact_run *run, const char *unit)
{
	struct state *state = fact_state(run);
	const struct check_spec *check = fact_check(run);
	const struct io_env *env = fact_env(run);
	const struct log_conf *conf = str_eq(check->type, "log") ? check->conf : NULL;
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->unit = strchr(unit, '.') != NULL ? xstrdup(unit) : xasprintf("%s.service", unit);
	if (conf != NULL && conf->journal_folder != NULL)
		job->folder = xstrdup(conf->journal_folder);
	else if (env->host_root != NULL && !str_eq(env->host_root, "/"))
		job->folder = xasprintf("%s/var/log/journal", env->host_root);
	state->job = offload_start(env->offload, read_journal, on_journal, job);
}

/* --- a container --- */

/*
 * Without a terminal the stream is in frames: a byte for the stream, three of nothing, four of
 * length.  The heads are taken out.
 */
static char *
unframe(const char *body, size_t len)
{
	struct buf text;

	buf_init(&text, TAIL_BYTES * 4);
	while (len > 0) {
		const unsigned char *head = (const unsigned char *)body;
		size_t size;

		if (len < 8 || head[0] > 2 || head[1] != 0 || head[2] != 0 || head[3] != 0) {
			buf_add(&text, body, len);
			break;
		}
		size = (size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 |
		       head[7];
		if (size > len - 8)
			size = len - 8;
		buf_add(&text, body + 8, size);
		body += 8 + size;
		len -= 8 + size;
	}
	return buf_take_text(&text);
}

static void
on_container(void *arg, const struct docker_reply *reply)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	char source[160], *text;

	state->docker = NULL;
	snprintf(source, sizeof(source), "container %s", fact_subject(run)->container);
	if (reply->status != 200 || reply->body == NULL || reply->body_len == 0) {
		try_next(run, source, reply->text[0] != '\0' ? reply->text : "it wrote nothing");
		return;
	}
	text = unframe(reply->body, reply->body_len);
	say_lines(run, source, text, -1);
	free(text);
	fact_had(run);
}

static void
ask_container(struct fact_run *run, const char *name)
{
	struct state *state = fact_state(run);
	const struct check_spec *check = fact_check(run);
	struct docker_places places;
	struct buf path;

	if (str_eq(check->type, "container"))
		places = *container_places(check->conf);
	else
		docker_places_parse(&places, NULL, NULL);
	buf_init(&path, 1024);
	buf_add_text(&path, "/containers/");
	docker_add_value(&path, name);
	buf_add_text(&path, "/logs?stdout=1&stderr=1&tail=20");
	state->docker = docker_get(fact_env(run), &places, buf_text(&path),
		fact_time_left(run) * 3 / 4, on_container, run);
	buf_fini(&path);
}

/* --- in turn --- */

/* True: it is being asked. */
static bool
ask_source(struct fact_run *run, enum source source)
{
	const struct subject *s = fact_subject(run);
	struct state *state = fact_state(run);
	const char *path = NULL;

	if (source == SOURCE_OWN_FILE && str_eq(fact_check(run)->type, "log"))
		path = s->path;
	if (source == SOURCE_FILE)
		path = s->log_path;
	if (path != NULL && path[0] == '/') {
		str_copy(state->path, sizeof(state->path), path);
		ask_file(run, FS_STAT, 0, on_stat);
		return true;
	}
	if (source == SOURCE_JOURNAL && s->unit != NULL) {
		ask_journal(run, s->unit);
		return true;
	}
	if (source == SOURCE_CONTAINER && s->container != NULL) {
		ask_container(run, s->container);
		return true;
	}
	return false;
}

static void
try_source(struct fact_run *run)
{
	struct state *state = fact_state(run);

	for (; state->at < SOURCES; state->at++)
		if (ask_source(run, state->at))
			return;
	if (state->trouble[0] != '\0')
		fact_missed(run, "%s", state->trouble);
	else
		fact_none(run, "no log of it is known: no file, no unit, no container");
}

static void
start(struct fact_run *run)
{
	try_source(run);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	fs_call_cancel(state->call);
	docker_call_cancel(state->docker);
	if (state->job != NULL)
		offload_cancel(state->job, drop);
	state->call = NULL;
	state->docker = NULL;
	state->job = NULL;
}

const struct fact_type fact_type_log_tail = {
	.name = "log-tail",
	.summary = "The last lines of the log of whoever the check is about, and what they say.",
	.rights = "to read the log (group adm), the journal (group systemd-journal) or the Docker "
		  "socket",
	.keys = keys,
	.run_size = sizeof(struct state),
	.fresh_us = 5 * USEC_PER_SEC,
	.start = start,
	.stop = stop,
};
