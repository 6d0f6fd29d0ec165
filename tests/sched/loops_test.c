/* Two loops on clocks that the test turns together: what the book sees of checks that run on
 * another loop than its own. */
#include "tests/sched/toy.h"

#include "io/resolve.h"
#include "tests/help/dns.h"

#define STEP (5 * USEC_PER_MSEC)

struct two {
	struct world w;
	struct clock clock; /* the further loop's */
	struct io_env env;
	struct probe_type portable;
	struct check_spec *specs[8];
	size_t count;
};

/* One after the other, in steps: what one writes the other reads within the next. */
static void
pass(struct two *t, usec_t us)
{
	for (usec_t done = 0; done < us; done += STEP) {
		loop_advance(t->w.env.loop, STEP);
		loop_turn(t->w.env.loop, false);
		loop_advance(t->env.loop, STEP);
		loop_turn(t->env.loop, false);
	}
}

static void
apply(struct two *t, size_t count)
{
	const struct check_spec *list[8];
	const struct sched_owner owner = { .owner = &t->w, .release = on_release };

	for (size_t i = 0; i < count; i++)
		list[i] = t->specs[i];
	sched_apply(t->w.sched, list, count, &owner);
}

static struct check_spec *
portable_spec(struct two *t, const char *name, int64_t id)
{
	struct check_spec *spec = make_spec(name, id, SECOND);

	spec->probe_type = &t->portable;
	t->specs[t->count++] = spec;
	return spec;
}

static void
reveal_name(const void *conf, const char *instance, struct revealed *out)
{
	(void)conf;
	(void)instance;
	out->host = "far.test";
	out->port = 80;
}

static int
set_up_two(void **state)
{
	struct two *t = xcalloc(1, sizeof(*t));

	memset(toys, 0, sizeof(toys));
	for (size_t i = 0; i < 8; i++)
		toys[i].answer_us = 1000;
	open_world(&t->w);
	clock_init_fake(&t->clock, 1000 * SECOND, 1700000000 * SECOND);
	t->env.loop = loop_new(&t->clock, NULL);
	t->portable = toy_type;
	t->portable.is_portable = true;
	assert_int_equal(sched_add_loop(t->w.sched, &t->env, NULL), 0);
	sched_use_loops(t->w.sched, 2);
	*state = t;
	return 0;
}

static int
tear_down_two(void **state)
{
	struct two *t = *state;

	sched_leave_loops(t->w.sched);
	loop_turn(t->env.loop, false);
	sched_free(t->w.sched);
	loop_free(t->env.loop);
	loop_free(t->w.env.loop);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(toys[i].starts, toys[i].stops);
	for (size_t i = 0; i < t->count; i++)
		free_spec(t->specs[i]);
	json_decref(t->w.kept);
	free(t);
	return 0;
}

/* Its samples come from the further loop: a stopped main clock does not start it, the other does.
 */
static bool
runs_on_further(struct two *t, unsigned id)
{
	unsigned before = toys[id].starts;

	for (int i = 0; i < 400; i++) {
		loop_advance(t->env.loop, STEP);
		loop_turn(t->env.loop, false);
	}
	clock_advance(&t->w.clock, 400 * STEP);
	pass(t, STEP);
	return toys[id].starts - before >= 2;
}

static void
test_what_is_portable_runs_on_the_other_loop(void **state)
{
	struct two *t = *state;

	portable_spec(t, "far", 0);
	t->specs[t->count++] = make_spec("near", 1, SECOND);
	apply(t, 2);
	pass(t, 10 * SECOND);
	assert_in_range(toys[0].starts, 9, 12);
	assert_in_range(toys[1].starts, 9, 12);
	assert_int_equal(view(&t->w, "far").state, CHECK_UP);
	/* The last one may not have been told of yet. */
	assert_in_range(view(&t->w, "far").runs, toys[0].starts - 1, toys[0].starts);
	assert_int_equal(view(&t->w, "near").state, CHECK_UP);
	assert_true(t->w.samples + 2 >= toys[0].starts + toys[1].starts);
	assert_true(runs_on_further(t, 0));
	assert_false(runs_on_further(t, 1));
	assert_true(sched_round_done(t->w.sched));
}

