/* DNS: each verdict of a server, answers that do not fit, replies that are not ours. */
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

#include "base/str.h"
#include "io/resolve.h"
#include "io/watch.h"
#include "tests/help/dns.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

static const struct dns_row rows[] = {
	{ .name = "a.test", .v4 = "10.0.0.1 10.0.0.2", .v6 = "2001:db8::1", .ttl_s = 60 },
	{ .name = "alias.test", .cname = "a.test", .v4 = "10.0.0.1", .ttl_s = 30 },
	{ .name = "six.test", .v6 = "2001:db8::2", .ttl_s = 60 },
	{ .name = "big.test", .v4 = "10.0.0.9", .ttl_s = 5, .v4_does = DNS_TRUNCATE },
	{ .name = "bad.test", .v4_does = DNS_SERVFAIL },
	{ .name = "no.test", .v4_does = DNS_REFUSED },
	{ .name = "lost.test", .v4_does = DNS_SILENT },
	{ .name = "wild.test", .v4_does = DNS_GARBAGE },
	{ .name = "cut.test", .v4 = "10.0.0.9", .v4_does = DNS_CUT },
	{ .name = "old.test", .v4 = "10.0.0.8", .ttl_s = 5, .v4_does = DNS_OLD },
	{ .name = NULL },
};

struct scene {
	struct bench b;
	struct dns *dns;
};

static int
set_up_with(void **state, enum bench_time time)
{
	struct scene *s = calloc(1, sizeof(*s));

	bench_open(&s->b, time);
	s->dns = dns_open(s->b.loop, rows);
	*state = s;
	return 0;
}

static int
set_up(void **state)
{
	return set_up_with(state, BENCH_REAL);
}

static int
set_up_fake(void **state)
{
	return set_up_with(state, BENCH_FAKE);
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	bench_abort(&s->b);
	dns_free(s->dns);
	bench_close(&s->b);
	free(s);
	return 0;
}

static void
configure(struct scene *s, const char *name, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "{ name: \"%s\", server: \"%s\"%s }", name,
		dns_address(s->dns), more);
	if (bench_configure(&s->b, "dns", yaml) != 0)
		fail_msg("%s", s->b.complaint);
}

static void
run(struct scene *s, const char *name, const char *more)
{
	configure(s, name, more);
	bench_run(&s->b);
}

static void
shows_the_answers(void **state)
{
	struct scene *s = *state;

	run(s, "a.test", "");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_string_equal(s->b.sample.text, "a.test A: 10.0.0.1, 10.0.0.2");
	assert_true(bench_value(&s->b, "answers") == 2);
	assert_true(bench_value(&s->b, "ttl") == 60);
	assert_true(bench_value(&s->b, "rcode") == 0);
	assert_true(bench_value(&s->b, "first_byte_time") >= 0);
	assert_true(isnan(bench_value(&s->b, "connect_time")));
	run(s, "a.test", ", record: AAAA");
	assert_string_equal(s->b.sample.text, "a.test AAAA: 2001:db8::1");
	run(s, "alias.test", "");
	assert_string_equal(s->b.sample.text, "alias.test A: 10.0.0.1");
	assert_true(bench_value(&s->b, "ttl") == 30);
}

static void
each_verdict_has_its_cause(void **state)
{
	static const struct {
		const char *name, *cause;
	} cases[] = {
		{ "nobody.test", "dns.nxdomain" }, { "bad.test", "dns.servfail" },
		{ "no.test", "dns.refused" }, { "six.test", "dns.no-record" },
		{ "wild.test", "net.protocol" },
		{ "cut.test", "dns.rcode" }, /* what is cut away is not missing */
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(s, cases[i].name, "");
		assert_int_equal(s->b.sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(&s->b), cases[i].cause);
	}
	run(s, "nobody.test", "");
	assert_true(bench_value(&s->b, "rcode") == 3);
	assert_true(bench_value(&s->b, "answers") == 0);
	assert_true(isnan(bench_value(&s->b, "ttl")));
}

static void
compares_with_what_is_expected(void **state)
{
	static const struct {
		const char *expect, *cause;
	} cases[] = {
		{ ", expect: 10.0.0.2", "" },
		{ ", expect: [10.0.0.2, 10.0.0.1]", "" },
		{ ", expect: '/^10[.]0/'", "" },
		{ ", expect: [10.0.0.1, 10.0.0.3]", "dns.mismatch" },
		{ ", expect: '/^192/'", "dns.mismatch" },
		{ ", expect: 10.0.0", "dns.mismatch" },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(s, "a.test", cases[i].expect);
		assert_string_equal(bench_cause(&s->b), cases[i].cause);
	}
	assert_non_null(strstr(s->b.sample.text, "is 10.0.0.1, 10.0.0.2, wanted 10.0.0"));
	run(s, "alias.test", ", record: CNAME, expect: A.test.");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
}

static void
goes_on_by_tcp(void **state)
{
	struct scene *s = *state;

	run(s, "big.test", "");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_string_equal(s->b.sample.text, "big.test A: 10.0.0.9");
	assert_true(bench_value(&s->b, "connect_time") >= 0);
	assert_non_null(strstr(bench_fact(&s->b, "server"), "by TCP"));
}

static void
asks_old_servers_without_edns(void **state)
{
	struct scene *s = *state;

	run(s, "old.test", "");
	assert_string_equal(s->b.sample.text, "old.test A: 10.0.0.8");
	assert_int_equal(dns_asked_of(s->dns, "old.test"), 2);
}

