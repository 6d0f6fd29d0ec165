/*
 * Slack against a scripted server: what is sent by webhook and by bot, in which order, what is
 * remembered of it, and what each answer means.
 */
#include <jansson.h>

#include "alerts/slack_blocks.h"
#include "alerts/table.h"
#include "tests/alerts/net_desk.h"

#define REPLIES_MAX 4
#define OK_POST     "{\"ok\":true,\"channel\":\"C024BE91L\",\"ts\":\"1503435956.000247\"}"
#define OK_REPLY    "{\"ok\":true,\"channel\":\"C024BE91L\",\"ts\":\"1503435957.000100\"}"
#define TOKEN       "xoxb-1-2-hidden"

struct answer {
	const char *head; /* NULL: "200 OK" */
	const char *body;
};

struct talk {
	struct peer *peer;
	char *texts[REPLIES_MAX];
	struct peer_step steps[REPLIES_MAX][3];
	const struct peer_step *scripts[REPLIES_MAX];
};

static void
talk_open(struct talk *talk, struct desk *desk, const struct answer *answers, unsigned count)
{
	struct peer_options options = { .scripts = talk->scripts, .script_count = count };

	memset(talk, 0, sizeof(*talk));
	for (unsigned i = 0; i < count; i++) {
		talk->texts[i] = xasprintf(
			"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			answers[i].head == NULL ? "200 OK" : answers[i].head,
			strlen(answers[i].body), answers[i].body);
		talk->steps[i][0] = (struct peer_step)PEER_EXPECT("\r\n\r\n{");
		talk->steps[i][1] =
			(struct peer_step)PEER_SEND_BYTES(talk->texts[i], strlen(talk->texts[i]));
		talk->steps[i][2] = (struct peer_step)PEER_END;
		talk->scripts[i] = talk->steps[i];
	}
	talk->peer = peer_open_with(desk->loop, &options);
}

static void
talk_close(struct talk *talk)
{
	peer_free(talk->peer);
	for (unsigned i = 0; i < REPLIES_MAX; i++)
		free(talk->texts[i]);
}

static json_t *
body_of(const struct talk *talk, unsigned n)
{
	const char *body = strstr(peer_heard(talk->peer, n), "\r\n\r\n");
	json_t *json;

	assert_non_null(body);
	json = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	return json;
}

static bool
is_sent(const struct talk *talk, unsigned n, const char *text)
{
	return strstr(peer_heard(talk->peer, n), text) != NULL;
}

static void
configure(struct desk *desk, const struct talk *talk, const char *rest, const char *more)
{
	char *yaml = xasprintf("url: http://%s/%s\n%s", peer_address(talk->peer), rest, more);

	desk_forget(desk);
	assert_int_equal(desk_configure(desk, &receiver_type_slack, yaml), 0);
	free(yaml);
}

#define HOOK "services/T0/B0/hidden"
#define BOT  "api\ntoken: " TOKEN "\nchannel: ops"

static void
next_event(struct desk *desk, enum incident_event_type type, const char *id)
{
	desk_write(desk, type);
	memcpy(desk->notice.id + 4, id, strlen(id));
}

/* ---- incoming webhook ---- */

static void
a_hook_gets_text_and_blocks(void **state)
{
	static const struct answer answers[] = { { NULL, "ok" } };
	struct desk *desk = *state;
	struct talk talk;
	json_t *body;
	const char *text, *colour;

	talk_open(&talk, desk, answers, 1);
	configure(desk, &talk, HOOK, "");
	if (desk_send(desk) != SEND_OK)
		fail_msg("%s", desk->text);
	assert_true(is_sent(&talk, 0, "POST /services/T0/B0/hidden HTTP/1.1\r\n"));
	assert_true(is_sent(&talk, 0, "ontent-type: application/json; charset=utf-8\r\n"));
	body = body_of(&talk, 0);
	assert_int_equal(json_unpack(body, "{s:s, s:[{s:s}]}", "text", &text, "attachments",
				 "color", &colour),
		0);
	assert_string_equal(text, "*🔴 CRITICAL · api refuses connections*");
	assert_string_equal(colour, "#D00000");
	assert_null(json_object_get(body, "channel"));
	assert_null(strstr(desk->transcript, "hidden"));
	assert_null(desk->memory);
	json_decref(body);
	talk_close(&talk);
}

