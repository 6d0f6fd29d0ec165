/* What triage has decided about a check and waits for: for `triage why`.  Owns nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"
#include "triage/inside.h"

#define TEXT_MAX 700

static json_t *
say(const struct triage *t, const char *what, const char *text, usec_t until_us)
{
	json_t *one = json_object();
	json_object_set_new(one, "what", record_text(what));
	json_object_set_new(one, "text", record_text(text));
	if (until_us)
		json_object_set_new(
			one, "until", record_time(t->at.wall_us + until_us - t->at.now_us));
	return one;
}

static void
say_held(const struct triage *t, const struct firing *f, json_t *list)
{
	const struct holding *h = &f->holding;
	char facts[300] = "";
	if (h->for_facts && f->node)
		asked_list_pending(f->node, t->at.now_us, facts, sizeof(facts));
	char *text = xasprintf("%s: its message waits for %s%s%s%s%s%s", f->event.rule,
		h->for_needs ? "a look at what it needs" : "",
		h->for_root ? " whether this is confirmed: " : "",
		h->for_root && f->waits_for ? f->waits_for : "",
		h->for_check ? " one full check since what it needs recovered" : "",
		h->for_facts ? "facts " : "", facts);
	json_array_append_new(list, say(t, "held", text, h->until_us));
	free(text);
}

static void
say_firing(const struct triage *t, const struct firing *f, json_t *list)
{
	const struct incident *i = &f->entry->incident;
	char text[TEXT_MAX];
	if (str_eq(i->check, f->event.check)) {
		snprintf(text, sizeof(text), "%s: told as incident %s", f->event.rule, i->id);
		json_array_append_new(list, say(t, "told", text, 0));
		return;
	}
	snprintf(text, sizeof(text), "%s: impact of incident %s (root %s), so it stays silent",
		f->event.rule, i->id, i->check);
	json_array_append_new(list, say(t, "suppressed", text, 0));
	if (!f->entry->released_us)
		return;
	snprintf(text, sizeof(text),
		"%s: %s is well again; it gets one full check before it may speak", f->event.rule,
		i->check);
	json_array_append_new(
		list, say(t, "released", text, release_until(f, f->entry->released_us)));
}

static void
say_incident(const struct triage *t, const struct entry *entry, json_t *list)
{
	const struct incident *i = &entry->incident;
	char text[TEXT_MAX];
	if (i->is_flapping) {
		snprintf(text, sizeof(text),
			"incident %s flaps: came back %u times; it stays open until it is quiet "
			"for 10 min%s",
			i->id, i->reopened, i->quiet_us ? ", and is quiet at present" : "");
		json_array_append_new(list, say(t, "flapping", text, 0));
	}
	if (i->status == INCIDENT_ACKNOWLEDGED) {
		char holder[ACK_HOLDER_MAX];
		ack_name_holder(i, holder);
		snprintf(text, sizeof(text), "incident %s is acknowledged by %s: no reminders",
			i->id, holder);
		json_array_append_new(list, say(t, "ack", text, 0));
	}
}

json_t *
triage_why(const struct triage *t, const char *check, usec_t now_us)
{
	const struct node *node = graph_find(&t->graph, check);
	json_t *list = json_array();
	size_t n = 0;
	const struct entry *entry;
	(void)now_us;
	for (struct list *it = node ? node->firings.next : NULL; it && it != &node->firings;
		it = it->next) {
		const struct firing *f = LIST_ENTRY(it, struct firing, sibling);
		if (f->entry)
			say_firing(t, f, list);
		else
			say_held(t, f, list);
	}
	if (node && node->lost)
		json_array_append_new(
			list, say(t, "blind",
				      "this host is cut off: what this check sees is not the "
				      "target's doing",
				      0));
	while ((entry = book_next_open(&t->book, check, &n)))
		say_incident(t, entry, list);
	return list;
}

bool
triage_is_blind(const struct triage *t, const char *check)
{
	const struct node *node = graph_find(&t->graph, check);
	return node && node->lost;
}
