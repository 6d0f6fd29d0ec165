/*
 * One incident in words.  Nothing is said twice: a text that stands in another one already is left
 * out, and what is over needs no remedy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message_make.h"
#include "base/mem.h"
#include "base/str.h"

#define SHORT_MAX     200 /* bytes of a name, a target, a title */
#define TEXT_MAX      1500
#define COMMAND_MAX   1000
#define FACT_MAX      300 /* of one piece of evidence: a phone is small */
#define HEAD_REST     5   /* "\n…\n" */
#define LOG_MAX       8192
#define FACTS_SHOWN   6
#define POINTS_SHOWN  3
#define NAMES_SHOWN   8
#define ALERTS_LOOKED 512
#define RELATED_SHOWN 2
#define LATE_US       (5 * USEC_PER_MIN) /* a first word that comes so late says so */

#define FILL(...) (&(struct message_fill){ __VA_ARGS__ })

static bool
is_text(const char *text)
{
	return text != NULL && *text != '\0';
}

/* One line more; takes it. */
static void
add_line(struct buf *out, char *line)
{
	if (is_text(line))
		buf_addf(out, "%s%s", buf_left(out) == 0 ? "" : "\n", line);
	free(line);
}

/* Whether `part` says nothing beyond `whole`, but for its full stop. */
static bool
is_said(const char *whole, const char *part)
{
	size_t len = strlen(part);
	char *bare = xstrndup(part, len > 0 && part[len - 1] == '.' ? len - 1 : len);
	bool is_in = *bare == '\0' || (whole != NULL && strstr(whole, bare) != NULL);

	free(bare);
	return is_in;
}

/* ---- status ---- */

/* The first row that fits; NULL: any. */
static const struct status_row {
	const char *type, *reason;
	enum message_word status;
} statuses[] = {
	{ "incident.resolved", "removed", SAY_REMOVED },
	{ "incident.resolved", "merged", SAY_MERGED },
	{ "incident.resolved", NULL, SAY_RESOLVED },
	{ "incident.opened", "reopened", SAY_AGAIN },
	{ "incident.updated", "ack", SAY_UNACKED },
	{ "incident.updated", NULL, SAY_UPDATE },
	{ "incident.escalated", NULL, SAY_WORSE },
	{ "incident.deescalated", NULL, SAY_BETTER },
	{ "incident.reminder", NULL, SAY_REMINDER },
	{ "incident.acknowledged", NULL, SAY_ACKED },
	{ NULL, NULL, SAY_FIRES },
};

static enum message_word
status_of(const struct notice *notice)
{
	const struct status_row *row = statuses;

	if (notice->is_resolved && !str_eq(notice->type, "incident.resolved"))
		return SAY_RESOLVED;
	while ((row->type != NULL && !str_eq(row->type, notice->type)) ||
		(row->reason != NULL && !str_eq(row->reason, notice->reason)))
		row++;
	return row->status;
}

static void
make_status(struct message *m, const struct notice *notice)
{
	const struct incident *i = &notice->incident;
	usec_t until = i->resolved_us > 0 ? i->resolved_us : notice->at_us;
	char *by = message_clean_line(is_text(i->acked_by) ? i->acked_by : "?", SHORT_MAX);
	char lasted[MESSAGE_TIME_SIZE];

	message_duration(i->started_us > 0 ? until - i->started_us : 0, m->language, lasted);
	m->mood = notice->is_resolved ? MESSAGE_GOOD : message_mood_of(notice->severity);
	m->status = message_said(m->language, status_of(notice),
		FILL(message_word(message_severity(notice->severity), m->language), lasted, by));
	free(by);
}

/* ---- what and why ---- */

