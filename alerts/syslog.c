/*
 * The local syslog socket, in the form that syslogd, rsyslog and journald read there (RFC 3164):
 *
 *	<26>Jan  2 03:04:05 triaged[812]: OPENED critical api: ... (net.refused) [triaged@32473 ...]
 *
 * One line and one datagram for each notice.  Nobody listening, or a full socket, is "later".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alerts/table.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/dgram.h"
#include "io/loop.h"

#define LINE_MAX_BYTES  2048 /* RFC 5424: receivers should take this much */
#define PARAM_MAX       200 /* of one value in the element: with four of them it stays under 1 kB */
#define FULL_RETRY_US   USEC_PER_SEC
#define FACILITY_DAEMON 3

enum { PRI_CRIT = 2, PRI_WARNING = 4, PRI_NOTICE = 5 };

struct syslog_conf {
	char *socket;
};

struct syslog_run {
	struct dgram *dgram;
};

static const struct conf_field fields[] = {
	{ "socket", PATH_AT(struct syslog_conf, socket), .dflt = "/dev/log",
		.doc = "Where the syslog daemon of this host listens.", .flags = CONF_ADVANCED },
	{ .type = CONF_END },
};

static const char manual[] =
	"Writes one line for each event to the local syslog socket: facility `daemon`, severity "
	"`crit` for critical, `warning` for warning, `notice` for info and for what is over.  The "
	"line ends with the incident's key facts as an element that log processors can take apart: "
	"`[triaged@32473 incident=\"...\" severity=\"...\" check=\"...\" cause=\"...\"]`.\n\n"
	"Needs nothing on the other side.  Sending never blocks; while nobody reads the socket the "
	"lines wait like any other notice.";

static void
target(const void *conf, char *out, size_t size)
{
	const struct syslog_conf *c = conf;

	str_copy(out, size, c->socket);
}

static int
priority(const struct notice *notice)
{
	int level = PRI_NOTICE;

	if (!notice->is_resolved && notice->severity == SEVERITY_CRITICAL)
		level = PRI_CRIT;
	else if (!notice->is_resolved && notice->severity == SEVERITY_WARNING)
		level = PRI_WARNING;
	return FACILITY_DAEMON * 8 + level;
}

/* The header is local time by RFC 3164, and English whatever the locale is. */
static void
add_header(struct buf *line, const struct notice *notice)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)(notice->at_us / USEC_PER_SEC);
	struct tm tm = { .tm_mday = 1 };

	localtime_r(&at, &tm);
	buf_addf(line, "<%d>%s %2d %02d:%02d:%02d triaged[%d]: ", priority(notice),
		months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid());
}

