/*
 * A Gatus configuration: endpoints, and what stands at its top.  Its ${NAME} and $NAME are replaced
 * over the whole file there, so they are references wherever they stand.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "setup/import_gatus.h"

#define INTERVAL_US     (60 * USEC_PER_SEC) /* where an endpoint says none */
#define INTERVAL_MIN_US (USEC_PER_SEC / 10)
#define INTERVAL_MAX_US (7 * USEC_PER_DAY)

/* --- values --- */

char *
gatus_text(struct gatus *gatus, const struct conf_node *node)
{
	const char *p =
		node != NULL && node->kind == CONF_SCALAR && !node->is_null ? node->text : "";
	struct buf out;

	buf_init(&out, 0);
	while (*p != '\0') {
		size_t is_braced = p[0] == '$' && p[1] == '{', len = 0;

		while (p[0] == '$' && (isalnum((unsigned char)p[1 + is_braced + len]) ||
					      p[1 + is_braced + len] == '_'))
			len++;
		if (p[0] == '$' && p[1] == '$') {
			/* a literal one; before a brace it is written twice here */
			buf_add_text(&out, p[2] == '{' ? "$$" : "$");
			p += 2;
		} else if (len > 0 && !isdigit((unsigned char)p[1 + is_braced]) &&
			   (!is_braced || p[2 + len] == '}')) {
			char *name = xstrndup(p + 1 + is_braced, len);

			import_refer(gatus->import, gatus->where, name);
			buf_addf(&out, "${%s}", name);
			free(name);
			p += 1 + len + (is_braced ? 2 : 0);
		} else {
			buf_add_text(&out, p[0] == '$' && p[1] == '{' ? "$" : "");
			buf_add(&out, p++, 1);
		}
	}
	return buf_take_text(&out);
}

char *
gatus_get(struct gatus *gatus, const struct conf_node *map, const char *key)
{
	return gatus_text(gatus, conf_get(map, key));
}

bool
gatus_is_true(const struct conf_node *map, const char *key)
{
	const struct conf_node *node = conf_get(map, key);

	return node != NULL && node->kind == CONF_SCALAR && node->text != NULL &&
	       str_eq(node->text, "true");
}

usec_t
gatus_duration(const struct conf_node *map, const char *key, usec_t fallback_us)
{
	const struct conf_node *node = conf_get(map, key);
	double ms;

	if (node == NULL || node->kind != CONF_SCALAR || node->text == NULL)
		return fallback_us;
	ms = import_go_milliseconds(node->text);
	return ms >= 1 && ms < 365 * 86400e3 ? (usec_t)ms * 1000 : fallback_us;
}

int64_t
gatus_number(const struct conf_node *map, const char *key, int64_t fallback)
{
	const struct conf_node *node = conf_get(map, key);
	int64_t n;

	if (node == NULL || node->kind != CONF_SCALAR || node->text == NULL ||
		value_int(node->text, &n, NULL) != 0)
		return fallback;
	return n;
}

/* "gatus.yaml:12: endpoints[3]" */
void
gatus_at(struct gatus *gatus, const struct conf_node *node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(gatus->place, sizeof(gatus->place), fmt, ap);
	va_end(ap);
	snprintf(gatus->where, sizeof(gatus->where), "line %u: %s",
		node == NULL ? 0 : node->pos.line, gatus->place);
}

/* A note about a key of the thing that is looked at now. */
static void
note_key(struct gatus *gatus, const struct conf_node *node, const char *key, const char *text)
{
	char where[400];

	snprintf(where, sizeof(where), "line %u: %s.%s", node->key_pos.line, gatus->place, key);
	import_note(gatus->import, where, "%s", text);
}

