/*
 * Gates, on rules nobody wrote: random conditions of the whole language over 70 metrics, random
 * samples, silence, reloads, restarts and pasts.  An engine that goes by gates must say, keep and
 * show what one does that evaluates every condition at every sample, and all of whose windows are
 * fed by every sample.  GATE_SEED and GATE_LIVES change what is tried; GATE_DUMP prints all of it,
 * for a comparison with another commit's engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/bench.h"

#ifdef __SANITIZE_ADDRESS__
#define LIVES 40
#else
#define LIVES 300
#endif
#define STEPS   150
#define METRICS 70 /* more than there are bits for */
#define ALWAYS  (METRICS - 1)
#define TEXT    8000

/* Numbers, counters, yes and no; where a rule looks mostly, two of each share a bit. */
static struct metric_desc table[METRICS + 1];
static char names[METRICS][16];
static const int numbers[] = { 0, 1, 3, 64, 66 }, counters[] = { 2, 67 }, flags[] = { 4, 65, 68 };

static const struct metric_desc *
table_of_type(const char *type)
{
	return strcmp(type, "disk") == 0 ? table : NULL;
}

static void
fill_table(void)
{
	for (int n = 0; n < METRICS; n++) {
		snprintf(names[n], sizeof(names[n]), "m%d", n);
		table[n] = (struct metric_desc){ names[n], METRIC_GAUGE, UNIT_NONE, "" };
	}
	for (size_t n = 0; n < 2; n++)
		table[counters[n]].kind = METRIC_COUNTER;
	for (size_t n = 0; n < 3; n++) {
		table[flags[n]].kind = METRIC_FLAG;
		table[flags[n]].unit = UNIT_BOOL;
	}
}

static uint64_t seed;

static uint32_t
dice(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % sides;
}

/* --- conditions --- */

static const char *self; /* "this", or the check that the rule names */
static unsigned deepest; /* in this life: simple ones are quiet more often, and have more gates */

static const char *
who(void)
{
	return dice(6) ? self : dice(2) ? "y" : "z";
}

static void
add_metric(struct buf *out, const int *all, size_t count)
{
	buf_addf(out, "%s.%s", who(), names[all[dice((uint32_t)count)]]);
}

#define ADD_NUMBER(out)  add_metric(out, numbers, sizeof(numbers) / sizeof(*numbers))
#define ADD_COUNTER(out) add_metric(out, counters, sizeof(counters) / sizeof(*counters))
#define ADD_FLAG(out)    add_metric(out, flags, sizeof(flags) / sizeof(*flags))

static const char *
span(void)
{
	static const char *const spans[] = { "1m", "5m", "30m", "2h" };
	return spans[dice(4)];
}

static const char *
op(void)
{
	static const char *const ops[] = { "<", "<=", ">", ">=", "==", "!=" };
	return ops[dice(6)];
}

static void add_condition(struct buf *out, unsigned depth);

static void
add_window(struct buf *out)
{
	static const char *const of_numbers[] = { "avg", "min", "max", "sum", "first", "last",
		"delta", "median", "stddev", "changes", "count", "slope" };
	uint32_t which = dice(19);

	if (which < 12) {
		buf_addf(out, "%s(", of_numbers[which]);
		ADD_NUMBER(out);
		buf_addf(out, ", %s)", span());
	} else if (which < 14) {
		buf_addf(out, "%s(", which == 12 ? "increase" : "rate");
		ADD_COUNTER(out);
		buf_addf(out, ", %s)", span());
	} else if (which == 14) {
		buf_addf(out, "quantile(");
		ADD_NUMBER(out);
		buf_addf(out, ", 0.9, %s)", span());
	} else if (which == 15) {
		buf_addf(out, "forecast(");
		ADD_NUMBER(out);
		buf_addf(out, ", 10m, %s)", span());
	} else {
		buf_addf(out, "%s(", dice(2) ? "avg" : "max");
		ADD_NUMBER(out);
		buf_addf(out, ", 6h)");
	}
}

static void
add_number(struct buf *out, unsigned depth)
{
	static const char *const calls[] = { "abs", "round", "least", "greatest", "coalesce" };
	uint32_t which = depth ? dice(12) : dice(7);

	if (which < 4) {
		ADD_NUMBER(out);
	} else if (which == 4) {
		buf_addf(out, "%u", dice(5));
	} else if (which < 7) {
		add_window(out);
	} else if (which == 7) {
		buf_addf(out, "-(");
		add_number(out, depth - 1);
		buf_addf(out, ")");
	} else if (which < 10) {
		buf_addf(out, "(");
		add_number(out, depth - 1);
		buf_addf(out, " %c ", "+-*/%"[dice(5)]);
		add_number(out, depth - 1);
		buf_addf(out, ")");
	} else {
		uint32_t call = dice(5);
		buf_addf(out, "%s(", calls[call]);
		add_number(out, depth - 1);
		if (call >= 2) {
			buf_addf(out, ", ");
			if (dice(3))
				buf_addf(out, "%u", dice(4));
			else
				add_number(out, depth - 1);
		}
		buf_addf(out, ")");
	}
}

