/* The past through the engine says what the engine said when it was the present. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/replay.h"
#include "tests/rules/bench.h"

#define ROWS_MAX 4000
#define SEC      USEC_PER_SEC

/* What the history keeps of a check: one number, and whether it was up. */
struct tape {
	struct rules_past value[ROWS_MAX], up[ROWS_MAX];
	size_t values, ups;
};

struct desk {
	struct bench b;
	struct replay_check checks[BENCH_CHECKS];
	struct tape tapes[2]; /* by check */
	struct replay_firing seen[ROWS_MAX];
	size_t count;
};

static void
on_live(void *arg, const struct alert_event *event)
{
	struct desk *d = arg;
	struct replay_firing *last = d->count > 0 ? &d->seen[d->count - 1] : NULL;

	if (event->change == ALERT_FIRES)
		d->seen[d->count++] = (struct replay_firing){ .since_us = event->since_us,
			.from_us = event->at_us,
			.severity = event->severity };
	else if (event->change == ALERT_ENDS)
		last->to_us = event->at_us;
	else if (event->change == ALERT_RISES && event->severity > last->severity)
		last->severity = event->severity;
}

static void
ignore(void *arg, const char *key, const json_t *state)
{
	(void)arg;
	(void)key;
	(void)state;
}

static void
set_up(struct desk *d, const char *rule)
{
	const struct rules_options options = { .on_alert = on_live, .on_keep = ignore, .arg = d };
	char yaml[1000];

	memset(d, 0, sizeof(*d));
	bench_init(&d->b);
	bench_check(&d->b, "api", "http");
	bench_check(&d->b, "root", "disk");
	d->b.specs[0].common.retries = d->b.specs[1].common.retries = 3;
	rules_free(d->b.rules);
	d->b.rules = rules_new(&options);
	snprintf(yaml, sizeof(yaml), "builtin_rules: off\nrules:\n  it: %s\n", rule);
	bench_start(&d->b, yaml);
	d->checks[0] = (struct replay_check){ d->b.spec_list[0], bench_http };
	d->checks[1] = (struct replay_check){ d->b.spec_list[1], bench_disk };
}

static void
tear_down(struct desk *d)
{
	bench_fini(&d->b);
}

static const struct replay_check *
find(void *arg, const char *name)
{
	struct desk *d = arg;

	for (size_t i = 0; i < 2; i++)
		if (strcmp(d->checks[i].spec->name, name) == 0)
			return &d->checks[i];
	return NULL;
}

static void
note(struct rules_past *rows, size_t *count, usec_t at_us, double value)
{
	if (!isnan(value))
		rows[(*count)++] = (struct rules_past){ at_us, at_us, 1, value, value, value };
}

/* A sample now: fed to the living engine, and put on tape. */
static void
live(struct desk *d, size_t check, enum check_state state, double value)
{
	struct tape *tape = &d->tapes[check];
	bool is_well = state == CHECK_UP;

	bench_feed(&d->b, d->b.specs[check].name,
		(struct bench_sample){ .outcome = is_well ? OUTCOME_OK : OUTCOME_FAIL,
			.state = state,
			.cause = is_well ? NULL : "net.refused",
			.values = { value, NAN, NAN, NAN, NAN } });
	note(tape->value, &tape->values, d->b.wall_us, value);
	note(tape->up, &tape->ups, d->b.wall_us, is_well ? 1 : 0);
}

static struct rules_past *
copy(const struct rules_past *rows, size_t count)
{
	struct rules_past *to = xcalloc(count + 1, sizeof(*to));

	memcpy(to, rows, count * sizeof(*to));
	return to;
}

static struct replay *
rewind_tape(struct desk *d, usec_t since_us, bool wants_peaks, const char *check)
{
	const struct replay_options options = { .set = d->b.set,
		.rule = "it",
		.check = check,
		.find = find,
		.arg = d,
		.since_us = since_us,
		.until_us = d->b.wall_us + 1,
		.wants_peaks = wants_peaks };
	struct err e = { 0 };
	struct replay *r = replay_new(&options, &e);
	const char *name, *metric;

	if (!r)
		fail_msg("%s", e.text);
	for (size_t n = 0; replay_need(r, n, &name, &metric); n++) {
		struct tape *tape = &d->tapes[strcmp(name, "api") == 0 ? 0 : 1];
		if (metric)
			replay_put(r, n, copy(tape->value, tape->values), tape->values);
		else
			replay_put(r, n, copy(tape->up, tape->ups), tape->ups);
	}
	while (!replay_run(r, 7))
		;
	return r;
}

