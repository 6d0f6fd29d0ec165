/*
 * The pool: asks helpers, keeps the time, and gives up those that are stuck.
 *
 *	call:    queued -> asked -> answered            (deadline: FS_STUCK)
 *	helper:  idle -> busy -> idle -> ... -> leaving (told to, or killed) -> reaped
 *
 * A mount is asked by one helper at a time: calls on it queue behind each other, so a mount that
 * hangs costs one helper.  Helpers that are idle serve any mount; another one is started only when
 * a call has waited PATIENCE_US for the busy ones, so a healthy host needs one.
 *
 * A helper that passed its deadline is killed and waited for without blocking.  Until it is gone
 * (a process stuck in the kernel does not die), its mount is answered with FS_STUCK unasked.
 */
#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/fs_wire.h"
#include "io/mounts.h"
#include "io/timer.h"
#include "io/watch.h"

#define LIVE_MAX        8
#define PATIENCE_US     (20 * USEC_PER_MSEC)
#define IDLE_US         USEC_PER_SEC /* a helper costs megabytes, starting one milliseconds */
#define MOUNTS_FRESH_US USEC_PER_SEC
#define REAP_MIN_US     (20 * USEC_PER_MSEC)
#define REAP_MAX_US     (2 * USEC_PER_SEC)

struct fs_pool {
	struct loop *loop;
	struct stats *stats;
	struct list calls;   /* in order of arrival; asked ones too */
	struct list helpers; /* idle and busy */
	struct list leaving; /* to be waited for */
	unsigned live, stuck;
	struct timer patience; /* looks at the queue again */
	struct timer reap;
	usec_t reap_after_us;
	struct list troubled; /* mounts that did not answer, until they do */
	struct mounts mounts;
	usec_t mounts_at_us;
	struct fs_answer *answer; /* 64 kB: too much for the stack */
	int exe_fd;               /* this program's file */
};

struct helper {
	struct list node; /* of helpers or leaving */
	struct fs_pool *pool;
	pid_t pid;
	int fd;
	struct watch *watch;
	struct timer timer;   /* busy: deadline; idle: has been idle for long */
	struct fs_call *call; /* NULL while busy: cancelled, the answer is dropped */
	char *mount;          /* busy or stuck: what it was asked about; NULL: idle */
	usec_t asked_us, timeout_us;
	bool is_stuck;
};

struct trouble {
	struct list node;
	char *mount;
	usec_t since_us;
};

struct fs_call {
	struct list node;
	struct fs_pool *pool;
	struct fs_ask *ask;
	size_t ask_len;
	char *mount;
	fs_fn fn;
	void *arg;
	usec_t asked_us, deadline_us;
	struct helper *helper; /* NULL: queued */
	struct timer timer;    /* queued: deadline, or at once with a verdict known at the start */
	enum fs_status early;  /* FS_OK: none */
	int early_error;
};

static void dispatch(struct fs_pool *pool);

/* --- mounts that do not answer --- */

static struct trouble *
trouble_of(struct fs_pool *pool, const char *mount)
{
	LIST_EACH(it, &pool->troubled)
	{
		struct trouble *t = LIST_ENTRY(it, struct trouble, node);

		if (str_eq(t->mount, mount))
			return t;
	}
	return NULL;
}

static void
trouble_begin(struct fs_pool *pool, const char *mount, usec_t since_us)
{
	struct trouble *t;

	if (trouble_of(pool, mount) != NULL)
		return;
	t = xcalloc(1, sizeof(*t));
	t->mount = xstrdup(mount);
	t->since_us = since_us;
	list_append(&pool->troubled, &t->node);
}

static void
trouble_end(struct trouble *t)
{
	if (t == NULL)
		return;
	list_remove(&t->node);
	free(t->mount);
	free(t);
}

/* For how long `mount` has not answered. */
static usec_t
stuck_for(struct fs_pool *pool, const struct fs_call *call)
{
	const struct trouble *t = trouble_of(pool, call->mount);
	usec_t since = t != NULL && t->since_us < call->asked_us ? t->since_us : call->asked_us;

	return loop_now(pool->loop) - since;
}

