/*
 * Faults below the protocol as cause codes, and the words for whoever answers on a port that is
 * not the one we meant.  No state.
 */
#include "probes/net.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/mounts.h"
#include "io/veil.h"
#include "probes/net_local.h"

#define FIRST_BYTES_MAX 64
#define MORE_MAX        400

static const char *const causes[FAULT_COUNT] = {
	[FAULT_NONE] = "self.local",
	[FAULT_DNS_NXDOMAIN] = "net.dns-nxdomain",
	[FAULT_DNS_FAIL] = "net.dns-fail",
	[FAULT_REFUSED] = "net.refused",
	[FAULT_TIMEOUT] = "net.timeout",
	[FAULT_UNREACHABLE] = "net.unreachable",
	[FAULT_DENIED] = "net.denied",
	[FAULT_RESET] = "net.reset",
	[FAULT_EOF] = "net.eof",
	[FAULT_NOREPLY] = "net.noreply",
	[FAULT_PROTOCOL] = "net.protocol",
	[FAULT_TLS_REQUIRED] = "net.tls-required",
	[FAULT_TLS_UNSUPPORTED] = "net.tls-unsupported",
	[FAULT_TLS_VERIFY] = "net.tls-verify",
	[FAULT_TLS_HANDSHAKE] = "net.tls-handshake",
	[FAULT_PORT_EXHAUSTED] = "net.port-exhausted",
	[FAULT_FD_LIMIT] = "self.fd-limit",
	[FAULT_LOCAL] = "self.local",
};

const char *
net_cause(enum fault fault)
{
	return (size_t)fault < FAULT_COUNT ? causes[fault] : "self.local";
}

void
net_report(struct probe_run *run, const struct stream *stream)
{
	const struct stream_phases *phases = stream_phases(stream);
	const char *family = stream_family_note(stream);

	probe_phase(run, PHASE_DNS, phases->dns_us);
	probe_phase(run, PHASE_CONNECT, phases->connect_us);
	probe_phase(run, PHASE_TLS, phases->tls_us);
	if (family != NULL)
		probe_note(run, "net.family", "%s", family);
}

/* A socket's path that our sandbox keeps from us, or whose mode does, says nothing of its server.
 */
static bool
is_ours(struct probe_run *run, enum fault fault, const char *reason, const struct addr *peer)
{
	struct veil veil = { .kind = VEIL_NONE };
	char path[ADDR_TEXT], words[VEIL_WORDS_MAX];
	struct mounts mounts;

	if (addr_family(peer) != AF_UNIX || (fault != FAULT_REFUSED && fault != FAULT_DENIED))
		return false;
	addr_text(peer, path);
	if (mounts_read(&mounts, "/", NULL) == 0) {
		veil = veil_of(&mounts, NULL, path);
		mounts_fini(&mounts);
	}
	veil_words(&veil, words, sizeof(words));
	if (veil.kind != VEIL_NONE)
		probe_error(run, "self.local", "%s is %s", path, words);
	else if (fault == FAULT_DENIED)
		probe_error(run, "self.local",
			"%s: this daemon's user needs to be in the socket's group, and to pass its "
			"folder",
			reason);
	return veil.kind != VEIL_NONE || fault == FAULT_DENIED;
}

void
net_fail_at(struct probe_run *run, enum fault fault, const char *reason, const struct addr *peer)
{
	char more[MORE_MAX];
	const char *cause;

	if (is_ours(run, fault, reason, peer))
		return;
	cause = net_local_cause(run, fault, peer, more, sizeof(more));
	if (cause == NULL)
		probe_fault(run, fault, reason);
	else
		probe_fail(run, cause, "%s; %s", reason, more);
}

const char *
net_stuck_at(
	struct probe_run *run, enum fault fault, const struct addr *peer, char *text, size_t size)
{
	char more[MORE_MAX];
	const char *cause = net_local_cause(run, fault, peer, more, sizeof(more));
	size_t len = strlen(text);

	if (cause == NULL)
		return net_cause(fault);
	snprintf(text + len, size - len, "; %s", more);
	return cause;
}

/* len 0: not numeric. */
static struct addr
addr_of(const char *where)
{
	struct addr addr = { .len = 0 };
	struct place place;

	if (place_parse(&place, where, NULL) == 0) {
		if (place.path[0] != '\0')
			addr_from_path(&addr, place.path, NULL);
		else
			addr_from_numeric(&addr, place.host, place.port);
	}
	return addr;
}

