/*
 * Containers over the API of Docker or Podman, asked for at intervals and whenever an event says
 * that something happened.
 *
 *	name or child:           inspect -> (running: stats) -> verdict
 *	label, service, project: list -> children
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/container_state.h"
#include "probes/docker_client.h"
#include "probes/probe.h"

#define SERVICE_LABEL "com.docker.compose.service"
#define PROJECT_LABEL "com.docker.compose.project"
#define WHERE_MAX     320

struct container_conf {
	char *name, *service, *project;
	struct conf_strings labels;
	int state;
	char *socket;
	/* made by check */
	struct docker_places places;
	char *filters; /* of a parent: {"label": [...]} */
};

#define ROW struct container_conf

static const char *const states[] = { "running", "finished", NULL };

static const struct conf_field fields[] = {
	{ .name = "name",
		STRING_AT(ROW, name),
		.doc = "Name or id of one container.",
		.example = "new-api" },
	{ .name = "service",
		STRING_AT(ROW, service),
		.doc = "Instead: all containers of this service of a compose project, each as a "
		       "check of its own (`api[shop-api-1]`).",
		.example = "api" },
	{ .name = "project",
		STRING_AT(ROW, project),
		.doc = "Of this compose project only; without `service` all of its containers.",
		.example = "shop" },
	{ .name = "label",
		STRINGS_AT(ROW, labels),
		.doc = "Instead: all containers with these labels, `name` or `name=value`.",
		.example = "monitored=yes" },
	{ .name = "state",
		ENUM_AT(ROW, state, states),
		.dflt = "running",
		.doc = "What it should be; `finished` allows that it has ended with 0, for jobs." },
	{ .name = "socket",
		STRING_AT(ROW, socket),
		.doc = "The API's socket, or `tcp://host:port` of a proxy in front of it. Default: "
		       "`/var/run/docker.sock`, then `/run/podman/podman.sock`.",
		.example = "/var/run/docker.sock" },
	{ .type = CONF_END },
};

enum row {
	ROW_TOTAL_TIME,
	ROW_RUNNING,
	ROW_HEALTHY,
	ROW_RESTARTS,
	ROW_OOM_KILLS,
	ROW_EXIT_CODE,
	ROW_UP,
	ROW_MEMORY,
	ROW_MEMORY_PERCENT,
	ROW_CPU,
	ROW_COUNT,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "running", METRIC_FLAG, UNIT_NONE, "1 while it runs." },
	{ "healthy", METRIC_FLAG, UNIT_NONE,
		"1 while its healthcheck succeeds; absent without one or while it starts." },
	{ "restarts_total", METRIC_COUNTER, UNIT_NONE,
		"Automatic restarts since it was created or started by hand." },
	{ "oom_kills_total", METRIC_COUNTER, UNIT_NONE,
		"Times that the engine told of a kill for want of memory in it, since the daemon "
		"started." },
	{ "exit_code", METRIC_MOMENT, UNIT_NONE, "Of its last end; absent while it runs." },
	{ "up_time", METRIC_MOMENT, UNIT_SECONDS, "Since it was started." },
	{ "memory_bytes", METRIC_GAUGE, UNIT_BYTES,
		"Memory in use without what is only cache, as `docker stats` shows it." },
	{ "memory_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Memory against its limit; absent without a limit." },
	{ "cpu_time_total", METRIC_COUNTER, UNIT_SECONDS, "CPU time used since its start." },
	{ "count", METRIC_GAUGE, UNIT_NONE,
		"Containers found; with `service`, `project` or `label` only." },
	{ .name = NULL },
};

struct container_run {
	struct docker_call *call;
	json_t *inspected; /* until the stats are there */
};

struct container_watch {
	struct docker_events *events;
	double oom_kills; /* told of */
};

static bool
is_parent(const void *conf_)
{
	return ((const struct container_conf *)conf_)->filters != NULL;
}

/* --- the watch --- */

static void
on_event(void *arg, const char *what)
{
	/* Not the healthchecks' own comings and goings (exec_start...), which never end. */
	static const char *const telling[] = { "start", "die", "oom", "kill", "stop", "pause",
		"unpause", "destroy", "remove", "create", "rename", "restart", "health_status",
		"died" };
	struct container_watch *w = probe_watch_state(arg);

	if (what != NULL && str_starts(what, "oom"))
		w->oom_kills++;
	for (size_t i = 0; what != NULL && i < sizeof(telling) / sizeof(telling[0]); i++)
		if (str_starts(what, telling[i]))
			what = NULL;
	if (what == NULL)
		probe_watch_poke(arg);
}

