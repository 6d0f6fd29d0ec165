/* The words of messages in each language, and how they write times.  Pure. */
#ifndef ALERTS_MESSAGE_WORDS_H
#define ALERTS_MESSAGE_WORDS_H

#include "base/buf.h"
#include "base/clock.h"
#include "model/cause.h"

enum message_word {
	/* severities */
	SAY_INFO,
	SAY_WARNING,
	SAY_CRITICAL,
	/* statuses; {1} is the severity */
	SAY_FIRES,
	SAY_AGAIN,
	SAY_UPDATE,
	SAY_WORSE,
	SAY_BETTER,
	SAY_REMINDER,
	SAY_ACKED,
	SAY_UNACKED,
	SAY_RESOLVED,
	SAY_REMOVED,
	SAY_MERGED,
	SAY_TEST,
	/* labels */
	SAY_WHY,
	SAY_WAS,
	SAY_IMPACT,
	SAY_HAD_IMPACT,
	SAY_REMEDY,
	SAY_FIRST_STEP,
	SAY_SINCE,
	SAY_TIME,
	SAY_WHERE,
	SAY_NOTE,
	SAY_FACTS,
	SAY_MEMBERS,
	SAY_OPEN_LINK,
	SAY_COLON,
	SAY_COMMA,
	/* texts */
	SAY_LIKELY,
	SAY_POSSIBLE,
	SAY_AND_MORE,
	SAY_DESTRUCTIVE,
	SAY_FIRST_OF,
	SAY_RUNBOOK,
	SAY_BEGAN,
	SAY_LASTS,
	SAY_LASTED,
	SAY_FIRST_BACK,
	SAY_PRO,
	SAY_CON,
	SAY_FACT,
	SAY_MORE_LINES,
	SAY_INCIDENT,
	/* notes */
	SAY_ACK_BY,
	SAY_ACK_WORDS,
	SAY_ACK_UNTIL,
	SAY_FLAPPING,
	SAY_REOPENED,
	SAY_NEW_IMPACT,
	SAY_NEW_ROOT,
	SAY_NEW_CAUSE,
	SAY_NEW_FACTS,
	SAY_STILL_OPEN,
	SAY_TOLD_LATE,
	SAY_IS_REMOVED,
	SAY_IS_MERGED,
	SAY_RELATED,
	/* digest and test */
	SAY_ONE_INCIDENT,
	SAY_INCIDENTS,
	SAY_COUNT_CRITICAL,
	SAY_COUNT_WARNING,
	SAY_COUNT_INFO,
	SAY_COUNT_RESOLVED,
	SAY_DIGEST,
	SAY_MEMBER,
	SAY_MEMBER_OPEN,
	SAY_MEMBER_OVER,
	SAY_TEST_HEADLINE,
	SAY_TEST_SUMMARY,
	SAY_SENT,
	SAY_TEST_OF,
	SAY_WORDS
};

const char *message_word(enum message_word word, enum language language);

/* Appends the words with {1}, {2} and {3} filled in; NULL: "". */
struct message_fill {
	const char *first, *second, *third;
};
void message_say(struct buf *out, enum language language, enum message_word word,
	const struct message_fill *fill);
char *message_said(enum language language, enum message_word word, const struct message_fill *fill);

#define MESSAGE_TIME_SIZE 48
/* "12 min", "3 d 4 h": the two largest units, rounded down. */
void message_duration(usec_t us, enum language language, char out[MESSAGE_TIME_SIZE]);
/* "03:04", with its date when that is not the one of `day_us`.  UTC. */
void message_clock(usec_t wall_us, usec_t day_us, char out[MESSAGE_TIME_SIZE]);

#endif