/* What the summary adds to the headline: nothing, its end, or all of it. */
static void
make_summary(struct message *m, const struct incident *i, const char *why)
{
	char *all = message_clean_text(i->summary, TEXT_MAX);
	char *title = message_clean_line(i->title, TEXT_MAX);
	const char *bare = str_skip_label(all, i->check);
	const char *bare_title = str_skip_label(title, i->check);

	if (*bare_title != '\0' && str_starts(bare, bare_title)) {
		bare += strlen(bare_title);
		bare += strspn(bare, " ,;:.\n");
	}
	m->summary = xstrdup(is_said(m->headline, bare) || is_said(why, bare) ? "" : bare);
	free(all);
	free(title);
}

/* What is over is not explained any more. */
static char *
make_why(const struct message *m, const struct incident *i, bool is_over)
{
	char *title = message_clean_line(i->cause_title, SHORT_MAX);
	char *explanation = message_clean_text(is_over ? "" : i->explanation, TEXT_MAX);
	const char *bare = str_skip_label(title, i->check);
	struct buf out;

	buf_init(&out, 0);
	if (str_eq(i->confidence, "likely"))
		buf_add_text(&out, message_word(SAY_LIKELY, m->language));
	else if (str_eq(i->confidence, "possible"))
		buf_add_text(&out, message_word(SAY_POSSIBLE, m->language));
	if (!is_said(m->headline, bare) && !is_said(explanation, bare)) {
		buf_add_text(&out, bare);
		buf_add_text(&out, *explanation == '\0' ? "" : "\n");
	}
	if (!is_said(m->headline, explanation))
		buf_add_text(&out, explanation);
	else if (is_said(m->headline, bare))
		buf_reset(&out);
	free(title);
	free(explanation);
	return buf_take_text(&out);
}

/* ---- what it drags down ---- */

static bool
is_listed(const struct incident *i, size_t n, bool is_over)
{
	const struct incident_alert *alert = &i->alerts[n];

	if (alert->check == NULL || str_eq(alert->check, i->check))
		return false;
	if (!is_over && !alert->is_firing)
		return false;
	for (size_t k = 0; k < n; k++) {
		if (str_eq(i->alerts[k].check, alert->check) && (is_over || i->alerts[k].is_firing))
			return false;
	}
	return true;
}

static void
add_impact(struct message *m, const struct incident *i, bool is_over)
{
	size_t count = 0, looked = i->alert_count < ALERTS_LOOKED ? i->alert_count : ALERTS_LOOKED;
	struct buf names;
	char more[24];

	buf_init(&names, 0);
	for (size_t n = 0; n < looked; n++) {
		char *name;

		if (!is_listed(i, n, is_over) || count++ >= NAMES_SHOWN)
			continue;
		name = message_clean_line(i->alerts[n].check, SHORT_MAX);
		buf_addf(&names, "%s%s", count > 1 ? message_word(SAY_COMMA, m->language) : "",
			name);
		free(name);
	}
	if (count > NAMES_SHOWN) {
		char *shown = buf_take_text(&names);

		snprintf(more, sizeof(more), "%zu", count - NAMES_SHOWN);
		message_say(&names, m->language, SAY_AND_MORE, FILL(shown, more, NULL));
		free(shown);
	}
	message_add_part(
		m, PART_IMPACT, is_over ? SAY_HAD_IMPACT : SAY_IMPACT, buf_take_text(&names));
}

/* ---- what to do ---- */

/* "look why it is not running (1 of 4)" */
static char *
say_step(const struct message *m, const struct incident *i, const char *text)
{
	char all[24];

	if (*text == '\0' || i->remedy.count < 2)
		return xstrdup(text);
	snprintf(all, sizeof(all), "%zu", i->remedy.count);
	return message_said(m->language, SAY_FIRST_OF, FILL(text, all, NULL));
}

static char *
say_runbook(const struct message *m, const struct incident *i)
{
	char *url = message_clean_line(i->runbook_url, TEXT_MAX);
	char *said = *url == '\0' ? xstrdup("")
				  : message_said(m->language, SAY_RUNBOOK, FILL(url, NULL, NULL));

	free(url);
	return said;
}

