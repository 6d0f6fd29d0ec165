/*
 * One unix datagram socket, connected when something is to be said, and dropped as soon as the
 * kernel says that nobody holds the other end.
 */
#include "io/dgram.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

struct dgram {
	char *path;
	int fd; /* -1: not connected */
};

struct dgram *
dgram_new(const char *path)
{
	struct dgram *dgram = xcalloc(1, sizeof *dgram);

	dgram->path = xstrdup(path);
	dgram->fd = -1;
	return dgram;
}

void
dgram_free(struct dgram *dgram)
{
	if (!dgram)
		return;
	fd_close(&dgram->fd);
	free(dgram->path);
	free(dgram);
}

static int
reconnect(struct dgram *dgram, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(dgram->path);
	bool is_abstract = dgram->path[0] == '@';

	if (!len || len >= sizeof to.sun_path)
		return err_set(e, ENAMETOOLONG,
			"socket path '%s' is empty or longer than %zu bytes", dgram->path,
			sizeof to.sun_path - 1);
	memcpy(to.sun_path, dgram->path, len);
	if (is_abstract)
		to.sun_path[0] = '\0';
	/* An abstract name ends where its length says, a path with its NUL. */
	socklen_t to_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (is_abstract ? 0 : 1));
	fd_close(&dgram->fd);
	dgram->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dgram->fd < 0)
		return err_sys(e, "cannot make a socket");
	if (connect(dgram->fd, (struct sockaddr *)&to, to_len) < 0) {
		err_sys(e, "cannot connect to %s", dgram->path);
		fd_close(&dgram->fd);
		return -1;
	}
	return 0;
}

static bool
is_gone(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET ||
	       error == EPIPE || error == ENOENT;
}

static int
send_once(const struct dgram *dgram, const void *data, size_t len)
{
	ssize_t sent;

	do
		sent = send(dgram->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int
dgram_send(struct dgram *dgram, const void *data, size_t len, struct err *e)
{
	bool is_fresh = dgram->fd < 0;

	if (is_fresh && reconnect(dgram, e) < 0)
		return -1;
	if (send_once(dgram, data, len) == 0)
		return 0;
	/* A receiver that was restarted is at the same path: this one need not get lost. */
	if (!is_fresh && is_gone(errno)) {
		if (reconnect(dgram, e) < 0)
			return -1;
		if (send_once(dgram, data, len) == 0)
			return 0;
	}
	int error = errno;
	if (is_gone(error))
		fd_close(&dgram->fd);
	errno = error == EWOULDBLOCK || error == ENOBUFS ? EAGAIN : error;
	return err_sys(e, "cannot send to %s", dgram->path);
}

struct notify {
	struct dgram *dgram; /* NULL: nobody asked to be notified */
	long long watchdog_us;
};

/* The interval systemd expects, if it means this process. */
static long long
read_watchdog(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;

	if (!text || (pid && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	errno = 0;
	long long us = strtoll(text, &end, 10);
	return errno || end == text || *end || us <= 0 || us == LLONG_MAX ? 0 : us;
}

struct notify *
notify_new(void)
{
	struct notify *notify = xcalloc(1, sizeof *notify);
	const char *path = getenv("NOTIFY_SOCKET");

	if (path && (path[0] == '/' || path[0] == '@') && path[1]) {
		notify->dgram = dgram_new(path);
		notify->watchdog_us = read_watchdog();
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return notify;
}

void
notify_free(struct notify *notify)
{
	if (!notify)
		return;
	dgram_free(notify->dgram);
	free(notify);
}

void
notify_send(struct notify *notify, const char *state)
{
	/* Lost if systemd does not listen: it asks again by its watchdog. */
	if (notify && notify->dgram)
		dgram_send(notify->dgram, state, strlen(state), NULL);
}

long long
notify_watchdog_us(const struct notify *notify)
{
	return notify ? notify->watchdog_us : 0;
}
