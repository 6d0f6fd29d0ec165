/* The engine: samples and times in, events out; children, windows, no data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/engine.h"
#include "tests/rules/bench.h"

static void
test_down_and_up(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "{}");
	bench_value(&b, "api", 0.1);
	bench_wait(&b, 10);
	usec_t first = b.wall_us;
	bench_feed(&b, "api", SUSPECT("net.refused"));
	assert_string_equal(bench_log(&b), "");
	bench_wait(&b, 2);
	bench_feed(&b, "api", FAIL("net.refused", "nothing listens there"));
	assert_string_equal(bench_log(&b), "fires api.check-down critical\n");
	assert_string_equal(b.text, "nothing listens there");
	assert_string_equal(b.cause->code, "net.refused");
	assert_int_equal(b.since_us, first);
	bench_wait(&b, 30);
	bench_feed(&b, "api", FAIL("net.refused", "still nothing"));
	struct bench_sample error = ERROR_SAMPLE;
	error.state = CHECK_DOWN;
	bench_feed(&b, "api", error);
	assert_string_equal(bench_log(&b), "");
	bench_feed(&b, "api", FAIL("net.timeout", "no answer"));
	assert_string_equal(bench_log(&b), "cause api.check-down critical\n");
	assert_string_equal(b.text, "no answer");
	assert_int_equal(map_count(b.kept), 1);
	bench_feed(
		&b, "api", (struct bench_sample){ .text = "200 OK", .values = { 0.2, NAN, NAN } });
	assert_string_equal(bench_log(&b), "ends api.check-down ok\n");
	assert_string_equal(b.text, "200 OK");
	assert_float_equal(json_number_value(json_object_get(b.values, "total_time")), 0.2, 1e-6);
	assert_int_equal(map_count(b.kept), 0);
	bench_fini(&b);
}

static void
test_level_is_the_lower_of_both(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http")->common.severity = 1;
	bench_start(&b, "{}");
	bench_feed(&b, "api", FAIL("net.refused", "x"));
	assert_string_equal(bench_log(&b), "fires api.check-down warning\n");
	bench_fini(&b);
}

/* A cause whose level rises with age. */
static void
test_level_rises_with_age(void **state)
{
	static const struct cause rising = { .code = "test.starting",
		.level = SEVERITY_INFO,
		.warning_after_us = 60 * USEC_PER_SEC,
		.critical_after_us = 300 * USEC_PER_SEC };
	struct bench b;
	(void)state;
	setup_http(&b, "{}");
	struct bench_sample sample = FAIL(NULL, "starting");
	sample.row = &rising;
	bench_feed(&b, "api", sample);
	assert_string_equal(bench_log(&b), "fires api.check-down info\n");
	for (int i = 0; i < 4; i++) {
		bench_wait(&b, 20);
		bench_feed(&b, "api", sample);
	}
	assert_string_equal(bench_log(&b), "rises api.check-down warning\n");
	while (b.now_us < 1000 * USEC_PER_SEC + rising.critical_after_us) {
		assert_string_equal(bench_log(&b), "");
		bench_wait(&b, 30);
		if (b.now_us < 1000 * USEC_PER_SEC + rising.critical_after_us)
			bench_feed(&b, "api", sample);
	}
	/* Time alone makes it rise. */
	bench_wait(&b, 10);
	assert_string_equal(bench_log(&b), "rises api.check-down critical\n");
	bench_feed(&b, "api", FAIL("net.refused", "gone"));
	assert_string_equal(bench_log(&b), "cause api.check-down critical\n");
	bench_fini(&b);
}

static void
test_slow_needs_three(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "{}");
	bench_value(&b, "api", 9);
	bench_value(&b, "api", 9);
	bench_value(&b, "api", 0.1);
	bench_value(&b, "api", 3);
	bench_value(&b, "api", 9);
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 9);
	assert_string_equal(bench_log(&b), "fires api.http-slow warning\n");
	bench_value(&b, "api", 9);
	assert_string_equal(bench_log(&b), "rises api.http-slow critical\n");
	assert_string_equal(b.text, "the answer takes 9 s");
	assert_null(b.cause);
	bench_value(&b, "api", 3);
	bench_value(&b, "api", 3);
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 3);
	assert_string_equal(bench_log(&b), "falls api.http-slow warning\n");
	/* A failure is not slow, however long it took. */
	bench_feed(&b, "api", SUSPECT("net.timeout"));
	bench_value(&b, "api", 0.1);
	bench_wait(&b, 29);
	assert_string_equal(bench_log(&b), "");
	assert_string_equal(b.text, "the answer takes 3 s");
	bench_wait(&b, 1);
	assert_string_equal(bench_log(&b), "ends api.http-slow ok\n");
	bench_fini(&b);
}

