/* Gatus: alerting providers become receivers, an endpoint's alerts routes, its windows maintenance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/import_gatus.h"

#define HOOK "the message's form is ours; write `template:` for theirs"

static const struct import_kind providers[] = {
	{ "slack", "slack", NULL, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "discord", "discord", NULL, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "mattermost", "mattermost", NULL,
		{ { "webhook-url", "url", SHAPE_URL_SECRET, true },
			{ "channel", "channel", SHAPE_TEXT, false } } },
	{ "teams-workflows", "teams", NULL, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "teams", "teams", "the old connectors are retired; make a workflow and take its URL",
		{ { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "telegram", "telegram", NULL,
		{ { "token", "token", SHAPE_SECRET, true }, { "id", "chat_id", SHAPE_TEXT, true },
			{ "topic-id", "message_thread_id", SHAPE_NUMBER, false },
			{ "api-url", "url", SHAPE_TEXT, false } } },
	{ "pagerduty", "pagerduty", NULL,
		{ { "integration-key", "routing_key", SHAPE_SECRET, true } } },
	{ "ntfy", "ntfy", NULL,
		{ { "topic", "topic", SHAPE_SECRET, true }, { "url", "url", SHAPE_TEXT, false },
			{ "token", "token", SHAPE_SECRET, false } } },
	{ "email", "email", NULL,
		{ { "server", "server", SHAPE_TEXT, true }, { "from", "from", SHAPE_TEXT, true },
			{ "to", "to", SHAPE_LIST, true }, { "username", "user", SHAPE_TEXT, false },
			{ "password", "password", SHAPE_SECRET, false } } },
	{ "custom", "webhook", HOOK, { { "url", "url", SHAPE_URL_SECRET, true } } },
	{ "n8n", "webhook", HOOK, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "zapier", "webhook", HOOK, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "googlechat", "webhook", HOOK, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ "rocketchat", "webhook", HOOK, { { "webhook-url", "url", SHAPE_URL_SECRET, true } } },
	{ NULL, NULL, "there is no such receiver; use a `webhook` with `template:`, or `exec`",
		{} },
};

static const struct gatus_key config_notes[] = {
	{ "overrides", "a receiver is one place: write another one for the group, and a route" },
	{ "title", NULL },
	{ "default-alert", NULL },
	{ NULL, NULL },
};

struct provider {
	struct gatus *gatus;
	const struct conf_node *map;
};

static char *
get(void *arg, const char *key)
{
	const struct provider *provider = arg;
	char *text;

	if (str_eq(key, "server")) {
		char *host = gatus_get(provider->gatus, provider->map, "host");
		int64_t port = gatus_number(provider->map, "port", 587);

		text = *host == '\0' ? NULL
				     : xasprintf("%s://%s:%lld", port == 465 ? "smtps" : "smtp",
					       host, (long long)port);
		free(host);
		return text;
	}
	text = gatus_get(provider->gatus, provider->map, key);
	if (*text != '\0')
		return text;
	free(text);
	return NULL;
}

static const struct import_kind *
kind_of(const char *name)
{
	const struct import_kind *kind = providers;

	while (kind->theirs != NULL && !str_eq(kind->theirs, name))
		kind++;
	return kind;
}

void
gatus_take_providers(struct gatus *gatus)
{
	const struct conf_node *alerting = conf_get(gatus->root, "alerting");

	for (size_t i = 0; alerting != NULL && alerting->kind == CONF_MAP && i < alerting->count;
		i++) {
		const struct conf_node *map = alerting->items[i];
		struct provider provider = { .gatus = gatus, .map = map };

		gatus_at(gatus, map, "alerting.%.60s", map->key);
		if (map->kind != CONF_MAP)
			continue;
		import_receiver_by(
			gatus->import, kind_of(map->key), map->key, gatus->where, get, &provider);
		for (size_t k = 0; k < map->count; k++)
			if (str_eq(map->items[k]->key, config_notes[0].name))
				import_note(gatus->import, gatus->where, "overrides: %s",
					config_notes[0].advice);
	}
}

static const struct import_item *
receiver_of(const struct gatus *gatus, const char *type)
{
	for (size_t i = 0; i < gatus->import->receiver_count; i++)
		if (str_eq(gatus->import->receivers[i]->name, type))
			return gatus->import->receivers[i];
	return NULL;
}

/* What an alert says, else the provider's default-alert, else Gatus. */
static const struct conf_node *
with_default(const struct conf_node *alert, const struct conf_node *preset, const char *key)
{
	return conf_get(alert, key) != NULL || preset == NULL ? alert : preset;
}

