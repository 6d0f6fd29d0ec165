/*
 * Gates: which ones a condition has, and that an engine which goes by them says to the word what
 * one says that evaluates every condition at every sample, whatever comes in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probes/probe.h"
#include "rules/expr_gate.h"
#include "tests/rules/bench.h"
#include "tests/rules/world.h"

#ifdef __SANITIZE_ADDRESS__
#define STEPS 200
#else
#define STEPS 2000
#endif

/* --- which ones --- */

struct row {
	const char *text;
	const char *gates; /* a letter for each, and the metric's place */
};

static const struct row rows[] = {
	{ "this.used_percent > 80", "V0" },
	{ "80 < this.used_percent", "K0" },
	{ "this.read_only", "V3" },
	{ "not this.read_only", "V3" },
	{ "this.read_only == true", "K3" },
	{ "not this.used_percent > 80", "V0" },
	{ "this.used_percent > 80 or this.free_bytes < 5GB", "V0V1" },
	{ "not (this.used_percent > 80 and this.free_bytes < 5GB)", "V0V1" },
	{ "not (this.used_percent > 80 or this.free_bytes < 5GB)", "V0" },
	{ "this.total_bytes > 5GB and (this.used_percent > 80 or this.free_bytes < 5GB)", "V2" },
	{ "this.free_bytes < 2% * this.total_bytes", "K1" },
	{ "2% * this.total_bytes > abs(this.free_bytes)", "K2" },
	{ "this.free_bytes < 2% * this.total_bytes and this.used_percent > 80", "V0" },
	{ "avg(this.used_percent, 5m) > 80%", "W0" },
	{ "avg(this.used_percent, 5m) > 80% and this.free_bytes < 5GB", "V1" },
	{ "for_at_least(this.free_bytes < 5GB, 5m)", "W1" },
	{ "coalesce(avg(this.used_percent, 5m), 0%) > 80%", "W0" },
	{ "coalesce(avg(this.used_percent, 5m), 90%) > 80%", "." },
	{ "not (coalesce(this.read_only, true) and this.used_percent > 80)", "V3V0" },
	{ "coalesce(this.read_only, true)", "." },
	{ "count(this.used_percent, 5m) < 1", "." },
	{ "greatest(this.used_percent, 0) < 1", "." },
	{ "known(this.used_percent)", "." },
	{ "not known(this.used_percent)", "." },
	{ "absent(this.used_percent, 5m)", "." },
	{ "this.used_percent > 80 or not known(this.free_bytes)", "." },
	{ "this.used_percent in [1, 2]", "." },
	{ "down(this)", "D" },
	{ "not down(this)", "." },
	{ "cannot_tell(this)", "E" },
	{ "failing(this, 3) or down(this)", "FD" },
	{ "not failing(this) and this.used_percent > 80", "V0" },
	{ "down(api)", "." },
	{ "api.total_time > 1s", "." },
	{ "avg(api.total_time, 5m) > 1s", "." },
	{ "this.used_percent > 1 or this.used_percent > 2 or this.used_percent > 3 or "
	  "this.used_percent > 4",
		"V0V0V0V0" },
	{ "this.used_percent > 1 or this.used_percent > 2 or this.used_percent > 3 or "
	  "this.used_percent > 4 or this.used_percent > 5",
		"." },
};

static void
test_gates_of_conditions(void **state)
{
	struct world w;
	struct expr_names names = { .arg = &w,
		.metrics_of = world_metrics_of,
		.check_at = world_check_at,
		.this_metrics = world_disk };
	(void)state;

	world_init(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = { 0 };
		struct expr *expr = expr_compile(rows[i].text, &names, &e);
		struct expr_gates gates;
		char seen[64] = "";

		if (!expr)
			fail_msg("%s: %s", rows[i].text, e.text);
		expr_gates(expr, &gates);
		for (unsigned n = 0; n < gates.count; n++) {
			const struct expr_gate *gate = &gates.all[n];
			size_t len = strlen(seen);
			bool is_about = gate->kind >= GATE_VALUE && gate->kind <= GATE_WINDOW;
			snprintf(seen + len, sizeof(seen) - len, is_about ? "%c%d" : "%c",
				".VKWDEF"[gate->kind], gate -> index);
		}
		if (strcmp(seen, rows[i].gates) != 0)
			fail_msg("%s: %s, wanted %s", rows[i].text, seen, rows[i].gates);
		expr_free(expr);
	}
}

