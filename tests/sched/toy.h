/* A scheduler on a clock that the test turns, and a probe that does what the test says. */
#ifndef TESTS_SCHED_TOY_H
#define TESTS_SCHED_TOY_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/timer.h"
#include "probes/run.h"
#include "sched/sched.h"

#define SECOND USEC_PER_SEC

/* A probe that does what the test says: answers after a while, or never. */
struct toy_conf {
	int64_t id;
};

enum toy_mood { OK, FAIL, ERROR, SILENT, PARENT };

struct toy {
	enum toy_mood mood;
	usec_t answer_us;
	unsigned starts, stops, live, most_live;
	usec_t last_start_us;
};

static struct toy toys[8];
static const char *instances[4];

struct toy_run {
	struct timer timer;
	struct probe_run *run;
	struct toy *toy;
};

static const struct metric_desc toy_metrics[] = {
	METRIC_TOTAL_ROW,
	{ "count", METRIC_GAUGE, UNIT_NONE, "Children." },
	{ 0 },
};

static inline void
toy_answer(void *arg)
{
	struct toy_run *me = arg;

	switch (me->toy->mood) {
	case OK:
		probe_ok(me->run, "fine");
		break;
	case PARENT:
		for (size_t i = 0; i < 4; i++)
			if (instances[i] != NULL && probe_instance(me->run) == NULL)
				probe_child(me->run, instances[i]);
		probe_ok(me->run, "fine");
		break;
	case FAIL:
		probe_fail(me->run, "net.refused", "no");
		break;
	case ERROR:
		probe_error(me->run, "self.local", "cannot tell");
		break;
	case SILENT:
		break;
	}
}

static inline void
toy_start(struct probe_run *run)
{
	struct toy_run *me = probe_state(run);
	const struct toy_conf *conf = probe_conf(run);

	me->run = run;
	me->toy = &toys[conf->id];
	me->toy->starts++;
	me->toy->last_start_us = loop_now(probe_env(run)->loop);
	if (++me->toy->live > me->toy->most_live)
		me->toy->most_live = me->toy->live;
	timer_init(&me->timer, probe_env(run)->loop, toy_answer, me);
	timer_after(&me->timer, me->toy->answer_us);
}

static inline void
toy_stop(struct probe_run *run)
{
	struct toy_run *me = probe_state(run);

	timer_stop(&me->timer);
	me->toy->stops++;
	me->toy->live--;
}

static inline bool
toy_is_parent(const void *conf)
{
	return ((const struct toy_conf *)conf)->id == 7;
}

static inline void
toy_target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	snprintf(out, size, "toy %s", instance == NULL ? "" : instance);
}

static const struct conf_field toy_fields[] = {
	{ .name = "id", INT_AT(struct toy_conf, id), .doc = "Which toy." },
	{ 0 },
};

static const struct probe_type toy_type = {
	.name = "toy",
	.summary = "A toy.",
	.fields = toy_fields,
	.metrics = toy_metrics,
	.conf_size = sizeof(struct toy_conf),
	.run_size = sizeof(struct toy_run),
	.target = toy_target,
	.is_parent = toy_is_parent,
	.start = toy_start,
	.stop = toy_stop,
};

struct world {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	struct sched *sched;
	unsigned samples;
	struct sample last;
	char last_name[80];
	unsigned children_added, children_removed, released;
	json_t *kept;
	usec_t slept_us;
};

static inline void
on_sample(void *arg, const struct check_spec *check, const struct sample *sample,
	struct check_ties *ties)
{
	(void)ties;
	struct world *w = arg;

	w->samples++;
	w->last = *sample;
	snprintf(w->last_name, sizeof(w->last_name), "%s", check->name);
}

static inline void
on_child(void *arg, const struct check_spec *child, bool is_added)
{
	struct world *w = arg;

	assert_non_null(child->instance);
	if (is_added)
		w->children_added++;
	else
		w->children_removed++;
}

static inline void
on_keep(void *arg, const char *check, const json_t *state)
{
	struct world *w = arg;

	(void)check;
	json_decref(w->kept);
	w->kept = json_deep_copy(state);
}

static inline void
on_slept(void *arg, usec_t for_us)
{
	((struct world *)arg)->slept_us = for_us;
}

static inline void
on_release(void *owner)
{
	((struct world *)owner)->released++;
}

static inline void
open_world(struct world *w)
{
	struct sched_options options = {
		.env = &w->env,
		.on_sample = on_sample,
		.on_child = on_child,
		.on_keep = on_keep,
		.on_slept = on_slept,
		.arg = w,
	};

	clock_init_fake(&w->clock, 1000 * SECOND, 1700000000 * SECOND);
	w->env.stats = &w->stats;
	w->env.host_root = "/";
	w->env.loop = loop_new(&w->clock, NULL);
	w->sched = sched_new(&options);
}

static inline int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	memset(toys, 0, sizeof(toys));
	memset(instances, 0, sizeof(instances));
	for (size_t i = 0; i < 8; i++)
		toys[i].answer_us = 1000;
	open_world(w);
	*state = w;
	return 0;
}

static inline int
tear_down(void **state)
{
	struct world *w = *state;

	sched_free(w->sched);
	loop_free(w->env.loop);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(toys[i].starts, toys[i].stops);
	json_decref(w->kept);
	free(w);
	return 0;
}

static inline struct check_spec *
make_spec(const char *name, int64_t id, usec_t interval_us)
{
	struct check_spec *spec = xcalloc(1, sizeof(*spec));
	struct toy_conf *conf = xcalloc(1, sizeof(*conf));

	conf->id = id;
	spec->name = xstrdup(name);
	spec->type = "toy";
	spec->probe_type = &toy_type;
	spec->conf = conf;
	spec->common = (struct check_common){
		.interval_us = interval_us,
		.timeout_us = 10 * SECOND,
		.retry_interval_us = 2 * SECOND,
		.retries = 3,
		.successes = 1,
		.enabled = true,
	};
	return spec;
}

static inline void
free_spec(struct check_spec *spec)
{
	free(spec->name);
	free(spec->conf);
	free(spec);
}

static inline struct check_view
view(const struct world *w, const char *name)
{
	struct check_view v;

	assert_true(sched_view_name(w->sched, name, &v));
	return v;
}

/* `const struct check_spec *const *` of one. */
static inline void
apply_one(struct world *w, const struct check_spec *spec)
{
	const struct check_spec *list[] = { spec };
	const struct sched_owner owner = { .owner = w, .release = on_release };

	sched_apply(w->sched, list, 1, &owner);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