void
net_fail_text(struct probe_run *run, enum fault fault, const char *reason, const char *where)
{
	struct addr peer = addr_of(where);

	net_fail_at(run, fault, reason, &peer);
}

const char *
net_stuck_text(struct probe_run *run, enum fault fault, const char *where, char *text, size_t size)
{
	struct addr peer = addr_of(where);

	return net_stuck_at(run, fault, &peer, text, size);
}

void
net_fail(struct probe_run *run, const struct stream *stream)
{
	net_report(run, stream);
	net_fail_at(run, stream_fault(stream), stream_reason(stream), stream_peer(stream));
}

const char *
net_stuck(struct probe_run *run, const struct stream *stream, char *text, size_t size)
{
	enum fault fault = stream_stuck(stream, text, size);

	net_report(run, stream);
	return net_stuck_at(run, fault, stream_peer(stream), text, size);
}

void
net_check_name(const struct place *place, const char *server_name, const struct conf_pos *pos,
	struct complaints *complaints)
{
	if (place->path[0] != '\0' && server_name == NULL)
		complain(complaints, pos,
			"server_name: a socket's path is no name to verify in the certificate; "
			"give "
			"one, or `verify: false`");
}

struct banner {
	const char *prefix;
	size_t len; /* 0: a text */
	size_t at;  /* where the prefix stands */
	const char *who;
};

/* Longer and surer ones first. */
static const struct banner banners[] = {
	{ "HTTP/", 0, 0, "an HTTP server" },
	{ "SSH-", 0, 0, "an SSH server" },
	{ "-ERR ", 0, 0, "a Redis or POP3 server" },
	{ "-NOAUTH ", 0, 0, "a Redis server" },
	{ "-DENIED ", 0, 0, "a Redis server" },
	{ "-MISCONF ", 0, 0, "a Redis server" },
	{ "+PONG", 0, 0, "a Redis server" },
	{ "+OK", 0, 0, "a POP3 server" },
	{ "* OK", 0, 0, "an IMAP server" },
	{ "220 ", 0, 0, "an SMTP or FTP server" },
	{ "220-", 0, 0, "an SMTP or FTP server" },
	{ "500 5.5.", 0, 0, "an SMTP server" },
	{ "AMQP", 0, 0, "an AMQP server" },
	{ "RFB ", 0, 0, "a VNC server" },
	{ "<!DOCTYPE", 0, 0, "an HTTP server" },
	{ "<html", 0, 0, "an HTTP server" },
	{ "\x15\x03", 2, 0, "a TLS server" },
	{ "\x16\x03", 2, 0, "a TLS server" },
	/* greeting of protocol 10, or an error instead of it */
	{ "\0\0\n", 3, 2, "a MySQL or MariaDB server" },
	{ "\0\0\xff", 3, 2, "a MySQL or MariaDB server" },
	{ "SFATAL", 0, 5, "a PostgreSQL server" },
};

const char *
net_banner(const void *data, size_t len)
{
	const char *bytes = data;

	for (size_t i = 0; i < sizeof(banners) / sizeof(banners[0]); i++) {
		const struct banner *b = &banners[i];
		size_t need = b->len > 0 ? b->len : strlen(b->prefix);

		if (len >= b->at + need && memcmp(bytes + b->at, b->prefix, need) == 0)
			return b->who;
	}
	return NULL;
}

void
net_fail_protocol(struct probe_run *run, const char *wanted, const void *data, size_t len)
{
	const char *who = net_banner(data, len);
	char shown[FIRST_BYTES_MAX + 1];

	if (len > FIRST_BYTES_MAX)
		len = FIRST_BYTES_MAX;
	str_printable(shown, sizeof(shown), data, len);
	if (str_eq(who, "a TLS server")) {
		probe_fail(run, "net.tls-required", "the port speaks TLS, and we asked in plain %s",
			wanted);
		return;
	}
	probe_fact(run, "first bytes", "%s", shown);
	if (who != NULL)
		probe_fail(
			run, "net.protocol", "%s answers, wanted %s: \"%s\"", who, wanted, shown);
	else
		probe_fail(run, "net.protocol", "the answer is not %s: \"%s\"", wanted, shown);
}
