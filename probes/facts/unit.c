/*
 * The systemd unit of what a check looks at: its state, how it ended, how often it was restarted.
 *
 *	named by the check, or learned -> that one
 *	else the first that there is of the well-known names of the check's type
 *	LoadUnit -> properties of the unit -> properties of its kind
 *
 * A template's instances (postgresql@15-main) are looked for among those that are loaded.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/bus.h"
#include "io/loop.h"
#include "probes/facts/fact.h"
#include "probes/systemd_unit.h"

#define SYSTEMD      "org.freedesktop.systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define PROPERTIES   "org.freedesktop.DBus.Properties"
#define UNIT         "org.freedesktop.systemd1.Unit"
#define PATH_SIZE    512

enum key {
	KEY_NAME,
	KEY_LOAD,
	KEY_ACTIVE,
	KEY_SUB,
	KEY_RESULT,
	KEY_EXIT_CODE,
	KEY_SIGNAL,
	KEY_LAST_EXIT,
	KEY_RESTARTS,
	KEY_FAILED_AGE,
	KEY_ACTIVE_AGE,
	KEY_NEEDS_RELOAD,
	KEY_BY_OPERATOR,
	KEY_FILE,
	KEY_SHORT,
};

static const struct metric_desc keys[] = {
	{ "name", METRIC_GAUGE, UNIT_TEXT, "The unit: \"redis-server.service\"." },
	{ "load", METRIC_GAUGE, UNIT_TEXT, "loaded, masked, bad-setting." },
	{ "active", METRIC_GAUGE, UNIT_TEXT, "active, inactive, failed, activating." },
	{ "sub", METRIC_GAUGE, UNIT_TEXT, "running, dead, auto-restart." },
	{ "result", METRIC_GAUGE, UNIT_TEXT, "success, exit-code, signal, oom-kill, timeout." },
	{ "exit_code", METRIC_GAUGE, UNIT_NONE, "Of its main process, the last time." },
	{ "signal", METRIC_GAUGE, UNIT_TEXT, "That ended its main process: \"SIGKILL\"." },
	{ "last_exit", METRIC_GAUGE, UNIT_TEXT, "The same in words: \"exit 1\"." },
	{ "restarts", METRIC_GAUGE, UNIT_NONE, "By systemd, since it was last started by hand." },
	{ "failed_age", METRIC_GAUGE, UNIT_SECONDS, "Since it left the state active." },
	{ "active_age", METRIC_GAUGE, UNIT_SECONDS, "Since it became active, while it is." },
	{ "needs_reload", METRIC_FLAG, UNIT_BOOL, "Its file has changed since systemd read it." },
	{ "by_operator", METRIC_FLAG, UNIT_BOOL,
		"It is stopped, and ended well: somebody did it." },
	{ "file", METRIC_GAUGE, UNIT_TEXT, "The file that defines it." },
	{ "short", METRIC_GAUGE, UNIT_TEXT, "The unit as people type it: \"redis-server\"." },
	{ .name = NULL },
};

/* Where the check names none and none was learned: units that usually serve such a check, by its
 * type and by the listening program.  A pattern is matched with the units that are loaded. */
static const struct usual {
	const char *type;
	const char *units[4];
} usual[] = {
	{ "redis", { "redis-server.service", "redis.service", "valkey-server.service", NULL } },
	{ "postgres", { "postgresql@*-main.service", "postgresql@*.service", "postgresql.service",
			      NULL } },
	{ "mysql", { "mariadb.service", "mysql.service", "mysqld.service", NULL } },
	{ "smtp", { "postfix.service", "exim4.service", "postfix@-.service", NULL } },
	{ "dns", { "systemd-resolved.service", "named.service", "unbound.service", NULL } },
	{ "clock", { "systemd-timesyncd.service", "chrony.service", "ntpsec.service", NULL } },
};

