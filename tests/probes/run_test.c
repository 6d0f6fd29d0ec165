/*
 * One run: exactly one verdict, the deadline, the end of the turn, aborts at every point, and what
 * a probe says about itself.  The probe here does what each test tells it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "io/loop.h"
#include "probes/run.h"

enum what { SILENT, OK_AT_ONCE, FAIL_AT_ONCE, TWO_VERDICTS, OK_WHEN_STUCK, PARENT };

struct toy_conf {
	enum what what;
	unsigned started, stopped;
	struct probe_run *run;
};

struct toy_run {
	max_align_t aligned;
	char bytes[100];
};

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	{ "extra", METRIC_GAUGE, UNIT_NONE, "Something." },
	{ .name = NULL },
};

static struct toy_conf conf;

static void
start(struct probe_run *run)
{
	struct toy_run *state = probe_state(run);

	conf.started++;
	conf.run = run;
	assert_int_equal((uintptr_t)state % _Alignof(max_align_t), 0);
	for (size_t i = 0; i < sizeof(*state); i++)
		assert_int_equal(((char *)state)[i], 0);
	memset(state, 0xa5, sizeof(*state));
	switch (conf.what) {
	case OK_AT_ONCE:
		probe_ok(run, "fine, %d", 7);
		break;
	case FAIL_AT_ONCE:
		probe_fail(run, "net.refused", "nobody");
		break;
	case TWO_VERDICTS:
		probe_fail(run, "net.reset", "first");
		probe_ok(run, "second");
		break;
	case PARENT:
		probe_ok(run, "nobody found");
		break;
	default:
		break;
	}
}

static void
stop(struct probe_run *run)
{
	assert_ptr_equal(run, conf.run);
	conf.stopped++;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	if (conf.what == OK_WHEN_STUCK)
		probe_ok(run, "just in time");
	else
		strncpy(text, "connected, then silence", size);
	return "net.timeout";
}

static bool
is_parent(const void *c)
{
	return ((const struct toy_conf *)c)->what == PARENT;
}

static const struct probe_type toy = {
	.name = "toy",
	.metrics = metrics,
	.run_size = sizeof(struct toy_run),
	.is_network = true,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.is_parent = is_parent,
};

struct world {
	struct clock clock;
	struct loop *loop;
	struct io_env env;
	struct secret_set *secrets;
	struct probe_keep keep;
	struct probe_run *run;
	struct sample sample;
	unsigned samples;
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	memset(&conf, 0, sizeof(conf));
	clock_init_fake(&w->clock, USEC_PER_HOUR, INT64_C(1700000000) * USEC_PER_SEC);
	w->loop = loop_new(&w->clock, NULL);
	w->secrets = secret_set_new();
	secret_set_add(w->secrets, "hunter22");
	w->env = (struct io_env){ .loop = w->loop, .secrets = w->secrets, .host_root = "/" };
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	if (w->samples > 0)
		sample_fini(&w->sample);
	probe_keep_fini(&w->keep);
	loop_free(w->loop);
	secret_set_free(w->secrets);
	free(w);
	return 0;
}

static void
on_done(void *arg, const struct sample *sample)
{
	struct world *w = arg;

	assert_int_equal(conf.stopped, conf.started); /* stop comes before the sample */
	if (w->samples++ > 0)
		sample_fini(&w->sample);
	sample_copy(&w->sample, sample);
}

static void
begin(struct world *w, enum what what, const char *instance)
{
	const struct probe_job job = {
		.type = &toy,
		.conf = &conf,
		.instance = instance,
		.timeout_us = 10 * USEC_PER_SEC,
		.env = &w->env,
		.keep = &w->keep,
	};

	conf.what = what;
	w->run = probe_run_start(&job, on_done, w);
}

static void
the_sample_comes_after_the_turn(void **state)
{
	struct world *w = *state;

	begin(w, OK_AT_ONCE, NULL);
	assert_int_equal(w->samples, 0);
	assert_int_equal(conf.stopped, 0);
	loop_turn(w->loop, false);
	assert_int_equal(w->samples, 1);
	assert_int_equal(conf.stopped, 1);
	assert_int_equal(w->sample.outcome, OUTCOME_OK);
	assert_null(w->sample.cause);
	assert_string_equal(w->sample.text, "fine, 7");
	assert_null(w->sample.children);
	loop_advance(w->loop, USEC_PER_MIN); /* the deadline is gone */
	assert_int_equal(w->samples, 1);
}

