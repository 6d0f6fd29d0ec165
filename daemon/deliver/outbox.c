/*
 * What waits for one receiver.  Letters of one incident go in order, each only after the one before
 * it was taken or given up; incidents overtake each other, worst first, and of the equally bad the
 * oldest.  A digest is a letter in a lane of its own.  A lane without letters is a ledger entry: it
 * says what the receiver was told last.
 *
 * Each lane with letters is in one heap, which says what its first letter waits for:
 *
 *	unwritten -> waiting -> ready	the disk, its time, its turn
 *
 * or in none while that is in flight, or on its way back from the disk, or a digest speaks for the
 * lane.  So the next letter costs a few steps, however many wait.
 *
 * Time in memory is monotonic, so that setting the wall clock neither expires nor hurries anything;
 * documents carry wall time, because only that means something after a restart.
 */
#include "deliver/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* ---- letters ---- */

const char *
letter_type(const char *name)
{
	if (str_eq(name, NOTICE_DIGEST))
		return NOTICE_DIGEST;
	if (str_eq(name, NOTICE_TEST))
		return NOTICE_TEST;
	for (int type = 0; type < INCIDENT_EVENT_TYPES; type++) {
		const char *known = incident_event_name((enum incident_event_type)type);

		if (str_eq(name, known))
			return known;
	}
	return NULL;
}

struct letter *
outbox_new_letter(void)
{
	struct letter *letter = xcalloc(1, sizeof(*letter));

	list_init(&letter->in_lane);
	list_init(&letter->in_memory);
	letter->events = 1;
	return letter;
}

void
letter_give_words(struct letter *letter, struct notice *notice)
{
	letter->notice = xmalloc(sizeof(*notice));
	*letter->notice = *notice;
	memset(notice, 0, sizeof(*notice));
	letter->is_about_delivery =
		str_eq(letter->notice->incident.cause_code, DELIVER_FAILED_CAUSE);
}

static void
free_words(void *arg)
{
	struct notice *notice = arg;

	notice_fini(notice);
	free(notice);
}

/* The room's list is told by who enters or leaves it. */
void
letter_take_words(struct letter *letter)
{
	if (letter->notice == NULL)
		return;
	free_words(letter->notice);
	letter->notice = NULL;
}

/* Thousands of letters may go at once, to a digest or to the disk: the loop frees so many a turn.
 */
void
letter_retire_words(struct letter *letter, struct loop *loop)
{
	if (letter->notice == NULL)
		return;
	loop_retire(loop, letter->notice, free_words);
	letter->notice = NULL;
}

void
letter_set_type(struct letter *letter, const char *type)
{
	letter->type = letter_type(type);
	if (letter->notice != NULL)
		xstrset(&letter->notice->type, type);
}

bool
letter_is_test(const struct letter *letter)
{
	return str_eq(letter->type, NOTICE_TEST);
}

/* A test is a whole story. */
bool
letter_is_opening(const struct letter *letter)
{
	return str_eq(letter->type, incident_event_name(INCIDENT_OPENED)) || letter_is_test(letter);
}

static void
free_letter(struct letter *letter)
{
	letter_take_words(letter);
	free(letter);
}

bool
letter_is_owed(const struct letter *letter)
{
	const struct lane *lane = letter->lane;
	bool is_known = lane->is_told || (lane->digest != NULL && !lane->does_digest_end);

	return letter->is_owed || (letter->is_resolved && is_known);
}

usec_t
letter_expires(const struct letter *letter)
{
	bool is_owed = letter_is_owed(letter);

	if (letter->refused_us != 0 && !letter->is_shut_out)
		return letter->refused_us + OUTBOX_DETAIL_US;
	return letter->born_us + (is_owed ? OUTBOX_ENDING_US : OUTBOX_DETAIL_US);
}

/* ---- the box ---- */

