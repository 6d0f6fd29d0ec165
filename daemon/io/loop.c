/*
 * The loop over one event_base.  A turn: sleep at most until the first timer, callbacks of ready
 * descriptors and signals, due timers, then the end of what retired meanwhile: of all of it, unless
 * that takes long.  Of thousands of descriptors that are ready at once as many are served as there
 * is time for, the others first thing in the next turn.
 *
 * An alarm of the kernel's ends the sleep; whether a timer is due is decided by our own clock after
 * the descriptors were served.  It is set once per turn, and only when it would ring too late.
 * libevent's own timers are not used: they read a coarse clock and count in milliseconds, so that
 * they ring early, again and again, or late.
 */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/loop_private.h"

#define LAG_SECONDS  10
#define TEST_WAIT    (10 * USEC_PER_MSEC)
#define SERVED_US    (8 * USEC_PER_MSEC) /* of a turn, for descriptors; what is ready stays so */
#define RETIRED_MIN  64
#define RETIRED_US   (2 * USEC_PER_MSEC)  /* of a turn, for their ends */
#define RETIRED_LOOK 8                    /* that often the clock is looked at meanwhile */
#define RETIRED_KEEP 4096                 /* more room than this is given back after a turn */
#define STALE_US     (20 * USEC_PER_MSEC) /* so much too early, the alarm is worth setting anew */

struct retired {
	void *obj;
	void (*end)(void *obj);
};

