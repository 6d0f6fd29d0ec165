/* The life of one try: one verdict, the deadline, abort, and stop as the only releaser. */
#include "tests/alerts/desk.h"

struct plan {
	int answers; /* how many verdicts start() gives */
	enum send_result result;
};

struct try_state {
	char *memory; /* a sanitizer sees whether stop() came exactly once */
};

static unsigned stops;
static struct send_run *started;

static void
start(struct send_run *run)
{
	const struct plan *plan = send_conf(run);
	struct try_state *state = send_state(run);

	started = run;
	state->memory = xstrdup(send_notice(run)->id);
	assert_string_equal(send_daemon_name(run), "web-1");
	assert_string_equal(send_env(run)->version, "1.2.3");
	for (int i = 0; i < plan->answers; i++)
		send_done(
			run, i == 0 ? plan->result : SEND_NEVER, 7, "answer %d\n\x01 hunter22", i);
}

static void
stop(struct send_run *run)
{
	struct try_state *state = send_state(run);

	stops++;
	free(state->memory);
}

static const struct conf_field no_fields[] = { { .type = CONF_END } };

static const struct receiver_type planned = {
	.name = "planned",
	.fields = no_fields,
	.conf_size = sizeof(struct plan),
	.run_size = sizeof(struct try_state),
	.timeout_us = 10 * USEC_PER_SEC,
	.start = start,
	.stop = stop,
};

static void
open_planned(struct desk *desk, int answers, enum send_result result)
{
	struct plan *plan;

	stops = 0;
	desk_open(desk, true);
	assert_int_equal(desk_configure(desk, &planned, "{}"), 0);
	plan = desk->conf;
	plan->answers = answers;
	plan->result = result;
	desk_write(desk, INCIDENT_OPENED);
}

static void
the_first_result_wins_and_comes_later(void **state)
{
	struct desk desk;

	(void)state;
	open_planned(&desk, 3, SEND_OK);
	desk_start(&desk);
	assert_int_equal(desk.verdicts, 0);
	assert_int_equal(stops, 0);
	loop_advance(desk.loop, 0);
	assert_int_equal(desk.verdicts, 1);
	assert_int_equal(desk.result, SEND_OK);
	assert_int_equal(desk.retry_after_us, 7);
	assert_int_equal(stops, 1);
	loop_advance(desk.loop, USEC_PER_MIN);
	assert_int_equal(desk.verdicts, 1);
	assert_int_equal(stops, 1);
	desk_close(&desk);
}

static void
silence_ends_at_the_deadline(void **state)
{
	struct desk desk;

	(void)state;
	open_planned(&desk, 0, SEND_OK);
	desk_start(&desk);
	loop_advance(desk.loop, 10 * USEC_PER_SEC - 1);
	assert_int_equal(desk.verdicts, 0);
	loop_advance(desk.loop, 1);
	assert_int_equal(desk.verdicts, 1);
	assert_int_equal(desk.result, SEND_LATER);
	assert_int_equal(desk.took_us, 10 * USEC_PER_SEC);
	assert_non_null(strstr(desk.text, "no answer"));
	assert_int_equal(stops, 1);
	desk_close(&desk);
}

static void
nothing_comes_after_an_abort(void **state)
{
	struct desk desk;

	(void)state;
	send_run_abort(NULL);
	for (int answers = 0; answers < 2; answers++) {
		open_planned(&desk, answers, SEND_OK);
		send_run_abort(desk_start(&desk));
		assert_int_equal(stops, 1);
		loop_advance(desk.loop, USEC_PER_MIN);
		assert_int_equal(desk.verdicts, 0);
		assert_int_equal(stops, 1);
		desk_close(&desk);
	}
}

static void
texts_are_fit_to_be_shown(void **state)
{
	struct secret_set *secrets = secret_set_new();
	struct desk desk;

	(void)state;
	secret_set_add(secrets, "hunter22");
	open_planned(&desk, 1, SEND_NEVER);
	desk.env.secrets = secrets;
	desk_start(&desk);
	loop_advance(desk.loop, 0);
	assert_null(strstr(desk.text, "hunter22"));
	assert_null(strpbrk(desk.text, "\n\x01"));
	assert_non_null(strstr(desk.text, "answer 0"));
	desk_close(&desk);
	secret_set_free(secrets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_result_wins_and_comes_later),
		cmocka_unit_test(silence_ends_at_the_deadline),
		cmocka_unit_test(nothing_comes_after_an_abort),
		cmocka_unit_test(texts_are_fit_to_be_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
