/*
 * The network of this host: its interfaces as children, and what they share on the parent.
 *
 *	parent: net/dev -> children; TCP's counters, conntrack -> ephemeral ports -> verdict
 *	child:  its line of net/dev, link and speed -> verdict
 *
 * Tables are those of the host's namespace (proc/1/net).  Measures and never fails: thresholds are
 * the rules' business.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/host_file.h"
#include "probes/network_files.h"
#include "probes/network_ports.h"
#include "probes/probe.h"
#include "probes/reveal.h"

#define TABLE_MAX      65536
#define INTERFACES_MAX 256
/* Below this share every socket may be counted as a port's: asking for more would cost more. */
#define CHEAP_PERCENT 10

struct network_conf {
	struct conf_strings interfaces, exclude;
};

#define ROW struct network_conf

static const struct conf_field fields[] = {
	{ .name = "interfaces",
		STRINGS_AT(ROW, interfaces),
		.doc = "Names or globs of the interfaces to watch. Default: those that are up, "
		       "without loopback, containers' and virtual machines' own (veth, docker, "
		       "br-, virbr, cni, tap and the like).",
		.example = "[eth0, \"wg*\"]" },
	{ .name = "exclude",
		STRINGS_AT(ROW, exclude),
		.doc = "Not those that match one of these globs.",
		.example = "[\"eth9\"]" },
	{ .type = CONF_END },
};

enum row {
	ROW_TOTAL_TIME,
	ROW_COUNT,
	ROW_RX,
	ROW_TX,
	ROW_RX_ERRORS,
	ROW_TX_ERRORS,
	ROW_RX_DROPS,
	ROW_TX_DROPS,
	ROW_LINK,
	ROW_SPEED,
	ROW_USED,
	ROW_RETRANSMIT,
	ROW_OVERFLOWS,
	ROW_LISTEN_DROPS,
	ROW_CONNTRACK,
	ROW_PORTS,
	ROW_ESTABLISHED,
	ROW_TIME_WAIT,
	ROW_ORPHANS,
	ROW_SOCKETS,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "count", METRIC_GAUGE, UNIT_NONE, "Interfaces watched; on the parent." },
	{ "rx_bytes_per_second", METRIC_GAUGE, UNIT_BYTES_PER_SECOND,
		"Received since the last run; of one interface." },
	{ "tx_bytes_per_second", METRIC_GAUGE, UNIT_BYTES_PER_SECOND,
		"Sent since the last run; of one interface." },
	{ "rx_errors_total", METRIC_COUNTER, UNIT_NONE, "Packets received broken." },
	{ "tx_errors_total", METRIC_COUNTER, UNIT_NONE, "Packets that could not be sent." },
	{ "rx_drops_total", METRIC_COUNTER, UNIT_NONE,
		"Packets received and thrown away: no room, or nobody wanted them." },
	{ "tx_drops_total", METRIC_COUNTER, UNIT_NONE,
		"Packets thrown away before they were sent." },
	{ "link_up", METRIC_FLAG, UNIT_NONE, "1 when the interface has a carrier." },
	{ "speed_bytes_per_second", METRIC_GAUGE, UNIT_BYTES_PER_SECOND,
		"Speed of the link, one way; absent where the driver does not say (virtual "
		"ones)." },
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"The busier direction against the link's speed." },
	{ "retransmit_percent", METRIC_GAUGE, UNIT_PERCENT,
		"TCP segments sent again since the last run, of all that were sent." },
	{ "listen_overflows_total", METRIC_COUNTER, UNIT_NONE,
		"Connections lost because a program's accept queue was full." },
	{ "listen_drops_total", METRIC_COUNTER, UNIT_NONE,
		"Connections lost at a listening port for whatever reason." },
	{ "conntrack_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Entries of the firewall's connection table in use; absent without one." },
	{ "ephemeral_ports_used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Ports of ip_local_port_range that TCP sockets hold. Below 10 % it is an upper "
		"bound: all sockets." },
	{ "tcp_established", METRIC_GAUGE, UNIT_NONE, "TCP connections that stand." },
	{ "tcp_time_wait", METRIC_GAUGE, UNIT_NONE, "TCP sockets in TIME_WAIT." },
	{ "tcp_orphans", METRIC_GAUGE, UNIT_NONE,
		"TCP sockets that no program holds and that are not yet closed." },
	{ "sockets_used", METRIC_GAUGE, UNIT_NONE, "Sockets of all kinds in use." },
	{ .name = NULL },
};