void
outbox_init(struct outbox *box, struct loop *loop)
{
	*box = (struct outbox){ .loop = loop, .lanes = map_new() };
	list_init(&box->busy);
	list_init(&box->fresh);
	list_init(&box->over);
	list_init(&box->resident);
	heap_init(&box->unwritten);
	heap_init(&box->waiting);
	for (size_t i = 0; i < LEVELS; i++)
		heap_init(&box->ready[i]);
	heap_init(&box->expiry);
	heap_init(&box->birth);
}

static void
free_lane(void *arg)
{
	struct lane *lane = arg;

	LIST_EACH_SAFE(it, &lane->letters)
	free_letter(LIST_ENTRY(it, struct letter, in_lane));
	if (lane->last != NULL)
		notice_fini(lane->last);
	free(lane->last);
	json_decref(lane->memory);
	free(lane->last_type);
	free(lane->last_reason);
	free(lane);
}

void
outbox_fini(struct outbox *box)
{
	map_free(box->lanes, free_lane);
	box->lanes = NULL;
	heap_fini(&box->unwritten);
	heap_fini(&box->waiting);
	for (size_t i = 0; i < LEVELS; i++)
		heap_fini(&box->ready[i]);
	heap_fini(&box->expiry);
	heap_fini(&box->birth);
}

/* ---- lanes ---- */

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
	list_init(&lane->in_fresh);
	map_put(box->lanes, lane->incident, lane);
	return lane;
}

static void
unplace(struct outbox *box, struct lane *lane)
{
	if (lane->turn_in != NULL)
		heap_remove(lane->turn_in, &lane->turn);
	lane->turn_in = NULL;
	heap_remove(&box->expiry, &lane->expiry);
	heap_remove(&box->birth, &lane->birth);
}

static void
leave_over(struct outbox *box, struct lane *lane)
{
	if (!lane->is_over)
		return;
	lane->is_over = false;
	list_remove(&lane->in_outbox);
	box->over_count--;
}

void
outbox_forget(struct outbox *box, struct lane *lane)
{
	unplace(box, lane);
	leave_over(box, lane);
	map_remove(box->lanes, lane->incident);
	list_remove(&lane->in_outbox);
	free_lane(lane);
}

/* In order of when it was told last; after a restart they come in any order. */
void
outbox_archive(struct outbox *box, struct lane *lane)
{
	struct list *after = box->over.prev;

	if (lane->is_over)
		return;
	while (after != &box->over &&
		LIST_ENTRY(after, struct lane, in_outbox)->told_us > lane->told_us)
		after = after->prev;
	list_remove(&lane->in_outbox);
	list_prepend(after, &lane->in_outbox);
	lane->is_over = lane->is_ended = true;
	box->over_count++;
}

void
outbox_bind(struct outbox *box, struct lane *lane, struct letter *digest, bool is_over)
{
	leave_over(box, lane);
	lane->digest = digest;
	lane->does_digest_end = is_over;
	if (digest != NULL && lane_first(lane) == NULL)
		lane->is_ended = is_over || lane->ends_untold;
	outbox_place(box, lane);
}

struct letter *
lane_first(const struct lane *lane)
{
	if (list_is_empty(&lane->letters))
		return NULL;
	return LIST_ENTRY(lane->letters.next, struct letter, in_lane);
}

bool
lane_waits(const struct lane *lane)
{
	return lane->digest != NULL || !list_is_empty(&lane->letters);
}

bool
lane_hears(const struct lane *lane)
{
	return lane != NULL && !lane->is_ended && (lane->is_told || lane_waits(lane));
}

/* The worst of what waits: an update to critical behind a warning makes its lane urgent. */
static size_t
urgency(const struct lane *lane)
{
	size_t level = LEVELS - 1;

	while (level > 0 && lane->levels[level] == 0)
		level--;
	return level;
}

/* ---- whose turn it is ---- */

static void
insert_node(struct heap *heap, struct heap_node *node, usec_t due)
{
	node->due = due;
	heap_insert(heap, node);
}