static void
test_state_is_the_books_and_retries_come_quickly(void **state)
{
	struct two *t = *state;
	struct check_spec *spec = portable_spec(t, "far", 0);

	spec->common.interval_us = 60 * SECOND;
	apply(t, 1);
	pass(t, 40 * SECOND);
	toys[0].mood = FAIL;
	pass(t, 70 * SECOND);
	/* Failures 2 s apart, not 60; a regular run may have come besides. */
	assert_int_equal(view(&t->w, "far").state, CHECK_DOWN);
	assert_in_range(view(&t->w, "far").failures, 3, 4);
	toys[0].mood = OK;
	pass(t, 65 * SECOND);
	assert_int_equal(view(&t->w, "far").state, CHECK_UP);
}

static void
test_run_now(void **state)
{
	struct two *t = *state;
	unsigned before;

	portable_spec(t, "far", 0)->common.interval_us = 600 * SECOND;
	apply(t, 1);
	pass(t, SECOND);
	before = toys[0].starts;
	assert_int_equal(sched_run_now(t->w.sched, "far"), 0);
	assert_true(view(&t->w, "far").is_running);
	assert_int_equal(sched_run_now(t->w.sched, "far"), -1);
	pass(t, SECOND);
	assert_int_equal(toys[0].starts, before + 1);
	assert_false(view(&t->w, "far").is_running);
	assert_int_equal(sched_run_now(t->w.sched, "nobody"), -1);
}

static void
test_reload_same_changed_gone(void **state)
{
	struct two *t = *state;
	struct check_spec *first[3];
	unsigned before;

	for (unsigned i = 0; i < 3; i++)
		first[i] = portable_spec(t, (const char *[]){ "same", "changed", "gone" }[i], i);
	apply(t, 3);
	pass(t, 5 * SECOND);
	t->count = 0;
	portable_spec(t, "same", 0);
	portable_spec(t, "changed", 3);
	before = toys[2].starts;
	apply(t, 2);
	assert_int_equal(t->w.released, 0); /* the other loop may still look at them */
	pass(t, 5 * SECOND);
	assert_int_equal(t->w.released, 1);
	assert_int_equal(toys[2].starts, before);
	assert_in_range(toys[3].starts, 4, 7);
	assert_in_range(view(&t->w, "same").runs, 9, 12);
	assert_int_equal(view(&t->w, "changed").state, CHECK_UP);
	assert_int_equal(sched_count(t->w.sched), 2);
	for (unsigned i = 0; i < 3; i++)
		free_spec(first[i]);
}

/* A sample that was made under the settings before is nobody's. */
static void
test_a_sample_of_other_settings_is_not_taken(void **state)
{
	struct two *t = *state;
	struct check_spec *first = portable_spec(t, "it", 0);

	toys[0].mood = FAIL;
	apply(t, 1);
	loop_turn(t->w.env.loop, false); /* the orders leave */
	/* It runs and answers there, and nothing is read here. */
	for (int i = 0; i < 10; i++) {
		loop_turn(t->env.loop, false);
		loop_advance(t->env.loop, STEP);
	}
	assert_int_equal(toys[0].stops, 1);
	t->count = 0;
	portable_spec(t, "it", 1);
	toys[1].mood = SILENT;
	apply(t, 1);
	t->w.samples = 0;
	pass(t, SECOND);
	assert_int_equal(t->w.samples, 0);
	assert_int_equal(view(&t->w, "it").state, CHECK_UNKNOWN);
	free_spec(first);
}

static void
test_it_moves_with_its_state_and_schedule(void **state)
{
	struct two *t = *state;
	uint64_t runs;

	portable_spec(t, "it", 0);
	toys[0].mood = FAIL;
	apply(t, 1);
	pass(t, 10 * SECOND);
	assert_int_equal(view(&t->w, "it").state, CHECK_DOWN);
	runs = view(&t->w, "it").runs;

	sched_use_loops(t->w.sched, 1);
	apply(t, 1);
	pass(t, 5 * SECOND);
	assert_false(runs_on_further(t, 0));
	assert_int_equal(view(&t->w, "it").state, CHECK_DOWN);
	assert_in_range(view(&t->w, "it").runs, runs + 4, runs + 10);

	sched_use_loops(t->w.sched, 2);
	apply(t, 1);
	pass(t, 5 * SECOND);
	assert_true(runs_on_further(t, 0));
	assert_int_equal(view(&t->w, "it").state, CHECK_DOWN);
	assert_int_equal(toys[0].most_live, 1);
}