static void
open_watch(struct probe_watch *watch)
{
	const struct container_conf *conf = probe_watch_conf(watch);
	struct container_watch *w = probe_watch_state(watch);
	const char *instance = probe_watch_instance(watch);
	const char *name = instance != NULL ? instance : conf->name;
	json_t *filters;
	char *text;

	if (instance == NULL && conf->filters != NULL)
		filters = json_loads(conf->filters, 0, NULL);
	else
		filters = json_pack("{s:[s]}", "container", name);
	json_object_set_new(filters, "type", json_pack("[s]", "container"));
	text = json_dumps(filters, JSON_COMPACT);
	w->events =
		docker_events_open(probe_watch_env(watch), &conf->places, text, on_event, watch);
	free(text);
	json_decref(filters);
}

static void
close_watch(struct probe_watch *watch)
{
	struct container_watch *w = probe_watch_state(watch);

	docker_events_close(w->events);
}

/* --- a run --- */

static void
get(struct probe_run *run, const char *path, docker_fn fn)
{
	const struct container_conf *conf = probe_conf(run);
	struct container_run *state = probe_state(run);

	/* A little less than there is: then it is said who was silent. */
	state->call = docker_get(
		probe_env(run), &conf->places, path, probe_time_left(run) / 10 * 9, fn, run);
}

static void
place_words(const struct container_conf *conf, char *out, size_t size)
{
	const struct place *place = &conf->places.all[0];

	if (conf->places.count > 1)
		snprintf(out, size, "%s and %s", place->path, conf->places.all[1].path);
	else if (place->path[0] != '\0')
		str_copy(out, size, place->path);
	else
		snprintf(out, size, "%s:%u", place->host, place->port);
}

/* True: nothing was learnt, and that was said.  Never bad news of the container. */
static bool
failed(struct probe_run *run, const struct docker_reply *reply)
{
	char where[WHERE_MAX];

	((struct container_run *)probe_state(run))->call = NULL;
	place_words(probe_conf(run), where, sizeof(where));
	switch (reply->fault) {
	case FAULT_NONE:
		break;
	case FAULT_DENIED:
		probe_error(run, "container.cannot-ask",
			"%s: this user may not open it; the right to is membership in the group "
			"that "
			"owns it (`docker`), or a proxy in front of it",
			where);
		return true;
	case FAULT_REFUSED:
		probe_error(run, "container.cannot-ask",
			"nobody answers at %s: Docker is not running, or the socket is not mounted "
			"into this container",
			where);
		return true;
	default:
		probe_error(run, "container.cannot-ask", "%s: %s", where, reply->text);
		return true;
	}
	if (reply->status == 403 || reply->status == 401)
		probe_error(run, "container.cannot-ask",
			"%s refuses to tell (status %d): the proxy in front of it must allow "
			"CONTAINERS and EVENTS",
			where, reply->status);
	else if (reply->status != 200 && reply->status != 404)
		probe_error(run, "container.cannot-ask", "%s answers with status %d: %s", where,
			reply->status, reply->text);
	else
		return false;
	return true;
}

static usec_t
age_of(const struct probe_run *run, const char *moment)
{
	char whole[CLOCK_RFC3339_SIZE];
	const char *dot = strchr(moment, '.');
	usec_t at, now = loop_wall(probe_env(run)->loop);

	/* "2026-01-02T03:04:05.123456789Z": more digits than we take */
	snprintf(whole, sizeof(whole), "%.*s%s", dot != NULL ? (int)(dot - moment) : 31, moment,
		dot != NULL ? "Z" : "");
	if (clock_parse_rfc3339(whole, &at) != 0 || at <= 0 || at > now)
		return -1;
	return now - at;
}

static void
report_numbers(struct probe_run *run, const struct container *c)
{
	bool is_running = str_eq(c->status, "running");
	usec_t age = is_running ? age_of(run, c->started) : -1;

	probe_value(run, ROW_RUNNING, is_running);
	probe_value(run, ROW_RESTARTS, c->restarts);
	probe_value(run, ROW_OOM_KILLS,
		((struct container_watch *)probe_watch_state(probe_watch(run)))->oom_kills);
	if (str_eq(c->health, "healthy") || str_eq(c->health, "unhealthy"))
		probe_value(run, ROW_HEALTHY, str_eq(c->health, "healthy"));
	if (!is_running && c->exit_code >= 0)
		probe_value(run, ROW_EXIT_CODE, c->exit_code);
	if (age >= 0)
		probe_value(run, ROW_UP, (double)age / USEC_PER_SEC);
}

