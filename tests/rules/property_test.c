/*
 * Random histories: samples, unknowns, silence, set clocks, suspends, restarts and reloads at any
 * instant, a million steps of them (fewer under a sanitizer).  After each call of the engine every
 * alert must stand where the slow model (naive.h) has it, and events must alternate: none lost,
 * none doubled, none early or late by more than the call that could have told it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/rules/bench.h"
#include "tests/rules/naive.h"

#ifdef __SANITIZE_ADDRESS__
#define STEPS 60000
#else
#define STEPS 1000000
#endif

#define S   USEC_PER_SEC
#define MIN USEC_PER_MIN

enum { API, WEB, ROOT };

/* --- the rules, said twice --- */

#define ABOVE(name, limit)                                                                         \
	static enum word name(const struct naive_world *w, int owner)                              \
	{                                                                                          \
		return naive_above(w, owner, limit);                                               \
	}
ABOVE(over_1, 1)
ABOVE(over_5, 5)
ABOVE(over_80, 79.999)
ABOVE(over_90, 89.999)

static enum word
under_77(const struct naive_world *w, int owner)
{
	enum word over = naive_above(w, owner, 76.999);

	return over == DUNNO ? DUNNO : over == YES ? NO : YES;
}

static enum word
is_down(const struct naive_world *w, int owner)
{
	return naive_down(w, owner);
}

static enum word
both_down(const struct naive_world *w, int owner)
{
	(void)owner;
	return naive_and(naive_down(w, API), naive_down(w, WEB));
}

static enum word
peak(const struct naive_world *w, int owner)
{
	return naive_max_above(w, owner, 5 * MIN, 5);
}

static enum word
cannot_tell(const struct naive_world *w, int owner)
{
	const struct naive_check *c = naive_look(w, owner);

	return !c ? DUNNO : c->outcome == OUTCOME_ERROR ? YES : NO;
}

#define FOR(t, k)                                                                                  \
	{                                                                                          \
		.for_us = (t), .keep_us = (k)                                                      \
	}
#define DOWN(owner_)                                                                               \
	{                                                                                          \
		.name = "check-down", .owner = owner_, .looks_at = 1u << owner_,                   \
		.when = { [SEVERITY_INFO] = is_down, is_down, is_down }, .is_down = true           \
	}
#define CANNOT_TELL(owner_)                                                                        \
	{                                                                                          \
		.name = "cannot-tell", .owner = owner_, .looks_at = 1u << owner_,                  \
		.when = { [SEVERITY_WARNING] = cannot_tell }, .times = {                           \
			[SEVERITY_WARNING] = FOR(10 * MIN, 0)                                      \
		}                                                                                  \
	}

#define ROW(name_, owner_, looks_at_) .name = name_, .owner = owner_, .looks_at = looks_at_

static const struct naive_rule rows[] = {
	{ ROW("simple", API, 1 << API), .when = { [SEVERITY_WARNING] = over_1 } },
	{ ROW("timed", API, 1 << API), .when = { [SEVERITY_WARNING] = over_1, over_5 },
		.times = { [SEVERITY_WARNING] = FOR(2 * MIN, MIN), FOR(30 * S, MIN) } },
	{ ROW("gap", ROOT, 1 << ROOT), .when = { [SEVERITY_WARNING] = over_80, over_90 },
		.clear = under_77 },
	{ ROW("blind", API, 1 << API), .when = { [SEVERITY_WARNING] = over_1 },
		.times = { [SEVERITY_WARNING] = FOR(MIN, 0) }, .on_no_data = NO_DATA_ALERT },
	{ ROW("fine", WEB, 1 << WEB), .when = { [SEVERITY_WARNING] = over_1 },
		.times = { [SEVERITY_WARNING] = FOR(0, 2 * MIN) }, .on_no_data = NO_DATA_OK },
	{ ROW("three", WEB, 1 << WEB), .when = { [SEVERITY_CRITICAL] = over_1 },
		.times = { [SEVERITY_CRITICAL] = { .for_samples = 3 } } },
	{ ROW("both", WEB, 1 << API | 1 << WEB), .when = { [SEVERITY_WARNING] = both_down } },
	{ ROW("peak", API, 1 << API), .when = { [SEVERITY_INFO] = peak },
		.times = { [SEVERITY_INFO] = FOR(MIN, 30 * S) } },
	DOWN(API),
	DOWN(WEB),
	DOWN(ROOT),
	CANNOT_TELL(API),
	CANNOT_TELL(WEB),
	CANNOT_TELL(ROOT),
};