/* A helper that is stuck on this mount and not yet dead. */
static bool
has_stuck_helper(struct fs_pool *pool, const char *mount)
{
	LIST_EACH(it, &pool->leaving)
	{
		const struct helper *h = LIST_ENTRY(it, struct helper, node);

		if (h->is_stuck && str_eq(h->mount, mount))
			return true;
	}
	return false;
}

static struct helper *
busy_helper(struct fs_pool *pool, const char *mount)
{
	LIST_EACH(it, &pool->helpers)
	{
		struct helper *h = LIST_ENTRY(it, struct helper, node);

		if (h->mount != NULL && str_eq(h->mount, mount))
			return h;
	}
	return NULL;
}

/* A call may have waited for a helper until shortly before its deadline: that the mount did not
 * answer in what was left says nothing about it. */
static bool
had_time(const struct helper *h, usec_t timeout_us)
{
	return loop_now(h->pool->loop) - h->asked_us >= timeout_us / 2;
}

/*
 * What hangs together.  A path on the root file system stands for itself: it may be a symbolic link
 * to somewhere else, and "/" must not be given up for that.  So do a checksum and a walk, which may
 * take their time on a mount that is well.
 */
static char *
mount_key(struct fs_pool *pool, const struct fs_request *request)
{
	const char *path = request->path;
	usec_t now = loop_now(pool->loop);
	const struct mount *mount;

	if (pool->mounts.count == 0 || now - pool->mounts_at_us >= MOUNTS_FRESH_US) {
		struct mounts fresh;

		if (mounts_read(&fresh, "/", NULL) == 0) {
			mounts_fini(&pool->mounts);
			pool->mounts = fresh;
			pool->mounts_at_us = now;
		}
	}
	mount = mounts_of(&pool->mounts, path);
	if (request->op == FS_DIGEST)
		return xasprintf("%s (checksum)", path);
	if (request->op >= FS_DU && request->op <= FS_OPEN_FILES)
		return xasprintf("%s (walk)", path);
	return xstrdup(mount == NULL || str_eq(mount->path, "/") ? path : mount->path);
}

/* --- calls --- */

static void
call_free(struct fs_call *call)
{
	list_remove(&call->node);
	timer_stop(&call->timer);
	if (call->helper != NULL)
		call->helper->call = NULL;
	free(call->ask);
	free(call->mount);
	free(call);
}

static void
call_answer(struct fs_call *call, const struct fs_result *result)
{
	fs_fn fn = call->fn;
	void *arg = call->arg;

	call_free(call);
	fn(arg, result);
}

static void
call_give_up(struct fs_call *call, enum fs_status status, int error)
{
	struct fs_result result = { .status = status, .error = error };

	if (status == FS_STUCK)
		result.stuck_us = stuck_for(call->pool, call);
	call_answer(call, &result);
}

/* Queued until now: the deadline, or the moment to say what was known at the start. */
static void
on_call_timer(void *arg)
{
	struct fs_call *call = arg;
	struct fs_pool *pool = call->pool;
	const struct helper *busy = busy_helper(pool, call->mount);

	if (call->early != FS_OK)
		call_give_up(call, call->early, call->early_error);
	else if (has_stuck_helper(pool, call->mount) ||
		 (busy != NULL && had_time(busy, call->deadline_us - call->asked_us)))
		call_give_up(call, FS_STUCK, 0);
	else
		call_give_up(call, FS_BROKEN, EAGAIN);
}

static void
call_say_later(struct fs_call *call, enum fs_status status, int error)
{
	call->early = status;
	call->early_error = error;
	timer_after(&call->timer, 0);
}

static uint64_t
root_length(const struct fs_request *request)
{
	size_t len = request->root != NULL ? strlen(request->root) : 0;

	if (len > 0 && strncmp(request->path, request->root, len) != 0)
		return 0;
	while (len > 0 && request->root[len - 1] == '/')
		len--;
	return len;
}

