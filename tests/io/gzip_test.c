/* What was packed in pieces is the same again when it is unpacked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "io/gzip.h"

#define WHOLE ((size_t)3 << 20)

static unsigned char *
make_words(size_t len)
{
	static const char words[] = "{\"name\":\"check\",\"state\":\"up\"},\n";
	unsigned char *bytes = xmalloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)words[(i + i / 997) % (sizeof(words) - 1)];
	return bytes;
}

/* The bytes that come out; -1: it is no gzip. */
static long
unpack(const struct buf *packed, unsigned char *out, size_t size)
{
	z_stream z = { 0 };
	int got;

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)buf_head(packed);
	z.avail_in = (uInt)buf_left(packed);
	z.next_out = out;
	z.avail_out = (uInt)size;
	got = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return got == Z_STREAM_END && z.avail_in == 0 ? (long)z.total_out : -1;
}

static void
test_in_pieces_of_any_size(void **state)
{
	unsigned char *words = make_words(WHOLE), *again = xmalloc(WHOLE + 1);
	static const size_t pieces[] = { WHOLE, 65536, 4099, 1 << 20 };

	(void)state;
	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		struct buf out;
		struct gzip *gzip;

		buf_init(&out, 0);
		gzip = gzip_new(&out);
		for (size_t at = 0; at < WHOLE; at += pieces[p])
			gzip_add(gzip, words + at, WHOLE - at < pieces[p] ? WHOLE - at : pieces[p]);
		gzip_end(gzip);
		gzip_free(gzip);
		assert_true(buf_left(&out) < WHOLE / 10);
		assert_int_equal(unpack(&out, again, WHOLE + 1), WHOLE);
		assert_memory_equal(again, words, WHOLE);
		buf_fini(&out);
	}
	free(words);
	free(again);
}

static void
test_nothing_and_noise(void **state)
{
	unsigned char noise[100000], again[sizeof(noise) + 1];
	uint32_t seed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		seed = seed * 1664525u + 1013904223u;
		noise[i] = (unsigned char)(seed >> 24);
	}
	for (size_t len = 0; len <= sizeof(noise); len += sizeof(noise)) {
		struct buf out;
		struct gzip *gzip;

		buf_init(&out, 0);
		gzip = gzip_new(&out);
		gzip_add(gzip, noise, len);
		gzip_end(gzip);
		gzip_free(gzip);
		assert_int_equal(unpack(&out, again, sizeof(again)), len);
		assert_memory_equal(again, noise, len);
		buf_fini(&out);
	}
}

/* Past the cap it stops, and the buffer says so. */
static void
test_the_cap_holds(void **state)
{
	unsigned char *words = make_words(WHOLE);
	struct buf out;
	struct gzip *gzip;

	(void)state;
	buf_init(&out, 8192);
	gzip = gzip_new(&out);
	gzip_add(gzip, words, WHOLE);
	gzip_end(gzip);
	gzip_free(gzip);
	assert_true(out.is_over && buf_left(&out) <= 8192);
	buf_fini(&out);
	free(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_pieces_of_any_size),
		cmocka_unit_test(test_nothing_and_noise),
		cmocka_unit_test(test_the_cap_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
