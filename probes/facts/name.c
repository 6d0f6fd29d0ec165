/*
 * What the name of a check's host means now: to the hosts file, to the name servers, and what it
 * meant when it last was well.  The first server is asked directly, too: that it says nothing and
 * that it says SERVFAIL are two findings, which a resolver that remembers failures does not keep
 * apart.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/rand.h"
#include "base/str.h"
#include "io/dns_message.h"
#include "io/hosts.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/timer.h"
#include "io/udp.h"
#include "probes/facts/fact.h"

#define PATIENCE_US (1500 * USEC_PER_MSEC)
#define SERVERS_MAX 3
#define RESOLV_MAX  8192

enum key {
	KEY_RCODE,
	KEY_RESOLVER,
	KEY_ADDRESSES,
	KEY_IN_HOSTS,
	KEY_LAST,
	KEY_SEARCH,
	KEY_TOOK,
};

static const struct metric_desc keys[] = {
	{ "rcode", METRIC_GAUGE, UNIT_TEXT,
		"\"NOERROR\", \"NXDOMAIN\", \"SERVFAIL\" or \"TIMEOUT\"." },
	{ "resolver", METRIC_GAUGE, UNIT_TEXT, "The name server that is asked first." },
	{ "addresses", METRIC_GAUGE, UNIT_TEXT, "What the name stands for now." },
	{ "in_hosts", METRIC_FLAG, UNIT_BOOL, "The hosts file has it: no server is asked." },
	{ "last_address", METRIC_GAUGE, UNIT_TEXT, "What it stood for when it was last well." },
	{ "search", METRIC_GAUGE, UNIT_TEXT, "Domains that are tried behind it." },
	{ "took", METRIC_GAUGE, UNIT_SECONDS, "How long the answer took." },
	{ .name = NULL },
};

struct state {
	struct resolve_call *call;
	struct udp *udp;
	struct timer patience;
	struct dns_query query;
	struct resolve_answer answer;
	usec_t asked_us, took_us; /* took_us -1: no answer of the server yet */
	unsigned rcode;
	bool is_resolved, is_refused, has_server;
};

static void
say_servers(struct fact_run *run)
{
	struct addr servers[SERVERS_MAX];
	unsigned count = resolver_servers(fact_env(run)->resolver, servers, SERVERS_MAX);
	char text[ADDR_TEXT];

	for (unsigned i = 0; i < count; i++) {
		addr_text(&servers[i], text);
		if (i == 0)
			fact_text(run, KEY_RESOLVER, "%s", text);
		fact_line(run, "%s %s", i == 0 ? "asked first:" : "then:", text);
	}
	if (count == 0)
		fact_line(run, "no name server is configured");
}

/* Our own: it is our resolver that is spoken of. */
static void
say_search(struct fact_run *run)
{
	char text[RESOLV_MAX];

	if (fd_read_proc("/etc/resolv.conf", text, sizeof(text), NULL) < 0)
		return;
	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (str_starts(line, "search ") || str_starts(line, "domain "))
			fact_text(run, KEY_SEARCH, "%s", line + strlen("search "));
	}
}

