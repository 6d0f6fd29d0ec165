/*
 * PagerDuty, Events API v2: one alert there for each incident here.
 *
 *	opened, updated, escalated, reminder...	trigger, all with the same dedup_key
 *	acknowledged				acknowledge
 *	resolved				resolve
 *	test					trigger and resolve of a key of its own
 *
 * A reminder triggers again: PagerDuty adds it to the alert in silence, and opens a new one when
 * somebody closed that by hand although it still burns.  The key is the incident's id alone, so
 * that it survives a reload, a restart and a new name for the daemon.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "alerts/post.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"

#define BODY_MAX    512000
#define SUMMARY_MAX 1024 /* characters */
#define FIELD_MAX   255  /* characters of source, component, group and class */
#define HREF_MAX    2000
#define DETAIL_MAX  4000 /* characters of one text in the details */
#define KEY_LEN     32
/* Fifteen digits show 0.0002 as it was measured. */
#define BODY_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

struct pagerduty_conf {
	struct post_conf post;
	char *routing_key;
};

struct pagerduty_run {
	struct post post;
	bool is_closing; /* a test: the alert it made is being resolved */
};

static const struct conf_field fields[] = {
	{ "routing_key", SECRET_AT(struct pagerduty_conf, routing_key), .flags = CONF_REQUIRED,
		.doc = "The integration key of an \"Events API v2\" integration: 32 characters.",
		.example = "\"${PAGERDUTY_KEY}\"" },
	{ "url", URL_AT(struct pagerduty_conf, post.url),
		.dflt = "https://events.pagerduty.com/v2/enqueue",
		.doc = "Where events go.  Accounts of the service region EU: "
		       "https://events.eu.pagerduty.com/v2/enqueue." },
	POST_ROWS(struct pagerduty_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"An alert in PagerDuty for each incident; acknowledging and resolving here does so there.  "
	"Later news, a changed severity and reminders go to the same alert.\n\n"
	"1. In PagerDuty: Services, your service, Integrations, Add an integration, Events API v2. "
	" "
	"Or an integration of Event Orchestration.\n"
	"2. Copy its Integration Key into `routing_key`.\n"
	"3. With an account of the European service region set `url` to "
	"`https://events.eu.pagerduty.com/v2/enqueue`.\n"
	"4. `triage test NAME` opens an alert of severity info and resolves it at once; it may "
	"notify who is on call.\n\n"
	"`class` is the cause, `component` the check, `source` the host, `group` the label `group` "
	"or the check's type: use them in event rules.  What is acknowledged or resolved in "
	"PagerDuty stays so there only; `triage ack` tells both.";

/* What becomes of an event; the first row that fits. */
static const struct action {
	const char *type;
	const char *name;
} actions[] = {
	{ "incident.resolved", "resolve" },
	{ "incident.acknowledged", "acknowledge" },
	{ NULL, "trigger" },
};

/* ---- settings ---- */

static bool
is_key(const char *key)
{
	size_t len = 0;

	while (isalnum((unsigned char)key[len]))
		len++;
	return len == KEY_LEN && key[len] == '\0';
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct pagerduty_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "routing_key");

	post_check(&conf->post, map, tls, complaints);
	if (conf->routing_key != NULL && !is_key(conf->routing_key))
		complain(complaints, &at,
			"routing_key: must be 32 letters and digits; copy the Integration Key of "
			"an Events API v2 integration");
}

/* ---- details ---- */

static json_t *
cut_text(const char *text, size_t max)
{
	char *cut = message_cut(text == NULL ? "" : text, max, UNIT_CHARS);
	json_t *json = record_text(cut);

	free(cut);
	return json;
}

static void
put_cut(json_t *doc, const char *key, const char *text, size_t max)
{
	if (text != NULL && text[0] != '\0')
		json_object_set_new(doc, key, cut_text(text, max));
}

static void
put_list(json_t *doc, const char *key, json_t *list)
{
	if (json_array_size(list) > 0)
		json_object_set(doc, key, list);
	json_decref(list);
}

/* Several rules may say the same of one check. */
static bool
is_named(const struct incident *i, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		if (i->alerts[k].is_firing && str_eq(i->alerts[k].check, i->alerts[n].check))
			return true;
	}
	return false;
}

static void
put_impact(json_t *details, const struct incident *i)
{
	json_t *list = json_array();

	for (size_t n = 0; n < i->alert_count && n < INCIDENT_LIST_MAX; n++) {
		const struct incident_alert *alert = &i->alerts[n];

		if (alert->is_firing && !str_eq(alert->check, i->check) && !is_named(i, n))
			json_array_append_new(list, cut_text(alert->check, FIELD_MAX));
	}
	put_list(details, "impact", list);
}

