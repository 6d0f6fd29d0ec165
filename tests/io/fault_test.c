/* What each errno says about the peer, and that every fault has a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "io/addr.h"
#include "io/fault.h"

static void
test_names(void **state)
{
	(void)state;
	assert_null(fault_name(FAULT_NONE));
	for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
		assert_non_null(fault_name((enum fault)i));
		for (int k = FAULT_NONE + 1; k < i; k++)
			assert_string_not_equal(
				fault_name((enum fault)i), fault_name((enum fault)k));
	}
	assert_null(fault_name(FAULT_COUNT));
	assert_string_equal(fault_name(FAULT_TLS_VERIFY), "tls-verify");
}

static void
test_errnos(void **state)
{
	static const struct {
		int error;
		enum fault fault;
	} rows[] = {
		{ 0, FAULT_NONE },
		{ ECONNREFUSED, FAULT_REFUSED },
		{ ENOENT, FAULT_REFUSED },
		{ ETIMEDOUT, FAULT_TIMEOUT },
		{ EHOSTUNREACH, FAULT_UNREACHABLE },
		{ ENETUNREACH, FAULT_UNREACHABLE },
		{ EACCES, FAULT_DENIED },
		{ EPERM, FAULT_DENIED },
		{ ECONNRESET, FAULT_RESET },
		{ EPIPE, FAULT_RESET },
		{ EADDRNOTAVAIL, FAULT_PORT_EXHAUSTED },
		{ EMFILE, FAULT_FD_LIMIT },
		{ ENOMEM, FAULT_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(fault_from_errno(rows[i].error), rows[i].fault);
}

static void
test_what_tells_most(void **state)
{
	(void)state;
	assert_true(fault_worth(FAULT_REFUSED, false) > fault_worth(FAULT_UNREACHABLE, false));
	assert_true(fault_worth(FAULT_UNREACHABLE, false) > fault_worth(FAULT_UNREACHABLE, true));
	assert_int_equal(fault_worth(FAULT_TIMEOUT, false), fault_worth(FAULT_REFUSED, false));
}

/* 127.0.0.1 can always be spoken to: it is the port that lacks. */
static void
test_connect(void **state)
{
	struct addr here;

	(void)state;
	assert_int_equal(addr_from_numeric(&here, "127.0.0.1", 80), 0);
	assert_int_equal(fault_from_connect(EADDRNOTAVAIL, &here), FAULT_PORT_EXHAUSTED);
	assert_int_equal(fault_from_connect(ECONNREFUSED, &here), FAULT_REFUSED);
}

static void
test_ours(void **state)
{
	(void)state;
	assert_true(fault_is_ours(FAULT_FD_LIMIT));
	assert_true(fault_is_ours(FAULT_LOCAL));
	assert_false(fault_is_ours(FAULT_PORT_EXHAUSTED));
	assert_false(fault_is_ours(FAULT_REFUSED));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_what_tells_most),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
