/*
 * The container behind what a check looks at: its state, health, last exit.  Named by the check, or
 * learned while it was well, or the one that publishes the port:
 *
 *	(containers, by port) -> inspect
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/container_state.h"
#include "probes/docker_client.h"
#include "probes/facts/fact.h"

#define NEVER_STARTED "0001-"
#define OUTPUT_LINES  4

enum key {
	KEY_NAME,
	KEY_ID,
	KEY_STATE,
	KEY_HEALTH,
	KEY_EXIT_CODE,
	KEY_OOM_KILLED,
	KEY_RESTARTS,
	KEY_RESTART_POLICY,
	KEY_IMAGE,
	KEY_STARTED_AGE,
	KEY_FINISHED_AGE,
	KEY_HEALTH_COMMAND,
	KEY_HEALTH_OUTPUT,
	KEY_HEALTH_FAILURES,
	KEY_ERROR,
	KEY_MEMORY_LIMIT,
};

static const struct metric_desc keys[] = {
	{ "name", METRIC_GAUGE, UNIT_TEXT, "The container." },
	{ "id", METRIC_GAUGE, UNIT_TEXT, "The first twelve digits of its id." },
	{ "state", METRIC_GAUGE, UNIT_TEXT, "running, exited, restarting, paused, created, dead." },
	{ "health", METRIC_GAUGE, UNIT_TEXT, "healthy, unhealthy, starting." },
	{ "exit_code", METRIC_GAUGE, UNIT_NONE, "It ended with, while it does not run." },
	{ "oom_killed", METRIC_FLAG, UNIT_BOOL, "The kernel ended it for want of memory." },
	{ "restarts", METRIC_GAUGE, UNIT_NONE, "By the engine, since it was made." },
	{ "restart_policy", METRIC_GAUGE, UNIT_TEXT, "no, always, on-failure, unless-stopped." },
	{ "image", METRIC_GAUGE, UNIT_TEXT, "What it was made of." },
	{ "started_age", METRIC_GAUGE, UNIT_SECONDS, "Since it was started." },
	{ "finished_age", METRIC_GAUGE, UNIT_SECONDS, "Since it ended, while it does not run." },
	{ "health_command", METRIC_GAUGE, UNIT_TEXT, "Its health check." },
	{ "health_output", METRIC_GAUGE, UNIT_TEXT, "What the last health check said." },
	{ "health_failures", METRIC_GAUGE, UNIT_NONE, "Failed health checks in a row." },
	{ "error", METRIC_GAUGE, UNIT_TEXT, "Why the engine could not start it." },
	{ "memory_limit_bytes", METRIC_GAUGE, UNIT_BYTES, "Its memory limit." },
	{ .name = NULL },
};

struct container_run {
	struct docker_call *call;
	struct docker_places places;
};

/* True: no answer to go on with, and that was said. */
static bool
failed(struct fact_run *run, const struct docker_reply *reply)
{
	struct container_run *state = fact_state(run);
	bool is_named = fact_subject(run)->container != NULL;

	state->call = NULL;
	if (reply->fault == FAULT_DENIED) {
		fact_missed(run,
			"%s: not allowed to open it (membership in the group that owns it, "
			"`docker`, is missing)",
			state->places.all[0].path);
		return true;
	}
	if (reply->fault != FAULT_NONE && !is_named) {
		fact_none(run, "no container engine answers here");
		return true;
	}
	if (reply->fault != FAULT_NONE) {
		fact_missed(run, "the container engine cannot be asked: %s", reply->text);
		return true;
	}
	if (reply->status == 403 || reply->status == 401) {
		fact_missed(run,
			"the proxy in front of the engine refuses (status %d): it must "
			"allow CONTAINERS",
			reply->status);
		return true;
	}
	if (reply->status != 200 && reply->status != 404) {
		fact_missed(run, "the container engine answers with status %d: %s", reply->status,
			reply->text);
		return true;
	}
	return false;
}

static void
get(struct fact_run *run, const char *path, docker_fn fn)
{
	struct container_run *state = fact_state(run);

	state->call = docker_get(
		fact_env(run), &state->places, path, fact_time_left(run) / 10 * 9, fn, run);
}

/* --- telling --- */

/* "2026-01-02T03:04:05.123456789Z": more digits than we take. */
static void
tell_age(struct fact_run *run, enum key key, const char *moment)
{
	usec_t at, now = loop_wall(fact_env(run)->loop);
	const char *dot = strchr(moment, '.');
	char whole[CLOCK_RFC3339_SIZE];

	if (moment[0] == '\0' || str_starts(moment, NEVER_STARTED))
		return;
	snprintf(whole, sizeof(whole), "%.*s%s", dot != NULL ? (int)(dot - moment) : 31, moment,
		dot != NULL ? "Z" : "");
	if (clock_parse_rfc3339(whole, &at) == 0 && at > 0 && at <= now)
		fact_number(run, (int)key, (double)(now - at) / USEC_PER_SEC);
}