static void
add_comparison(struct buf *out, unsigned depth)
{
	if (dice(3)) {
		add_number(out, depth);
		buf_addf(out, " %s %u", op(), dice(4));
	} else if (dice(2)) {
		buf_addf(out, "%u %s ", dice(4), op());
		add_number(out, depth);
	} else {
		add_number(out, depth);
		buf_addf(out, " %s ", op());
		add_number(out, depth);
	}
}

/* What is of one kind only. */
static void
add_odd(struct buf *out, unsigned depth)
{
	static const char *const of_checks[][2] = { { "down(", ")" }, { "up(", ")" },
		{ "failing(", ")" }, { "failing(", ", 2)" }, { "cannot_tell(", ")" },
		{ "cause(", ") == \"net.refused\"" }, { "contains(cause(", "), \"ref\")" },
		{ "cause(", ") != \"\"" } };
	uint32_t which = dice(15);

	if (which < 8) {
		buf_addf(out, "%s%s%s", of_checks[which][0], who(), of_checks[which][1]);
	} else if (which < 10) {
		buf_addf(out, "%s(", which == 8 ? "for_at_least" : "50% < share");
		ADD_NUMBER(out);
		buf_addf(out, " %s %u, %s)", op(), dice(4), span());
	} else if (which == 10) {
		buf_addf(out, "time_until(");
		ADD_NUMBER(out);
		buf_addf(out, ", 3, %s) < 1h", span());
	} else if (which == 11) {
		buf_addf(out, "known(");
		add_number(out, depth);
		buf_addf(out, ")");
	} else if (which == 12) {
		add_number(out, depth);
		buf_addf(out, " in [1, %u]", dice(4));
	} else if (which == 13) {
		buf_addf(out, "changes(");
		ADD_NUMBER(out);
		buf_addf(out, " > %u, %s) > 1", dice(3), span());
	} else {
		buf_addf(out, "absent(");
		ADD_NUMBER(out);
		buf_addf(out, ", %s)", span());
	}
}

static void
add_joined(struct buf *out, unsigned depth)
{
	static const char *const ways[] = { "(|) and (|)", "(|) or (|)", "(|) and (|)",
		"(|) or (|)", "not (|)", "not (|)", "coalesce(|, true)", "coalesce(|, false)",
		"coalesce(|, |)", "(|) == true", "if | then | else |", "known(|)" };

	for (const char *at = ways[dice(12)]; *at; at++)
		if (*at == '|')
			add_condition(out, depth - 1);
		else
			buf_add(out, at, 1);
}

static void
add_condition(struct buf *out, unsigned depth)
{
	uint32_t which = dice(10);

	if (depth > 0 && which < 5)
		add_joined(out, depth);
	else if (which < 8)
		add_comparison(out, depth ? depth - 1 : 0);
	else if (which == 8)
		ADD_FLAG(out);
	else
		add_odd(out, depth ? depth - 1 : 0);
}

/* --- rules --- */

static void
add_rule(struct buf *out, unsigned n)
{
	static const char *const times[] = { "", ", for: 1m", ", for: 3 samples",
		", keep_firing_for: 2m", ", for: 2m, keep_firing_for: 1m" };
	static const char *const no_data[] = { "", "", "", "", ", on_no_data: ok",
		", on_no_data: keep" };
	bool is_each = dice(5) != 0;

	self = is_each ? "this" : "x";
	buf_addf(out, "  r%u: { %s", n, is_each ? "each: disk" : "check: x");
	for (const char *const *level =
			(const char *const[]){ "info", "warning", "critical", NULL };
		*level; level++) {
		if (dice(3) == 0 && **level != 'w')
			continue;
		if (**level != 'w' && dice(2))
			continue;
		buf_addf(out, ", %s: '", *level);
		add_condition(out, deepest);
		buf_addf(out, "'");
	}
	if (dice(4) == 0) {
		buf_addf(out, ", clear: '");
		add_condition(out, 1);
		buf_addf(out, "'");
	}
	buf_addf(out, "%s%s }\n", times[dice(5)], no_data[dice(6)]);
}

