/* print_text makes what snprintf makes, whatever it does itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/print.h"

/* Both at every size, with what was there before. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		for (size_t size = 1; size < 80; size++) {                                         \
			char a[80], b[80];                                                         \
                                                                                                   \
			memset(a, 'x', sizeof(a));                                                 \
			memset(b, 'x', sizeof(b));                                                 \
			snprintf(a, size, __VA_ARGS__);                                            \
			print_text(b, size, __VA_ARGS__);                                          \
			assert_string_equal(a, b);                                                 \
			assert_int_equal(b[size], 'x');                                            \
		}                                                                                  \
	} while (0)

static void
test_plain(void **state)
{
	(void)state;
	SAME("%s", "");
	SAME("nothing to put");
	SAME("PONG from %s in %s%s", "127.0.0.1:6379", "87 us", "");
	SAME("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	SAME("%u of %u", 0U, UINT_MAX);
	SAME("%zu and %zu", (size_t)0, SIZE_MAX);
	SAME("%s%d%s", "a", 10, "b");
}

static void
test_left_to_printf(void **state)
{
	(void)state;
	SAME("%s: %.1f %%", "used", 12.34);
	SAME("%-8s|%08x", "ab", 77U);
	SAME("%.3s %c %ld", "abcdef", 'z', -5L);
	SAME("100 %%");
}

static void
test_digits(void **state)
{
	char text[24] = "";

	(void)state;
	*print_digits(text, 0) = '\0';
	assert_string_equal(text, "0");
	*print_digits(text, ULONG_MAX) = '\0';
	assert_string_equal(text, "18446744073709551615");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_left_to_printf),
		cmocka_unit_test(test_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
