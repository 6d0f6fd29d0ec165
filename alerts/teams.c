/*
 * Microsoft Teams by a workflow ("When a Teams webhook request is received"): an Adaptive Card.
 *
 * The workflow answers 202 and posts later; what goes wrong there is seen in its run history only.
 * So a card never gives it a reason: version 1.4, and small enough after Teams has wrapped it.  The
 * connectors of old answered 200 to everything and said in the body whether it failed.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/fit.h"
#include "alerts/post.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * Teams takes 28 KB (28672 bytes), counted when the workflow has wrapped the card, which was seen
 * to add a fifth, and perhaps escaped what is not ASCII.  We count our JSON with that escaping.
 */
#define CARD_MAX   (20 * 1024)
#define TITLE_MAX  500
#define TEXT_MAX   4000 /* of one part at first; halved until the card fits */
#define TEXT_LEAST 120

struct teams_conf {
	struct post_conf post;
	/* Made by check(). */
	bool is_connector; /* of the retired kind */
};

#define ROW struct teams_conf

static const struct conf_field fields[] = {
	{ "url", URL_AT(ROW, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "The workflow's URL.  Whoever has it can write to the channel: its path is "
		       "never shown.",
		.example = "\"${TEAMS_WEBHOOK_URL}\"" },
	POST_ROWS(ROW),
	{ .type = CONF_END },
};

static const char manual[] =
	"One Adaptive Card for each event.  Cards cannot be edited by a webhook, so each event is "
	"a card of its own.\n\n"
	"1. In Teams open the menu (...) of the channel, *Workflows*, and take the template *Send "
	"webhook alerts to a channel* (its trigger is *When a Teams webhook request is "
	"received*).\n"
	"2. Leave *Who can trigger the flow* at *Anyone*: the signature in the URL is the key.\n"
	"3. Copy the URL at the end, and put it into the environment or a file: "
	"`url: \"${TEAMS_WEBHOOK_URL}\"`.\n"
	"4. Give the workflow a second owner: it stops when its only owner leaves.\n\n"
	"Power Automate answers before it posts.  When `triage test` succeeds and no card appears, "
	"look into the workflow's run history.  URLs of the old connectors "
	"(`...webhook.office.com`) are retired; make a workflow instead.";

/* ---- settings ---- */

static bool
is_connector_host(const char *host)
{
	return str_eq(host, "outlook.office.com") || str_eq(host, "outlook.office365.com") ||
	       str_eq(host, "webhook.office.com") || str_ends(host, ".webhook.office.com");
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct teams_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "url");

	post_check(&conf->post, map, tls, complaints);
	if (conf->post.origin == NULL)
		return;
	conf->is_connector = is_connector_host(conf->post.parsed.place.host);
	if (conf->is_connector)
		complain_warn(complaints, &at,
			"url: Microsoft has retired these connectors; make a workflow in the "
			"channel (Workflows, \"Send webhook alerts to a channel\") and use its "
			"URL");
}

/* ---- the card ---- */

/* The Markdown of a TextBlock: bold, italic, links, lists. */
static void
escape(struct buf *out, const char *text, size_t len)
{
	size_t digits = 0;

	while (digits < len && isdigit((unsigned char)text[digits]))
		digits++;
	for (size_t at = 0; at < len; at++) {
		bool is_list = (at == 0 && strchr("-+#>", text[at]) != NULL) ||
			       (at == digits && digits > 0 && strchr(".)", text[at]) != NULL);

		if (is_list || strchr("\\*_[]`<~", text[at]) != NULL)
			buf_add_text(out, "\\");
		buf_add(out, text + at, 1);
	}
}

static const struct message_form form = {
	.escape = escape,
	.newline = "\n\n", /* one is a space there */
	.unit = UNIT_BYTES,
};

/* Names of Container styles. */
static const char *const styles[MESSAGE_MOODS] = {
	[MESSAGE_GOOD] = "good",
	[MESSAGE_INFO] = "accent",
	[MESSAGE_WARNING] = "warning",
	[MESSAGE_CRITICAL] = "attention",
	[MESSAGE_TEST] = "emphasis",
};

