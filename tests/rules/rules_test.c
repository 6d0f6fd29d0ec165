/* The engine: samples and times in, events out; restarts, reloads, children, no data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/bench.h"

#define FAIL(c, t)                                                                                 \
	(struct bench_sample)                                                                      \
	{                                                                                          \
		.outcome = OUTCOME_FAIL, .state = CHECK_DOWN, .cause = (c), .text = (t),           \
		.values = {                                                                        \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN                                                                        \
		}                                                                                  \
	}
#define SUSPECT(c)                                                                                 \
	(struct bench_sample)                                                                      \
	{                                                                                          \
		.outcome = OUTCOME_FAIL, .state = CHECK_SUSPECT, .cause = (c), .values = {         \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN                                                                        \
		}                                                                                  \
	}
#define ERROR_SAMPLE                                                                               \
	(struct bench_sample)                                                                      \
	{                                                                                          \
		.outcome = OUTCOME_ERROR, .cause = "self.local", .text = "no memory for a socket", \
		.values = {                                                                        \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN                                                                        \
		}                                                                                  \
	}

static void
setup_http(struct bench *b, const char *yaml)
{
	bench_init(b);
	bench_check(b, "api", "http");
	bench_start(b, yaml);
}

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
	/* A failed run has no time: it neither ends nor keeps up anything. */
	bench_wait(&b, 30);
	bench_feed(&b, "api", SUSPECT("net.refused"));
	bench_value(&b, "api", 0.1);
	bench_wait(&b, 59);
	assert_string_equal(bench_log(&b), "");
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

static const char hysteresis[] = "builtin_rules: off\n"
				 "rules:\n"
				 "  full:\n"
				 "    each: disk\n"
				 "    warning: this.used_percent >= 80\n"
				 "    critical: this.used_percent >= 90\n"
				 "    clear: this.used_percent < 77\n"
				 "    labels: { team: core }\n"
				 "    runbook_url: https://example.com/full\n"
				 "    summary: \"{{this}} is {{this.used_percent}} full\"\n";

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
	assert_string_equal(bench_log(&b), "ends api.well ok\nfires api.tell info\n");
	assert_non_null(strstr(b.text, "no data for "));
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

/* --- reload --- */

static void
reload(struct bench *b, const char *yaml)
{
	struct rule_set *old_set = b->set;
	struct conf_tree *old_tree = b->tree;

	bench_compile(b, yaml);
	assert_int_equal(complaints_errors(b->complaints), 0);
	/* Nothing of the old set may be touched any more. */
	rule_set_free(old_set);
	conf_tree_free(old_tree);
	bench_apply(b);
}

static void
test_reload(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\nrules: { slow: { warning: api.total_time > 1s } }\n");
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.slow warning\n");
	reload(&b, "builtin_rules: off\nrules: { slow: { critical: api.total_time > 1s } }\n");
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "rises api.slow critical\n");
	reload(&b, "builtin_rules: off\nrules: { fast: { critical: api.total_time > 1s } }\n");
	assert_string_equal(bench_log(&b), "removed api.slow ok\n");
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.fast critical\n");
	b.specs[0].common.enabled = false;
	bench_apply(&b);
	assert_string_equal(bench_log(&b), "removed api.fast ok\n");
	assert_int_equal(map_count(b.kept), 0);
	bench_fini(&b);
}

/* A level that goes hands its firing on: nothing ends that is still true. */
static void
test_reload_changes_levels(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { slow: { critical: api.total_time > 1s, for: 1m } }\n");
	for (int i = 0; i < 4; i++)
		bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.slow critical\n");
	reload(&b, "builtin_rules: off\n"
		   "rules: { slow: { info: api.total_time > 9s, warning: api.total_time > 1s, "
		   "for: 1m } }\n");
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "falls api.slow warning\n");
	reload(&b, "builtin_rules: off\n"
		   "rules: { slow: { critical: api.total_time > 1s, for: 1m } }\n");
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "rises api.slow critical\n");
	bench_value(&b, "api", 0.5);
	assert_string_equal(bench_log(&b), "ends api.slow ok\n");
	bench_fini(&b);
}

static void
test_reload_keeps_windows(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\nrules: { slow: { warning: \"min(api.total_time, 5m) > "
		       "1s\" } }\n");
	for (int i = 0; i < 5; i++)
		bench_value(&b, "api", i == 0 ? 0.5 : 2);
	reload(&b, "builtin_rules: off\nrules: { slow: { warning: \"min(api.total_time, 10m) > "
		   "1s\" } }\n");
	bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "");
	for (int i = 0; i < 20; i++)
		bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.slow warning\n");
	bench_fini(&b);
}

/* --- restart --- */

