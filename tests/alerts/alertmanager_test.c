/* Alertmanager against scripted members: labels, times and annotations, what one or all of them
 * say, and what becomes of an alert whose labels change. */
#include "alerts/table.h"
#include "tests/alerts/net_desk.h"

static const struct peer_step taken[] = { PEER_EXPECT("}]"),
	PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), PEER_END };
static const struct peer_step refused[] = { PEER_EXPECT("}]"),
	PEER_SEND("HTTP/1.1 400 Bad Request\r\nContent-Length: 26\r\n\r\n\"at least one label "
		  "pair\"\n"),
	PEER_END };
static const struct peer_step away[] = { PEER_EXPECT("}]"),
	PEER_SEND("HTTP/1.1 503 Away\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"), PEER_END };

static void
configure(struct desk *desk, const char *yaml)
{
	desk_forget(desk);
	if (desk_configure(desk, receiver_find("alertmanager"), yaml) != 0)
		fail_msg("%s", yaml);
}

static json_t *
heard(const struct peer *peer)
{
	const char *body = strstr(peer_heard(peer, 0), "\r\n\r\n");
	json_t *alerts;

	assert_non_null(body);
	alerts = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_array(alerts));
	return alerts;
}

/* One try against one member that takes it; what it was told. */
static json_t *
tell(struct desk *desk, const char *more)
{
	struct peer *peer = peer_open(desk->loop, taken);
	char *yaml = xasprintf("url: http://%s/am/\n%s", peer_address(peer), more);
	json_t *alerts;

	configure(desk, yaml);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_true(str_starts(peer_heard(peer, 0), "POST /am/api/v2/alerts HTTP/1.1\r\n"));
	alerts = heard(peer);
	peer_free(peer);
	free(yaml);
	return alerts;
}

static const char *
text(const json_t *alerts, size_t i, const char *part, const char *name)
{
	const json_t *alert = json_array_get(alerts, i);
	const json_t *in = part == NULL ? alert : json_object_get(alert, part);
	const char *value = json_string_value(json_object_get(in, name));

	return value == NULL ? "" : value;
}

static usec_t
when(const json_t *alerts, size_t i, const char *name)
{
	usec_t at = 0;

	assert_int_equal(clock_parse_rfc3339(text(alerts, i, NULL, name), &at), 0);
	return at;
}

static void
an_incident_is_an_alert(void **state)
{
	struct desk *desk = *state;
	usec_t now = loop_wall(desk->loop);
	json_t *alerts;

	desk->notice.incident.labels = json_pack(
		"{s:s, s:s, s:s, s:s}", "team", "core", "a.b/c", "x", "check", "mine", "9", "y");
	xstrset(&desk->notice.incident.url, "https://status.test/#/incidents/3f9c2a7d41b8");
	xstrset(&desk->notice.incident.runbook_url, "https://wiki.test/api");
	alerts = tell(desk, "");
	assert_int_equal(json_array_size(alerts), 1);
	assert_string_equal(text(alerts, 0, "labels", "alertname"), "check-down");
	assert_string_equal(text(alerts, 0, "labels", "severity"), "critical");
	assert_string_equal(text(alerts, 0, "labels", "check"), "api");
	assert_string_equal(text(alerts, 0, "labels", "type"), "http");
	assert_string_equal(text(alerts, 0, "labels", "host"), "web-1");
	assert_string_equal(text(alerts, 0, "labels", "incident"), "3f9c2a7d41b8");
	assert_string_equal(text(alerts, 0, "labels", "team"), "core");
	assert_string_equal(text(alerts, 0, "labels", "a_b_c"), "x");
	assert_string_equal(text(alerts, 0, "labels", "_9"), "y");
	assert_non_null(strstr(text(alerts, 0, "annotations", "summary"), "api"));
	assert_string_equal(text(alerts, 0, "annotations", "cause_code"), "net.refused");
	assert_string_equal(text(alerts, 0, "annotations", "runbook_url"), "https://wiki.test/api");
	assert_string_equal(text(alerts, 0, NULL, "generatorURL"),
		"https://status.test/#/incidents/3f9c2a7d41b8");
	assert_int_equal(when(alerts, 0, "startsAt"), DESK_WALL - 192 * USEC_PER_SEC);
	assert_true(when(alerts, 0, "endsAt") >= now + 239 * USEC_PER_SEC);
	json_decref(alerts);
}

