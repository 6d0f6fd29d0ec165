/*
 * SQLite: does the file open, is it whole, can it be written, who holds its lock.  The file is
 * never touched by this process: a helper of our own program looks at it (probes/sqlite_look.c) and
 * answers in JSON.
 *
 *	stat, by the file-system helper (a hung mount ends it here) -> look -> verdict
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/dsn.h"
#include "io/child.h"
#include "io/fs.h"
#include "io/loop.h"
#include "probes/probe.h"
#include "probes/sqlite_look.h"

#define BUSY_MAX_US (60 * (usec_t)USEC_PER_SEC)
#define BUSY_US     (5 * (usec_t)USEC_PER_SEC)
#define LATE_US     (10 * (usec_t)USEC_PER_SEC) /* the run's own deadline comes before */

enum integrity { INTEGRITY_OFF, INTEGRITY_QUICK, INTEGRITY_FULL };

static const char *const integrities[] = { "off", "quick", "full", NULL };

struct sqlite_conf {
	char *path, *folder, *writable_by;
	int integrity;
	usec_t integrity_us, busy_us; /* busy: 0 when not set */
	bool tries_lock;
	/* made by check */
	char file[FS_PATH_MAX]; /* absolute; "" when it is not known */
};

#define ROW struct sqlite_conf

static const struct conf_field fields[] = {
	{ .name = "path",
		DSN_AT(ROW, path, DSN_SQLITE),
		.flags = CONF_REQUIRED,
		.doc = "The file, as applications write it: `/data/app.db?_busy_timeout=30000`, "
		       "`file:/data/app.db`, `sqlite:///data/app.db`.",
		.example = "/data/one-api.db?_busy_timeout=30000" },
	{ .name = "folder",
		PATH_AT(ROW, folder),
		.doc = "What a relative `path` is relative to: the application's working folder." },
	{ .name = "writable_by",
		STRING_AT(ROW, writable_by),
		.doc = "User (name or number) who must be able to write file and folder. Default: "
		       "the file's owner. Run as root, the daemon looks with that user's rights.",
		.example = "\"1000\"" },
	{ .name = "integrity",
		ENUM_AT(ROW, integrity, integrities),
		.dflt = "quick",
		.doc = "`PRAGMA quick_check`, the thorough `integrity_check`, or none. It reads "
		       "the "
		       "whole file (about 2 ms for each MB that is cached) and takes half of the "
		       "timeout at most." },
	{ .name = "integrity_interval",
		DURATION_AT(ROW, integrity_us),
		.dflt = "1h",
		.min = "0s",
		.doc = "How often, because it is heavy; between, the last result stands. A damaged "
		       "file is looked at each time." },
	{ .name = "busy_timeout",
		DURATION_AT(ROW, busy_us),
		.max = "60s",
		.doc = "How long a write may have to wait for its lock until the file counts as "
		       "locked. Default: `_busy_timeout` of `path`, else 5 s; a third of the "
		       "check's "
		       "timeout at most." },
	{ .name = "lock_test",
		BOOL_AT(ROW, tries_lock),
		.dflt = "false",
		.doc = "Takes the write lock for a moment (`BEGIN IMMEDIATE; ROLLBACK`); nothing "
		       "is written, but a writer without a busy timeout could meet it. Without "
		       "it, it is only seen whether somebody else holds the lock." },
	{ .type = CONF_END },
};

