/* Letters from one loop to another: in order, gathered, counted; also from a thread of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/loop_thread.h"
#include "io/mailbox.h"
#include "io/timer.h"

struct note {
	struct letter letter;
	unsigned number;
};

struct world {
	struct clock clock;
	struct loop *from, *to;
	struct mailbox *box;
	unsigned read;
	bool is_disordered;
};

static unsigned dropped;

static void
on_letter(void *arg, struct letter *letter)
{
	struct note *note = (struct note *)(void *)letter;
	struct world *w = arg;

	w->is_disordered |= note->number != w->read;
	w->read++;
	free(note);
}

static void
drop(struct letter *letter)
{
	dropped++;
	free(letter);
}

static void
write_note(struct world *w, unsigned number, bool can_wait)
{
	struct note *note = xcalloc(1, sizeof(*note));

	note->number = number;
	mailbox_write(w->box, &note->letter, can_wait);
}

static void
open_box(struct world *w, usec_t wait_us, size_t most)
{
	const struct mailbox_options o = {
		.from = w->from,
		.to = w->to,
		.wait_us = wait_us,
		.most = most,
		.on_letter = on_letter,
		.drop = drop,
		.arg = w,
	};

	w->box = mailbox_new(&o, NULL);
	assert_non_null(w->box);
}

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	clock_init_fake(&w->clock, USEC_PER_SEC, USEC_PER_SEC);
	w->from = loop_new(&w->clock, NULL);
	w->to = loop_new(&w->clock, NULL);
	dropped = 0;
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	mailbox_free(w->box);
	loop_free(w->from);
	loop_free(w->to);
	free(w);
	return 0;
}

static void
test_letters_leave_at_the_end_of_the_turn_in_their_order(void **state)
{
	struct world *w = *state;

	open_box(w, 0, 0);
	for (unsigned i = 0; i < 100; i++)
		write_note(w, i, false);
	loop_turn(w->to, false);
	assert_int_equal(w->read, 0);
	loop_turn(w->from, false);
	loop_turn(w->to, false);
	assert_in_range(w->read, 1, 99); /* a few in each turn */
	for (int i = 0; i < 10; i++)
		loop_turn(w->to, false);
	assert_int_equal(w->read, 100);
	assert_false(w->is_disordered);
}

static void
test_one_that_can_wait_leaves_later_or_with_one_that_cannot(void **state)
{
	struct world *w = *state;

	open_box(w, 5 * USEC_PER_MSEC, 0);
	write_note(w, 0, true);
	loop_turn(w->from, false);
	loop_turn(w->to, false);
	assert_int_equal(w->read, 0);
	loop_advance(w->from, 5 * USEC_PER_MSEC);
	loop_turn(w->to, false);
	assert_int_equal(w->read, 1);

	write_note(w, 1, true);
	write_note(w, 2, false);
	loop_turn(w->from, false);
	loop_turn(w->to, false);
	assert_int_equal(w->read, 3);
	assert_false(w->is_disordered);
}

static void
test_it_is_full_until_the_letters_are_read(void **state)
{
	struct world *w = *state;

	open_box(w, 0, 3);
	write_note(w, 0, false);
	write_note(w, 1, false);
	assert_false(mailbox_is_full(w->box));
	write_note(w, 2, false);
	assert_true(mailbox_is_full(w->box));
	loop_turn(w->from, false);
	assert_true(mailbox_is_full(w->box));
	loop_turn(w->to, false);
	assert_false(mailbox_is_full(w->box));
}

static void
test_what_nobody_reads_is_dropped(void **state)
{
	struct world *w = *state;

	open_box(w, 5 * USEC_PER_MSEC, 0);
	write_note(w, 0, false);
	mailbox_flush(w->box);
	write_note(w, 1, true);
	write_note(w, 2, false); /* its turn has not ended */
	mailbox_free(w->box);
	w->box = NULL;
	assert_int_equal(dropped, 3);
	loop_turn(w->from, false);
	assert_int_equal(w->read, 0);
}

/* --- two threads --- */

#define MANY 20000

struct sender {
	struct world *w;
	struct timer timer;
	unsigned sent;
};

static void
on_send(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < 50 && s->sent < MANY; i++, s->sent++)
		write_note(s->w, s->sent, s->sent % 3 != 0);
	if (s->sent < MANY) {
		timer_after(&s->timer, 0);
		return;
	}
	mailbox_flush(s->w->box);
	loop_stop(s->w->from);
}

static bool
is_all_read(void *arg)
{
	return ((struct world *)arg)->read == MANY;
}

static void
test_from_a_thread_of_its_own(void **state)
{
	struct world *w = *state;
	struct sender sender = { .w = w };
	struct loop_thread *thread;

	clock_init_real(&w->clock);
	open_box(w, USEC_PER_MSEC, 0);
	timer_init(&sender.timer, w->from, on_send, &sender);
	timer_after(&sender.timer, 0);
	thread = loop_thread_start(w->from, "sender", NULL);
	assert_non_null(thread);
	assert_true(loop_turn_until(w->to, is_all_read, w, 100000));
	assert_false(w->is_disordered);
	assert_true(loop_thread_join(thread, clock_mono(&w->clock) + 60 * USEC_PER_SEC));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_letters_leave_at_the_end_of_the_turn_in_their_order),
		T(test_one_that_can_wait_leaves_later_or_with_one_that_cannot),
		T(test_it_is_full_until_the_letters_are_read),
		T(test_what_nobody_reads_is_dropped),
		T(test_from_a_thread_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