/* The kinds of ports that say it, where the type does not. */
static const struct {
	unsigned port;
	const char *type;
} ports[] = { { 6379, "redis" }, { 5432, "postgres" }, { 3306, "mysql" }, { 25, "smtp" } };

static const char *const web_units[] = { "nginx.service", "apache2.service", "caddy.service",
	NULL };

struct unit_run {
	struct bus_call *call;
	const char *const *candidates; /* NULL: `name` alone */
	size_t at;
	char name[UNIT_NAME_MAX];
	char path[PATH_SIZE];
	json_t *common;
};

static void try_next(struct fact_run *run);

/* --- asking --- */

static const char *
bus_of(const struct fact_run *run)
{
	const struct check_spec *check = fact_check(run);

	return str_eq(check->type, "systemd") ? systemd_bus(check->conf) : NULL;
}

static void
ask(struct fact_run *run, struct bus_ask *what, bus_fn fn)
{
	struct unit_run *state = fact_state(run);

	what->address = bus_of(run);
	what->to = SYSTEMD;
	state->call =
		bus_call_start(fact_env(run)->bus, what, fact_time_left(run) / 10 * 9, fn, run);
}

/* True: no answer to go on with, and that was said. */
static bool
failed(struct fact_run *run, const struct bus_reply *reply)
{
	struct unit_run *state = fact_state(run);

	state->call = NULL;
	switch (reply->end) {
	case BUS_ANSWERED:
		return false;
	case BUS_ABSENT:
		fact_missed(run,
			"systemd cannot be asked: %s (in a container, mount the host's "
			"/run/dbus/system_bus_socket)",
			reply->text);
		return true;
	case BUS_SILENT:
		fact_missed(run, "systemd does not answer");
		return true;
	case BUS_REFUSED:
		break;
	}
	if (str_ends(reply->error, ".NoSuchUnit"))
		try_next(run);
	else if (str_ends(reply->error, ".ServiceUnknown") ||
		 str_ends(reply->error, ".NameHasNoOwner"))
		fact_none(run, "this host does not run systemd");
	else if (str_ends(reply->error, ".AccessDenied") || str_ends(reply->error, ".AuthFailed"))
		fact_missed(run, "the bus does not let this user ask systemd: %s", reply->text);
	else
		fact_missed(run, "systemd refuses: %s", reply->text);
	return true;
}

/* --- telling --- */

static void
tell_age(struct fact_run *run, enum key key, usec_t since_us)
{
	usec_t now = loop_wall(fact_env(run)->loop);

	if (since_us > 0 && now >= since_us)
		fact_number(run, (int)key, (double)(now - since_us) / USEC_PER_SEC);
}

static void
tell_exit(struct fact_run *run, const struct unit *unit)
{
	char last[120], signal_name[32];

	unit_signal(unit, signal_name, sizeof(signal_name));
	if (signal_name[0] != '\0')
		fact_text(run, KEY_SIGNAL, "%s", signal_name);
	else if (unit->exit_code > 0)
		fact_number(run, KEY_EXIT_CODE, unit->exit_status);
	unit_last_exit(unit, last, sizeof(last));
	if (last[0] != '\0')
		fact_text(run, KEY_LAST_EXIT, "%s", last);
}

/* "redis-server.service: failed, exit 1, 3 restarts"; the rest below it. */
static void
tell_state(struct fact_run *run, const struct unit *unit, bool is_active)
{
	char last[120], when[CLOCK_RFC3339_SIZE], restarts[32] = "";
	bool is_bad = unit->result[0] != '\0' && !str_eq(unit->result, "success");

	unit_last_exit(unit, last, sizeof(last));
	if (unit->restarts > 0)
		snprintf(restarts, sizeof(restarts), ", %g restart%s", unit->restarts,
			unit->restarts > 1 ? "s" : "");
	fact_line(run, "%s: %s%s%s%s", unit->id, unit->active, last[0] != '\0' ? ", " : "", last,
		restarts);
	if (unit->changed_us > 0) {
		clock_format_rfc3339(unit->changed_us, when);
		fact_line(run, "%s since %s%s%s", unit->sub, when, is_bad ? ", result " : "",
			is_bad ? unit->result : "");
	}
	tell_exit(run, unit);
	if (is_active)
		tell_age(run, KEY_ACTIVE_AGE, unit->active_since_us);
	else
		tell_age(run, KEY_FAILED_AGE,
			unit->ended_us > 0 ? unit->ended_us : unit->changed_us);
}

