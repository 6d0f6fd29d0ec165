/* Who holds the sessions: what is asked, over which connection, and what becomes of the answers. */
#include "tests/facts/pg_scene.h"

static void
add_answers(struct buf *out)
{
	ROWS(out, 9, 1, "t", "100", "3", "97", "2", "91", "4", "1", "1200.5");
	ROWS(out, 7, 2, "91", "new-api", "root", "10.0.0.4", "91", "0", "1200.5", "4", "", "cron",
		NULL, "0", "4", NULL);
	ROWS(out, 9, 3, "0", "812", "61.5", "psql", "root", "10.0.0.4",
		"SELECT * FROM logs WHERE token = 'sk-very-secret'", "active", "IO/DataFileRead",
		"1", "813", "400", "", "cron", NULL, "UPDATE users SET quota = 12345", "active",
		NULL, "2", "814", "310", "worker", "app", NULL, "SELECT 1", "idle in transaction",
		"Client/ClientRead");
	ROWS(out, 4, 2, "users", "20000", "900", "3", "logs", "5000000", "70", "0");
}

static void
names_who_holds_them(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	add_answers(&s.answer);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-activity");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "connections", 97);
	assert_fact_number(s.b, "percent", 100);
	assert_fact_number(s.b, "idle", 91);
	assert_fact_number(s.b, "oldest_idle", 1200.5);
	assert_fact_text(s.b, "top_client", "new-api from 10.0.0.4");
	assert_fact_number(s.b, "top_count", 91);
	assert_fact_number(s.b, "longest_query", 61.5);
	assert_fact_number(s.b, "longest_query_pid", 812);
	assert_fact_text(s.b, "longest_query_text", "SELECT * FROM logs WHERE token = ?");
	assert_fact_text(s.b, "longest_query_wait", "IO/DataFileRead");
	assert_fact_number(s.b, "longest_transaction", 400);
	assert_fact_text(s.b, "longest_transaction_client", "cron");
	assert_fact_number(s.b, "idle_in_transaction_pid", 814);
	assert_fact_text(s.b, "scanned_table", "logs");
	assert_says(s.b, "91 of new-api from 10.0.0.4 (role root): 91 idle");
	assert_null(strstr(s.b->fact.text, "secret"));
	assert_null(strstr(s.b->fact.text, "12345"));
	assert_true(was_asked(&s, "READ ONLY"));
	assert_left(&s);
	scene_close(&s);
}

static void
says_which_right_is_missing(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	ROWS(&s.answer, 9, 1, "f", "100", "3", "97", "0", "0", "0", "0", NULL);
	ROWS(&s.answer, 7, 1, "96", NULL, "root", NULL, "0", "0", NULL);
	ROWS(&s.answer, 9, 0, NULL);
	ROWS(&s.answer, 4, 0, NULL);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-activity");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "connections", 97);
	assert_fact_number(s.b, "hidden", 1);
	assert_fact_unknown(s.b, "idle");
	assert_fact_text(s.b, "top_client", "root");
	assert_says(s.b, "GRANT pg_monitor TO \"mon\"");
	scene_close(&s);
}

static void
a_refused_statement_is_said(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	pg_answer_error(&s.answer, "42501", "permission denied for view pg_stat_activity");
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-activity");
	assert_int_equal(s.b->fact.end, FACT_MISSED);
	assert_says(s.b, "permission denied");
	assert_says(s.b, "GRANT pg_monitor TO \"mon\"");
	scene_close(&s);
}

static void
nobody_answers(void **state)
{
	struct fact_bench *b = *state;
	char yaml[128];

	snprintf(yaml, sizeof(yaml), "dsn: \"postgresql://mon:s3cret@127.0.0.1:%u/shop\"\n",
		peer_dead_port());
	fact_bench_check(b, "postgres", yaml);
	fact_bench_run(b, "pg-activity");
	assert_int_equal(b->fact.end, FACT_MISSED);
	assert_says(b, "no session could be had: Connection refused");
}