#define ROWS  (sizeof(rows) / sizeof(*rows))
#define RULES 8 /* that a reload may take away: they come first in `rows` */

static const char *const yaml[RULES] = {
	"  simple: { warning: api.total_time > 1s }\n",
	"  timed: { warning: api.total_time > 1s, for: 2m, keep_firing_for: 1m,"
	" critical: { when: api.total_time > 5s, for: 30s } }\n",
	"  gap: { warning: root.used_percent >= 80, critical: root.used_percent >= 90,"
	" clear: root.used_percent < 77 }\n",
	"  blind: { warning: api.total_time > 1s, for: 1m, on_no_data: alert }\n",
	"  fine: { warning: web.total_time > 1s, keep_firing_for: 2m, on_no_data: ok }\n",
	"  three: { critical: web.total_time > 1s, for: 3 samples }\n",
	"  both: { check: web, warning: down(api) and down(web) }\n",
	"  peak: { info: \"max(api.total_time, 5m) > 5s\", for: 1m, keep_firing_for: 30s }\n",
};

/* --- the scene --- */

struct scene {
	struct bench b;
	struct naive_world w;
	struct naive_alert alerts[ROWS];
	enum severity heard[ROWS]; /* as somebody who only gets the events has it */
	unsigned events[ROWS];     /* in this call */
	bool is_restoring;
	unsigned missing; /* rules that a reload took away, as bits */
	int failures[NAIVE_CHECKS];
	uint64_t seed;
	usec_t called_us; /* when the engine last heard of the time */
	size_t step, fired, ended, restored;
};

static struct scene scene;

static uint32_t
dice(uint32_t sides)
{
	scene.seed ^= scene.seed << 13;
	scene.seed ^= scene.seed >> 7;
	scene.seed ^= scene.seed << 17;
	return (uint32_t)(scene.seed >> 16) % sides;
}

static size_t
find_row(const char *check, const char *rule)
{
	size_t i = 0;

	while (i < ROWS && (strcmp(rows[i].name, rule) != 0 ||
				   strcmp(scene.w.checks[rows[i].owner].name, check) != 0))
		i++;
	if (i == ROWS)
		fail_msg("an event of %s.%s", check, rule);
	return i;
}

static void
on_event(void *arg, const struct alert_event *event)
{
	size_t row = find_row(event->check, event->rule);
	enum severity before = scene.heard[row], now = event->severity;
	bool is_right = false;
	(void)arg;

	switch (event->change) {
	case ALERT_FIRES:
		is_right = !before && now;
		scene.fired++;
		break;
	case ALERT_RISES:
		is_right = before && now > before;
		break;
	case ALERT_FALLS:
		is_right = now && now < before;
		break;
	case ALERT_CAUSE:
		if (before && now == before)
			return; /* words only */
		break;
	case ALERT_ENDS:
		is_right = before && !now;
		scene.ended++;
		break;
	case ALERT_REMOVED:
		is_right = before && !now && (scene.is_restoring || !scene.alerts[row].is_there);
		break;
	case ALERT_RESTORED:
		is_right = scene.is_restoring && now == before;
		scene.restored++;
		break;
	}
	if (!is_right)
		fail_msg("step %zu: %s.%s: change %d from %d to %d", scene.step, event->check,
			event->rule, event->change, before, now);
	scene.heard[row] = now;
	scene.events[row]++;
}

/* Nothing that is unknown ends an alert, but for a rule that wants it so. */
static void
check_end(const struct naive_alert *a)
{
	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
		if (a->rule->when[s] && a->levels[s].last != NO)
			fail_msg("step %zu: %s ended on a word %d", scene.step, a->rule->name,
				a->levels[s].last);
}

static void
compare(const char *after, const enum severity *before)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct naive_alert *a = &scene.alerts[i];
		enum severity wanted = a->is_there ? a->told : SEVERITY_OK;
		if (scene.heard[i] != wanted)
			fail_msg("step %zu, %s: %s.%s stands at %d, wanted %d", scene.step, after,
				scene.w.checks[rows[i].owner].name, rows[i].name, scene.heard[i],
				wanted);
		if (scene.events[i] != (before[i] != wanted) && !scene.is_restoring)
			fail_msg("step %zu, %s: %s told %u times", scene.step, after, rows[i].name,
				scene.events[i]);
		if (a->is_there && before[i] && !wanted)
			check_end(a);
		scene.events[i] = 0;
	}
}