/* "incident.opened" -> "OPENED" */
static void
add_event(struct buf *line, const char *type)
{
	const char *dot = strrchr(type, '.');
	char word[32];

	str_copy(word, sizeof(word), dot == NULL ? type : dot + 1);
	for (char *c = word; *c != '\0'; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	buf_add_text(line, word);
}

static bool
is_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void
add_ending(struct buf *line, const struct incident *incident)
{
	char took[48];

	if (incident->resolved_us <= 0 || incident->resolved_us < incident->started_us)
		return;
	clock_format_duration(incident->resolved_us - incident->started_us, took, sizeof(took));
	buf_addf(line, ", after %s", took);
}

/* The check stands before it already. */
static const char *
bare(const char *text, const struct incident *incident)
{
	return text == NULL ? "" : str_skip_label(text, incident->check);
}

static void
add_summary(struct buf *line, const struct notice *notice)
{
	const struct incident *incident = &notice->incident;

	const char *title = bare(incident->title, incident);
	const char *summary = bare(incident->summary, incident);

	add_event(line, notice->type);
	if (!notice->is_resolved)
		buf_addf(line, " %s", severity_name(notice->severity));
	/* A summary that begins with the title says it all; the title may be cut. */
	if (!notice->is_resolved && str_starts(summary, title)) {
		title = summary;
		summary = "";
	}
	buf_addf(line, " %s: %s", incident->check == NULL ? "-" : incident->check, title);
	if (notice->is_resolved) {
		add_ending(line, incident);
		return;
	}
	if (is_text(summary) && !str_starts(title, summary))
		buf_addf(line, ": %s", summary);
	if (is_text(incident->cause_code))
		buf_addf(line, " (%s)", incident->cause_code);
}

static void
add_param(struct buf *out, const char *name, const char *value)
{
	size_t len;

	if (!is_text(value))
		return;
	buf_addf(out, " %s=\"", name);
	len = str_utf8_cut(value, strlen(value), PARAM_MAX);
	for (size_t i = 0; i < len; i++) {
		if (strchr("\"\\]", value[i]) != NULL)
			buf_add(out, "\\", 1);
		buf_add(out, value + i, 1);
	}
	buf_add(out, "\"", 1);
}

static void
add_element(struct buf *out, const struct notice *notice)
{
	const struct incident *incident = &notice->incident;

	buf_add_text(out, " [triaged@32473");
	add_param(out, "incident", incident->id);
	add_param(out, "severity", severity_name(notice->severity));
	add_param(out, "check", incident->check);
	add_param(out, "cause", incident->cause_code);
	buf_add_text(out, "]");
}

/* Line ends become spaces, so that words stay apart; the rest that is not text becomes dots. */
static void
flatten(char *out, size_t size, const struct buf *raw)
{
	char *copy = xstrndup(buf_text(raw), buf_left(raw));

	for (char *c = copy; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r' || *c == '\t')
			*c = ' ';
	}
	str_printable(out, size, copy, strlen(copy));
	free(copy);
}

/* The element stays whole: a long summary gives way to it. */
static size_t
compose(char out[LINE_MAX_BYTES + 1], const struct notice *notice)
{
	char text[LINE_MAX_BYTES + 1], element[LINE_MAX_BYTES / 2];
	struct buf raw;
	size_t len, room;

	buf_init(&raw, 0);
	add_element(&raw, notice);
	flatten(element, sizeof(element), &raw);
	buf_reset(&raw);
	add_header(&raw, notice);
	add_summary(&raw, notice);
	flatten(text, sizeof(text), &raw);
	buf_fini(&raw);
	room = LINE_MAX_BYTES - strlen(element);
	len = str_utf8_cut(text, strlen(text), room);
	memcpy(out, text, len);
	memcpy(out + len, element, strlen(element) + 1);
	return len + strlen(element);
}

static void
start(struct send_run *run)
{
	const struct syslog_conf *conf = send_conf(run);
	struct syslog_run *state = send_state(run);
	char line[LINE_MAX_BYTES + 1];
	size_t len = compose(line, send_notice(run));
	struct err e = { .code = 0 };

	state->dgram = dgram_new(conf->socket);
	if (dgram_send(state->dgram, line, len, &e) == 0)
		send_done(run, SEND_OK, 0, "written to %s", conf->socket);
	else if (e.code == EAGAIN || e.code == EWOULDBLOCK || e.code == ENOBUFS)
		send_done(run, SEND_LATER, FULL_RETRY_US, "%s: the socket is full", conf->socket);
	else if (e.code == ENOENT || e.code == ECONNREFUSED)
		send_done(run, SEND_LATER, 0, "%s: no syslog daemon listens there", conf->socket);
	else
		send_done(run, SEND_LATER, 0, "%s: %s", conf->socket, e.text);
}

static void
stop(struct send_run *run)
{
	struct syslog_run *state = send_state(run);

	dgram_free(state->dgram);
	state->dgram = NULL;
}

const struct receiver_type receiver_type_syslog = {
	.name = "syslog",
	.summary = "The syslog daemon of this host.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct syslog_conf),
	.run_size = sizeof(struct syslog_run),
	.rate_per_second = 200, /* a backlog must not hold the loop */
	.timeout_us = 5 * USEC_PER_SEC,
	.target = target,
	.start = start,
	.stop = stop,
};
