/*
 * PagerDuty: the events as Events API v2 has them, one key from the first to the last event of an
 * incident, the answers' meaning, and events that stay within their size.
 */
#include "alerts/table.h"
#include "tests/alerts/bot_desk.h"

#define KEY  "R0123456789ABCDEFabcdef012345678"
#define PATH "/v2/enqueue"
#define OK                                                                                         \
	"202 Accepted\n{\"status\":\"success\",\"message\":\"Event "                               \
	"processed\",\"dedup_key\":\"x\"}"
#define MORE "routing_key: " KEY "\n"
#define TYPE (&receiver_type_pagerduty)

static struct secret_set *
hide_key(struct desk *desk)
{
	struct secret_set *secrets = secret_set_new();

	conf_secrets(TYPE->fields, desk->conf, secrets);
	desk->env.secrets = secrets;
	return secrets;
}

static void
a_trigger_says_it_all(void **state)
{
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;
	struct secret_set *secrets;
	struct bot bot;
	json_t *body;

	xstrset(&incident->url, "https://status.example.com/#/incidents/3f9c2a7d41b8");
	xstrset(&incident->runbook_url, "https://wiki.example.com/api");
	xstrset(&incident->target, "http://127.0.0.1:3000/");
	incident->alerts = xcalloc(2, sizeof(*incident->alerts));
	for (; incident->alert_count < 2; incident->alert_count++) /* of two rules */
		incident->alerts[incident->alert_count] = (struct incident_alert){
			.check = xstrdup("shop"), .rule = xstrdup("r"), .is_firing = true
		};
	incident_add_text(&incident->facts, "unit", "api.service: failed, exit 1", 0);
	incident_add_text(&incident->facts, "log-tail", "first", 0);
	incident_add_text(&incident->facts, "log-tail", "second", 0);
	incident_add_text(&incident->remedy, "journalctl -u api", "read why it stopped", 0);
	incident->values = json_pack("{s:f}", "connect_time", 0.0002);
	incident->labels = json_pack("{s:s}", "group", "shop");
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, MORE);
	secrets = hide_key(desk);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_true(str_starts(peer_heard(bot.peer, 0), "POST " PATH " HTTP/1.1\r\n"));
	body = bot_body(&bot, 0);
	assert_string_equal(bot_text(body, "routing_key"), KEY);
	assert_string_equal(bot_text(body, "event_action"), "trigger");
	assert_string_equal(bot_text(body, "dedup_key"), "triaged/3f9c2a7d41b8");
	assert_string_equal(bot_text(body, "client"), "triaged");
	assert_string_equal(bot_text(body, "client_url"), incident->url);
	assert_non_null(strstr(bot_text(body, "payload.summary"), "api refuses connections"));
	assert_string_equal(bot_text(body, "payload.source"), "web-1");
	assert_string_equal(bot_text(body, "payload.severity"), "critical");
	assert_string_equal(bot_text(body, "payload.timestamp"), "2026-01-02T03:04:05.000Z");
	assert_string_equal(bot_text(body, "payload.component"), "api");
	assert_string_equal(bot_text(body, "payload.group"), "shop");
	assert_string_equal(bot_text(body, "payload.class"), "net.refused");
	assert_string_equal(
		bot_text(body, "payload.custom_details.facts.unit"), "api.service: failed, exit 1");
	assert_string_equal(
		bot_text(body, "payload.custom_details.facts.log-tail"), "first\nsecond");
	assert_non_null(strstr(peer_heard(bot.peer, 0), "\"connect_time\":0.0002}"));
	assert_non_null(strstr(peer_heard(bot.peer, 0), "\"impact\":[\"shop\"]"));
	assert_string_equal(bot_text(body, "payload.custom_details.remedy.0"),
		"read why it stopped: journalctl -u api");
	assert_string_equal(bot_text(body, "links.0.href"), incident->url);
	assert_string_equal(bot_text(body, "links.1.href"), "https://wiki.example.com/api");
	assert_string_equal(bot_text(body, "links.1.text"), "runbook");
	assert_null(strstr(desk->transcript, KEY));
	json_decref(body);
	bot_close(&bot, desk);
	secret_set_free(secrets);
}

