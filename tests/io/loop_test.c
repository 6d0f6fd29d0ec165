/* The loop: turns, retirement, fake time, signals, lag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/timer.h"
#include "io/watch.h"

struct world {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	int count;
	struct timer timer;
};

static struct world world;

static int
set_up_fake(void **state)
{
	world = (struct world){ .count = 0 };
	clock_init_fake(&world.clock, 1000 * USEC_PER_SEC, 1700000000 * USEC_PER_SEC);
	world.loop = loop_new(&world.clock, NULL);
	loop_set_stats(world.loop, &world.stats);
	*state = &world;
	return world.loop ? 0 : -1;
}

static int
set_up_real(void **state)
{
	world = (struct world){ .count = 0 };
	clock_init_real(&world.clock);
	world.loop = loop_new(&world.clock, NULL);
	loop_set_stats(world.loop, &world.stats);
	*state = &world;
	return world.loop ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	loop_free(w->loop);
	return 0;
}

static bool
is_counted(void *arg)
{
	const struct world *w = arg;

	return w->count > 0;
}

static void
on_end(void *obj)
{
	struct world *w = obj;

	w->count++;
}

static void
on_end_retire_more(void *obj)
{
	struct world *w = obj;

	w->count++;
	for (int i = 0; i < 200; i++) /* the array moves under the walk */
		loop_retire(w->loop, w, on_end);
}

static void
on_timer_retire(void *arg)
{
	struct world *w = arg;

	loop_retire(w->loop, w, on_end);
	assert_int_equal(w->count, 0); /* not before the turn is over */
}

static void
test_retired_end_after_the_turn(void **state)
{
	struct world *w = *state;

	timer_init(&w->timer, w->loop, on_timer_retire, w);
	timer_after(&w->timer, 5);
	loop_advance(w->loop, 10);
	assert_int_equal(w->count, 1);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 1);
}

static void
test_retiring_while_retired_end(void **state)
{
	struct world *w = *state;

	loop_retire(w->loop, w, on_end_retire_more);
	assert_int_equal(w->count, 0);
	loop_turn(w->loop, true); /* does not wait: somebody wants to go */
	assert_int_equal(w->count, 201);
}

static void
on_slow_end(void *obj)
{
	struct world *w = obj;
	usec_t until = loop_now(w->loop) + USEC_PER_MSEC;

	while (loop_now(w->loop) < until)
		continue;
	w->count++;
}

static void
test_slow_ends_are_no_one_turn(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 100; i++)
		loop_retire(w->loop, w, on_slow_end);
	loop_turn(w->loop, true);
	assert_in_range(w->count, 1, 50);
	for (int i = 0; i < 100 && w->count < 100; i++)
		loop_turn(w->loop, true);
	assert_int_equal(w->count, 100);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 100);
}

static void
test_free_ends_what_is_retired(void **state)
{
	struct world *w = *state;
	struct loop *loop = loop_new(&w->clock, NULL);

	loop_retire(loop, w, on_end);
	loop_free(loop);
	loop_free(NULL);
	assert_int_equal(w->count, 1);
}

static void
test_advance_moves_both_clocks(void **state)
{
	struct world *w = *state;
	usec_t mono = loop_now(w->loop), wall = loop_wall(w->loop);

	loop_advance(w->loop, 3 * USEC_PER_HOUR);
	assert_int_equal(loop_now(w->loop) - mono, 3 * USEC_PER_HOUR);
	assert_int_equal(loop_wall(w->loop) - wall, 3 * USEC_PER_HOUR);
	assert_ptr_equal(loop_clock(w->loop), &w->clock);
}

static void
on_readable(void *arg, unsigned ready)
{
	struct world *w = arg;

	(void)ready;
	w->count++;
	loop_stop(w->loop);
}

static void
test_descriptors_are_served(void **state)
{
	struct world *w = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	struct watch *watch = watch_new(w->loop, fds[0], WATCH_READ, on_readable, w);
	assert_false(loop_turn_until(w->loop, is_counted, w, 2));
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_true(loop_turn_until(w->loop, is_counted, w, 100));
	watch_free(watch);
	close(fds[0]);
	close(fds[1]);
}

#define CROWD 20

struct slow_one {
	struct world *w;
	struct watch *watch;
	int fds[2];
	int served;
};

static void
on_slow_readable(void *arg, unsigned ready)
{
	struct slow_one *one = arg;
	char byte;

	(void)ready;
	assert_int_equal(read(one->fds[0], &byte, 1), 1);
	one->served++;
	one->w->count++;
	clock_advance(&one->w->clock, USEC_PER_MSEC);
}

static void
on_timer_early(void *arg)
{
	struct world *w = arg;

	assert_in_range(w->count, 1, CROWD / 2);
}

/* Those that a turn has no time for are served in the next ones, each once; timers do not wait for
 * all of them. */
