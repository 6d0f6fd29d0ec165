/* Digests over parts, and one RSA encryption: what logging in to a database takes.  No state. */
#ifndef IO_DIGEST_H
#define IO_DIGEST_H

#include "base/err.h"
#include "io/hmac.h"

#define DIGEST_SHA1_SIZE   20
#define DIGEST_SHA256_SIZE 32
#define DIGEST_RSA_MAX     512 /* bytes of an encryption: keys of at most 4096 bits are taken */
#define DIGEST_PEM_MAX     4096

/* Over the parts, one after the other. */
void digest_sha1(
	const struct hmac_part *parts, unsigned count, unsigned char out[DIGEST_SHA1_SIZE]);
void digest_sha256(
	const struct hmac_part *parts, unsigned count, unsigned char out[DIGEST_SHA256_SIZE]);

/* Encrypts for the owner of a public key (PEM, from a stranger): RSA, OAEP with SHA-1.  The length
 * in `out`, or -1: no such key, or too much to encrypt. */
long digest_rsa_oaep(const struct hmac_part *pem, const struct hmac_part *clear,
	unsigned char out[DIGEST_RSA_MAX], struct err *e);

#endif
