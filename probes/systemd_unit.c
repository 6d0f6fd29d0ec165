/* Words of systemd, and which of them are bad news. */
#include "probes/systemd_unit.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct kind {
	const char *suffix, *interface;
} kinds[] = {
	{ ".service", "org.freedesktop.systemd1.Service" },
	{ ".socket", "org.freedesktop.systemd1.Socket" },
	{ ".timer", "org.freedesktop.systemd1.Timer" },
	{ ".mount", "org.freedesktop.systemd1.Mount" },
	{ ".automount", "org.freedesktop.systemd1.Automount" },
	{ ".path", "org.freedesktop.systemd1.Path" },
	{ ".target", "org.freedesktop.systemd1.Target" },
	{ ".swap", "org.freedesktop.systemd1.Swap" },
	{ ".slice", "org.freedesktop.systemd1.Slice" },
	{ ".scope", "org.freedesktop.systemd1.Scope" },
	{ ".device", "org.freedesktop.systemd1.Device" },
};

bool
unit_name(const char *text, char out[UNIT_NAME_MAX])
{
	bool is_whole = false;

	for (size_t i = 0; i < COUNT(kinds); i++)
		is_whole = is_whole ||
			   (str_ends(text, kinds[i].suffix) && !str_eq(text, kinds[i].suffix));
	for (const char *c = text; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr(":-_.\\@", *c) == NULL)
			return false;
	if (text[0] == '\0' || text[0] == '@')
		return false;
	return snprintf(out, UNIT_NAME_MAX, "%s%s", text, is_whole ? "" : ".service") <
	       UNIT_NAME_MAX;
}

const char *
unit_interface(const char *name)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_ends(name, kinds[i].suffix))
			return kinds[i].interface;
	return kinds[0].interface;
}

/* --- reading --- */

static const char *
text_of(const json_t *properties, const char *name)
{
	const char *text = json_string_value(json_object_get(properties, name));

	return text != NULL ? text : "";
}

static double
number_of(const json_t *properties, const char *name)
{
	const json_t *value = json_object_get(properties, name);

	return json_is_integer(value) ? (double)json_integer_value(value) : NAN;
}

static usec_t
moment_of(const json_t *properties, const char *name)
{
	json_int_t us = json_integer_value(json_object_get(properties, name));

	return us > 0 ? (usec_t)us : 0;
}

void
unit_read(struct unit *unit, const json_t *common, const json_t *own)
{
	const json_t *error = json_object_get(common, "LoadError"); /* name and text */
	const json_t *triggers = json_object_get(common, "TriggeredBy");
	const char *first = json_string_value(json_array_get(triggers, 0));
	const char *why = json_string_value(json_array_get(error, 1));

	*unit = (struct unit){
		.id = text_of(common, "Id"),
		.load = text_of(common, "LoadState"),
		.load_error = why != NULL ? why : "",
		.active = text_of(common, "ActiveState"),
		.sub = text_of(common, "SubState"),
		.result = text_of(own, "Result"),
		.type = text_of(own, "Type"),
		.status = text_of(own, "StatusText"),
		.file = text_of(common, "FragmentPath"),
		.triggered_by = first != NULL ? first : "",
		.restarts = number_of(own, "NRestarts"),
		.memory_bytes = number_of(own, "MemoryCurrent"),
		.memory_max_bytes = number_of(own, "MemoryMax"),
		.tasks = number_of(own, "TasksCurrent"),
		.cpu_s = number_of(own, "CPUUsageNSec") / 1e9,
		.exit_code = (int)json_integer_value(json_object_get(own, "ExecMainCode")),
		.exit_status = (int)json_integer_value(json_object_get(own, "ExecMainStatus")),
		.left_inactive_us = moment_of(common, "InactiveExitTimestamp"),
		.active_since_us = moment_of(common, "ActiveEnterTimestamp"),
		.ended_us = moment_of(common, "ActiveExitTimestamp"),
		.changed_us = moment_of(common, "StateChangeTimestamp"),
	};
}

/* --- meaning --- */

/* Codes that systemd itself uses for what failed before the program ran. */
static const char *
own_exit(int status)
{
	static const struct {
		int status;
		const char *meaning;
	} rows[] = {
		{ 200, "the WorkingDirectory= is not there" },
		{ 203, "the program of ExecStart= could not be executed" },
		{ 209, "standard output could not be set up" },
		{ 216, "there is no such Group=" },
		{ 217, "there is no such User=" },
		{ 218, "capabilities could not be set" },
		{ 226, "the sandbox could not be set up: a path in it is missing" },
		{ 233, "the RuntimeDirectory= could not be made" },
		{ 238, "the StateDirectory= could not be made" },
		{ 243, "a LoadCredential= could not be read" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].status == status)
			return rows[i].meaning;
	return NULL;
}

void
unit_signal(const struct unit *unit, char *out, size_t size)
{
	const char *name = sigabbrev_np(unit->exit_status);

	out[0] = '\0';
	if (unit->exit_code == CLD_KILLED || unit->exit_code == CLD_DUMPED)
		snprintf(out, size, "SIG%s", name != NULL ? name : "?");
}

