/*
 * Logs: a file or the journal of a unit, followed line by line.  How often which pattern appears is
 * counted; rules judge.  This file has the settings, the numbers and the life of the check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/log_conf.h"

#define ROW struct log_conf

static const struct conf_field fields[] = {
	{ .name = "path",
		PATH_AT(ROW, path),
		.doc = "The log file; below `daemon.host_root`. It is followed through rotation by "
		       "renaming, through truncation (copytruncate), and when it is removed and "
		       "comes again.",
		.example = "/var/log/app/app.log" },
	{ .name = "journal",
		STRING_AT(ROW, journal),
		.doc = "Instead of `path`: a unit whose messages in the systemd journal are read.",
		.example = "nginx.service" },
	{ .name = "patterns",
		PAIRS_AT(ROW, wanted.patterns),
		.doc = "What is counted: a name for each regular expression (POSIX extended). "
		       "Without any, `error` counts the usual spellings of errors and worse.",
		.example = "{error: ERROR, refused: \"[Cc]onnection refused\"}" },
	{ .name = "ignore",
		STRINGS_AT(ROW, wanted.ignore),
		.doc = "Lines that match one of these count for no pattern.",
		.example = "[\"GET /healthz\"]" },
	{ .name = "fail_on",
		STRINGS_AT(ROW, wanted.fail_on),
		.doc = "Names of patterns: a run that sees one of them fails with `log.matched`. "
		       "As the next run without one is good again, set `retries: 1`. For rates "
		       "write a rule instead.",
		.example = "[panic]" },
	{ .name = "continuation",
		REGEX_AT(ROW, wanted.continuation),
		.doc = "Lines that match belong to the line before (stack traces): patterns look "
		       "at "
		       "the whole, which counts once.",
		.example = "\"^[[:space:]]|^Caused by\"" },
	{ .name = "fields",
		PAIRS_AT(ROW, wanted.fields),
		.doc = "Numbers in lines: a name for each key (`response_time` finds "
		       "`response_time=1.2` and `\"response_time\": 1.2`), or for each regular "
		       "expression, whose first (...) is the number.",
		.example = "{latency: response_time, rows: \"([0-9]+) rows\"}" },
	{ .name = "field_units",
		PAIRS_AT(ROW, wanted.field_units),
		.doc = "What the numbers are: `us`, `ms`, `s` or `bytes`. Times become seconds; a "
		       "unit right behind the number (`250ms`) beats this.",
		.example = "{latency: ms}" },
	{ .name = "silent_after",
		DURATION_AT(ROW, silent_after_us),
		.min = "1s",
		.max = "30d",
		.doc = "Something is always written here: so long without a line is an alert "
		       "(`log-silent`). Default: silence is no sign of anything.",
		.example = "10m" },
	{ .name = "optional",
		BOOL_AT(ROW, is_optional),
		.dflt = "false",
		.doc = "The file may be missing." },
	{ .name = "max_read",
		SIZE_AT(ROW, max_read),
		.dflt = "8MB",
		.min = "128kB",
		.max = "256MB",
		.flags = CONF_ADVANCED,
		.doc = "As much is read in one run; of a flood beyond it the oldest part is "
		       "skipped "
		       "and counted (`skipped_bytes_total`)." },
	{ .name = "journal_folder",
		PATH_AT(ROW, journal_folder),
		.flags = CONF_ADVANCED,
		.doc = "Where the journal's files lie. Default: this host's own; with "
		       "`daemon.host_root` its `/var/log/journal`." },
	{ .type = CONF_END },
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "lines_total", METRIC_COUNTER, UNIT_NONE, "Lines read; goes on over restarts." },
	{ "bytes_total", METRIC_COUNTER, UNIT_BYTES, "Bytes read." },
	{ "matches_total", METRIC_COUNTER, UNIT_NONE, "Lines that any pattern fits." },
	{ "last_line_age", METRIC_GAUGE, UNIT_SECONDS, "Time since the last line was written." },
	{ "size_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the file." },
	{ "rotations_total", METRIC_COUNTER, UNIT_NONE,
		"Times the file was replaced, truncated or removed." },
	{ "skipped_bytes_total", METRIC_COUNTER, UNIT_BYTES,
		"Bytes that were not looked at: more than `max_read` at once." },
	{ "errors_total", METRIC_COUNTER, UNIT_NONE,
		"Lines that say by their level that they are errors or worse, whatever `patterns` "
		"there are." },
	{ "panics_total", METRIC_COUNTER, UNIT_NONE,
		"Those of them that are of the levels panic, fatal or emergency." },
	{ "silent_after_time", METRIC_GAUGE, UNIT_SECONDS, "The setting `silent_after`." },
	{ "slow_time", METRIC_GAUGE, UNIT_SECONDS,
		"What 95 of 100 values of the first field that is a time did not exceed in the "
		"last "
		"five minutes." },
	{ .name = NULL },
};

/* --- rows that the settings name --- */

