/* Timers: order, and callbacks that meddle with their own batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/timer.h"
#include "io/watch.h"

struct world {
	struct clock clock;
	struct loop *loop;
	struct timer a, b, c;
	char seen[64]; /* who fired, in order */
	size_t seen_count;
	usec_t fired_us;
};

static struct world world;

static int
set_up_with(void **state)
{
	world.loop = loop_new(&world.clock, NULL);
	*state = &world;
	return world.loop ? 0 : -1;
}

static int
set_up_fake(void **state)
{
	world = (struct world){ .seen_count = 0 };
	clock_init_fake(&world.clock, USEC_PER_SEC, 0);
	return set_up_with(state);
}

static int
set_up_real(void **state)
{
	world = (struct world){ .seen_count = 0 };
	clock_init_real(&world.clock);
	return set_up_with(state);
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	loop_free(w->loop);
	return 0;
}

static void
note(struct world *w, char who)
{
	if (w->seen_count < sizeof w->seen - 1)
		w->seen[w->seen_count++] = who;
	w->fired_us = loop_now(w->loop);
}

static void
on_a(void *arg)
{
	note(arg, 'a');
}

static void
on_b(void *arg)
{
	note(arg, 'b');
}

static void
on_c(void *arg)
{
	note(arg, 'c');
}

static bool
has_seen_one(void *arg)
{
	const struct world *w = arg;

	return w->seen_count > 0;
}

static void
start_all(struct world *w, void (*fn_a)(void *))
{
	timer_init(&w->a, w->loop, fn_a, w);
	timer_init(&w->b, w->loop, on_b, w);
	timer_init(&w->c, w->loop, on_c, w);
	timer_after(&w->c, 30);
	timer_after(&w->a, 10);
	timer_after(&w->b, 20);
}

static void
test_due_order_and_times(void **state)
{
	struct world *w = *state;
	usec_t start = loop_now(w->loop);

	start_all(w, on_a);
	loop_advance(w->loop, 9);
	assert_string_equal(w->seen, "");
	loop_advance(w->loop, 1);
	assert_string_equal(w->seen, "a");
	assert_int_equal(w->fired_us, start + 10);
	assert_false(timer_runs(&w->a));
	assert_true(timer_runs(&w->b));
	loop_advance(w->loop, USEC_PER_DAY);
	assert_string_equal(w->seen, "abc");
	assert_int_equal(w->fired_us, start + 30);
}

static void
test_moved_and_stopped(void **state)
{
	struct world *w = *state;

	start_all(w, on_a);
	timer_after(&w->a, 40);
	timer_stop(&w->b);
	timer_stop(&w->b);
	loop_advance(w->loop, 100);
	assert_string_equal(w->seen, "ca");
	timer_at(&w->b, 0); /* long past: as soon as possible */
	loop_advance(w->loop, 0);
	assert_string_equal(w->seen, "cab");
	timer_after(&w->b, INT64_MAX);
	loop_advance(w->loop, USEC_PER_DAY);
	assert_string_equal(w->seen, "cab");
	timer_stop(&w->b);
}

static void
test_zeroed_timer_can_be_stopped(void **state)
{
	struct timer timer = { .loop = NULL };

	(void)state;
	timer_stop(&timer);
	assert_false(timer_runs(&timer));
}

static void
on_a_meddles(void *arg)
{
	struct world *w = arg;

	note(w, 'a');
	assert_true(timer_runs(&w->b)); /* due, not yet run */
	timer_stop(&w->b);
	assert_false(timer_runs(&w->b));
	timer_after(&w->c, 50);
}

static void
test_a_callback_changes_its_batch(void **state)
{
	struct world *w = *state;
	usec_t start = loop_now(w->loop);

	start_all(w, on_a_meddles);
	clock_advance(&w->clock, 30); /* all three are due at once */
	loop_turn(w->loop, false);
	assert_string_equal(w->seen, "a");
	assert_true(timer_runs(&w->c));
	loop_advance(w->loop, 50);
	assert_string_equal(w->seen, "ac");
	assert_int_equal(w->fired_us, start + 80);
}

