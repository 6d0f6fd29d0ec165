/* One run of a fact: the first end wins, what was filled in before the deadline is kept. */
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
#include "probes/facts/fact_run.h"

enum key { KEY_COUNT, KEY_WORD, KEY_FLAG };

static const struct metric_desc keys[] = {
	{ "count", METRIC_GAUGE, UNIT_NONE, "A number." },
	{ "word", METRIC_GAUGE, UNIT_TEXT, "A text." },
	{ "flag", METRIC_FLAG, UNIT_BOOL, "Yes or no." },
	{ .name = NULL },
};

struct toy {
	struct timer timer;
	struct fact_run *run;
};

struct stage {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	struct subject subject;
	struct check_spec check;
	struct fact fact;
	unsigned answers, stops;
};

static struct stage *stage;
static void (*act)(struct fact_run *run);

static void
toy_late(void *arg)
{
	act(((struct toy *)arg)->run);
}

static void
toy_start(struct fact_run *run)
{
	struct toy *toy = fact_state(run);

	toy->run = run;
	timer_init(&toy->timer, fact_env(run)->loop, toy_late, toy);
	timer_after(&toy->timer, USEC_PER_SEC);
}

static void
toy_stop(struct fact_run *run)
{
	timer_stop(&((struct toy *)fact_state(run))->timer);
	stage->stops++;
}

static const struct fact_type toy_type = {
	.name = "toy",
	.summary = "A toy.",
	.keys = keys,
	.run_size = sizeof(struct toy),
	.start = toy_start,
	.stop = toy_stop,
};

static int
set_up(void **state)
{
	stage = xcalloc(1, sizeof(*stage));
	clock_init_fake(&stage->clock, 1000 * USEC_PER_SEC, 1700000000 * USEC_PER_SEC);
	stage->env.loop = loop_new(&stage->clock, NULL);
	stage->env.stats = &stage->stats;
	subject_init(&stage->subject, &(struct revealed){ .host = "db" });
	*state = stage;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(stage->env.loop);
	subject_fini(&stage->subject);
	fact_fini(&stage->fact);
	free(stage);
	return 0;
}

static void
on_done(void *arg, const struct fact *fact)
{
	struct stage *s = arg;

	s->answers++;
	fact_fini(&s->fact);
	fact_copy(&s->fact, fact);
}

static struct fact_run *
begin(void (*what)(struct fact_run *), struct probe_keep *keep)
{
	const struct fact_job job = {
		.type = &toy_type,
		.check = &stage->check,
		.subject = &stage->subject,
		.keep = keep,
		.env = &stage->env,
	};

	act = what;
	return fact_run_start(&job, on_done, stage);
}

static void
run(void (*what)(struct fact_run *))
{
	begin(what, NULL);
	loop_advance(stage->env.loop, 3 * USEC_PER_SEC);
	loop_turn(stage->env.loop, false);
	assert_int_equal(stage->answers, 1);
	assert_int_equal(stage->stops, 1);
}

static void
act_full(struct fact_run *run_)
{
	fact_number(run_, KEY_COUNT, 3);
	fact_number(run_, KEY_FLAG, 1);
	fact_number(run_, 99, 1);
	fact_text(run_, KEY_WORD, "on %s\n%s", fact_subject(run_)->host, "twice");
	fact_line(run_, "first");
	fact_line(run_, "second\x1b[31m");
	fact_had(run_);
	fact_missed(run_, "too late");
	fact_number(run_, KEY_COUNT, 4);
	fact_line(run_, "too late");
}

static void
test_first_end_wins(void **state)
{
	(void)state;
	run(act_full);
	assert_int_equal(stage->fact.end, FACT_HAD);
	assert_float_equal(fact_number_of(&stage->fact, "count"), 3, 0);
	assert_float_equal(fact_number_of(&stage->fact, "flag"), 1, 0);
	assert_string_equal(fact_text_of(&stage->fact, "word"), "on db.twice");
	assert_string_equal(stage->fact.text, "first\nsecond.[31m");
	assert_int_equal(stage->fact.took_us, USEC_PER_SEC);
}

static void
act_half(struct fact_run *run_)
{
	fact_number(run_, KEY_COUNT, 3);
}

static void
act_nothing(struct fact_run *run_)
{
	fact_number(run_, KEY_COUNT, NAN);
}

static void
test_deadline_keeps_what_is_there(void **state)
{
	(void)state;
	run(act_half);
	assert_int_equal(stage->fact.end, FACT_HAD);
	assert_float_equal(fact_number_of(&stage->fact, "count"), 3, 0);
	assert_true(isnan(fact_number_of(&stage->fact, "flag")));
	assert_null(fact_text_of(&stage->fact, "word"));
}

