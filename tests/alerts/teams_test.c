/*
 * Microsoft Teams: the card, its size whatever a target says, and what is made of each answer, also
 * of a retired connector's 200.
 */
#include "alerts/table.h"
#include "tests/alerts/chat_desk.h"

#define SETTINGS "url: http://%s/workflows/hidden-flow/triggers/manual/paths/invoke?sig=hidden\n"

static const struct chat_answer taken = { 202, NULL, NULL };

static const json_t *
card_of(const json_t *body)
{
	return json_object_get(json_array_get(json_object_get(body, "attachments"), 0), "content");
}

/* What its schema and Teams ask of it. */
static void
expect_lawful(struct chat *chat)
{
	const json_t *body = chat_body(chat, 0), *card = card_of(body), *element;
	const char *raw = strstr(peer_heard(chat->peer, 0), "\r\n\r\n") + 4;
	size_t i;

	assert_in_range(strlen(raw), 100, 28672 * 5 / 6);
	for (const char *at = raw; *at != '\0'; at++)
		assert_in_range((unsigned char)*at, 1, 127);
	assert_string_equal(chat_text(body, "type"), "message");
	assert_string_equal(chat_text(card, "type"), "AdaptiveCard");
	assert_string_equal(chat_text(card, "version"), "1.4");
	assert_in_range(json_array_size(json_object_get(card, "body")), 1, 40);
	json_array_foreach(json_object_get(card, "body"), i, element)
	{
		const char *type = chat_text(element, "type");

		if (str_eq(type, "TextBlock"))
			assert_true(json_is_true(json_object_get(element, "wrap")) &&
				    *chat_text(element, "text") != '\0');
		else
			assert_true(str_eq(type, "Container") || str_eq(type, "FactSet") ||
				    str_eq(type, "RichTextBlock"));
	}
}

static void
posts_a_card(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;
	const json_t *card, *head, *action;

	chat_open(&chat, desk, &taken, 1);
	chat_configure(&chat, &receiver_type_teams, SETTINGS, "");
	xstrset(&desk->notice.incident.url, "https://status.example.com/#/incidents/3f9c");
	xstrset(&desk->notice.incident.summary, "1. my_file *is* [gone](x)");
	incident_add_text(&desk->notice.incident.remedy, "ls -l *_a.log", "look at *it*", 0);
	assert_int_equal(desk_send(desk), SEND_OK);
	chat_expect_line(
		&chat, 0, "POST /workflows/hidden-flow/triggers/manual/paths/invoke?sig=hidden");
	expect_lawful(&chat);
	card = card_of(chat_body(&chat, 0));
	head = json_array_get(json_object_get(card, "body"), 0);
	assert_string_equal(chat_text(head, "style"), "attention");
	assert_string_equal(chat_text(json_array_get(json_object_get(head, "items"), 0), "text"),
		"🔴 CRITICAL · api refuses connections");
	assert_non_null(strstr(peer_heard(chat.peer, 0), "1\\\\. my\\\\_file \\\\*is\\\\* "));
	/* A command is shown as it is. */
	assert_non_null(strstr(peer_heard(chat.peer, 0), "\"text\":\"ls -l *_a.log\""));
	action = json_array_get(json_object_get(card, "actions"), 0);
	assert_string_equal(chat_text(action, "type"), "Action.OpenUrl");
	assert_string_equal(
		chat_text(action, "url"), "https://status.example.com/#/incidents/3f9c");
	assert_null(desk->memory);
	chat_close(&chat);
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
		{ { 202, NULL, NULL }, SEND_OK, SEND_CLASS_NONE, 0, "202" },
		{ { 200, NULL, "" }, SEND_OK, SEND_CLASS_NONE, 0, "200" },
		{ { 200, NULL, "1" }, SEND_OK, SEND_CLASS_NONE, 0, "200" },
		{ { 200, NULL,
			  "Webhook message delivery failed with error: Microsoft Teams endpoint "
			  "returned HTTP error 429 with ContextId tcid=0,server=msgapi" },
			SEND_LATER, SEND_CLASS_RATE, 0, "error 429" },
		{ { 200, NULL,
			  "Webhook message delivery failed with error: Microsoft Teams endpoint "
			  "returned HTTP error 413 with ContextId tcid=0" },
			SEND_NEVER, SEND_CLASS_CLIENT, 0, "error 413" },
		{ { 200, NULL, "Webhook message delivery failed." }, SEND_LATER, SEND_CLASS_SERVER,
			0, "delivery failed" },
		{ { 429, "Retry-After: 12\r\n", "{}" }, SEND_LATER, SEND_CLASS_RATE, 12, "429" },
		{ { 401, NULL, "{\"error\":{\"code\":\"DirectApiAuthorizationRequired\"}}" },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "sig=" },
		{ { 404, NULL, "{\"error\":{\"code\":\"WorkflowNotFound\"}}" }, SEND_NEVER,
			SEND_CLASS_AUTH, 0, "is gone" },
		{ { 400, NULL, "{\"error\":{\"code\":\"WorkflowTriggerIsNotEnabled\"}}" },
			SEND_NEVER, SEND_CLASS_AUTH, 0, "switched off" },
		{ { 400, NULL, "{\"error\":{\"code\":\"InvalidRequestContent\"}}" }, SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "run history" },
		{ { 200, NULL, "\xef\xbb\xbf\n<!DOCTYPE html><html>log in" }, SEND_LATER,
			SEND_CLASS_SERVER, 0, "a page" },
		{ { 413, NULL, "" }, SEND_NEVER, SEND_CLASS_CLIENT, 0, "too large" },
		{ { 502, NULL, "{\"error\":{\"code\":\"NoResponse\"}}" }, SEND_LATER,
			SEND_CLASS_SERVER, 0, "502" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &cases[i].answer, 1);
		chat_configure(&chat, &receiver_type_teams, SETTINGS, "");
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL)
			fail_msg("case %zu: %d %d %s", i, desk->result, desk->class, desk->text);
		assert_int_equal(desk->retry_after_us, cases[i].wait * USEC_PER_SEC);
		assert_null(strstr(desk->text, "hidden"));
		assert_null(strstr(desk->transcript, "hidden"));
		chat_close(&chat);
	}
}

