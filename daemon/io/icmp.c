/*
 * Ping: one socket, a timer that sends, a table of when each was sent and answered.
 *
 * The unprivileged socket (SOCK_DGRAM, IPPROTO_ICMP) gets only its own answers, its id is the
 * kernel's.  A raw one hears everybody's answers: a random id tells ours.
 */
#include "io/icmp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/rand.h"
#include "io/sock_error.h"
#include "io/timer.h"
#include "io/watch.h"

#define HEADER_LEN 8
#define READS_MAX  64 /* in one go, before others have their turn */

/* Types of messages, of ICMP and ICMPv6. */
enum { ECHO_V4 = 8, ECHO_V4_YES = 0, ECHO_V6 = 128, ECHO_V6_YES = 129 };

struct echo {
	usec_t sent_us, took_us; /* took -1: not answered */
	bool is_refused;         /* an error came for it */
};

struct icmp {
	struct loop *loop;
	icmp_fn fn;
	void *arg;
	char *host;
	int family;
	struct resolve_call *lookup;
	struct addr peer;
	int fd;
	struct watch *watch;
	struct timer timer;
	bool is_raw, is_closed, is_over;
	enum icmp_event last; /* what the timer says when `is_over` */
	unsigned id;
	unsigned count, size;
	usec_t begun_us, dns_us, interval_us, wait_us, until_us;
	struct icmp_tally tally;
	enum fault fault;
	char reason[320];
	struct echo echoes[ICMP_COUNT_MAX];
};

/* --- bytes --- */

static unsigned
get16(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void
put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

/* RFC 1071; the kernel does it for IPv6. */
static unsigned
checksum(const unsigned char *data, size_t len)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (unsigned long)data[i] << (i % 2 == 0 ? 8 : 0);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned)~sum & 0xffff;
}

struct icmp_answer
icmp_parse(const unsigned char *data, size_t len, int family, bool is_raw, unsigned id)
{
	static const struct icmp_answer no = { .is_ours = false };
	unsigned wanted = family == AF_INET6 ? ECHO_V6_YES : ECHO_V4_YES;
	size_t skip = 0;

	if (is_raw && family == AF_INET) {
		if (len < 20 || data[0] >> 4 != 4)
			return no;
		skip = (size_t)(data[0] & 0x0f) * 4;
	}
	if (skip + HEADER_LEN > len || (is_raw && family == AF_INET && skip < 20))
		return no;
	data += skip;
	if (data[0] != wanted || data[1] != 0 || (id != 0 && get16(data + 4) != id))
		return no;
	return (struct icmp_answer){ .is_ours = true, .sequence = get16(data + 6) };
}

/* --- the end --- */

static void
finish(struct icmp *icmp, enum icmp_event event)
{
	icmp->is_over = true;
	icmp->last = event;
	timer_after(&icmp->timer, 0);
}

static usec_t
jitter(const struct icmp *icmp)
{
	usec_t sum = 0, before = -1;
	unsigned pairs = 0;

	for (unsigned i = 0; i < icmp->tally.sent; i++) {
		usec_t took = icmp->echoes[i].took_us;

		if (took >= 0 && before >= 0) {
			sum += took > before ? took - before : before - took;
			pairs++;
		}
		before = took >= 0 ? took : before;
	}
	return pairs > 0 ? sum / pairs : -1;
}

static bool
is_complete(const struct icmp *icmp)
{
	unsigned open = icmp->tally.sent;

	for (unsigned i = 0; i < icmp->tally.sent; i++)
		if (icmp->echoes[i].took_us >= 0 || icmp->echoes[i].is_refused)
			open--;
	return icmp->tally.sent == icmp->count && open == 0;
}

/* --- hearing --- */

static void
note_answer(struct icmp *icmp, const struct icmp_answer *answer)
{
	struct icmp_tally *t = &icmp->tally;
	struct echo *echo;

	if (!answer->is_ours || answer->sequence >= t->sent)
		return;
	echo = &icmp->echoes[answer->sequence];
	if (echo->took_us >= 0) {
		t->duplicates++;
		return;
	}
	echo->took_us = loop_now(icmp->loop) - echo->sent_us;
	if (t->received == 0 || echo->took_us < t->min_us)
		t->min_us = echo->took_us;
	if (echo->took_us > t->max_us)
		t->max_us = echo->took_us;
	t->sum_us += echo->took_us;
	t->received++;
}

static void
note_trouble(struct icmp *icmp, const struct sock_error *error)
{
	icmp->fault = sock_error_fault(error);
	sock_error_text(error, &icmp->peer, icmp->reason, sizeof(icmp->reason));
}

static void
hear_errors(struct icmp *icmp)
{
	struct sock_error error;

	for (int i = 0; i < READS_MAX && sock_error_take(icmp->fd, &error); i++) {
		unsigned sequence = error.len >= HEADER_LEN ? get16(error.data + 6) : 0;

		/* A raw socket hears of other people's packets too. */
		if (icmp->is_raw && (error.len < HEADER_LEN || get16(error.data + 4) != icmp->id))
			continue;
		if (sequence < icmp->tally.sent && !icmp->echoes[sequence].is_refused) {
			icmp->echoes[sequence].is_refused = true;
			icmp->tally.errors++;
		}
		note_trouble(icmp, &error);
	}
}

