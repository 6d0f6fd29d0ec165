/*
 * TLS contexts, shared: one SSL_CTX and one trust store per distinct set of options, so that the
 * CA bundle is parsed once and not per connection.  Verification is on unless said otherwise.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>

#include "base/err.h"

struct tls_pool;
struct tls_ctx;

struct tls_options {
	const char *ca;         /* PEM file; NULL: the system's bundle */
	const char *cert, *key; /* client certificate; NULL: none */
	bool is_unverified;     /* verify: false */
	bool is_any_host;       /* the chain is verified, the name in it may be another */
	const char *alpn;       /* "http/1.1" or NULL */
};

struct tls_pool *tls_pool_new(void);
void tls_pool_free(struct tls_pool *pool);

/*
 * Borrowed; lives as long as the pool.  Files are read at the first call for a set of options
 * (25 ms of CPU for the system bundle), so settings call it when they are loaded, off the loop.
 * Thread-safe.
 */
struct tls_ctx *tls_ctx_get(struct tls_pool *pool, const struct tls_options *o, struct err *e);
/*
 * Looks whether the files are still those that were read: contexts made of others are not given out
 * any more, those who have them keep them.  Reads the disk, so it is called off the loop.
 */
void tls_pool_look_again(struct tls_pool *pool);

#endif
