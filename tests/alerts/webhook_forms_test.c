/* The webhook's other bodies: Alertmanager's version 4, and the user's own. */
#include "alerts/table.h"
#include "alerts/webhook_v4.h"
#include "tests/alerts/net_desk.h"

static const struct peer_step answer_200[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	PEER_END,
};
static const struct peer_step answer_500[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
	PEER_END,
};

static void
configure(struct desk *desk, const struct peer *peer, const char *more)
{
	char *yaml = xasprintf("url: http://%s/in\n%s", peer_address(peer), more);

	assert_int_equal(desk_configure(desk, &receiver_type_webhook, yaml), 0);
	free(yaml);
}

static bool
has_body(void *arg)
{
	const char *heard = peer_heard(arg, 0), *head = strstr(heard, "Content-Length: ");
	const char *body = strstr(heard, "\r\n\r\n");

	return head != NULL && body != NULL &&
	       strlen(body + 4) >= strtoul(head + strlen("Content-Length: "), NULL, 10);
}

/* Sends once; the body as JSON (a new reference), what came before it in `head`. */
static json_t *
send_it(struct desk *desk, const struct peer_step *script, const char *more, char *head)
{
	struct peer *peer = peer_open(desk->loop, script);
	const char *heard;
	json_t *body;

	configure(desk, peer, more);
	desk_send(desk);
	assert_true(loop_turn_until(desk->loop, has_body, peer, 2000));
	heard = peer_heard(peer, 0);
	body = json_loads(strstr(heard, "\r\n\r\n") + 4, 0, NULL);
	assert_non_null(body);
	if (head != NULL)
		str_copy(head, 2000, heard);
	desk_forget(desk);
	peer_free(peer);
	return body;
}

static const char *
text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "(none)" : text;
}

#define V4 "format: alertmanager\n"

static const json_t *
alert_at(const json_t *body, size_t i)
{
	return json_array_get(json_object_get(body, "alerts"), i);
}

static void
one_incident_is_a_group(void **state)
{
	struct desk *desk = *state;
	json_t *body;
	const json_t *alert, *labels;

	xstrset(&desk->notice.incident.url, "http://web-1:8421/#/incidents/3f9c2a7d41b8");
	desk->notice.incident.labels = json_pack("{s:s, s:s}", "team/x", "core", "severity", "x");
	body = send_it(desk, answer_200, V4, NULL);
	assert_int_equal(desk->result, SEND_OK);
	assert_string_equal(text_at(body, "version"), "4");
	assert_string_equal(text_at(body, "status"), "firing");
	assert_string_equal(text_at(body, "groupKey"), "{}/{}:{incident=\"3f9c2a7d41b8\"}");
	assert_string_equal(text_at(body, "externalURL"), "http://web-1:8421");
	assert_string_equal(text_at(body, "receiver"), "hook");
	assert_int_equal(json_integer_value(json_object_get(body, "truncatedAlerts")), 0);
	assert_string_equal(
		text_at(json_object_get(body, "groupLabels"), "incident"), "3f9c2a7d41b8");
	alert = alert_at(body, 0);
	labels = json_object_get(alert, "labels");
	assert_true(json_equal(labels, json_object_get(body, "commonLabels")));
	assert_string_equal(text_at(labels, "alertname"), "check-down");
	assert_string_equal(text_at(labels, "severity"), "critical");
	assert_string_equal(text_at(labels, "check"), "api");
	assert_string_equal(text_at(labels, "team_x"), "core");
	assert_string_equal(text_at(alert, "status"), "firing");
	assert_string_equal(text_at(alert, "endsAt"), "0001-01-01T00:00:00Z");
	assert_string_equal(text_at(alert, "startsAt"), "2026-01-02T03:00:53.000Z");
	assert_int_equal(strlen(text_at(alert, "fingerprint")), 16);
	assert_true(str_starts(text_at(alert, "generatorURL"), "http://web-1:8421/"));
	assert_non_null(json_object_get(json_object_get(alert, "annotations"), "summary"));
	json_decref(body);
}

static void
an_end_is_the_same_alert_resolved(void **state)
{
	struct desk *desk = *state;
	json_t *body = send_it(desk, answer_200, V4, NULL), *end;

	assert_true(json_is_object(desk->memory));
	desk_write(desk, INCIDENT_ENDED);
	end = send_it(desk, answer_200, V4, NULL);
	assert_string_equal(text_at(end, "status"), "resolved");
	assert_string_equal(text_at(end, "groupKey"), text_at(body, "groupKey"));
	assert_string_equal(text_at(alert_at(end, 0), "status"), "resolved");
	assert_string_equal(text_at(alert_at(end, 0), "endsAt"), "2026-01-02T03:04:05.000Z");
	assert_string_equal(text_at(alert_at(end, 0), "fingerprint"),
		text_at(alert_at(body, 0), "fingerprint"));
	assert_false(json_is_object(desk->memory));
	json_decref(body);
	json_decref(end);
}

