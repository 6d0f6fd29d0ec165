/*
 * What leaves a lane without having been taken: refused, too old, no room.  Expiry drops details,
 * never endings: who was told that something goes on hears that it is over, for thirty days.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"

#define CULL 64 /* one in so many goes at once when there is no room: choosing costs a walk */

/* The receiver knows of it, or will when the digest that is on its way was taken. */
static bool
is_known(const struct lane *lane)
{
	return lane->is_told || lane->digest != NULL;
}

/*
 * After a letter left the lane: what follows must still make sense to the receiver.  The end of a
 * story that it never heard is not told; the middle becomes the beginning, when its turn comes or
 * here, where its words are at hand.  The lane may be gone then.
 */
void
outlet_tidy(struct outlet *outlet, struct lane *lane)
{
	struct letter *letter = lane_first(lane);

	while (letter != NULL && !is_known(lane) && letter->is_resolved && !letter->is_whole &&
		letter->run == NULL && !lane->is_digest) {
		outlet_drop(outlet, letter);
		letter = lane_first(lane);
	}
	if (letter == NULL && lane->digest == NULL && (lane->is_ended || lane->is_digest)) {
		outlet_close(outlet, lane);
		return;
	}
	if (letter != NULL && !is_known(lane) && !letter_is_opening(letter) && !letter->is_whole &&
		letter->tries == 0 && letter->run == NULL && letter->notice != NULL &&
		!lane->is_digest) {
		letter_set_type(letter, incident_event_name(INCIDENT_OPENED));
		outlet_keep_letter(outlet, letter);
	}
	outlet_keep_lane(outlet, lane);
	outbox_place(&outlet->box, lane);
}

void
outlet_give_up(struct outlet *outlet, struct letter *letter, const char *why)
{
	struct lane *lane = letter->lane;

	log_error("receiver %s: gave up %s of incident %s (%s): %s", outlet->name, letter->type,
		lane->incident, letter->id, why);
	/* The alert about a failed delivery must not breed alerts about itself. */
	if (!letter->is_about_delivery && !outlet->is_fallback && outlet->type != NULL)
		outlet_set_trouble(outlet, why);
	outlet->given_up++;
	lane->repeat_from_us = loop_now(outlet->deliver->loop);
	if (lane->is_digest)
		merge_release(outlet, letter);
	outlet_drop(outlet, letter);
	outlet_tidy(outlet, lane);
}

/* ---- old age ---- */

static const char *
reason_of(const struct letter *letter)
{
	if (letter->refused_us != 0 && !letter->is_shut_out)
		return "refused for 24 hours";
	return letter_is_owed(letter) ? "not taken for 30 days" : "not taken for 24 hours";
}

/* The process before us may have sent it, and died before it wrote down that it was taken: then the
 * end is owed. */
static void
presume_heard(struct outlet *outlet, struct letter *letter)
{
	if (letter->is_fresh)
		return;
	if (letter->lane->is_digest)
		merge_presume_heard(outlet, letter);
	else if (!letter->is_resolved)
		letter->lane->is_told = true;
}

static void
expire(struct outlet *outlet, struct letter *letter, bool is_quiet)
{
	struct lane *lane = letter->lane;

	if (is_quiet)
		presume_heard(outlet, letter);
	if (lane->is_digest && !letter->is_owed && merge_shrink(outlet, letter)) {
		log_error("receiver %s: a digest (%s) was not taken for 24 hours: only endings "
			  "stay in it",
			outlet->name, letter->id);
		if (!is_quiet)
			outlet_set_trouble(outlet, "not taken for 24 hours");
		return;
	}
	if (!is_quiet) {
		outlet_give_up(outlet, letter, reason_of(letter));
		return;
	}
	log_notice("receiver %s: %s of incident %s (%s) is too old by now: left out", outlet->name,
		letter->type, lane->incident, letter->id);
	if (lane->is_digest)
		merge_release(outlet, letter);
	outlet_drop(outlet, letter);
	outlet_tidy(outlet, lane);
}

/* A receiver that is not in the settings now may come back: all is kept for the longer time. */
static struct letter *
find_expired(struct outlet *outlet)
{
	usec_t now = loop_now(outlet->deliver->loop);
	struct heap_node *node;

	if (outlet->type == NULL) {
		node = heap_first(&outlet->box.birth);
		return node != NULL && node->due + OUTBOX_ENDING_US <= now
			       ? lane_first(LIST_ENTRY(node, struct lane, birth))
			       : NULL;
	}
	node = heap_first(&outlet->box.expiry);
	return node != NULL && node->due <= now ? lane_first(LIST_ENTRY(node, struct lane, expiry))
						: NULL;
}

void
outlet_expire(struct outlet *outlet, bool is_quiet)
{
	struct letter *letter;

	while ((letter = find_expired(outlet)) != NULL)
		expire(outlet, letter, is_quiet || outlet->type == NULL);
}

/* ---- no room ---- */

static void
cull(struct outlet *outlet, size_t max)
{
	size_t count;
	struct letter **victims = outbox_victims(&outlet->box, max, &count);

	for (size_t i = 0; i < count; i++)
		outlet_give_up(outlet, victims[i], "too many notices wait for this receiver");
	free(victims);
}

void
outlet_make_room(struct outlet *outlet)
{
	const struct outbox *box = &outlet->box;

	if (box->count > OUTBOX_MAX)
		cull(outlet, OUTBOX_MAX / CULL);
	else if (outlet->deliver->is_unsaved && box->resident_count > OUTBOX_UNSAVED)
		cull(outlet, OUTBOX_UNSAVED / CULL);
}

/* ---- the ledger's own age ---- */

static bool
is_abandoned(const struct lane *lane, const struct map *open, usec_t limit_us)
{
	return !lane_waits(lane) && !lane->is_refreshing && lane->repeat_from_us < limit_us &&
	       map_get(open, lane->incident) == NULL;
}

/* Entries of what was over long ago, and those whose incident went without a word, such as after a
 * lost database. */
void
outlet_sweep(struct outlet *outlet, const struct map *open)
{
	usec_t limit_us = loop_now(outlet->deliver->loop) - OUTBOX_ENDING_US;
	struct lane **old = xcalloc(map_count(outlet->box.lanes) + 1, sizeof(struct lane *));
	size_t at = 0, count = 0;
	const char *id;
	void *value;

	while (map_next(outlet->box.lanes, &at, &id, &value)) {
		if (is_abandoned(value, open, limit_us))
			old[count++] = value;
	}
	for (size_t i = 0; i < count; i++)
		outlet_forget(outlet, old[i]);
	free(old);
}
