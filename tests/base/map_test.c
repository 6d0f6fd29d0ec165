/* The map against a plain array, through growth and removals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define KEYS 500

static void
name_key(char key[16], size_t i)
{
	snprintf(key, 16, "key-%zu", i * 7919);
}

static void
test_against_an_array(void **state)
{
	int values[KEYS];
	int *expected[KEYS] = { NULL };
	struct map *map = map_new();
	size_t count = 0;
	unsigned seed = 3;

	(void)state;
	for (int step = 0; step < 8000; step++) {
		char key[16];
		seed = seed * 1664525U + 1013904223U;
		size_t i = (seed >> 8) % KEYS;
		name_key(key, i);
		assert_ptr_equal(map_get(map, key), expected[i]);
		bool is_put = (seed >> 24) % 5 < 3;
		void *before = is_put ? map_put(map, key, &values[i]) : map_remove(map, key);
		assert_ptr_equal(before, expected[i]);
		count = count + (is_put && !before) - (!is_put && before);
		expected[i] = is_put ? &values[i] : NULL;
		assert_int_equal(map_count(map), count);
	}
	for (size_t i = 0; i < KEYS; i++) {
		char key[16];
		name_key(key, i);
		assert_ptr_equal(map_get(map, key), expected[i]);
	}
	map_free(map, NULL);
}

static void
test_walk(void **state)
{
	struct map *map = map_new();
	const char *key;
	void *value;
	size_t at = 0, seen = 0;

	(void)state;
	assert_false(map_next(map, &at, &key, &value));
	for (size_t i = 0; i < 100; i++) {
		char name[16];
		name_key(name, i);
		map_put(map, name, xstrdup(name));
	}
	for (at = 0; map_next(map, &at, &key, &value); seen++)
		assert_string_equal(key, value);
	assert_int_equal(seen, 100);
	map_free(map, free);
	map_free(NULL, free);
}

static void
test_keys_are_copied_and_replaced(void **state)
{
	struct map *map = map_new();
	char key[] = "same", one[] = "1", two[] = "2";

	(void)state;
	assert_null(map_get(map, key));
	assert_null(map_remove(map, key));
	assert_null(map_put(map, key, one));
	key[0] = 'l';
	assert_null(map_get(map, key));
	assert_ptr_equal(map_get(map, "same"), one);
	assert_ptr_equal(map_put(map, "same", two), one);
	assert_int_equal(map_count(map), 1);
	assert_null(map_put(map, "", one));
	assert_ptr_equal(map_remove(map, ""), one);
	map_free(map, NULL);
}

/* What it holds may be freed together with its key; a second owner of the name takes over. */
static void
test_keys_are_borrowed(void **state)
{
	struct map *map = map_new_borrowing();
	char *first = xstrdup("same"), *second = xstrdup("same");
	const char *key;
	size_t at = 0;

	(void)state;
	assert_null(map_put(map, first, first));
	assert_ptr_equal(map_put(map, second, second), first);
	free(first);
	assert_int_equal(map_count(map), 1);
	assert_true(map_next(map, &at, &key, NULL));
	assert_ptr_equal(key, second);
	assert_ptr_equal(map_remove(map, second), second);
	assert_null(map_get(map, second));
	map_put(map, second, second);
	map_free(map, free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_an_array),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_keys_are_copied_and_replaced),
		cmocka_unit_test(test_keys_are_borrowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
