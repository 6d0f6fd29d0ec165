/*
 * /healthz and /readyz.  The first says that the loop turns, nothing else: an orchestrator that
 * restarts us because a target is down would make things worse.  The second says when our answers
 * mean something; a reload that failed does not take that away, as the old settings go on.
 */
#include <string.h>

#include "api/handlers.h"
#include "model/record.h"
#include "sched/sched.h"

struct part {
	const char *name;
	bool is_ok;
	bool is_needed;     /* for being ready */
	const char *detail; /* what is wrong */
};

#define PART_COUNT 5

static void
look(const struct api_world *world, struct part parts[PART_COUNT])
{
	bool has_settings = world->settings != NULL;
	bool has_round = world->sched != NULL && sched_round_done(world->sched);

	parts[0] = (struct part){ "settings", has_settings, true, "no settings are in force" };
	parts[1] =
		(struct part){ "first-round", has_round, true, "not every check has run once yet" };
	parts[2] = (struct part){ "running", !world->is_draining, true, "stopping" };
	parts[3] = (struct part){ "configuration", world->config_trouble == NULL, false,
		world->config_trouble };
	parts[4] =
		(struct part){ "store", world->store_trouble == NULL, false, world->store_trouble };
}

static bool
is_ready(const struct part parts[PART_COUNT])
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (parts[i].is_needed && !parts[i].is_ok)
			return false;
	return true;
}

static void
reply_verbose(struct api_call *call, int status, const struct part parts[PART_COUNT])
{
	struct buf *body = &call->reply.body;

	reply_text(call, status, "text/plain; charset=utf-8", "");
	for (size_t i = 0; i < PART_COUNT; i++)
		buf_addf(body, "[%c] %s: %s\n",
			parts[i].is_ok       ? '+'
			: parts[i].is_needed ? '-'
					     : '!',
			parts[i].name, parts[i].is_ok ? "ok" : parts[i].detail);
	buf_add_text(body, status == 200 ? "ready\n" : "not ready\n");
}

static void
reply_parts(struct api_call *call, int status, const struct part parts[PART_COUNT])
{
	json_t *doc = json_object(), *list = json_array();

	for (size_t i = 0; i < PART_COUNT; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "name", json_string(parts[i].name));
		json_object_set_new(one, "ok", json_boolean(parts[i].is_ok));
		json_object_set_new(one, "needed", json_boolean(parts[i].is_needed));
		json_object_set_new(
			one, "detail", parts[i].is_ok ? json_null() : record_text(parts[i].detail));
		json_array_append_new(list, one);
	}
	json_object_set_new(doc, "ready", json_boolean(status == 200));
	json_object_set_new(doc, "parts", list);
	reply_json(call, status, doc);
}

void
handle_healthz(struct api_call *call)
{
	reply_text(call, 200, "text/plain; charset=utf-8", "ok\n");
}

void
handle_readyz(struct api_call *call)
{
	struct part parts[PART_COUNT];
	char verbose[16];
	int status;

	look(call->world, parts);
	status = is_ready(parts) ? 200 : 503;
	call->reply.vary = "Accept";
	if (call_accepts(call, "application/json"))
		reply_parts(call, status, parts);
	else if (call_query(call, "verbose", verbose, sizeof(verbose)))
		reply_verbose(call, status, parts);
	else
		reply_text(call, status, "text/plain; charset=utf-8",
			status == 200 ? "ready\n" : "not ready\n");
}
