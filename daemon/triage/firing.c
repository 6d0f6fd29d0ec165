/*
 * The alerts that fire, with their words as last heard: what an incident is made from, at once or
 * later.  Owns them; each is in one list, of those held or of its incident's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

#define KEY_MAX 600

static void
write_key(char key[KEY_MAX], const char *check, const char *rule)
{
	snprintf(key, KEY_MAX, "%s\n%s", check, rule);
}

struct firing *
firing_find(const struct triage *t, const char *check, const char *rule)
{
	char key[KEY_MAX];
	write_key(key, check, rule);
	return map_get(t->firings, key);
}

void
firing_fini_event(struct alert_event *event)
{
	free((void *)(uintptr_t)event->check);
	free((void *)(uintptr_t)event->instance);
	free((void *)(uintptr_t)event->type);
	free((void *)(uintptr_t)event->target);
	free((void *)(uintptr_t)event->rule);
	free((void *)(uintptr_t)event->text);
	free((void *)(uintptr_t)event->description);
	free((void *)(uintptr_t)event->runbook_url);
	json_decref((json_t *)(uintptr_t)event->values);
	json_decref((json_t *)(uintptr_t)event->labels);
}

void
firing_copy_event(struct alert_event *to, const struct alert_event *from)
{
	*to = *from;
	to->check = xstrdup(from->check);
	to->instance = xstrdup(from->instance);
	to->type = xstrdup(from->type ? from->type : "");
	to->target = xstrdup(from->target ? from->target : "");
	to->rule = xstrdup(from->rule);
	to->text = xstrdup(from->text ? from->text : "");
	to->description = xstrdup(from->description);
	to->runbook_url = xstrdup(from->runbook_url);
	to->values = json_deep_copy(from->values);
	to->labels = json_deep_copy(from->labels);
}

static struct firing *
make(struct triage *t, const struct alert_event *event, const char *key)
{
	struct firing *f = xcalloc(1, sizeof(*f));
	map_put(t->firings, key, f);
	f->node = graph_find(&t->graph, event->check);
	list_init(&f->sibling);
	if (f->node)
		list_append(&f->node->firings, &f->sibling);
	list_append(&t->held, &f->link);
	return f;
}

struct firing *
firing_take(struct triage *t, const struct alert_event *event)
{
	char key[KEY_MAX];
	write_key(key, event->check, event->rule);
	struct firing *f = map_get(t->firings, key);
	bool is_new = !f;
	usec_t since_us = f ? f->event.since_us : 0;
	if (is_new) {
		f = make(t, event, key);
		f->fired_us = t->at.now_us;
	} else {
		firing_fini_event(&f->event);
	}
	firing_copy_event(&f->event, event);
	if (!f->event.since_us)
		f->event.since_us = since_us ? since_us : event->at_us;
	return f;
}

void
firing_give(struct triage *t, struct firing *f, struct entry *entry)
{
	if (f->entry == entry)
		return;
	if (f->entry && f->entry->incident.status != INCIDENT_RESOLVED)
		alerts_leave(f->entry, f);
	list_remove(&f->link);
	f->entry = entry;
	f->ready_us = 0;
	f->is_late = false;
	list_append(entry ? &entry->firings : &t->held, &f->link);
}

static void
free_firing(void *p)
{
	struct firing *f = p;
	firing_fini_event(&f->event);
	free(f->waits_for);
	free(f);
}

void
firing_drop(struct triage *t, struct firing *f)
{
	char key[KEY_MAX];
	write_key(key, f->event.check, f->event.rule);
	map_remove(t->firings, key);
	list_remove(&f->link);
	list_remove(&f->sibling);
	if (f->node && !f->node->fail_us && list_is_empty(&f->node->firings))
		asked_drop(f->node);
	free_firing(f);
}

void
firing_free_all(struct triage *t)
{
	map_free(t->firings, free_firing);
}

bool
firing_is_down(const struct firing *f)
{
	return str_eq(f->event.rule, RULE_DOWN);
}

/* After a restart it says that the check is down before any sample does. */
const struct firing *
firing_down_of(const struct node *node)
{
	LIST_EACH(it, &node->firings)
	{
		const struct firing *f = LIST_ENTRY(it, struct firing, sibling);
		if (firing_is_down(f))
			return f;
	}
	return NULL;
}