static struct heap *
heap_for(struct outbox *box, const struct lane *lane, const struct letter *first, usec_t *key)
{
	if (first->kept > box->durable) {
		*key = (usec_t)first->kept;
		return &box->unwritten;
	}
	if (first->due_us > loop_now(box->loop)) {
		*key = first->due_us;
		return &box->waiting;
	}
	*key = first->born_us;
	return &box->ready[urgency(lane)];
}

/* A message of its own is edited for this incident: it must not go on for ever there. */
static bool
has_own_ending(const struct lane *lane, const struct letter *letter)
{
	return letter->is_resolved && !letter->is_whole && lane->memory != NULL;
}

static void
place_fresh(struct outbox *box, struct lane *lane, const struct letter *first)
{
	bool was_fresh = !list_is_empty(&lane->in_fresh);
	bool is_fresh = first != NULL && first->is_fresh && first->notice != NULL &&
			!has_own_ending(lane, first) && lane->digest == NULL &&
			!lane->is_refreshing;

	if (is_fresh == was_fresh)
		return;
	if (is_fresh)
		list_append(&box->fresh, &lane->in_fresh);
	else
		list_remove(&lane->in_fresh);
	box->fresh_count += is_fresh ? 1 : (size_t)-1;
}

void
outbox_place(struct outbox *box, struct lane *lane)
{
	struct letter *first = lane_first(lane);
	usec_t key;

	unplace(box, lane);
	place_fresh(box, lane, first);
	if (first == NULL || first->run != NULL)
		return;
	insert_node(&box->expiry, &lane->expiry, letter_expires(first));
	insert_node(&box->birth, &lane->birth, first->born_us);
	if (first->is_loading || lane->digest != NULL || lane->is_refreshing)
		return;
	lane->turn_in = heap_for(box, lane, first, &key);
	insert_node(lane->turn_in, &lane->turn, key);
}

static struct lane *
lane_of_turn(struct heap_node *node)
{
	return LIST_ENTRY(node, struct lane, turn);
}

/* What was waiting for the disk or for its time goes on to where it belongs now. */
static void
advance(struct outbox *box)
{
	struct heap_node *node;

	while ((node = heap_first(&box->unwritten)) != NULL && node->due <= (usec_t)box->durable)
		outbox_place(box, lane_of_turn(node));
	while ((node = heap_first(&box->waiting)) != NULL && node->due <= loop_now(box->loop))
		outbox_place(box, lane_of_turn(node));
}

struct letter *
outbox_next(struct outbox *box, uint64_t durable, usec_t *due_us)
{
	struct heap_node *node = NULL;

	box->durable = durable;
	advance(box);
	for (size_t level = LEVELS; level > 0 && node == NULL; level--)
		node = heap_first(&box->ready[level - 1]);
	*due_us = 0;
	if (node != NULL)
		return lane_first(lane_of_turn(node));
	node = heap_first(&box->waiting);
	if (node != NULL)
		*due_us = node->due;
	return NULL;
}

void
outbox_hurry(struct outbox *box)
{
	usec_t now = loop_now(box->loop);

	LIST_EACH(it, &box->busy)
	{
		struct lane *lane = LIST_ENTRY(it, struct lane, in_outbox);
		struct letter *letter = lane_first(lane);

		if (letter->tries == 0 || letter->due_us <= now)
			continue;
		letter->due_us = now;
		outbox_place(box, lane);
	}
}

usec_t
outbox_oldest(const struct outbox *box)
{
	struct heap_node *node = heap_first(&box->birth);
	usec_t oldest = 0;

	if (node != NULL)
		return lane_first(LIST_ENTRY(node, struct lane, birth))->created_us;
	LIST_EACH(it, &box->busy) /* all that waits is in flight: a few */
	{
		const struct letter *letter = lane_first(LIST_ENTRY(it, struct lane, in_outbox));

		if (oldest == 0 || letter->created_us < oldest)
			oldest = letter->created_us;
	}
	return oldest;
}

