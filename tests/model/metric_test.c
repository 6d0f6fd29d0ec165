/* Metric tables are looked up by name; numbers are shown with their unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "model/metric.h"

static const struct metric_desc table[] = {
	METRIC_PHASE_ROWS,
	{ "status", METRIC_GAUGE, UNIT_NONE, "Status." },
	{ .name = NULL },
};

static void
phases_keep_their_index(void **state)
{
	(void)state;
	assert_int_equal(metric_count(table), PHASE_COUNT + 1);
	assert_int_equal(metric_index(table, "dns_time"), PHASE_DNS);
	assert_int_equal(metric_index(table, "connect_time"), PHASE_CONNECT);
	assert_int_equal(metric_index(table, "tls_time"), PHASE_TLS);
	assert_int_equal(metric_index(table, "send_time"), PHASE_SEND);
	assert_int_equal(metric_index(table, "first_byte_time"), PHASE_FIRST_BYTE);
	assert_int_equal(metric_index(table, "transfer_time"), PHASE_TRANSFER);
	assert_int_equal(metric_index(table, "total_time"), PHASE_TOTAL);
	assert_int_equal(metric_index(table, "status"), PHASE_COUNT);
}

static void
unknown_names_have_no_index(void **state)
{
	(void)state;
	assert_int_equal(metric_index(table, "total"), -1);
	assert_int_equal(metric_index(table, NULL), -1);
	assert_int_equal(metric_index(NULL, "status"), -1);
	assert_int_equal(metric_count(NULL), 0);
}

static void
shows_units(void **state)
{
	static const struct {
		double value;
		enum metric_unit unit;
		const char *text;
	} cases[] = {
		{ 0.25, UNIT_SECONDS, "250 ms" },
		{ 87, UNIT_PERCENT, "87 %" },
		{ 1, UNIT_BOOL, "true" },
		{ 0, UNIT_BOOL, "false" },
		{ NAN, UNIT_BYTES, "unknown" },
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		metric_format(cases[i].value, cases[i].unit, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
	assert_string_equal(unit_symbol(UNIT_BYTES_PER_SECOND), "B/s");
	assert_string_equal(unit_symbol((enum metric_unit)77), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phases_keep_their_index),
		cmocka_unit_test(unknown_names_have_no_index),
		cmocka_unit_test(shows_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
