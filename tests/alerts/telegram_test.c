/*
 * Telegram: what is sent and edited, within its limits whatever a target says, where it goes when a
 * group moves, and what is made of each of its answers.
 */
#include "alerts/table.h"
#include "tests/alerts/chat_desk.h"

#define TOKEN_END "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
#define TOKEN     "123456:" TOKEN_END
#define BASE      "POST /bot" TOKEN "/"
#define SETTINGS  "url: http://%s/\ntoken: \"" TOKEN "\"\nchat_id: -100123\n"
#define FAILS(code, words, more)                                                                   \
	"{\"ok\":false,\"error_code\":" #code ",\"description\":\"" words "\"" more "}"

static const struct chat_answer taken = { 200, NULL,
	"{\"ok\":true,\"result\":{\"message_id\":7,\"chat\":{\"id\":-100123}}}" };
static const struct chat_answer taken_as_8 = { 200, NULL,
	"{\"ok\":true,\"result\":{\"message_id\":8}}" };
static const struct chat_answer not_found = { 400, NULL,
	FAILS(400, "Bad Request: message to edit not found", "") };
static const struct chat_answer not_modified = { 400, NULL,
	FAILS(400,
		"Bad Request: message is not modified: specified new message content and reply "
		"markup are exactly the same as a current content and reply markup of the message",
		"") };
static const struct chat_answer moved = { 400, NULL,
	FAILS(400, "Bad Request: group chat was upgraded to a supergroup chat",
		",\"parameters\":{\"migrate_to_chat_id\":-1009876543210}") };

static void
remember(struct desk *desk, const char *chat)
{
	json_decref(desk->memory);
	desk->memory = json_pack("{s:s, s:i}", "chat", chat, "message", 7);
}

static json_int_t
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Tags are closed in order, and nothing else looks like one. */
static void
expect_markup(const char *text)
{
	const char *open[8];
	size_t depth = 0;

	for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at + 1, '<')) {
		size_t len = strcspn(at + 1, " >");

		if (at[1] == '/') {
			assert_in_range(depth, 1, 8);
			depth--;
			assert_memory_equal(at + 2, open[depth], len - 1);
			continue;
		}
		assert_in_range(depth, 0, 7);
		open[depth++] = at + 1;
		if (!str_starts(at, "<b>") && !str_starts(at, "<code>") &&
			!str_starts(at, "<pre>") && !str_starts(at, "<a href=\"http"))
			fail_msg("a tag that is none: %.40s", at);
	}
	assert_int_equal(depth, 0);
}

static void
expect_lawful(const json_t *body)
{
	const char *text = chat_text(body, "text");

	assert_in_range(message_measure(text, UNIT_UTF16), 1, 4096);
	assert_string_equal(chat_text(body, "parse_mode"), "HTML");
	assert_true(json_is_true(
		json_object_get(json_object_get(body, "link_preview_options"), "is_disabled")));
	expect_markup(text);
}

static void
sends_a_message(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;
	const json_t *body;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "message_thread_id: 5\n");
	xstrset(&desk->notice.incident.title, "api <b>refuses</b> & \"stops\"");
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, BASE "sendMessage");
	body = chat_body(&chat, 0);
	expect_lawful(body);
	assert_int_equal(number(body, "chat_id"), -100123);
	assert_int_equal(number(body, "message_thread_id"), 5);
	assert_null(json_object_get(body, "disable_notification"));
	assert_true(str_starts(chat_text(body, "text"),
		"<b>🔴 CRITICAL · api &lt;b&gt;refuses&lt;/b&gt; &amp; &quot;stops&quot;</b>\n"));
	assert_int_equal(number(desk->memory, "message"), 7);
	assert_string_equal(chat_text(desk->memory, "chat"), "-100123");
	chat_close(&chat);
}

static void
what_is_quiet_is_edited(void **state)
{
	const struct chat_answer answers[] = { taken, not_modified };
	struct desk *desk = *state;

	for (size_t i = 0; i < 2; i++) {
		static struct chat chat;
		const json_t *body;

		chat_open(&chat, desk, &answers[i], 1);
		chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
		remember(desk, "-100123");
		desk_write(desk, INCIDENT_UPDATED);
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_int_equal(desk->class, SEND_CLASS_NONE);
		chat_expect_line(&chat, 0, BASE "editMessageText");
		body = chat_body(&chat, 0);
		expect_lawful(body);
		assert_int_equal(number(body, "message_id"), 7);
		assert_null(json_object_get(body, "disable_notification"));
		assert_int_equal(peer_accepted(chat.peer), 1);
		chat_close(&chat);
	}
}

