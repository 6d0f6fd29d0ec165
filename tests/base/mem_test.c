/* Memory: what libc's calls leave to chance (NULL, zero, aliasing). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void
test_empty_sizes_are_memory(void **state)
{
	void *a = xmalloc(0), *b = xcalloc(0, 8), *c = xreallocarray(NULL, 0, 8);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	free(a);
	free(b);
	free(c);
}

static void
test_strings(void **state)
{
	char *dup = xstrdup("abc"), *part = xstrndup("abcdef", 2), *all = xstrndup("ab", 9);
	char *printed = xasprintf("%s-%d", "x", 4);

	(void)state;
	assert_null(xstrdup(NULL));
	assert_string_equal(dup, "abc");
	assert_string_equal(part, "ab");
	assert_string_equal(all, "ab");
	assert_string_equal(printed, "x-4");
	free(dup);
	free(part);
	free(all);
	free(printed);
}

static void
test_replacing_an_owned_string(void **state)
{
	char *slot = NULL;

	(void)state;
	xstrset(&slot, "one two");
	xstrset(&slot, slot + 4);
	assert_string_equal(slot, "two");
	xstrset(&slot, NULL);
	assert_null(slot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_sizes_are_memory),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_replacing_an_owned_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
