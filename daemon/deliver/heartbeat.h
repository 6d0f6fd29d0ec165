/*
 * The heartbeat that we send: an outside place hears, again and again, that the daemon lives and
 * can tell, and raises the alarm when it hears nothing.  (Checks of type `heartbeat` are the other
 * way round: jobs tell us.)
 *
 * It is silent while there is no evidence: before the first round of checks, while the loop makes
 * no progress, while notices reach nobody (stuck.c), while the daemon stops.
 */
#ifndef DELIVER_HEARTBEAT_H
#define DELIVER_HEARTBEAT_H

#include "conf/schema.h"
#include "io/env.h"
#include "io/tls.h"

struct deliver;
struct heartbeat;

/* The top-level block `heartbeat:`. */
struct heartbeat_settings {
	struct conf_strings url; /* none: no heartbeat; empty ones are left out */
	usec_t interval_us, timeout_us, stuck_after_us;
	char *ca, *proxy;
	bool verify;
};

extern const struct conf_field heartbeat_fields[];
/* `map` is the block as written; NULL: there is none. */
void heartbeat_check(const struct heartbeat_settings *settings, const struct conf_node *map,
	struct tls_pool *tls, struct complaints *complaints);
/* The paths of the URLs. */
void heartbeat_secrets(const struct heartbeat_settings *settings, struct secret_set *set);

struct heartbeat_options {
	const struct io_env *env;
	struct deliver *deliver;
	/* NULL: the daemon makes progress; else why this cannot be said. */
	const char *(*doubt)(void *arg);
	usec_t (*round_us)(void *arg); /* how long the slowest check took last; 0: not known */
	/* It has not got through for ten minutes (cause self.heartbeat-unsent); NULL: it does
	 * again. */
	void (*on_trouble)(void *arg, const char *text);
	void *arg;
};

struct heartbeat *heartbeat_new(const struct heartbeat_options *options);
void heartbeat_free(struct heartbeat *heartbeat);
/* Borrowed until the next apply has returned.  What is the same goes on with its clock. */
void heartbeat_apply(struct heartbeat *heartbeat, const struct heartbeat_settings *settings);
void heartbeat_stop(struct heartbeat *heartbeat); /* for good: we are stopping */

/* One place that is told. */
struct heartbeat_view {
	const char *origin, *form; /* "https://hc-ping.com"; "plain", "uptime-kuma" */
	usec_t last_ok_us;         /* wall; 0: never in this life */
	uint64_t sent, failed;
	const char *last_error; /* since the last success; "" */
};
size_t heartbeat_count(const struct heartbeat *heartbeat); /* 0: none is configured */
bool heartbeat_view(const struct heartbeat *heartbeat, size_t n, struct heartbeat_view *out);
/* Why it is silent now, in words; NULL: it beats.  How many beats were left out. */
const char *heartbeat_withheld(const struct heartbeat *heartbeat, uint64_t *count);

#endif
