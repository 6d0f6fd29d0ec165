/*
 * Where pings from outside are left: the API hands in what came to /ping/<token>, the check that
 * registered the token hears it at once.  Tokens are compared in constant time.
 */
#ifndef IO_INBOX_H
#define IO_INBOX_H

#include <stdbool.h>
#include <stddef.h>

struct inbox;
struct inbox_slot;

struct inbox_ping {
	const char *verb;   /* "", "start", "fail", or the digits of an exit code */
	const char *method; /* "GET", "HEAD", "POST" */
	const char *from;   /* the peer's address, for people */
	const char *body;   /* borrowed, not terminated */
	size_t body_len;
};

typedef void (*inbox_fn)(void *arg, const struct inbox_ping *ping);

struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox);
/* NULL: another check has this token already. */
struct inbox_slot *inbox_add(struct inbox *inbox, const char *token, inbox_fn fn, void *arg);
void inbox_remove(struct inbox_slot *slot); /* NULL is fine */
/* False: nobody has this token. */
bool inbox_deliver(struct inbox *inbox, const char *token, const struct inbox_ping *ping);

#endif