static void
tell_name(struct fact_run *run, const char *id)
{
	size_t len = strlen(id);

	fact_text(run, KEY_NAME, "%s", id);
	if (str_ends(id, ".service"))
		len -= strlen(".service");
	fact_text(run, KEY_SHORT, "%.*s", (int)len, id);
}

static void
conclude(struct fact_run *run, const json_t *own)
{
	struct unit_run *state = fact_state(run);
	bool is_active, needs_reload;
	struct unit unit;

	unit_read(&unit, state->common, own);
	is_active = str_eq(unit.active, "active") || str_eq(unit.active, "reloading");
	needs_reload = json_is_true(json_object_get(state->common, "NeedDaemonReload"));
	tell_name(run, unit.id);
	fact_text(run, KEY_LOAD, "%s", unit.load);
	fact_text(run, KEY_ACTIVE, "%s", unit.active);
	fact_text(run, KEY_SUB, "%s", unit.sub);
	if (unit.result[0] != '\0')
		fact_text(run, KEY_RESULT, "%s", unit.result);
	if (unit.file[0] != '\0')
		fact_text(run, KEY_FILE, "%s", unit.file);
	if (!isnan(unit.restarts))
		fact_number(run, KEY_RESTARTS, unit.restarts);
	if (json_object_get(state->common, "NeedDaemonReload") != NULL)
		fact_number(run, KEY_NEEDS_RELOAD, needs_reload);
	fact_number(run, KEY_BY_OPERATOR,
		str_eq(unit.active, "inactive") && str_eq(unit.result, "success"));
	tell_state(run, &unit, is_active);
	if (needs_reload)
		fact_line(run, "its file has changed since: systemctl daemon-reload is due");
	fact_had(run);
}

/* --- steps --- */

static void
on_own(void *arg, const struct bus_reply *reply)
{
	if (!failed(arg, reply))
		conclude(arg, json_array_get(reply->args, 0));
}

static void
ask_properties(struct fact_run *run, const char *interface, bus_fn fn)
{
	struct unit_run *state = fact_state(run);
	const char *const texts[] = { interface, NULL };
	struct bus_ask what = {
		.path = state->path, .interface = PROPERTIES, .member = "GetAll", .texts = texts
	};

	ask(run, &what, fn);
}

static void
on_common(void *arg, const struct bus_reply *reply)
{
	struct fact_run *run = arg;
	struct unit_run *state = fact_state(run);
	const char *id, *load;

	if (failed(run, reply))
		return;
	json_decref(state->common);
	state->common = json_incref(json_array_get(reply->args, 0));
	id = json_string_value(json_object_get(state->common, "Id"));
	load = json_string_value(json_object_get(state->common, "LoadState"));
	if (id == NULL)
		fact_missed(run, "what answers on the bus is not systemd");
	else if (str_eq(load, "not-found"))
		try_next(run);
	else
		ask_properties(run, unit_interface(id), on_own);
}

static void
on_path(void *arg, const struct bus_reply *reply)
{
	struct fact_run *run = arg;
	struct unit_run *state = fact_state(run);
	const char *path;

	if (failed(run, reply))
		return;
	path = json_string_value(json_array_get(reply->args, 0));
	if (path == NULL || strlen(path) >= sizeof(state->path)) {
		fact_missed(run, "what answers on the bus is not systemd");
		return;
	}
	strcpy(state->path, path);
	ask_properties(run, UNIT, on_common);
}