/* Whose severity changes gets another fingerprint: the old one must not burn for ever. */
static void
other_labels_end_the_old_ones(void **state)
{
	struct desk *desk = *state;
	json_t *first = send_it(desk, answer_200, V4, NULL), *body;

	desk->notice.severity = desk->notice.incident.severity = SEVERITY_WARNING;
	body = send_it(desk, answer_500, V4, NULL);
	assert_int_equal(desk->result, SEND_LATER);
	assert_string_equal(text_at(desk->memory, "severity"), "critical");
	json_decref(body);
	body = send_it(desk, answer_200, V4, NULL);
	assert_int_equal(json_array_size(json_object_get(body, "alerts")), 2);
	assert_string_equal(text_at(body, "status"), "firing");
	assert_string_equal(text_at(alert_at(body, 0), "status"), "resolved");
	assert_string_equal(text_at(alert_at(body, 0), "fingerprint"),
		text_at(alert_at(first, 0), "fingerprint"));
	assert_string_equal(text_at(alert_at(body, 1), "status"), "firing");
	assert_string_not_equal(text_at(alert_at(body, 1), "fingerprint"),
		text_at(alert_at(first, 0), "fingerprint"));
	assert_null(json_object_get(json_object_get(body, "commonLabels"), "severity"));
	assert_string_equal(text_at(desk->memory, "severity"), "warning");
	json_decref(body);
	json_decref(first);
}

/* Known values: FNV-1a of nothing, and of what Prometheus' own tests have. */
static void
fingerprints_are_those_of_prometheus(void **state)
{
	char text[17];
	json_t *labels = json_object();

	(void)state;
	webhook_v4_fingerprint(labels, text);
	assert_string_equal(text, "cbf29ce484222325");
	json_decref(labels);
}

static void
a_body_of_ones_own(void **state)
{
	struct desk *desk = *state;
	char head[2000];
	json_t *body = send_it(desk, answer_200,
		"method: PUT\n"
		"template:\n"
		"  msg: '{{severity | upper}} {{headline}}'\n"
		"  n: '{{sequence}}'\n"
		"  labels: '{{incident.labels}}'\n"
		"  runbook: '{{incident.runbook_url | default(\"none\")}}'\n"
		"  words: '{{text}}'\n"
		"  fixed: [1, true]\n",
		head);

	assert_int_equal(desk->result, SEND_OK);
	assert_true(str_starts(head, "PUT /in HTTP/1.1\r\n"));
	assert_non_null(strcasestr(head, "webhook-id: msg_0123456789abcdefghijABCDEF"));
	assert_non_null(strcasestr(head, "content-type: application/json"));
	assert_true(str_starts(text_at(body, "msg"), "CRITICAL "));
	assert_int_equal(json_integer_value(json_object_get(body, "n")), 1);
	assert_true(json_is_object(json_object_get(body, "labels")));
	assert_string_equal(text_at(body, "runbook"), "none");
	assert_non_null(strstr(text_at(body, "words"), "127.0.0.1:3000"));
	assert_int_equal(json_array_size(json_object_get(body, "fixed")), 2);
	json_decref(body);
}

static void
a_template_that_says_too_much_is_given_up(void **state)
{
	struct desk *desk = *state;
	struct buf yaml;
	char *much = xmalloc(30000);
	struct peer *peer = peer_open(desk->loop, answer_200);

	memset(much, 'x', 29999);
	much[29999] = '\0';
	incident_add_text(&desk->notice.incident.facts, "body", much, 0);
	buf_init(&yaml, 0);
	buf_add_text(&yaml, "template:\n");
	for (int i = 0; i < 8; i++)
		buf_addf(&yaml, "  f%d: '{{incident.facts}}'\n", i);
	/* Less of the evidence makes it fit. */
	configure(desk, peer, buf_text(&yaml));
	assert_int_equal(desk_send(desk), SEND_OK);
	desk_forget(desk);
	for (int i = 0; i < 200; i++)
		buf_addf(&yaml, "  t%d: '{{text}}{{incident}}'\n", i);
	configure(desk, peer, buf_text(&yaml));
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_non_null(strstr(desk->text, "65536"));
	assert_int_equal(peer_accepted(peer), 1);
	buf_fini(&yaml);
	free(much);
	peer_free(peer);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{ url: http://h/in, format: slack }", "alertmanager" },
		{ "{ url: http://h/in, template: { a: \"{{titel}}\" } }",
			"did you mean \"title\"" },
		{ "{ url: http://h/in, template: hello }", "map or a list" },
		{ "{ url: http://h/in, template: { a: b }, format: alertmanager }", "take one" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned errors = desk_configure(desk, &receiver_type_webhook, cases[i][0]);
		struct buf text;

		buf_init(&text, 0);
		complaints_print(desk->complaints, &text);
		if (errors < 1 || strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		desk_forget(desk);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(one_incident_is_a_group),
		T(an_end_is_the_same_alert_resolved),
		T(other_labels_end_the_old_ones),
		cmocka_unit_test(fingerprints_are_those_of_prometheus),
		T(a_body_of_ones_own),
		T(a_template_that_says_too_much_is_given_up),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
