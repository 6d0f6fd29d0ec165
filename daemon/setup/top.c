/* The keys at the top of the file: their tables, their defaults, and what is not built yet. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/arena.h"
#include "conf/value.h"
#include "io/addr.h"
#include "rules/expr.h"
#include "setup/load.h"

#define TOP_NAMES_MAX 32
#define DAEMON        struct daemon_settings
#define API           struct api_settings

static const char *const languages[] = { "en", "zh", NULL };
static const char *const log_levels[] = { "error", "warn", "notice", "info", "debug", NULL };
static const char *const log_formats[] = { "text", "json", "journal", "auto", NULL };

/* Their members lie in the same struct: the group has no struct of its own. */
static const struct conf_field log_fields[] = {
	{ .name = "level",
		ENUM_AT(DAEMON, log_level, log_levels),
		.dflt = "notice",
		.doc = "The least important lines that are written." },
	{ .name = "format",
		ENUM_AT(DAEMON, log_format, log_formats),
		.dflt = "auto",
		.doc = "`auto` is the journal under systemd and text on stderr else; `json` suits "
		       "containers." },
	{ .type = CONF_END },
};

static const struct conf_field daemon_fields[] = {
	{ .name = "name",
		STRING_AT(DAEMON, name),
		.doc = "Who speaks in messages and labels. Default: the host's name.",
		.example = "web-1" },
	{ .name = "state_dir",
		PATH_AT(DAEMON, state_dir),
		.flags = CONF_RESTART,
		.doc = "Where incidents, history and the outbox are kept. Default: "
		       "`$STATE_DIRECTORY`, then `$XDG_STATE_HOME/triaged`, then "
		       "`~/.local/state/triaged`.",
		.example = "/var/lib/triaged" },
	{ .name = "language",
		ENUM_AT(DAEMON, language, languages),
		.dflt = "en",
		.doc = "The language of titles, explanations and remedies." },
	{ .name = "host_root",
		PATH_AT(DAEMON, host_root),
		.dflt = "/",
		.doc = "Where the watched host's root is mounted: `/host` in a sidecar that mounts "
		       "it "
		       "there. Applies to the paths of checks about the host.",
		.example = "/host" },
	{ .name = "labels",
		PAIRS_AT(DAEMON, labels),
		.doc = "Labels that all checks get.",
		.example = "{ site: berlin }" },
	{ .name = "sandbox",
		BOOL_AT(DAEMON, sandbox),
		.flags = CONF_RESTART,
		.dflt = "on",
		.doc = "Gives up new privileges, cores, and system calls that no check should "
		       "need (mounts, name spaces, other processes' memory, loading of modules). "
		       "It holds for commands of `exec`, too: `off` for those that need `sudo` or "
		       "a set-uid program." },
	{ .name = "loops",
		INT_AT(DAEMON, loops),
		.word = "auto",
		.dflt = "auto",
		.min = "1",
		.max = "64",
		.flags = CONF_ADVANCED,
		.doc = "Threads that run checks. More than one are for thousands of network checks "
		       "a second: `auto` is one until they start more often than one should bear, "
		       "and at most as many as there are processors.",
		.example = "4" },
	{ .name = "log",
		.type = CONF_GROUP,
		.fields = log_fields,
		.offset = 0,
		.doc = "How the daemon writes its own log." },
	{ .type = CONF_END },
};

static const struct conf_field api_fields[] = {
	{ .name = "listen",
		STRINGS_AT(API, listen),
		.dflt = "127.0.0.1:8421",
		.doc = "Where the API is served: `address:port`, `unix:/path`, or a list; `off` "
		       "for no TCP. A unix socket of the daemon's own is always "
		       "served.",
		.example = "[\"127.0.0.1:8421\", \"unix:/run/triaged/api.sock\"]" },
	{ .name = "token",
		SECRET_AT(API, token),
		.doc = "What clients send as a bearer token. Required when listening beyond "
		       "loopback.",
		.example = "${file:/etc/triaged/token}" },
	{ .name = "public_url",
		URL_AT(API, public_url),
		.doc = "How people reach the API: the base of the links in messages.",
		.example = "https://status.example.com" },
	{ .type = CONF_END },
};

static const struct conf_field history_fields[] = {
	{ .name = "max_size",
		SIZE_AT(struct history_settings, max_size),
		.dflt = "512MB",
		.min = "10MB",
		.max = "1TB",
		.flags = CONF_RESTART,
		.doc = "The most that measured history may take on disk; the oldest goes first." },
	{ .type = CONF_END },
};