/* Asked back, and before that is answered: wanted there again, or gone altogether. */
static void
test_it_is_reloaded_and_removed_under_way(void **state)
{
	struct two *t = *state;

	portable_spec(t, "it", 0);
	portable_spec(t, "other", 1);
	apply(t, 2);
	pass(t, 2 * SECOND);
	sched_use_loops(t->w.sched, 1);
	apply(t, 2);
	sched_use_loops(t->w.sched, 2);
	apply(t, 2);
	sched_use_loops(t->w.sched, 1);
	apply(t, 1);
	assert_int_equal(sched_count(t->w.sched), 1);
	pass(t, 5 * SECOND);
	assert_int_equal(toys[0].most_live, 1);
	assert_false(runs_on_further(t, 0));
	apply(t, 0);
	pass(t, SECOND);
	assert_int_equal(sched_count(t->w.sched), 0);
}

/* A run that a move cuts short is made up for at once, not an interval later. */
static void
test_what_a_move_cuts_short_runs_again(void **state)
{
	struct two *t = *state;

	portable_spec(t, "it", 0)->common.interval_us = 600 * SECOND;
	toys[0].answer_us = SECOND;
	apply(t, 1);
	while (toys[0].live == 0)
		pass(t, STEP);
	for (size_t loops = 1; loops <= 2; loops++) {
		unsigned before = toys[0].starts;

		sched_use_loops(t->w.sched, loops);
		apply(t, 1);
		pass(t, SECOND / 2);
		assert_int_equal(toys[0].starts, before + 1);
		assert_int_equal(toys[0].live, 1);
	}
	pass(t, SECOND);
	assert_int_equal(view(&t->w, "it").state, CHECK_UP);
	assert_int_equal(toys[0].starts, 3);
}

/* Its first failure is read while it is under way: it is looked at again as soon as any other. */
static void
test_what_fails_under_way_is_looked_at_again(void **state)
{
	struct two *t = *state;

	portable_spec(t, "it", 0)->common.interval_us = 600 * SECOND;
	apply(t, 1);
	pass(t, SECOND);
	toys[0].mood = FAIL;
	assert_int_equal(sched_run_now(t->w.sched, "it"), 0);
	loop_turn(t->w.env.loop, false); /* the order leaves */
	for (int i = 0; i < 10; i++) {
		loop_turn(t->env.loop, false);
		loop_advance(t->env.loop, STEP);
	}
	sched_use_loops(t->w.sched, 1);
	apply(t, 1);
	pass(t, STEP);
	assert_int_equal(view(&t->w, "it").state, CHECK_SUSPECT);
	pass(t, 10 * SECOND);
	assert_int_equal(view(&t->w, "it").state, CHECK_DOWN);
}

static void
test_stop_aborts_there_too(void **state)
{
	struct two *t = *state;

	portable_spec(t, "far", 0);
	toys[0].mood = SILENT;
	apply(t, 1);
	pass(t, SECOND);
	assert_int_equal(toys[0].live, 1);
	sched_stop(t->w.sched);
	pass(t, SECOND);
	assert_int_equal(toys[0].live, 0);
	assert_int_equal(sched_run_now(t->w.sched, "far"), -1);
	assert_int_equal(view(&t->w, "far").state, CHECK_UNKNOWN);
}

/* It is freed while a run is in flight there and letters lie unread on both sides. */
static void
test_it_ends_in_the_middle(void **state)
{
	struct two *t = *state;

	portable_spec(t, "a", 0);
	portable_spec(t, "b", 1);
	toys[1].mood = SILENT;
	apply(t, 2);
	pass(t, 20 * STEP);
	apply(t, 1);
	for (int i = 0; i < 4; i++) {
		loop_turn(t->env.loop, false);
		loop_advance(t->env.loop, STEP);
	}
	apply(t, 2);
}

