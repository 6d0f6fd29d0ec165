/*
 * The systemd journal, in its own protocol: one datagram for each event, `NAME=value` lines, and
 * for a value of several lines the name alone, eight bytes of length, and its bytes.  So nothing
 * that a target said can forge a field.  Sending never blocks; nobody listening, or a full socket,
 * is "later".
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/syslog_line.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/dgram.h"

#define ENTRY_MAX     32768 /* well below what a socket takes in one piece */
#define VALUE_MAX     4096
#define NAME_MAX_LEN  64 /* of a field, in journald */
#define FULL_RETRY_US USEC_PER_SEC

struct journal_conf {
	char *socket;
};

struct journal_run {
	struct dgram *dgram;
};

static const struct conf_field fields[] = {
	{ "socket", PATH_AT(struct journal_conf, socket), .dflt = "/run/systemd/journal/socket",
		.doc = "Where journald listens; in a container the host's, mounted there.",
		.flags = CONF_ADVANCED },
	{ .type = CONF_END },
};

/* So that one kind of event can be found whatever its words are; never to be changed. */
static const struct message_id {
	const char *type, *id;
} message_ids[] = {
	{ "incident.opened", "bdf139a963a64db78bf66ea2dfa63107" },
	{ "incident.updated", "a27ef17f3594455fbd3bddf1f261205a" },
	{ "incident.escalated", "0082bb416ad949758bceb7e193d6320f" },
	{ "incident.deescalated", "e4e2abfe0505445b8afcf3a227e314c5" },
	{ "incident.reminder", "e0c3857e471f4be5b8704436e8b0d36e" },
	{ "incident.acknowledged", "5cb3a2d466c04a9bb417d8afb988c24b" },
	{ "incident.resolved", "980996964c89471891af8ed1fc301fb1" },
	{ "test", "33f02f67ccea4e219ce659e8feff42eb" },
	{ "incident.digest", "b7276b1a390e424cb622eec064137500" },
};

/* Texts of the incident that become fields as they are. */
static const struct text_row {
	const char *field;
	size_t offset;
	bool is_long; /* left out where an entry is too large for the socket */
} text_rows[] = {
#define TEXT(field, member, is_long)                                                               \
	{                                                                                          \
		field, offsetof(struct incident, member), is_long                                  \
	}
	TEXT("CHECK", check, false),
	TEXT("CHECK_TYPE", type, false),
	TEXT("TARGET", target, false),
	TEXT("RULE", rule, false),
	TEXT("CAUSE", cause_code, false),
	TEXT("PLAYBOOK", playbook, false),
	TEXT("TITLE", title, false),
	TEXT("SUMMARY", summary, true),
	TEXT("EXPLANATION", explanation, true),
	TEXT("INCIDENT_URL", url, false),
	TEXT("DOCUMENTATION", runbook_url, false),
#undef TEXT
};

static const char manual[] =
	"Writes each event into the systemd journal with fields of its own, in order for each "
	"incident.  Needs nothing on the other side; in a container mount the host's "
	"`/run/systemd/journal/socket`.\n\n"
	"1. Everything: `journalctl -t triaged`.  One check: `journalctl CHECK=api`.  One "
	"incident: `journalctl INCIDENT_ID=3f9c2a7d41b8 -o verbose`.\n"
	"2. All beginnings: `journalctl MESSAGE_ID=bdf139a963a64db78bf66ea2dfa63107`.\n\n"
	"Fields: `MESSAGE` (the line of the `syslog` receiver), `PRIORITY` (2 critical, 4 warning, "
	"5 info and what is over), `EVENT`, `REASON`, `SEVERITY`, `STATUS`, `INCIDENT_ID`, "
	"`NOTICE_ID` (the same on every try), `EVENT_TIME`, `CHECK`, `CHECK_TYPE`, `TARGET`, "
	"`RULE`, `CAUSE`, `PLAYBOOK`, `TITLE`, `SUMMARY`, `EXPLANATION`, `REMEDY`, `EVIDENCE`, "
	"`INCIDENT_URL`, `DOCUMENTATION` (the runbook), and `LABEL_<NAME>` for each label.  What "
	"is not known is left out.\n\n"
	"| EVENT | MESSAGE_ID |\n"
	"|---|---|\n"
	"| `opened` | `bdf139a963a64db78bf66ea2dfa63107` |\n"
	"| `updated` | `a27ef17f3594455fbd3bddf1f261205a` |\n"
	"| `escalated` | `0082bb416ad949758bceb7e193d6320f` |\n"
	"| `deescalated` | `e4e2abfe0505445b8afcf3a227e314c5` |\n"
	"| `reminder` | `e0c3857e471f4be5b8704436e8b0d36e` |\n"
	"| `acknowledged` | `5cb3a2d466c04a9bb417d8afb988c24b` |\n"
	"| `resolved` | `980996964c89471891af8ed1fc301fb1` |\n"
	"| `test` | `33f02f67ccea4e219ce659e8feff42eb` |";

static void
target(const void *arg, char *out, size_t size)
{
	const struct journal_conf *conf = arg;

	str_copy(out, size, conf->socket);
}

/* ---- an entry ---- */

static void
add_field(struct buf *entry, const char *name, const char *value)
{
	size_t len = value == NULL ? 0 : str_utf8_cut(value, strlen(value), VALUE_MAX);
	uint64_t size = htole64(len);

	if (len == 0 || buf_left(entry) + strlen(name) + len + 16 > ENTRY_MAX)
		return;
	if (memchr(value, '\n', len) == NULL) {
		buf_addf(entry, "%s=%.*s\n", name, (int)len, value);
		return;
	}
	buf_addf(entry, "%s\n", name);
	buf_add(entry, &size, sizeof(size));
	buf_add(entry, value, len);
	buf_add(entry, "\n", 1);
}

