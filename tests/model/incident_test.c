/* The incident as a value: the object of the contract, and its stored form against all odds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/incident.h"

#define T0 (INT64_C(1767323045678) * USEC_PER_MSEC) /* 2026-01-02T03:04:05.678Z */

static struct incident_alert *
add_alert(struct incident *i, const char *check, const char *rule, bool is_firing)
{
	i->alerts = xreallocarray(i->alerts, i->alert_count + 1, sizeof(*i->alerts));
	struct incident_alert *alert = &i->alerts[i->alert_count++];
	*alert = (struct incident_alert){
		.check = xstrdup(check),
		.rule = xstrdup(rule),
		.severity = SEVERITY_WARNING,
		.since_us = T0,
		.is_firing = is_firing,
		.text = xstrdup("it is so"),
	};
	return alert;
}

static void
make_full(struct incident *i)
{
	incident_init(i);
	strcpy(i->id, "3f9c2a7d41b8");
	i->severity = SEVERITY_CRITICAL;
	i->host = xstrdup("web-1");
	i->title = xstrdup("Redis refuses connections");
	i->summary = xstrdup("nothing listens on 127.0.0.1:6379");
	i->check = xstrdup("cache");
	i->type = xstrdup("redis");
	i->target = xstrdup("redis://127.0.0.1:6379/0");
	i->rule = xstrdup("check-down");
	i->cause_code = xstrdup("net.refused");
	i->playbook = xstrdup("redis-stopped");
	i->cause_title = xstrdup("the Redis server is not running");
	i->explanation = xstrdup("It stopped.");
	i->confidence = xstrdup("certain");
	add_alert(i, "cache", "check-down", true);
	add_alert(i, "api", "check-down", true);
	add_alert(i, "web", "check-down", false);
	incident_add_text(&i->facts, "unit", "redis-server.service: failed", T0);
	incident_add_text(&i->remedy, "journalctl -u redis-server", "read why it stopped", 0);
	incident_add_text(&i->remedy, NULL, "start it", 0);
	incident_add_text(&i->timeline, "opened", "first", T0);
	i->values = json_pack("{s:f}", "connect_time", 0.0002);
	i->labels = json_pack("{s:s}", "team", "core");
	i->url = xstrdup("http://127.0.0.1:8421/api/v1/incidents/3f9c2a7d41b8");
	i->started_us = T0;
	i->detected_us = T0 + 2 * USEC_PER_SEC;
	i->sequence = 3;
	i->reopened = 1;
	i->is_flapping = true;
}

static void
assert_json(json_t *found, const char *wanted)
{
	char *text = json_dumps(found, JSON_COMPACT | JSON_REAL_PRECISION(15));
	assert_string_equal(text, wanted);
	free(text);
	json_decref(found);
}

static void
test_object_is_the_contract_s(void **state)
{
	(void)state;
	struct incident i;
	make_full(&i);
	assert_json(incident_json(&i, T0 + 1500 * USEC_PER_MSEC),
		"{\"id\":\"3f9c2a7d41b8\",\"status\":\"open\",\"severity\":\"critical\","
		"\"host\":\"web-1\",\"title\":\"Redis refuses connections\","
		"\"summary\":\"nothing listens on 127.0.0.1:6379\",\"check\":\"cache\","
		"\"type\":\"redis\",\"target\":\"redis://127.0.0.1:6379/0\","
		"\"rule\":\"check-down\",\"cause\":{\"code\":\"net.refused\","
		"\"playbook\":\"redis-stopped\",\"title\":\"the Redis server is not running\","
		"\"explanation\":\"It stopped.\",\"confidence\":\"certain\"},"
		"\"impact\":[{\"check\":\"api\",\"rule\":\"check-down\","
		"\"since\":\"2026-01-02T03:04:05.678Z\"}],"
		"\"facts\":[{\"name\":\"unit\",\"text\":\"redis-server.service: failed\","
		"\"at\":\"2026-01-02T03:04:05.678Z\"}],"
		"\"remedy\":[{\"text\":\"read why it stopped\","
		"\"command\":\"journalctl -u redis-server\"},{\"text\":\"start it\"}],"
		"\"values\":{\"connect_time\":0.0002},\"labels\":{\"team\":\"core\"},"
		"\"runbook_url\":\"\",\"url\":\"http://127.0.0.1:8421/api/v1/incidents/"
		"3f9c2a7d41b8\","
		"\"started_at\":\"2026-01-02T03:04:05.678Z\","
		"\"detected_at\":\"2026-01-02T03:04:07.678Z\",\"acknowledged_at\":null,"
		"\"resolved_at\":null,\"duration\":1.5,\"reopened\":1,\"flapping\":true}");
	incident_fini(&i);
}

static void
test_unknown_is_empty_or_null(void **state)
{
	(void)state;
	struct incident i;
	incident_init(&i);
	assert_json(incident_json(&i, T0),
		"{\"id\":\"\",\"status\":\"open\",\"severity\":\"ok\",\"host\":\"\",\"title\":\"\","
		"\"summary\":\"\",\"check\":\"\",\"type\":\"\",\"target\":\"\",\"rule\":\"\","
		"\"cause\":{\"code\":\"\",\"playbook\":\"\",\"title\":\"\",\"explanation\":\"\","
		"\"confidence\":\"\"},\"impact\":[],\"facts\":[],\"remedy\":[],\"values\":{},"
		"\"labels\":{},\"runbook_url\":\"\",\"url\":\"\",\"started_at\":null,"
		"\"detected_at\":null,\"acknowledged_at\":null,\"resolved_at\":null,"
		"\"duration\":0.0}");
	incident_fini(&i);
}