enum metric {
	METRIC_OPENS = 1,
	METRIC_INTEGRITY,
	METRIC_WRITABLE,
	METRIC_BUSY,
	METRIC_BUSY_TIME,
	METRIC_BUSY_TIMEOUT,
	METRIC_WAL,
	METRIC_SIZE,
	METRIC_FREE,
	METRIC_LOCK_TIME,
	METRIC_INTEGRITY_TIME,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "opens", METRIC_FLAG, UNIT_NONE, "The file is a database and can be read." },
	{ "integrity", METRIC_FLAG, UNIT_NONE, "The last check of its structure found nothing." },
	{ "writable", METRIC_FLAG, UNIT_NONE, "File and folder can be written." },
	{ "busy", METRIC_FLAG, UNIT_NONE, "Somebody held the write lock at that moment." },
	{ "busy_time", METRIC_GAUGE, UNIT_SECONDS,
		"How long one process has been seen to hold the write lock, run after run." },
	{ "busy_timeout", METRIC_GAUGE, UNIT_SECONDS,
		"How long writers wait for it: `busy_timeout`, or that of `path`." },
	{ "wal_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the write-ahead log; WAL mode only." },
	{ "size_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the file." },
	{ "free_bytes", METRIC_GAUGE, UNIT_BYTES, "Pages in it that hold nothing (`VACUUM`)." },
	{ "lock_time", METRIC_MOMENT, UNIT_SECONDS, "Time to get the write lock." },
	{ "integrity_time", METRIC_MOMENT, UNIT_SECONDS, "Time of the check of its structure." },
	{ .name = NULL },
};

struct sqlite_memory {
	usec_t checked_us; /* 0: never */
	bool is_checked, is_whole;
	json_int_t holder; /* of the write lock; 0: nobody */
	usec_t holder_since_us;
};

struct sqlite_run {
	struct fs_call *call;
	struct child *child;
};

static const char *
root_of(struct probe_run *run)
{
	const char *root = probe_env(run)->host_root;

	return root != NULL ? root : "/";
}

