/*
 * What people are told in one message.  Only letters that were never tried are merged, and only for
 * receivers that people read; machines get every event.
 *
 * Within a lane, what waits untried collapses into one letter with the newest state, under the id
 * of the newest event.  Over the lanes, it becomes one digest when more of it is due than the
 * receiver's rate lets go, when MANY incidents wait together (group_wait gathers them), when the
 * receiver was away for a while, and when CROWD letters wait whatever the reason.  A letter that is
 * alone goes as it is, at once.
 *
 * An incident that began and ended before anybody was told is told in a digest, with both times,
 * unless it was not critical, lasted less than BRIEF_US and ended within its group_wait: then it is
 * not told at all.  Of an event (a line in a log) the end says nothing: it is told.
 *
 * A digest is written in the turn in which what it takes in is removed, so a kill loses all of that
 * or nothing.  Lanes that it speaks for wait until it was taken or given up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"
#include "model/cause.h"

#define MANY     5   /* incidents that wait together */
#define CROWD    100 /* letters, whatever they wait for */
#define BRIEF_US USEC_PER_MIN

bool
outlet_merges(const struct outlet *outlet)
{
	return outlet->type != NULL && outlet->type->is_for_people;
}

/* ---- within a lane ---- */

bool
outlet_holds_beginning(const struct outlet *outlet, const struct lane *lane)
{
	const struct letter *first = lane_first(lane);

	return outlet_merges(outlet) && first != NULL && first->is_fresh && !lane->is_told &&
	       lane->digest == NULL;
}

/* Will the receiver think that it goes on when this letter's turn comes? */
static bool
knows_before(const struct letter *letter)
{
	const struct lane *lane = letter->lane;

	if (letter->in_lane.prev != &lane->letters)
		return !LIST_ENTRY(letter->in_lane.prev, struct letter, in_lane)->is_resolved;
	return lane->digest != NULL ? !lane->does_digest_end : lane->is_told;
}

static bool
is_type(const struct letter *letter, enum incident_event_type type)
{
	return str_eq(letter->type, incident_event_name(type));
}

/* It was over before its group_wait was, and nobody has to hear of it. */
static bool
is_brief(const struct outlet *outlet, const struct letter *opening, const struct letter *ending)
{
	const struct incident *incident = &ending->notice->incident;

	return opening->worst < SEVERITY_CRITICAL && ending->worst < SEVERITY_CRITICAL &&
	       !cause_is_event(incident->cause_code) &&
	       opening->due_us > loop_now(outlet->deliver->loop) && incident->resolved_us > 0 &&
	       incident->resolved_us - incident->started_us < BRIEF_US;
}

/* What the newest says when the older one is not told apart from it. */
static void
blend(struct letter *older, struct letter *letter, bool is_known)
{
	if (letter->is_resolved) {
		letter->is_whole = !is_known;
		return;
	}
	if (!is_known && !letter_is_opening(older)) {
		letter_set_type(letter, incident_event_name(INCIDENT_OPENED));
	} else if (!is_known || letter_is_opening(older) ||
		   (is_type(older, INCIDENT_ESCALATED) && !is_type(letter, INCIDENT_DEESCALATED) &&
			   !letter_is_opening(letter))) {
		letter_set_type(letter, older->type);
		if (older->notice != NULL)
			xstrset(&letter->notice->reason, older->notice->reason);
	}
}

static void
inherit(struct letter *older, struct letter *letter)
{
	letter->events += older->events;
	if (older->worst > letter->worst)
		letter->worst = older->worst;
	if (older->first_us < letter->first_us)
		letter->first_us = older->first_us;
	letter->due_us = older->due_us; /* its group_wait goes on */
}

/* False: neither is told. */
static bool
join(struct outlet *outlet, struct letter *older, struct letter *letter)
{
	bool is_known = knows_before(older);
	bool is_nothing = !is_known && letter->is_resolved && is_brief(outlet, older, letter);

	if (!is_nothing) {
		blend(older, letter, is_known);
		inherit(older, letter);
	}
	outlet_drop(outlet, older);
	return !is_nothing;
}

/* The lane never heard of it, and never will. */
static void
pass_over(struct outlet *outlet, struct letter *letter)
{
	struct lane *lane = letter->lane;

	log_info("receiver %s: incident %s is not told: it was over before its turn", outlet->name,
		lane->incident);
	outlet_drop(outlet, letter);
	lane->is_ended = true;
	outlet_tidy(outlet, lane);
}

bool
merge_collapse(struct outlet *outlet, struct letter *letter)
{
	struct lane *lane = letter->lane;

	while (letter->in_lane.prev != &lane->letters) {
		struct letter *older = LIST_ENTRY(letter->in_lane.prev, struct letter, in_lane);

		if (!older->is_fresh || older->run != NULL)
			break;
		if (!join(outlet, older, letter)) {
			pass_over(outlet, letter);
			return false;
		}
	}
	outbox_place(&outlet->box, lane);
	return true;
}

/* ---- a digest ---- */

