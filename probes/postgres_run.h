/*
 * One run of the postgres probe and what it shares with the runs before it.  Private to
 * postgres*.c and to the facts about PostgreSQL.
 */
#ifndef PROBES_POSTGRES_RUN_H
#define PROBES_POSTGRES_RUN_H

#include "base/list.h"
#include "io/resolve.h"
#include "io/timer.h"
#include "probes/postgres_conf.h"
#include "probes/postgres_link.h"

#define PG_COLUMNS_MAX 24

/* What one of our statements said when it was last asked, and which metrics its columns are. */
struct pg_numbers {
	int count; /* 0: never */
	int metric[PG_COLUMNS_MAX];
	double values[PG_COLUMNS_MAX];
	usec_t asked_us;
};

/* The same of ACTIVITY, as far as it is more than metrics. */
struct pg_about {
	bool is_known;
	bool is_standby, is_read_only; /* its default */
	bool has_right;                /* to see other sessions */
	double connections, percent, waiting;
};

/* Of a check, between its runs. */
struct pg_watch {
	struct pg_link *link; /* kept and idle; NULL: none */
	bool is_pooler;    /* it refuses startup parameters, or sessions wander: plain statements */
	bool is_prepared;  /* on `link` */
	unsigned asked;    /* runs that `link` has served */
	unsigned logins;   /* of runs; what was lent before the last one is not given back */
	struct list talks; /* facts that talk over `link`, or wait to: facts/pg_talk.h */
	bool is_lost;      /* a kept connection ended, and nobody was told yet */
	struct pg_trouble lost;
	char where[ADDR_TEXT]; /* the other end of `link` */
	struct pg_numbers activity, upkeep;
	struct pg_about about;
	bool is_full; /* no slot was left: each run logs in beside the kept session, as others must
		       */
	char words[160]; /* the same as a sentence; "": none yet */
};

enum pg_step {
	PG_STEP_ACTIVITY, /* proves it usable */
	PG_STEP_PLAIN,    /* the server knows no statistics: SELECT 1 */
	PG_STEP_UPKEEP,
	PG_STEP_TABLES,
	PG_STEP_BLOCKERS,
	PG_STEP_CROWD,
	PG_STEP_QUERIES, /* one by one */
	PG_STEP_END,
};

struct pg_run {
	struct pg_link *link;
	bool is_kept;       /* `link` has served before */
	struct pg_way *way; /* to the server: postgres_login.c; NULL on a kept link */
	/* what is asked: postgres_ask.c */
	enum pg_step step;
	size_t query;
	usec_t asked_us;
	bool is_error, has_row;
	bool is_fresh; /* ACTIVITY was asked in this run */
	/* texts, of which only the first byte is set before they are: most runs need none */
	char missing[256], unreadable[256];
	char row[64];            /* of a query, where has_row: the first value */
	struct pg_trouble error; /* of the statement under way, where is_error */
};

/* postgres_login.c: to a link that is up (pg_ask_start is called), or to a verdict. */
void pg_login_start(struct probe_run *run);
void pg_login_stop(struct probe_run *run);
const char *pg_login_stuck(struct probe_run *run, char *text, size_t size);
bool pg_login_next_host(struct probe_run *run); /* this one is not what the DSN wants */

/* postgres_ask.c: `state->link` is up and idle. */
void pg_ask_start(struct probe_run *run);
void pg_ask_on_event(void *run, enum pg_event event);
const char *pg_ask_stuck(struct probe_run *run, char *text, size_t size);

/* postgres_take.c */
void pg_take_rows(struct probe_run *run, const PGresult *res); /* of the step under way */
void pg_take_value(struct probe_run *run);                     /* the query's row is whole */
void pg_conclude(struct probe_run *run);                       /* all is asked: the verdict */

/* postgres.c: the kept connection, idle, to somebody who gives it back; NULL: there is none now. */
struct pg_link *pg_watch_lend(struct probe_watch *watch);
void pg_watch_give(struct probe_watch *watch, struct pg_link *link); /* idle */

/* A kept connection ended: a note where the server said that it did so on purpose. */
void pg_note_lost(struct probe_run *run, const struct pg_trouble *trouble);

/* Fails, or is an error where it is ours. */
void pg_fail(struct probe_run *run, const struct pg_trouble *trouble, const char *where);
/* The statement timeout that belongs to this run's deadline. */
unsigned pg_timeout_ms(const struct probe_run *run);

#endif