void
gatus_note_keys(struct gatus *gatus, const struct conf_node *map, const struct gatus_key *rows)
{
	for (size_t i = 0; map != NULL && map->kind == CONF_MAP && i < map->count; i++) {
		const struct conf_node *node = map->items[i];
		const struct gatus_key *row = rows;

		while (row->name != NULL && !str_eq(row->name, node->key))
			row++;
		if (row->name == NULL)
			note_key(gatus, node, node->key, "not known; nothing was made of it");
		else if (row->advice != NULL && !conf_is_absent(node))
			note_key(gatus, node, node->key, row->advice);
	}
}

/* --- what an endpoint says --- */

static const struct gatus_key endpoint_keys[] = {
	{ "enabled", NULL },
	{ "name", NULL },
	{ "group", NULL },
	{ "url", NULL },
	{ "method", NULL },
	{ "body", NULL },
	{ "graphql", NULL },
	{ "headers", NULL },
	{ "extra-labels", NULL },
	{ "interval", NULL },
	{ "conditions", NULL },
	{ "alerts", NULL },
	{ "maintenance-windows", NULL },
	{ "dns", NULL },
	{ "ssh", "the login is not tried, only the greeting is looked at; an `exec` check with "
		 "check_by_ssh does" },
	{ "client", NULL },
	{ "ui", NULL }, /* what is shown; targets are masked here anyway */
	{ "store", "values are not handed from one check to another" },
	{ "always-run", NULL },
	{ NULL, NULL },
};

static void
take_labels(struct gatus *gatus, struct import_item *check, const struct conf_node *labels)
{
	if (labels == NULL || labels->kind != CONF_MAP || labels->count == 0)
		return;
	import_raw(&check->keys, "labels:\n");
	for (size_t i = 0; i < labels->count; i++) {
		char *text = gatus_text(gatus, labels->items[i]);

		import_pair(&check->keys, labels->items[i]->key, *text == '\0' ? "-" : text);
		free(text);
	}
}

/* --- an endpoint --- */

static void
take_conditions(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const struct gatus_scheme *scheme, usec_t hold_us)
{
	const struct conf_node *list = conf_get(map, "conditions");
	struct conditions all = { .import = gatus->import,
		.check = check,
		.kind = scheme->kind,
		.is_https = scheme->prefix == NULL || str_eq(scheme->prefix, "https://"),
		.hold_us = hold_us };

	conditions_begin(&all);
	for (size_t i = 0; list != NULL && list->kind == CONF_LIST && i < list->count; i++) {
		char *text = gatus_text(gatus, list->items[i]), where[400];

		snprintf(where, sizeof(where), "line %u: %s.conditions[%zu]",
			list->items[i]->pos.line, gatus->place, i);
		conditions_add(&all, where, text);
		free(text);
	}
	conditions_end(&all);
}

static void
take_common(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const struct gatus_alerts *alerts)
{
	char *group = gatus_get(gatus, map, "group");

	import_key(&check->keys, "group", group);
	import_raw(&check->keys, "retries: %lld\n", (long long)alerts->failures);
	if (alerts->successes > 1)
		import_raw(&check->keys, "successes: %lld\n", (long long)alerts->successes);
	take_labels(gatus, check, conf_get(map, "extra-labels"));
	if (conf_get(map, "enabled") != NULL && !gatus_is_true(map, "enabled"))
		check->is_off = true;
	free(group);
}

static struct import_item *
new_check(struct gatus *gatus, const struct conf_node *map, const char *type)
{
	char *group = gatus_get(gatus, map, "group"), *name = gatus_get(gatus, map, "name");
	struct import_item *check = import_check(gatus->import, group, name, type);

	if (!str_eq(name, check->name))
		import_about(check, "%s%s%s", group, *group != '\0' ? ": " : "", name);
	free(group);
	free(name);
	return check;
}

