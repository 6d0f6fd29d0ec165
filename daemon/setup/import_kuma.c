/*
 * An Uptime Kuma export: the JSON that its backup page wrote (monitorList, notificationList), or
 * the list of monitors as its API gives it.  A table says what each type of monitor becomes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "setup/import_kuma.h"

#define YEAR_S (365 * 86400.0)

/* --- values --- */

char *
kuma_raw(const json_t *value)
{
	if (json_is_string(value) && *json_string_value(value) != '\0')
		return xstrdup(json_string_value(value));
	if (json_is_integer(value))
		return xasprintf("%lld", (long long)json_integer_value(value));
	return NULL;
}

char *
kuma_text(const json_t *map, const char *key)
{
	char *raw = kuma_raw(json_object_get(map, key)), *text;

	if (raw == NULL)
		return NULL;
	text = import_literal(raw);
	free(raw);
	return text;
}

/* Numbers come as texts, too, and flags as 0 and 1. */
double
kuma_number(const json_t *map, const char *key, double fallback)
{
	const json_t *value = json_object_get(map, key);
	char *end;
	double number;

	if (json_is_number(value))
		return json_number_value(value);
	if (!json_is_string(value) || *json_string_value(value) == '\0')
		return fallback;
	number = strtod(json_string_value(value), &end);
	return *end == '\0' && isfinite(number) ? number : fallback;
}

bool
kuma_is_true(const json_t *map, const char *key)
{
	const json_t *value = json_object_get(map, key);

	return json_is_true(value) || (json_is_integer(value) && json_integer_value(value) != 0);
}

void
kuma_add_text(struct kuma *kuma, struct import_item *check, const char *ours, const char *theirs)
{
	char *text = kuma_text(kuma->monitor, theirs);

	import_key(&check->keys, ours, text);
	free(text);
}

char *
kuma_hide(struct kuma *kuma, const char *check, const char *ours, char *text)
{
	char *hint = xasprintf("%s_%s", check, ours);
	char *secret = import_secret(kuma->import, kuma->where, hint, text);

	free(hint);
	free(text);
	return secret;
}

void
kuma_add_secret(
	struct kuma *kuma, struct buf *keys, const char *check, const char *ours, const char *text)
{
	char *secret = kuma_hide(kuma, check, ours, xstrdup(text == NULL ? "" : text));

	import_key(keys, ours, secret);
	free(secret);
}

void
kuma_note(struct kuma *kuma, const char *key, const char *text)
{
	char *where = xasprintf("%s.%s", kuma->where, key);

	import_note(kuma->import, where, "%s", text);
	free(where);
}

/* --- what types become --- */

/* "host:port"; a v6 address gets its brackets. */
static void
add_address(struct kuma *kuma, struct import_item *check, const char *key, unsigned port)
{
	char *host = kuma_text(kuma->monitor, "hostname"), *address;
	double given = kuma_number(kuma->monitor, "port", port);
	bool is_v6 = host != NULL && strchr(host, ':') != NULL && *host != '[';

	if (host == NULL || given < 1 || given > 65535) {
		import_note(kuma->import, kuma->where, "it has no host, or no port");
		check->is_off = true;
		import_key(&check->keys, key, "unset.invalid:1");
		free(host);
		return;
	}
	address = xasprintf("%s%s%s:%.0f", is_v6 ? "[" : "", host, is_v6 ? "]" : "", given);
	import_key(&check->keys, key, address);
	free(host);
	free(address);
}

static void
make_port(struct kuma *kuma, struct import_item *check)
{
	add_address(kuma, check, "address", 0);
}

static void
make_ping(struct kuma *kuma, struct import_item *check)
{
	double count = kuma_number(kuma->monitor, "ping_count", 0);
	double size = kuma_number(kuma->monitor, "packetSize", 56);
	char *host = kuma_text(kuma->monitor, "hostname");

	import_key(&check->keys, "host", host == NULL ? "unset.invalid" : host);
	if (count >= 1)
		import_raw(&check->keys, "count: %.0f\n", fmin(count, 100));
	if (size >= 0 && size <= 1472 && size < 56)
		import_raw(&check->keys, "size: %.0f\n", size);
	else if (size > 56)
		import_raw(&check->keys, "size: %.0f\n", fmin(size, 1472));
	free(host);
}

