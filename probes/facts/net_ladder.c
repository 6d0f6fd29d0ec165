/*
 * The way from this host to the world, rung by rung: an interface that is up, an address on it, a
 * default route, a gateway that answers, a name server that answers.  The first that is broken
 * explains all above it.  Gateway and name server are asked at once.
 */
#include <ifaddrs.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/rand.h"
#include "base/str.h"
#include "io/dns_message.h"
#include "io/icmp.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/timer.h"
#include "io/udp.h"
#include "probes/facts/fact.h"
#include "probes/facts/routes.h"

#define PING_US     (600 * USEC_PER_MSEC)
#define PATIENCE_US (1300 * USEC_PER_MSEC)
#define TABLE_MAX   16384

enum key {
	KEY_INTERFACE,
	KEY_INTERFACE_UP,
	KEY_ADDRESS,
	KEY_ROUTE,
	KEY_GATEWAY,
	KEY_GATEWAY_ANSWERS,
	KEY_RESOLVER,
	KEY_RESOLVER_ANSWERS,
	KEY_BROKEN,
};

static const struct metric_desc keys[] = {
	{ "interface", METRIC_GAUGE, UNIT_TEXT, "The interface that leads out of this host." },
	{ "interface_up", METRIC_FLAG, UNIT_BOOL, "It is up and has a link." },
	{ "address", METRIC_FLAG, UNIT_BOOL, "It has an address." },
	{ "default_route", METRIC_FLAG, UNIT_BOOL, "There is a default route." },
	{ "gateway", METRIC_GAUGE, UNIT_TEXT, "Where the default route leads." },
	{ "gateway_answers", METRIC_FLAG, UNIT_BOOL, "The gateway answers." },
	{ "resolver", METRIC_GAUGE, UNIT_TEXT, "The name server that is asked first." },
	{ "resolver_answers", METRIC_FLAG, UNIT_BOOL, "It answers, whatever it says." },
	{ "broken_at", METRIC_GAUGE, UNIT_TEXT,
		"The first rung that is broken: \"interface\", \"address\", \"route\", "
		"\"gateway\", \"resolver\"; \"\": none is." },
	{ .name = NULL },
};

/* What is known of a rung. */
enum rung { UNKNOWN, BROKEN, WHOLE };

struct state {
	struct icmp *icmp;
	struct udp *udp;
	struct timer patience;
	struct dns_query query;
	struct route way;
	bool has_way;
	char server[ADDR_TEXT];
	enum rung interface, address, gateway, resolver;
	bool is_pinged, is_asked; /* done with */
};

static void
rung_number(struct fact_run *run, int key, enum rung rung)
{
	fact_number(run, (int)key, rung == UNKNOWN ? (double)NAN : rung == WHOLE);
}

/* --- this host's own --- */

static bool
is_global(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET)
		return true;
	return sa->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr);
}