static const struct conf_field triage_fields[] = {
	{ .name = "reopen_within",
		DURATION_AT(struct triage_settings, reopen_within_us),
		.dflt = "10m",
		.min = "0",
		.max = "1d",
		.doc = "What fires again within this time after its end is the same incident "
		       "again." },
	{ .name = "triage_wait",
		DURATION_AT(struct triage_settings, triage_wait_us),
		.dflt = "5s",
		.min = "0",
		.max = "5m",
		.doc = "How long a message waits at most to learn whether something that the "
		       "check `needs` is the real trouble." },
	{ .name = "facts_wait",
		DURATION_AT(struct triage_settings, facts_wait_us),
		.dflt = "2s",
		.min = "0",
		.max = "5m",
		.doc = "How long a message waits at most for the facts that tell its causes apart; "
		       "later ones come as an update." },
	{ .name = "playbooks",
		PATH_AT(struct triage_settings, playbooks),
		.doc = "A folder with playbooks of your own (`*.yaml`), besides the shipped ones; "
		       "one "
		       "of the same name replaces a shipped one. Default: `playbooks` beside this "
		       "file, if it is there.",
		.example = "/etc/triaged/playbooks" },
	{ .type = CONF_END },
};

#define BLOCK(key) .name = #key, .fields = key##_fields, .offset = offsetof(struct settings, key)

const struct top_block top_blocks[] = {
	{ BLOCK(daemon), .doc = "The daemon itself." },
	{ BLOCK(api), .doc = "The HTTP API." },
	{ BLOCK(history), .doc = "What is kept on disk." },
	{ BLOCK(triage), .doc = "Incidents." },
	{ BLOCK(heartbeat),
		.doc = "Tells an outside place that the daemon lives and can tell; silent when it "
		       "is wedged, and when notices reach nobody. (Checks of type `heartbeat` are "
		       "the other way round.)",
		.is_optional = true },
	{ .name = NULL },
};

#define PATHS_SCHEMA                                                                               \
	"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}"

const struct top_key top_keys[] = {
	{ "include",
		"More files, one path or a list; globs are allowed, paths are relative to this "
		"file. "
		"Their maps and lists are joined with those of this file; a name that is written "
		"twice "
		"is an error.",
		PATHS_SCHEMA },
	{ "env_file", "A file of `NAME=value` lines for `${NAME}`; the environment beats it.",
		PATHS_SCHEMA },
	{ "defaults", "Values for all checks that do not say otherwise.", NULL },
	{ "checks", "What is watched: a map of names to checks.", NULL },
	{ "rules", "When an alert fires: a map of names to rules.", NULL },
	{ "builtin_rules",
		"`off`, or a list of the built-in rules to keep. All apply by default; a rule of "
		"your own "
		"with the same name replaces one.",
		"{\"anyOf\":[{\"enum\":[\"on\",\"off\",true,false]},"
		"{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}" },
	{ "receivers", "Who is told: a map of names to receivers. Default: the local syslog.",
		NULL },
	{ "routes", "Who is told of what: a list. Default: every receiver hears everything.",
		NULL },
	{ "maintenance", "Planned work: a list of times in which nobody is told of some checks.",
		NULL },
	{ .name = NULL },
};

/* The contract's words that this version does not know yet. */
static const char *const later_words[] = { "store", "mongodb", "kafka", "etcd", "celery",
	"websocket" };

bool
word_is_later(const struct load *l, const char *word, const struct conf_pos *pos)
{
	for (size_t i = 0; i < sizeof(later_words) / sizeof(*later_words); i++) {
		if (strcmp(later_words[i], word) != 0)
			continue;
		complain(l->complaints, pos, "%s is not built yet in this version", word);
		return true;
	}
	return false;
}

static size_t
top_names(const char **names)
{
	size_t count = 0;
	for (const struct top_key *key = top_keys; key->name != NULL; key++)
		names[count++] = key->name;
	for (const struct top_block *block = top_blocks; block->name != NULL; block++)
		names[count++] = block->name;
	return count;
}

/* What is meant is clear, and is read on as if it were written so: `recievers` is one mistake, not
 * one more for each route that names one of them.  The tree stays as it is: this is a root beside.
 */
static void
read_as(struct load *l, size_t at, const char *name)
{
	struct conf_arena *arena = l->settings->tree->arena;
	struct conf_node *root, *entry;

	if (conf_get(l->root, name) != NULL)
		return;
	root = arena_get(arena, sizeof(*root));
	entry = arena_get(arena, sizeof(*entry));
	*root = *l->root;
	root->items = arena_get(arena, root->count * sizeof(struct conf_node *));
	memcpy(root->items, l->root->items, root->count * sizeof(struct conf_node *));
	*entry = *root->items[at];
	entry->key = arena_text(arena, name, strlen(name));
	root->items[at] = entry;
	l->root = root;
}

static void
check_key(struct load *l, const char *const *names, size_t count, size_t at)
{
	const struct conf_node *entry = l->root->items[at];

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], entry->key) == 0)
			return;
	if (word_is_later(l, entry->key, &entry->key_pos))
		return;
	const char *near = str_nearest(entry->key, names, count);
	if (near != NULL) {
		complain(l->complaints, &entry->key_pos,
			"unknown key \"%.64s\", did you mean \"%s\"?", entry->key, near);
		read_as(l, at, near);
		return;
	}
	struct buf list;
	buf_init(&list, 600);
	for (size_t i = 0; i < count; i++)
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	complain(l->complaints, &entry->key_pos, "unknown key \"%.64s\"; the keys here are %s",
		entry->key, buf_text(&list));
	buf_fini(&list);
}

