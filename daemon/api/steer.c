/* Steering who is told: acknowledgements, silences.  What is true is not changed here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "deliver/deliver.h"
#include "io/loop.h"
#include "model/record.h"
#include "sched/sched.h"
#include "store/store.h"
#include "triage/triage.h"

#define ACK_MAX_US (366 * USEC_PER_DAY)
#define BY_MAX     100 /* both are told to people: a message has no room for a book */
#define NOTE_MAX   1000

struct ack_words {
	char by[BY_MAX + 1], note[NOTE_MAX + 1];
};

/* The body as an object; NULL after a 400.  No body is an empty object. */
static json_t *
read_body(struct api_call *call)
{
	const struct buf *body = &call->request->body;
	json_error_t error;
	json_t *doc;

	if (buf_left(body) == 0)
		return json_object();
	doc = json_loadb(buf_head(body), buf_left(body), JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(doc))
		return doc;
	if (doc == NULL)
		reply_problem(
			call, 400, "the body is no JSON: %s (line %d)", error.text, error.line);
	else
		reply_problem(call, 400, "the body must be a JSON object");
	json_decref(doc);
	return NULL;
}

static const struct triage_moment *
moment(const struct api_call *call, struct triage_moment *at)
{
	at->now_us = loop_now(call->world->env->loop);
	at->wall_us = loop_wall(call->world->env->loop);
	return at;
}

/* A text of the body; -1 after a 400 when it is something else. */
static int
get_text(struct api_call *call, const json_t *doc, const char *key, const char **text)
{
	const json_t *value = json_object_get(doc, key);

	*text = json_string_value(value);
	if (value == NULL || json_is_null(value) || *text != NULL)
		return 0;
	reply_problem(call, 400, "%s: must be a text", key);
	return -1;
}

/* One that people are shown: as it may be shown; an empty one is none. */
static int
get_words(struct api_call *call, const json_t *doc, const char *key, char *out, size_t size)
{
	const char *text;

	out[0] = '\0';
	if (get_text(call, doc, key, &text) == -1)
		return -1;
	if (text != NULL && strlen(text) >= size) {
		reply_problem(call, 400, "%s: at most %zu bytes", key, size - 1);
		return -1;
	}
	if (text != NULL)
		str_printable(out, size, text, strlen(text));
	return 0;
}

/* Its words are those of `words`. */
static int
read_ack(struct api_call *call, const json_t *doc, struct triage_ack *ack, struct ack_words *words)
{
	usec_t wall_us = loop_wall(call->world->env->loop);
	const char *for_text, *until;
	const json_t *sticky = json_object_get(doc, "sticky");
	usec_t for_us = 0;
	struct err e;

	if (get_words(call, doc, "by", words->by, sizeof(words->by)) == -1 ||
		get_words(call, doc, "note", words->note, sizeof(words->note)) == -1 ||
		get_text(call, doc, "for", &for_text) == -1 ||
		get_text(call, doc, "until", &until) == -1)
		return -1;
	ack->by = words->by[0] != '\0' ? words->by : "somebody";
	ack->note = words->note[0] != '\0' ? words->note : NULL;
	if (sticky != NULL && !json_is_null(sticky) && !json_is_boolean(sticky)) {
		reply_problem(call, 400, "sticky: must be true or false");
		return -1;
	}
	ack->is_sticky = json_is_true(sticky);
	if (for_text != NULL && value_duration(for_text, &for_us, &e) == -1) {
		reply_problem(call, 400, "for: %s", e.text);
		return -1;
	}
	if (for_us > 0)
		ack->until_us = wall_us + for_us;
	else if (until != NULL && clock_parse_rfc3339(until, &ack->until_us) == -1) {
		reply_problem(call, 400, "until: a time such as 2026-01-02T03:04:05Z");
		return -1;
	}
	if (ack->until_us != 0 &&
		(ack->until_us <= wall_us || ack->until_us - wall_us > ACK_MAX_US)) {
		reply_problem(call, 400, "it must end later than now, within 366 days");
		return -1;
	}
	return 0;
}

