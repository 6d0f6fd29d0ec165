/* Pings find their check, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "io/inbox.h"

struct ear {
	unsigned count;
	char verb[16];
	struct inbox_slot *slot; /* removed when it hears */
};

static void
on_ping(void *arg, const struct inbox_ping *ping)
{
	struct ear *ear = arg;

	ear->count++;
	strncpy(ear->verb, ping->verb, sizeof(ear->verb) - 1);
	inbox_remove(ear->slot);
	ear->slot = NULL;
}

static void
a_ping_finds_its_slot(void **state)
{
	const struct inbox_ping ping = { .verb = "fail", .method = "GET" };
	struct inbox *inbox = inbox_new();
	struct ear a = { 0 }, b = { 0 };

	(void)state;
	assert_non_null(inbox_add(inbox, "token-a", on_ping, &a));
	assert_non_null(inbox_add(inbox, "token-b", on_ping, &b));
	assert_true(inbox_deliver(inbox, "token-b", &ping));
	assert_int_equal(a.count, 0);
	assert_int_equal(b.count, 1);
	assert_string_equal(b.verb, "fail");
	assert_false(inbox_deliver(inbox, "token-", &ping));
	assert_false(inbox_deliver(inbox, "token-aa", &ping));
	assert_false(inbox_deliver(inbox, "", &ping));
	inbox_free(inbox);
}

static void
a_token_has_one_owner(void **state)
{
	const struct inbox_ping ping = { .verb = "" };
	struct inbox *inbox = inbox_new();
	struct ear a = { 0 }, b = { 0 };

	(void)state;
	a.slot = inbox_add(inbox, "token", on_ping, &a);
	assert_null(inbox_add(inbox, "token", on_ping, &b));
	assert_true(inbox_deliver(inbox, "token", &ping)); /* removes itself inside */
	assert_false(inbox_deliver(inbox, "token", &ping));
	assert_non_null(inbox_add(inbox, "token", on_ping, &b));
	assert_true(inbox_deliver(inbox, "token", &ping));
	assert_int_equal(b.count, 1);
	inbox_remove(NULL);
	inbox_free(inbox);
	inbox_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_finds_its_slot),
		cmocka_unit_test(a_token_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
