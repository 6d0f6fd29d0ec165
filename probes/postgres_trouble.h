/*
 * What goes wrong with a PostgreSQL server, as cause codes: by SQLSTATE where the server said one,
 * by libpq's words where it did not.  And a look at a server's first bytes before libpq gets them.
 * All pure.  Private to postgres*.c.
 */
#ifndef PROBES_POSTGRES_TROUBLE_H
#define PROBES_POSTGRES_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "io/fault.h"

#define PG_TEXT_MAX  400
#define PG_FIRST_MAX 64

struct pg_trouble {
	enum fault fault; /* below the protocol; FAULT_NONE: see `state` */
	char state[6];    /* SQLSTATE; "" where the server said none */
	bool needs_password;
	bool is_at_once; /* this host's own answer to the connect: nothing was sent */
	size_t first_len;
	char text[PG_TEXT_MAX];            /* one line */
	unsigned char first[PG_FIRST_MAX]; /* of somebody who speaks another protocol */
};

/* None: what is long is left as it is. */
void pg_trouble_clear(struct pg_trouble *trouble);

/* From libpq's message of a failed connection (verbose: severity, SQLSTATE, text, detail). */
void pg_trouble_read(struct pg_trouble *trouble, const char *message);
/* From an error that the server reported. */
void pg_trouble_set(struct pg_trouble *trouble, const char *state, const char *text);
/* "pg.auth", "net.reset"...; never NULL. */
const char *pg_trouble_cause(const struct pg_trouble *trouble);
/* The server is there but takes no sessions now: 57P03. */
bool pg_trouble_is_not_accepting(const struct pg_trouble *trouble);
/* It does not know startup parameters: a pooler. */
bool pg_trouble_is_pooler(const struct pg_trouble *trouble);
/* The statement is at fault, or our rights: class 42 (and what old or other servers lack). */
bool pg_trouble_is_ours(const struct pg_trouble *trouble);

enum pg_sniff {
	PG_SNIFF_CHEAP,   /* libpq may go on, on the loop */
	PG_SNIFF_COSTLY,  /* libpq will compute for milliseconds, or nobody knows */
	PG_SNIFF_FOREIGN, /* not a PostgreSQL server */
	PG_SNIFF_REFUSED, /* a login that could block or burn for long */
};

/* The begin of a message during the login, not encrypted. */
enum pg_sniff pg_sniff_login(const unsigned char *data, size_t len);

#endif