void
top_check_keys(struct load *l)
{
	const char *names[TOP_NAMES_MAX];
	size_t count = top_names(names);
	for (size_t i = 0; i < l->root->count; i++)
		check_key(l, names, count, i);
}

const struct conf_node *
top_map(const struct load *l, const char *key)
{
	const struct conf_node *node = conf_get(l->root, key);
	if (conf_is_absent(node) || node->is_broken)
		return NULL;
	if (node->kind == CONF_MAP)
		return node;
	complain(l->complaints, &node->pos, "%s: must be a map, not %s", key, conf_kind_name(node));
	return NULL;
}

bool
name_is_fine(const struct load *l, const struct conf_node *entry, const char *what)
{
	if (!value_is_name(entry->key)) {
		complain(l->complaints, &entry->key_pos,
			"\"%.80s\" cannot name a %s: a letter, then letters, digits, - and _, at "
			"most 64",
			entry->key, what);
		return false;
	}
	if (!expr_is_reserved(entry->key))
		return true;
	complain(l->complaints, &entry->key_pos,
		"\"%s\" cannot name a %s: it is a word of the rule language", entry->key, what);
	return false;
}

/* --- defaults that the tables cannot know --- */

static char *
default_state_dir(void)
{
	const char *dir = getenv("STATE_DIRECTORY"); /* systemd: may be several, by colons */
	if (dir != NULL && dir[0] == '/')
		return xstrndup(dir, strcspn(dir, ":"));
	dir = getenv("XDG_STATE_HOME");
	if (dir != NULL && dir[0] == '/')
		return xasprintf("%s/triaged", dir);
	dir = getenv("HOME");
	if (dir != NULL && dir[0] == '/')
		return xasprintf("%s/.local/state/triaged", dir);
	return xstrdup("/var/lib/triaged");
}

static char *
default_name(void)
{
	char name[256];
	if (gethostname(name, sizeof(name)) != 0)
		return xstrdup("localhost");
	name[sizeof(name) - 1] = '\0';
	return xstrdup(name);
}

/* --- api.listen --- */

/* Numeric only: a name could not be looked up before the loop runs. */
static bool
listen_address(struct addr *addr, const char *text, struct err *e)
{
	struct place place;
	if (place_parse(&place, text, e) != 0)
		return false;
	if (place.path[0] != '\0')
		return addr_from_path(addr, place.path, e) == 0;
	if (place.port == 0 && !str_ends(text, ":0")) { /* :0 lets the kernel choose */
		err_set(e, 0, "\"%.80s\" has no port: write address:port", text);
		return false;
	}
	const char *host = place.host;
	if (*host == '\0')
		host = "::";
	else if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (addr_from_numeric(addr, host, place.port) == 0)
		return true;
	err_set(e, 0, "\"%.80s\" must be a numeric address, such as 127.0.0.1:8421", text);
	return false;
}

static void
check_listen(const struct load *l, const struct conf_pos *pos, const char *text)
{
	const struct api_settings *api = &l->settings->api;
	struct addr addr = { .len = 0 };
	struct err e = { 0 };
	if (strcmp(text, "off") == 0) {
		if (api->listen.count > 1)
			complain(l->complaints, pos, "listen: off stands alone");
		return;
	}
	if (!listen_address(&addr, text, &e))
		complain(l->complaints, pos, "listen: %s", e.text);
	else if (!addr_is_loopback(&addr) && api->token == NULL)
		complain(l->complaints, pos,
			"listen: \"%.80s\" can be reached from elsewhere: set api.token, or listen "
			"on "
			"127.0.0.1",
			text);
}

static void
check_api(const struct load *l)
{
	const struct conf_node *api = conf_get(l->root, "api");
	const struct conf_node *listen = conf_get(api, "listen");
	const struct conf_strings *all = &l->settings->api.listen;
	bool has_items = listen != NULL && listen->kind == CONF_LIST && listen->count == all->count;
	for (size_t i = 0; i < all->count; i++) {
		struct conf_pos pos = conf_pos_of(api, "listen");
		check_listen(l, has_items ? &listen->items[i]->pos : &pos, all->all[i]);
	}
}

static void
check_daemon(const struct load *l)
{
	const struct conf_node *node = conf_get(l->root, "daemon");
	struct daemon_settings *daemon = &l->settings->daemon;
	struct conf_pos pos = conf_pos_of(node, "name");
	if (daemon->name != NULL && (*daemon->name == '\0' || strlen(daemon->name) > 255))
		complain(l->complaints, &pos, "daemon.name: must have 1 to 255 bytes");
	if (daemon->name == NULL)
		daemon->name = default_name();
	if (daemon->state_dir == NULL)
		daemon->state_dir = default_state_dir();
}

void
top_load(struct load *l)
{
	for (const struct top_block *block = top_blocks; block->name != NULL; block++) {
		struct conf_part part = { block->fields, (char *)l->settings + block->offset };
		conf_fill(
			&part, 1, conf_get(l->root, block->name), block->name, NULL, l->complaints);
	}
	check_daemon(l);
	check_api(l);
	heartbeat_check(&l->settings->heartbeat, conf_get(l->root, "heartbeat"), l->context->tls,
		l->complaints);
}
