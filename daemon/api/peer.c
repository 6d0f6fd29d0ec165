/*
 * Access: credentials of a unix socket's peer, the Host and Origin a browser sends, the token of
 * writes over TCP.  Promises to say no when in doubt.
 */
#include "api/peer.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/url.h"

#define GROUPS_MAX 256

bool
peer_find_group(gid_t *gid)
{
	const struct group *group = getgrnam(PEER_GROUP);

	if (group == NULL)
		return false;
	*gid = group->gr_gid;
	return true;
}

static bool
is_in_group(int fd, const struct ucred *who, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (who->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

void
peer_look(struct peer *peer, int fd, const gid_t *writers)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (!peer->is_unix) {
		peer->local.len = sizeof(peer->local.any);
		if (getsockname(fd, &peer->local.sa, &peer->local.len) == -1)
			peer->local.len = 0;
		peer->remote.len = sizeof(peer->remote.any);
		if (getpeername(fd, &peer->remote.sa, &peer->remote.len) == -1)
			peer->remote.len = 0;
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1 || len != sizeof(who))
		return;
	peer->may_write = who.uid == 0 || who.uid == geteuid() ||
			  (writers != NULL && is_in_group(fd, &who, *writers));
}

static bool
is_public_host(const char *public_url, const char *host)
{
	struct url url;
	bool fits;

	if (public_url == NULL || url_parse(&url, public_url, NULL) == -1)
		return false;
	fits = strcasecmp(url.place.host, host) == 0;
	url_fini(&url);
	return fits;
}

/*
 * A numeric host cannot be a rebound name, but only the addresses that are ours are answered.  A
 * listener on every address is reached under names that nobody told us (a compose service,
 * `http://triaged:8421`): one without a dot cannot be registered by a stranger.
 */
static bool
host_fits(const struct peer_names *names, const char *host)
{
	struct addr addr;
	bool is_for_all = *names->listen_host == '\0' || str_eq(names->listen_host, "0.0.0.0") ||
			  str_eq(names->listen_host, "::");

	if (*host == '\0')
		return false;
	if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, names->listen_host) == 0)
		return true;
	if (addr_from_numeric(&addr, host, 0) == 0) {
		struct addr local = *names->local;

		if (addr_is_loopback(&addr))
			return true;
		if (local.len == 0)
			return false;
		addr_set_port(&local, 0);
		return addr_equal(&addr, &local) || is_public_host(names->public_url, host);
	}
	return (is_for_all && strchr(host, '.') == NULL) || is_public_host(names->public_url, host);
}

bool
peer_host_fits(const struct peer_names *names, const char *host_header)
{
	struct place place;

	if (host_header == NULL || strpbrk(host_header, "/@ \t") != NULL)
		return false;
	if (str_starts(host_header, "unix:") || place_parse(&place, host_header, NULL) == -1)
		return false;
	return host_fits(names, place.host);
}

bool
peer_origin_fits(const struct peer_names *names, const char *origin)
{
	struct url url;
	bool fits;

	if (origin == NULL)
		return true;
	if (url_parse(&url, origin, NULL) == -1)
		return false;
	fits = (str_eq(url.scheme, "http") || str_eq(url.scheme, "https")) &&
	       host_fits(names, url.place.host);
	url_fini(&url);
	return fits;
}

bool
peer_token_fits(const char *authorization, const char *token)
{
	if (authorization == NULL || token == NULL || *token == '\0')
		return false;
	if (strncasecmp(authorization, "Bearer ", strlen("Bearer ")) != 0)
		return false;
	authorization += strlen("Bearer ");
	while (*authorization == ' ')
		authorization++;
	return secret_equal(authorization, strlen(authorization), token, strlen(token));
}