static void
test_cannot_tell(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off");
	for (int i = 0; i < 19; i++) {
		bench_wait(&b, 30);
		bench_feed(&b, "api", ERROR_SAMPLE);
	}
	bench_value(&b, "api", 1);
	for (int i = 0; i < 21; i++) {
		assert_string_equal(bench_log(&b), "");
		bench_wait(&b, 30);
		bench_feed(&b, "api", ERROR_SAMPLE);
	}
	assert_string_equal(bench_log(&b), "fires api.cannot-tell warning\n");
	assert_string_equal(b.cause->code, "self.cannot-tell");
	assert_string_equal(b.text, "no memory for a socket");
	bench_feed(&b, "api", SUSPECT("net.refused"));
	assert_string_equal(bench_log(&b), "ends api.cannot-tell ok\n");
	bench_fini(&b);
}

static void
test_clear(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "root", "disk");
	bench_start(&b, hysteresis);
	bench_value(&b, "root", 95);
	assert_string_equal(bench_log(&b), "fires root.full critical\n");
	assert_string_equal(b.text, "root is 95 % full");
	assert_string_equal(json_string_value(json_object_get(b.labels, "team")), "core");
	assert_float_equal(json_number_value(json_object_get(b.values, "used_percent")), 95, 0);
	bench_value(&b, "root", 85);
	assert_string_equal(bench_log(&b), "falls root.full warning\n");
	bench_value(&b, "root", 78);
	bench_value(&b, "root", NAN);
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "root", 91);
	assert_string_equal(bench_log(&b), "rises root.full critical\n");
	bench_value(&b, "root", 78);
	assert_string_equal(bench_log(&b), "falls root.full warning\n");
	bench_value(&b, "root", 76);
	assert_string_equal(bench_log(&b), "ends root.full ok\n");
	bench_fini(&b);
}

/* The text follows what is measured, once a minute at most, and only if it reads otherwise. */
static void
test_text_follows(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "root", "disk");
	bench_start(&b, hysteresis);
	bench_value(&b, "root", 85);
	assert_string_equal(bench_log(&b), "fires root.full warning\n");
	bench_value(&b, "root", 86); /* 30 s later */
	assert_string_equal(b.text, "root is 85 % full");
	bench_value(&b, "root", 87);
	assert_string_equal(b.text, "root is 87 % full");
	assert_float_equal(json_number_value(json_object_get(b.values, "used_percent")), 87, 0);
	bench_wait(&b, 600);
	assert_int_equal(b.reworded, 1);
	bench_value(&b, "root", 87);
	assert_int_equal(b.reworded, 1);
	bench_wait(&b, 60);
	bench_value(&b, "root", NAN); /* what is not known does not push out what was */
	assert_string_equal(b.text, "root is 87 % full");
	bench_value(&b, "root", 78);
	assert_string_equal(b.text, "root is 78 % full");
	assert_int_equal(b.reworded, 2);
	assert_string_equal(bench_log(&b), "");
	assert_int_equal(b.wrong, 0);
	bench_fini(&b);
}

static void
test_children(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "disks", "disk");
	bench_start(&b, hysteresis);
	const struct check_spec *child = bench_check(&b, "disks[/var]", "disk");
	b.count--; /* it is not in the configuration */
	rules_add_child(b.rules, child, b.now_us);
	b.count++;
	bench_value(&b, "disks[/var]", 85);
	assert_string_equal(bench_log(&b), "fires disks[/var].full warning\n");
	/* A reload keeps children of parents that stay. */
	b.count--;
	bench_apply(&b);
	assert_string_equal(bench_log(&b), "");
	b.count++;
	bench_value(&b, "disks[/var]", 95);
	assert_string_equal(bench_log(&b), "rises disks[/var].full critical\n");
	rules_remove_child(b.rules, child, b.now_us, b.wall_us);
	assert_string_equal(bench_log(&b), "removed disks[/var].full ok\n");
	assert_int_equal(map_count(b.kept), 0);
	bench_value(&b, "disks[/var]", 95);
	assert_string_equal(bench_log(&b), "");
	bench_fini(&b);
}

