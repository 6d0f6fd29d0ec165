/*
 * A digest's items: their order, their stored form, and how many of them fit into a body.  Owns
 * their texts; promises that the same digest makes the same bytes.
 */
#include "model/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"

#define FRAME_ROOM 100 /* bytes of data's own keys, with "truncated" and "omitted" */

struct digest *
digest_new(void)
{
	return xcalloc(1, sizeof(struct digest));
}

void
digest_free(struct digest *d)
{
	if (!d)
		return;
	for (size_t k = 0; k < d->count; k++) {
		free(d->items[k].check);
		free(d->items[k].title);
		free(d->items[k].cause);
	}
	free(d->items);
	free(d);
}

static char *
shorten(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	return text ? xstrndup(text, str_utf8_cut(text, len, DIGEST_TEXT_KEPT)) : NULL;
}

/* Doubles at each power of two. */
static void
grow(struct digest *d)
{
	if (d->count & (d->count - 1))
		return;
	d->items = xreallocarray(d->items, d->count ? 2 * d->count : 1, sizeof(*d->items));
}

struct digest_item *
digest_add(struct digest *d, const struct digest_item *item)
{
	if (d->count == DIGEST_MAX)
		return NULL;
	grow(d);
	struct digest_item *added = &d->items[d->count++];
	*added = *item;
	added->check = shorten(item->check);
	added->title = shorten(item->title);
	added->cause = shorten(item->cause);
	return added;
}

struct digest *
digest_dup(const struct digest *d)
{
	struct digest *copy = digest_new();
	for (size_t k = 0; k < d->count; k++)
		digest_add(copy, &d->items[k]);
	return copy;
}

static int
compare(const void *left, const void *right)
{
	const struct digest_item *a = left, *b = right;
	if (a->is_resolved != b->is_resolved)
		return a->is_resolved ? 1 : -1;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->started_us != b->started_us)
		return a->started_us < b->started_us ? -1 : 1;
	return strcmp(a->incident, b->incident);
}

void
digest_sort(struct digest *d)
{
	if (d->count > 1)
		qsort(d->items, d->count, sizeof(*d->items), compare);
}

static json_t *
show_item(const struct digest_item *item)
{
	json_t *o = json_object();
	json_object_set_new(o, "id", record_text(item->incident));
	json_object_set_new(o, "status",
		json_string(incident_status_name(
			item->is_resolved ? INCIDENT_RESOLVED : INCIDENT_OPEN)));
	json_object_set_new(o, "severity", json_string(severity_name(item->severity)));
	json_object_set_new(o, "check", record_text(item->check));
	json_object_set_new(o, "title", record_text(item->title));
	json_object_set_new(o, "cause", record_text(item->cause));
	json_object_set_new(o, "started_at", record_time(item->started_us));
	json_object_set_new(o, "resolved_at", record_time(item->resolved_us));
	json_object_set_new(o, "was_told", json_boolean(item->was_told));
	json_object_set_new(o, "events_merged", json_integer(item->events));
	return o;
}

static size_t
measure(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

json_t *
digest_data(const struct digest *d, size_t max)
{
	json_t *incidents = json_array(), *events = json_array(), *data = json_object();
	size_t used = FRAME_ROOM, shown = 0;
	for (; shown < d->count; shown++) {
		json_t *item = show_item(&d->items[shown]);
		json_t *event = record_text(d->items[shown].event);
		used += measure(item) + measure(event) + 2; /* and two commas */
		if (used > max) {
			json_decref(item);
			json_decref(event);
			break;
		}
		json_array_append_new(incidents, item);
		json_array_append_new(events, event);
	}
	json_object_set_new(data, "incidents", incidents);
	json_object_set_new(data, "events", events);
	if (shown < d->count) {
		json_object_set_new(data, "truncated", json_true());
		json_object_set_new(data, "omitted", json_integer((json_int_t)(d->count - shown)));
	}
	return data;
}

/*
 * ---- stored ----
 *
 * An item is [head, check, title, cause]; the head has all that is no text, with blanks between,
 * for a digest of thousands is written in one turn of the loop, and every JSON value costs.
 */

#define HEAD_FIELDS 9
#define HEAD_SIZE   192

static json_t *
text_or_null(const char *text)
{
	return text ? record_text(text) : json_null();
}

static json_t *
store_item(const struct digest_item *item)
{
	char head[HEAD_SIZE];
	json_t *list = json_array();
	snprintf(head, sizeof(head), "%s %s %d %d %d %" PRId64 " %" PRId64 " %u %u", item->incident,
		item->event, (int)item->severity, item->is_resolved, item->was_told,
		item->started_us, item->resolved_us, item->sequence, item->events);
	json_array_append_new(list, json_string(head));
	json_array_append_new(list, text_or_null(item->check));
	json_array_append_new(list, text_or_null(item->title));
	json_array_append_new(list, text_or_null(item->cause));
	return list;
}

json_t *
digest_store(const struct digest *d)
{
	json_t *list = json_array();
	for (size_t k = 0; k < d->count; k++)
		json_array_append_new(list, store_item(&d->items[k]));
	return list;
}

static int
restore_head(struct digest_item *item, const char *head, struct err *e)
{
	int severity = 0, resolved = 0, told = 0;
	if (!head ||
		sscanf(head, "%12s %30s %d %d %d %" SCNd64 " %" SCNd64 " %u %u", item->incident,
			item->event, &severity, &resolved, &told, &item->started_us,
			&item->resolved_us, &item->sequence, &item->events) != HEAD_FIELDS)
		return err_set(e, 0, "an item of the digest has no head");
	if (strlen(item->incident) != INCIDENT_ID_LEN || strlen(item->event) != NOTICE_ID_LEN ||
		severity < SEVERITY_OK || severity > SEVERITY_CRITICAL)
		return err_set(e, 0, "an item of the digest is not one");
	item->severity = (enum severity)severity;
	item->is_resolved = resolved != 0;
	item->was_told = told != 0;
	return 0;
}

static int
restore_text(char **text, const json_t *stored, struct err *e)
{
	if (json_is_null(stored))
		return 0;
	if (!json_is_string(stored))
		return err_set(e, 0, "an item of the digest lacks a text");
	*text = shorten(json_string_value(stored));
	return 0;
}

static int
restore_item(struct digest_item *item, const json_t *stored, struct err *e)
{
	if (restore_head(item, json_string_value(json_array_get(stored, 0)), e) < 0 ||
		restore_text(&item->check, json_array_get(stored, 1), e) < 0 ||
		restore_text(&item->title, json_array_get(stored, 2), e) < 0)
		return -1;
	return restore_text(&item->cause, json_array_get(stored, 3), e);
}

int
digest_restore(struct digest **d, const json_t *stored, struct err *e)
{
	struct digest *got = digest_new();
	if (json_array_size(stored) == 0 || json_array_size(stored) > DIGEST_MAX) {
		digest_free(got);
		return err_set(e, 0, "the digest has no items, or too many");
	}
	for (size_t k = 0; k < json_array_size(stored); k++) {
		struct digest_item *item = digest_add(got, &(struct digest_item){ .events = 1 });
		if (restore_item(item, json_array_get(stored, k), e) < 0) {
			digest_free(got);
			return -1;
		}
	}
	*d = got;
	return 0;
}