static void
forget_kept(struct api_call *call)
{
	store_drop_waiter(call->world->store, call);
	call->forget = NULL;
	call->waiting = NULL;
}

/* Where it could not be written it is in force all the same; the store says so by itself. */
static void
on_kept(void *arg, bool is_durable)
{
	struct api_call *call = arg;

	(void)is_durable;
	call->forget = NULL;
	call->waiting = NULL;
	call->on_answer(call->on_answer_arg);
}

/* Whoever was told that it is so finds it so after a crash: the reply, which is filled, leaves when
 * what it says is on disk. */
static void
answer_when_kept(struct api_call *call)
{
	call->waiting = call;
	call->forget = forget_kept;
	store_when_durable(call->world->store, on_kept, call);
}

static void
reply_incident(struct api_call *call)
{
	const struct incident *incident = triage_find(call->world->triage, call->name);

	reply_json(call, 200, incident_json(incident, loop_wall(call->world->env->loop)));
	answer_when_kept(call);
}

void
handle_ack(struct api_call *call)
{
	struct triage_ack ack = { .by = NULL };
	struct ack_words words;
	struct triage_moment at;
	json_t *doc = read_body(call);
	struct err e;

	if (doc == NULL)
		return;
	if (read_ack(call, doc, &ack, &words) == 0) {
		if (triage_ack(call->world->triage, call->name, &ack, moment(call, &at), &e) == -1)
			reply_problem(call, e.code == ENOENT ? 404 : 409, "%s", e.text);
		else
			reply_incident(call);
	}
	json_decref(doc);
}

void
handle_unack(struct api_call *call)
{
	struct triage_moment at;
	struct err e;

	if (triage_unack(call->world->triage, call->name, "somebody", moment(call, &at), &e) == -1)
		reply_problem(call, e.code == ENOENT ? 404 : 409, "%s", e.text);
	else
		reply_incident(call);
}

void
handle_silences(struct api_call *call)
{
	reply_json(call, 200, deliver_silences(call->world->deliver));
}

#define NAMES_MAX 1000

/* One that fits nothing there is may be a slip of the pen: said, and taken all the same. */
static void
warn_of_nothing(const struct api_world *world, json_t *made, const char *wanted)
{
	const char *id = json_string_value(json_object_get(made, "id"));
	const char *names[NAMES_MAX], *near = NULL;
	struct check_view view;
	size_t count = 0;
	char text[200];

	if (deliver_silence_concerns(world->deliver, id, "triaged", "self"))
		return; /* the daemon's own incidents */
	for (size_t n = 0; sched_view(world->sched, n, &view); n++) {
		if (deliver_silence_concerns(world->deliver, id, view.spec->name, view.spec->type))
			return;
		if (count < NAMES_MAX)
			names[count++] = view.spec->name;
	}
	if (wanted != NULL)
		near = str_nearest(wanted, names, count);
	snprintf(text, sizeof(text), "no check fits it now%s%.80s%s",
		near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
		near == NULL ? "" : "\"?");
	json_object_set_new(made, "warning", record_text(text));
}

/* The name of a check, where one alone is silenced. */
static const char *
wanted_check(const json_t *made)
{
	const json_t *check = json_object_get(json_object_get(made, "match"), "check");

	return json_string_value(json_array_get(check, 0));
}

void
handle_silence(struct api_call *call)
{
	json_t *ask = read_body(call), *made;
	struct err e;

	if (ask == NULL)
		return;
	made = deliver_silence(call->world->deliver, ask, &e);
	json_decref(ask);
	if (made == NULL)
		reply_problem(call, e.code == ENOSPC ? 409 : 400, "%s", e.text);
	else {
		warn_of_nothing(call->world, made, wanted_check(made));
		reply_json(call, 201, made);
		answer_when_kept(call);
	}
}

void
handle_silence_end(struct api_call *call)
{
	struct err e;

	if (deliver_silence_end(call->world->deliver, call->name, &e) == -1) {
		reply_problem(call, e.code == ENOENT ? 404 : 409, "%s", e.text);
	} else {
		reply_json(call, 200, json_pack("{s:s}", "ended", call->name));
		answer_when_kept(call);
	}
}
