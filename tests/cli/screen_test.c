/* A picture on a screen that had another: nothing of it is left, and nothing scrolls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli/screen.h"

#define END "\033[0m\033[K\r\n"

static void
test_compose(void **state)
{
	static const struct {
		const char *notice, *picture;
		size_t rows;
		const char *out;
	} rows[] = {
		{ NULL, "a\nb\n", 24, "\033[Ha" END "b" END "\033[J" },
		{ NULL, "", 24, "\033[H\033[J" },
		{ NULL, "no end", 24, "\033[Hno end" END "\033[J" },
		{ "lost\n", "a\n", 24, "\033[Hlost" END "a" END "\033[J" },
		{ NULL, "a\nb\nc\n", 4, "\033[Ha" END "b" END "c" END "\033[J" },
		{ NULL, "a\nb\nc\nd\n", 4,
			"\033[Ha" END "b" END "c" END "1 more line below\033[K\033[J" },
		{ "x\n", "a\nb\nc\nd\n", 4,
			"\033[Hx" END "a" END "b" END "2 more lines below\033[K\033[J" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 0);
		screen_compose(rows[i].notice, rows[i].picture, rows[i].rows, &out);
		assert_string_equal(buf_text(&out), rows[i].out);
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_compose) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