struct network_run {
	struct port_count *ports;
	unsigned range; /* how many ephemeral ports there are */
	unsigned found;
};

/* From run to run, of the parent or of a child. */
struct network_last {
	usec_t at_us; /* 0: never */
	struct netdev dev;
	double sent, resent; /* TCP segments */
	bool is_known;       /* sent and resent are */
	bool has_speed;      /* asked for while the link is up: drivers take their time */
	double speed;
};

static bool
matches_any(const struct conf_strings *globs, const char *name)
{
	for (size_t i = 0; i < globs->count; i++)
		if (str_matches_glob(name, globs->all[i]))
			return true;
	return false;
}

/* NAN: no such file, or not a number (speed of a link that is down). */
static double
sys_number(const struct probe_run *run, const char *interface, const char *name)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "sys/class/net/%s/%s", interface, name);
	if (host_read(probe_env(run), path, text, sizeof(text), NULL) < 0)
		return NAN;
	return host_number(text);
}

/* 1, 0, or NAN where sysfs does not tell. */
static double
link_of(const struct probe_run *run, const char *interface)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "sys/class/net/%s/operstate", interface);
	if (host_read(probe_env(run), path, text, sizeof(text), NULL) < 0)
		return NAN;
	if (str_starts(text, "up"))
		return 1;
	/* tunnels and the like never say more than this: then the carrier counts */
	return str_starts(text, "unknown") ? sys_number(run, interface, "carrier") : 0;
}

static bool
is_wanted(const struct probe_run *run, const struct netdev *dev)
{
	const struct network_conf *conf = probe_conf(run);

	if (matches_any(&conf->exclude, dev->name))
		return false;
	if (conf->interfaces.count > 0)
		return matches_any(&conf->interfaces, dev->name);
	if (network_is_plumbing(dev->name))
		return false;
	/* one that was in use and lost its link is worth watching; one that never was is not */
	return link_of(run, dev->name) != 0 || dev->rx_bytes > 0;
}

/* --- one interface --- */

static void
measure_link(struct probe_run *run, struct network_last *last, double rate)
{
	const char *name = probe_instance(run);
	double link = link_of(run, name), speed;

	probe_value(run, ROW_LINK, link);
	if (link != 1) {
		last->has_speed = false;
		return;
	}
	if (!last->has_speed) {
		speed = sys_number(run, name, "speed"); /* Mbit/s; -1: not known */
		last->speed = speed > 0 ? speed * 1e6 / 8 : (double)NAN;
		last->has_speed = true;
	}
	probe_value(run, ROW_SPEED, last->speed);
	if (!isnan(rate) && !isnan(last->speed))
		probe_value(run, ROW_USED, fmin(rate * 100 / last->speed, 100));
}

/* NAN: a counter that went back belongs to another life of the interface. */
static double
rate_of(uint64_t before, uint64_t now, usec_t passed_us)
{
	if (passed_us <= 0 || now < before)
		return NAN;
	return (double)(now - before) * USEC_PER_SEC / (double)passed_us;
}

static void
report_child(struct probe_run *run, double rx, double tx)
{
	char in[32], out[32];

	if (isnan(rx) || isnan(tx)) {
		probe_ok(run, "counted; rates are known from the second run on");
		return;
	}
	metric_format(rx, UNIT_BYTES_PER_SECOND, in, sizeof(in));
	metric_format(tx, UNIT_BYTES_PER_SECOND, out, sizeof(out));
	probe_ok(run, "%s in, %s out", in, out);
}

