/*
 * The incident as a value: its life in memory, the object that receivers and the API show, and the
 * stored form.  Owns its strings and JSON objects; a copy shares nothing with its original.
 *
 * incident_copy and incident_restore fill a struct that holds nothing yet.
 */
#include "model/incident.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"

#define STORED_VERSION 1

/* Every string of the struct: the key of the stored form and where it is. */
static const struct text_field {
	const char *key;
	size_t at;
} text_fields[] = {
	{ "host", offsetof(struct incident, host) },
	{ "title", offsetof(struct incident, title) },
	{ "summary", offsetof(struct incident, summary) },
	{ "check", offsetof(struct incident, check) },
	{ "type", offsetof(struct incident, type) },
	{ "target", offsetof(struct incident, target) },
	{ "rule", offsetof(struct incident, rule) },
	{ "cause", offsetof(struct incident, cause_code) },
	{ "playbook", offsetof(struct incident, playbook) },
	{ "cause_title", offsetof(struct incident, cause_title) },
	{ "explanation", offsetof(struct incident, explanation) },
	{ "confidence", offsetof(struct incident, confidence) },
	{ "finding", offsetof(struct incident, finding) },
	{ "acked_by", offsetof(struct incident, acked_by) },
	{ "ack_note", offsetof(struct incident, ack_note) },
	{ "first_recovered", offsetof(struct incident, first_recovered) },
	{ "runbook_url", offsetof(struct incident, runbook_url) },
	{ "url", offsetof(struct incident, url) },
	{ "merged_into", offsetof(struct incident, merged_into) },
};

static const struct time_field {
	const char *key;
	size_t at;
} time_fields[] = {
	{ "started", offsetof(struct incident, started_us) },
	{ "detected", offsetof(struct incident, detected_us) },
	{ "acked", offsetof(struct incident, acked_us) },
	{ "resolved", offsetof(struct incident, resolved_us) },
	{ "ack_until", offsetof(struct incident, ack_until_us) },
	{ "first_recovered_at", offsetof(struct incident, first_recovered_us) },
	{ "quiet", offsetof(struct incident, quiet_us) },
};

