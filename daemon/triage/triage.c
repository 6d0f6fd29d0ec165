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
	xstrset(&t->url_base, options->url_base);
	t->options.host = t->host;
	t->options.url_base = t->url_base;
}

struct triage *
triage_new(const struct triage_options *options)
{
	struct triage *t = xcalloc(1, sizeof(*t));
	set_options(t, options);
	book_init(&t->book);
	t->evidence = map_new();
	return t;
}

void
triage_free(struct triage *t)
{
	if (!t)
		return;
	book_fini(&t->book);
	evidence_free(t);
	free(t->host);
	free(t->url_base);
	free(t);
}

void
triage_configure(struct triage *t, const struct triage_options *options)
{
	bool is_language_new = options->language != t->options.language;
	bool is_url_new = !str_eq(options->url_base, t->url_base);
	set_options(t, options);
	for (size_t n = 0; n < t->book.open.count; n++) {
		struct entry *entry = t->book.open.all[n];
		if (is_language_new)
			words_translate(&entry->incident, t->options.language);
		if (is_url_new)
			words_link(&entry->incident, t->options.url_base);
		entry->is_dirty |= is_language_new || is_url_new;
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
	const struct incident *i = &entry->incident;
	words_link(&entry->incident, t->options.url_base); /* it may have moved meanwhile */
	for (size_t n = 0; i->status != INCIDENT_RESOLVED && n < i->alert_count; n++)
		if (i->alerts[n].is_firing)
			entry->unconfirmed |= UINT64_C(1) << n;
	book_add(&t->book, entry);
}

static void
begin(struct triage *t, const struct alert_event *event)
{
	struct entry *entry = book_find_open(&t->book, event->check, event->rule);
	if (entry) {
		life_update(t, entry, event);
		return;
	}
	entry = book_find_resolved(
		&t->book, event->check, event->rule, event->at_us - t->options.reopen_within_us);
	if (entry)
		life_reopen(t, entry, event);
	else
		life_open(t, event);
}

static void
end(struct triage *t, const struct alert_event *event)
{
	const char *reason = event->change == ALERT_REMOVED ? "removed" : "recovered";
	struct entry *entry;
	size_t at = 0;
	while ((entry = book_next_open(&t->book, event->check, &at))) {
		struct incident_alert *alert =
			alerts_find(&entry->incident, event->check, event->rule);
		if (!alert || !alert->is_firing)
			continue;
		entry->unconfirmed &= ~(UINT64_C(1) << (alert - entry->incident.alerts));
		life_alert_ends(t, entry, alert, reason, event->at_us);
		return;
	}
}

void
triage_alert(struct triage *t, const struct alert_event *event, usec_t now_us)
{
	(void)now_us;
	if (event->change == ALERT_ENDS || event->change == ALERT_REMOVED)
		end(t, event);
	else
		begin(t, event);
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

void
triage_apply(struct triage *t, const struct check_spec *const *specs, size_t count,
	const struct playbooks *playbooks, const struct triage_moment *at)
{
	(void)specs;
	(void)count;
	(void)at;
	t->playbooks = playbooks;
}

void
triage_add_child(struct triage *t, const struct check_spec *child)
{
	(void)t;
	(void)child;
}

void
triage_remove_child(struct triage *t, const char *child)
{
	(void)t;
	(void)child;
}

void
triage_sample(struct triage *t, const struct check_spec *check, const struct sample *sample,
	usec_t now_us)
{
	(void)now_us;
	if (sample->outcome != OUTCOME_OK)
		evidence_take(t, check->name, sample);
}

void
triage_fact(struct triage *t, const char *check, const struct fact *fact,
	const struct triage_moment *at)
{
	(void)t;
	(void)check;
	(void)fact;
	(void)at;
}

usec_t
triage_tick(struct triage *t, const struct triage_moment *at)
{
	life_age(t, at->wall_us);
	evidence_drop_old(t, at->wall_us);
	return at->now_us + 5 * USEC_PER_SEC;
}

json_t *
triage_why(const struct triage *t, const char *check, usec_t now_us)
{
	(void)t;
	(void)check;
	(void)now_us;
	return json_array();
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