/* --- calls, of both --- */

static usec_t
tick(void)
{
	enum severity before[ROWS];
	struct bench *b = &scene.b;

	memcpy(before, scene.heard, sizeof(before));
	usec_t next = rules_tick(b->rules, b->now_us, b->wall_us);
	scene.w.now_us = scene.called_us = b->now_us;
	scene.w.fed = NULL;
	for (size_t i = 0; i < ROWS; i++)
		if (scene.alerts[i].is_there)
			naive_tick(&scene.alerts[i], &scene.w);
	compare("tick", before);
	for (size_t i = 0; i < ROWS; i++) {
		usec_t due = scene.alerts[i].is_there ? naive_next(&scene.alerts[i], &scene.w)
						      : INT64_MAX;
		next = due < next ? due : next;
	}
	return next;
}

static void
pass(usec_t by_us)
{
	scene.b.now_us += by_us;
	scene.b.wall_us += by_us;
}

/* Ticks when the engine or the model wants them; now and then the loop was busy, and they come
 * late, or a sample before them. */
static void
wait_for(usec_t by_us)
{
	struct bench *b = &scene.b;
	usec_t until_us = b->now_us + by_us;
	bool is_late = dice(10) == 0;

	if (is_late) {
		pass(by_us);
		if (dice(2) == 0)
			tick();
		return;
	}
	for (;;) {
		usec_t next = tick();
		usec_t to_us = next < until_us ? next : until_us;
		if (to_us > b->now_us)
			pass(to_us - b->now_us);
		if (next > until_us)
			return;
	}
}

static double
draw_value(int check)
{
	static const double times[] = { 0.2, 0.9, 1.5, 3, 6, 20 };
	static const double percents[] = { 50, 76, 78, 82, 88, 91, 97 };

	if (dice(12) == 0)
		return (double)NAN;
	return check == ROOT ? percents[dice(7)] : times[dice(6)];
}

/* As the scheduler counts: three failures in a row make it down. */
static struct bench_sample
draw_sample(int check, bool is_bad)
{
	struct bench_sample s = { .outcome = OUTCOME_OK, .state = CHECK_UP };

	for (size_t i = 0; i < BENCH_VALUES; i++)
		s.values[i] = (double)NAN;
	if (dice(15) == 0) {
		s.outcome = OUTCOME_ERROR;
		s.cause = "self.local";
		s.state = scene.failures[check] >= 3 ? CHECK_DOWN
			  : scene.failures[check]    ? CHECK_SUSPECT
						     : CHECK_UP;
		return s;
	}
	if (is_bad) {
		scene.failures[check]++;
		s.outcome = OUTCOME_FAIL;
		s.cause = "net.refused";
		s.state = scene.failures[check] >= 3 ? CHECK_DOWN : CHECK_SUSPECT;
		return s;
	}
	scene.failures[check] = 0;
	s.values[0] = draw_value(check);
	return s;
}

static void
feed(int check, struct bench_sample s)
{
	struct naive_check *c = &scene.w.checks[check];
	enum severity before[ROWS];

	if (!c->is_there)
		return;
	memcpy(before, scene.heard, sizeof(before));
	c->has_sample = true;
	c->last_us = scene.w.now_us = scene.called_us = scene.b.now_us;
	c->state = s.state;
	c->outcome = s.outcome;
	c->value = s.values[0];
	c->is_settled = c->is_settled || s.state == CHECK_UP || s.state == CHECK_DOWN;
	/* A window begins when a rule asks for it. */
	if (!isnan(c->value) && check == API && scene.alerts[7].is_there) {
		c->past[c->past_count % NAIVE_PAST].at_us = c->last_us;
		c->past[c->past_count++ % NAIVE_PAST].value = c->value;
	}
	scene.w.fed = c;
	bench_feed(&scene.b, c->name, s);
	for (size_t i = 0; i < ROWS; i++)
		if (scene.alerts[i].is_there && rows[i].looks_at & 1u << check)
			naive_judge(&scene.alerts[i], &scene.w);
	scene.w.fed = NULL;
	compare("sample", before);
}

/* --- reload and restart --- */

