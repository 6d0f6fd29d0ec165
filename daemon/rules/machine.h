/*
 * One level of one alert: true for long enough, false for long enough.  Pure: words and times in,
 * the next phase out.
 *
 *	         true                held                false
 *	QUIET ----------> PENDING ----------> FIRING <----------> CLEARING
 *	  ^                  |                          true          |
 *	  +---- false -------+                                        |
 *	  +--------------------------- held --------------------------+
 *
 * Unknown stops the clock of PENDING and CLEARING and changes nothing else.
 */
#ifndef RULES_MACHINE_H
#define RULES_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum level_phase { LEVEL_QUIET, LEVEL_PENDING, LEVEL_FIRING, LEVEL_CLEARING, LEVEL_PHASES };

enum level_word {
	HEARD_TRUE,
	HEARD_FALSE,
	HEARD_UNKNOWN,
	HEARD_HELD,  /* it has been so for as long as is asked */
	HEARD_RESET, /* the rule has no such level any more */
	LEVEL_WORDS
};

struct level_times {
	usec_t for_us;
	uint32_t for_samples; /* "for: 3 samples"; 0: by time */
	usec_t keep_us;
};

struct level {
	usec_t mark_us;   /* when the phase began; while the clock stands: how long it was */
	uint32_t samples; /* heard in this phase */
	uint8_t phase;
	bool is_frozen;
};

enum level_act {
	ACT_NONE = 1, /* 0 is a cell that somebody forgot */
	ACT_BEGIN,    /* the clock starts */
	ACT_COUNT,    /* one more; the clock goes on if it stood */
	ACT_FREEZE,   /* the clock stands */
	ACT_FORGET,
};

struct level_move {
	enum level_phase next;
	enum level_act act;
};

extern const struct level_move level_moves[LEVEL_PHASES][LEVEL_WORDS];

/* Takes a word in, and HELD after it where it is due. */
void level_hear(
	struct level *level, enum level_word word, const struct level_times *times, usec_t now_us);
/* Time alone has passed. */
void level_tick(struct level *level, const struct level_times *times, usec_t now_us);
/* When level_tick would change it; INT64_MAX: not before the next word. */
usec_t level_due(const struct level *level, const struct level_times *times);
bool level_is_on(const struct level *level); /* FIRING or CLEARING */
usec_t level_elapsed(const struct level *level, usec_t now_us);

#endif
