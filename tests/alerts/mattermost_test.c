/* Mattermost against a scripted server: the post, its Markdown, and what each answer means. */
#include <jansson.h>

#include "alerts/table.h"
#include "tests/alerts/net_desk.h"

#define PATH "/hooks/hidden"

static json_t *
send_to(struct desk *desk, const char *head, const char *body, const char *more)
{
	char *text = xasprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		head, strlen(body), body);
	const struct peer_step script[] = {
		PEER_EXPECT("\r\n\r\n{"),
		PEER_SEND_BYTES(text, strlen(text)),
		PEER_END,
	};
	struct peer *peer = peer_open(desk->loop, script);
	char *yaml = xasprintf("url: http://%s" PATH "\n%s", peer_address(peer), more);
	json_t *sent;

	assert_int_equal(desk_configure(desk, &receiver_type_mattermost, yaml), 0);
	desk_send(desk);
	sent = json_loads(
		strstr(peer_heard(peer, 0), "\r\n\r\n") + 4, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(sent);
	assert_null(strstr(desk->text, "hidden"));
	assert_null(strstr(desk->transcript, "hidden"));
	desk_forget(desk);
	peer_free(peer);
	free(yaml);
	free(text);
	return sent;
}

static void
posts_text_and_an_attachment(void **state)
{
	struct desk *desk = *state;
	const char *title, *fallback, *colour, *text, *channel;
	json_t *sent;

	incident_add_text(&desk->notice.incident.remedy, "systemctl status a*b", "look", 0);
	sent = send_to(desk, "200 OK", "ok", "channel: town-square");
	assert_int_equal(desk->result, SEND_OK);
	assert_int_equal(json_unpack(sent, "{s:s, s:s, s:[{s:s, s:s, s:s}]}", "text", &title,
				 "channel", &channel, "attachments", "fallback", &fallback, "color",
				 &colour, "text", &text),
		0);
	assert_string_equal(title, "**🔴 CRITICAL · api refuses connections**");
	assert_string_equal(fallback, title);
	assert_string_equal(colour, "#D00000");
	assert_string_equal(channel, "town-square");
	assert_true(str_starts(text, "127.0.0.1:3000 refused\n"));
	assert_non_null(strstr(text, "**What to do**: look\n```\nsystemctl status a*b\n```\n"));
	json_decref(sent);
}

static void
nothing_pings_and_nothing_is_markup(void **state)
{
	static const char hostile[] = "@here (@all) *@channel* [x](http://evil) <script> "
				      "# head `tick` a@b.example";
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;
	json_t *sent;
	char *text;

	xstrset(&incident->title, hostile);
	xstrset(&incident->summary, "@all of it");
	incident_add_text(&incident->facts, "said", "```\n@everyone\n# head\n- item", 0);
	incident_add_text(&incident->remedy, "echo ```@here```", "look", 0);
	sent = send_to(desk, "200 OK", "ok", "");
	text = json_dumps(sent, JSON_COMPACT);
	for (const char *at = strchr(text, '@'); at != NULL; at = strchr(at + 1, '@')) {
		bool is_address = str_starts(at, "@b.example");
		bool is_code = str_starts(at - 1, "`@here");

		if (!is_address && !is_code && !str_starts(at + 1, "\xe2\x80\x8b"))
			fail_msg("%s", at);
	}
	assert_null(strstr(text, " [x]("));
	assert_null(strstr(text, " <script"));
	assert_non_null(strstr(text, "\\\\# head"));
	assert_null(strstr(text, "echo ```"));
	free(text);
	json_decref(sent);
}

static void
addresses_stay_links(void **state)
{
	struct desk *desk = *state;
	json_t *sent;
	char *text;

	incident_add_text(&desk->notice.incident.remedy, "", "read on", 0);
	xstrset(&desk->notice.incident.runbook_url, "https://wiki.example.com/run_book/@here?a=1");
	sent = send_to(desk, "200 OK", "ok", "");
	text = json_dumps(sent, JSON_COMPACT);
	assert_non_null(strstr(text, "https://wiki.example.com/run_book/%40here?a=1"));
	free(text);
	json_decref(sent);
}

static void
no_text_is_too_long(void **state)
{
	struct desk *desk = *state;
	struct buf text;
	json_t *sent;
	const char *said;

	buf_init(&text, 0);
	while (buf_left(&text) < 1024 * 1024)
		buf_add_text(&text, "*说🔴 ");
	xstrset(&desk->notice.incident.title, buf_text(&text));
	xstrset(&desk->notice.incident.explanation, buf_text(&text));
	incident_add_text(&desk->notice.incident.facts, "f", buf_text(&text), 0);
	buf_fini(&text);
	sent = send_to(desk, "200 OK", "ok", "");
	assert_int_equal(json_unpack(sent, "{s:[{s:s}]}", "attachments", "text", &said), 0);
	assert_in_range(strlen(said), 100, 4 * 4000);
	assert_in_range(strlen(json_string_value(json_object_get(sent, "text"))), 10, 4000);
	json_decref(sent);
}

static void
what_it_says_is_understood(void **state)
{
	static const struct {
		const char *head, *body;
		enum send_result result;
		enum send_class why;
		const char *words;
	} cases[] = {
		{ "200 OK", "ok", SEND_OK, SEND_CLASS_NONE, "" },
		{ "200 OK", "<html>", SEND_LATER, SEND_CLASS_SERVER, "not \"ok\"" },
		{ "400 Bad",
			"{\"id\":\"web.incoming_webhook.invalid.app_error\",\"message\":\"Invalid "
			"webhook.\",\"status_code\":400}",
			SEND_NEVER, SEND_CLASS_AUTH, "new one" },
		{ "403 No",
			"{\"id\":\"web.incoming_webhook.channel_locked.app_error\",\"message\":"
			"\"x\"}",
			SEND_NEVER, SEND_CLASS_AUTH, "locked" },
		{ "501 No",
			"{\"id\":\"web.incoming_webhook.disabled.app_error\",\"message\":\"x\"}",
			SEND_NEVER, SEND_CLASS_AUTH, "switched off" },
		{ "400 Bad", "{\"id\":\"who.knows\",\"message\":\"Something else.\"}", SEND_NEVER,
			SEND_CLASS_CLIENT, "Something else." },
		{ "429 Slow\r\nRetry-After: 3", "limit exceeded", SEND_LATER, SEND_CLASS_RATE,
			"limit" },
		{ "500 Oops", "{\"id\":\"x\",\"message\":\"y\"}", SEND_LATER, SEND_CLASS_SERVER,
			"y" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_decref(send_to(desk, cases[i].head, cases[i].body, ""));
		if (desk->result != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL)
			fail_msg("%zu: %d %d %s", i, desk->result, desk->class, desk->text);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(posts_text_and_an_attachment),
		T(nothing_pings_and_nothing_is_markup),
		T(addresses_stay_links),
		T(no_text_is_too_long),
		T(what_it_says_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
