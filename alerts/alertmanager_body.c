/* Notices as Alertmanager's alerts: labels, annotations and times that its API accepts. */
#include "alerts/alertmanager_body.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "base/mem.h"
#include "base/str.h"

#define LABELS_MAX     48
#define LABEL_MAX      512  /* bytes of a value */
#define ANNOTATION_MAX 4096 /* bytes of a value */

/* ---- labels ---- */

static void
put(json_t *object, const char *name, const char *text, size_t max)
{
	char *fit;

	if (text == NULL || text[0] == '\0')
		return; /* an empty label is no label */
	fit = message_cut(text, max, UNIT_BYTES);
	json_object_set_new(object, name, json_string(fit));
	free(fit);
}

/* Label names are [a-zA-Z_][a-zA-Z0-9_]*: "team/core" becomes "team_core"; owned. */
static char *
label_name(const char *name)
{
	char *out = xasprintf("%s%s", isdigit((unsigned char)name[0]) ? "_" : "", name);

	for (char *c = out; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) || (unsigned char)*c >= 0x80)
			*c = '_';
	}
	return out;
}

static void
put_users(json_t *labels, json_t *users)
{
	const char *key;
	json_t *value;

	json_object_foreach(users, key, value)
	{
		char *name = label_name(key);

		if (json_is_string(value) && name[0] != '\0' &&
			json_object_get(labels, name) == NULL &&
			json_object_size(labels) < LABELS_MAX)
			put(labels, name, json_string_value(value), LABEL_MAX);
		free(name);
	}
}

json_t *
alertmanager_labels(const struct notice *notice)
{
	const struct incident *incident = &notice->incident;
	bool is_test = str_eq(notice->type, NOTICE_TEST);
	json_t *labels = json_object();

	put(labels, "alertname", is_test ? "triaged-test" : incident->rule, LABEL_MAX);
	if (json_object_size(labels) == 0)
		put(labels, "alertname", "triaged", LABEL_MAX);
	put(labels, "severity", severity_name(notice->severity), LABEL_MAX);
	put(labels, "check", incident->check, LABEL_MAX);
	put(labels, "type", incident->type, LABEL_MAX);
	put(labels, "host", incident->host, LABEL_MAX);
	put(labels, "incident", incident->id, LABEL_MAX);
	put_users(labels, incident->labels);
	return labels;
}

/* ---- annotations ---- */

static const struct {
	enum message_part_kind kind;
	const char *name;
} annotations[] = {
	{ PART_WHY, "cause" },
	{ PART_IMPACT, "impact" },
	{ PART_NOTE, "note" },
	{ PART_FACTS, "facts" },
};

static void
put_remedy(json_t *out, const struct message_part *part)
{
	char *whole;

	if (part == NULL)
		return;
	if (part->code == NULL || strlen(part->text) + strlen(part->code) + 1 > ANNOTATION_MAX) {
		put(out, "remedy", part->text, ANNOTATION_MAX);
		return;
	}
	whole = xasprintf("%s\n%s", part->text, part->code);
	put(out, "remedy", whole, ANNOTATION_MAX);
	free(whole);
}

static json_t *
make_annotations(const struct alertmanager_letter *letter, const struct notice *notice)
{
	const struct incident *incident = &notice->incident;
	struct message *m = message_new(notice, letter->daemon_name, letter->language);
	json_t *out = json_object();

	put(out, "summary", m->headline, ANNOTATION_MAX);
	put(out, "description", m->summary[0] != '\0' ? m->summary : incident->summary,
		ANNOTATION_MAX);
	for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++) {
		const struct message_part *part = message_part(m, annotations[i].kind);
		char *text;

		if (part == NULL)
			continue;
		text = message_part_cut(part, ANNOTATION_MAX, UNIT_BYTES, letter->language);
		put(out, annotations[i].name, text, ANNOTATION_MAX);
		free(text);
	}
	put_remedy(out, message_part(m, PART_REMEDY));
	put(out, "cause_code", incident->cause_code, ANNOTATION_MAX);
	put(out, "runbook_url", incident->runbook_url, ANNOTATION_MAX);
	message_free(m);
	return out;
}

/* ---- times ---- */

static void
put_time(json_t *alert, const char *name, usec_t wall_us)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(wall_us, text);
	json_object_set_new(alert, name, json_string(text));
}

static usec_t
earlier(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

/* What ends before it begins is refused, and clocks are set: it begins now at the latest. */
static void
put_times(json_t *alert, const struct alertmanager_letter *letter, const struct notice *notice,
	bool is_over)
{
	const struct incident *incident = &notice->incident;
	usec_t started = incident->started_us > 0 ? incident->started_us : notice->at_us;
	usec_t ended = incident->resolved_us > 0 ? incident->resolved_us : notice->at_us;
	usec_t end = letter->now_us + letter->hold_us;

	started = earlier(started, letter->now_us);
	if (is_over)
		end = notice->is_resolved ? earlier(ended, letter->now_us) : letter->now_us;
	put_time(alert, "startsAt", started);
	put_time(alert, "endsAt", end < started ? started : end);
}

/* ---- the whole ---- */

static void
add_alert(json_t *out, const struct alertmanager_letter *letter, const struct notice *notice,
	json_t *labels, bool is_over)
{
	const char *url = notice->incident.url;
	json_t *alert = json_object();

	json_object_set_new(alert, "labels", labels);
	json_object_set_new(alert, "annotations", make_annotations(letter, notice));
	put_times(alert, letter, notice, is_over);
	if (url != NULL && (str_starts(url, "http://") || str_starts(url, "https://")))
		json_object_set_new(alert, "generatorURL", json_string(url));
	json_array_append_new(out, alert);
}

void
alertmanager_add(json_t *out, const struct alertmanager_letter *letter, const struct notice *notice,
	const json_t *told)
{
	json_t *labels = alertmanager_labels(notice);
	bool is_known = json_is_object(told);

	if (is_known && !json_equal(labels, told))
		add_alert(out, letter, notice, json_deep_copy(told), true);
	else
		is_known = false;
	if (is_known && notice->is_resolved)
		json_decref(labels); /* nobody ever heard of these */
	else
		add_alert(out, letter, notice, labels, notice->is_resolved);
}