struct fs_call *
fs_call_start(struct fs_pool *pool, const struct fs_request *request, usec_t timeout_us, fs_fn fn,
	void *arg)
{
	struct fs_call *call = xcalloc(1, sizeof(*call));
	const char *more = request->arg != NULL ? request->arg : "";
	size_t len = strlen(request->path), more_len = strlen(more);

	call->pool = pool;
	call->fn = fn;
	call->arg = arg;
	call->asked_us = loop_now(pool->loop);
	call->deadline_us = call->asked_us + timeout_us;
	timer_init(&call->timer, pool->loop, on_call_timer, call);
	list_append(&pool->calls, &call->node);
	if (len >= FS_PATH_MAX || more_len >= FS_ARG_MAX) {
		call->mount = xstrdup("");
		call_say_later(call, FS_FAILED, ENAMETOOLONG);
		return call;
	}
	call->mount = mount_key(pool, request);
	if (has_stuck_helper(pool, call->mount)) {
		call_say_later(call, FS_STUCK, 0);
		return call;
	}
	call->ask_len = offsetof(struct fs_ask, path) + len + 1 + more_len + 1;
	call->ask = xcalloc(1, call->ask_len);
	call->ask->op = (uint32_t)request->op;
	call->ask->offset = request->offset;
	call->ask->length = request->length;
	call->ask->root_len = root_length(request);
	memcpy(call->ask->path, request->path, len + 1);
	memcpy(call->ask->path + len + 1, more, more_len + 1);
	timer_at(&call->timer, call->deadline_us);
	dispatch(pool);
	return call;
}

void
fs_call_cancel(struct fs_call *call)
{
	if (call != NULL)
		call_free(call); /* its helper goes on, under the same deadline */
}

/* --- helpers --- */

static void
count(struct fs_pool *pool)
{
	stats_set(pool->stats, STAT_HELPERS, pool->live + pool->stuck);
	stats_set(pool->stats, STAT_HELPERS_STUCK, pool->stuck);
}

/* Gone for good: nothing is left of it but its number. */
static void
helper_free(struct helper *h)
{
	list_remove(&h->node);
	timer_stop(&h->timer);
	watch_free(h->watch);
	fd_close(&h->fd);
	free(h->mount);
	free(h);
}

static void
on_reap(void *arg)
{
	struct fs_pool *pool = arg;

	LIST_EACH_SAFE(it, &pool->leaving)
	{
		struct helper *h = LIST_ENTRY(it, struct helper, node);
		pid_t pid = waitpid(h->pid, NULL, WNOHANG);

		if (pid == 0 || (pid < 0 && errno == EINTR))
			continue;
		if (h->is_stuck)
			pool->stuck--;
		helper_free(h);
	}
	count(pool);
	if (list_is_empty(&pool->leaving))
		return;
	if (pool->reap_after_us < REAP_MAX_US)
		pool->reap_after_us *= 2;
	timer_after(&pool->reap, pool->reap_after_us);
}

/* Hangs up (an idle helper ends by itself); to be waited for from now on. */
static void
helper_leave(struct helper *h, bool is_stuck)
{
	struct fs_pool *pool = h->pool;

	timer_stop(&h->timer);
	watch_free(h->watch);
	h->watch = NULL;
	fd_close(&h->fd);
	if (h->call != NULL)
		h->call->helper = NULL;
	h->call = NULL;
	list_remove(&h->node);
	list_append(&pool->leaving, &h->node);
	pool->live--;
	h->is_stuck = is_stuck;
	if (is_stuck)
		pool->stuck++;
	count(pool);
	pool->reap_after_us = REAP_MIN_US;
	timer_after(&pool->reap, pool->reap_after_us);
}

/* The mount did not answer: so it is for everybody who waits for it. */
static void
on_stuck(struct helper *h)
{
	struct fs_pool *pool = h->pool;
	bool is_sure = had_time(h, h->timeout_us);

	trouble_begin(pool, h->mount, h->asked_us);
	kill(h->pid, SIGKILL);
	helper_leave(h, true);
	LIST_EACH(it, &pool->calls)
	{
		struct fs_call *other = LIST_ENTRY(it, struct fs_call, node);

		if (other->helper == NULL && other->early == FS_OK &&
			str_eq(other->mount, h->mount))
			call_say_later(other, is_sure ? FS_STUCK : FS_BROKEN, is_sure ? 0 : EAGAIN);
	}
}