static void
an_ending_is_in_the_past(void **state)
{
	struct desk *desk = *state;
	json_t *alerts;

	desk_write(desk, INCIDENT_ENDED);
	alerts = tell(desk, "");
	assert_int_equal(when(alerts, 0, "endsAt"), DESK_WALL);
	assert_string_equal(text(alerts, 0, NULL, "generatorURL"), "");
	json_decref(alerts);
	/* a clock that was set: never before its beginning, never in the future */
	desk->notice.incident.resolved_us = desk->notice.incident.started_us - USEC_PER_HOUR;
	alerts = tell(desk, "");
	assert_int_equal(when(alerts, 0, "endsAt"), when(alerts, 0, "startsAt"));
	json_decref(alerts);
	desk->notice.incident.started_us = loop_wall(desk->loop) + USEC_PER_HOUR;
	desk->notice.incident.resolved_us = loop_wall(desk->loop) + 2 * USEC_PER_HOUR;
	alerts = tell(desk, "");
	assert_true(when(alerts, 0, "startsAt") <= loop_wall(desk->loop));
	assert_true(when(alerts, 0, "endsAt") <= loop_wall(desk->loop));
	json_decref(alerts);
}

static void
labels_that_change_end(void **state)
{
	struct desk *desk = *state;
	json_t *alerts;

	desk->notice.severity = SEVERITY_WARNING;
	json_decref(tell(desk, ""));
	alerts = tell(desk, "");
	assert_int_equal(json_array_size(alerts), 1);
	json_decref(alerts);
	desk->notice.severity = SEVERITY_CRITICAL;
	alerts = tell(desk, "");
	assert_int_equal(json_array_size(alerts), 2);
	assert_string_equal(text(alerts, 0, "labels", "severity"), "warning");
	assert_true(when(alerts, 0, "endsAt") <= loop_wall(desk->loop));
	assert_string_equal(text(alerts, 1, "labels", "severity"), "critical");
	assert_true(when(alerts, 1, "endsAt") > loop_wall(desk->loop));
	json_decref(alerts);
	/* what ends, ends as it was told */
	desk_write(desk, INCIDENT_ENDED);
	desk->notice.severity = SEVERITY_INFO;
	alerts = tell(desk, "");
	assert_int_equal(json_array_size(alerts), 1);
	assert_string_equal(text(alerts, 0, "labels", "severity"), "critical");
	assert_int_equal(when(alerts, 0, "endsAt"), DESK_WALL);
	json_decref(alerts);
}

static void
a_refresh_tells_all_at_once(void **state)
{
	struct desk *desk = *state;
	struct notice other;
	const struct notice *all[2] = { &desk->notice, &other };
	json_t *alerts;

	memset(&other, 0, sizeof(other));
	notice_copy(&other, &desk->notice);
	str_copy(other.incident.id, sizeof(other.incident.id), "000000000001");
	other.is_resolved = true;
	other.incident.resolved_us = DESK_WALL;
	desk->refresh = all;
	desk->refresh_count = 2;
	alerts = tell(desk, "refresh: 10s\n");
	assert_int_equal(json_array_size(alerts), 2);
	assert_true(when(alerts, 0, "endsAt") > loop_wall(desk->loop) + 30 * USEC_PER_SEC);
	assert_true(when(alerts, 0, "endsAt") <= loop_wall(desk->loop) + 40 * USEC_PER_SEC);
	assert_string_equal(text(alerts, 1, "labels", "incident"), "000000000001");
	assert_int_equal(when(alerts, 1, "endsAt"), DESK_WALL);
	assert_null(desk->memory);
	assert_int_equal(receiver_refresh(desk->type, desk->conf), 10 * USEC_PER_SEC);
	assert_true(desk->type->linger_us >= 5 * USEC_PER_MIN);
	json_decref(alerts);
	notice_fini(&other);
}

/* ---- several members ---- */

static const struct peer_step page[] = { PEER_EXPECT("]"),
	PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html>log in"), PEER_END };

static const struct members_row {
	const struct peer_step *first, *second; /* NULL: nobody listens */
	enum send_result result;
	int retry_after;
	const char *words;
} members_rows[] = {
	{ taken, taken, SEND_OK, 0, "taken by all 2 members" },
	{ taken, NULL, SEND_OK, 0, "taken by 1 of 2 members; http://127.0.0.1:" },
	{ NULL, taken, SEND_OK, 0, "cannot connect" },
	{ refused, taken, SEND_OK, 0, "status 400: \"at least one label pair\"" },
	{ refused, away, SEND_LATER, 7, "status 503" },
	{ away, NULL, SEND_LATER, 0, "status 503; http://127.0.0.1:" },
	{ refused, NULL, SEND_LATER, 0, "status 400" },
	{ refused, refused, SEND_NEVER, 0, "status 400: \"at least" },
	{ NULL, NULL, SEND_LATER, 0, "cannot connect" },
	{ page, page, SEND_LATER, 0, "status 200: a page, and no answer" },
	{ page, taken, SEND_OK, 0, "taken by 1 of 2 members" },
};

static void
one_member_is_enough(void **state)
{
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(members_rows) / sizeof(members_rows[0]); i++) {
		const struct members_row *row = &members_rows[i];
		struct peer *first = row->first != NULL ? peer_open(desk->loop, row->first) : NULL;
		struct peer *second =
			row->second != NULL ? peer_open(desk->loop, row->second) : NULL;
		char *yaml = xasprintf("url: [\"http://127.0.0.1:%u\", \"http://127.0.0.1:%u\"]\n",
			first != NULL ? peer_port(first) : peer_dead_port(),
			second != NULL ? peer_port(second) : peer_dead_port());

		configure(desk, yaml);
		if (desk_send(desk) != row->result || strstr(desk->text, row->words) == NULL)
			fail_msg("%zu: %d %s", i, desk->result, desk->text);
		assert_int_equal(desk->retry_after_us, row->retry_after * USEC_PER_SEC);
		peer_free(first);
		peer_free(second);
		free(yaml);
	}
}

