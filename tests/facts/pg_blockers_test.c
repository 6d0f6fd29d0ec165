/* The root of a queue for locks, whatever the shape of the queue. */
#include "tests/facts/pg_scene.h"

#define HOLDER(pid, state)                                                                         \
	pid, state, "74", "root", "new-api", "10.0.0.4", "UPDATE users SET name = 'x' WHERE id = 7"

static void
finds_the_root_of_a_chain(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 1, 1, "t");
	ROWS(&s.answer, 12, 4,
		/* a short queue that began first, and a longer one */
		"50", "30", "a", "", "SELECT 1", HOLDER("40", "active"), "13103", "20", "app", "",
		"SELECT 2", HOLDER("13102", "active"), "13102", "12", "app", "",
		"UPDATE users SET a = 1", HOLDER("13098", "idle in transaction"), "13104", "3",
		"app", "", "UPDATE users SET a = 2", HOLDER("13098", "idle in transaction"));
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-blockers");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "blocked", 4);
	assert_fact_number(s.b, "pid", 13098);
	assert_fact_text(s.b, "state", "idle in transaction");
	assert_fact_text(s.b, "query", "UPDATE users SET name = ? WHERE id = ?");
	assert_fact_text(s.b, "client", "new-api from 10.0.0.4");
	assert_fact_text(s.b, "user", "root");
	assert_fact_number(s.b, "age", 74);
	assert_fact_number(s.b, "blocked_age", 20);
	assert_fact_text(s.b, "chain", "13103 waits for 13102 waits for 13098");
	assert_fact_number(s.b, "prepared", 0);
	assert_says(s.b, "pid 13098 (new-api from 10.0.0.4, role root) holds the lock");
	scene_close(&s);
}

static void
a_ring_has_no_root_and_no_end(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 1, 1, "t");
	ROWS(&s.answer, 12, 2, "1", "30", "a", "", "SELECT 1", HOLDER("2", "active"), "2", "20",
		"app", "", "SELECT 2", HOLDER("1", "active"));
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-blockers");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "blocked", 2);
	scene_close(&s);
}

static void
a_prepared_transaction_has_no_session(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 1, 1, "t");
	ROWS(&s.answer, 12, 1, "1", "30", "a", "", "SELECT 1", "0", NULL, NULL, NULL, NULL, NULL,
		NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-blockers");
	assert_fact_number(s.b, "prepared", 1);
	assert_fact_unknown(s.b, "pid");
	assert_says(s.b, "pg_prepared_xacts");
	scene_close(&s);
}

static void
nobody_waits(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 1, 1, "t");
	ROWS(&s.answer, 12, 0, NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-blockers");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "blocked", 0);
	scene_close(&s);
}

static void
says_which_right_is_missing(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 1, 1, "f");
	ROWS(&s.answer, 12, 0, NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-blockers");
	assert_int_equal(s.b->fact.end, FACT_MISSED);
	assert_fact_unknown(s.b, "blocked");
	assert_says(s.b, "GRANT pg_monitor TO \"mon\"");
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			finds_the_root_of_a_chain, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_ring_has_no_root_and_no_end, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(a_prepared_transaction_has_no_session,
			fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_waits, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			says_which_right_is_missing, fact_bench_set_up, fact_bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
