/*
 * The files of a compose project: which there are, in which order they count, and what stands at
 * their top.  The services themselves: compose_service.c.
 */
#include "setup/compose.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/interpolate.h"

#define OUR_IMAGE "triaged"

/* In the order in which compose looks: the first one that is there. */
static const char *const main_names[] = { "compose.yaml", "compose.yml", "docker-compose.yaml",
	"docker-compose.yml", NULL };
static const char *const override_names[] = { "compose.override.yaml", "compose.override.yml",
	"docker-compose.override.yaml", "docker-compose.override.yml", NULL };
/* Keys of the newer form that may stand at the top of a file. */
static const char *const top_names[] = { "version", "name", "services", "volumes", "networks",
	"secrets", "configs", "include", "models", NULL };

/* --- small lists and words --- */

bool
compose_has_word(const struct compose_words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (str_eq(words->all[i], word))
			return true;
	return false;
}

bool
compose_add_word(struct compose_words *words, const char *word)
{
	if (words->count >= COMPOSE_ITEMS_MAX || compose_has_word(words, word))
		return false;
	words->all = xreallocarray(words->all, words->count + 1, sizeof(char *));
	words->all[words->count++] = xstrdup(word);
	return true;
}

void
compose_words_fini(struct compose_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->all[i]);
	free(words->all);
}

void
compose_add_words(struct compose_words *words, const char *fmt, va_list ap)
{
	struct buf text;
	buf_init(&text, 512);
	buf_addv(&text, fmt, ap);
	compose_add_word(words, buf_text(&text));
	buf_fini(&text);
}

void
compose_note(struct compose *compose, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	compose_add_words(&compose->notes, fmt, ap);
	va_end(ap);
}

bool
compose_has_room(struct compose *compose, size_t count, const struct conf_node *node)
{
	if (count < COMPOSE_ITEMS_MAX)
		return true;
	complain(compose->complaints, &node->pos,
		"more than %d of these in one service are not read", COMPOSE_ITEMS_MAX);
	return false;
}

char *
compose_text(struct compose *compose, const struct conf_node *node, const char *what)
{
	if (conf_is_absent(node))
		return NULL;
	if (node->kind == CONF_SCALAR)
		return compose_expand(compose, node->text);
	complain_warn(compose->complaints, &node->pos, "%s: expected a text, not %s", what,
		conf_kind_name(node));
	return NULL;
}

char *
compose_joined(struct compose *compose, const struct conf_node *node, const char *what)
{
	struct buf out;
	if (node == NULL || node->kind != CONF_LIST)
		return compose_text(compose, node, what);
	buf_init(&out, 64 * 1024);
	for (size_t i = 0; i < node->count; i++) {
		char *word = compose_text(compose, node->items[i], what);
		buf_add_text(&out, i > 0 ? " " : "");
		buf_add_text(&out, word != NULL ? word : "");
		free(word);
	}
	return buf_take_text(&out);
}

/* --- what stands at the top --- */

static void
take_secrets(struct compose *compose, const struct conf_node *map)
{
	for (size_t i = 0; map != NULL && map->kind == CONF_MAP && i < map->count; i++) {
		const struct conf_node *item = map->items[i];
		if (!compose_has_room(compose, compose->secret_count, item))
			return;
		char *file = compose_text(compose, conf_get(item, "file"), "file");
		compose->secrets = xreallocarray(
			compose->secrets, compose->secret_count + 1, sizeof(*compose->secrets));
		compose->secrets[compose->secret_count++] = (struct compose_secret){
			.name = xstrdup(item->key),
			.path = file == NULL || file[0] == '/'
					? xstrdup(file)
					: xasprintf("%s/%s", compose->folder,
						  str_starts(file, "./") ? file + 2 : file),
			.variable =
				compose_text(compose, conf_get(item, "environment"), "environment"),
		};
		free(file);
	}
}

static struct compose_service *
service_at(const struct compose *compose, const char *name)
{
	for (size_t i = 0; i < compose->service_count; i++)
		if (str_eq(compose->services[i].name, name))
			return &compose->services[i];
	return NULL;
}

