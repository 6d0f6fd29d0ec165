/* Ping: this host answers, one that cannot be reached does not, and packets are read with care. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/icmp.h"
#include "io/resolve.h"
#include "tests/help/dns.h"
#include "tests/help/probe_bench.h"
#include "tests/help/shortage.h"

static void
run(struct bench *b, const char *yaml)
{
	if (bench_configure(b, "ping", yaml) != 0)
		fail_msg("%s", b->complaint);
	bench_run(b);
}

/* A sandbox may have taken the right away: then that must be said, and nothing more. */
static bool
may_ping(const struct bench *b)
{
	if (b->sample.outcome != OUTCOME_ERROR)
		return true;
	assert_string_equal(bench_cause(b), "self.local");
	assert_non_null(strstr(b->sample.text, "net.ipv4.ping_group_range"));
	return false;
}

static void
this_host_answers(void **state)
{
	struct bench *b = *state;

	run(b, "{ host: 127.0.0.1, spacing: 10ms }");
	if (!may_ping(b))
		return;
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "loss_percent") == 0);
	assert_true(bench_value(b, "rtt_min_time") > 0);
	assert_true(bench_value(b, "rtt_time") >= bench_value(b, "rtt_min_time"));
	assert_true(bench_value(b, "rtt_max_time") >= bench_value(b, "rtt_time"));
	assert_true(bench_value(b, "jitter_time") >= 0);
	assert_true(bench_value(b, "duplicates") == 0);
	assert_true(isnan(bench_value(b, "dns_time")));
	run(b, "{ host: 'ping://127.0.0.1', count: 1, size: 1400 }");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "jitter_time"))); /* one answer has no neighbour */
}

static void
names_are_looked_up(void **state)
{
	static const struct dns_row rows[] = {
		{ .name = "here.test", .v4 = "127.0.0.1", .ttl_s = 60 },
		{ .name = NULL },
	};
	struct bench *b = *state;
	struct dns *dns = dns_open(b->loop, rows);
	struct resolve_options o = { .servers = dns_address(dns), .hosts_path = "/dev/null" };

	resolver_free(b->env.resolver);
	b->env.resolver = resolver_new(b->loop, &o);
	run(b, "{ host: here.test, count: 1 }");
	if (may_ping(b)) {
		assert_int_equal(b->sample.outcome, OUTCOME_OK);
		assert_true(bench_value(b, "dns_time") >= 0);
	}
	run(b, "{ host: nobody.test, count: 1 }");
	assert_string_equal(bench_cause(b), "net.dns-nxdomain");
	run(b, "{ host: here.test, count: 1, family: '6' }");
	assert_string_equal(bench_cause(b), "net.dns-nxdomain");
	assert_non_null(strstr(b->sample.text, "no address of that family"));
	dns_free(dns);
}

/* A hundred requests, ten seconds apart, within half a second. */
static void
settings_fit_into_the_timeout(void **state)
{
	struct bench *b = *state;

	b->timeout_us = USEC_PER_SEC / 2;
	run(b, "{ host: 127.0.0.1, count: 100, spacing: 10s }");
	if (!may_ping(b))
		return;
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "loss_percent") == 0);
}

static void
our_own_lack_is_an_error(void **state)
{
	struct bench *b = *state;
	struct shortage s;

	assert_int_equal(bench_configure(b, "ping", "{ host: 127.0.0.1, count: 1 }"), 0);
	shortage_begin(&s);
	bench_start(b, NULL);
	shortage_end(&s);
	bench_await(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(b), "self.fd-limit");
}

static void
can_be_aborted(void **state)
{
	struct bench *b = *state;
	unsigned fds = bench_open_fds();

	assert_int_equal(bench_configure(b, "ping", "{ host: 127.0.0.1, count: 9 }"), 0);
	for (unsigned turns = 0; turns < 6; turns++) {
		bench_start(b, NULL);
		for (unsigned i = 0; i < turns && b->run != NULL; i++)
			loop_turn(b->loop, false);
		bench_abort(b);
		loop_turn(b->loop, false);
		assert_int_equal(bench_open_fds(), fds);
	}
	assert_int_equal(b->verdicts, 0);
}

static void
complains(void **state)
{
	static const char *const bad[] = { "{}", "host: ''", "host: '127.0.0.1:80'", "host: /run/x",
		"{ host: h, count: 0 }", "{ host: h, count: 101 }", "{ host: h, spacing: 1ms }",
		"{ host: h, max_loss: 100% }", "{ host: h, family: 5 }", "host: 'ping://'" };
	struct bench *b = *state;
	char target[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(b, "ping", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(bench_configure(b, "ping", "host: 'icmp://[::1]'"), 0);
	b->type->target(b->conf, NULL, target, sizeof(target));
	assert_string_equal(target, "ping://[::1]");
}

/* --- packets --- */

static void
reads_packets_with_care(void **state)
{
	static const unsigned char v4[] = { 0, 0, 0, 0, 0x12, 0x34, 0, 7 },
				   v6[] = { 129, 0, 0, 0, 0x12, 0x34, 1, 2 },
				   request[] = { 8, 0, 0, 0, 0x12, 0x34, 0, 7 };
	unsigned char raw[32] = { 0x46 }; /* a header with one option */
	struct icmp_answer a = icmp_parse(v4, sizeof(v4), AF_INET, false, 0);

	(void)state;
	assert_true(a.is_ours);
	assert_int_equal(a.sequence, 7);
	a = icmp_parse(v6, sizeof(v6), AF_INET6, true, 0x1234);
	assert_true(a.is_ours);
	assert_int_equal(a.sequence, 0x102);
	assert_false(icmp_parse(v4, sizeof(v4), AF_INET, false, 0x1235).is_ours);
	assert_false(icmp_parse(v4, sizeof(v4), AF_INET6, false, 0).is_ours);
	assert_false(icmp_parse(request, sizeof(request), AF_INET, false, 0).is_ours);
	for (size_t len = 0; len < sizeof(v4); len++)
		assert_false(icmp_parse(v4, len, AF_INET, false, 0).is_ours);
	memcpy(raw + 24, v4, sizeof(v4));
	assert_true(icmp_parse(raw, 32, AF_INET, true, 0x1234).is_ours);
	for (size_t len = 0; len < 32; len++)
		assert_false(icmp_parse(raw, len, AF_INET, true, 0x1234).is_ours);
	raw[0] = 0x41; /* a header shorter than a header */
	assert_false(icmp_parse(raw, 32, AF_INET, true, 0x1234).is_ours);
	raw[0] = 0x4f; /* longer than the packet */
	assert_false(icmp_parse(raw, 32, AF_INET, true, 0x1234).is_ours);
	raw[0] = 0x66;
	assert_false(icmp_parse(raw, 32, AF_INET, true, 0x1234).is_ours);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(this_host_answers),
		T(names_are_looked_up),
		T(settings_fit_into_the_timeout),
		T(our_own_lack_is_an_error),
		T(can_be_aborted),
		T(complains),
		cmocka_unit_test(reads_packets_with_care),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
