/* HMAC-SHA256 over OpenSSL's digest, and base64 by hand: strict, and no line breaks. */
#include "io/hmac.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/secret.h"

#define BLOCK 64

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
must(int rc)
{
	if (rc != 1)
		__builtin_trap(); /* SHA-256 of OpenSSL fails for want of memory only */
}

/* One of the two hashes of RFC 2104: pad first, then the parts. */
static void
hash_padded(const unsigned char pad[BLOCK], const struct hmac_part *parts, unsigned count,
	unsigned char out[HMAC_SHA256_SIZE])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL);
	must(EVP_DigestInit_ex(md, EVP_sha256(), NULL));
	must(EVP_DigestUpdate(md, pad, BLOCK));
	for (unsigned i = 0; i < count; i++)
		must(EVP_DigestUpdate(md, parts[i].data, parts[i].len));
	must(EVP_DigestFinal_ex(md, out, NULL));
	EVP_MD_CTX_free(md);
}

void
hmac_sha256(const void *key, size_t key_len, const struct hmac_part *parts, unsigned count,
	unsigned char out[HMAC_SHA256_SIZE])
{
	unsigned char block[BLOCK] = { 0 }, pad[BLOCK], inner[HMAC_SHA256_SIZE];
	struct hmac_part last = { inner, sizeof(inner) };

	if (key_len > BLOCK)
		must(EVP_Digest(key, key_len, block, NULL, EVP_sha256(), NULL));
	else if (key_len > 0)
		memcpy(block, key, key_len);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] = block[i] ^ 0x36;
	hash_padded(pad, parts, count, inner);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] = block[i] ^ 0x5c;
	hash_padded(pad, &last, 1, out);
	secret_wipe(block, sizeof(block));
	secret_wipe(pad, sizeof(pad));
}

void
base64_encode(char *out, const void *data, size_t len)
{
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i += 3) {
		unsigned rest = len - i > 2 ? 3 : (unsigned)(len - i);
		unsigned bits = (unsigned)in[i] << 16 | (rest > 1 ? (unsigned)in[i + 1] << 8 : 0) |
				(rest > 2 ? in[i + 2] : 0);

		*out++ = alphabet[bits >> 18 & 63];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = rest > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = rest > 2 ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
}

long
base64_decode(void *out, size_t size, const char *text)
{
	size_t len = strlen(text), digits = len, at = 0;
	unsigned char *to = out;
	unsigned bits = 0, have = 0;

	while (digits > 0 && len - digits < 2 && text[digits - 1] == '=')
		digits--;
	if (digits % 4 == 1 || (digits != len && len % 4 != 0))
		return -1;
	for (size_t i = 0; i < digits; i++) {
		const char *found = memchr(alphabet, text[i], 64);

		if (found == NULL)
			return -1;
		bits = bits << 6 | (unsigned)(found - alphabet);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (at == size)
			return -1;
		to[at++] = (unsigned char)(bits >> have);
	}
	return (bits & ((1U << have) - 1)) != 0 ? -1 : (long)at; /* left-over bits must be zero */
}
