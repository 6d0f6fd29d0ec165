/*
 * WeCom: Markdown within 4096 bytes, what every errcode means, whom it calls and how, and texts
 * that must not become markup although nothing can be escaped there.
 */
#include "alerts/table.h"
#include "tests/alerts/bot_desk.h"

#define PATH "/cgi-bin/webhook/send?key=693a91f6-7aoc-4bc4"
#define OK   "200 OK\n{\"errcode\":0,\"errmsg\":\"ok\"}"
#define TYPE (&receiver_type_wecom)

static void
markdown_in_one_of_three_colours(void **state)
{
	static const struct {
		enum incident_event_type type;
		enum severity severity;
		const char *begins;
	} cases[] = {
		{ INCIDENT_OPENED, SEVERITY_CRITICAL, "### <font color=\"warning\">🔴 " },
		{ INCIDENT_OPENED, SEVERITY_WARNING, "### <font color=\"warning\">🟠 " },
		{ INCIDENT_OPENED, SEVERITY_INFO, "### <font color=\"comment\">🔵 " },
		{ INCIDENT_ENDED, SEVERITY_CRITICAL, "### <font color=\"info\">🟢 " },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bot bot;
		json_t *body;

		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, "");
		desk_write(desk, cases[i].type);
		desk->notice.severity = cases[i].severity;
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_true(str_starts(peer_heard(bot.peer, 0), "POST " PATH " HTTP/1.1\r\n"));
		body = bot_body(&bot, 0);
		assert_string_equal(bot_text(body, "msgtype"), "markdown");
		assert_true(str_starts(bot_text(body, "markdown.content"), cases[i].begins));
		assert_null(strstr(desk->transcript, "693a91f6"));
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
every_code_has_its_meaning(void **state)
{
	static const struct bot_case cases[] = {
		{ OK, SEND_OK, SEND_CLASS_NONE, 0, "200" },
		{ "200 OK\n{\"errcode\":93000,\"errmsg\":\"invalid webhook url, hint: [165], from "
		  "ip: 1.2.3.4\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "copy its webhook address" },
		{ "200 OK\n{\"errcode\":40058,\"errmsg\":\"markdown.content exceed max length "
		  "4096\"}",
			SEND_NEVER, SEND_CLASS_CLIENT, 0, "length" },
		{ "200 OK\n{\"errcode\":45009,\"errmsg\":\"api freq out of limit\"}", SEND_LATER,
			SEND_CLASS_RATE, 60, "20 messages" },
		{ "200 OK\n{\"errcode\":45033,\"errmsg\":\"api concurrent out of limit\"}",
			SEND_LATER, SEND_CLASS_RATE, 5, "at once" },
		{ "200 OK\n{\"errcode\":-1,\"errmsg\":\"system busy\"}", SEND_LATER,
			SEND_CLASS_SERVER, 0, "busy" },
		{ "200 OK\n{\"errcode\":93004,\"errmsg\":\"x\"}", SEND_NEVER, SEND_CLASS_AUTH, 0,
			"switched off" },
		{ "200 OK\n{\"errcode\":45047,\"errmsg\":\"api freq out of limit\"}", SEND_LATER,
			SEND_CLASS_RATE, 0, "45047" },
		{ "200 OK\n{\"errcode\":77777,\"errmsg\":\"what\\u202e<\"}", SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "code 77777: what.<" },
		{ "200 OK\n", SEND_LATER, SEND_CLASS_SERVER, 0, "no answer of WeCom" },
		{ "429 Slow\n{\"errcode\":45009,\"errmsg\":\"x\"}", SEND_LATER, SEND_CLASS_RATE, 60,
			"429" },
	};

	bot_check_answers(*state, TYPE, PATH, "", cases, sizeof(cases) / sizeof(cases[0]));
}

static void
people_are_called_in_markdown(void **state)
{
	struct desk *desk = *state;

	for (int is_over = 0; is_over < 2; is_over++) {
		struct bot bot;
		json_t *body;

		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, "mention: [wangqing, li.si]\n");
		desk_write(desk, is_over ? INCIDENT_ENDED : INCIDENT_OPENED);
		assert_int_equal(desk_send(desk), SEND_OK);
		body = bot_body(&bot, 0);
		assert_int_equal(
			str_ends(bot_text(body, "markdown.content"), "\n<@wangqing> <@li.si>"),
			!is_over);
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
everybody_is_called_in_plain_text(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;

	bot_write_hostile(desk);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "mention: [wangqing, all]\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_string_equal(bot_text(body, "msgtype"), "text");
	assert_string_equal(bot_text(body, "text.mentioned_list.0"), "wangqing");
	assert_string_equal(bot_text(body, "text.mentioned_list.1"), "@all");
	assert_in_range(strlen(bot_text(body, "text.content")), 500, 2048);
	assert_null(strstr(bot_text(body, "text.content"), "<@"));
	json_decref(body);
	bot_close(&bot, desk);
}

static void
what_a_target_said_is_text_and_fits(void **state)
{
	static const char *const never[] = { "<@", "<at", "<script", "](http://evil", "<font c",
		"\n# ", "\n> ", "**bold", "__u", "&lt;", "&#" };
	struct desk *desk = *state;

	for (int language = 0; language < LANG_COUNT; language++) {
		struct bot bot;
		json_t *body;
		const char *text, *rest;

		desk->language = language == 0 ? LANG_EN : LANG_ZH;
		desk_write(desk, INCIDENT_ESCALATED);
		bot_write_hostile(desk);
		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, "mention: u1\n");
		assert_int_equal(desk_send(desk), SEND_OK);
		body = bot_body(&bot, 0);
		text = bot_text(body, "markdown.content");
		assert_in_range(strlen(text), 1000, 4096);
		assert_true(str_is_utf8(text, strlen(text)));
		assert_true(str_ends(text, "\n<@u1>"));
		rest = strstr(text, "</font>\n");
		assert_non_null(rest);
		for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
			const char *found = strstr(rest, never[i]);

			if (found != NULL && !str_eq(found, "<@u1>"))
				fail_msg("%s is left: %.80s", never[i], found);
		}
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
a_digest_is_one_message(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;

	bot_write_digest(desk, 3000);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "mention: u1\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_in_range(strlen(bot_text(body, "markdown.content")), 500, 4096);
	assert_true(str_ends(bot_text(body, "markdown.content"), "\n<@u1>"));
	assert_null(strstr(bot_text(body, "markdown.content"), "<@all"));
	json_decref(body);
	bot_close(&bot, desk);
}

static void
never_more_than_twenty_in_a_minute(void **state)
{
	(void)state;
	/* One on time, `burst` ahead of it, and then the even pace. */
	assert_true(1 + TYPE->burst + TYPE->rate_per_second * 60 < 20);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "url" },
		{ "url: https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "key=" },
		{ "{ url: http://h/in, mention: \"<@x>\" }", "mention" },
		{ "{ url: http://h/in, mention: "
		  "a23456789012345678901234567890123456789012345678901234567890123456 }",
			"mention" },
		{ "{ url: http://h/in, mentions: x }", "mention" },
	};

	bot_check_mistakes(*state, TYPE, cases, sizeof(cases) / sizeof(cases[0]));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(markdown_in_one_of_three_colours),
		T(every_code_has_its_meaning),
		T(people_are_called_in_markdown),
		T(everybody_is_called_in_plain_text),
		T(what_a_target_said_is_text_and_fits),
		T(a_digest_is_one_message),
		cmocka_unit_test(never_more_than_twenty_in_a_minute),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