/* The first words of a server that we never heard: statements of its time. */
static void
an_old_server_is_asked_in_its_words(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "9.6.24");
	add_answers(&s.answer);
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-activity");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_false(was_asked(&s, "backend_type"));
	assert_false(was_asked(&s, "pg_read_all_stats"));
	scene_close(&s);
}

static void
on_done(void *arg, const struct fact *fact)
{
	unsigned *answers = arg;

	assert_int_equal(fact->end, FACT_HAD);
	(*answers)++;
}

static bool
are_two(void *arg)
{
	return *(unsigned *)arg == 2;
}

static struct fact_run *
start_one(struct pg_scene *s, unsigned *answers)
{
	const struct fact_job job = {
		.type = fact_find("pg-activity"),
		.check = &s->b->check,
		.subject = &s->b->subject,
		.watch = s->b->probe->watch,
		.env = &s->b->probe->env,
	};

	return fact_run_start(&job, on_done, answers);
}

/* A full server has no room for a second session of ours. */
static void
two_share_one_connection(void **state)
{
	static struct pg_scene s;
	unsigned answers = 0;

	scene_init(&s, state, "15.3");
	add_answers(&s.answer);
	scene_open(&s, "shop");
	bench_watch(s.b->probe, NULL);
	start_one(&s, &answers);
	start_one(&s, &answers);
	assert_true(loop_turn_until(s.b->probe->loop, are_two, &answers, 500));
	assert_int_equal(peer_accepted(s.peer), 1);
	assert_left(&s);
	scene_close(&s);
}

static void
an_aborted_one_lets_the_next_talk(void **state)
{
	static struct pg_scene s;
	unsigned answers = 1;
	struct fact_run *first;

	scene_init(&s, state, "15.3");
	add_answers(&s.answer);
	scene_open(&s, "shop");
	bench_watch(s.b->probe, NULL);
	first = start_one(&s, &answers);
	start_one(&s, &answers);
	fact_run_abort(first);
	assert_true(loop_turn_until(s.b->probe->loop, are_two, &answers, 500));
	scene_close(&s);
}

/* As on a full server, where no other session could be had. */
static void
the_kept_connection_is_lent_and_given_back(void **state)
{
	static struct pg_scene s;
	static struct buf row;

	scene_init(&s, state, "15.3");
	add_answers(&s.answer);
	scene_open(&s, "shop");
	peer_free(s.peer);
	buf_init(&row, 0);
	ROWS(&row, 1, 1, "1");
	pg_answer_ready(&row);
	const struct peer_step script[] = { PEER_EXPECT("application_name"),
		{ PEER_DO_SEND, buf_head(&s.login), buf_left(&s.login) },
		PEER_EXPECT("SELECT k.knows"), { PEER_DO_SEND, buf_head(&row), buf_left(&row) },
		PEER_EXPECT("READ ONLY"),
		{ PEER_DO_SEND, buf_head(&s.answer), buf_left(&s.answer) }, PEER_EXPECT("SELECT 1"),
		{ PEER_DO_SEND, buf_head(&row), buf_left(&row) }, PEER_END };
	char yaml[256];

	s.peer = peer_open(s.b->probe->loop, script);
	snprintf(yaml, sizeof(yaml), "dsn: \"postgresql://mon@%s/shop?sslmode=disable\"\n",
		peer_address(s.peer));
	fact_bench_check(s.b, "postgres", yaml);
	bench_run(s.b->probe);
	assert_int_equal(s.b->probe->sample.outcome, OUTCOME_OK);
	fact_bench_run(s.b, "pg-activity");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	bench_run(s.b->probe);
	assert_int_equal(s.b->probe->sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(s.peer), 1);
	bench_restart(s.b->probe); /* it is the watch's again, and goes with it */
	assert_left(&s);
	buf_fini(&row);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			names_who_holds_them, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			says_which_right_is_missing, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_refused_statement_is_said, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_answers, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(an_old_server_is_asked_in_its_words,
			fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			two_share_one_connection, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			an_aborted_one_lets_the_next_talk, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(the_kept_connection_is_lent_and_given_back,
			fact_bench_set_up, fact_bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
