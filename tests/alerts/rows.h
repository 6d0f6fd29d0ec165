/*
 * What the tests of the whole receiver table must know of each row: settings besides the place, the
 * answer of a service that took a message, and of one that answers 200 and means an error.
 */
#ifndef TESTS_ALERTS_ROWS_H
#define TESTS_ALERTS_ROWS_H

#include "alerts/receiver.h"
#include "base/str.h"

enum row_kind { ROW_URL, ROW_SYSLOG, ROW_JOURNAL, ROW_EMAIL, ROW_COMMAND };

struct row {
	const char *name;
	enum row_kind kind;
	const char *settings; /* YAML, besides `url` */
	const char *secret; /* that stands in the settings, besides the path of the url; or NULL */
	int taken_status;
	const char *taken; /* the body of an answer that takes a message */
	/* The answer with status 200 that means an error, and what it means; NULL: 200 is 200. */
	const char *error;
	enum send_result error_result;
	size_t cap_bytes; /* of a request's body */
};

#define ROBOT_OK  "{\"errcode\":0,\"errmsg\":\"ok\"}"
#define ROBOT_BAD "{\"errcode\":310000,\"errmsg\":\"sign not match\"}"
#define BOT_TOKEN "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
#define KEY       "0123456789abcdef0123456789abcdef"

static const struct row rows[] = {
	{ "alertmanager", ROW_URL, "", NULL, 200, "", NULL, SEND_NONE, 1 << 20 },
	{ "dingtalk", ROW_URL, "", NULL, 200, ROBOT_OK, ROBOT_BAD, SEND_NEVER, 20000 },
	{ "discord", ROW_URL, "", NULL, 200, "{\"id\":\"1029384756102938475\"}",
		"{\"message\":\"no\"}", SEND_LATER, 25000 },
	{ "email", ROW_EMAIL, "", NULL, 0, NULL, NULL, SEND_NONE, 1 << 20 },
	{ "exec", ROW_COMMAND, "", NULL, 0, NULL, NULL, SEND_NONE, 1 << 20 },
	{ "feishu", ROW_URL, "", NULL, 200, "{\"code\":0,\"msg\":\"success\"}",
		"{\"code\":19021,\"msg\":\"sign match fail\"}", SEND_NEVER, 20480 },
	{ "journal", ROW_JOURNAL, "", NULL, 0, NULL, NULL, SEND_NONE, 1 << 20 },
	{ "mattermost", ROW_URL, "", NULL, 200, "ok", "<html>", SEND_LATER, 70000 },
	{ "ntfy", ROW_URL, "topic: alerts-for-us\n", NULL, 200,
		"{\"id\":\"x4Lk\",\"event\":\"message\"}", "{\"error\":\"no\"}", SEND_LATER, 8192 },
	{ "pagerduty", ROW_URL, "routing_key: " KEY "\n", KEY, 202,
		"{\"status\":\"success\",\"message\":\"Event processed\"}",
		"{\"status\":\"invalid event\"}", SEND_LATER, 512000 },
	{ "slack", ROW_URL, "", NULL, 200, "ok", "<html>", SEND_LATER, 150000 },
	{ "syslog", ROW_SYSLOG, "", NULL, 0, NULL, NULL, SEND_NONE, 64000 },
	{ "teams", ROW_URL, "", NULL, 202, "", NULL, SEND_NONE, 28 * 1024 },
	{ "telegram", ROW_URL, "token: \"" BOT_TOKEN "\"\nchat_id: 42\n", BOT_TOKEN, 200,
		"{\"ok\":true,\"result\":{\"message_id\":7}}", "{\"ok\":false}", SEND_LATER,
		40000 },
	{ "webhook", ROW_URL, "secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
		"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", 200, "ok", NULL, SEND_NONE,
		20480 },
	{ "wecom", ROW_URL, "", NULL, 200, ROBOT_OK, "{\"errcode\":93000,\"errmsg\":\"no\"}",
		SEND_NEVER, 20000 },
};

/* NULL: nobody has thought of it. */
static inline const struct row *
row_find(const struct receiver_type *type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (str_eq(rows[i].name, type->name))
			return &rows[i];
	}
	return NULL;
}

#endif
