/*
 * Composes lines.
 *
 *	<26>Jan  2 03:04:05 triaged[812]: TEXT [triaged@32473 incident="..." ...]
 *	<26>1 2026-01-02T03:04:05.678Z web-1 triaged 812 OPENED [triaged@32473 ...] BOM TEXT
 *
 * What comes from outside (summaries, names of checks) is made one line of text first, and cannot
 * leave its quotes: values escape `"`, `\` and `]`, as RFC 5424 wants it.
 */
#include "alerts/syslog_line.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define HOST_MAX  255 /* of RFC 5424 */
#define PARAM_MAX 200 /* of one value as it is written; with four of them it stays under 1 kB */
#define WORD_SIZE 33  /* MSGID: at most 32 */
#define BOM       "\xef\xbb\xbf"

int
syslog_level(const struct notice *notice)
{
	if (notice->is_resolved)
		return SYSLOG_NOTICE;
	if (notice->severity == SEVERITY_CRITICAL)
		return SYSLOG_CRIT;
	return notice->severity == SEVERITY_WARNING ? SYSLOG_WARNING : SYSLOG_NOTICE;
}

void
syslog_word(const char *type, char *out, size_t size)
{
	const char *dot = strrchr(type, '.');

	str_copy(out, size, dot == NULL ? type : dot + 1);
	for (char *c = out; *c != '\0'; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
}

static bool
is_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Line ends become spaces, so that words stay apart; the rest that is not text becomes dots. */
static char *
flatten(const struct buf *raw)
{
	size_t len = buf_left(raw);
	char *copy = xstrndup(buf_text(raw), len), *out = xmalloc(len + 1);

	for (char *c = copy; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r' || *c == '\t')
			*c = ' ';
	}
	str_printable(out, len + 1, copy, strlen(copy));
	free(copy);
	return out;
}

/* ---- the text ---- */

static void
add_ending(struct buf *out, const struct incident *incident)
{
	char took[48];

	if (incident->resolved_us <= 0 || incident->resolved_us < incident->started_us)
		return;
	clock_format_duration(incident->resolved_us - incident->started_us, took, sizeof(took));
	buf_addf(out, ", after %s", took);
}

/* The check stands before it already. */
static const char *
bare(const char *text, const struct incident *incident)
{
	return text == NULL ? "" : str_skip_label(text, incident->check);
}

static void
add_text(struct buf *out, const struct notice *notice)
{
	const struct incident *incident = &notice->incident;
	const char *title = bare(incident->title, incident);
	const char *summary = bare(incident->summary, incident);
	char word[WORD_SIZE];

	syslog_word(notice->type, word, sizeof(word));
	buf_add_text(out, word);
	if (!notice->is_resolved)
		buf_addf(out, " %s", severity_name(notice->severity));
	/* A summary that begins with the title says it all; the title may be cut. */
	if (!notice->is_resolved && str_starts(summary, title)) {
		title = summary;
		summary = "";
	}
	buf_addf(out, " %s: %s", incident->check == NULL ? "-" : incident->check, title);
	if (notice->is_resolved) {
		add_ending(out, incident);
		return;
	}
	if (is_text(summary) && !str_starts(title, summary))
		buf_addf(out, ": %s", summary);
	if (is_text(incident->cause_code))
		buf_addf(out, " (%s)", incident->cause_code);
	if (notice->digest != NULL && notice->digest->count > 1)
		buf_addf(out, ", and %zu more incidents", notice->digest->count - 1);
}

char *
syslog_text(const struct notice *notice)
{
	struct buf raw;
	char *text;

	buf_init(&raw, 0);
	add_text(&raw, notice);
	text = flatten(&raw);
	buf_fini(&raw);
	return text;
}

/* ---- the element ---- */

/* Bytes that fit into `max` once they are escaped. */
static size_t
fitting(const char *value, size_t max)
{
	size_t len = 0;

	for (size_t used = 0; value[len] != '\0'; len++) {
		used += strchr("\"\\]", value[len]) != NULL ? 2 : 1;
		if (used > max)
			break;
	}
	return str_utf8_cut(value, strlen(value), len);
}

static void
add_param(struct buf *out, const char *name, const char *value, size_t max)
{
	size_t len;

	if (!is_text(value))
		return;
	buf_addf(out, " %s=\"", name);
	len = fitting(value, max);
	for (size_t i = 0; i < len; i++) {
		if (strchr("\"\\]", value[i]) != NULL)
			buf_add(out, "\\", 1);
		buf_add(out, value + i, 1);
	}
	buf_add(out, "\"", 1);
}

static char *
make_element(const struct syslog_form *form, const struct notice *notice)
{
	const struct incident *incident = &notice->incident;
	size_t max = form->max / 8 < PARAM_MAX ? form->max / 8 : PARAM_MAX;
	struct buf raw;
	char *element;

	buf_init(&raw, 0);
	buf_add_text(&raw, "[triaged@32473");
	add_param(&raw, "incident", incident->id, max);
	add_param(&raw, "severity", severity_name(notice->severity), max);
	add_param(&raw, "check", incident->check, max);
	add_param(&raw, "cause", incident->cause_code, max);
	buf_add_text(&raw, "]");
	element = flatten(&raw);
	buf_fini(&raw);
	return element;
}

/* ---- the line ---- */

/* Local time by RFC 3164, and English whatever the locale is. */
static void
add_local_header(struct buf *out, const struct syslog_form *form, const struct notice *notice)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)(notice->at_us / USEC_PER_SEC);
	struct tm tm = { .tm_mday = 1 };

	localtime_r(&at, &tm);
	buf_addf(out, "<%d>%s %2d %02d:%02d:%02d triaged[%d]: ",
		form->facility * 8 + syslog_level(notice), months[tm.tm_mon], tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid());
}

/* HOSTNAME is printable ASCII without blanks. */
static void
add_host(struct buf *out, const struct syslog_form *form)
{
	size_t max = form->max / 6 < HOST_MAX ? form->max / 6 : HOST_MAX;
	const char *host = form->host;

	if (!is_text(host))
		host = "-";
	for (size_t i = 0; i < max && host[i] != '\0'; i++)
		buf_add(out, host[i] > ' ' && host[i] < 0x7f ? &host[i] : "-", 1);
}

static void
add_network_header(struct buf *out, const struct syslog_form *form, const struct notice *notice)
{
	char at[CLOCK_RFC3339_SIZE], word[WORD_SIZE];

	clock_format_rfc3339(notice->at_us, at);
	syslog_word(notice->type, word, sizeof(word));
	buf_addf(out, "<%d>1 %s ", form->facility * 8 + syslog_level(notice), at);
	add_host(out, form);
	buf_addf(out, " triaged %d %s ", (int)getpid(), word);
}

void
syslog_line(struct buf *out, const struct syslog_form *form, const struct notice *notice)
{
	char *text = syslog_text(notice), *element = make_element(form, notice);
	size_t begin = buf_left(out), used, room;

	if (form->is_network) {
		add_network_header(out, form, notice);
		buf_addf(out, "%s " BOM, element);
	} else {
		add_local_header(out, form, notice);
	}
	used = buf_left(out) - begin + (form->is_network ? 0 : 1 + strlen(element));
	room = form->max > used ? form->max - used : 0;
	buf_add(out, text, str_utf8_cut(text, strlen(text), room));
	if (!form->is_network)
		buf_addf(out, " %s", element);
	free(element);
	free(text);
}
