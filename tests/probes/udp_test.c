/* UDP: what an answer, a refusal and silence mean, with and without an expectation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/resolve.h"
#include "io/watch.h"
#include "tests/help/dns.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

/* Answers each datagram with its texts, one after the other. */
struct echo {
	int fd;
	struct watch *watch;
	const char *const *answers; /* NULL-terminated */
	char heard[256];
	size_t heard_len;
	unsigned count;
	char address[64];
};

static void
on_datagram(void *arg, unsigned ready)
{
	struct echo *e = arg;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(e->fd, e->heard, sizeof(e->heard), 0, (struct sockaddr *)&from, &len);

	(void)ready;
	if (n < 0)
		return;
	e->heard_len = (size_t)n;
	e->count++;
	for (const char *const *text = e->answers; *text != NULL; text++)
		sendto(e->fd, *text, strlen(*text), 0, (struct sockaddr *)&from, len);
}

static void
echo_open(struct echo *e, struct loop *loop, const char *const *answers)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	memset(e, 0, sizeof(*e));
	e->answers = answers;
	e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(e->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(e->fd, (struct sockaddr *)&in, &len), 0);
	snprintf(e->address, sizeof(e->address), "127.0.0.1:%u", ntohs(in.sin_port));
	e->watch = watch_new(loop, e->fd, WATCH_READ, on_datagram, e);
}

static void
echo_close(struct echo *e)
{
	watch_free(e->watch);
	close(e->fd);
}

static const char *const silent[] = { NULL };
static const char *const pong[] = { "noise", "pong 7", NULL };

static void
configure(struct bench *b, const char *address, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "address: \"%s\"\n%s", address, more);
	if (bench_configure(b, "udp", yaml) != 0)
		fail_msg("%s", b->complaint);
}

/* Lets a second go by whenever nothing happens. */
static void
play(struct bench *b)
{
	bench_start(b, NULL);
	for (int i = 0; i < 40 && b->run != NULL; i++) {
		for (int k = 0; k < 5 && b->run != NULL; k++)
			loop_turn(b->loop, false);
		if (b->run != NULL)
			loop_advance(b->loop, USEC_PER_SEC);
	}
	bench_await(b);
}

static void
waits_for_the_right_answer(void **state)
{
	struct bench *b = *state;
	struct echo e;

	echo_open(&e, b->loop, pong);
	configure(b, e.address, "send: ping\nexpect: \"^pong\"\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, e.address));
	assert_true(bench_value(b, "first_byte_time") >= 0);
	assert_true(isnan(bench_value(b, "connect_time")));
	assert_int_equal(e.heard_len, 4);
	echo_close(&e);
}

static void
sends_bytes(void **state)
{
	struct bench *b = *state;
	struct echo e;

	echo_open(&e, b->loop, pong);
	configure(b, e.address, "send_hex: 00 ffA1\nexpect: pong\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(e.heard_len, 3);
	assert_memory_equal(e.heard, "\0\xff\xa1", 3);
	echo_close(&e);
}

static void
a_closed_port_refuses(void **state)
{
	static const char *const more[] = { "", "send: x\n", "send: x\nexpect: y\n" };
	struct bench *b = *state;
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", peer_dead_port());
	for (size_t i = 0; i < 3; i++) {
		configure(b, address, more[i]);
		bench_run(b);
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), "net.refused");
	}
}

static void
silence_without_expectation_is_no_more_than_that(void **state)
{
	struct bench *b = *state;
	struct echo e;

	echo_open(&e, b->loop, silent);
	configure(b, e.address, "send: x\n");
	play(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, "not known"));
	assert_true(isnan(bench_value(b, "first_byte_time")));
	echo_close(&e);
}

static void
silence_where_an_answer_is_due(void **state)
{
	struct bench *b = *state;
	struct echo e;

	echo_open(&e, b->loop, silent);
	configure(b, e.address, "send: x\nexpect: y\n");
	play(b);
	assert_string_equal(bench_cause(b), "net.noreply");
	assert_true(e.count >= 3); /* it was sent again and again */
	echo_close(&e);
}

static void
an_answer_that_does_not_fit(void **state)
{
	struct bench *b = *state;
	struct echo e;

	echo_open(&e, b->loop, pong);
	configure(b, e.address, "send: x\nexpect: nothing\n");
	play(b);
	assert_string_equal(bench_cause(b), "net.protocol");
	assert_non_null(strstr(b->sample.text, "got \"pong 7\", wanted /nothing/"));
	assert_true(e.count >= 3); /* it might have been a stray one */
	echo_close(&e);
}

static void
tries_both_families(void **state)
{
	static const struct dns_row rows[] = {
		{ .name = "both.test", .v4 = "127.0.0.1", .v6 = "::1", .ttl_s = 60 },
		{ .name = NULL },
	};
	struct bench *b = *state;
	struct dns *dns = dns_open(b->loop, rows);
	struct resolve_options o = { .servers = dns_address(dns), .hosts_path = "/dev/null" };
	struct echo e;
	char address[64];

	resolver_free(b->env.resolver);
	b->env.resolver = resolver_new(b->loop, &o);
	echo_open(&e, b->loop, pong);
	snprintf(address, sizeof(address), "both.test%s", strchr(e.address, ':'));
	configure(b, address, "send: x\nexpect: pong\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "dns_time") >= 0);
	assert_int_equal(b->sample.note_count, 1);
	assert_string_equal(b->sample.notes[0].cause->code, "net.family");
	configure(b, address, "send: x\n");
	bench_run(b); /* IPv6 refuses, IPv4 answers */
	assert_int_equal(b->sample.note_count, 1);
	configure(b, "nobody.test:9", "");
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.dns-nxdomain");
	echo_close(&e);
	dns_free(dns);
}

static void
can_be_aborted(void **state)
{
	struct bench *b = *state;
	struct echo e;
	unsigned fds;

	echo_open(&e, b->loop, silent);
	fds = bench_open_fds();
	configure(b, e.address, "send: x\nexpect: y\n");
	for (unsigned turns = 0; turns < 4; turns++) {
		bench_start(b, NULL);
		for (unsigned i = 0; i < turns && b->run != NULL; i++)
			loop_turn(b->loop, false);
		bench_abort(b);
		loop_turn(b->loop, false);
		loop_advance(b->loop, USEC_PER_MIN);
		assert_int_equal(bench_open_fds(), fds);
	}
	assert_int_equal(b->verdicts, 0);
	echo_close(&e);
}

static void
complains(void **state)
{
	static const char *const bad[] = { "{}", "address: h", "address: ':53'", "address: /run/x",
		"{ address: 'h:1', send: a, send_hex: '00' }", "{ address: 'h:1', send_hex: '0' }",
		"{ address: 'h:1', send_hex: 'zz' }", "{ address: 'h:1', expect: '(' }" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(b, "udp", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(bench_configure(b, "udp", "address: 'udp://[::1]:53'"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
#define F(f) cmocka_unit_test_setup_teardown(f, bench_set_up_fake, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(waits_for_the_right_answer),
		T(sends_bytes),
		T(a_closed_port_refuses),
		F(silence_without_expectation_is_no_more_than_that),
		F(silence_where_an_answer_is_due),
		F(an_answer_that_does_not_fit),
		T(tries_both_families),
		F(can_be_aborted),
		T(complains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