static void
make_dns(struct kuma *kuma, struct import_item *check)
{
	char *name = kuma_text(kuma->monitor, "hostname");
	char *servers = kuma_text(kuma->monitor, "dns_resolve_server");
	double port = kuma_number(kuma->monitor, "port", 53);

	import_key(&check->keys, "name", name == NULL ? "unset.invalid" : name);
	if (servers != NULL) {
		size_t len = strcspn(servers, ", ");
		char *server = xasprintf(
			"%.*s:%.0f", (int)len, servers, port >= 1 && port <= 65535 ? port : 53);

		if (servers[len] != '\0')
			kuma_note(kuma, "dns_resolve_server",
				"only the first server is asked; make a "
				"check of each");
		import_key(&check->keys, "server",
			strchr(server, ':') == strrchr(server, ':') ? server : NULL);
		free(server);
	}
	kuma_add_text(kuma, check, "record", "dns_resolve_type");
	free(name);
	free(servers);
}

static void
make_push(struct kuma *kuma, struct import_item *check)
{
	char *token = kuma_text(kuma->monitor, "pushToken");
	double interval = kuma_number(kuma->monitor, "interval", 60), grace;

	if (token == NULL || strlen(token) < 8) {
		kuma_note(kuma, "pushToken",
			"it has no token of 8 letters at least; give it one and take "
			"`enabled: false` away");
		check->is_off = true;
	}
	kuma_add_secret(kuma, &check->keys, check->name, "token",
		token == NULL || strlen(token) < 8 ? "unset-token" : token);
	grace = kuma_number(kuma->monitor, "maxretries", 0) *
		kuma_number(kuma->monitor, "retryInterval", interval);
	import_duration(&check->keys, "period", (usec_t)(fmin(fmax(interval, 1), YEAR_S) * 1e6));
	import_duration(&check->keys, "grace", (usec_t)(fmin(fmax(grace, 30), YEAR_S) * 1e6));
	import_about(check, "The job calls /ping/TOKEN in place of /api/push/TOKEN, and "
			    "/ping/TOKEN/fail where it said status=down.");
	import_note(kuma->import, kuma->where,
		"the job must call another address: /ping/TOKEN when it is well, /ping/TOKEN/fail "
		"when not");
	free(token);
}

static void
make_docker(struct kuma *kuma, struct import_item *check)
{
	char *name = kuma_text(kuma->monitor, "docker_container");

	import_key(&check->keys, "name", name == NULL ? "unset" : name);
	if (kuma_number(kuma->monitor, "docker_host", 0) > 1)
		kuma_note(kuma, "docker_host",
			"the export does not say where that is; give its `socket:`");
	free(name);
}

/* mysql://host without a slash behind it. */
static bool
lacks_path(const char *dsn)
{
	const char *from = strstr(dsn, "://");

	return from != NULL && strchr(from + 3, '/') == NULL && strchr(from + 3, '?') == NULL;
}

/* A connection string with its password apart. */
static void
make_database(struct kuma *kuma, struct import_item *check)
{
	bool is_redis = str_eq(check->type, "redis");
	char *dsn = kuma_text(kuma->monitor, "databaseConnectionString");
	char *query = kuma_text(kuma->monitor, "databaseQuery"), *hidden, *hint;

	if (dsn == NULL) {
		import_note(kuma->import, kuma->where, "it has no connection string");
		check->is_off = true;
		dsn = xasprintf("%s://unset.invalid", is_redis ? "redis" : check->type);
	}
	/* Of keywords (`host=... password=...`) the whole is the secret. */
	hint = xasprintf("%s_dsn", check->name);
	if (strstr(dsn, "://") == NULL && strcasestr(dsn, "password=") != NULL)
		hidden = import_secret(kuma->import, kuma->where, hint, dsn);
	else
		hidden = import_url(kuma->import, kuma->where, check->name, dsn);
	free(hint);
	if (str_eq(check->type, "mysql") && lacks_path(hidden)) {
		char *with = xasprintf("%s/", hidden);

		free(hidden);
		hidden = with;
	}
	import_key(&check->keys, is_redis ? "url" : "dsn", hidden);
	if (query != NULL && strcasecmp(query, "SELECT 1") != 0)
		kuma_note(kuma, "databaseQuery",
			"the query is not run; one that gives a number can be a metric: `queries: "
			"{ "
			"name: \"SELECT ...\" }`");
	if (is_redis && kuma_is_true(kuma->monitor, "ignoreTls"))
		import_raw(&check->keys, "verify: false\n");
	free(dsn);
	free(query);
	free(hidden);
}

