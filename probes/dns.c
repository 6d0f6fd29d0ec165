/*
 * DNS: asks a server for the records of a name, by UDP, and by TCP where the answer does not fit.
 *
 *	question -> UDP -> (cut short: TCP) -> rcode, records, `expect` -> verdict
 *
 * Replies that do not belong to the question are counted and passed over, as a resolver does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "io/dns_message.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/udp.h"
#include "probes/dns_conf.h"
#include "probes/net.h"

#define AGAIN_US      (1500 * USEC_PER_MSEC)
#define TCP_REPLY_MAX 65537 /* with the two bytes of its length */
#define SHOWN_MAX     1024  /* of all answers together */

enum { DNS_ANSWERS = PHASE_COUNT, DNS_TTL, DNS_RCODE };

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	[DNS_ANSWERS] = { "answers", METRIC_GAUGE, UNIT_NONE,
		"Records of the type that was asked for." },
	[DNS_TTL] = { "ttl", METRIC_GAUGE, UNIT_SECONDS,
		"The shortest time that an answer may be remembered." },
	[DNS_RCODE] = { "rcode", METRIC_MOMENT, UNIT_NONE,
		"The server's verdict as a number: 0 no error, 2 SERVFAIL, 3 NXDOMAIN, 5 "
		"REFUSED." },
	{ .name = NULL },
};

struct dns_run {
	struct udp *udp;
	struct stream *tcp;
	struct dns_query query;
	struct dns_result *result; /* the last one read */
	struct addr server;
	usec_t sent_us;  /* over TCP */
	unsigned others; /* replies that were not ours */
	bool is_over;
};

/* --- verdicts --- */

static void
server_text(const struct dns_run *state, char out[ADDR_TEXT])
{
	addr_text(&state->server, out);
}

/* All records in one line. */
static void
list_records(const struct dns_result *r, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < r->count && len + 1 < size; i++)
		len += (size_t)snprintf(
			out + len, size - len, "%s%s", i > 0 ? ", " : "", r->records[i].value);
}

static void
report(struct probe_run *run)
{
	const struct dns_run *state = probe_state(run);
	const struct dns_result *r = state->result;
	char server[ADDR_TEXT], shown[SHOWN_MAX];

	server_text(state, server);
	list_records(r, shown, sizeof(shown));
	probe_value(run, DNS_RCODE, r->rcode);
	probe_value(run, DNS_ANSWERS, r->count);
	if (r->count > 0)
		probe_value(run, DNS_TTL, r->ttl_s);
	probe_fact(run, "server", "%s%s%s", server, state->tcp != NULL ? ", by TCP" : "",
		r->is_authoritative ? ", authoritative" : "");
	if (r->count > 0)
		probe_fact(run, "answers", "%s", shown);
	if (state->others > 0)
		probe_fact(
			run, "ignored", "%u replies that were not to this question", state->others);
}

static void
judge_values(struct probe_run *run)
{
	const struct dns_conf *conf = probe_conf(run);
	const struct dns_run *state = probe_state(run);
	const struct dns_result *r = state->result;
	const char *missing = dns_conf_missing(conf, r);
	char shown[SHOWN_MAX];

	list_records(r, shown, sizeof(shown));
	if (missing != NULL)
		probe_fail(run, "dns.mismatch", "%s %s is %s, wanted %s", conf->asked,
			dns_record_name(conf->type), r->count > 0 ? shown : "empty", missing);
	else if (r->count == 0)
		probe_fail(run, "dns.no-record", "%s exists, but has no %s record%s", conf->asked,
			dns_record_name(conf->type), r->alias_count > 0 ? " behind its alias" : "");
	else
		probe_ok(run, "%s %s: %s", conf->asked, dns_record_name(conf->type), shown);
}

