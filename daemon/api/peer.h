/*
 * Who is at the other end, and what that one may do.  Pure but for peer_look, which asks the kernel
 * about a socket once.
 */
#ifndef API_PEER_H
#define API_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "io/addr.h"

#define PEER_GROUP "triaged"

struct peer {
	bool is_unix;
	bool may_write;        /* unix: by its credentials.  TCP: false, the token decides */
	struct addr local;     /* TCP: the address it came to */
	struct addr remote;    /* TCP: whence; len 0: not known */
	char listen_host[256]; /* TCP: as configured, "" for every address */
};

/* The group whose members may write; false: this host has no such group.  Reads the user
 * database, so it is asked once at the start. */
bool peer_find_group(gid_t *gid);
/* `writers`: NULL when there is no such group. */
void peer_look(struct peer *peer, int fd, const gid_t *writers);

/* The names under which a TCP peer may ask: against pages that point their own name at us. */
struct peer_names {
	const struct addr *local;
	const char *listen_host;
	const char *public_url; /* NULL: none */
};
bool peer_host_fits(const struct peer_names *names, const char *host_header);
/* Of a write from a browser; NULL (not a browser) fits. */
bool peer_origin_fits(const struct peer_names *names, const char *origin);
/* "Bearer <token>", compared in constant time. */
bool peer_token_fits(const char *authorization, const char *token);

#endif