static void
test_deadline_with_nothing(void **state)
{
	(void)state;
	run(act_nothing);
	assert_int_equal(stage->fact.end, FACT_MISSED);
	assert_string_equal(stage->fact.text, "no answer within 2s");
}

static void
act_none(struct fact_run *run_)
{
	fact_none(run_, "there is no %s", "unit");
}

static void
test_none(void **state)
{
	(void)state;
	run(act_none);
	assert_int_equal(stage->fact.end, FACT_NONE);
	assert_string_equal(stage->fact.text, "there is no unit");
}

static void
act_flood(struct fact_run *run_)
{
	char line[512];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		fact_line(run_, "%d %s", i, i < 50 ? line : "short");
	fact_had(run_);
}

static void
test_text_is_bounded(void **state)
{
	unsigned lines = 1;

	(void)state;
	run(act_flood);
	for (const char *at = stage->fact.text; *at != '\0'; at++)
		lines += *at == '\n';
	assert_true(strlen(stage->fact.text) < FACT_TEXT_MAX);
	assert_true(lines <= FACT_LINES_MAX);
}

static void
act_secret(struct fact_run *run_)
{
	fact_line(run_, "password hunter2222 was refused");
	fact_text(run_, KEY_WORD, "hunter2222");
	fact_had(run_);
}

static void
test_secrets_are_masked(void **state)
{
	struct secret_set *secrets = secret_set_new();

	(void)state;
	secret_set_add(secrets, "hunter2222");
	stage->env.secrets = secrets;
	run(act_secret);
	assert_string_equal(stage->fact.text, "password *** was refused");
	assert_string_equal(fact_text_of(&stage->fact, "word"), "***");
	secret_set_free(secrets);
}

static void
test_abort_owes_no_answer(void **state)
{
	struct fact_run *it = begin(act_full, NULL);

	(void)state;
	fact_run_abort(it);
	assert_int_equal(stage->stops, 1);
	loop_advance(stage->env.loop, 3 * USEC_PER_SEC);
	loop_turn(stage->env.loop, false);
	assert_int_equal(stage->answers, 0);
	assert_int_equal(stage->stops, 1);
	fact_run_abort(NULL);
}

static void
act_count(struct fact_run *run_)
{
	int *memory = fact_memory(run_, sizeof(*memory));

	fact_number(run_, KEY_COUNT, ++*memory);
	fact_had(run_);
}

static void
test_memory(void **state)
{
	struct probe_keep kept = { .data = NULL };

	(void)state;
	for (int i = 1; i <= 3; i++) {
		begin(act_count, &kept);
		loop_advance(stage->env.loop, 3 * USEC_PER_SEC);
		loop_turn(stage->env.loop, false);
		assert_float_equal(fact_number_of(&stage->fact, "count"), i, 0);
	}
	probe_keep_fini(&kept);
}

static void
test_subject_may_change_meanwhile(void **state)
{
	(void)state;
	begin(act_full, NULL);
	subject_fini(&stage->subject);
	loop_advance(stage->env.loop, 3 * USEC_PER_SEC);
	loop_turn(stage->env.loop, false);
	assert_string_equal(fact_text_of(&stage->fact, "word"), "on db.twice");
}

/* Every row of the table can be looked at without being run. */
static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; fact_table[i] != NULL; i++) {
		const struct fact_type *type = fact_table[i];

		assert_ptr_equal(fact_find(type->name), type);
		assert_true(metric_count(type->keys) > 0);
		assert_non_null(type->start);
		assert_int_equal(type->summary[strlen(type->summary) - 1], '.');
		for (size_t k = 0; type->keys[k].name != NULL; k++) {
			const struct metric_desc *key = &type->keys[k];

			assert_int_equal(metric_index(type->keys, key->name), (int)k);
			assert_true((key->kind == METRIC_FLAG) == (key->unit == UNIT_BOOL));
			assert_int_equal(key->help[strlen(key->help) - 1], '.');
		}
		if (i > 0)
			assert_true(strcmp(fact_table[i - 1]->name, type->name) < 0);
	}
	assert_null(fact_find("no-such-fact"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_first_end_wins),
		T(test_deadline_keeps_what_is_there),
		T(test_deadline_with_nothing),
		T(test_none),
		T(test_text_is_bounded),
		T(test_secrets_are_masked),
		T(test_abort_owes_no_answer),
		T(test_memory),
		T(test_subject_may_change_meanwhile),
		T(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