static void
on_ready(void *arg, unsigned ready)
{
	struct icmp *icmp = arg;
	unsigned char data[2048];

	(void)ready;
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(icmp->fd, data, sizeof(data), 0);
		struct icmp_answer answer;

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			continue; /* the error queue has the details */
		answer = icmp_parse(data, (size_t)n, addr_family(&icmp->peer), icmp->is_raw,
			icmp->is_raw ? icmp->id : 0);
		note_answer(icmp, &answer);
	}
	hear_errors(icmp);
	if (is_complete(icmp) && !icmp->is_over)
		finish(icmp, ICMP_DONE);
}

/* --- sending --- */

static void
send_one(struct icmp *icmp)
{
	unsigned char packet[HEADER_LEN + ICMP_SIZE_MAX] = { 0 };
	bool is_v6 = addr_family(&icmp->peer) == AF_INET6;
	unsigned sequence = icmp->tally.sent++;
	struct echo *echo = &icmp->echoes[sequence];
	size_t len = HEADER_LEN + icmp->size;

	packet[0] = is_v6 ? ECHO_V6 : ECHO_V4;
	put16(packet + 4, icmp->id);
	put16(packet + 6, sequence);
	for (size_t i = HEADER_LEN; i < len; i++)
		packet[i] = (unsigned char)i;
	if (!is_v6)
		put16(packet + 2, checksum(packet, len));
	echo->took_us = -1;
	echo->sent_us = loop_now(icmp->loop);
	if (send(icmp->fd, packet, len, MSG_NOSIGNAL) >= 0)
		return;
	/* What came for an earlier one is reported here as well: it was not about this one. */
	if (errno != EAGAIN && errno != ENOBUFS &&
		send(icmp->fd, packet, len, MSG_NOSIGNAL) == -1) {
		echo->is_refused = true;
		icmp->tally.errors++;
		note_trouble(icmp, &(struct sock_error){ .error = errno });
	}
}

static void
on_timer(void *arg)
{
	struct icmp *icmp = arg;

	if (icmp->is_over) {
		watch_free(icmp->watch);
		icmp->watch = NULL;
		icmp->tally.jitter_us = jitter(icmp);
		icmp->fn(icmp->arg, icmp->last);
		return;
	}
	if (icmp->tally.sent == icmp->count) {
		finish(icmp, ICMP_DONE);
		return;
	}
	send_one(icmp);
	if (is_complete(icmp)) {
		finish(icmp, ICMP_DONE);
	} else if (icmp->tally.sent == icmp->count) {
		timer_after(&icmp->timer, icmp->wait_us);
	} else { /* by the clock: timers that are late must not add up */
		usec_t next_us = icmp->echoes[0].sent_us + icmp->interval_us * icmp->tally.sent;
		usec_t now_us = loop_now(icmp->loop);

		timer_after(&icmp->timer, next_us > now_us ? next_us - now_us : 0);
	}
}

/* --- the socket --- */

static void
fail(struct icmp *icmp, int error)
{
	note_trouble(icmp, &(struct sock_error){ .error = error });
	if (icmp->fault == FAULT_FD_LIMIT)
		snprintf(icmp->reason, sizeof(icmp->reason), "no descriptor is left for a socket");
	finish(icmp, ICMP_FAILED);
}

static int
open_socket(struct icmp *icmp)
{
	int family = addr_family(&icmp->peer);
	int protocol = family == AF_INET6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;
	int error;

	icmp->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (icmp->fd != -1)
		return 0;
	error = errno;
	if (error != EACCES && error != EPERM && error != EPROTONOSUPPORT) {
		fail(icmp, error);
		return -1;
	}
	icmp->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (icmp->fd == -1 && (errno == EPERM || errno == EACCES)) {
		snprintf(icmp->reason, sizeof(icmp->reason),
			"no right to ping: `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` "
			"gives it to everybody, CAP_NET_RAW to this process alone");
		finish(icmp, ICMP_NO_RIGHT);
		return -1;
	}
	if (icmp->fd == -1) {
		fail(icmp, errno);
		return -1;
	}
	icmp->is_raw = true;
	return 0;
}

/* Requests may take half of the time that is left, the last answer has the rest; -1: none is. */
static int
fit_into_time(struct icmp *icmp)
{
	usec_t left = icmp->until_us - loop_now(icmp->loop), gaps = (usec_t)icmp->count - 1;

	if (icmp->until_us == 0)
		return 0;
	if (left <= 0) {
		icmp->fault = FAULT_DNS_FAIL;
		snprintf(icmp->reason, sizeof(icmp->reason),
			"the resolver took all the time to look %.200s up", icmp->host);
		finish(icmp, ICMP_FAILED);
		return -1;
	}
	if (icmp->interval_us * gaps > left / 2)
		icmp->interval_us = left / 2 / gaps;
	left -= icmp->interval_us * gaps;
	if (icmp->wait_us > left)
		icmp->wait_us = left;
	return 0;
}

