/*
 * ntfy: what is published, how loud, within its limits whatever a target says, who logs in how, and
 * what is made of each answer.
 */
#include "alerts/table.h"
#include "tests/alerts/chat_desk.h"

#define SETTINGS "url: http://%s\ntopic: hidden-topic\n"

static const struct chat_answer taken = { 200, NULL,
	"{\"id\":\"sPs71M8A2T\",\"time\":1643935928,\"event\":\"message\",\"topic\":\"t\"}" };

static json_int_t
priority(const json_t *body)
{
	return json_integer_value(json_object_get(body, "priority"));
}

/* As its server would refuse it, or make a file of it. */
static void
expect_lawful(struct chat *chat)
{
	const json_t *body = chat_body(chat, 0);

	assert_in_range(strlen(strstr(peer_heard(chat->peer, 0), "\r\n\r\n") + 4), 2, 8191);
	assert_in_range(strlen(chat_text(body, "message")), 1, 4095);
	assert_in_range(message_measure(chat_text(body, "title"), UNIT_CHARS), 1, 250);
	assert_null(strchr(chat_text(body, "title"), '\n'));
	assert_in_range(priority(body), 1, 5);
	assert_string_equal(chat_text(body, "topic"), "hidden-topic");
}

static void
publishes(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;
	const json_t *body, *action;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_ntfy, SETTINGS, "");
	xstrset(&desk->notice.incident.url, "https://status.example.com/#/incidents/3f9c");
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, "POST /");
	assert_null(strstr(peer_heard(chat.peer, 0), "uthorization"));
	expect_lawful(&chat);
	body = chat_body(&chat, 0);
	assert_string_equal(chat_text(body, "title"), "CRITICAL · api refuses connections");
	assert_true(str_starts(chat_text(body, "message"), "127.0.0.1:3000 refused"));
	assert_int_equal(priority(body), 5);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(body, "tags"), 0)), "red_circle");
	assert_string_equal(
		chat_text(body, "click"), "https://status.example.com/#/incidents/3f9c");
	action = json_array_get(json_object_get(body, "actions"), 0);
	assert_string_equal(chat_text(action, "action"), "view");
	assert_string_equal(chat_text(body, "sequence_id"), "3f9c2a7d41b8");
	chat_close(&chat);
}

static void
it_is_as_loud_as_it_matters(void **state)
{
	static const struct {
		enum incident_event_type type;
		enum severity severity;
		int priority;
		bool replaces;
	} cases[] = {
		{ INCIDENT_OPENED, SEVERITY_CRITICAL, 5, true },
		{ INCIDENT_OPENED, SEVERITY_WARNING, 4, true },
		{ INCIDENT_OPENED, SEVERITY_INFO, 3, true },
		{ INCIDENT_UPDATED, SEVERITY_CRITICAL, 2, true },
		{ INCIDENT_ACKED, SEVERITY_CRITICAL, 2, true },
		{ INCIDENT_ESCALATED, SEVERITY_CRITICAL, 5, false },
		{ INCIDENT_REMINDER, SEVERITY_CRITICAL, 5, false },
		{ INCIDENT_ENDED, SEVERITY_CRITICAL, 3, false },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_ntfy, SETTINGS, "");
		desk_write(desk, cases[i].type);
		if (cases[i].type != INCIDENT_OPENED)
			xstrset(&desk->notice.reason, "severity");
		desk->notice.severity = desk->notice.incident.severity = cases[i].severity;
		assert_int_equal(desk_send(desk), SEND_OK);
		if (priority(chat_body(&chat, 0)) != cases[i].priority ||
			(json_object_get(chat_body(&chat, 0), "sequence_id") != NULL) !=
				cases[i].replaces)
			fail_msg("case %zu: %s", i, peer_heard(chat.peer, 0));
		chat_close(&chat);
	}
}

static void
who_may_logs_in(void **state)
{
	static const char *const cases[][2] = {
		{ "token: tk_hidden\n", "uthorization: Bearer tk_hidden\r\n" },
		{ "user: phil\npassword: \"p@ss\"\n", "uthorization: Basic cGhpbDpwQHNz\r\n" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < 2; i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_ntfy, SETTINGS, cases[i][0]);
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_non_null(strstr(peer_heard(chat.peer, 0), cases[i][1]));
		assert_null(strstr(desk->transcript, "tk_hidden"));
		assert_null(strstr(desk->transcript, "cGhpb"));
		chat_close(&chat);
	}
}

