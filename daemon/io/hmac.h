/* HMAC-SHA256 and base64: what signing a webhook takes. */
#ifndef IO_HMAC_H
#define IO_HMAC_H

#include <stddef.h>

#define HMAC_SHA256_SIZE 32

struct hmac_part {
	const void *data;
	size_t len;
};

/* Over the parts one after the other, so that nothing is glued together just to be signed. */
void hmac_sha256(const void *key, size_t key_len, const struct hmac_part *parts, unsigned count,
	unsigned char out[HMAC_SHA256_SIZE]);

/* Bytes that base64_encode writes for `len`, with the NUL. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

void base64_encode(char *out, const void *data, size_t len); /* RFC 4648, padded, terminated */
/* Takes padded and unpadded, standard alphabet only.  At most `size` bytes; the length, or -1. */
long base64_decode(void *out, size_t size, const char *text);

#endif
