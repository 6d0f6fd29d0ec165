/* What a request makes happen: a check's run, a reload. */
#include <stdlib.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "sched/sched.h"

void
handle_run(struct api_call *call)
{
	const struct api_world *world = call->world;
	struct check_view view;
	json_t *doc;

	if (!sched_view_name(world->sched, call->name, &view)) {
		reply_problem(call, 404, "no check is called \"%s\"", call->name);
		return;
	}
	doc = json_object();
	json_object_set_new(doc, "check", json_string(call->name));
	json_object_set_new(doc, "runs", json_integer((json_int_t)view.runs));
	if (world->run_check(world->arg, call->name) == -1) {
		json_decref(doc);
		reply_problem(call, 409, "the check \"%s\" is running already", call->name);
		return;
	}
	reply_json(call, 202, doc);
}

/*
 * A reload ends later, perhaps after the one who asked has gone: this stands between the two.
 * Whoever is last to let go frees it.
 */
struct pending {
	struct api_call *call; /* NULL: gone */
	bool is_starting, is_done;
};

static void
forget(struct api_call *call)
{
	struct pending *pending = call->waiting;

	call->forget = NULL;
	call->waiting = NULL;
	pending->call = NULL;
}

static void
on_reloaded(void *arg, const char *text)
{
	struct pending *pending = arg;
	struct api_call *call = pending->call;

	pending->is_done = true;
	if (call != NULL) {
		if (text == NULL)
			reply_json(call, 200, json_pack("{s:b}", "reloaded", 1));
		else
			reply_problem(call, 422, "%s", text);
		forget(call);
		if (!pending->is_starting)
			call->on_answer(call->on_answer_arg);
	}
	if (!pending->is_starting)
		free(pending);
}

void
handle_reload(struct api_call *call)
{
	struct pending *pending = xcalloc(1, sizeof(*pending));

	pending->call = call;
	pending->is_starting = true;
	call->waiting = pending;
	call->forget = forget;
	call->world->reload(call->world->arg, on_reloaded, pending);
	pending->is_starting = false;
	if (pending->is_done)
		free(pending);
}
