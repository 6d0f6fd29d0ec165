/* One run of one fact: the other side of fact.h.  Owns the deadline; frees itself at turn's end. */
#ifndef FACTS_FACT_RUN_H
#define FACTS_FACT_RUN_H

#include "probes/facts/fact.h"
#include "probes/run.h"

struct fact_job {
	const struct fact_type *type;
	const struct check_spec *check; /* must outlive the run */
	const struct subject *subject;  /* the same */
	const struct sample *sample;    /* copied where needed; NULL */
	struct probe_watch *watch;      /* NULL */
	struct probe_keep *keep;        /* of fact_memory; may be NULL */
	const struct io_env *env;
};

/* Called once, later, with a fact that is good until it returns. */
typedef void (*fact_done_fn)(void *arg, const struct fact *fact);

struct fact_run *fact_run_start(const struct fact_job *job, fact_done_fn done, void *arg);
void fact_run_abort(struct fact_run *run); /* no call of done; stop() is called; NULL is fine */

#endif
