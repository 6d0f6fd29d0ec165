/*
 * One notice: its identity, its stored form, and the body of the generic webhook.  The body is a
 * function of the notice alone, so that every try, also after a restart, sends the same bytes.
 *
 * notice_restore fills a struct that holds nothing yet.
 */
#include "model/notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "model/digest.h"
#include "model/record.h"

#define BODY_VERSION 1
#define IMPACT_KEPT  10
#define TEXT_KEPT    160 /* bytes of each text when nothing else is left to drop */
/* Fifteen digits show 0.0002 as it was written and bytes of an exabyte to the byte. */
#define BODY_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

void
notice_fini(struct notice *n)
{
	free(n->type);
	free(n->reason);
	incident_fini(&n->incident);
	digest_free(n->digest);
	memset(n, 0, sizeof(*n));
}

void
notice_copy(struct notice *to, const struct notice *from)
{
	*to = *from;
	to->type = xstrdup(from->type);
	to->reason = from->reason ? xstrdup(from->reason) : NULL;
	incident_copy(&to->incident, &from->incident);
	to->digest = from->digest ? digest_dup(from->digest) : NULL;
}

void
notice_make_id(char id[NOTICE_ID_LEN + 1])
{
	memcpy(id, "msg_", 4);
	rand_base62(id + 4, NOTICE_ID_LEN - 4);
}

static size_t
measure(const json_t *body)
{
	return json_dumpb(body, NULL, 0, BODY_FLAGS);
}

/* Takes from the end of a list until the body fits or `keep` are left. */
static void
shorten_list(json_t *body, json_t *list, size_t keep, size_t max)
{
	while (json_array_size(list) > keep && measure(body) > max)
		json_array_remove(list, json_array_size(list) - 1);
}

/* Cuts the text under `key` at `keep` bytes, never inside a character. */
static void
shorten_text(json_t *object, const char *key, size_t keep)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	if (text && len > keep)
		json_object_set_new(object, key, json_stringn(text, str_utf8_cut(text, len, keep)));
}

/* The last resort: what the daemon's own words never reach, but a target's or a user's might. */
static void
shorten_rest(json_t *body, json_t *incident, json_t *cause, size_t max)
{
	static const char *const texts[] = { "summary", "title", "target", "check", "type", "rule",
		"host", "runbook_url", "url" };
	shorten_list(body, json_object_get(incident, "remedy"), 0, max);
	shorten_list(body, json_object_get(incident, "impact"), 0, max);
	if (measure(body) > max)
		json_object_clear(json_object_get(incident, "labels"));
	if (measure(body) > max)
		json_object_clear(json_object_get(incident, "values"));
	if (measure(body) > max)
		shorten_text(cause, "title", TEXT_KEPT);
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]) && measure(body) > max; n++)
		shorten_text(incident, texts[n], TEXT_KEPT);
}

static void
shorten(json_t *body, json_t *incident, size_t max)
{
	json_t *cause = json_object_get(incident, "cause");
	json_object_set_new(incident, "truncated", json_true());
	shorten_list(body, json_object_get(incident, "facts"), 0, max);
	shorten_list(body, json_object_get(incident, "impact"), IMPACT_KEPT, max);
	if (measure(body) > max)
		shorten_text(cause, "explanation", 0);
	if (measure(body) > max)
		shorten_rest(body, incident, cause, max);
}

static json_t *
envelope(const struct notice *n)
{
	json_t *body = json_object();
	json_object_set_new(body, "version", json_integer(BODY_VERSION));
	json_object_set_new(body, "type", record_text(n->type));
	json_object_set_new(body, "timestamp", record_time(n->at_us));
	json_object_set_new(body, "reason", record_text(n->reason));
	json_object_set_new(body, "sequence", json_integer(n->sequence));
	return body;
}

static void
add_incident(json_t *body, const struct notice *n, size_t max)
{
	json_t *incident = incident_json(&n->incident, n->at_us);
	json_t *data = json_object();
	json_object_set_new(data, "incident", incident);
	json_object_set_new(body, "data", data);
	if (measure(body) > max)
		shorten(body, incident, max);
}

static void
add_digest(json_t *body, const struct digest *digest, size_t max)
{
	size_t used = measure(body) + strlen(",\"data\":");
	json_object_set_new(body, "data", digest_data(digest, max > used ? max - used : 0));
}

char *
notice_body(const struct notice *n, size_t max)
{
	json_t *body = envelope(n);
	if (n->digest)
		add_digest(body, n->digest, max);
	else
		add_incident(body, n, max);
	char *text = json_dumps(body, BODY_FLAGS);
	json_decref(body);
	return text;
}

json_t *
notice_store(const struct notice *n)
{
	json_t *o = json_object();
	json_object_set_new(o, "id", record_text(n->id));
	record_put_text(o, "type", n->type);
	record_put_text(o, "reason", n->reason);
	json_object_set_new(o, "at", json_integer(n->at_us));
	json_object_set_new(o, "sequence", json_integer(n->sequence));
	record_put_text(o, "severity", severity_name(n->severity));
	json_object_set_new(o, "resolved", json_boolean(n->is_resolved));
	json_object_set_new(o, "incident", incident_store(&n->incident));
	if (n->digest)
		json_object_set_new(o, "digest", digest_store(n->digest));
	return o;
}

static int
restore_fields(struct notice *n, const json_t *stored, struct err *e)
{
	const char *id = json_string_value(json_object_get(stored, "id"));
	if (!id || strlen(id) != NOTICE_ID_LEN || !str_starts(id, "msg_"))
		return err_set(e, 0, "it has no id");
	memcpy(n->id, id, sizeof(n->id));
	if (record_get_text(stored, "type", &n->type, e) < 0 ||
		record_get_text(stored, "reason", &n->reason, e) < 0 ||
		record_get_time(stored, "at", &n->at_us, e) < 0 ||
		record_get_count(stored, "sequence", &n->sequence, e) < 0 ||
		record_get_severity(stored, "severity", &n->severity, e) < 0 ||
		record_get_flag(stored, "resolved", &n->is_resolved, e) < 0)
		return -1;
	if (!n->type)
		return err_set(e, 0, "it has no type");
	const json_t *digest = json_object_get(stored, "digest");
	if (digest && digest_restore(&n->digest, digest, e) < 0)
		return -1;
	return incident_restore(&n->incident, json_object_get(stored, "incident"), e);
}

int
notice_restore(struct notice *n, const json_t *stored, struct err *e)
{
	struct notice got;
	memset(&got, 0, sizeof(got));
	if (!json_is_object(stored))
		return err_set(e, 0, "the stored notice is no object");
	if (restore_fields(&got, stored, e) < 0) {
		notice_fini(&got);
		return err_wrap(e, "the stored notice cannot be read");
	}
	*n = got;
	return 0;
}