static void
expect_same(struct desk *d, const struct replay *r, const char *what, unsigned seed)
{
	const struct replay_report *report = replay_report(r);

	if (report->count != d->count)
		fail_msg("%s, seed %u: %zu firings, live %zu", what, seed, report->count, d->count);
	for (size_t i = 0; i < d->count; i++) {
		const struct replay_firing *a = &report->all[i], *b = &d->seen[i];
		if (a->since_us != b->since_us || a->from_us != b->from_us ||
			a->to_us != b->to_us || a->severity != b->severity)
			fail_msg("%s, seed %u: firing %zu: %jd..%jd %s, live %jd..%jd %s", what,
				seed, i, (intmax_t)a->from_us, (intmax_t)a->to_us,
				severity_name(a->severity), (intmax_t)b->from_us,
				(intmax_t)b->to_us, severity_name(b->severity));
	}
}

/* Windows of more than 64 values are kept as buckets, whose edges depend on when watching began:
 * those would be the same but for that. */
static const char *const rules_tried[] = {
	"{ warning: api.total_time > 1s }",
	"{ warning: api.total_time > 1s, for: 1m, keep_firing_for: 45s }",
	"{ each: http, info: this.total_time > 1s, critical: { when: this.total_time > 5s, for: 3 "
	"samples }, clear: this.total_time < 500ms }",
	"{ warning: \"avg(api.total_time, 5m) > 2s\", critical: \"max(api.total_time, 10m) > 5s "
	"and count(api.total_time, 10m) > 12\" }",
	"{ critical: down(api), for: 1m }",
	"{ critical: \"failing(api, 3) or share(api.total_time > 1s, 5m) > 60%\" }",
	"{ warning: api.total_time > 1s and root.used_percent > 3, for: 1m, on_no_data: ok }",
	"{ each: http, warning: \"absent(this.total_time, 3m)\", on_no_data: alert, for: 2m }",
	"{ warning: \"median(api.total_time, 20m) > 1s or changes(api.total_time > 1s, 5m) > 5\" }",
	"{ warning: \"slope(api.total_time, 10m) > 0.00123 and stddev(api.total_time, 30m) > 1s\" "
	"}",
};

static unsigned
roll(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 16) % sides;
}

/* Hours of good and bad times, gaps and outages. */
static void
play(struct desk *d, unsigned seed)
{
	static const double values[] = { 0.1, 0.3, 2, 6, (double)NAN };
	unsigned mood = 0, outage = 0;

	live(d, 0, CHECK_UP, 0.1); /* before the first one nobody looked */
	for (int n = 0; n < 700; n++) {
		usec_t step_us = (10 + roll(&seed, 21)) * SEC + roll(&seed, 1000) * 1000;
		if (roll(&seed, 60) == 0)
			step_us += roll(&seed, 600) * SEC;
		bench_wait(&d->b, (double)step_us / 1e6);
		if (roll(&seed, 8) == 0)
			mood = roll(&seed, 5);
		if (roll(&seed, 50) == 0)
			outage = roll(&seed, 15);
		outage -= outage > 0;
		if (roll(&seed, 3) == 0)
			live(d, 1, CHECK_UP, roll(&seed, 6));
		else
			live(d, 0, outage > 0 ? CHECK_DOWN : CHECK_UP,
				outage > 0 ? (double)NAN : values[mood]);
	}
}

static void
test_same_as_live(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));
	size_t firings = 0;

	(void)state;
	for (size_t rule = 0; rule < sizeof(rules_tried) / sizeof(rules_tried[0]); rule++) {
		for (unsigned seed = 1; seed <= 12; seed++) {
			set_up(d, rules_tried[rule]);
			usec_t since_us = d->b.wall_us;
			play(d, seed);
			struct replay *r = rewind_tape(d, since_us, false, "api");
			expect_same(d, r, rules_tried[rule], seed);
			firings += d->count;
			replay_free(r);
			tear_down(d);
		}
	}
	assert_true(firings > 500);
	free(d);
}

