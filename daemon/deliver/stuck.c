/*
 * Do notices still reach anybody?  They do not when one has waited for too long and no receiver has
 * taken anything since it was written.
 *
 * One dead receiver beside others that work is no reason: giving up there is told through them. Nor
 * is a notice that is a day old: by then it is given up, or an ending that waits for thirty days.
 * The system's own records (syslog, journal) are no one who could be told, unless they are all
 * there is.
 */
#include <stdio.h>

#include "base/str.h"
#include "deliver/outlet.h"

static bool
is_record(const struct outlet *outlet)
{
	return str_eq(outlet->type->name, "syslog") || str_eq(outlet->type->name, "journal");
}

/* Whoever reads what it is told. */
static bool
counts(const struct outlet *outlet, bool has_readers)
{
	return outlet->type != NULL && !outlet->is_fallback && (!has_readers || !is_record(outlet));
}

static bool
has_readers(const struct deliver *deliver)
{
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (counts(outlet, false) && !is_record(outlet))
			return true;
	}
	return false;
}

/* When it last took something (wall); the ledger knows of earlier lives. */
static usec_t
last_taken(const struct outlet *outlet)
{
	usec_t last_us = outlet->last_success_us;
	size_t at = 0;
	const char *id;
	void *value;

	while (map_next(outlet->box.lanes, &at, &id, &value)) {
		const struct lane *lane = value;

		if (lane->told_us > last_us)
			last_us = lane->told_us;
	}
	return last_us;
}

/* How long its oldest notice of today has waited. */
static usec_t
waiting_for(const struct outlet *outlet)
{
	usec_t now = loop_now(outlet->deliver->loop), most_us = 0;

	LIST_EACH(it, &outlet->box.busy)
	{
		const struct letter *letter = lane_first(LIST_ENTRY(it, struct lane, in_outbox));
		usec_t age_us = now - letter->born_us;

		if (age_us < OUTBOX_DETAIL_US && age_us > most_us)
			most_us = age_us;
	}
	return most_us;
}

static bool
was_anything_taken(const struct deliver *deliver, usec_t since_us, bool readers)
{
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (counts(outlet, readers) && last_taken(outlet) >= since_us)
			return true;
	}
	return false;
}

bool
deliver_is_stuck(const struct deliver *deliver, usec_t after_us, char *why, size_t size)
{
	bool readers = has_readers(deliver);

	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		usec_t age_us = counts(outlet, readers) ? waiting_for(outlet) : 0;
		char age[32];

		if (age_us < after_us || age_us == 0 ||
			was_anything_taken(deliver, loop_wall(deliver->loop) - age_us, readers))
			continue;
		clock_format_duration(age_us / USEC_PER_SEC * USEC_PER_SEC, age, sizeof(age));
		snprintf(why, size, "receiver %s: a notice waits for %s, and nobody has taken any",
			outlet->name, age);
		return true;
	}
	return false;
}
