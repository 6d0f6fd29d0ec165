/*
 * Two threads take jobs from one queue; what is done comes back over an eventfd that the loop
 * watches.  A job's state changes only under the lock; its callbacks run on the loop, without it.
 *
 *   queued -> running -> over -> (loop) done or drop, freed
 */
#include "io/offload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/timer.h"
#include "io/watch.h"

#define THREADS     2
#define END_US      USEC_PER_SEC
#define AGAIN_US    (250 * USEC_PER_MSEC) /* short of threads or descriptors */
#define STACK_BYTES (1024 * 1024)         /* libpq and OpenSSL in a login stay far below */

struct offload {
	struct loop *loop;
	struct watch *watch;
	int wake_fd; /* -1 until the first job */
	pthread_t threads[THREADS];
	int thread_count;
	struct timer again; /* jobs wait, and no thread is there for them */
	bool is_short;      /* that was said */
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	struct list queued, running, over; /* under the lock, like is_ending */
	bool is_ending;
};

struct offload_job {
	struct list node;
	struct offload *offload;
	void (*work)(void *arg);
	void (*end)(void *arg); /* done, or drop once cancelled: touched by the loop only */
	void *arg;
	bool is_cancelled; /* under the lock */
};

static void on_again(void *arg);

struct offload *
offload_new(struct loop *loop)
{
	struct offload *offload = xcalloc(1, sizeof *offload);

	offload->loop = loop;
	offload->wake_fd = -1;
	pthread_mutex_init(&offload->lock, NULL);
	pthread_cond_init(&offload->has_work, NULL);
	timer_init(&offload->again, loop, on_again, offload);
	list_init(&offload->queued);
	list_init(&offload->running);
	list_init(&offload->over);
	return offload;
}