static void
make_smtp(struct kuma *kuma, struct import_item *check)
{
	char *security = kuma_text(kuma->monitor, "smtpSecurity");

	add_address(kuma, check, "address", 25);
	if (str_eq(security, "starttls"))
		import_raw(&check->keys, "starttls: required\n");
	else if (str_eq(security, "nostarttls"))
		import_raw(&check->keys, "starttls: \"false\"\n");
	free(security);
}

static void
make_unit(struct kuma *kuma, struct import_item *check)
{
	char *unit = kuma_text(kuma->monitor, "system_service_name");

	import_key(&check->keys, "unit", unit == NULL ? "unset" : unit);
	free(unit);
}

static void
make_clock(struct kuma *kuma, struct import_item *check)
{
	char *host = kuma_text(kuma->monitor, "hostname");

	import_key(&check->keys, "servers", host == NULL ? "unset.invalid" : host);
	free(host);
}

static const struct monitor_type {
	const char *theirs, *ours;
	void (*make)(struct kuma *kuma, struct import_item *check);
	unsigned port;      /* of a type that becomes a look at its port */
	const char *advice; /* what is lost, or what to do where there is nothing like it */
} types[] = {
	{ "http", "http", kuma_make_http, 0, NULL },
	{ "keyword", "http", kuma_make_keyword, 0, NULL },
	{ "json-query", "http", kuma_make_json, 0, NULL },
	{ "port", "tcp", make_port, 0, NULL },
	{ "ping", "ping", make_ping, 0, NULL },
	{ "dns", "dns", make_dns, 0, NULL },
	{ "push", "heartbeat", make_push, 0, NULL },
	{ "docker", "container", make_docker, 0, NULL },
	{ "mysql", "mysql", make_database, 0, NULL },
	{ "postgres", "postgres", make_database, 0, NULL },
	{ "redis", "redis", make_database, 0, NULL },
	{ "smtp", "smtp", make_smtp, 0, NULL },
	{ "system-service", "systemd", make_unit, 0, NULL },
	{ "ntp", "clock", make_clock, 0,
		"it looks at this host's clock, by that server; say `max_offset:`" },
	{ "mongodb", NULL, NULL, 27017, NULL },
	{ "mqtt", NULL, NULL, 1883, NULL },
	{ "sqlserver", NULL, NULL, 1433, NULL },
	{ "oracledb", NULL, NULL, 1521, NULL },
	{ "rabbitmq", NULL, NULL, 15672, NULL },
	{ "kafka-producer", NULL, NULL, 9092, NULL },
	{ "grpc-keyword", NULL, NULL, 443, NULL },
	{ "websocket-upgrade", NULL, NULL, 80, NULL },
	{ "sip-options", NULL, NULL, 5060, NULL },
	{ "real-browser", "http", kuma_make_http, 0,
		"no browser is started; the page is asked for" },
	{ "tailscale-ping", "ping", make_ping, 0, "an ordinary ping is sent" },
	{ "manual", NULL, NULL, 0,
		"a state that people set is no check; `triage silence` and "
		"`maintenance:` say what is planned" },
	{ NULL, NULL, NULL, 0,
		"there is no check of this type; use an `exec` check with a Nagios plugin" },
};

/* host:port of a URL, a connection string, an address; NULL: there is none in it. */
static char *
place_in(const char *text, double port)
{
	const char *scheme = text == NULL ? NULL : strstr(text, "://"), *from, *at;
	size_t len;

	if (text == NULL)
		return NULL;
	from = scheme == NULL ? text : scheme + 3;
	if (strncasecmp(from, "server=", 7) == 0)
		from += 7;
	len = strcspn(from, "/?;,");
	at = memrchr(from, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - from);
		from = at + 1;
	}
	if (len == 0)
		return NULL;
	if (memchr(from, ':', len) != NULL)
		return xstrndup(from, len);
	return xasprintf("%.*s:%.0f", (int)len, from, port);
}