static void
take_endpoint(struct gatus *gatus, const struct conf_node *map)
{
	char *url = gatus_get(gatus, map, "url");
	const struct gatus_scheme *scheme = gatus_scheme(map, url);
	usec_t interval_us = gatus_duration(map, "interval", INTERVAL_US);

	if (interval_us > INTERVAL_MAX_US || interval_us < INTERVAL_MIN_US)
		interval_us = interval_us < INTERVAL_MIN_US ? INTERVAL_MIN_US : INTERVAL_MAX_US;
	struct gatus_alerts alerts;
	struct import_item *check;

	if (str_starts(url, "sctp://")) {
		import_note(gatus->import, gatus->where, "SCTP is not spoken; use an `exec` check");
		free(url);
		return;
	}
	check = new_check(gatus, map, scheme->type);
	gatus_note_keys(gatus, map, endpoint_keys);
	scheme->make(gatus, check, map, url);
	import_duration(&check->keys, "interval", interval_us);
	gatus_take_alerts(gatus, check, map, &alerts);
	take_common(gatus, check, map, &alerts);
	gatus_take_client(gatus, check, conf_get(map, "client"), scheme->kind);
	/* A disabled check has no metrics that a rule could name. */
	take_conditions(gatus, check, map, scheme, interval_us * (alerts.failures - 1));
	gatus_take_windows(gatus, conf_get(map, "maintenance-windows"), check->name);
	free(url);
}

/* Jobs that report by themselves. */
static void
take_external(struct gatus *gatus, const struct conf_node *map)
{
	struct import_item *check = new_check(gatus, map, "heartbeat");
	usec_t period_us = gatus_duration(conf_get(map, "heartbeat"), "interval", 0);
	char *token = gatus_get(gatus, map, "token");
	char *hint = xasprintf("%s_token", check->name), *secret;
	struct gatus_alerts alerts;

	secret = import_secret(
		gatus->import, gatus->where, hint, *token == '\0' ? "unset-token" : token);
	free(hint);
	hint = import_place(gatus->import, secret, "unset-token");
	import_key(&check->keys, "token", hint);
	import_duration(&check->keys, "period", period_us == 0 ? 365 * USEC_PER_DAY : period_us);
	import_about(check, "Instead of /api/v1/endpoints/KEY/external with a bearer token the job "
			    "calls /ping/TOKEN, or /ping/TOKEN/fail.");
	if (strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") !=
			strlen(token) ||
		strlen(token) < 8) {
		check->is_off = true;
		import_note(gatus->import, gatus->where,
			"its token must have 8 to 128 letters, digits, _ and -; give it another "
			"one "
			"and take `enabled: false` away");
	}
	if (period_us == 0)
		import_note(gatus->import, gatus->where,
			"it has no heartbeat interval: `period` was set to a year; say how often "
			"it "
			"reports");
	import_note(gatus->import, gatus->where,
		"the job must call another address: /ping/TOKEN when it is well, /ping/TOKEN/fail "
		"when not");
	gatus_take_alerts(gatus, check, map, &alerts);
	take_common(gatus, check, map, &alerts);
	gatus_take_windows(gatus, conf_get(map, "maintenance-windows"), check->name);
	free(token);
	free(hint);
	free(secret);
}

/* --- the top --- */

static const struct gatus_key top_keys[] = {
	{ "endpoints", NULL },
	{ "external-endpoints", NULL },
	{ "alerting", NULL },
	{ "maintenance", NULL },
	{ "debug", NULL },
	{ "metrics", NULL }, /* always there, on /metrics */
	{ "skip-invalid-config-update", NULL },
	{ "disable-monitoring-lock", NULL },
	{ "concurrency", NULL }, /* no check waits for another one */
	{ "announcements", NULL },
	{ "ui", "the dashboard has its own words; `daemon: { name: ... }` names it" },
	{ "web", "the API listens where `api: { listen: ... }` says" },
	{ "security", "reading is for whoever can connect, writing for the group triaged or with "
		      "`api: { token: ... }`; put a proxy with a login in front of it for more" },
	{ "storage",
		"results are kept in `daemon: { state_dir: ... }`; those of Gatus stay there" },
	{ "suites", "steps that hand values to each other are not known; write an `exec` check" },
	{ "remote", "other instances are not shown; each daemon has its own dashboard" },
	{ "tunneling", "there are no SSH tunnels; run triaged behind them, or `ssh -L` beside it" },
	{ "connectivity", NULL },
	{ NULL, NULL },
};