static void
on_helper_timer(void *arg)
{
	struct helper *h = arg;
	struct fs_pool *pool = h->pool;

	if (h->mount == NULL) {
		helper_leave(h, false);
		return;
	}
	on_stuck(h);
	dispatch(pool);
}

static void
helper_rest(struct helper *h)
{
	free(h->mount);
	h->mount = NULL;
	timer_after(&h->timer, IDLE_US);
}

/* It died on us, which is not the mount's fault as far as we can tell. */
static void
on_helper_lost(struct helper *h)
{
	struct fs_pool *pool = h->pool;
	struct fs_call *call = h->call;

	kill(h->pid, SIGKILL);
	helper_leave(h, false);
	if (call != NULL)
		call_give_up(call, FS_BROKEN, ECHILD);
	dispatch(pool);
}

static void
on_helper_ready(void *arg, unsigned ready)
{
	struct helper *h = arg;
	struct fs_pool *pool = h->pool;
	struct fs_answer *answer = pool->answer;
	struct fs_call *call;
	ssize_t got = recv(h->fd, answer, sizeof(*answer), MSG_DONTWAIT);
	bool is_private;

	(void)ready;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < (ssize_t)offsetof(struct fs_answer, data) || h->mount == NULL ||
		(size_t)got != offsetof(struct fs_answer, data) + answer->result.data_len) {
		on_helper_lost(h);
		return;
	}
	call = h->call;
	h->call = NULL;
	is_private = call == NULL || call->ask->op == FS_PROC_LOOK;
	trouble_end(trouble_of(pool, h->mount));
	helper_rest(h);
	if (call != NULL) {
		call->helper = NULL;
		answer->result.data = answer->data;
		call_answer(call, &answer->result);
	}
	if (is_private) /* values of an environment */
		secret_wipe(answer->data, (size_t)got - offsetof(struct fs_answer, data));
	dispatch(pool);
}

/* Runs the very file that we are, even if another one was installed in its place since. */
static int
spawn(const struct fs_pool *pool, pid_t *pid, int fd)
{
	char name[] = FS_HELPER_NAME, option[] = FS_HELPER_ARG;
	char *const argv[] = { name, option, NULL };
	char *const envp[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_adddup2(&files, fd, FS_HELPER_SOCKET_FD);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, pool->exe_fd, FS_HELPER_EXE_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, FS_HELPER_EXE_FD + 1);
	error = posix_spawn(pid, FS_HELPER_EXE, &files, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return error;
}

/* Above the numbers that a helper begins with: nothing is put on top of it there. */
static int
open_self(void)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC), high;

	if (fd == -1)
		return -1;
	high = fcntl(fd, F_DUPFD_CLOEXEC, FS_HELPER_EXE_FD + 1);
	fd_close(&fd);
	return high;
}

/* NULL and errno: none to be had. */
static struct helper *
helper_new(struct fs_pool *pool)
{
	struct helper *h;
	int sv[2], error;
	pid_t pid;

	if (pool->exe_fd == -1) /* out of descriptors, or /proc was not there yet */
		pool->exe_fd = open_self();
	if (pool->exe_fd == -1)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return NULL;
	error = spawn(pool, &pid, sv[1]);
	fd_close(&sv[1]);
	if (error != 0) {
		fd_close(&sv[0]);
		errno = error;
		return NULL;
	}
	h = xcalloc(1, sizeof(*h));
	h->pool = pool;
	h->pid = pid;
	h->fd = sv[0];
	h->watch = watch_new(pool->loop, h->fd, WATCH_READ, on_helper_ready, h);
	timer_init(&h->timer, pool->loop, on_helper_timer, h);
	list_append(&pool->helpers, &h->node);
	pool->live++;
	count(pool);
	return h;
}