static void
on_a_again(void *arg)
{
	struct world *w = arg;

	note(w, 'a');
	timer_after(&w->a, 0);
}

static void
test_rearming_at_once_starves_nobody(void **state)
{
	struct world *w = *state;

	start_all(w, on_a_again);
	clock_advance(&w->clock, 30);
	loop_turn(w->loop, false);
	assert_string_equal(w->seen, "abc");
	loop_turn(w->loop, true);
	assert_string_equal(w->seen, "abca");
	timer_stop(&w->a);
}

static void
on_own_end(void *arg)
{
	struct world *w = &world;

	note(w, 'x');
	free(arg);
}

static void
test_a_callback_frees_its_timer(void **state)
{
	struct world *w = *state;
	struct timer *timer = xcalloc(1, sizeof *timer);

	timer_init(timer, w->loop, on_own_end, timer);
	timer_after(timer, 5);
	loop_advance(w->loop, 5);
	assert_string_equal(w->seen, "x");
}

static void
on_a_retires(void *arg)
{
	struct world *w = arg;

	note(w, 'a');
	loop_retire(w->loop, w, on_c);
}

static void
test_retired_end_before_time_moves_on(void **state)
{
	struct world *w = *state;

	start_all(w, on_a_retires);
	timer_stop(&w->c);
	loop_advance(w->loop, 100);
	assert_string_equal(w->seen, "acb");
}

static void
test_real_time_wakes_the_loop(void **state)
{
	struct world *w = *state;
	usec_t start = loop_now(w->loop);

	timer_init(&w->a, w->loop, on_a, w);
	timer_init(&w->b, w->loop, on_b, w);
	timer_after(&w->b, USEC_PER_HOUR);
	timer_after(&w->a, 3 * USEC_PER_MSEC); /* earlier than what the loop would wait for */
	assert_true(loop_turn_until(w->loop, has_seen_one, w, 1000));
	assert_string_equal(w->seen, "a");
	assert_true(w->fired_us >= start + 3 * USEC_PER_MSEC);
	timer_after(&w->a, 1 * USEC_PER_MSEC);
	while (w->seen_count < 2)
		loop_turn(w->loop, true);
	assert_string_equal(w->seen, "aa");
	timer_stop(&w->b);
}

static void
on_writable(void *arg, unsigned ready)
{
	(void)arg;
	(void)ready;
}

static void
test_an_earlier_timer_moves_the_alarm(void **state)
{
	struct world *w = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	struct watch *watch = watch_new(w->loop, fds[1], WATCH_WRITE, on_writable, NULL);
	timer_init(&w->a, w->loop, on_a, w);
	timer_init(&w->b, w->loop, on_b, w);
	timer_after(&w->b, USEC_PER_HOUR);
	loop_turn(w->loop, true); /* the alarm is set for an hour, the pipe ends the turn */
	watch_free(watch);
	timer_after(&w->a, USEC_PER_MSEC);
	while (!w->seen_count)
		loop_turn(w->loop, true); /* an hour, if the alarm stayed where it was */
	assert_string_equal(w->seen, "a");
	timer_stop(&w->b);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
#define FAKE(test) cmocka_unit_test_setup_teardown(test, set_up_fake, tear_down)
#define REAL(test) cmocka_unit_test_setup_teardown(test, set_up_real, tear_down)
	const struct CMUnitTest tests[] = {
		FAKE(test_due_order_and_times),
		FAKE(test_moved_and_stopped),
		FAKE(test_zeroed_timer_can_be_stopped),
		FAKE(test_a_callback_changes_its_batch),
		FAKE(test_rearming_at_once_starves_nobody),
		FAKE(test_a_callback_frees_its_timer),
		FAKE(test_retired_end_before_time_moves_on),
		REAL(test_real_time_wakes_the_loop),
		REAL(test_an_earlier_timer_moves_the_alarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