/* The same rules again, or some of them taken away, or a check switched off. */
static void
draw_settings(void)
{
	for (int i = 0; i < RULES; i++)
		if (dice(6) == 0)
			scene.missing ^= 1u << i;
	if (dice(4) == 0)
		scene.w.checks[ROOT].is_there = !scene.w.checks[ROOT].is_there;
	/* Rules about a check that is switched off are kept, and know nothing. */
	scene.b.specs[ROOT].common.enabled = scene.w.checks[ROOT].is_there;
}

static void
compile(void)
{
	struct buf text;

	buf_init(&text, 0);
	buf_addf(&text,
		"builtin_rules: [check-down]\nrules:\n  unused: { warning: api.total_time > "
		"1d }\n");
	for (int i = 0; i < RULES; i++)
		if (!(scene.missing & 1u << i))
			buf_add_text(&text, yaml[i]);
	bench_compile(&scene.b, buf_text(&text));
	assert_int_equal(complaints_errors(scene.b.complaints), 0);
	buf_fini(&text);
}

static bool
should_be_there(size_t row)
{
	return scene.w.checks[rows[row].owner].is_there &&
	       !(row < RULES && scene.missing & 1u << row);
}

static void
forget_check(struct naive_check *c)
{
	c->has_sample = c->is_settled = false;
	c->past_count = 0;
	c->last_us = scene.b.now_us;
}

/* What the model has of alerts that come or go with the settings. */
static void
fit_alerts(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct naive_alert *a = &scene.alerts[i];
		bool was_there = a->is_there;
		a->is_there = should_be_there(i);
		if (a->is_there && !was_there)
			*a = (struct naive_alert){
				.rule = &rows[i], .is_there = true, .known_us = scene.b.now_us
			};
	}
}

/* A window that no rule asks for is let go. */
static void
fit_windows(void)
{
	if (!scene.alerts[7].is_there)
		scene.w.checks[API].past_count = 0;
}

static void
reload(void)
{
	enum severity before[ROWS];
	struct rule_set *old_set = scene.b.set;
	struct conf_tree *old_tree = scene.b.tree;
	bool had_root = scene.w.checks[ROOT].is_there;

	if (dice(3) == 0)
		pass((usec_t)dice(200) * S); /* the loop was busy: what was due is still to come */
	for (int i = 0; i < NAIVE_CHECKS; i++)
		if (dice(4) == 0)
			scene.failures[i] = 0; /* the scheduler counts anew */
	memcpy(before, scene.heard, sizeof(before));
	draw_settings();
	if (scene.w.checks[ROOT].is_there && !had_root)
		forget_check(&scene.w.checks[ROOT]);
	fit_alerts();
	fit_windows();
	compile();
	bench_apply(&scene.b);
	rule_set_free(old_set);
	conf_tree_free(old_tree);
	compare("reload", before);
}

/* The time that a level has waited, as the engine kept it: a little less than it was. */
static void
adopt(struct naive_level *l, const json_t *kept, const struct level_times *times)
{
	usec_t elapsed = json_integer_value(json_object_get(kept, "elapsed"));
	usec_t wait = l->is_on ? times->keep_us : times->for_us;
	usec_t behind = (wait / 10 > 5 * S ? wait / 10 : 5 * S) + 2 * MIN + scene.b.now_us -
			scene.called_us;

	naive_pass(l, scene.b.now_us);
	if (elapsed > l->had_us || elapsed < l->had_us - behind)
		fail_msg(
			"step %zu: kept %ld of %ld us", scene.step, (long)elapsed, (long)l->had_us);
	l->had_us = elapsed;
	l->samples = (unsigned)json_integer_value(json_object_get(kept, "samples"));
	l->is_running = false;
}

static void
restart_alert(size_t row)
{
	struct naive_alert *a = &scene.alerts[row];
	char *key = xasprintf("%s\n%s", scene.w.checks[rows[row].owner].name, rows[row].name);
	const json_t *levels = json_object_get(map_get(scene.b.kept, key), "levels");

	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
		const json_t *kept = json_object_get(levels, severity_name(s));
		if (a->levels[s].has_run)
			adopt(&a->levels[s], kept, &rows[row].times[s]);
		const char *phase = json_string_value(json_object_get(kept, "phase"));
		const char *wanted = a->levels[s].is_on
					     ? a->levels[s].has_run ? "clearing" : "firing"
				     : a->levels[s].has_run ? "pending"
							    : NULL;
		if (!str_eq(phase, wanted))
			fail_msg("step %zu: %s kept as %s, wanted %s", scene.step, rows[row].name,
				phase ? phase : "nothing", wanted ? wanted : "nothing");
	}
	free(key);
}