static void
every_answer_has_its_meaning(void **state)
{
#define FAILS(code, http, words)                                                                   \
	"{\"code\":" #code ",\"http\":" #http ",\"error\":\"" words "\",\"link\":\"x\"}"
	static const struct {
		struct chat_answer answer;
		enum send_result result;
		enum send_class why;
		int wait;
		const char *words;
	} cases[] = {
		{ { 200, NULL, "<html>welcome</html>" }, SEND_LATER, SEND_CLASS_SERVER, 0,
			"not how ntfy" },
		{ { 401, NULL, FAILS(40101, 401, "unauthorized") }, SEND_NEVER, SEND_CLASS_AUTH, 0,
			"wrong token" },
		{ { 403, NULL, FAILS(40301, 403, "forbidden") }, SEND_NEVER, SEND_CLASS_AUTH, 0,
			"protected" },
		{ { 413, NULL, FAILS(41303, 413, "JSON body too large") }, SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "smaller" },
		{ { 429, NULL, FAILS(42901, 429, "limit reached: too many requests") }, SEND_LATER,
			SEND_CLASS_RATE, 0, "too many requests" },
		{ { 429, "Retry-After: 9\r\n", FAILS(42908, 429, "limit reached") }, SEND_LATER,
			SEND_CLASS_RATE, 9, "quota" },
		{ { 400, NULL, FAILS(40009, 400, "invalid request: topic hidden-topic") },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "not allowed" },
		{ { 400, NULL, FAILS(40099, 400, "about hidden-topic") }, SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "about ***" },
		{ { 507, NULL, FAILS(50701, 507, "x") }, SEND_NEVER, SEND_CLASS_AUTH, 0,
			"subscribed" },
		{ { 500, NULL, FAILS(50001, 500, "internal server error") }, SEND_LATER,
			SEND_CLASS_SERVER, 0, "internal" },
	};
	struct desk *desk = *state;
	struct secret_set *secrets = secret_set_new();

	desk->env.secrets = secrets;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &cases[i].answer, 1);
		chat_configure(&chat, &receiver_type_ntfy, SETTINGS, "");
		conf_secrets(receiver_type_ntfy.fields, desk->conf, secrets);
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL)
			fail_msg("case %zu: %d %d %s", i, desk->result, desk->class, desk->text);
		assert_int_equal(desk->retry_after_us, cases[i].wait * USEC_PER_SEC);
		assert_null(strstr(desk->text, "hidden"));
		assert_null(strstr(desk->transcript, "hidden"));
		chat_close(&chat);
	}
	desk->env.secrets = NULL;
	secret_set_free(secrets);
}

static void
nothing_exceeds_the_limits(void **state)
{
	static const char *const pieces[] = { "a", "诊断", "😀", "\"\\\n", "\x01\x02", "\\\"",
		"\xe2\x80\xae\xe2\x80\x8b", "@everyone <script>" };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_ntfy, SETTINGS, "");
		desk->language = i % 2 == 0 ? LANG_EN : LANG_ZH;
		chat_abuse(desk, i % 2 == 0 ? INCIDENT_OPENED : INCIDENT_ENDED, pieces[i], 100000);
		desk->notice.incident.url = chat_repeat("https://example.com/?\"<&>/", 1900);
		assert_int_equal(desk_send(desk), SEND_OK);
		expect_lawful(&chat);
		chat_close(&chat);
	}
	{
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_ntfy, SETTINGS, "");
		desk->language = LANG_EN;
		chat_digest(desk, 300);
		assert_int_equal(desk_send(desk), SEND_OK);
		expect_lawful(&chat);
		assert_non_null(strstr(chat_text(chat_body(&chat, 0), "message"), "and 2"));
		assert_null(json_object_get(chat_body(&chat, 0), "sequence_id"));
		chat_close(&chat);
	}
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "topic" },
		{ "{ topic: a/b }", "64 letters" },
		{ "{ topic: \"\" }", "is empty" },
		{ "{ topic: abcd, token: tk_1, user: a, password: secret }", "either" },
		{ "{ topic: abcd, user: a }", "user and password" },
		{ "{ topic: abcd, password: secret }", "user and password" },
		{ "{ topic: abcd, token: \"a b\" }", "space" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		chat_refuses(*state, &receiver_type_ntfy, cases[i][0], cases[i][1], true);
	chat_refuses(*state, &receiver_type_ntfy, "{ topic: abcd, url: https://ntfy.sh/abcd }",
		"only the server", false);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(publishes),
		T(it_is_as_loud_as_it_matters),
		T(who_may_logs_in),
		T(every_answer_has_its_meaning),
		T(nothing_exceeds_the_limits),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
