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

struct receiver_type {
	const char *name;
	const char *summary;
	const char *manual; /* steps on the other side; Markdown; may be NULL */
	const struct conf_field *fields;
	size_t conf_size;
	size_t run_size;
	bool is_for_people;     /* chat, email: digests allowed, info left out by default */
	double rate_per_second; /* most notices a second; 0: no limit */
	usec_t timeout_us;      /* of one try */
	void (*check)(void *conf, const struct conf_node *map, struct tls_pool *tls,
		struct complaints *complaints);
	void (*release)(void *conf);
	void (*target)(const void *conf, char *out, size_t size); /* masked, for people */
	void (*start)(struct send_run *run);
	void (*stop)(struct send_run *run);
};

extern const struct receiver_type *const receiver_table[]; /* NULL-terminated, alphabetical */
const struct receiver_type *receiver_find(const char *name);

/* --- for the receiver, while it sends --- */

const void *send_conf(const struct send_run *run);
void *send_state(struct send_run *run);
const struct io_env *send_env(const struct send_run *run);
const struct notice *send_notice(const struct send_run *run);
const char *send_daemon_name(const struct send_run *run);

/* The first result wins.  retry_after_us: what the receiver asked for, 0: nothing. */
void send_done(struct send_run *run, enum send_result result, usec_t retry_after_us,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* --- for deliver --- */

struct send_job {
	const struct receiver_type *type;
	const void *conf;
	const struct notice *notice; /* must outlive the run */
	const struct io_env *env;
	const char *daemon_name;
};

typedef void (*send_fn)(void *arg, enum send_result result, usec_t retry_after_us, const char *text,
	usec_t took_us);

struct send_run *send_run_start(const struct send_job *job, send_fn done, void *arg);
void send_run_abort(struct send_run *run); /* done is not called; NULL is fine */

#endif
