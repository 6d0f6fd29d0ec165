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

#include <jansson.h>

#include "conf/schema.h"
#include "io/env.h"
#include "io/fault.h"
#include "model/judge.h"
#include "model/sample.h"
#include "model/subject.h"

struct probe_run;
struct probe_watch;
struct probe_setup;

struct probe_type {
	const char *name;    /* the word in the config file */
	const char *summary; /* first line in the manual, a whole sentence */
	const char *manual;  /* more paragraphs: what is measured, rights needed; Markdown; may be
				NULL */
	const struct conf_field *fields;
	const struct metric_desc *metrics; /* closed by a NULL name */
	/* Rows known only with the settings (one for each of `queries`): the whole table, the
	 * type's own rows first, made by `check` with metric_intern.  NULL: there are none. */
	const struct metric_desc *(*metrics_of)(const void *conf);
	size_t conf_size;
	size_t run_size;   /* zeroed state of one run */
	size_t run_zeroed; /* only its first bytes are; 0: all of it */
	bool is_network;   /* the table begins with METRIC_PHASE_ROWS */
	/* Its runs use nothing but the loop, the resolver, the TLS pool and the HTTP client of
	 * their environment, and share nothing: they may be on another loop than the main one.
	 * Never with `open`. */
	bool is_portable;
	bool has_rates; /* some metrics are of the time since the last run: `triage probe` runs
			   twice */
	/* Looks at filled settings as a whole, compiles what needs compiling into private members,
	 * loads TLS contexts.  Runs off the loop.  NULL: nothing to do. */
	void (*check)(void *conf, const struct conf_node *map, const struct probe_setup *setup,
		struct complaints *complaints);
	void (*release)(
		void *conf); /* undoes `check`; the rows' own members are not its business */
	/* What it looks at, masked, for people: "http://127.0.0.1:3000/". */
	void (*target)(const void *conf, const char *instance, char *out, size_t size);
	/* The place that the settings name: host, port, path, unit...; `out` is zeroed.  NULL:
	 * none that triage or a fact could use. */
	void (*reveal)(const void *conf, const char *instance, struct revealed *out);
	/* True: this configuration is a parent that expands into children (disk all: true). */
	bool (*is_parent)(const void *conf);
	void (*start)(struct probe_run *run);
	void (*stop)(struct probe_run *run); /* NULL: it holds nothing */
	/* Between runs; both NULL or both set.  `open` never blocks; a run may come before what it
	 * began is done.  A one-shot run (`triage probe`) has a watch for its own length. */
	size_t watch_size; /* zeroed state */
	/* Only checks with such settings have one; NULL: all. */
	bool (*watches)(const void *conf);
	void (*open)(struct probe_watch *watch);
	void (*close)(struct probe_watch *watch);
	/* The deadline passed: names the cause and says where it was stuck.  NULL: net.noreply. */
	const char *(*stuck)(struct probe_run *run, char *text, size_t size);
	/* `triage probe URL`: this type is chosen for these schemes ("http", "https"); may be NULL.
	 */
	const char *const *schemes;
	const char *url_key; /* the key that takes such a URL, or what `triage probe` is given */
	/* `triage probe TEXT` where no scheme decides: is this a target for `url_key`?  NULL: no.
	 */
	bool (*takes)(const char *text);
};

/* What a probe's check() may use: no loop is needed for it. */
struct probe_setup {
	struct tls_pool *tls;
	const struct judge *judge;
	const char *host_root;
};

/* The rows that samples of a check with these settings have. */
const struct metric_desc *probe_metrics(const struct probe_type *type, const void *conf);

extern const struct probe_type *const probe_table[]; /* NULL-terminated, alphabetical */
const struct probe_type *probe_find(const char *name);

/* --- for the probe, while it runs --- */

const void *probe_conf(const struct probe_run *run);
void *probe_state(struct probe_run *run);
const struct io_env *probe_env(const struct probe_run *run);
const struct judge *probe_judge(const struct probe_run *run);
const char *probe_instance(const struct probe_run *run); /* NULL: not a child */
usec_t probe_started(const struct probe_run *run);       /* monotonic */
usec_t probe_time_left(const struct probe_run *run);     /* until the deadline, for clients below */
/* Memory of the check that lives from run to run (counters' last values); zeroed at first, `size`
 * the same at every call; gone when the check is removed or its settings change. */
void *probe_memory(struct probe_run *run, size_t size);

void probe_value(struct probe_run *run, int metric, double value); /* index in the check's table */
/* A number whose name nobody could know before (a plugin's perfdata): its index, -1 when there are
 * too many or the name is none.  Names are made of [A-Za-z0-9_]; texts are copied. */
int probe_metric(struct probe_run *run, const char *name, enum metric_kind kind,
	enum metric_unit unit, const char *help);
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

/* --- between runs --- */

/* Of a type with `open` never NULL, but where its `watches` says no. */
struct probe_watch *probe_watch(struct probe_run *run);
/* After a reload it may be another struct of the same content: ask each time, keep no pointer. */
const void *probe_watch_conf(const struct probe_watch *watch);
void *probe_watch_state(struct probe_watch *watch);
const struct io_env *probe_watch_env(const struct probe_watch *watch);
const char *probe_watch_instance(const struct probe_watch *watch); /* NULL: not a child */
/* Something happened: run soon.  Many pokes are one run; runs are at least a second apart. */
void probe_watch_poke(struct probe_watch *watch);
/* What must outlive a restart of the daemon (the place in a log, the last ping); borrowed. */
void probe_watch_keep(struct probe_watch *watch, const json_t *state);
const json_t *probe_watch_kept(const struct probe_watch *watch); /* NULL: nothing */

#endif
