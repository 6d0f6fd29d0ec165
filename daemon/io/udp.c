/*
 * A question by UDP: look the name up, send to one address after the other, hear who answers.
 *
 * Every address has a connected socket of its own, so that the kernel says who refused and lets
 * nobody else answer.  All of them stay open until one answers.
 */
#include "io/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "io/sock_error.h"
#include "io/timer.h"
#include "io/watch.h"

#define AGAIN_DEFAULT_US USEC_PER_SEC
#define READS_MAX        16 /* in one go, before others have their turn */
#define REASON_SIZE      256

struct attempt {
	struct udp *udp;
	struct addr addr;
	int fd; /* -1: not begun, or failed */
	struct watch *watch;
	enum fault fault;
	bool is_local_lack; /* this host has no way to that family: says nothing about the target */
	bool has_spoken;
	char reason[REASON_SIZE];
};

struct udp {
	struct loop *loop;
	struct resolver *resolver;
	udp_fn fn;
	void *arg;
	char host[sizeof(((struct place *)0)->host)];
	uint16_t port;
	struct resolve_call *lookup;
	usec_t begun_us, dns_us, sent_us, again_us, quiet_us;
	struct attempt attempts[UDP_ADDRS_MAX];
	unsigned count, next;
	bool is_answered;
	struct timer timer;
	bool is_closed, is_over;
	enum fault fault;
	char reason[REASON_SIZE + 48];
	char *note;
	struct addr peer;
	unsigned char *data; /* what is sent */
	size_t len;
	size_t in_len;
	unsigned char in[UDP_DATA_MAX];
};

static void start_next(struct udp *udp);

/* --- telling --- */

static void
say(struct udp *udp, enum udp_event event)
{
	if (event != UDP_DATA) {
		udp->is_over = true;
		timer_stop(&udp->timer);
	}
	udp->fn(udp->arg, event);
}

/* From inside udp_open nobody may be called: the timer does it. */
static void
fail(struct udp *udp, enum fault fault)
{
	udp->fault = fault;
	timer_after(&udp->timer, 0);
}

/* --- one address --- */

static void
attempt_end(struct attempt *a)
{
	watch_free(a->watch);
	a->watch = NULL;
	fd_close(&a->fd);
}

static void
attempt_fail(struct attempt *a, const struct sock_error *error)
{
	a->fault = sock_error_fault(error);
	sock_error_text(error, &a->addr, a->reason, sizeof(a->reason));
	if (a->fault == FAULT_PORT_EXHAUSTED)
		snprintf(a->reason, sizeof(a->reason), "no local port is left to reach it from");
	else if (a->fault == FAULT_FD_LIMIT)
		snprintf(a->reason, sizeof(a->reason), "no descriptor is left for a socket");
	a->is_local_lack = !error->is_from_wire &&
			   (error->error == ENETUNREACH || error->error == EAFNOSUPPORT ||
				   error->error == EADDRNOTAVAIL);
	attempt_end(a);
}

static void
attempt_fail_errno(struct attempt *a, int error)
{
	attempt_fail(a, &(struct sock_error){ .error = error });
}

/* Sends; 0, or -1 and the attempt is over.  A full socket is no error: it is sent again later.  Of
 * one that has spoken, what it said is the news. */
static int
attempt_send(struct attempt *a)
{
	const struct udp *udp = a->udp;

	if (send(a->fd, udp->data, udp->len, MSG_NOSIGNAL) >= 0 || errno == EAGAIN ||
		errno == ENOBUFS || a->has_spoken)
		return 0;
	attempt_fail_errno(a, errno);
	return -1;
}

/* The other family's trouble is worth a word where this one works. */
static void
note_family(struct udp *udp, const struct addr *good, const char *how)
{
	for (const struct attempt *a = udp->attempts; a < udp->attempts + udp->next; a++) {
		bool is_v6 = addr_family(&a->addr) == AF_INET6;

		if (a->fault == FAULT_NONE || a->is_local_lack || udp->note != NULL ||
			addr_family(&a->addr) == addr_family(good))
			continue;
		udp->note = xasprintf("IPv%c fails (%s), IPv%c %s", is_v6 ? '6' : '4', a->reason,
			is_v6 ? '4' : '6', how);
	}
}

/* It may be the wrong answer, so the others are asked all the same, until the owner closes. */
static void
note_answer(struct attempt *a)
{
	struct udp *udp = a->udp;

	a->has_spoken = true;
	udp->is_answered = true;
	udp->peer = a->addr;
	note_family(udp, &a->addr, "answers");
}

