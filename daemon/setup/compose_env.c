/*
 * The environment of a service: `environment` as a list or a map, and its env_files, which count
 * less.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/interpolate.h"
#include "setup/compose.h"

static struct compose_var *
var_named(struct compose_service *service, const char *name)
{
	for (size_t i = 0; i < service->var_count; i++)
		if (str_eq(service->vars[i].name, name))
			return &service->vars[i];
	return NULL;
}

/* Replaces what was there; `raw` is copied, NULL: the shell's. */
static void
set_var(struct compose *compose, struct compose_service *service, const char *name, const char *raw,
	const struct conf_node *at)
{
	struct compose_var *var = var_named(service, name);
	if (var == NULL) {
		if (!compose_has_room(compose, service->var_count, at))
			return;
		service->vars = xreallocarray(
			service->vars, service->var_count + 1, sizeof(*service->vars));
		var = &service->vars[service->var_count++];
		*var = (struct compose_var){ .name = xstrdup(name) };
	}
	compose_free_secret(var->raw);
	compose_free_secret(var->value);
	var->env_file = NULL;
	var->pos = at->pos;
	var->raw = xstrdup(raw);
	var->value =
		raw != NULL ? compose_expand(compose, raw) : xstrdup(compose_lookup(compose, name));
}

/* "NAME=value" or "NAME". */
static void
take_line(struct compose *compose, struct compose_service *service, const struct conf_node *item)
{
	if (item->kind != CONF_SCALAR) {
		complain_warn(compose->complaints, &item->pos,
			"environment: expected NAME=value, not %s; left out", conf_kind_name(item));
		return;
	}
	size_t len = strcspn(item->text, "=");
	char *name = xstrndup(item->text, len);
	if (len > 0)
		set_var(compose, service, name,
			item->text[len] == '=' ? item->text + len + 1 : NULL, item);
	free(name);
}

void
compose_take_env(
	struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	if (conf_is_absent(node))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const struct conf_node *item = node->items[i];
		if (node->kind == CONF_LIST)
			take_line(compose, service, item);
		else if (item->kind == CONF_SCALAR)
			set_var(compose, service, item->key, item->is_null ? NULL : item->text,
				item);
	}
	if (node->kind == CONF_SCALAR)
		complain_warn(compose->complaints, &node->pos,
			"environment: expected a list or a map; left out");
}

/* --- env_file --- */

/* The path as it is kept for the whole project, so that variables may point to it. */
static const char *
keep_path(struct compose *compose, const char *path)
{
	compose_add_word(&compose->env_files, path);
	for (size_t i = 0; i < compose->env_files.count; i++)
		if (str_eq(compose->env_files.all[i], path))
			return compose->env_files.all[i];
	return NULL;
}

static void
add_file_vars(struct compose *compose, struct compose_service *service, const char *path,
	const struct conf_node *at)
{
	struct err e = { 0 };
	struct map *vars = map_new();
	const char *name, *kept = keep_path(compose, path);
	void *value;
	size_t walk = 0;
	if (kept == NULL || env_file_load(vars, path, &e) != 0) {
		complain_warn(compose->complaints, &at->pos,
			"env_file: %s; its variables are not known", e.text);
		map_free(vars, (void (*)(void *))free);
		return;
	}
	while (map_next(vars, &walk, &name, &value)) {
		struct compose_var *var = var_named(service, name);
		if (var != NULL && var->env_file == NULL)
			continue; /* `environment` of an earlier file says otherwise */
		set_var(compose, service, name, value, at);
		var = var_named(service, name);
		if (var != NULL)
			var->env_file = kept;
		secret_wipe(value, strlen(value));
	}
	map_free(vars, (void (*)(void *))free);
}

static void
take_path(struct compose *compose, struct compose_service *service, const struct conf_node *item)
{
	bool is_long = item->kind == CONF_MAP;
	const struct conf_node *node = is_long ? conf_get(item, "path") : item;
	char *name = compose_text(compose, node, "env_file");
	char *required =
		compose_text(compose, is_long ? conf_get(item, "required") : NULL, "required");
	if (name != NULL) {
		char *path = name[0] == '/' ? xstrdup(name)
					    : xasprintf("%s/%s", compose->folder,
						      str_starts(name, "./") ? name + 2 : name);
		if (!str_eq(required, "false") || access(path, F_OK) == 0)
			add_file_vars(compose, service, path, item);
		free(path);
	}
	free(name);
	free(required);
}

void
compose_take_env_files(
	struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	if (conf_is_absent(node))
		return;
	if (node->kind != CONF_LIST) {
		take_path(compose, service, node);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		take_path(compose, service, node->items[i]);
}
