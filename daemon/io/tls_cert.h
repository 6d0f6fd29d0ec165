/* Certificates in words: when they end, whom they name, why one is not acceptable. */
#ifndef IO_TLS_CERT_H
#define IO_TLS_CERT_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/clock.h"
#include "io/tls_chain.h"

/* On the wall clock; false: there is no certificate or no readable end. */
bool tls_cert_end(const X509 *cert, usec_t *end_us);
/* `error` is an X509_V_ERR_ code for `cert` (may be NULL), `wanted` the name that was asked for. */
void tls_cert_explain(X509 *cert, int error, const char *wanted, char *out, size_t size);
/* The kind of doubt that an X509_V_ERR_ code is. */
enum tls_doubt tls_cert_doubt(int error);
/* Certificates as they were sent, into the facts; `key` too.  `used`: the way that was found to an
 * authority; NULL: none was, and each that was sent counts for the weakest. */
void tls_cert_chain(STACK_OF(X509) * sent, STACK_OF(X509) * used, struct tls_chain *out);

#endif