static bool
has_command(const struct incident *i)
{
	return i->remedy.count > 0 && is_text(i->remedy.all[0].text) &&
	       is_text(i->remedy.all[0].name) && strlen(i->remedy.all[0].name) <= COMMAND_MAX;
}

static void
add_remedy(struct message *m, const struct incident *i)
{
	const struct incident_text *step = i->remedy.count > 0 ? &i->remedy.all[0] : NULL;
	char *text = message_clean_text(step == NULL ? "" : step->text, TEXT_MAX);
	char *said = say_step(m, i, text);
	size_t before = m->part_count;
	struct buf out;

	buf_init(&out, 0);
	if (step != NULL && step->is_destructive)
		message_say(&out, m->language, SAY_DESTRUCTIVE, FILL(said, NULL, NULL));
	else
		buf_add_text(&out, said);
	/* A command stands right below its words: the runbook goes to the notes then. */
	if (!has_command(i))
		add_line(&out, say_runbook(m, i));
	message_add_part(m, PART_REMEDY, i->remedy.count > 1 ? SAY_FIRST_STEP : SAY_REMEDY,
		buf_take_text(&out));
	free(text);
	free(said);
	if (m->part_count == before || step == NULL)
		return;
	m->parts[before].is_warned = step->is_destructive;
	if (has_command(i))
		m->parts[before].code = message_clean_text(step->name, COMMAND_MAX);
}

/* ---- when and where ---- */

static void
add_times(struct message *m, const struct notice *notice)
{
	const struct incident *i = &notice->incident;
	char from[MESSAGE_TIME_SIZE], until[MESSAGE_TIME_SIZE], lasts[MESSAGE_TIME_SIZE];
	usec_t until_us = i->resolved_us > 0 ? i->resolved_us : notice->at_us;
	struct buf out;

	if (i->started_us <= 0)
		return;
	buf_init(&out, 0);
	message_clock(i->started_us, until_us, from);
	message_clock(until_us, until_us, until);
	message_duration(until_us - i->started_us, m->language, lasts);
	if (!notice->is_resolved) {
		bool is_new = until_us - i->started_us < USEC_PER_MIN;

		message_say(&out, m->language, is_new ? SAY_BEGAN : SAY_LASTS,
			FILL(from, lasts, until));
		message_add_part(m, PART_TIMES, SAY_SINCE, buf_take_text(&out));
		return;
	}
	/* The last one with its day: who reads it may do so much later. */
	message_clock(i->started_us, 0, from);
	message_clock(until_us, i->started_us, until);
	message_say(&out, m->language, SAY_LASTED, FILL(from, until, NULL));
	if (is_text(i->first_recovered) && message_part(m, PART_IMPACT) != NULL) {
		char *first = message_clean_line(i->first_recovered, SHORT_MAX);

		message_clock(i->first_recovered_us, i->started_us, until);
		add_line(&out, message_said(m->language, SAY_FIRST_BACK, FILL(first, until, NULL)));
		free(first);
	}
	message_add_part(m, PART_TIMES, SAY_TIME, buf_take_text(&out));
}

static void
add_host(struct message *m, const struct incident *i)
{
	char *host = message_clean_line(i->host, SHORT_MAX);
	char *target = message_clean_line(i->target, SHORT_MAX);
	bool is_same = *target == '\0' || str_eq(host, target);

	message_add_part(m, PART_HOST, SAY_WHERE,
		is_same ? xstrdup(host)
			: xasprintf("%s%s%s", host, *host == '\0' ? "" : ", ", target));
	free(host);
	free(target);
}

/* ---- notes ---- */

static const struct reason_row {
	const char *reason;
	enum message_word words; /* {1}: the incident that took this one in */
} reasons[] = {
	{ "new-impact", SAY_NEW_IMPACT },
	{ "root-changed", SAY_NEW_ROOT },
	{ "cause-changed", SAY_NEW_CAUSE },
	{ "facts", SAY_NEW_FACTS },
	{ "removed", SAY_IS_REMOVED },
	{ "merged", SAY_IS_MERGED },
};

