/*
 * Digests and RSA-OAEP over OpenSSL.  The key comes from whoever answered, so its size and exponent
 * are looked at before it is used: an encryption must stay a matter of microseconds.
 */
#include "io/digest.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>

#define EXPONENT_BITS_MAX 64
#define KEY_BITS_MIN      1024

static void
must(int rc)
{
	if (rc != 1)
		__builtin_trap(); /* digests of OpenSSL fail for want of memory only */
}

static void
hash(const EVP_MD *kind, const struct hmac_part *parts, unsigned count, unsigned char *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL);
	must(EVP_DigestInit_ex(md, kind, NULL));
	for (unsigned i = 0; i < count; i++)
		must(EVP_DigestUpdate(md, parts[i].data, parts[i].len));
	must(EVP_DigestFinal_ex(md, out, NULL));
	EVP_MD_CTX_free(md);
}

void
digest_sha1(const struct hmac_part *parts, unsigned count, unsigned char out[DIGEST_SHA1_SIZE])
{
	hash(EVP_sha1(), parts, count, out);
}

void
digest_sha256(const struct hmac_part *parts, unsigned count, unsigned char out[DIGEST_SHA256_SIZE])
{
	hash(EVP_sha256(), parts, count, out);
}

static EVP_PKEY *
read_key(const struct hmac_part *pem)
{
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (pem->len == 0 || pem->len > DIGEST_PEM_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	must(bio != NULL);
	key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return key;
}

static bool
is_cheap(const EVP_PKEY *key)
{
	BIGNUM *exponent = NULL;
	bool is_small;

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
		EVP_PKEY_get_bits(key) > DIGEST_RSA_MAX * 8 ||
		EVP_PKEY_get_bits(key) < KEY_BITS_MIN ||
		EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
		return false;
	is_small = BN_num_bits(exponent) <= EXPONENT_BITS_MAX;
	BN_free(exponent);
	return is_small;
}

static long
encrypt(EVP_PKEY *key, const struct hmac_part *clear, unsigned char *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t len = DIGEST_RSA_MAX;
	bool is_done;

	must(ctx != NULL);
	is_done = EVP_PKEY_encrypt_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_encrypt(ctx, out, &len, clear->data, clear->len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return is_done ? (long)len : -1;
}

long
digest_rsa_oaep(const struct hmac_part *pem, const struct hmac_part *clear,
	unsigned char out[DIGEST_RSA_MAX], struct err *e)
{
	EVP_PKEY *key = read_key(pem);
	long len = -1;

	if (key == NULL)
		err_set(e, 0, "the server's public key cannot be read");
	else if (!is_cheap(key))
		err_set(e, 0,
			"the server's public key is not RSA of %d to %d bits with a small exponent",
			KEY_BITS_MIN, DIGEST_RSA_MAX * 8);
	else if ((len = encrypt(key, clear, out)) < 0)
		err_set(e, 0, "the password is too long for the server's public key");
	EVP_PKEY_free(key);
	ERR_clear_error();
	return len;
}