static void
asks_the_systems_server(void **state)
{
	struct scene *s = *state;
	struct resolve_options o = { .servers = dns_address(s->dns), .hosts_path = "/dev/null" };

	resolver_free(s->b.env.resolver);
	s->b.env.resolver = resolver_new(s->b.loop, &o);
	assert_int_equal(bench_configure(&s->b, "dns", "name: a.test"), 0);
	bench_run(&s->b);
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(str_starts(bench_fact(&s->b, "server"), dns_address(s->dns)));
}

static void
silence_is_a_timeout(void **state)
{
	struct scene *s = *state;

	configure(s, "lost.test", "");
	bench_start(&s->b, NULL);
	for (int i = 0; i < 100 && s->b.run != NULL; i++) {
		loop_advance(s->b.loop, USEC_PER_SEC / 2);
		for (int k = 0; k < 3; k++)
			loop_turn(s->b.loop, false);
	}
	assert_string_equal(bench_cause(&s->b), "dns.timeout");
	assert_true(dns_asked_of(s->dns, "lost.test") >= 3); /* it was said again */
}

static void
nobody_at_the_server(void **state)
{
	struct scene *s = *state;
	char yaml[128];

	snprintf(
		yaml, sizeof(yaml), "{ name: a.test, server: \"127.0.0.1:%u\" }", peer_dead_port());
	assert_int_equal(bench_configure(&s->b, "dns", yaml), 0);
	bench_run(&s->b);
	assert_string_equal(bench_cause(&s->b), "net.refused");
}

/* A liar: the first reply has another id, the second another question, the third is right. */
struct liar {
	int fd;
};

static void
on_question(void *arg, unsigned ready)
{
	static const unsigned char good[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 9, 9, 9 };
	const struct liar *liar = arg;
	unsigned char m[600];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(liar->fd, m, 512, 0, (struct sockaddr *)&from, &len);
	size_t end = 12;

	(void)ready;
	if (n < 17)
		return;
	while (m[end] != 0)
		end += m[end] + 1U;
	end += 5;
	m[2] = 0x81;
	m[3] = 0x80;
	memset(m + 6, 0, 6);
	m[0] ^= 0xff;
	sendto(liar->fd, m, end, 0, (struct sockaddr *)&from, len);
	m[0] ^= 0xff;
	m[13] ^= 0x01;
	sendto(liar->fd, m, end, 0, (struct sockaddr *)&from, len);
	m[13] ^= 0x01;
	m[7] = 1;
	memcpy(m + end, good, sizeof(good));
	sendto(liar->fd, m, end + sizeof(good), 0, (struct sockaddr *)&from, len);
}

static void
passes_over_replies_to_others(void **state)
{
	struct scene *s = *state;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct liar liar = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0) };
	struct watch *watch;
	char yaml[128];

	assert_int_equal(bind(liar.fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(liar.fd, (struct sockaddr *)&in, &len), 0);
	watch = watch_new(s->b.loop, liar.fd, WATCH_READ, on_question, &liar);
	snprintf(yaml, sizeof(yaml), "{ name: a.test, server: \"127.0.0.1:%u\" }",
		ntohs(in.sin_port));
	assert_int_equal(bench_configure(&s->b, "dns", yaml), 0);
	bench_run(&s->b);
	assert_string_equal(s->b.sample.text, "a.test A: 10.9.9.9");
	assert_non_null(strstr(bench_fact(&s->b, "ignored"), "2 replies"));
	watch_free(watch);
	close(liar.fd);
}

static void
takes_urls(void **state)
{
	struct scene *s = *state;
	char yaml[200], target[256];

	snprintf(yaml, sizeof(yaml), "name: dns://%s/a.test?type=aaaa", dns_address(s->dns));
	assert_int_equal(bench_configure(&s->b, "dns", yaml), 0);
	bench_run(&s->b);
	assert_string_equal(s->b.sample.text, "a.test AAAA: 2001:db8::1");
	s->b.type->target(s->b.conf, NULL, target, sizeof(target));
	assert_non_null(strstr(target, "/a.test?type=AAAA"));
	assert_int_equal(bench_configure(&s->b, "dns", "name: 'dns:///192.0.2.1'"), 0);
	s->b.type->target(s->b.conf, NULL, target, sizeof(target));
	assert_string_equal(target, "dns:///1.2.0.192.in-addr.arpa?type=PTR");
	assert_int_equal(bench_configure(&s->b, "dns", "name: 'dns://[::1]/x.test'"), 0);
	s->b.type->target(s->b.conf, NULL, target, sizeof(target));
	assert_string_equal(target, "dns://[::1]/x.test?type=A");
}

static void
complains(void **state)
{
	static const char *const bad[] = { "{}", "name: ''", "name: 'dns://u:p@h/x'", "name: a..b",
		"name: dns://192.0.2.1", "name: 'dns://192.0.2.1/'",
		"name: 'dns:a.test?type=NONSENSE'", "{ name: a.test, record: NONSENSE }",
		"{ name: 192.0.2.1, record: MX }", "{ name: a.test, server: 'h:99999' }",
		"{ name: a.test, server: /run/x.sock }", "{ name: a.test, expect: '/(/' }",
		"name: 'dns:a.test?color=blue'" };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(&s->b, "dns", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(shows_the_answers),
		T(each_verdict_has_its_cause),
		T(compares_with_what_is_expected),
		T(goes_on_by_tcp),
		T(asks_old_servers_without_edns),
		T(asks_the_systems_server),
		cmocka_unit_test_setup_teardown(silence_is_a_timeout, set_up_fake, tear_down),
		T(nobody_at_the_server),
		T(passes_over_replies_to_others),
		T(takes_urls),
		T(complains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
