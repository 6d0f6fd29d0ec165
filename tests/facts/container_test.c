/* Containers as facts: a scripted engine on a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/help/fact_bench.h"
#include "tests/help/peer.h"

#define CLOSING "Content-Type: application/json\r\nConnection: close\r\n\r\n"
#define ANSWER(status, body)                                                                       \
	PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 " status "\r\n" CLOSING body), PEER_CLOSE,    \
		PEER_END

static char path[64];

static void
play(struct fact_bench *b, const struct peer_step *script, const char *yaml)
{
	struct peer *peer;
	char whole[200];

	snprintf(path, sizeof(path), "/tmp/triaged-fact-docker-%d.sock", (int)getpid());
	peer = peer_open_with(
		b->probe->loop, &(struct peer_options){ .script = script, .unix_path = path });
	snprintf(whole, sizeof(whole), "%s\nsocket: %s\n", yaml, path);
	fact_bench_check(b, "container", whole);
	fact_bench_run(b, "container");
	peer_free(peer);
	unlink(path);
}

static void
tells_of_one_that_ended(void **state)
{
	static const struct peer_step script[] = { ANSWER("200 OK",
		"{\"Id\":\"0123456789abcdef\",\"Name\":\"/db\",\"RestartCount\":4,"
		"\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true,"
		"\"FinishedAt\":\"2023-11-14T22:12:20.5Z\",\"StartedAt\":\"2023-11-14T22:00:00Z\"},"
		"\"HostConfig\":{\"Memory\":1048576,\"RestartPolicy\":{\"Name\":\"no\"}},"
		"\"Config\":{\"Image\":\"postgres:15\"}}") };
	struct fact_bench *b = *state;

	play(b, script, "name: db");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "name", "db");
	assert_fact_text(b, "id", "0123456789ab");
	assert_fact_text(b, "state", "exited");
	assert_fact_text(b, "image", "postgres:15");
	assert_fact_text(b, "restart_policy", "no");
	assert_fact_number(b, "exit_code", 137);
	assert_fact_number(b, "oom_killed", 1);
	assert_fact_number(b, "restarts", 4);
	assert_fact_number(b, "memory_limit_bytes", 1048576);
	assert_true(fact_bench_number(b, "finished_age") > 0);
	assert_non_null(strstr(b->fact.text, "container db (postgres:15) is exited"));
	assert_non_null(strstr(b->fact.text, "want of memory"));
}

static void
tells_what_the_health_check_said(void **state)
{
	static const struct peer_step script[] = { ANSWER("200 OK",
		"{\"Id\":\"0123456789abcdef\",\"Name\":\"/api\","
		"\"State\":{\"Status\":\"running\",\"Health\":{\"Status\":\"unhealthy\","
		"\"FailingStreak\":3,\"Log\":[{\"ExitCode\":1,\"Output\":\"wget: not "
		"found\\n\"}]}},"
		"\"Config\":{\"Image\":\"api:1\",\"Healthcheck\":"
		"{\"Test\":[\"CMD-SHELL\",\"wget -q localhost\"]}}}") };
	struct fact_bench *b = *state;

	play(b, script, "name: api");
	assert_fact_text(b, "health", "unhealthy");
	assert_fact_number(b, "health_failures", 3);
	assert_fact_text(b, "health_command", "wget -q localhost");
	assert_non_null(strstr(fact_bench_text(b, "health_output"), "wget: not found"));
	assert_fact_unknown(b, "exit_code");
}

static void
knows_that_there_is_none(void **state)
{
	static const struct peer_step script[] = { ANSWER(
		"404 Not Found", "{\"message\":\"No such container: db\"}") };
	struct fact_bench *b = *state;

	play(b, script, "name: db");
	assert_int_equal(b->fact.end, FACT_NONE);
	assert_string_equal(b->fact.text, "there is no container db");
}

static void
says_what_is_missing(void **state)
{
	static const struct peer_step script[] = { ANSWER("403 Forbidden", "{}") };
	struct fact_bench *b = *state;

	play(b, script, "name: db");
	assert_int_equal(b->fact.end, FACT_MISSED);
	assert_non_null(strstr(b->fact.text, "CONTAINERS"));
	fact_bench_run(b, "container"); /* nobody is there any more */
	assert_int_equal(b->fact.end, FACT_MISSED);
	fact_bench_check(b, "tcp", "address: 192.0.2.1:80");
	fact_bench_run(b, "container");
	assert_int_equal(b->fact.end, FACT_NONE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fact_bench_set_up, fact_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(tells_of_one_that_ended),
		T(tells_what_the_health_check_said),
		T(knows_that_there_is_none),
		T(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
