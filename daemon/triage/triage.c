/*
 * Alerts in, incidents out: which incident an alert belongs to, what was known before a restart,
 * and the daemon's own incidents.  Owns the context.
 */
#include "triage/triage.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"
#include "triage/words.h"

static void
set_options(struct triage *t, const struct triage_options *options)
{
	t->options = *options;
	xstrset(&t->host, options->host ? options->host : "");
	xstrset(&t->link_prefix, options->link_prefix);
	t->options.host = t->host;
	t->options.link_prefix = t->link_prefix;
}

struct triage *
triage_new(const struct triage_options *options)
{
	struct triage *t = xcalloc(1, sizeof(*t));
	set_options(t, options);
	book_init(&t->book);
	graph_init(&t->graph);
	list_init(&t->held);
	list_init(&t->queue);
	review_begin_turn(t);
	t->evidence = map_new();
	t->firings = map_new();
	t->restored = map_new();
	return t;
}

void
triage_free(struct triage *t)
{
	if (!t)
		return;
	queue_free(t);
	firing_free_all(t);
	peers_forget(t);
	map_free(t->restored, NULL);
	graph_fini(&t->graph);
	book_fini(&t->book);
	evidence_free(t);
	free(t->host);
	free(t->link_prefix);
	free(t);
}

static void
enter(struct triage *t, usec_t now_us, usec_t wall_us)
{
	t->at = (struct triage_moment){ now_us, wall_us };
	restored_convert(t);
}

void
triage_configure(struct triage *t, const struct triage_options *options)
{
	bool is_language_new = options->language != t->options.language;
	bool is_link_new = !str_eq(options->link_prefix, t->link_prefix);
	set_options(t, options);
	for (size_t n = 0; n < t->book.open.count; n++) {
		struct entry *entry = t->book.open.all[n];
		if (is_language_new && entry->incident.finding)
			judge_words(t, entry, NULL); /* only its playbook can say it */
		else if (is_language_new)
			words_translate(&entry->incident, t->options.language);
		if (is_link_new)
			words_link(&entry->incident, t->options.link_prefix);
		entry->is_dirty |= is_language_new || is_link_new;
	}
}

void
triage_restore(struct triage *t, const char *id, const json_t *doc)
{
	struct err e = { 0 };
	struct entry *entry = book_new_entry();
	if (incident_restore(&entry->incident, doc, &e) == 0 &&
		(!str_eq(entry->incident.id, id) || map_get(t->book.by_id, id)))
		err_set(&e, EINVAL, "it is stored under the id of another");
	if (*e.text) {
		log_warn("incident=%s not restored: %s", id, e.text);
		book_free_entry(entry);
		return;
	}
	words_link(&entry->incident, t->options.link_prefix); /* it may have moved meanwhile */
	book_add(&t->book, entry);
	restored_add(t, entry);
}

/* One that is new is taken by who had it before the start, or decided anew. */
static void
begin(struct triage *t, const struct alert_event *event)
{
	bool is_new = !firing_find(t, event->check, event->rule);
	struct firing *f = firing_take(t, event);
	struct entry *entry = is_new ? restored_find(t, event->check, event->rule) : f->entry;
	restored_drop(t, event->check, event->rule);
	if (entry) {
		firing_give(t, f, entry);
		life_join(t, entry, f, is_new ? ALERT_RESTORED : event->change);
	} else if (is_new) {
		speak_try(t, f);
		t->is_stale = true;
	}
}

static void
end(struct triage *t, const struct alert_event *event)
{
	const char *reason = event->change == ALERT_REMOVED ? "removed" : "recovered";
	struct firing *f = firing_find(t, event->check, event->rule);
	struct entry *entry = f ? f->entry : restored_find(t, event->check, event->rule);
	if (f)
		firing_drop(t, f);
	restored_drop(t, event->check, event->rule);
	t->is_stale = true;
	if (entry) /* else it was held: nobody was told */
		life_alert_ends(t, entry, event, reason);
}

static void
hear(struct triage *t, const struct alert_event *event, usec_t now_us)
{
	enter(t, now_us, event->at_us);
	if (event->change == ALERT_ENDS || event->change == ALERT_REMOVED)
		end(t, event);
	else
		begin(t, event);
}

void
triage_alert(struct triage *t, const struct alert_event *event, usec_t now_us)
{
	if (review_may_go_on(t) && list_is_empty(&t->queue))
		hear(t, event, now_us);
	else
		queue_put(t, event);
}

static void
hear_waiting(struct triage *t, bool is_all, usec_t now_us)
{
	struct alert_event event;
	while ((is_all || review_has_time(t)) && queue_take(t, &event)) {
		hear(t, &event, now_us);
		firing_fini_event(&event);
	}
}