static bool
is_service_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return *name != '\0' && name[strspn(name, letters)] == '\0';
}

static void
take_services(struct compose *compose, const struct conf_node *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct conf_node *item = map->items[i];
		struct compose_service *service = service_at(compose, item->key);
		if (str_starts(item->key, "x-") && item->kind != CONF_MAP)
			continue;
		if (item->kind != CONF_MAP) {
			complain(compose->complaints, &item->pos,
				"service \"%.64s\" is %s, not a map of its settings", item->key,
				conf_kind_name(item));
			continue;
		}
		if (!is_service_name(item->key)) {
			complain(compose->complaints, &item->key_pos,
				"service \"%.64s\": compose takes letters, digits, \".\", \"_\" "
				"and "
				"\"-\"",
				item->key);
			continue;
		}
		if (service == NULL && compose->service_count >= COMPOSE_SERVICES_MAX) {
			complain(compose->complaints, &item->key_pos,
				"more than %d services are not read", COMPOSE_SERVICES_MAX);
			return;
		}
		if (service == NULL) {
			compose->services = xreallocarray(compose->services,
				compose->service_count + 1, sizeof(*compose->services));
			service = &compose->services[compose->service_count++];
			*service = (struct compose_service){
				.name = xstrdup(item->key),
				.pos = item->key_pos,
			};
		}
		compose_take_service(compose, service, item);
	}
}

static bool
is_first_form(const struct conf_node *root)
{
	for (size_t i = 0; i < root->count; i++)
		for (const char *const *name = top_names; *name != NULL; name++)
			if (str_eq(root->items[i]->key, *name) &&
				(root->items[i]->kind != CONF_MAP ||
					(conf_get(root->items[i], "image") == NULL &&
						conf_get(root->items[i], "build") == NULL)))
				return false;
	return true;
}

static void
take_volumes(struct compose *compose, const struct conf_node *map)
{
	for (size_t i = 0; map != NULL && map->kind == CONF_MAP && i < map->count; i++)
		compose_add_word(&compose->volumes, map->items[i]->key);
}

void
compose_take_root(struct compose *compose, const struct conf_node *root)
{
	const struct conf_node *services = conf_get(root, "services");
	if (is_first_form(root)) {
		take_services(compose, root);
		return;
	}
	char *name = compose_text(compose, conf_get(root, "name"), "name");
	if (name != NULL) {
		free(compose->project);
		compose->project = name;
	}
	take_secrets(compose, conf_get(root, "secrets"));
	take_volumes(compose, conf_get(root, "volumes"));
	if (conf_get(root, "include") != NULL)
		compose_note(compose, "include: is not followed; run init in those folders, too");
	if (conf_is_absent(services))
		return;
	if (services->kind == CONF_MAP)
		take_services(compose, services);
	else
		complain(compose->complaints, &services->pos,
			"services: is %s, not a map of services", conf_kind_name(services));
}

/* --- the files --- */

static struct compose *
new_compose(struct complaints *complaints)
{
	struct compose *compose = xcalloc(1, sizeof(*compose));
	compose->env = map_new();
	compose->complaints = complaints;
	return compose;
}

static void
keep_tree(struct compose *compose, struct conf_tree *tree)
{
	compose->trees =
		xreallocarray(compose->trees, compose->tree_count + 1, sizeof(struct conf_tree *));
	compose->trees[compose->tree_count++] = tree;
	if (tree->root != NULL)
		compose_take_root(compose, tree->root);
}

static void
read_file(struct compose *compose, const char *name)
{
	if (compose->files.count >= COMPOSE_FILES_MAX) {
		complain(compose->complaints, NULL, "%s: more than %d compose files are not read",
			name, COMPOSE_FILES_MAX);
		return;
	}
	if (!compose_add_word(&compose->files, name))
		return;
	char *path = name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", compose->folder, name);
	keep_tree(compose, conf_tree_load_raw(path, compose->complaints));
	free(path);
}

