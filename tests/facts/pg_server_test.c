/* What kind of server it is, also where the DSN's database is missing or rights are. */
#include "io/resolve.h"
#include "tests/facts/pg_scene.h"

static void
add_server(struct buf *out)
{
	ROWS(out, 10, 1, "15.3 (Debian)", "100", "f", "f", "3600", "/var/lib/postgresql/15/main",
		"5", "4", NULL, "t");
	ROWS(out, 1, 2, "postgres", "shop");
	ROWS(out, 1, 1, "12");
	ROWS(out, 1, 1, "1048576");
	ROWS(out, 2, 1, "public.logs", "524288");
}

static void
describes_it(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	add_server(&s.answer);
	ROWS(&s.answer, 1, 1, "16777216");
	ROWS(&s.answer, 1, 1, "log/postgresql.log");
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-server");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_text(s.b, "version", "15.3");
	assert_fact_number(s.b, "max_connections", 100);
	assert_fact_text(s.b, "data_dir", "/var/lib/postgresql/15/main");
	assert_fact_number(s.b, "in_recovery", 0);
	assert_fact_number(s.b, "role_limit", 5);
	assert_fact_unknown(s.b, "database_limit");
	assert_fact_number(s.b, "archive_failing", 1);
	assert_fact_text(s.b, "databases", "postgres, shop");
	assert_fact_number(s.b, "wal_bytes", 16777216);
	assert_fact_text(s.b, "largest", "public.logs");
	assert_fact_text(s.b, "log", "log/postgresql.log");
	scene_close(&s);
}

/* What came before a refusal is kept, and the missing right is named. */
static void
keeps_what_it_may_read(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	add_server(&s.answer);
	pg_answer_error(&s.answer, "42501", "permission denied for function pg_ls_waldir");
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-server");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "database_bytes", 1048576);
	assert_fact_unknown(s.b, "wal_bytes");
	assert_says(s.b, "pg_ls_waldir: GRANT pg_monitor TO \"mon\"");
	scene_close(&s);
}

/* pg_monitor is not enough for this one. */
static void
names_the_right_that_is_missing(void **state)
{
	static struct pg_scene s;

	scene_init(&s, state, "15.3");
	add_server(&s.answer);
	pg_answer_error(&s.answer, "42501", "permission denied for function pg_current_logfile");
	scene_open(&s, "shop");
	fact_bench_run(s.b, "pg-server");
	assert_says(s.b, "GRANT EXECUTE ON FUNCTION pg_current_logfile() TO \"mon\"");
	scene_close(&s);
}

static void
asks_elsewhere_where_the_database_is_missing(void **state)
{
	static const struct peer_step refuses[] = {
		PEER_EXPECT("application_name"),
		PEER_SEND("E\0\0\0\x3dSFATAL\0VFATAL\0C3D000\0Mdatabase \"new-api\" does not "
			  "exist\0\0"),
		PEER_CLOSE,
		PEER_END,
	};
	static struct pg_scene s;
	static const struct peer_step *const scripts[2] = { refuses, s.script };
	char yaml[256];

	scene_init(&s, state, "15.3");
	add_server(&s.answer);
	scene_open(&s, "new-api");
	peer_free(s.peer);
	s.peer = peer_open_with(
		s.b->probe->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });
	snprintf(yaml, sizeof(yaml), "dsn: \"postgresql://mon@%s/new-api?sslmode=disable\"\n",
		peer_address(s.peer));
	fact_bench_check(s.b, "postgres", yaml);
	fact_bench_run(s.b, "pg-server");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_text(s.b, "databases", "postgres, shop");
	assert_int_equal(peer_accepted(s.peer), 2);
	assert_left(&s);
	scene_close(&s);
}

static void
tries_each_address_of_the_host(void **state)
{
	static const struct resolve_options nowhere = { .hosts_path = "/dev/null" };
	static struct pg_scene s;
	char yaml[256];

	scene_init(&s, state, "15.3");
	add_server(&s.answer);
	scene_open(&s, "shop");
	resolver_free(s.b->probe->env.resolver);
	s.b->probe->env.resolver = resolver_new(s.b->probe->loop, &nowhere);
	snprintf(yaml, sizeof(yaml),
		"dsn: \"postgresql://mon@localhost:%u/shop?sslmode=disable\"\n", peer_port(s.peer));
	fact_bench_check(s.b, "postgres", yaml);
	fact_bench_run(s.b, "pg-server");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_text(s.b, "databases", "postgres, shop");
	assert_left(&s);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			describes_it, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			names_the_right_that_is_missing, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			tries_each_address_of_the_host, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			keeps_what_it_may_read, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(asks_elsewhere_where_the_database_is_missing,
			fact_bench_set_up, fact_bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
