/*
 * What is known of the places that checks look at: their subjects.  The settings say what they are;
 * of a server on this very host more is learned while it is well, so that it is known when it is
 * not: who listens there, in which unit or container, where it keeps its data and its log.
 *
 * Learning costs a search through the host's processes.  It is done for each place once, however
 * many checks look at it, one place after the other, when a check of it comes up and every ten
 * minutes; never while somebody waits for facts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/resolve.h"
#include "probes/net_local.h"
#include "sched/private.h"

#define AGAIN_US  (10 * 60 * USEC_PER_SEC) /* what was learned is looked at anew */
#define SOON_US   (10 * USEC_PER_SEC)      /* after an outage, but not more often than this */
#define APART_US  (200 * USEC_PER_MSEC)    /* between two places, at least */
#define MOST_US   USEC_PER_SEC             /* and at most, where looking takes long */
#define SHARE     20                       /* otherwise one part of the time is spent on it */
#define TELLER    "port-owner"
#define LOOKS_MAX 64 /* names that are asked for at a time */

/* A listener of this host, and the checks that look at it. */
struct spot {
	char *key;
	struct list checks, queued;
	usec_t asked_us; /* 0: never */
};

/*
 * What is known of a place, as one check sees it.  Checks that know the same of the same place
 * share it (`key` says all of it), so nobody changes one that has a key: see loosen and settle.
 */