static usec_t
now_us(struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

static usec_t
busy_us(const struct sqlite_conf *conf)
{
	struct dsn dsn;
	const char *text;
	usec_t us = BUSY_US;

	if (conf->busy_us > 0)
		return conf->busy_us;
	if (dsn_parse(&dsn, DSN_SQLITE, conf->path, NULL) < 0)
		return us;
	text = dsn_param(&dsn, "_busy_timeout");
	if (text == NULL)
		text = dsn_param(&dsn, "_timeout");
	if (text != NULL && atoi(text) > 0)
		us = (usec_t)atoi(text) * 1000;
	dsn_fini(&dsn);
	return us < BUSY_MAX_US ? us : BUSY_MAX_US;
}

/* --- what the helper found --- */

static void
tell_number(struct probe_run *run, const json_t *found, const char *name, int metric, double scale)
{
	const json_t *value = json_object_get(found, name);

	if (json_is_boolean(value))
		probe_value(run, metric, json_is_true(value));
	else if (json_is_number(value))
		probe_value(run, metric, json_number_value(value) * scale);
}

static void
tell_holder(struct probe_run *run, const json_t *found)
{
	struct sqlite_memory *m = probe_memory(run, sizeof(*m));
	json_int_t pid = json_integer_value(json_object_get(found, "holder"));
	const char *name = json_string_value(json_object_get(found, "holder_name"));
	char since[32];

	if (pid != m->holder) {
		m->holder = pid;
		m->holder_since_us = now_us(run);
	}
	if (json_is_false(json_object_get(found, "busy")))
		probe_value(run, METRIC_BUSY_TIME, 0);
	if (pid == 0)
		return;
	probe_value(
		run, METRIC_BUSY_TIME, (double)(now_us(run) - m->holder_since_us) / USEC_PER_SEC);
	clock_format_duration(now_us(run) - m->holder_since_us, since, sizeof(since));
	probe_fact(run, "write lock", "held by pid %lld (%s), seen for %s", (long long)pid,
		name != NULL ? name : "?", since);
}

static void
tell_integrity(struct probe_run *run, const json_t *found)
{
	struct sqlite_memory *m = probe_memory(run, sizeof(*m));
	const json_t *whole = json_object_get(found, "integrity");

	if (json_is_boolean(whole)) {
		m->is_checked = true;
		m->is_whole = json_is_true(whole);
		m->checked_us = now_us(run);
	} else if (json_is_true(json_object_get(found, "integrity_cut"))) {
		m->checked_us = now_us(run); /* it will not be quicker at once */
		probe_fact(run, "integrity", "the check did not end in half of the timeout");
	}
	if (m->is_checked)
		probe_value(run, METRIC_INTEGRITY, m->is_whole);
}

static void
tell_all(struct probe_run *run, const json_t *found)
{
	double page = json_number_value(json_object_get(found, "page_size"));
	const struct sqlite_conf *conf = probe_conf(run);

	tell_number(run, found, "opens", METRIC_OPENS, 1);
	tell_number(run, found, "writable", METRIC_WRITABLE, 1);
	tell_number(run, found, "busy", METRIC_BUSY, 1);
	tell_number(run, found, "wal", METRIC_WAL, 1);
	tell_number(run, found, "size", METRIC_SIZE, 1);
	tell_number(run, found, "free_pages", METRIC_FREE, page);
	tell_number(run, found, "lock_ms", METRIC_LOCK_TIME, 1e-3);
	tell_number(run, found, "integrity_ms", METRIC_INTEGRITY_TIME, 1e-3);
	probe_value(run, METRIC_BUSY_TIMEOUT, (double)busy_us(conf) / USEC_PER_SEC);
	tell_holder(run, found);
	tell_integrity(run, found);
	if (json_is_true(json_object_get(found, "crash_left")))
		probe_fact(run, "journal",
			"a crash left one that the application has not rolled back: the content "
			"was "
			"not looked at");
	if (json_is_true(json_object_get(found, "unread")))
		probe_note(run, "sqlite.no-grant",
			"the last writer left a log that only who may write can go through: the "
			"content was not looked at");
	if (json_is_true(json_object_get(found, "lock_denied")))
		probe_note(run, "sqlite.no-grant",
			"our own mounts or rights forbid writing, so the write lock was not tried");
}

static void
judge(struct probe_run *run, const json_t *found)
{
	const struct sqlite_conf *conf = probe_conf(run);
	const char *cause = json_string_value(json_object_get(found, "cause"));
	const char *text = json_string_value(json_object_get(found, "text"));
	const json_t *pages = json_object_get(found, "pages");

	tell_all(run, found);
	if (cause != NULL && cause_find(cause) == NULL)
		probe_error(run, "self.local", "the helper named %s", cause);
	else if (cause != NULL && json_is_true(json_object_get(found, "ours")))
		probe_error(run, cause, "%s", text);
	else if (cause != NULL)
		probe_fail(run, cause, "%s", text);
	else if (pages != NULL)
		probe_ok(run, "%s opens, %lld pages", conf->file,
			(long long)json_integer_value(pages));
	else
		probe_ok(run, "%s is there", conf->file);
}

static void
on_look(void *arg, const struct child_result *r)
{
	struct probe_run *run = arg;
	struct sqlite_run *state = probe_state(run);
	json_t *found = NULL;

	state->child = NULL;
	if (r->end == CHILD_EXITED && r->status == 0)
		found = json_loadb(r->out, r->out_len, 0, NULL);
	if (found != NULL)
		judge(run, found);
	else
		probe_error(run, "self.local", "the helper that looks at the file: %s", r->reason);
	json_decref(found);
}

/* --- asking --- */

static bool
is_check_due(struct probe_run *run)
{
	const struct sqlite_conf *conf = probe_conf(run);
	const struct sqlite_memory *m = probe_memory(run, sizeof(*m));

	if (m->checked_us == 0 || (m->is_checked && !m->is_whole))
		return true;
	return now_us(run) - m->checked_us >= conf->integrity_us;
}

static void
look(struct probe_run *run)
{
	const struct sqlite_conf *conf = probe_conf(run);
	struct sqlite_run *state = probe_state(run);
	usec_t left = probe_time_left(run), busy = busy_us(conf);
	char busy_ms[24], integrity_ms[24];
	const char *argv[LOOK_WORDS + 1] = {
		"triaged",
		SQLITE_LOOK_ARG,
		[LOOK_ROOT] = root_of(run),
		[LOOK_PATH] = conf->file,
		[LOOK_USER] = conf->writable_by != NULL ? conf->writable_by : "",
		[LOOK_BUSY_MS] = busy_ms,
		[LOOK_INTEGRITY] = integrities[is_check_due(run) ? conf->integrity : INTEGRITY_OFF],
		[LOOK_INTEGRITY_MS] = integrity_ms,
		[LOOK_LOCK] = conf->tries_lock ? "yes" : "no",
		[LOOK_OPENERS] = "no",
	};

	snprintf(busy_ms, sizeof(busy_ms), "%lld",
		(long long)(busy < left / 3 ? busy : left / 3) / 1000);
	snprintf(integrity_ms, sizeof(integrity_ms), "%lld", (long long)left / 2000);
	state->child = child_start(probe_env(run)->loop,
		&(struct child_options){
			.argv = argv, .is_self = true, .timeout_us = left + LATE_US },
		on_look, run);
}

/* Only whether anybody answers: what is wrong, the look says better. */
static void
on_stat(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct sqlite_conf *conf = probe_conf(run);
	struct sqlite_run *state = probe_state(run);
	char since[32];

	state->call = NULL;
	if (r->status == FS_STUCK) {
		clock_format_duration(r->stuck_us, since, sizeof(since));
		probe_fail(run, "fs.hung", "the mount of %s has not answered for %s", conf->file,
			since);
	} else if (r->status == FS_BROKEN) {
		probe_error(run, "self.local", "no helper process for %s: %s", conf->file,
			strerror(r->error));
	} else {
		look(run);
	}
}

static void
start(struct probe_run *run)
{
	const struct sqlite_conf *conf = probe_conf(run);
	struct sqlite_run *state = probe_state(run);
	const char *root = root_of(run);
	char path[FS_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", str_eq(root, "/") ? "" : root, conf->file) >=
		(int)sizeof(path)) {
		probe_error(run, "self.local", "the path is too long");
		return;
	}
	state->call = fs_call_start(probe_env(run)->fs,
		&(struct fs_request){ .op = FS_STAT, .path = path }, probe_time_left(run) * 9 / 10,
		on_stat, run);
}

static void
stop(struct probe_run *run)
{
	struct sqlite_run *state = probe_state(run);

	fs_call_cancel(state->call);
	child_cancel(state->child);
	state->call = NULL;
	state->child = NULL;
}

/* Everything that the helper waits for ends before: what is left is the file system. */
static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct sqlite_conf *conf = probe_conf(run);

	snprintf(text, size, "the file system of %s does not answer", conf->file);
	return "fs.hung";
}

