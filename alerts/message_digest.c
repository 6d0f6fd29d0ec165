/* Many incidents in one message: how many of which kind, then a line for each, worst first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message_make.h"
#include "base/mem.h"
#include "base/str.h"

#define LINES_MAX 100 /* nobody reads more, and no place takes more */
#define TITLE_MAX 120
#define CAUSE_MAX 80

#define FILL(...) (&(struct message_fill){ __VA_ARGS__ })

static enum message_mood
mood_of(const struct digest_item *item)
{
	return item->is_resolved ? MESSAGE_GOOD : message_mood_of(item->severity);
}

static void
count_moods(const struct digest *digest, size_t counts[MESSAGE_MOODS])
{
	memset(counts, 0, MESSAGE_MOODS * sizeof(counts[0]));
	for (size_t i = 0; i < digest->count; i++)
		counts[mood_of(&digest->items[i])]++;
}

/* "3 critical, 5 warning, 90 resolved" */
static char *
say_counts(const size_t counts[MESSAGE_MOODS], enum language language)
{
	static const struct {
		enum message_mood mood;
		enum message_word word;
	} rows[] = {
		{ MESSAGE_CRITICAL, SAY_COUNT_CRITICAL },
		{ MESSAGE_WARNING, SAY_COUNT_WARNING },
		{ MESSAGE_INFO, SAY_COUNT_INFO },
		{ MESSAGE_GOOD, SAY_COUNT_RESOLVED },
	};
	struct buf out;
	char number[24];

	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (counts[rows[i].mood] == 0)
			continue;
		if (buf_left(&out) > 0)
			buf_add_text(&out, message_word(SAY_COMMA, language));
		snprintf(number, sizeof(number), "%zu", counts[rows[i].mood]);
		message_say(&out, language, rows[i].word, FILL(number, NULL, NULL));
	}
	return buf_take_text(&out);
}

static char *
say_when(const struct digest_item *item, usec_t at_us, enum language language)
{
	char from[MESSAGE_TIME_SIZE], until[MESSAGE_TIME_SIZE];

	message_clock(item->started_us, at_us, from);
	if (item->resolved_us <= 0)
		return message_said(language, SAY_MEMBER_OPEN, FILL(from, NULL, NULL));
	message_clock(item->resolved_us, at_us, until);
	return message_said(language, SAY_MEMBER_OVER, FILL(from, until, NULL));
}

static void
add_member(struct buf *out, const struct digest_item *item, usec_t at_us, enum language language)
{
	char *headline = message_make_headline(item->check, item->title, language);
	char *cut = message_cut(headline, TITLE_MAX, UNIT_CHARS);
	char *cause = message_clean_line(item->cause, CAUSE_MAX);
	const char *bare = str_skip_label(cause, item->check);
	char *when = say_when(item, at_us, language);

	if (*bare != '\0' && strstr(headline, bare) == NULL) {
		char *more = xasprintf("%s%s%s", cut, message_word(SAY_COLON, language), bare);

		free(cut);
		cut = more;
	}
	if (buf_left(out) > 0)
		buf_add_text(out, "\n");
	message_say(out, language, SAY_MEMBER, FILL(message_icon(mood_of(item)), cut, when));
	free(headline);
	free(cut);
	free(cause);
	free(when);
}

void
message_make_digest(struct message *m, const struct notice *notice)
{
	const struct digest *digest = notice->digest;
	size_t counts[MESSAGE_MOODS], shown = digest->count < LINES_MAX ? digest->count : LINES_MAX;
	struct buf members;
	char number[24];

	count_moods(digest, counts);
	m->mood = MESSAGE_GOOD;
	for (int mood = MESSAGE_INFO; mood <= MESSAGE_CRITICAL; mood++) {
		if (counts[mood] > 0)
			m->mood = (enum message_mood)mood;
	}
	snprintf(number, sizeof(number), "%zu", digest->count);
	m->status = message_said(m->language, digest->count == 1 ? SAY_ONE_INCIDENT : SAY_INCIDENTS,
		FILL(number, NULL, NULL));
	m->headline = say_counts(counts, m->language);
	m->summary = xstrdup(message_word(SAY_DIGEST, m->language));
	buf_init(&members, 0);
	for (size_t i = 0; i < shown; i++)
		add_member(&members, &digest->items[i], notice->at_us, m->language);
	message_add_part(m, PART_MEMBERS, SAY_MEMBERS, buf_take_text(&members));
	if (m->part_count > 0)
		m->parts[m->part_count - 1].left_out = digest->count - shown;
}
