/* Randomness: the right letters, the right range, and never the same twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "base/rand.h"

static void
test_range(void **state)
{
	unsigned seen = 0;

	(void)state;
	assert_int_equal(rand_below(0), 0);
	assert_int_equal(rand_below(1), 0);
	for (int i = 0; i < 500; i++) {
		uint64_t value = rand_below(5);
		assert_true(value < 5);
		seen |= 1U << value;
	}
	assert_int_equal(seen, 31); /* one missing: 5 * 0.8^500 */
	assert_true(rand_below(UINT64_MAX) != rand_below(UINT64_MAX));
}

static void
test_names(void **state)
{
	char hex[101], other[101], base62[101];

	(void)state;
	rand_hex(hex, 100);
	rand_hex(other, 100);
	rand_base62(base62, 100);
	assert_int_equal(strlen(hex), 100);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 100);
	assert_string_not_equal(hex, other);
	assert_int_equal(strlen(base62), 100);
	for (int i = 0; i < 100; i++)
		assert_true(isalnum((unsigned char)base62[i]));
	rand_hex(hex, 0);
	assert_string_equal(hex, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