static void
take_alert(struct gatus *gatus, const struct import_item *check, const struct conf_node *alert,
	struct gatus_alerts *out)
{
	char *type = gatus_get(gatus, alert, "type");
	const struct conf_node *provider = conf_get(conf_get(gatus->root, "alerting"), type);
	const struct conf_node *preset = conf_get(provider, "default-alert"), *from;
	const struct import_item *receiver = receiver_of(gatus, type);
	int64_t failures, successes;

	from = with_default(alert, preset, "enabled");
	if (conf_get(from, "enabled") == NULL || gatus_is_true(from, "enabled")) {
		from = with_default(alert, preset, "failure-threshold");
		failures = gatus_number(from, "failure-threshold", 3);
		from = with_default(alert, preset, "success-threshold");
		successes = gatus_number(from, "success-threshold", 2);
		if (out->failures == 0 || failures < out->failures)
			out->failures = failures;
		if (successes > out->successes)
			out->successes = successes;
		from = with_default(alert, preset, "minimum-reminder-interval");
		if (receiver != NULL)
			import_route(gatus->import, receiver, check,
				gatus_duration(from, "minimum-reminder-interval", 0),
				gatus_is_true(with_default(alert, preset, "send-on-resolved"),
					"send-on-resolved"));
		else
			import_note(gatus->import, gatus->where,
				"its alert of type %.60s: there is no such receiver", type);
		if (conf_get(alert, "provider-override") != NULL)
			import_note(gatus->import, gatus->where,
				"provider-override: write another receiver, and a route to it");
	}
	free(type);
}

void
gatus_take_alerts(struct gatus *gatus, const struct import_item *check, const struct conf_node *map,
	struct gatus_alerts *out)
{
	const struct conf_node *alerts = conf_get(map, "alerts");

	*out = (struct gatus_alerts){ .failures = 0 };
	for (size_t i = 0; alerts != NULL && alerts->kind == CONF_LIST && i < alerts->count; i++)
		if (alerts->items[i]->kind == CONF_MAP)
			take_alert(gatus, check, alerts->items[i], out);
	if (out->failures < 1 || out->failures > 1000)
		out->failures = 3;
	if (out->successes < 1 || out->successes > 1000)
		out->successes = 1;
}

/* --- planned work --- */

static void
take_days(struct buf *out, const struct conf_node *every)
{
	static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
		"Friday", "Saturday" };
	const char *comma = "";

	for (size_t i = 0; every != NULL && every->kind == CONF_LIST && i < every->count; i++)
		for (unsigned day = 0; day < 7; day++)
			if (str_eq(every->items[i]->text, days[day])) {
				buf_addf(out, "%s%u", comma, day);
				comma = ",";
			}
	if (*comma == '\0')
		buf_add_text(out, "*");
}

static void
take_window(struct gatus *gatus, const struct conf_node *map, const char *check)
{
	struct buf *out = &gatus->import->maintenance;
	usec_t duration_us = gatus_duration(map, "duration", 0);
	char *start = gatus_get(gatus, map, "start"), *zone = gatus_get(gatus, map, "timezone");
	unsigned hour = 24, minute = 60;

	if (conf_get(map, "enabled") != NULL && !gatus_is_true(map, "enabled")) {
		free(start);
		free(zone);
		return;
	}
	if (sscanf(start, "%2u:%2u", &hour, &minute) != 2 || hour > 23 || minute > 59 ||
		duration_us <= 0 || duration_us > USEC_PER_DAY) {
		import_note(gatus->import, gatus->where,
			"a maintenance window needs start: hh:mm and a duration of at most 24h");
	} else {
		buf_addf(out, "- checks: \"%s\"\n  schedule: \"%u %u * * ",
			check == NULL ? "*" : check, minute, hour);
		take_days(out, conf_get(map, "every"));
		buf_add_text(out, "\"\n  ");
		import_duration(out, "duration", duration_us);
		buf_add_text(out, "  ");
		import_key(out, "timezone", *zone == '\0' ? "UTC" : zone);
	}
	free(start);
	free(zone);
}

void
gatus_take_windows(struct gatus *gatus, const struct conf_node *node, const char *check)
{
	if (node == NULL)
		return;
	if (node->kind == CONF_MAP)
		take_window(gatus, node, check);
	for (size_t i = 0; node->kind == CONF_LIST && i < node->count; i++)
		if (node->items[i]->kind == CONF_MAP)
			take_window(gatus, node->items[i], check);
}