struct rows {
	struct metric_desc all[LOG_ROWS + 3 * (LOG_PATTERNS_MAX + LOG_FIELDS_MAX) + 1];
	char *texts[6 * (LOG_PATTERNS_MAX + LOG_FIELDS_MAX)]; /* names and helps, to be freed */
	size_t count, text_count;
};

/* Takes both texts. */
static void
add_row(struct rows *rows, enum metric_kind kind, enum metric_unit unit, char *name, char *help)
{
	rows->all[rows->count++] = (struct metric_desc){ name, kind, unit, help };
	rows->texts[rows->text_count++] = name;
	rows->texts[rows->text_count++] = help;
}

static const struct metric_desc *
make_metrics(const struct log_rules *rules)
{
	struct rows *rows = xcalloc(1, sizeof(*rows));
	const struct metric_desc *table;

	memcpy(rows->all, metrics, LOG_ROWS * sizeof(rows->all[0]));
	rows->count = LOG_ROWS;
	for (size_t i = 0; i < rules->pattern_count; i++) {
		const char *name = rules->patterns[i].name;

		add_row(rows, METRIC_COUNTER, UNIT_NONE, xasprintf("matches_%s_total", name),
			xasprintf("Lines that the pattern %s fits.", name));
		add_row(rows, METRIC_GAUGE, UNIT_PER_SECOND, xasprintf("rate_%s", name),
			xasprintf("The same per second, since the last run."));
	}
	for (size_t i = 0; i < rules->field_count; i++) {
		const char *name = rules->fields[i].name;
		enum metric_unit unit = log_rules_is_time(&rules->fields[i]) ? UNIT_SECONDS
					: rules->fields[i].unit >= 0         ? UNIT_BYTES
									     : UNIT_NONE;

		add_row(rows, METRIC_GAUGE, unit, xasprintf("value_%s", name),
			xasprintf("Mean of the numbers %s in lines since the last run.", name));
		add_row(rows, METRIC_GAUGE, unit, xasprintf("value_%s_max", name),
			xasprintf("The highest of them."));
		add_row(rows, METRIC_GAUGE, unit, xasprintf("value_%s_p95", name),
			xasprintf("What 95 of 100 of them did not exceed in the last five "
				  "minutes."));
	}
	table = metric_intern(rows->all);
	for (size_t i = 0; i < rows->text_count; i++)
		free(rows->texts[i]);
	free(rows);
	return table;
}

static const struct metric_desc *
metrics_of(const void *conf_)
{
	const struct log_conf *conf = conf_;

	return conf->metrics != NULL ? conf->metrics : metrics;
}

/* --- settings --- */

