/* The way out of a host: tables as text, and the ladder of this very machine with its own server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "io/fs.h"
#include "io/resolve.h"
#include "probes/facts/routes.h"
#include "tests/help/dns.h"
#include "tests/help/fact_bench.h"

static const char v4[] =
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	"eth1\t00000000\t0102A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
	"eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
	"eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";

static const char v6[] =
	"20010db8000000000000000000000000 40 00000000000000000000000000000000 00 "
	"00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	"fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth2\n"
	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

static void
default_routes(void **state)
{
	struct route route;

	(void)state;
	assert_true(routes_find_default(&route, v4, v6));
	assert_string_equal(route.interface, "eth0");
	assert_string_equal(route.gateway, "192.168.1.1");
	assert_true(routes_find_default(&route, "", v6));
	assert_string_equal(route.interface, "eth2");
	assert_string_equal(route.gateway, "fe80::1");
	assert_false(routes_find_default(&route, "Iface\n", "what\n"));
	assert_true(routes_find_default(
		&route, "h\nppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", ""));
	assert_string_equal(route.gateway, "");
}

static void
neighbours(void **state)
{
	static const char arp[] =
		"IP address       HW type     Flags       HW address            Mask     Device\n"
		"192.168.1.1      0x1         0x2         02:42:ac:11:00:02     *        eth0\n"
		"192.168.1.9      0x1         0x0         00:00:00:00:00:00     *        eth0\n";

	(void)state;
	assert_int_equal(routes_find_neighbour(arp, "192.168.1.1"), NEIGHBOUR_KNOWN);
	assert_int_equal(routes_find_neighbour(arp, "192.168.1.9"), NEIGHBOUR_SILENT);
	assert_int_equal(routes_find_neighbour(arp, "192.168.1.10"), NEIGHBOUR_UNKNOWN);
}

static void
with_server(struct fact_bench *b, const char *servers)
{
	const struct resolve_options o = { .servers = servers, .hosts_path = "/dev/null" };
	struct resolver *was = b->probe->env.resolver, *own = resolver_new(b->probe->loop, &o);

	b->probe->env.resolver = own;
	fact_bench_run(b, "net-ladder");
	b->probe->env.resolver = was;
	resolver_free(own);
}

static void
a_server_that_answers(void **state)
{
	static const struct dns_row rows[] = { { .name = NULL } };
	struct fact_bench *b = *state;
	struct dns *dns = dns_open(b->probe->loop, rows);

	with_server(b, dns_address(dns));
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "resolver_answers", 1); /* NXDOMAIN is an answer */
	assert_fact_text(b, "resolver", dns_address(dns));
	assert_false(str_eq(fact_bench_text(b, "broken_at"), "resolver"));
	assert_false(str_eq(fact_bench_text(b, "broken_at"), "route"));
	dns_free(dns);
}

static void
a_server_that_does_not(void **state)
{
	struct fact_bench *b = *state;

	with_server(b, "127.0.0.1:1");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "resolver_answers", 0);
	assert_true(fact_bench_text(b, "broken_at")[0] != '\0');
	assert_non_null(strstr(b->fact.text, "name server 127.0.0.1:1 does not answer"));
}

#define OWN(test) cmocka_unit_test_setup_teardown(test, fact_bench_set_up, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_routes),
		cmocka_unit_test(neighbours),
		OWN(a_server_that_answers),
		OWN(a_server_that_does_not),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