static const char several_http[] =
	"builtin_rules: off\n"
	"rules: { both: { check: web, warning: down(api) and down(web) } }\n";

static void
restart(struct bench *b, double away_s)
{
	const char *key;
	void *doc;

	rules_free(b->rules);
	bench_new_rules(b);
	b->now_us = 50 * USEC_PER_SEC; /* another boot's clock */
	b->wall_us += (usec_t)(away_s * 1e6);
	for (size_t at = 0; map_next(b->kept, &at, &key, &doc);)
		rules_restore(b->rules, key, doc);
	bench_apply(b);
}

static void
test_restart_while_firing(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "{}");
	bench_feed(&b, "api", FAIL("net.refused", "nothing listens"));
	usec_t since = b.since_us;
	assert_string_equal(bench_log(&b), "fires api.check-down critical\n");
	restart(&b, 3600);
	assert_string_equal(bench_log(&b), "restored api.check-down critical\n");
	assert_string_equal(b.text, "nothing listens");
	assert_string_equal(b.cause->code, "net.refused");
	assert_int_equal(b.since_us, since);
	bench_wait(&b, 600);
	/* The scheduler counts anew: suspect says nothing about being well. */
	bench_feed(&b, "api", SUSPECT("net.refused"));
	bench_feed(&b, "api", SUSPECT("net.refused"));
	bench_feed(&b, "api", FAIL("net.refused", "nothing listens"));
	assert_string_equal(bench_log(&b), "");
	struct bench_sample starting = SUSPECT("net.refused");
	starting.state = CHECK_STARTING;
	bench_feed(&b, "api", starting);
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 1);
	assert_string_equal(bench_log(&b), "ends api.check-down ok\n");
	assert_int_equal(map_count(b.kept), 0);
	restart(&b, 1);
	assert_string_equal(bench_log(&b), "");
	bench_fini(&b);
}

static void
test_restart_with_two_down(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http");
	bench_check(&b, "web", "http");
	bench_start(&b, several_http);
	bench_feed(&b, "web", FAIL("net.refused", "x"));
	bench_feed(&b, "api", FAIL("net.refused", "x"));
	assert_string_equal(bench_log(&b), "fires web.both warning\n");
	restart(&b, 10);
	bench_log(&b);
	bench_feed(&b, "web", SUSPECT("net.refused"));
	bench_feed(&b, "api", SUSPECT("net.refused"));
	bench_feed(&b, "web", FAIL("net.refused", "x"));
	assert_string_equal(bench_log(&b), "");
	bench_value(&b, "api", 1);
	assert_string_equal(bench_log(&b), "ends web.both ok\n");
	bench_fini(&b);
}

static void
test_restart_while_pending(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { slow: { warning: api.total_time > 1s, for: 10m } }\n");
	for (int i = 0; i < 13; i++)
		bench_value(&b, "api", 2); /* six minutes */
	restart(&b, 3600);
	assert_string_equal(bench_log(&b), "");
	for (int i = 0; i < 7; i++)
		bench_value(&b, "api", 2); /* three more: the hour between does not count */
	assert_string_equal(bench_log(&b), "");
	for (int i = 0; i < 5; i++)
		bench_value(&b, "api", 2);
	assert_string_equal(bench_log(&b), "fires api.slow warning\n");
	bench_fini(&b);
}

static void
test_restart_without_the_rule(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "disks", "disk");
	bench_start(&b, hysteresis);
	const struct check_spec *child = bench_check(&b, "disks[/var]", "disk");
	rules_add_child(b.rules, child, b.now_us);
	bench_value(&b, "disks", 85);
	bench_value(&b, "disks[/var]", 85);
	bench_log(&b);
	b.count = 1;
	/* The child is awaited... */
	restart(&b, 10);
	assert_string_equal(bench_log(&b), "restored disks.full warning\n");
	rules_add_child(b.rules, child, b.now_us);
	assert_string_equal(bench_log(&b), "restored disks[/var].full warning\n");
	/* ...but not for ever, and not if its parent is gone. */
	restart(&b, 10);
	bench_log(&b);
	bench_wait(&b, 1000);
	assert_string_equal(bench_log(&b), "removed disks[/var].full ok\n");
	b.count = 0;
	restart(&b, 10);
	assert_string_equal(bench_log(&b), "removed disks.full ok\n");
	assert_int_equal(map_count(b.kept), 0);
	b.count = 2;
	bench_fini(&b);
}