struct known {
	struct subject subject;
	char *key;       /* in sched->known; NULL: one check's own */
	unsigned refs;   /* of those with a key */
	bool is_learned; /* there is something to be kept */
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

static const char *
text_of(const struct subject *s, size_t n)
{
	return *(char *const *)(const void *)((const char *)s + learned[n].at);
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

/* --- what is known, shared --- */

static void
let_known_go(struct check *check)
{
	struct known *known = check->known;

	check->known = NULL;
	check->is_placed = false;
	if (known == NULL || (known->key != NULL && --known->refs > 0))
		return;
	if (known->key != NULL)
		map_remove(check->sched->known, known->key);
	subject_fini(&known->subject);
	free(known->key);
	free(known);
}

/* As the settings say it, where nothing else is known. */
static struct known *
need_known(struct check *check)
{
	struct revealed revealed;

	if (check->known != NULL)
		return check->known;
	reveal(check, &revealed);
	check->known = xcalloc(1, sizeof(*check->known));
	subject_init(&check->known->subject, &revealed);
	return check->known;
}

/* To be changed: the check's own from now on. */
static struct known *
loosen(struct check *check)
{
	struct known *known = need_known(check), *own;

	if (known->key == NULL)
		return known;
	own = xcalloc(1, sizeof(*own));
	subject_copy(&own->subject, &known->subject);
	own->is_learned = known->is_learned;
	let_known_go(check);
	check->known = own;
	return own;
}

static char *
key_of(const struct known *known)
{
	const struct subject *s = &known->subject;
	const char *const texts[] = { s->host, s->socket, s->path, s->unit, s->container,
		s->process, s->user, s->database, s->address, s->comm, s->exe, s->data_dir,
		s->log_path };
	struct buf key;

	buf_init(&key, 0);
	buf_addf(&key, "%u %d%d%d%d %ld %" PRId64, s->port, s->is_host, s->is_udp, s->is_local,
		known->is_learned, s->pid, s->learned_us);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_add_text(&key, texts[i] != NULL ? "\n=" : "\n");
		if (texts[i] != NULL)
			buf_add_text(&key, texts[i]);
	}
	return buf_take_text(&key);
}

/* It will not change for a while: whoever knows the same has the same. */
static void
settle(struct check *check)
{
	struct known *own = check->known, *known;
	char *key;

	if (own == NULL || own->key != NULL)
		return;
	key = key_of(own);
	known = map_get(check->sched->known, key);
	if (known == NULL) {
		own->key = key;
		own->refs = 1;
		map_put(check->sched->known, key, own);
		return;
	}
	free(key);
	let_known_go(check);
	known->refs++;
	check->known = known;
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

/* What the process before us had learned, if it was of this place. */
static void
recall(struct check *check, const json_t *doc)
{
	struct known *known;
	struct subject *s;
	char name[512];

	if (doc == NULL)
		return;
	known = loosen(check);
	s = &known->subject;
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
	known->is_learned = true;
	settle(check);
}

void
sched_renew_subject(struct check *check)
{
	json_t *doc = sched_learned(check);

	leave_place(check);
	check->looked_us = 0;
	let_known_go(check);
	recall(check, doc);
	json_decref(doc);
}

void
sched_recall_subject(struct check *check, const json_t *doc)
{
	recall(check, doc);
}

void
sched_drop_subject(struct check *check)
{
	leave_place(check);
	let_known_go(check);
}

const struct subject *
sched_subject_of(struct check *check)
{
	return &need_known(check)->subject;
}

const struct subject *
sched_subject(const struct sched *sched, const char *name)
{
	struct check *check = map_get(sched->by_name, name);

	return check != NULL ? sched_subject_of(check) : NULL;
}

/* --- what is learned --- */

json_t *
sched_learned(const struct check *check)
{
	const struct subject *s;
	json_t *doc;
	char name[512];

	if (check->known == NULL || !check->known->is_learned)
		return NULL;
	s = &check->known->subject;
	doc = json_object();
	place_name(s, name, sizeof(name));
	json_object_set_new(doc, "of", json_string(name));
	for (size_t n = 0; n < LEARNED_COUNT; n++)
		if (text_of(s, n) != NULL)
			json_object_set_new(doc, learned[n].key, json_string(text_of(s, n)));
	if (s->address != NULL)
		json_object_set_new(doc, "address", json_string(s->address));
	json_object_set_new(doc, "pid", json_integer(s->pid));
	json_object_set_new(doc, "at", json_integer(s->learned_us));
	return doc;
}

static void
keep(struct check *check)
{
	check->known->is_learned = true;
	settle(check);
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
	struct subject *s = &loosen(check)->subject;
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
	else
		settle(check);
}

/* The server itself may know where its data is. */
static void
learn_data_dir(struct check *check, const struct fact *fact)
{
	if (fact_text_of(fact, "data_dir") == NULL)
		return;
	for (size_t n = 0; n < LEARNED_COUNT; n++)
		if (str_eq(learned[n].key, "data_dir") &&
			learn_text(&loosen(check)->subject, n, fact, false))
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
	if (!str_eq(fact->name, TELLER)) {
		learn_data_dir(check, fact);
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
		json_t *doc = other == check ? NULL : sched_learned(other);
		char name[512];

		if (doc == NULL)
			continue;
		place_name(&need_known(check)->subject, name, sizeof(name));
		json_object_set_new(doc, "of", json_string(name));
		recall(check, doc);
		json_decref(doc);
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

/*
 * A check on a further loop asks that loop's resolver, and ours does not know the name.  Then we
 * ask for ourselves, once for each check at a time, and look at the place when that is answered.
 */
struct name_look {
	struct list node;
	struct sched *sched;
	struct resolve_call *call;
	char check[];
};

static void
free_look(struct name_look *look)
{
	list_remove(&look->node);
	look->sched->look_count--;
	free(look);
}

static void
on_name(void *arg, const struct resolve_answer *answer)
{
	struct name_look *look = arg;
	struct check *check = map_get(look->sched->by_name, look->check);

	free_look(look);
	if (check != NULL && answer->count > 0)
		sched_look_at_place(check, true);
}

static void
ask_name(struct check *check, const char *host)
{
	struct sched *sched = check->sched;
	struct name_look *look;
	size_t size = strlen(check->spec->name) + 1;

	if (check->at == 0 || sched->look_count == LOOKS_MAX)
		return;
	LIST_EACH(node, &sched->looks)
	if (str_eq(LIST_ENTRY(node, struct name_look, node)->check, check->spec->name))
		return;
	look = xcalloc(1, sizeof(*look) + size);
	memcpy(look->check, check->spec->name, size);
	look->sched = sched;
	list_append(&sched->looks, &look->node);
	sched->look_count++;
	look->call = resolve_start(sched->env->resolver, host, on_name, look);
}

/* The address that the name has now, where that is known without asking anybody. */
static bool
find_address(struct check *check, char key[ADDR_TEXT + 16])
{
	struct subject *s = &need_known(check)->subject;
	struct resolve_answer answer;
	char text[ADDR_TEXT];
	struct addr addr;
	bool is_ours;

	if (addr_from_numeric(&addr, s->host, (uint16_t)s->port) == -1) {
		struct resolver *resolver = check->sched->env->resolver;

		if (resolver == NULL)
			return false;
		if (!resolve_now(resolver, s->host, &answer)) {
			ask_name(check, s->host);
			return false;
		}
		if (answer.count == 0)
			return false;
		addr = answer.addrs[0];
		addr_set_port(&addr, (uint16_t)s->port);
	}
	addr_text(&addr, key);
	host_part(key, text);
	is_ours = net_local_is_ours(&addr);
	if (!str_eq(s->address, text) || s->is_local != is_ours) {
		s = &loosen(check)->subject;
		xstrset(&s->address, text);
		s->is_local = is_ours;
		settle(check);
	}
	return is_ours;
}

static bool
is_local_place(struct check *check, char key[ADDR_TEXT + 16])
{
	const struct subject *s = &need_known(check)->subject;
	bool has_port = s->port > 0;

	if (s->socket != NULL) {
		snprintf(key, ADDR_TEXT + 16, "%s", s->socket);
		return true;
	}
	if (s->host == NULL && has_port) {
		snprintf(key, ADDR_TEXT + 16, ":%u", s->port);
		return true;
	}
	/* find_address() may let go of what `s` lies in. */
	return s->host != NULL && find_address(check, key) && has_port;
}

/* Of one that was never well this much is known, too. */
static void
place(struct check *check, char key[ADDR_TEXT + 16])
{
	const struct subject *s = &need_known(check)->subject;

	if (s->host != NULL && s->address == NULL)
		find_address(check, key);
	s = &need_known(check)->subject;
	check->is_placed = s->host == NULL || s->address != NULL;
}

void
sched_look_at_place(struct check *check, bool came_up)
{
	usec_t ended = check->last.started_us + check->last.took_us, now;
	usec_t wait = came_up ? SOON_US : AGAIN_US;
	char key[ADDR_TEXT + 16];

	if (!check->is_placed)
		place(check, key);
	if (check->state != CHECK_UP ||
		(!came_up && check->looked_us != 0 && ended - check->looked_us < AGAIN_US))
		return;
	check->looked_us = now = loop_now(check->sched->env->loop);
	if (!is_local_place(check, key)) {
		leave_place(check);
		return;
	}
	join_place(check, key);
	if (check->place->asked_us == 0 || now - check->place->asked_us >= wait)
		queue_place(check->sched, check->place);
	else if (check->known->subject.learned_us == 0)
		copy_learned(check);
}

void
sched_open_places(struct sched *sched)
{
	sched->places = map_new();
	sched->known = map_new();
	list_init(&sched->unlearned);
	list_init(&sched->looks);
	timer_init(&sched->pace, sched->env->loop, on_pace, sched);
}

void
sched_close_places(struct sched *sched)
{
	timer_stop(&sched->pace);
	while (!list_is_empty(&sched->looks)) {
		struct name_look *look = LIST_ENTRY(sched->looks.next, struct name_look, node);

		resolve_cancel(look->call);
		free_look(look);
	}
	map_free(sched->places, NULL);
	map_free(sched->known, NULL);
}
