/*
 * A look at all processes, kept small: numbers and names.  Facts about who uses most compare two of
 * them, or one with what they remember.
 */
#ifndef FACTS_TOP_LOOK_H
#define FACTS_TOP_LOOK_H

#include "io/procs.h"
#include "probes/facts/fact.h"

#define TOP_COMM_MAX 24

struct top_row {
	uint32_t pid;
	uint64_t start_ticks, cpu_ticks; /* with the pid, who it is */
	double rss_bytes;
	char comm[TOP_COMM_MAX];
};

struct top_look {
	struct top_row *all;
	size_t count, room;
	double ticks_per_s;
	usec_t at_us; /* monotonic */
	bool is_hidden;
};

/* fn is called once, later; `look` is `to`, NULL when the processes could not be read: why. */
typedef void (*top_fn)(struct fact_run *run, const struct top_look *look, const char *why);

struct top_asking {
	struct fact_run *run;
	struct procs_call *call;
	struct top_look *to;
	top_fn fn;
};

void top_look_start(
	struct top_asking *asking, struct fact_run *run, struct top_look *to, top_fn fn);
void top_look_cancel(struct top_asking *asking);
void top_look_fini(struct top_look *look);
/* The same process in an earlier look, which must be as it came; NULL: it was not there. */
const struct top_row *top_look_find(const struct top_look *before, const struct top_row *row);

#endif