/* Whatever the monitor has that leads somewhere. */
static char *
find_place(struct kuma *kuma, unsigned standard)
{
	static const char *const keys[] = { "hostname", "databaseConnectionString", "grpcUrl",
		"url" };
	static const char *const lists[] = { "kafkaProducerBrokers", "rabbitmqNodes" };
	double port = kuma_number(kuma->monitor, "port", standard);
	char *place = NULL;

	for (size_t i = 0; place == NULL && i < sizeof(lists) / sizeof(lists[0]); i++)
		place = place_in(json_string_value(json_array_get(
					 json_object_get(kuma->monitor, lists[i]), 0)),
			port);
	for (size_t i = 0; place == NULL && i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *text = kuma_text(kuma->monitor, keys[i]);

		place = place_in(text, port);
		free(text);
	}
	return place;
}

/* --- what all have --- */

static char *
name_of_tag(const json_t *tag)
{
	char *name = kuma_text(tag, "name");

	return name != NULL ? name : xstrdup("tag");
}

/* All values of each name, under it: a tag may be there several times. */
static struct map *
gather_tags(const json_t *tags)
{
	struct map *all = map_new();
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		char *name = name_of_tag(tag), *value = kuma_text(tag, "value");
		const char *word = value != NULL ? value : "yes", *before = map_get(all, name);

		free(map_put(all, name,
			before == NULL ? xstrdup(word) : xasprintf("%s, %s", before, word)));
		free(name);
		free(value);
	}
	return all;
}

/* In the order in which they stand there. */
static void
take_tags(struct import_item *check, const json_t *tags)
{
	struct map *all = gather_tags(tags);
	const json_t *tag;
	size_t i;

	if (map_count(all) > 0)
		import_raw(&check->keys, "labels:\n");
	json_array_foreach(tags, i, tag)
	{
		char *name = name_of_tag(tag), *values = map_remove(all, name);

		import_pair(&check->keys, name, values);
		free(values);
		free(name);
	}
	map_free(all, free);
}

static void
take_common(struct kuma *kuma, struct import_item *check)
{
	const json_t *m = kuma->monitor;
	double interval = fmax(kuma_number(m, "interval", 60), 1), retries, retry, timeout;
	bool is_push = str_eq(check->type, "heartbeat"); /* waits; nothing is asked */
	char *parent = kuma_group(kuma);

	retries = fmin(fmax(kuma_number(m, "maxretries", 0), 0) + 1, 1000);
	retry = kuma_number(m, "retryInterval", interval);
	timeout = kuma_number(m, "timeout", 0);
	if (!is_push)
		import_duration(&check->keys, "interval", (usec_t)(fmin(interval, 604800) * 1e6));
	import_raw(&check->keys, "retries: %.0f\n", is_push ? 1 : retries);
	if (!is_push && retries > 1 && retry >= 1)
		import_duration(
			&check->keys, "retry_interval", (usec_t)(fmin(retry, 604800) * 1e6));
	if (!is_push && timeout > 0)
		import_duration(
			&check->keys, "timeout", (usec_t)(fmin(fmax(timeout, 0.01), 600) * 1e6));
	import_key(&check->keys, "group", parent);
	kuma_add_text(kuma, check, "description", "description");
	take_tags(check, json_object_get(m, "tags"));
	if (json_object_get(m, "active") != NULL && !kuma_is_true(m, "active"))
		check->is_off = true;
	free(parent);
}

static void
note_rest(struct kuma *kuma, struct import_item *check)
{
	const json_t *m = kuma->monitor;

	if (kuma_is_true(m, "upsideDown")) {
		check->is_off = true;
		kuma_note(kuma, "upsideDown",
			"a check cannot want that something is down: it is switched off; a rule "
			"`critical: up(NAME)` says it");
	}
	if (json_array_size(json_object_get(m, "conditions")) > 0)
		kuma_note(kuma, "conditions", "look at them by hand: `expect:`");
	if (kuma_is_true(m, "domainExpiryNotification"))
		kuma_note(kuma, "domainExpiryNotification",
			"triaged does not ask registries; an `exec` check with check_domain does");
}

