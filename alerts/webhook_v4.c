/* Alerts as the `alertmanager` receiver makes them, in the envelope of a group. */
#include "alerts/webhook_v4.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alertmanager_body.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/url.h"
#include "model/record.h"

#define NEVER_ENDED "0001-01-01T00:00:00Z" /* Go's zero time: it goes on */
#define LABELS_MAX  64

static uint64_t
hash_text(uint64_t hash, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		hash = (hash ^ *c) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211); /* a byte that no text has */
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* FNV-1a over names and values in the order of the names. */
void
webhook_v4_fingerprint(const json_t *labels, char out[17])
{
	uint64_t hash = UINT64_C(14695981039346656037);
	const char *names[LABELS_MAX];
	size_t count = 0;
	json_t *all = json_deep_copy(labels), *value;
	const char *name;

	json_object_foreach(all, name, value)
	{
		if (count < LABELS_MAX)
			names[count++] = name;
	}
	qsort(names, count, sizeof(names[0]), by_text);
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_object_get(all, names[i]));

		hash = hash_text(hash, names[i]);
		hash = hash_text(hash, text == NULL ? "" : text);
	}
	json_decref(all);
	snprintf(out, 17, "%016" PRIx64, hash);
}

/* ---- alerts ---- */

/* What ends is no later than now; what goes on ends after it. */
static void
dress(json_t *alert, const struct alertmanager_letter *letter)
{
	const char *end = json_string_value(json_object_get(alert, "endsAt"));
	char fingerprint[17];
	usec_t end_us = 0;
	bool is_over = end != NULL && clock_parse_rfc3339(end, &end_us) == 0 &&
		       end_us < letter->now_us + letter->hold_us / 2;

	webhook_v4_fingerprint(json_object_get(alert, "labels"), fingerprint);
	json_object_set_new(alert, "status", json_string(is_over ? "resolved" : "firing"));
	json_object_set_new(alert, "fingerprint", json_string(fingerprint));
	if (!is_over)
		json_object_set_new(alert, "endsAt", json_string(NEVER_ENDED));
	if (json_object_get(alert, "generatorURL") == NULL)
		json_object_set_new(alert, "generatorURL", json_string(""));
}

static json_t *
make_alerts(const struct send_run *run)
{
	const struct notice *notice = send_notice(run);
	const struct alertmanager_letter letter = {
		.daemon_name = send_daemon_name(run),
		.language = send_language(run),
		.now_us = notice->at_us, /* the same bytes on every try */
		.hold_us = USEC_PER_HOUR,
	};
	json_t *alerts = json_array(), *alert;
	size_t i;

	alertmanager_add(alerts, &letter, notice, send_memory(run));
	json_array_foreach(alerts, i, alert)
	{
		dress(alert, &letter);
	}
	return alerts;
}

/* ---- the group ---- */

/* What all members of the alerts' objects under `key` have in common. */
static json_t *
common(const json_t *alerts, const char *key)
{
	json_t *out = json_deep_copy(json_object_get(json_array_get(alerts, 0), key));
	json_t *alert, *value;
	const char *name;
	void *tmp;
	size_t i;

	json_array_foreach(alerts, i, alert)
	{
		const json_t *other = json_object_get(alert, key);

		json_object_foreach_safe(out, tmp, name, value)
		{
			if (!json_equal(value, json_object_get(other, name)))
				json_object_del(out, name);
		}
	}
	return out == NULL ? json_object() : out;
}

static bool
is_firing(const json_t *alerts)
{
	json_t *alert;
	size_t i;

	json_array_foreach(alerts, i, alert)
	{
		if (str_eq(json_string_value(json_object_get(alert, "status")), "firing"))
			return true;
	}
	return false;
}

/* Where the incident is, without its path. */
static json_t *
external_url(const struct incident *incident)
{
	struct url url;
	char *origin;
	json_t *out;

	if (incident->url == NULL || url_parse(&url, incident->url, NULL) < 0)
		return json_string("");
	origin = url_origin(&url);
	out = record_text(origin);
	free(origin);
	url_fini(&url);
	return out;
}

json_t *
webhook_v4(const struct send_run *run)
{
	const struct notice *notice = send_notice(run);
	json_t *body = json_object(), *alerts = make_alerts(run);
	char *key = xasprintf("{}/{}:{incident=\"%s\"}", notice->incident.id);

	json_object_set_new(body, "version", json_string("4"));
	json_object_set_new(body, "groupKey", record_text(key));
	json_object_set_new(body, "truncatedAlerts", json_integer(0));
	json_object_set_new(body, "status", json_string(is_firing(alerts) ? "firing" : "resolved"));
	json_object_set_new(body, "receiver", record_text(send_receiver(run)));
	json_object_set_new(
		body, "groupLabels", json_pack("{s:s}", "incident", notice->incident.id));
	json_object_set_new(body, "commonLabels", common(alerts, "labels"));
	json_object_set_new(body, "commonAnnotations", common(alerts, "annotations"));
	json_object_set_new(body, "externalURL", external_url(&notice->incident));
	json_object_set_new(body, "notification_reason", record_text(notice->reason));
	json_object_set_new(body, "alerts", alerts);
	free(key);
	return body;
}

json_t *
webhook_v4_memory(const struct send_run *run)
{
	const struct notice *notice = send_notice(run);

	return notice->is_resolved ? NULL : alertmanager_labels(notice);
}