static void
what_a_hook_says_is_understood(void **state)
{
	static const struct {
		struct answer answer;
		enum send_result result;
		enum send_class why;
		const char *words;
	} cases[] = {
		{ { NULL, "ok" }, SEND_OK, SEND_CLASS_NONE, "" },
		{ { NULL, "<html>log in</html>" }, SEND_LATER, SEND_CLASS_SERVER, "not \"ok\"" },
		{ { NULL, "" }, SEND_LATER, SEND_CLASS_SERVER, "not \"ok\"" },
		{ { "400 Bad", "invalid_payload" }, SEND_NEVER, SEND_CLASS_CLIENT, "report" },
		{ { "400 Bad", "user_not_found" }, SEND_NEVER, SEND_CLASS_AUTH, "new one" },
		{ { "403 No", "action_prohibited" }, SEND_NEVER, SEND_CLASS_AUTH, "admin" },
		{ { "403 No", "invalid_token" }, SEND_NEVER, SEND_CLASS_AUTH, "new one" },
		{ { "404 No", "no_service" }, SEND_NEVER, SEND_CLASS_AUTH, "new one" },
		{ { "404 No", "channel_not_found" }, SEND_NEVER, SEND_CLASS_AUTH, "channel" },
		{ { "404 No", "who_knows" }, SEND_NEVER, SEND_CLASS_AUTH, "who_knows" },
		{ { "410 Gone", "channel_is_archived" }, SEND_DISABLE, SEND_CLASS_CLIENT,
			"archived" },
		{ { "429 Slow\r\nRetry-After: 30", "ratelimited" }, SEND_LATER, SEND_CLASS_RATE,
			"fewer" },
		{ { "429 Slow\r\nRetry-After: 30", "" }, SEND_LATER, SEND_CLASS_RATE, "429" },
		{ { "500 Oops", "rollup_error" }, SEND_LATER, SEND_CLASS_SERVER, "Slack's own" },
		{ { "503 Oops", "" }, SEND_LATER, SEND_CLASS_SERVER, "503" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;

		talk_open(&talk, desk, &cases[i].answer, 1);
		configure(desk, &talk, HOOK, "");
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL ||
			strstr(desk->text, "hidden") != NULL)
			fail_msg("%zu: %d %d %s", i, desk->result, desk->class, desk->text);
		if (cases[i].answer.head != NULL && strstr(cases[i].answer.head, "Retry") != NULL)
			assert_int_equal(desk->retry_after_us, 30 * USEC_PER_SEC);
		talk_close(&talk);
	}
}

static void
people_are_pinged_as_set_and_never_else(void **state)
{
	static const struct {
		enum incident_event_type type;
		enum severity severity;
		const char *more, *begins;
	} cases[] = {
		{ INCIDENT_OPENED, SEVERITY_CRITICAL, "mention: [here, U12AB, S3C]",
			"<!here> <@U12AB> <!subteam^S3C> *" },
		{ INCIDENT_OPENED, SEVERITY_WARNING, "mention: here", "*" },
		{ INCIDENT_OPENED, SEVERITY_WARNING, "mention: here\nmention_min_severity: warning",
			"<!here> *" },
		{ INCIDENT_UPDATED, SEVERITY_CRITICAL, "mention: channel", "*" },
		{ INCIDENT_ESCALATED, SEVERITY_CRITICAL, "mention: channel", "<!channel> *" },
		{ INCIDENT_REMINDER, SEVERITY_CRITICAL, "mention: channel", "<!channel> *" },
		{ INCIDENT_ACKED, SEVERITY_CRITICAL, "mention: channel", "*" },
		{ INCIDENT_ENDED, SEVERITY_CRITICAL, "mention: channel", "*" },
	};
	static const struct answer answers[] = { { NULL, "ok" } };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;
		json_t *body;
		const char *text;

		desk_write(desk, cases[i].type);
		desk->notice.severity = cases[i].severity;
		xstrset(&desk->notice.incident.title, "api <!channel> <@U1> says <!here|x>");
		talk_open(&talk, desk, answers, 1);
		configure(desk, &talk, HOOK, cases[i].more);
		assert_int_equal(desk_send(desk), SEND_OK);
		body = body_of(&talk, 0);
		text = json_string_value(json_object_get(body, "text"));
		if (!str_starts(text, cases[i].begins) ||
			strstr(text + strlen(cases[i].begins), "<") != NULL)
			fail_msg("%zu: %s", i, text);
		assert_non_null(strstr(text, "&lt;!channel&gt;"));
		json_decref(body);
		talk_close(&talk);
	}
}

