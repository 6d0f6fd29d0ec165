/*
 * What keeps this host's clock: the kernel's own state, the time service that runs or should, and
 * the offset that the check measured.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#include "base/str.h"
#include "io/bus.h"
#include "io/procs.h"
#include "probes/facts/fact.h"

enum key { KEY_SYNCHRONISED, KEY_OFFSET, KEY_SERVICE, KEY_ACTIVE, KEY_MAX_ERROR };

static const struct metric_desc keys[] = {
	{ "synchronised", METRIC_FLAG, UNIT_BOOL, "A time service keeps the kernel's clock." },
	{ "offset_time", METRIC_GAUGE, UNIT_SECONDS,
		"How far the clock is ahead of the servers, as the check measured it." },
	{ "service", METRIC_GAUGE, UNIT_TEXT, "The time service of this host." },
	{ "service_active", METRIC_FLAG, UNIT_BOOL, "It runs." },
	{ "max_error_time", METRIC_GAUGE, UNIT_SECONDS,
		"How far off the kernel thinks it may be." },
	{ .name = NULL },
};

/* Programs as the kernel cuts their names, and the units that start them. */
static const struct {
	const char *comm, *unit;
} services[] = {
	{ "chronyd", "chrony.service" },
	{ "chronyd", "chronyd.service" },
	{ "systemd-timesyn", "systemd-timesyncd.service" },
	{ "ntpd", "ntp.service" },
	{ "ntpd", "ntpd.service" },
	{ "ntpd", "ntpsec.service" },
	{ "ntpd", "openntpd.service" },
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

struct state {
	struct procs_call *procs;
	struct bus_call *bus;
	bool is_running;
};

static void
ended(struct fact_run *run)
{
	const struct state *state = fact_state(run);

	if (state->procs == NULL && state->bus == NULL)
		fact_had(run);
}

static bool
is_service(void *arg, const struct proc *proc)
{
	(void)arg;
	for (size_t i = 0; i < SERVICES; i++)
		if (str_eq(proc->comm, services[i].comm))
			return true;
	return false;
}

static void
on_processes(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);

	state->procs = NULL;
	if (trouble->status == FS_OK && procs->count > 0) {
		state->is_running = true;
		fact_text(run, KEY_SERVICE, "%s", procs->all[0].comm);
		fact_number(run, KEY_ACTIVE, 1);
		fact_line(run, "%s runs (pid %u)", procs->all[0].comm, procs->all[0].pid);
	} else if (trouble->status == FS_OK && !procs->is_hidden) {
		fact_number(run, KEY_ACTIVE, 0);
		fact_line(run, "no time service runs here");
	}
	ended(run);
}

/* [[name, description, load, active, sub, ...], ...] */
static void
on_units(void *arg, const struct bus_reply *reply)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	const json_t *units = json_array_get(reply->args, 0), *unit;
	size_t i;

	state->bus = NULL;
	json_array_foreach(units, i, unit)
	{
		const char *name = json_string_value(json_array_get(unit, 0));
		const char *load = json_string_value(json_array_get(unit, 2));
		const char *active = json_string_value(json_array_get(unit, 3));

		if (name == NULL || active == NULL || !str_eq(load, "loaded"))
			continue;
		fact_line(run, "%s is %s", name, active);
		if (state->is_running)
			continue;
		fact_text(run, KEY_SERVICE, "%s", name);
		fact_number(run, KEY_ACTIVE, str_eq(active, "active"));
	}
	ended(run);
}

static void
say_kernel(struct fact_run *run)
{
	struct timex t = { .modes = 0 };
	bool is_kept;

	if (adjtimex(&t) < 0) {
		fact_line(run, "the kernel does not tell this daemon about its clock");
		return;
	}
	is_kept = (t.status & STA_UNSYNC) == 0;
	fact_number(run, KEY_SYNCHRONISED, is_kept);
	if (is_kept)
		fact_number(run, KEY_MAX_ERROR, (double)t.maxerror / USEC_PER_SEC);
	fact_line(run, "the kernel says that its clock is %s",
		is_kept ? "kept by a time service" : "kept by nobody");
}

static void
say_offset(struct fact_run *run)
{
	const struct sample *sample = fact_sample(run);
	double offset = NAN;
	char shown[32];

	if (sample != NULL && str_eq(fact_check(run)->type, "clock"))
		offset = sample_value(sample, "offset_time");
	fact_number(run, KEY_OFFSET, offset);
	if (isnan(offset))
		return;
	clock_format_duration((usec_t)(fabs(offset) * USEC_PER_SEC), shown, sizeof(shown));
	fact_line(run, "the servers say that it is %s %s", shown, offset > 0 ? "ahead" : "behind");
}

static void
start(struct fact_run *run)
{
	static const char *const units[] = { "chrony.service", "chronyd.service",
		"systemd-timesyncd.service", "ntp.service", "ntpd.service", "ntpsec.service",
		"openntpd.service", NULL };
	const struct io_env *env = fact_env(run);
	struct state *state = fact_state(run);
	const struct procs_request request = {
		.fs = env->fs,
		.host_root = env->host_root,
		.timeout_us = fact_time_left(run) / 2,
		.arg = run,
	};
	const struct bus_ask ask = {
		.to = "org.freedesktop.systemd1",
		.path = "/org/freedesktop/systemd1",
		.interface = "org.freedesktop.systemd1.Manager",
		.member = "ListUnitsByNames",
		.list = units,
	};

	say_kernel(run);
	say_offset(run);
	state->procs = procs_list_start(&request, false, is_service, on_processes);
	state->bus = bus_call_start(env->bus, &ask, fact_time_left(run) / 2, on_units, run);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	procs_cancel(state->procs);
	bus_call_cancel(state->bus);
	state->procs = NULL;
	state->bus = NULL;
}

const struct fact_type fact_type_clock = {
	.name = "clock",
	.summary = "What keeps this host's clock, and how far it is off.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.start = start,
	.stop = stop,
};
