/* Listings of packet filters: which rule stops a port, and when nothing can be said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "io/child.h"
#include "io/fs.h"
#include "probes/facts/filter_rules.h"
#include "tests/help/fact_bench.h"

static const char ruleset[] = "table inet filter {\n"
			      "\tchain input {\n"
			      "\t\ttype filter hook input priority filter; policy drop;\n"
			      "\t\tct state established,related accept\n"
			      "\t\tiif \"lo\" accept\n"
			      "\t\ttcp dport { 22, 80, 8000-8100 } accept\n"
			      "\t\ttcp dport 6379 counter packets 3 bytes 180 drop\n"
			      "\t\tudp dport 53 reject with icmp port-unreachable\n"
			      "\t}\n"
			      "\tchain output {\n"
			      "\t\ttype filter hook output priority filter; policy accept;\n"
			      "\t\ttcp dport 25 drop\n"
			      "\t}\n"
			      "}\n";

static struct filter_finding
nft(unsigned port, bool is_udp)
{
	struct filter_finding f;

	filter_rules_find_nft(&f, ruleset, port, is_udp);
	return f;
}

static void
nft_rules(void **state)
{
	struct filter_finding open;

	(void)state;
	assert_string_equal(nft(6379, false).verdict, "drop");
	assert_string_equal(
		nft(6379, false).rule, "tcp dport 6379 counter packets 3 bytes 180 drop");
	assert_string_equal(nft(8080, false).verdict, "accept");
	assert_string_equal(nft(22, false).verdict, "accept");
	assert_string_equal(nft(53, true).verdict, "reject");
	/* nothing names it: the policy does */
	assert_string_equal(nft(3306, false).verdict, "drop");
	assert_non_null(strstr(nft(3306, false).rule, "policy drop"));
	assert_string_equal(nft(25, false).verdict, "drop");
	assert_non_null(strstr(nft(25, false).rule, "policy drop"));
	filter_rules_find_nft(&open,
		"chain input {\ntype filter hook input priority 0; policy drop;\njump more\n}\n",
		80, false);
	assert_string_equal(open.verdict, "");
	filter_rules_find_nft(&open, "", 80, false);
	assert_string_equal(open.verdict, "");
}

static void
iptables_rules(void **state)
{
	static const char text[] = "-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n"
				   "-A INPUT -p tcp -m tcp --dport 9001 -j DROP\n"
				   "-A INPUT -p tcp -m multiport --dports 80,9002:9010 -j REJECT "
				   "--reject-with icmp-port-unreachable\n"
				   "-A OUTPUT -p tcp -m tcp --dport 25 -j DROP\n";
	struct filter_finding f;

	(void)state;
	filter_rules_find_iptables(&f, text, 9001, false);
	assert_string_equal(f.verdict, "drop");
	assert_string_equal(f.rule, "-A INPUT -p tcp -m tcp --dport 9001 -j DROP");
	filter_rules_find_iptables(&f, text, 9005, false);
	assert_string_equal(f.verdict, "reject");
	filter_rules_find_iptables(&f, text, 9001, true);
	assert_string_equal(f.verdict, "");
	filter_rules_find_iptables(&f, text, 25, false);
	assert_string_equal(f.verdict, "");
	filter_rules_find_iptables(&f, "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", 25, false);
	assert_string_equal(f.verdict, "drop");
	filter_rules_find_iptables(&f, "-P INPUT DROP\n-A INPUT -j ufw-before-input\n", 25, false);
	assert_string_equal(f.verdict, "");
}

static void
this_host(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = 6379 });
	fact_bench_run(b, "firewall");
	assert_true(b->fact.end == FACT_HAD || b->fact.end == FACT_MISSED);
	assert_true(strlen(b->fact.text) > 0);
	fact_bench_reveal(b, &(struct revealed){ .path = "/" });
	fact_bench_run(b, "firewall");
	assert_int_equal(b->fact.end, FACT_NONE);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nft_rules),
		cmocka_unit_test(iptables_rules),
		cmocka_unit_test_setup_teardown(this_host, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
