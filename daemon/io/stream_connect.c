/*
 * From a place to a connected socket.  One address: one socket, watched by the stream's own event.
 * Several: a race, in which the next address starts after 300 ms, or at once when one has failed;
 * the first that answers wins and its socket becomes the stream's.
 */
#include <errno.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "io/loop_private.h"
#include "io/stream_int.h"

#define RACE_MAX     4
#define RACE_STEP_US (300 * USEC_PER_MSEC)

struct attempt {
	struct event ev;
	struct race *race;
	struct addr addr;
	int fd; /* -1: not begun, or failed */
	int error;
	bool is_local_lack; /* this host has no way to that family: says nothing about the target */
};

struct race {
	struct stream *stream;
	struct attempt attempts[RACE_MAX];
	unsigned count, next, living;
	struct timer timer;
};

/* --- words --- */

static const char *const family_words[] = {
	[FAULT_REFUSED] = "is refused",
	[FAULT_TIMEOUT] = "does not answer",
	[FAULT_UNREACHABLE] = "is unreachable",
	[FAULT_DENIED] = "is denied",
	[FAULT_RESET] = "is reset",
	[FAULT_COUNT] = NULL,
};

static void
fail_connect(struct stream *s, int error, unsigned tried)
{
	enum fault fault = fault_from_connect(error, &s->peer);
	char to[ADDR_TEXT], all[48] = "";

	addr_text(&s->peer, to);
	if (tried > 1)
		snprintf(all, sizeof(all), " (so did all %u addresses)", tried);
	if (error == ECONNREFUSED)
		stream_fail(s, fault, "connection refused by %s%s", to, all);
	else if (error == ENOENT || error == ENOTDIR)
		stream_fail(s, fault, "there is no socket %s", to);
	else if (error == ETIMEDOUT)
		stream_fail(s, fault, "no answer to the connect from %s%s", to, all);
	else if (error == EAGAIN)
		stream_fail(s, fault, "the accept queue of %s is full", to);
	else if (fault == FAULT_PORT_EXHAUSTED)
		stream_fail(s, fault, "no local port is left to reach %s from", to);
	else if (error == EADDRNOTAVAIL)
		stream_fail(s, fault, "this host has no IPv%c address to reach %s from%s",
			addr_family(&s->peer) == AF_INET6 ? '6' : '4', to, all);
	else
		stream_fail(s, fault, "cannot connect to %s: %s%s", to, strerror(error), all);
}

static void
fail_lookup(struct stream *s, const struct resolve_answer *answer)
{
	const char *family = s->family == AF_INET6 ? "IPv6 " : s->family == AF_INET ? "IPv4 " : "";
	enum fault fault = s->family == AF_INET6  ? answer->v6
			   : s->family == AF_INET ? answer->v4
						  : answer->fault;

	if (fault == FAULT_DNS_FAIL)
		stream_fail(s, fault, "no answer from the resolver for %s", s->host);
	else if (fault == FAULT_FD_LIMIT)
		stream_fail(s, fault, "no descriptor is left to look %s up", s->host);
	else if (answer->count > 0)
		stream_fail(s, FAULT_DNS_NXDOMAIN, "%s has no %saddress", s->host, family);
	else
		stream_fail(s, FAULT_DNS_NXDOMAIN, "the name %s does not exist", s->host);
}

/* Names the first of what is there, as nothing may be reached. */
static void
fail_astray(struct stream *s, const struct addr *to)
{
	char text[ADDR_TEXT];

	addr_text(to, text);
	s->is_led_astray = true;
	stream_fail(s, FAULT_DENIED,
		"a redirect leads further inside than where it comes from, to %s: not followed",
		text);
}

/* --- one socket --- */

/* A socket that connects; -1 and *error. */
static int
dial(const struct addr *addr, int *error)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1) {
		*error = errno;
		return -1;
	}
	if (connect(fd, &addr->sa, addr->len) == 0 || errno == EINPROGRESS || errno == EINTR)
		return fd;
	*error = errno;
	close(fd);
	return -1;
}

