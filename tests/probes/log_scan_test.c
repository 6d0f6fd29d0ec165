/* Bytes to lines to matches, however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/tree.h"
#include "probes/log_scan.h"

static struct log_rules *
rules_of(const char *continuation)
{
	char error[] = "error", error_re[] = "ERROR", trace[] = "trace",
	     trace_re[] = "ERROR.*|^Caused by: (.*)", took[] = "took", took_re[] = "took=([0-9.]+)",
	     healthz[] = "healthz";
	struct conf_pair pairs[] = { { .name = error, .value = error_re },
		{ .name = trace, .value = trace_re } };
	struct conf_pair fields[] = { { .name = took, .value = took_re } };
	char *ignore[] = { healthz };
	struct log_rules_conf conf = {
		.patterns = { pairs, 2 },
		.fields = { fields, 1 },
		.ignore = { ignore, 1 },
	};
	struct complaints *complaints = complaints_new();
	struct log_rules *rules;
	char *copy = xstrdup(continuation);

	conf.continuation = copy;
	rules = log_rules_new(&conf, NULL, complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	complaints_free(complaints);
	free(copy);
	return rules;
}

static struct log_scan
scan(const struct log_rules *rules, const char *text, bool is_final)
{
	struct log_scan s = {
		.rules = rules, .bytes = text, .len = strlen(text), .is_final = is_final
	};

	log_scan(&s);
	return s;
}

static void
lines_and_their_ends(void **state)
{
	struct log_rules *rules = rules_of(NULL);
	struct log_scan s = scan(rules, "one\r\nERROR two\r\n\nERROR healthz\nERROR thr", false);

	(void)state;
	assert_true(s.lines == 4);
	assert_true(s.counts[0] == 1);
	assert_true(s.matches == 1);
	assert_string_equal(s.last[0].text, "ERROR two");
	assert_int_equal(s.consumed, strlen("one\r\nERROR two\r\n\nERROR healthz\n"));
	s = scan(rules, "ERROR thr", false);
	assert_int_equal(s.consumed, 0);
	s = scan(rules, "ERROR thr", true);
	assert_int_equal(s.consumed, strlen("ERROR thr"));
	assert_true(s.counts[0] == 1);
	log_rules_unref(rules);
}

static void
bytes_of_any_kind(void **state)
{
	struct log_rules *rules = rules_of(NULL);
	static const char text[] = "\xff\xfe\0ERROR \x80\n\0\n";
	struct log_scan s = { .rules = rules, .bytes = text, .len = sizeof(text) - 1 };

	(void)state;
	log_scan(&s);
	assert_true(s.lines == 2);
	assert_true(s.counts[0] == 1);
	assert_non_null(strstr(s.last[0].text, "ERROR"));
	log_rules_unref(rules);
}

static void
records_of_several_lines(void **state)
{
	static const char text[] = "ERROR a\n at b\nCaused by: c\nfine\nERROR d\n at e\n";
	struct log_rules *rules = rules_of("^[[:space:]]|^Caused by");
	struct log_scan s = scan(rules, text, false);

	(void)state;
	assert_true(s.counts[0] == 1); /* the second may go on */
	assert_int_equal(s.consumed, strstr(text, "ERROR d") - text);
	assert_true(s.lines == 4);
	s = scan(rules, "ERROR d\n at e\n at", false);
	assert_int_equal(s.consumed, 0);
	s = (struct log_scan){
		.rules = rules, .bytes = "ERROR d\n at e\n at", .len = 17, .is_settled = true
	};
	log_scan(&s);
	assert_int_equal(s.consumed, 14);
	assert_true(s.counts[0] == 1);
	assert_true(s.carry.is_continuing);
	/* What continues a record that was judged is dropped; counted as lines all the same. */
	struct log_scan next = {
		.rules = rules, .bytes = " at ERROR f\nERROR g\nx\n", .len = 22, .carry = s.carry
	};
	log_scan(&next);
	assert_true(next.counts[0] == 1);
	assert_true(next.lines == 2);
	log_rules_unref(rules);
}

static void
lines_without_end(void **state)
{
	struct log_rules *rules = rules_of(NULL);
	size_t len = LOG_LINE_MAX + 1000;
	char *text = xmalloc(len + 1);
	struct log_scan s;

	(void)state;
	memset(text, 'x', len);
	text[len] = '\0';
	memcpy(text, "ERROR", 5);
	s = scan(rules, text, false);
	assert_int_equal(s.consumed, len);
	assert_true(s.carry.is_skipping);
	assert_true(s.counts[0] == 1);
	struct log_scan next = {
		.rules = rules, .bytes = "more ERROR\nERROR\n", .len = 17, .carry = s.carry
	};
	log_scan(&next);
	assert_true(next.counts[0] == 1);
	assert_int_equal(next.consumed, 17);
	free(text);
	log_rules_unref(rules);
}

static void
numbers_in_lines(void **state)
{
	struct log_rules *rules = rules_of(NULL);
	struct log_scan s = scan(rules, "took=1.5\ntook=3\nno\ntook=.\n", false);

	(void)state;
	assert_true(s.field_counts[0] == 2);
	assert_true(s.field_sums[0] == 4.5);
	assert_true(s.field_most[0] == 3);
	assert_string_equal(s.slowest[0].text, "took=3");
	log_rules_unref(rules);
}

/* The same counts for every way to cut the text in two. */
static void
cut_anywhere(void **state)
{
	static const char text[] = "ERROR a\n at b\nfine\nERROR c\r\n\nERROR d\n x\n y\nlast\n";
	struct log_rules *rules = rules_of("^ ");
	struct log_scan whole = scan(rules, text, true);

	(void)state;
	assert_true(whole.counts[0] == 3);
	for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
		struct log_scan first = { .rules = rules, .bytes = text, .len = cut };
		struct log_scan rest = { .rules = rules, .is_final = true };

		log_scan(&first);
		rest.carry = first.carry;
		rest.bytes = text + first.consumed;
		rest.len = sizeof(text) - 1 - first.consumed;
		log_scan(&rest);
		assert_true(first.counts[0] + rest.counts[0] == whole.counts[0]);
		assert_true(first.lines + rest.lines == whole.lines);
		assert_int_equal(first.consumed + rest.consumed, sizeof(text) - 1);
	}
	log_rules_unref(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_their_ends),
		cmocka_unit_test(bytes_of_any_kind),
		cmocka_unit_test(records_of_several_lines),
		cmocka_unit_test(lines_without_end),
		cmocka_unit_test(numbers_in_lines),
		cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
