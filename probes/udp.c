/*
 * UDP: sends one datagram and waits for what the answer must look like.
 *
 *	(name) -> send -> wait for `expect`, or for an error that does not come -> verdict
 *
 * Nobody has to answer a datagram.  Without `expect` the only bad news is an ICMP error, so "ok"
 * means that none came within a second: the sample says so instead of claiming more.
 */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/udp.h"
#include "probes/net.h"
#include "probes/probe.h"
#include "probes/reveal.h"

#define QUIET_US   USEC_PER_SEC
#define LOOK_MAX   4096 /* bytes of the answer that are looked at */
#define SHOWN_MAX  80
#define HEX_MAX    4096
#define WRONGS_MAX 64 /* datagrams that do not match, before it is given up */

struct udp_conf {
	char *address, *send, *send_hex, *expect;
	/* made by check */
	struct place place;
	unsigned char *data; /* what is sent; owned */
	size_t len;
	regex_t *re;
};

#define ROW struct udp_conf

static const struct conf_field fields[] = {
	{ .name = "address",
		STRING_AT(ROW, address),
		.flags = CONF_REQUIRED,
		.doc = "`host:port`.",
		.example = "127.0.0.1:8125" },
	{ .name = "send",
		STRING_AT(ROW, send),
		.doc = "Text to send. Default: an empty datagram.",
		.example = "\"ping\\n\"" },
	{ .name = "send_hex",
		STRING_AT(ROW, send_hex),
		.doc = "Bytes to send instead, in hexadecimal; blanks between them do not matter.",
		.example = "1b 00 00 00" },
	{ .name = "expect",
		REGEX_AT(ROW, expect),
		.doc = "Regular expression (POSIX extended) that an answer must match in its first "
		       "4 KiB. "
		       "Without it no answer is needed, and `ok` means no more than that no error "
		       "came back "
		       "within a second.",
		.example = "^pong" },
	{ .type = CONF_END },
};

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	{ .name = NULL },
};

struct udp_run {
	struct udp *udp;
	unsigned wrongs;
	char shown[SHOWN_MAX + 1]; /* of the last answer that did not match */
	bool is_over;
};

static void
report(struct probe_run *run, bool is_answered)
{
	const struct udp_run *state = probe_state(run);
	const char *family = udp_family_note(state->udp);
	usec_t sent_us = udp_sent_us(state->udp);

	probe_phase(run, PHASE_DNS, udp_dns_us(state->udp));
	if (is_answered && sent_us > 0)
		probe_phase(run, PHASE_FIRST_BYTE, loop_now(probe_env(run)->loop) - sent_us);
	if (family != NULL)
		probe_note(run, "net.family", "%s", family);
}

static bool
is_match(const struct udp_conf *conf, const void *data, size_t len)
{
	regmatch_t span = { .rm_so = 0, .rm_eo = (regoff_t)(len < LOOK_MAX ? len : LOOK_MAX) };

	return conf->re == NULL || regexec(conf->re, data, 1, &span, REG_STARTEND) == 0;
}

static void
on_data(struct probe_run *run)
{
	const struct udp_conf *conf = probe_conf(run);
	struct udp_run *state = probe_state(run);
	char peer[ADDR_TEXT];
	size_t len;
	const char *data = udp_data(state->udp, &len);

	addr_text(udp_peer(state->udp), peer);
	str_printable(state->shown, sizeof(state->shown), data, len < SHOWN_MAX ? len : SHOWN_MAX);
	if (is_match(conf, data, len)) {
		state->is_over = true;
		report(run, true);
		probe_ok(run, "%s answer of %zu bytes from %s",
			conf->re != NULL ? "expected" : "an", len, peer);
	} else if (++state->wrongs >= WRONGS_MAX) {
		state->is_over = true;
		report(run, true);
		probe_fail(run, "net.protocol", "got \"%s\" and %u more datagrams, wanted /%s/",
			state->shown, state->wrongs - 1, conf->expect);
	}
}

static void
on_event(void *arg, enum udp_event event)
{
	struct probe_run *run = arg;
	struct udp_run *state = probe_state(run);
	char peer[ADDR_TEXT];

	if (state->is_over)
		return; /* until the turn ends more may come */
	switch (event) {
	case UDP_DATA:
		on_data(run);
		break;
	case UDP_QUIET:
		addr_text(udp_peer(state->udp), peer);
		report(run, false);
		probe_ok(run,
			"sent to %s, and no error came back (whether anybody reads it is not "
			"known)",
			peer);
		break;
	case UDP_FAILED:
		report(run, false);
		probe_fault(run, udp_fault(state->udp), udp_reason(state->udp));
		break;
	}
}