static void
put_remedy(json_t *details, const struct incident *i)
{
	json_t *list = json_array();

	for (size_t n = 0; n < i->remedy.count; n++) {
		const struct incident_text *step = &i->remedy.all[n];
		const char *command = step->name == NULL ? "" : step->name;
		char *line = xasprintf("%s%s%s%s", step->is_destructive ? "(destructive) " : "",
			step->text == NULL ? "" : step->text, command[0] == '\0' ? "" : ": ",
			command);

		json_array_append_new(list, cut_text(line, DETAIL_MAX));
		free(line);
	}
	put_list(details, "remedy", list);
}

/* Several of one name are lines of one text. */
static void
add_fact(json_t *facts, const char *name, const char *text)
{
	const char *before = json_string_value(json_object_get(facts, name));
	char *both = xasprintf("%s%s%s", before == NULL ? "" : before, before == NULL ? "" : "\n",
		text == NULL ? "" : text);

	json_object_set_new(facts, name, cut_text(both, DETAIL_MAX));
	free(both);
}

static void
put_facts(json_t *details, const struct incident *i)
{
	json_t *facts = json_object();

	for (size_t n = 0; n < i->facts.count && n < INCIDENT_LIST_MAX; n++) {
		const struct incident_text *fact = &i->facts.all[n];
		char *name = message_cut(
			fact->name == NULL ? "fact" : fact->name, FIELD_MAX, UNIT_CHARS);

		add_fact(facts, name, fact->text);
		free(name);
	}
	if (json_object_size(facts) > 0)
		json_object_set(details, "facts", facts);
	json_decref(facts);
}

static json_t *
make_details(const struct notice *notice)
{
	const struct incident *i = &notice->incident;
	json_t *details = json_object();

	put_cut(details, "incident", i->id, FIELD_MAX);
	put_cut(details, "event", notice->type, FIELD_MAX);
	put_cut(details, "reason", notice->reason, FIELD_MAX);
	put_cut(details, "what", i->summary, DETAIL_MAX);
	put_cut(details, "why", i->cause_title, DETAIL_MAX);
	put_cut(details, "explanation", i->explanation, DETAIL_MAX);
	put_cut(details, "confidence", i->confidence, FIELD_MAX);
	put_remedy(details, i);
	put_impact(details, i);
	put_cut(details, "target", i->target, DETAIL_MAX);
	put_cut(details, "rule", i->rule, FIELD_MAX);
	json_object_set_new(details, "started_at", record_time(i->started_us));
	put_facts(details, i);
	if (i->values != NULL)
		json_object_set(details, "values", i->values);
	if (json_object_size(i->labels) > 0)
		json_object_set(details, "labels", i->labels);
	return details;
}

/* ---- the event ---- */

struct event {
	const struct pagerduty_conf *conf;
	const struct notice *notice;
	const char *daemon;
	enum language language;
	const char *action;
};

static bool
is_link(const char *url)
{
	return url != NULL && (str_starts(url, "http://") || str_starts(url, "https://")) &&
	       strlen(url) <= HREF_MAX;
}

static void
add_link(json_t *links, const char *href, const char *text)
{
	if (is_link(href))
		json_array_append_new(
			links, json_pack("{s:o, s:s}", "href", record_text(href), "text", text));
}

static const char *
group_of(const struct incident *i)
{
	const char *label = json_string_value(json_object_get(i->labels, "group"));

	return label != NULL ? label : i->type;
}