static json_t *
text_block(const char *text)
{
	return json_pack("{s:s, s:s, s:b}", "type", "TextBlock", "text", text, "wrap", 1);
}

/* A run of text is shown as it is: a command must not be read as Markdown. */
static json_t *
code_block(const char *code)
{
	return json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "type", "RichTextBlock", "inlines", "type",
		"TextRun", "text", code, "fontType", "Monospace");
}

static json_t *
head_of(const struct message *m)
{
	char *title = message_title(m);
	char *text = fit_text(&form, title, TITLE_MAX);
	json_t *block = text_block(text);

	json_object_set_new(block, "size", json_string("Medium"));
	json_object_set_new(block, "weight", json_string("Bolder"));
	free(text);
	free(title);
	return json_pack("{s:s, s:s, s:b, s:[o]}", "type", "Container", "style", styles[m->mood],
		"bleed", 1, "items", block);
}

static bool
is_fact(const struct message_part *part)
{
	return part->kind == PART_TIMES || part->kind == PART_HOST;
}

static void
add_facts(json_t *body, const struct message *m, size_t max)
{
	json_t *facts = json_array();

	for (size_t i = 0; i < m->part_count; i++) {
		char *text;

		if (!is_fact(&m->parts[i]))
			continue;
		text = fit_part(&form, &m->parts[i], max, m->language);
		json_array_append_new(
			facts, json_pack("{s:s, s:s}", "title", m->parts[i].label, "value", text));
		free(text);
	}
	if (json_array_size(facts) > 0)
		json_array_append_new(
			body, json_pack("{s:s, s:O}", "type", "FactSet", "facts", facts));
	json_decref(facts);
}

static void
add_part(json_t *body, const struct message *m, const struct message_part *part, size_t max)
{
	char *text = fit_part(&form, part, max, m->language);
	char *whole = xasprintf("**%s**%s%s", part->label, *text == '\0' ? "" : "\n\n", text);

	json_array_append_new(body, text_block(whole));
	if (part->code != NULL && strlen(part->code) <= max)
		json_array_append_new(body, code_block(part->code));
	free(whole);
	free(text);
}

/* All parts but those of `without`, each of at most `max` bytes. */
static json_t *
body_of(const struct message *m, size_t max, unsigned without)
{
	json_t *body = json_pack("[o]", head_of(m)), *footer;
	char *text = fit_text(&form, m->summary, max);

	if (*text != '\0')
		json_array_append_new(body, text_block(text));
	free(text);
	for (size_t i = 0; i < m->part_count; i++) {
		if (!is_fact(&m->parts[i]) && (without >> m->parts[i].kind & 1) == 0)
			add_part(body, m, &m->parts[i], max);
	}
	add_facts(body, m, max);
	text = fit_text(&form, m->footer, TITLE_MAX);
	if (*text != '\0') {
		footer = text_block(text);
		json_object_set_new(footer, "isSubtle", json_true());
		json_object_set_new(footer, "size", json_string("Small"));
		json_array_append_new(body, footer);
	}
	free(text);
	return body;
}

static json_t *
card_of(const struct message *m, size_t max, unsigned without)
{
	char *title = message_title(m);
	char *fallback = message_cut(title, TITLE_MAX, form.unit);
	json_t *card = json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:o}", "$schema",
		"http://adaptivecards.io/schemas/adaptive-card.json", "type", "AdaptiveCard",
		"version", "1.4", "fallbackText", fallback, "msteams", "width", "Full", "body",
		body_of(m, max, without));

	if (m->link != NULL)
		json_object_set_new(card, "actions",
			json_pack("[{s:s, s:s, s:s}]", "type", "Action.OpenUrl", "title",
				m->link_label, "url", m->link));
	free(fallback);
	free(title);
	return json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments",
		"contentType", "application/vnd.microsoft.card.adaptive", "contentUrl", "content",
		card);
}

