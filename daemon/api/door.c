/*
 * Where the API listens: the unix socket that is always there, what api.listen says, and what was
 * passed to us, which goes before both.  Owns the listeners; those whose text has not changed stay
 * open over a reload, those that were passed until the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/server.h"
#include "api/show.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"
#include "setup/settings.h"

#define SOCKET_MODE 0660

struct door {
	struct list node;
	struct api *api;
	struct listener *listener;
	char *text; /* as in api.listen */
	bool is_unix, is_wanted, is_passed;
	char host[256]; /* TCP: "" for every address */
};

/* The socket that is always there. */
static void
write_socket_path(char *out, size_t size, const char *state_dir)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY"), *xdg = getenv("XDG_RUNTIME_DIR");

	/* systemd gives several folders with colons between them. */
	if (runtime != NULL && *runtime == '/')
		snprintf(out, size, "%.*s/api.sock", (int)strcspn(runtime, ":"), runtime);
	else if (xdg != NULL && *xdg == '/')
		snprintf(out, size, "%s/triaged/api.sock", xdg);
	else
		snprintf(out, size, "%s/api.sock", state_dir == NULL ? "." : state_dir);
}

static void
make_parent(const char *path)
{
	char folder[4096];
	char *slash;

	str_copy(folder, sizeof(folder), path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return;
	*slash = '\0';
	/* If it cannot be made, opening the socket says why. */
	if (mkdir(folder, 0700) == -1 && errno != EEXIST)
		log_debug("api: cannot make %s: %s", folder, strerror(errno));
}

static void
close_door(struct door *door)
{
	listener_close(door->listener);
	list_remove(&door->node);
	free(door->text);
	free(door);
}

static void
on_accept(void *arg, int fd, const struct addr *peer)
{
	struct door *door = arg;

	(void)peer;
	conn_accept(door->api, fd, door->is_unix, door->host);
}

/* What `text` means; host as written there, "" for every address and for a unix path. */
static int
parse_text(const char *text, char host[256], struct addr *addr, struct err *e)
{
	struct place place;

	if (place_parse(&place, text, e) == -1)
		return -1;
	str_copy(host, 256, place.host);
	if (place.path[0] != '\0')
		return addr_from_path(addr, place.path, e);
	if (place.host[0] == '\0')
		return addr_from_numeric(addr, "0.0.0.0", place.port);
	/* The one name that needs no resolver. */
	if (str_eq(place.host, "localhost"))
		return addr_from_numeric(addr, "127.0.0.1", place.port);
	if (addr_from_numeric(addr, place.host, place.port) == 0)
		return 0;
	return err_set(e, EINVAL, "listen: \"%s\" is a name; write an address, such as 127.0.0.1",
		place.host);
}

static int
check_token(const struct api *api, const struct addr *addr, struct err *e)
{
	const char *token = api->world->settings->api.token;

	if (addr_is_loopback(addr) || (token != NULL && *token != '\0'))
		return 0;
	return err_set(e, EINVAL, "listening beyond loopback needs api.token");
}

/* The group may connect where there is one; without the right to give it the socket stays ours. */
static void
share_socket(const struct api *api, const char *path)
{
	if (api->has_group && chown(path, (uid_t)-1, api->group) == -1)
		log_debug("api: %s stays with its group: %s", path, strerror(errno));
}

static struct door *
door_new(struct api *api, const char *text)
{
	struct door *door = xcalloc(1, sizeof(*door));

	door->api = api;
	door->is_wanted = true;
	door->text = xstrdup(text);
	list_init(&door->node);
	return door;
}

static void
add_advice(struct err *e, bool is_unix)
{
	char what[sizeof(e->text)];

	if (e == NULL || e->code != EADDRINUSE || is_unix)
		return;
	str_copy(what, sizeof(what), e->text);
	err_set(e, EADDRINUSE,
		"%s: `ss -ltnp` shows by whom: stop that, or name another port, or `off`", what);
}

static int
open_door(struct api *api, const char *text, struct err *e)
{
	struct door *door = door_new(api, text);
	struct addr addr;

	if (parse_text(text, door->host, &addr, e) == -1)
		goto fail;
	door->is_unix = addr_family(&addr) == AF_UNIX;
	if (!door->is_unix && check_token(api, &addr, e) == -1)
		goto fail;
	if (door->is_unix)
		make_parent(addr.un.sun_path);
	door->listener =
		listener_open(api->world->env->loop, &addr, SOCKET_MODE, on_accept, door, e);
	if (door->listener == NULL) {
		add_advice(e, door->is_unix);
		goto fail;
	}
	if (door->is_unix)
		share_socket(api, addr.un.sun_path);
	list_append(&api->doors, &door->node);
	return 0;
fail:
	free(door->text);
	free(door);
	return err_wrap(e, "api.listen: %s", text);
}

static struct door *
find_door(const struct api *api, const char *text)
{
	LIST_EACH(it, &api->doors)
	{
		struct door *door = LIST_ENTRY(it, struct door, node);

		if (str_eq(door->text, text))
			return door;
	}
	return NULL;
}

/* "unix:/run/..." or "127.0.0.1:8421", as it would stand in api.listen. */
static void
write_addr(const struct addr *addr, char out[ADDR_TEXT + 8])
{
	char text[ADDR_TEXT];

	addr_text(addr, text);
	snprintf(out, ADDR_TEXT + 8, "%s%s", addr_family(addr) == AF_UNIX ? "unix:" : "", text);
}

static int
adopt_door(struct api *api, struct passed_socket *socket, struct err *e)
{
	char text[ADDR_TEXT + 8];
	struct door *door;
	struct err why;

	write_addr(&socket->addr, text);
	if (addr_family(&socket->addr) != AF_UNIX && check_token(api, &socket->addr, &why) == -1)
		return err_set(e, why.code, "socket %s (%s), which was passed to us: %s", text,
			socket->name, why.text);
	door = door_new(api, text);
	door->is_passed = true;
	door->is_unix = addr_family(&socket->addr) == AF_UNIX;
	if (!door->is_unix)
		parse_text(text, door->host, &socket->addr, NULL);
	door->listener = listener_adopt(api->world->env->loop, socket->fd, on_accept, door);
	socket->fd = -1;
	list_append(&api->doors, &door->node);
	log_notice("api: %s was passed to us (%s)", text, socket->name);
	return 0;
}

static int
adopt_all(struct api *api, struct err *e)
{
	struct passed *passed = api->world->passed;

	for (size_t i = 0; passed != NULL && i < passed->count; i++)
		if (passed->sockets[i].fd != -1 && adopt_door(api, &passed->sockets[i], e) == -1)
			return -1;
	return 0;
}

static bool
is_every(const char *text)
{
	return str_starts(text, "0.0.0.0:") || str_starts(text, "[::]:");
}

/* Both cannot be open.  `text` is as write_addr makes it. */
static bool
is_in_the_way(const struct door *passed, const char *text)
{
	if (str_eq(passed->text, text))
		return true;
	return !passed->is_unix && !str_starts(text, "unix:") &&
	       str_eq(strrchr(passed->text, ':'), strrchr(text, ':')) &&
	       (is_every(passed->text) || is_every(text));
}

static const struct door *
find_passed(const struct api *api, const char *text)
{
	char host[256], exact[ADDR_TEXT + 8];
	struct addr addr;

	if (parse_text(text, host, &addr, NULL) == -1)
		return NULL;
	write_addr(&addr, exact);
	LIST_EACH(it, &api->doors)
	{
		const struct door *door = LIST_ENTRY(it, struct door, node);

		if (door->is_passed && is_in_the_way(door, exact))
			return door;
	}
	return NULL;
}

/* Marks what stays; the others close first, as a new address may overlap an old one. */
static void
close_unwanted(struct api *api, const struct conf_strings *listen, const char *socket_text)
{
	LIST_EACH_SAFE(it, &api->doors)
	{
		struct door *door = LIST_ENTRY(it, struct door, node);

		door->is_wanted = door->is_passed || str_eq(door->text, socket_text);
		for (size_t i = 0; i < listen->count; i++)
			door->is_wanted |= str_eq(door->text, listen->all[i]);
		if (!door->is_wanted)
			close_door(door);
	}
}

/* A second trouble is logged: the caller hears of the first. */
static void
want_door(struct api *api, const char *text, struct err *first, bool *has_failed)
{
	const struct door *passed;
	struct err e;

	if (find_door(api, text) != NULL)
		return;
	passed = find_passed(api, text);
	if (passed != NULL)
		log_notice("api: %s of the settings gives way to %s, which was passed to us", text,
			passed->text);
	if (passed != NULL || open_door(api, text, &e) == 0)
		return;
	if (*has_failed)
		log_error("%s", e.text);
	else if (first != NULL)
		*first = e;
	*has_failed = true;
}

int
door_open_all(struct api *api, struct err *e)
{
	const struct settings *settings = api->world->settings;
	const struct conf_strings *listen = &settings->api.listen;
	char path[4096], text[4096 + 8];
	bool has_failed = false;

	write_socket_path(path, sizeof(path), settings->daemon.state_dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	if (adopt_all(api, e) == -1)
		return -1;
	close_unwanted(api, listen, text);
	want_door(api, text, e, &has_failed);
	for (size_t i = 0; i < listen->count; i++)
		if (!str_eq(listen->all[i], "off"))
			want_door(api, listen->all[i], e, &has_failed);
	return has_failed ? -1 : 0;
}

void
door_close_all(struct api *api)
{
	while (!list_is_empty(&api->doors))
		close_door(LIST_ENTRY(api->doors.next, struct door, node));
}

void
door_close_passed(struct api *api)
{
	LIST_EACH_SAFE(it, &api->doors)
	{
		struct door *door = LIST_ENTRY(it, struct door, node);

		if (door->is_passed)
			close_door(door);
	}
}

static void
write_where(const struct door *door, char *out, size_t size)
{
	char text[ADDR_TEXT];

	addr_text(listener_addr(door->listener), text);
	snprintf(out, size, "%s%s", door->is_unix ? "unix:" : "http://", text);
}

json_t *
door_show(const struct api *api)
{
	json_t *list = json_array();

	LIST_EACH(it, &api->doors)
	{
		char where[ADDR_TEXT + 8];

		write_where(LIST_ENTRY(it, struct door, node), where, sizeof(where));
		json_array_append_new(list, record_text(where));
	}
	return list;
}

void
door_where(const struct api *api, char *out, size_t size)
{
	size_t at = 0;

	str_copy(out, size, "");
	LIST_EACH(it, &api->doors)
	{
		char where[ADDR_TEXT + 8];

		write_where(LIST_ENTRY(it, struct door, node), where, sizeof(where));
		snprintf(out + at, size - at, "%s%s", at == 0 ? "" : " ", where);
		at += strlen(out + at);
	}
}
