/*
 * The filter is installed before any thread, so that all have it; its refusals come back through a
 * descriptor of the kernel's ("listener") to a thread of ours that answers them and says it.  That
 * cannot be the loop, which may itself be what waits for the answer.  Where there is no listener to
 * be had (an old kernel, a container with one of its own) the kernel answers EPERM by itself, and
 * says it in its own log.
 */
#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sandbox_filter.h"
#include "io/sandbox_refused.h"

#define STACK_BYTES (256 * 1024)
#define SAID_MAX    64 /* programs and calls; more are refused without a word */
#define WORDS_MAX   256
#define COMM_MAX    32

struct said {
	char call[SANDBOX_CALL_MAX];
	char comm[COMM_MAX];
};

struct sandbox {
	int listener; /* -1: the kernel answers by itself */
	int stop;     /* an eventfd */
	pthread_t thread;
	bool is_watched;
	char words[WORDS_MAX];
	/* the thread's own */
	size_t said_count;
	struct said said[SAID_MAX];
};

static long
install(const struct sandbox_filter *filter, unsigned flags)
{
	struct sock_fprog program = { .len = filter->len };

	/* The kernel's prototype; it only reads there. */
	program.filter = (struct sock_filter *)(uintptr_t)filter->code;
	/* Allowing speculation: the daemon runs no foreign code within itself. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		&program);
}

/* The listener, -1: the kernel answers; -2 and errno: no filter at all. */
static int
filter_calls(void)
{
	struct sandbox_filter filter;
	long got;

	sandbox_filter_make(&filter, SECCOMP_RET_USER_NOTIF);
	if (filter.len == 0) {
		errno = ENOSYS;
		return -2;
	}
	got = install(&filter, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	if (got >= 0)
		return (int)got;
	sandbox_filter_make(&filter, SECCOMP_RET_ERRNO | EPERM);
	return install(&filter, SECCOMP_FILTER_FLAG_LOG) == 0 ? -1 : -2;
}

static bool
has_filter(void)
{
	return prctl(PR_GET_SECCOMP) == 2;
}

/* A core knows all secrets; so does whoever may look into our memory, which includes every command
 * of ours, as it is the same user. */
static bool
keep_memory(void)
{
	const struct rlimit none = { 0, 0 };
	bool is_kept = setrlimit(RLIMIT_CORE, &none) == 0;

	if (!SANDBOX_ALLOWS_PTRACE && prctl(PR_SET_DUMPABLE, 0) != 0)
		is_kept = false;
	return is_kept;
}

struct sandbox *
sandbox_enter(void)
{
	struct sandbox *sandbox = xcalloc(1, sizeof(*sandbox));
	bool is_kept = keep_memory(), is_bound = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	bool had_filter = has_filter();
	char calls[96];

	sandbox->stop = -1;
	sandbox->listener = filter_calls();
	if (sandbox->listener >= 0)
		str_copy(calls, sizeof(calls), "system calls filtered");
	else if (sandbox->listener == -1)
		str_copy(calls, sizeof(calls),
			"system calls filtered (the kernel's log has what is refused)");
	else
		snprintf(calls, sizeof(calls), "no filter of our own for system calls (%s)%s",
			strerror(errno), had_filter ? ": our parent's holds" : "");
	if (sandbox->listener < 0)
		sandbox->listener = -1;
	snprintf(sandbox->words, sizeof(sandbox->words), "%snew privileges, %scores, %s",
		is_bound ? "no " : "", is_kept ? "no " : "", calls);
	return sandbox;
}

const char *
sandbox_words(const struct sandbox *sandbox)
{
	return sandbox != NULL ? sandbox->words : "off";
}

/* --- answers --- */

static void
read_comm(uint32_t pid, char out[COMM_MAX])
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%u/comm", (unsigned)pid);
	if (fd_read_proc(path, out, COMM_MAX, NULL) < 0)
		str_copy(out, COMM_MAX, "a program");
	out[strcspn(out, "\n")] = '\0';
}

static bool
is_said(struct sandbox *sandbox, const char *call, const char *comm)
{
	struct said *said = sandbox->said;

	for (size_t i = 0; i < sandbox->said_count; i++)
		if (str_eq(said[i].call, call) && str_eq(said[i].comm, comm))
			return true;
	if (sandbox->said_count == SAID_MAX)
		return true;
	said += sandbox->said_count++;
	str_copy(said->call, sizeof(said->call), call);
	str_copy(said->comm, sizeof(said->comm), comm);
	return false;
}

static void
say(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	char call[SANDBOX_CALL_MAX], comm[COMM_MAX];

	sandbox_call_words(&asked->data, call);
	sandbox_refused_note(getsid((pid_t)asked->pid), call);
	read_comm(asked->pid, comm);
	if (!is_said(sandbox, call, comm))
		log_warn("sandbox: %s (process %u) may not use %s; if a check needs it: daemon: "
			 "{ sandbox: off }",
			comm, (unsigned)asked->pid, call);
}

/* The kernel's structures may have grown since we were built. */
static void *
make_room(size_t ours, size_t theirs)
{
	return xcalloc(1, ours > theirs ? ours : theirs);
}

static void
serve(struct sandbox *sandbox, struct seccomp_notif *asked, size_t size,
	struct seccomp_notif_resp *answer)
{
	memset(asked, 0, size);
	if (ioctl(sandbox->listener, SECCOMP_IOCTL_NOTIF_RECV, asked) != 0)
		return; /* whoever asked is gone */
	*answer = (struct seccomp_notif_resp){
		.id = asked->id,
		.error = -sandbox_call_error(&asked->data),
	};
	say(sandbox, asked);
	(void)ioctl(sandbox->listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
}

static void *
thread_main(void *arg)
{
	struct sandbox *sandbox = arg;
	struct pollfd fds[] = {
		{ .fd = sandbox->listener, .events = POLLIN },
		{ .fd = sandbox->stop, .events = POLLIN },
	};
	struct seccomp_notif_sizes sizes = { 0 };
	struct seccomp_notif *asked;
	struct seccomp_notif_resp *answer;
	size_t size;

	prctl(PR_SET_NAME, "sandbox");
	(void)syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
	size = sizes.seccomp_notif > sizeof(*asked) ? sizes.seccomp_notif : sizeof(*asked);
	asked = make_room(size, 0);
	answer = make_room(sizeof(*answer), sizes.seccomp_notif_resp);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			break;
		if ((fds[0].revents & POLLIN) != 0)
			serve(sandbox, asked, size, answer);
	}
	free(asked);
	free(answer);
	return NULL;
}

void
sandbox_watch(struct sandbox *sandbox)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int error;

	if (sandbox == NULL || sandbox->listener < 0)
		return;
	sandbox->stop = eventfd(0, EFD_CLOEXEC);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	error = sandbox->stop < 0 ? errno
				  : pthread_create(&sandbox->thread, &attr, thread_main, sandbox);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sandbox->is_watched = error == 0;
	if (error != 0) {
		/* Closed, the kernel answers ENOSYS for us. */
		fd_close(&sandbox->listener);
		log_warn("sandbox: what is refused is not said: no thread: %s", strerror(error));
	}
}

void
sandbox_free(struct sandbox *sandbox)
{
	if (sandbox == NULL)
		return;
	if (sandbox->is_watched) {
		(void)eventfd_write(sandbox->stop, 1);
		pthread_join(sandbox->thread, NULL);
	}
	fd_close(&sandbox->stop);
	fd_close(&sandbox->listener);
	free(sandbox);
}

void
sandbox_narrow(void)
{
	struct sandbox_filter filter;

	sandbox_filter_narrow(&filter);
	if (filter.len == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return;
	(void)install(&filter, 0);
}