static void
tell_health(struct fact_run *run, const struct container *c)
{
	char command[400];
	const char *line = c->health_output;

	if (c->health[0] == '\0' || str_eq(c->health, "none"))
		return;
	fact_text(run, KEY_HEALTH, "%s", c->health);
	if (!isnan(c->health_failures))
		fact_number(run, KEY_HEALTH_FAILURES, c->health_failures);
	container_health_command(c, command, sizeof(command));
	if (command[0] != '\0')
		fact_text(run, KEY_HEALTH_COMMAND, "%s", command);
	if (line[0] == '\0')
		return;
	fact_text(run, KEY_HEALTH_OUTPUT, "%s", line);
	fact_line(run, "its health check (%s) is %s and says:", command, c->health);
	for (unsigned n = 0; n < OUTPUT_LINES && *line != '\0'; n++) {
		size_t len = strcspn(line, "\r\n");

		fact_line(run, "  %.*s", (int)(len < 400 ? len : 400), line);
		line += len;
		line += strspn(line, "\r\n");
	}
}

static void
tell_end(struct fact_run *run, const struct container *c)
{
	char words[120];

	fact_number(run, KEY_OOM_KILLED, c->is_oom_killed);
	if (str_eq(c->status, "running"))
		return;
	fact_number(run, KEY_EXIT_CODE, c->exit_code);
	tell_age(run, KEY_FINISHED_AGE, c->finished);
	container_exit_words(c->exit_code, words, sizeof(words));
	fact_line(run, "it ended with %s%s", words,
		c->is_oom_killed ? "; the engine says that it was killed for want of memory" : "");
}

static void
tell(struct fact_run *run, const json_t *inspected)
{
	struct container c;

	container_read(&c, inspected);
	fact_text(run, KEY_NAME, "%s", c.name + (c.name[0] == '/'));
	fact_text(run, KEY_ID, "%.12s", c.id);
	fact_text(run, KEY_STATE, "%s", c.status);
	if (c.image[0] != '\0')
		fact_text(run, KEY_IMAGE, "%s", c.image);
	if (!isnan(c.restarts))
		fact_number(run, KEY_RESTARTS, c.restarts);
	if (c.restart_policy[0] != '\0')
		fact_text(run, KEY_RESTART_POLICY, "%s", c.restart_policy);
	if (c.memory_limit_bytes > 0)
		fact_number(run, KEY_MEMORY_LIMIT, c.memory_limit_bytes);
	tell_age(run, KEY_STARTED_AGE, c.started);
	fact_line(run, "container %s (%s) is %s%s%s%s", c.name + (c.name[0] == '/'), c.image,
		c.status, c.health[0] != '\0' ? ", " : "", c.health,
		c.restarts > 0 ? ", and was restarted before" : "");
	tell_end(run, &c);
	if (c.error[0] != '\0') {
		fact_text(run, KEY_ERROR, "%s", c.error);
		fact_line(run, "the engine says: %s", c.error);
	}
	tell_health(run, &c);
	fact_had(run);
}

/* --- steps --- */

static void
on_inspected(void *arg, const struct docker_reply *reply)
{
	struct fact_run *run = arg;
	struct container c;

	if (failed(run, reply))
		return;
	if (reply->status == 404) {
		fact_none(run, "there is no container %s", fact_subject(run)->container);
		return;
	}
	container_read(&c, reply->json);
	if (c.status[0] == '\0' || c.id[0] == '\0')
		fact_missed(run, "what answers there is not a container engine");
	else
		tell(run, reply->json);
}

static void
inspect(struct fact_run *run, const char *name)
{
	struct buf path;

	buf_init(&path, 0);
	buf_add_text(&path, "/containers/");
	docker_add_value(&path, name);
	buf_add_text(&path, "/json");
	get(run, buf_text(&path), on_inspected);
	buf_fini(&path);
}

static void
on_list(void *arg, const struct docker_reply *reply)
{
	struct fact_run *run = arg;
	unsigned port = fact_subject(run)->port;
	const char *id;

	if (failed(run, reply))
		return;
	id = json_string_value(json_object_get(docker_publisher(reply->json, port), "Id"));
	if (id != NULL)
		inspect(run, id);
	else
		fact_none(run, "no container publishes port %u", port);
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	const struct check_spec *check = fact_check(run);
	struct container_run *state = fact_state(run);

	if (str_eq(check->type, "container"))
		state->places = *container_places(check->conf);
	else
		docker_places_parse(&state->places, NULL, NULL);
	if (s->container != NULL)
		inspect(run, s->container);
	else if (s->is_local && s->port > 0)
		get(run, "/containers/json", on_list);
	else
		fact_none(run, "no container is known to serve this");
}

static void
stop(struct fact_run *run)
{
	struct container_run *state = fact_state(run);

	docker_call_cancel(state->call);
	state->call = NULL;
}

const struct fact_type fact_type_container = {
	.name = "container",
	.summary = "The container behind the check: its state, health, restarts, last exit.",
	.rights = "The engine's socket: membership in its group, `docker`.",
	.keys = keys,
	.run_size = sizeof(struct container_run),
	.fresh_us = 5 * USEC_PER_SEC,
	.start = start,
	.stop = stop,
};