static void
one_key_from_the_first_to_the_last_event(void **state)
{
	static const struct {
		enum incident_event_type type;
		const char *action, *severity;
		enum severity level;
	} cases[] = {
		{ INCIDENT_OPENED, "trigger", "warning", SEVERITY_WARNING },
		{ INCIDENT_ESCALATED, "trigger", "critical", SEVERITY_CRITICAL },
		{ INCIDENT_DEESCALATED, "trigger", "info", SEVERITY_INFO },
		{ INCIDENT_UPDATED, "trigger", "critical", SEVERITY_CRITICAL },
		{ INCIDENT_REMINDER, "trigger", "critical", SEVERITY_CRITICAL },
		{ INCIDENT_ACKED, "acknowledge", NULL, SEVERITY_CRITICAL },
		{ INCIDENT_ENDED, "resolve", NULL, SEVERITY_CRITICAL },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bot bot;
		json_t *body;

		bot_open_one(&bot, desk, OK);
		bot_configure(&bot, desk, TYPE, PATH, MORE);
		desk_write(desk, cases[i].type);
		desk->notice.severity = cases[i].level;
		assert_int_equal(desk_send(desk), SEND_OK);
		body = bot_body(&bot, 0);
		assert_string_equal(bot_text(body, "event_action"), cases[i].action);
		assert_string_equal(bot_text(body, "dedup_key"), "triaged/3f9c2a7d41b8");
		if (cases[i].severity != NULL)
			assert_string_equal(bot_text(body, "payload.severity"), cases[i].severity);
		else
			assert_int_equal(json_object_size(body), 3);
		json_decref(body);
		bot_close(&bot, desk);
	}
}

static void
a_test_is_opened_and_closed(void **state)
{
	static const char *const fails[] = { OK, "500 Oops\n" };
	struct desk *desk = *state;
	struct bot bot;
	json_t *first, *second;

	xstrset(&desk->notice.type, NOTICE_TEST);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, MORE);
	assert_int_equal(desk_send(desk), SEND_OK);
	first = bot_body(&bot, 0);
	second = bot_body(&bot, 1);
	assert_string_equal(bot_text(first, "event_action"), "trigger");
	assert_string_equal(bot_text(first, "payload.severity"), "info");
	assert_string_equal(bot_text(first, "payload.class"), "test");
	assert_string_equal(bot_text(second, "event_action"), "resolve");
	assert_string_equal(bot_text(first, "dedup_key"), bot_text(second, "dedup_key"));
	assert_non_null(strstr(desk->transcript, "resolve"));
	json_decref(first);
	json_decref(second);
	bot_close(&bot, desk);
	bot_open(&bot, desk, fails, 2);
	bot_configure(&bot, desk, TYPE, PATH, MORE);
	assert_int_equal(desk_send(desk), SEND_LATER);
	bot_close(&bot, desk);
}

