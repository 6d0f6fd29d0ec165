/* What reaches a terminal: cut, clean, wrapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/table.h"

static const struct term plain = { .columns = 40 };
static const struct term coloured = { .columns = 40, .has_color = true };

static void
test_clean(void **state)
{
	static const struct {
		const char *text, *line, *lines;
	} rows[] = {
		{ "a\u202e\u2066z", "a......z", "a......z" },
		{ "plain", "plain", "plain" },
		{ "a\nb\tc", "a b c", "a\nb\tc" },
		{ "\033[31mred\007", ".[31mred.", ".[31mred." },
		{ "c1 \xc2\x9b"
		  "31m",
			"c1 ..31m", "c1 ..31m" },
		{ "größe 容量", "größe 容量", "größe 容量" },
		{ "bad \xff\xfe", "bad ..", "bad .." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		strcpy(text, rows[i].text);
		term_clean(text, false);
		assert_string_equal(text, rows[i].line);
		strcpy(text, rows[i].text);
		term_clean(text, true);
		assert_string_equal(text, rows[i].lines);
	}
}

static void
test_cut(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *cut;
	} rows[] = {
		{ "short", 5, "short" },
		{ "longer text", 6, "longe…" },
		{ "容量容量", 8, "容量容量" },
		{ "容量容量", 7, "容量容…" },
		{ "容量容量", 6, "容量…" },
		{ "", 3, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		strcpy(text, rows[i].text);
		term_cut(text, rows[i].columns);
		assert_string_equal(text, rows[i].cut);
		assert_true(str_columns(text) <= rows[i].columns);
	}
}

static char *
printed(void (*print)(FILE *out, const void *arg), const void *arg)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out, arg);
	fclose(out);
	return text;
}

static void
print_wrapped(FILE *out, const void *arg)
{
	term_print_wrapped(&plain, out, 2, arg);
}

static void
test_wrap(void **state)
{
	char *text = printed(print_wrapped,
		"one two three four five six seven eight nine ten\neleven\n\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789");

	(void)state;
	assert_string_equal(text, "  one two three four five six seven\n"
				  "  eight nine ten\n"
				  "  eleven\n"
				  "  \n"
				  "  01234567890123456789012345678901234567\n"
				  "  89012345678901234567890123456789\n");
	free(text);
}

static struct table *
make_table(void)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "VALUE", .is_right = true },
		{ .title = "STATE" },
	};

	return table_new(columns, 3);
}

static void
print_table(FILE *out, const void *arg)
{
	struct table *table = make_table();

	table_add(table, (const char *const[]){ "容量", "7 %", "ok" });
	table_paint(table, 2, PAINT_GOOD);
	table_add(table,
		(const char *const[]){ "a-check-whose-name-does-not-end-soon", "100 %", NULL });
	table_print(table, arg, out);
	table_free(table);
}

static void
test_table_fits(void **state)
{
	char *text = printed(print_table, &plain);

	(void)state;
	assert_string_equal(text, "CHECK                       VALUE  STATE\n"
				  "容量                          7 %  ok\n"
				  "a-check-whose-name-does-n…  100 %  -\n");
	free(text);
}

static void
test_colours_do_not_move_columns(void **state)
{
	char *text = printed(print_table, &coloured);

	(void)state;
	assert_non_null(strstr(text, "7 %  \033[32mok\033[0m\n"));
	free(text);
}

static void
print_spare(FILE *out, const void *arg)
{
	static const struct table_column columns[] = { { .title = "ID", .is_whole = true },
		{ .title = "SEVERITY" }, { .title = "STARTED", .is_spare = true },
		{ .title = "TITLE", .is_flexible = true } };
	struct table *table = table_new(columns, 4);

	table_add(table, (const char *const[]){ "3f9c2a7d41b8", "critical", "2d 4h",
				 "redis refuses connections" });
	table_print(table, arg, out);
	table_free(table);
}

/* What would leave nothing readable is left out; what is to be typed is never cut. */
static void
test_spare_columns(void **state)
{
	static const struct {
		size_t columns;
		const char *text;
	} rows[] = {
		{ 80, "ID            SEVERITY  STARTED  TITLE\n"
		      "3f9c2a7d41b8  critical  2d 4h    redis refuses connections\n" },
		{ 50, "ID            SEVERITY  STARTED  TITLE\n"
		      "3f9c2a7d41b8  critical  2d 4h    redis refuses co…\n" },
		{ 40, "ID            SEVERITY  TITLE\n"
		      "3f9c2a7d41b8  critical  redis refuses c…\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct term term = { .columns = rows[i].columns };
		char *text = printed(print_spare, &term);

		assert_string_equal(text, rows[i].text);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spare_columns),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_table_fits),
		cmocka_unit_test(test_colours_do_not_move_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
