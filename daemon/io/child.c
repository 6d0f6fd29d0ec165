/*
 * Commands, seen from the daemon.  What is started is our own program (it is in memory: starting it
 * cannot hang); it becomes the command by itself, in child_main.c.
 *
 *	running -> (deadline, or unwanted) SIGTERM -> a second -> SIGKILL -> a second -> stuck
 *	it ends, in any of them -> reaped
 *
 * A process that has ended is reported once both its streams have, but does not wait for longer
 * than DRAIN_US for others that it left behind with them.  One that nobody waits for any more is a
 * guest of the loop until it is reaped.
 */
#include "io/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/child_launch.h"
#include "io/child_wire.h"
#include "io/loop_private.h"
#include "io/sandbox_refused.h"
#include "io/timer.h"
#include "io/watch.h"

#define GRACE_US       USEC_PER_SEC
#define DRAIN_US       (200 * USEC_PER_MSEC)
#define POLL_US        (20 * USEC_PER_MSEC) /* where the kernel has no pidfd to watch */
#define OUTPUT_DEFAULT 65536
#define READ_MAX       65536 /* in one turn, of one stream */
#define STUCK_MAX      16
#define COMMAND_MAX    200
#define REFUSED_MAX    200

enum phase { RUNNING, ASKED_TO_END, KILLED, STUCK };

struct pipe_in {
	struct child *child;
	int fd;
	struct watch *watch;
	struct buf data;
	bool is_cut;
};

struct child {
	struct loop_guest guest;
	struct loop *loop;
	child_fn fn; /* NULL: nobody waits for it any more */
	void *arg;
	pid_t pid; /* its group's too; 0: there is none, or it was reaped */
	pid_t session;
	usec_t since_us; /* when it began, for sandbox_refused_list */
	int pidfd;
	struct watch *watch;
	struct timer poll; /* instead of pidfd */
	struct timer timer;
	enum phase phase;
	bool is_late; /* its deadline passed */
	bool is_over; /* retired, or about to be */
	usec_t started_us, timeout_us;
	struct pipe_in out, err;
	int note_fd;
	int error; /* errno that kept us from starting it */
	int status;
	struct rusage usage;
	char command[COMMAND_MAX];
	char reason[COMMAND_MAX + 120];
};

/* --- the end --- */

static void
pipe_close(struct pipe_in *in)
{
	watch_free(in->watch);
	in->watch = NULL;
	fd_close(&in->fd);
}

static void
hang_up(struct child *child)
{
	pipe_close(&child->out);
	pipe_close(&child->err);
	fd_close(&child->note_fd);
}

static void
destroy(void *obj)
{
	struct child *child = obj;

	buf_fini(&child->out.data);
	buf_fini(&child->err.data);
	free(child);
}

/* Nothing of it is left but its memory. */
static void
retire(struct child *child)
{
	hang_up(child);
	timer_stop(&child->timer);
	timer_stop(&child->poll);
	watch_free(child->watch);
	child->watch = NULL;
	fd_close(&child->pidfd);
	list_remove(&child->guest.node);
	loop_retire(child->loop, child, destroy);
}

static void on_loop_free(struct loop_guest *guest);

static struct child *
as_child(struct list *node)
{
	struct loop_guest *guest = LIST_ENTRY(node, struct loop_guest, node);

	return guest->end == on_loop_free ? LIST_ENTRY(guest, struct child, guest) : NULL;
}

static void
count_stuck(struct loop *loop)
{
	unsigned stuck = 0;

	LIST_EACH(it, loop_guests(loop))
	{
		const struct child *child = as_child(it);

		stuck += child != NULL && child->phase == STUCK;
	}
	stats_set(loop_stats(loop), STAT_COMMANDS_STUCK, stuck);
}

static void
on_loop_free(struct loop_guest *guest)
{
	struct child *child = LIST_ENTRY(guest, struct child, guest);

	if (child->pid > 0)
		kill(-child->pid, SIGKILL);
	timer_stop(&child->timer);
	timer_stop(&child->poll);
	watch_free(child->watch);
	fd_close(&child->pidfd);
	hang_up(child);
	list_remove(&child->guest.node);
	destroy(child);
}

/* --- the result --- */

static void
say_error(struct child *child, const char *what, int error)
{
	snprintf(child->reason, sizeof(child->reason), "%s: %s", what, strerror(error));
}

/* True: it never became the command. */
static bool
read_note(struct child *child, struct child_result *r)
{
	struct child_note note;

	do {
		if (child->note_fd == -1 ||
			read(child->note_fd, &note, sizeof(note)) != sizeof(note))
			return false;
		if (note.trouble == CHILD_WITHHELD)
			r->withheld |= (unsigned)note.error;
	} while (note.trouble == CHILD_WITHHELD);
	r->end = CHILD_NO_COMMAND;
	r->status = note.error;
	say_error(child, note.trouble == CHILD_TROUBLE_FOLDER ? "the folder" : child->command,
		note.error);
	return true;
}