static void
what_is_loud_is_edited_and_replied_to(void **state)
{
	static const enum incident_event_type loud[] = { INCIDENT_ESCALATED, INCIDENT_REMINDER,
		INCIDENT_ENDED };
	const struct chat_answer answers[] = { not_modified, taken_as_8 };
	struct desk *desk = *state;

	for (size_t i = 0; i < 3; i++) {
		static struct chat chat;
		const json_t *body, *reply;

		chat_open(&chat, desk, answers, 2);
		chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
		remember(desk, "-100123");
		desk_write(desk, loud[i]);
		assert_int_equal(desk_send(desk), SEND_OK);
		chat_expect_line(&chat, 0, BASE "editMessageText");
		chat_expect_line(&chat, 1, BASE "sendMessage");
		body = chat_body(&chat, 1);
		expect_lawful(body);
		assert_null(strchr(chat_text(body, "text"), '\n'));
		reply = json_object_get(body, "reply_parameters");
		assert_int_equal(number(reply, "message_id"), 7);
		assert_true(json_is_true(json_object_get(reply, "allow_sending_without_reply")));
		assert_int_equal(number(desk->memory, "message"), 7);
		chat_close(&chat);
	}
}

/* Who is let in again finds the message that still stands there. */
static void
what_cannot_be_reached_is_not_forgotten(void **state)
{
	const struct chat_answer kicked[] = {
		{ 403, NULL, FAILS(403, "Forbidden: bot was kicked from the group chat", "") },
		{ 403, NULL, FAILS(403, "Forbidden: bot was kicked from the group chat", "") },
	};
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, kicked, 2);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	remember(desk, "-100123");
	desk_write(desk, INCIDENT_ENDED);
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_int_equal(number(desk->memory, "message"), 7);
	chat_close(&chat);
}

static void
what_was_deleted_is_posted_anew(void **state)
{
	const struct chat_answer answers[] = { not_found, taken_as_8 };
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, answers, 2);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	remember(desk, "-100123");
	desk_write(desk, INCIDENT_UPDATED);
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 1, BASE "sendMessage");
	assert_int_equal(number(desk->memory, "message"), 8);
	chat_close(&chat);
}

static void
another_chat_gets_a_message_of_its_own(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, &taken_as_8, 1);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	remember(desk, "@elsewhere");
	desk_write(desk, INCIDENT_UPDATED);
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, BASE "sendMessage");
	chat_close(&chat);
}

static void
a_group_that_moved_is_followed(void **state)
{
	const struct chat_answer answers[] = { moved, taken_as_8 };
	const struct chat_answer circle[] = { moved, moved };
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, answers, 2);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	remember(desk, "-100123");
	desk_write(desk, INCIDENT_UPDATED);
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, BASE "editMessageText");
	chat_expect_line(&chat, 1, BASE "sendMessage");
	assert_int_equal(number(chat_body(&chat, 1), "chat_id"), -1009876543210);
	assert_int_equal(number(desk->memory, "moved_to"), -1009876543210);
	assert_int_equal(number(desk->memory, "message"), 8);
	chat_close(&chat);

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, BASE "editMessageText");
	assert_int_equal(number(chat_body(&chat, 0), "chat_id"), -1009876543210);
	chat_close(&chat);

	/* No circle is followed. */
	chat_open(&chat, desk, circle, 2);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	json_decref(desk->memory);
	desk->memory = NULL;
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_int_equal(peer_accepted(chat.peer), 2);
	chat_close(&chat);
}

static void
some_messages_make_no_sound(void **state)
{
	static const struct {
		enum severity severity;
		const char *more;
		bool is_silent;
	} cases[] = {
		{ SEVERITY_INFO, "", false },
		{ SEVERITY_INFO, "silent_below: warning\n", true },
		{ SEVERITY_WARNING, "silent_below: warning\n", false },
		{ SEVERITY_WARNING, "silent_below: critical\n", true },
		{ SEVERITY_CRITICAL, "silent_below: critical\n", false },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_telegram, SETTINGS, cases[i].more);
		desk->notice.severity = cases[i].severity;
		json_decref(desk->memory);
		desk->memory = NULL;
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_int_equal(
			json_is_true(json_object_get(chat_body(&chat, 0), "disable_notification")),
			cases[i].is_silent);
		chat_close(&chat);
	}
}