static void
test_a_crowd_is_no_one_turn(void **state)
{
	struct world *w = *state;
	struct slow_one crowd[CROWD];

	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct slow_one){ .w = w };
		assert_int_equal(pipe(crowd[i].fds), 0);
		crowd[i].watch = watch_new(
			w->loop, crowd[i].fds[0], WATCH_READ, on_slow_readable, &crowd[i]);
		assert_int_equal(write(crowd[i].fds[1], "x", 1), 1);
	}
	timer_init(&w->timer, w->loop, on_timer_early, w);
	timer_after(&w->timer, 0);
	loop_turn(w->loop, true);
	assert_in_range(w->count, 1, CROWD / 2);
	assert_false(timer_runs(&w->timer));
	for (int turns = 0; turns < CROWD && w->count < CROWD; turns++)
		loop_turn(w->loop, true);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(crowd[i].served, 1);
		watch_free(crowd[i].watch);
		close(crowd[i].fds[0]);
		close(crowd[i].fds[1]);
	}
}

static void
on_timer_count(void *arg)
{
	struct world *w = arg;

	w->count++;
}

static void
test_turn_runs_timers_due_at_fake_now(void **state)
{
	struct world *w = *state;

	timer_init(&w->timer, w->loop, on_timer_count, w);
	timer_after(&w->timer, 10);
	loop_turn(w->loop, true);
	assert_int_equal(w->count, 0);
	clock_advance(&w->clock, 10);
	loop_turn(w->loop, true);
	assert_int_equal(w->count, 1);
}

static void
test_run_until_stopped(void **state)
{
	struct world *w = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	struct watch *watch = watch_new(w->loop, fds[0], WATCH_READ, on_readable, w);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run(w->loop);
	assert_int_equal(w->count, 1);
	loop_stop(w->loop);
	loop_run(w->loop); /* a stop asked for before counts too, but only once */
	assert_int_equal(w->count, 1);
	loop_run(w->loop);
	assert_int_equal(w->count, 2);
	watch_free(watch);
	close(fds[0]);
	close(fds[1]);
}

static void
on_signal(void *arg, int signo)
{
	struct world *w = arg;

	w->count += signo;
}

static void
test_signals_arrive_on_the_loop(void **state)
{
	struct world *w = *state;
	struct err e;

	assert_int_equal(loop_on_signal(w->loop, SIGUSR1, on_signal, w, &e), 0);
	assert_int_equal(loop_on_signal(w->loop, SIGUSR2, on_signal, w, &e), 0);
	raise(SIGUSR1);
	assert_int_equal(w->count, 0);
	assert_true(loop_turn_until(w->loop, is_counted, w, 100));
	assert_int_equal(w->count, SIGUSR1);
	raise(SIGUSR2);
	loop_turn(w->loop, true);
	assert_int_equal(w->count, SIGUSR1 + SIGUSR2);
	assert_int_equal(loop_on_signal(w->loop, 1000, on_signal, w, &e), -1);
}

static void
on_timer_linger(void *arg)
{
	struct world *w = arg;

	clock_advance(&w->clock, 300 * USEC_PER_MSEC); /* work that takes that long */
}

static void
test_lag_is_the_worst_of_ten_seconds(void **state)
{
	struct world *w = *state;

	timer_init(&w->timer, w->loop, on_timer_linger, w);
	timer_after(&w->timer, 0);
	loop_turn(w->loop, false);
	assert_int_equal(loop_lag(w->loop)->count, 1);
	assert_int_equal(loop_lag(w->loop)->max_us, 300 * USEC_PER_MSEC);
	assert_true(stats_get(&w->stats, STAT_LOOP_TURNS) == 1);
	clock_advance(&w->clock, 9 * USEC_PER_SEC);
	loop_turn(w->loop, false);
	assert_true(stats_get(&w->stats, STAT_LOOP_LAG_MAX) == 0.3);
	clock_advance(&w->clock, 1 * USEC_PER_SEC);
	loop_turn(w->loop, false);
	assert_true(stats_get(&w->stats, STAT_LOOP_LAG_MAX) == 0);
	clock_advance(&w->clock, 1 * USEC_PER_DAY);
	loop_turn(w->loop, false);
	assert_int_equal(loop_lag(w->loop)->count, 4);
}

int
main(void)
{
#define FAKE(test) cmocka_unit_test_setup_teardown(test, set_up_fake, tear_down)
#define REAL(test) cmocka_unit_test_setup_teardown(test, set_up_real, tear_down)
	const struct CMUnitTest tests[] = {
		FAKE(test_retired_end_after_the_turn),
		FAKE(test_retiring_while_retired_end),
		FAKE(test_free_ends_what_is_retired),
		FAKE(test_advance_moves_both_clocks),
		FAKE(test_descriptors_are_served),
		FAKE(test_a_crowd_is_no_one_turn),
		FAKE(test_turn_runs_timers_due_at_fake_now),
		FAKE(test_lag_is_the_worst_of_ten_seconds),
		REAL(test_retiring_while_retired_end),
		REAL(test_slow_ends_are_no_one_turn),
		REAL(test_descriptors_are_served),
		REAL(test_run_until_stopped),
		REAL(test_signals_arrive_on_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
