/* Network: the kernel's tables as text, which interfaces count, and the probe on a make-believe
 * host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probes/network_files.h"
#include "probes/network_ports.h"
#include "tests/help/host_root.h"

#define DEV_HEAD                                                                                   \
	"Inter-|   Receive                                                |  Transmit\n"           \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs\n"
static const char dev_one[] = DEV_HEAD "    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n"
				       "  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n"
				       "  eth1: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
				       "veth12: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n"
				       "docker0: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n";
static const char snmp_one[] = "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
			       "Tcp: RtoAlgorithm CurrEstab InSegs OutSegs RetransSegs\n"
			       "Tcp: 1 7 900 1000 10\n";
static const char netstat_one[] = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
				  "TcpExt: 0 3 4\nIpExt: X\nIpExt: 1\n";
static const char sockstat_one[] = "sockets: used 50\n"
				   "TCP: inuse 10 orphan 1 tw 90 alloc 15 mem 2\n"
				   "UDP: inuse 3 mem 1\n";

static int
set_up(void **state)
{
	struct host *h;

	host_set_up(state);
	h = *state;
	host_put(h, "proc/1/net/dev", dev_one);
	host_put(h, "proc/1/net/snmp", snmp_one);
	host_put(h, "proc/1/net/netstat", netstat_one);
	host_put(h, "proc/1/net/sockstat", sockstat_one);
	host_put(h, "proc/1/net/sockstat6", "TCP6: inuse 5\n");
	host_put(h, "proc/1/net/stat/nf_conntrack", "entries  searched\n00000040  00000000\n");
	host_put(h, "proc/sys/net/netfilter/nf_conntrack_max", "256\n");
	host_put(h, "proc/sys/net/ipv4/ip_local_port_range", "1001\t3100\n");
	host_put(h, "sys/class/net/eth0/operstate", "up\n");
	host_put(h, "sys/class/net/eth0/speed", "1000\n");
	host_put(h, "sys/class/net/eth1/operstate", "down\n");
	assert_int_equal(bench_configure(&h->bench, "network", "{}"), 0);
	return 0;
}

static bool
is_about(double value, double wanted)
{
	return fabs(value - wanted) < 1e-6;
}

static void
reads_interfaces(void **state)
{
	static const char bad[] = ": 1 2 3\nno colon\n a name: 1 2 3 4 5 6 7 8 9 1 2 3\n"
				  "short: 1 2\n"
				  "0123456789abcdefg: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
				  "../x: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n";
	const char *at = bad;
	struct netdev d;

	(void)state;
	assert_true(netdev_find(&d, dev_one, "eth0"));
	assert_int_equal(d.rx_bytes, 1000);
	assert_int_equal(d.rx_errors, 1);
	assert_int_equal(d.rx_drops, 2);
	assert_int_equal(d.tx_bytes, 2000);
	assert_int_equal(d.tx_errors, 3);
	assert_int_equal(d.tx_drops, 4);
	assert_false(netdev_find(&d, dev_one, "eth"));
	assert_false(netdev_next(&d, &at));
	/* as old kernels write it */
	assert_true(netdev_find(&d, "eth0:12 1 0 0 0 0 0 0 3 1 0 0 0 0 0 0\n", "eth0"));
}

static void
reads_counters_by_name(void **state)
{
	(void)state;
	assert_true(snmp_value(snmp_one, "Tcp", "OutSegs") == 1000);
	assert_true(snmp_value(netstat_one, "TcpExt", "ListenDrops") == 4);
	assert_true(isnan(snmp_value(snmp_one, "Tcp", "Out")));
	assert_true(isnan(snmp_value(snmp_one, "Tc", "OutSegs")));
	assert_true(isnan(snmp_value("Tcp: A B\nTcp: 1\n", "Tcp", "B")));
	assert_true(isnan(snmp_value("Tcp: A\n", "Tcp", "A")));
	assert_true(isnan(snmp_value("", "Tcp", "A")));
	assert_true(sockstat_value(sockstat_one, "TCP", "tw") == 90);
	assert_true(sockstat_value(sockstat_one, "sockets", "used") == 50);
	assert_true(isnan(sockstat_value(sockstat_one, "TCP", "used")));
	assert_true(isnan(sockstat_value("TCP: inuse", "TCP", "inuse")));
	assert_true(conntrack_entries("entries x\n0000001f 1\n") == 31);
	assert_true(isnan(conntrack_entries("entries\n")));
	assert_true(isnan(conntrack_entries("")));
}

