/*
 * Feishu: the card as its documentation has it, the signature computed with OpenSSL and not with
 * our own code, what every code means, and texts that must not become markup.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "alerts/table.h"
#include "tests/alerts/bot_desk.h"

#define PATH "/open-apis/bot/v2/hook/0f5c2d1e-hidden"
#define OK                                                                                         \
	"200 OK\n{\"StatusCode\":0,\"StatusMessage\":\"success\",\"code\":0,\"data\":{},"          \
	"\"msg\":\"success\"}"
#define TYPE  (&receiver_type_feishu)
#define ELEMS "card.elements."

static void
a_card_in_the_colour_of_its_severity(void **state)
{
	static const struct {
		enum incident_event_type type;
		enum severity severity;
		const char *colour, *icon;
	} cases[] = {
		{ INCIDENT_OPENED, SEVERITY_CRITICAL, "red", "🔴" },
		{ INCIDENT_UPDATED, SEVERITY_WARNING, "orange", "🟠" },
		{ INCIDENT_OPENED, SEVERITY_INFO, "blue", "🔵" },
		{ INCIDENT_ENDED, SEVERITY_CRITICAL, "green", "🟢" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bot bot;
		json_t *body;

		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, "");
		desk_write(desk, cases[i].type);
		desk->notice.severity = desk->notice.incident.severity = cases[i].severity;
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_true(str_starts(peer_heard(bot.peer, 0), "POST " PATH " HTTP/1.1\r\n"));
		body = bot_body(&bot, 0);
		assert_string_equal(bot_text(body, "msg_type"), "interactive");
		assert_string_equal(bot_text(body, "card.header.template"), cases[i].colour);
		assert_string_equal(bot_text(body, "card.header.title.tag"), "plain_text");
		assert_true(str_starts(bot_text(body, "card.header.title.content"), cases[i].icon));
		assert_non_null(strstr(bot_text(body, "card.header.title.content"), "api"));
		assert_string_equal(bot_text(body, ELEMS "0.tag"), "div");
		assert_string_equal(bot_text(body, ELEMS "0.text.tag"), "lark_md");
		assert_string_equal(bot_text(body, ELEMS "1.tag"), "note");
		assert_null(json_object_get(body, "sign"));
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
signs_nothing_with_time_and_secret_as_the_key(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	unsigned char mac[EVP_MAX_MD_SIZE], text[96];
	unsigned len = 0;
	json_t *body;
	char *key;

	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "secret: Vq7nGS0c3X\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_in_range(strtoll(bot_text(body, "timestamp"), NULL, 10),
		loop_wall(desk->loop) / USEC_PER_SEC - 60, loop_wall(desk->loop) / USEC_PER_SEC);
	key = xasprintf("%s\nVq7nGS0c3X", bot_text(body, "timestamp"));
	assert_non_null(
		HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)"", 0, mac, &len));
	EVP_EncodeBlock(text, mac, (int)len);
	assert_string_equal(bot_text(body, "sign"), (char *)text);
	assert_null(strstr(desk->transcript, (char *)text));
	assert_null(strstr(desk->transcript, "hidden"));
	assert_non_null(strstr(desk->transcript, "interactive"));
	free(key);
	json_decref(body);
	bot_close(&bot, desk);
}

static void
every_code_has_its_meaning(void **state)
{
	static const struct bot_case cases[] = {
		{ OK, SEND_OK, SEND_CLASS_NONE, 0, "200" },
		{ "200 OK\n{\"StatusCode\":0,\"StatusMessage\":\"success\"}", SEND_OK,
			SEND_CLASS_NONE, 0, "200" },
		{ "200 OK\n{\"code\":19001,\"data\":{},\"msg\":\"param invalid: incoming webhook "
		  "access token invalid\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "copy its webhook address" },
		{ "200 OK\n{\"code\":19021,\"data\":{},\"msg\":\"sign match fail or timestamp is "
		  "not within one hour from current time\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "secret is not the robot's" },
		{ "200 OK\n{\"StatusCode\":19021,\"StatusMessage\":\"sign match fail\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "clock" },
		{ "200 OK\n{\"code\":19022,\"msg\":\"Ip Not Allowed\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "IP addresses" },
		{ "200 OK\n{\"code\":19024,\"msg\":\"Key Words Not Found\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "set keyword" },
		{ "200 OK\n{\"code\":9499,\"msg\":\"Bad Request\",\"data\":{}}", SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "cannot read" },
		{ "400 Bad Request\n{\"code\":9499,\"msg\":\"Bad Request\",\"data\":{}}",
			SEND_NEVER, SEND_CLASS_CLIENT, 0, "cannot read" },
		{ "200 OK\n{\"code\":9499,\"msg\":\"too many request\"}", SEND_LATER,
			SEND_CLASS_RATE, 10, "too many" },
		{ "200 OK\n{\"code\":11232,\"data\":{},\"msg\":\"frequency limited "
		  "psm[lark.oapi.app_platform_runtime]appID[1500]\"}",
			SEND_LATER, SEND_CLASS_RATE, 10, "too many" },
		{ "429 Too Many\r\nRetry-After: 3\n{\"code\":11232,\"msg\":\"frequency limited\"}",
			SEND_LATER, SEND_CLASS_RATE, 3, "429" },
		{ "200 OK\n{\"code\":19999,\"msg\":\"something new\"}", SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "code 19999: something new" },
		{ "200 OK\n{\"code\":10001,\"msg\":\"system busy, try later\"}", SEND_LATER,
			SEND_CLASS_SERVER, 0, "busy" },
		{ "500 Oops\n{\"code\":19001,\"msg\":\"x\"}", SEND_LATER, SEND_CLASS_SERVER, 0,
			"500" },
		{ "200 OK\n<html>log in to the network</html>", SEND_LATER, SEND_CLASS_SERVER, 0,
			"no answer of Feishu" },
		{ "200 OK\n[1]", SEND_LATER, SEND_CLASS_SERVER, 0, "no answer of Feishu" },
		{ "200 OK\n{\"code\":\"0\"}", SEND_LATER, SEND_CLASS_SERVER, 0,
			"no answer of Feishu" },
	};

	bot_check_answers(*state, TYPE, PATH, "", cases, sizeof(cases) / sizeof(cases[0]));
}

static void
calls_people_when_it_becomes_critical_only(void **state)
{
	static const struct {
		enum incident_event_type type;
		enum severity severity;
		bool is_called;
	} cases[] = {
		{ INCIDENT_OPENED, SEVERITY_CRITICAL, true },
		{ INCIDENT_ESCALATED, SEVERITY_CRITICAL, true },
		{ INCIDENT_REMINDER, SEVERITY_CRITICAL, true },
		{ INCIDENT_UPDATED, SEVERITY_CRITICAL, false },
		{ INCIDENT_ACKED, SEVERITY_CRITICAL, false },
		{ INCIDENT_ENDED, SEVERITY_CRITICAL, false },
		{ INCIDENT_OPENED, SEVERITY_WARNING, false },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bot bot;
		json_t *body;
		const char *first;

		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, "mention: [ou_1a2b, all]\n");
		desk_write(desk, cases[i].type);
		desk->notice.severity = cases[i].severity;
		assert_int_equal(desk_send(desk), SEND_OK);
		body = bot_body(&bot, 0);
		first = bot_text(body, ELEMS "0.text.content");
		if (cases[i].is_called)
			assert_string_equal(first, "<at id=ou_1a2b></at> <at id=all></at>");
		else
			assert_null(strstr(peer_heard(bot.peer, 0), "<at id="));
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
a_card_refused_for_its_call_is_sent_without(void **state)
{
	static const char *const answers[] = {
		"200 OK\n{\"code\":11246,\"msg\":\"Failed to create card content\"}", OK
	};
	struct desk *desk = *state;
	struct bot bot;

	bot_open(&bot, desk, answers, 2);
	bot_configure(&bot, desk, TYPE, PATH, "mention: all\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_int_equal(peer_accepted(bot.peer), 2);
	assert_non_null(strstr(peer_heard(bot.peer, 0), "<at id=all>"));
	assert_null(strstr(peer_heard(bot.peer, 1), "<at id=all>"));
	bot_close(&bot, desk);
	bot_open_one(&bot, desk, answers[0]);
	bot_configure(&bot, desk, TYPE, PATH, "mention: all\n");
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_int_equal(peer_accepted(bot.peer), 2);
	bot_close(&bot, desk);
}

/* What is left after our own marks and all entities are taken away has no markup. */
static void
expect_harmless(const char *text)
{
	char *rest = xstrdup(text), *out = rest;

	for (const char *c = rest; *c != '\0'; c++) {
		if (c[0] == '&' && c[1] == '#')
			c = strchr(c, ';');
		else if (c[0] == '*' && c[1] == '*')
			c++;
		else
			*out++ = *c;
	}
	*out = '\0';
	if (strpbrk(rest, "<>&*_~`[]\\$#") != NULL || strstr(rest, ":OK:") != NULL)
		fail_msg("markup is left: %s", rest);
	free(rest);
}