void
triage_self(struct triage *t, const char *cause, const char *text, const struct triage_moment *at)
{
	const struct cause *known = cause_find(cause);
	const struct alert_event event = {
		.change = text ? ALERT_FIRES : ALERT_ENDS,
		.check = SELF_CHECK,
		.type = SELF_TYPE,
		.target = t->options.host,
		.rule = cause,
		.severity = !text   ? SEVERITY_OK
			    : known ? known->level
				    : SEVERITY_WARNING,
		.cause = known,
		.text = text,
		.at_us = at->wall_us,
	};
	triage_alert(t, &event, at->now_us);
}

/* Its alerts stay until the rules end them. */
static void
on_gone(void *arg, struct node *node)
{
	(void)arg;
	LIST_EACH_SAFE(it, &node->firings)
	{
		struct firing *f = LIST_ENTRY(it, struct firing, sibling);
		list_remove(&f->sibling);
		f->node = NULL;
	}
}

void
triage_apply(struct triage *t, const struct check_spec *const *specs, size_t count,
	const struct playbooks *playbooks, const struct triage_moment *at)
{
	enter(t, at->now_us, at->wall_us);
	t->playbooks = playbooks;
	t->book.playbooks = playbooks;
	graph_apply(&t->graph, specs, count, on_gone, t);
	peers_forget(t); /* they may look at other places now */
	t->is_stale = true;
}

void
triage_add_child(struct triage *t, const struct check_spec *child)
{
	graph_add_child(&t->graph, child);
}

void
triage_remove_child(struct triage *t, const char *child)
{
	struct node *node = graph_find(&t->graph, child);
	if (!node || !node->spec)
		return;
	on_gone(NULL, node);
	graph_remove(&t->graph, node);
	t->is_stale = true;
}

bool
triage_minds(const struct triage *t, const struct sample *sample)
{
	bool is_quiet = t->graph.failing == 0 && list_is_empty(&t->held);

	return sample->outcome != OUTCOME_OK || sample->fact_count > 0 || !is_quiet;
}

bool
triage_sample(struct triage *t, const struct check_spec *check, const struct sample *sample,
	usec_t now_us)
{
	if (!triage_minds(t, sample))
		return false;
	enter(t, now_us, sample->wall_us);
	evidence_take(t, check->name, sample);
	struct node *node = graph_find(&t->graph, check->name);
	if (node && node->spec && chase_hear(t, node, sample))
		t->is_stale = true;
	return t->is_stale;
}

/* Whose words rest on facts about this check. */
static void
judge_all(struct triage *t, const struct node *node)
{
	struct entry *entry;
	size_t at = 0;
	while ((entry = book_next_open(&t->book, node->name, &at)))
		if (entry->is_told && !entry->incident.quiet_us)
			judge_again(t, entry);
}

void
triage_fact(struct triage *t, const char *check, const struct fact *fact,
	const struct triage_moment *at)
{
	struct node *node = graph_find(&t->graph, check);
	enter(t, at->now_us, at->wall_us);
	if (!node || !node->spec || !asked_take(node, fact))
		return;
	host_take_ladder(t, fact);
	t->is_stale = true;
	if (asked_is_pending(node, at->now_us))
		return;
	reveal_prepare(t, node);
	judge_all(t, node);
}

void
triage_slept(struct triage *t, const struct triage_moment *at)
{
	enter(t, at->now_us, at->wall_us);
	LIST_EACH(it, &t->held)
	hold_begin_anew(t, LIST_ENTRY(it, struct firing, link));
}

void
triage_settle(struct triage *t, const struct triage_moment *at)
{
	if (t->is_settled)
		return;
	hear_waiting(t, true, at->now_us);
	enter(t, at->now_us, at->wall_us);
	life_settle(t);
	t->is_settled = true;
	t->is_stale = true;
}

usec_t
triage_due(const struct triage *t)
{
	return review_due(t);
}

usec_t
triage_tick(struct triage *t, const struct triage_moment *at)
{
	if (at->now_us < review_due(t))
		return review_due(t);
	enter(t, at->now_us, at->wall_us);
	review_begin_turn(t);
	hear_waiting(t, false, at->now_us);
	enter(t, at->now_us, at->wall_us);
	review(t);
	life_forget_old(t);
	evidence_drop_old(t, at->wall_us);
	if (t->graph.failing == 0)
		peers_forget(t);
	return review_due(t);
}

size_t
triage_count(const struct triage *t)
{
	return t->book.open.count + t->book.resolved.count;
}

size_t
triage_open_count(const struct triage *t)
{
	return t->book.open.count;
}

const struct incident *
triage_at(const struct triage *t, size_t n)
{
	const struct entry *entry = book_at(&t->book, n);
	return entry ? &entry->incident : NULL;
}

const struct incident *
triage_find(const struct triage *t, const char *id)
{
	const struct entry *entry = book_find_id(&t->book, id);
	return entry ? &entry->incident : NULL;
}
