/*
 * What is known of the places that checks look at: their subjects.  The settings say what they are;
 * of a server on this very host more is learned while it is well, so that it is known when it is
 * not: who listens there, in which unit or container, where it keeps its data and its log.
 *
 * Learning costs a search through the host's processes.  It is done for each place once, however
 * many checks look at it, one place after the other, when a check of it comes up and every ten
 * minutes; never while somebody waits for facts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/resolve.h"
#include "probes/net_local.h"
#include "sched/private.h"

#define AGAIN_US (10 * 60 * USEC_PER_SEC) /* what was learned is looked at anew */
#define SOON_US  (10 * USEC_PER_SEC)      /* after an outage, but not more often than this */
#define APART_US (200 * USEC_PER_MSEC)    /* between two places, at least */
#define MOST_US  USEC_PER_SEC             /* and at most, where looking takes long */
#define SHARE    20                       /* otherwise one part of the time is spent on it */
#define TELLER   "port-owner"

/* A listener of this host, and the checks that look at it. */
struct spot {
	char *key;
	struct list checks, queued;
	usec_t asked_us; /* 0: never */
};

/* Texts that are learned, and under which key of a fact. */
static const struct {
	const char *key;
	size_t at;
	bool is_path;
} learned[] = {
	{ "unit", offsetof(struct subject, unit), false },
	{ "container", offsetof(struct subject, container), false },
	{ "comm", offsetof(struct subject, comm), false },
	{ "exe", offsetof(struct subject, exe), true },
	{ "data_dir", offsetof(struct subject, data_dir), true },
	{ "log_path", offsetof(struct subject, log_path), true },
};

#define LEARNED_COUNT (sizeof(learned) / sizeof(learned[0]))

static char **
slot_of(struct subject *s, size_t n)
{
	return (char **)(void *)((char *)s + learned[n].at);
}

/* --- what the settings say --- */

static void
reveal(const struct check *check, struct revealed *out)
{
	const struct probe_type *type = check->spec->probe_type;

	memset(out, 0, sizeof(*out));
	if (type->reveal != NULL)
		type->reveal(check->spec->conf, check->spec->instance, out);
}

/* By the settings alone: what was learned of another place is nothing to this one. */
static void
place_name(const struct subject *s, char *out, size_t size)
{
	if (s->socket != NULL)
		snprintf(out, size, "%s", s->socket);
	else
		snprintf(out, size, "%s:%u", s->host != NULL ? s->host : "", s->port);
}

static void
leave_place(struct check *check)
{
	struct spot *place = check->place;

	list_remove(&check->at_place);
	check->place = NULL;
	if (place == NULL || !list_is_empty(&place->checks))
		return;
	list_remove(&place->queued);
	map_remove(check->sched->places, place->key);
	free(place->key);
	free(place);
}

static void
recall(struct check *check)
{
	const json_t *doc = check->learned;
	struct subject *s = &check->subject;
	char name[512];

	place_name(s, name, sizeof(name));
	if (!str_eq(json_string_value(json_object_get(doc, "of")), name))
		return;
	for (size_t n = 0; n < LEARNED_COUNT; n++)
		if (*slot_of(s, n) == NULL)
			*slot_of(s, n) =
				xstrdup(json_string_value(json_object_get(doc, learned[n].key)));
	xstrset(&s->address, json_string_value(json_object_get(doc, "address")));
	s->is_local = true; /* of others nothing is learned */
	s->pid = (long)json_integer_value(json_object_get(doc, "pid"));
	s->learned_us = json_integer_value(json_object_get(doc, "at"));
}

void
sched_renew_subject(struct check *check)
{
	struct revealed revealed;

	leave_place(check);
	check->looked_us = 0;
	subject_fini(&check->subject);
	reveal(check, &revealed);
	subject_init(&check->subject, &revealed);
	recall(check);
}

void
sched_drop_subject(struct check *check)
{
	leave_place(check);
	subject_fini(&check->subject);
	json_decref(check->learned);
	check->learned = NULL;
}

const struct subject *
sched_subject(const struct sched *sched, const char *name)
{
	const struct check *check = map_get(sched->by_name, name);

	return check != NULL ? &check->subject : NULL;
}

/* --- what is learned --- */