static void
add_ack(struct buf *out, const struct message *m, const struct notice *notice)
{
	const struct incident *i = &notice->incident;
	char *by = message_clean_line(i->acked_by, SHORT_MAX);
	char *note = message_clean_line(i->ack_note, TEXT_MAX);
	char until[MESSAGE_TIME_SIZE];

	if (*by != '\0' && *note != '\0')
		add_line(out, message_said(m->language, SAY_ACK_WORDS, FILL(by, note, NULL)));
	else if (*by != '\0' && !str_eq(notice->type, "incident.acknowledged"))
		add_line(out, message_said(m->language, SAY_ACK_BY, FILL(by, NULL, NULL)));
	if (i->ack_until_us > 0 && !notice->is_resolved) {
		message_clock(i->ack_until_us, notice->at_us, until);
		add_line(out, message_said(m->language, SAY_ACK_UNTIL, FILL(until, NULL, NULL)));
	}
	free(by);
	free(note);
}

/* Escalated to, or silenced until now. */
static void
add_lateness(struct buf *out, const struct message *m, const struct notice *notice)
{
	const struct incident *i = &notice->incident;
	char found[MESSAGE_TIME_SIZE];

	if (!str_eq(notice->type, "incident.opened") || !str_eq(notice->reason, "first") ||
		i->status != INCIDENT_OPEN || i->detected_us <= 0 ||
		notice->at_us - i->detected_us < LATE_US)
		return;
	message_clock(i->detected_us, notice->at_us, found);
	add_line(out, message_said(m->language, SAY_TOLD_LATE, FILL(found, NULL, NULL)));
}

/* What is new to who has heard of it before. */
static void
add_reason(struct buf *out, const struct message *m, const struct notice *notice)
{
	char *into = message_clean_line(notice->incident.merged_into, SHORT_MAX);

	bool is_first = str_eq(notice->type, "incident.opened");

	for (size_t n = 0; n < sizeof(reasons) / sizeof(reasons[0]); n++) {
		if (!is_first && str_eq(reasons[n].reason, notice->reason))
			add_line(out, message_said(m->language, reasons[n].words,
					      FILL(into, NULL, NULL)));
	}
	if (str_eq(notice->reason, "repeat") && notice->incident.status == INCIDENT_OPEN)
		add_line(out, xstrdup(message_word(SAY_STILL_OPEN, m->language)));
	free(into);
}

static void
add_history(struct buf *out, const struct message *m, const struct incident *i)
{
	char times[16];

	snprintf(times, sizeof(times), "%u", i->reopened);
	if (i->is_flapping && i->status != INCIDENT_RESOLVED)
		add_line(out, message_said(m->language, SAY_FLAPPING, FILL(times, NULL, NULL)));
	else if (i->reopened > 0)
		add_line(out, message_said(m->language, SAY_REOPENED, FILL(times, NULL, NULL)));
	for (size_t n = 0; n < i->related.count && n < RELATED_SHOWN; n++) {
		char *id = message_clean_line(i->related.all[n].name, SHORT_MAX);
		char *why = message_clean_line(i->related.all[n].text, SHORT_MAX);

		add_line(out, message_said(m->language, SAY_RELATED, FILL(id, why, NULL)));
		free(id);
		free(why);
	}
}

static void
add_note(struct message *m, const struct notice *notice)
{
	struct buf out;

	buf_init(&out, 0);
	add_reason(&out, m, notice);
	add_lateness(&out, m, notice);
	if (!notice->is_resolved && has_command(&notice->incident))
		add_line(&out, say_runbook(m, &notice->incident));
	add_ack(&out, m, notice);
	add_history(&out, m, &notice->incident);
	message_add_part(m, PART_NOTE, SAY_NOTE, buf_take_text(&out));
}

/* ---- evidence ---- */