static void
judge(struct probe_run *run)
{
	const struct dns_conf *conf = probe_conf(run);
	const struct dns_run *state = probe_state(run);
	unsigned rcode = state->result->rcode;
	const char *name = dns_rcode_name(rcode);
	char server[ADDR_TEXT];

	server_text(state, server);
	report(run);
	switch (rcode) {
	case DNS_OK:
		judge_values(run);
		break;
	case DNS_NXDOMAIN:
		probe_fail(
			run, "dns.nxdomain", "%s says that %s does not exist", server, conf->asked);
		break;
	case DNS_SERVFAIL:
		probe_fail(run, "dns.servfail", "%s fails at %s (SERVFAIL)", server, conf->asked);
		break;
	case DNS_REFUSED:
		probe_fail(run, "dns.refused", "%s refuses to answer for %s", server, conf->asked);
		break;
	default:
		probe_fail(run, "dns.rcode", "%s answers %s (%u) for %s", server,
			name != NULL ? name : "a code", rcode, conf->asked);
	}
}

/* --- TCP --- */

static const unsigned char *
tcp_reply(const struct buf *in, size_t *len)
{
	const unsigned char *data = (const unsigned char *)buf_head(in);

	if (buf_left(in) < 2)
		return NULL;
	*len = (size_t)data[0] << 8 | data[1];
	return buf_left(in) < *len + 2 ? NULL : data + 2;
}

static void
on_tcp_data(struct probe_run *run)
{
	struct dns_run *state = probe_state(run);
	size_t len = 0;
	const unsigned char *data = tcp_reply(stream_in(state->tcp), &len);

	if (data == NULL)
		return;
	state->is_over = true;
	probe_phase(run, PHASE_FIRST_BYTE, loop_now(probe_env(run)->loop) - state->sent_us);
	if (dns_reply_read(&state->query, data, len, state->result) != DNS_READ_OK)
		net_fail_protocol(run, "a DNS reply", data, len);
	else if (state->result->is_truncated)
		probe_fail(run, "dns.rcode",
			"the answer is cut short by UDP and by TCP too: not all records are known");
	else
		judge(run);
}

static void
on_tcp(void *arg, enum stream_event event)
{
	struct probe_run *run = arg;
	struct dns_run *state = probe_state(run);
	const unsigned char head[] = { (unsigned char)(state->query.len >> 8),
		(unsigned char)state->query.len };

	if (state->is_over)
		return;
	switch (event) {
	case STREAM_OPEN:
		net_report(run, state->tcp);
		state->sent_us = loop_now(probe_env(run)->loop);
		stream_write(state->tcp, head, sizeof(head));
		stream_write(state->tcp, state->query.data, state->query.len);
		break;
	case STREAM_DATA:
		on_tcp_data(run);
		break;
	case STREAM_SENT:
		break;
	case STREAM_END:
		on_tcp_data(run);
		if (!state->is_over)
			probe_fail(run, "net.eof",
				"the answer is too long for UDP, and by TCP the server closes the "
				"connection without one");
		break;
	case STREAM_FAILED:
		net_fail(run, state->tcp);
		break;
	}
}

static void
ask_by_tcp(struct probe_run *run)
{
	const struct io_env *env = probe_env(run);
	struct dns_run *state = probe_state(run);
	struct place place = { .port = 0 };
	char text[ADDR_TEXT];
	struct err e;

	addr_text(&state->server, text);
	if (place_parse(&place, text, &e) == -1) {
		probe_error(run, "self.local", "%s", e.text);
		return;
	}
	state->tcp = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &place,
			.in_max = TCP_REPLY_MAX,
		},
		on_tcp, run);
}

/* --- UDP --- */

static void on_udp(void *arg, enum udp_event event);

static void
ask_by_udp(struct probe_run *run, const struct addr *servers, unsigned count)
{
	const struct dns_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct dns_run *state = probe_state(run);

	state->udp = udp_open(
		&(struct udp_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &conf->place,
			.addrs = servers,
			.addr_count = count,
			.data = state->query.data,
			.len = state->query.len,
			.again_us = AGAIN_US,
		},
		on_udp, run);
}

/* Servers and home routers from before EDNS say so in these words. */
static bool
is_edns_unknown(const struct dns_result *result)
{
	return result->rcode == DNS_FORMERR || result->rcode == DNS_NOTIMP;
}

