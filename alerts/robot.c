/* Group robots: answers that are numbers, whom to call, and bodies that fit.  Keeps nothing. */
#include "alerts/robot.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

#define WAIT_MAX     3600 /* seconds that an answer may ask for */
#define NAME_MAX_LEN 64   /* of a user id */
#define ROOM_MIN     256

/* ---- answers ---- */

/* Their words for "not now", in a number that we do not know. */
static const struct {
	const char *word;
	enum send_class why;
} hints[] = {
	{ "frequen", SEND_CLASS_RATE },
	{ "freq ", SEND_CLASS_RATE },
	{ "too fast", SEND_CLASS_RATE },
	{ "too many", SEND_CLASS_RATE },
	{ "rate limit", SEND_CLASS_RATE },
	{ "限流", SEND_CLASS_RATE },
	{ "频", SEND_CLASS_RATE },
	{ "太快", SEND_CLASS_RATE },
	{ "busy", SEND_CLASS_SERVER },
	{ "timeout", SEND_CLASS_SERVER },
	{ "timed out", SEND_CLASS_SERVER },
	{ "try again", SEND_CLASS_SERVER },
	{ "internal", SEND_CLASS_SERVER },
	{ "繁忙", SEND_CLASS_SERVER },
	{ "超时", SEND_CLASS_SERVER },
	{ "稍后", SEND_CLASS_SERVER },
};

static const json_t *
first_member(const json_t *answer, const char *const *names)
{
	const json_t *member = NULL;

	for (; *names != NULL && member == NULL; names++)
		member = json_object_get(answer, *names);
	return member;
}

static const struct robot_code *
find_row(const struct robot_dialect *dialect, long long code, const char *text)
{
	for (size_t i = 0; i < dialect->count; i++) {
		const struct robot_code *row = &dialect->rows[i];

		if (row->code == code && (row->said == NULL || strcasestr(text, row->said) != NULL))
			return row;
	}
	return NULL;
}

static void
take_row(const struct robot_code *row, struct post_verdict *verdict)
{
	if (verdict->result != SEND_LATER) {
		verdict->result = row->result;
		verdict->why = row->why;
	}
	if (verdict->result == SEND_LATER && verdict->retry_after_us == 0)
		verdict->retry_after_us = row->wait_s * USEC_PER_SEC;
	snprintf(verdict->words, sizeof(verdict->words), "code %lld: %s", row->code, row->words);
}

static void
guess(long long code, const char *text, struct post_verdict *verdict)
{
	char *words = verdict->words;
	size_t size = sizeof(verdict->words), len;

	snprintf(words, size, "code %lld: ", code);
	len = strlen(words);
	str_printable(words + len, size - len, text, strlen(text));
	if (verdict->result == SEND_LATER)
		return;
	verdict->result = code < 0 ? SEND_LATER : SEND_NEVER;
	verdict->why = code < 0 ? SEND_CLASS_SERVER : SEND_CLASS_CLIENT;
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (strcasestr(text, hints[i].word) == NULL)
			continue;
		verdict->result = SEND_LATER;
		verdict->why = hints[i].why;
		return;
	}
}

/* No number: a gateway in between, or the service's own shield, which may say how long to wait. */
static void
judge_foreign(
	const struct robot_dialect *dialect, const json_t *answer, struct post_verdict *verdict)
{
	json_int_t wait = json_integer_value(json_object_get(answer, "wait"));

	if (verdict->result != SEND_OK)
		return;
	verdict->result = SEND_LATER;
	verdict->why = SEND_CLASS_SERVER;
	if (wait > 0)
		verdict->retry_after_us = (wait < WAIT_MAX ? wait : WAIT_MAX) * USEC_PER_SEC;
	snprintf(verdict->words, sizeof(verdict->words),
		"this is no answer of %s; is the url right, or does something stand in between?",
		dialect->service);
}

