/*
 * One run of one probe: the other side of probe.h.  Owns the deadline; publishes one sample; frees
 * itself when the turn ends.  The scheduler, the CLI's one-shot probe and the facts use it.
 */
#ifndef PROBES_RUN_H
#define PROBES_RUN_H

#include "probes/probe.h"

/* Memory across the runs of one check (probe_memory).  Zero-initialise; free with the check. */
struct probe_keep {
	void *data;
	size_t size;
};

/* The watch of one check; NULL for types without one. */
struct probe_watch_options {
	const struct probe_type *type;
	const void *conf;
	const char *instance; /* copied; NULL */
	const struct io_env *env;
	const json_t *kept; /* what an earlier process kept; copied; NULL */
	void (*on_poke)(void *arg);
	void (*on_keep)(void *arg, const json_t *state); /* either may be NULL */
	void *arg;
};
bool probe_has_watch(const struct probe_type *type, const void *conf);
struct probe_watch *probe_watch_open(const struct probe_watch_options *o);
void probe_watch_close(struct probe_watch *watch); /* NULL is fine */
/* The settings were read anew and are the same: they live elsewhere now. */
void probe_watch_move(struct probe_watch *watch, const void *conf);

struct probe_job {
	const struct probe_type *type;
	const void *conf;     /* must outlive the run */
	const char *instance; /* copied; NULL */
	usec_t timeout_us;
	const struct io_env *env;
	const struct judge *judge;
	struct probe_keep *keep;   /* may be NULL */
	struct probe_watch *watch; /* NULL: one is made for this run alone, if the type has any */
};

/* Called once, on a later occasion than the start, with a sample that is good until it returns.
 * The run is gone afterwards. */
typedef void (*probe_done_fn)(void *arg, const struct sample *sample);

struct probe_run *probe_run_start(const struct probe_job *job, probe_done_fn done, void *arg);
void probe_run_abort(struct probe_run *run); /* no sample comes; stop() is called; NULL is fine */
void probe_keep_fini(struct probe_keep *keep);
/* Zeroed at first, and when another size is asked for. */
void *probe_keep_memory(struct probe_keep *keep, size_t size);

#endif