static void
start(struct probe_run *run)
{
	const struct udp_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct udp_run *state = probe_state(run);
	usec_t most_us = probe_time_left(run) / 2;

	state->udp = udp_open(
		&(struct udp_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &conf->place,
			.data = conf->data,
			.len = conf->len,
			.quiet_us = conf->re != NULL     ? 0
				    : most_us < QUIET_US ? most_us
							 : QUIET_US,
		},
		on_event, run);
}

static void
stop(struct probe_run *run)
{
	struct udp_run *state = probe_state(run);

	udp_close(state->udp);
	state->udp = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct udp_conf *conf = probe_conf(run);
	const struct udp_run *state = probe_state(run);
	enum fault fault;

	if (state->udp == NULL)
		return "net.noreply";
	fault = udp_stuck(state->udp, text, size);
	report(run, false);
	if (state->wrongs == 0)
		return net_cause(fault);
	snprintf(text, size, "got \"%s\", wanted /%s/", state->shown, conf->expect);
	return "net.protocol";
}

/* --- settings --- */

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* False: it is not hexadecimal, or too long. */
static bool
read_hex(struct udp_conf *conf)
{
	const char *at = conf->send_hex;

	if (strlen(at) > (size_t)3 * HEX_MAX)
		return false;
	conf->data = xmalloc(strlen(at) / 2 + 1);
	while (*at != '\0') {
		if (*at == ' ') {
			at++;
			continue;
		}
		if (digit(at[0]) < 0 || digit(at[1]) < 0)
			return false;
		conf->data[conf->len++] = (unsigned char)(digit(at[0]) * 16 + digit(at[1]));
		at += 2;
	}
	return true;
}

static void
check_data(struct udp_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(map, "send_hex");

	if (conf->send_hex == NULL) {
		conf->len = conf->send != NULL ? strlen(conf->send) : 0;
		conf->data = xmalloc(conf->len + 1);
		memcpy(conf->data, conf->send != NULL ? conf->send : "", conf->len);
		return;
	}
	if (conf->send != NULL)
		complain(complaints, &pos, "either `send` or `send_hex`, not both");
	if (!read_hex(conf))
		complain(complaints, &pos,
			"send_hex: two hexadecimal digits for each byte, such as \"1b 00\"");
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct udp_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "address");
	const char *address = conf->address;
	struct err e;

	(void)setup;
	check_data(conf, map, complaints);
	if (address == NULL)
		return; /* complained about already */
	if (str_starts(address, "udp://"))
		address += strlen("udp://");
	if (place_parse(&conf->place, address, &e) < 0)
		complain(complaints, &pos, "address: %s", e.text);
	else if (conf->place.path[0] != '\0' || conf->place.port == 0 ||
		 (address[0] == ':' && address[1] != ':'))
		complain(complaints, &pos,
			"address: host and port are needed, such as 127.0.0.1:8125");
	if (conf->expect == NULL)
		return;
	conf->re = xcalloc(1, sizeof(*conf->re));
	if (regcomp(conf->re, conf->expect, REG_EXTENDED) != 0) {
		free(conf->re); /* the row's own walk complained */
		conf->re = NULL;
	}
}

static void
release(void *conf_)
{
	struct udp_conf *conf = conf_;

	free(conf->data);
	conf->data = NULL;
	if (conf->re != NULL)
		regfree(conf->re);
	free(conf->re);
	conf->re = NULL;
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct udp_conf *conf = conf_;

	(void)instance;
	reveal_place(&conf->place, out);
	out->is_udp = true;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct udp_conf *conf = conf_;

	(void)instance;
	snprintf(out, size, "%s%s",
		conf->address != NULL && str_starts(conf->address, "udp://") ? "" : "udp://",
		conf->address != NULL ? conf->address : "");
}

static const char *const schemes[] = { "udp", NULL };

const struct probe_type probe_type_udp = {
	.name = "udp",
	.summary = "Sends a datagram to a UDP port and looks at what comes back.",
	.manual =
		"With `expect` an answer must match before the timeout (`net.noreply` where none "
		"comes); it is sent again each second, because datagrams get lost. Without "
		"`expect` a second without an ICMP error is `ok`: that proves a route and no "
		"refusal, not that anybody reads. A firewall that drops looks the same, so give an "
		"`expect` where the service answers at all.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct udp_conf),
	.run_size = sizeof(struct udp_run),
	.is_network = true,
	.is_portable = true,
	.check = check,
	.release = release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "address",
};
