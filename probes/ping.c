/*
 * Ping: echo requests to a host, and how many come back after how long.
 *
 *	(name) -> `count` requests, `interval` apart -> wait for the last -> verdict
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/icmp.h"
#include "io/loop.h"
#include "probes/net.h"
#include "probes/probe.h"

#define MARGIN_US (50 * USEC_PER_MSEC) /* before the deadline, for the verdict */

struct ping_conf {
	char *host;
	int64_t count, size;
	usec_t interval_us, wait_us;
	int family; /* index of its word */
	double max_loss;
	/* made by check */
	char name[256]; /* `host` without a scheme */
};

#define ROW struct ping_conf

enum { FAMILY_ANY, FAMILY_4, FAMILY_6 };

static const char *const family_words[] = { "any", "4", "6", NULL };
static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };

static const struct conf_field fields[] = {
	{ .name = "host",
		STRING_AT(ROW, host),
		.flags = CONF_REQUIRED,
		.doc = "A name or an address, or a URL such as `ping://192.0.2.1`.",
		.example = "192.0.2.1" },
	{ .name = "count",
		INT_AT(ROW, count),
		.dflt = "3",
		.min = "1",
		.max = "100",
		.doc = "Requests in one run." },
	{ .name = "spacing",
		DURATION_AT(ROW, interval_us),
		.dflt = "200ms",
		.min = "10ms",
		.max = "10s",
		.doc = "Time from one request to the next; less where the check's `timeout` would "
		       "come before the last one." },
	{ .name = "wait",
		DURATION_AT(ROW, wait_us),
		.dflt = "2s",
		.min = "10ms",
		.max = "1m",
		.doc = "How long the last answer may take; what comes later is lost. The check's "
		       "`timeout` "
		       "cuts it short.",
		.flags = CONF_ADVANCED },
	{ .name = "size",
		INT_AT(ROW, size),
		.dflt = "56",
		.min = "0",
		.max = "1472",
		.unit = "bytes",
		.doc = "Bytes in a request, without its headers.",
		.flags = CONF_ADVANCED },
	{ .name = "family",
		ENUM_AT(ROW, family, family_words),
		.dflt = "any",
		.doc = "IPv4 or IPv6 only; `any`: the first address of the name.",
		.flags = CONF_ADVANCED },
	{ .name = "max_loss",
		NUMBER_AT(ROW, max_loss),
		.unit = "%",
		.dflt = "99%",
		.min = "0",
		.max = "99%",
		.doc = "More lost than this is `ping.loss`. Default: only when nothing comes "
		       "back." },
	{ .type = CONF_END },
};

enum { PING_LOSS = PHASE_COUNT, PING_RTT, PING_RTT_MIN, PING_RTT_MAX, PING_JITTER, PING_DOUBLE };

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	[PING_LOSS] = { "loss_percent", METRIC_GAUGE, UNIT_PERCENT, "Requests without an answer." },
	[PING_RTT] = { "rtt_time", METRIC_GAUGE, UNIT_SECONDS, "Mean time of a round trip." },
	[PING_RTT_MIN] = { "rtt_min_time", METRIC_GAUGE, UNIT_SECONDS, "Shortest round trip." },
	[PING_RTT_MAX] = { "rtt_max_time", METRIC_GAUGE, UNIT_SECONDS, "Longest round trip." },
	[PING_JITTER] = { "jitter_time", METRIC_GAUGE, UNIT_SECONDS,
		"Mean difference between one round trip and the next." },
	[PING_DOUBLE] = { "duplicates", METRIC_MOMENT, UNIT_NONE,
		"Answers that came more than once." },
	{ .name = NULL },
};

struct ping_run {
	struct icmp *icmp;
};

/* The numbers so far; the loss in percent. */
static double
report(struct probe_run *run)
{
	const struct ping_run *state = probe_state(run);
	const struct icmp_tally *t = icmp_tally(state->icmp);
	double loss = t->sent > 0 ? 100.0 * (t->sent - t->received) / t->sent : 100;

	probe_phase(run, PHASE_DNS, icmp_dns_us(state->icmp));
	if (t->sent == 0)
		return loss;
	probe_value(run, PING_LOSS, loss);
	probe_value(run, PING_DOUBLE, t->duplicates);
	if (t->received == 0)
		return loss;
	probe_value(run, PING_RTT, (double)t->sum_us / t->received / USEC_PER_SEC);
	probe_value(run, PING_RTT_MIN, (double)t->min_us / USEC_PER_SEC);
	probe_value(run, PING_RTT_MAX, (double)t->max_us / USEC_PER_SEC);
	if (t->jitter_us >= 0)
		probe_value(run, PING_JITTER, (double)t->jitter_us / USEC_PER_SEC);
	return loss;
}