static char *
write_card(const struct message *m, size_t max, unsigned without)
{
	json_t *card = card_of(m, max, without);
	char *text = json_dumps(card, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(card);
	return text;
}

/* The evidence goes first, then every text becomes shorter. */
static char *
fitting_card(const struct message *m)
{
	unsigned without = 0;

	for (size_t max = TEXT_MAX;; max /= 2) {
		char *text = write_card(m, max, without);

		if (strlen(text) <= CARD_MAX || max < TEXT_LEAST)
			return text;
		free(text);
		if (max < TEXT_MAX / 2)
			without = 1U << PART_FACTS;
	}
}

/* ---- answers ---- */

/* "...Microsoft Teams endpoint returned HTTP error 429 with ContextId ..." in a 200; 0: no. */
static int
status_inside(const char *body)
{
	const char *at = strstr(body, "HTTP error ");
	int status = 0;

	return at != NULL && sscanf(at, "HTTP error %3d", &status) == 1 ? status : 0;
}

static void
judge_connector(const char *body, struct post_verdict *verdict)
{
	int status = status_inside(body);

	verdict->result = SEND_NEVER;
	verdict->why = SEND_CLASS_CLIENT;
	if (status == 429) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_RATE;
	} else if (status == 0 || status >= 500) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
	}
	str_printable(verdict->words, sizeof(verdict->words), body, strcspn(body, "\r\n"));
}

/* What the statuses of a workflow mean. */
static const struct workflow_status {
	int status;
	const char *said; /* in the body; NULL: anything */
	enum send_class why;
	const char *words;
} workflow_statuses[] = {
	{ 400, "NotEnabled", SEND_CLASS_AUTH,
		"the workflow is switched off: turn it on in Power Automate" },
	{ 400, NULL, SEND_CLASS_CLIENT,
		"the workflow refuses it: look at its run history in Power Automate" },
	{ 401, NULL, SEND_CLASS_AUTH,
		"let Anyone trigger the workflow, and copy its whole URL again, with sig=" },
	{ 403, NULL, SEND_CLASS_AUTH, "the workflow does not let us in: let Anyone trigger it" },
	{ 404, NULL, SEND_CLASS_AUTH,
		"the workflow is gone: make a new one, and put its URL into url" },
	{ 413, NULL, SEND_CLASS_CLIENT, "it finds the card too large" },
};

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	const struct teams_conf *conf = send_conf(run);
	const char *body = buf_text(&reply->body);

	if (verdict->result == SEND_OK && post_is_page(reply)) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"a page, and no answer of a workflow; is url right, or does something "
			"stand in between?");
		return;
	}
	if (verdict->result == SEND_OK && reply->status == 200) {
		if (strstr(body, "delivery failed") != NULL ||
			(conf->is_connector && !str_eq(body, "1")))
			judge_connector(body, verdict);
		return;
	}
	for (size_t i = 0; i < sizeof(workflow_statuses) / sizeof(workflow_statuses[0]); i++) {
		const struct workflow_status *row = &workflow_statuses[i];

		if (row->status != reply->status ||
			(row->said != NULL && strstr(body, row->said) == NULL))
			continue;
		verdict->why = row->why;
		str_copy(verdict->words, sizeof(verdict->words), row->words);
		return;
	}
}

/* ---- one try ---- */

static void
start(struct send_run *run)
{
	const struct teams_conf *conf = send_conf(run);
	struct message *m =
		message_new(send_notice(run), send_daemon_name(run), send_language(run));
	const struct post_request request = { .body = fitting_card(m) };

	message_free(m);
	post_start(run, send_state(run), &conf->post, &request, judge);
}

const struct receiver_type receiver_type_teams = {
	.name = "teams",
	.summary = "A Microsoft Teams channel, by a workflow's webhook.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct teams_conf),
	.run_size = sizeof(struct post),
	.is_for_people = true,
	.rate_per_second = 0.5, /* 60 in 30 s are allowed, and a hundred or so in an hour */
	.burst = 4,
	.timeout_us = POST_TIMEOUT_US,
	.check = check,
	.release = post_release_conf,
	.target = post_target_conf,
	.start = start,
	.stop = post_stop_run,
};