static void
keep(struct check *check)
{
	struct subject *s = &check->subject;
	json_t *doc = json_object();
	char name[512];

	place_name(s, name, sizeof(name));
	json_object_set_new(doc, "of", json_string(name));
	for (size_t n = 0; n < LEARNED_COUNT; n++)
		if (*slot_of(s, n) != NULL)
			json_object_set_new(doc, learned[n].key, json_string(*slot_of(s, n)));
	if (s->address != NULL)
		json_object_set_new(doc, "address", json_string(s->address));
	json_object_set_new(doc, "pid", json_integer(s->pid));
	json_object_set_new(doc, "at", json_integer(s->learned_us));
	json_decref(check->learned);
	check->learned = doc;
	sched_keep(check);
}

/* True: it is another one now.  What a fact could not tell stays as it was, unless it saw the very
 * process: then there is no unit where it names none. */
static bool
learn_text(struct subject *s, size_t n, const struct fact *fact, bool saw_process)
{
	const char *text = fact_text_of(fact, learned[n].key);
	char **slot = slot_of(s, n);

	if (text != NULL && (text[0] == '\0' || (learned[n].is_path && text[0] != '/')))
		text = NULL;
	if (text == NULL && (!saw_process || learned[n].is_path))
		return false;
	if (str_eq(*slot, text))
		return false;
	xstrset(slot, text);
	return true;
}

static void
learn(struct check *check, const struct fact *fact)
{
	bool saw_process = fact_text_of(fact, "comm") != NULL;
	struct subject *s = &check->subject;
	double pid = fact_number_of(fact, "pid");
	struct revealed said;
	bool is_new = s->learned_us == 0;

	reveal(check, &said);
	for (size_t n = 0; n < LEARNED_COUNT; n++) {
		bool is_said =
			(learned[n].at == offsetof(struct subject, unit) && said.unit) ||
			(learned[n].at == offsetof(struct subject, container) && said.container);

		if (!is_said)
			is_new |= learn_text(s, n, fact, saw_process);
	}
	if (pid >= 1 && s->pid != (long)pid) {
		s->pid = (long)pid;
		is_new = true;
	}
	s->learned_us = fact->at_us;
	if (is_new)
		keep(check);
}

static usec_t
pause_after(usec_t took_us)
{
	usec_t pause = took_us * SHARE;

	if (pause < APART_US)
		return APART_US;
	return pause < MOST_US ? pause : MOST_US;
}

/* Only of a server that is well: whoever sits on the port of one that is not may be the trouble. */
void
sched_learn(struct check *check, const struct fact *fact)
{
	if (str_eq(fact->name, TELLER) && timer_runs(&check->sched->pace))
		timer_after(&check->sched->pace, pause_after(fact->took_us));
	if (fact->end != FACT_HAD || check->state != CHECK_UP)
		return;
	if (!str_eq(fact->name, TELLER)) { /* the server itself may know where its data is */
		if (fact_text_of(fact, "data_dir") != NULL) {
			for (size_t n = 0; n < LEARNED_COUNT; n++)
				if (str_eq(learned[n].key, "data_dir") &&
					learn_text(&check->subject, n, fact, false))
					keep(check);
		}
		return;
	}
	if (check->place == NULL) {
		learn(check, fact);
		return;
	}
	LIST_EACH(node, &check->place->checks)
	{
		struct check *other = LIST_ENTRY(node, struct check, at_place);

		if (other->state == CHECK_UP)
			learn(other, fact);
	}
}

/* It is the same server that others have looked at. */
static void
copy_learned(struct check *check)
{
	LIST_EACH(node, &check->place->checks)
	{
		const struct check *other = LIST_ENTRY(node, struct check, at_place);
		json_t *doc = other->learned;
		char name[512];

		if (other == check || doc == NULL)
			continue;
		place_name(&check->subject, name, sizeof(name));
		doc = json_deep_copy(doc);
		json_object_set_new(doc, "of", json_string(name));
		json_decref(check->learned);
		check->learned = doc;
		recall(check);
		sched_keep(check);
		return;
	}
}

/* --- when --- */