/* --- that they change nothing --- */

static uint64_t seed;

static uint32_t
dice(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % sides;
}

static const struct metric_desc *
real_metrics_of_type(const char *type)
{
	const struct probe_type *probe = probe_find(type);
	return probe ? probe->metrics : NULL;
}

/* With somebody who hears each verdict, each is given. */
static void
on_verdict(void *arg, const char *check, bool is_known, usec_t now_us)
{
	(void)arg, (void)check, (void)is_known, (void)now_us;
}

static void
begin(struct bench *b, const char *type, const char *yaml, bool evaluates_all)
{
	bench_init(b);
	b->metrics_of_type = real_metrics_of_type;
	if (evaluates_all) {
		const struct rules_options options = { .on_alert = bench_on_alert,
			.on_keep = bench_on_keep,
			.on_verdict = on_verdict,
			.arg = b };
		rules_free(b->rules);
		b->rules = rules_new(&options);
	}
	bench_check(b, "x", type);
	bench_check(b, "y", type);
	bench_start(b, yaml);
}

static struct bench_sample
draw(void)
{
	static const double values[] = { 0, 0, 1, 1, 2, 0.05, 0.5, 3, 30, 79, 80, 81, 91, 96, 101,
		700, 1e4, 1e6, 1e8, 1e10 };
	struct bench_sample s = { .outcome = OUTCOME_OK, .state = CHECK_UP };
	uint32_t known = dice(4);

	if (dice(5) == 0) {
		s.outcome = dice(3) ? OUTCOME_FAIL : OUTCOME_ERROR;
		s.cause = s.outcome == OUTCOME_FAIL ? "net.refused" : "self.local";
		if (s.outcome == OUTCOME_FAIL)
			s.state = dice(2) ? CHECK_SUSPECT : CHECK_DOWN;
	}
	for (size_t i = 0; i < BENCH_VALUES; i++)
		s.values[i] = dice(4) < known ? values[dice(sizeof(values) / sizeof(*values))]
					      : (double)NAN;
	return s;
}

static size_t
live(const char *type, const char *yaml)
{
	const struct metric_desc *metrics = real_metrics_of_type(type);
	struct bench quick, slow;
	size_t told = 0;

	assert_true(!metrics || metric_count(metrics) <= BENCH_VALUES);
	begin(&quick, type, yaml, false);
	begin(&slow, type, yaml, true);
	for (int step = 0; step < STEPS; step++) {
		double wait = dice(20) == 0 ? 2000 : 30;
		const char *check = dice(3) ? "x" : "y";
		struct bench_sample sample = draw();

		bench_wait(&quick, wait);
		bench_feed(&quick, check, sample);
		bench_wait(&slow, wait);
		bench_feed(&slow, check, sample);
		told += buf_left(&quick.log) > 0;
		if (strcmp(buf_text(&quick.log), buf_text(&slow.log)) != 0)
			fail_msg("%s, step %d: %s instead of %s", type, step, buf_text(&quick.log),
				buf_text(&slow.log));
		buf_reset(&quick.log);
		buf_reset(&slow.log);
	}
	bench_fini(&quick);
	bench_fini(&slow);
	return told;
}

static bool
has_rule(const struct bench *b, const char *name, const char *type)
{
	for (size_t i = 0; i < b->set->count; i++)
		if (strcmp(b->set->rules[i].name, name) == 0)
			return rule_variant_of(&b->set->rules[i], type) != NULL;
	return false;
}

