/* MySQL's login plugins: what each answers to a scramble, and in which conversation.  No I/O. */
#ifndef PROBES_MYSQL_AUTH_H
#define PROBES_MYSQL_AUTH_H

#include "base/err.h"
#include "io/digest.h"
#include "probes/mysql_wire.h"

#define MYSQL_PROOF_MAX    512 /* of an answer: an RSA encryption or a password with its NUL */
#define MYSQL_PASSWORD_MAX 254 /* with its NUL it fits into the login */

struct mysql_auth {
	const struct mysql_plugin *plugin; /* NULL: one that we do not speak */
	char name[MYSQL_NAME_MAX];         /* as the server calls it */
	const char *password;              /* "" without one; borrowed */
	bool is_private; /* TLS or a unix socket: nobody else reads what we send */
	unsigned char scramble[MYSQL_SCRAMBLE_MAX];
	size_t scramble_len;
	unsigned char proof[MYSQL_PROOF_MAX]; /* the next thing to send */
	size_t proof_len;
};

/* Takes a plugin up: the first answer lies in `proof`.  An unknown or refused one: -1, why, and in
 * `proof` what ends the conversation as a wrong password, not as a broken line (those add up to
 * "host is blocked"). */
int mysql_auth_begin(struct mysql_auth *auth, const char *plugin, const unsigned char *scramble,
	size_t scramble_len, struct err *e);
bool mysql_auth_knows(const char *plugin);

/* The plugin's own data came.  1: `proof` is to be sent; 0: nothing to do; -1: what is wrong. */
int mysql_auth_continue(
	struct mysql_auth *auth, const unsigned char *data, size_t len, struct err *e);

#endif