void
unit_last_exit(const struct unit *unit, char *out, size_t size)
{
	const char *meaning = own_exit(unit->exit_status);
	const char *name;

	out[0] = '\0';
	if (unit->exit_code == CLD_EXITED) {
		snprintf(out, size, "exit %d%s%s", unit->exit_status, meaning != NULL ? ": " : "",
			meaning != NULL ? meaning : "");
	} else if (unit->exit_code == CLD_KILLED || unit->exit_code == CLD_DUMPED) {
		name = sigabbrev_np(unit->exit_status);
		snprintf(out, size, "killed by signal %d%s%s%s", unit->exit_status,
			name != NULL ? ", SIG" : "", name != NULL ? name : "",
			unit->exit_code == CLD_DUMPED ? ", core dumped" : "");
	}
}

static void
say(struct unit_verdict *v, const char *cause, const char *what, const char *more)
{
	v->cause = cause;
	str_format(v->text, sizeof(v->text), "%s%s%s", what, more[0] != '\0' ? ": " : "", more);
}

static void
judge_failed(struct unit_verdict *v, const struct unit *unit)
{
	static const struct {
		const char *result, *cause, *text;
	} rows[] = {
		{ "oom-kill", "unit.oom-killed", "killed for want of memory" },
		{ "start-limit-hit", "unit.start-limit",
			"started too often in a short time, given up" },
		{ "timeout", "unit.failed", "failed (timeout)" },
		{ "watchdog", "unit.failed", "failed (watchdog: it stopped giving signs of life)" },
		{ "exit-code", "unit.failed", "failed (exit code)" },
		{ "signal", "unit.failed", "failed (signal)" },
		{ "core-dump", "unit.failed", "failed (crash)" },
		{ "resources", "unit.failed", "failed (resources)" },
		{ "protocol", "unit.failed",
			"failed (protocol: it ended before it said that it is ready)" },
	};
	char last[120];

	unit_last_exit(unit, last, sizeof(last));
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(rows[i].result, unit->result)) {
			say(v, rows[i].cause, rows[i].text, last);
			return;
		}
	say(v, "unit.failed", "failed", last);
}

/* Not there, or not to be run: only bad news while it does not run. */
static bool
judge_load(struct unit_verdict *v, const struct unit *unit)
{
	if (str_eq(unit->load, "not-found"))
		say(v, "unit.missing", "there is no such unit", "");
	else if (str_eq(unit->load, "masked"))
		say(v, "unit.masked", "masked: it cannot be started", "");
	else if (str_eq(unit->load, "bad-setting") || str_eq(unit->load, "error"))
		say(v, "unit.bad-setting", "its file cannot be used", unit->load_error);
	else
		return false;
	return true;
}

static void
judge_starting(
	struct unit_verdict *v, const struct unit *unit, usec_t start_max_us, usec_t now_wall_us)
{
	usec_t age = unit->left_inactive_us > 0 ? now_wall_us - unit->left_inactive_us : 0;
	char since[32], text[64];

	clock_format_duration(age > 0 ? age : 0, since, sizeof(since));
	snprintf(text, sizeof(text), "starting for %s", since);
	say(v, age > start_max_us ? "unit.starting" : NULL, text, unit->status);
}

static void
judge_inactive(struct unit_verdict *v, const struct unit *unit)
{
	char text[160], starter[81];

	str_format(text, sizeof(text), "%s (%s)", unit->active, unit->sub);
	if (str_eq(unit->type, "oneshot") && unit->exit_code == CLD_EXITED &&
		str_eq(unit->result, "success")) {
		say(v, NULL, text, "it did its work and ended well");
		return;
	}
	say(v, "unit.inactive", text, "");
	str_copy(starter, sizeof(starter), unit->triggered_by);
	if (starter[0] != '\0')
		str_format(v->text, sizeof(v->text),
			"%s; %s starts it when needed: `state: any` allows that", text, starter);
}

void
unit_judge(struct unit_verdict *v, const struct unit *unit, enum unit_want want,
	usec_t start_max_us, usec_t now_wall_us)
{
	bool is_active = str_eq(unit->active, "active") || str_eq(unit->active, "reloading") ||
			 str_eq(unit->active, "refreshing");
	bool is_starting = str_eq(unit->active, "activating");
	char text[160], last[120];

	str_format(text, sizeof(text), "%s (%s)", unit->active, unit->sub);
	if (str_eq(unit->active, "failed")) {
		judge_failed(v, unit);
	} else if (is_starting && str_starts(unit->sub, "auto-restart")) {
		unit_last_exit(unit, last, sizeof(last));
		say(v, "unit.restarting", "it ended and waits to be started again", last);
	} else if (want == UNIT_WANT_INACTIVE && (is_active || is_starting)) {
		say(v, "unit.active", text, "");
	} else if (is_starting) {
		judge_starting(v, unit, start_max_us, now_wall_us);
	} else if (is_active) {
		say(v, NULL, text, unit->status);
	} else if (want == UNIT_WANT_INACTIVE) {
		say(v, NULL, text, "");
	} else if (judge_load(v, unit)) {
		return;
	} else if (want == UNIT_WANT_ACTIVE) {
		judge_inactive(v, unit);
	} else {
		say(v, NULL, text, "");
	}
}