static const char *
first_there(const struct compose *compose, const char *const *names)
{
	for (; *names != NULL; names++) {
		char *path = xasprintf("%s/%s", compose->folder, *names);
		bool is_there = access(path, F_OK) == 0;
		free(path);
		if (is_there)
			return *names;
	}
	return NULL;
}

/* COMPOSE_FILE: names between colons, or what COMPOSE_PATH_SEPARATOR says. */
static void
read_named(struct compose *compose, const char *names)
{
	const char *separator = compose_lookup(compose, "COMPOSE_PATH_SEPARATOR");
	if (separator == NULL || *separator == '\0')
		separator = ":";
	while (*names != '\0') {
		size_t len = strcspn(names, separator);
		char *name = xstrndup(names, len);
		if (len > 0)
			read_file(compose, name);
		free(name);
		names += len + (names[len] != '\0');
	}
}

static void
read_env(struct compose *compose)
{
	struct err e = { 0 };
	char *path = xasprintf("%s/.env", compose->folder);
	if (access(path, F_OK) != 0) {
		free(path);
		return;
	}
	if (env_file_load(compose->env, path, &e) == 0) {
		compose->env_path = path;
		return;
	}
	complain_warn(compose->complaints, NULL, "%s; its variables are not known", e.text);
	free(path);
}

/* As compose makes it of a folder: small letters, digits, - and _. */
static char *
project_name(const struct compose *compose)
{
	const char *name = compose_lookup(compose, "COMPOSE_PROJECT_NAME");
	const char *slash = compose->folder != NULL ? strrchr(compose->folder, '/') : NULL;
	struct buf out;
	if (name == NULL || *name == '\0')
		name = slash != NULL ? slash + 1 : "";
	buf_init(&out, 256);
	for (; *name != '\0'; name++) {
		char c = (char)tolower((unsigned char)*name);
		if (isalnum((unsigned char)c) || (strchr("-_", c) != NULL && buf_left(&out) > 0))
			buf_add(&out, &c, 1);
	}
	return buf_take_text(&out);
}

static void service_fini(struct compose_service *service);

