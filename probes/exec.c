/*
 * Commands of the user's: any monitoring plugin, or any program whose exit code says how it went.
 *
 *	command -> its end (or the deadline) -> output taken apart -> numbers, facts, verdict
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/child.h"
#include "probes/exec_hindered.h"
#include "probes/perfdata.h"
#include "probes/probe.h"

#define NAMES_MAX   48 /* numbers that settings do not name: what a plugin may bring of its own */
#define DECLARE_MAX 128
#define LIMITS_MAX  1200
#define SHOWN_MAX   2000
#define NEVER_US    (10 * USEC_PER_SEC) /* after the deadline, which is the run's own */

struct exec_conf {
	struct conf_strings command;
	struct conf_pairs env;
	char *folder;
	struct conf_pairs perfdata;
	/* made by check */
	const char **argv;
	char **env_texts;                  /* NULL-terminated, owned */
	const struct metric_desc *metrics; /* NULL: no perfdata is declared */
};

#define ROW struct exec_conf

static const struct conf_field fields[] = {
	{ .name = "command",
		STRINGS_AT(ROW, command),
		.flags = CONF_REQUIRED,
		.doc = "The program and its arguments, one item each; no shell reads them.",
		.example = "[/usr/lib/nagios/plugins/check_load, -w, \"5,4,3\", -c, \"10,8,6\"]" },
	{ .name = "env",
		PAIRS_AT(ROW, env),
		.flags = CONF_MASKED,
		.doc = "Environment besides `PATH`, `HOME` and `LANG`; nothing else is inherited. "
		       "Messages are in English (`LC_MESSAGES=C`), unless a language is named "
		       "here.",
		.example = "{PGPASSWORD: \"${DB_PASSWORD}\"}" },
	{ .name = "folder",
		PATH_AT(ROW, folder),
		.dflt = "/",
		.doc = "The folder it is started in." },
	{ .name = "perfdata",
		PAIRS_AT(ROW, perfdata),
		.doc = "The plugin's numbers that rules speak of: label and unit (`seconds`, "
		       "`bytes`, "
		       "`percent`, `counter`, `number`). Others are measured too, but a rule over "
		       "them is refused, because nobody could know their names before.",
		.example = "{load1: number, time: seconds}" },
	{ .type = CONF_END },
};

enum row { ROW_TOTAL_TIME, ROW_EXIT_CODE, ROW_CPU, ROW_RSS, ROW_COUNT };

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "exit_code", METRIC_MOMENT, UNIT_NONE, "The code it ended with." },
	{ "cpu_time", METRIC_GAUGE, UNIT_SECONDS, "CPU time that it and its children used." },
	{ "max_rss_bytes", METRIC_MOMENT, UNIT_BYTES, "The most memory it had at a time." },
	{ .name = NULL },
};

static const struct unit_word {
	const char *word;
	enum metric_kind kind;
	enum metric_unit unit;
} unit_words[] = {
	{ "number", METRIC_GAUGE, UNIT_NONE },
	{ "counter", METRIC_COUNTER, UNIT_NONE },
	{ "seconds", METRIC_GAUGE, UNIT_SECONDS },
	{ "bytes", METRIC_GAUGE, UNIT_BYTES },
	{ "percent", METRIC_GAUGE, UNIT_PERCENT },
	{ "s", METRIC_GAUGE, UNIT_SECONDS },
	{ "B", METRIC_GAUGE, UNIT_BYTES },
	{ "%", METRIC_GAUGE, UNIT_PERCENT },
	{ "c", METRIC_COUNTER, UNIT_NONE },
};

/* Names that the plugin brought so far: the table must not be another one in each run. */
struct exec_memory {
	unsigned count;
	struct own_name {
		char name[PERFDATA_LABEL_MAX + 1];
		enum metric_kind kind;
		enum metric_unit unit;
	} names[NAMES_MAX];
};

struct exec_run {
	struct child *child;
};

/* --- its numbers --- */

