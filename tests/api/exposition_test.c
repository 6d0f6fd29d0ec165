/* The exposition's text, byte by byte where the formats differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "api/exposition.h"

static void
write_all(struct exposition *ex, struct buf *out)
{
	buf_init(out, 1 << 20);
	assert_true(exposition_write(ex, out));
	exposition_free(ex);
}

static void
test_families_are_never_interleaved(void **state)
{
	struct exposition *ex = exposition_new(true, 1 << 20);
	struct buf out;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *labels = i == 0 ? "check=\"a\"" : "check=\"b\"";

		family_add(exposition_family(ex, "t_one_seconds", FAMILY_GAUGE, "seconds", "One."),
			labels, 0.25);
		family_add(exposition_family(ex, "t_two", FAMILY_COUNTER, "", "Two."), labels, 7);
	}
	write_all(ex, &out);
	assert_string_equal(buf_text(&out), "# TYPE t_one_seconds gauge\n"
					    "# UNIT t_one_seconds seconds\n"
					    "# HELP t_one_seconds One.\n"
					    "t_one_seconds{check=\"a\"} 0.25\n"
					    "t_one_seconds{check=\"b\"} 0.25\n"
					    "# TYPE t_two counter\n"
					    "# HELP t_two Two.\n"
					    "t_two_total{check=\"a\"} 7\n"
					    "t_two_total{check=\"b\"} 7\n"
					    "# EOF\n");
	buf_fini(&out);
}

static void
test_the_same_series_is_there_once(void **state)
{
	struct exposition *ex = exposition_new(true, 1 << 20);
	struct family *two = exposition_family(ex, "t_two", FAMILY_GAUGE, "", "Two.");
	struct family *one = exposition_family(ex, "t_one", FAMILY_GAUGE, "", "One.");
	struct buf out;

	(void)state;
	family_add(two, "check=\"a\"", 1);
	family_add(two, "check=\"a\"", 2);
	family_add(two, "check=\"ab\"", 3);
	family_add(one, NULL, 4);
	family_add(one, NULL, 5);
	family_add(one, "check=\"a\"", 6);
	write_all(ex, &out);
	assert_string_equal(buf_text(&out), "# TYPE t_one gauge\n"
					    "# HELP t_one One.\n"
					    "t_one 4\n"
					    "t_one{check=\"a\"} 6\n"
					    "# TYPE t_two gauge\n"
					    "# HELP t_two Two.\n"
					    "t_two{check=\"a\"} 1\n"
					    "t_two{check=\"ab\"} 3\n"
					    "# EOF\n");
	buf_fini(&out);
}

static void
test_the_older_format_names_counters_in_full(void **state)
{
	struct exposition *ex = exposition_new(false, 1 << 20);
	struct buf out;

	(void)state;
	family_add(exposition_family(ex, "t_two", FAMILY_COUNTER, "", "Two \"2\"."), NULL, 7);
	family_add(exposition_family(ex, "t_build", FAMILY_INFO, "", "Who."), "version=\"1\"", 1);
	write_all(ex, &out);
	assert_string_equal(buf_text(&out), "# TYPE t_build_info gauge\n"
					    "# HELP t_build_info Who.\n"
					    "t_build_info{version=\"1\"} 1\n"
					    "# TYPE t_two_total counter\n"
					    "# HELP t_two_total Two \"2\".\n"
					    "t_two_total 7\n");
	buf_fini(&out);
}

static void
test_a_family_without_samples_is_left_out(void **state)
{
	struct exposition *ex = exposition_new(true, 1 << 20);
	struct buf out;

	(void)state;
	exposition_family(ex, "t_none", FAMILY_GAUGE, "", "None.");
	write_all(ex, &out);
	assert_string_equal(buf_text(&out), "# EOF\n");
	buf_fini(&out);
}

static void
test_label_values_are_escaped(void **state)
{
	struct buf labels;

	(void)state;
	buf_init(&labels, 1024);
	labels_add(&labels, "a", "x\"y\\z\nw\r");
	labels_add(&labels, "b", "bad \xff utf-8");
	assert_string_equal(buf_text(&labels), "a=\"x\\\"y\\\\z\\nw\",b=\"bad . utf-8\"");
	buf_fini(&labels);
}

static void
test_label_names_are_cleaned(void **state)
{
	static const struct {
		const char *name, *clean;
	} rows[] = {
		{ "team", "team" },
		{ "kubernetes.io/name", "kubernetes_io_name" },
		{ "9lives", "_9lives" },
		{ "größe", "gr____e" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char clean[64];

		labels_clean_name(clean, sizeof(clean), rows[i].name);
		assert_string_equal(clean, rows[i].clean);
	}
}

static void
test_numbers_are_short_and_read_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e21, "1e+21" },
		{ 1234567890123, "1234567890123" },
		{ INFINITY, "+Inf" },
		{ -INFINITY, "-Inf" },
		{ NAN, "NaN" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[EXPOSITION_NUMBER];

		exposition_number(rows[i].value, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
test_histograms_are_cumulative(void **state)
{
	struct exposition *ex = exposition_new(true, 1 << 20);
	struct hist hist = { .count = 0 };
	struct buf out;

	(void)state;
	hist_add(&hist, 50);
	hist_add(&hist, 150);
	hist_add(&hist, INT64_C(3600000000));
	family_add_hist(
		exposition_family(ex, "t_seconds", FAMILY_HISTOGRAM, "seconds", "T."), NULL, &hist);
	write_all(ex, &out);
	assert_non_null(strstr(buf_text(&out), "t_seconds_bucket{le=\"0.0001\"} 1\n"));
	assert_non_null(strstr(buf_text(&out), "t_seconds_bucket{le=\"0.0002\"} 2\n"));
	assert_non_null(strstr(buf_text(&out), "t_seconds_bucket{le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(buf_text(&out), "t_seconds_count 3\nt_seconds_sum 3600.0002\n"));
	buf_fini(&out);
}

static void
test_over_the_cap_is_refused_as_a_whole(void **state)
{
	struct exposition *ex = exposition_new(true, 100);
	struct buf out;

	(void)state;
	for (int i = 0; i < 100; i++)
		family_add(exposition_family(ex, "t_many", FAMILY_GAUGE, "", "Many."),
			i % 2 == 0 ? "n=\"0\"" : "n=\"1\"", i);
	buf_init(&out, 100000);
	assert_false(exposition_write(ex, &out));
	assert_true(buf_left(&out) < 1000);
	buf_fini(&out);
	exposition_free(ex);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families_are_never_interleaved),
		cmocka_unit_test(test_the_same_series_is_there_once),
		cmocka_unit_test(test_the_older_format_names_counters_in_full),
		cmocka_unit_test(test_a_family_without_samples_is_left_out),
		cmocka_unit_test(test_label_values_are_escaped),
		cmocka_unit_test(test_label_names_are_cleaned),
		cmocka_unit_test(test_numbers_are_short_and_read_back),
		cmocka_unit_test(test_histograms_are_cumulative),
		cmocka_unit_test(test_over_the_cap_is_refused_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
