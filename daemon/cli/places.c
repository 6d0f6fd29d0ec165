/*
 * The list of places: --url or $TRIAGE_URL alone; else the sockets that a daemon may have made,
 * that of the given configuration first, and loopback last.
 */
#include "cli/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/tree.h"

#define TCP_DEFAULT "http://127.0.0.1:8421"

static void
add(struct places *places, char *text)
{
	for (size_t i = 0; i < places->count; i++) {
		if (str_eq(places->all[i], text)) {
			free(text);
			return;
		}
	}
	if (places->count == PLACES_MAX)
		free(text);
	else
		places->all[places->count++] = text;
}

static void
add_socket(struct places *places, const char *folder, const char *below)
{
	if (folder != NULL && *folder == '/')
		add(places, xasprintf("unix:%.*s%s/api.sock", (int)strcspn(folder, ":"), folder,
				    below));
}

/* A state folder says where the socket and the token are. */
static void
add_state(struct places *places, const char *folder, const char *below)
{
	if (folder == NULL || *folder != '/')
		return;
	add_socket(places, folder, below);
	if (places->token_path == NULL)
		places->token_path =
			xasprintf("%.*s%s/token", (int)strcspn(folder, ":"), folder, below);
}

static void
add_listen(struct places *places, const struct conf_node *node)
{
	if (node == NULL)
		return;
	if (node->kind == CONF_LIST) {
		for (size_t i = 0; i < node->count; i++)
			add_listen(places, node->items[i]);
		return;
	}
	if (node->kind != CONF_SCALAR || node->text == NULL || str_eq(node->text, "off"))
		return;
	if (node->text[0] == '/' || str_starts(node->text, "unix:"))
		add(places, xasprintf("%s%s", node->text[0] == '/' ? "unix:" : "", node->text));
	else
		add(places, xasprintf("http://%s%s", node->text[0] == ':' ? "127.0.0.1" : "",
				    node->text));
}

/*
 * Only daemon.state_dir and api.listen are read: other mistakes in the file do not matter here.
 * One that cannot be parsed is a warning: the daemon that runs on an older one may be in a usual
 * place, and it knows better what to say about it.
 */
static int
add_config(struct places *places, const char *path, struct err *e)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_load(path, complaints);
	int result = -1;

	if (tree->root == NULL) {
		char first[400];

		complaints_first(complaints, first, sizeof(first));
		if (access(path, R_OK) == 0) {
			places->warning = xstrdup(first);
			result = 0;
		} else {
			err_set(e, 0, "%s", first);
		}
	} else {
		const struct conf_node *daemon = conf_get(tree->root, "daemon");
		const struct conf_node *api = conf_get(tree->root, "api");
		const struct conf_node *state = NULL;

		if (daemon != NULL && daemon->kind == CONF_MAP)
			state = conf_get(daemon, "state_dir");
		if (state != NULL && state->kind == CONF_SCALAR)
			add_state(places, state->text, "");
		if (api != NULL && api->kind == CONF_MAP)
			add_listen(places, conf_get(api, "listen"));
		result = 0;
	}
	conf_tree_free(tree);
	complaints_free(complaints);
	return result;
}

static void
add_known(struct places *places)
{
	add_socket(places, getenv("RUNTIME_DIRECTORY"), "");
	add_socket(places, "/run/triaged", "");
	add_socket(places, getenv("XDG_RUNTIME_DIR"), "/triaged");
	add_state(places, getenv("STATE_DIRECTORY"), "");
	if (getenv("XDG_STATE_HOME") != NULL)
		add_state(places, getenv("XDG_STATE_HOME"), "/triaged");
	else
		add_state(places, getenv("HOME"), "/.local/state/triaged");
	add_state(places, "/var/lib/triaged", "");
	add(places, xstrdup(TCP_DEFAULT));
}

int
places_find(struct places *places, const struct cli *cli, struct err *e)
{
	const char *url = cli->url == NULL ? getenv("TRIAGE_URL") : cli->url;

	*places = (struct places){ .count = 0 };
	if (cli->config != NULL && add_config(places, cli->config, e) == -1)
		return -1;
	if (url == NULL || *url == '\0') {
		add_known(places);
		return 0;
	}
	for (size_t i = 0; i < places->count; i++)
		free(places->all[i]);
	places->count = 0;
	free(places->warning);
	places->warning = NULL;
	places->is_only = true;
	if (str_starts(url, "unix:") || strstr(url, "://") != NULL)
		add(places, xstrdup(url));
	else if (strchr(url, '/') != NULL || str_ends(url, ".sock"))
		add(places, xasprintf("unix:%s", url));
	else
		add(places, xasprintf("http://%s", url));
	return 0;
}

void
places_fini(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->all[i]);
	free(places->token_path);
	free(places->warning);
	*places = (struct places){ .count = 0 };
}
