/*
 * DingTalk: the message as its documentation has it, the signature in the address computed with
 * OpenSSL and not with our own code, what every errcode means, and texts that must not become
 * markup.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "alerts/table.h"
#include "tests/alerts/bot_desk.h"

#define PATH "/robot/send?access_token=566cc69da782ec33"
#define OK   "200 OK\n{\"errcode\":0,\"errmsg\":\"ok\"}"
#define TYPE (&receiver_type_dingtalk)

static void
markdown_with_a_title(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;

	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_true(str_starts(peer_heard(bot.peer, 0), "POST " PATH " HTTP/1.1\r\n"));
	assert_non_null(strstr(peer_heard(bot.peer, 0), "application/json; charset=utf-8"));
	body = bot_body(&bot, 0);
	assert_string_equal(bot_text(body, "msgtype"), "markdown");
	assert_true(str_starts(bot_text(body, "markdown.title"), "🔴 "));
	assert_true(str_starts(bot_text(body, "markdown.text"), "### 🔴 "));
	assert_non_null(strstr(bot_text(body, "markdown.text"), "3f9c2a7d41b8"));
	assert_null(json_object_get(body, "at"));
	json_decref(body);
	bot_close(&bot, desk);
}

/* The value behind `name`, up to the next & or blank, percent-decoded. */
static void
query(const char *request, const char *name, char *out, size_t size)
{
	const char *at = strstr(request, name);
	size_t len = 0;

	assert_non_null(at);
	for (at += strlen(name); strchr("& \r", *at) == NULL && len + 1 < size; at++) {
		unsigned byte = (unsigned char)*at;

		if (*at == '%' && sscanf(at + 1, "%2x", &byte) == 1)
			at += 2;
		out[len++] = (char)byte;
	}
	out[len] = '\0';
}

static void
signs_in_the_address(void **state)
{
	struct desk *desk = *state;

	/* Many, so that + and / and = come up in the base64. */
	for (int i = 0; i < 8; i++) {
		struct bot bot;
		unsigned char mac[EVP_MAX_MD_SIZE], text[96];
		char stamp[64], sign[128], more[64];
		char *content, *secret = xasprintf("SEC%08d", i * 7919);
		unsigned len = 0;

		snprintf(more, sizeof(more), "secret: %s\n", secret);
		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, more);
		assert_int_equal(desk_send(desk), SEND_OK);
		assert_true(str_starts(peer_heard(bot.peer, 0), "POST " PATH "&timestamp="));
		query(peer_heard(bot.peer, 0), "&timestamp=", stamp, sizeof(stamp));
		query(peer_heard(bot.peer, 0), "&sign=", sign, sizeof(sign));
		assert_in_range(strtoll(stamp, NULL, 10), loop_wall(desk->loop) / 1000 - 60000,
			loop_wall(desk->loop) / 1000);
		content = xasprintf("%s\n%s", stamp, secret);
		assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret),
			(unsigned char *)content, strlen(content), mac, &len));
		EVP_EncodeBlock(text, mac, (int)len);
		assert_string_equal(sign, (char *)text);
		assert_null(strstr(desk->transcript, "sign="));
		assert_null(strstr(desk->transcript, "566cc69da782ec33"));
		free(content);
		free(secret);
		bot_close(&bot, desk);
	}
}