static struct import_item *
new_check(struct kuma *kuma, const char *type)
{
	char *name = kuma_text(kuma->monitor, "name"), *group = kuma_group(kuma);
	struct import_item *check =
		import_check(kuma->import, group, name == NULL ? "monitor" : name, type);

	if (name != NULL && !str_eq(name, check->name))
		import_about(check, "%s", name);
	free(name);
	free(group);
	return check;
}

/* A type without a check of its own: its port, if there is one. */
static struct import_item *
make_other(struct kuma *kuma, const struct monitor_type *type, const char *name)
{
	char *place = type->port == 0 ? NULL : find_place(kuma, type->port);
	struct import_item *check = NULL;

	if (place == NULL) {
		import_note(kuma->import, kuma->where, "type %.40s: %s", name,
			type->advice == NULL ? "it has no address" : type->advice);
		return NULL;
	}
	check = new_check(kuma, "tcp");
	import_about(check, "There is no check of type %.40s, only of its port.", name);
	import_note(
		kuma->import, kuma->where, "type %.40s: it became a `tcp` check of the port", name);
	import_key(&check->keys, "address", place);
	free(place);
	return check;
}

static void
take_monitor(struct kuma *kuma)
{
	char *name = kuma_text(kuma->monitor, "type");
	const struct monitor_type *type = types;
	struct import_item *check;

	while (type->theirs != NULL && !str_eq(type->theirs, name))
		type++;
	if (str_eq(name, "group")) {
		free(name);
		return; /* a heading: its children say `group:` */
	}
	if (type->make == NULL) {
		check = make_other(kuma, type, name == NULL ? "?" : name);
	} else {
		check = new_check(kuma, type->ours);
		type->make(kuma, check);
		if (type->advice != NULL)
			import_note(kuma->import, kuma->where, "type %s: %s", name, type->advice);
	}
	if (check != NULL) {
		take_common(kuma, check);
		note_rest(kuma, check);
		kuma_take_routes(kuma, check);
	}
	free(name);
}

/* The list, or a map by id. */
static void
take_monitors(struct kuma *kuma, const json_t *list)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)list);
	size_t count = json_is_array(list) ? json_array_size(list) : json_object_size(list);

	for (size_t i = 0; i < count && kuma->import->check_count < IMPORT_CHECKS_MAX; i++) {
		char *name;

		kuma->monitor = json_is_array(list) ? json_array_get(list, i)
						    : json_object_iter_value(iter);
		if (!json_is_array(list))
			iter = json_object_iter_next((json_t *)(uintptr_t)list, iter);
		name = kuma_text(kuma->monitor, "name");
		snprintf(kuma->where, sizeof(kuma->where), "monitor %.0f \"%.80s\"",
			kuma_number(kuma->monitor, "id", (double)i + 1), name == NULL ? "" : name);
		free(name);
		if (json_is_object(kuma->monitor))
			take_monitor(kuma);
	}
}

struct import *
import_kuma(const char *name, const char *text, size_t len, struct err *e)
{
	json_error_t trouble;
	json_t *root = json_loadb(text, len, 0, &trouble);
	struct kuma kuma = { .root = root };
	const json_t *list;

	if (root == NULL) {
		err_set(e, 0, "%s: line %d: %s", name, trouble.line, trouble.text);
		return NULL;
	}
	list = json_is_array(root) ? root : json_object_get(root, "monitorList");
	if (!json_is_array(list) && !json_is_object(list)) {
		json_decref(root);
		err_set(e, 0, "%s: there is no monitorList: this is no export of Uptime Kuma",
			name);
		return NULL;
	}
	kuma.list = list;
	kuma.import = import_new("Uptime Kuma", name);
	kuma_take_receivers(&kuma);
	take_monitors(&kuma, list);
	kuma_fini(&kuma);
	json_decref(root);
	import_rest(kuma.import);
	return kuma.import;
}