static void
test_duration_ends_with_the_incident_and_is_never_negative(void **state)
{
	(void)state;
	struct incident i;
	make_full(&i);
	i.resolved_us = T0 + 60 * USEC_PER_SEC;
	json_t *o = incident_json(&i, T0 + USEC_PER_HOUR);
	assert_true(json_real_value(json_object_get(o, "duration")) == 60.0);
	json_decref(o);
	i.resolved_us = 0;
	o = incident_json(&i, T0 - USEC_PER_HOUR);
	assert_true(json_real_value(json_object_get(o, "duration")) == 0.0);
	json_decref(o);
	incident_fini(&i);
}

static void
test_broken_text_is_shown_all_the_same(void **state)
{
	(void)state;
	struct incident i;
	make_full(&i);
	xstrset(&i.summary, "caf\xe9 broken");
	json_t *o = incident_json(&i, T0);
	assert_string_equal(json_string_value(json_object_get(o, "summary")), "caf. broken");
	json_decref(o);
	incident_fini(&i);
}

static void
test_stored_form_brings_everything_back(void **state)
{
	(void)state;
	struct incident i, back, copy;
	struct err e;
	make_full(&i);
	i.merged_into = xstrdup("abcdef012345");
	json_t *stored = incident_store(&i);
	assert_int_equal(incident_restore(&back, stored, &e), 0);
	incident_copy(&copy, &back);
	incident_fini(&back);
	json_t *again = incident_store(&copy);
	assert_true(json_equal(stored, again));
	assert_int_equal(copy.alert_count, 3);
	assert_int_equal(copy.sequence, 3);
	assert_true(copy.is_flapping && copy.alerts[1].is_firing && !copy.alerts[2].is_firing);
	assert_int_equal(copy.timeline.all[0].at_us, T0);
	json_decref(stored);
	json_decref(again);
	incident_fini(&copy);
	incident_fini(&i);
}

static void
test_an_older_form_and_an_unknown_field_are_fine(void **state)
{
	(void)state;
	struct incident i;
	struct err e;
	json_t *old = json_pack("{s:s, s:s, s:s, s:s, s:n, s:{s:i}}", "id", "ab12", "status",
		"resolved", "check", "api", "rule", "slow", "title", "tomorrow", "x", 1);
	assert_int_equal(incident_restore(&i, old, &e), 0);
	assert_int_equal(i.status, INCIDENT_RESOLVED);
	assert_null(i.title);
	json_decref(old);
	incident_fini(&i);
}

static void
test_nonsense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"id\":\"ab12\"}",
		"{\"id\":\"../../etc\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\"}",
		"{\"id\":\"0123456789abc\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\"}",
		"{\"id\":\"ab12\",\"status\":\"odd\",\"check\":\"a\",\"rule\":\"b\"}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"rule\":\"b\"}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":7,\"rule\":\"b\"}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\",\"facts\":[7]"
		"}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\",\"alerts\":{}"
		"}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\","
		"\"alerts\":[{\"check\":\"x\",\"rule\":\"y\"},{\"check\":\"x\"}]}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\",\"started\":-"
		"1}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\","
		"\"started\":9223372036854775807}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\","
		"\"severity\":\"huge\"}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\",\"sequence\":-"
		"4}",
		"{\"id\":\"ab12\",\"status\":\"open\",\"check\":\"a\",\"rule\":\"b\",\"labels\":[]"
		"}",
	};
	struct incident i;
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		struct err e = { 0 };
		json_t *doc = json_loads(bad[n], 0, NULL);
		assert_non_null(doc);
		if (incident_restore(&i, doc, &e) == 0)
			fail_msg("taken: %s", bad[n]);
		assert_true(*e.text);
		json_decref(doc);
	}
	assert_int_equal(incident_restore(&i, NULL, NULL), -1);
}

static void
test_a_full_list_keeps_its_first_and_its_last(void **state)
{
	(void)state;
	struct incident_texts list = { 0 };
	char text[16];
	for (int n = 0; n < 2 * INCIDENT_LIST_MAX; n++) {
		snprintf(text, sizeof(text), "%d", n);
		incident_add_text(&list, "line", text, n);
	}
	assert_int_equal(list.count, INCIDENT_LIST_MAX);
	assert_string_equal(list.all[0].text, "0");
	assert_string_equal(list.all[1].text, "65");
	assert_string_equal(list.all[INCIDENT_LIST_MAX - 1].text, "127");
	struct incident i;
	incident_init(&i);
	i.timeline = list;
	incident_fini(&i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_is_the_contract_s),
		cmocka_unit_test(test_unknown_is_empty_or_null),
		cmocka_unit_test(test_duration_ends_with_the_incident_and_is_never_negative),
		cmocka_unit_test(test_broken_text_is_shown_all_the_same),
		cmocka_unit_test(test_stored_form_brings_everything_back),
		cmocka_unit_test(test_an_older_form_and_an_unknown_field_are_fine),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_a_full_list_keeps_its_first_and_its_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
