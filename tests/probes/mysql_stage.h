/* One mysql check on the bench before a scripted server.  Behind the includes of cmocka. */
#ifndef TESTS_PROBES_MYSQL_STAGE_H
#define TESTS_PROBES_MYSQL_STAGE_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/help/probe_bench.h"
#include "tests/probes/mysql_scene.h"

#define PASSWORD "s3cret"

struct stage {
	struct bench b;
	struct scene s;
	struct peer *peer;
};

static inline int
set_up(void **state)
{
	struct stage *st = calloc(1, sizeof(*st));

	bench_open(&st->b, BENCH_REAL);
	scene_init(&st->s);
	*state = st;
	return 0;
}

static inline int
set_up_fake(void **state)
{
	struct stage *st = calloc(1, sizeof(*st));

	bench_open(&st->b, BENCH_FAKE);
	scene_init(&st->s);
	*state = st;
	return 0;
}

static inline int
tear_down(void **state)
{
	struct stage *st = *state;

	peer_free(st->peer);
	bench_close(&st->b);
	scene_fini(&st->s);
	free(st);
	return 0;
}

/* A server that plays the scene; settings besides the DSN in `more`. */
static inline void
configure(struct stage *st, const char *query, const char *more)
{
	char yaml[600];

	if (st->peer == NULL)
		st->peer = peer_open(st->b.loop, scene_script(&st->s));
	snprintf(yaml, sizeof(yaml), "dsn: \"mysql://app:" PASSWORD "@%s/shop%s\"\n%s",
		peer_address(st->peer), query, more);
	if (bench_configure(&st->b, "mysql", yaml) != 0)
		fail_msg("%s", st->b.complaint);
}

static inline void
assert_cause(const struct stage *st, const char *cause, const char *words)
{
	if (strcmp(bench_cause(&st->b), cause) != 0 || strstr(st->b.sample.text, words) == NULL)
		fail_msg("%s: %s", bench_cause(&st->b), st->b.sample.text);
}

static inline void
assert_ok(const struct stage *st)
{
	if (st->b.sample.outcome != OUTCOME_OK)
		fail_msg("%s: %s", bench_cause(&st->b), st->b.sample.text);
}

static inline bool
has_heard(const struct stage *st, unsigned which, const char *text)
{
	return memmem(peer_heard(st->peer, which), peer_heard_len(st->peer, which), text,
		       strlen(text)) != NULL;
}

#define T(f)  cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TF(f) cmocka_unit_test_setup_teardown(f, set_up_fake, tear_down)

#endif