/* Without a route the first interface that is not the host's own loop stands for all. */
static void
look_at_interfaces(struct fact_run *run)
{
	struct state *state = fact_state(run);
	struct ifaddrs *all = NULL;
	char name[sizeof(state->way.interface)] = "";

	if (getifaddrs(&all) != 0)
		return;
	if (state->has_way)
		str_copy(name, sizeof(name), state->way.interface);
	state->interface = state->address = BROKEN;
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
		bool is_up = (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_RUNNING) != 0;

		if ((at->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (name[0] == '\0')
			str_copy(name, sizeof(name), at->ifa_name);
		if (!str_eq(name, at->ifa_name))
			continue;
		if (is_up)
			state->interface = WHOLE;
		if (is_global(at->ifa_addr))
			state->address = WHOLE;
	}
	freeifaddrs(all);
	if (name[0] != '\0')
		fact_text(run, KEY_INTERFACE, "%s", name);
	rung_number(run, KEY_INTERFACE_UP, state->interface);
	rung_number(run, KEY_ADDRESS, state->address);
	fact_line(run, "interface %s: %s, %s", name[0] != '\0' ? name : "(none)",
		state->interface == WHOLE ? "up" : "down",
		state->address == WHOLE ? "has an address" : "has no address");
}

static void
look_at_routes(struct fact_run *run)
{
	struct state *state = fact_state(run);
	char v4[TABLE_MAX] = "", v6[TABLE_MAX] = "";

	if (fd_read_proc("/proc/net/route", v4, sizeof(v4), NULL) < 0)
		v4[0] = '\0';
	if (fd_read_proc("/proc/net/ipv6_route", v6, sizeof(v6), NULL) < 0)
		v6[0] = '\0';
	state->has_way = routes_find_default(&state->way, v4, v6);
	fact_number(run, KEY_ROUTE, state->has_way);
	if (state->has_way && state->way.gateway[0] != '\0')
		fact_text(run, KEY_GATEWAY, "%s", state->way.gateway);
}

/* --- the verdict --- */

/* Many gateways do not answer a ping; one that the kernel could not find at all is away. */
static void
judge_gateway(struct state *state)
{
	char arp[TABLE_MAX];
	enum neighbour known = NEIGHBOUR_UNKNOWN;

	if (state->gateway == WHOLE || state->way.gateway[0] == '\0')
		return;
	if (fd_read_proc("/proc/net/arp", arp, sizeof(arp), NULL) == 0)
		known = routes_find_neighbour(arp, state->way.gateway);
	if (known == NEIGHBOUR_SILENT)
		state->gateway = BROKEN;
	else if (state->resolver == WHOLE && !str_starts(state->server, "127."))
		state->gateway = WHOLE; /* somebody behind it answered, or beside it */
}

static const char *
broken_rung(const struct state *state)
{
	if (state->interface == BROKEN)
		return "interface";
	if (state->address == BROKEN)
		return "address";
	/* a network of its own may do without */
	if (!state->has_way && state->resolver != WHOLE)
		return "route";
	if (state->gateway == BROKEN)
		return "gateway";
	return state->resolver == BROKEN ? "resolver" : "";
}

static const char *
answers(enum rung rung)
{
	return rung == WHOLE    ? "answers"
	       : rung == BROKEN ? "does not answer"
				: "may or may not answer";
}

static void
conclude(struct fact_run *run)
{
	struct state *state = fact_state(run);
	const char *broken;

	if (state->resolver == UNKNOWN && state->server[0] != '\0')
		state->resolver = BROKEN; /* it had its time */
	judge_gateway(state);
	rung_number(run, KEY_GATEWAY_ANSWERS, state->gateway);
	rung_number(run, KEY_RESOLVER_ANSWERS, state->resolver);
	if (!state->has_way)
		fact_line(run, "there is no default route");
	else if (state->way.gateway[0] != '\0')
		fact_line(run, "gateway %s %s", state->way.gateway, answers(state->gateway));
	if (state->server[0] != '\0')
		fact_line(run, "name server %s %s", state->server, answers(state->resolver));
	else
		fact_line(run, "no name server is configured");
	broken = broken_rung(state);
	fact_text(run, KEY_BROKEN, "%s", broken);
	if (broken[0] == '\0')
		fact_line(run, "this host's way out is whole");
	fact_had(run);
}

static void
conclude_if_done(struct fact_run *run)
{
	const struct state *state = fact_state(run);

	if (state->is_pinged && state->is_asked)
		conclude(run);
}

static void
on_patience(void *arg)
{
	conclude(arg);
}

static void
on_ping(void *arg, enum icmp_event event)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);

	if (event == ICMP_DONE && icmp_tally(state->icmp)->received > 0)
		state->gateway = WHOLE;
	state->is_pinged = true;
	conclude_if_done(run);
}

static void
on_server(void *arg, enum udp_event event)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);

	/* A refusal comes from the server's host: nothing answers questions there. */
	state->resolver = event == UDP_DATA ? WHOLE : BROKEN;
	state->is_asked = true;
	conclude_if_done(run);
}

static void
ask_gateway(struct fact_run *run)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	const struct icmp_options o = {
		.loop = env->loop,
		.resolver = env->resolver,
		.host = state->way.gateway,
		.count = 1,
		.size = 16,
		.interval_us = USEC_PER_SEC,
		.wait_us = PING_US,
		.until_us = loop_now(env->loop) + PING_US,
	};

	/* a link-local gateway needs its interface named, which a ping here cannot */
	state->is_pinged = !state->has_way || state->way.gateway[0] == '\0' ||
			   strchr(state->way.gateway, ':') != NULL;
	if (!state->is_pinged)
		state->icmp = icmp_open(&o, on_ping, run);
}

/* Any answer will do, so the question is the most harmless there is. */
static void
ask_server(struct fact_run *run)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	struct addr server;
	struct udp_options o = {
		.loop = env->loop, .resolver = env->resolver, .addrs = &server, .addr_count = 1
	};

	state->is_asked = true;
	if (resolver_servers(env->resolver, &server, 1) != 1)
		return;
	addr_text(&server, state->server);
	fact_text(run, KEY_RESOLVER, "%s", state->server);
	if (dns_query_make(&state->query, (uint16_t)rand_below(65536), "localhost", DNS_A, NULL) <
		0)
		return;
	o.data = state->query.data;
	o.len = state->query.len;
	state->is_asked = false;
	state->udp = udp_open(&o, on_server, run);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	timer_init(&state->patience, fact_env(run)->loop, on_patience, run);
	timer_after(&state->patience, PATIENCE_US);
	look_at_routes(run);
	look_at_interfaces(run);
	ask_server(run);
	ask_gateway(run);
	if (state->is_pinged && state->is_asked)
		conclude(run);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	timer_stop(&state->patience);
	icmp_close(state->icmp);
	udp_close(state->udp);
	state->icmp = NULL;
	state->udp = NULL;
}

const struct fact_type fact_type_net_ladder = {
	.name = "net-ladder",
	.summary =
		"The way out of this host, rung by rung: interface, address, route, gateway, name "
		"server.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.fresh_us = 5 * USEC_PER_SEC,
	.is_host = true,
	.start = start,
	.stop = stop,
};