static void
report_facts(struct probe_run *run, const struct container *c)
{
	char command[400], code[80];

	container_health_command(c, command, sizeof(command));
	if (c->image[0] != '\0')
		probe_fact(run, "image", "%s", c->image);
	if (str_eq(c->status, "running"))
		probe_fact(run, "started", "%s", c->started);
	else if (c->finished[0] != '\0' && !str_starts(c->finished, "0001-"))
		probe_fact(run, "finished", "%s", c->finished);
	if (c->restarts > 0)
		probe_fact(run, "restarts", "%g", c->restarts);
	if (!str_eq(c->health, "unhealthy"))
		return;
	/* Whose fault is it: the application's, or that of the command which looks at it? */
	if (command[0] != '\0')
		probe_fact(run, "healthcheck", "%s", command);
	if (c->health_exit >= 0) {
		container_exit_words(c->health_exit, code, sizeof(code));
		probe_fact(run, "healthcheck_exit", "%s", code);
	}
	if (c->health_output[0] != '\0')
		probe_fact(run, "healthcheck_says", "%s", c->health_output);
}

static void
conclude(struct probe_run *run)
{
	const struct container_conf *conf = probe_conf(run);
	const struct container_run *state = probe_state(run);
	struct container_verdict v;
	struct container c;

	container_read(&c, state->inspected);
	report_numbers(run, &c);
	report_facts(run, &c);
	container_judge(&v, &c, (enum container_want)conf->state);
	if (v.cause != NULL)
		probe_fail(run, v.cause, "%s", v.text);
	else
		probe_ok(run, "%s", v.text);
}

/* Without them the state is still worth telling. */
static void
on_stats(void *arg, const struct docker_reply *reply)
{
	struct probe_run *run = arg;
	struct container_run *state = probe_state(run);
	struct container c;
	double used;

	state->call = NULL;
	if (reply->fault == FAULT_NONE && reply->status == 200) {
		container_read(&c, state->inspected);
		used = container_memory(reply->json);
		probe_value(run, ROW_MEMORY, used);
		if (c.memory_limit_bytes > 0)
			probe_value(run, ROW_MEMORY_PERCENT, used * 100 / c.memory_limit_bytes);
		probe_value(run, ROW_CPU, container_cpu(reply->json));
	}
	conclude(run);
}

static void
on_inspected(void *arg, const struct docker_reply *reply)
{
	struct probe_run *run = arg;
	struct container_run *state = probe_state(run);
	struct container c;
	struct buf path;

	if (failed(run, reply))
		return;
	if (reply->status == 404) {
		probe_fail(run, "container.missing", "there is no such container");
		return;
	}
	container_read(&c, reply->json);
	if (c.status[0] == '\0' || c.id[0] == '\0') {
		probe_error(run, "container.cannot-ask", "what answers there is not Docker");
		return;
	}
	state->inspected = json_deep_copy(reply->json);
	if (!str_eq(c.status, "running")) {
		conclude(run);
		return;
	}
	buf_init(&path, 0);
	buf_add_text(&path, "/containers/");
	docker_add_value(&path, c.id);
	buf_add_text(&path, "/stats?stream=false&one-shot=true");
	get(run, buf_text(&path), on_stats);
	buf_fini(&path);
}

static void
on_list(void *arg, const struct docker_reply *reply)
{
	struct probe_run *run = arg;
	size_t count = 0;

	if (failed(run, reply))
		return;
	for (size_t i = 0; i < json_array_size(reply->json); i++) {
		const json_t *names = json_object_get(json_array_get(reply->json, i), "Names");
		const char *name = json_string_value(json_array_get(names, 0));

		if (name == NULL)
			continue;
		probe_child(run, name[0] == '/' ? name + 1 : name);
		count++;
	}
	probe_value(run, ROW_COUNT, (double)count);
	if (count > 0)
		probe_ok(run, "containers: %zu", count);
	else
		probe_fail(run, "container.missing", "no container matches");
}