static void
on_attempt(void *arg, unsigned ready)
{
	struct attempt *a = arg;
	struct udp *udp = a->udp;
	struct sock_error error;

	(void)ready;
	for (int i = 0; i < READS_MAX && !udp->is_closed && a->fd != -1; i++) {
		ssize_t n = recv(a->fd, udp->in, sizeof(udp->in), 0);

		if (n >= 0) {
			note_answer(a);
			udp->in_len = (size_t)n;
			say(udp, UDP_DATA);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN && !sock_error_take(a->fd, &error))
			return;
		if (errno != EAGAIN) {
			int code = errno;

			if (!sock_error_take(a->fd, &error))
				error = (struct sock_error){ .error = code };
		}
		if (a->has_spoken)
			continue; /* it has spoken: what became of a second sending is no news */
		attempt_fail(a, &error);
		start_next(udp);
		if (!udp->is_closed && udp->fault != FAULT_NONE && !udp->is_over) {
			timer_stop(&udp->timer);
			say(udp, UDP_FAILED);
		}
		return;
	}
}

static int
attempt_begin(struct attempt *a)
{
	struct udp *udp = a->udp;
	int family = addr_family(&a->addr);

	a->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1) {
		attempt_fail_errno(a, errno);
		return -1;
	}
	sock_error_enable(a->fd, family);
	if (connect(a->fd, &a->addr.sa, a->addr.len) == -1) {
		attempt_fail_errno(a, errno);
		return -1;
	}
	if (udp->sent_us == 0)
		udp->sent_us = loop_now(udp->loop);
	if (attempt_send(a) == -1)
		return -1;
	a->watch = watch_new(udp->loop, a->fd, WATCH_READ, on_attempt, a);
	return 0;
}

/* --- all of them --- */

static unsigned
living(const struct udp *udp)
{
	unsigned n = 0;

	for (unsigned i = 0; i < udp->next; i++)
		n += udp->attempts[i].fd != -1;
	return n;
}

static int
worth(const struct attempt *a)
{
	return fault_worth(a->fault, a->is_local_lack);
}

/* All have failed.  What names the target is said rather than what names this host's routes. */
static void
lose(struct udp *udp)
{
	const struct attempt *told = &udp->attempts[0];

	for (unsigned i = 1; i < udp->count; i++)
		if (worth(&udp->attempts[i]) > worth(told))
			told = &udp->attempts[i];
	udp->peer = told->addr;
	if (udp->count > 1)
		snprintf(udp->reason, sizeof(udp->reason), "%s (so did all %u addresses)",
			told->reason, udp->count);
	else
		snprintf(udp->reason, sizeof(udp->reason), "%s", told->reason);
	fail(udp, told->fault);
}

static void
start_next(struct udp *udp)
{
	while (udp->next < udp->count) {
		struct attempt *a = &udp->attempts[udp->next++];

		if (attempt_begin(a) == -1)
			continue;
		if (!udp->is_answered)
			udp->peer = a->addr;
		timer_after(&udp->timer, udp->quiet_us > 0 ? udp->quiet_us : udp->again_us);
		return;
	}
	if (living(udp) == 0)
		lose(udp);
}

static void
send_again(struct udp *udp)
{
	for (unsigned i = 0; i < udp->next; i++)
		if (udp->attempts[i].fd != -1)
			attempt_send(&udp->attempts[i]);
	if (living(udp) == 0)
		lose(udp);
	else
		timer_after(&udp->timer, udp->again_us);
}

/* No news of this address is good news, if another's was bad. */
static void
say_quiet(struct udp *udp)
{
	note_family(udp, &udp->peer, "is not refused");
	say(udp, UDP_QUIET);
}

static void
on_timer(void *arg)
{
	struct udp *udp = arg;

	if (udp->fault != FAULT_NONE)
		say(udp, UDP_FAILED);
	else if (udp->quiet_us > 0)
		say_quiet(udp);
	else if (udp->next < udp->count)
		start_next(udp);
	else
		send_again(udp);
}

/* --- from names --- */

static unsigned
take_nth(const struct resolve_answer *answer, int family, unsigned n, struct addr *out)
{
	for (unsigned i = 0; i < answer->count; i++) {
		if (addr_family(&answer->addrs[i]) != family || n-- > 0)
			continue;
		*out = answer->addrs[i];
		return 1;
	}
	return 0;
}

static void
add_addr(struct udp *udp, const struct addr *addr)
{
	if (udp->count < UDP_ADDRS_MAX)
		udp->attempts[udp->count++] =
			(struct attempt){ .udp = udp, .addr = *addr, .fd = -1 };
}