static void
wake_loop(struct offload *offload)
{
	uint64_t one = 1;

	/* EAGAIN would mean 2^64 wake-ups are pending: nothing is lost then either. */
	while (write(offload->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
		continue;
}

/* Runs one job with the lock released meanwhile. */
static void
run_job(struct offload *offload, struct offload_job *job)
{
	list_remove(&job->node);
	list_append(&offload->running, &job->node);
	if (!job->is_cancelled) {
		pthread_mutex_unlock(&offload->lock);
		job->work(job->arg);
		pthread_mutex_lock(&offload->lock);
	}
	list_remove(&job->node);
	bool was_empty = list_is_empty(&offload->over);
	list_append(&offload->over, &job->node);
	if (was_empty)
		wake_loop(offload);
}

static void *
thread_main(void *arg)
{
	struct offload *offload = arg;

	pthread_mutex_lock(&offload->lock);
	while (!offload->is_ending) {
		if (list_is_empty(&offload->queued))
			pthread_cond_wait(&offload->has_work, &offload->lock);
		else
			run_job(offload,
				LIST_ENTRY(offload->queued.next, struct offload_job, node));
	}
	pthread_mutex_unlock(&offload->lock);
	return NULL;
}

/* Hands finished jobs back, one at a time: a callback may start or cancel others. */
static void
on_wake(void *arg, unsigned ready)
{
	struct offload *offload = arg;
	uint64_t count;

	(void)ready;
	if (read(offload->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
		log_error("offload: cannot read the wake-up: %s", strerror(errno));
	for (;;) {
		pthread_mutex_lock(&offload->lock);
		bool is_empty = list_is_empty(&offload->over);
		struct offload_job *job = LIST_ENTRY(offload->over.next, struct offload_job, node);
		if (!is_empty)
			list_remove(&job->node);
		pthread_mutex_unlock(&offload->lock);
		if (is_empty)
			return;
		void (*end)(void *) = job->end;
		void *end_arg = job->arg;
		free(job);
		if (end)
			end(end_arg);
	}
}

/* Signals are the loop's business: threads start with all of them blocked. */
static int
start_thread(struct offload *offload, pthread_t *thread)
{
	sigset_t all, before;
	pthread_attr_t attr;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int code = pthread_create(thread, &attr, thread_main, offload);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

static int
open_wake(struct offload *offload)
{
	if (offload->wake_fd >= 0)
		return 0;
	offload->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (offload->wake_fd < 0)
		return errno;
	offload->watch = watch_new(offload->loop, offload->wake_fd, WATCH_READ, on_wake, offload);
	return 0;
}

static int
fill_threads(struct offload *offload, const char **what)
{
	int code = open_wake(offload);

	*what = code != 0 ? "have a descriptor to hear of finished jobs" : "start a thread";
	while (code == 0 && offload->thread_count < THREADS) {
		code = start_thread(offload, &offload->threads[offload->thread_count]);
		if (code == 0)
			offload->thread_count++;
	}
	return code;
}

/* One thread does all the work, if need be; without any the jobs wait until one can be had. */
static void
start_threads(struct offload *offload)
{
	const char *what;
	int code = fill_threads(offload, &what);

	if (code != 0 && !offload->is_short)
		log_error("offload: cannot %s: %s; %s", what, strerror(code),
			offload->thread_count > 0 ? "one thread does all the work"
						  : "jobs wait until it can be had");
	offload->is_short = code != 0;
	if (offload->thread_count == 0)
		timer_after(&offload->again, AGAIN_US);
}

static void
on_again(void *arg)
{
	start_threads(arg);
}

struct offload_job *
offload_start(struct offload *offload, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct offload_job *job = xcalloc(1, sizeof *job);

	job->offload = offload;
	job->work = work;
	job->end = done;
	job->arg = arg;
	if (offload->thread_count < THREADS)
		start_threads(offload);
	pthread_mutex_lock(&offload->lock);
	list_append(&offload->queued, &job->node);
	pthread_cond_signal(&offload->has_work);
	pthread_mutex_unlock(&offload->lock);
	return job;
}

void
offload_cancel(struct offload_job *job, void (*drop)(void *arg))
{
	struct offload *offload = job->offload;

	pthread_mutex_lock(&offload->lock);
	job->is_cancelled = true;
	job->end = drop;
	pthread_mutex_unlock(&offload->lock);
}

/* Without the loop: cancelled jobs are dropped, the others' owners are on their own. */
static void
end_jobs(struct list *jobs)
{
	LIST_EACH_SAFE(it, jobs)
	{
		struct offload_job *job = LIST_ENTRY(it, struct offload_job, node);
		list_remove(&job->node);
		if (job->is_cancelled && job->end)
			job->end(job->arg);
		free(job);
	}
}

/* False: a thread is still at work when the second is over. */
static bool
join_threads(struct offload *offload)
{
	const struct clock clock = { .is_fake = false };
	usec_t until = clock_mono(&clock) + END_US;
	const struct timespec at = { .tv_sec = until / USEC_PER_SEC,
		.tv_nsec = until % USEC_PER_SEC * 1000 };
	int left = 0;

	for (int i = 0; i < offload->thread_count; i++)
		if (pthread_clockjoin_np(offload->threads[i], NULL, CLOCK_MONOTONIC, &at) != 0)
			left++;
	return left == 0;
}

bool
offload_free(struct offload *offload)
{
	if (!offload)
		return true;
	pthread_mutex_lock(&offload->lock);
	offload->is_ending = true;
	pthread_cond_broadcast(&offload->has_work);
	pthread_mutex_unlock(&offload->lock);
	timer_stop(&offload->again);
	watch_free(offload->watch);
	offload->watch = NULL;
	if (!join_threads(offload))
		return false;
	fd_close(&offload->wake_fd);
	end_jobs(&offload->over);
	end_jobs(&offload->queued);
	pthread_cond_destroy(&offload->has_work);
	pthread_mutex_destroy(&offload->lock);
	free(offload);
	return true;
}
