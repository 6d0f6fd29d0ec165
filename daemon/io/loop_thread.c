/* One thread that turns one loop.  Nothing is shared with it but the loop that it was given. */
#include "io/loop_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"

#define STACK_BYTES (1024 * 1024) /* TLS handshakes and regular expressions need some */

struct loop_thread {
	pthread_t thread;
	struct loop *loop;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool is_over; /* under the lock: the thread touches nothing any more */
};

static void *
thread_main(void *arg)
{
	struct loop_thread *thread = arg;

	loop_run(thread->loop);
	pthread_mutex_lock(&thread->lock);
	thread->is_over = true;
	pthread_cond_signal(&thread->ended);
	pthread_mutex_unlock(&thread->lock);
	return NULL;
}

static void
init_locks(struct loop_thread *thread)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&thread->lock, NULL);
	pthread_cond_init(&thread->ended, &attr);
	pthread_condattr_destroy(&attr);
}

static void
destroy(struct loop_thread *thread)
{
	pthread_cond_destroy(&thread->ended);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static int
start(struct loop_thread *thread)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	code = pthread_create(&thread->thread, &attr, thread_main, thread);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

struct loop_thread *
loop_thread_start(struct loop *loop, const char *name, struct err *e)
{
	struct loop_thread *thread = xcalloc(1, sizeof(*thread));
	int code;

	thread->loop = loop;
	init_locks(thread);
	code = start(thread);
	if (code != 0) {
		destroy(thread);
		errno = code;
		err_sys(e, "cannot start a thread for a further loop");
		return NULL;
	}
	pthread_setname_np(thread->thread, name);
	return thread;
}

bool
loop_thread_join(struct loop_thread *thread, usec_t until_us)
{
	const struct timespec at = { .tv_sec = until_us / USEC_PER_SEC,
		.tv_nsec = until_us % USEC_PER_SEC * 1000 };
	int code = 0;
	bool is_over;

	pthread_mutex_lock(&thread->lock);
	while (!thread->is_over && code == 0)
		code = pthread_cond_timedwait(&thread->ended, &thread->lock, &at);
	is_over = thread->is_over;
	pthread_mutex_unlock(&thread->lock);
	if (!is_over)
		return false;
	pthread_join(thread->thread, NULL);
	destroy(thread);
	return true;
}