static void
judge(struct probe_run *run)
{
	const struct ping_conf *conf = probe_conf(run);
	const struct ping_run *state = probe_state(run);
	const struct icmp_tally *t = icmp_tally(state->icmp);
	double loss = report(run);
	char peer[ADDR_TEXT], took[32];

	addr_text(icmp_peer(state->icmp), peer);
	if (t->errors > 0)
		probe_fact(run, "network", "%s", icmp_reason(state->icmp));
	if (t->received == 0 && t->errors > 0) {
		probe_fault(run, icmp_fault(state->icmp), icmp_reason(state->icmp));
	} else if (t->received == 0) {
		clock_format_duration(icmp_wait_us(state->icmp), took, sizeof(took));
		probe_fail(run, "ping.loss", "%s answers none of %u echo requests within %s", peer,
			t->sent, took);
	} else if (loss > conf->max_loss) {
		probe_fail(run, "ping.loss",
			"%u of %u echo requests to %s are lost (%.0f %%), at "
			"most %.0f %% may be",
			t->sent - t->received, t->sent, peer, loss, conf->max_loss);
	} else {
		clock_format_duration(t->sum_us / t->received, took, sizeof(took));
		probe_ok(run, "%s answers in %s%s", peer, took, loss > 0 ? ", not always" : "");
	}
}

static void
on_event(void *arg, enum icmp_event event)
{
	struct probe_run *run = arg;
	const struct ping_run *state = probe_state(run);

	switch (event) {
	case ICMP_DONE:
		judge(run);
		break;
	case ICMP_FAILED:
		report(run);
		probe_fault(run, icmp_fault(state->icmp), icmp_reason(state->icmp));
		break;
	case ICMP_NO_RIGHT:
		probe_error(run, "self.local", "%s", icmp_reason(state->icmp));
		break;
	}
}

static void
start(struct probe_run *run)
{
	const struct ping_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct ping_run *state = probe_state(run);
	usec_t left = probe_time_left(run);

	state->icmp = icmp_open(
		&(struct icmp_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.host = conf->name,
			.family = families[conf->family],
			.count = (unsigned)conf->count,
			.size = (unsigned)conf->size,
			.interval_us = conf->interval_us,
			.wait_us = conf->wait_us,
			.until_us = loop_now(env->loop) + left -
				    (left > 2 * MARGIN_US ? MARGIN_US : left / 2),
		},
		on_event, run);
}

static void
stop(struct probe_run *run)
{
	struct ping_run *state = probe_state(run);

	icmp_close(state->icmp);
	state->icmp = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct ping_conf *conf = probe_conf(run);
	const struct ping_run *state = probe_state(run);
	const struct icmp_tally *t;
	char peer[ADDR_TEXT];

	if (state->icmp == NULL)
		return "ping.loss";
	t = icmp_tally(state->icmp);
	report(run);
	if (icmp_peer(state->icmp)->len == 0) {
		snprintf(text, size, "no answer from the resolver for %.200s", conf->name);
		return "net.dns-fail";
	}
	addr_text(icmp_peer(state->icmp), peer);
	snprintf(text, size, "%s answers %u of %u echo requests (%d were wanted)", peer,
		t->received, t->sent, (int)conf->count);
	return "ping.loss";
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	static const char *const prefixes[] = { "ping://", "icmp://" };
	struct ping_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "host");
	const char *host = conf->host;
	struct place place = { .port = 0 };
	struct err e;

	(void)setup;
	if (host == NULL)
		return; /* complained about already */
	for (size_t i = 0; i < 2; i++)
		if (str_starts(host, prefixes[i]))
			host += strlen(prefixes[i]);
	if (place_parse(&place, host, &e) < 0)
		complain(complaints, &pos, "host: %s", e.text);
	else if (place.path[0] != '\0' || place.port != 0 || host[0] == '\0' ||
		 (host[0] == ':' && host[1] != ':'))
		complain(complaints, &pos, "host: a name or an address, without a port");
	str_copy(conf->name, sizeof(conf->name), place.host);
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct ping_conf *conf = conf_;

	(void)instance;
	out->host = conf->name;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct ping_conf *conf = conf_;

	(void)instance;
	snprintf(out, size, strchr(conf->name, ':') != NULL ? "ping://[%s]" : "ping://%s",
		conf->name);
}

static const char *const schemes[] = { "ping", "icmp", NULL };

const struct probe_type probe_type_ping = {
	.name = "ping",
	.summary = "Sends echo requests (ping) to a host.",
	.manual =
		"Needs no privilege where the group of the daemon is inside the sysctl "
		"`net.ipv4.ping_group_range` (most distributions allow everybody), else "
		"CAP_NET_RAW; without "
		"either the sample is an `error` that says so. A host may be well and drop pings: "
		"check the "
		"service itself where there is one.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct ping_conf),
	.run_size = sizeof(struct ping_run),
	.is_network = true,
	.is_portable = true,
	.check = check,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "host",
};
