/* HMAC-SHA256 against RFC 4231, base64 against RFC 4648, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "io/hmac.h"

static void
hmac_is(const void *key, size_t key_len, const char *data, const char *wanted)
{
	struct hmac_part parts[2] = { { data, 3 }, { data + 3, strlen(data) - 3 } };
	unsigned char out[HMAC_SHA256_SIZE];
	char hex[2 * HMAC_SHA256_SIZE + 1];

	hmac_sha256(key, key_len, parts, 2, out);
	for (int i = 0; i < HMAC_SHA256_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	assert_string_equal(hex, wanted);
}

static void
test_hmac(void **state)
{
	unsigned char key[131];

	(void)state;
	memset(key, 0x0b, 20);
	hmac_is(key, 20, "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_is("Jefe", 4, "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_is(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hmac_is("", 0, "abc", "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351");
}

static void
test_base64(void **state)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i][0]);

		base64_encode(out, rows[i][0], len);
		assert_string_equal(out, rows[i][1]);
		assert_int_equal(strlen(out) + 1, BASE64_SIZE(len));
		memset(out, 'x', sizeof(out));
		assert_int_equal(base64_decode(out, len, rows[i][1]), (long)len);
		assert_memory_equal(out, rows[i][0], len);
		assert_int_equal(out[len], 'x');
	}
	assert_int_equal(base64_decode(out, sizeof(out), "Zm8"), 2);
	assert_int_equal(base64_decode(out, sizeof(out), "/+8="), 2);
}

static void
test_base64_refused(void **state)
{
	static const char *const rows[] = { "Z", "Zm9vY", "Zg=", "Zg===", "Z===", "=",
		"====", "Zm 9v", "Zm9v\n", "Zm-_", "Zh==", "Z=9v" };
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (base64_decode(out, sizeof(out), rows[i]) != -1)
			fail_msg("\"%s\" was taken", rows[i]);
	}
	assert_int_equal(base64_decode(out, 2, "Zm9v"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