static struct digest_item
make_item(const struct letter *letter)
{
	const struct incident *incident = &letter->notice->incident;
	struct digest_item item = {
		.check = incident->check,
		.title = incident->title,
		.cause = incident->cause_title != NULL ? incident->cause_title
						       : incident->cause_code,
		.severity = letter->worst,
		.is_resolved = letter->is_resolved,
		.was_told = letter->lane->is_told,
		.started_us = incident->started_us,
		.resolved_us = letter->is_resolved ? incident->resolved_us : 0,
		.sequence = letter->sequence,
		.events = letter->events,
	};

	str_copy(item.incident, sizeof(item.incident), letter->lane->incident);
	memcpy(item.event, letter->id, sizeof(item.event));
	if (letter->is_resolved && item.resolved_us == 0)
		item.resolved_us = letter->notice->at_us;
	return item;
}

/* What the item said before and nobody heard yet goes on in the new one. */
static void
update_item(struct digest_item *old, const struct letter *letter)
{
	struct digest_item item = make_item(letter);

	old->is_resolved = item.is_resolved;
	old->resolved_us = item.resolved_us;
	old->sequence = item.sequence;
	old->events += item.events;
	if (item.severity > old->severity)
		old->severity = item.severity;
	memcpy(old->event, item.event, sizeof(old->event));
}

/* The worst of its incidents stands for it: where it is looked up, sorted, coloured. */
static void
put_face_on(struct notice *notice)
{
	const struct digest_item *worst = &notice->digest->items[0];
	struct incident *incident = &notice->incident;

	incident_fini(incident);
	incident_init(incident);
	str_copy(incident->id, sizeof(incident->id), worst->incident);
	xstrset(&incident->check, worst->check == NULL ? "" : worst->check);
	xstrset(&incident->rule, "");
	xstrset(&incident->title, worst->title);
	xstrset(&incident->cause_title, worst->cause);
	incident->severity = worst->severity;
	incident->status = worst->is_resolved ? INCIDENT_RESOLVED : INCIDENT_OPEN;
	incident->started_us = incident->detected_us = worst->started_us;
	incident->resolved_us = worst->resolved_us;
	notice->severity = worst->severity;
	notice->is_resolved = worst->is_resolved; /* the open ones come first */
}

static struct letter *
begin_digest(struct outlet *outlet)
{
	struct notice notice = {
		.type = xstrdup(NOTICE_DIGEST),
		.reason = xstrdup("merged"),
		.at_us = loop_wall(outlet->deliver->loop),
		.digest = digest_new(),
	};
	struct lane *lane;
	struct letter *letter;

	incident_init(&notice.incident);
	notice_make_id(notice.id);
	lane = outbox_lane(&outlet->box, notice.id);
	lane->is_digest = true;
	letter = outbox_add(&outlet->box, lane, &notice);
	letter->is_fresh = true;
	return letter;
}

/* Its severity may have changed, and with it how urgent it is. */
static void
finish_digest(struct outlet *outlet, struct letter *letter)
{
	struct digest *digest = letter->notice->digest;

	digest_sort(digest);
	put_face_on(letter->notice);
	letter->lane->levels[letter->severity]--;
	letter->severity = letter->worst = letter->notice->severity;
	letter->lane->levels[letter->severity]++;
	letter->is_resolved = letter->notice->is_resolved;
	letter->is_owed = true;
	for (size_t i = 0; i < digest->count; i++)
		letter->is_owed &= digest->items[i].is_resolved && digest->items[i].was_told;
	outlet_keep_letter(outlet, letter);
}

/* ---- over the lanes ---- */

static void
absorb(struct outlet *outlet, struct letter *digest, struct letter *letter)
{
	struct lane *lane = letter->lane;
	struct digest_item item = make_item(letter);

	digest_add(digest->notice->digest, &item);
	if (letter->first_us < digest->first_us)
		digest->first_us = letter->first_us;
	outlet_drop(outlet, letter);
	outbox_bind(&outlet->box, lane, digest, item.is_resolved);
}

/* Lanes of a digest that was never tried, with newer letters that were never tried. */
static void
absorb_newer(struct outlet *outlet, struct letter *digest)
{
	struct digest *list = digest->notice->digest;

	for (size_t i = 0; i < list->count; i++) {
		struct lane *lane = outbox_find(&outlet->box, list->items[i].incident);
		struct letter *letter = lane == NULL ? NULL : lane_first(lane);

		while (letter != NULL && lane->digest == digest && letter->is_fresh &&
			letter->notice != NULL) {
			update_item(&list->items[i], letter);
			outlet_drop(outlet, letter);
			outbox_bind(&outlet->box, lane, digest, list->items[i].is_resolved);
			letter = lane_first(lane);
		}
	}
}

static struct letter *
find_digest(struct outlet *outlet)
{
	LIST_EACH(it, &outlet->box.fresh)
	{
		struct lane *lane = LIST_ENTRY(it, struct lane, in_fresh);

		if (lane->is_digest)
			return lane_first(lane);
	}
	return NULL;
}

