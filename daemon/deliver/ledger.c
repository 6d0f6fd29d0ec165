/*
 * The outbox on disk: one document for each waiting letter and one for each (receiver, incident)
 * that was told something.  What cannot be read is refused whole.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "deliver/backoff.h"
#include "deliver/outbox.h"
#include "model/record.h"

char *
outbox_key(const char *receiver, const char *id)
{
	return xasprintf("%s\n%s", receiver, id);
}

static usec_t
wall_of(const struct loop *loop, usec_t mono_us)
{
	return loop_wall(loop) + (mono_us - loop_now(loop));
}

/* ---- letters ---- */

json_t *
letter_store(const struct letter *letter, const char *receiver, const struct loop *loop)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "receiver", json_string(receiver));
	json_object_set_new(doc, "notice", notice_store(letter->notice));
	json_object_set_new(doc, "created", json_integer(letter->created_us));
	json_object_set_new(doc, "first", json_integer(wall_of(loop, letter->first_us)));
	json_object_set_new(doc, "tries", json_integer(letter->tries));
	json_object_set_new(doc, "next", json_integer(wall_of(loop, letter->due_us)));
	if (letter->is_fresh)
		json_object_set_new(doc, "fresh", json_true());
	if (letter->refused_us != 0) {
		json_object_set_new(
			doc, "refused", json_integer(wall_of(loop, letter->refused_us)));
		json_object_set_new(doc, "shut_out", json_boolean(letter->is_shut_out));
	}
	if (letter->is_whole)
		json_object_set_new(doc, "whole", json_true());
	if (letter->events > 1) {
		json_object_set_new(doc, "events", json_integer(letter->events));
		record_put_text(doc, "worst", severity_name(letter->worst));
	}
	return doc;
}

static usec_t
clamp(usec_t value, usec_t min, usec_t max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

static usec_t
get_time(const json_t *doc, const char *key)
{
	return (usec_t)json_integer_value(json_object_get(doc, key));
}

/* How long ago a wall time was; a clock that went backwards makes it now, not the future. */
static usec_t
age_of(const struct loop *loop, usec_t wall_us)
{
	return clamp(loop_wall(loop) - wall_us, 0, 2 * OUTBOX_ENDING_US);
}

static bool
is_known(const struct lane *lane, const char *id)
{
	LIST_EACH(it, &lane->letters)
	{
		if (str_eq(LIST_ENTRY(it, struct letter, in_lane)->id, id))
			return true;
	}
	return false;
}

/* What is known of a letter without its words. */
static int
restore_stub(struct letter *letter, const json_t *notice, struct err *e)
{
	const char *id = json_string_value(json_object_get(notice, "id"));
	const json_t *incident = json_object_get(notice, "incident");
	const char *cause = json_string_value(json_object_get(incident, "cause"));

	letter->type = letter_type(json_string_value(json_object_get(notice, "type")));
	if (id == NULL || strlen(id) != NOTICE_ID_LEN)
		return err_set(e, 0, "it has no id");
	if (letter->type == NULL)
		return err_set(e, 0, "its type is not known");
	memcpy(letter->id, id, sizeof(letter->id));
	letter->is_about_delivery = str_eq(cause, DELIVER_FAILED_CAUSE);
	if (record_get_severity(notice, "severity", &letter->severity, e) < 0 ||
		record_get_count(notice, "sequence", &letter->sequence, e) < 0)
		return -1;
	return record_get_flag(notice, "resolved", &letter->is_resolved, e);
}

static int
restore_state(struct letter *letter, const json_t *doc, const struct loop *loop, struct err *e)
{
	usec_t now = loop_now(loop), created_us = get_time(doc, "created");
	usec_t first_us = get_time(doc, "first");

	letter->created_us = created_us;
	letter->born_us = now - age_of(loop, created_us);
	letter->first_us = now - age_of(loop, first_us > 0 ? first_us : created_us);
	letter->due_us =
		now + clamp(get_time(doc, "next") - loop_wall(loop), 0, BACKOFF_ASKED_MAX_US);
	letter->tries = (unsigned)clamp(get_time(doc, "tries"), 0, 1000000);
	letter->events = (unsigned)clamp(get_time(doc, "events"), 1, 1000000);
	letter->worst = letter->severity;
	if (get_time(doc, "refused") > 0)
		letter->refused_us = now - age_of(loop, get_time(doc, "refused"));
	letter->is_shut_out = json_is_true(json_object_get(doc, "shut_out"));
	letter->is_fresh = json_is_true(json_object_get(doc, "fresh"));
	letter->is_whole = json_is_true(json_object_get(doc, "whole"));
	letter->is_fresh |= letter->is_whole; /* only a digest can tell it: it was never tried */
	return record_get_severity(doc, "worst", &letter->worst, e);
}

/* The lanes that a digest speaks for wait for it. */
static void
bind_digest(struct outbox *box, struct letter *letter)
{
	const struct digest *digest = letter->notice->digest;

	letter->is_owed = true;
	for (size_t i = 0; i < digest->count; i++) {
		const struct digest_item *item = &digest->items[i];
		struct lane *lane = outbox_lane(box, item->incident);

		letter->is_owed &= item->is_resolved && item->was_told;
		if (lane->digest != NULL)
			continue; /* two cannot be; the first one speaks */
		outbox_bind(box, lane, letter, item->is_resolved);
	}
}

/* A digest in a lane of its own, anything else in its incident's; NULL: it cannot be read. */
static struct lane *
lane_for(struct outbox *box, const struct letter *letter, const json_t *notice, struct err *e)
{
	const char *id =
		json_string_value(json_object_get(json_object_get(notice, "incident"), "id"));
	bool is_digest = str_eq(letter->type, NOTICE_DIGEST);
	struct lane *lane;

	if (id == NULL || strlen(id) != INCIDENT_ID_LEN) {
		err_set(e, 0, "it names no incident");
		return NULL;
	}
	lane = outbox_lane(box, is_digest ? letter->id : id);
	lane->is_digest = is_digest;
	if (!is_known(lane, letter->id))
		return lane;
	err_set(e, 0, "the notice is there already");
	return NULL;
}

static int
restore_words(struct letter *letter, const json_t *doc, struct err *e)
{
	struct notice notice = { .sequence = 0 };

	if (notice_restore(&notice, json_object_get(doc, "notice"), e) < 0)
		return -1;
	letter_give_words(letter, &notice);
	if (str_eq(letter->type, NOTICE_DIGEST) != (letter->notice->digest != NULL))
		return err_set(e, 0, "it is half a digest");
	return 0;
}

/* Beyond so many their words stay on disk until their turn comes; a digest is never without. */
static bool
needs_words(const struct outbox *box, const struct letter *letter)
{
	return letter->is_fresh || str_eq(letter->type, NOTICE_DIGEST) ||
	       box->resident_count < OUTBOX_RESIDENT;
}

int
outbox_restore_letter(struct outbox *box, const json_t *doc, struct err *e)
{
	const json_t *notice = json_object_get(doc, "notice");
	struct letter *letter = outbox_new_letter();
	struct lane *lane = NULL;

	if (restore_stub(letter, notice, e) == 0 && restore_state(letter, doc, box->loop, e) == 0 &&
		(!needs_words(box, letter) || restore_words(letter, doc, e) == 0))
		lane = lane_for(box, letter, notice, e);
	if (lane == NULL) {
		letter_take_words(letter);
		free(letter);
		return -1;
	}
	outbox_enter(box, lane, letter);
	if (lane->is_digest) {
		bind_digest(box, letter);
		outbox_place(box, lane);
	}
	return 0;
}

/* ---- the ledger ---- */

static void
store_told(json_t *doc, const struct lane *lane)
{
	if (lane->last_type != NULL) {
		json_object_set_new(doc, "type", json_string(lane->last_type));
		json_object_set_new(doc, "notice", json_string(lane->last_id));
	}
	record_put_text(doc, "reason", lane->last_reason);
	if (lane->memory != NULL)
		json_object_set(doc, "memory", lane->memory);
	if (lane->last != NULL)
		json_object_set_new(doc, "last", notice_store(lane->last));
	json_object_set_new(doc, "sequence", json_integer(lane->last_sequence));
	json_object_set_new(doc, "told_at", json_integer(lane->told_us));
	json_object_set_new(doc, "first_told_at", json_integer(lane->first_told_us));
}

json_t *
lane_store(const struct lane *lane, const char *receiver, const struct loop *loop)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "receiver", json_string(receiver));
	json_object_set_new(doc, "incident", json_string(lane->incident));
	json_object_set_new(doc, "told", json_boolean(lane->is_told));
	json_object_set_new(doc, "send_resolved", json_boolean(lane->sends_resolved));
	if (lane->is_owed)
		json_object_set_new(doc, "owed", json_true());
	if (lane->is_over)
		json_object_set_new(doc, "over", json_true());
	if (lane->ends_untold)
		json_object_set_new(doc, "ends_untold", json_true());
	json_object_set_new(doc, "repeat_from", json_integer(wall_of(loop, lane->repeat_from_us)));
	store_told(doc, lane);
	return doc;
}