static void
every_code_has_its_meaning(void **state)
{
	static const struct bot_case cases[] = {
		{ OK, SEND_OK, SEND_CLASS_NONE, 0, "200" },
		{ "200 OK\n{\"errcode\":310000,\"errmsg\":\"keywords not in content, more: "
		  "[https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "set keyword" },
		{ "200 OK\n{\"errcode\":310000,\"errmsg\":\"sign not match, more: [x]\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "begins with SEC" },
		{ "200 OK\n{\"errcode\":310000,\"errmsg\":\"invalid timestamp\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "clock" },
		{ "200 OK\n{\"errcode\":310000,\"errmsg\":\"ip 1.2.3.4 not in whitelist\"}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "IP addresses" },
		{ "200 OK\n{\"errcode\":310000,\"errmsg\":\"?\"}", SEND_NEVER, SEND_CLASS_AUTH, 0,
			"security settings" },
		{ "200 OK\n{\"errcode\":300001,\"errmsg\":\"token is not exist\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "access_token" },
		{ "200 OK\n{\"errcode\":300005,\"errmsg\":\"token is not exist\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "access_token" },
		{ "200 OK\n{\"errcode\":40035,\"errmsg\":\"缺少参数 access_token\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "access_token" },
		{ "200 OK\n{\"errcode\":40035,\"errmsg\":\"缺少参数 json\"}", SEND_NEVER,
			SEND_CLASS_CLIENT, 0, "code 40035: 缺少参数 json" },
		{ "200 OK\n{\"errcode\":130101,\"errmsg\":\"send too fast, exceed 20 times per "
		  "minute\"}",
			SEND_LATER, SEND_CLASS_RATE, 60, "too many" },
		{ "200 OK\n{\"errcode\":410100,\"errmsg\":\"x\"}", SEND_LATER, SEND_CLASS_RATE, 60,
			"too many" },
		{ "200 OK\n{\"errcode\":-1,\"errmsg\":\"系统繁忙\"}", SEND_LATER, SEND_CLASS_SERVER,
			0, "busy" },
		{ "200 OK\n{\"errcode\":-5,\"errmsg\":\"?\"}", SEND_LATER, SEND_CLASS_SERVER, 0,
			"code -5" },
		{ "200 OK\n{\"errcode\":400102,\"errmsg\":\"机器人已停用\"}", SEND_NEVER,
			SEND_CLASS_AUTH, 0, "enable it" },
		{ "200 OK\n{\"errcode\":460101,\"errmsg\":\"message too long, exceed 20000 "
		  "bytes\"}",
			SEND_NEVER, SEND_CLASS_CLIENT, 0, "too long" },
		{ "200 OK\n{\"errcode\":999001,\"errmsg\":\"接口限流\"}", SEND_LATER,
			SEND_CLASS_RATE, 0, "999001" },
		{ "200 OK\n{\"status\":1111,\"wait\":5,\"source\":\"x5\",\"punish\":\"deny\","
		  "\"uuid\":\"24ce64f6\"}",
			SEND_LATER, SEND_CLASS_SERVER, 5, "no answer of DingTalk" },
		{ "200 OK\n{\"wait\":99999999}", SEND_LATER, SEND_CLASS_SERVER, 3600, "DingTalk" },
		{ "503 Away\r\nRetry-After: 9\n{\"errcode\":300001,\"errmsg\":\"x\"}", SEND_LATER,
			SEND_CLASS_SERVER, 9, "503" },
	};

	bot_check_answers(*state, TYPE, PATH, "", cases, sizeof(cases) / sizeof(cases[0]));
}

static void
people_are_named_in_text_and_list(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;
	static const char more[] = "mention: [\"13800000000\", \"+852-12345678\", all]\n"
				   "mention_users: [manager4321]\n";

	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, more);
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_true(str_ends(
		bot_text(body, "markdown.text"), "@13800000000 @+852-12345678 @all @manager4321 "));
	assert_string_equal(bot_text(body, "at.atMobiles.0"), "13800000000");
	assert_string_equal(bot_text(body, "at.atMobiles.1"), "+852-12345678");
	assert_int_equal(json_array_size(bot_at(body, "at.atMobiles")), 2);
	assert_string_equal(bot_text(body, "at.atUserIds.0"), "manager4321");
	assert_true(json_is_true(bot_at(body, "at.isAtAll")));
	json_decref(body);
	bot_close(&bot, desk);
	desk_write(desk, INCIDENT_ENDED);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, more);
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_null(json_object_get(body, "at"));
	assert_null(strstr(bot_text(body, "markdown.text"), "@138"));
	json_decref(body);
	bot_close(&bot, desk);
}

/* Our own marks taken away, every mark that is left has a backslash before it. */
static void
expect_harmless(const char *text)
{
	bool is_code = false;

	assert_true(str_starts(text, "### "));
	for (const char *c = text + 4; *c != '\0'; c++) {
		if (*c == '`')
			is_code = !is_code;
		else if (*c == '\\' && !is_code)
			c++;
		else if (is_code)
			continue;
		else if (strncmp(c, "[open incident](", 16) == 0)
			c += strcspn(c, ")");
		else if (strncmp(c, "**", 2) == 0)
			c++;
		else if (strchr("*_[]#~<>|&!", *c) != NULL)
			fail_msg("markup is left at: %.60s", c);
	}
	assert_false(is_code);
}

static void
what_a_target_said_is_text_and_fits(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;

	bot_write_hostile(desk);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "keyword: 告警\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_in_range(strlen(strstr(peer_heard(bot.peer, 0), "\r\n\r\n") + 4), 1000, 20000);
	body = bot_body(&bot, 0);
	assert_null(json_object_get(body, "at"));
	expect_harmless(bot_text(body, "markdown.text"));
	assert_non_null(strstr(bot_text(body, "markdown.text"), "\n\n告警"));
	json_decref(body);
	bot_close(&bot, desk);
}

static void
a_digest_and_a_test_are_messages_too(void **state)
{
	struct desk *desk = *state;
	struct bot bot;
	json_t *body;

	bot_write_digest(desk, 3000);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "mention: all\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_in_range(strlen(strstr(peer_heard(bot.peer, 0), "\r\n\r\n") + 4), 500, 20000);
	body = bot_body(&bot, 0);
	assert_true(json_is_true(bot_at(body, "at.isAtAll")));
	json_decref(body);
	bot_close(&bot, desk);
	desk_write(desk, INCIDENT_OPENED);
	xstrset(&desk->notice.type, NOTICE_TEST);
	desk->language = LANG_ZH;
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, "mention: all\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_null(json_object_get(body, "at"));
	assert_non_null(strstr(bot_text(body, "markdown.title"), "测试"));
	json_decref(body);
	bot_close(&bot, desk);
}

static void
never_twenty_in_a_minute(void **state)
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
		{ "url: https://oapi.dingtalk.com/robot/send", "access_token=" },
		{ "{ url: http://h/in, mention: manager }", "mention_users" },
		{ "{ url: http://h/in, mention_users: \"a b\" }", "mention_users" },
		{ "{ url: http://h/in, secret: \" SEC\" }", "blank" },
	};

	bot_check_mistakes(*state, TYPE, cases, sizeof(cases) / sizeof(cases[0]));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(markdown_with_a_title),
		T(signs_in_the_address),
		T(every_code_has_its_meaning),
		T(people_are_named_in_text_and_list),
		T(what_a_target_said_is_text_and_fits),
		T(a_digest_and_a_test_are_messages_too),
		cmocka_unit_test(never_twenty_in_a_minute),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
