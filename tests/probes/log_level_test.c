/* How bad a line is by its level, and what errors say with their numbers taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "probes/log_level.h"

static enum line_level
level(const char *line)
{
	const char *word;

	return log_level_of(line, strlen(line), &word);
}

static void
levels(void **state)
{
	static const struct {
		const char *line;
		enum line_level level;
	} rows[] = {
		{ "2026-01-02 03:04:05 INFO all is well", LINE_PLAIN },
		{ "2026-01-02 03:04:05 ERROR cannot", LINE_ERROR },
		{ "ERRORS: 0", LINE_PLAIN },
		{ "NO_ERROR", LINE_PLAIN },
		{ "FATAL it ends", LINE_PANIC },
		{ "[12] app@db FATAL:  password authentication failed", LINE_ERROR },
		{ "[12] PANIC:  could not write", LINE_PANIC },
		{ "2026/01/02 [emerg] 1#1: unknown directive", LINE_PANIC },
		{ "2026/01/02 [error] 7#7: *1 connect() failed", LINE_ERROR },
		{ "{\"level\":\"error\",\"msg\":\"x\"}", LINE_ERROR },
		{ "time=x level=fatal msg=y", LINE_PANIC },
		{ "panic: runtime error: index out of range", LINE_PANIC },
		{ "do not panic: it is fine to say INFO", LINE_PLAIN },
		{ "Traceback (most recent call last):", LINE_ERROR },
		{ "INFO said ERROR", LINE_PLAIN },
		{ "{\"level\":\"info\",\"msg\":\"no ERROR\"}", LINE_PLAIN },
		{ "", LINE_PLAIN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (level(rows[i].line) != rows[i].level)
			fail_msg("%s: %d", rows[i].line, level(rows[i].line));
}

static void
messages(void **state)
{
	static const char line[] = "2026-01-02 03:04:05 ERROR user 12 at 10.0.0.4:5432";
	char out[LOG_MESSAGE_MAX], large[4000];

	(void)state;
	log_message_of(line, strlen(line), out);
	assert_string_equal(out, "ERROR user # at #.#.#.#:#");
	memset(large, 'x', sizeof(large));
	log_message_of(large, sizeof(large), out);
	assert_int_equal(strlen(out), LOG_MESSAGE_MAX - 1);
}

static void
the_most_frequent(void **state)
{
	struct log_top top = { .count = 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "rare %c%c", 'a' + i % 26, 'a' + i / 26);
		log_top_add(&top, text, 1);
		log_top_add(&top, "often", 1);
	}
	assert_int_equal(top.count, LOG_TOP_MAX);
	log_top_sort(&top);
	assert_string_equal(top.all[0].text, "often");
	assert_true(top.all[0].times == 300);
	for (int i = 0; i < 12; i++)
		log_top_fade(&top);
	assert_int_equal(top.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(messages),
		cmocka_unit_test(the_most_frequent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
