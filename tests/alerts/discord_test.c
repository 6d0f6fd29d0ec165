/*
 * Discord: what is posted and edited, within its limits whatever a target says, and what is made of
 * each of its answers.
 */
#include "alerts/table.h"
#include "tests/alerts/chat_desk.h"

#define ID       "1029384756102938475"
#define SETTINGS "url: http://%s/api/webhooks/11/hidden-token\n"
#define TAKEN    "{\"id\":\"" ID "\",\"content\":\"x\"}"

static const struct chat_answer taken = { 200, NULL, TAKEN };
static const struct chat_answer no_message = { 404, NULL,
	"{\"message\":\"Unknown Message\",\"code\":10008}" };

static size_t
chars(const json_t *object, const char *key)
{
	return message_measure(chat_text(object, key), UNIT_UTF16);
}

/* As Discord would refuse it. */
static void
expect_lawful(const json_t *body)
{
	const json_t *embed = json_array_get(json_object_get(body, "embeds"), 0), *field;
	size_t all, i;

	assert_in_range(chars(body, "content"), 1, 2000);
	assert_non_null(json_object_get(json_object_get(body, "allowed_mentions"), "parse"));
	assert_int_equal(json_array_size(json_object_get(
				 json_object_get(body, "allowed_mentions"), "parse")),
		0);
	if (embed == NULL)
		return;
	all = chars(embed, "description") + chars(json_object_get(embed, "footer"), "text");
	assert_in_range(chars(embed, "description"), 0, 4096);
	assert_in_range(json_array_size(json_object_get(embed, "fields")), 0, 25);
	json_array_foreach(json_object_get(embed, "fields"), i, field)
	{
		assert_in_range(chars(field, "name"), 1, 256);
		assert_in_range(chars(field, "value"), 1, 1024);
		all += chars(field, "name") + chars(field, "value");
	}
	assert_in_range(all, 1, 6000);
}

static void
posts_a_line_and_an_embed(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;
	const json_t *body, *embed;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS,
		"username: Watch\nmention: [\"role:42\", \"user:43\"]\n");
	xstrset(&desk->notice.incident.url, "https://status.example.com/#/incidents/(3f9c)");
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, "POST /api/webhooks/11/hidden-token?wait=true");
	body = chat_body(&chat, 0);
	expect_lawful(body);
	assert_string_equal(
		chat_text(body, "content"), "<@&42> <@43> 🔴 CRITICAL · api refuses connections");
	assert_string_equal(chat_text(body, "username"), "Watch");
	embed = json_array_get(json_object_get(body, "embeds"), 0);
	assert_int_equal(json_integer_value(json_object_get(embed, "color")), 0xd00000);
	assert_string_equal(chat_text(embed, "timestamp"), "2026-01-02T03:04:05.000Z");
	assert_non_null(strstr(chat_text(embed, "description"), "127.0.0.1:3000 refused"));
	assert_non_null(strstr(chat_text(embed, "description"),
		"[open incident](https://status.example.com/#/incidents/%283f9c%29)"));
	assert_non_null(strstr(
		chat_text(json_object_get(embed, "footer"), "text"), "incident 3f9c2a7d41b8"));
	assert_null(json_object_get(body, "flags"));
	assert_string_equal(chat_text(desk->memory, "message"), ID);
	chat_close(&chat);
}

static void
only_what_is_critical_calls_people(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "mention: \"role:42\"\n");
	desk->notice.severity = desk->notice.incident.severity = SEVERITY_WARNING;
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_null(strstr(peer_heard(chat.peer, 0), "<@&42>"));
	assert_null(strstr(peer_heard(chat.peer, 0), "\"roles\""));
	chat_close(&chat);
}

static void
remember(struct desk *desk, const char *thread)
{
	json_decref(desk->memory);
	desk->memory = json_pack("{s:s}", "message", ID);
	if (thread != NULL)
		json_object_set_new(desk->memory, "thread", json_string(thread));
}

static void
what_is_quiet_is_edited(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "mention: \"role:42\"\n");
	remember(desk, NULL);
	desk_write(desk, INCIDENT_UPDATED);
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, "PATCH /api/webhooks/11/hidden-token/messages/" ID);
	expect_lawful(chat_body(&chat, 0));
	assert_int_equal(peer_accepted(chat.peer), 1);
	assert_null(strstr(peer_heard(chat.peer, 0), "<@&42>"));
	assert_string_equal(chat_text(desk->memory, "message"), ID);
	chat_close(&chat);
}

