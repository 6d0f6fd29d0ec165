/* HTTP/1.1, both directions: whatever the bytes and however they are cut, it stays bounded. */
#include <assert.h>
#include <stdint.h>

#include "io/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
play(enum http1_kind kind, const uint8_t *data, size_t size, size_t step)
{
	const struct http1_limits limits = { .cut_body = true };
	struct http1 m;
	struct buf in;

	http1_init(&m, kind, &limits);
	buf_init(&in, 0);
	for (size_t at = 0; at < size; at += step) {
		buf_add(&in, data + at, size - at < step ? size - at : step);
		if (http1_feed(&m, &in) >= HTTP1_DONE)
			break;
	}
	http1_feed_end(&m);
	assert(buf_left(&m.body) <= 65536);
	buf_fini(&in);
	http1_fini(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play(HTTP1_RESPONSE, data, size, size + 1);
	play(HTTP1_REQUEST, data, size, size + 1);
	if (size < 4096) {
		play(HTTP1_RESPONSE, data, size, 1);
		play(HTTP1_REQUEST, data, size, 7);
	}
	return 0;
}
