/*
 * Timers: either waiting in the loop's heap, or due and in the batch that runs now.  A callback may
 * start, move or stop any timer, its own and those of its batch among them.
 */
#include "io/timer.h"

#include "io/loop_private.h"

void
timer_init(struct timer *timer, struct loop *loop, void (*fn)(void *arg), void *arg)
{
	*timer = (struct timer){ .loop = loop, .fn = fn, .arg = arg };
	list_init(&timer->due);
}

void
timer_at(struct timer *timer, usec_t due_us)
{
	list_remove(&timer->due);
	timer->node.due = due_us;
	heap_insert(&loop_timers(timer->loop)->waiting, &timer->node);
}

void
timer_after(struct timer *timer, usec_t delay_us)
{
	usec_t now = loop_now(timer->loop);

	timer_at(timer, delay_us > INT64_MAX - now ? INT64_MAX : now + delay_us);
}

void
timer_stop(struct timer *timer)
{
	if (!timer->loop) /* zeroed memory, never started */
		return;
	list_remove(&timer->due);
	heap_remove(&loop_timers(timer->loop)->waiting, &timer->node);
}

bool
timer_runs(const struct timer *timer)
{
	return timer->loop && (timer->node.place != 0 || !list_is_empty(&timer->due));
}

void
loop_timers_run(struct loop_timers *timers, usec_t now_us)
{
	struct heap_node *first;

	while ((first = heap_first(&timers->waiting)) && first->due <= now_us) {
		struct timer *timer = LIST_ENTRY(first, struct timer, node);
		heap_remove(&timers->waiting, first);
		list_append(&timers->due, &timer->due);
	}
	while (!list_is_empty(&timers->due)) {
		struct timer *timer = LIST_ENTRY(timers->due.next, struct timer, due);
		list_remove(&timer->due);
		timer->fn(timer->arg); /* the timer may be gone afterwards */
	}
}