static void
what_is_loud_is_edited_and_said(void **state)
{
	static const enum incident_event_type loud[] = { INCIDENT_ESCALATED, INCIDENT_REMINDER,
		INCIDENT_ENDED };
	const struct chat_answer answers[] = { taken, taken };
	struct desk *desk = *state;

	for (size_t i = 0; i < 3; i++) {
		static struct chat chat;

		chat_open(&chat, desk, answers, 2);
		chat_configure(&chat, &receiver_type_discord, SETTINGS, "thread_id: \"77\"\n");
		remember(desk, "77");
		desk_write(desk, loud[i]);
		assert_int_equal(desk_send(desk), SEND_OK);
		chat_expect_line(&chat, 0,
			"PATCH /api/webhooks/11/hidden-token/messages/" ID "?thread_id=77");
		chat_expect_line(
			&chat, 1, "POST /api/webhooks/11/hidden-token?wait=true&thread_id=77");
		expect_lawful(chat_body(&chat, 1));
		assert_null(json_object_get(chat_body(&chat, 1), "embeds"));
		assert_non_null(strstr(chat_text(chat_body(&chat, 1), "content"), "api refuses"));
		assert_string_equal(chat_text(desk->memory, "message"), ID);
		chat_close(&chat);
	}
}

static void
what_was_deleted_is_posted_anew(void **state)
{
	const struct chat_answer answers[] = { no_message, { 200, NULL, "{\"id\":\"99\"}" } };
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, answers, 2);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
	remember(desk, NULL);
	desk_write(desk, INCIDENT_UPDATED);
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 1, "POST /api/webhooks/11/hidden-token?wait=true");
	assert_non_null(json_object_get(chat_body(&chat, 1), "embeds"));
	assert_int_equal(json_integer_value(json_object_get(chat_body(&chat, 1), "flags")), 4096);
	assert_string_equal(chat_text(desk->memory, "message"), "99");
	chat_close(&chat);
}

static void
another_thread_gets_a_message_of_its_own(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "thread_id: \"78\"\n");
	remember(desk, "77");
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(&chat, 0, "POST /api/webhooks/11/hidden-token?wait=true&thread_id=78");
	assert_string_equal(chat_text(desk->memory, "thread"), "78");
	chat_close(&chat);
}

static void
every_answer_has_its_meaning(void **state)
{
	static const struct {
		struct chat_answer answer;
		enum send_result result;
		enum send_class why;
		long long wait_us;
		const char *words;
	} cases[] = {
		{ { 204, NULL, NULL }, SEND_OK, SEND_CLASS_NONE, 0, "204" },
		{ { 200, NULL, "<html>" }, SEND_LATER, SEND_CLASS_SERVER, 0, "not how Discord" },
		{ { 429, "Retry-After: 1\r\n",
			  "{\"message\":\"You are being rate limited.\",\"retry_after\":1.337,"
			  "\"global\":false}" },
			SEND_LATER, SEND_CLASS_RATE, 1337000, "rate limited" },
		{ { 429, "Retry-After: 5\r\n", "error code: 1015" }, SEND_LATER, SEND_CLASS_RATE,
			5000000, "1015" },
		{ { 429, NULL, "{\"retry_after\":-3}" }, SEND_LATER, SEND_CLASS_RATE, 0, "429" },
		{ { 429, NULL, "{\"retry_after\":1e300}" }, SEND_LATER, SEND_CLASS_RATE,
			86400LL * USEC_PER_SEC, "429" },
		{ { 404, NULL, "{\"message\":\"Unknown Webhook\",\"code\":10015}" }, SEND_NEVER,
			SEND_CLASS_AUTH, 0, "was deleted" },
		{ { 401, NULL, "{\"message\":\"Invalid Webhook Token\",\"code\":50027}" },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "token in url is wrong" },
		{ { 403, NULL, "{\"message\":\"Missing Permissions\",\"code\":50013}" }, SEND_NEVER,
			SEND_CLASS_AUTH, 0, "may not write" },
		{ { 400, NULL, "{\"message\":\"no\",\"code\":220001}" }, SEND_NEVER,
			SEND_CLASS_AUTH, 0, "forum" },
		{ { 400, NULL, "{\"message\":\"Invalid Form Body\",\"code\":50035}" }, SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "Invalid Form Body" },
		{ { 503, NULL, "upstream" }, SEND_LATER, SEND_CLASS_SERVER, 0, "503" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &cases[i].answer, 1);
		chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL)
			fail_msg("case %zu: %d %d %s", i, desk->result, desk->class, desk->text);
		assert_int_equal(desk->retry_after_us, cases[i].wait_us);
		assert_null(strstr(desk->text, "hidden"));
		assert_null(strstr(desk->transcript, "hidden"));
		chat_close(&chat);
	}
}

