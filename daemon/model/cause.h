/*
 * The causes: stable codes `layer.reason` with their level and words, one list in causes.def.  A
 * code that is not in the list does not exist.
 */
#ifndef MODEL_CAUSE_H
#define MODEL_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

enum severity { SEVERITY_OK, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };

enum language { LANG_EN, LANG_ZH, LANG_COUNT };

/* A text with {check}, {type}, {target} and {text} (what the sample said) to be filled in. */
struct cause {
	const char *code;                           /* "net.refused" */
	enum severity level;                        /* at once */
	usec_t warning_after_us, critical_after_us; /* 0: does not rise with age */
	const char *title[LANG_COUNT];              /* "{check} refuses connections" */
	const char *why[LANG_COUNT];                /* one or two sentences: what this means */
	const char *remedy[LANG_COUNT];             /* the first thing to do */
};

const struct cause *cause_find(const char *code); /* NULL: no such code */
const struct cause *cause_get(const char *code);  /* asserts that it exists: codes in our source */
size_t cause_count(void);
const struct cause *cause_at(size_t index);
/* Something that happened, not something that lasts: its end says only that it was not seen again.
 */
bool cause_is_event(const char *code); /* NULL, unknown: false */
enum severity cause_level_at_age(const struct cause *cause, usec_t age_us);

const char *severity_name(enum severity severity); /* "ok" "info" "warning" "critical" */
int severity_parse(const char *text);              /* -1: no such level */

/* Fills {placeholders} of `text` into out; unknown ones are left as they are. */
struct cause_words {
	const char *check, *type, *target, *text;
};
void cause_fill(char *out, size_t size, const char *text, const struct cause_words *words);

#endif