/* One at a time: where several fire there is hardly a moment in which nothing goes on. */
static void
test_built_in_rules(void **state)
{
	const struct rule_builtin *row;
	size_t told = 0;
	(void)state;

	seed = 88172645463325252u;
	for (size_t n = 0; (row = rule_builtin_at(n)); n++) {
		for (size_t i = 0; probe_table[i]; i++) {
			const char *type = probe_table[i]->name;
			char yaml[100];
			struct bench b;
			snprintf(yaml, sizeof(yaml), "builtin_rules: [%s]\n", row->name);
			begin(&b, type, yaml, false);
			if (has_rule(&b, row->name, type))
				told += live(type, yaml);
			bench_fini(&b);
		}
	}
	assert_true(told > STEPS);
}

static void
test_own_rules(void **state)
{
	static const char *const yaml[] = {
		"a: { each: disk, warning: not (this.used_percent < 80 and this.read_only) }\n",
		"a: { each: disk, info: 80 < this.used_percent, critical: down(this) }\n",
		"a: { each: disk, warning: \"avg(this.used_percent, 5m) > 90 or this.read_only\" "
		"}\n",
		"a: { each: disk, warning: known(this.used_percent) }\n",
		"a: { each: disk, warning: \"coalesce(this.used_percent, 90%) > 80%\" }\n",
		"a: { each: disk, warning: \"delta(this.free_bytes, 10m) > 3MB\" }\n",
		"a: { each: disk, warning: this.used_percent != 1 }\n",
		"a: { each: disk, warning: \"absent(this.used_percent, 10m)\" }\n",
		"a: { each: disk, warning: this.used_percent != 1, on_no_data: alert }\n",
		"a: { check: x, warning: y.used_percent > x.used_percent }\n",
	};
	(void)state;
	seed = 1234567890123456789u;
	for (size_t i = 0; i < sizeof(yaml) / sizeof(*yaml); i++) {
		char text[200];
		snprintf(text, sizeof(text), "builtin_rules: off\nrules:\n  %s", yaml[i]);
		if (live("disk", text) == 0)
			fail_msg("%s: nothing happened", yaml[i]);
	}
}

static void
on_past_asked(void *arg, const char *check, const char *metric, usec_t span_us)
{
	(void)arg, (void)check, (void)metric, (void)span_us;
}

/* A window that the history filled has values that no sample brought. */
static void
test_a_past_opens(void **state)
{
	struct bench b;
	const struct rules_options options = { .on_alert = bench_on_alert,
		.on_keep = bench_on_keep,
		.past = on_past_asked,
		.arg = &b };
	struct rules_past past = { .count = 1, .avg = 80, .min = 80, .max = 80 };
	struct bench_sample nothing = { 0 };
	(void)state;

	for (size_t i = 0; i < BENCH_VALUES; i++)
		nothing.values[i] = (double)NAN;

	bench_init(&b);
	b.metrics_of_type = real_metrics_of_type;
	rules_free(b.rules);
	b.rules = rules_new(&options);
	bench_check(&b, "x", "disk");
	bench_start(&b,
		"rules: { a: { each: disk, warning: \"avg(this.used_percent, 6h) > 50%\" } }\n"
		"builtin_rules: off\n");
	bench_feed(&b, "x", nothing);
	assert_string_equal(bench_log(&b), "");
	past.since_us = b.wall_us - USEC_PER_HOUR;
	past.until_us = past.since_us + USEC_PER_MIN;
	rules_take_past(b.rules, "x", "used_percent", 6 * USEC_PER_HOUR, &past, 1);
	bench_feed(&b, "x", nothing);
	assert_string_equal(bench_log(&b), "fires x.a warning\n");
	bench_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gates_of_conditions),
		cmocka_unit_test(test_built_in_rules),
		cmocka_unit_test(test_own_rules),
		cmocka_unit_test(test_a_past_opens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