static void
fail_lookup(struct udp *udp, enum fault fault)
{
	if (fault == FAULT_DNS_NXDOMAIN)
		snprintf(udp->reason, sizeof(udp->reason), "the name %.200s does not exist",
			udp->host);
	else
		snprintf(udp->reason, sizeof(udp->reason), "no answer from the resolver for %.200s",
			udp->host);
	fail(udp, fault);
}

/* The families take turns, as in a stream. */
static void
send_to(struct udp *udp, const struct resolve_answer *answer)
{
	struct addr addr;

	if (answer->count == 0) {
		fail_lookup(udp, answer->fault);
		return;
	}
	for (unsigned n = 0; n < RESOLVE_MAX; n++) {
		static const int families[] = { AF_INET6, AF_INET };

		for (size_t f = 0; f < 2; f++) {
			if (take_nth(answer, families[f], n, &addr) == 0)
				continue;
			addr_set_port(&addr, udp->port);
			add_addr(udp, &addr);
		}
	}
	start_next(udp);
}

static void
on_resolved(void *arg, const struct resolve_answer *answer)
{
	struct udp *udp = arg;

	udp->lookup = NULL;
	udp->dns_us = loop_now(udp->loop) - udp->begun_us;
	send_to(udp, answer);
}

static void
begin_name(struct udp *udp, const struct place *place)
{
	struct resolve_answer answer;
	bool is_any = place->host[0] == '\0' || strcmp(place->host, "::") == 0;

	memcpy(udp->host, is_any ? "localhost" : place->host, is_any ? 10 : sizeof(place->host));
	udp->port = place->port;
	if (resolve_now(udp->resolver, udp->host, &answer))
		send_to(udp, &answer);
	else
		udp->lookup = resolve_start(udp->resolver, udp->host, on_resolved, udp);
}

/* --- life --- */

struct udp *
udp_open(const struct udp_options *o, udp_fn fn, void *arg)
{
	struct udp *udp = xcalloc(1, sizeof(*udp));

	udp->loop = o->loop;
	udp->resolver = o->resolver;
	udp->fn = fn;
	udp->arg = arg;
	udp->again_us = o->again_us > 0 ? o->again_us : AGAIN_DEFAULT_US;
	udp->quiet_us = o->quiet_us;
	udp->begun_us = loop_now(o->loop);
	udp->dns_us = -1;
	udp->len = o->len;
	udp->data = xmalloc(o->len + 1);
	if (o->len > 0)
		memcpy(udp->data, o->data, o->len);
	timer_init(&udp->timer, o->loop, on_timer, udp);
	for (unsigned i = 0; i < o->addr_count; i++)
		add_addr(udp, &o->addrs[i]);
	if (o->addr_count > 0)
		start_next(udp);
	else
		begin_name(udp, o->place);
	return udp;
}

static void
end(void *obj)
{
	struct udp *udp = obj;

	free(udp->data);
	free(udp->note);
	free(udp);
}

void
udp_close(struct udp *udp)
{
	if (udp == NULL || udp->is_closed)
		return;
	udp->is_closed = true;
	timer_stop(&udp->timer);
	resolve_cancel(udp->lookup);
	for (unsigned i = 0; i < udp->count; i++)
		attempt_end(&udp->attempts[i]);
	loop_retire(udp->loop, udp, end);
}

/* --- looking --- */

const void *
udp_data(const struct udp *udp, size_t *len)
{
	*len = udp->in_len;
	return udp->in;
}

enum fault
udp_fault(const struct udp *udp)
{
	return udp->fault;
}

const char *
udp_reason(const struct udp *udp)
{
	return udp->reason;
}

const struct addr *
udp_peer(const struct udp *udp)
{
	return &udp->peer;
}

usec_t
udp_dns_us(const struct udp *udp)
{
	return udp->dns_us;
}

usec_t
udp_sent_us(const struct udp *udp)
{
	return udp->sent_us;
}

const char *
udp_family_note(const struct udp *udp)
{
	return udp->note;
}

enum fault
udp_stuck(const struct udp *udp, char *text, size_t size)
{
	char peer[ADDR_TEXT];

	if (udp->lookup != NULL) {
		snprintf(text, size, "no answer from the resolver for %s", udp->host);
		return FAULT_DNS_FAIL;
	}
	addr_text(&udp->peer, peer);
	snprintf(text, size, "sent to %s, then silence", peer);
	return FAULT_NOREPLY;
}
