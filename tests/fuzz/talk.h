/*
 * A server that says the bytes of the fuzzer to everybody who connects and then hangs up, on the
 * loop of whoever is tried, with the daemon's own network below and a clock that is turned by hand:
 * nothing here waits for real time but for threads that work.
 */
#ifndef TESTS_FUZZ_TALK_H
#define TESTS_FUZZ_TALK_H

#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/bus.h"
#include "io/env.h"
#include "io/http.h"
#include "io/inbox.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/resolve.h"
#include "io/tls.h"
#include "io/watch.h"
#include "tests/fuzz/folder.h"

#define TALK_CONNS 16
#define TALK_BYTES 32768 /* what fits into a socket's buffer at once */
#define TALK_TURNS 100   /* that wait for nothing: all but threads is in this process */
#define TALK_QUIET 2     /* turns of 10 ms, for those */

/* For replay.c. */
const int fuzz_is_slow = 1;

struct talk {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	int fd;
	struct watch *watch;
	char place[ADDR_TEXT]; /* "127.0.0.1:40123" or a path */
	int conns[TALK_CONNS];
	unsigned count;
	const uint8_t *data;
	size_t size;
};

static inline void
talk_accept(void *arg, unsigned ready)
{
	struct talk *t = arg;
	int fd;

	(void)ready;
	while ((fd = accept4(t->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		if (t->count == TALK_CONNS) {
			close(fd);
			continue;
		}
		t->conns[t->count++] = fd;
		if (t->size > 0 && send(fd, t->data, t->size, MSG_NOSIGNAL) == -1)
			continue;
		shutdown(fd, SHUT_WR);
	}
}

static inline void
talk_bind(struct talk *t, bool is_unix)
{
	struct addr addr = { .len = 0 };
	char path[sizeof(fuzz_folder) + 2];

	if (is_unix) {
		snprintf(path, sizeof(path), "%s/s", fuzz_folder_make());
		addr_from_path(&addr, path, NULL);
	} else {
		addr_from_numeric(&addr, "127.0.0.1", 0);
	}
	t->fd = socket(addr_family(&addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd == -1 || bind(t->fd, &addr.sa, addr.len) != 0 || listen(t->fd, 64) != 0)
		abort();
	addr.len = sizeof(addr.any);
	if (getsockname(t->fd, &addr.sa, &addr.len) != 0)
		abort();
	addr_text(&addr, t->place);
}

/* Once in the life of a process. */
static inline void
talk_open(struct talk *t, bool is_unix)
{
	struct err e;

	memset(t, 0, sizeof(*t));
	signal(SIGPIPE, SIG_IGN);
	clock_init_fake(&t->clock, USEC_PER_HOUR, INT64_C(1767323045) * USEC_PER_SEC);
	t->env.loop = loop_new(&t->clock, &e);
	if (t->env.loop == NULL)
		abort();
	t->env.resolver = resolver_new(t->env.loop, NULL);
	t->env.tls = tls_pool_new();
	t->env.http = http_client_new(t->env.loop, t->env.resolver, t->env.tls);
	t->env.offload = offload_new(t->env.loop);
	t->env.inbox = inbox_new();
	t->env.stats = &t->stats;
	t->env.host_root = "/";
	t->env.version = "1.2.3";
	talk_bind(t, is_unix);
	t->watch = watch_new(t->env.loop, t->fd, WATCH_READ, talk_accept, t);
}

static inline void
talk_say(struct talk *t, const uint8_t *data, size_t size)
{
	t->data = data;
	t->size = size < TALK_BYTES ? size : TALK_BYTES;
}

/* Without a word of good-bye, so that no port stays taken. */
static inline void
talk_hang_up(struct talk *t)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	for (unsigned i = 0; i < t->count; i++) {
		setsockopt(t->conns[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(t->conns[i]);
	}
	t->count = 0;
}

/* Until it is done; what nothing more comes for ends at its deadlines. */
static inline void
talk_until(struct talk *t, bool (*is_done)(void *arg), void *arg)
{
	for (int i = 0; i < TALK_TURNS && !is_done(arg); i++)
		loop_turn(t->env.loop, false);
	if (loop_turn_until(t->env.loop, is_done, arg, TALK_QUIET))
		return;
	for (int i = 0; i < 50 && !is_done(arg); i++) {
		loop_advance(t->env.loop, 5 * USEC_PER_SEC);
		for (int k = 0; k < 4 && !is_done(arg); k++)
			loop_turn(t->env.loop, false);
		if (i % 10 == 9)
			loop_turn_until(t->env.loop, is_done, arg, 1);
	}
	assert(is_done(arg));
}

#endif