static void
on_pace(void *arg)
{
	struct sched *sched = arg;

	if (sched->is_stopped || list_is_empty(&sched->unlearned))
		return;
	if (!sched_facts_are_busy(sched)) {
		struct spot *place = LIST_ENTRY(sched->unlearned.next, struct spot, queued);
		struct check *well = NULL;

		list_remove(&place->queued);
		LIST_EACH(node, &place->checks)
		{
			struct check *check = LIST_ENTRY(node, struct check, at_place);

			if (check->state == CHECK_UP)
				well = check;
		}
		if (well != NULL)
			sched_learn_by(well, TELLER);
	}
	timer_after(&sched->pace, APART_US);
}

static void
queue_place(struct sched *sched, struct spot *place)
{
	place->asked_us = loop_now(sched->env->loop);
	list_remove(&place->queued);
	list_append(&sched->unlearned, &place->queued);
	if (!timer_runs(&sched->pace))
		timer_after(&sched->pace, APART_US);
}

static void
join_place(struct check *check, const char *key)
{
	struct spot *place = map_get(check->sched->places, key);

	if (place != NULL && place == check->place)
		return;
	leave_place(check);
	if (place == NULL) {
		place = xcalloc(1, sizeof(*place));
		place->key = xstrdup(key);
		list_init(&place->checks);
		list_init(&place->queued);
		map_put(check->sched->places, key, place);
	}
	list_append(&place->checks, &check->at_place);
	check->place = place;
}

/* "127.0.0.1" of "127.0.0.1:80", "::1" of "[::1]:80". */
static void
host_part(const char *address, char out[ADDR_TEXT])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : strlen(address);
	bool has_brackets = len >= 2 && address[0] == '[' && address[len - 1] == ']';

	snprintf(out, ADDR_TEXT, "%.*s", (int)(has_brackets ? len - 2 : len),
		address + has_brackets);
}

/* The address that the name has now, where that is known without asking anybody. */
static bool
find_address(struct check *check, char key[ADDR_TEXT + 16])
{
	struct subject *s = &check->subject;
	struct resolve_answer answer;
	char text[ADDR_TEXT];
	struct addr addr;

	if (addr_from_numeric(&addr, s->host, (uint16_t)s->port) == -1) {
		if (check->sched->env->resolver == NULL ||
			!resolve_now(check->sched->env->resolver, s->host, &answer) ||
			answer.count == 0)
			return false;
		addr = answer.addrs[0];
		addr_set_port(&addr, (uint16_t)s->port);
	}
	addr_text(&addr, key);
	host_part(key, text);
	xstrset(&s->address, text);
	s->is_local = net_local_is_ours(&addr);
	return s->is_local;
}

static bool
is_local_place(struct check *check, char key[ADDR_TEXT + 16])
{
	const struct subject *s = &check->subject;

	if (s->socket != NULL) {
		snprintf(key, ADDR_TEXT + 16, "%s", s->socket);
		return true;
	}
	if (s->host == NULL && s->port > 0) {
		snprintf(key, ADDR_TEXT + 16, ":%u", s->port);
		return true;
	}
	return s->host != NULL && find_address(check, key) && s->port > 0;
}

void
sched_look_at_place(struct check *check, bool came_up)
{
	usec_t now = loop_now(check->sched->env->loop), wait = came_up ? SOON_US : AGAIN_US;
	char key[ADDR_TEXT + 16];

	/* Of one that was never well this much is known, too. */
	if (check->subject.host != NULL && check->subject.address == NULL)
		find_address(check, key);
	if (check->state != CHECK_UP ||
		(!came_up && check->looked_us != 0 && now - check->looked_us < AGAIN_US))
		return;
	check->looked_us = now;
	if (!is_local_place(check, key)) {
		leave_place(check);
		return;
	}
	join_place(check, key);
	if (check->place->asked_us == 0 || now - check->place->asked_us >= wait)
		queue_place(check->sched, check->place);
	else if (check->subject.learned_us == 0)
		copy_learned(check);
}

void
sched_open_places(struct sched *sched)
{
	sched->places = map_new();
	list_init(&sched->unlearned);
	timer_init(&sched->pace, sched->env->loop, on_pace, sched);
}

void
sched_close_places(struct sched *sched)
{
	timer_stop(&sched->pace);
	map_free(sched->places, NULL);
}
