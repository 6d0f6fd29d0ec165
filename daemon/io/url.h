/* URLs: parsed once, strictly; user and password are percent-decoded and kept apart. */
#ifndef IO_URL_H
#define IO_URL_H

#include <stdint.h>

#include "base/err.h"
#include "io/addr.h"

struct url {
	char scheme[16];       /* lower case */
	char *user, *password; /* decoded; NULL: none */
	struct place place;    /* port 0: the scheme's default */
	char *target;          /* path and query, at least "/"; never the fragment */
};

int url_parse(struct url *url, const char *text, struct err *e);
void url_fini(struct url *url);
uint16_t url_port(const struct url *url); /* given, or the scheme's default (http https redis...) */
/* Against a base, for redirects: absolute, scheme-relative, absolute path or relative path. */
int url_resolve(struct url *out, const struct url *base, const char *reference, struct err *e);
/* Owned text, password and credentials in the query masked: "redis://:***@cache:6379/0". */
char *url_masked(const struct url *url);
/* Scheme and host only, for logs where the path is the secret (Slack). */
char *url_origin(const struct url *url);

#endif