static void
restart(void)
{
	struct bench *b = &scene.b;
	const struct rules_options options = {
		.on_alert = on_event, .on_keep = bench_on_keep, .arg = b
	};
	enum severity before[ROWS];
	const char *key;
	void *doc;

	for (size_t i = 0; i < ROWS; i++)
		if (scene.alerts[i].is_there)
			restart_alert(i);
	rules_free(b->rules);
	bench_drop_set(b);
	memset(b->ties, 0, sizeof(b->ties)); /* as a new process has none */
	b->rules = rules_new(&options);
	b->wall_us += (usec_t)dice(7200) * S;
	b->now_us = scene.called_us = (1 + (usec_t)dice(100000)) * S;
	for (size_t at = 0; map_next(b->kept, &at, &key, &doc);)
		rules_restore(b->rules, key, doc);
	memcpy(before, scene.heard, sizeof(before));
	if (dice(3) == 0)
		draw_settings();
	for (int i = 0; i < NAIVE_CHECKS; i++) {
		forget_check(&scene.w.checks[i]);
		scene.failures[i] = 0;
	}
	fit_alerts();
	for (size_t i = 0; i < ROWS; i++) {
		scene.alerts[i].known_us = b->now_us;
		for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
			scene.alerts[i].levels[s].last_us = b->now_us;
	}
	compile();
	scene.is_restoring = true;
	bench_apply(b);
	compare("restart", before);
	scene.is_restoring = false;
}

/* --- the run --- */

static void
start(void)
{
	static const char *const names[] = { "api", "web", "root" };
	struct bench *b = &scene.b;
	const struct rules_options options = {
		.on_alert = on_event, .on_keep = bench_on_keep, .arg = b
	};

	bench_init(b);
	rules_free(b->rules);
	memset(b->ties, 0, sizeof(b->ties)); /* as a new process has none */
	b->rules = rules_new(&options);
	for (int i = 0; i < NAIVE_CHECKS; i++) {
		bench_check(b, names[i], i == ROOT ? "disk" : "http");
		scene.w.checks[i].name = names[i];
		scene.w.checks[i].is_there = true;
		scene.w.checks[i].patience_us = 90 * S;
		forget_check(&scene.w.checks[i]);
	}
	fit_alerts();
	compile();
	bench_apply(b);
}

/* Trouble comes in runs: most of the time a check does what it did before. */
static void
step_sample(void)
{
	static bool is_bad[NAIVE_CHECKS];
	int check = (int)dice(NAIVE_CHECKS);

	if (dice(8) == 0)
		is_bad[check] = dice(3) == 0;
	wait_for((usec_t)(5 + dice(25)) * S + (usec_t)dice(1000) * USEC_PER_MSEC);
	feed(check, draw_sample(check, is_bad[check]));
	tick(); /* as the app does after each sample */
}

static void
step(void)
{
	uint32_t what = dice(1000);

	if (what < 10)
		wait_for((usec_t)dice(900) * S); /* silence */
	else if (what < 15)
		scene.b.wall_us += ((usec_t)dice(400000) - 200000) * S; /* somebody set the clock */
	else if (what < 18)
		scene.b.wall_us += (usec_t)dice(100000) * S; /* a suspend: the other clock stood */
	else if (what < 26)
		restart();
	else if (what < 36)
		reload();
	else
		step_sample();
}

static void
test_random_histories(void **state)
{
	const char *seed = getenv("PROPERTY_SEED"), *steps = getenv("PROPERTY_STEPS");
	size_t wanted = steps ? strtoul(steps, NULL, 10) : STEPS;
	(void)state;

	scene.seed = seed ? strtoull(seed, NULL, 10) : 88172645463325252ULL;
	start();
	for (scene.step = 0; scene.step < wanted; scene.step++)
		step();
	print_message("steps: %zu, fired %zu, ended %zu, restored %zu\n", scene.step, scene.fired,
		scene.ended, scene.restored);
	assert_true(scene.fired > wanted / 200 && scene.restored > wanted / 500);
	bench_fini(&scene.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_histories) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