static void
a_slow_member_is_not_waited_for_long(void **state)
{
	static const struct peer_step silent[] = { PEER_STALL, PEER_END };
	struct desk *desk = *state;
	struct peer *first = peer_open(desk->loop, silent), *second = peer_open(desk->loop, taken);
	char *yaml = xasprintf("url: [\"http://%s\", \"http://%s\"]\ntimeout: 1s\n",
		peer_address(first), peer_address(second));

	configure(desk, yaml);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_non_null(strstr(desk->text, "taken by 1 of 2 members"));
	peer_free(first);
	peer_free(second);
	free(yaml);
}

/* ---- bounds, secrets, settings ---- */

static void
huge_evidence_is_cut(void **state)
{
	struct desk *desk = *state;
	size_t size = (size_t)1 << 20;
	char *huge = xmalloc(size + 1);
	struct peer *peer = peer_open(desk->loop, taken);
	char *yaml = xasprintf("url: http://%s\n", peer_address(peer));

	memset(huge, '"', size);
	huge[size] = '\0';
	for (int i = 0; i < 20; i++)
		incident_add_text(&desk->notice.incident.facts, "log", huge, 0);
	xstrset(&desk->notice.incident.summary, huge);
	xstrset(&desk->notice.incident.title, huge);
	xstrset(&desk->notice.incident.explanation, huge);
	xstrset(&desk->notice.incident.check, huge);
	configure(desk, yaml);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_in_range(peer_heard_len(peer, 0), 1000, 100 * 1024);
	json_decref(heard(peer));
	peer_free(peer);
	free(yaml);
	free(huge);
}

static void
logs_in(void **state)
{
	static const struct {
		const char *more, *wanted;
	} rows[] = {
		{ "user: me\npassword: s3cret-pass\n", "Basic bWU6czNjcmV0LXBhc3M=\r\n" },
		{ "token: t0ken-word\n", "Bearer t0ken-word\r\n" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = peer_open(desk->loop, taken);
		char *yaml = xasprintf("url: http://%s\n%s", peer_address(peer), rows[i].more);

		configure(desk, yaml);
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_non_null(strstr(peer_heard(peer, 0), rows[i].wanted));
		assert_null(strstr(desk->transcript, "s3cret"));
		assert_null(strstr(desk->transcript, "t0ken"));
		peer_free(peer);
		free(yaml);
	}
}

static void
settings_are_checked(void **state)
{
	static const struct {
		const char *yaml, *words;
	} rows[] = {
		{ "url: []\n", "no member is named" },
		{ "url: ftp://x\n", "must begin with" },
		{ "url: \"http://me:pass@x\"\n", "under `user` and `password`" },
		{ "url: \"http://x/?a=b\"\n", "without a query" },
		{ "url: http://x\npassword: abcdef\n", "no `user`" },
		{ "url: http://x\nuser: me\npassword: abcdef\ntoken: ghi\n", "one of the two" },
		{ "url: [http://a, http://b, http://c, http://d, http://e, http://f, http://g, "
		  "http://h, http://i]\n",
			"at most 8" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf said;

		desk_forget(desk);
		assert_true(desk_configure(desk, receiver_find("alertmanager"), rows[i].yaml) > 0);
		buf_init(&said, 0);
		complaints_print(desk->complaints, &said);
		if (strstr(buf_text(&said), rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].words, buf_text(&said));
		buf_fini(&said);
	}
}

static void
the_target_names_all_members(void **state)
{
	struct desk *desk = *state;
	char out[100];

	configure(desk, "url: [http://am-1:9093, \"https://am-2/hidden/\"]\n");
	desk->type->target(desk->conf, out, sizeof(out));
	assert_string_equal(out, "http://am-1:9093, https://am-2");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_incident_is_an_alert),
		TEST(an_ending_is_in_the_past),
		TEST(labels_that_change_end),
		TEST(a_refresh_tells_all_at_once),
		TEST(one_member_is_enough),
		TEST(a_slow_member_is_not_waited_for_long),
		TEST(huge_evidence_is_cut),
		TEST(logs_in),
		TEST(settings_are_checked),
		TEST(the_target_names_all_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
