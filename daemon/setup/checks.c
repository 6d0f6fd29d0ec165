/*
 * `checks:` and `defaults:` to specifications.  A check's own keys, then the defaults, then the
 * tables' defaults; disabled checks are judged like the others and set aside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/load.h"

#define WHAT_SIZE         100
#define TARGET_SIZE       1024
#define RETRY_INTERVAL_US (2 * USEC_PER_SEC)

struct defaults {
	const struct conf_node *node; /* NULL: none, or unusable */
	struct check_common common;   /* for its labels */
};

static const char *const check_ignore[] = { "type", NULL };

/* --- defaults --- */

static void
load_defaults(const struct load *l, struct defaults *defaults)
{
	const struct conf_node *node = top_map(l, "defaults");
	unsigned before = complaints_errors(l->complaints);
	struct conf_part part = { check_fields, &defaults->common };
	conf_fill(&part, 1, node, "defaults", NULL, l->complaints);
	const struct conf_node *needs = conf_get(node, "needs");
	if (needs != NULL)
		complain(l->complaints, &needs->key_pos,
			"needs: each check says itself what it needs, defaults cannot");
	if (complaints_errors(l->complaints) == before)
		defaults->node = node;
}

/* Labels are not replaced as a whole: they are joined. */
static bool
is_taken_over(const struct conf_node *item, const struct conf_node *check)
{
	return strcmp(item->key, "labels") != 0 && conf_get(check, item->key) == NULL;
}

/* The check's map with the defaults that it lacks; its items array is owned. */
static struct conf_node
with_defaults(const struct conf_node *check, const struct conf_node *defaults)
{
	struct conf_node map = *check;
	size_t room = check->count + (defaults != NULL ? defaults->count : 0);
	map.items = xcalloc(room + 1, sizeof(struct conf_node *));
	if (check->count > 0)
		memcpy(map.items, check->items, check->count * sizeof(struct conf_node *));
	for (size_t i = 0; defaults != NULL && i < defaults->count; i++)
		if (is_taken_over(defaults->items[i], check))
			map.items[map.count++] = defaults->items[i];
	return map;
}

static void
join_labels(struct conf_pairs *into, const struct conf_pairs *from)
{
	if (from->count == 0)
		return;
	size_t own = into->count;
	into->all = xreallocarray(into->all, own + from->count, sizeof(struct conf_pair));
	for (size_t i = 0; i < from->count; i++) {
		bool is_there = false;
		for (size_t k = 0; k < own && !is_there; k++)
			is_there = strcmp(into->all[k].name, from->all[i].name) == 0;
		if (is_there)
			continue;
		into->all[into->count++] = (struct conf_pair){
			.name = xstrdup(from->all[i].name),
			.value = xstrdup(from->all[i].value),
			.pos = from->all[i].pos,
		};
	}
}

/* --- types --- */

static void
list_types(struct buf *out)
{
	for (size_t i = 0; probe_table[i] != NULL; i++)
		buf_addf(out, "%s%s", i > 0 ? ", " : "", probe_table[i]->name);
}

static const char *
nearest_type(const char *word)
{
	const char *names[64];
	size_t count = 0;
	for (; count < sizeof(names) / sizeof(*names) && probe_table[count] != NULL; count++)
		names[count] = probe_table[count]->name;
	return str_nearest(word, names, count);
}

static const struct probe_type *
refuse_type(const struct load *l, const struct conf_node *entry, const struct conf_node *type)
{
	struct buf types;
	buf_init(&types, 600);
	list_types(&types);
	const char *near = type != NULL && type->text != NULL ? nearest_type(type->text) : NULL;
	if (type == NULL)
		complain(l->complaints, &entry->key_pos,
			"check \"%s\": type is missing: the types are %s", entry->key,
			buf_text(&types));
	else if (type->kind != CONF_SCALAR || type->is_null)
		complain(l->complaints, &type->pos,
			"type: must be a word, not %s: the types are %s", conf_kind_name(type),
			buf_text(&types));
	else if (near != NULL)
		complain(l->complaints, &type->pos, "unknown type \"%.60s\", did you mean \"%s\"?",
			type->text, near);
	else if (!type->is_broken && !word_is_later(l, type->text, &type->pos))
		complain(l->complaints, &type->pos, "unknown type \"%.60s\": the types are %s",
			type->text, buf_text(&types));
	buf_fini(&types);
	return NULL;
}

static const struct probe_type *
find_type(const struct load *l, const struct conf_node *entry)
{
	const struct conf_node *type = conf_get(entry, "type");
	const struct probe_type *found = NULL;
	if (type != NULL && type->kind == CONF_SCALAR && !type->is_null && !type->is_broken)
		found = probe_find(type->text);
	return found != NULL ? found : refuse_type(l, entry, type);
}