/* An idle helper, or a new one if `call` has waited for the others long enough. */
static struct helper *
helper_for(struct fs_pool *pool, const struct fs_call *call)
{
	bool is_patient = loop_now(pool->loop) - call->asked_us < PATIENCE_US;

	LIST_EACH(it, &pool->helpers)
	{
		struct helper *h = LIST_ENTRY(it, struct helper, node);

		if (h->mount == NULL)
			return h;
	}
	errno = 0;
	if ((pool->live > 0 && is_patient) || pool->live >= LIVE_MAX)
		return NULL; /* patience; busy ones come back or pass their deadline */
	return helper_new(pool);
}

static int
ask(struct helper *h, struct fs_call *call)
{
	if (send(h->fd, call->ask, call->ask_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -1;
	timer_stop(&call->timer);
	h->mount = xstrdup(call->mount);
	h->asked_us = loop_now(h->pool->loop);
	h->timeout_us = call->deadline_us - call->asked_us;
	h->call = call;
	call->helper = h;
	timer_at(&h->timer, call->deadline_us);
	return 0;
}

/* Asked now, or its turn will come, or it is told later what is wrong. */
static void
serve(struct fs_pool *pool, struct fs_call *call)
{
	struct helper *h;

	if (pool->stuck >= FS_HELPERS_STUCK_MAX) {
		stats_add(pool->stats, STAT_HELPERS_REFUSED, 1);
		call_say_later(call, FS_BROKEN, EBUSY);
		return;
	}
	while ((h = helper_for(pool, call)) != NULL) {
		if (ask(h, call) == 0)
			return;
		kill(h->pid, SIGKILL); /* it died while idle */
		helper_leave(h, false);
	}
	if (errno != 0)
		call_say_later(call, FS_BROKEN, errno);
	else if (!timer_runs(&pool->patience))
		timer_after(&pool->patience, PATIENCE_US);
}

static void
dispatch(struct fs_pool *pool)
{
	LIST_EACH(it, &pool->calls)
	{
		struct fs_call *call = LIST_ENTRY(it, struct fs_call, node);

		if (call->helper == NULL && call->early == FS_OK &&
			busy_helper(pool, call->mount) == NULL)
			serve(pool, call);
	}
}

static void
on_patience(void *arg)
{
	dispatch(arg);
}

struct fs_pool *
fs_pool_new(struct loop *loop, struct stats *stats)
{
	struct fs_pool *pool = xcalloc(1, sizeof(*pool));

	pool->loop = loop;
	pool->stats = stats;
	pool->answer = xmalloc(sizeof(*pool->answer));
	pool->exe_fd = open_self();
	list_init(&pool->calls);
	list_init(&pool->helpers);
	list_init(&pool->leaving);
	list_init(&pool->troubled);
	timer_init(&pool->patience, loop, on_patience, pool);
	timer_init(&pool->reap, loop, on_reap, pool);
	return pool;
}

void
fs_pool_free(struct fs_pool *pool)
{
	if (pool == NULL)
		return;
	LIST_EACH_SAFE(it, &pool->calls)
	call_free(LIST_ENTRY(it, struct fs_call, node));
	LIST_EACH_SAFE(it, &pool->helpers)
	{
		struct helper *h = LIST_ENTRY(it, struct helper, node);

		kill(h->pid, SIGKILL);
		helper_leave(h, false);
	}
	on_reap(pool);
	LIST_EACH_SAFE(it, &pool->leaving)
	helper_free(LIST_ENTRY(it, struct helper, node));
	LIST_EACH_SAFE(it, &pool->troubled)
	trouble_end(LIST_ENTRY(it, struct trouble, node));
	timer_stop(&pool->reap);
	timer_stop(&pool->patience);
	mounts_fini(&pool->mounts);
	fd_close(&pool->exe_fd);
	free(pool->answer);
	free(pool);
}

static bool
has_helper(const struct list *helpers, pid_t pid)
{
	LIST_EACH(it, helpers)
	if (LIST_ENTRY(it, struct helper, node)->pid == pid)
		return true;
	return false;
}

bool
fs_pool_owns(const struct fs_pool *pool, pid_t pid)
{
	return has_helper(&pool->helpers, pid) || has_helper(&pool->leaving, pid);
}
