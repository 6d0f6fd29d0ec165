/* A certificate that somebody shows: whatever is in it, its names, dates and key become words. */
#include <assert.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "io/tls_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
explain(X509 *cert)
{
	static const int errors[] = { X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID,
		X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
		X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_CERT_REVOKED };
	char out[160];

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		memset(out, 'x', sizeof(out));
		tls_cert_explain(cert, errors[i], "shop.test", out, sizeof(out));
		assert(memchr(out, '\0', sizeof(out)) != NULL && out[0] != '\0');
		for (const char *p = out; *p != '\0'; p++)
			assert((unsigned char)*p >= ' ');
		tls_cert_doubt(errors[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *cert = d2i_X509(NULL, &at, (long)size);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct tls_chain chain;
	usec_t end_us;

	if (cert != NULL) {
		tls_cert_end(cert, &end_us);
		explain(cert);
		sk_X509_push(sent, cert);
		sk_X509_push(sent, cert);
		memset(&chain, 0, sizeof(chain));
		tls_cert_chain(sent, NULL, &chain);
		assert(chain.count == 2 && chain.weakest < 2);
		assert(str_is_utf8(chain.names, strnlen(chain.names, sizeof(chain.names))));
	}
	sk_X509_free(sent);
	X509_free(cert);
	return 0;
}
