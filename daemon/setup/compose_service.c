/*
 * One service of a compose file.  What a later file says of it is laid over what is there: single
 * values replace, lists and maps are joined by their keys.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "setup/compose.h"

static void
take_text(struct compose *compose, char **slot, const struct conf_node *node)
{
	char *text = node == NULL ? NULL : compose_joined(compose, node, node->key);
	if (text == NULL)
		return;
	free(*slot);
	*slot = text;
}

/* Each scalar of a list. */
static void
take_words(struct compose *compose, struct compose_words *words, const struct conf_node *list)
{
	for (size_t i = 0; list != NULL && list->kind == CONF_LIST && i < list->count; i++) {
		char *word = compose_text(compose, list->items[i], list->key);
		if (word != NULL)
			compose_add_word(words, word);
		free(word);
	}
}

/* --- depends_on, links --- */

static void
add_need(struct compose *compose, struct compose_service *service, const struct conf_node *at,
	const char *name, enum compose_condition condition)
{
	for (size_t i = 0; i < service->need_count; i++) {
		if (str_eq(service->needs[i].service, name)) {
			service->needs[i].condition = condition;
			return;
		}
	}
	if (!compose_has_room(compose, service->need_count, at))
		return;
	service->needs =
		xreallocarray(service->needs, service->need_count + 1, sizeof(*service->needs));
	service->needs[service->need_count++] =
		(struct compose_need){ .service = xstrdup(name), .condition = condition };
}

static enum compose_condition
condition_of(struct compose *compose, const struct conf_node *item)
{
	static const char *const names[] = {
		[COMPOSE_STARTED] = "service_started",
		[COMPOSE_HEALTHY] = "service_healthy",
		[COMPOSE_COMPLETED] = "service_completed_successfully",
	};
	char *text = compose_text(compose, conf_get(item, "condition"), "condition");
	enum compose_condition found = COMPOSE_STARTED;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(text, names[i]))
			found = (enum compose_condition)i;
	free(text);
	return found;
}

static void
take_needs(struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	if (conf_is_absent(node))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const struct conf_node *item = node->items[i];
		if (node->kind == CONF_MAP) {
			add_need(compose, service, item, item->key, condition_of(compose, item));
			continue;
		}
		char *name = compose_text(compose, item, "depends_on");
		if (name != NULL)
			add_need(compose, service, item, name, COMPOSE_STARTED);
		free(name);
	}
}

/* "db" or "db:database": the first form's way to depend on a service. */
static void
take_links(struct compose *compose, struct compose_service *service, const struct conf_node *list)
{
	take_words(compose, &service->links, list);
	for (size_t i = 0; list != NULL && i < service->links.count; i++) {
		char *name = xstrndup(service->links.all[i], strcspn(service->links.all[i], ":"));
		add_need(compose, service, list, name, COMPOSE_STARTED);
		free(name);
	}
}

static void
take_networks(
	struct compose *compose, struct compose_service *service, const struct conf_node *networks)
{
	take_words(compose, &service->networks, networks);
	for (size_t i = 0; networks != NULL && networks->kind == CONF_MAP && i < networks->count;
		i++) {
		compose_add_word(&service->networks, networks->items[i]->key);
		take_words(compose, &service->aliases, conf_get(networks->items[i], "aliases"));
	}
}

/* --- healthcheck --- */

static void
take_duration(struct compose *compose, char **slot, const struct conf_node *node)
{
	struct err e = { 0 };
	usec_t us;
	char *text = node == NULL ? NULL : compose_text(compose, node, node->key);
	if (text == NULL)
		return;
	if (value_duration(text, &us, &e) == 0) {
		free(*slot);
		*slot = text;
		return;
	}
	complain_warn(compose->complaints, &node->pos, "%s: %s; left out", node->key, e.text);
	free(text);
}

