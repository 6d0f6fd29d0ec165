/* The engine over reloads and restarts: no transition lost or doubled, whatever came between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/bench.h"

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

static const char stormy[] = "builtin_rules: off\n"
			     "rules:\n"
			     "  storm:\n"
			     "    info: { when: api.total_time > 1s, for: 2 samples }\n"
			     "    warning: { when: api.total_time > 2s, for: 40s }\n"
			     "    critical: api.total_time > 3s\n"
			     "    clear: api.total_time < 0.5 * 1s\n"
			     "    keep_firing_for: 45s\n"
			     "    on_no_data: alert\n";

/* --- any history --- */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

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
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_changes_levels),
		cmocka_unit_test(test_reload_keeps_windows),
		cmocka_unit_test(test_restart_while_firing),
		cmocka_unit_test(test_restart_with_two_down),
		cmocka_unit_test(test_restart_while_pending),
		cmocka_unit_test(test_restart_without_the_rule),
		cmocka_unit_test(test_restart_with_a_child_gone),
		cmocka_unit_test(test_broken_state),
		cmocka_unit_test(test_random_histories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
