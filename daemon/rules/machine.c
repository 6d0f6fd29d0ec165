/* The alert machine's table, and the one function that walks it. */
#include "rules/machine.h"

const struct level_move level_moves[LEVEL_PHASES][LEVEL_WORDS] = {
	[LEVEL_QUIET] = {
		[HEARD_TRUE] = { LEVEL_PENDING, ACT_BEGIN },
		[HEARD_FALSE] = { LEVEL_QUIET, ACT_NONE },
		[HEARD_UNKNOWN] = { LEVEL_QUIET, ACT_NONE },
		[HEARD_HELD] = { LEVEL_QUIET, ACT_NONE },
		[HEARD_RESET] = { LEVEL_QUIET, ACT_NONE },
	},
	[LEVEL_PENDING] = {
		[HEARD_TRUE] = { LEVEL_PENDING, ACT_COUNT },
		[HEARD_FALSE] = { LEVEL_QUIET, ACT_FORGET },
		[HEARD_UNKNOWN] = { LEVEL_PENDING, ACT_FREEZE },
		[HEARD_HELD] = { LEVEL_FIRING, ACT_FORGET },
		[HEARD_RESET] = { LEVEL_QUIET, ACT_FORGET },
	},
	[LEVEL_FIRING] = {
		[HEARD_TRUE] = { LEVEL_FIRING, ACT_NONE },
		[HEARD_FALSE] = { LEVEL_CLEARING, ACT_BEGIN },
		[HEARD_UNKNOWN] = { LEVEL_FIRING, ACT_NONE },
		[HEARD_HELD] = { LEVEL_FIRING, ACT_NONE },
		[HEARD_RESET] = { LEVEL_QUIET, ACT_FORGET },
	},
	[LEVEL_CLEARING] = {
		[HEARD_TRUE] = { LEVEL_FIRING, ACT_FORGET },
		[HEARD_FALSE] = { LEVEL_CLEARING, ACT_COUNT },
		[HEARD_UNKNOWN] = { LEVEL_CLEARING, ACT_FREEZE },
		[HEARD_HELD] = { LEVEL_QUIET, ACT_FORGET },
		[HEARD_RESET] = { LEVEL_QUIET, ACT_FORGET },
	},
};

static void
move(struct level *level, enum level_word word, usec_t now_us)
{
	const struct level_move *to = &level_moves[level->phase][word];

	level->phase = (uint8_t)to->next;
	switch (to->act) {
	case ACT_NONE:
		break;
	case ACT_BEGIN:
		level->mark_us = now_us;
		level->samples = 1;
		level->is_frozen = false;
		break;
	case ACT_COUNT:
		if (level->is_frozen)
			level->mark_us = now_us - level->mark_us;
		level->is_frozen = false;
		level->samples++;
		break;
	case ACT_FREEZE:
		if (!level->is_frozen)
			level->mark_us = now_us - level->mark_us;
		level->is_frozen = true;
		break;
	case ACT_FORGET:
		level->mark_us = 0;
		level->samples = 0;
		level->is_frozen = false;
		break;
	}
}

/* One sample that is true says nothing about a minute: a time needs two of them to be believed. */
static bool
has_samples(const struct level *level, const struct level_times *times)
{
	uint32_t needed = times->for_samples ? times->for_samples : times->for_us > 0 ? 2 : 1;

	return level->phase != LEVEL_PENDING || level->samples >= needed;
}

usec_t
level_due(const struct level *level, const struct level_times *times)
{
	bool is_waiting = level->phase == LEVEL_PENDING || level->phase == LEVEL_CLEARING;

	if (!is_waiting || level->is_frozen || !has_samples(level, times))
		return INT64_MAX;
	return level->mark_us + (level->phase == LEVEL_PENDING ? times->for_us : times->keep_us);
}

void
level_tick(struct level *level, const struct level_times *times, usec_t now_us)
{
	if (level_due(level, times) <= now_us)
		move(level, HEARD_HELD, now_us);
}

void
level_hear(
	struct level *level, enum level_word word, const struct level_times *times, usec_t now_us)
{
	move(level, word, now_us);
	level_tick(level, times, now_us);
}

bool
level_is_on(const struct level *level)
{
	return level->phase == LEVEL_FIRING || level->phase == LEVEL_CLEARING;
}

usec_t
level_elapsed(const struct level *level, usec_t now_us)
{
	if (level->phase == LEVEL_QUIET || level->phase == LEVEL_FIRING)
		return 0;
	return level->is_frozen ? level->mark_us : now_us - level->mark_us;
}
