/*
 * Units of systemd over D-Bus, asked for at intervals and whenever a signal says that something
 * changed.
 *
 *	unit:          LoadUnit -> properties of the unit -> properties of its kind -> verdict
 *	failed: true:  list of failed units -> children
 *
 * Between runs a watch listens: to this one unit, or for a parent to all of them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/bus.h"
#include "io/loop.h"
#include "io/timer.h"
#include "probes/probe.h"
#include "probes/systemd_unit.h"

#define SYSTEMD      "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNITS_PATH   "/org/freedesktop/systemd1/unit"
#define MANAGER      "org.freedesktop.systemd1.Manager"
#define UNIT         "org.freedesktop.systemd1.Unit"
#define PROPERTIES   "org.freedesktop.DBus.Properties"

#define PATH_MAX_LEN       512
#define REMEMBER_MAX       64
#define REMEMBER_US        USEC_PER_HOUR /* how long a unit that failed is still watched */
#define SUBSCRIBE_US       (10 * USEC_PER_SEC)
#define SUBSCRIBE_AGAIN_US (5 * USEC_PER_SEC)
#define NO_SERVICE         "org.freedesktop.DBus.Error.ServiceUnknown"
#define NO_OWNER           "org.freedesktop.DBus.Error.NameHasNoOwner"

struct systemd_conf {
	char *unit;
	bool is_failed;
	int state;
	usec_t start_max_us;
	char *bus;
	/* made by check */
	char name[UNIT_NAME_MAX];
};

#define ROW struct systemd_conf

static const char *const states[] = { "active", "inactive", "any", NULL };

static const struct conf_field fields[] = {
	{ .name = "unit",
		STRING_AT(ROW, unit),
		.doc = "The unit; without a suffix a `.service` is meant. An alias will do.",
		.example = "nginx" },
	{ .name = "failed",
		BOOL_AT(ROW, is_failed),
		.dflt = "false",
		.doc = "Instead of one unit: whichever has failed, each as a check of its own "
		       "(`units[cron.service]`), which stays for an hour after its last failure." },
	{ .name = "state",
		ENUM_AT(ROW, state, states),
		.dflt = "active",
		.doc = "What the unit should be. A `oneshot` service that ended well is as good as "
		       "active; `any` is for units that a socket or timer starts: only failures "
		       "count." },
	{ .name = "start_max",
		DURATION_AT(ROW, start_max_us),
		.dflt = "90s",
		.min = "1s",
		.doc = "How long it may be starting." },
	{ .name = "bus",
		STRING_AT(ROW, bus),
		.doc = "D-Bus address. Default: `DBUS_SYSTEM_BUS_ADDRESS`, then "
		       "`unix:path=/run/dbus/system_bus_socket`; in a container mount the host's "
		       "socket there.",
		.example = "unix:path=/host/run/dbus/system_bus_socket" },
	{ .type = CONF_END },
};

enum row {
	ROW_TOTAL_TIME,
	ROW_ACTIVE,
	ROW_RESTARTS,
	ROW_UP,
	ROW_MEMORY,
	ROW_MEMORY_PERCENT,
	ROW_TASKS,
	ROW_CPU,
	ROW_FAILED,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "active", METRIC_FLAG, UNIT_NONE, "1 while the unit is active." },
	{ "restarts_total", METRIC_COUNTER, UNIT_NONE,
		"Automatic restarts since it was started by hand or at boot." },
	{ "up_time", METRIC_MOMENT, UNIT_SECONDS, "Since it became active." },
	{ "memory_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory of all its processes, with cache." },
	{ "memory_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Memory against `MemoryMax=`; absent without such a limit." },
	{ "tasks", METRIC_GAUGE, UNIT_NONE, "Processes and threads." },
	{ "cpu_time_total", METRIC_COUNTER, UNIT_SECONDS, "CPU time used since its start." },
	{ "count", METRIC_GAUGE, UNIT_NONE, "Units in state failed; with `failed` only." },
	{ .name = NULL },
};

struct systemd_run {
	struct bus_call *call;
	char path[PATH_MAX_LEN];
	json_t *common; /* the unit's properties, until its kind's are there */
};

