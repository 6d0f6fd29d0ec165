/* Certificates made while the test runs: one CA for the program, and what it signs. */
#ifndef TESTS_HELP_CERT_H
#define TESTS_HELP_CERT_H

#include <openssl/ssl.h>

#include "tests/help/peer.h"

/* Gives the context a fresh key and a certificate as described; `cert` NULL: a good one. */
void cert_use(SSL_CTX *ctx, const struct peer_cert *cert);

#endif
