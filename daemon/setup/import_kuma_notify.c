/* Uptime Kuma: notifications become receivers, and which monitor tells which becomes routes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/import_kuma.h"

#define HOOK "the message's form is ours; write `template:` for theirs"

static const struct import_kind kinds[] = {
	{ "slack", "slack", NULL, { { "slackwebhookURL", "url", SHAPE_URL_SECRET, true } } },
	{ "discord", "discord", NULL,
		{ { "discordWebhookUrl", "url", SHAPE_URL_SECRET, true },
			{ "threadId", "thread_id", SHAPE_TEXT, false } } },
	{ "mattermost", "mattermost", NULL,
		{ { "mattermostWebhookUrl", "url", SHAPE_URL_SECRET, true },
			{ "mattermostchannel", "channel", SHAPE_TEXT, false } } },
	{ "teams", "teams", NULL, { { "webhookUrl", "url", SHAPE_URL_SECRET, true } } },
	{ "telegram", "telegram", NULL,
		{ { "telegramBotToken", "token", SHAPE_SECRET, true },
			{ "telegramChatID", "chat_id", SHAPE_TEXT, true },
			{ "telegramMessageThreadID", "message_thread_id", SHAPE_NUMBER, false },
			{ "telegramServerUrl", "url", SHAPE_TEXT, false } } },
	{ "PagerDuty", "pagerduty", NULL,
		{ { "pagerdutyIntegrationKey", "routing_key", SHAPE_SECRET, true },
			{ "pagerdutyIntegrationUrl", "url", SHAPE_TEXT, false } } },
	{ "ntfy", "ntfy", NULL,
		{ { "ntfytopic", "topic", SHAPE_SECRET, true },
			{ "ntfyserverurl", "url", SHAPE_TEXT, false },
			{ "ntfyaccesstoken", "token", SHAPE_SECRET, false },
			{ "ntfyusername", "user", SHAPE_TEXT, false },
			{ "ntfypassword", "password", SHAPE_SECRET, false } } },
	{ "smtp", "email", NULL,
		{ { "server", "server", SHAPE_TEXT, true },
			{ "smtpFrom", "from", SHAPE_TEXT, true },
			{ "smtpTo", "to", SHAPE_LIST, true },
			{ "smtpUsername", "user", SHAPE_TEXT, false },
			{ "smtpPassword", "password", SHAPE_SECRET, false } } },
	{ "Feishu", "feishu", NULL, { { "feishuWebHookUrl", "url", SHAPE_URL_SECRET, true } } },
	{ "DingDing", "dingtalk", NULL,
		{ { "webHookUrl", "url", SHAPE_URL_SECRET, true },
			{ "secretKey", "secret", SHAPE_SECRET, false } } },
	{ "WeCom", "wecom", NULL, { { "wecom", "url", SHAPE_URL_SECRET, true } } },
	{ "webhook", "webhook", HOOK, { { "webhookURL", "url", SHAPE_URL_SECRET, true } } },
	{ "GoogleChat", "webhook", HOOK,
		{ { "googleChatWebhookURL", "url", SHAPE_URL_SECRET, true } } },
	{ NULL, NULL, "there is no such receiver; use a `webhook` with `template:`, or `exec`",
		{} },
};

static char *
get(void *arg, const char *key)
{
	const json_t *config = arg;
	char *text;

	if (str_eq(key, "server")) {
		char *host = kuma_text(config, "smtpHost");
		double port = kuma_number(config, "smtpPort", 587);

		text = host == NULL ? NULL
				    : xasprintf("%s://%s:%.0f",
					      kuma_is_true(config, "smtpSecure") ? "smtps" : "smtp",
					      host, port);
		free(host);
		return text;
	}
	if (str_eq(key, "wecom")) {
		char *bot = kuma_text(config, "weComBotKey");

		text = bot == NULL
			       ? NULL
			       : xasprintf(
					 "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=%s",
					 bot);
		free(bot);
		return text;
	}
	return kuma_text(config, key);
}

static void
take_receiver(struct kuma *kuma, const json_t *notification)
{
	const char *text = json_string_value(json_object_get(notification, "config"));
	json_t *config = text == NULL ? NULL : json_loads(text, 0, NULL);
	char *type = kuma_text(config, "type"), *name = kuma_text(notification, "name");
	const struct import_kind *kind = kinds;
	struct import_item *item;

	snprintf(kuma->where, sizeof(kuma->where), "notification %.0f \"%.80s\"",
		kuma_number(notification, "id", 0), name == NULL ? "" : name);
	while (kind->theirs != NULL && !str_eq(kind->theirs, type))
		kind++;
	item = import_receiver_by(kuma->import, kind,
		name == NULL ? (type == NULL ? "receiver" : type) : name, kuma->where, get, config);
	if (item != NULL) {
		if (name != NULL && !str_eq(name, item->name))
			import_about(item, "%s", name);
		kuma->receivers = xreallocarray(
			kuma->receivers, kuma->receiver_count + 1, sizeof(*kuma->receivers));
		kuma->receivers[kuma->receiver_count++] =
			(struct kuma_receiver){ .id = kuma_number(notification, "id", 0),
				.item = item };
		if (json_object_get(notification, "active") != NULL &&
			!kuma_is_true(notification, "active"))
			item->is_off = true;
	}
	free(type);
	free(name);
	json_decref(config);
}

void
kuma_take_receivers(struct kuma *kuma)
{
	const json_t *list = json_object_get(kuma->root, "notificationList"), *notification;
	size_t i;

	json_array_foreach(list, i, notification) take_receiver(kuma, notification);
}

/* Again after so many beats that are down; 0: never. */
static usec_t
repeat_of(const json_t *monitor)
{
	double beats = kuma_number(monitor, "resendInterval", 0);
	double interval = fmax(kuma_number(monitor, "interval", 60), 1);

	return beats < 1 ? 0 : (usec_t)(fmin(beats * interval, 30 * 86400.0) * 1e6);
}

void
kuma_take_routes(struct kuma *kuma, const struct import_item *check)
{
	const json_t *ids = json_object_get(kuma->monitor, "notificationIDList");

	for (size_t i = 0; i < kuma->receiver_count; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%.0f", kuma->receivers[i].id);
		if (kuma_is_true(ids, id))
			import_route(kuma->import, kuma->receivers[i].item, check,
				repeat_of(kuma->monitor), true);
	}
}

char *
kuma_group(const struct kuma *kuma)
{
	double parent = kuma_number(kuma->monitor, "parent", 0);
	const json_t *other;
	size_t i;

	if (parent < 1)
		return NULL;
	if (json_is_object(kuma->list)) {
		char id[32];

		snprintf(id, sizeof(id), "%.0f", parent);
		return kuma_text(json_object_get(kuma->list, id), "name");
	}
	json_array_foreach(kuma->list, i, other)
	{
		double n = kuma_number(other, "id", 0);

		if (n >= parent && n <= parent)
			return kuma_text(other, "name");
	}
	return NULL;
}

void
kuma_fini(struct kuma *kuma)
{
	free(kuma->receivers);
	kuma->receivers = NULL;
}