struct signal_hook {
	struct list node;
	struct event *event;
	struct loop *loop;
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct loop {
	struct clock *clock;
	struct event_base *base;
	int alarm_fd;
	struct event *alarm;
	usec_t alarm_us; /* when it rings; INT64_MAX: it is not set */
	struct loop_timers timers;
	struct list signals;
	struct list guests;
	bool is_stopping;

	struct spare_list spares[SPARE_SIZES];
	struct retired *retired;
	size_t retired_count, retired_room;

	struct hist lag;
	struct stats *stats;
	uint64_t turns;     /* that came to their end */
	usec_t woke_us;     /* -1: still asleep */
	int64_t lag_second; /* the last second that lag_worst has a value for */
	usec_t lag_worst[LAG_SECONDS];
};

static void
on_event_log(int severity, const char *text)
{
	static const enum log_level levels[] = {
		[EVENT_LOG_DEBUG] = LOG_DEBUG,
		[EVENT_LOG_MSG] = LOG_INFO,
		[EVENT_LOG_WARN] = LOG_WARN,
		[EVENT_LOG_ERR] = LOG_ERROR,
	};

	if (severity >= 0 && (size_t)severity < sizeof levels / sizeof levels[0])
		log_write(levels[severity], "libevent: %s", text);
}

static void
on_alarm(int fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	loop->alarm_us = INT64_MAX;
	loop_woke(loop);
}

static struct event_base *
make_base(void)
{
	struct event_config *config = event_config_new();

	if (!config)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

/* Edge-triggered: that it rang is never read, and setting it makes it quiet again. */
static int
make_alarm(struct loop *loop, struct err *e)
{
	loop->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->alarm_fd == -1)
		return err_sys(e, "cannot make the loop's timer");
	loop->alarm =
		event_new(loop->base, loop->alarm_fd, EV_READ | EV_ET | EV_PERSIST, on_alarm, loop);
	if (loop->alarm != NULL && event_add(loop->alarm, NULL) == 0)
		return 0;
	if (loop->alarm != NULL)
		event_free(loop->alarm);
	return err_set(e, ENOMEM, "cannot watch the loop's timer");
}

struct loop *
loop_new(struct clock *clock, struct err *e)
{
	event_set_log_callback(on_event_log);
	struct event_base *base = make_base();
	if (!base) {
		err_sys(e, "cannot make an event loop");
		return NULL;
	}
	struct loop *loop = xcalloc(1, sizeof *loop);
	loop->base = base;
	if (make_alarm(loop, e) == -1) {
		fd_close(&loop->alarm_fd);
		event_base_free(base);
		free(loop);
		return NULL;
	}
	loop->clock = clock;
	loop->alarm_us = INT64_MAX;
	loop->woke_us = -1;
	loop->lag_second = clock_mono(clock) / USEC_PER_SEC;
	heap_init(&loop->timers.waiting);
	list_init(&loop->timers.due);
	list_init(&loop->signals);
	list_init(&loop->guests);
	return loop;
}

/* What is left is the next turn's: a thousand runs that end at once are no one long turn. */
static void
keep_rest(struct loop *loop, size_t done)
{
	loop->retired_count -= done;
	memmove(loop->retired, loop->retired + done, loop->retired_count * sizeof(*loop->retired));
}

/* One that ends may retire others: the array can move, and grow behind us. */
static void
end_retired(struct loop *loop)
{
	usec_t begun = 0;

	loop->turns++;
	for (size_t i = 0; i < loop->retired_count;) {
		struct retired one = loop->retired[i++];
		one.end(one.obj);
		if (i % RETIRED_LOOK > 0)
			continue;
		usec_t now = loop_now(loop);
		if (begun == 0)
			begun = now;
		if (now - begun < RETIRED_US)
			continue;
		keep_rest(loop, i);
		return;
	}
	loop->retired_count = 0;
	if (loop->retired_room <= RETIRED_KEEP)
		return;
	free(loop->retired);
	loop->retired = NULL;
	loop->retired_room = 0;
}

/* Nobody comes after us. */
static void
end_all_retired(struct loop *loop)
{
	do {
		end_retired(loop);
	} while (loop->retired_count > 0);
}

void
loop_free(struct loop *loop)
{
	if (!loop)
		return;
	end_all_retired(loop);
	LIST_EACH_SAFE(it, &loop->guests)
	{
		struct loop_guest *guest = LIST_ENTRY(it, struct loop_guest, node);
		guest->end(guest);
	}
	LIST_EACH_SAFE(it, &loop->signals)
	{
		struct signal_hook *hook = LIST_ENTRY(it, struct signal_hook, node);
		list_remove(&hook->node);
		event_free(hook->event);
		free(hook);
	}
	event_free(loop->alarm);
	fd_close(&loop->alarm_fd);
	event_base_free(loop->base);
	heap_fini(&loop->timers.waiting);
	spares_end(loop->spares);
	free(loop->retired);
	free(loop);
}

static void
set_alarm(struct loop *loop, usec_t delay_us)
{
	const struct itimerspec in = { .it_value = { .tv_sec = delay_us / USEC_PER_SEC,
					       .tv_nsec = delay_us % USEC_PER_SEC * 1000 } };

	if (timerfd_settime(loop->alarm_fd, 0, &in, NULL) == -1)
		log_error("the loop's timer cannot be set");
}

/* Sets the alarm for the first timer, at most `most_us` from now; true: no time for sleep. */
static bool
is_busy(struct loop *loop, usec_t most_us)
{
	const struct heap_node *first = heap_first(&loop->timers.waiting);
	usec_t due = first ? first->due : INT64_MAX;

	if (loop->retired_count)
		return true;
	if (loop->clock->is_fake) {
		/* Fake time stands still while descriptors are real: only the limit can ring. */
		if (due > loop_now(loop) && most_us < INT64_MAX)
			set_alarm(loop, most_us);
		return due <= loop_now(loop);
	}
	if (due == INT64_MAX && most_us == INT64_MAX)
		return false;
	if (due >= loop->alarm_us && due - loop->alarm_us < STALE_US && most_us == INT64_MAX)
		return false;
	usec_t now = loop_now(loop);
	if (most_us < due - now)
		due = now + most_us;
	if (due <= now)
		return true;
	if (due < loop->alarm_us || due - loop->alarm_us >= STALE_US) {
		set_alarm(loop, due - now);
		loop->alarm_us = due;
	}
	return false;
}

static void
note_worst(struct loop *loop, usec_t now_us, usec_t work_us)
{
	int64_t second = now_us / USEC_PER_SEC;
	usec_t worst = 0;

	if (second - loop->lag_second > LAG_SECONDS)
		loop->lag_second = second - LAG_SECONDS;
	while (loop->lag_second < second)
		loop->lag_worst[++loop->lag_second % LAG_SECONDS] = 0;
	usec_t *of_second = &loop->lag_worst[second % LAG_SECONDS];
	if (work_us > *of_second)
		*of_second = work_us;
	if (!loop->stats)
		return;
	for (size_t i = 0; i < LAG_SECONDS; i++)
		if (loop->lag_worst[i] > worst)
			worst = loop->lag_worst[i];
	stats_set(loop->stats, STAT_LOOP_LAG_MAX, (double)worst / USEC_PER_SEC);
}

static void
note_lag(struct loop *loop, usec_t now_us, usec_t work_us)
{
	hist_add(&loop->lag, work_us);
	note_worst(loop, now_us, work_us);
	stats_add(loop->stats, STAT_LOOP_TURNS, 1);
}

static void
turn(struct loop *loop, bool may_wait, usec_t most_us)
{
	bool is_idle = may_wait && !is_busy(loop, most_us);

	loop->woke_us = -1;
	if (!is_idle)
		loop_woke(loop);
	event_base_loop(loop->base,
		EVLOOP_NO_EXIT_ON_EMPTY | EVLOOP_ONCE | (is_idle ? 0 : EVLOOP_NONBLOCK));
	loop_woke(loop); /* in case nobody's callback did */
	loop_timers_run(&loop->timers, loop_now(loop));
	end_retired(loop);
	usec_t now = loop_now(loop);
	note_lag(loop, now, now - loop->woke_us);
}

void
loop_run(struct loop *loop)
{
	while (!loop->is_stopping)
		turn(loop, true, INT64_MAX);
	loop->is_stopping = false;
}

void
loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

void
loop_turn(struct loop *loop, bool may_wait)
{
	turn(loop, may_wait, loop->clock->is_fake ? TEST_WAIT : INT64_MAX);
}

void
loop_advance(struct loop *loop, usec_t by_us)
{
	assert(loop->clock->is_fake);
	usec_t until = loop->clock->fake_mono_us + by_us;
	const struct heap_node *first;

	while ((first = heap_first(&loop->timers.waiting)) && first->due <= until) {
		if (first->due > loop->clock->fake_mono_us)
			clock_advance(loop->clock, first->due - loop->clock->fake_mono_us);
		loop_timers_run(&loop->timers, loop->clock->fake_mono_us);
		end_retired(loop);
	}
	end_retired(loop);
	if (until > loop->clock->fake_mono_us)
		clock_advance(loop->clock, until - loop->clock->fake_mono_us);
}

bool
loop_turn_until(struct loop *loop, bool (*done)(void *), void *arg, int max_turns)
{
	for (int i = 0; i < max_turns && !done(arg); i++)
		turn(loop, true, TEST_WAIT);
	return done(arg);
}

uint64_t
loop_turns(const struct loop *loop)
{
	return loop->turns;
}

usec_t
loop_now(const struct loop *loop)
{
	return clock_mono(loop->clock);
}

usec_t
loop_wall(const struct loop *loop)
{
	return clock_wall(loop->clock);
}

const struct clock *
loop_clock(const struct loop *loop)
{
	return loop->clock;
}

void
loop_retire(struct loop *loop, void *obj, void (*end)(void *obj))
{
	if (loop->retired_count == loop->retired_room) {
		loop->retired_room = loop->retired_room ? loop->retired_room * 2 : RETIRED_MIN;
		loop->retired =
			xreallocarray(loop->retired, loop->retired_room, sizeof(struct retired));
	}
	loop->retired[loop->retired_count++] = (struct retired){ .obj = obj, .end = end };
}

const struct hist *
loop_lag(const struct loop *loop)
{
	return &loop->lag;
}

struct hist
loop_take_lag(struct loop *loop)
{
	struct hist lag = loop->lag;

	loop->lag = (struct hist){ 0 };
	return lag;
}

void
loop_add_lag(struct loop *loop, const struct hist *lag)
{
	hist_merge(&loop->lag, lag);
	note_worst(loop, loop_now(loop), lag->max_us);
	stats_add(loop->stats, STAT_LOOP_TURNS, (double)lag->count);
}

void
loop_set_stats(struct loop *loop, struct stats *stats)
{
	loop->stats = stats;
}

static void
on_signal(int signo, short what, void *arg)
{
	struct signal_hook *hook = arg;

	(void)what;
	loop_woke(hook->loop);
	hook->fn(hook->arg, signo);
}

int
loop_on_signal(
	struct loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg, struct err *e)
{
	struct signal_hook *hook = xcalloc(1, sizeof *hook);

	hook->loop = loop;
	hook->fn = fn;
	hook->arg = arg;
	hook->event = evsignal_new(loop->base, signo, on_signal, hook);
	if (!hook->event || evsignal_add(hook->event, NULL) < 0) {
		if (hook->event)
			event_free(hook->event);
		free(hook);
		return err_set(e, 0, "cannot listen for signal %d", signo);
	}
	list_append(&loop->signals, &hook->node);
	return 0;
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

struct loop_timers *
loop_timers(struct loop *loop)
{
	return &loop->timers;
}

struct spare_list *
loop_spares(struct loop *loop)
{
	return loop->spares;
}

struct list *
loop_guests(struct loop *loop)
{
	return &loop->guests;
}

struct stats *
loop_stats(struct loop *loop)
{
	return loop->stats;
}

void
loop_woke(struct loop *loop)
{
	usec_t now = loop_now(loop);

	if (loop->woke_us < 0)
		loop->woke_us = now;
	else if (now - loop->woke_us >= SERVED_US)
		event_base_loopbreak(loop->base);
}