/* Units that failed lately: they stay children, so that their recovery is told. */
struct systemd_memory {
	struct failed_unit {
		char name[UNIT_NAME_MAX];
		usec_t seen_us;
	} all[REMEMBER_MAX];
	unsigned count;
};

struct systemd_watch {
	struct bus_ear *unit_ear, *manager_ear;
	struct bus_call *subscribe;
	struct timer subscribe_again;
	char path[PATH_MAX_LEN]; /* that unit_ear listens to */
	char seen[120];          /* the state that the last signal told of */
};

static const char *
name_of(const struct systemd_conf *conf, const char *instance)
{
	return instance != NULL ? instance : conf->name;
}

/* --- the watch --- */

static void
on_subscribed(void *arg, const struct bus_reply *reply)
{
	struct systemd_watch *w = probe_watch_state(arg);

	/* Refused: the interval still sees everything.  The bus may be there before systemd is. */
	w->subscribe = NULL;
	if (reply->end == BUS_SILENT ||
		(reply->end == BUS_REFUSED &&
			(str_eq(reply->error, NO_SERVICE) || str_eq(reply->error, NO_OWNER))))
		timer_after(&w->subscribe_again, SUBSCRIBE_AGAIN_US);
}

/* systemd sends no signals as long as nobody has asked for them. */
static void
subscribe(struct probe_watch *watch)
{
	const struct systemd_conf *conf = probe_watch_conf(watch);
	struct systemd_watch *w = probe_watch_state(watch);
	const struct bus_ask ask = { .address = conf->bus,
		.to = SYSTEMD,
		.path = MANAGER_PATH,
		.interface = MANAGER,
		.member = "Subscribe" };

	timer_stop(&w->subscribe_again);
	bus_call_cancel(w->subscribe);
	w->subscribe = bus_call_start(
		probe_watch_env(watch)->bus, &ask, SUBSCRIBE_US, on_subscribed, watch);
}

static void
on_subscribe_again(void *arg)
{
	subscribe(arg);
}

/* Each change is told several times, with more properties than we care for. */
static void
on_unit_news(void *arg, enum bus_news news, const char *member, const json_t *args)
{
	struct probe_watch *watch = arg;
	struct systemd_watch *w = probe_watch_state(watch);
	const json_t *changed = json_array_get(args, 1);
	const char *active = json_string_value(json_object_get(changed, "ActiveState"));
	const char *sub = json_string_value(json_object_get(changed, "SubState"));
	char seen[sizeof(w->seen)];

	(void)member;
	if (news != BUS_SIGNAL || active == NULL)
		return;
	snprintf(seen, sizeof(seen), "%s/%s/%lld", active, sub != NULL ? sub : "",
		(long long)json_integer_value(json_object_get(changed, "StateChangeTimestamp")));
	if (str_eq(seen, w->seen))
		return;
	str_copy(w->seen, sizeof(w->seen), seen);
	probe_watch_poke(watch);
}

/* For a parent: any unit that has just failed. */
static void
on_any_news(void *arg, enum bus_news news, const char *member, const json_t *args)
{
	const json_t *changed = json_array_get(args, 1);
	const char *active = json_string_value(json_object_get(changed, "ActiveState"));

	(void)member;
	if (news == BUS_SIGNAL && str_eq(active, "failed"))
		probe_watch_poke(arg);
}

static void
on_manager_news(void *arg, enum bus_news news, const char *member, const json_t *args)
{
	bool has_reloaded = news == BUS_SIGNAL && str_eq(member, "Reloading") &&
			    json_is_false(json_array_get(args, 0));

	if (news != BUS_BACK && !has_reloaded)
		return;
	subscribe(arg);
	probe_watch_poke(arg);
}

static void
listen_to(struct probe_watch *watch, const char *path)
{
	const struct systemd_conf *conf = probe_watch_conf(watch);
	struct systemd_watch *w = probe_watch_state(watch);
	bool is_all = conf->is_failed && probe_watch_instance(watch) == NULL;
	const struct bus_want want = { .address = conf->bus,
		.from = SYSTEMD,
		.path = path,
		.interface = PROPERTIES,
		.member = "PropertiesChanged",
		.is_below = is_all };

	if (str_eq(path, w->path))
		return;
	str_copy(w->path, sizeof(w->path), path);
	w->seen[0] = '\0';
	bus_ear_close(w->unit_ear);
	w->unit_ear = bus_ear_open(
		probe_watch_env(watch)->bus, &want, is_all ? on_any_news : on_unit_news, watch);
}

