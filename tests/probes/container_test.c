/* Containers: states as a table, and the probe against a scripted API on a unix socket. */
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

#include "probes/container_state.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

/* JSON that is pleasant to write: ' for ". */
static json_t *
json_of(const char *text)
{
	char copy[1000];
	json_t *json;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	return json;
}

static void
states_have_meanings(void **state)
{
	static const struct {
		const char *json;
		enum container_want want;
		const char *cause, *text;
	} rows[] = {
		{ "{'State':{'Status':'running'}}", CONTAINER_RUNNING, NULL, "running" },
		{ "{'State':{'Status':'running','Health':{'Status':'none'}}}", CONTAINER_RUNNING,
			NULL, "running" },
		{ "{'State':{'Status':'running','Health':{'Status':'starting'}}}",
			CONTAINER_RUNNING, NULL, "running, starting" },
		{ "{'State':{'Status':'running','Health':{'Status':'unhealthy','FailingStreak':3,"
		  "'Log':[{'Output':'x'},{'Output':'a\\nwget: no\\n','ExitCode':1}]}}}",
			CONTAINER_RUNNING, "container.unhealthy",
			"unhealthy, 3 failed checks: \"wget: no\"" },
		{ "{'State':{'Status':'running','Healthcheck':{'Status':'unhealthy'}}}",
			CONTAINER_FINISHED, "container.unhealthy", "unhealthy" },
		{ "{'State':{'Status':'paused'}}", CONTAINER_RUNNING, "container.paused",
			"paused: its processes are frozen" },
		{ "{'State':{'Status':'restarting','ExitCode':127}}", CONTAINER_RUNNING,
			"container.restarting",
			"ends again and again, last exit 127: its command was not found" },
		{ "{'State':{'Status':'restarting','ExitCode':137,'OOMKilled':true}}",
			CONTAINER_RUNNING, "container.oom-killed",
			"ends again and again, last exit 137: SIGKILL, often for want of memory, "
			"for want of memory" },
		{ "{'State':{'Status':'exited','ExitCode':0}}", CONTAINER_RUNNING,
			"container.exited", "exited, exit 0" },
		{ "{'State':{'Status':'exited','ExitCode':0}}", CONTAINER_FINISHED, NULL,
			"exited, exit 0" },
		{ "{'State':{'Status':'exited','ExitCode':143}}", CONTAINER_FINISHED,
			"container.exited", "exited, exit 143: SIGTERM" },
		{ "{'State':{'Status':'dead','ExitCode':1,'Error':'no such file'}}",
			CONTAINER_RUNNING, "container.exited", "dead, exit 1: no such file" },
		{ "{'State':{'Status':'created'}}", CONTAINER_FINISHED, "container.exited",
			"created, but never started" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_of(rows[i].json);
		struct container_verdict v;
		struct container c;

		container_read(&c, json);
		container_judge(&v, &c, rows[i].want);
		if (rows[i].cause == NULL)
			assert_null(v.cause);
		else
			assert_string_equal(v.cause, rows[i].cause);
		assert_string_equal(v.text, rows[i].text);
		json_decref(json);
	}
}

static void
the_healthcheck_is_shown_as_typed(void **state)
{
	static const char *const rows[][2] = {
		{ "{'Config':{'Healthcheck':{'Test':['CMD-SHELL','a || exit 1']}}}",
			"a || exit 1" },
		{ "{'Config':{'Healthcheck':{'Test':['CMD','redis-cli','ping']}}}",
			"redis-cli ping" },
		{ "{'Config':{'Healthcheck':{'Test':['NONE']}}}", "" },
		{ "{'Config':{'Healthcheck':{'Test':['CMD',5]}}}", "?" },
		{ "{}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_of(rows[i][0]);
		struct container c;
		char text[100];

		container_read(&c, json);
		container_health_command(&c, text, sizeof(text));
		assert_string_equal(text, rows[i][1]);
		json_decref(json);
	}
}

static void
memory_is_reckoned_without_cache(void **state)
{
	json_t *v2 = json_of("{'memory_stats':{'usage':100,'stats':{'inactive_file':30}}}");
	json_t *v1 = json_of("{'memory_stats':{'usage':100,'stats':{'total_inactive_file':40,'"
			     "inactive_file':1}}}");
	json_t *odd = json_of("{'memory_stats':{'usage':'much'}}");

	(void)state;
	assert_float_equal(container_memory(v2), 70, 1e-9);
	assert_float_equal(container_memory(v1), 60, 1e-9);
	assert_true(isnan(container_memory(odd)));
	assert_true(isnan(container_cpu(odd)));
	json_decref(v2);
	json_decref(v1);
	json_decref(odd);
}

/* --- the probe --- */

struct stage {
	struct bench bench;
	char path[64];
	struct peer *peer;
};

static int
set_up(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	bench_open(&s->bench, BENCH_FAKE);
	snprintf(s->path, sizeof(s->path), "/tmp/triaged-docker-%d.sock", (int)getpid());
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *s = *state;

	bench_close(&s->bench);
	unlink(s->path);
	free(s);
	return 0;
}

static void
configure(struct stage *s, const char *yaml)
{
	char whole[300];

	snprintf(whole, sizeof(whole), "%s\nsocket: %s\n", yaml, s->path);
	if (bench_configure(&s->bench, "container", whole) != 0)
		fail_msg("%s", s->bench.complaint);
}

/* Every connection plays the same script: the events' one hears it too, and comes back later. */
static void
play(struct stage *s, const struct peer_step *script, const char *yaml)
{
	struct peer *peer = peer_open_with(
		s->bench.loop, &(struct peer_options){ .script = script, .unix_path = s->path });

	configure(s, yaml);
	bench_run(&s->bench);
	peer_free(peer);
	unlink(s->path);
}

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n"

static void
no_answer_is_no_verdict(void **state)
{
	static const struct peer_step eof[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
	static const struct peer_step reset[] = { PEER_EXPECT_BYTES(1), PEER_RESET, PEER_END };
	static const struct peer_step garbage[] = { PEER_GARBAGE, PEER_CLOSE, PEER_END };
	static const struct peer_step half[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("200 OK") "Content-Length: 100\r\n\r\n{"), PEER_CLOSE, PEER_END };
	static const struct peer_step list[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("200 OK") "Content-Length: 2\r\n\r\n[]"), PEER_CLOSE, PEER_END };
	static const struct peer_step broken[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("200 OK") "Content-Length: 5\r\n\r\n{\"a\":"), PEER_CLOSE,
		PEER_END };
	static const struct peer_step trouble[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("500 Oops") "Content-Length: 16\r\n\r\n{\"message\":\"bad\"}"),
		PEER_CLOSE, PEER_END };
	static const struct peer_step huge[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("200 OK") "\r\n"), PEER_HUGE, PEER_CLOSE, PEER_END };
	static const struct peer_step *const scripts[] = { eof, reset, garbage, half, list, broken,
		trouble, huge };
	struct stage *s = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		play(s, scripts[i], "name: api");
		if (s->bench.sample.outcome != OUTCOME_ERROR)
			fail_msg("script %zu: %s", i, s->bench.sample.text);
		assert_string_equal(bench_cause(&s->bench), "container.cannot-ask");
	}
	configure(s, "name: api"); /* nobody there */
	bench_run(&s->bench);
	assert_string_equal(bench_cause(&s->bench), "container.cannot-ask");
	assert_int_equal(s->bench.sample.outcome, OUTCOME_ERROR);
}