/* The index of a number's row; -1: it has none. */
static int
row_of(struct probe_run *run, const char *label, enum metric_kind kind, enum metric_unit unit)
{
	const struct exec_conf *conf = probe_conf(run);
	struct exec_memory *memory = probe_memory(run, sizeof(*memory));
	char name[PERFDATA_LABEL_MAX + 1];
	unsigned i = 0;
	int declared;

	perfdata_name(label, name);
	if (name[0] == '\0' || metric_index(metrics, name) >= 0)
		return -1;
	declared = conf->metrics != NULL ? metric_index(conf->metrics, name) : -1;
	if (declared >= 0)
		return conf->metrics[declared].unit == unit ? declared : -1;
	while (i < memory->count && !str_eq(memory->names[i].name, name))
		i++;
	if (i == NAMES_MAX)
		return -1;
	if (i == memory->count) {
		memory->count++;
		str_copy(memory->names[i].name, sizeof(memory->names[i].name), name);
		memory->names[i].kind = kind;
		memory->names[i].unit = unit;
	}
	if (memory->names[i].unit != unit)
		return -1;
	return probe_metric(run, name, memory->names[i].kind, unit, "From the plugin.");
}

/* The rows of earlier runs, in their order. */
static void
grow_known_rows(struct probe_run *run)
{
	const struct exec_memory *memory = probe_memory(run, sizeof(*memory));

	for (unsigned i = 0; i < memory->count; i++)
		probe_metric(run, memory->names[i].name, memory->names[i].kind,
			memory->names[i].unit, "From the plugin.");
}

static void
add_limits(char *out, size_t size, const struct perfdata *item)
{
	size_t len = strlen(out);
	char warning[80], critical[80];

	if (!item->warning.is_set && !item->critical.is_set)
		return;
	perf_range_words(&item->warning, warning, sizeof(warning));
	perf_range_words(&item->critical, critical, sizeof(critical));
	snprintf(out + len, size - len, "%s%s %g%s:%s%s%s%s", len > 0 ? "; " : "", item->label,
		item->value, item->uom, warning[0] != '\0' ? " warning " : "", warning,
		critical[0] != '\0' ? " critical " : "", critical);
}

static void
report_numbers(struct probe_run *run, const struct buf *perf)
{
	const char *at = buf_text(perf), *end = at + buf_left(perf);
	char limits[LIMITS_MAX] = "";
	struct perfdata item;

	grow_known_rows(run);
	while (perfdata_next(&at, end, &item)) {
		enum metric_kind kind;
		double factor;
		enum metric_unit unit = perfdata_unit(item.uom, &factor, &kind);
		int row = row_of(run, item.label, kind, unit);

		if (row >= 0 && !isnan(item.value))
			probe_value(run, row, item.value * factor);
		add_limits(limits, sizeof(limits), &item);
	}
	if (limits[0] != '\0')
		probe_fact(run, "limits", "%s", limits);
}

/* --- its end --- */

static void
first_line(char *out, size_t size, const char *text, size_t len)
{
	const char *stop;

	while (len > 0 && (*text == '\n' || *text == ' ')) {
		text++;
		len--;
	}
	stop = memchr(text, '\n', len);
	str_printable(out, size, text, stop != NULL ? (size_t)(stop - text) : len);
}

/* A fact is one line: the lines of a text stand beside each other there. */
static void
tell_lines(struct probe_run *run, const char *name, const char *text, size_t len, bool is_cut)
{
	struct buf shown;

	buf_init(&shown, SHOWN_MAX);
	for (size_t at = 0; at < len && !shown.is_over;) {
		const char *stop = memchr(text + at, '\n', len - at);
		size_t line = stop != NULL ? (size_t)(stop - text) - at : len - at;

		if (line > 0 && shown.len > 0)
			buf_add_text(&shown, " / ");
		buf_add(&shown, text + at, line < SHOWN_MAX - 8 ? line : SHOWN_MAX - 8);
		at += line + 1;
	}
	if (shown.len > 0)
		probe_fact(run, name, "%s%s", buf_text(&shown), is_cut ? " (cut)" : "");
	buf_fini(&shown);
}

