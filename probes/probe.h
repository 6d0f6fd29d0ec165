/*
 * The contract of a probe.  start() begins and never blocks; between start and stop the probe gives
 * exactly one verdict (probe_ok, probe_fail, probe_error); stop() is the only place that releases,
 * and is called exactly once: after the verdict (at the end of the loop's turn), at the deadline,
 * or at shutdown.  There are no timers, retries, thresholds, log lines or clocks in a probe.
 *
 * Adding one: the file, its test, one row in table.def.  Options, metrics and manual live in the
 * descriptor; JSON Schema, docs, /metrics and the misbehaviour tests follow from it.
 */
#ifndef PROBES_PROBE_H
#define PROBES_PROBE_H

#include "conf/schema.h"
#include "io/env.h"
#include "io/fault.h"
#include "model/judge.h"
#include "model/sample.h"

struct probe_run;
struct probe_setup;

struct probe_type {
	const char *name;    /* the word in the config file */
	const char *summary; /* first line in the manual, a whole sentence */
	const char *manual;  /* more paragraphs: what is measured, rights needed; Markdown; may be
				NULL */
	const struct conf_field *fields;
	const struct metric_desc *metrics; /* closed by a NULL name */
	size_t conf_size;
	size_t run_size; /* zeroed state of one run */
	bool is_network; /* the table begins with METRIC_PHASE_ROWS */
	/* Looks at filled settings as a whole, compiles what needs compiling into private members,
	 * loads TLS contexts.  Runs off the loop.  NULL: nothing to do. */
	void (*check)(void *conf, const struct conf_node *map, const struct probe_setup *setup,
		struct complaints *complaints);
	void (*release)(
		void *conf); /* undoes `check`; the rows' own members are not its business */
	/* What it looks at, masked, for people: "http://127.0.0.1:3000/". */
	void (*target)(const void *conf, const char *instance, char *out, size_t size);
	/* True: this configuration is a parent that expands into children (disk all: true). */
	bool (*is_parent)(const void *conf);
	void (*start)(struct probe_run *run);
	void (*stop)(struct probe_run *run); /* NULL: it holds nothing */
	/* The deadline passed: names the cause and says where it was stuck.  NULL: net.noreply. */
	const char *(*stuck)(struct probe_run *run, char *text, size_t size);
	/* `triage probe URL`: this type is chosen for these schemes ("http", "https"); may be NULL.
	 */
	const char *const *schemes;
	const char *url_key; /* the key that takes such a URL */
};

/* What a probe's check() may use: no loop is needed for it. */
struct probe_setup {
	struct tls_pool *tls;
	const struct judge *judge;
	const char *host_root;
};

extern const struct probe_type *const probe_table[]; /* NULL-terminated, alphabetical */
const struct probe_type *probe_find(const char *name);

/* --- for the probe, while it runs --- */

const void *probe_conf(const struct probe_run *run);
void *probe_state(struct probe_run *run);
const struct io_env *probe_env(const struct probe_run *run);
const struct judge *probe_judge(const struct probe_run *run);
const char *probe_instance(const struct probe_run *run); /* NULL: not a child */
usec_t probe_time_left(const struct probe_run *run);     /* until the deadline, for clients below */
/* Memory of the check that lives from run to run (counters' last values); zeroed at first, `size`
 * the same at every call; gone when the check is removed or its settings change. */
void *probe_memory(struct probe_run *run, size_t size);

void probe_value(struct probe_run *run, int metric, double value); /* index in the type's table */
void probe_phase(struct probe_run *run, enum metric_phase phase, usec_t us); /* -1: leaves it */
void probe_fact(struct probe_run *run, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void probe_note(struct probe_run *run, const char *cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void probe_child(struct probe_run *run, const char *instance); /* a parent found this one */

/* The first verdict wins.  `cause` is a code of model/causes.def. */
void probe_ok(struct probe_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void probe_fail(struct probe_run *run, const char *cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void probe_error(struct probe_run *run, const char *cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A fault below the protocol: `net.<name>` as FAIL, or `self.*` as ERROR where it is ours. */
void probe_fault(struct probe_run *run, enum fault fault, const char *reason);

#endif
