/*
 * What waits for one receiver.  Letters of one incident go in order, each only after the one before
 * it was taken or given up; incidents overtake each other, worst first.  A lane without letters is
 * a ledger entry: it says what the receiver was told last.
 *
 * Time in memory is monotonic, so that setting the wall clock neither expires nor hurries anything;
 * documents carry wall time, because only that means something after a restart.
 */
#include "deliver/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void
outbox_init(struct outbox *box, struct loop *loop)
{
	*box = (struct outbox){ .loop = loop, .lanes = map_new() };
	list_init(&box->busy);
}

static void
free_letter(struct letter *letter)
{
	notice_fini(&letter->notice);
	free(letter);
}

static void
free_lane(void *arg)
{
	struct lane *lane = arg;

	LIST_EACH_SAFE(it, &lane->letters)
	free_letter(LIST_ENTRY(it, struct letter, in_lane));
	free(lane->last_type);
	free(lane);
}

void
outbox_fini(struct outbox *box)
{
	map_free(box->lanes, free_lane);
	box->lanes = NULL;
}

struct lane *
outbox_find(const struct outbox *box, const char *incident)
{
	return map_get(box->lanes, incident);
}

struct lane *
outbox_lane(struct outbox *box, const char *incident)
{
	struct lane *lane = outbox_find(box, incident);

	if (lane != NULL)
		return lane;
	lane = xcalloc(1, sizeof(*lane));
	lane->box = box;
	str_copy(lane->incident, sizeof(lane->incident), incident);
	lane->sends_resolved = true;
	lane->repeat_from_us = loop_now(box->loop);
	list_init(&lane->letters);
	list_init(&lane->in_outbox);
	map_put(box->lanes, lane->incident, lane);
	return lane;
}

void
outbox_forget(struct outbox *box, struct lane *lane)
{
	map_remove(box->lanes, lane->incident);
	list_remove(&lane->in_outbox);
	free_lane(lane);
}

struct letter *
lane_first(const struct lane *lane)
{
	if (list_is_empty(&lane->letters))
		return NULL;
	return LIST_ENTRY(lane->letters.next, struct letter, in_lane);
}

bool
lane_hears(const struct lane *lane)
{
	return lane != NULL && !lane->is_ended && (lane->is_told || !list_is_empty(&lane->letters));
}

/* A reminder has the sequence of the event before it; then the hour decides. */
static bool
goes_before(const struct letter *a, const struct letter *b)
{
	if (a->notice.sequence != b->notice.sequence)
		return a->notice.sequence < b->notice.sequence;
	return a->created_us < b->created_us;
}

static void
insert(struct lane *lane, struct letter *letter)
{
	struct list *after = lane->letters.prev;

	while (after != &lane->letters &&
		goes_before(letter, LIST_ENTRY(after, struct letter, in_lane)))
		after = after->prev;
	list_prepend(after, &letter->in_lane);
}

void
outbox_enter(struct outbox *box, struct lane *lane, struct letter *letter)
{
	if (list_is_empty(&lane->letters))
		list_append(&box->busy, &lane->in_outbox);
	letter->lane = lane;
	insert(lane, letter);
	lane->is_ended = LIST_ENTRY(lane->letters.prev, struct letter, in_lane)->notice.is_resolved;
	box->count++;
}

struct letter *
outbox_new_letter(struct notice *notice)
{
	struct letter *letter = xcalloc(1, sizeof(*letter));

	list_init(&letter->in_lane);
	letter->notice = *notice;
	memset(notice, 0, sizeof(*notice));
	return letter;
}

struct letter *
outbox_add(struct outbox *box, struct lane *lane, struct notice *notice)
{
	struct letter *letter = outbox_new_letter(notice);

	letter->created_us = loop_wall(box->loop);
	letter->born_us = letter->due_us = loop_now(box->loop);
	outbox_enter(box, lane, letter);
	return letter;
}

void
outbox_drop(struct outbox *box, struct letter *letter)
{
	struct lane *lane = letter->lane;

	list_remove(&letter->in_lane);
	box->count--;
	if (list_is_empty(&lane->letters))
		list_remove(&lane->in_outbox);
	free_letter(letter);
}

/* The worst of what waits: an update to critical behind a warning makes its lane urgent. */
static enum severity
urgency(const struct lane *lane)
{
	enum severity worst = SEVERITY_OK;

	LIST_EACH(it, &lane->letters)
	{
		const struct letter *letter = LIST_ENTRY(it, struct letter, in_lane);

		if (letter->notice.severity > worst)
			worst = letter->notice.severity;
	}
	return worst;
}

static bool
is_more_urgent(const struct letter *a, enum severity a_level, const struct letter *b,
	enum severity b_level)
{
	if (b == NULL || a_level != b_level)
		return b == NULL || a_level > b_level;
	return a->born_us < b->born_us;
}

struct letter *
outbox_next(const struct outbox *box, uint64_t durable, usec_t *due_us)
{
	usec_t now = loop_now(box->loop);
	struct letter *best = NULL;
	enum severity best_level = SEVERITY_OK;

	*due_us = 0;
	LIST_EACH(it, &box->busy)
	{
		const struct lane *lane = LIST_ENTRY(it, struct lane, in_outbox);
		struct letter *letter = lane_first(lane);
		enum severity level;

		if (letter->run != NULL || letter->kept > durable)
			continue;
		if (letter->due_us > now) {
			if (*due_us == 0 || letter->due_us < *due_us)
				*due_us = letter->due_us;
			continue;
		}
		level = urgency(lane);
		if (is_more_urgent(letter, level, best, best_level)) {
			best = letter;
			best_level = level;
		}
	}
	return best;
}

void
outbox_hurry(struct outbox *box)
{
	usec_t now = loop_now(box->loop);

	LIST_EACH(it, &box->busy)
	{
		struct letter *letter = lane_first(LIST_ENTRY(it, struct lane, in_outbox));

		if (letter->tries > 0 && letter->due_us > now)
			letter->due_us = now;
	}
}

usec_t
letter_expires(const struct letter *letter)
{
	bool is_owed = letter->notice.is_resolved && letter->lane->is_told;

	return letter->born_us + (is_owed ? OUTBOX_ENDING_US : OUTBOX_DETAIL_US);
}

usec_t
outbox_oldest(const struct outbox *box)
{
	usec_t oldest = 0;

	LIST_EACH(it, &box->busy)
	{
		const struct letter *letter = lane_first(LIST_ENTRY(it, struct lane, in_outbox));

		if (oldest == 0 || letter->created_us < oldest)
			oldest = letter->created_us;
	}
	return oldest;
}

/* What hurts least goes first: details between a beginning and an end, then beginnings. */
static int
worth(const struct letter *letter)
{
	if (letter->notice.is_resolved)
		return 2;
	return str_eq(letter->notice.type, incident_event_name(INCIDENT_OPENED)) ? 1 : 0;
}

struct letter *
outbox_victim(const struct outbox *box)
{
	struct letter *victim = NULL;

	LIST_EACH(at, &box->busy)
	{
		const struct lane *lane = LIST_ENTRY(at, struct lane, in_outbox);

		LIST_EACH(it, &lane->letters)
		{
			struct letter *letter = LIST_ENTRY(it, struct letter, in_lane);

			if (letter->run != NULL)
				continue;
			if (victim == NULL || worth(letter) < worth(victim) ||
				(worth(letter) == worth(victim) &&
					letter->born_us < victim->born_us))
				victim = letter;
		}
	}
	return victim;
}
