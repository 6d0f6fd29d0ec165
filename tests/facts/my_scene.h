/* A fact about a MySQL server that plays a script.  Behind the includes of cmocka. */
#ifndef TESTS_FACTS_MY_SCENE_H
#define TESTS_FACTS_MY_SCENE_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/help/fact_bench.h"
#include "tests/help/probe_bench.h"
#include "tests/probes/mysql_scene.h"

struct my_stage {
	struct fact_bench *b;
	struct scene s;
	struct peer *peer;
};

static inline int
my_set_up(void **state)
{
	struct my_stage *st = calloc(1, sizeof(*st));
	void *bench;

	fact_bench_set_up(&bench);
	st->b = bench;
	scene_init(&st->s);
	*state = st;
	return 0;
}

static inline int
my_tear_down(void **state)
{
	struct my_stage *st = *state;
	void *bench = st->b;

	fact_run_abort(st->b->run);
	st->b->run = NULL;
	peer_free(st->peer);
	fact_bench_tear_down(&bench);
	scene_fini(&st->s);
	free(st);
	return 0;
}

static inline void
my_add_login(struct scene *s)
{
	scene_login(s, SCENE_MARIADB, SCENE_NATIVE);
}

static inline void
my_add_login_to(struct scene *s, const char *version)
{
	scene_login(s, version, SCENE_NATIVE);
}

/* The server plays the scene from now on; settings besides the DSN in `more`. */
static inline void
my_stage_check(struct my_stage *st, const char *more)
{
	char yaml[600];

	st->peer = peer_open(st->b->probe->loop, scene_script(&st->s));
	snprintf(yaml, sizeof(yaml), "dsn: \"mysql://app:s3cret@%s/shop\"\n%s",
		peer_address(st->peer), more);
	fact_bench_check(st->b, "mysql", yaml);
}

#define MY_T(f) cmocka_unit_test_setup_teardown(f, my_set_up, my_tear_down)

#endif