static bool
is_in_hosts(const char *host)
{
	struct hosts *hosts = hosts_new("/etc/hosts");
	struct dns_reply v6, v4;
	char name[256];
	bool found;

	str_copy(name, sizeof(name), host);
	for (char *c = name; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
	if (str_ends(name, "."))
		name[strlen(name) - 1] = '\0';
	found = hosts_find(hosts, 0, name, &v6, &v4);
	hosts_free(hosts);
	return found;
}

static const char *
rcode_of(const struct state *state)
{
	const struct resolve_answer *answer = &state->answer;

	if (state->is_resolved && answer->count > 0 && !answer->is_stale)
		return "NOERROR";
	if (state->took_us >= 0) {
		const char *name = dns_rcode_name(state->rcode);

		return name != NULL ? name : "SERVFAIL";
	}
	if (state->is_resolved && answer->fault == FAULT_DNS_NXDOMAIN)
		return "NXDOMAIN";
	return "TIMEOUT";
}

static void
say_addresses(struct fact_run *run, const struct resolve_answer *answer)
{
	struct buf text;

	buf_init(&text, 512);
	for (unsigned i = 0; i < answer->count; i++) {
		char one[ADDR_TEXT], *end;

		addr_text(&answer->addrs[i], one);
		/* "10.0.0.1:0": without the port that it does not have */
		end = strrchr(one, ':');
		if (end != NULL && str_eq(end, ":0"))
			*end = '\0';
		buf_addf(&text, "%s%s", i > 0 ? " " : "", one);
	}
	if (answer->count > 0) {
		fact_text(run, KEY_ADDRESSES, "%s", buf_text(&text));
		fact_line(run, "%s is %s%s", fact_subject(run)->host, buf_text(&text),
			answer->is_stale ? " (an old answer: the servers are silent)" : "");
	}
	buf_fini(&text);
}

static void
conclude(struct fact_run *run)
{
	const struct state *state = fact_state(run);
	usec_t took_us = state->took_us;
	const char *rcode = rcode_of(state);
	char took[32];

	if (took_us < 0)
		took_us = loop_now(fact_env(run)->loop) - state->asked_us;
	fact_text(run, KEY_RCODE, "%s", rcode);
	fact_number(run, KEY_TOOK, (double)took_us / USEC_PER_SEC);
	if (state->is_resolved)
		say_addresses(run, &state->answer);
	clock_format_duration(took_us, took, sizeof(took));
	if (state->is_refused)
		fact_line(run, "nothing listens at the name server's port");
	fact_line(run, "%s: %s after %s", fact_subject(run)->host, rcode, took);
	fact_had(run);
}

static void
on_patience(void *arg)
{
	conclude(arg);
}

static void
conclude_if_done(struct fact_run *run)
{
	const struct state *state = fact_state(run);

	if (state->is_resolved && (state->took_us >= 0 || state->is_refused || !state->has_server ||
					  (state->answer.count > 0 && !state->answer.is_stale)))
		conclude(run);
}

static void
on_answer(void *arg, const struct resolve_answer *answer)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);

	state->call = NULL;
	state->answer = *answer;
	state->is_resolved = true;
	conclude_if_done(run);
}

static void
on_server(void *arg, enum udp_event event)
{
	static struct dns_result result;
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	const void *data;
	size_t len;

	if (event == UDP_DATA) {
		data = udp_data(state->udp, &len);
		if (dns_reply_read(&state->query, data, len, &result) != DNS_READ_OK)
			return;
		state->rcode = result.rcode;
		state->took_us = loop_now(fact_env(run)->loop) - state->asked_us;
	} else {
		state->is_refused = udp_fault(state->udp) == FAULT_REFUSED;
	}
	conclude_if_done(run);
}

static void
ask_server(struct fact_run *run)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	struct addr server;
	struct udp_options o = {
		.loop = env->loop, .resolver = env->resolver, .addrs = &server, .addr_count = 1
	};

	state->took_us = -1;
	state->has_server = resolver_servers(env->resolver, &server, 1) == 1 &&
			    dns_query_make(&state->query, (uint16_t)rand_below(65536),
				    fact_subject(run)->host, DNS_A, NULL) == 0;
	if (!state->has_server)
		return;
	o.data = state->query.data;
	o.len = state->query.len;
	state->udp = udp_open(&o, on_server, run);
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct state *state = fact_state(run);
	struct addr numeric;

	if (s->host == NULL || addr_from_numeric(&numeric, s->host, 0) == 0) {
		fact_none(run, "no name is looked up for this check");
		return;
	}
	if (s->address != NULL) {
		fact_text(run, KEY_LAST, "%s", s->address);
		fact_line(run, "when it was last well it was %s", s->address);
	}
	fact_number(run, KEY_IN_HOSTS, is_in_hosts(s->host));
	if (is_in_hosts(s->host))
		fact_line(run, "the hosts file has it");
	say_servers(run);
	say_search(run);
	timer_init(&state->patience, fact_env(run)->loop, on_patience, run);
	timer_after(&state->patience, PATIENCE_US);
	state->asked_us = loop_now(fact_env(run)->loop);
	ask_server(run);
	state->call = resolve_start(fact_env(run)->resolver, s->host, on_answer, run);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	resolve_cancel(state->call);
	udp_close(state->udp);
	timer_stop(&state->patience);
	state->call = NULL;
	state->udp = NULL;
}

const struct fact_type fact_type_name = {
	.name = "name",
	.summary = "What the check's host name means now, who said so, and what it meant before.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.fresh_us = 5 * USEC_PER_SEC,
	.start = start,
	.stop = stop,
};
