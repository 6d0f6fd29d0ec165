/* Tests of daemon/io/digest.c: known digests, and encryptions that the key's owner can read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "io/digest.h"

static void
digests_go_over_the_parts(void **state)
{
	static const struct hmac_part abc[] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	static const unsigned char sha1[] = { 0xa9, 0x99, 0x3e, 0x36 };
	static const unsigned char sha256[] = { 0xba, 0x78, 0x16, 0xbf };
	unsigned char out[DIGEST_SHA256_SIZE];

	(void)state;
	digest_sha1(abc, 3, out);
	assert_memory_equal(out, sha1, sizeof(sha1));
	digest_sha256(abc, 3, out);
	assert_memory_equal(out, sha256, sizeof(sha256));
}

static size_t
write_public(EVP_PKEY *key, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	len = BIO_get_mem_data(bio, &pem);
	assert_true(len > 0 && (size_t)len <= size);
	memcpy(out, pem, (size_t)len);
	BIO_free(bio);
	return (size_t)len;
}

static void
the_owner_reads_it(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	char pem[DIGEST_PEM_MAX];
	unsigned char sealed[DIGEST_RSA_MAX], open[DIGEST_RSA_MAX];
	size_t len = sizeof(open);
	struct hmac_part part = { pem, write_public(key, pem, sizeof(pem)) };
	long size = digest_rsa_oaep(&part, &(struct hmac_part){ "secret", 7 }, sealed, NULL);

	(void)state;
	assert_int_equal(size, 256);
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, open, &len, sealed, (size_t)size), 1);
	assert_int_equal(len, 7);
	assert_memory_equal(open, "secret", 7);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void
odd_keys_are_refused(void **state)
{
	EVP_PKEY *keys[] = { EVP_RSA_gen(512), EVP_EC_gen("P-256"), EVP_RSA_gen(1024) };
	struct hmac_part clear = { "secret", 7 }, none = { "", 0 }, junk = { "-----BEGIN", 10 };
	unsigned char out[DIGEST_RSA_MAX];
	char pem[DIGEST_PEM_MAX], large[300] = "";
	struct err e;

	(void)state;
	assert_int_equal(digest_rsa_oaep(&none, &clear, out, &e), -1);
	assert_int_equal(digest_rsa_oaep(&junk, &clear, out, &e), -1);
	for (size_t i = 0; i < 3; i++) {
		struct hmac_part part = { pem, write_public(keys[i], pem, sizeof(pem)) };
		struct hmac_part much = { large, sizeof(large) };

		assert_int_equal(digest_rsa_oaep(&part, i < 2 ? &clear : &much, out, &e), -1);
		assert_non_null(strstr(e.text, i < 2 ? "not RSA of 1024" : "too long"));
		EVP_PKEY_free(keys[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_go_over_the_parts),
		cmocka_unit_test(the_owner_reads_it),
		cmocka_unit_test(odd_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