static void
open_watch(struct probe_watch *watch)
{
	const struct systemd_conf *conf = probe_watch_conf(watch);
	struct systemd_watch *w = probe_watch_state(watch);
	const struct bus_want want = { .address = conf->bus,
		.from = SYSTEMD,
		.path = MANAGER_PATH,
		.interface = MANAGER,
		.member = "Reloading" };

	timer_init(&w->subscribe_again, probe_watch_env(watch)->loop, on_subscribe_again, watch);
	w->manager_ear = bus_ear_open(probe_watch_env(watch)->bus, &want, on_manager_news, watch);
	subscribe(watch);
	if (conf->is_failed && probe_watch_instance(watch) == NULL)
		listen_to(watch, UNITS_PATH);
}

static void
close_watch(struct probe_watch *watch)
{
	struct systemd_watch *w = probe_watch_state(watch);

	timer_stop(&w->subscribe_again);
	bus_call_cancel(w->subscribe);
	bus_ear_close(w->unit_ear);
	bus_ear_close(w->manager_ear);
}

/* --- a run --- */

static void
ask(struct probe_run *run, struct bus_ask *what, bus_fn fn)
{
	const struct systemd_conf *conf = probe_conf(run);
	struct systemd_run *state = probe_state(run);

	what->address = conf->bus;
	what->to = SYSTEMD;
	/* A little less than there is: then it is said who was silent. */
	state->call =
		bus_call_start(probe_env(run)->bus, what, probe_time_left(run) / 10 * 9, fn, run);
}

/* True: no answer to go on with, and that was said.  Never bad news of the unit. */
static bool
failed(struct probe_run *run, const struct bus_reply *reply)
{
	const struct systemd_conf *conf = probe_conf(run);
	const char *error = reply->error;

	((struct systemd_run *)probe_state(run))->call = NULL;
	switch (reply->end) {
	case BUS_ANSWERED:
		return false;
	case BUS_ABSENT:
		probe_error(run, "unit.cannot-ask",
			"%s; in a container, mount the host's /run/dbus/system_bus_socket",
			reply->text);
		return true;
	case BUS_SILENT:
		probe_error(run, "unit.cannot-ask", "systemd does not answer at %s",
			bus_address(conf->bus));
		return true;
	case BUS_REFUSED:
		break;
	}
	if (str_ends(error, ".NoSuchUnit"))
		probe_fail(run, "unit.missing", "there is no such unit");
	else if (str_ends(error, ".AccessDenied") || str_ends(error, ".AuthFailed"))
		probe_error(run, "unit.cannot-ask",
			"the bus does not let this user ask systemd: %s", reply->text);
	else if (str_ends(error, ".ServiceUnknown") || str_ends(error, ".NameHasNoOwner"))
		probe_error(run, "unit.cannot-ask", "there is no systemd on the bus at %s",
			bus_address(conf->bus));
	else
		probe_error(run, "unit.cannot-ask", "systemd refuses: %s", reply->text);
	return true;
}

static void
report_numbers(struct probe_run *run, const struct unit *unit)
{
	usec_t now = loop_wall(probe_env(run)->loop);
	bool is_active = str_eq(unit->active, "active") || str_eq(unit->active, "reloading");

	probe_value(run, ROW_ACTIVE, is_active);
	probe_value(run, ROW_RESTARTS, unit->restarts);
	if (is_active && unit->active_since_us > 0 && now > unit->active_since_us)
		probe_value(run, ROW_UP, (double)(now - unit->active_since_us) / USEC_PER_SEC);
	if (!is_active)
		return; /* what is left of it is no measure */
	probe_value(run, ROW_MEMORY, unit->memory_bytes);
	if (unit->memory_max_bytes > 0)
		probe_value(
			run, ROW_MEMORY_PERCENT, unit->memory_bytes * 100 / unit->memory_max_bytes);
	probe_value(run, ROW_TASKS, unit->tasks);
	probe_value(run, ROW_CPU, unit->cpu_s);
}

