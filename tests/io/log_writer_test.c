/* The log's thread, with a pipe in the place of stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/log_writer.h"

struct world {
	int old_stderr, out; /* out: what would be on the terminal */
	struct stats stats;
	struct buf heard;
	struct secret_set *secrets;
};

static struct world world;

static int
set_up(void **state)
{
	int fds[2];

	world = (struct world){ .secrets = secret_set_new() };
	buf_init(&world.heard, 0);
	fflush(stderr);
	world.old_stderr = dup(STDERR_FILENO);
	if (pipe(fds) < 0 || dup2(fds[1], STDERR_FILENO) < 0)
		return -1;
	close(fds[1]);
	world.out = fds[0];
	log_set_level(LOG_DEBUG);
	*state = &world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	dup2(w->old_stderr, STDERR_FILENO);
	close(w->old_stderr);
	close(w->out);
	buf_fini(&w->heard);
	secret_set_free(w->secrets);
	unsetenv("JOURNAL_STREAM");
	return 0;
}

static struct log_writer *
start(struct world *w, enum log_format format)
{
	struct err e;
	struct log_writer *writer = log_writer_start(format, &w->stats, &e);

	assert_non_null(writer);
	return writer;
}

/* Reads until `count` lines were heard; the deadline only bounds a failing test. */
static const char *
hear(struct world *w, size_t count)
{
	size_t lines = 0;

	for (const char *at = buf_text(&w->heard); (at = strchr(at, '\n')); at++)
		lines++;
	while (lines < count) {
		struct pollfd pollfd = { .fd = w->out, .events = POLLIN };
		assert_int_equal(poll(&pollfd, 1, 10000), 1);
		char *at = buf_reserve(&w->heard, 65536);
		ssize_t got = read(w->out, at, 65536);
		assert_true(got > 0);
		for (ssize_t i = 0; i < got; i++)
			lines += at[i] == '\n';
		buf_commit(&w->heard, (size_t)got);
	}
	return buf_text(&w->heard);
}

static void
test_text(void **state)
{
	struct world *w = *state;
	struct log_writer *writer = start(w, LOG_AUTO);

	log_notice("incident %s opened", "web");
	const char *text = hear(w, 1);
	assert_string_equal(text + 23, "Z notice incident web opened\n");
	assert_int_equal(text[10], 'T');
	log_writer_stop(writer);
}

static void
test_stop_flushes_in_order(void **state)
{
	struct world *w = *state;
	struct log_writer *writer = start(w, LOG_TEXT);
	char expected[32];

	for (int i = 0; i < 500; i++)
		log_info("line %d", i);
	log_writer_stop(writer);
	const char *at = hear(w, 500);
	for (int i = 0; i < 500; i++) {
		snprintf(expected, sizeof expected, " line %d\n", i);
		at = strstr(at, expected);
		assert_non_null(at);
	}
	assert_true(stats_get(&w->stats, STAT_LOG_DROPPED) == 0);
	log_writer_stop(NULL);
}

static void
test_json(void **state)
{
	struct world *w = *state;
	struct log_writer *writer = start(w, LOG_TEXT);

	log_writer_set_format(writer, LOG_JSON);
	log_warn("a \"quoted\" \\ word");
	json_t *object = json_loads(hear(w, 1), 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
	assert_string_equal(
		json_string_value(json_object_get(object, "message")), "a \"quoted\" \\ word");
	assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
	json_decref(object);
	log_writer_stop(writer);
}

static void
test_secrets_never_leave(void **state)
{
	struct world *w = *state;
	struct log_writer *writer = start(w, LOG_TEXT);

	secret_set_add(w->secrets, "hunter22");
	secret_set_add(w->secrets, "half\xc3"); /* ends in the middle of a character */
	log_writer_set_secrets(writer, w->secrets);
	log_info("connecting with hunter22");
	hear(w, 1);
	log_writer_set_format(writer, LOG_JSON);
	log_info("half\xc3\xa9 a word");
	const char *text = hear(w, 2);
	assert_non_null(strstr(text, "connecting with ***\n"));
	assert_non_null(strstr(text, "***. a word"));
	assert_null(strstr(text, "hunter"));
	log_writer_set_secrets(writer, NULL);
	log_info("plain");
	assert_non_null(strstr(hear(w, 3), "plain"));
	log_writer_stop(writer);
}

static void
test_under_systemd_stderr_says_priorities(void **state)
{
	struct world *w = *state;
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	struct log_writer *writer = start(w, LOG_TEXT);
	log_error("disk is full");
	log_debug("detail");
	assert_string_equal(hear(w, 2), "<3>disk is full\n<7>detail\n");
	log_writer_stop(writer);
}

static void
test_slow_reader_loses_lines_not_time(void **state)
{
	struct world *w = *state;
	struct log_writer *writer = start(w, LOG_TEXT);
	char filler[1001];
	int total = 0;

	memset(filler, 'f', sizeof filler - 1);
	filler[sizeof filler - 1] = '\0';
	/* Nobody reads: first the pipe fills, then the ring; then lines are dropped. */
	while (stats_get(&w->stats, STAT_LOG_DROPPED) < 10 && total < 5000)
		log_info("%d %s", total++, filler);
	assert_true(stats_get(&w->stats, STAT_LOG_DROPPED) >= 10);
	double dropped = stats_get(&w->stats, STAT_LOG_DROPPED);
	char expected[64];
	snprintf(expected, sizeof expected, "warn log: %.0f lines dropped", dropped);
	const char *text = hear(w, (size_t)(total - (int)dropped) + 1);
	assert_non_null(strstr(text, expected));
	log_info("room again");
	log_writer_stop(writer);
	assert_non_null(strstr(hear(w, (size_t)(total - (int)dropped) + 2), "room again"));
}

static void
test_stuck_reader_does_not_stop_us_from_stopping(void **state)
{
	struct world *w = *state;
	struct log_writer *writer = start(w, LOG_TEXT);
	char filler[3001];
	int lines = 200;

	memset(filler, 'f', sizeof filler - 1);
	filler[sizeof filler - 1] = '\0';
	for (int i = 0; i < lines; i++)
		log_info("%s", filler);
	log_writer_stop(writer); /* gives up on the thread, which is stuck in write() */
	log_set_sink(NULL, NULL);
	hear(w, (size_t)lines); /* the thread comes free and ends on its own */
}

int
main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_text),
		WITH_WORLD(test_stop_flushes_in_order),
		WITH_WORLD(test_json),
		WITH_WORLD(test_secrets_never_leave),
		WITH_WORLD(test_under_systemd_stderr_says_priorities),
		WITH_WORLD(test_slow_reader_loses_lines_not_time),
		WITH_WORLD(test_stuck_reader_does_not_stop_us_from_stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