void
robot_judge(const struct robot_dialect *dialect, const struct http_reply *reply,
	struct post_verdict *verdict)
{
	json_t *answer = post_json(reply);
	const json_t *number = first_member(answer, dialect->codes);
	const char *text = json_string_value(first_member(answer, dialect->texts));
	long long code = json_integer_value(number);
	const struct robot_code *row = NULL;

	if (text == NULL)
		text = "";
	if (!json_is_integer(number))
		judge_foreign(dialect, answer, verdict);
	else if (code != 0)
		row = find_row(dialect, code, text);
	if (row != NULL)
		take_row(row, verdict);
	else if (code != 0)
		guess(code, text, verdict);
	json_decref(answer);
}

/* ---- people ---- */

static bool
is_bad_digest(const struct digest *digest)
{
	for (size_t i = 0; i < digest->count; i++) {
		if (digest->items[i].severity == SEVERITY_CRITICAL && !digest->items[i].is_resolved)
			return true;
	}
	return false;
}

bool
robot_calls(const struct notice *notice)
{
	static const char *const news[] = { "incident.opened", "incident.escalated",
		"incident.reminder" };

	if (notice->digest != NULL)
		return is_bad_digest(notice->digest);
	if (notice->severity != SEVERITY_CRITICAL || notice->is_resolved)
		return false;
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		if (str_eq(notice->type, news[i]))
			return true;
	}
	return str_eq(notice->reason, "reopened");
}

bool
robot_has_name(const struct conf_strings *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (str_eq(names->all[i], name))
			return true;
	}
	return false;
}

void
robot_check_names(const char *key, const struct conf_strings *names, const char *others,
	const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, key);

	for (size_t i = 0; i < names->count; i++) {
		const char *c = names->all[i];

		while (isalnum((unsigned char)*c) || (*c != '\0' && strchr(others, *c) != NULL))
			c++;
		if (*c != '\0' || names->all[i][0] == '\0' || strlen(names->all[i]) > NAME_MAX_LEN)
			complain(complaints, &at,
				"%s: \"%.60s\" cannot be one; write it without @, or `all`", key,
				names->all[i]);
	}
}

/* ---- addresses ---- */

void
robot_check_url(const struct post_conf *conf, const char *origin, const char *part,
	const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "url");

	if (conf->origin == NULL || !str_eq(conf->origin, origin))
		return;
	if (conf->parsed.target == NULL || strstr(conf->parsed.target, part) == NULL)
		complain(complaints, &at,
			"url: \"%s\" is missing; copy the whole address that the robot's page "
			"shows",
			part);
}

void
robot_add_url(struct buf *out, const char *url)
{
	for (const unsigned char *c = (const unsigned char *)url; *c != '\0'; c++) {
		if (*c <= ' ' || *c >= 0x7f || strchr("()<>[]\"'`\\|*_~", *c) != NULL)
			buf_addf(out, "%%%02X", *c);
		else
			buf_add(out, c, 1);
	}
}

void
robot_add_link(struct buf *out, void (*escape)(struct buf *out, const char *text, size_t len),
	const char *label, const char *url)
{
	buf_add_text(out, "[");
	escape(out, label, strlen(label));
	buf_add_text(out, "](");
	robot_add_url(out, url);
	buf_add_text(out, ")");
}

void
robot_add_encoded(struct buf *out, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (isalnum(*c) || strchr("-._~", *c) != NULL)
			buf_add(out, c, 1);
		else
			buf_addf(out, "%%%02X", *c);
	}
}

/* ---- bodies ---- */

char *
robot_fit(robot_write_fn write, const void *arg, size_t room, size_t max)
{
	for (;;) {
		json_t *body = write(arg, room);
		char *text = json_dumps(body, JSON_COMPACT);

		json_decref(body);
		if (strlen(text) <= max || room <= ROOM_MIN)
			return text;
		free(text);
		room = room / 4 * 3;
	}
}
