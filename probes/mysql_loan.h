/*
 * The kept connection, lent to facts between the runs of the check: a server whose connections are
 * exhausted lets nobody else in.  One borrower at a time, first come, first served; a run of the
 * check goes before all of them, and waits for the one that has it.
 */
#ifndef PROBES_MYSQL_LOAN_H
#define PROBES_MYSQL_LOAN_H

#include "base/list.h"
#include "probes/probe.h"

struct mysql_client;
struct mysql_lender;

/* A borrower's ticket; embed it. */
struct mysql_loan {
	struct list link;
	struct mysql_lender *lender; /* NULL: neither waits nor has it */
	/* Once.  The connection, idle, with no ears; NULL: there is none, open your own. */
	void (*on_lent)(void *arg, struct mysql_client *client);
	void *arg;
};

/* on_lent may come from inside; `watch` is that of a mysql check. */
void mysql_loan_begin(struct mysql_loan *loan, struct probe_watch *watch);
/* Gives it back, whatever it is doing, or waits no more; fine to repeat.  A client that died is
 * closed by its borrower: `client` is NULL then. */
void mysql_loan_end(struct mysql_loan *loan, struct mysql_client *client);

/* --- for the probe: what is kept between runs is in here --- */

struct mysql_lender {
	struct mysql_client *client; /* logged in; NULL: none, or it is in somebody's hands */
	struct mysql_loan *borrower; /* who has it; NULL: nobody */
	struct list queue;           /* of tickets */
	bool is_running;             /* a run of the check is under way */
	void (*resume)(void *run);   /* the borrower gave it back, and this run waits for it */
	void *waiting;               /* NULL: none does */
};

void mysql_lender_init(struct mysql_lender *lender);
/* Between the runs: whoever waits may have it. */
void mysql_lender_serve(struct mysql_lender *lender);

#endif
