/*
 * A notice in words for a tired reader on a phone: what, where, why, what it drags down, the first
 * remedy step.  Made once from the notice; each receiver dresses it up in its own markup, within
 * its own limits.  In English or Chinese.  Pure.
 */
#ifndef ALERTS_MESSAGE_H
#define ALERTS_MESSAGE_H

#include "base/buf.h"
#include "model/notice.h"

/* By severity, and good for resolved: colours and icons follow from it. */
enum message_mood {
	MESSAGE_GOOD,
	MESSAGE_INFO,
	MESSAGE_WARNING,
	MESSAGE_CRITICAL,
	MESSAGE_TEST,
	MESSAGE_MOODS
};

/* In the order in which they are read.  Where room is short, FACTS and MEMBERS take what the others
 * leave, then long texts become shorter, then parts are left out from the last one upwards.  A
 * command is whole or not there. */
enum message_part_kind {
	PART_WHY,     /* the cause and its explanation, with its confidence */
	PART_IMPACT,  /* what it drags down */
	PART_REMEDY,  /* the first step; `code` is its command; says when it is destructive */
	PART_TIMES,   /* since when; until when, when resolved; what came back first */
	PART_HOST,    /* where: host, target */
	PART_NOTE,    /* acknowledged by whom, flapping, reopened, why this message was sent */
	PART_FACTS,   /* the evidence */
	PART_MEMBERS, /* of a digest: one line each */
	PART_KINDS
};

struct message_part {
	enum message_part_kind kind;
	const char *label; /* "Why", "为什么"; never NULL */
	char *text;        /* may have several lines */
	char *code;        /* a command to copy; NULL: none */
	bool is_warned;    /* the command loses data or work: `text` says so */
	size_t left_out;   /* members of a digest that `text` does not list */
};

struct message {
	enum message_mood mood;
	const char *icon; /* "🔴" "🟠" "🔵" "🟢" "🧪" */
	unsigned colour;  /* 0xRRGGBB */
	char *status;     /* "CRITICAL", "RESOLVED after 12 min", "reminder, critical for 4 h" */
	char *headline;   /* "db: PostgreSQL refuses connections"; one line */
	char *summary;    /* one or two sentences; "" where the headline says it all */
	struct message_part *parts;
	size_t part_count;
	char *link;             /* of the incident; NULL: none */
	const char *link_label; /* "open incident" */
	char *footer;           /* "incident 3f9c2a7d41b8 · check-down" */
	enum language language;
};

struct message *message_new(
	const struct notice *notice, const char *daemon_name, enum language language);
void message_free(struct message *message);
const struct message_part *message_part(const struct message *m, enum message_part_kind kind);
/* The first line, or all that a notification shows: "🔴 CRITICAL · db: ..."; owned, no markup. */
char *message_title(const struct message *m);

/* How much room there is counts differently from place to place. */
enum message_unit { UNIT_BYTES, UNIT_CHARS, UNIT_UTF16 };

size_t message_measure(const char *text, enum message_unit unit);
/* A copy that fits into `max`, cut between characters, with "…" where it was cut. */
char *message_cut(const char *text, size_t max, enum message_unit unit);
/* The first `lines` of a part's text, and how many there are besides: "… and 88 more". */
char *message_part_lines(const struct message_part *part, size_t lines, enum language language);
/* A part's text that fits: the members of a digest are cut between lines, with "… and 88 more". */
char *message_part_cut(const struct message_part *part, size_t max, enum message_unit unit,
	enum language language);

/* A markup language: how a text is made harmless, and what stands around what. */
struct message_form {
	/* Appends `text`, a line without its end, so that none of it is markup.  NULL: as it is. */
	void (*escape)(struct buf *out, const char *text, size_t len);
	/* The same inside of code; NULL: as `escape`. */
	void (*escape_code)(struct buf *out, const char *text, size_t len);
	const char *bold[2], *code[2], *block[2]; /* before and after; NULL: nothing */
	const char *newline;                      /* "\n" */
	const char *paragraph;                    /* between parts; "\n" */
	/* Appends a link; NULL: "label: url". */
	void (*link)(struct buf *out, const char *label, const char *url);
	size_t max; /* of the whole, measured in: */
	enum message_unit unit;
	bool has_headline; /* the headline is part of the text, not a title apart */
};

/* The whole message as one text that never exceeds form->max, shortened as said above; markup is
 * never cut in two.  The title is the first line if has_headline.  Owned. */
char *message_render(const struct message *m, const struct message_form *form);

#endif