static void
the_first_verdict_wins(void **state)
{
	struct world *w = *state;

	begin(w, TWO_VERDICTS, NULL);
	loop_turn(w->loop, false);
	assert_int_equal(w->samples, 1);
	assert_int_equal(w->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(w->sample.cause->code, "net.reset");
	assert_string_equal(w->sample.text, "first");
}

static void
the_deadline_asks_where_it_is_stuck(void **state)
{
	struct world *w = *state;

	begin(w, SILENT, NULL);
	loop_advance(w->loop, 10 * USEC_PER_SEC - 1);
	assert_int_equal(w->samples, 0);
	loop_advance(w->loop, 1);
	loop_turn(w->loop, false);
	assert_int_equal(w->samples, 1);
	assert_int_equal(w->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(w->sample.cause->code, "net.timeout");
	assert_non_null(strstr(w->sample.text, "connected, then silence, given up after 10"));
	assert_true(sample_value(&w->sample, "total_time") == 10);
	assert_int_equal(w->sample.took_us, 10 * USEC_PER_SEC);
	assert_int_equal(conf.stopped, 1);
}

static void
a_verdict_at_the_deadline_counts(void **state)
{
	struct world *w = *state;

	begin(w, OK_WHEN_STUCK, NULL);
	loop_advance(w->loop, 10 * USEC_PER_SEC);
	loop_turn(w->loop, false);
	assert_int_equal(w->samples, 1);
	assert_int_equal(w->sample.outcome, OUTCOME_OK);
}

static void
an_aborted_run_says_nothing(void **state)
{
	struct world *w = *state;

	probe_run_abort(NULL);
	begin(w, SILENT, NULL);
	probe_run_abort(w->run);
	assert_int_equal(conf.stopped, 1); /* at once: the settings may go away now */
	loop_turn(w->loop, false);
	loop_advance(w->loop, USEC_PER_MIN);
	assert_int_equal(w->samples, 0);
	assert_int_equal(conf.stopped, 1);
}

/* Ends wait for their turn: whoever asked for the run may be gone by then. */
static void
an_aborted_run_outlives_its_env(void **state)
{
	struct world *w = *state;
	struct io_env *env = malloc(sizeof(*env));
	const struct probe_job job = {
		.type = &toy,
		.conf = &conf,
		.timeout_us = 10 * USEC_PER_SEC,
		.env = env,
		.keep = &w->keep,
	};

	*env = w->env;
	conf.what = SILENT;
	probe_run_abort(probe_run_start(&job, on_done, w));
	memset(env, 0xa5, sizeof(*env));
	free(env);
	loop_turn(w->loop, false);
	assert_int_equal(conf.stopped, 1);
	assert_int_equal(w->samples, 0);
}

static void
an_abort_after_the_verdict_says_nothing(void **state)
{
	struct world *w = *state;

	begin(w, FAIL_AT_ONCE, NULL);
	probe_run_abort(w->run);
	loop_turn(w->loop, false);
	assert_int_equal(w->samples, 0);
	assert_int_equal(conf.stopped, 1);
}

static void
numbers_are_kept_and_bounded(void **state)
{
	struct world *w = *state;

	begin(w, SILENT, NULL);
	probe_value(w->run, PHASE_COUNT, 42);
	probe_value(w->run, PHASE_COUNT + 1, 1);
	probe_value(w->run, -1, 1);
	probe_phase(w->run, PHASE_CONNECT, 1500);
	probe_phase(w->run, PHASE_TLS, -1);
	loop_advance(w->loop, 2 * USEC_PER_SEC);
	probe_ok(w->run, "ok");
	loop_turn(w->loop, false);
	assert_true(sample_value(&w->sample, "extra") == 42);
	assert_true(fabs(sample_value(&w->sample, "connect_time") - 0.0015) < 1e-9);
	assert_true(isnan(sample_value(&w->sample, "tls_time")));
	assert_true(sample_value(&w->sample, "total_time") == 2);
}

static void
an_error_has_no_total_time(void **state)
{
	struct world *w = *state;

	begin(w, SILENT, NULL);
	probe_fault(w->run, FAULT_FD_LIMIT, "no descriptor");
	loop_turn(w->loop, false);
	assert_int_equal(w->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(w->sample.cause->code, "self.fd-limit");
	assert_true(isnan(sample_value(&w->sample, "total_time")));
}

static void
faults_become_causes(void **state)
{
	struct world *w = *state;

	for (int f = FAULT_NONE; f < FAULT_COUNT; f++) {
		begin(w, SILENT, NULL);
		probe_fault(w->run, (enum fault)f, NULL);
		loop_turn(w->loop, false);
		assert_non_null(w->sample.cause);
		assert_true(w->sample.text[0] != '\0');
		assert_int_equal(w->sample.outcome == OUTCOME_ERROR,
			f == FAULT_NONE || fault_is_ours((enum fault)f));
	}
}

static void
what_a_peer_said_is_cleaned_and_masked(void **state)
{
	struct world *w = *state;

	begin(w, SILENT, NULL);
	probe_fact(w->run, "body", "a\x01 hunter22 \xff");
	probe_note(w->run, "net.family", "note hunter22");
	probe_note(w->run, "net.family", "again");
	probe_fail(w->run, "http.5xx", "said \"hunter22\n\"");
	loop_turn(w->loop, false);
	assert_string_equal(w->sample.text, "said \"***.\"");
	assert_string_equal(w->sample.facts[0].name, "body");
	assert_string_equal(w->sample.facts[0].text, "a. *** .");
	assert_int_equal(w->sample.note_count, 1);
	assert_string_equal(w->sample.notes[0].text, "note ***");
}

/* A server may give an empty message: that something failed is said all the same. */
static void
a_failure_is_never_without_a_word(void **state)
{
	struct world *w = *state;

	begin(w, SILENT, NULL);
	probe_fail(w->run, "http.5xx", "%s", "");
	loop_turn(w->loop, false);
	assert_string_equal(w->sample.text, "failed without a reason");
}

/* Wherever the text ends, no beginning of a secret is left at its end. */
static void
a_secret_at_the_cut_is_masked_whole(void **state)
{
	struct world *w = *state;

	for (int before = SAMPLE_TEXT_MAX - 12; before < SAMPLE_TEXT_MAX + 2; before++) {
		begin(w, SILENT, NULL);
		probe_fail(w->run, "http.5xx", "%*shunter22 and more", before, "");
		loop_turn(w->loop, false);
		if (strchr(w->sample.text, 'h') != NULL)
			fail_msg("%d: %s", before, w->sample.text + before - 20);
		w->run = NULL;
	}
}

static void
facts_are_capped_and_replaced(void **state)
{
	struct world *w = *state;
	char name[16];

	begin(w, SILENT, NULL);
	for (int i = 0; i < SAMPLE_FACTS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		probe_fact(w->run, name, "%d", i);
	}
	probe_fact(w->run, "f0", "new");
	probe_fact(w->run, "f1", "%5000d", 1);
	probe_ok(w->run, "ok");
	loop_turn(w->loop, false);
	assert_int_equal(w->sample.fact_count, SAMPLE_FACTS_MAX);
	assert_string_equal(w->sample.facts[0].text, "new");
	assert_true(strlen(w->sample.facts[1].text) < 5000);
}

static void
memory_lives_from_run_to_run(void **state)
{
	struct world *w = *state;
	int *count;

	for (int i = 0; i < 3; i++) {
		begin(w, SILENT, NULL);
		count = probe_memory(w->run, sizeof(*count));
		assert_int_equal((*count)++, i);
		probe_ok(w->run, "ok");
		loop_turn(w->loop, false);
	}
	probe_keep_fini(&w->keep);
	begin(w, SILENT, NULL);
	count = probe_memory(w->run, sizeof(*count));
	assert_int_equal(*count, 0);
	probe_run_abort(w->run);
}

static void
the_instance_is_copied(void **state)
{
	struct world *w = *state;
	char name[] = "/var";

	begin(w, SILENT, name);
	name[0] = 'X';
	assert_string_equal(probe_instance(w->run), "/var");
	assert_int_equal(probe_time_left(w->run), 10 * USEC_PER_SEC);
	loop_advance(w->loop, 4 * USEC_PER_SEC);
	assert_int_equal(probe_time_left(w->run), 6 * USEC_PER_SEC);
	probe_run_abort(w->run);
}

static void
a_parent_lists_its_children(void **state)
{
	struct world *w = *state;

	begin(w, PARENT, NULL);
	loop_turn(w->loop, false);
	assert_non_null(w->sample.children);
	assert_int_equal(w->sample.child_count, 0);
	begin(w, PARENT, "/child"); /* a child is none */
	loop_turn(w->loop, false);
	assert_null(w->sample.children);
	begin(w, SILENT, NULL);
	probe_child(w->run, "/");
	probe_child(w->run, "/var");
	probe_ok(w->run, "two");
	loop_turn(w->loop, false);
	assert_int_equal(w->sample.child_count, 2);
	assert_string_equal(w->sample.children[1], "/var");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_sample_comes_after_the_turn),
		T(the_first_verdict_wins),
		T(the_deadline_asks_where_it_is_stuck),
		T(a_verdict_at_the_deadline_counts),
		T(an_aborted_run_says_nothing),
		T(an_aborted_run_outlives_its_env),
		T(an_abort_after_the_verdict_says_nothing),
		T(numbers_are_kept_and_bounded),
		T(an_error_has_no_total_time),
		T(faults_become_causes),
		T(what_a_peer_said_is_cleaned_and_masked),
		T(a_failure_is_never_without_a_word),
		T(a_secret_at_the_cut_is_masked_whole),
		T(facts_are_capped_and_replaced),
		T(memory_lives_from_run_to_run),
		T(the_instance_is_copied),
		T(a_parent_lists_its_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