/* ["CMD", ...], ["CMD-SHELL", "..."], ["NONE"], or a text for the shell. */
static void
take_test(struct compose *compose, struct compose_health *health, const struct conf_node *test)
{
	char *joined = conf_is_absent(test) ? NULL : compose_joined(compose, test, "test");
	if (joined == NULL)
		return;
	health->is_disabled = test->kind == CONF_LIST && str_eq(joined, "NONE");
	free(health->test);
	health->test = NULL;
	if (!health->is_disabled && test->kind == CONF_LIST && str_starts(joined, "CMD-SHELL "))
		health->test = xstrdup(joined + strlen("CMD-SHELL "));
	else if (!health->is_disabled && test->kind == CONF_LIST && str_starts(joined, "CMD "))
		health->test = xstrdup(joined + strlen("CMD "));
	else if (!health->is_disabled)
		health->test = xstrdup(joined);
	free(joined);
}

void
compose_take_health(
	struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	struct compose_health *health = &service->health;
	const struct conf_node *retries = conf_get(node, "retries");
	const struct conf_node *disable = conf_get(node, "disable");
	if (conf_is_absent(node))
		return;
	if (node->kind != CONF_MAP) {
		complain_warn(compose->complaints, &node->pos,
			"healthcheck: expected a map, not %s; left out", conf_kind_name(node));
		return;
	}
	health->pos = node->key_pos;
	take_test(compose, health, conf_get(node, "test"));
	take_duration(compose, &health->interval, conf_get(node, "interval"));
	take_duration(compose, &health->timeout, conf_get(node, "timeout"));
	take_duration(compose, &health->start_period, conf_get(node, "start_period"));
	char *text = compose_text(compose, retries, "retries");
	int64_t number;
	if (text != NULL && value_int(text, &number, NULL) == 0 && number > 0 && number <= 1000)
		health->retries = (unsigned)number;
	free(text);
	text = compose_text(compose, disable, "disable");
	health->is_disabled = health->is_disabled || str_eq(text, "true");
	free(text);
}

/* --- the rest --- */

/* A named volume of "name:/path" or of the long form; folders of the host are none. */
static void
take_volumes(struct compose *compose, struct compose_service *service, const struct conf_node *list)
{
	for (size_t i = 0; list != NULL && list->kind == CONF_LIST && i < list->count; i++) {
		const struct conf_node *item = list->items[i];
		const struct conf_node *source =
			item->kind == CONF_MAP ? conf_get(item, "source") : item;
		char *text = compose_text(compose, source, "volumes");
		if (text == NULL)
			continue;
		char *colon = strchr(text, ':');
		if (item->kind == CONF_SCALAR && colon != NULL)
			*colon = '\0';
		if ((colon != NULL || item->kind == CONF_MAP) && *text != '\0' &&
			strpbrk(text, "/~.\\") == NULL)
			compose_add_word(&service->volumes, text);
		free(text);
	}
}

static void
take_extends(struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	const struct conf_node *name =
		node != NULL && node->kind == CONF_MAP ? conf_get(node, "service") : node;
	take_text(compose, &service->extends, name);
	if (service->extends != NULL)
		compose_note(compose,
			"%s: extends is not followed: what it inherits is not known here",
			service->name);
}

void
compose_take_service(
	struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	take_text(compose, &service->image, conf_get(node, "image"));
	take_text(compose, &service->container_name, conf_get(node, "container_name"));
	take_text(compose, &service->network_mode, conf_get(node, "network_mode"));
	take_text(compose, &service->network_mode, conf_get(node, "net"));
	take_text(compose, &service->command, conf_get(node, "command"));
	if (!conf_is_absent(conf_get(node, "command")))
		service->command_pos = conf_get(node, "command")->key_pos;
	take_text(compose, &service->restart, conf_get(node, "restart"));
	service->is_built = service->is_built || conf_get(node, "build") != NULL;
	take_extends(compose, service, conf_get(node, "extends"));
	take_needs(compose, service, conf_get(node, "depends_on"));
	take_links(compose, service, conf_get(node, "links"));
	take_networks(compose, service, conf_get(node, "networks"));
	take_words(compose, &service->expose, conf_get(node, "expose"));
	take_words(compose, &service->profiles, conf_get(node, "profiles"));
	take_volumes(compose, service, conf_get(node, "volumes"));
	compose_take_env_files(compose, service, conf_get(node, "env_file"));
	compose_take_env(compose, service, conf_get(node, "environment"));
	compose_take_ports(compose, service, conf_get(node, "ports"));
	compose_take_health(compose, service, conf_get(node, "healthcheck"));
}