/* One that nothing will ever turn holds no settings. */
static void
test_a_loop_without_a_thread_is_taken_back(void **state)
{
	struct two *t = *state;
	struct io_env env = { .loop = loop_new(&t->clock, NULL) };

	portable_spec(t, "far", 0);
	for (unsigned n = 0; n < 5; n++) {
		assert_int_equal(sched_add_loop(t->w.sched, &env, NULL), 0);
		sched_use_loops(t->w.sched, 3);
		sched_drop_loop(t->w.sched);
		apply(t, 1);
		pass(t, SECOND);
		assert_int_equal(t->w.released, n);
	}
	assert_true(runs_on_further(t, 0));
	loop_free(env.loop);
}

static void
test_numbers_of_all_loops_are_one(void **state)
{
	struct two *t = *state;

	portable_spec(t, "far", 0);
	t->specs[t->count++] = make_spec("near", 1, SECOND);
	apply(t, 2);
	pass(t, 10 * SECOND);
	toys[0].mood = toys[1].mood =
		SILENT; /* until the last report is read nothing else begins */
	assert_in_range(stats_get(&t->w.stats, STAT_RUNS_STARTED),
		toys[0].starts + toys[1].starts - 2, toys[0].starts + toys[1].starts);
	assert_in_range(sched_lateness(t->w.sched)->count, toys[0].starts + toys[1].starts - 2,
		toys[0].starts + toys[1].starts);
	assert_true(stats_get(&t->w.stats, STAT_RUNS_ACTIVE) <= 2);
}

static void
test_a_loop_that_says_nothing_is_noticed(void **state)
{
	struct two *t = *state;

	portable_spec(t, "far", 0);
	apply(t, 1);
	pass(t, 10 * SECOND);
	assert_int_equal(sched_silent_us(t->w.sched), 0);
	loop_advance(t->w.env.loop, 10 * SECOND); /* the other one stands still */
	loop_turn(t->w.env.loop, false);
	assert_true(sched_silent_us(t->w.sched) >= 8 * SECOND);
	assert_true(sched_behind_us(t->w.sched) >= 8 * SECOND);
	clock_advance(&t->clock, 10 * SECOND);
	pass(t, 3 * SECOND);
	assert_int_equal(sched_silent_us(t->w.sched), 0);
	assert_int_equal(sched_behind_us(t->w.sched), 0);
	apply(t, 0);
	pass(t, 2 * SECOND);
	loop_advance(t->w.env.loop, 10 * SECOND); /* one that has nothing to do may be silent */
	assert_int_equal(sched_silent_us(t->w.sched), 0);
}

static void
test_a_suspend_voids_what_ran(void **state)
{
	struct two *t = *state;

	portable_spec(t, "far", 0);
	apply(t, 1);
	pass(t, 5 * SECOND);
	toys[0].mood = FAIL;
	toys[0].answer_us = SECOND / 2;
	while (toys[0].live == 0)
		pass(t, STEP);
	t->w.samples = 0;
	clock_suspend(&t->w.clock, 100 * SECOND);
	clock_suspend(&t->clock, 100 * SECOND);
	pass(t, SECOND / 2 + 10 * STEP);
	assert_int_equal(t->w.samples, 0);
	toys[0].mood = OK;
	pass(t, 5 * SECOND);
	assert_int_equal(t->w.slept_us, 100 * SECOND);
	assert_int_equal(view(&t->w, "far").state, CHECK_UP);
	assert_int_equal(stats_get(&t->w.stats, STAT_SUSPENDS), 1);
}