/* --- what is left of longer ago --- */

#define AT(minutes) (d->b.wall_us + (minutes)*USEC_PER_MIN)

/* A stretch of so many minutes, with `count` values. */
static void
average(struct desk *d, usec_t from_us, usec_t grain_us, double avg, double max)
{
	struct tape *tape = &d->tapes[0];
	const uint32_t count = (uint32_t)(grain_us / (30 * SEC));

	tape->value[tape->values++] =
		(struct rules_past){ from_us, from_us + grain_us, count, avg, 0, max };
}

static void
was_up(struct desk *d, usec_t from_us, usec_t grain_us, double up)
{
	struct tape *tape = &d->tapes[0];

	tape->up[tape->ups++] = (struct rules_past){ from_us, from_us + grain_us,
		(uint32_t)(grain_us / (30 * SEC)), up, up == 1, up > 0 };
}

static void
expect_firings(struct desk *d, bool wants_peaks, const char *wanted)
{
	usec_t from_us = d->b.wall_us;
	d->b.wall_us += 2 * USEC_PER_HOUR;
	struct replay *r = rewind_tape(d, from_us, wants_peaks, "api");
	const struct replay_report *report = replay_report(r);
	char got[500] = "";

	d->b.wall_us = from_us;
	for (size_t i = 0; i < report->count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%jd-%jd ",
			(intmax_t)((report->all[i].from_us - from_us) / SEC),
			report->all[i].to_us == 0
				? 0
				: (intmax_t)((report->all[i].to_us - from_us) / SEC));
	assert_string_equal(got, wanted);
	replay_free(r);
}

static void
test_averages_and_peaks(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	(void)state;
	set_up(d, "{ warning: api.total_time > 1s, for: 1m }");
	for (int n = 0; n < 30; n++)
		average(d, AT(n), USEC_PER_MIN, n >= 10 && n < 14 ? 3 : 0.1,
			n == 20 || n == 21 ? 9 : 4 * (n >= 10 && n < 14));
	/* Two values a minute, at 15 s and 45 s of it. */
	expect_firings(d, false, "675-855 ");
	/* The highest of each minute for all of it: at most so much. */
	expect_firings(d, true, "675-855 1275-1335 ");
	tear_down(d);
	free(d);
}

static void
test_minutes_and_quarters_keep_their_values_apart(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	(void)state;
	set_up(d, "{ warning: \"count(api.total_time, 30m) >= 60\" }");
	average(d, AT(0), 15 * USEC_PER_MIN, 1, 1);
	average(d, AT(15), 15 * USEC_PER_MIN, 1, 1);
	for (int n = 30; n < 40; n++)
		average(d, AT(n), USEC_PER_MIN, 1, 1);
	expect_firings(d, false, "1785-0 "); /* the sixtieth value of 30 s */
	tear_down(d);
	free(d);
}

static void
test_outage_in_quarters_is_one(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	(void)state;
	set_up(d, "{ critical: down(api) }");
	was_up(d, AT(0), 15 * USEC_PER_MIN, 1);
	was_up(d, AT(15), 15 * USEC_PER_MIN, 0.6);
	was_up(d, AT(30), 15 * USEC_PER_MIN, 0);
	was_up(d, AT(45), 15 * USEC_PER_MIN, 0.8);
	was_up(d, AT(60), 15 * USEC_PER_MIN, 1);
	expect_firings(d, false, "1455-2895 ");
	tear_down(d);
	free(d);
}

