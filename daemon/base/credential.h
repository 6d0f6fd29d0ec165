/*
 * Passwords that nobody registered as a secret, found by the shape of the text around them: what
 * logs, processes and servers say may hold anything.
 *
 *	scheme://user:PASSWORD@host   user:PASSWORD@tcp(host)   password=VALUE   "api_key": "VALUE"
 *	Authorization: Bearer VALUE
 */
#ifndef BASE_CREDENTIAL_H
#define BASE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

/* Replaces them in place by SECRET_MASK; `size` is the text's room.  Words about passwords stay:
 * "using password: YES", "password authentication failed". */
void credential_mask(char *text, size_t size);

#endif