/* "registry.example.com/triaged:1.2" */
static bool
is_our_image(const char *image)
{
	const char *slash = image != NULL ? strrchr(image, '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : image;
	return name != NULL && str_starts(name, OUR_IMAGE) &&
	       strchr(":@", name[strlen(OUR_IMAGE)]) != NULL;
}

/* A daemon that is in the project already is none of its services: it watches itself. */
static void
drop_ourselves(struct compose *compose)
{
	size_t kept = 0;
	for (size_t i = 0; i < compose->service_count; i++) {
		struct compose_service *service = &compose->services[i];
		if (is_our_image(service->image))
			service_fini(service);
		else
			compose->services[kept++] = *service;
	}
	compose->service_count = kept;
}

struct compose *
compose_load(const char *folder, struct complaints *complaints)
{
	struct compose *compose = new_compose(complaints);
	compose->folder = realpath(folder, NULL);
	if (compose->folder == NULL) {
		complain(complaints, NULL, "%s: there is no such folder, or it may not be entered",
			folder);
		return compose;
	}
	read_env(compose);
	compose->project = project_name(compose);
	const char *named = compose_lookup(compose, "COMPOSE_FILE");
	const char *found = first_there(compose, main_names);
	if (named != NULL && *named != '\0') {
		read_named(compose, named);
	} else if (found != NULL) {
		read_file(compose, found);
		found = first_there(compose, override_names);
		if (found != NULL)
			read_file(compose, found);
	}
	drop_ourselves(compose);
	return compose;
}

struct compose *
compose_parse(const char *text, size_t len, struct complaints *complaints)
{
	struct compose *compose = new_compose(complaints);
	compose->folder = xstrdup("/nowhere");
	compose->project = xstrdup("nowhere");
	compose_add_word(&compose->files, "compose.yaml");
	keep_tree(compose, conf_tree_parse_raw("compose.yaml", text, len, complaints));
	return compose;
}

/* --- the end --- */

void
compose_free_secret(void *text)
{
	if (text != NULL)
		secret_wipe(text, strlen(text));
	free(text);
}

static void
service_fini(struct compose_service *service)
{
	char *const texts[] = { service->name, service->image, service->container_name,
		service->network_mode, service->restart, service->extends, service->health.interval,
		service->health.timeout, service->health.start_period };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	compose_free_secret(service->command);
	compose_free_secret(service->health.test);
	for (size_t i = 0; i < service->var_count; i++) {
		free(service->vars[i].name);
		compose_free_secret(service->vars[i].raw);
		compose_free_secret(service->vars[i].value);
	}
	for (size_t i = 0; i < service->port_count; i++)
		free(service->ports[i].host_ip);
	for (size_t i = 0; i < service->need_count; i++)
		free(service->needs[i].service);
	free(service->vars);
	free(service->ports);
	free(service->needs);
	compose_words_fini(&service->expose);
	compose_words_fini(&service->aliases);
	compose_words_fini(&service->networks);
	compose_words_fini(&service->links);
	compose_words_fini(&service->volumes);
	compose_words_fini(&service->profiles);
}

void
compose_free(struct compose *compose)
{
	if (compose == NULL)
		return;
	for (size_t i = 0; i < compose->service_count; i++)
		service_fini(&compose->services[i]);
	for (size_t i = 0; i < compose->secret_count; i++) {
		free(compose->secrets[i].name);
		free(compose->secrets[i].path);
		free(compose->secrets[i].variable);
	}
	for (size_t i = 0; i < compose->tree_count; i++)
		conf_tree_free(compose->trees[i]);
	map_free(compose->env, compose_free_secret);
	compose_words_fini(&compose->files);
	compose_words_fini(&compose->volumes);
	compose_words_fini(&compose->notes);
	compose_words_fini(&compose->env_files);
	free(compose->trees);
	free(compose->services);
	free(compose->secrets);
	free(compose->env_path);
	free(compose->folder);
	free(compose->project);
	free(compose);
}

/* --- looking things up --- */

/* "db:database" of anybody's links. */
static const struct compose_service *
find_linked(const struct compose *compose, const char *name)
{
	for (size_t i = 0; i < compose->service_count; i++) {
		const struct compose_words *links = &compose->services[i].links;
		for (size_t k = 0; k < links->count; k++) {
			const char *colon = strchr(links->all[k], ':');
			if (colon == NULL || !str_eq(colon + 1, name))
				continue;
			char *service = xstrndup(links->all[k], (size_t)(colon - links->all[k]));
			const struct compose_service *found = service_at(compose, service);
			free(service);
			return found;
		}
	}
	return NULL;
}

const struct compose_service *
compose_find(const struct compose *compose, const char *name)
{
	const struct compose_service *named = service_at(compose, name);
	if (named != NULL)
		return named;
	for (size_t i = 0; i < compose->service_count; i++)
		if (str_eq(compose->services[i].container_name, name) ||
			compose_has_word(&compose->services[i].aliases, name))
			return &compose->services[i];
	return find_linked(compose, name);
}

const struct compose_var *
compose_var(const struct compose_service *service, const char *name)
{
	for (size_t i = 0; i < service->var_count; i++)
		if (str_eq(service->vars[i].name, name))
			return &service->vars[i];
	return NULL;
}

const char *
compose_value(const struct compose_service *service, const char *name)
{
	const struct compose_var *var = compose_var(service, name);
	return var != NULL && var->value != NULL && *var->value != '\0' ? var->value : NULL;
}

bool
compose_is_job(const struct compose *compose, const struct compose_service *service)
{
	for (size_t s = 0; s < compose->service_count; s++)
		for (size_t n = 0; n < compose->services[s].need_count; n++) {
			const struct compose_need *need = &compose->services[s].needs[n];
			if (need->condition == COMPOSE_COMPLETED &&
				compose_find(compose, need->service) == service)
				return true;
		}
	return false;
}