static int
socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

static void
dial_only(struct stream *s)
{
	int error = 0;

	s->step = STEP_CONNECT;
	s->since_us = loop_now(s->loop);
	s->fd = dial(&s->peer, &error);
	if (s->fd == -1)
		fail_connect(s, error, 1);
	else
		stream_watch(s);
}

void
stream_finish_connect(struct stream *s, short ready)
{
	/* Trouble makes a socket readable too: one that is only writable has none. */
	int error = (ready & EV_READ) != 0 ? socket_error(s->fd) : 0;

	if (error != 0)
		fail_connect(s, error, 1);
	else
		stream_connected(s);
}

/* --- several --- */

static void
attempt_end(struct attempt *a)
{
	if (a->fd == -1)
		return;
	event_del(&a->ev);
	fd_close(&a->fd);
	a->race->living--;
}

void
stream_race_free(struct stream *s)
{
	struct race *race = s->race;

	if (race == NULL)
		return;
	s->race = NULL;
	timer_stop(&race->timer);
	for (unsigned i = 0; i < race->count; i++)
		attempt_end(&race->attempts[i]);
	loop_retire(s->loop, race, free);
}

/* A family that lost although it was begun earlier is worth a word. */
static void
note_family(const struct race *race, const struct attempt *winner)
{
	for (const struct attempt *a = race->attempts; a < winner; a++) {
		enum fault fault = a->fd == -1 ? fault_from_errno(a->error) : FAULT_TIMEOUT;
		const char *words = family_words[fault] != NULL ? family_words[fault] : "fails";
		bool is_v6 = addr_family(&a->addr) == AF_INET6;
		char text[ADDR_TEXT];

		if (a->is_local_lack || addr_family(&a->addr) == addr_family(&winner->addr))
			continue;
		addr_text(&a->addr, text);
		race->stream->note = xasprintf("IPv%c (%s) %s, IPv%c answers", is_v6 ? '6' : '4',
			text, words, is_v6 ? '4' : '6');
		return;
	}
}

static void
win(struct attempt *winner)
{
	struct stream *s = winner->race->stream;

	note_family(winner->race, winner);
	s->peer = winner->addr;
	event_del(&winner->ev);
	s->fd = winner->fd;
	winner->fd = -1;
	stream_race_free(s);
	stream_watch(s); /* it is writable: stream_finish_connect comes next turn */
}

static int
worth(const struct attempt *a)
{
	return fault_worth(fault_from_errno(a->error), a->is_local_lack);
}

/* All have failed.  What names the target is said rather than what names this host's routes. */
static void
lose(struct race *race)
{
	const struct attempt *told = &race->attempts[0];

	for (unsigned i = 1; i < race->count; i++)
		if (worth(&race->attempts[i]) > worth(told))
			told = &race->attempts[i];
	race->stream->peer = told->addr;
	fail_connect(race->stream, told->error, race->count);
}

static void
note_failure(struct attempt *a, int error, bool at_once)
{
	a->error = error;
	a->is_local_lack = at_once && (error == ENETUNREACH || error == EAFNOSUPPORT ||
					      error == EADDRNOTAVAIL);
}

static void on_attempt(evutil_socket_t fd, short what, void *arg);

static void
start_next(struct race *race)
{
	struct stream *s = race->stream;

	while (race->next < race->count) {
		struct attempt *a = &race->attempts[race->next++];
		int error = 0;

		a->fd = dial(&a->addr, &error);
		if (a->fd == -1) {
			note_failure(a, error, true);
			continue;
		}
		race->living++;
		s->peer = a->addr;
		event_assign(&a->ev, loop_base(s->loop), a->fd, EV_WRITE, on_attempt, a);
		event_add(&a->ev, NULL);
		if (race->next < race->count)
			timer_after(&race->timer, RACE_STEP_US);
		return;
	}
	if (race->living == 0)
		lose(race);
}