/* Who is gone is known when the parent could tell, not when it merely ran. */
static void
test_restart_with_a_child_gone(void **state)
{
	char text[] = "one disk", mount[] = "/var", *left[] = { mount };
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "disks", "disk");
	bench_start(&b, hysteresis);
	const struct check_spec *var = bench_check(&b, "disks[/var]", "disk");
	const struct check_spec *tmp = bench_check(&b, "disks[/tmp]", "disk");
	rules_add_child(b.rules, var, b.now_us);
	rules_add_child(b.rules, tmp, b.now_us);
	bench_value(&b, "disks[/var]", 85);
	bench_value(&b, "disks[/tmp]", 85);
	bench_log(&b);
	b.count = 1;
	restart(&b, 10);
	bench_feed(&b, "disks", ERROR_SAMPLE);
	assert_string_equal(bench_log(&b), "");
	assert_true(rules_awaits_children(b.rules));
	struct sample found = { .outcome = OUTCOME_OK,
		.state = CHECK_UP,
		.started_us = b.now_us,
		.wall_us = b.wall_us,
		.text = text,
		.children = left,
		.child_count = 1 };
	rules_feed(b.rules, "disks", &found);
	assert_string_equal(bench_log(&b), "removed disks[/tmp].full ok\n");
	assert_true(rules_awaits_children(b.rules));
	rules_add_child(b.rules, var, b.now_us);
	assert_string_equal(bench_log(&b), "restored disks[/var].full warning\n");
	assert_false(rules_awaits_children(b.rules));
	b.count = 3;
	bench_fini(&b);
}

static void
test_broken_state(void **state)
{
	static const char *const states[] = {
		"{}", "[]", "3", "{\"level\":7,\"levels\":3}",
		"{\"level\":\"huge\",\"levels\":{\"warning\":{\"phase\":\"odd\"}}}",
		"{\"level\":\"ok\",\"since\":-5,\"levels\":{\"warning\":{\"phase\":\"pending\"}}}",
		"{\"levels\":{\"warning\":{\"phase\":\"pending\",\"elapsed\":-7,\"samples\":-1}}}"
	};
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct bench b;
		bench_init(&b);
		bench_check(&b, "api", "http");
		json_t *doc = json_loads(states[i], JSON_DECODE_ANY, NULL);
		rules_restore(b.rules, "api\nhttp-slow", doc);
		rules_restore(b.rules, "no newline", doc);
		json_decref(doc);
		bench_start(&b, "{}");
		bench_value(&b, "api", 1);
		assert_string_equal(bench_log(&b), "");
		bench_fini(&b);
	}
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
}

/* --- any history --- */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static const char stormy[] = "builtin_rules: off\n"
			     "rules:\n"
			     "  storm:\n"
			     "    info: { when: api.total_time > 1s, for: 2 samples }\n"
			     "    warning: { when: api.total_time > 2s, for: 40s }\n"
			     "    critical: api.total_time > 3s\n"
			     "    clear: api.total_time < 0.5 * 1s\n"
			     "    keep_firing_for: 45s\n"
			     "    on_no_data: alert\n";

/* Whatever comes, with restarts in between: each event follows from the one before. */
static void
test_random_histories(void **state)
{
	uint32_t seed = 99;
	(void)state;
	for (int round = 0; round < 40; round++) {
		struct bench b;
		setup_http(&b, stormy);
		for (int i = 0; i < 400; i++) {
			uint32_t dice = next_random(&seed) % 100;
			if (dice < 70) {
				double value = (double)(next_random(&seed) % 45) / 10;
				bench_wait(&b, next_random(&seed) % 40);
				bench_feed(&b, "api",
					(struct bench_sample){ .values = { value, NAN, NAN } });
			} else if (dice < 85) {
				bench_feed(&b, "api", SUSPECT("net.refused"));
			} else if (dice < 95) {
				bench_wait(&b, next_random(&seed) % 300);
			} else if (dice < 98) {
				bench_apply(&b);
			} else {
				enum severity before = b.told;
				restart(&b, next_random(&seed) % 5000);
				assert_int_equal(b.told, before);
			}
			struct alert_view view;
			size_t count = rules_view(b.rules, &view, 1);
			bool is_told = count == 1 && strcmp(view.state, "pending") != 0 &&
				       strcmp(view.state, "unknown") != 0;
			if (is_told != (b.told != SEVERITY_OK) ||
				(is_told && view.severity != b.told))
				fail_msg("round %d step %d: told %d", round, i, b.told);
		}
		assert_int_equal(b.wrong, 0);
		bench_fini(&b);
	}
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
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_changes_levels),
		cmocka_unit_test(test_reload_keeps_windows),
		cmocka_unit_test(test_restart_while_firing),
		cmocka_unit_test(test_restart_with_two_down),
		cmocka_unit_test(test_restart_while_pending),
		cmocka_unit_test(test_restart_without_the_rule),
		cmocka_unit_test(test_restart_with_a_child_gone),
		cmocka_unit_test(test_broken_state),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_idle_costs_nothing),
		cmocka_unit_test(test_random_histories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