static void
what_a_target_said_is_text_and_fits(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;
	const char *heard;

	bot_write_hostile(desk);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "secret: x1y2z3\nmention: ou_1\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	heard = peer_heard(bot.peer, 0);
	assert_in_range(strlen(strstr(heard, "\r\n\r\n") + 4), 1000, 20000);
	body = bot_body(&bot, 0);
	expect_harmless(bot_text(body, ELEMS "1.text.content"));
	assert_string_equal(bot_text(body, ELEMS "3.actions.0.tag"), "button");
	assert_string_equal(bot_text(body, ELEMS "3.actions.0.url"),
		"https://status.example.com/#/incidents/3f9c2a7d41b8?a=%28b%29");
	json_decref(body);
	bot_close(&bot, desk);
}

static void
a_keyword_is_added_where_it_is_missing(void **state)
{
	static const struct {
		const char *more, *ends;
	} cases[] = {
		{ "keyword: 告警\n", " · 告警" },
		{ "keyword: api\n", "api refuses connections" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < 2; i++) {
		struct bot bot;
		json_t *body;

		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, cases[i].more);
		assert_int_equal(desk_send(desk), SEND_OK);
		body = bot_body(&bot, 0);
		assert_true(str_ends(bot_text(body, "card.header.title.content"), cases[i].ends));
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
a_digest_and_a_test_are_cards_too(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;

	bot_write_digest(desk, 3000);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "mention: ou_1\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_string_equal(bot_text(body, ELEMS "0.text.content"), "<at id=ou_1></at>");
	assert_null(strstr(bot_text(body, ELEMS "1.text.content"), "<at"));
	assert_in_range(strlen(strstr(peer_heard(bot.peer, 0), "\r\n\r\n") + 4), 500, 20000);
	json_decref(body);
	bot_close(&bot, desk);
	desk_write(desk, INCIDENT_OPENED);
	xstrset(&desk->notice.type, NOTICE_TEST);
	desk->language = LANG_ZH;
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "mention: ou_1\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_string_equal(bot_text(body, "card.header.template"), "grey");
	assert_non_null(strstr(bot_text(body, "card.header.title.content"), "测试"));
	json_decref(body);
	bot_close(&bot, desk);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "url" },
		{ "url: ftp://example.com/in", "http" },
		{ "url: https://open.feishu.cn/open-apis/bot/hook/x", "/bot/v2/hook/" },
		{ "url: https://open.larksuite.com/", "/bot/v2/hook/" },
		{ "{ url: http://h/in, mention: \"<at>\" }", "mention" },
		{ "{ url: http://h/in, mention: [ou_1, \"\"] }", "mention" },
	};

	bot_check_mistakes(*state, TYPE, cases, sizeof(cases) / sizeof(cases[0]));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(a_card_in_the_colour_of_its_severity),
		T(signs_nothing_with_time_and_secret_as_the_key),
		T(every_code_has_its_meaning),
		T(calls_people_when_it_becomes_critical_only),
		T(a_card_refused_for_its_call_is_sent_without),
		T(what_a_target_said_is_text_and_fits),
		T(a_keyword_is_added_where_it_is_missing),
		T(a_digest_and_a_test_are_cards_too),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
