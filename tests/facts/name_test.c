/* What a name means to a server that answers, refuses, fails or is silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "io/resolve.h"
#include "tests/help/dns.h"
#include "tests/help/fact_bench.h"

static const struct dns_row rows[] = {
	{ .name = "db.test", .v4 = "10.0.0.4", .ttl_s = 60 },
	{ .name = "sick.test", .v4_does = DNS_SERVFAIL, .v6_does = DNS_SERVFAIL },
	{ .name = "mute.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
	{ .name = NULL },
};

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* Asks about `host`; silence passes by the fake clock. */
static void
ask(struct fact_bench *b, const char *host)
{
	struct loop *loop = b->probe->loop;
	struct dns *dns = dns_open(loop, rows);
	const struct resolve_options o = {
		.servers = dns_address(dns), .hosts_path = "/dev/null", .tries = 1
	};
	struct resolver *was = b->probe->env.resolver, *own = resolver_new(loop, &o);

	b->probe->env.resolver = own;
	fact_bench_reveal(b, &(struct revealed){ .host = host });
	xstrset(&b->subject.address, "10.0.0.9");
	fact_bench_start(b, "name");
	loop_turn_until(loop, never, NULL, 10);
	if (b->run != NULL)
		loop_advance(loop, 2 * USEC_PER_SEC);
	fact_bench_await(b);
	b->probe->env.resolver = was;
	resolver_free(own);
	dns_free(dns);
}

static void
it_exists(void **state)
{
	struct fact_bench *b = *state;

	ask(b, "db.test");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "rcode", "NOERROR");
	assert_fact_text(b, "addresses", "10.0.0.4");
	assert_fact_text(b, "last_address", "10.0.0.9");
	assert_fact_number(b, "in_hosts", 0);
	assert_true(str_starts(fact_bench_text(b, "resolver"), "127.0.0.1:"));
}

static void
it_does_not(void **state)
{
	struct fact_bench *b = *state;

	ask(b, "gone.test");
	assert_fact_text(b, "rcode", "NXDOMAIN");
	assert_fact_text(b, "addresses", "");
}

static void
the_server_fails(void **state)
{
	struct fact_bench *b = *state;

	ask(b, "sick.test");
	assert_fact_text(b, "rcode", "SERVFAIL");
}

static void
the_server_is_silent(void **state)
{
	struct fact_bench *b = *state;

	ask(b, "mute.test");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "rcode", "TIMEOUT");
	assert_true(fact_bench_number(b, "took") >= 1);
}

static void
no_name_at_all(void **state)
{
	struct fact_bench *b = *state;

	ask(b, "10.0.0.1");
	assert_int_equal(b->fact.end, FACT_NONE);
}

#define HOST(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, fact_bench_set_up_host, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		HOST(it_exists),
		HOST(it_does_not),
		HOST(the_server_fails),
		HOST(the_server_is_silent),
		HOST(no_name_at_all),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