/* All that was never tried becomes one message. */
static void
merge(struct outlet *outlet, bool goes_now)
{
	struct letter *digest = find_digest(outlet);

	if (digest != NULL && digest->notice->digest->count == DIGEST_MAX)
		digest = NULL;
	if (digest == NULL)
		digest = begin_digest(outlet);
	else
		absorb_newer(outlet, digest);
	LIST_EACH_SAFE(it, &outlet->box.fresh)
	{
		struct lane *lane = LIST_ENTRY(it, struct lane, in_fresh);

		if (!lane->is_digest && digest->notice->digest->count < DIGEST_MAX)
			absorb(outlet, digest, lane_first(lane));
	}
	digest->is_fresh = !goes_now;
	finish_digest(outlet, digest);
	log_info("receiver %s: a digest of %zu incidents waits (%s)", outlet->name,
		digest->notice->digest->count, digest->id);
}

void
merge_whole(struct outlet *outlet)
{
	merge(outlet, outlet->fails == 0);
}

static size_t
count_due(const struct outlet *outlet, bool *has_whole)
{
	usec_t now = loop_now(outlet->deliver->loop);
	size_t due = 0;

	*has_whole = false;
	LIST_EACH(it, &outlet->box.fresh)
	{
		const struct letter *letter = lane_first(LIST_ENTRY(it, struct lane, in_fresh));

		if (letter->due_us > now)
			continue;
		due++;
		*has_whole |= letter->is_whole;
	}
	return due;
}

/* A crowd merges though nothing can be sent; the more the digest holds, the more it takes to write
 * it once again. */
static bool
is_crowd(struct outlet *outlet)
{
	const struct letter *digest;

	if (outlet->box.fresh_count <= CROWD)
		return false;
	digest = find_digest(outlet);
	return digest == NULL || outlet->box.fresh_count > digest->notice->digest->count / 2;
}

void
merge_gather(struct outlet *outlet)
{
	size_t waiting = outlet->box.fresh_count, allowed, due;
	bool has_whole;

	if (!outlet_merges(outlet) || waiting == 0)
		return;
	if (is_crowd(outlet)) {
		merge(outlet, outlet->fails == 0 && outlet_allowance(outlet) > 0);
		return;
	}
	due = count_due(outlet, &has_whole);
	allowed = outlet_allowance(outlet);
	if (due == 0 || allowed == 0)
		return;
	if (has_whole || waiting >= MANY || due > allowed || (outlet->is_catching_up && due > 1))
		merge(outlet, outlet->fails == 0);
	outlet->is_catching_up = false;
}

/* ---- what became of it ---- */

void
merge_release(struct outlet *outlet, struct letter *letter)
{
	const struct digest *digest = letter->notice->digest;

	for (size_t i = 0; i < digest->count; i++) {
		struct lane *lane = outbox_find(&outlet->box, digest->items[i].incident);

		if (lane == NULL || lane->digest != letter)
			continue;
		outbox_bind(&outlet->box, lane, NULL, false);
		outlet_tidy(outlet, lane);
	}
}

void
merge_presume_heard(struct outlet *outlet, const struct letter *letter)
{
	const struct digest *digest = letter->notice->digest;

	for (size_t i = 0; i < digest->count; i++) {
		struct lane *lane = outbox_find(&outlet->box, digest->items[i].incident);

		if (lane != NULL && lane->digest == letter && !digest->items[i].is_resolved)
			lane->is_told = true;
	}
}

void
merge_taken(struct outlet *outlet, struct letter *letter)
{
	const struct digest *digest = letter->notice->digest;
	struct lane *own = letter->lane;

	for (size_t i = 0; i < digest->count; i++) {
		const struct digest_item *item = &digest->items[i];
		struct lane *lane = outbox_find(&outlet->box, item->incident);

		if (lane == NULL || lane->digest != letter)
			continue;
		outlet_told(outlet, lane, letter);
		lane->is_told = !item->is_resolved;
		lane->last_sequence = item->sequence;
	}
	merge_release(outlet, letter);
	outlet_drop(outlet, letter);
	outlet_tidy(outlet, own);
}

static bool
has_endings(const struct digest *digest)
{
	for (size_t i = 0; i < digest->count; i++) {
		if (digest->items[i].is_resolved && digest->items[i].was_told)
			return true;
	}
	return false;
}

/* The rest is given up: those lanes go on as after any letter that was. */
static void
let_go(struct outlet *outlet, struct letter *letter, const struct digest_item *item)
{
	struct lane *lane = outbox_find(&outlet->box, item->incident);

	if (lane == NULL || lane->digest != letter)
		return;
	lane->repeat_from_us = loop_now(outlet->deliver->loop);
	outbox_bind(&outlet->box, lane, NULL, false);
	outlet_tidy(outlet, lane);
}

bool
merge_shrink(struct outlet *outlet, struct letter *letter)
{
	struct digest *old = letter->notice->digest, *rest;

	if (!has_endings(old))
		return false;
	rest = digest_new();
	for (size_t i = 0; i < old->count; i++) {
		if (old->items[i].is_resolved && old->items[i].was_told)
			digest_add(rest, &old->items[i]);
		else
			let_go(outlet, letter, &old->items[i]);
	}
	letter->notice->digest = rest;
	digest_free(old);
	outlet->given_up++;
	finish_digest(outlet, letter);
	return true;
}