/* What is read aloud on the telephone. */
static json_t *
make_summary(const struct event *event)
{
	struct message *m = message_new(event->notice, event->daemon, event->language);
	char *text =
		xasprintf("%s%s%s", m->headline, m->summary[0] == '\0' ? "" : ": ", m->summary);
	json_t *summary;

	for (char *c = text; *c != '\0'; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	summary = cut_text(text, SUMMARY_MAX);
	free(text);
	message_free(m);
	return summary;
}

static json_t *
make_payload(const struct event *event)
{
	const struct notice *notice = event->notice;
	const struct incident *i = &notice->incident;
	bool is_test = str_eq(notice->type, NOTICE_TEST);
	const char *severity =
		severity_name(notice->severity < SEVERITY_INFO ? SEVERITY_INFO : notice->severity);
	json_t *payload = json_object();

	json_object_set_new(payload, "summary", make_summary(event));
	json_object_set_new(payload, "source",
		cut_text(i->host == NULL || i->host[0] == '\0' ? event->daemon : i->host,
			FIELD_MAX));
	json_object_set_new(payload, "severity", json_string(is_test ? "info" : severity));
	json_object_set_new(payload, "timestamp", record_time(notice->at_us));
	put_cut(payload, "component", i->check, FIELD_MAX);
	put_cut(payload, "group", group_of(i), FIELD_MAX);
	put_cut(payload, "class", is_test ? NOTICE_TEST : i->cause_code, FIELD_MAX);
	json_object_set_new(payload, "custom_details", make_details(notice));
	return payload;
}

static void
add_trigger(json_t *body, const struct event *event)
{
	const struct incident *i = &event->notice->incident;
	json_t *links = json_array();

	json_object_set_new(body, "client", json_string("triaged"));
	if (is_link(i->url))
		json_object_set_new(body, "client_url", record_text(i->url));
	json_object_set_new(body, "payload", make_payload(event));
	add_link(links, i->url, "incident");
	add_link(links, i->runbook_url, "runbook");
	put_list(body, "links", links);
}

static void
make_key(const struct notice *notice, char *out, size_t size)
{
	if (str_eq(notice->type, NOTICE_TEST))
		snprintf(out, size, "triaged/test/%s", notice->id);
	else
		snprintf(out, size, "triaged/%s", notice->incident.id);
}

static bool
is_too_big(const json_t *body)
{
	return json_dumpb(body, NULL, 0, BODY_FLAGS) > BODY_MAX;
}

/* Evidence goes first, at last all of the details: what is left is small. */
static void
fit(json_t *body)
{
	static const char *const first_to_go[] = { "facts", "values", "labels" };
	json_t *payload = json_object_get(body, "payload");
	json_t *details = json_object_get(payload, "custom_details");

	for (size_t i = 0; i < sizeof(first_to_go) / sizeof(first_to_go[0]); i++) {
		if (is_too_big(body))
			json_object_del(details, first_to_go[i]);
	}
	if (is_too_big(body))
		json_object_del(payload, "custom_details");
}

static char *
make_body(const struct event *event)
{
	char key[80], *text;
	json_t *body;

	make_key(event->notice, key, sizeof(key));
	body = json_pack("{s:s, s:s, s:s}", "routing_key", event->conf->routing_key, "event_action",
		event->action, "dedup_key", key);
	if (str_eq(event->action, "trigger"))
		add_trigger(body, event);
	fit(body);
	text = json_dumps(body, BODY_FLAGS);
	json_decref(body);
	return text;
}

/* ---- answers ---- */

static void
add_words(struct buf *out, const json_t *text)
{
	const char *words = json_string_value(text);

	if (words != NULL && words[0] != '\0')
		buf_addf(out, "%s%s", buf_left(out) == 0 ? "" : ": ", words);
}

static void
judge_refusal(const json_t *answer, struct post_verdict *verdict)
{
	const json_t *errors = json_object_get(answer, "errors");
	struct buf words;

	buf_init(&words, 0);
	if (json_is_string(errors))
		add_words(&words, errors);
	for (size_t n = 0; n < json_array_size(errors) && n < 4; n++)
		add_words(&words, json_array_get(errors, n));
	if (buf_left(&words) == 0)
		add_words(&words, json_object_get(answer, "message"));
	if (buf_left(&words) == 0)
		add_words(&words, json_object_get(answer, "status"));
	if (strcasestr(buf_text(&words), "routing") != NULL) {
		verdict->why = SEND_CLASS_AUTH;
		buf_add_text(&words, "; copy the Integration Key anew into routing_key");
	}
	if (buf_left(&words) > 0)
		str_printable(
			verdict->words, sizeof(verdict->words), buf_text(&words), buf_left(&words));
	buf_fini(&words);
}

static void send_event(struct send_run *run, const char *action);

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	struct pagerduty_run *state = send_state(run);
	json_t *answer = post_json(reply);
	const char *status = json_string_value(json_object_get(answer, "status"));

	if (verdict->result == SEND_OK && reply->status != 202 && !str_eq(status, "success")) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"this is no answer of PagerDuty; is the url right, or does something stand "
			"in between?");
	} else if (verdict->result == SEND_NEVER) {
		judge_refusal(answer, verdict);
	} else if (verdict->result == SEND_OK && !state->is_closing &&
		   str_eq(send_notice(run)->type, NOTICE_TEST)) {
		state->is_closing = true;
		send_event(run, "resolve");
		verdict->result = SEND_NONE;
	}
	json_decref(answer);
}

/* ---- one try ---- */

static void
send_event(struct send_run *run, const char *action)
{
	const struct pagerduty_conf *conf = send_conf(run);
	struct pagerduty_run *state = send_state(run);
	const struct event event = { conf, send_notice(run), send_daemon_name(run),
		send_language(run), action };
	const struct post_request request = { .body = make_body(&event) };

	post_start(run, &state->post, &conf->post, &request, judge);
}

static void
start(struct send_run *run)
{
	const struct notice *notice = send_notice(run);
	const struct action *action = actions;

	while (action->type != NULL && !str_eq(action->type, notice->type))
		action++;
	send_event(run, notice->is_resolved ? "resolve" : action->name);
}

static void
stop(struct send_run *run)
{
	struct pagerduty_run *state = send_state(run);

	post_stop(&state->post);
}

const struct receiver_type receiver_type_pagerduty = {
	.name = "pagerduty",
	.summary = "PagerDuty, through its Events API v2.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct pagerduty_conf),
	.run_size = sizeof(struct pagerduty_run),
	.rate_per_second = 1,
	.burst = 4,
	.timeout_us = 2 * USEC_PER_MIN, /* a test makes two requests */
	.check = check,
	.release = post_release_conf,
	.target = post_target_conf,
	.start = start,
	.stop = stop,
};
