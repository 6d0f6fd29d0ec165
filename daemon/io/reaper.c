/*
 * Looks at the first of those that ended without waiting for it: an orphan is waited for, one of
 * ours stays.  Its owner does that soon (io/child at the end that its pidfd tells, io/fs within two
 * seconds); until then nothing behind it can be seen, so we look again.
 */
#include "io/reaper.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "io/child.h"
#include "io/loop_private.h"
#include "io/timer.h"

#define AGAIN_US (100 * USEC_PER_MSEC)
#define TURN_MAX 256 /* in one turn of the loop */

struct reaper {
	struct loop_guest guest;
	struct loop *loop;
	const struct fs_pool *fs;
	struct timer again;
};

static bool
is_ours(const struct reaper *reaper, pid_t pid)
{
	return child_owns(reaper->loop, pid) || fs_pool_owns(reaper->fs, pid);
}

static void
reap(void *arg)
{
	struct reaper *reaper = arg;

	for (unsigned i = 0; i < TURN_MAX; i++) {
		siginfo_t info = { .si_pid = 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		if (is_ours(reaper, info.si_pid))
			break;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
	timer_after(&reaper->again, AGAIN_US);
}

static void
on_signal(void *arg, int signo)
{
	(void)signo;
	reap(arg);
}

static void
on_loop_free(struct loop_guest *guest)
{
	struct reaper *reaper = LIST_ENTRY(guest, struct reaper, guest);

	timer_stop(&reaper->again);
	list_remove(&guest->node);
	free(reaper);
}

int
reaper_start(struct loop *loop, const struct fs_pool *fs, struct err *e)
{
	struct reaper *reaper = xcalloc(1, sizeof(*reaper));

	reaper->loop = loop;
	reaper->fs = fs;
	reaper->guest.end = on_loop_free;
	timer_init(&reaper->again, loop, reap, reaper);
	list_append(loop_guests(loop), &reaper->guest.node);
	if (loop_on_signal(loop, SIGCHLD, on_signal, reaper, e) == -1)
		return -1;
	timer_after(&reaper->again, 0); /* those that ended before anybody listened */
	return 0;
}
