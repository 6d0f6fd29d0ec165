/* What the rest of daemon/io may do with a shared TLS context. */
#ifndef IO_TLS_CTX_H
#define IO_TLS_CTX_H

#include <openssl/ssl.h>

#include "io/tls.h"

SSL_CTX *tls_ctx_ssl(const struct tls_ctx *ctx);
X509_STORE *tls_ctx_store(const struct tls_ctx *ctx); /* NULL when nothing is verified */
bool tls_ctx_takes_any_host(const struct tls_ctx *ctx);

/*
 * Sessions kept for resumption, by "host:port".  One handshake in TLS_FULL_EVERY with a peer is a
 * full one, because a resumed one does not show that the certificate was changed.
 */
#define TLS_FULL_EVERY 20
/* The caller's own; NULL: do it all. */
SSL_SESSION *tls_ctx_session(struct tls_ctx *ctx, const char *key);
void tls_ctx_keep_session(struct tls_ctx *ctx, const char *key, const SSL_SESSION *session);

#endif
