/* Buffers: bytes in, bytes out, and a cap that leaves no holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
test_text_is_always_a_string(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 0);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_left(&buf), 0);
	buf_add_text(&buf, "one ");
	buf_addf(&buf, "%d %s", 2, "three");
	assert_string_equal(buf_text(&buf), "one 2 three");
	buf_addf(&buf, "%s", "");
	assert_string_equal(buf_text(&buf), "one 2 three");
	buf_drain(&buf, 4);
	assert_string_equal(buf_head(&buf), "2 three");
	buf_drain(&buf, 100);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_left(&buf), 0);
	buf_fini(&buf);
	buf_fini(&buf);
}

/* A new buffer to which nothing is printed: memory that it takes for that may hold anything. */
static void
test_nothing_printed_is_an_empty_string(void **state)
{
	struct buf buf;
	char *dirt = malloc(64);

	(void)state;
	memset(dirt, 'x', 64);
	free(dirt);
	buf_init(&buf, 0);
	buf_addf(&buf, "%s", "");
	assert_string_equal(buf_text(&buf), "");
	buf_fini(&buf);
	buf_init(&buf, 0);
	assert_non_null(buf_reserve(&buf, 1));
	assert_string_equal(buf_text(&buf), "");
	buf_fini(&buf);
}

static void
test_printing_past_the_room(void **state)
{
	struct buf buf;
	char wide[301];

	(void)state;
	memset(wide, 'w', 300);
	wide[300] = '\0';
	buf_init(&buf, 0);
	buf_add_text(&buf, "<");
	buf_addf(&buf, "%s>", wide);
	assert_int_equal(buf_left(&buf), 302);
	assert_int_equal(buf_text(&buf)[301], '>');
	buf_fini(&buf);
}

static void
test_over_the_cap_nothing_follows(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	buf_add_text(&buf, "12345");
	assert_false(buf.is_over);
	buf_add_text(&buf, "");
	assert_false(buf.is_over);
	assert_null(buf_reserve(&buf, 1));
	assert_false(buf.is_over);
	buf_drain(&buf, 2);
	buf_add_text(&buf, "67");
	assert_string_equal(buf_text(&buf), "34567");
	buf_addf(&buf, "%d", 8);
	assert_true(buf.is_over);
	buf_drain(&buf, 5);
	buf_add_text(&buf, "9");
	assert_string_equal(buf_text(&buf), "");
	buf_reset(&buf);
	assert_false(buf.is_over);
	buf_add_text(&buf, "abcde");
	assert_string_equal(buf_text(&buf), "abcde");
	buf_fini(&buf);
}

static void
test_a_stream_does_not_grow(void **state)
{
	struct buf buf;
	char in = 0, out = 0;

	(void)state;
	buf_init(&buf, 0);
	for (int i = 0; i < 20000; i++) {
		char three[3] = { in, (char)(in + 1), (char)(in + 2) };
		in = (char)(in + 3);
		buf_add(&buf, three, 3);
		while (buf_left(&buf) > 10) {
			assert_int_equal(*buf_head(&buf), out);
			out = (char)(out + 1);
			buf_drain(&buf, 1);
		}
	}
	assert_true(buf.room <= 128);
	buf_fini(&buf);
}

static void
test_filling_by_hand(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	char *at = buf_reserve(&buf, 1000);
	assert_non_null(at);
	memset(at, 'x', 1000);
	buf_commit(&buf, 10);
	assert_string_equal(buf_text(&buf), "xxxxxxxxxx");
	assert_null(buf_reserve(&buf, SIZE_MAX));
	buf_fini(&buf);
}

static void
test_taking_the_text(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	char *empty = buf_take_text(&buf);
	assert_string_equal(empty, "");
	buf_add_text(&buf, "skip this");
	buf_drain(&buf, 5);
	char *text = buf_take_text(&buf);
	assert_string_equal(text, "this");
	assert_int_equal(buf_left(&buf), 0);
	assert_int_equal(buf.cap, 100);
	free(empty);
	free(text);
	buf_fini(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_always_a_string),
		cmocka_unit_test(test_nothing_printed_is_an_empty_string),
		cmocka_unit_test(test_printing_past_the_room),
		cmocka_unit_test(test_over_the_cap_nothing_follows),
		cmocka_unit_test(test_a_stream_does_not_grow),
		cmocka_unit_test(test_filling_by_hand),
		cmocka_unit_test(test_taking_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
