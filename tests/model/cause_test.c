/* The list of causes: sorted, complete in both languages, found by code; levels and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "io/fault.h"
#include "model/cause.h"

static void
is_sorted_and_found(void **state)
{
	(void)state;
	assert_true(cause_count() > 50);
	for (size_t i = 0; i < cause_count(); i++) {
		const struct cause *c = cause_at(i);

		assert_ptr_equal(cause_find(c->code), c);
		if (i > 0)
			assert_true(strcmp(cause_at(i - 1)->code, c->code) < 0);
	}
	assert_null(cause_at(cause_count()));
	assert_null(cause_find("net"));
	assert_null(cause_find("net.refused2"));
	assert_null(cause_find(""));
	assert_null(cause_find(NULL));
}

/* Placeholders that nobody fills in would be shown as they are. */
static void
assert_words(const char *code, const char *text)
{
	static const char *const known[] = { "{check}", "{type}", "{target}", "{text}" };

	assert_non_null(text);
	assert_true(strlen(text) >= 4);
	assert_true(str_is_utf8(text, strlen(text)));
	for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
		size_t k = 0;

		while (k < 4 && !str_starts(at, known[k]))
			k++;
		if (k == 4)
			fail_msg("%s: unknown placeholder in \"%s\"", code, text);
	}
}

static void
has_words_in_both_languages(void **state)
{
	(void)state;
	for (size_t i = 0; i < cause_count(); i++) {
		const struct cause *c = cause_at(i);

		assert_non_null(strchr(c->code, '.'));
		assert_in_range(c->level, SEVERITY_INFO, SEVERITY_CRITICAL);
		for (int lang = 0; lang < LANG_COUNT; lang++) {
			assert_words(c->code, c->title[lang]);
			assert_words(c->code, c->why[lang]);
			assert_words(c->code, c->remedy[lang]);
		}
		/* Chinese is not English that somebody forgot */
		assert_string_not_equal(c->title[LANG_EN], c->title[LANG_ZH]);
		assert_string_not_equal(c->why[LANG_EN], c->why[LANG_ZH]);
		assert_string_not_equal(c->remedy[LANG_EN], c->remedy[LANG_ZH]);
	}
}

static void
covers_every_fault(void **state)
{
	char code[64];

	(void)state;
	for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
		const char *layer = fault_is_ours((enum fault)f) ? "self" : "net";

		strcpy(code, layer);
		strcat(code, ".");
		strcat(code, fault_name((enum fault)f));
		if (cause_find(code) == NULL)
			fail_msg("no cause %s", code);
	}
}

static void
level_rises_with_age(void **state)
{
	const struct cause c = { .level = SEVERITY_INFO,
		.warning_after_us = USEC_PER_MIN,
		.critical_after_us = 5 * USEC_PER_MIN };
	const struct cause flat = { .level = SEVERITY_WARNING };

	(void)state;
	assert_int_equal(cause_level_at_age(&c, 0), SEVERITY_INFO);
	assert_int_equal(cause_level_at_age(&c, USEC_PER_MIN - 1), SEVERITY_INFO);
	assert_int_equal(cause_level_at_age(&c, USEC_PER_MIN), SEVERITY_WARNING);
	assert_int_equal(cause_level_at_age(&c, 5 * USEC_PER_MIN), SEVERITY_CRITICAL);
	assert_int_equal(cause_level_at_age(&flat, USEC_PER_DAY), SEVERITY_WARNING);
}

static void
names_severities(void **state)
{
	(void)state;
	assert_string_equal(severity_name(SEVERITY_WARNING), "warning");
	assert_string_equal(severity_name((enum severity)99), "unknown");
	for (int s = SEVERITY_OK; s <= SEVERITY_CRITICAL; s++)
		assert_int_equal(severity_parse(severity_name((enum severity)s)), s);
	assert_int_equal(severity_parse("fatal"), -1);
}

static void
fills_placeholders(void **state)
{
	const struct cause_words words = {
		.check = "api", .type = "http", .target = NULL, .text = "status 502 {check}"
	};
	char out[64];

	(void)state;
	cause_fill(out, sizeof(out), "{check} ({type}): {text}", &words);
	assert_string_equal(out, "api (http): status 502 {check}");
	cause_fill(out, sizeof(out), "{target}{unknown} {", &words);
	assert_string_equal(out, "{unknown} {");
	cause_fill(out, sizeof(out), "", &words);
	assert_string_equal(out, "");
}

static void
cuts_whole_characters(void **state)
{
	const struct cause_words words = { .check = "数据库" };
	char out[8];

	(void)state;
	cause_fill(out, sizeof(out), "{check} 拒绝连接", &words);
	assert_string_equal(out, "数据"); /* the third would need two bytes more */
	cause_fill(out, 1, "{check}", &words);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_sorted_and_found),
		cmocka_unit_test(has_words_in_both_languages),
		cmocka_unit_test(covers_every_fault),
		cmocka_unit_test(level_rises_with_age),
		cmocka_unit_test(names_severities),
		cmocka_unit_test(fills_placeholders),
		cmocka_unit_test(cuts_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
