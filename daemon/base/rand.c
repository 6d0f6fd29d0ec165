/* The kernel's generator, asked each time: nothing is kept that a fork could repeat. */
#include "base/rand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void
rand_bytes(void *out, size_t len)
{
	unsigned char *at = out;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		if (got < 0 && errno != EINTR) {
			fprintf(stderr, "triaged: getrandom: %s, ending\n", strerror(errno));
			abort();
		}
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}

uint64_t
rand_below(uint64_t limit)
{
	uint64_t value;

	if (limit < 2)
		return 0;
	/* What lies under 2^64 mod limit would make small results likelier: drawn again. */
	uint64_t skip = -limit % limit;
	do
		rand_bytes(&value, sizeof value);
	while (value < skip);
	return value % limit;
}

void
rand_hex(char *out, size_t digits)
{
	for (size_t at = 0; at < digits;) {
		unsigned char bytes[32];
		rand_bytes(bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes && at < digits; i++)
			out[at++] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[digits] = '\0';
}

void
rand_base62(char *out, size_t digits)
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (size_t at = 0; at < digits;) {
		unsigned char bytes[32];
		rand_bytes(bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes && at < digits; i++)
			if (bytes[i] < 248) /* 4 * 62: the rest would favour some letters */
				out[at++] = letters[bytes[i] % 62];
	}
	out[digits] = '\0';
}