static void
restore_last(struct lane *lane, const json_t *stored)
{
	struct notice last = { .sequence = 0 };
	struct err e;

	if (stored == NULL || lane->last != NULL || notice_restore(&last, stored, &e) < 0)
		return;
	lane->last = xmalloc(sizeof(last));
	*lane->last = last;
}

static void
restore_told(struct lane *lane, const json_t *doc)
{
	const char *id = json_string_value(json_object_get(doc, "notice"));
	const json_t *memory = json_object_get(doc, "memory");

	lane->last_sequence = (unsigned)clamp(get_time(doc, "sequence"), 0, UINT32_MAX);
	lane->told_us = get_time(doc, "told_at");
	lane->first_told_us = get_time(doc, "first_told_at");
	if (lane->first_told_us == 0)
		lane->first_told_us = lane->told_us;
	xstrset(&lane->last_type, json_string_value(json_object_get(doc, "type")));
	xstrset(&lane->last_reason, json_string_value(json_object_get(doc, "reason")));
	str_copy(lane->last_id, sizeof(lane->last_id), id == NULL ? "" : id);
	json_decref(lane->memory);
	lane->memory = memory == NULL ? NULL : json_deep_copy(memory);
	restore_last(lane, json_object_get(doc, "last"));
}

int
outbox_restore_lane(struct outbox *box, const json_t *doc, struct err *e)
{
	const char *incident = json_string_value(json_object_get(doc, "incident"));
	struct lane *lane;

	if (incident == NULL || strlen(incident) != INCIDENT_ID_LEN)
		return err_set(e, 0, "it names no incident");
	lane = outbox_lane(box, incident);
	lane->is_told = json_is_true(json_object_get(doc, "told"));
	lane->sends_resolved = !json_is_false(json_object_get(doc, "send_resolved"));
	lane->is_owed = json_is_true(json_object_get(doc, "owed"));
	lane->ends_untold = json_is_true(json_object_get(doc, "ends_untold"));
	lane->is_ended |= lane->ends_untold;
	lane->repeat_from_us =
		loop_now(box->loop) - age_of(box->loop, get_time(doc, "repeat_from"));
	restore_told(lane, doc);
	if (json_is_true(json_object_get(doc, "over")) && !lane_waits(lane))
		outbox_archive(box, lane);
	return 0;
}
