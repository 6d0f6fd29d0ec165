/* What a request makes happen: a check's run, a test message, a reload, a backup. */
#include <stdlib.h>

#include "api/handlers.h"
#include "api/show.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "model/record.h"
#include "sched/sched.h"
#include "setup/settings.h"
#include "store/backup.h"

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
 * A reload, a backup or a test message ends later, perhaps after the one who asked has gone: this
 * stands between the two.  Whoever is last to let go frees it.
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

static struct pending *
begin(struct api_call *call)
{
	struct pending *pending = xcalloc(1, sizeof(*pending));

	pending->call = call;
	pending->is_starting = true;
	call->waiting = pending;
	call->forget = forget;
	return pending;
}

static void
started(struct pending *pending)
{
	pending->is_starting = false;
	if (pending->is_done)
		free(pending);
}

/* The reply is filled, if there is anybody left to have it. */
static void
end(struct pending *pending)
{
	struct api_call *call = pending->call;

	pending->is_done = true;
	if (call != NULL) {
		forget(call);
		if (!pending->is_starting)
			call->on_answer(call->on_answer_arg);
	}
	if (!pending->is_starting)
		free(pending);
}

static void
on_reloaded(void *arg, const char *text)
{
	struct pending *pending = arg;

	if (pending->call != NULL && text == NULL)
		reply_json(pending->call, 200, json_pack("{s:b}", "reloaded", 1));
	else if (pending->call != NULL)
		reply_problem(pending->call, 422, "%s", text);
	end(pending);
}

void
handle_reload(struct api_call *call)
{
	struct pending *pending = begin(call);

	call->world->reload(call->world->arg, on_reloaded, pending);
	started(pending);
}

static json_t *
backup_json(const struct backup *backup)
{
	json_t *doc = json_object(), *files = json_array();

	for (size_t i = 0; i < backup->count; i++) {
		json_t *file = json_object();

		json_object_set_new(file, "name", json_string(backup->files[i].name));
		json_object_set_new(file, "bytes", json_integer(backup->files[i].bytes));
		json_array_append_new(files, file);
	}
	json_object_set_new(doc, "folder", record_text(backup->folder));
	json_object_set_new(doc, "files", files);
	return doc;
}

static void
on_backed_up(void *arg, const struct backup *backup)
{
	struct pending *pending = arg;

	if (pending->call != NULL && backup->is_made)
		reply_json(pending->call, 200, backup_json(backup));
	else if (pending->call != NULL)
		reply_problem(pending->call, 503, "%s", backup->why.text);
	end(pending);
}

void
handle_backup(struct api_call *call)
{
	struct pending *pending = begin(call);

	if (call->world->backup(call->world->arg, on_backed_up, pending) == -1) {
		reply_problem(call, 409, "another backup is under way");
		forget(call);
		free(pending);
		return;
	}
	started(pending);
}

static void
reply_verdict(struct api_call *call, bool is_ok, const char *text, const char *transcript)
{
	char *shown = xstrdup(text == NULL ? "" : text);
	json_t *doc = json_object();

	if (call->world->env->secrets != NULL)
		secret_mask(call->world->env->secrets, shown);
	json_object_set_new(doc, "receiver", record_text(call->name));
	json_object_set_new(doc, "ok", json_boolean(is_ok));
	json_object_set_new(doc, "text", record_text(shown));
	json_object_set_new(doc, "transcript", record_text(transcript)); /* masked already */
	free(shown);
	reply_json(call, 200, doc);
}

static void
on_tested(void *arg, bool is_ok, const char *text, const char *transcript)
{
	struct pending *pending = arg;

	if (pending->call != NULL)
		reply_verdict(pending->call, is_ok, text, transcript);
	end(pending);
}

static bool
has_receiver(const struct deliver *deliver, const char *name)
{
	struct receiver_view view;

	for (size_t n = 0; deliver_view(deliver, n, &view); n++)
		if (str_eq(view.name, name))
			return true;
	return false;
}

#define NAMES_MAX 200

void
reply_unknown_receiver(struct api_call *call)
{
	const struct deliver *deliver = call->world->deliver;
	const char *names[NAMES_MAX], *near;
	struct receiver_view view;
	size_t count = 0;
	struct buf list;

	buf_init(&list, 1024);
	for (size_t n = 0; count < NAMES_MAX && deliver_view(deliver, n, &view); n++) {
		buf_addf(&list, "%s%s", count > 0 ? ", " : "", view.name);
		names[count++] = view.name;
	}
	near = str_nearest(call->name, names, count);
	reply_problem(call, 404, "no receiver is called \"%s\"%s%s%s%s%s", call->name,
		near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
		near == NULL ? "" : "\"?",
		count == 0     ? ""
		: near == NULL ? "; there are: "
			       : " There are: ",
		buf_text(&list));
	buf_fini(&list);
}

static bool
is_switched_off(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->disabled_receiver_count; i++)
		if (str_eq(settings->disabled_receivers[i]->name, name))
			return true;
	return false;
}

void
handle_test(struct api_call *call)
{
	struct deliver *deliver = call->world->deliver;
	struct pending *pending;

	if (is_switched_off(call->world->settings, call->name)) {
		reply_problem(
			call, 409, "receiver \"%s\" is switched off: `enabled: false`", call->name);
		return;
	}
	pending = begin(call);
	if (deliver_test(deliver, call->name, on_tested, pending) == -1) {
		forget(call);
		pending->is_done = true;
		if (has_receiver(deliver, call->name))
			reply_problem(call, 503,
				"too many test messages are on their way, or triaged is stopping");
		else
			reply_unknown_receiver(call);
	}
	started(pending);
}