static void
test_what_is_not_kept(void **state)
{
	static const struct {
		const char *rule, *unkept, *error;
	} rows[] = {
		{ "{ warning: api.total_time > 1s }", NULL, NULL },
		{ "{ warning: 'cause(api) == \"net.refused\"' }", "cause(api) while it is down",
			NULL },
		{ "{ warning: cannot_tell(api) }", NULL, "whether anybody could tell of api" },
	};
	struct desk *d = xcalloc(1, sizeof(*d));

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		set_up(d, rows[n].rule);
		const struct replay_options options = { .set = d->b.set,
			.rule = "it",
			.check = "api",
			.find = find,
			.arg = d,
			.since_us = d->b.wall_us,
			.until_us = d->b.wall_us + SEC };
		struct err e = { 0 };
		struct replay *r = replay_new(&options, &e);
		assert_int_equal(r != NULL, rows[n].error == NULL);
		if (!r)
			assert_non_null(strstr(e.text, rows[n].error));
		else if (rows[n].unkept)
			assert_string_equal(replay_unkept(r, 0), rows[n].unkept);
		else
			assert_null(replay_unkept(r, 0));
		replay_free(r);
		tear_down(d);
	}
	free(d);
}

/* Why it was down nobody knows any more: that is not "another cause". */
static void
test_forgotten_cause_is_unknown(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	(void)state;
	set_up(d, "{ warning: 'cause(api) != \"net.refused\" and down(api)' }");
	for (int n = 0; n < 20; n++)
		was_up(d, AT(n), USEC_PER_MIN, n < 10);
	expect_firings(d, false, "");
	tear_down(d);
	free(d);
}

static void
test_windows_are_filled_before_and_time_is_counted(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	(void)state;
	set_up(d, "{ warning: \"avg(api.total_time, 1h) > 1s\" }");
	usec_t from_us = d->b.wall_us;
	for (int n = 0; n < 120; n++)
		average(d, AT(n), USEC_PER_MIN, n < 90 ? 2 : 0.1, 3);
	/* From the hundredth minute on, of which ten are missing. */
	for (size_t i = 105; i < 115; i++)
		d->tapes[0].value[i].count = 0;
	memmove(&d->tapes[0].value[105], &d->tapes[0].value[115], 5 * sizeof(struct rules_past));
	d->tapes[0].values = 110;
	d->b.wall_us = from_us + 120 * USEC_PER_MIN;
	struct replay *r = rewind_tape(d, from_us + 100 * USEC_PER_MIN, false, "api");
	const struct replay_report *report = replay_report(r);
	assert_true(replay_begin(r) <= from_us + 40 * USEC_PER_MIN);
	assert_int_equal(report->count, 1); /* it fired before, and did so at the beginning */
	assert_true(report->all[0].from_us < from_us + 100 * USEC_PER_MIN);
	assert_in_range(report->known_us / SEC, 600, 720);
	assert_int_equal(report->grains[1].samples, 20);
	assert_int_equal(report->grains[0].samples + report->grains[2].samples, 0);
	replay_free(r);
	tear_down(d);
	free(d);
}

/* Ten runs in one row, three of them down; a minute of such rows. */
static void
test_short_outages_are_seen(void **state)
{
	static const usec_t grains[] = { 0, USEC_PER_MIN };
	struct desk d;

	(void)state;
	for (size_t g = 0; g < 2; g++) {
		set_up(&d, "{ critical: down(api) }");
		usec_t begin_us = d.b.wall_us;
		for (int n = 0; n < 10; n++) {
			usec_t at_us = begin_us + n * USEC_PER_MIN;
			double up = n != 5 ? 1 : g == 0 ? 0.7 : 0.95;
			d.tapes[0].up[d.tapes[0].ups++] = (struct rules_past){ at_us,
				at_us + grains[g], g == 0 ? 1 : 6, up, up, up };
		}
		d.b.wall_us += 11 * USEC_PER_MIN;
		struct replay *r = rewind_tape(&d, begin_us, false, "api");
		assert_int_equal(replay_report(r)->count, 1);
		assert_true(replay_report(r)->all[0].to_us != 0);
		replay_free(r);
		tear_down(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_live),
		cmocka_unit_test(test_averages_and_peaks),
		cmocka_unit_test(test_minutes_and_quarters_keep_their_values_apart),
		cmocka_unit_test(test_outage_in_quarters_is_one),
		cmocka_unit_test(test_what_is_not_kept),
		cmocka_unit_test(test_forgotten_cause_is_unknown),
		cmocka_unit_test(test_windows_are_filled_before_and_time_is_counted),
		cmocka_unit_test(test_short_outages_are_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
