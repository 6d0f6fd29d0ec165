/* Retry-After in all its forms, and what is none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alerts/retry_after.h"

#define NOW (INT64_C(784111777) * USEC_PER_SEC) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void
understands_what_the_rfc_writes(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{ "0", 0 },
		{ "120", 120 },
		{ "  7 ", 7 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60 },
		{ "Sunday, 06-Nov-94 08:49:47 GMT", 10 },
		{ "Sun Nov  6 09:49:37 1994", 3600 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Sat, 05 Nov 1994 08:49:37 GMT", 0 },
		{ "99999999999999999999999999", 365 * 86400 },
		{ "Fri, 06 Nov 2099 08:49:37 GMT", 365 * 86400 },
		{ "", 0 },
		{ "soon", 0 },
		{ "-5", 0 },
		{ "12 monkeys", 0 },
		{ "1.5", 0 },
		{ "Sun, 99 Nov 1994 08:50:37 GMT", 0 },
		{ "Sun, 06 Foo 1994 08:50:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 28:50:37 GMT", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		usec_t got = retry_after_parse(cases[i].text, NOW);

		if (got != cases[i].seconds * USEC_PER_SEC)
			fail_msg("\"%s\": %lld us", cases[i].text, (long long)got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understands_what_the_rfc_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