/* ---- bot ---- */

static void
expect_call(const struct talk *talk, unsigned n, const char *method, const char *more)
{
	char line[64];

	snprintf(line, sizeof(line), "POST /api/%s HTTP/1.1\r\n", method);
	if (!is_sent(talk, n, line) || !is_sent(talk, n, "uthorization: Bearer " TOKEN "\r\n") ||
		!is_sent(talk, n, more))
		fail_msg("request %u: %s", n, peer_heard(talk->peer, n));
}

static const char *
memory_of(const struct desk *desk, const char *key)
{
	const char *text = json_string_value(json_object_get(desk->memory, key));

	return text == NULL ? "" : text;
}

static void
a_bot_posts_once_then_edits_and_replies(void **state)
{
	static const struct answer first[] = { { NULL, OK_POST } };
	static const struct answer second[] = { { NULL, OK_POST }, { NULL, OK_REPLY } };
	struct desk *desk = *state;
	struct talk talk;

	talk_open(&talk, desk, first, 1);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_call(&talk, 0, "chat.postMessage", "\"channel\":\"ops\"");
	assert_int_equal(peer_accepted(talk.peer), 1);
	assert_string_equal(memory_of(desk, "ts"), "1503435956.000247");
	assert_string_equal(memory_of(desk, "channel"), "C024BE91L");
	talk_close(&talk);

	next_event(desk, INCIDENT_ENDED, "second");
	talk_open(&talk, desk, second, 2);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_call(&talk, 0, "chat.update", "\"ts\":\"1503435956.000247\"");
	assert_true(is_sent(&talk, 0, "\"channel\":\"C024BE91L\""));
	assert_true(is_sent(&talk, 0, "#2EA44F"));
	expect_call(&talk, 1, "chat.postMessage", "\"thread_ts\":\"1503435956.000247\"");
	assert_true(is_sent(&talk, 1, "\"reply_broadcast\":true"));
	assert_false(is_sent(&talk, 1, "attachments"));
	assert_string_equal(memory_of(desk, "ts"), "1503435956.000247");
	assert_null(strstr(desk->transcript, "xoxb"));
	talk_close(&talk);

	/* The same notice once more: all of it is said. */
	talk_open(&talk, desk, first, 1);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_int_equal(peer_accepted(talk.peer), 0);
	talk_close(&talk);
}

static void
remember(struct desk *desk)
{
	json_decref(desk->memory);
	desk->memory = json_pack("{s:s, s:s, s:s, s:s, s:s}", "to", "ops", "channel", "C024BE91L",
		"ts", "1503435956.000247", "edited", "msg_x", "replied", "msg_x");
}

static void
a_retry_takes_up_where_the_try_failed(void **state)
{
	static const struct answer half[] = { { NULL, OK_POST },
		{ "503 Away\r\nRetry-After: 5", "" } };
	static const struct answer rest[] = { { NULL, OK_REPLY } };
	struct desk *desk = *state;
	struct talk talk;

	remember(desk);
	next_event(desk, INCIDENT_ESCALATED, "again");
	talk_open(&talk, desk, half, 2);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_int_equal(desk->retry_after_us, 5 * USEC_PER_SEC);
	assert_string_equal(memory_of(desk, "edited"), desk->notice.id);
	talk_close(&talk);

	talk_open(&talk, desk, rest, 1);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_int_equal(peer_accepted(talk.peer), 1);
	expect_call(&talk, 0, "chat.postMessage", "\"thread_ts\"");
	assert_string_equal(memory_of(desk, "replied"), desk->notice.id);
	talk_close(&talk);
}