static void
begin(struct icmp *icmp)
{
	if (fit_into_time(icmp) == -1)
		return;
	addr_set_port(&icmp->peer, 0);
	if (open_socket(icmp) == -1)
		return;
	rand_bytes(&icmp->id, sizeof(icmp->id));
	icmp->id = (icmp->id & 0x7fff) + 1;
	sock_error_enable(icmp->fd, addr_family(&icmp->peer));
	if (connect(icmp->fd, &icmp->peer.sa, icmp->peer.len) == -1) {
		fail(icmp, errno);
		return;
	}
	icmp->watch = watch_new(icmp->loop, icmp->fd, WATCH_READ, on_ready, icmp);
	timer_after(&icmp->timer, 0);
}

/* --- names --- */

static void
begin_with(struct icmp *icmp, const struct resolve_answer *answer)
{
	enum fault fault = icmp->family == AF_INET6  ? answer->v6
			   : icmp->family == AF_INET ? answer->v4
						     : answer->fault;

	for (unsigned i = 0; i < answer->count; i++) {
		int family = addr_family(&answer->addrs[i]);

		if (icmp->family != AF_UNSPEC && icmp->family != family)
			continue;
		icmp->peer = answer->addrs[i];
		begin(icmp);
		/* A host without IPv6 of its own asks the other family. */
		if (icmp->family == AF_UNSPEC && icmp->is_over && icmp->last == ICMP_FAILED &&
			icmp->fault == FAULT_UNREACHABLE && i + 1 < answer->count) {
			icmp->is_over = false;
			icmp->fault = FAULT_NONE;
			fd_close(&icmp->fd);
			continue;
		}
		return;
	}
	icmp->fault = fault != FAULT_NONE ? fault : FAULT_DNS_NXDOMAIN;
	if (icmp->fault == FAULT_DNS_NXDOMAIN)
		snprintf(icmp->reason, sizeof(icmp->reason), "the name %.200s %s", icmp->host,
			answer->count > 0 ? "has no address of that family" : "does not exist");
	else
		snprintf(icmp->reason, sizeof(icmp->reason),
			"no answer from the resolver for %.200s", icmp->host);
	finish(icmp, ICMP_FAILED);
}

static void
on_resolved(void *arg, const struct resolve_answer *answer)
{
	struct icmp *icmp = arg;

	icmp->lookup = NULL;
	icmp->dns_us = loop_now(icmp->loop) - icmp->begun_us;
	begin_with(icmp, answer);
}

/* --- life --- */

struct icmp *
icmp_open(const struct icmp_options *o, icmp_fn fn, void *arg)
{
	struct icmp *icmp = xcalloc(1, sizeof(*icmp));
	struct resolve_answer answer;

	icmp->loop = o->loop;
	icmp->fn = fn;
	icmp->arg = arg;
	icmp->host = xstrdup(o->host);
	icmp->family = o->family;
	icmp->fd = -1;
	icmp->count = o->count < 1 ? 1 : o->count > ICMP_COUNT_MAX ? ICMP_COUNT_MAX : o->count;
	icmp->size = o->size > ICMP_SIZE_MAX ? ICMP_SIZE_MAX : o->size;
	icmp->interval_us = o->interval_us;
	icmp->wait_us = o->wait_us;
	icmp->until_us = o->until_us;
	icmp->begun_us = loop_now(o->loop);
	icmp->dns_us = -1;
	icmp->tally.jitter_us = -1;
	timer_init(&icmp->timer, o->loop, on_timer, icmp);
	if (resolve_now(o->resolver, icmp->host, &answer))
		begin_with(icmp, &answer);
	else
		icmp->lookup = resolve_start(o->resolver, icmp->host, on_resolved, icmp);
	return icmp;
}

static void
end(void *obj)
{
	struct icmp *icmp = obj;

	free(icmp->host);
	free(icmp);
}

void
icmp_close(struct icmp *icmp)
{
	if (icmp == NULL || icmp->is_closed)
		return;
	icmp->is_closed = true;
	timer_stop(&icmp->timer);
	resolve_cancel(icmp->lookup);
	watch_free(icmp->watch);
	icmp->watch = NULL;
	fd_close(&icmp->fd);
	loop_retire(icmp->loop, icmp, end);
}

/* --- looking --- */

const struct icmp_tally *
icmp_tally(const struct icmp *icmp)
{
	return &icmp->tally;
}

enum fault
icmp_fault(const struct icmp *icmp)
{
	return icmp->fault;
}

const char *
icmp_reason(const struct icmp *icmp)
{
	return icmp->reason;
}

const struct addr *
icmp_peer(const struct icmp *icmp)
{
	return &icmp->peer;
}

usec_t
icmp_dns_us(const struct icmp *icmp)
{
	return icmp->dns_us;
}

usec_t
icmp_wait_us(const struct icmp *icmp)
{
	return icmp->wait_us;
}

bool
icmp_is_raw(const struct icmp *icmp)
{
	return icmp->is_raw;
}