static void
every_answer_has_its_meaning(void **state)
{
	static const struct bot_case cases[] = {
		{ OK, SEND_OK, SEND_CLASS_NONE, 0, "202" },
		{ "202 Accepted\n", SEND_OK, SEND_CLASS_NONE, 0, "202" },
		{ "200 OK\n{\"status\":\"success\"}", SEND_OK, SEND_CLASS_NONE, 0, "200" },
		{ "200 OK\n<html>log in</html>", SEND_LATER, SEND_CLASS_SERVER, 0,
			"no answer of PagerDuty" },
		{ "400 Bad Request\n{\"status\":\"invalid event\",\"message\":\"Event object is "
		  "invalid\",\"errors\":[\"Length of 'routing_key' is incorrect (should be 32 "
		  "characters)\"]}",
			SEND_NEVER, SEND_CLASS_AUTH, 0, "into routing_key" },
		{ "400 Bad Request\n{\"status\":\"invalid event\",\"message\":\"Event object is "
		  "invalid\",\"errors\":[\"'payload.source' is missing or blank\",\"more\"]}",
			SEND_NEVER, SEND_CLASS_CLIENT, 0,
			"'payload.source' is missing or blank: more" },
		{ "400 Bad Request\n{\"status\":\"invalid "
		  "event\",\"message\":\"so\",\"errors\":[]}",
			SEND_NEVER, SEND_CLASS_CLIENT, 0, "so" },
		{ "400 Bad Request\n\x01\x02", SEND_NEVER, SEND_CLASS_CLIENT, 0, "400" },
		{ "403 Forbidden\n", SEND_NEVER, SEND_CLASS_AUTH, 0, "403" },
		{ "404 Not Found\nno", SEND_NEVER, SEND_CLASS_AUTH, 0, "no" },
		{ "429 Too Many\r\nRetry-After: 30\n{}", SEND_LATER, SEND_CLASS_RATE, 30, "429" },
		{ "500 Oops\n", SEND_LATER, SEND_CLASS_SERVER, 0, "500" },
	};

	bot_check_answers(*state, TYPE, PATH, MORE, cases, sizeof(cases) / sizeof(cases[0]));
}

static void
the_key_is_shown_nowhere(void **state)
{
	static const char answer[] = "400 Bad\n{\"errors\":[\"no such routing_key " KEY " here\"]}";
	struct desk *desk = *state;
	struct secret_set *secrets;
	struct bot bot;

	bot_open_one(&bot, desk, answer);
	bot_configure(&bot, desk, TYPE, PATH, MORE);
	secrets = hide_key(desk);
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_null(strstr(desk->text, KEY));
	assert_null(strstr(desk->transcript, KEY));
	assert_non_null(strstr(desk->text, "no such routing_key ***"));
	bot_close(&bot, desk);
	secret_set_free(secrets);
}

static size_t
characters(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* With as much as an incident can hold, and more. */
static void
an_event_fits(void **state)
{
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;
	struct bot bot;
	size_t all;
	json_t *body;

	bot_write_hostile(desk);
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, MORE);
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_true(characters(bot_text(body, "payload.summary")) <= 1024);
	assert_non_null(bot_at(body, "payload.custom_details.facts.log"));
	all = strlen(strstr(peer_heard(bot.peer, 0), "\r\n\r\n") + 4);
	assert_in_range(all, 5000, 60000);
	json_decref(body);
	bot_close(&bot, desk);

	incident->values = json_object();
	for (int i = 0; i < 60000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "a_metric_%d", i);
		json_object_set_new(incident->values, name, json_integer(i));
	}
	bot_open_one(&bot, desk, OK);
	bot_configure(&bot, desk, TYPE, PATH, MORE);
	assert_int_equal(desk_send(desk), SEND_OK);
	body = bot_body(&bot, 0);
	assert_null(bot_at(body, "payload.custom_details.facts"));
	assert_null(bot_at(body, "payload.custom_details.values"));
	assert_non_null(bot_at(body, "payload.custom_details.remedy"));
	assert_non_null(bot_at(body, "payload.summary"));
	json_decref(body);
	bot_close(&bot, desk);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "routing_key" },
		{ "routing_key: hunter22", "32 letters and digits" },
		{ "routing_key: \"0123456789abcdef0123456789abcde-\"", "Integration Key" },
		{ "{ routing_key: " KEY ", url: ftp://h/ }", "http" },
		{ "{ routing_key: " KEY ", keyword: x }", "keyword" },
	};
	struct desk *desk = *state;

	bot_check_mistakes(desk, TYPE, cases, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(desk_configure(desk, TYPE, MORE), 0);
	assert_false(TYPE->is_for_people);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(a_trigger_says_it_all),
		T(one_key_from_the_first_to_the_last_event),
		T(a_test_is_opened_and_closed),
		T(every_answer_has_its_meaning),
		T(the_key_is_shown_nowhere),
		T(an_event_fits),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
