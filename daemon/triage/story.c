/*
 * The record of an incident, for the people who look back at it.  Everything a target, a log or a
 * query said is escaped or fenced: it is text in the record, never part of it.
 */
#include "triage/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum word {
	WORD_INCIDENT,
	WORD_TIME,
	WORD_GOES_ON,
	WORD_SEVERITY,
	WORD_STATUS,
	WORD_HOST,
	WORD_OWNER,
	WORD_NOBODY,
	WORD_LABELS,
	WORD_RUNBOOK,
	WORD_IMPACT,
	WORD_CAUSE,
	WORD_FOR,
	WORD_AGAINST,
	WORD_EVIDENCE,
	WORD_ACTIONS,
	WORD_DESTRUCTIVE,
	WORD_TIMELINE,
	WORD_FIRST,
	WORD_CHANGED,
	WORD_FOLLOW_UP,
	WORD_PREVENT,
	WORD_CAME_BACK,
	WORD_RELATED,
	WORDS
};

static const char *const words[WORDS][LANG_COUNT] = {
	[WORD_INCIDENT] = { "Incident", "故障" },
	[WORD_TIME] = { "Time", "时间" },
	[WORD_GOES_ON] = { "goes on", "仍在持续" },
	[WORD_SEVERITY] = { "Severity", "级别" },
	[WORD_STATUS] = { "Status", "状态" },
	[WORD_HOST] = { "Host", "主机" },
	[WORD_OWNER] = { "Owner", "负责人" },
	[WORD_NOBODY] = { "nobody yet", "暂无" },
	[WORD_LABELS] = { "Labels", "标签" },
	[WORD_RUNBOOK] = { "Runbook", "操作手册" },
	[WORD_IMPACT] = { "Impact", "影响范围" },
	[WORD_CAUSE] = { "Cause", "原因" },
	[WORD_FOR] = { "For it", "支持依据" },
	[WORD_AGAINST] = { "Against it", "反对依据" },
	[WORD_EVIDENCE] = { "Evidence", "证据" },
	[WORD_ACTIONS] = { "What to do", "处理措施" },
	[WORD_DESTRUCTIVE] = { "Destructive, ask first", "有破坏性，请先确认" },
	[WORD_TIMELINE] = { "Timeline", "时间线" },
	[WORD_FIRST] = { "What recovered first", "最先恢复" },
	[WORD_CHANGED] = { "What had changed", "此前的变更" },
	[WORD_FOLLOW_UP] = { "Follow-up", "后续改进" },
	[WORD_PREVENT] = { "what keeps it from happening again", "如何避免再次发生" },
	[WORD_CAME_BACK] = { "it came back, so often:", "再次出现的次数：" },
	[WORD_RELATED] = { "Related", "相关故障" },
};

struct page {
	struct buf *out;
	enum language language;
};

static const char *
say(const struct page *page, enum word word)
{
	return words[word][page->language];
}

/* One line of text, nothing in it being Markdown. */
static void
add_text(const struct page *page, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		if (strchr("\\`*_{}[]<>#|~&", *text) != NULL)
			buf_addf(page->out, "\\%c", *text);
		else
			buf_addf(page->out, "%c", *text == '\n' || *text == '\r' ? ' ' : *text);
	}
}

