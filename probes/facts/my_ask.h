/*
 * The way of every fact about MySQL and MariaDB: over the connection that the check keeps, else
 * over a short one of our own, statement by statement; nothing is written, every statement bounded.
 */
#ifndef FACTS_MY_ASK_H
#define FACTS_MY_ASK_H

#include "io/timer.h"
#include "probes/facts/fact.h"
#include "probes/mysql_loan.h"
#include "probes/mysql_session.h"

#define MY_TYPES ((const char *const[]){ "mysql", NULL })

/* One statement and its answer. */
struct my_step {
	/* False: not of this server, or not this time.  NULL closes a table. */
	bool (*ask)(struct fact_run *run, char *out, size_t size);
	void (*take)(struct fact_run *run, const struct mysql_result *r);
	unsigned rights;  /* enum mysql_right: what is missing when it is denied */
	bool is_optional; /* a refusal is passed over; else it ends the fact */
};

/* The head of each fact's state. */
struct my_ask {
	struct mysql_loan loan;
	struct mysql_client *client; /* NULL: not yet */
	struct timer patience;       /* with a run of the check that has the connection */
	const struct my_step *steps;
	unsigned step;
	unsigned lacks; /* rights that optional steps wanted */
	bool is_own, is_set_up, is_short;
	bool is_naming; /* asks who we are, to name the GRANT */
	char denied[200];
	/* The last answer is in: ends the fact. */
	void (*done)(struct fact_run *run);
};

void my_ask_start(
	struct fact_run *run, const struct my_step *steps, void (*done)(struct fact_run *run));
void my_ask_stop(struct fact_run *run); /* the fact's `stop` */
const struct mysql_greeting *my_ask_server(struct fact_run *run);

const char *my_cell_text(const char *cell);            /* "" for NULL */
bool my_cell_is(const char *cell, const char *word);   /* any case */
double my_cell_zero(const char *cell);                 /* 0 where there is no number */
void my_mask(const char *sql, char *out, size_t size); /* values hidden */
void my_fact_number(struct fact_run *run, int key, const char *cell); /* if it is one */
void my_fact_text(struct fact_run *run, int key, const char *cell);   /* unless NULL or empty */

/* Threads that are clients: replication and the event scheduler are busy by nature. */
#define MY_IS_CLIENT                                                                               \
	"command NOT IN ('Daemon','Binlog Dump','Binlog Dump GTID','Connect','Slave_IO',"          \
	"'Slave_SQL','Slave_worker','Killed') AND user NOT IN ('system user','event_scheduler') "  \
	"AND id<>CONNECTION_ID()"
/* InnoDB's times are those of the host's zone, whatever zone the session has. */
#define MY_SYSTEM_NOW "CONVERT_TZ(NOW(),@@session.time_zone,'SYSTEM')"
#define MY_SHOWN_SQL  "400"

#endif
