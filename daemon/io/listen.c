/*
 * A listening socket.  Out of descriptors it rests instead of spinning; out of patience with its
 * backlog it lets others have the loop.  A unix path is taken over only from a dead owner.
 */
#include "io/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/timer.h"
#include "io/watch.h"

#define BACKLOG     128
#define ACCEPTS_MAX 64 /* in one go */
#define REST_US     (200 * USEC_PER_MSEC)

struct listener {
	struct loop *loop;
	int fd;
	struct addr addr;
	char *path; /* to remove; NULL: none, or not ours */
	struct watch *watch;
	struct timer rest;
	bool is_closed, is_short; /* of descriptors, and said so */
	listen_fn fn;
	void *arg;
};

/* True: the listener is to rest. */
static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void
rest(struct listener *l, int error)
{
	char text[ADDR_TEXT];

	addr_text(&l->addr, text);
	if (!l->is_short)
		log_warn("%s: new connections wait: %s", text, strerror(error));
	l->is_short = true;
	watch_set(l->watch, WATCH_NOTHING);
	timer_after(&l->rest, REST_US);
}

static void
on_rested(void *arg)
{
	struct listener *l = arg;

	watch_set(l->watch, WATCH_READ);
}

static void
on_ready(void *arg, unsigned ready)
{
	struct listener *l = arg;

	(void)ready;
	for (int i = 0; i < ACCEPTS_MAX && !l->is_closed; i++) {
		struct addr peer = { .len = sizeof(peer.any) };
		int fd = accept4(l->fd, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1) {
			if (is_shortage(errno))
				rest(l, errno);
			return;
		}
		l->is_short = false;
		if (addr_family(&peer) != AF_UNIX) /* head and body of an answer are two writes */
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		l->fn(l->arg, fd, &peer);
	}
}

/* Somebody answers at that path; or it is not a socket, which is not ours to remove. */
static int
check_path(const struct addr *addr, const char *path, struct err *e)
{
	struct stat st;
	int fd, rc, error;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, EEXIST, "%s is there and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "no socket");
	rc = connect(fd, &addr->sa, addr->len);
	error = errno;
	close(fd);
	if (rc == 0 || error == EAGAIN)
		return err_set(e, EADDRINUSE, "another process listens on %s", path);
	if (error != ECONNREFUSED)
		return err_set(e, error, "%s: %s", path, strerror(error));
	return unlink(path) == -1 && errno != ENOENT ? err_sys(e, "%s cannot be replaced", path)
						     : 0;
}

/*
 * The file is made with no rights and gets its mode afterwards: nobody slips in between.  The
 * socket's own mode says so; umask would do it to the files of other threads, too.
 */
static int
bind_path(int fd, const struct addr *addr, const char *path, unsigned mode, struct err *e)
{
	if (check_path(addr, path, e) == -1)
		return -1;
	if (fchmod(fd, 0) == -1 || bind(fd, &addr->sa, addr->len) == -1)
		return err_sys(e, "cannot listen on %s", path);
	if (chmod(path, (mode_t)mode) == -1) {
		err_sys(e, "%s: the mode cannot be set", path);
		unlink(path);
		return -1;
	}
	return 0;
}

static int
bind_inet(int fd, const struct addr *addr, struct err *e)
{
	char text[ADDR_TEXT];
	int on = 1, off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr_family(addr) == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &addr->sa, addr->len) == 0)
		return 0;
	addr_text(addr, text);
	return err_sys(e, "cannot listen on %s", text);
}

static const char *
file_path(const struct addr *addr)
{
	bool is_file = addr_family(addr) == AF_UNIX && addr->un.sun_path[0] != '\0';

	return is_file ? addr->un.sun_path : NULL;
}

/* "::" means every interface, also where the kernel has no IPv6. */
static int
open_socket(struct addr *addr, struct err *e)
{
	int fd = socket(addr_family(addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ADDR_TEXT];

	if (fd == -1 && errno == EAFNOSUPPORT && addr_family(addr) == AF_INET6) {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&addr->any;
		uint16_t port = ntohs(v6->sin6_port);

		if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) &&
			addr_from_numeric(addr, "0.0.0.0", port) == 0)
			return open_socket(addr, e);
	}
	if (fd == -1) {
		addr_text(addr, text);
		return err_sys(e, "no socket for %s", text);
	}
	return fd;
}

static struct listener *
listener_new(struct loop *loop, int fd, listen_fn fn, void *arg)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->fd = fd;
	l->fn = fn;
	l->arg = arg;
	l->addr.len = sizeof(l->addr.any);
	if (getsockname(fd, &l->addr.sa, &l->addr.len) == -1)
		l->addr.len = 0;
	timer_init(&l->rest, loop, on_rested, l);
	l->watch = watch_new(loop, fd, WATCH_READ, on_ready, l);
	return l;
}

struct listener *
listener_open(struct loop *loop, const struct addr *given, unsigned unix_mode, listen_fn fn,
	void *arg, struct err *e)
{
	struct addr addr = *given;
	const char *path = file_path(&addr);
	int fd = open_socket(&addr, e), rc;
	struct listener *l;

	if (fd == -1)
		return NULL;
	rc = path != NULL ? bind_path(fd, &addr, path, unix_mode, e) : bind_inet(fd, &addr, e);
	if (rc == 0 && listen(fd, BACKLOG) == -1) {
		rc = err_sys(e, "cannot listen");
		if (path != NULL)
			unlink(path);
	}
	if (rc == -1) {
		close(fd);
		return NULL;
	}
	l = listener_new(loop, fd, fn, arg);
	l->path = xstrdup(path);
	return l;
}

struct listener *
listener_adopt(struct loop *loop, int fd, listen_fn fn, void *arg)
{
	struct err e;

	fd_set_nonblock(fd, &e);
	return listener_new(loop, fd, fn, arg);
}

static void
end(void *obj)
{
	struct listener *l = obj;

	free(l->path);
	free(l);
}

void
listener_close(struct listener *l)
{
	if (l == NULL || l->is_closed)
		return;
	l->is_closed = true;
	timer_stop(&l->rest);
	watch_free(l->watch);
	if (l->path != NULL)
		unlink(l->path);
	fd_close(&l->fd);
	loop_retire(l->loop, l, end);
}

const struct addr *
listener_addr(const struct listener *l)
{
	return &l->addr;
}
