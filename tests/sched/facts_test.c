/* Facts on demand, on a clock that the test turns: once at a time, given again, gone with the
 * check; and what is learned of a place while it is well. */
#include "tests/sched/toy.h"

#include "probes/facts/fact.h"

enum key { KEY_COUNT, KEY_PID, KEY_UNIT, KEY_COMM, KEY_DATA_DIR };

static const struct metric_desc keys[] = {
	{ "count", METRIC_GAUGE, UNIT_NONE, "Runs." },
	{ "pid", METRIC_GAUGE, UNIT_NONE, "A process." },
	{ "unit", METRIC_GAUGE, UNIT_TEXT, "Its unit." },
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "Its name." },
	{ "data_dir", METRIC_GAUGE, UNIT_TEXT, "Its folder." },
	{ .name = NULL },
};

static struct {
	unsigned starts, stops, live, most_live;
	usec_t answer_us;
	const char *unit;
} seen;

struct fact_toy {
	struct timer timer;
	struct fact_run *run;
};

static void
fact_toy_answer(void *arg)
{
	struct fact_run *run = ((struct fact_toy *)arg)->run;
	unsigned *count = fact_memory(run, sizeof(*count));

	fact_number(run, KEY_COUNT, ++*count);
	fact_number(run, KEY_PID, 100);
	fact_text(run, KEY_COMM, "server");
	if (seen.unit != NULL)
		fact_text(run, KEY_UNIT, "%s", seen.unit);
	fact_text(run, KEY_DATA_DIR, "/var/lib/server");
	fact_had(run);
}

static void
fact_toy_start(struct fact_run *run)
{
	struct fact_toy *toy = fact_state(run);

	toy->run = run;
	seen.starts++;
	if (++seen.live > seen.most_live)
		seen.most_live = seen.live;
	timer_init(&toy->timer, fact_env(run)->loop, fact_toy_answer, toy);
	timer_after(&toy->timer, seen.answer_us);
}

static void
fact_toy_stop(struct fact_run *run)
{
	timer_stop(&((struct fact_toy *)fact_state(run))->timer);
	seen.stops++;
	seen.live--;
}

#define TOY_FACT(n, ...)                                                                           \
	{                                                                                          \
		.name = n, .summary = "A toy.", .keys = keys, .run_size = sizeof(struct fact_toy), \
		.start = fact_toy_start, .stop = fact_toy_stop, __VA_ARGS__                        \
	}

static const char *const others[] = { "redis", NULL };
static const struct fact_type own = TOY_FACT("own", .is_host = false);
static const struct fact_type host_wide = TOY_FACT("host-wide", .is_host = true);
static const struct fact_type strange = TOY_FACT("strange", .types = others);
static const struct fact_type teller = TOY_FACT("port-owner", .fresh_us = USEC_PER_SEC);
static const struct fact_type *const table[] = { &host_wide, &own, &teller, &strange, NULL };

struct told {
	char check[32], fact[32];
	double count;
	enum fact_end end;
};

static struct told told[256];
static unsigned told_count;
static struct world *the_world;
static const char *ask_again; /* from inside of an answer */
static usec_t thinks_us;      /* who hears an answer, about it */
static unsigned at_once, most_at_once;

static void
on_fact(void *arg, const struct check_spec *check, const struct fact *fact)
{
	struct told *t = &told[told_count++ % 256];

	snprintf(t->check, sizeof(t->check), "%s", check->name);
	snprintf(t->fact, sizeof(t->fact), "%s", fact->name);
	t->count = fact_number_of(fact, "count");
	t->end = fact->end;
	clock_advance(&the_world->clock, thinks_us);
	if (++at_once > most_at_once)
		most_at_once = at_once;
	if (ask_again != NULL) {
		const char *name = ask_again;

		ask_again = NULL;
		sched_want_fact(((struct world *)arg)->sched, check->name, name);
	}
}

static void
reopen(struct world *w)
{
	struct sched_options options = {
		.env = &w->env,
		.on_sample = on_sample,
		.on_child = on_child,
		.on_keep = on_keep,
		.on_fact = on_fact,
		.facts = table,
		.arg = w,
	};

	sched_free(w->sched);
	w->sched = sched_new(&options);
}

static int
open_stage(void **state)
{
	memset(&seen, 0, sizeof(seen));
	seen.answer_us = 1000;
	told_count = 0;
	ask_again = NULL;
	thinks_us = 0;
	set_up(state);
	the_world = *state;
	reopen(the_world);
	return 0;
}

static int
close_stage(void **state)
{
	tear_down(state);
	assert_int_equal(seen.starts, seen.stops);
	return 0;
}

