/*
 * A place to run one fact: loop, environment, a check with its subject, and the last answer.
 *
 *	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = 80 });
 *	fact_bench_run(b, "port-owner");
 *	assert_int_equal(b->fact.end, FACT_HAD);
 *	assert_string_equal(fact_bench_text(b, "comm"), "nginx");
 */
#ifndef TESTS_HELP_FACT_BENCH_H
#define TESTS_HELP_FACT_BENCH_H

#include <math.h>

#include "probes/facts/fact_run.h"
#include "tests/help/host_root.h"

struct fact_bench {
	struct host *host;   /* with a fixture tree: host_put(b->host, ...); NULL: this host */
	struct bench *probe; /* environment, loop, settings, and the sample a fact is shown */
	struct bench own;
	struct check_spec check; /* of type "tcp" until fact_bench_check */
	struct subject subject;  /* change it as you like between runs */
	struct probe_keep keep;
	struct fact_run *run;
	struct fact fact; /* the last one */
	unsigned answers;
};

/* For cmocka: *state is a fact_bench.  This host and the real clock; a fixture tree and a clock
 * that the test turns. */
int fact_bench_set_up(void **state);
int fact_bench_set_up_host(void **state);
int fact_bench_tear_down(void **state);

/* The check that is asked about: settings of a real type, its subject as it reveals it. */
void fact_bench_check(struct fact_bench *b, const char *type, const char *yaml);
/* Only a subject. */
void fact_bench_reveal(struct fact_bench *b, const struct revealed *revealed);
/* Starts, and turns the loop until the answer is there. */
void fact_bench_run(struct fact_bench *b, const char *fact);
void fact_bench_start(struct fact_bench *b, const char *fact);
void fact_bench_await(struct fact_bench *b);
void fact_bench_forget(struct fact_bench *b); /* its memory from run to run */

/* What the kernel calls this program: under valgrind that is its name. */
const char *fact_bench_own_name(void);

double fact_bench_number(const struct fact_bench *b, const char *key);    /* NAN: unknown */
const char *fact_bench_text(const struct fact_bench *b, const char *key); /* "": unknown */

#define assert_fact_text(b, key, text) assert_string_equal(fact_bench_text(b, key), text)
/* NAN equals nothing, but cmocka takes it for equal to everything. */
#define assert_fact_number(b, key, n)                                                              \
	do {                                                                                       \
		double number_ = fact_bench_number(b, key);                                        \
                                                                                                   \
		assert_true(!isnan(number_));                                                      \
		assert_float_equal(number_, n, 1e-6);                                              \
	} while (0)
#define assert_fact_unknown(b, key) assert_true(isnan(fact_bench_number(b, key)))

#endif