/* triaged tells by itself that this host is cut off; the target stays a check of its own. */
static void
take_connectivity(struct gatus *gatus, const struct conf_node *map)
{
	const struct conf_node *checker = conf_get(map, "checker");
	struct import_item *check;
	char *target = gatus_get(gatus, checker, "target"), *place;

	if (*target != '\0') {
		gatus_at(gatus, checker, "connectivity.checker");
		check = import_check(gatus->import, NULL, "internet", "tcp");
		place = import_place(gatus->import, target, "unset.invalid:1");
		import_about(
			check, "Is this host cut off?  Then what lies beyond is not called down.");
		import_key(&check->keys, "address", place);
		import_duration(
			&check->keys, "interval", gatus_duration(checker, "interval", INTERVAL_US));
		import_note(gatus->import, gatus->where,
			"checks are not skipped while it fails; give those beyond it `needs: "
			"[%s]`, "
			"so that they are told as its consequence",
			check->name);
		free(place);
	}
	free(target);
}

static void
take_list(struct gatus *gatus, const struct conf_node *root, const char *key,
	void (*take)(struct gatus *gatus, const struct conf_node *map))
{
	const struct conf_node *list = conf_get(root, key);

	for (size_t i = 0; list != NULL && list->kind == CONF_LIST && i < list->count; i++) {
		const struct conf_node *name = conf_get(list->items[i], "name");

		gatus_at(gatus, list->items[i], "%s[%zu] %.60s", key, i,
			name != NULL && name->text != NULL ? name->text : "");
		if (list->items[i]->kind != CONF_MAP)
			import_note(
				gatus->import, gatus->where, "not a map; nothing was made of it");
		else if (gatus->import->check_count < IMPORT_CHECKS_MAX)
			take(gatus, list->items[i]);
	}
}

static struct import *
take_root(const char *name, const struct conf_tree *tree, struct complaints *complaints)
{
	struct gatus gatus = { .root = tree->root };

	if (complaints_errors(complaints) > 0 || tree->root == NULL)
		return NULL;
	if (conf_get(tree->root, "endpoints") == NULL &&
		conf_get(tree->root, "external-endpoints") == NULL) {
		complain(complaints, &tree->root->pos,
			"there are no endpoints: this is no configuration of Gatus");
		return NULL;
	}
	gatus.import = import_new("Gatus", name);
	gatus_take_providers(&gatus);
	take_list(&gatus, tree->root, "endpoints", take_endpoint);
	take_list(&gatus, tree->root, "external-endpoints", take_external);
	take_connectivity(&gatus, conf_get(tree->root, "connectivity"));
	gatus_at(&gatus, conf_get(tree->root, "maintenance"), "maintenance");
	gatus_take_windows(&gatus, conf_get(tree->root, "maintenance"), NULL);
	str_copy(gatus.place, sizeof(gatus.place), "(top)");
	gatus_note_keys(&gatus, tree->root, top_keys);
	import_rest(gatus.import);
	return gatus.import;
}

struct import *
import_gatus(const char *path, struct complaints *complaints)
{
	struct conf_tree *tree = conf_tree_load_raw(path, complaints);
	struct import *import = take_root(path, tree, complaints);

	conf_tree_free(tree);
	return import;
}

struct import *
import_gatus_text(const char *name, const char *text, size_t len, struct complaints *complaints)
{
	struct conf_tree *tree = conf_tree_parse_raw(name, text, len, complaints);
	struct import *import = take_root(name, tree, complaints);

	conf_tree_free(tree);
	return import;
}