static const struct list_field {
	const char *key;
	size_t at;
} list_fields[] = {
	{ "facts", offsetof(struct incident, facts) },
	{ "remedy", offsetof(struct incident, remedy) },
	{ "timeline", offsetof(struct incident, timeline) },
	{ "pros", offsetof(struct incident, pros) },
	{ "cons", offsetof(struct incident, cons) },
	{ "related", offsetof(struct incident, related) },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char **
text_slot(struct incident *i, size_t n)
{
	return (char **)(void *)((char *)i + text_fields[n].at);
}

static const char *
text_of(const struct incident *i, size_t n)
{
	return *(char *const *)(const void *)((const char *)i + text_fields[n].at);
}

static usec_t *
time_slot(struct incident *i, size_t n)
{
	return (usec_t *)(void *)((char *)i + time_fields[n].at);
}

static usec_t
time_of(const struct incident *i, size_t n)
{
	return *(const usec_t *)(const void *)((const char *)i + time_fields[n].at);
}

static struct incident_texts *
list_slot(struct incident *i, size_t n)
{
	return (struct incident_texts *)(void *)((char *)i + list_fields[n].at);
}

static const struct incident_texts *
list_of(const struct incident *i, size_t n)
{
	return (const struct incident_texts *)(const void *)((const char *)i + list_fields[n].at);
}

/* Life. */

void
incident_init(struct incident *i)
{
	memset(i, 0, sizeof(*i));
}

static void
drop_text(struct incident_text *text)
{
	free(text->name);
	free(text->text);
}

static void
drop_alerts(struct incident *i)
{
	for (size_t n = 0; n < i->alert_count; n++) {
		free(i->alerts[n].check);
		free(i->alerts[n].rule);
		free(i->alerts[n].text);
		free(i->alerts[n].cause);
	}
	free(i->alerts);
}

void
incident_fini(struct incident *i)
{
	for (size_t n = 0; n < COUNT(text_fields); n++)
		free(*text_slot(i, n));
	for (size_t n = 0; n < COUNT(list_fields); n++) {
		struct incident_texts *list = list_slot(i, n);
		for (size_t k = 0; k < list->count; k++)
			drop_text(&list->all[k]);
		free(list->all);
	}
	drop_alerts(i);
	json_decref(i->values);
	json_decref(i->labels);
	incident_init(i);
}

static void
copy_alerts(struct incident *to, const struct incident *from)
{
	to->alerts = from->alert_count ? xcalloc(from->alert_count, sizeof(*to->alerts)) : NULL;
	for (size_t n = 0; n < from->alert_count; n++) {
		to->alerts[n] = from->alerts[n];
		to->alerts[n].check = xstrdup(from->alerts[n].check);
		to->alerts[n].rule = xstrdup(from->alerts[n].rule);
		to->alerts[n].text = xstrdup(from->alerts[n].text);
		to->alerts[n].cause = xstrdup(from->alerts[n].cause);
	}
}

static void
copy_list(struct incident_texts *to, const struct incident_texts *from)
{
	to->count = from->count;
	to->all = from->count ? xcalloc(from->count, sizeof(*to->all)) : NULL;
	for (size_t n = 0; n < from->count; n++) {
		to->all[n].name = xstrdup(from->all[n].name);
		to->all[n].text = xstrdup(from->all[n].text);
		to->all[n].at_us = from->all[n].at_us;
		to->all[n].is_destructive = from->all[n].is_destructive;
	}
}

void
incident_copy(struct incident *to, const struct incident *from)
{
	*to = *from;
	for (size_t n = 0; n < COUNT(text_fields); n++)
		*text_slot(to, n) = xstrdup(text_of(from, n));
	for (size_t n = 0; n < COUNT(list_fields); n++)
		copy_list(list_slot(to, n), list_of(from, n));
	copy_alerts(to, from);
	to->values = json_deep_copy(from->values);
	to->labels = json_deep_copy(from->labels);
}

/* A full list forgets its second entry: the first says how it began, the last where it stands. */
void
incident_add_text(struct incident_texts *list, const char *name, const char *text, usec_t at)
{
	if (list->count == INCIDENT_LIST_MAX) {
		drop_text(&list->all[1]);
		list->count--;
		memmove(&list->all[1], &list->all[2], (list->count - 1) * sizeof(*list->all));
	} else {
		list->all = xreallocarray(list->all, list->count + 1, sizeof(*list->all));
	}
	list->all[list->count++] = (struct incident_text){
		.name = xstrdup(name),
		.text = xstrdup(text ? text : ""),
		.at_us = at,
	};
}

/* Names. */

static const char *const status_names[] = {
	[INCIDENT_OPEN] = "open",
	[INCIDENT_ACKNOWLEDGED] = "acknowledged",
	[INCIDENT_RESOLVED] = "resolved",
};

static const char *const event_names[] = {
	[INCIDENT_OPENED] = "incident.opened",
	[INCIDENT_UPDATED] = "incident.updated",
	[INCIDENT_ESCALATED] = "incident.escalated",
	[INCIDENT_DEESCALATED] = "incident.deescalated",
	[INCIDENT_REMINDER] = "incident.reminder",
	[INCIDENT_ACKED] = "incident.acknowledged",
	[INCIDENT_ENDED] = "incident.resolved",
};

const char *
incident_status_name(enum incident_status status)
{
	assert((size_t)status < COUNT(status_names));
	return status_names[status];
}

const char *
incident_event_name(enum incident_event_type type)
{
	assert(type < INCIDENT_EVENT_TYPES);
	return event_names[type];
}

static int
parse_status(const char *name)
{
	for (size_t n = 0; n < COUNT(status_names); n++)
		if (str_eq(name, status_names[n]))
			return (int)n;
	return -1;
}

/* What is shown. */

static json_t *
show_words(const struct incident_texts *texts)
{
	json_t *list = json_array();
	for (size_t n = 0; n < texts->count; n++)
		json_array_append_new(list, record_text(texts->all[n].text));
	return list;
}

static json_t *
show_cause(const struct incident *i)
{
	json_t *cause = json_object();
	json_object_set_new(cause, "code", record_text(i->cause_code));
	json_object_set_new(cause, "playbook", record_text(i->playbook));
	json_object_set_new(cause, "title", record_text(i->cause_title));
	json_object_set_new(cause, "explanation", record_text(i->explanation));
	json_object_set_new(cause, "confidence", record_text(i->confidence));
	record_put_text(cause, "finding", i->finding);
	if (i->pros.count)
		json_object_set_new(cause, "for", show_words(&i->pros));
	if (i->cons.count)
		json_object_set_new(cause, "against", show_words(&i->cons));
	return cause;
}

static json_t *
show_impact(const struct incident *i)
{
	json_t *impact = json_array();
	for (size_t n = 0; n < i->alert_count; n++) {
		const struct incident_alert *alert = &i->alerts[n];
		if (!alert->is_firing || str_eq(alert->check, i->check))
			continue;
		json_t *one = json_object();
		json_object_set_new(one, "check", record_text(alert->check));
		json_object_set_new(one, "rule", record_text(alert->rule));
		json_object_set_new(one, "since", record_time(alert->since_us));
		json_array_append_new(impact, one);
	}
	return impact;
}

static json_t *
show_facts(const struct incident_texts *facts)
{
	json_t *list = json_array();
	for (size_t n = 0; n < facts->count; n++) {
		json_t *one = json_object();
		json_object_set_new(one, "name", record_text(facts->all[n].name));
		json_object_set_new(one, "text", record_text(facts->all[n].text));
		json_object_set_new(one, "at", record_time(facts->all[n].at_us));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
show_remedy(const struct incident_texts *remedy)
{
	json_t *list = json_array();
	for (size_t n = 0; n < remedy->count; n++) {
		json_t *one = json_object();
		json_object_set_new(one, "text", record_text(remedy->all[n].text));
		record_put_text(one, "command", remedy->all[n].name);
		if (remedy->all[n].is_destructive)
			json_object_set_new(one, "destructive", json_true());
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
show_related(const struct incident_texts *related)
{
	json_t *list = json_array();
	for (size_t n = 0; n < related->count; n++) {
		json_t *one = json_object();
		json_object_set_new(one, "id", record_text(related->all[n].name));
		json_object_set_new(one, "text", record_text(related->all[n].text));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
show_object(const json_t *object)
{
	return object ? json_deep_copy(object) : json_object();
}

/* Seconds, to the millisecond; a clock that was set back must not show a negative age. */
static json_t *
show_duration(const struct incident *i, usec_t now_us)
{
	usec_t until = i->resolved_us ? i->resolved_us : now_us;
	usec_t age = i->started_us && until > i->started_us ? until - i->started_us : 0;
	return json_real((double)(age / USEC_PER_MSEC) / 1000.0);
}

json_t *
incident_json(const struct incident *i, usec_t now_us)
{
	json_t *o = json_object();
	json_object_set_new(o, "id", record_text(i->id));
	json_object_set_new(o, "status", record_text(incident_status_name(i->status)));
	json_object_set_new(o, "severity", record_text(severity_name(i->severity)));
	json_object_set_new(o, "host", record_text(i->host));
	json_object_set_new(o, "title", record_text(i->title));
	json_object_set_new(o, "summary", record_text(i->summary));
	json_object_set_new(o, "check", record_text(i->check));
	json_object_set_new(o, "type", record_text(i->type));
	json_object_set_new(o, "target", record_text(i->target));
	json_object_set_new(o, "rule", record_text(i->rule));
	json_object_set_new(o, "cause", show_cause(i));
	json_object_set_new(o, "impact", show_impact(i));
	json_object_set_new(o, "facts", show_facts(&i->facts));
	json_object_set_new(o, "remedy", show_remedy(&i->remedy));
	json_object_set_new(o, "values", show_object(i->values));
	json_object_set_new(o, "labels", show_object(i->labels));
	json_object_set_new(o, "runbook_url", record_text(i->runbook_url));
	json_object_set_new(o, "url", record_text(i->url));
	json_object_set_new(o, "started_at", record_time(i->started_us));
	json_object_set_new(o, "detected_at", record_time(i->detected_us));
	json_object_set_new(o, "acknowledged_at", record_time(i->acked_us));
	json_object_set_new(o, "resolved_at", record_time(i->resolved_us));
	json_object_set_new(o, "duration", show_duration(i, now_us));
	record_put_text(o, "merged_into", i->merged_into);
	record_put_text(o, "acknowledged_by", i->acked_by);
	record_put_text(o, "acknowledged_note", i->ack_note);
	if (i->ack_until_us)
		json_object_set_new(o, "acknowledged_until", record_time(i->ack_until_us));
	if (i->related.count)
		json_object_set_new(o, "related", show_related(&i->related));
	if (i->reopened)
		json_object_set_new(o, "reopened", json_integer(i->reopened));
	if (i->is_flapping)
		json_object_set_new(o, "flapping", json_true());
	if (i->quiet_us)
		json_object_set_new(o, "quiet_since", record_time(i->quiet_us));
	return o;
}

/* What is stored. */

static json_t *
store_list(const struct incident_texts *list)
{
	json_t *stored = json_array();
	for (size_t n = 0; n < list->count; n++) {
		json_t *one = json_object();
		record_put_text(one, "name", list->all[n].name);
		record_put_text(one, "text", list->all[n].text);
		if (list->all[n].at_us)
			json_object_set_new(one, "at", json_integer(list->all[n].at_us));
		if (list->all[n].is_destructive)
			json_object_set_new(one, "destructive", json_true());
		json_array_append_new(stored, one);
	}
	return stored;
}

static json_t *
store_alerts(const struct incident *i)
{
	json_t *stored = json_array();
	for (size_t n = 0; n < i->alert_count; n++) {
		const struct incident_alert *alert = &i->alerts[n];
		json_t *one = json_object();
		record_put_text(one, "check", alert->check);
		record_put_text(one, "rule", alert->rule);
		record_put_text(one, "severity", severity_name(alert->severity));
		json_object_set_new(one, "since", json_integer(alert->since_us));
		json_object_set_new(one, "firing", json_boolean(alert->is_firing));
		record_put_text(one, "text", alert->text);
		record_put_text(one, "cause", alert->cause);
		if (alert->ended_us)
			json_object_set_new(one, "ended", json_integer(alert->ended_us));
		json_array_append_new(stored, one);
	}
	return stored;
}

json_t *
incident_store(const struct incident *i)
{
	json_t *o = json_object();
	json_object_set_new(o, "v", json_integer(STORED_VERSION));
	json_object_set_new(o, "id", record_text(i->id));
	json_object_set_new(o, "status", record_text(incident_status_name(i->status)));
	json_object_set_new(o, "severity", record_text(severity_name(i->severity)));
	for (size_t n = 0; n < COUNT(text_fields); n++)
		record_put_text(o, text_fields[n].key, text_of(i, n));
	for (size_t n = 0; n < COUNT(time_fields); n++)
		if (time_of(i, n))
			json_object_set_new(o, time_fields[n].key, json_integer(time_of(i, n)));
	for (size_t n = 0; n < COUNT(list_fields); n++)
		json_object_set_new(o, list_fields[n].key, store_list(list_of(i, n)));
	json_object_set_new(o, "alerts", store_alerts(i));
	json_object_set_new(o, "values", show_object(i->values));
	json_object_set_new(o, "labels", show_object(i->labels));
	json_object_set_new(o, "sequence", json_integer(i->sequence));
	json_object_set_new(o, "reopened", json_integer(i->reopened));
	json_object_set_new(o, "flapping", json_boolean(i->is_flapping));
	json_object_set_new(o, "ack_sticky", json_boolean(i->is_ack_sticky));
	return o;
}

static int
restore_list(struct incident_texts *list, const json_t *stored, const char *key, struct err *e)
{
	const json_t *all = NULL;
	if (record_get_list(stored, key, &all, e) < 0)
		return -1;
	for (size_t n = 0; n < json_array_size(all); n++) {
		const json_t *one = json_array_get(all, n);
		char *name = NULL, *text = NULL;
		usec_t at = 0;
		bool is_destructive = false;
		int rc = json_is_object(one) ? 0 : err_set(e, 0, "entry %zu is no object", n);
		if (rc == 0)
			rc = record_get_text(one, "name", &name, e);
		if (rc == 0)
			rc = record_get_text(one, "text", &text, e);
		if (rc == 0)
			rc = record_get_time(one, "at", &at, e);
		if (rc == 0)
			rc = record_get_flag(one, "destructive", &is_destructive, e);
		if (rc == 0) {
			incident_add_text(list, name, text, at);
			list->all[list->count - 1].is_destructive = is_destructive;
		}
		free(name);
		free(text);
		if (rc < 0)
			return err_wrap(e, "\"%s\"", key);
	}
	return 0;
}

static int
restore_alert(struct incident_alert *alert, const json_t *one, struct err *e)
{
	if (!json_is_object(one))
		return err_set(e, 0, "an alert is no object");
	if (record_get_text(one, "check", &alert->check, e) < 0 ||
		record_get_text(one, "rule", &alert->rule, e) < 0 ||
		record_get_text(one, "text", &alert->text, e) < 0 ||
		record_get_text(one, "cause", &alert->cause, e) < 0 ||
		record_get_time(one, "since", &alert->since_us, e) < 0 ||
		record_get_time(one, "ended", &alert->ended_us, e) < 0 ||
		record_get_flag(one, "firing", &alert->is_firing, e) < 0 ||
		record_get_severity(one, "severity", &alert->severity, e) < 0)
		return -1;
	if (!alert->check || !alert->rule)
		return err_set(e, 0, "an alert has no check or no rule");
	return 0;
}

static int
restore_alerts(struct incident *i, const json_t *stored, struct err *e)
{
	const json_t *all = NULL;
	if (record_get_list(stored, "alerts", &all, e) < 0)
		return -1;
	size_t count = json_array_size(all);
	if (count > INCIDENT_LIST_MAX)
		count = INCIDENT_LIST_MAX;
	i->alerts = count ? xcalloc(count, sizeof(*i->alerts)) : NULL;
	for (; i->alert_count < count; i->alert_count++) {
		struct incident_alert *alert = &i->alerts[i->alert_count];
		if (restore_alert(alert, json_array_get(all, i->alert_count), e) < 0) {
			i->alert_count++; /* so that fini frees what it already holds */
			return -1;
		}
	}
	return 0;
}

static int
restore_id(struct incident *i, const json_t *stored, struct err *e)
{
	const char *id = json_string_value(json_object_get(stored, "id"));
	size_t len = id ? strspn(id, "0123456789abcdef") : 0;
	if (len == 0 || len > INCIDENT_ID_LEN || id[len])
		return err_set(e, 0, "it has no id");
	memcpy(i->id, id, len + 1);
	return 0;
}

static int
restore_status(struct incident *i, const json_t *stored, struct err *e)
{
	const char *name = json_string_value(json_object_get(stored, "status"));
	int status = parse_status(name);
	if (status < 0)
		return err_set(e, 0, "\"status\" is not one");
	i->status = (enum incident_status)status;
	return 0;
}

static int
restore_fields(struct incident *i, const json_t *stored, struct err *e)
{
	for (size_t n = 0; n < COUNT(text_fields); n++)
		if (record_get_text(stored, text_fields[n].key, text_slot(i, n), e) < 0)
			return -1;
	for (size_t n = 0; n < COUNT(time_fields); n++)
		if (record_get_time(stored, time_fields[n].key, time_slot(i, n), e) < 0)
			return -1;
	for (size_t n = 0; n < COUNT(list_fields); n++)
		if (restore_list(list_slot(i, n), stored, list_fields[n].key, e) < 0)
			return -1;
	if (!i->check || !i->rule)
		return err_set(e, 0, "it has no check or no rule");
	return 0;
}

int
incident_restore(struct incident *i, const json_t *stored, struct err *e)
{
	struct incident got;
	incident_init(&got);
	if (!json_is_object(stored))
		return err_set(e, 0, "the stored incident is no object");
	if (restore_id(&got, stored, e) < 0 || restore_status(&got, stored, e) < 0 ||
		restore_fields(&got, stored, e) < 0 || restore_alerts(&got, stored, e) < 0 ||
		record_get_severity(stored, "severity", &got.severity, e) < 0 ||
		record_get_object(stored, "values", &got.values, e) < 0 ||
		record_get_object(stored, "labels", &got.labels, e) < 0 ||
		record_get_count(stored, "sequence", &got.sequence, e) < 0 ||
		record_get_count(stored, "reopened", &got.reopened, e) < 0 ||
		record_get_flag(stored, "ack_sticky", &got.is_ack_sticky, e) < 0 ||
		record_get_flag(stored, "flapping", &got.is_flapping, e) < 0) {
		incident_fini(&got);
		return err_wrap(e, "the stored incident cannot be read");
	}
	*i = got;
	return 0;
}