static void
join(struct sqlite_conf *conf, const char *file, const struct conf_pos *pos,
	struct complaints *complaints)
{
	if (snprintf(conf->file, sizeof(conf->file), "%s/%s", conf->folder, file) >=
		(int)sizeof(conf->file))
		complain(complaints, pos, "path: it is too long");
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct sqlite_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "path");
	struct dsn dsn;

	(void)setup;
	if (conf->path == NULL || dsn_parse(&dsn, DSN_SQLITE, conf->path, NULL) < 0)
		return; /* complained about already */
	if (dsn.database[0] == '/')
		str_copy(conf->file, sizeof(conf->file), dsn.database);
	else if (conf->folder != NULL)
		join(conf, dsn.database, &pos, complaints);
	else
		complain(complaints, &pos,
			"path: \"%.200s\" is relative: say to which folder, such as `folder: "
			"/data`",
			dsn.database);
	dsn_fini(&dsn);
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct sqlite_conf *conf = conf_;

	(void)instance;
	out->path = conf->file;
	out->user = conf->writable_by;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct sqlite_conf *conf = conf_;

	(void)instance;
	str_copy(out, size, conf->file);
}

static bool
takes(const char *text)
{
	return str_starts(text, "file:");
}

static const char *const schemes[] = { "sqlite", NULL };

const struct probe_type probe_type_sqlite = {
	.name = "sqlite",
	.summary = "Looks at an SQLite file: does it open, is it whole, can it be written.",
	.manual =
		"The file is opened by a helper process, read-only, and nothing is created or "
		"changed beside it: a WAL database that nobody uses is read as immutable, a "
		"journal "
		"left by a crash is left to the application. For `lock_test` the write lock is "
		"taken "
		"and given back.\n\n"
		"The path is looked up below `daemon.host_root`. Rights: reading the file, and "
		"writing it for `lock_test`; without them `sqlite.no-grant` says what is missing.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct sqlite_conf),
	.run_size = sizeof(struct sqlite_run),
	.check = check,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "path",
	.takes = takes,
};