static void
on_attempt(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct race *race = a->race;
	int error = socket_error(fd);

	(void)what;
	loop_woke(race->stream->loop);
	if (error == 0) {
		win(a);
		return;
	}
	note_failure(a, error, false);
	attempt_end(a);
	timer_stop(&race->timer);
	start_next(race);
}

static void
on_race_timer(void *arg)
{
	start_next(arg);
}

static void
race_start(struct stream *s, const struct addr *addrs, unsigned count)
{
	struct race *race = xcalloc(1, sizeof(*race));

	s->step = STEP_CONNECT;
	s->since_us = loop_now(s->loop);
	s->race = race;
	race->stream = s;
	race->count = count;
	timer_init(&race->timer, s->loop, on_race_timer, race);
	for (unsigned i = 0; i < count; i++)
		race->attempts[i] = (struct attempt){ .race = race, .addr = addrs[i], .fd = -1 };
	start_next(race);
}

/* --- from names --- */

/* Takes the n-th address of a family, if there is one. */
static unsigned
take_nth(const struct stream *s, const struct resolve_answer *answer, int family, unsigned n,
	struct addr *out)
{
	if (s->family != AF_UNSPEC && s->family != family)
		return 0;
	for (unsigned i = 0; i < answer->count; i++) {
		if (addr_family(&answer->addrs[i]) != family ||
			!addr_may_lead(s->led_from, &answer->addrs[i]) || n-- > 0)
			continue;
		*out = answer->addrs[i];
		addr_set_port(out, s->port);
		return 1;
	}
	return 0;
}

/* The families take turns, so that a dead one cannot use up all attempts. */
static void
connect_to(struct stream *s, const struct resolve_answer *answer)
{
	struct addr addrs[RACE_MAX];
	unsigned count = 0;

	for (unsigned n = 0; n < RESOLVE_MAX && count < RACE_MAX; n++) {
		count += take_nth(s, answer, AF_INET6, n, &addrs[count]);
		if (count < RACE_MAX)
			count += take_nth(s, answer, AF_INET, n, &addrs[count]);
	}
	if (count == 0 && answer->count > 0 && !addr_may_lead(s->led_from, &answer->addrs[0])) {
		fail_astray(s, &answer->addrs[0]);
	} else if (count == 0) {
		fail_lookup(s, answer);
	} else if (count == 1) {
		s->peer = addrs[0];
		dial_only(s);
	} else {
		race_start(s, addrs, count);
	}
}

static void
on_resolved(void *arg, const struct resolve_answer *answer)
{
	struct stream *s = arg;

	s->lookup = NULL;
	s->phases.dns_us = loop_now(s->loop) - s->since_us;
	connect_to(s, answer);
}

static void
begin_name(struct stream *s, const char *name)
{
	struct resolve_answer answer;

	if (resolve_now(s->resolver, name, &answer)) {
		connect_to(s, &answer);
		return;
	}
	s->step = STEP_DNS;
	s->since_us = loop_now(s->loop);
	s->lookup = resolve_start(s->resolver, name, on_resolved, s);
}

void
stream_begin(struct stream *s, const struct place *place)
{
	struct err e;

	if (place->path[0] != '\0') {
		if (addr_from_path(&s->peer, place->path, &e) == 0)
			dial_only(s);
		else
			stream_fail(s, FAULT_DENIED, "%s", e.text);
	} else if (strcmp(s->host, "::") == 0 || s->host[0] == '\0') {
		begin_name(s, "localhost"); /* every interface: for a client, this host */
	} else if (addr_from_numeric(&s->peer, s->host, s->port) == -1) {
		begin_name(s, s->host);
	} else if (s->family != AF_UNSPEC && s->family != addr_family(&s->peer)) {
		stream_fail(s, FAULT_DNS_NXDOMAIN, "%s is of the other address family", s->host);
	} else if (!addr_may_lead(s->led_from, &s->peer)) {
		fail_astray(s, &s->peer);
	} else {
		dial_only(s);
	}
}