static void
start(struct probe_run *run)
{
	const struct container_conf *conf = probe_conf(run);
	const char *instance = probe_instance(run);
	struct buf path;

	buf_init(&path, 0);
	if (instance == NULL && conf->filters != NULL) {
		buf_add_text(&path, "/containers/json?all=1&filters=");
		docker_add_value(&path, conf->filters);
		get(run, buf_text(&path), on_list);
	} else {
		buf_add_text(&path, "/containers/");
		docker_add_value(&path, instance != NULL ? instance : conf->name);
		buf_add_text(&path, "/json");
		get(run, buf_text(&path), on_inspected);
	}
	buf_fini(&path);
}

static void
stop(struct probe_run *run)
{
	struct container_run *state = probe_state(run);

	docker_call_cancel(state->call);
	state->call = NULL;
	json_decref(state->inspected);
	state->inspected = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	(void)run;
	str_copy(text, size, "the API does not answer");
	return "self.local";
}

/* --- settings --- */

static void
add_label(json_t *labels, const char *name, const char *value)
{
	char *text;

	if (value == NULL)
		return;
	text = name != NULL ? xasprintf("%s=%s", name, value) : xstrdup(value);
	json_array_append_new(labels, json_string(text));
	free(text);
}

static void
make_filters(struct container_conf *conf)
{
	json_t *labels = json_array(), *filters = json_pack("{s:o}", "label", labels);

	add_label(labels, SERVICE_LABEL, conf->service);
	add_label(labels, PROJECT_LABEL, conf->project);
	for (size_t i = 0; i < conf->labels.count; i++)
		add_label(labels, NULL, conf->labels.all[i]);
	if (json_array_size(labels) > 0)
		conf->filters = json_dumps(filters, JSON_COMPACT);
	json_decref(filters);
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct container_conf *conf = conf_;
	struct conf_pos name_pos = conf_pos_of(map, "name");
	struct conf_pos socket_pos = conf_pos_of(map, "socket");
	struct err e;

	(void)setup;
	make_filters(conf);
	if ((conf->name == NULL) == (conf->filters == NULL))
		complain(complaints, &name_pos,
			"either `name:` names one container, or `service:`, `project:` or `label:` "
			"find several");
	if (docker_places_parse(&conf->places, conf->socket, &e) != 0)
		complain(complaints, &socket_pos, "socket: %s", e.text);
}

static void
release(void *conf_)
{
	struct container_conf *conf = conf_;

	free(conf->filters);
	conf->filters = NULL;
}

const struct docker_places *
container_places(const void *conf)
{
	return &((const struct container_conf *)conf)->places;
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct container_conf *conf = conf_;

	out->container = instance != NULL ? instance : conf->name;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct container_conf *conf = conf_;

	if (instance != NULL || conf->name != NULL)
		str_copy(out, size, instance != NULL ? instance : conf->name);
	else if (conf->service != NULL || conf->project != NULL)
		snprintf(out, size, "%s%s%s", conf->project != NULL ? conf->project : "",
			conf->project != NULL && conf->service != NULL ? "/" : "",
			conf->service != NULL ? conf->service : "");
	else
		str_copy(out, size, conf->labels.count > 0 ? conf->labels.all[0] : "");
}

const struct probe_type probe_type_container = {
	.name = "container",
	.summary = "Looks at containers of Docker or Podman: state, health, restarts, memory.",
	.manual = "The API is asked at each interval, and at once when an event tells of a start, "
		  "an end "
		  "or a change of health. A container that ended, is unhealthy, paused, gone, "
		  "restarting "
		  "or was killed for want of memory is down. Without a socket, or without the "
		  "right to "
		  "open it, the check is an error and says nothing of the container.\n\n"
		  "An unhealthy container comes with its healthcheck's command and last words: "
		  "when the "
		  "check of the service itself is up, the command is what is wrong.\n\n"
		  "The right to the socket (the group `docker`) is as good as root on the host; a "
		  "proxy "
		  "that allows only `GET /containers` and `GET /events` is enough for this check. "
		  "`host_root` does not apply.",
	.fields = fields,
	.url_key = "name",
	.metrics = metrics,
	.conf_size = sizeof(struct container_conf),
	.run_size = sizeof(struct container_run),
	.check = check,
	.release = release,
	.target = target,
	.reveal = reveal,
	.is_parent = is_parent,
	.start = start,
	.stop = stop,
	.watch_size = sizeof(struct container_watch),
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
};