static void
report_words(struct probe_run *run, const struct perf_output *output, const struct child_result *r)
{
	tell_lines(run, "output", buf_text(&output->more), buf_left(&output->more), r->is_cut);
	tell_lines(run, "stderr", r->err_out, r->err_len, false);
}

static void
judge_code(struct probe_run *run, const char *said, const struct child_result *r)
{
	bool is_told = said[0] != '\0';
	const char *text = is_told ? said : r->reason;

	switch (r->status) {
	case 0:
		probe_ok(run, "%s", text);
		break;
	case 1:
		probe_fail(run, "exec.warning", "%s", text);
		break;
	case 2:
		probe_fail(run, "exec.critical", "%s", text);
		break;
	case 3:
		probe_error(run, "exec.unknown", "%s", text);
		break;
	case 126: /* how a shell or env says that there is nothing to run */
	case 127:
		probe_error(run, "exec.no-command", "%s%s%s", r->reason, is_told ? ": " : "", said);
		break;
	default:
		probe_fail(run, "exec.crashed", "%s%s%s", r->reason, is_told ? ": " : "", said);
		break;
	}
}

static void
judge(struct probe_run *run, const char *said, const struct child_result *r)
{
	switch (r->end) {
	case CHILD_EXITED:
		probe_value(run, ROW_EXIT_CODE, r->status);
		judge_code(run, said, r);
		break;
	case CHILD_SIGNALLED:
		if (r->status == SIGSYS) {
			probe_error(run, "self.local",
				"%s: a system call that our own sandbox forbids (SystemCallFilter= "
				"of the unit, or a container's seccomp profile)",
				r->reason);
			break;
		}
		probe_fail(run, "exec.crashed", "%s%s%s", r->reason, said[0] != '\0' ? ": " : "",
			said);
		break;
	case CHILD_TIMEOUT:
		probe_fail(run, "exec.timeout", "%s", r->reason);
		break;
	case CHILD_NO_COMMAND:
		probe_error(run, "exec.no-command", "%s", r->reason);
		break;
	case CHILD_BROKEN:
		if (r->status == EBUSY) { /* an earlier run of it hangs in the kernel still */
			probe_fail(run, "exec.timeout", "%s", r->reason);
			break;
		}
		probe_error(run,
			r->status == EMFILE || r->status == ENFILE ? "self.fd-limit" : "self.local",
			"%s", r->reason);
		break;
	}
}

static void
on_end(void *arg, const struct child_result *r)
{
	struct probe_run *run = arg;
	struct exec_run *state = probe_state(run);
	bool has_run = r->end == CHILD_EXITED || r->end == CHILD_SIGNALLED;
	struct perf_output output;
	char said[SAMPLE_TEXT_MAX] = "";

	state->child = NULL;
	perf_output_init(&output);
	perf_output_split(&output, r->out, r->out_len);
	first_line(said, sizeof(said), buf_text(&output.text), buf_left(&output.text));
	if (said[0] == '\0')
		first_line(said, sizeof(said), r->err_out, r->err_len);
	if (has_run) {
		probe_value(run, ROW_CPU, (double)r->cpu_us / USEC_PER_SEC);
		probe_value(run, ROW_RSS, (double)r->max_rss_kb * 1024);
		report_numbers(run, &output.perf);
	}
	report_words(run, &output, r);
	if (!exec_hindered(run, r))
		judge(run, said, r);
	perf_output_fini(&output);
}

static void
start(struct probe_run *run)
{
	const struct exec_conf *conf = probe_conf(run);
	struct exec_run *state = probe_state(run);

	state->child = child_start(probe_env(run)->loop,
		&(struct child_options){
			.argv = conf->argv,
			.more_env = (const char *const *)conf->env_texts,
			.folder = conf->folder,
			.timeout_us = probe_time_left(run) + NEVER_US,
		},
		on_end, run);
}

static void
stop(struct probe_run *run)
{
	struct exec_run *state = probe_state(run);

	child_cancel(state->child);
	state->child = NULL;
}