/* What a suspend voided runs no more, as the book shows it too. */
static void
test_after_a_suspend_nothing_looks_as_if_it_ran(void **state)
{
	struct two *t = *state;

	portable_spec(t, "far", 0)->common.interval_us = 600 * SECOND;
	portable_spec(t, "asked", 1)->common.interval_us = USEC_PER_DAY; /* not besides */
	apply(t, 2);
	pass(t, SECOND);
	for (unsigned i = 0; i < 2; i++)
		toys[i].answer_us = 10 * SECOND;
	while (toys[0].live == 0)
		pass(t, STEP);
	assert_int_equal(sched_run_now(t->w.sched, "asked"), 0);
	pass(t, STEP);
	assert_true(view(&t->w, "far").is_running);
	assert_true(view(&t->w, "asked").is_running);
	clock_suspend(&t->w.clock, 100 * SECOND);
	clock_suspend(&t->clock, 100 * SECOND);
	pass(t, 20 * SECOND);
	assert_int_equal(toys[0].live + toys[1].live, 0);
	assert_false(view(&t->w, "far").is_running);
	assert_false(view(&t->w, "asked").is_running);
	assert_true(view(&t->w, "far").next_us > loop_wall(t->w.env.loop));
	assert_int_equal(sched_run_now(t->w.sched, "far"), 0);
}

/* The other loop's resolver knows the name, ours does not: it is asked for. */
static void
test_the_address_of_its_name_is_known_here(void **state)
{
	static const struct dns_row rows[] = {
		{ .name = "far.test", .v4 = "127.0.0.1", .ttl_s = 60 },
		{ .name = NULL },
	};
	struct two *t = *state;
	struct dns *dns = dns_open(t->w.env.loop, rows);
	const struct resolve_options o = { .servers = dns_address(dns), .hosts_path = "/dev/null" };
	struct resolver *resolver = resolver_new(t->w.env.loop, &o);

	t->w.env.resolver = resolver;
	t->portable.reveal = reveal_name;
	portable_spec(t, "far", 0);
	apply(t, 1);
	for (int i = 0; i < 1000 && sched_subject(t->w.sched, "far")->address == NULL; i++) {
		pass(t, STEP);
		loop_turn(t->w.env.loop, true);
	}
	assert_string_equal(sched_subject(t->w.sched, "far")->address, "127.0.0.1");
	assert_true(sched_subject(t->w.sched, "far")->is_local);
	assert_in_range(dns_asked_of(dns, "far.test"), 1, 2);
	apply(t, 0);
	pass(t, SECOND);
	t->w.env.resolver = NULL;
	resolver_free(resolver);
	dns_free(dns);
}

static void
test_how_many_loops(void **state)
{
	struct two *t = *state;
	const struct check_spec **list = xcalloc(100000, sizeof(*list));

	portable_spec(t, "far", 0)->common.interval_us = SECOND;
	t->specs[t->count++] = make_spec("near", 1, SECOND);
	for (size_t i = 0; i < 100000; i++)
		list[i] = t->specs[0];
	assert_int_equal(sched_loops_wanted(list, 100, 8), 1);
	assert_int_equal(sched_loops_wanted(list, 100000, 8), 8);
	assert_int_equal(sched_loops_wanted(list, 100000, 2), 2);
	assert_int_equal(sched_loops_wanted(list, 100000, 1), 1);
	assert_int_equal(sched_loops_wanted(list, 20000, 8), 3);
	for (size_t i = 0; i < 100000; i++)
		list[i] = t->specs[1];
	assert_int_equal(sched_loops_wanted(list, 100000, 8), 1); /* it has to be on the main one */
	free(list);
}

#define T2(name) cmocka_unit_test_setup_teardown(name, set_up_two, tear_down_two)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T2(test_what_is_portable_runs_on_the_other_loop),
		T2(test_state_is_the_books_and_retries_come_quickly),
		T2(test_run_now),
		T2(test_reload_same_changed_gone),
		T2(test_a_sample_of_other_settings_is_not_taken),
		T2(test_it_moves_with_its_state_and_schedule),
		T2(test_it_is_reloaded_and_removed_under_way),
		T2(test_what_a_move_cuts_short_runs_again),
		T2(test_what_fails_under_way_is_looked_at_again),
		T2(test_stop_aborts_there_too),
		T2(test_it_ends_in_the_middle),
		T2(test_a_loop_without_a_thread_is_taken_back),
		T2(test_numbers_of_all_loops_are_one),
		T2(test_a_loop_that_says_nothing_is_noticed),
		T2(test_a_suspend_voids_what_ran),
		T2(test_after_a_suspend_nothing_looks_as_if_it_ran),
		T2(test_the_address_of_its_name_is_known_here),
		T2(test_how_many_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
