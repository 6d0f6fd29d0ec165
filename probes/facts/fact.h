/*
 * The contract of a fact: a measurement on demand, about the subject of one check, made to tell
 * causes apart.  As with probes: start() begins and never blocks; between start and stop it ends
 * exactly once (fact_had, fact_none, fact_missed); stop() is the only releaser, called exactly
 * once.  The deadline is the run's: what was filled in by then is kept as evidence.
 *
 * Adding one: the file, its test in tests/facts/, one row in table.def.  Playbooks may then name
 * it, and its keys, in their conditions and texts; the manual follows from the descriptor.
 *
 * Nothing is changed by a fact, ever.  What processes, logs and queries say is hostile and may hold
 * secrets: fact_line and fact_text clean, mask and cut what they are given; literals of SQL are
 * taken out by the fact itself.
 */
#ifndef FACTS_FACT_H
#define FACTS_FACT_H

#include "io/env.h"
#include "model/check.h"
#include "model/fact.h"
#include "model/sample.h"
#include "model/subject.h"

struct fact_run;
struct probe_watch;

#define FACT_TIMEOUT_US (2 * USEC_PER_SEC)
#define FACT_FRESH_US   (5 * USEC_PER_SEC)

struct fact_type {
	const char *name;    /* "port-owner": what playbooks call it */
	const char *summary; /* a whole sentence, for the manual */
	const char *rights;  /* what it needs beyond an ordinary user; NULL: nothing */
	/* What conditions and texts may ask; closed by a NULL name.  Texts have UNIT_TEXT, yes or
	 * no METRIC_FLAG with UNIT_BOOL; `help` is a sentence. */
	const struct metric_desc *keys;
	const char *const *types; /* of checks that it can be asked about; NULL: any */
	size_t run_size;          /* zeroed state of one run */
	usec_t timeout_us;        /* 0: FACT_TIMEOUT_US */
	usec_t fresh_us;          /* an answer this young is given again; 0: FACT_FRESH_US */
	bool is_host;             /* the same whatever check is asked about: one run serves all */
	bool is_near; /* of this host's disks, memory, kernel...: means nothing for a target
			 elsewhere */
	void (*start)(struct fact_run *run);
	void (*stop)(struct fact_run *run); /* NULL: it holds nothing */
};

extern const struct fact_type *const fact_table[]; /* NULL-terminated, alphabetical */
const struct fact_type *fact_find(const char *name);

/* --- for the fact, while it runs --- */

void *fact_state(struct fact_run *run);
const struct io_env *fact_env(const struct fact_run *run);
const struct check_spec *fact_check(const struct fact_run *run); /* with its type's own settings */
const struct subject *fact_subject(const struct fact_run *run);
const struct sample *fact_sample(const struct fact_run *run); /* the latest; NULL: none yet */
struct probe_watch *fact_watch(const struct fact_run *run);   /* of the check; NULL: none */
usec_t fact_time_left(const struct fact_run *run);
/* Memory of this fact about this check (of the host, for is_host) that lives from run to run:
 * what growth is measured against.  Zeroed at first; gone with the check. */
void *fact_memory(struct fact_run *run, size_t size);

void fact_number(struct fact_run *run, int key, double value); /* index in keys; flags: 0 or 1 */
void fact_text(struct fact_run *run, int key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* One line of evidence for people. */
void fact_line(struct fact_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The first end wins. */
void fact_had(struct fact_run *run);
void fact_none(struct fact_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Why, and what would be needed: "not allowed to read /dev/kmsg (CAP_SYSLOG is missing)". */
void fact_missed(struct fact_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