/* What it said until then is all there is to know. */
static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct exec_conf *conf = probe_conf(run);
	const struct exec_run *state = probe_state(run);
	struct child_result r = { .out = "", .err_out = "" };
	char said[160] = "";

	if (state->child != NULL) {
		child_peek(state->child, &r);
		tell_lines(run, "output", r.out, r.out_len, r.is_cut);
		tell_lines(run, "stderr", r.err_out, r.err_len, false);
		first_line(said, sizeof(said), r.out, r.out_len);
	}
	snprintf(text, size, "%s has not ended%s%s", conf->command.all[0],
		said[0] != '\0' ? ", it said: " : "", said);
	return "exec.timeout";
}

/* --- settings --- */

static void
check_command(struct exec_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	const struct conf_node *node = conf_get(map, "command");
	struct conf_pos pos = conf_pos_of(map, "command");
	char *words, *list = NULL, *rest, *word;

	if (conf->command.count == 0) {
		if (!conf_is_absent(node))
			complain(complaints, &pos, "command: the program is missing");
		return;
	}
	if (node == NULL || node->kind != CONF_SCALAR || strpbrk(node->text, " \t") == NULL)
		return;
	words = xstrdup(node->text);
	for (word = strtok_r(words, " \t", &rest); word != NULL;
		word = strtok_r(NULL, " \t", &rest)) {
		char *longer = xasprintf(
			"%s%s\"%s\"", list != NULL ? list : "", list != NULL ? ", " : "", word);

		free(list);
		list = longer;
	}
	complain(complaints, &pos,
		"command: no shell reads it, so it is a list with one item for each word: [%.300s]",
		list != NULL ? list : "");
	free(list);
	free(words);
}

static const struct unit_word *
unit_of(const char *word)
{
	for (size_t i = 0; i < sizeof(unit_words) / sizeof(unit_words[0]); i++)
		if (str_eq(unit_words[i].word, word))
			return &unit_words[i];
	return NULL;
}

static const char *
declare(struct metric_desc *row, const struct conf_pair *pair, char name[PERFDATA_LABEL_MAX + 1])
{
	const struct unit_word *unit = unit_of(pair->value);

	perfdata_name(pair->name, name);
	if (unit == NULL)
		return "is no unit: seconds, bytes, percent, counter or number";
	if (name[0] == '\0')
		return "makes no name: a label with letters or digits is wanted";
	if (metric_index(metrics, name) >= 0)
		return "is measured anyway, for every command";
	*row = (struct metric_desc){ name, unit->kind, unit->unit, "From the plugin." };
	return NULL;
}

static void
check_perfdata(struct exec_conf *conf, struct complaints *complaints)
{
	struct metric_desc rows[ROW_COUNT + DECLARE_MAX + 1] = { { .name = NULL } };
	static _Thread_local char names[DECLARE_MAX][PERFDATA_LABEL_MAX + 1];
	size_t count = ROW_COUNT;

	memcpy(rows, metrics, sizeof(metrics[0]) * ROW_COUNT);
	for (size_t i = 0; i < conf->perfdata.count; i++) {
		const struct conf_pair *pair = &conf->perfdata.all[i];
		const char *wrong =
			i < DECLARE_MAX ? declare(&rows[count], pair, names[i]) : "is one too many";

		if (wrong != NULL)
			complain(complaints, &pair->pos, "perfdata: \"%s: %s\" %s", pair->name,
				pair->value, wrong);
		else if (metric_index(metrics, names[i]) < 0)
			count++;
	}
	rows[count].name = NULL;
	if (conf->perfdata.count > 0)
		conf->metrics = metric_intern(rows);
}

/* Its words are read (exec_hindered.c), and those of missing rights are known in one language;
 * who names a language means it. */