/* Two of it: one has a window that every sample has a value for, so none is left out. */
static void
write_rules(struct buf *quick, struct buf *slow)
{
	struct buf rules;
	uint32_t count = 1 + dice(3);

	buf_init(&rules, 0);
	buf_addf(&rules, "builtin_rules: %s\nrules:\n", dice(4) ? "off" : "[check-down]");
	for (unsigned n = 0; n < count; n++)
		add_rule(&rules, n);
	buf_reset(quick);
	buf_reset(slow);
	buf_add_text(quick, buf_text(&rules));
	buf_addf(slow, "%s  never: { each: disk, info: 'max(this.m%d, 1m) < 0' }\n",
		buf_text(&rules), ALWAYS);
	buf_fini(&rules);
}

/* --- two engines --- */

static struct bench quick, slow;
static struct buf quick_yaml, slow_yaml;
static size_t refused, compiled;

static void
on_verdict(void *arg, const char *check, bool is_known, usec_t now_us)
{
	(void)arg, (void)check, (void)is_known, (void)now_us;
}

static void
on_past_asked(void *arg, const char *check, const char *metric, usec_t span_us)
{
	(void)arg, (void)check, (void)metric, (void)span_us;
}

static void
new_engine(struct bench *b)
{
	const struct rules_options options = { .on_alert = bench_on_alert,
		.on_keep = bench_on_keep,
		.past = on_past_asked,
		.on_verdict = b == &slow ? on_verdict : NULL,
		.arg = b };

	rules_free(b->rules);
	memset(b->ties, 0, sizeof(b->ties));
	b->rules = rules_new(&options);
}

static void
begin(struct bench *b)
{
	bench_init(b);
	b->metrics_of_type = table_of_type;
	new_engine(b);
	bench_check(b, "x", "disk");
	bench_check(b, "y", "disk");
	bench_check(b, "z", "disk");
}

/* Until there are some that mean something. */
static void
compile_both(void)
{
	for (;;) {
		write_rules(&quick_yaml, &slow_yaml);
		complaints_free(quick.complaints);
		quick.complaints = complaints_new();
		bench_compile(&quick, buf_text(&quick_yaml));
		if (complaints_errors(quick.complaints) == 0)
			break;
		refused++;
		bench_drop_set(&quick);
	}
	compiled++;
	bench_compile(&slow, buf_text(&slow_yaml));
	assert_int_equal(complaints_errors(slow.complaints), 0);
}

static void
apply_both(void)
{
	struct bench *both[] = { &quick, &slow };
	struct rule_set *old_set[2] = { quick.set, slow.set };
	struct conf_tree *old_tree[2] = { quick.tree, slow.tree };

	quick.set = slow.set = NULL;
	compile_both();
	for (size_t i = 0; i < 2; i++) {
		bench_apply(both[i]);
		rule_set_free(old_set[i]);
		conf_tree_free(old_tree[i]);
	}
}

static void
restart(struct bench *b)
{
	const char *key;
	void *state;

	new_engine(b);
	for (size_t at = 0; map_next(b->kept, &at, &key, &state);)
		rules_restore(b->rules, key, state);
	bench_apply(b);
}

static void
take_past(struct bench *b, const char *check, int metric, double value)
{
	const struct rules_past past = { b->wall_us - USEC_PER_HOUR, b->wall_us - 30 * USEC_PER_MIN,
		10, value, value, value };

	rules_take_past(b->rules, check, names[metric], 6 * USEC_PER_HOUR, &past, 1);
}

static bool never[METRICS]; /* this life has no such value */

static struct bench_sample
draw(uint32_t known)
{
	static const struct bench_sample kinds[] = {
		{ .outcome = OUTCOME_FAIL, .cause = "net.refused", .state = CHECK_SUSPECT },
		{ .outcome = OUTCOME_FAIL, .cause = "net.refused", .state = CHECK_DOWN },
		{ .outcome = OUTCOME_ERROR, .cause = "self.local", .state = CHECK_UNKNOWN },
		{ .outcome = OUTCOME_ERROR, .cause = "self.local", .state = CHECK_UP },
		{ .outcome = OUTCOME_FAIL, .cause = "dns.nxdomain", .state = CHECK_DOWN },
	};
	struct bench_sample s = { .outcome = OUTCOME_OK, .state = CHECK_UP };

	if (dice(4) == 0)
		s = kinds[dice(5)];
	for (size_t i = 0; i < METRICS; i++)
		s.values[i] = dice(4) < known && !never[i] ? (double)dice(5) - (dice(9) == 0)
							   : (double)NAN;
	s.values[ALWAYS] = 1;
	return s;
}