static const char several[] = "builtin_rules: off\n"
			      "rules:\n"
			      "  both: { check: web, warning: down(api) and down(web) }\n"
			      "  var: { warning: \"disks[/var].used_percent > 80 and up(api)\" }\n";

static void
test_several_checks(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http");
	bench_check(&b, "web", "http");
	bench_check(&b, "disks", "disk");
	bench_start(&b, several);
	bench_feed(&b, "web", FAIL("net.refused", "x"));
	assert_string_equal(bench_log(&b), "");
	bench_feed(&b, "api", FAIL("net.refused", "x"));
	assert_string_equal(bench_log(&b), "fires web.both warning\n");
	assert_string_equal(b.text, "down(api) = yes; down(web) = yes");
	bench_value(&b, "api", 1);
	assert_string_equal(bench_log(&b), "ends web.both ok\n");
	/* The owner comes later. */
	const struct check_spec *child = bench_check(&b, "disks[/var]", "disk");
	rules_add_child(b.rules, child, b.now_us);
	bench_value(&b, "disks[/var]", 85);
	assert_string_equal(bench_log(&b), "fires disks[/var].var warning\n");
	bench_feed(&b, "api", SUSPECT("net.refused"));
	assert_string_equal(bench_log(&b), "ends disks[/var].var ok\n");
	rules_remove_child(b.rules, child, b.now_us, b.wall_us);
	bench_value(&b, "api", 1);
	bench_fini(&b);
}

static const char windows[] =
	"builtin_rules: off\n"
	"rules:\n"
	"  slow:\n"
	"    warning: avg(api.total_time, 5m) > 2s\n"
	"  grows: { each: http, info: \"increase(this.requests_total, 2m) > 5\" }\n";

static void
test_windows(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, windows);
	for (int i = 0; i < 10; i++)
		bench_value(&b, "api", 1);
	assert_string_equal(bench_log(&b), "");
	for (int i = 0; i < 3; i++)
		bench_value(&b, "api", 5);
	assert_string_equal(bench_log(&b), "fires api.slow warning\n");
	assert_string_equal(b.text, "avg(api.total_time, 5m) = 2.09 s");
	for (int i = 0; i < 12; i++)
		bench_value(&b, "api", 1);
	assert_string_equal(bench_log(&b), "ends api.slow ok\n");
	for (int i = 0; i < 4; i++) {
		bench_wait(&b, 30);
		bench_feed(&b, "api",
			(struct bench_sample){ .values = { NAN, NAN, i == 3 ? 1007 : 1000 } });
	}
	assert_string_equal(bench_log(&b), "fires api.grows info\n");
	bench_fini(&b);
}

static const char no_data[] = "builtin_rules: off\n"
			      "rules:\n"
			      "  keep: { warning: api.total_time > 1s, on_no_data: keep }\n"
			      "  tell: { info: api.total_time > 1s, critical: api.total_time > 9s,"
			      " for: 1m, on_no_data: alert }\n"
			      "  well: { warning: api.total_time > 1s, on_no_data: ok }\n";

