/* What plugins print: real lines of several, ranges as their guide has them, and nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "probes/perfdata.h"

static struct perfdata
only(const char *text)
{
	const char *at = text, *end = text + strlen(text);
	struct perfdata item, none;

	assert_true(perfdata_next(&at, end, &item));
	assert_false(perfdata_next(&at, end, &none));
	return item;
}

static void
takes_an_item_apart(void **state)
{
	struct perfdata item = only("time=0.002722s;1.5;@2:3;0.000;10");

	(void)state;
	assert_string_equal(item.label, "time");
	assert_float_equal(item.value, 0.002722, 1e-9);
	assert_string_equal(item.uom, "s");
	assert_true(item.warning.is_set && !item.warning.is_inside);
	assert_float_equal(item.warning.high, 1.5, 1e-9);
	assert_true(item.critical.is_inside);
	assert_float_equal(item.critical.low, 2, 1e-9);
	assert_float_equal(item.min, 0, 1e-9);
	assert_float_equal(item.max, 10, 1e-9);
	item = only("x=1;;5");
	assert_false(item.warning.is_set);
	assert_true(item.critical.is_set);
	assert_true(isnan(item.min));
}

static void
reads_labels_with_quotes(void **state)
{
	(void)state;
	assert_string_equal(only("'it''s = a b'=5").label, "it's = a b");
	assert_string_equal(only("/var/log=5MB").label, "/var/log");
	assert_float_equal(only("'C: used'=5GB").value, 5, 1e-9);
}

static void
reads_numbers_leniently(void **state)
{
	(void)state;
	assert_float_equal(only("a=1,5").value, 1.5, 1e-9);
	assert_float_equal(only("a=-1.5e3x").value, -1500, 1e-9);
	assert_string_equal(only("a=-1.5e3x").uom, "x");
	assert_true(isnan(only("a=U;1;2").value));
	assert_true(only("a=U;1;2").critical.is_set);
	assert_true(isnan(only("a=").value));
	assert_true(isnan(only("a=1.2.3").value));
	assert_true(isnan(only("a=inf").value));
	assert_true(isnan(only("a=1e999").value));
}

static void
skips_nonsense(void **state)
{
	const char *text = " = noise 'open a=1  =2 b=3 ''=4 c=5;;;;;;;;";
	const char *at = "noise =2 b=3;1 ''=4 c=5;;;;;;;;", *end = at + strlen(at);
	struct perfdata item;

	(void)state;
	assert_true(perfdata_next(&at, end, &item));
	assert_string_equal(item.label, "b");
	assert_true(perfdata_next(&at, end, &item));
	assert_string_equal(item.label, "c");
	assert_false(perfdata_next(&at, end, &item));
	for (at = text, end = at + strlen(at); perfdata_next(&at, end, &item);)
		assert_true(at <= end);
}

/* Found by fuzzing: a label that looked empty. */
static void
a_label_holds_no_control_bytes(void **state)
{
	static const char text[] = "'\0a\tb'=1";
	const char *at = text, *end = text + sizeof(text) - 1;
	struct perfdata item;

	(void)state;
	assert_true(perfdata_next(&at, end, &item));
	assert_string_equal(item.label, "?a?b");
}

static void
reads_ranges(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "10", "outside 0..10" },
		{ "10:", "below 10" },
		{ "~:10", "above 10" },
		{ "10:20", "outside 10..20" },
		{ "@10:20", "within 10..20" },
		{ "-5:-1.5", "outside -5..-1.5" },
		{ "~:", "never" },
		{ "", "" },
		{ "@", "" },
		{ "20:10", "" },
		{ "a:b", "" },
		{ "1:2:3", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct perf_range range;
		char words[64];

		perf_range_parse(&range, rows[i].text, strlen(rows[i].text));
		perf_range_words(&range, words, sizeof(words));
		assert_string_equal(words, rows[i].words);
	}
}

static void
splits_the_output(void **state)
{
	static const char text[] = "DISK OK - free | /=10MB;20 \n"
				   "more about it\n"
				   "and more | /home=3MB\n"
				   "/var=4MB | x=5\n";
	struct perf_output out;

	(void)state;
	perf_output_init(&out);
	perf_output_split(&out, text, strlen(text));
	assert_string_equal(buf_text(&out.text), "DISK OK - free");
	assert_string_equal(buf_text(&out.more), "more about it\nand more");
	assert_string_equal(buf_text(&out.perf), "/=10MB;20 /home=3MB /var=4MB | x=5");
	perf_output_fini(&out);
	perf_output_init(&out);
	perf_output_split(&out, "no end of line", 14);
	assert_string_equal(buf_text(&out.text), "no end of line");
	perf_output_fini(&out);
}

static void
knows_units(void **state)
{
	static const struct {
		const char *uom;
		enum metric_unit unit;
		double factor;
		enum metric_kind kind;
	} rows[] = {
		{ "", UNIT_NONE, 1, METRIC_GAUGE },
		{ "s", UNIT_SECONDS, 1, METRIC_GAUGE },
		{ "ms", UNIT_SECONDS, 1e-3, METRIC_GAUGE },
		{ "us", UNIT_SECONDS, 1e-6, METRIC_GAUGE },
		{ "%", UNIT_PERCENT, 1, METRIC_GAUGE },
		{ "B", UNIT_BYTES, 1, METRIC_GAUGE },
		{ "kB", UNIT_BYTES, 1024, METRIC_GAUGE },
		{ "MB", UNIT_BYTES, 1048576, METRIC_GAUGE },
		{ "c", UNIT_NONE, 1, METRIC_COUNTER },
		{ "req", UNIT_NONE, 1, METRIC_GAUGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum metric_kind kind;
		double factor;

		assert_int_equal(perfdata_unit(rows[i].uom, &factor, &kind), rows[i].unit);
		assert_float_equal(factor, rows[i].factor, 1e-12);
		assert_int_equal(kind, rows[i].kind);
	}
}

static void
makes_names(void **state)
{
	static const char *const rows[][2] = {
		{ "load1", "load1" },
		{ "/", "root" },
		{ "/var/log", "var_log" },
		{ "C:\\ used %", "C_used" },
		{ "5min", "v5min" },
		{ "\xc3\xa9", "" },
		{ "%%", "" },
	};
	char name[PERFDATA_LABEL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		perfdata_name(rows[i][0], name);
		assert_string_equal(name, rows[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_an_item_apart),
		cmocka_unit_test(reads_labels_with_quotes),
		cmocka_unit_test(reads_numbers_leniently),
		cmocka_unit_test(skips_nonsense),
		cmocka_unit_test(a_label_holds_no_control_bytes),
		cmocka_unit_test(reads_ranges),
		cmocka_unit_test(splits_the_output),
		cmocka_unit_test(knows_units),
		cmocka_unit_test(makes_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