/* What a user is shown of it, but for the rule that one of them has besides. */
static void
add_shown(struct bench *b, const char *check, const struct sample *sample, struct buf *out)
{
	json_t *why = rules_why(b->rules, check, sample);
	json_t *stand = rules_stand(b->rules, check, sample), *one;
	size_t i;

	json_array_foreach(why, i, one)
	{
		char *text = json_dumps(one, JSON_SORT_KEYS);
		if (strcmp(json_string_value(json_object_get(one, "rule")), "never") != 0)
			buf_addf(out, "%s\n", text);
		free(text);
	}
	json_array_foreach(stand, i, one)
	{
		char *text = json_dumps(one, JSON_SORT_KEYS);
		if (strcmp(json_string_value(json_object_get(one, "name")), "never") != 0)
			buf_addf(out, "%s\n", text);
		free(text);
	}
	json_decref(why);
	json_decref(stand);
}

static void
add_all(struct bench *b, const char *check, const struct bench_sample *s, struct buf *out)
{
	char *values = b->values ? json_dumps(b->values, JSON_SORT_KEYS) : NULL;
	struct sample sample = { .outcome = s->outcome,
		.state = s->state,
		.cause = s->cause ? cause_get(s->cause) : NULL,
		.metrics = table,
		.metric_count = METRICS,
		.failures = s->state == CHECK_DOWN ? 3 : s->outcome == OUTCOME_FAIL,
		.text = (char *)(uintptr_t) "",
		.values = (double *)(uintptr_t)s->values };
	const char *key;
	void *state;

	buf_reset(out);
	buf_addf(out, "%stext: %s\nvalues: %s\nwrong: %d, due: %lld\n", buf_text(&b->log), b->text,
		values ? values : "-", b->wrong, (long long)rules_due(b->rules));
	for (size_t at = 0; map_next(b->kept, &at, &key, &state);) {
		char *text = json_dumps(state, JSON_SORT_KEYS);
		buf_addf(out, "kept %s: %s\n", key, text);
		free(text);
	}
	add_shown(b, check, &sample, out);
	free(values);
	buf_reset(&b->log);
}

static size_t told;

static void
compare(size_t life, int step, const char *check, const struct bench_sample *s)
{
	static struct buf a, b;
	static bool is_made;

	if (!is_made) {
		buf_init(&a, 0);
		buf_init(&b, 0);
		is_made = true;
	}
	told += buf_left(&quick.log) > 0;
	add_all(&quick, check, s, &a);
	add_all(&slow, check, s, &b);
	if (getenv("GATE_DUMP"))
		printf("%zu %d\n%s", life, step, buf_text(&a));
	if (strcmp(buf_text(&a), buf_text(&b)) != 0)
		fail_msg("life %zu, step %d:\n%s--- instead of\n%s--- by\n%s", life, step,
			buf_text(&a), buf_text(&b), buf_text(&quick_yaml));
}

static void
live(size_t life)
{
	static const char *const checks[] = { "x", "y", "z" };
	uint32_t known = 1 + dice(4);

	for (size_t i = 0; i < METRICS; i++)
		never[i] = dice(3) == 0;
	deepest = dice(4);
	begin(&quick);
	begin(&slow);
	compile_both();
	bench_apply(&quick);
	bench_apply(&slow);
	for (int step = 0; step < STEPS; step++) {
		double wait = dice(15) == 0 ? 30 * dice(300) : 30;
		const char *check = checks[dice(3)];
		usec_t clock_us = dice(50) == 0 ? ((usec_t)dice(9000) - 4000) * USEC_PER_SEC : 0;
		const struct bench_sample sample = draw(dice(3) ? known : dice(5));
		uint32_t what = dice(60);

		if (what == 0)
			apply_both();
		if (what == 1) {
			restart(&quick);
			restart(&slow);
		}
		for (size_t i = 0; what == 2 && i < sizeof(numbers) / sizeof(*numbers); i++) {
			double value = dice(5);
			take_past(&quick, check, numbers[i], value);
			take_past(&slow, check, numbers[i], value);
		}
		quick.wall_us += clock_us;
		slow.wall_us += clock_us;
		bench_wait(&quick, wait);
		bench_wait(&slow, wait);
		bench_feed(&quick, check, sample);
		bench_feed(&slow, check, sample);
		compare(life, step, check, &sample);
	}
	bench_fini(&quick);
	bench_fini(&slow);
}

static void
test_random_rules(void **state)
{
	const char *first = getenv("GATE_SEED"), *lives = getenv("GATE_LIVES");
	size_t count = lives ? strtoul(lives, NULL, 10) : LIVES;
	(void)state;

	fill_table();
	buf_init(&quick_yaml, 0);
	buf_init(&slow_yaml, 0);
	seed = first ? strtoull(first, NULL, 10) : 88172645463325252u;
	for (size_t life = 0; life < count; life++)
		live(life);
	print_message("sets %zu, refused %zu, told %zu\n", compiled, refused, told);
	assert_true(told > count && refused < compiled);
	buf_fini(&quick_yaml);
	buf_fini(&slow_yaml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_rules) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