static void
a_message_that_is_gone_is_posted_anew(void **state)
{
	static const struct {
		struct answer answers[3];
		unsigned count;
		const char *last; /* method of the last call */
	} cases[] = {
		{ { { NULL, "{\"ok\":false,\"error\":\"message_not_found\"}" },
			  { NULL, OK_REPLY } },
			2, "\"text\"" },
		{ { { NULL, "{\"ok\":false,\"error\":\"channel_not_found\"}" },
			  { NULL, OK_REPLY } },
			2, "\"text\"" },
		{ { { NULL, OK_POST }, { NULL, "{\"ok\":false,\"error\":\"thread_not_found\"}" },
			  { NULL, OK_REPLY } },
			3, "attachments" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;

		remember(desk);
		next_event(desk, INCIDENT_UPDATED, "third");
		talk_open(&talk, desk, cases[i].answers, cases[i].count);
		configure(desk, &talk, BOT, "");
		assert_int_equal(desk_send(desk), SEND_OK);
		expect_call(&talk, cases[i].count - 1, "chat.postMessage", cases[i].last);
		assert_false(is_sent(&talk, cases[i].count - 1, "thread_ts"));
		assert_string_equal(memory_of(desk, "ts"), "1503435957.000100");
		talk_close(&talk);
	}
}

static void
another_channel_is_another_message(void **state)
{
	static const struct answer answers[] = { { NULL, OK_POST } };
	struct desk *desk = *state;
	struct talk talk;

	remember(desk);
	json_object_set_new(desk->memory, "to", json_string("elsewhere"));
	next_event(desk, INCIDENT_UPDATED, "fourth");
	talk_open(&talk, desk, answers, 1);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_call(&talk, 0, "chat.postMessage", "\"channel\":\"ops\"");
	talk_close(&talk);
}

static void
what_cannot_be_edited_is_told_in_the_thread(void **state)
{
	static const struct answer answers[] = {
		{ NULL, "{\"ok\":false,\"error\":\"edit_window_closed\"}" }, { NULL, OK_REPLY }
	};
	struct desk *desk = *state;
	struct talk talk;

	remember(desk);
	next_event(desk, INCIDENT_ENDED, "fifth");
	talk_open(&talk, desk, answers, 2);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	expect_call(&talk, 1, "chat.postMessage", "\"thread_ts\":\"1503435956.000247\"");
	talk_close(&talk);
}

static void
what_the_api_says_is_understood(void **state)
{
	static const struct {
		struct answer answer;
		enum send_result result;
		enum send_class why;
		const char *words;
	} cases[] = {
		{ { NULL, OK_POST }, SEND_OK, SEND_CLASS_NONE, "" },
		{ { NULL, "{\"ok\":true}" }, SEND_OK, SEND_CLASS_NONE, "" },
		{ { NULL, "{\"ok\":\"true\"}" }, SEND_LATER, SEND_CLASS_SERVER, "API" },
		{ { NULL, "ok" }, SEND_LATER, SEND_CLASS_SERVER, "API" },
		{ { NULL, "[]" }, SEND_LATER, SEND_CLASS_SERVER, "API" },
		{ { "200 OK\r\nRetry-After: 9", "{\"ok\":false,\"error\":\"ratelimited\"}" },
			SEND_LATER, SEND_CLASS_RATE, "ratelimited" },
		{ { "429 Slow\r\nRetry-After: 9", "{\"ok\":false,\"error\":\"ratelimited\"}" },
			SEND_LATER, SEND_CLASS_RATE, "ratelimited" },
		{ { NULL, "{\"ok\":false,\"error\":\"fatal_error\"}" }, SEND_LATER,
			SEND_CLASS_SERVER, "own trouble" },
		{ { NULL, "{\"ok\":false,\"error\":\"internal_error\"}" }, SEND_LATER,
			SEND_CLASS_SERVER, "own trouble" },
		{ { "500 Oops", "{\"ok\":false,\"error\":\"invalid_auth\"}" }, SEND_LATER,
			SEND_CLASS_SERVER, "invalid_auth" },
		{ { NULL, "{\"ok\":false,\"error\":\"invalid_auth\"}" }, SEND_NEVER,
			SEND_CLASS_AUTH, "copy the Bot" },
		{ { NULL, "{\"ok\":false,\"error\":\"not_in_channel\"}" }, SEND_NEVER,
			SEND_CLASS_AUTH, "/invite" },
		{ { NULL, "{\"ok\":false,\"error\":\"channel_not_found\"}" }, SEND_NEVER,
			SEND_CLASS_AUTH, "id" },
		{ { NULL, "{\"ok\":false,\"error\":\"missing_scope\"}" }, SEND_NEVER,
			SEND_CLASS_AUTH, "chat:write" },
		{ { NULL, "{\"ok\":false,\"error\":\"brand_new " TOKEN "\"}" }, SEND_NEVER,
			SEND_CLASS_CLIENT, "brand_new" },
		{ { "404 No", "not here" }, SEND_NEVER, SEND_CLASS_AUTH, "404" },
	};
	struct desk *desk = *state;
	struct secret_set *secrets = secret_set_new();

	secret_set_add(secrets, TOKEN);
	desk->env.secrets = secrets;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;

		json_decref(desk->memory);
		desk->memory = NULL;
		talk_open(&talk, desk, &cases[i].answer, 1);
		configure(desk, &talk, BOT, "");
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL ||
			strstr(desk->text, "hidden") != NULL ||
			strstr(desk->transcript, "hidden") != NULL)
			fail_msg("%zu: %d %d %s", i, desk->result, desk->class, desk->text);
		if (cases[i].answer.head != NULL && strstr(cases[i].answer.head, "Retry") != NULL)
			assert_int_equal(desk->retry_after_us, 9 * USEC_PER_SEC);
		talk_close(&talk);
	}
	desk->env.secrets = NULL;
	secret_set_free(secrets);
}