static void
make_env(struct exec_conf *conf, struct complaints *complaints)
{
	static const char *const of_language[] = { "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES" };
	size_t count = conf->env.count;
	bool has_language = false;

	conf->env_texts = xcalloc(count + 2, sizeof(*conf->env_texts));
	for (size_t i = 0; i < count; i++) {
		const struct conf_pair *pair = &conf->env.all[i];

		if (pair->name[0] == '\0' || strchr(pair->name, '=') != NULL)
			complain(complaints, &pair->pos, "env: \"%s\" cannot be a variable's name",
				pair->name);
		for (size_t k = 0; k < sizeof(of_language) / sizeof(of_language[0]); k++)
			has_language |= str_eq(pair->name, of_language[k]);
		conf->env_texts[i] = xasprintf("%s=%s", pair->name, pair->value);
	}
	if (!has_language)
		conf->env_texts[count] = xstrdup("LC_MESSAGES=C");
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct exec_conf *conf = conf_;

	(void)setup;
	check_command(conf, map, complaints);
	conf->argv = xcalloc(conf->command.count + 1, sizeof(*conf->argv));
	for (size_t i = 0; i < conf->command.count; i++)
		conf->argv[i] = conf->command.all[i];
	make_env(conf, complaints);
	check_perfdata(conf, complaints);
}

static void
release(void *conf_)
{
	struct exec_conf *conf = conf_;

	for (size_t i = 0; conf->env_texts != NULL && conf->env_texts[i] != NULL; i++)
		free(conf->env_texts[i]);
	free(conf->env_texts);
	free(conf->argv);
	conf->env_texts = NULL;
	conf->argv = NULL;
}

static const struct metric_desc *
metrics_of(const void *conf_)
{
	const struct exec_conf *conf = conf_;

	return conf->metrics != NULL ? conf->metrics : metrics;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct exec_conf *conf = conf_;

	(void)instance;
	str_copy(out, size, conf->command.count > 0 ? conf->command.all[0] : "");
}

const struct probe_type probe_type_exec = {
	.name = "exec",
	.summary = "Runs a command, such as any Nagios plugin, and hears what it says.",
	.manual =
		"Exit code 0 is good, 1 `exec.warning`, 2 `exec.critical`; 3 means that the "
		"command "
		"could not tell (`exec.unknown`: an error, which never counts as down). Any other "
		"code "
		"and any signal is `exec.crashed`, and no end before the timeout `exec.timeout`. "
		"The "
		"first line is the text; the rest and the first of stderr are facts.\n\n"
		"Numbers behind a bar (`time=0.2s;1;2`) become metrics of the check, in base "
		"units: "
		"`ms` as seconds, `KB MB GB` as bytes in steps of 1024. A label makes a name of "
		"letters, digits and `_`: `/var/log` is `var_log`, `/` is `root`. Rules can use "
		"those "
		"that `perfdata:` declares.\n\n"
		"The command runs as the daemon's user, with an empty standard input and a group "
		"of "
		"processes of its own, which is ended with SIGTERM and a second later with SIGKILL "
		"when it runs too long. Secrets belong into `env:`, not into arguments, which "
		"every "
		"user of the host can see. `host_root` does not apply.\n\n"
		"The daemon's own sandbox holds for the command, too: it gains no rights by "
		"`sudo`, "
		"a set-uid program or a file's capabilities (Debian's `ping` where "
		"`net.ipv4.ping_group_range` does not let its group), "
		"and debuggers, rootless containers, browsers and 32-bit programs fail in it. "
		"Where it was refused something, or its file's rights were withheld, and it then "
		"crashes or speaks of missing rights, it could not tell (`self.local`, an error); "
		"else its code counts, and a note says what was kept from it. `triage check` and "
		"`triage doctor` warn of such "
		"commands; `triage probe` runs without the sandbox, so that a check that is well "
		"by hand and not in the daemon fails of it. What a command needs is given by the "
		"unit (`AmbientCapabilities=`), or `daemon: { sandbox: off }` does without.",
	.fields = fields,
	.url_key = "command",
	.metrics = metrics,
	.metrics_of = metrics_of,
	.conf_size = sizeof(struct exec_conf),
	.run_size = sizeof(struct exec_run),
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
	.stuck = stuck,
};