static void
on_udp_data(struct probe_run *run)
{
	struct dns_run *state = probe_state(run);
	size_t len;
	const void *data = udp_data(state->udp, &len);
	enum dns_read read = dns_reply_read(&state->query, data, len, state->result);

	if (read == DNS_READ_OTHER) {
		state->others++;
		return;
	}
	state->is_over = true;
	state->server = *udp_peer(state->udp);
	probe_phase(
		run, PHASE_FIRST_BYTE, loop_now(probe_env(run)->loop) - udp_sent_us(state->udp));
	if (read == DNS_READ_BROKEN) {
		net_fail_protocol(run, "a DNS reply", data, len);
	} else if (is_edns_unknown(state->result) && dns_query_drop_edns(&state->query)) {
		state->is_over = false;
		udp_close(state->udp);
		ask_by_udp(run, &state->server, 1);
	} else if (state->result->is_truncated) {
		state->is_over = false;
		udp_close(state->udp);
		state->udp = NULL;
		ask_by_tcp(run);
	} else {
		judge(run);
	}
}

static void
on_udp(void *arg, enum udp_event event)
{
	struct probe_run *run = arg;
	struct dns_run *state = probe_state(run);

	if (state->is_over)
		return;
	probe_phase(run, PHASE_DNS, udp_dns_us(state->udp));
	if (event == UDP_DATA)
		on_udp_data(run);
	else
		probe_fault(run, udp_fault(state->udp), udp_reason(state->udp));
}

static void
start(struct probe_run *run)
{
	const struct dns_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct dns_run *state = probe_state(run);
	struct addr servers[UDP_ADDRS_MAX];
	unsigned count = 0;
	uint16_t id;
	struct err e;

	rand_bytes(&id, sizeof(id));
	if (dns_query_make(&state->query, id, conf->asked, conf->type, &e) == -1) {
		probe_error(run, "self.local", "%s", e.text);
		return;
	}
	state->result = xcalloc(1, sizeof(*state->result));
	if (conf->place.host[0] == '\0') {
		count = resolver_servers(env->resolver, servers, UDP_ADDRS_MAX);
		if (count == 0) {
			probe_error(run, "self.local",
				"this host has no name server: /etc/resolv.conf names none");
			return;
		}
	}
	ask_by_udp(run, servers, count);
}

static void
stop(struct probe_run *run)
{
	struct dns_run *state = probe_state(run);

	udp_close(state->udp);
	stream_close(state->tcp);
	free(state->result);
	state->udp = NULL;
	state->tcp = NULL;
	state->result = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct dns_conf *conf = probe_conf(run);
	const struct dns_run *state = probe_state(run);
	char server[ADDR_TEXT];
	enum fault fault;

	if (state->tcp != NULL)
		return net_stuck(run, state->tcp, text, size);
	if (state->udp == NULL)
		return "dns.timeout";
	fault = udp_stuck(state->udp, text, size);
	if (fault != FAULT_NOREPLY)
		return net_cause(fault);
	addr_text(udp_peer(state->udp), server);
	if (state->others > 0)
		snprintf(text, size, "%s sends %u repl%s, but none to the question for %s", server,
			state->others, state->others == 1 ? "y" : "ies", conf->asked);
	else
		snprintf(text, size, "%s does not answer the question for %s", server, conf->asked);
	return "dns.timeout";
}

static const char *const schemes[] = { "dns", NULL };

const struct probe_type probe_type_dns = {
	.name = "dns",
	.summary = "Asks a DNS server for the records of a name.",
	.manual = "The question goes out by UDP, again after 1.5 s of silence, and by TCP where "
		  "the "
		  "answer does not fit. No search domain is added and the hosts file is not read: "
		  "what the "
		  "server says is what counts. A server that fails (`dns.servfail`, `dns.refused`, "
		  "`dns.timeout`) is told from a name that is not there (`dns.nxdomain`, "
		  "`dns.no-record`).",
	.fields = dns_fields,
	.metrics = metrics,
	.conf_size = sizeof(struct dns_conf),
	.run_size = sizeof(struct dns_run),
	.is_network = true,
	.is_portable = true,
	.check = dns_conf_check,
	.release = dns_conf_release,
	.target = dns_conf_target,
	.reveal = dns_conf_reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "name",
};