/* ---- coming and going ---- */

/* A reminder has the sequence of the event before it; then the hour decides. */
static bool
goes_before(const struct letter *a, const struct letter *b)
{
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence;
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
	leave_over(box, lane);
	if (list_is_empty(&lane->letters))
		list_append(&box->busy, &lane->in_outbox);
	letter->lane = lane;
	insert(lane, letter);
	lane->levels[letter->severity]++;
	lane->is_ended = lane->ends_untold || letter_is_test(letter) ||
			 LIST_ENTRY(lane->letters.prev, struct letter, in_lane)->is_resolved;
	box->count++;
	if (letter->notice != NULL) {
		list_append(&box->resident, &letter->in_memory);
		box->resident_count++;
	}
	outbox_place(box, lane);
}

/* The wall clock, but never before what waits already: it tells reminders of one event apart. */
static usec_t
next_hour(const struct outbox *box, const struct lane *lane)
{
	usec_t wall_us = loop_wall(box->loop);
	const struct letter *last;

	if (list_is_empty(&lane->letters))
		return wall_us;
	last = LIST_ENTRY(lane->letters.prev, struct letter, in_lane);
	return last->created_us >= wall_us ? last->created_us + 1 : wall_us;
}

struct letter *
outbox_add(struct outbox *box, struct lane *lane, struct notice *notice)
{
	struct letter *letter = outbox_new_letter();

	memcpy(letter->id, notice->id, sizeof(letter->id));
	letter->type = letter_type(notice->type);
	letter->severity = letter->worst = notice->severity;
	letter->sequence = notice->sequence;
	letter->is_resolved = notice->is_resolved;
	letter_give_words(letter, notice);
	letter->created_us = next_hour(box, lane);
	letter->born_us = letter->due_us = letter->first_us = loop_now(box->loop);
	outbox_enter(box, lane, letter);
	return letter;
}

void
outbox_drop(struct outbox *box, struct letter *letter)
{
	struct lane *lane = letter->lane;

	list_remove(&letter->in_lane);
	lane->levels[letter->severity]--;
	box->count--;
	if (letter->notice != NULL) {
		list_remove(&letter->in_memory);
		box->resident_count--;
	}
	if (list_is_empty(&lane->letters))
		list_remove(&lane->in_outbox);
	letter_retire_words(letter, box->loop);
	free_letter(letter);
	outbox_place(box, lane);
}

/* ---- no room ---- */

/* What hurts least goes first: details between a beginning and an end, then beginnings.  Endings
 * that somebody waits for stay. */
static int
worth(const struct letter *letter)
{
	if (letter->run != NULL || letter->lane->is_digest || letter->is_resolved)
		return 2;
	return letter_is_opening(letter) ? 1 : 0;
}

static int
by_worth(const void *left, const void *right)
{
	const struct letter *a = *(struct letter *const *)left;
	const struct letter *b = *(struct letter *const *)right;

	if (worth(a) != worth(b))
		return worth(a) < worth(b) ? -1 : 1;
	return a->born_us < b->born_us ? -1 : a->born_us > b->born_us;
}

struct letter **
outbox_victims(const struct outbox *box, size_t max, size_t *count)
{
	struct letter **all = xcalloc(box->count + 1, sizeof(struct letter *));

	*count = 0;
	LIST_EACH(at, &box->busy)
	{
		LIST_EACH(it, &LIST_ENTRY(at, struct lane, in_outbox)->letters)
		{
			struct letter *letter = LIST_ENTRY(it, struct letter, in_lane);

			if (worth(letter) < 2)
				all[(*count)++] = letter;
		}
	}
	if (*count > 1)
		qsort(all, *count, sizeof(struct letter *), by_worth);
	if (*count > max)
		*count = max;
	return all;
}