static void
say_late(struct child *child, struct child_result *r)
{
	char after[64];

	clock_format_duration(child->timeout_us, after, sizeof(after));
	r->end = CHILD_TIMEOUT;
	snprintf(child->reason, sizeof(child->reason), "no end after %s%s", after,
		child->phase == STUCK ? ", and it does not die: stuck in the kernel" : "");
}

static void
say_end(struct child *child, struct child_result *r)
{
	const char *name;

	if (WIFEXITED(child->status)) {
		r->end = CHILD_EXITED;
		r->status = WEXITSTATUS(child->status);
		snprintf(child->reason, sizeof(child->reason), "exit %d", r->status);
		return;
	}
	r->end = CHILD_SIGNALLED;
	r->status = WTERMSIG(child->status);
	name = sigabbrev_np(r->status);
	if (name != NULL)
		snprintf(child->reason, sizeof(child->reason), "killed by SIG%s", name);
	else
		snprintf(child->reason, sizeof(child->reason), "killed by signal %d", r->status);
}

static usec_t
usec_of(struct timeval tv)
{
	return tv.tv_sec * USEC_PER_SEC + tv.tv_usec;
}

void
child_peek(const struct child *child, struct child_result *r)
{
	r->out = buf_text(&child->out.data);
	r->err_out = buf_text(&child->err.data);
	r->out_len = buf_left(&child->out.data);
	r->err_len = buf_left(&child->err.data);
	r->is_cut = child->out.is_cut || child->err.is_cut;
}

/* Tells whoever waits, once; what is left of the child has no owner from then on. */
static void
report(struct child *child)
{
	child_fn fn = child->fn;
	char refused[REFUSED_MAX];
	struct child_result r = {
		.reason = child->reason,
		.refused = refused,
		.took_us = loop_now(child->loop) - child->started_us,
		.cpu_us = usec_of(child->usage.ru_utime) + usec_of(child->usage.ru_stime),
		.max_rss_kb = child->usage.ru_maxrss,
	};

	child_peek(child, &r);
	(void)sandbox_refused_list(child->session, child->since_us, refused, sizeof(refused));
	if (child->error != 0) {
		r.end = CHILD_BROKEN;
		r.status = child->error;
	} else if (child->is_late) {
		say_late(child, &r);
	} else if (!read_note(child, &r)) {
		say_end(child, &r);
	}
	child->fn = NULL;
	if (fn != NULL)
		fn(child->arg, &r);
}

static void
finish(struct child *child)
{
	child->is_over = true;
	report(child);
	retire(child);
}

/* --- its streams --- */

static void
take(struct pipe_in *in, const char *data, size_t len)
{
	size_t room = in->data.cap - buf_left(&in->data);

	if (len > room) {
		in->is_cut = true;
		len = room;
	}
	buf_add(&in->data, data, len);
}

/* What is there now, within reason; closes it at its end. */
static void
drain(struct pipe_in *in)
{
	static char chunk[READ_MAX];
	ssize_t got;

	if (in->fd == -1)
		return;
	got = read(in->fd, chunk, sizeof(chunk));
	if (got > 0)
		take(in, chunk, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		pipe_close(in);
}

static bool
is_done(const struct child *child)
{
	return child->pid == 0 && child->out.fd == -1 && child->err.fd == -1;
}

static void
on_output(void *arg, unsigned ready)
{
	struct pipe_in *in = arg;

	(void)ready;
	drain(in);
	if (is_done(in->child))
		finish(in->child);
}

/* --- its process --- */

static void
on_end(struct child *child)
{
	pid_t pid = child->pid, got;

	/* Before it is reaped its number is nobody else's. */
	if (child->phase != RUNNING)
		kill(-pid, SIGKILL);
	got = wait4(pid, &child->status, WNOHANG, &child->usage);
	if (got == 0 || (got < 0 && errno == EINTR))
		return;
	if (got < 0) { /* somebody else reaped it */
		child->error = errno;
		say_error(child, "how it ended is not known", errno);
	}
	child->pid = 0;
	watch_free(child->watch);
	child->watch = NULL;
	timer_stop(&child->poll);
	if (child->phase == STUCK) {
		child->phase = KILLED;
		count_stuck(child->loop);
	}
	drain(&child->out);
	drain(&child->err);
	if (child->fn == NULL || child->phase != RUNNING || is_done(child))
		finish(child);
	else
		timer_after(&child->timer, DRAIN_US);
}

static void
on_ended(void *arg, unsigned ready)
{
	(void)ready;
	on_end(arg);
}

static void
on_poll(void *arg)
{
	struct child *child = arg;
	siginfo_t info = { .si_pid = 0 };

	timer_after(&child->poll, POLL_US);
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		info.si_pid != 0)
		on_end(child);
}