/* --- one check --- */

/* Is it whole?  The rest could trip over what is missing. */
static bool
fill_spec(const struct load *l, const struct defaults *defaults, const struct conf_node *entry,
	struct check_spec *spec)
{
	const struct probe_type *type = spec->probe_type;
	const struct daemon_settings *daemon = &l->settings->daemon;
	char what[WHAT_SIZE];
	snprintf(what, sizeof(what), "check \"%s\"", entry->key);
	struct conf_node map = with_defaults(entry, defaults->node);
	struct conf_part parts[] = {
		{ check_fields, &spec->common },
		{ type->fields, spec->conf },
	};
	unsigned before = complaints_errors(l->complaints);
	conf_fill(parts, 2, &map, what, check_ignore, l->complaints);
	struct probe_setup setup = {
		.tls = l->context->tls,
		.judge = l->context->judge,
		.host_root = daemon->host_root != NULL ? daemon->host_root : "/",
	};
	bool is_broken = complaints_errors(l->complaints) != before || conf_has_broken(&map);
	if (!is_broken && type->check != NULL)
		type->check(spec->conf, &map, &setup, l->complaints);
	free(map.items);
	if (is_broken || complaints_errors(l->complaints) != before)
		return false;
	char target[TARGET_SIZE] = "";
	if (type->target != NULL)
		type->target(spec->conf, NULL, target, sizeof(target));
	spec->target = xstrdup(target);
	return true;
}

static void
finish_common(const struct load *l, const struct defaults *defaults, struct check_common *common)
{
	if (common->retry_interval_us == 0)
		common->retry_interval_us = common->interval_us < RETRY_INTERVAL_US
						    ? common->interval_us
						    : RETRY_INTERVAL_US;
	join_labels(&common->labels, &defaults->common.labels);
	join_labels(&common->labels, &l->settings->daemon.labels);
}

/* Its texts come to lie behind it: there may be many thousands of them. */
static struct check_spec *
pack(struct check_spec *spec, const char *name)
{
	size_t name_size = strlen(name) + 1;
	size_t target_size = spec->target != NULL ? strlen(spec->target) + 1 : 0;
	char *target = spec->target, *behind;

	spec = xreallocarray(spec, 1, sizeof(*spec) + name_size + target_size);
	behind = (char *)(spec + 1);
	spec->name = memcpy(behind, name, name_size);
	if (target != NULL)
		spec->target = memcpy(behind + name_size, target, target_size);
	free(target);
	return spec;
}

static struct check_spec *
load_check(struct load *l, const struct defaults *defaults, const struct conf_node *entry)
{
	bool is_named = name_is_fine(l, entry, "check");
	if (entry->kind != CONF_MAP) {
		complain(l->complaints, &entry->pos, "check \"%.64s\": must be a map, not %s",
			entry->key, conf_kind_name(entry));
		return NULL;
	}
	const struct probe_type *type = find_type(l, entry);
	if (type == NULL || !is_named)
		return NULL;
	struct check_spec *spec = xcalloc(1, sizeof(*spec));
	spec->type = type->name;
	spec->probe_type = type;
	spec->conf = xcalloc(1, type->conf_size);
	spec->pos = entry->key_pos;
	if (!fill_spec(l, defaults, entry, spec) && type->metrics_of != NULL)
		l->has_unknown_metrics = true;
	finish_common(l, defaults, &spec->common);
	return pack(spec, entry->key);
}

void
checks_free(struct check_spec **specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct check_spec *spec = specs[i];
		const struct probe_type *type = spec->probe_type;
		if (type->release != NULL)
			type->release(spec->conf);
		conf_clear(type->fields, spec->conf);
		conf_clear(check_fields, &spec->common);
		free(spec->conf);
		free(spec);
	}
	free(specs);
}

void
checks_load(struct load *l)
{
	struct settings *s = l->settings;
	struct defaults defaults = { .node = NULL };
	load_defaults(l, &defaults);
	const struct conf_node *checks = top_map(l, "checks");
	size_t room = checks != NULL ? checks->count : 0;
	if (room == 0)
		complain_warn(
			l->complaints, &l->root->pos, "there are no checks: nothing is watched");
	s->checks = xcalloc(room + 1, sizeof(struct check_spec *));
	s->disabled = xcalloc(room + 1, sizeof(struct check_spec *));
	for (size_t i = 0; i < room; i++) {
		struct check_spec *spec = load_check(l, &defaults, checks->items[i]);
		if (spec == NULL) {
			l->has_unknown_checks = true;
			continue;
		}
		map_put(l->check_names, spec->name, spec);
		if (spec->common.enabled)
			s->checks[s->check_count++] = spec;
		else
			s->disabled[s->disabled_count++] = spec;
	}
	conf_clear(check_fields, &defaults.common);
}
