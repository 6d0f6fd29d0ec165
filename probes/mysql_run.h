/* One run of the mysql probe: private to mysql*.c. */
#ifndef PROBES_MYSQL_RUN_H
#define PROBES_MYSQL_RUN_H

#include "io/timer.h"
#include "probes/mysql_client.h"
#include "probes/mysql_conf.h"
#include "probes/mysql_files.h"
#include "probes/mysql_loan.h"
#include "probes/mysql_session.h"

/* What is kept between runs. */
struct mysql_kept {
	struct mysql_files files;   /* of a server on this host */
	struct mysql_lender lender; /* the connection */
	usec_t proven_us;           /* when the whole path was last proven; 0: never */
	usec_t binlog_us;           /* when the binary logs were last looked at; 0: never */
	double binlog_bytes;
};

struct mysql_run {
	struct mysql_client *client; /* that is asked */
	struct mysql_client *proof;  /* the new login beside or after it; NULL: none */
	bool is_kept;                /* `client` was there before this run */
	bool is_asked;               /* its first statement was answered */
	bool is_proving;
	bool is_set_up;       /* the session of the newest client is read-only */
	bool is_set_up_again; /* the short way is being tried */
	bool is_reported;
	struct timer patience; /* with a kept connection that says nothing */
	usec_t whole_us;       /* what a run has in all */
	unsigned step, item;   /* of the statements */
	usec_t opened_us, asked_us, first_us;
	unsigned lacks; /* enum mysql_right */
	bool is_blind;  /* without PROCESS the list of processes lies */
	bool is_replica, is_replica_known;
	bool has_binlog;
	double max_connections, connected, longest_query, lock_wait; /* NAN: not known */
	int read_only;                                               /* -1: not known */
	const char *cause; /* of the first thing that failed; NULL: nothing */
	/* texts, of which only the first byte is set before they are: most runs need none */
	char user[200];                    /* as the server knows us */
	char denied[200];                  /* statements that want a right; "": none */
	char log_folder[MYSQL_FILES_PATH]; /* of the binary logs; "": not known */
	char why[300];                     /* beside `cause` */
};

/* One step: the statement (false: not this time, or no more of the list), and its answer. */
struct mysql_step {
	bool (*ask)(struct probe_run *run, char *out, size_t size);
	void (*take)(struct probe_run *run, const struct mysql_result *r);
	void (*refused)(struct probe_run *run, const struct mysql_error *error);
	bool is_list;
};
extern const struct mysql_step mysql_look[]; /* our own */
extern const unsigned mysql_look_count;

/* The next statement in `out`; false: everything was asked. */
bool mysql_measure_next(struct probe_run *run, char *out, size_t size);
/* What came of the statement that mysql_measure_next gave. */
void mysql_measure_take(struct probe_run *run, const struct mysql_result *result);
void mysql_measure_refused(struct probe_run *run, const struct mysql_error *error);
/* A statement that wants a right: a part of the note that mysql_measure_end makes. */
void mysql_note_denied(
	struct probe_run *run, const char *what, const char *name, const struct mysql_error *error);
/* After the last one: what rights are missing. */
void mysql_measure_end(struct probe_run *run);

#endif