/* A failing edit is no reason to say less; a pause is one to wait. */
static void
an_edit_waits_or_is_posted(void **state)
{
	const struct chat_answer wait[] = { { 429, NULL, "{\"retry_after\":2.5}" } };
	const struct chat_answer gone[] = {
		{ 404, NULL, "{\"message\":\"Unknown Webhook\",\"code\":10015}" },
		{ 404, NULL, "{\"message\":\"Unknown Webhook\",\"code\":10015}" },
	};
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, wait, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
	remember(desk, NULL);
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_int_equal(desk->retry_after_us, 2500000);
	assert_string_equal(chat_text(desk->memory, "message"), ID);
	chat_close(&chat);

	chat_open(&chat, desk, gone, 2);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
	remember(desk, NULL);
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_non_null(strstr(desk->text, "was deleted"));
	assert_string_equal(chat_text(desk->memory, "message"), ID); /* it may stand there yet */
	chat_close(&chat);
}

static void
nothing_exceeds_the_limits(void **state)
{
	static const char *const pieces[] = { "a", "*_`~|>#-[]()<@everyone>", "诊断", "😀", "\"\\\n",
		"```", "http://x/a_b_c ", "\xe2\x80\xae\xe2\x80\x8b",
		"@everyone <@&42> <script> " };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
		desk->language = i % 2 == 0 ? LANG_EN : LANG_ZH;
		chat_abuse(desk, i % 2 == 0 ? INCIDENT_OPENED : INCIDENT_ENDED, pieces[i], 100000);
		desk->notice.incident.url = chat_repeat("https://status.example.com/)(/", 1900);
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
	const json_t *embed;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
	chat_digest(desk, 300);
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_lawful(chat_body(&chat, 0));
	embed = json_array_get(json_object_get(chat_body(&chat, 0), "embeds"), 0);
	assert_non_null(strstr(chat_text(embed, "description"), "and 2"));
	assert_non_null(strstr(chat_text(embed, "description"), "\\<@&1> \\`x\\` \\[a](b)"));
	assert_null(desk->memory);
	chat_close(&chat);
}

/* Whether characters are meant or UTF-16 units. */
static void
a_digest_of_emoji_fits(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
	chat_digest(desk, 90);
	for (size_t i = 0; i < desk->notice.digest->count; i++)
		xstrset(&desk->notice.digest->items[i].title, "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀");
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_lawful(chat_body(&chat, 0));
	chat_close(&chat);
}

static void
no_text_is_markup(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;
	const char *content;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_discord, SETTINGS, "");
	xstrset(&desk->notice.incident.title,
		"@everyone **b** my_file _i_ ||s|| a|b <@1> [x](http://y/a_b) http://h/a_b`c`");
	assert_int_equal(desk_send(desk), SEND_OK);
	content = chat_text(chat_body(&chat, 0), "content");
	assert_non_null(strstr(content,
		"\\@everyone \\*\\*b\\*\\* my_file \\_i\\_ \\|\\|s\\|\\| a|b \\<@1> "
		"\\[x](http://y/a_b) http://h/a_b\\`c\\`"));
	chat_close(&chat);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "url" },
		{ "url: http://h/api/webhooks/1/x?wait=true", "thread_id" },
		{ "url: http://h/api/webhooks/1/x/slack", "last part" },
		{ "{ url: http://h/1/x, mention: \"@everyone\" }", "role:ID" },
		{ "{ url: http://h/1/x, mention: \"role:12a\" }", "role:ID" },
		{ "{ url: http://h/1/x, mention: [\"user:1\", \"user:\"] }", "role:ID" },
		{ "{ url: http://h/1/x, thread_id: abc }", "thread_id" },
		{ "{ url: http://h/1/x, username: My Discord }", "refuses names" },
		{ "{ url: http://h/1/x, username: \"\" }", "1 to 80" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		chat_refuses(*state, &receiver_type_discord, cases[i][0], cases[i][1], true);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(posts_a_line_and_an_embed),
		T(only_what_is_critical_calls_people),
		T(what_is_quiet_is_edited),
		T(what_is_loud_is_edited_and_said),
		T(what_was_deleted_is_posted_anew),
		T(another_thread_gets_a_message_of_its_own),
		T(every_answer_has_its_meaning),
		T(an_edit_waits_or_is_posted),
		T(nothing_exceeds_the_limits),
		T(a_digest_is_one_message_without_memory),
		T(a_digest_of_emoji_fits),
		T(no_text_is_markup),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