/* Known when the rules are put in force, and kept to whatever comes. */
static void
test_windows_are_bounded(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { slow: { warning: \"median(api.total_time, 2h) > 1h\", "
		       "critical: \"baseline(api.total_time, 30d) > 1h\" } }\n");
	size_t most = rules_window_bytes(b.rules);
	assert_in_range(most, 10000, 200000);
	for (int i = 0; i < 20000; i++) {
		bench_wait(&b, 1);
		bench_feed(&b, "api", (struct bench_sample){ .values = { i % 977 + 1, NAN, NAN } });
	}
	const struct watched *check = map_get(b.rules->checks, "api");
	size_t bytes = 0;
	for (size_t i = 0; i < check->window_count; i++)
		bytes += series_bytes(check->windows[i].series);
	assert_true(bytes > 5000 && bytes <= most);
	bench_fini(&b);
}

static void
test_no_data(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, no_data);
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.keep warning\nfires api.well warning\n");
	bench_wait(&b, 89);
	assert_string_equal(bench_log(&b), "");
	bench_wait(&b, 2);
	assert_string_equal(bench_log(&b), "fires api.tell info\nends api.well ok\n");
	struct alert_view seen[4];
	size_t count = rules_view(b.rules, seen, 4);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		if (strcmp(seen[i].rule, "tell") == 0)
			assert_non_null(strstr(seen[i].text, "no data for "));
	bench_wait(&b, 3000);
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 0.1);
	assert_string_equal(bench_log(&b), "ends api.keep ok\nends api.tell ok\n");
	bench_fini(&b);
}

static void
test_absent(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { gone: { warning: \"absent(api.total_time, 5m)\" } }\n");
	bench_wait(&b, 290);
	assert_string_equal(bench_log(&b), "");
	bench_wait(&b, 60);
	assert_string_equal(bench_log(&b), "fires api.gone warning\n");
	bench_value(&b, "api", 1);
	assert_string_equal(bench_log(&b), "ends api.gone ok\n");
	bench_wait(&b, 400);
	assert_string_equal(bench_log(&b), "fires api.gone warning\n");
	bench_fini(&b);
}

/* --- the view --- */

static void
test_view(void **state)
{
	struct alert_view views[4];
	struct bench b;
	(void)state;
	setup_http(&b, "{}");
	assert_int_equal(rules_view(b.rules, views, 4), 0);
	bench_value(&b, "api", 3);
	assert_int_equal(rules_view(b.rules, views, 4), 1);
	assert_string_equal(views[0].state, "pending");
	assert_string_equal(views[0].rule, "http-slow");
	assert_int_equal(views[0].severity, SEVERITY_WARNING);
	bench_value(&b, "api", 3);
	bench_value(&b, "api", 3);
	assert_int_equal(rules_view(b.rules, views, 4), 1);
	assert_string_equal(views[0].state, "firing");
	bench_value(&b, "api", 0.1);
	assert_int_equal(rules_view(b.rules, views, 4), 1);
	assert_string_equal(views[0].state, "clearing");
	assert_int_equal(rules_view(b.rules, views, 0), 0);
	bench_wait(&b, 60);
	assert_int_equal(rules_view(b.rules, views, 4), 0);
	bench_fini(&b);
}

/* A rule that is due without a sample looks at its own check's numbers, also where another check's
 * were looked at on the way: api is too slow for a warning only, web is slower still. */
static void
test_two_checks_in_a_tick(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http");
	bench_check(&b, "web", "http");
	bench_start(&b, "builtin_rules: off\n"
			"rules:\n"
			"  both:\n"
			"    each: { type: http, name: api }\n"
			"    warning: this.total_time > 1s and web.total_time > 1s\n"
			"    critical: this.total_time > 5s and web.total_time > 1s or "
			"absent(this.total_time, 3h)\n");
	bench_value(&b, "web", 9);
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.both warning\n");
	bench_wait(&b, 40);
	assert_string_equal(bench_log(&b), "");
	bench_fini(&b);
}

/* Ten thousand idle alerts ask for nothing. */
static void
test_idle_costs_nothing(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "{}");
	bench_value(&b, "api", 0.1);
	assert_int_equal(rules_tick(b.rules, b.now_us, b.wall_us), INT64_MAX);
	bench_fini(&b);
	/* Nor one that would end for the lack of data: it has not begun. */
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { well: { warning: api.total_time > 1s, on_no_data: ok } }\n");
	bench_value(&b, "api", 0.1);
	assert_int_equal(rules_tick(b.rules, b.now_us, b.wall_us), INT64_MAX);
	assert_true(list_is_empty(&b.rules->live));
	bench_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_level_is_the_lower_of_both),
		cmocka_unit_test(test_level_rises_with_age),
		cmocka_unit_test(test_slow_needs_three),
		cmocka_unit_test(test_cannot_tell),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_text_follows),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_several_checks),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_windows_are_bounded),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_two_checks_in_a_tick),
		cmocka_unit_test(test_idle_costs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
