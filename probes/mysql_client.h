/*
 * One connection to a MySQL or MariaDB server, on the loop: connect, greeting, perhaps TLS, login,
 * then one statement after the other.  No deadline and no retry: its owner has them.
 */
#ifndef PROBES_MYSQL_CLIENT_H
#define PROBES_MYSQL_CLIENT_H

#include "conf/dsn.h"
#include "io/env.h"
#include "io/stream.h"
#include "probes/mysql_result.h"

struct mysql_client;

enum mysql_event {
	MYSQL_EVENT_READY,    /* logged in */
	MYSQL_EVENT_RESULT,   /* the statement is done: mysql_client_result */
	MYSQL_EVENT_REFUSED,  /* an error packet: mysql_client_error; after READY it goes on living
			       */
	MYSQL_EVENT_PLUGIN,   /* the login plugin is none of ours: mysql_client_reason */
	MYSQL_EVENT_NO_TLS,   /* TLS is wanted and not offered */
	MYSQL_EVENT_DISTRUST, /* the certificate is not acceptable: mysql_client_reason */
	MYSQL_EVENT_WRONG,    /* not the protocol: mysql_client_reason */
	MYSQL_EVENT_LOST,     /* the stream ended or failed: mysql_client_stream says how */
};

typedef void (*mysql_fn)(void *arg, enum mysql_event event);

/* Borrowed until MYSQL_EVENT_READY. */
struct mysql_client_options {
	const struct io_env *env;
	const struct place *place;
	const char *user, *password, *database; /* NULL: none */
	enum dsn_tls mode;
	struct tls_ctx *tls; /* NULL where the mode is none; the handshake is a full one */
};

/* fn is called later, never from inside. */
struct mysql_client *mysql_client_open(
	const struct mysql_client_options *o, mysql_fn fn, void *arg);
/* Says goodbye if there is somebody to say it to.  NULL is fine. */
void mysql_client_close(struct mysql_client *c);
/* Other ears; NULL: nobody listens (it is kept between runs). */
void mysql_client_bind(struct mysql_client *c, mysql_fn fn, void *arg);

/* Only when idle. */
void mysql_client_query(struct mysql_client *c, const char *sql);
bool mysql_client_is_idle(const struct mysql_client *c); /* logged in, alive, nothing asked */

const struct mysql_greeting *mysql_client_greeting(const struct mysql_client *c);
const struct mysql_result *mysql_client_result(const struct mysql_client *c);
const struct mysql_error *mysql_client_error(const struct mysql_client *c);
const char *mysql_client_reason(const struct mysql_client *c); /* "" without one */
struct stream *mysql_client_stream(struct mysql_client *c);
bool mysql_client_is_encrypted(const struct mysql_client *c);

/* It is over, but for the server's last word: as which event; false: it is not. */
bool mysql_client_parts(const struct mysql_client *c, enum mysql_event *as);
bool mysql_client_offers_tls(const struct mysql_client *c);
/* What the peer began with (at most 64 bytes), in case it speaks something else. */
const void *mysql_client_first(const struct mysql_client *c, size_t *len);

/* What it waits for, in words: "the greeting", "the answer to the login"... */
void mysql_client_wait(const struct mysql_client *c, char *out, size_t size);

/* When the greeting came and the login was over, on the loop's clock; 0: not yet. */
usec_t mysql_client_greeted_us(const struct mysql_client *c);
usec_t mysql_client_ready_us(const struct mysql_client *c);

#endif