static void
add_points(struct buf *out, const struct message *m, const struct incident_texts *points,
	enum message_word word)
{
	for (size_t n = 0; n < points->count && n < POINTS_SHOWN; n++) {
		char *text = message_clean_line(points->all[n].text, FACT_MAX);

		add_line(out, message_said(m->language, word, FILL(text, NULL, NULL)));
		free(text);
	}
}

/* How the words of a fact begin that could not be had (triage writes them): a person on a phone
 * cannot do anything with those. */
static const char *const missed[] = { "could not be had: ", "无法获取：" };

static bool
is_missed(const struct incident_text *fact)
{
	for (size_t n = 0; n < sizeof(missed) / sizeof(missed[0]); n++) {
		if (fact->text != NULL && str_starts(fact->text, missed[n]))
			return true;
	}
	return false;
}

/* The end of a log is what tells: its first line, which names the file, and the last ones. */
static char *
cut_log(const char *text)
{
	size_t head = strcspn(text, "\n"), len = strlen(text), from;

	if (len <= FACT_MAX || head + HEAD_REST >= FACT_MAX)
		return message_cut(text, FACT_MAX, UNIT_BYTES);
	from = len - (FACT_MAX - head - HEAD_REST);
	while (from < len && text[from - 1] != '\n')
		from++;
	if (from == len) /* one long line */
		return message_cut(text, FACT_MAX, UNIT_BYTES);
	return xasprintf("%.*s\n…\n%s", (int)head, text, text + from);
}

static void
add_fact(struct buf *out, const struct message *m, const struct incident_text *fact)
{
	char *name = message_clean_line(fact->name, SHORT_MAX);
	char *text = message_clean_text(fact->text, LOG_MAX);
	char *cut = str_eq(fact->name, "log-tail") ? cut_log(text)
						   : message_cut(text, FACT_MAX, UNIT_BYTES);

	if (*cut != '\0')
		add_line(out, message_said(m->language, SAY_FACT, FILL(name, cut, NULL)));
	free(name);
	free(text);
	free(cut);
}

static void
add_facts(struct message *m, const struct incident *i)
{
	size_t count = 0;
	struct buf out;
	char left[24];

	buf_init(&out, 0);
	add_points(&out, m, &i->pros, SAY_PRO);
	add_points(&out, m, &i->cons, SAY_CON);
	for (size_t n = 0; n < i->facts.count; n++) {
		if (!is_missed(&i->facts.all[n]) && count++ < FACTS_SHOWN)
			add_fact(&out, m, &i->facts.all[n]);
	}
	if (count > FACTS_SHOWN) {
		snprintf(left, sizeof(left), "%zu", count - FACTS_SHOWN);
		add_line(&out, message_said(m->language, SAY_MORE_LINES, FILL(left, NULL, NULL)));
	}
	message_add_part(m, PART_FACTS, SAY_FACTS, buf_take_text(&out));
}

static void
make_footer(struct message *m, const struct incident *i)
{
	char *rule = message_clean_line(i->rule, SHORT_MAX);
	struct buf out;

	buf_init(&out, 0);
	message_say(&out, m->language, SAY_INCIDENT, FILL(i->id, NULL, NULL));
	if (*rule != '\0')
		buf_addf(&out, " · %s", rule);
	m->footer = buf_take_text(&out);
	free(rule);
}

void
message_make_incident(struct message *m, const struct notice *notice)
{
	const struct incident *i = &notice->incident;
	bool is_over = notice->is_resolved;
	char *why;

	make_status(m, notice);
	m->headline = message_make_headline(i->check, i->title, m->language);
	why = make_why(m, i, is_over);
	if (is_over)
		m->summary = xstrdup("");
	else
		make_summary(m, i, why);
	message_add_part(m, PART_WHY, is_over ? SAY_WAS : SAY_WHY, why);
	add_impact(m, i, is_over);
	if (!is_over)
		add_remedy(m, i);
	add_times(m, notice);
	add_host(m, i);
	add_note(m, notice);
	if (!is_over)
		add_facts(m, i);
	make_footer(m, i);
}
