/*
 * Who holds the write lock of an SQLite file, how large its write-ahead log has grown, and how many
 * processes have it open.  Looked at by the helper process of the sqlite probe; nothing is locked.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/child.h"
#include "io/fs.h"
#include "probes/facts/fact.h"
#include "probes/sqlite_look.h"

enum {
	KEY_PID,
	KEY_COMM,
	KEY_HELD,
	KEY_WAL,
	KEY_SIZE,
	KEY_OPENERS,
	KEY_WRITABLE,
	KEY_UID,
	KEY_JOURNAL,
};

static const struct metric_desc keys[] = {
	{ "pid", METRIC_GAUGE, UNIT_NONE, "Who holds the write lock." },
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "Its name." },
	{ "held", METRIC_FLAG, UNIT_BOOL, "Somebody holds the write lock now." },
	{ "wal_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the write-ahead log; WAL mode only." },
	{ "size_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the file." },
	{ "openers", METRIC_GAUGE, UNIT_NONE,
		"Processes that have the file open, as far as we see." },
	{ "writable", METRIC_FLAG, UNIT_BOOL, "File and folder can be written by `uid`." },
	{ "uid", METRIC_GAUGE, UNIT_NONE,
		"Whose rights count: `writable_by`, or the file's owner." },
	{ "journal_left", METRIC_FLAG, UNIT_BOOL, "A crash left a journal to be rolled back." },
	{ .name = NULL },
};

struct look {
	struct child *child;
};

static const struct {
	int key;
	const char *name;
} numbers[] = {
	{ KEY_PID, "holder" },
	{ KEY_HELD, "busy" },
	{ KEY_WAL, "wal" },
	{ KEY_SIZE, "size" },
	{ KEY_OPENERS, "openers" },
	{ KEY_WRITABLE, "writable" },
	{ KEY_UID, "uid" },
	{ KEY_JOURNAL, "journal_left" },
};

static void
tell_numbers(struct fact_run *run, const json_t *found)
{
	bool is_held = json_is_true(json_object_get(found, "busy"));

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const json_t *value = json_object_get(found, numbers[i].name);

		if (numbers[i].key == KEY_WRITABLE && is_held)
			continue; /* to nobody now: of rights it says nothing */
		if (json_is_boolean(value))
			fact_number(run, numbers[i].key, json_is_true(value));
		else if (json_is_number(value))
			fact_number(run, numbers[i].key, json_number_value(value));
	}
}

static void
tell_lines(struct fact_run *run, const json_t *found)
{
	const json_t *wal = json_object_get(found, "wal");
	const json_t *openers = json_object_get(found, "openers");
	const char *name = json_string_value(json_object_get(found, "holder_name"));
	const char *text = json_string_value(json_object_get(found, "text"));
	char size[32];

	if (name != NULL) {
		fact_text(run, KEY_COMM, "%s", name);
		fact_line(run, "the write lock is held by pid %lld (%s)",
			(long long)json_integer_value(json_object_get(found, "holder")), name);
	} else if (json_is_true(json_object_get(found, "busy"))) {
		fact_line(run, "the write lock is held by a process that we cannot see");
	} else if (json_is_false(json_object_get(found, "busy"))) {
		fact_line(run, "nobody holds the write lock now");
	}
	if (json_is_integer(wal)) {
		metric_format(json_number_value(wal), UNIT_BYTES, size, sizeof(size));
		fact_line(run, "write-ahead log: %s", size);
	}
	if (json_is_integer(openers))
		fact_line(run, "open in %lld processes that we see",
			(long long)json_integer_value(openers));
	if (text != NULL)
		fact_line(run, "%s", text);
}

static void
on_look(void *arg, const struct child_result *r)
{
	struct fact_run *run = arg;
	struct look *state = fact_state(run);
	json_t *found = NULL;

	state->child = NULL;
	if (r->end == CHILD_EXITED && r->status == 0)
		found = json_loadb(r->out, r->out_len, 0, NULL);
	if (found == NULL) {
		fact_missed(run, "the helper that looks at the file: %s", r->reason);
		return;
	}
	tell_numbers(run, found);
	tell_lines(run, found);
	json_decref(found);
	fact_had(run);
}

static void
start(struct fact_run *run)
{
	const struct subject *subject = fact_subject(run);
	const char *root = fact_env(run)->host_root;
	struct look *state = fact_state(run);
	const char *argv[LOOK_WORDS + 1] = {
		"triaged",
		SQLITE_LOOK_ARG,
		[LOOK_ROOT] = root != NULL ? root : "/",
		[LOOK_PATH] = subject->path,
		[LOOK_USER] = subject->user != NULL ? subject->user : "",
		[LOOK_BUSY_MS] = "0",
		[LOOK_INTEGRITY] = "off",
		[LOOK_INTEGRITY_MS] = "0",
		[LOOK_LOCK] = "no",
		[LOOK_OPENERS] = "yes",
	};

	if (subject->path == NULL) {
		fact_none(run, "no file is known");
		return;
	}
	state->child = child_start(fact_env(run)->loop,
		&(struct child_options){
			.argv = argv, .is_self = true, .timeout_us = fact_time_left(run) },
		on_look, run);
}

static void
stop(struct fact_run *run)
{
	struct look *state = fact_state(run);

	child_cancel(state->child);
	state->child = NULL;
}

static const char *const types[] = { "sqlite", NULL };

const struct fact_type fact_type_sqlite_lock = {
	.name = "sqlite-lock",
	.summary = "Who holds the write lock of an SQLite file, and who has it open.",
	.rights = "Reading the file; CAP_SYS_PTRACE to see who of other users has it open.",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct look),
	.start = start,
	.stop = stop,
};