static void
reads_port_ranges(void **state)
{
	unsigned low, high;

	(void)state;
	assert_int_equal(port_range_parse("32768\t60999\n", &low, &high), 0);
	assert_int_equal(low, 32768);
	assert_int_equal(high, 60999);
	assert_int_equal(port_range_parse("9 8", &low, &high), -1);
	assert_int_equal(port_range_parse("0 70000", &low, &high), -1);
	assert_int_equal(port_range_parse("", &low, &high), -1);
}

static void
counts_each_port_once(void **state)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_msg msg;
	} all[4] = { 0 };
	struct port_set set = { .low = 100, .high = 200 };
	const uint16_t ports[] = { 100, 150, 150, 201 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		all[i].head.nlmsg_len = sizeof(all[i]);
		all[i].head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
		all[i].msg.id.idiag_sport = htons(ports[i]);
	}
	assert_int_equal(port_set_take(&set, all, sizeof(all)), 0);
	assert_int_equal(set.count, 2);
	all[0].head.nlmsg_type = NLMSG_DONE;
	assert_int_equal(port_set_take(&set, all, sizeof(all)), 1);
	all[0].head.nlmsg_type = NLMSG_ERROR;
	assert_int_equal(port_set_take(&set, all, sizeof(all)), -1);
	all[0].head.nlmsg_len = 3;
	assert_int_equal(port_set_take(&set, all, sizeof(all)), -1);
	all[0].head.nlmsg_len = 100000;
	assert_int_equal(port_set_take(&set, all, sizeof(all)), -1);
	assert_int_equal(port_set_take(&set, all, 5), 0);
}

static void
counted(void *arg, int ports)
{
	*(int *)arg = ports;
}

static bool
is_counted(void *arg)
{
	return *(int *)arg != -2;
}

static int
count_now(struct bench *b, unsigned low, unsigned high)
{
	int ports = -2;
	struct port_count *count = port_count_start(b->loop, low, high, counted, &ports);

	assert_non_null(count);
	assert_true(loop_turn_until(b->loop, is_counted, &ports, 500));
	port_count_stop(count);
	return ports;
}