static void
report_facts(struct probe_run *run, const struct unit *unit)
{
	char last[120], when[CLOCK_RFC3339_SIZE];

	unit_last_exit(unit, last, sizeof(last));
	if (unit->changed_us > 0) {
		clock_format_rfc3339(unit->changed_us, when);
		probe_fact(run, "since", "%s", when);
	}
	if (last[0] != '\0')
		probe_fact(run, "last_exit", "%s", last);
	if (unit->result[0] != '\0' && !str_eq(unit->result, "success"))
		probe_fact(run, "result", "%s", unit->result);
	if (unit->restarts > 0)
		probe_fact(run, "restarts", "%g", unit->restarts);
	if (unit->file[0] != '\0')
		probe_fact(run, "unit_file", "%s", unit->file);
	if (unit->id[0] != '\0' && !str_eq(unit->id, name_of(probe_conf(run), probe_instance(run))))
		probe_fact(run, "unit", "%s", unit->id);
}

static void
conclude(struct probe_run *run, const json_t *own)
{
	const struct systemd_conf *conf = probe_conf(run);
	const struct systemd_run *state = probe_state(run);
	enum unit_want want =
		probe_instance(run) != NULL ? UNIT_WANT_ANY : (enum unit_want)conf->state;
	struct unit_verdict verdict;
	struct unit unit;

	unit_read(&unit, state->common, own);
	report_numbers(run, &unit);
	report_facts(run, &unit);
	unit_judge(&verdict, &unit, want, conf->start_max_us, loop_wall(probe_env(run)->loop));
	if (verdict.cause != NULL)
		probe_fail(run, verdict.cause, "%s", verdict.text);
	else
		probe_ok(run, "%s", verdict.text);
}

static void
on_own(void *arg, const struct bus_reply *reply)
{
	struct probe_run *run = arg;

	if (!failed(run, reply))
		conclude(run, json_array_get(reply->args, 0));
}

static void
ask_properties(struct probe_run *run, const char *interface, bus_fn fn)
{
	struct systemd_run *state = probe_state(run);
	const char *const texts[] = { interface, NULL };
	struct bus_ask what = {
		.path = state->path, .interface = PROPERTIES, .member = "GetAll", .texts = texts
	};

	ask(run, &what, fn);
}

static void
on_common(void *arg, const struct bus_reply *reply)
{
	struct probe_run *run = arg;
	struct systemd_run *state = probe_state(run);
	const char *id, *load;

	if (failed(run, reply))
		return;
	state->common = json_incref(json_array_get(reply->args, 0));
	id = json_string_value(json_object_get(state->common, "Id"));
	load = json_string_value(json_object_get(state->common, "LoadState"));
	if (id == NULL) {
		probe_error(run, "unit.cannot-ask", "what answers is not systemd");
		return;
	}
	if (str_eq(load, "not-found"))
		conclude(run, NULL);
	else
		ask_properties(run, unit_interface(id), on_own);
}

static void
on_path(void *arg, const struct bus_reply *reply)
{
	struct probe_run *run = arg;
	struct systemd_run *state = probe_state(run);
	const char *path;

	if (failed(run, reply))
		return;
	path = json_string_value(json_array_get(reply->args, 0));
	if (path == NULL || strlen(path) >= sizeof(state->path)) {
		probe_error(run, "unit.cannot-ask", "what answers is not systemd");
		return;
	}
	strcpy(state->path, path);
	listen_to(probe_watch(run), path); /* an alias has the path of what it stands for */
	ask_properties(run, UNIT, on_common);
}

/* --- the parent --- */

static void
remember(struct systemd_memory *memory, const char *name, usec_t now)
{
	unsigned i = 0;

	while (i < memory->count && !str_eq(memory->all[i].name, name))
		i++;
	if (i == REMEMBER_MAX)
		return;
	if (i == memory->count)
		memory->count++;
	str_copy(memory->all[i].name, sizeof(memory->all[i].name), name);
	memory->all[i].seen_us = now;
}

static void
forget_old(struct systemd_memory *memory, usec_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < memory->count; i++)
		if (now - memory->all[i].seen_us < REMEMBER_US)
			memory->all[kept++] = memory->all[i];
	memory->count = kept;
}

