/* Many incidents in one notice: their order, how many fit, and that a restart sends the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/digest.h"

#define T0 (INT64_C(1767323045678) * USEC_PER_MSEC)

static void
add(struct digest *d, unsigned n, enum severity severity, usec_t resolved_us)
{
	struct digest_item item = {
		.check = (char[]){ "api" },
		.title = (char[]){ "api refuses connections" },
		.severity = severity,
		.is_resolved = resolved_us != 0,
		.started_us = T0 + n * USEC_PER_SEC,
		.resolved_us = resolved_us,
		.sequence = 2,
		.events = 2,
	};
	snprintf(item.incident, sizeof(item.incident), "%012u", n);
	snprintf(item.event, sizeof(item.event), "msg_%026u", n);
	assert_non_null(digest_add(d, &item));
}

static void
make_notice(struct notice *n, struct digest *d)
{
	memset(n, 0, sizeof(*n));
	notice_make_id(n->id);
	n->type = xstrdup(NOTICE_DIGEST);
	n->reason = xstrdup("merged");
	n->at_us = T0;
	n->severity = SEVERITY_CRITICAL;
	incident_init(&n->incident);
	strcpy(n->incident.id, "3f9c2a7d41b8");
	n->incident.check = xstrdup("api");
	n->incident.rule = xstrdup("check-down");
	n->digest = d;
}

static json_t *
data_of(const struct notice *n, size_t max)
{
	char *text = notice_body(n, max);
	assert_true(strlen(text) <= max);
	json_t *body = json_loads(text, 0, NULL);
	json_t *data = json_incref(json_object_get(body, "data"));
	assert_non_null(data);
	json_decref(body);
	free(text);
	return data;
}

static void
test_worst_first(void **state)
{
	(void)state;
	struct digest *d = digest_new();
	add(d, 4, SEVERITY_CRITICAL, T0 + USEC_PER_HOUR);
	add(d, 3, SEVERITY_WARNING, 0);
	add(d, 2, SEVERITY_CRITICAL, 0);
	add(d, 1, SEVERITY_CRITICAL, 0);
	add(d, 0, SEVERITY_INFO, T0 + USEC_PER_HOUR);
	digest_sort(d);
	static const char *const order[] = { "000000000001", "000000000002", "000000000003",
		"000000000004", "000000000000" };
	for (size_t k = 0; k < d->count; k++)
		assert_string_equal(d->items[k].incident, order[k]);
	digest_free(d);
}

static void
test_body(void **state)
{
	(void)state;
	struct notice n;
	struct digest *d = digest_new();
	add(d, 1, SEVERITY_CRITICAL, T0 + USEC_PER_HOUR);
	make_notice(&n, d);
	char *text = notice_body(&n, 20000);
	assert_non_null(strstr(text, "\"type\":\"incident.digest\""));
	assert_non_null(strstr(text,
		"\"data\":{\"incidents\":[{\"id\":\"000000000001\",\"status\":\"resolved\","
		"\"severity\":\"critical\",\"check\":\"api\",\"title\":\"api refuses "
		"connections\",\"cause\":\"\",\"started_at\":\"2026-01-02T03:04:06.678Z\","
		"\"resolved_at\":\"2026-01-02T04:04:05.678Z\",\"was_told\":false,"
		"\"events_merged\":2}],\"events\":[\"msg_00000000000000000000000001\"]}}"));
	free(text);
	notice_fini(&n);
}

static void
test_the_least_bad_are_left_out(void **state)
{
	(void)state;
	struct notice n;
	struct digest *d = digest_new();
	for (unsigned k = 0; k < 5000; k++)
		add(d, k, k == 4321 ? SEVERITY_CRITICAL : SEVERITY_WARNING, 0);
	digest_sort(d);
	make_notice(&n, d);
	json_t *data = data_of(&n, 20000);
	const json_t *incidents = json_object_get(data, "incidents");
	size_t shown = json_array_size(incidents);
	assert_in_range(shown, 50, 100);
	assert_int_equal(json_array_size(json_object_get(data, "events")), shown);
	assert_true(json_is_true(json_object_get(data, "truncated")));
	assert_int_equal(json_integer_value(json_object_get(data, "omitted")), 5000 - shown);
	assert_string_equal(json_string_value(json_object_get(json_array_get(incidents, 0), "id")),
		"000000004321");
	json_decref(data);
	for (size_t max = 300; max < 1500; max += 7)
		json_decref(data_of(&n, max));
	notice_fini(&n);
}

static void
test_it_is_full_some_day(void **state)
{
	(void)state;
	struct digest *d = digest_new();
	for (unsigned k = 0; k < DIGEST_MAX; k++)
		add(d, k, SEVERITY_INFO, 0);
	assert_null(digest_add(d, &d->items[0]));
	digest_free(d);
}

static void
test_texts_are_cut_between_characters(void **state)
{
	(void)state;
	struct notice n;
	struct digest *d = digest_new();
	char text[1001];
	for (size_t k = 0; k < 999; k += 3)
		memcpy(text + k, "\xe4\xbd\xa0", 3);
	text[999] = '\0';
	const struct digest_item item = { .title = text, .cause = text };
	const struct digest_item *added = digest_add(d, &item);
	assert_in_range(strlen(added->title), DIGEST_TEXT_KEPT - 3, DIGEST_TEXT_KEPT);
	assert_int_equal(strlen(added->cause) % 3, 0);
	assert_null(added->check);
	make_notice(&n, d);
	json_decref(data_of(&n, 2000));
	notice_fini(&n);
}

static void
test_stored_and_copied_it_sends_the_same_bytes(void **state)
{
	(void)state;
	struct notice n, back, copy;
	struct err e;
	struct digest *d = digest_new();
	add(d, 1, SEVERITY_CRITICAL, 0);
	add(d, 2, SEVERITY_WARNING, T0 + USEC_PER_MIN);
	d->items[1].was_told = true;
	make_notice(&n, d);
	json_t *stored = notice_store(&n);
	assert_int_equal(notice_restore(&back, stored, &e), 0);
	notice_copy(&copy, &back);
	char *before = notice_body(&n, 20000), *after = notice_body(&copy, 20000);
	assert_string_equal(before, after);
	assert_true(back.digest->items[1].was_told);
	assert_int_equal(copy.digest->items[1].sequence, 2);
	free(before);
	free(after);
	json_decref(stored);
	notice_fini(&n);
	notice_fini(&back);
	notice_fini(&copy);
}

static void
test_nonsense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{}",
		"[]",
		"[7]",
		"[{}]",
		"[[]]",
		"[[7,null,null,null]]",
		"[[\"000000000001\",null,null,null]]",
		"[[\"1 msg_abcdefghijklmnopqrstuvwxyz 3 0 0 1 0 1 1\",null,null,null]]",
		"[[\"000000000001 msg_abcdefghijklmnopqrstuvwxyz 9 0 0 1 0 1 1\",null,null,null]]",
		"[[\"000000000001 msg_abcdefghijklmnopqrstuvwxyz 3 0 0 1 0 1 1\",7,null,null]]",
		"[[\"000000000001 msg_abcdefghijklmnopqrstuvwxyz 3 0 0 1 0 1 1\",null]]",
	};
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		struct digest *d = NULL;
		struct err e;
		json_t *doc = json_loads(bad[k], 0, NULL);
		assert_non_null(doc);
		assert_int_equal(digest_restore(&d, doc, &e), -1);
		assert_null(d);
		json_decref(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worst_first),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_the_least_bad_are_left_out),
		cmocka_unit_test(test_it_is_full_some_day),
		cmocka_unit_test(test_texts_are_cut_between_characters),
		cmocka_unit_test(test_stored_and_copied_it_sends_the_same_bytes),
		cmocka_unit_test(test_nonsense_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
