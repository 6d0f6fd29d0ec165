/* Addresses: numeric IPv4/IPv6 with port, and unix paths.  Never looks a name up. */
#ifndef IO_ADDR_H
#define IO_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct addr {
	socklen_t len; /* 0: none */
	union {
		struct sockaddr sa;
		struct sockaddr_storage any;
		struct sockaddr_un un;
	};
};

/* A place as people write it: host (name or numeric, brackets taken off) and port, or a path. */
struct place {
	char host[256]; /* empty for a unix path */
	uint16_t port;  /* 0: none given */
	char path[108]; /* unix:/path or /path */
};

/* "host", "host:80", "[::1]:80", "::1", ":80" (any), "unix:/path", "/path". */
int place_parse(struct place *place, const char *text, struct err *e);

int addr_from_numeric(struct addr *addr, const char *host, uint16_t port); /* -1: not numeric */
int addr_from_path(struct addr *addr, const char *path, struct err *e);
void addr_set_port(struct addr *addr, uint16_t port);
int addr_family(const struct addr *addr);       /* AF_INET, AF_INET6, AF_UNIX */
bool addr_is_loopback(const struct addr *addr); /* unix paths are */
bool addr_equal(const struct addr *a, const struct addr *b);

/* How far inside an address lies, as the world sees it. */
enum addr_reach {
	ADDR_ANYWHERE, /* nobody asks */
	ADDR_WORLD,
	ADDR_SITE, /* private networks */
	ADDR_HOST, /* loopback, unix paths */
	ADDR_LINK, /* nobody's but this link's: where clouds keep the metadata of their hosts */
};

enum addr_reach addr_reach(const struct addr *addr);
/* May who answers from there send us here?  Never further inside than it is itself, to
 * ADDR_LINK only from there, and from there not to this host. */
bool addr_may_lead(enum addr_reach from, const struct addr *to);

#define ADDR_TEXT 128
void addr_text(const struct addr *addr, char out[ADDR_TEXT]); /* "127.0.0.1:80", "[::1]:80", path */

#endif