static void
the_kernel_tells_ports_of_the_range(void **state)
{
	struct host *h = *state;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(client, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(count_now(&h->bench, ntohs(at.sin_port), ntohs(at.sin_port)), 1);
	assert_int_equal(count_now(&h->bench, 1, 1), 0);
	close(client);
	close(listener);
}

static bool
has_child(const struct bench *b, const char *name)
{
	for (size_t i = 0; i < b->sample.child_count; i++)
		if (strcmp(b->sample.children[i], name) == 0)
			return true;
	return false;
}

static void
children_are_what_people_mean(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(b->sample.child_count, 1); /* eth1 never had a link */
	assert_true(has_child(b, "eth0"));
	assert_int_equal(
		bench_configure(b, "network", "{ interfaces: ['*'], exclude: [veth*] }"), 0);
	bench_run(b);
	assert_int_equal(b->sample.child_count, 4);
	assert_true(has_child(b, "lo"));
	assert_false(has_child(b, "veth12"));
	assert_int_equal(bench_configure(b, "network", "{ interfaces: [eth7] }"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
}

static void
the_parent_has_what_all_share(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	assert_true(isnan(bench_value(b, "retransmit_percent")));
	assert_true(bench_value(b, "listen_overflows_total") == 3);
	assert_true(bench_value(b, "listen_drops_total") == 4);
	assert_true(bench_value(b, "conntrack_percent") == 25);
	assert_true(bench_value(b, "ephemeral_ports_used_percent") == 5);
	assert_true(bench_value(b, "tcp_established") == 7);
	assert_true(bench_value(b, "tcp_time_wait") == 90);
	assert_true(bench_value(b, "tcp_orphans") == 1);
	assert_true(bench_value(b, "sockets_used") == 50);
	loop_advance(b->loop, 10 * USEC_PER_SEC);
	host_put(h, "proc/1/net/snmp", "Tcp: CurrEstab OutSegs RetransSegs\nTcp: 7 1100 15\n");
	bench_run(b);
	assert_true(is_about(bench_value(b, "retransmit_percent"), 5));
	host_put(h, "proc/1/net/snmp", "Tcp: CurrEstab OutSegs RetransSegs\nTcp: 7 1 0\n");
	bench_run(b);
	assert_true(isnan(bench_value(b, "retransmit_percent")));
	/* another namespace's sockets cannot be counted: silent rather than wrong */
	host_put(h, "proc/1/net/sockstat", "TCP: inuse 900 orphan 1 tw 90 alloc 15 mem 2\n");
	bench_run(b);
	assert_true(isnan(bench_value(b, "ephemeral_ports_used_percent")));
}

static void
an_interface_has_rates(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run_child(b, "eth0");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "rx_bytes_per_second")));
	assert_true(bench_value(b, "rx_errors_total") == 1);
	assert_true(bench_value(b, "tx_drops_total") == 4);
	assert_true(bench_value(b, "link_up") == 1);
	assert_true(bench_value(b, "speed_bytes_per_second") == 125e6);
	assert_true(isnan(bench_value(b, "used_percent")));
	loop_advance(b->loop, 10 * USEC_PER_SEC);
	host_put(h, "proc/1/net/dev",
		DEV_HEAD "eth0: 125001000 1 1 2 0 0 0 0 2500 20 3 4 0 0 0 0\n");
	bench_run_child(b, "eth0");
	assert_true(is_about(bench_value(b, "rx_bytes_per_second"), 12.5e6));
	assert_true(is_about(bench_value(b, "tx_bytes_per_second"), 50));
	assert_true(is_about(bench_value(b, "used_percent"), 10));
	/* taken down and up again: its counters begin anew, its link is gone */
	loop_advance(b->loop, 10 * USEC_PER_SEC);
	host_put(h, "proc/1/net/dev", DEV_HEAD "eth0: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n");
	host_put(h, "sys/class/net/eth0/operstate", "down\n");
	bench_run_child(b, "eth0");
	assert_int_equal(b->sample.outcome, OUTCOME_OK); /* rules judge */
	assert_true(isnan(bench_value(b, "rx_bytes_per_second")));
	assert_true(bench_value(b, "link_up") == 0);
	assert_true(isnan(bench_value(b, "speed_bytes_per_second")));
	host_put(h, "proc/1/net/dev", DEV_HEAD);
	bench_run_child(b, "eth0");
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
}

static void
what_is_not_there_is_absent(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	host_drop(h, "proc/1/net/stat/nf_conntrack");
	host_drop(h, "proc/1/net/sockstat6");
	host_put(h, "proc/1/net/netstat", "TcpExt: \nTcpExt: \n");
	host_put(h, "proc/1/net/sockstat", "garbage\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "conntrack_percent")));
	assert_true(isnan(bench_value(b, "listen_overflows_total")));
	assert_true(isnan(bench_value(b, "ephemeral_ports_used_percent")));
	host_drop(h, "proc/1/net/dev");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_non_null(strstr(b->sample.text, "/proc/1/net/dev"));
}

static void
works_on_this_host(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	b->env.host_root = "/";
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "sockets_used") > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, host_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_interfaces),
		cmocka_unit_test(reads_counters_by_name),
		cmocka_unit_test(reads_port_ranges),
		cmocka_unit_test(counts_each_port_once),
		T(the_kernel_tells_ports_of_the_range),
		T(children_are_what_people_mean),
		T(the_parent_has_what_all_share),
		T(an_interface_has_rates),
		T(what_is_not_there_is_absent),
		T(works_on_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
