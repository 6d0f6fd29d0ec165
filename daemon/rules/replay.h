/*
 * A rule over the past: what history kept of a check goes through the engine in virtual time, and
 * what it says is written down.  Pure: stretches in, firings out; may run on any thread.
 *
 * Single values are fed as they were; a stretch of which only the average is left is fed as that
 * many values, evenly spread.
 */
#ifndef RULES_REPLAY_H
#define RULES_REPLAY_H

#include "rules/rules.h"

struct replay;

#define REPLAY_FIRINGS_MAX 500
#define REPLAY_GRAINS      3 /* single values, minutes, quarters of an hour */

struct replay_check {
	const struct check_spec *spec;
	const struct metric_desc *metrics;
};

struct replay_options {
	const struct rule_set *set;
	const char *rule, *check; /* whose alert is replayed */
	const struct replay_check *(*find)(void *arg, const char *name);
	void *arg;
	usec_t since_us, until_us; /* wall: what is reported */
	bool wants_peaks; /* of a stretch not its average, but the bound that is nearer to trouble
			   */
};

struct replay_firing {
	usec_t since_us, from_us, to_us; /* wall: first bad sample, fired, ended (0: it did not) */
	enum severity severity;          /* the highest */
	char *text;
};

/* What there was of one grain, in the time that is reported. */
struct replay_grain {
	usec_t grain_us, first_us, last_us;
	uint64_t samples;
};

struct replay_report {
	struct replay_firing *all;
	size_t count, left_out; /* beyond REPLAY_FIRINGS_MAX */
	usec_t known_us;        /* of the time that is reported */
	struct replay_grain grains[REPLAY_GRAINS];
	usec_t shortest_for_us; /* of its levels; 0: none waits */
};

/* The name of the nth rule of a set, of which there may be several, each for other types of checks;
 * NULL past the end. */
const char *rule_set_name(const struct rule_set *set, size_t n);
/* Is the nth rule about this check? */
bool rule_set_concerns(const struct rule_set *set, size_t n, const char *check, const char *type);

/* NULL and e: it is not about this check, or asks what no history can tell.  The set, the specs and
 * the tables must live as long. */
struct replay *replay_new(const struct replay_options *options, struct err *e);
void replay_free(struct replay *replay);

/* Wall: from when on it needs the past, so that its windows are filled. */
usec_t replay_begin(const struct replay *replay);
/* The nth series it looks at; metric NULL: whether the check was up.  False past the end. */
bool replay_need(const struct replay *replay, size_t n, const char **check, const char **metric);
/* What it looks at that no history keeps: the nth, "api.status"; NULL past the end. */
const char *replay_unkept(const struct replay *replay, size_t n);
/* The past of the nth, in order of time; takes it (allocated by xcalloc and the like). */
void replay_put(struct replay *replay, size_t n, struct rules_past *past, size_t count);

/* Feeds at most so many samples.  True: all is done, and the report is complete. */
bool replay_run(struct replay *replay, size_t samples);
const struct replay_report *replay_report(const struct replay *replay);

#endif