static void
pass(struct world *w, usec_t us)
{
	loop_advance(w->env.loop, us);
	loop_turn(w->env.loop, false);
	loop_turn(w->env.loop, false);
}

static void
test_wanted_twice_runs_once(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	assert_int_equal(sched_want_fact(w->sched, "a", "own"), 0);
	assert_int_equal(sched_want_fact(w->sched, "a", "own"), 0);
	assert_int_equal(told_count, 0);
	pass(w, SECOND);
	assert_int_equal(seen.starts, 1);
	assert_int_equal(told_count, 1);
	assert_string_equal(told[0].check, "a");
	assert_string_equal(told[0].fact, "own");
	assert_int_equal(sched_want_fact(w->sched, "b", "own"), -1);
	assert_int_equal(sched_want_fact(w->sched, "a", "nothing"), -1);
	assert_int_equal(sched_want_fact(w->sched, "a", "strange"), -1);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_young_answers_are_given_again(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	sched_want_fact(w->sched, "a", "own");
	pass(w, SECOND);
	sched_want_fact(w->sched, "a", "own");
	assert_int_equal(told_count, 1); /* never from inside */
	pass(w, SECOND);
	assert_int_equal(told_count, 2);
	assert_int_equal(seen.starts, 1);
	assert_float_equal(told[1].count, 1, 0);
	pass(w, FACT_FRESH_US);
	sched_want_fact(w->sched, "a", "own");
	pass(w, SECOND);
	assert_int_equal(seen.starts, 2);
	assert_float_equal(told[2].count, 2, 0); /* its memory lives on */
	pass(w, 300 * SECOND);
	sched_want_fact(w->sched, "a", "own");
	pass(w, SECOND);
	assert_float_equal(told[3].count, 3, 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

/* What was measured before the trouble began says nothing about it. */
static void
test_an_answer_from_before_the_failure_is_not_given(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	pass(w, 61 * SECOND);
	sched_want_fact(w->sched, "a", "own");
	sched_want_fact(w->sched, "a", "host-wide");
	pass(w, SECOND);
	assert_int_equal(seen.starts, 2);
	toys[0].mood = FAIL;
	sched_run_now(w->sched, "a");
	pass(w, SECOND);
	sched_want_fact(w->sched, "a", "own");
	sched_want_fact(w->sched, "a", "host-wide");
	pass(w, SECOND);
	assert_int_equal(seen.starts, 4);
	assert_int_equal(told_count, 4);
	sched_want_fact(w->sched, "a", "own");
	pass(w, SECOND);
	assert_int_equal(seen.starts, 4); /* that one is about it */
	assert_int_equal(told_count, 5);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

/* What began to be measured before the failure is not about it. */
static void
test_one_under_way_begins_anew_for_another_trouble(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	pass(w, 61 * SECOND);
	seen.answer_us = SECOND;
	sched_want_fact(w->sched, "a", "own");
	pass(w, SECOND / 10);
	toys[0].mood = FAIL;
	sched_run_now(w->sched, "a");
	pass(w, SECOND / 10);
	assert_int_equal(seen.starts, 1);
	sched_want_fact(w->sched, "a", "own");
	assert_int_equal(seen.starts, 2);
	sched_want_fact(w->sched, "a", "own"); /* that one is about it */
	assert_int_equal(seen.starts, 2);
	pass(w, SECOND);
	assert_int_equal(told_count, 1);
	assert_int_equal(seen.stops, 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_asked_again_from_inside(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	ask_again = "own";
	sched_want_fact(w->sched, "a", "own");
	pass(w, SECOND);
	assert_int_equal(told_count, 2);
	assert_int_equal(seen.starts, 1);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_host_wide_serves_all(void **state)
{
	struct world *w = *state;
	struct check_spec *specs[3];
	const struct check_spec *list[3];

	for (size_t i = 0; i < 3; i++)
		list[i] = specs[i] =
			make_spec((const char *[]){ "a", "b", "c" }[i], 0, 30 * SECOND);
	sched_apply(w->sched, list, 3, NULL);
	sched_want_fact(w->sched, "a", "host-wide");
	sched_want_fact(w->sched, "b", "host-wide");
	pass(w, SECOND);
	sched_want_fact(w->sched, "c", "host-wide");
	pass(w, SECOND);
	assert_int_equal(seen.starts, 1);
	assert_int_equal(told_count, 3);
	/* The check that it was asked about goes: it goes on for the other. */
	pass(w, 60 * SECOND);
	seen.answer_us = SECOND;
	sched_want_fact(w->sched, "c", "host-wide");
	sched_want_fact(w->sched, "b", "host-wide");
	sched_apply(w->sched, list, 2, NULL);
	pass(w, 3 * SECOND);
	assert_int_equal(told_count, 4);
	assert_string_equal(told[3].check, "b");
	sched_free(w->sched);
	w->sched = NULL;
	for (size_t i = 0; i < 3; i++)
		free_spec(specs[i]);
}

static void
test_gone_check_is_owed_nothing(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);
	struct check_spec *changed = make_spec("a", 1, 30 * SECOND);

	seen.answer_us = SECOND;
	apply_one(w, spec);
	sched_want_fact(w->sched, "a", "own");
	apply_one(w, changed);
	assert_int_equal(seen.stops, 1);
	pass(w, 3 * SECOND);
	assert_int_equal(told_count, 0);
	sched_want_fact(w->sched, "a", "own");
	sched_want_fact(w->sched, "a", "host-wide");
	sched_apply(w->sched, NULL, 0, NULL);
	pass(w, 3 * SECOND);
	assert_int_equal(told_count, 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
	free_spec(changed);
}

/* A reload with the same settings: the old ones must live as long as the fact that stands on them.
 */
static void
test_same_check_keeps_its_fact(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);
	struct check_spec *same = make_spec("a", 0, 30 * SECOND);

	seen.answer_us = SECOND;
	apply_one(w, spec);
	pass(w, 5 * SECOND);
	sched_want_fact(w->sched, "a", "own");
	apply_one(w, same);
	assert_int_equal(w->released, 0);
	pass(w, 3 * SECOND);
	assert_int_equal(told_count, 1);
	assert_int_equal(w->released, 1);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
	free_spec(same);
}

#define MANY 100

static void
test_so_many_at_a_time(void **state)
{
	struct world *w = *state;
	struct check_spec *specs[MANY];
	const struct check_spec *list[MANY];
	char name[16];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		list[i] = specs[i] = make_spec(name, 0, 30 * SECOND);
	}
	sched_apply(w->sched, list, MANY, NULL);
	seen.answer_us = SECOND;
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(sched_want_fact(w->sched, specs[i]->name, "own"), 0);
	pass(w, 10 * SECOND);
	assert_int_equal(told_count, MANY);
	assert_in_range(seen.most_live, 2, 32);
	sched_free(w->sched);
	w->sched = NULL;
	for (size_t i = 0; i < MANY; i++)
		free_spec(specs[i]);
}

static void
on_others_turn(void *arg)
{
	at_once = 0;
	timer_after(arg, USEC_PER_MSEC);
}

/* One answer for all of them, about which each thinks for a millisecond. */
static void
test_others_have_a_turn_between_answers(void **state)
{
	struct world *w = *state;
	struct check_spec *specs[MANY];
	const struct check_spec *list[MANY];
	struct timer tick;
	char name[16];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		list[i] = specs[i] = make_spec(name, 0, 30 * SECOND);
	}
	sched_apply(w->sched, list, MANY, NULL);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(sched_want_fact(w->sched, specs[i]->name, "host-wide"), 0);
	thinks_us = USEC_PER_MSEC;
	at_once = most_at_once = 0;
	timer_init(&tick, w->env.loop, on_others_turn, &tick);
	timer_after(&tick, USEC_PER_MSEC);
	pass(w, 3 * SECOND);
	timer_stop(&tick);
	assert_int_equal(seen.starts, 1);
	assert_int_equal(told_count, MANY);
	assert_in_range(most_at_once, 1, 5);
	for (size_t i = 0; i < MANY; i++) /* in the order in which they asked */
		assert_string_equal(told[i].check, specs[i]->name);
	sched_free(w->sched);
	w->sched = NULL;
	for (size_t i = 0; i < MANY; i++)
		free_spec(specs[i]);
}

/* All that ran was about checks that are gone: those that wait take their places. */
static void
test_places_of_the_gone_are_taken(void **state)
{
	struct world *w = *state;
	struct check_spec *specs[MANY];
	const struct check_spec *list[MANY];
	char name[16];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		list[i] = specs[i] = make_spec(name, 0, 30 * SECOND);
	}
	sched_apply(w->sched, list, MANY, NULL);
	seen.answer_us = SECOND;
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(sched_want_fact(w->sched, specs[i]->name, "own"), 0);
	sched_apply(w->sched, list + MANY / 2, MANY / 2, NULL);
	pass(w, 10 * SECOND);
	assert_int_equal(told_count, MANY / 2);
	sched_free(w->sched);
	w->sched = NULL;
	for (size_t i = 0; i < MANY; i++)
		free_spec(specs[i]);
}

static void
test_nothing_after_the_stop(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	sched_want_fact(w->sched, "a", "own");
	sched_stop(w->sched);
	assert_int_equal(sched_want_fact(w->sched, "a", "own"), -1);
	pass(w, 3 * SECOND);
	assert_int_equal(told_count, 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

/* --- what is learned --- */

static unsigned local_port = 6379;

static void
reveal_local(const void *conf, const char *instance, struct revealed *out)
{
	(void)conf;
	(void)instance;
	out->host = "127.0.0.1";
	out->port = local_port;
}

static struct probe_type local_type;

static struct check_spec *
local_spec(const char *name, int64_t id)
{
	struct check_spec *spec = make_spec(name, id, 30 * SECOND);

	local_type = toy_type;
	local_type.reveal = reveal_local;
	spec->probe_type = &local_type;
	return spec;
}

static void
test_learned_while_well(void **state)
{
	struct world *w = *state;
	struct check_spec *specs[] = { local_spec("a", 0), local_spec("b", 1) };
	const struct check_spec *list[] = { specs[0], specs[1] };
	const struct subject *s;

	seen.unit = "redis-server.service";
	toys[1].mood = FAIL;
	sched_apply(w->sched, list, 2, NULL);
	s = sched_subject(w->sched, "a");
	assert_string_equal(s->host, "127.0.0.1");
	assert_int_equal(s->port, 6379);
	assert_null(s->unit);
	pass(w, 5 * SECOND);
	assert_int_equal(seen.starts, 1); /* one place, one look; nobody is told */
	assert_int_equal(told_count, 0);
	s = sched_subject(w->sched, "a");
	assert_true(s->is_local);
	assert_string_equal(s->address, "127.0.0.1");
	assert_string_equal(s->unit, "redis-server.service");
	assert_string_equal(s->data_dir, "/var/lib/server");
	assert_int_equal(s->pid, 100);
	assert_null(sched_subject(w->sched, "b")->unit); /* it was never well */
	/* It comes up: what the other knows is known. */
	toys[1].mood = OK;
	pass(w, 60 * SECOND);
	assert_string_equal(sched_subject(w->sched, "b")->unit, "redis-server.service");
	assert_ptr_equal(sched_subject(w->sched, "a"), sched_subject(w->sched, "b")); /* once */
	/* Every ten minutes anew, in all. */
	seen.starts = seen.stops = 0;
	seen.unit = "redis@1.service";
	pass(w, 11 * 60 * SECOND);
	assert_in_range(seen.starts, 1, 2);
	assert_string_equal(sched_subject(w->sched, "a")->unit, "redis@1.service");
	assert_ptr_equal(sched_subject(w->sched, "a"), sched_subject(w->sched, "b"));
	assert_null(sched_subject(w->sched, "c"));
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(specs[0]);
	free_spec(specs[1]);
}

static void
test_not_learned_of_what_is_down(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = local_spec("a", 0);

	seen.unit = "intruder.service";
	toys[0].mood = FAIL;
	apply_one(w, spec);
	pass(w, 120 * SECOND);
	sched_want_fact(w->sched, "a", "port-owner");
	pass(w, SECOND);
	assert_int_equal(told_count, 1);
	assert_null(sched_subject(w->sched, "a")->unit);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_learned_is_kept(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = local_spec("a", 0);
	json_t *kept;

	seen.unit = "redis-server.service";
	apply_one(w, spec);
	pass(w, 5 * SECOND);
	assert_non_null(w->kept);
	kept = json_incref(w->kept);
	reopen(w);
	sched_restore(w->sched, "a", kept);
	toys[0].mood = FAIL;
	apply_one(w, spec);
	assert_string_equal(sched_subject(w->sched, "a")->unit, "redis-server.service");
	assert_string_equal(sched_subject(w->sched, "a")->comm, "server");
	/* The settings name another place now: that was another's. */
	reopen(w);
	sched_restore(w->sched, "a", kept);
	local_port = 6380;
	apply_one(w, spec);
	local_port = 6379;
	assert_null(sched_subject(w->sched, "a")->unit);
	json_decref(kept);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

#define F(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_wanted_twice_runs_once),
		F(test_young_answers_are_given_again),
		F(test_an_answer_from_before_the_failure_is_not_given),
		F(test_one_under_way_begins_anew_for_another_trouble),
		F(test_asked_again_from_inside),
		F(test_host_wide_serves_all),
		F(test_gone_check_is_owed_nothing),
		F(test_same_check_keeps_its_fact),
		F(test_so_many_at_a_time),
		F(test_others_have_a_turn_between_answers),
		F(test_places_of_the_gone_are_taken),
		F(test_nothing_after_the_stop),
		F(test_learned_while_well),
		F(test_not_learned_of_what_is_down),
		F(test_learned_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