static void
on_list(void *arg, const struct bus_reply *reply)
{
	struct probe_run *run = arg;
	struct systemd_memory *memory = probe_memory(run, sizeof(*memory));
	usec_t now = loop_now(probe_env(run)->loop);
	const json_t *units;
	size_t count = 0;

	if (failed(run, reply))
		return;
	units = json_array_get(reply->args, 0);
	for (size_t i = 0; i < json_array_size(units); i++) {
		const char *name = json_string_value(json_array_get(json_array_get(units, i), 0));

		if (name == NULL || strlen(name) >= UNIT_NAME_MAX)
			continue;
		remember(memory, name, now);
		count++;
	}
	forget_old(memory, now);
	for (unsigned i = 0; i < memory->count; i++)
		probe_child(run, memory->all[i].name);
	probe_value(run, ROW_FAILED, (double)count);
	probe_ok(run, count == 0 ? "no unit has failed" : "units that have failed: %zu", count);
}

static void
start(struct probe_run *run)
{
	const struct systemd_conf *conf = probe_conf(run);
	const char *instance = probe_instance(run);
	const char *const texts[] = { name_of(conf, instance), NULL };
	const char *const failed_state[] = { "failed", NULL };
	struct bus_ask what = {
		.path = MANAGER_PATH, .interface = MANAGER, .member = "LoadUnit", .texts = texts
	};

	if (conf->is_failed && instance == NULL) {
		what.member = "ListUnitsFiltered";
		what.texts = NULL;
		what.list = failed_state;
		ask(run, &what, on_list);
	} else {
		ask(run, &what, on_path);
	}
}

static void
stop(struct probe_run *run)
{
	struct systemd_run *state = probe_state(run);

	bus_call_cancel(state->call);
	state->call = NULL;
	json_decref(state->common);
	state->common = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	(void)run;
	str_copy(text, size, "systemd does not answer");
	return "self.local";
}

/* --- settings --- */

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct systemd_conf *conf = conf_;
	struct conf_pos unit_pos = conf_pos_of(map, "unit");
	struct conf_pos bus_pos = conf_pos_of(map, "bus");
	struct err e;

	(void)setup;
	if ((conf->unit == NULL) == !conf->is_failed)
		complain(complaints, &unit_pos,
			"either `unit:` names one, or `failed: true` looks for all that failed");
	else if (conf->unit != NULL && !unit_name(conf->unit, conf->name))
		complain(complaints, &unit_pos, "unit: \"%s\" cannot be a unit's name", conf->unit);
	if (conf->bus != NULL && bus_address_check(conf->bus, &e) != 0)
		complain(complaints, &bus_pos, "bus: %s", e.text);
}

const char *
systemd_bus(const void *conf)
{
	return ((const struct systemd_conf *)conf)->bus;
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct systemd_conf *conf = conf_;

	if (!conf->is_failed || instance != NULL)
		out->unit = name_of(conf, instance);
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct systemd_conf *conf = conf_;

	str_copy(out, size,
		conf->is_failed && instance == NULL ? "failed units" : name_of(conf, instance));
}

static bool
is_parent(const void *conf_)
{
	return ((const struct systemd_conf *)conf_)->is_failed;
}

const struct probe_type probe_type_systemd = {
	.name = "systemd",
	.summary = "Looks at a unit of systemd: its state, restarts and last exit.",
	.manual =
		"The unit is asked for over D-Bus at each interval, and at once when a signal says "
		"that its state has changed. A unit that failed, is gone, masked or waits to be "
		"started again is down; so is one that is not what `state` says. Without a bus, or "
		"without the right to ask, the check is an error and says nothing of the unit. No "
		"right beyond that of any user is needed.\n\n"
		"A service that crashes and comes back between two runs is seen by its counter: "
		"`increase(this.restarts_total, 10m) >= 3`.",
	.fields = fields,
	.url_key = "unit",
	.metrics = metrics,
	.conf_size = sizeof(struct systemd_conf),
	.run_size = sizeof(struct systemd_run),
	.check = check,
	.target = target,
	.reveal = reveal,
	.is_parent = is_parent,
	.start = start,
	.stop = stop,
	.watch_size = sizeof(struct systemd_watch),
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
};