static void
silence_is_no_verdict(void **state)
{
	static const struct peer_step script[] = { PEER_STALL, PEER_END };
	struct stage *s = *state;
	struct peer *peer = peer_open_with(
		s->bench.loop, &(struct peer_options){ .script = script, .unix_path = s->path });

	configure(s, "name: api");
	bench_run_stuck(&s->bench);
	assert_int_equal(s->bench.sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(&s->bench), "container.cannot-ask");
	peer_free(peer);
}

static void
names_are_encoded(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("404 Not Found") "Content-Length: 2\r\n\r\n{}"), PEER_CLOSE,
		PEER_END };
	struct stage *s = *state;
	struct peer *peer = peer_open_with(
		s->bench.loop, &(struct peer_options){ .script = script, .unix_path = s->path });
	bool is_found = false;

	configure(s, "name: \"a b/../x?y\\r\\nz\"");
	bench_run(&s->bench);
	assert_string_equal(bench_cause(&s->bench), "container.missing");
	for (unsigned i = 0; i < peer_accepted(peer); i++)
		is_found = is_found || strstr(peer_heard(peer, i),
					       "GET /containers/a%20b%2F..%2Fx%3Fy%0D%0Az/json "
					       "HTTP/1.1\r\n") != NULL;
	assert_true(is_found);
	peer_free(peer);
}

static void
events_ask_for_a_run(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("GET /events?filters="),
		PEER_EXPECT("\r\n\r\n"),
		PEER_SEND(HEAD("200 OK") "Transfer-Encoding: chunked\r\n\r\n"),
		PEER_SEND("2d\r\n{\"Type\":\"container\",\"Action\":\"exec_start: a\"}\r\n"),
		/* a line with a NUL in it is no event, and leaves no trace */
		PEER_SEND("5\r\n\n\0{\n\0\r\n"), PEER_SEND("5\r\n\n\0\0\0\n\r\n"),
		PEER_SEND("13\r\n\n{\"Type\":\"container\r\n"),
		PEER_SEND("11\r\n\",\"Action\":\"die\"}\r\n"), PEER_SEND("1\r\n\n\r\n"), PEER_END };
	struct stage *s = *state;
	struct peer *peer = peer_open_with(
		s->bench.loop, &(struct peer_options){ .script = script, .unix_path = s->path });

	configure(s, "name: api");
	bench_watch(&s->bench, NULL);
	for (int i = 0; i < 50 && s->bench.pokes == 0; i++)
		loop_turn(s->bench.loop, true);
	assert_int_equal(s->bench.pokes, 1);
	peer_free(peer);
	for (int i = 0; i < 10; i++)
		loop_turn(s->bench.loop, true);
	loop_advance(s->bench.loop, USEC_PER_MIN); /* it comes back by itself */
}

static void
settings_are_looked_at(void **state)
{
	static const struct {
		const char *yaml, *complaint;
	} rows[] = {
		{ "{}", "either `name:`" },
		{ "name: a\nservice: b", "either `name:`" },
		{ "name: a\nsocket: docker.sock", "a path such as" },
		{ "name: a\nstate: up", "up" },
	};
	struct stage *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bench_configure(&s->bench, "container", rows[i].yaml), -1);
		if (strstr(s->bench.complaint, rows[i].complaint) == NULL)
			fail_msg("%s: %s", rows[i].yaml, s->bench.complaint);
	}
	assert_int_equal(
		bench_configure(&s->bench, "container", "name: a\nsocket: tcp://127.0.0.1:2375"),
		0);
	assert_int_equal(
		bench_configure(&s->bench, "container", "name: a\nsocket: unix:///run/x.sock"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_meanings),
		cmocka_unit_test(the_healthcheck_is_shown_as_typed),
		cmocka_unit_test(memory_is_reckoned_without_cache),
		T(no_answer_is_no_verdict),
		T(silence_is_no_verdict),
		T(names_are_encoded),
		T(events_ask_for_a_run),
		T(settings_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
