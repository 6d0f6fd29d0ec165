/*
 * How facts talk to a PostgreSQL server: with the credentials of the check that they are about, on
 * the connection that its watch keeps (so that they work when the server is full), one after
 * another; where none is kept, on a short one of their own, which those behind them share.
 *
 * Statements are sent as one text, in one read-only transaction with a limit of its own: what
 * fails ends those behind it, not those before.  Private to the facts about PostgreSQL.
 */
#ifndef FACTS_PG_TALK_H
#define FACTS_PG_TALK_H

#include "base/list.h"
#include "probes/facts/fact.h"
#include "probes/postgres_run.h"

#define PG_FACT_TEXT 1000 /* of a statement, as far as it is asked for */

struct pg_talk_plan {
	/* Writes the statements, `;` between them, as the server's version has them. */
	void (*write)(struct buf *out, int version);
	/* Rows of the nth statement, from 0; called also when there are none. */
	void (*take)(struct fact_run *run, unsigned nth, const PGresult *rows);
	/* All was asked that could be: gives the fact its end. */
	void (*conclude)(struct fact_run *run);
	bool takes_any_database; /* the server's own will do where that of the DSN is missing */
};

/* The begin of the state of a fact that talks. */
struct pg_talk {
	struct fact_run *run;
	const struct pg_talk_plan *plan;
	struct list place; /* among those who wait for the connection */
	struct pg_link *link;
	struct resolve_call *call;
	struct resolve_answer answer; /* of the host, which `addr` of it is tried */
	unsigned addr;
	bool is_talking;        /* it is its turn */
	bool is_kept;           /* `link` is the watch's */
	bool is_other_database; /* not the DSN's */
	unsigned logins;        /* of the watch, when it lent `link` */
	unsigned host;          /* of the DSN */
	unsigned answers;       /* statements that were answered */
	bool is_refused;
	struct pg_trouble trouble; /* of the statement that was refused */
};

void pg_talk_start(struct fact_run *run, const struct pg_talk_plan *plan);
void pg_talk_stop(struct fact_run *run);
/* Who we are there, for GRANTs. */
const char *pg_talk_user(struct fact_run *run);

/* A cell: NULL or NAN where it is NULL or absent. */
const char *pg_cell(const PGresult *rows, int row, int column);
double pg_cell_number(const PGresult *rows, int row, int column);
/* A statement of somebody, without its values. */
void pg_cell_sql(const PGresult *rows, int row, int column, char *out, size_t size);
/* "shop from 10.0.0.4": application (or role) and place. */
void pg_client_text(
	char *out, size_t size, const char *application, const char *role, const char *place);

#endif
