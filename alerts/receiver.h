/*
 * The contract of a receiver: a place that is told.  It formats one notice and transports it once;
 * retry, order, rate, grouping and persistence are deliver's business.  Same life as a probe:
 * start, one result (send_done), stop as the only releaser.
 */
#ifndef ALERTS_RECEIVER_H
#define ALERTS_RECEIVER_H

#include "conf/schema.h"
#include "io/env.h"
#include "model/notice.h"

struct send_run;

enum send_result {
	SEND_NONE, /* still running */
	SEND_OK,
	SEND_LATER,   /* try again: network, 5xx, 429... */
	SEND_NEVER,   /* this notice will never be taken: 4xx */
	SEND_DISABLE, /* the receiver wants nothing any more: 410 */
};

/* Why a try failed, for the figures: `reason` in /metrics. */
enum send_class {
	SEND_CLASS_NONE, /* not said: by the result */
	SEND_CLASS_TIMEOUT,
	SEND_CLASS_NETWORK, /* refused, reset, unreachable, closed */
	SEND_CLASS_DNS,
	SEND_CLASS_TLS,
	SEND_CLASS_AUTH, /* a wrong token, signature or address, 401, 403, 404: a person mends it */
	SEND_CLASS_RATE, /* 429 and its kin */
	SEND_CLASS_CLIENT, /* they say that we are wrong: the rest of 4xx, a refused message */
	SEND_CLASS_SERVER, /* they say that they are: 5xx */
	SEND_CLASS_LOCAL,  /* our own trouble */
	SEND_CLASSES
};

struct receiver_type {
	const char *name;
	const char *summary;
	const char *manual; /* steps on the other side; Markdown; may be NULL */
	const struct conf_field *fields;
	size_t conf_size;
	size_t run_size;
	bool is_for_people;     /* chat, email: digests allowed, info left out by default */
	double rate_per_second; /* most notices a second at an even pace; 0: no limit */
	unsigned burst;         /* how many may go ahead of that pace; 0: 4 */
	usec_t timeout_us;      /* of one try */
	/*
	 * It forgets: every refresh_us it is told again of all that it was told of and that is
	 * open, and for linger_us of what ended (send_notices).  0: never.
	 */
	usec_t refresh_us, linger_us;
	usec_t (*refresh)(const void *conf); /* where settings say how often; NULL: refresh_us */
	void (*check)(void *conf, const struct conf_node *map, struct tls_pool *tls,
		struct complaints *complaints);
	void (*release)(void *conf);
	void (*target)(const void *conf, char *out, size_t size); /* masked, for people */
	void (*start)(struct send_run *run);
	void (*stop)(struct send_run *run);
};

extern const struct receiver_type *const receiver_table[]; /* NULL-terminated, alphabetical */
const struct receiver_type *receiver_find(const char *name);
usec_t receiver_refresh(const struct receiver_type *type, const void *conf); /* 0: never */

/* --- for the receiver, while it sends --- */

const void *send_conf(const struct send_run *run);
void *send_state(struct send_run *run);
const struct io_env *send_env(const struct send_run *run);
const struct notice *send_notice(const struct send_run *run);
const char *send_daemon_name(const struct send_run *run);
const char *send_receiver(const struct send_run *run); /* its name in the settings */
enum language send_language(const struct send_run *run);
/* All notices of this run: one, or those of a refresh.  send_notice() is the first. */
const struct notice *const *send_notices(const struct send_run *run, size_t *count);
/* What was remembered of this incident: the id of the message to edit, say.  Kept with the ledger
 * until it is over; of a digest, from one try to the next, not over a restart.  NULL: nothing. */
const json_t *send_memory(const struct send_run *run);
/* Replaces it whatever the result will be; takes the reference, NULL forgets. */
void send_remember(struct send_run *run, json_t *memory);

/* For `triage test`: what goes out ('>') and comes back ('<'), as text; secrets are masked here.
 * Does nothing in other runs. */
void send_show(struct send_run *run, char direction, const char *text, size_t len);

/* A secret of this try alone, such as a signature or a login as it is sent: masked in all that is
 * said from now on.  NULL is fine. */
void send_hide(struct send_run *run, const char *secret);
/* Masks all secrets in a text that was cut to fit into `size`, before it is put into another. */
void send_mask(const struct send_run *run, char *text, size_t size);

/* Said before a failing send_done where the result alone does not tell. */
void send_blame(struct send_run *run, enum send_class why);
/* The first result wins.  retry_after_us: what the receiver asked for, 0: nothing. */
void send_done(struct send_run *run, enum send_result result, usec_t retry_after_us,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* --- for deliver --- */

struct send_job {
	const struct receiver_type *type;
	const void *conf;
	const struct notice *notice;         /* must outlive the run */
	const struct notice *const *refresh; /* the notices of a refresh; NULL: `notice` alone */
	size_t refresh_count;
	const json_t *memory; /* borrowed; NULL: nothing is remembered */
	const struct io_env *env;
	const char *daemon_name, *receiver;
	enum language language;
	bool is_shown; /* a transcript is wanted */
};

struct send_outcome {
	enum send_result result;
	enum send_class class;
	usec_t retry_after_us;
	usec_t took_us;
	const char *text;
	bool has_memory;        /* send_remember was called: */
	const json_t *memory;   /* borrowed; NULL: forget */
	const char *transcript; /* what send_show was told, lines of "> " and "< "; "" */
};

typedef void (*send_fn)(void *arg, const struct send_outcome *outcome);

const char *send_class_name(enum send_class why); /* "timeout" "rate"... */

struct send_run *send_run_start(const struct send_job *job, send_fn done, void *arg);
void send_run_abort(struct send_run *run); /* done is not called; NULL is fine */

#endif