/* Through a proxy, so that no name is looked up. */
static void
a_retired_connector_is_warned_of_and_read(void **state)
{
	static const struct {
		const char *body;
		enum send_result result;
	} cases[] = {
		{ "1", SEND_OK },
		{ "Summary or Text is required.", SEND_LATER },
		{ "", SEND_LATER },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < 3; i++) {
		const struct chat_answer answer = { 200, NULL, cases[i].body };
		static struct chat chat;

		chat_open(&chat, desk, &answer, 1);
		chat_configure(&chat, &receiver_type_teams, "proxy: http://%s\n",
			"url: http://example.webhook.office.com/webhookb2/hidden\n");
		assert_int_equal(complaints_warnings(desk->complaints), 1);
		assert_int_equal(desk_send(desk), cases[i].result);
		chat_close(&chat);
	}
	chat_refuses(desk, &receiver_type_teams, "url: https://a.webhook.office.com/webhookb2/x",
		"retired", false);
	chat_refuses(desk, &receiver_type_teams, "{}", "url", true);
}

static void
nothing_exceeds_the_limits(void **state)
{
	static const char *const pieces[] = { "a", "*_[]`<~\\", "诊断", "😀", "\"\\\n", "1. - # > ",
		"<at id=all></at>", "\xe2\x80\xae\xe2\x80\x8b" };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		static struct chat chat;

		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_teams, SETTINGS, "");
		desk->language = i % 2 == 0 ? LANG_EN : LANG_ZH;
		chat_abuse(desk, i % 2 == 0 ? INCIDENT_OPENED : INCIDENT_ENDED, pieces[i], 100000);
		desk->notice.incident.url = chat_repeat("https://example.com/?\"<&>/", 1900);
		assert_int_equal(desk_send(desk), SEND_OK);
		expect_lawful(&chat);
		chat_close(&chat);
	}
}

static void
a_digest_is_one_card(void **state)
{
	struct desk *desk = *state;
	static struct chat chat;

	for (int language = LANG_EN; language <= LANG_ZH; language++) {
		chat_open(&chat, desk, &taken, 1);
		chat_configure(&chat, &receiver_type_teams, SETTINGS, "");
		desk->language = (enum language)language;
		chat_digest(desk, 300);
		assert_int_equal(desk_send(desk), SEND_OK);
		expect_lawful(&chat);
		assert_non_null(strstr(peer_heard(chat.peer, 0), "shop-3 "));
		chat_close(&chat);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(posts_a_card),
		T(every_answer_has_its_meaning),
		T(a_retired_connector_is_warned_of_and_read),
		T(nothing_exceeds_the_limits),
		T(a_digest_is_one_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
