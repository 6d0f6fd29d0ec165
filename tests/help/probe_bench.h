/*
 * A place to run one probe: loop, environment, and the last sample it gave.
 *
 *	struct bench b;
 *	bench_open(&b, BENCH_REAL);
 *	bench_configure(&b, "http", "url: http://127.0.0.1:80/");
 *	bench_run(&b);
 *	assert_int_equal(b.sample.outcome, OUTCOME_OK);
 *	bench_close(&b);
 */
#ifndef TESTS_HELP_PROBE_BENCH_H
#define TESTS_HELP_PROBE_BENCH_H

#include "base/clock.h"
#include "conf/tree.h"
#include "io/env.h"
#include "io/loop.h"
#include "probes/run.h"

enum bench_time { BENCH_REAL, BENCH_FAKE };

struct bench {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	struct io_env env;
	const struct judge *judge;
	const struct probe_type *type;
	void *conf;
	struct conf_tree *tree;
	char complaint[512]; /* of the last bench_configure; "" when it was good */
	struct probe_keep keep;
	struct probe_watch *watch; /* opened with the first run; NULL when the type has none */
	json_t *kept;              /* what it wants remembered; outlives bench_configure */
	unsigned pokes;            /* runs it asked for */
	usec_t timeout_us;         /* 10 s */
	struct probe_run *run;     /* under way; NULL */
	struct sample sample;      /* the last one */
	unsigned verdicts;         /* samples so far */
};

void bench_open(struct bench *b, enum bench_time time);
void bench_close(struct bench *b);
/* For cmocka: *state is a bench, on the real clock or on one that the test turns. */
int bench_set_up(void **state);
int bench_set_up_fake(void **state);
int bench_tear_down(void **state);

/* Replaces the settings; 0, or -1 and the first complaint. */
int bench_configure(struct bench *b, const char *type, const char *yaml);
/* Starts a run, and turns the loop until its sample is there; fails the test if none comes. */
void bench_run(struct bench *b);
void bench_run_child(struct bench *b, const char *instance);
void bench_start(struct bench *b, const char *instance);
/* Opens the watch, as the scheduler does before the first run; runs do it themselves. */
void bench_watch(struct bench *b, const char *instance);
/* A restart of the daemon: the watch is closed; the next one gets what was kept. */
void bench_restart(struct bench *b);
void bench_await(struct bench *b);
/* With a fake clock, against a peer that falls silent: lets happen what does, then the deadline. */
void bench_run_stuck(struct bench *b);
void bench_abort(struct bench *b);

/* "code" of the last sample's cause, "" when it has none. */
const char *bench_cause(const struct bench *b);
double bench_value(const struct bench *b, const char *metric);
const char *bench_fact(const struct bench *b, const char *name); /* "" when absent */

unsigned bench_open_fds(void); /* of this process */

#endif
