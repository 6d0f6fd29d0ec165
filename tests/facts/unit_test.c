/* Units as facts where there is nobody to ask; what they tell over a real bus: end-to-end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/help/fact_bench.h"

static void
needs_a_bus(void **state)
{
	struct fact_bench *b = *state;

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	fact_bench_check(b, "systemd", "unit: redis-server");
	fact_bench_run(b, "unit");
	assert_int_equal(b->fact.end, FACT_MISSED);
	assert_non_null(strstr(b->fact.text, "/run/dbus/system_bus_socket"));
	fact_bench_check(b, "redis", "url: redis://127.0.0.1:6379");
	b->subject.is_local = true;
	fact_bench_run(b, "unit");
	assert_int_equal(b->fact.end, FACT_MISSED);
}

static void
asks_nobody_of_what_is_elsewhere(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_check(b, "redis", "url: redis://192.0.2.1:6379");
	fact_bench_run(b, "unit");
	assert_int_equal(b->fact.end, FACT_NONE);
	fact_bench_check(b, "tcp", "address: 127.0.0.1:9");
	b->subject.is_local = true;
	fact_bench_run(b, "unit");
	assert_int_equal(b->fact.end, FACT_NONE);
	assert_string_equal(b->fact.text, "no unit is known to serve this");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fact_bench_set_up, fact_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(needs_a_bus),
		T(asks_nobody_of_what_is_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