/* It has no owner from now on, or only one that waits for its end. */
static void
end_group(struct child *child)
{
	child->phase = ASKED_TO_END;
	kill(-child->pid, SIGTERM);
	timer_after(&child->timer, GRACE_US);
}

static void
on_timer(void *arg)
{
	struct child *child = arg;

	if (child->pid == 0) { /* not started, or others hold its streams open */
		finish(child);
		return;
	}
	switch (child->phase) {
	case RUNNING:
		child->is_late = true;
		end_group(child);
		break;
	case ASKED_TO_END:
		child->phase = KILLED;
		kill(-child->pid, SIGKILL);
		timer_after(&child->timer, GRACE_US);
		break;
	case KILLED:
		child->phase = STUCK;
		count_stuck(child->loop);
		report(child);
		hang_up(child);
		break;
	case STUCK:
		break;
	}
}

/* --- the start --- */

static void
join(char *out, size_t size, const char *const *argv)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; argv[i] != NULL && len < size - 1; i++) {
		str_copy(out + len, size - len, i > 0 ? " " : "");
		len += strlen(out + len);
		str_copy(out + len, size - len, argv[i]);
		len += strlen(out + len);
	}
}

/* One that is stuck shows what the next would meet; and there is an end to what we leave behind. */
static int
refuse(struct child *child)
{
	unsigned stuck = 0;

	LIST_EACH(it, loop_guests(child->loop))
	{
		const struct child *other = as_child(it);

		if (other == NULL || other->phase != STUCK)
			continue;
		if (str_eq(other->command, child->command)) {
			snprintf(child->reason, sizeof(child->reason),
				"an earlier one is still stuck in the kernel: %s", child->command);
			return EBUSY;
		}
		stuck++;
	}
	if (stuck < STUCK_MAX)
		return 0;
	snprintf(
		child->reason, sizeof(child->reason), "%u commands are stuck in the kernel", stuck);
	return EAGAIN;
}

static void
watch_it(struct child *child)
{
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd != -1)
		child->watch = watch_new(child->loop, child->pidfd, WATCH_READ, on_ended, child);
	else
		timer_after(&child->poll, POLL_US);
	child->out.watch =
		watch_new(child->loop, child->out.fd, WATCH_READ, on_output, &child->out);
	child->err.watch =
		watch_new(child->loop, child->err.fd, WATCH_READ, on_output, &child->err);
	timer_after(&child->timer, child->timeout_us);
}

static void
begin(struct child *child, const struct child_options *o)
{
	struct child_pipes pipes = { -1, -1, -1 };

	child->error = refuse(child);
	if (child->error == 0) {
		child->since_us = sandbox_refused_now();
		child->error = child_launch(o, &pipes, &child->pid);
		child->session = child->pid;
		if (child->error != 0)
			say_error(child, "cannot start a process", child->error);
	}
	child->out.fd = pipes.out;
	child->err.fd = pipes.err;
	child->note_fd = pipes.note;
	if (child->error == 0) {
		watch_it(child);
		return;
	}
	timer_after(&child->timer, 0);
}

struct child *
child_start(struct loop *loop, const struct child_options *o, child_fn fn, void *arg)
{
	struct child *child = xcalloc(1, sizeof(*child));
	size_t most = o->output_max > 0 ? o->output_max : OUTPUT_DEFAULT;

	child->loop = loop;
	child->fn = fn;
	child->arg = arg;
	child->started_us = loop_now(loop);
	child->timeout_us = o->timeout_us;
	child->guest.end = on_loop_free;
	child->pidfd = child->note_fd = child->out.fd = child->err.fd = -1;
	child->out.child = child->err.child = child;
	buf_init(&child->out.data, most);
	buf_init(&child->err.data, most);
	timer_init(&child->timer, loop, on_timer, child);
	timer_init(&child->poll, loop, on_poll, child);
	join(child->command, sizeof(child->command), o->argv);
	list_append(loop_guests(loop), &child->guest.node);
	begin(child, o);
	return child;
}

void
child_cancel(struct child *child)
{
	if (child == NULL || child->is_over)
		return;
	child->fn = NULL;
	if (child->pid == 0) {
		child->is_over = true;
		retire(child);
		return;
	}
	hang_up(child);
	if (child->phase == RUNNING)
		end_group(child);
}

bool
child_owns(struct loop *loop, pid_t pid)
{
	LIST_EACH(it, loop_guests(loop))
	{
		const struct child *child = as_child(it);

		if (child != NULL && child->pid == pid)
			return true;
	}
	return false;
}