static void
add_number(struct buf *entry, const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	add_field(entry, name, text);
}

static const char *
find_message_id(const char *type)
{
	for (size_t i = 0; i < sizeof(message_ids) / sizeof(message_ids[0]); i++) {
		if (str_eq(message_ids[i].type, type))
			return message_ids[i].id;
	}
	return NULL;
}

/* "team" -> LABEL_TEAM; what is no letter or digit becomes "_". */
static void
add_labels(struct buf *entry, json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach(labels, key, value)
	{
		char name[NAME_MAX_LEN + 1];

		snprintf(name, sizeof(name), "LABEL_%s", key);
		for (char *c = name; *c != '\0'; c++) {
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
			else if ((*c < 'A' || *c > 'Z') && (*c < '0' || *c > '9'))
				*c = '_';
		}
		add_field(entry, name, json_string_value(value));
	}
}

static void
add_texts(struct buf *entry, const char *field, const struct incident_texts *list, bool is_remedy)
{
	struct buf lines;

	buf_init(&lines, 0);
	for (size_t i = 0; i < list->count; i++) {
		const struct incident_text *one = &list->all[i];
		const char *text = one->text == NULL ? "" : one->text;
		const char *name = one->name == NULL ? "" : one->name;

		if (i > 0)
			buf_add(&lines, "\n", 1);
		if (!is_remedy)
			buf_addf(&lines, "%s: %s", name, text);
		else
			buf_addf(&lines, "%s%s%s%s",
				one->is_destructive ? "(loses data or work) " : "", text,
				*name == '\0' ? "" : ": ", name);
	}
	add_field(entry, field, buf_text(&lines));
	buf_fini(&lines);
}

static void
add_event(struct buf *entry, const struct notice *notice)
{
	const char *dot = strrchr(notice->type, '.');
	char *line = syslog_text(notice), at[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(notice->at_us, at);
	add_field(entry, "MESSAGE", line);
	add_number(entry, "PRIORITY", syslog_level(notice));
	add_number(entry, "SYSLOG_FACILITY", SYSLOG_DAEMON);
	add_field(entry, "SYSLOG_IDENTIFIER", "triaged");
	add_field(entry, "MESSAGE_ID", find_message_id(notice->type));
	add_field(entry, "EVENT", dot == NULL ? notice->type : dot + 1);
	add_field(entry, "EVENT_TIME", at);
	add_field(entry, "REASON", notice->reason);
	add_field(entry, "NOTICE_ID", notice->id);
	free(line);
}

static void
compose(struct buf *entry, const struct notice *notice, bool is_brief)
{
	const struct incident *incident = &notice->incident;

	buf_reset(entry);
	add_event(entry, notice);
	add_field(entry, "INCIDENT_ID", incident->id);
	add_field(entry, "SEVERITY", severity_name(notice->severity));
	add_field(entry, "STATUS", incident_status_name(incident->status));
	for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
		const struct text_row *row = &text_rows[i];
		char *const *text = (char *const *)((const char *)incident + row->offset);

		if (!is_brief || !row->is_long)
			add_field(entry, row->field, *text);
	}
	if (is_brief)
		return;
	add_labels(entry, incident->labels);
	add_texts(entry, "REMEDY", &incident->remedy, true);
	add_texts(entry, "EVIDENCE", &incident->facts, false);
}

/* ---- one try ---- */

static void
judge(struct send_run *run, int error, const char *words)
{
	const struct journal_conf *conf = send_conf(run);

	send_blame(run, SEND_CLASS_LOCAL);
	if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS)
		send_done(run, SEND_LATER, FULL_RETRY_US, "%s: the socket is full", conf->socket);
	else if (error == ENOENT || error == ECONNREFUSED)
		send_done(run, SEND_LATER, 0, "%s: no journal listens there", conf->socket);
	else
		send_done(run, SEND_LATER, 0, "%s: %s", conf->socket, words);
}

static void
start(struct send_run *run)
{
	const struct journal_conf *conf = send_conf(run);
	struct journal_run *state = send_state(run);
	struct err e = { .code = 0 };
	struct buf entry;
	int sent;

	state->dgram = dgram_new(conf->socket);
	buf_init(&entry, 0);
	compose(&entry, send_notice(run), false);
	send_show(run, '>', buf_head(&entry), buf_left(&entry));
	sent = dgram_send(state->dgram, buf_head(&entry), buf_left(&entry), &e);
	if (sent < 0 && e.code == EMSGSIZE) {
		compose(&entry, send_notice(run), true);
		sent = dgram_send(state->dgram, buf_head(&entry), buf_left(&entry), &e);
	}
	buf_fini(&entry);
	if (sent == 0)
		send_done(run, SEND_OK, 0, "written to %s", conf->socket);
	else
		judge(run, e.code, e.text);
}

static void
stop(struct send_run *run)
{
	struct journal_run *state = send_state(run);

	dgram_free(state->dgram);
	state->dgram = NULL;
}

const struct receiver_type receiver_type_journal = {
	.name = "journal",
	.summary = "The systemd journal of this host, with fields to search by.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct journal_conf),
	.run_size = sizeof(struct journal_run),
	.rate_per_second = 200, /* a backlog must not hold the loop */
	.timeout_us = 5 * USEC_PER_SEC,
	.target = target,
	.start = start,
	.stop = stop,
};
