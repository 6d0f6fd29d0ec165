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

json_t *
letter_store(const struct letter *letter, const char *receiver, const struct loop *loop)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "receiver", json_string(receiver));
	json_object_set_new(doc, "notice", notice_store(&letter->notice));
	json_object_set_new(doc, "created", json_integer(letter->created_us));
	json_object_set_new(doc, "tries", json_integer(letter->tries));
	json_object_set_new(doc, "next", json_integer(wall_of(loop, letter->due_us)));
	return doc;
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
	json_object_set_new(doc, "sequence", json_integer(lane->last_sequence));
	json_object_set_new(doc, "told_at", json_integer(lane->told_us));
	json_object_set_new(doc, "repeat_from", json_integer(wall_of(loop, lane->repeat_from_us)));
	if (lane->last_type != NULL) {
		json_object_set_new(doc, "type", json_string(lane->last_type));
		json_object_set_new(doc, "notice", json_string(lane->last_id));
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
		if (str_eq(LIST_ENTRY(it, struct letter, in_lane)->notice.id, id))
			return true;
	}
	return false;
}

int
outbox_restore_letter(struct outbox *box, const json_t *doc, struct err *e)
{
	usec_t created_us = get_time(doc, "created");
	usec_t now = loop_now(box->loop);
	struct notice notice = { .sequence = 0 };
	struct letter *letter;
	struct lane *lane;

	if (notice_restore(&notice, json_object_get(doc, "notice"), e) < 0)
		return -1;
	lane = outbox_lane(box, notice.incident.id);
	if (is_known(lane, notice.id)) {
		notice_fini(&notice);
		return err_set(e, 0, "the notice is there already");
	}
	letter = outbox_new_letter(&notice);
	letter->created_us = created_us;
	letter->born_us = now - age_of(box->loop, created_us);
	letter->due_us =
		now + clamp(get_time(doc, "next") - loop_wall(box->loop), 0, BACKOFF_ASKED_MAX_US);
	letter->tries = (unsigned)clamp(
		(usec_t)json_integer_value(json_object_get(doc, "tries")), 0, 1000000);
	outbox_enter(box, lane, letter);
	return 0;
}

int
outbox_restore_lane(struct outbox *box, const json_t *doc, struct err *e)
{
	const char *incident = json_string_value(json_object_get(doc, "incident"));
	const char *id = json_string_value(json_object_get(doc, "notice"));
	struct lane *lane;

	if (incident == NULL || strlen(incident) != INCIDENT_ID_LEN)
		return err_set(e, 0, "it names no incident");
	lane = outbox_lane(box, incident);
	lane->is_told = json_is_true(json_object_get(doc, "told"));
	lane->sends_resolved = !json_is_false(json_object_get(doc, "send_resolved"));
	lane->is_owed = json_is_true(json_object_get(doc, "owed"));
	lane->last_sequence = (unsigned)clamp(get_time(doc, "sequence"), 0, UINT32_MAX);
	lane->told_us = get_time(doc, "told_at");
	lane->repeat_from_us =
		loop_now(box->loop) - age_of(box->loop, get_time(doc, "repeat_from"));
	xstrset(&lane->last_type, json_string_value(json_object_get(doc, "type")));
	str_copy(lane->last_id, sizeof(lane->last_id), id == NULL ? "" : id);
	return 0;
}