static void
start_child(struct probe_run *run, const char *text)
{
	struct network_last *last = probe_memory(run, sizeof(*last));
	usec_t now = loop_now(probe_env(run)->loop);
	usec_t passed = last->at_us > 0 ? now - last->at_us : 0;
	struct netdev dev;
	double rx, tx;

	if (!netdev_find(&dev, text, probe_instance(run))) {
		probe_error(run, "self.local", "there is no interface %s any more",
			probe_instance(run));
		return;
	}
	rx = rate_of(last->dev.rx_bytes, dev.rx_bytes, passed);
	tx = rate_of(last->dev.tx_bytes, dev.tx_bytes, passed);
	probe_value(run, ROW_RX, rx);
	probe_value(run, ROW_TX, tx);
	probe_value(run, ROW_RX_ERRORS, (double)dev.rx_errors);
	probe_value(run, ROW_TX_ERRORS, (double)dev.tx_errors);
	probe_value(run, ROW_RX_DROPS, (double)dev.rx_drops);
	probe_value(run, ROW_TX_DROPS, (double)dev.tx_drops);
	measure_link(run, last, fmax(rx, tx));
	last->dev = dev;
	last->at_us = now;
	report_child(run, rx, tx);
}

/* --- what all share --- */

static void
measure_tcp(struct probe_run *run, char *text)
{
	const struct io_env *env = probe_env(run);
	struct network_last *last = probe_memory(run, sizeof(*last));
	double sent, resent;

	if (host_read(env, "proc/1/net/snmp", text, TABLE_MAX, NULL) == 0) {
		sent = snmp_value(text, "Tcp", "OutSegs");
		resent = snmp_value(text, "Tcp", "RetransSegs");
		probe_value(run, ROW_ESTABLISHED, snmp_value(text, "Tcp", "CurrEstab"));
		if (last->is_known && sent >= last->sent && resent >= last->resent)
			probe_value(run, ROW_RETRANSMIT,
				sent > last->sent
					? fmin((resent - last->resent) * 100 / (sent - last->sent),
						  100)
					: 0);
		last->sent = sent;
		last->resent = resent;
		last->is_known = !isnan(sent) && !isnan(resent);
	}
	if (host_read(env, "proc/1/net/netstat", text, TABLE_MAX, NULL) == 0) {
		probe_value(run, ROW_OVERFLOWS, snmp_value(text, "TcpExt", "ListenOverflows"));
		probe_value(run, ROW_LISTEN_DROPS, snmp_value(text, "TcpExt", "ListenDrops"));
	}
}

static void
measure_conntrack(struct probe_run *run, char *text)
{
	const struct io_env *env = probe_env(run);
	double used = NAN, max = NAN;

	if (host_read(env, "proc/1/net/stat/nf_conntrack", text, TABLE_MAX, NULL) == 0)
		used = conntrack_entries(text);
	if (host_read(env, "proc/sys/net/netfilter/nf_conntrack_max", text, TABLE_MAX, NULL) == 0)
		max = host_number(text);
	if (max > 0)
		probe_value(run, ROW_CONNTRACK, used * 100 / max);
}

static void
conclude(struct probe_run *run)
{
	const struct network_run *state = probe_state(run);

	probe_ok(run, "%u interface%s", state->found, state->found == 1 ? "" : "s");
}

static void
on_ports(void *arg, int ports)
{
	struct probe_run *run = arg;
	const struct network_run *state = probe_state(run);

	if (ports >= 0)
		probe_value(run, ROW_PORTS, ports * 100.0 / state->range);
	conclude(run);
}

/* Our own namespace is the host's unless the host is somewhere else. */
static bool
is_own_namespace(const struct probe_run *run)
{
	const char *root = probe_env(run)->host_root;

	return root == NULL || str_eq(root, "/");
}