/* The longest run of backticks, so that a fence can be longer. */
static int
longest_run(const char *text)
{
	int run = 0, longest = 0;

	for (; *text != '\0'; text++) {
		run = *text == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* Text as it is, in a block of its own, inside a list's item. */
static void
add_block(const struct page *page, const char *text)
{
	static const char fence[] = "````````````````````````````````";
	int ticks = longest_run(text) + 1;

	if (ticks < 3)
		ticks = 3;
	if (ticks > (int)sizeof(fence) - 1) {
		add_text(page, text);
		return;
	}
	buf_addf(page->out, "\n  %.*s\n", ticks, fence);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		buf_addf(page->out, "  %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
	buf_addf(page->out, "  %.*s\n", ticks, fence);
}

static void
add_heading(const struct page *page, enum word word)
{
	buf_addf(page->out, "\n## %s\n\n", say(page, word));
}

static void
add_time(const struct page *page, usec_t wall_us)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(wall_us, text);
	buf_add_text(page->out, text);
}

static void
add_row(const struct page *page, enum word word, const char *text)
{
	buf_addf(page->out, "| %s | ", say(page, word));
	add_text(page, text);
	buf_add_text(page->out, " |\n");
}

static void
add_labels(const struct page *page, const struct incident *i)
{
	const char *key, *between = "";
	json_t *value;

	if (json_object_size(i->labels) == 0)
		return;
	buf_addf(page->out, "| %s | ", say(page, WORD_LABELS));
	json_object_foreach(i->labels, key, value)
	{
		buf_add_text(page->out, between);
		add_text(page, key);
		buf_add_text(page->out, "=");
		add_text(page, json_string_value(value));
		between = ", ";
	}
	buf_add_text(page->out, " |\n");
}

static void
add_head(const struct page *page, const struct incident *i, usec_t now_us)
{
	usec_t until_us = i->resolved_us != 0 ? i->resolved_us : now_us;
	char lasted[64];

	clock_format_duration(
		until_us > i->started_us ? until_us - i->started_us : 0, lasted, sizeof(lasted));
	buf_addf(page->out, "# %s %s: ", say(page, WORD_INCIDENT), i->id);
	add_text(page, i->title);
	buf_addf(page->out, "\n\n| | |\n|---|---|\n| %s | ", say(page, WORD_TIME));
	add_time(page, i->started_us);
	buf_add_text(page->out, " – ");
	if (i->resolved_us != 0)
		add_time(page, i->resolved_us);
	else
		buf_add_text(page->out, say(page, WORD_GOES_ON));
	buf_addf(page->out, " (%s) |\n", lasted);
	add_row(page, WORD_SEVERITY, severity_name(i->severity));
	add_row(page, WORD_STATUS, incident_status_name(i->status));
	add_row(page, WORD_HOST, i->host);
	add_row(page, WORD_OWNER, i->acked_by != NULL ? i->acked_by : say(page, WORD_NOBODY));
	add_labels(page, i);
	if (i->runbook_url != NULL && *i->runbook_url != '\0')
		buf_addf(page->out, "| %s | <%s> |\n", say(page, WORD_RUNBOOK), i->runbook_url);
}

/* Whatever was down at any time, the root first. */
static void
add_impact(const struct page *page, const struct incident *i)
{
	add_heading(page, WORD_IMPACT);
	for (size_t n = 0; n < i->alert_count; n++) {
		const struct incident_alert *alert = &i->alerts[n];

		buf_add_text(page->out, "- **");
		add_text(page, alert->check);
		buf_add_text(page->out, "** (");
		add_text(page, alert->rule);
		buf_addf(page->out, ", %s), ", severity_name(alert->severity));
		add_time(page, alert->since_us);
		buf_add_text(page->out, " – ");
		if (alert->ended_us != 0 && !alert->is_firing)
			add_time(page, alert->ended_us);
		else if (alert->is_firing)
			buf_add_text(page->out, say(page, WORD_GOES_ON));
		buf_add_text(page->out, ": ");
		add_text(page, alert->text);
		buf_add_text(page->out, "\n");
	}
}

static void
add_points(const struct page *page, enum word word, const struct incident_texts *points)
{
	if (points->count == 0)
		return;
	buf_addf(page->out, "\n%s:\n\n", say(page, word));
	for (size_t n = 0; n < points->count; n++) {
		buf_add_text(page->out, "- ");
		add_text(page, points->all[n].text);
		buf_add_text(page->out, "\n");
	}
}

static void
add_cause(const struct page *page, const struct incident *i)
{
	add_heading(page, WORD_CAUSE);
	add_text(page, i->cause_title);
	buf_addf(page->out, " (`%s`", i->cause_code);
	if (i->finding != NULL && !str_eq(i->finding, i->cause_code))
		buf_addf(page->out, ", `%s`", i->finding);
	if (i->confidence != NULL && *i->confidence != '\0')
		buf_addf(page->out, ", %s", i->confidence);
	buf_add_text(page->out, ")\n\n");
	add_text(page, i->explanation);
	buf_add_text(page->out, "\n\n");
	add_text(page, i->summary);
	buf_add_text(page->out, "\n");
	add_points(page, WORD_FOR, &i->pros);
	add_points(page, WORD_AGAINST, &i->cons);
}

/* The numbers that the rule looked at, in base units. */
static void
add_values(const struct page *page, const struct incident *i)
{
	const char *key;
	json_t *value;

	json_object_foreach(i->values, key, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

		buf_add_text(page->out, "- ");
		add_text(page, key);
		buf_addf(page->out, " = %s\n", text == NULL ? "?" : text);
		free(text);
	}
}

static void
add_evidence(const struct page *page, const struct incident *i)
{
	if (i->facts.count == 0 && json_object_size(i->values) == 0)
		return;
	add_heading(page, WORD_EVIDENCE);
	add_values(page, i);
	for (size_t n = 0; n < i->facts.count; n++) {
		buf_add_text(page->out, "- ");
		add_text(page, i->facts.all[n].name);
		if (i->facts.all[n].at_us != 0) {
			buf_add_text(page->out, ", ");
			add_time(page, i->facts.all[n].at_us);
		}
		buf_add_text(page->out, "\n");
		add_block(page, i->facts.all[n].text);
	}
}

static void
add_actions(const struct page *page, const struct incident *i)
{
	if (i->remedy.count == 0)
		return;
	add_heading(page, WORD_ACTIONS);
	for (size_t n = 0; n < i->remedy.count; n++) {
		const struct incident_text *step = &i->remedy.all[n];

		buf_add_text(page->out, "- [ ] ");
		if (step->is_destructive)
			buf_addf(page->out, "**%s:** ", say(page, WORD_DESTRUCTIVE));
		add_text(page, step->text);
		buf_add_text(page->out, "\n");
		if (step->name != NULL)
			add_block(page, step->name);
	}
}

static void
add_timeline(const struct page *page, const struct incident *i)
{
	add_heading(page, WORD_TIMELINE);
	for (size_t n = 0; n < i->timeline.count; n++) {
		const struct incident_text *line = &i->timeline.all[n];

		buf_add_text(page->out, "- ");
		add_time(page, line->at_us);
		buf_add_text(page->out, " **");
		add_text(page, line->name);
		buf_add_text(page->out, "** ");
		add_text(page, line->text);
		buf_add_text(page->out, "\n");
	}
	if (i->first_recovered != NULL) {
		buf_addf(page->out, "\n%s: ", say(page, WORD_FIRST));
		add_text(page, i->first_recovered);
		buf_add_text(page->out, ", ");
		add_time(page, i->first_recovered_us);
		buf_add_text(page->out, "\n");
	}
}

static const struct incident_text *
find_fact(const struct incident *i, const char *name)
{
	for (size_t n = 0; n < i->facts.count; n++)
		if (str_eq(i->facts.all[n].name, name))
			return &i->facts.all[n];
	return NULL;
}

/* Lines of a fact as one sentence. */
static void
add_joined(const struct page *page, const char *lines)
{
	const char *between = "";

	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		char *line = xstrndup(lines, len);

		buf_add_text(page->out, between);
		add_text(page, line);
		free(line);
		between = "; ";
		lines += len + (lines[len] == '\n');
	}
}

static void
add_follow_up(const struct page *page, const struct incident *i)
{
	const struct incident_text *changes = find_fact(i, "changes");

	add_heading(page, WORD_FOLLOW_UP);
	if (changes != NULL) {
		buf_addf(page->out, "- [ ] %s: ", say(page, WORD_CHANGED));
		add_joined(page, changes->text);
		buf_add_text(page->out, "\n");
	}
	if (i->reopened > 0)
		buf_addf(page->out, "- [ ] %s %u\n", say(page, WORD_CAME_BACK), i->reopened);
	for (size_t n = 0; n < i->related.count; n++) {
		buf_addf(page->out, "- [ ] %s: %s, ", say(page, WORD_RELATED),
			i->related.all[n].name);
		add_text(page, i->related.all[n].text);
		buf_add_text(page->out, "\n");
	}
	buf_addf(page->out, "- [ ] %s\n", say(page, WORD_PREVENT));
}

void
story_markdown(const struct incident *i, enum language language, usec_t now_us, struct buf *out)
{
	const struct page page = { out, language };

	add_head(&page, i, now_us);
	add_impact(&page, i);
	add_cause(&page, i);
	add_evidence(&page, i);
	add_actions(&page, i);
	add_timeline(&page, i);
	add_follow_up(&page, i);
}