static void
every_answer_has_its_meaning(void **state)
{
	static const struct {
		struct chat_answer answer;
		enum send_result result;
		enum send_class why;
		int wait;
		const char *words;
	} cases[] = {
		{ { 200, NULL, "ok" }, SEND_LATER, SEND_CLASS_SERVER, 0, "not how Telegram" },
		{ { 200, NULL, "{\"ok\":false}" }, SEND_LATER, SEND_CLASS_SERVER, 0, "not how" },
		{ { 429, NULL,
			  FAILS(429, "Too Many Requests: retry after 35",
				  ",\"parameters\":{\"retry_after\":35}") },
			SEND_LATER, SEND_CLASS_RATE, 35, "Too Many Requests" },
		{ { 401, NULL, FAILS(401, "Unauthorized", "") }, SEND_NEVER, SEND_CLASS_AUTH, 0,
			"token is wrong" },
		{ { 404, NULL, FAILS(404, "Not Found", "") }, SEND_NEVER, SEND_CLASS_AUTH, 0,
			"is the token right" },
		{ { 400, NULL, FAILS(400, "Bad Request: chat not found", "") }, SEND_NEVER,
			SEND_CLASS_AUTH, 0, "look at chat_id" },
		{ { 400, NULL, FAILS(400, "Bad Request: message thread not found", "") },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "message_thread_id" },
		{ { 403, NULL, FAILS(403, "Forbidden: bot was blocked by the user", "") },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "blocked" },
		{ { 403, NULL,
			  FAILS(403, "Forbidden: bot was kicked from the supergroup chat", "") },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "removed from the group" },
		{ { 400, NULL, FAILS(400, "Bad Request: can't parse entities", "") }, SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "can't parse" },
		{ { 400, NULL, FAILS(400, "Bad Request: see /bot" TOKEN "/x", "") }, SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "***" },
		{ { 400, NULL, FAILS(400, "Bad Request: see /bot1%3A" TOKEN_END "/x", "") },
			SEND_NEVER, SEND_CLASS_CLIENT, 0, "***" },
		{ { 502, NULL, "<html>Bad Gateway</html>" }, SEND_LATER, SEND_CLASS_SERVER, 0,
			"502" },
	};
	struct desk *desk = *state;
	struct secret_set *secrets = secret_set_new();

	desk->env.secrets = secrets;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &cases[i].answer, 1);
		chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
		conf_secrets(receiver_type_telegram.fields, desk->conf, secrets);
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL)
			fail_msg("case %zu: %d %d %s", i, desk->result, desk->class, desk->text);
		assert_int_equal(desk->retry_after_us, cases[i].wait * USEC_PER_SEC);
		assert_null(strstr(desk->text, "AAHdq"));
		assert_null(strstr(desk->transcript, "AAHdq"));
		chat_close(&chat);
	}
	desk->env.secrets = NULL;
	secret_set_free(secrets);
}

static void
nothing_exceeds_the_limits(void **state)
{
	static const char *const pieces[] = { "a", "<b>&\"", "诊断", "😀", "\"\\\n", "</b></a>",
		"&amp;&lt;", "\xe2\x80\xae\xe2\x80\x8b", "@everyone <script>" };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
		desk->language = i % 2 == 0 ? LANG_EN : LANG_ZH;
		chat_abuse(desk, i % 2 == 0 ? INCIDENT_OPENED : INCIDENT_ENDED, pieces[i], 100000);
		desk->notice.incident.url = chat_repeat("https://example.com/?\"<&>/", 1900);
		assert_int_equal(desk_send(desk), SEND_OK);
		expect_lawful(chat_body(&chat, 0));
		chat_close(&chat);
		json_decref(desk->memory);
		desk->memory = NULL;
	}
}

static void
a_digest_is_one_message_without_memory(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_telegram, SETTINGS, "");
	chat_digest(desk, 300);
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_lawful(chat_body(&chat, 0));
	assert_non_null(strstr(chat_text(chat_body(&chat, 0), "text"), "and 2"));
	assert_null(desk->memory);
	chat_close(&chat);
}

static void
mistakes_are_named(void **state)
{
#define GOOD_TOKEN "token: \"" TOKEN "\""
	static const char *const cases[][2] = {
		{ "{ chat_id: 1 }", "token" },
		{ "{ " GOOD_TOKEN " }", "chat_id" },
		{ "{ token: hunter22, chat_id: 1 }", "@BotFather" },
		{ "{ token: \"123:a/b\", chat_id: 1 }", "@BotFather" },
		{ "{ " GOOD_TOKEN ", chat_id: ops }", "neither a number" },
		{ "{ " GOOD_TOKEN ", chat_id: \"@a/b\" }", "neither a number" },
		{ "{ " GOOD_TOKEN ", chat_id: 99999999999999999999 }", "neither a number" },
		{ "{ " GOOD_TOKEN ", chat_id: 1, message_thread_id: 0 }", "message_thread_id" },
		{ "{ " GOOD_TOKEN ", chat_id: 1, silent_below: high }", "silent_below" },
		{ "{ " GOOD_TOKEN ", chat_id: 1, url: \"http://h/?a\" }", "only the server" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		chat_refuses(*state, &receiver_type_telegram, cases[i][0], cases[i][1], true);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(sends_a_message),
		T(what_is_quiet_is_edited),
		T(what_is_loud_is_edited_and_replied_to),
		T(what_was_deleted_is_posted_anew),
		T(what_cannot_be_reached_is_not_forgotten),
		T(another_chat_gets_a_message_of_its_own),
		T(a_group_that_moved_is_followed),
		T(some_messages_make_no_sound),
		T(every_answer_has_its_meaning),
		T(nothing_exceeds_the_limits),
		T(a_digest_is_one_message_without_memory),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