/* True: the answer is under way. */
static bool
count_ports(struct probe_run *run, double sockets)
{
	const struct io_env *env = probe_env(run);
	struct network_run *state = probe_state(run);
	unsigned low, high;
	char text[64];
	double bound;

	if (isnan(sockets) ||
		host_read(env, "proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text), NULL) <
			0 ||
		port_range_parse(text, &low, &high) < 0)
		return false;
	state->range = high - low + 1;
	bound = sockets * 100 / state->range;
	if (bound <= CHEAP_PERCENT)
		probe_value(run, ROW_PORTS, bound);
	else if (is_own_namespace(run))
		state->ports = port_count_start(env->loop, low, high, on_ports, run);
	return state->ports != NULL;
}

/* Sockets that may hold an ephemeral port: NAN when not known. */
static double
measure_sockets(struct probe_run *run, char *text)
{
	const struct io_env *env = probe_env(run);
	double tcp, tcp6 = 0, waiting;

	if (host_read(env, "proc/1/net/sockstat6", text, TABLE_MAX, NULL) == 0)
		tcp6 = sockstat_value(text, "TCP6", "inuse");
	if (host_read(env, "proc/1/net/sockstat", text, TABLE_MAX, NULL) < 0)
		return NAN;
	tcp = sockstat_value(text, "TCP", "inuse");
	waiting = sockstat_value(text, "TCP", "tw");
	probe_value(run, ROW_TIME_WAIT, waiting);
	probe_value(run, ROW_ORPHANS, sockstat_value(text, "TCP", "orphan"));
	probe_value(run, ROW_SOCKETS, sockstat_value(text, "sockets", "used"));
	return tcp + (isnan(tcp6) ? 0 : tcp6) + waiting;
}

static void
start_parent(struct probe_run *run, char *text)
{
	struct network_run *state = probe_state(run);
	const struct network_conf *conf = probe_conf(run);
	const char *at = text;
	struct netdev dev;

	while (netdev_next(&dev, &at) && state->found < INTERFACES_MAX) {
		if (!is_wanted(run, &dev))
			continue;
		probe_child(run, dev.name);
		state->found++;
	}
	probe_value(run, ROW_COUNT, state->found);
	if (state->found == 0 && conf->interfaces.count > 0) {
		/* An ok without children would end all that is known about them. */
		probe_error(run, "self.local", "no interface here matches `interfaces`");
		return;
	}
	measure_tcp(run, text);
	measure_conntrack(run, text);
	if (!count_ports(run, measure_sockets(run, text)))
		conclude(run);
}

static void
start(struct probe_run *run)
{
	char text[TABLE_MAX];
	struct err e;

	if (host_read(probe_env(run), "proc/1/net/dev", text, sizeof(text), &e) < 0)
		probe_error(run, "self.local", "%s",
			host_is_absent(probe_env(run), "proc/1", text, sizeof(text)) ? text
										     : e.text);
	else if (probe_instance(run) != NULL)
		start_child(run, text);
	else
		start_parent(run, text);
}

static void
stop(struct probe_run *run)
{
	struct network_run *state = probe_state(run);

	port_count_stop(state->ports);
	state->ports = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	(void)run;
	str_copy(text, size, "the kernel did not finish telling its sockets");
	return "self.local";
}

static void
target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	str_copy(out, size, instance != NULL ? instance : "network of this host");
}

static bool
is_parent(const void *conf)
{
	(void)conf;
	return true;
}

const struct probe_type probe_type_network = {
	.name = "network",
	.summary = "Measures the network of this host: each interface, and TCP as a whole.",
	.manual = "Each interface is a check of its own (`net[eth0]`); what they share is on the "
		  "parent. Rates are of the time between two runs, so they begin with the second. "
		  "The tables are the host's (`proc/1/net` below `daemon.host_root`): a sidecar "
		  "needs the host's /proc there, and its /sys for link and speed. In a container "
		  "with a network of its own, `ephemeral_ports_used_percent` is absent above 10 %. "
		  "No rights are needed.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct network_conf),
	.run_size = sizeof(struct network_run),
	.target = target,
	.reveal = reveal_this_host,
	.is_parent = is_parent,
	.has_rates = true,
	.start = start,
	.stop = stop,
	.stuck = stuck,
};
