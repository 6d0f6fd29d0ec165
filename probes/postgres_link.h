/*
 * One libpq connection to one numeric address, driven by the loop.  Steps of a login that compute
 * (SCRAM, TLS) run on an offload thread one by one; waiting is always the loop's.  There is no
 * deadline in here: the owner has one and closes.  Private to postgres*.c.
 */
#ifndef PROBES_POSTGRES_LINK_H
#define PROBES_POSTGRES_LINK_H

#include <libpq-fe.h>

#include "io/env.h"
#include "io/loop.h"
#include "probes/postgres_trouble.h"

struct pg_link;

enum pg_event {
	PG_REACHED, /* connected, nothing said yet */
	PG_UP,      /* logged in: pg_link_ask may be called, also from inside */
	PG_RESULT,  /* one of the statement's: pg_link_result() */
	PG_DONE,    /* the statement is over: ask again */
	PG_BROKEN,  /* never came up, or is gone: pg_link_trouble(); no event follows */
};

typedef void (*pg_link_fn)(void *arg, enum pg_event event);

/* -1: did not happen (yet). */
struct pg_link_phases {
	usec_t connect_us, tls_us, login_us;
};

/* `keys` and `values` as PQconnectStartParams wants them; fn is never called from inside this. */
struct pg_link *pg_link_open(const struct io_env *env, const char *const *keys,
	const char *const *values, pg_link_fn fn, void *arg);
void pg_link_close(struct pg_link *link); /* NULL is fine; fn is not called any more */
void pg_link_hand(struct pg_link *link, pg_link_fn fn, void *arg); /* to another owner */

/* One text of one or more statements; no answer may be longer than `max` bytes. */
void pg_link_ask(struct pg_link *link, const char *sql, size_t max, bool row_by_row);
bool pg_link_is_idle(const struct pg_link *link); /* logged in, nothing asked */

const PGresult *pg_link_result(const struct pg_link *link);
const struct pg_trouble *pg_link_trouble(const struct pg_link *link);
const struct pg_link_phases *pg_link_phases(const struct pg_link *link);
PGconn *pg_link_conn(struct pg_link *link);            /* for what asks nothing of the network */
usec_t pg_link_up_us(const struct pg_link *link);      /* when it came up */
bool pg_link_has_answered(const struct pg_link *link); /* a byte came, ever */

#endif
