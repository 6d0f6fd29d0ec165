/*
 * The API server as a whole: made, opened, moved by a reload, ended.  Owns the listeners and the
 * connections; borrows the world.
 */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/mem.h"
#include "base/str.h"
#include "setup/settings.h"
#include "triage/triage.h"

struct api *
api_new(const struct api_world *world)
{
	struct api *api = xcalloc(1, sizeof(*api));

	api->world = world;
	list_init(&api->conns);
	list_init(&api->asking);
	list_init(&api->walking);
	list_init(&api->doors);
	timer_init(&api->walk_timer, world->env->loop, conn_on_walk, api);
	feeds_init(&api->feeds, world);
	api->has_group = peer_find_group(&api->group);
	return api;
}

void
api_free(struct api *api)
{
	if (api == NULL)
		return;
	door_close_all(api);
	conn_close_all(api);
	feeds_fini(&api->feeds);
	timer_stop(&api->walk_timer);
	free(api->openapi);
	free(api);
}

static bool
has_passed_tcp(const struct passed *passed)
{
	for (size_t i = 0; passed != NULL && i < passed->count; i++)
		if (addr_family(&passed->sockets[i].addr) != AF_UNIX)
			return true;
	return false;
}

static bool
has_tcp(const struct conf_strings *listen)
{
	for (size_t i = 0; i < listen->count; i++)
		if (!str_eq(listen->all[i], "off") && !str_starts(listen->all[i], "unix:") &&
			!str_starts(listen->all[i], "/"))
			return true;
	return false;
}

/* The configured token, else the one in the state folder; not needed without TCP. */
static int
choose_token(struct api *api, struct err *e)
{
	const struct settings *settings = api->world->settings;

	api->token[0] = '\0';
	if (settings->api.token != NULL && *settings->api.token != '\0') {
		if (strlen(settings->api.token) >= sizeof(api->token))
			return err_set(e, 0, "api.token is longer than %d bytes", TOKEN_MAX - 1);
		str_copy(api->token, sizeof(api->token), settings->api.token);
		return 0;
	}
	if (!has_tcp(&settings->api.listen) && !has_passed_tcp(api->world->passed))
		return 0;
	if (api->file_token[0] == '\0' &&
		token_load(api->file_token, settings->daemon.state_dir, e) == -1)
		return -1;
	str_copy(api->token, sizeof(api->token), api->file_token);
	return 0;
}

int
api_listen(struct api *api, struct err *e)
{
	struct err token_trouble;
	int has_token = choose_token(api, &token_trouble);

	feeds_note(&api->feeds, FEED_CONFIG);
	if (door_open_all(api, e) == -1)
		return -1;
	if (has_token == -1 && e != NULL)
		*e = token_trouble;
	return has_token;
}

void
api_where(const struct api *api, char *out, size_t size)
{
	door_where(api, out, size);
}

void
api_on_sample(struct api *api, const char *check)
{
	if (api != NULL)
		feeds_note_check(&api->feeds, check);
}

void
api_on_checks(struct api *api)
{
	if (api != NULL)
		feeds_note(&api->feeds, FEED_CONFIG);
}

void
api_on_incident(struct api *api, const struct incident_event *event)
{
	if (api != NULL)
		feeds_note_incident(&api->feeds, event->incident, event->type, event->reason);
}

void
api_on_kept(struct api *api, const char *kind)
{
	if (api != NULL)
		feeds_note(&api->feeds, str_eq(kind, "silence") ? FEED_SILENCES : FEED_RECEIVERS);
}

void
api_drain(struct api *api)
{
	feeds_end(&api->feeds);
	door_close_passed(api);
}

bool
api_is_idle(const struct api *api)
{
	return !conn_any_busy(api);
}