/* Who is let in again finds the message that still stands there. */
static void
what_cannot_be_reached_is_not_forgotten(void **state)
{
	static const struct answer out[] = {
		{ NULL, "{\"ok\":false,\"error\":\"channel_not_found\"}" },
		{ NULL, "{\"ok\":false,\"error\":\"channel_not_found\"}" },
	};
	struct desk *desk = *state;
	struct talk talk;
	char ts[32];

	remember(desk);
	str_copy(ts, sizeof(ts), memory_of(desk, "ts"));
	next_event(desk, INCIDENT_ENDED, "third");
	talk_open(&talk, desk, out, 2);
	configure(desk, &talk, BOT, "");
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_string_equal(memory_of(desk, "ts"), ts);
	talk_close(&talk);
}

/* ---- limits ---- */

static void
check_text(const json_t *object, size_t max)
{
	const char *text = json_string_value(json_object_get(object, "text"));

	assert_non_null(text);
	assert_true(*text != '\0');
	assert_in_range(message_measure(text, UNIT_UTF16), 1, max);
	/* Else Slack reads mentions out of plain names. */
	if (str_eq(json_string_value(json_object_get(object, "type")), "mrkdwn"))
		assert_true(json_is_true(json_object_get(object, "verbatim")));
}

static void
check_block(const json_t *block)
{
	const char *type = json_string_value(json_object_get(block, "type"));
	size_t i;
	json_t *one;

	if (str_eq(type, "context")) {
		check_text(json_array_get(json_object_get(block, "elements"), 0), 3000);
		return;
	}
	assert_string_equal(type, "section");
	if (json_object_get(block, "text") != NULL)
		check_text(json_object_get(block, "text"), 3000);
	json_array_foreach(json_object_get(block, "fields"), i, one) check_text(one, 2000);
}

static void
check_limits(const struct notice *notice, enum language language)
{
	struct message *m = message_new(notice, "web-1", language);
	json_t *body = slack_message(m, "<!here> "), *block;
	const json_t *attachment = json_array_get(json_object_get(body, "attachments"), 0);
	char *reply = slack_reply(m, notice, "");
	size_t i;

	check_text(body, 4000);
	assert_in_range(strlen(reply), 1, 12000);
	assert_in_range(json_array_size(json_object_get(attachment, "blocks")), 1, 50);
	json_array_foreach(json_object_get(attachment, "blocks"), i, block) check_block(block);
	free(reply);
	json_decref(body);
	message_free(m);
}

static void
no_text_is_too_long(void **state)
{
	static const char *const pieces[] = { "x", "&", "<!channel> ", "🔴", "说", "*_~`", "\n" };
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct buf long_text;

		buf_init(&long_text, 0);
		while (buf_left(&long_text) < 1024 * 1024)
			buf_add_text(&long_text, pieces[i]);
		for (int type = 0; type < INCIDENT_EVENT_TYPES; type++) {
			const char *text = buf_text(&long_text);

			desk_write(desk, (enum incident_event_type)type);
			xstrset(&incident->title, text);
			xstrset(&incident->summary, text);
			xstrset(&incident->target, text);
			xstrset(&incident->host, text);
			xstrset(&incident->cause_title, text);
			xstrset(&incident->explanation, text);
			xstrset(&incident->acked_by, text);
			xstrset(&incident->ack_note, text);
			xstrset(&incident->runbook_url, text);
			xstrset(&desk->notice.reason, "facts");
			incident_add_text(&incident->facts, text, text, 0);
			incident_add_text(&incident->remedy, "systemctl start x", text, 0);
			check_limits(&desk->notice, (enum language)(type % 2));
		}
		buf_fini(&long_text);
	}
}

