/* The webhook's body: its envelope, its cap, and that a restart sends the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/notice.h"

#define T0 (INT64_C(1767323045678) * USEC_PER_MSEC)

static void
make_notice(struct notice *n)
{
	memset(n, 0, sizeof(*n));
	notice_make_id(n->id);
	n->type = xstrdup("incident.opened");
	n->reason = xstrdup("first");
	n->at_us = T0;
	n->sequence = 1;
	n->severity = SEVERITY_CRITICAL;
	incident_init(&n->incident);
	strcpy(n->incident.id, "3f9c2a7d41b8");
	n->incident.severity = SEVERITY_CRITICAL;
	n->incident.check = xstrdup("api");
	n->incident.rule = xstrdup("check-down");
	n->incident.explanation = xstrdup("why");
	n->incident.started_us = T0 - USEC_PER_SEC;
}

static json_t *
body_of(const struct notice *n, size_t max)
{
	char *text = notice_body(n, max);
	assert_true(strlen(text) <= max);
	json_t *body = json_loads(text, 0, NULL);
	assert_non_null(body);
	free(text);
	return body;
}

static void
test_envelope(void **state)
{
	(void)state;
	struct notice n;
	make_notice(&n);
	char *text = notice_body(&n, 20000);
	static const char head[] = "{\"version\":1,\"type\":\"incident.opened\","
				   "\"timestamp\":\"2026-01-02T03:04:05.678Z\","
				   "\"reason\":\"first\",\"sequence\":1,"
				   "\"data\":{\"incident\":{\"id\":\"3f9c2a7d41b8\",";
	assert_memory_equal(text, head, sizeof(head) - 1);
	assert_non_null(strstr(text, "\"duration\":1.0}}}"));
	assert_null(strstr(text, "truncated"));
	free(text);
	notice_fini(&n);
}

static void
test_ids_are_of_the_form_and_differ(void **state)
{
	(void)state;
	char a[NOTICE_ID_LEN + 1], b[NOTICE_ID_LEN + 1];
	notice_make_id(a);
	notice_make_id(b);
	assert_int_equal(strlen(a), 30);
	assert_memory_equal(a, "msg_", 4);
	assert_string_not_equal(a, b);
}

static void
add_facts(struct notice *n, int count, size_t len)
{
	char *text = xmalloc(len + 1);
	memset(text, 'f', len);
	text[len] = '\0';
	for (int k = 0; k < count; k++)
		incident_add_text(&n->incident.facts, "fact", text, T0);
	free(text);
}

static void
add_impact(struct notice *n, int count)
{
	struct incident *i = &n->incident;
	char name[32];
	i->alerts = xcalloc((size_t)count, sizeof(*i->alerts));
	for (int k = 0; k < count; k++) {
		snprintf(name, sizeof(name), "check-%d", k);
		i->alerts[k] = (struct incident_alert){
			.check = xstrdup(name),
			.rule = xstrdup("check-down"),
			.is_firing = true,
			.since_us = T0,
		};
	}
	i->alert_count = (size_t)count;
}

static void
test_facts_go_first(void **state)
{
	(void)state;
	struct notice n;
	make_notice(&n);
	add_facts(&n, 40, 1000);
	add_impact(&n, 20);
	json_t *body = body_of(&n, 20000);
	json_t *incident = json_object_get(json_object_get(body, "data"), "incident");
	assert_true(json_is_true(json_object_get(incident, "truncated")));
	assert_in_range(json_array_size(json_object_get(incident, "facts")), 10, 19);
	assert_int_equal(json_array_size(json_object_get(incident, "impact")), 20);
	json_decref(body);
	notice_fini(&n);
}

static void
test_then_impact_then_the_explanation(void **state)
{
	(void)state;
	struct notice n;
	make_notice(&n);
	add_facts(&n, 3, 100);
	add_impact(&n, 60);
	json_t *body = body_of(&n, 3000);
	json_t *incident = json_object_get(json_object_get(body, "data"), "incident");
	assert_int_equal(json_array_size(json_object_get(incident, "facts")), 0);
	assert_in_range(json_array_size(json_object_get(incident, "impact")), 10, 40);
	const json_t *cause = json_object_get(incident, "cause");
	assert_string_equal(json_string_value(json_object_get(cause, "explanation")), "why");
	json_decref(body);
	body = body_of(&n, 1300);
	incident = json_object_get(json_object_get(body, "data"), "incident");
	cause = json_object_get(incident, "cause");
	assert_string_equal(json_string_value(json_object_get(cause, "explanation")), "");
	json_decref(body);
	notice_fini(&n);
}

static void
test_the_cap_holds_whatever_is_long(void **state)
{
	(void)state;
	struct notice n;
	make_notice(&n);
	char *long_text = xmalloc(100001);
	for (size_t k = 0; k < 100000; k += 2)
		memcpy(long_text + k, "\xc3\xa9", 2); /* e acute: no cut may split it */
	long_text[100000] = '\0';
	n.incident.summary = xstrdup(long_text);
	n.incident.title = xstrdup(long_text);
	n.incident.target = xstrdup(long_text);
	n.incident.cause_title = xstrdup(long_text);
	n.incident.labels = json_pack("{s:s}", "note", long_text);
	incident_add_text(&n.incident.remedy, NULL, long_text, 0);
	free(long_text);
	json_decref(body_of(&n, 20000));
	notice_fini(&n);
}

static void
test_stored_notice_sends_the_same_bytes(void **state)
{
	(void)state;
	struct notice n, back;
	struct err e;
	make_notice(&n);
	add_facts(&n, 3, 100);
	n.incident.values = json_pack("{s:f, s:i}", "used_percent", 93.25, "free_bytes", 7);
	json_t *stored = notice_store(&n);
	char *text = json_dumps(stored, JSON_COMPACT);
	json_decref(stored);
	stored = json_loads(text, 0, NULL);
	assert_int_equal(notice_restore(&back, stored, &e), 0);
	assert_string_equal(back.id, n.id);
	assert_int_equal(back.severity, SEVERITY_CRITICAL);
	char *before = notice_body(&n, 20000), *after = notice_body(&back, 20000);
	assert_string_equal(before, after);
	free(before);
	free(after);
	free(text);
	json_decref(stored);
	notice_fini(&n);
	notice_fini(&back);
}

static void
test_nonsense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"id\":\"msg_short\",\"type\":\"test\"}",
		"{\"id\":\"xyz_abcdefghijklmnopqrstuvwxyz\",\"type\":\"test\"}",
		"{\"id\":\"msg_abcdefghijklmnopqrstuvwxyz\"}",
		"{\"id\":\"msg_abcdefghijklmnopqrstuvwxyz\",\"type\":\"test\"}",
		"{\"id\":\"msg_abcdefghijklmnopqrstuvwxyz\",\"type\":[],\"incident\":{}}",
	};
	struct notice n;
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		struct err e;
		json_t *doc = json_loads(bad[k], 0, NULL);
		assert_non_null(doc);
		assert_int_equal(notice_restore(&n, doc, &e), -1);
		json_decref(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_ids_are_of_the_form_and_differ),
		cmocka_unit_test(test_facts_go_first),
		cmocka_unit_test(test_then_impact_then_the_explanation),
		cmocka_unit_test(test_the_cap_holds_whatever_is_long),
		cmocka_unit_test(test_stored_notice_sends_the_same_bytes),
		cmocka_unit_test(test_nonsense_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
