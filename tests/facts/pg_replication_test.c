/* A primary's standbys and slots; a standby that follows, is paused, delayed or cut off. */
#include "tests/facts/pg_scene.h"

static void
a_primary_names_its_slowest(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 8, 1, "t", "f", NULL, "0", "0", NULL, NULL, NULL);
	ROWS(&s.answer, 4, 0, NULL);
	ROWS(&s.answer, 6, 2, "replica1", "10.0.0.7", "streaming", "73400320", "45.5", "async",
		"replica2", "10.0.0.8", "streaming", "0", NULL, "async");
	ROWS(&s.answer, 3, 1, "dead", "physical", "1073741824");
	ROWS(&s.answer, 6, 0, NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-replication");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "standby", 0);
	assert_fact_number(s.b, "replicas", 2);
	assert_fact_text(s.b, "worst", "replica1 from 10.0.0.7");
	assert_fact_text(s.b, "worst_state", "streaming");
	assert_fact_number(s.b, "lag", 45.5);
	assert_fact_number(s.b, "lag_bytes", 73400320);
	assert_fact_text(s.b, "slot", "dead");
	assert_fact_number(s.b, "slot_bytes", 1073741824);
	assert_fact_unknown(s.b, "replay_paused");
	assert_fact_text(s.b, "receiver", "");
	scene_close(&s);
}

static void
a_standby_that_is_delayed(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 8, 1, "t", "t", "t", "300", "2", "t", "90", "5000");
	ROWS(&s.answer, 4, 1, "streaming", "0.5", NULL, "10.0.0.1:5432");
	ROWS(&s.answer, 6, 0, NULL);
	ROWS(&s.answer, 3, 0, NULL);
	ROWS(&s.answer, 6, 1, "77", "600", "report", "ro", NULL, "SELECT 'x'");
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-replication");
	assert_fact_number(s.b, "standby", 1);
	assert_fact_number(s.b, "replay_paused", 1);
	assert_fact_number(s.b, "apply_delay", 300);
	assert_fact_number(s.b, "conflicts", 2);
	assert_fact_number(s.b, "lag", 90);
	assert_fact_text(s.b, "receiver", "streaming");
	assert_fact_text(s.b, "sender", "10.0.0.1:5432");
	assert_fact_number(s.b, "longest_query_pid", 77);
	assert_says(s.b, "oldest statement here: pid 77 (report) for 10m: SELECT ?");
	scene_close(&s);
}

static void
a_standby_that_is_cut_off(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "9.6.1");
	ROWS(&s.answer, 8, 1, "t", "t", "f", "0", "0", "f", "400", "0");
	ROWS(&s.answer, 4, 0, NULL);
	ROWS(&s.answer, 6, 0, NULL);
	ROWS(&s.answer, 3, 0, NULL);
	ROWS(&s.answer, 6, 0, NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-replication");
	assert_fact_text(s.b, "receiver", "stopped");
	assert_fact_number(s.b, "lag", 400);
	assert_fact_number(s.b, "replaying", 0);
	assert_false(was_asked(&s, "pg_current_wal_lsn"));
	assert_false(was_asked(&s, "sender_host"));
	scene_close(&s);
}

/* Nothing new from the primary is no lag, however old the last transaction is. */
static void
an_idle_primary_is_no_lag(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 8, 1, "t", "t", "f", "0", "0", "f", "86400", "0");
	ROWS(&s.answer, 4, 1, "streaming", "3", NULL, NULL);
	ROWS(&s.answer, 6, 0, NULL);
	ROWS(&s.answer, 3, 0, NULL);
	ROWS(&s.answer, 6, 0, NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-replication");
	assert_fact_number(s.b, "lag", 0);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_primary_names_its_slowest, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_standby_that_is_delayed, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_standby_that_is_cut_off, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			an_idle_primary_is_no_lag, fact_bench_set_up, fact_bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