/* An address can be touched, and a name beside it calls nobody. */
static void
addresses_are_links_and_names_are_not(void **state)
{
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;
	struct message *m;
	json_t *body;
	char *text;

	incident_add_text(
		&incident->remedy, "", "ask @channel or @here, see http://w/a_b?c=1&d=<2>.", 0);
	xstrset(&incident->runbook_url, "https://wiki.example.com/run_book?a=1&b=2");
	m = message_new(&desk->notice, "web-1", LANG_EN);
	body = slack_message(m, "");
	text = json_dumps(body, JSON_COMPACT);
	assert_non_null(strstr(text, "<https://wiki.example.com/run_book?a=1&amp;b=2>"));
	assert_non_null(strstr(text, "see <http://w/a_b?c=1&amp;d=>&lt;2&gt;."));
	assert_null(strstr(text, "\"verbatim\":false"));
	check_limits(&desk->notice, LANG_EN);
	free(text);
	json_decref(body);
	message_free(m);
}

static void
a_command_is_whole_or_not_there(void **state)
{
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;
	struct buf command;
	char *sent;

	buf_init(&command, 0);
	for (int i = 0; i < 240; i++)
		buf_add_text(&command, "rm -r");
	incident_add_text(&incident->remedy, "echo '<a> & b' > c", "look", 0);
	for (int i = 0; i < 2; i++) {
		struct message *m = message_new(&desk->notice, "web-1", LANG_EN);
		json_t *body = slack_message(m, "");

		sent = json_dumps(body, JSON_COMPACT);
		if (i == 0)
			assert_non_null(strstr(sent, "\\n```echo '&lt;a&gt; &amp; b' &gt; c```\""));
		else
			assert_null(strstr(sent, "rm -r"));
		free(sent);
		json_decref(body);
		message_free(m);
		xstrset(&incident->remedy.all[0].name, buf_text(&command));
	}
	buf_fini(&command);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "set it to an incoming webhook" },
		{ "{ url: http://h/services/a, channel: ops }", "channel it was made for" },
		{ "{ token: xoxb-1 }", "needs a channel" },
		{ "{ token: xoxp-1, channel: ops }", "xoxb-" },
		{ "{ token: \"xoxb-1\\r\\nx: y\", channel: ops }", "no token has" },
		{ "{ token: xoxb-1, channel: ops, url: \"https://hooks.slack.com/services/a\" }",
			"take out url" },
		{ "{ url: http://h/services/a, mention: [bob] }", "\"bob\"" },
		{ "{ url: http://h/services/a, mention: [\"U1>\"] }", "neither" },
		{ "{ url: http://h/services/a, mention_min_severity: bad }", "mention_min" },
		{ "{ url: ftp://h/services/a }", "http" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned errors = desk_configure(desk, &receiver_type_slack, cases[i][0]);
		struct buf text;

		buf_init(&text, 0);
		complaints_print(desk->complaints, &text);
		if (errors < 1 || strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		desk_forget(desk);
	}
}

static void
a_bot_needs_no_url(void **state)
{
	struct desk *desk = *state;
	char text[128];

	assert_int_equal(desk_configure(desk, &receiver_type_slack,
				 "{ token: xoxb-1, channel: C1, mention: [everyone, W12] }"),
		0);
	receiver_type_slack.target(desk->conf, text, sizeof(text));
	assert_string_equal(text, "https://slack.com, channel C1");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(a_hook_gets_text_and_blocks),
		T(what_a_hook_says_is_understood),
		T(people_are_pinged_as_set_and_never_else),
		T(a_bot_posts_once_then_edits_and_replies),
		T(a_retry_takes_up_where_the_try_failed),
		T(a_message_that_is_gone_is_posted_anew),
		T(another_channel_is_another_message),
		T(what_cannot_be_edited_is_told_in_the_thread),
		T(what_the_api_says_is_understood),
		T(what_cannot_be_reached_is_not_forgotten),
		T(no_text_is_too_long),
		T(addresses_are_links_and_names_are_not),
		T(a_command_is_whole_or_not_there),
		T(mistakes_are_named),
		T(a_bot_needs_no_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