static void
load(struct fact_run *run)
{
	struct unit_run *state = fact_state(run);
	const char *const texts[] = { state->name, NULL };
	struct bus_ask what = {
		.path = MANAGER_PATH, .interface = MANAGER, .member = "LoadUnit", .texts = texts
	};

	ask(run, &what, on_path);
}

/* Of the units that are loaded, the first that the pattern fits; one that failed before others. */
static void
on_list(void *arg, const struct bus_reply *reply)
{
	struct fact_run *run = arg;
	struct unit_run *state = fact_state(run);
	const json_t *units;
	const char *found = NULL;
	bool is_bad = false;

	if (failed(run, reply))
		return;
	units = json_array_get(reply->args, 0);
	for (size_t i = 0; i < json_array_size(units); i++) {
		const json_t *one = json_array_get(units, i);
		const char *name = json_string_value(json_array_get(one, 0));
		const char *active = json_string_value(json_array_get(one, 3));
		bool is_other_bad = str_eq(active, "failed");

		if (name == NULL || strlen(name) >= sizeof(state->name) ||
			!str_matches_glob(name, state->candidates[state->at - 1]))
			continue;
		if (found == NULL || (is_other_bad && !is_bad)) {
			found = name;
			is_bad = is_other_bad;
		}
	}
	if (found == NULL) {
		try_next(run);
		return;
	}
	str_copy(state->name, sizeof(state->name), found);
	load(run);
}

static void
search(struct fact_run *run)
{
	static const char *const states[] = { "active", "inactive", "failed", "activating",
		"deactivating", NULL };
	struct bus_ask what = { .path = MANAGER_PATH,
		.interface = MANAGER,
		.member = "ListUnitsFiltered",
		.list = states };

	ask(run, &what, on_list);
}

static void
try_next(struct fact_run *run)
{
	struct unit_run *state = fact_state(run);
	const char *next;

	if (state->candidates == NULL) {
		fact_none(run, "there is no unit %s", state->name);
		return;
	}
	next = state->candidates[state->at];
	if (next == NULL) {
		fact_none(run, "none of the units that usually do this is known to systemd (%s...)",
			state->candidates[0]);
		return;
	}
	state->at++;
	str_copy(state->name, sizeof(state->name), next);
	if (strchr(next, '*') != NULL)
		search(run);
	else
		load(run);
}

static const char *const *
candidates(const struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	const char *type = fact_check(run)->type;

	if (str_eq(type, "tcp") || str_eq(type, "port") || str_eq(type, "tls"))
		for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
			if (ports[i].port == s->port)
				type = ports[i].type;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (str_eq(usual[i].type, type))
			return usual[i].units;
	if (s->port == 80 || s->port == 443)
		return web_units;
	return NULL;
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct unit_run *state = fact_state(run);

	if (s->unit != NULL && unit_name(s->unit, state->name)) {
		load(run);
		return;
	}
	if (!s->is_local && !s->is_host) {
		fact_none(run, "%s is not known to be this host", s->host != NULL ? s->host : "it");
		return;
	}
	state->candidates = candidates(run);
	if (state->candidates == NULL)
		fact_none(run, "no unit is known to serve this");
	else
		try_next(run);
}

static void
stop(struct fact_run *run)
{
	struct unit_run *state = fact_state(run);

	bus_call_cancel(state->call);
	state->call = NULL;
	json_decref(state->common);
	state->common = NULL;
}

const struct fact_type fact_type_unit = {
	.name = "unit",
	.summary = "The systemd unit behind the check: its state, its last exit, its restarts.",
	.rights = "The system bus; in a container the host's, mounted.",
	.keys = keys,
	.run_size = sizeof(struct unit_run),
	.fresh_us = 5 * USEC_PER_SEC,
	.start = start,
	.stop = stop,
};