static bool
is_unit_name(const char *text)
{
	return text[0] != '\0' && strlen(text) < 256 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789:_.\\@-")] == '\0';
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct log_conf *conf = conf_;
	struct conf_pos here = map != NULL ? map->pos : (struct conf_pos){ 0 };
	struct conf_pos unit = conf_pos_of(map, "journal");

	(void)setup;
	if ((conf->path == NULL) == (conf->journal == NULL))
		complain(complaints, &here,
			"log needs either `path: /some/file.log` or `journal: some.service`");
	if (conf->journal != NULL && !is_unit_name(conf->journal))
		complain(complaints, &unit, "journal: \"%s\" is not a unit's name", conf->journal);
	if (conf->path != NULL && (str_ends(conf->path, "/") || strlen(conf->path) > 400))
		complain(complaints, &here, "path: a file is wanted, with at most 400 characters");
	conf->rules = log_rules_new(&conf->wanted, map, complaints);
	conf->metrics = make_metrics(conf->rules);
}

static void
release(void *conf_)
{
	struct log_conf *conf = conf_;

	log_rules_unref(conf->rules);
	conf->rules = NULL;
}

/* --- life --- */

static void
on_settle(void *arg)
{
	struct log_watch *seen = arg;

	probe_watch_poke(seen->watch);
}

static void
open_watch(struct probe_watch *watch)
{
	struct log_watch *seen = probe_watch_state(watch);

	seen->watch = watch;
	timer_init(&seen->settle, probe_watch_env(watch)->loop, on_settle, seen);
	log_recall(seen, probe_watch_conf(watch), probe_watch_kept(watch));
}

static void
close_watch(struct probe_watch *watch)
{
	struct log_watch *seen = probe_watch_state(watch);

	timer_stop(&seen->settle);
	log_events_disarm(seen);
	for (size_t i = 0; i < LOG_FIELDS_MAX; i++)
		free(seen->values[i]);
	free(seen->cursor);
}

static void
start(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);

	if (conf->journal != NULL)
		log_journal_start(run);
	else
		log_tail_start(run);
}

static void
stop(struct probe_run *run)
{
	struct log_run *state = probe_state(run);

	fs_call_cancel(state->call);
	state->call = NULL;
	if (state->job != NULL)
		offload_cancel(state->job, state->drop);
	state->job = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_run *state = probe_state(run);

	log_keep(run);
	if (state->job != NULL) {
		snprintf(
			text, size, "reading and searching %.0f bytes took too long", state->bytes);
		return "self.local";
	}
	snprintf(text, size, "%s did not let itself read", conf->path);
	return "fs.hung";
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct log_conf *conf = conf_;

	(void)instance;
	out->path = conf->path;
	out->unit = conf->journal;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct log_conf *conf = conf_;

	(void)instance;
	if (conf->journal != NULL)
		snprintf(out, size, "journal of %s", conf->journal);
	else
		str_copy(out, size, conf->path != NULL ? conf->path : "");
}

const struct probe_type probe_type_log = {
	.name = "log",
	.summary = "Follows a log file or a unit's journal and counts what appears in it.",
	.manual =
		"At its first start it begins at the end; after that no line is lost or counted "
		"twice, over rotation, truncation and restarts of the daemon, as long as the lines "
		"can still be found (a file that is removed between two looks takes its last ones "
		"with it). A change is noticed at once where the kernel tells, else at the next "
		"run. "
		"Each pattern has `matches_NAME_total` and `rate_NAME`, each field `value_NAME`, "
		"`value_NAME_max` and `value_NAME_p95`; the last lines and the most frequent "
		"errors are the evidence. `silent_after: 10m` finds a log that fell silent. The "
		"check itself fails when the file is missing (five "
		"seconds after it was moved away, as rotation does), and for "
		"`fail_on`. Lines are looked at up to 16 KiB. The daemon must be able to read the "
		"file (group `adm`, or an access list) or the journal (group `systemd-journal`).",
	.fields = fields,
	.url_key = "path",
	.metrics = metrics,
	.metrics_of = metrics_of,
	.conf_size = sizeof(struct log_conf),
	.run_size = sizeof(struct log_run),
	.check = check,
	.release = release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.watch_size = sizeof(struct log_watch),
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
};
