/*
 * Of several addresses that all fail the one that tells most is told, whatever their order, over
 * TCP and over UDP.  What a net would say to a connect is said here: by the last of the address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/stream.h"
#include "io/udp.h"
#include "tests/help/dns.h"

#define TURNS 2000

/* Two addresses in this order, each by its errno at the connect. */
static const struct row {
	const char *name;
	int first, second; /* IPv6, IPv4 */
	bool is_second;    /* is told */
	enum fault fault;
} rows[] = {
	{ "no-way.test", ENETUNREACH, ECONNREFUSED, true, FAULT_REFUSED },
	{ "no-way-back.test", ECONNREFUSED, ENETUNREACH, false, FAULT_REFUSED },
	{ "no-source.test", EADDRNOTAVAIL, ECONNREFUSED, true, FAULT_REFUSED },
	{ "no-family.test", EAFNOSUPPORT, EHOSTUNREACH, true, FAULT_UNREACHABLE },
	{ "far.test", EHOSTUNREACH, ENETUNREACH, false, FAULT_UNREACHABLE },
	{ "farther.test", EHOSTUNREACH, ECONNREFUSED, true, FAULT_REFUSED },
	{ "near.test", ECONNREFUSED, EHOSTUNREACH, false, FAULT_REFUSED },
	{ "equal.test", ECONNREFUSED, EACCES, false, FAULT_REFUSED },
	{ "equal-back.test", EACCES, ECONNREFUSED, false, FAULT_DENIED },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct world {
	struct clock clock;
	struct loop *loop;
	struct dns *dns;
	struct resolver *resolver;
	struct dns_row names[ROWS + 1];
	char v4[ROWS][INET_ADDRSTRLEN], v6[ROWS][INET6_ADDRSTRLEN];
	bool is_over; /* what is asked now has failed */
};

/* 198.51.100.N and 2001:db8::N (documentation) fail with errno N. */
static int
error_of(const struct sockaddr *to)
{
	static const uint8_t net6[12] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (to->sa_family == AF_INET) {
		memcpy(&v4, to, sizeof(v4));
		if (ntohl(v4.sin_addr.s_addr) >> 8 == 0xc63364)
			return (int)(ntohl(v4.sin_addr.s_addr) & 0xff);
	} else if (to->sa_family == AF_INET6) {
		memcpy(&v6, to, sizeof(v6));
		if (memcmp(&v6.sin6_addr, net6, sizeof(net6)) == 0)
			return v6.sin6_addr.s6_addr[15];
	}
	return 0;
}

/* In place of the C library's. */
int
connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
	int error = error_of(to.__sockaddr__);

	if (error == 0)
		return (int)syscall(SYS_connect, fd, to.__sockaddr__, len);
	errno = error;
	return -1;
}

static int
set_up(void **state)
{
	static struct world world;
	struct world *w = &world;
	struct resolve_options o = { .hosts_path = "/dev/null", .timeout_us = 200000, .tries = 1 };

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < ROWS; i++) {
		snprintf(w->v6[i], sizeof(w->v6[i]), "2001:db8::%x", (unsigned)rows[i].first);
		snprintf(w->v4[i], sizeof(w->v4[i]), "198.51.100.%d", rows[i].second);
		w->names[i] = (struct dns_row){
			.name = rows[i].name, .v4 = w->v4[i], .v6 = w->v6[i], .ttl_s = 60
		};
	}
	clock_init_real(&w->clock);
	w->loop = loop_new(&w->clock, NULL);
	w->dns = dns_open(w->loop, w->names);
	o.servers = dns_address(w->dns);
	w->resolver = resolver_new(w->loop, &o);
	*state = w;
	return w->loop == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	resolver_free(w->resolver);
	dns_free(w->dns);
	loop_free(w->loop);
	return 0;
}

static void
need_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd == -1)
		skip(); /* its sockets fail before they connect anywhere */
	fd_close(&fd);
}

static void
assert_told(const struct row *row, const struct addr *peer, enum fault fault, const char *reason)
{
	char text[ADDR_TEXT];

	addr_text(peer, text);
	if (addr_family(peer) != (row->is_second ? AF_INET : AF_INET6) || fault != row->fault)
		fail_msg("%s: %s is told, %s", row->name, text, reason);
}

static bool
is_over(void *arg)
{
	return ((struct world *)arg)->is_over;
}

static void
on_stream(void *arg, enum stream_event event)
{
	assert_int_equal(event, STREAM_FAILED);
	((struct world *)arg)->is_over = true;
}

static void
a_stream_tells_most(void **state)
{
	struct world *w = *state;

	need_ipv6();
	for (size_t i = 0; i < ROWS; i++) {
		struct place place = { .port = 9 };
		const struct stream_options o = {
			.loop = w->loop, .resolver = w->resolver, .place = &place
		};
		struct stream *stream;

		snprintf(place.host, sizeof(place.host), "%s", rows[i].name);
		w->is_over = false;
		stream = stream_open(&o, on_stream, w);
		assert_true(loop_turn_until(w->loop, is_over, w, TURNS));
		assert_told(
			&rows[i], stream_peer(stream), stream_fault(stream), stream_reason(stream));
		stream_close(stream);
	}
}

static void
on_udp(void *arg, enum udp_event event)
{
	assert_int_equal(event, UDP_FAILED);
	((struct world *)arg)->is_over = true;
}

static void
a_datagram_tells_most(void **state)
{
	struct world *w = *state;

	need_ipv6();
	for (size_t i = 0; i < ROWS; i++) {
		struct place place = { .port = 9 };
		const struct udp_options o = { .loop = w->loop,
			.resolver = w->resolver,
			.place = &place,
			.data = "x",
			.len = 1 };
		struct udp *udp;

		snprintf(place.host, sizeof(place.host), "%s", rows[i].name);
		w->is_over = false;
		udp = udp_open(&o, on_udp, w);
		assert_true(loop_turn_until(w->loop, is_over, w, TURNS));
		assert_told(&rows[i], udp_peer(udp), udp_fault(udp), udp_reason(udp));
		udp_close(udp);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_stream_tells_most),
		T(a_datagram_tells_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
