/*
 * TLS contexts and trust stores, shared.  A pool owns the contexts (one for each distinct set of
 * options), the trust stores (one for each CA file) and the sessions kept for resumption.
 *
 * The mutex is here because settings are loaded off the loop while the loop makes calls of its own;
 * it is held while files are read, which happens once for each set of options, and by nobody
 * else for longer than a look-up.
 */
#include "io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/tls_conn.h"
#include "io/tls_ctx.h"

#define SESSIONS_MAX 4096 /* of one context; all are dropped when there are more */

static const char *const system_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

struct tls_pool {
	pthread_mutex_t lock;
	struct list contexts;
	struct list stores;
};

struct store {
	struct list node;
	char *path;
	X509_STORE *x509;
};

struct session {
	SSL_SESSION *ssl;
	unsigned uses;
};

struct tls_ctx {
	struct list node;
	struct tls_pool *pool;
	char *ca, *cert, *key, *alpn;
	bool is_unverified;
	SSL_CTX *ssl;
	X509_STORE *store;
	struct map *sessions;
};

struct tls_pool *
tls_pool_new(void)
{
	struct tls_pool *pool = xcalloc(1, sizeof(*pool));

	pthread_mutex_init(&pool->lock, NULL);
	list_init(&pool->contexts);
	list_init(&pool->stores);
	return pool;
}

static void
session_free(void *arg)
{
	struct session *session = arg;

	SSL_SESSION_free(session->ssl);
	free(session);
}

static void
ctx_free(struct tls_ctx *ctx)
{
	map_free(ctx->sessions, session_free);
	SSL_CTX_free(ctx->ssl);
	free(ctx->ca);
	free(ctx->cert);
	free(ctx->key);
	free(ctx->alpn);
	free(ctx);
}

void
tls_pool_free(struct tls_pool *pool)
{
	if (pool == NULL)
		return;
	LIST_EACH_SAFE(it, &pool->contexts)
	ctx_free(LIST_ENTRY(it, struct tls_ctx, node));
	LIST_EACH_SAFE(it, &pool->stores)
	{
		struct store *store = LIST_ENTRY(it, struct store, node);

		X509_STORE_free(store->x509);
		free(store->path);
		free(store);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* The first thing OpenSSL complained about; its queue is empty afterwards. */
static const char *
ssl_complaint(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return text == NULL ? "unknown trouble" : text;
}

static const char *
system_bundle(void)
{
	for (size_t i = 0; i < sizeof(system_bundles) / sizeof(system_bundles[0]); i++) {
		if (access(system_bundles[i], R_OK) == 0)
			return system_bundles[i];
	}
	return NULL;
}

static struct store *
store_get(struct tls_pool *pool, const char *ca, struct err *e)
{
	const char *path = ca != NULL ? ca : system_bundle();
	struct store *store;

	if (path == NULL) {
		err_set(e, ENOENT, "no CA certificates on this host: install ca-certificates");
		return NULL;
	}
	LIST_EACH(it, &pool->stores)
	{
		store = LIST_ENTRY(it, struct store, node);
		if (strcmp(store->path, path) == 0)
			return store;
	}
	if (access(path, R_OK) == -1) {
		err_sys(e, "the CA file %s cannot be read", path);
		return NULL;
	}
	store = xcalloc(1, sizeof(*store));
	store->x509 = X509_STORE_new();
	if (store->x509 == NULL || X509_STORE_load_file(store->x509, path) != 1) {
		err_set(e, EINVAL, "no certificates in the CA file %s: %s", path, ssl_complaint());
		X509_STORE_free(store->x509);
		free(store);
		return NULL;
	}
	/* An intermediate or the server's own certificate may be the anchor. */
	X509_STORE_set_flags(store->x509, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	store->path = xstrdup(path);
	list_append(&pool->stores, &store->node);
	return store;
}

static int
load_client_cert(SSL_CTX *ssl, const struct tls_options *o, struct err *e)
{
	const char *key = o->key != NULL ? o->key : o->cert;

	if (o->cert == NULL && o->key == NULL)
		return 0;
	if (o->cert == NULL)
		return err_set(e, EINVAL, "a key without its certificate");
	if (SSL_CTX_use_certificate_chain_file(ssl, o->cert) != 1)
		return err_set(e, EINVAL, "the client certificate %s cannot be used: %s", o->cert,
			ssl_complaint());
	if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1)
		return err_set(e, EINVAL, "the key %s cannot be used: %s", key, ssl_complaint());
	if (SSL_CTX_check_private_key(ssl) != 1)
		return err_set(e, EINVAL, "the key %s does not belong to the certificate %s", key,
			o->cert);
	return 0;
}

/* A passphrase would be asked for on the terminal. */
static int
no_passphrase(char *out, int size, int is_writing, void *arg)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)arg;
	return 0;
}

static int
set_alpn(SSL_CTX *ssl, const char *alpn, struct err *e)
{
	unsigned char wire[64];
	size_t len = alpn == NULL ? 0 : strlen(alpn);

	if (len == 0)
		return 0;
	if (len >= sizeof(wire))
		return err_set(e, EINVAL, "the ALPN name is too long");
	wire[0] = (unsigned char)len;
	memcpy(wire + 1, alpn, len);
	if (SSL_CTX_set_alpn_protos(ssl, wire, (unsigned)len + 1) != 0)
		return err_set(e, EINVAL, "the ALPN name %s cannot be used", alpn);
	return 0;
}

static int
set_up(struct tls_ctx *ctx, const struct tls_options *o, struct err *e)
{
	struct store *store;

	ctx->ssl = SSL_CTX_new(TLS_client_method());
	if (ctx->ssl == NULL)
		return err_set(e, 0, "OpenSSL gives no context: %s", ssl_complaint());
	SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(ctx->ssl, 1);
	SSL_CTX_set_default_passwd_cb(ctx->ssl, no_passphrase);
	SSL_CTX_set_session_cache_mode(
		ctx->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx->ssl, tls_conn_on_session);
	if (load_client_cert(ctx->ssl, o, e) == -1 || set_alpn(ctx->ssl, o->alpn, e) == -1)
		return -1;
	if (o->is_unverified)
		return 0;
	store = store_get(ctx->pool, o->ca, e);
	if (store == NULL)
		return -1;
	ctx->store = store->x509;
	SSL_CTX_set1_cert_store(ctx->ssl, store->x509);
	return 0;
}

static struct tls_ctx *
ctx_new(struct tls_pool *pool, const struct tls_options *o, struct err *e)
{
	struct tls_ctx *ctx = xcalloc(1, sizeof(*ctx));

	ctx->pool = pool;
	ctx->ca = xstrdup(o->ca);
	ctx->cert = xstrdup(o->cert);
	ctx->key = xstrdup(o->key);
	ctx->alpn = xstrdup(o->alpn);
	ctx->is_unverified = o->is_unverified;
	ctx->sessions = map_new();
	ERR_clear_error();
	if (set_up(ctx, o, e) == -1) {
		ctx_free(ctx);
		return NULL;
	}
	list_append(&pool->contexts, &ctx->node);
	return ctx;
}

static struct tls_ctx *
ctx_find(const struct tls_pool *pool, const struct tls_options *o)
{
	LIST_EACH(it, &pool->contexts)
	{
		struct tls_ctx *ctx = LIST_ENTRY(it, struct tls_ctx, node);

		if (ctx->is_unverified == o->is_unverified && str_eq(ctx->ca, o->ca) &&
			str_eq(ctx->cert, o->cert) && str_eq(ctx->key, o->key) &&
			str_eq(ctx->alpn, o->alpn))
			return ctx;
	}
	return NULL;
}

struct tls_ctx *
tls_ctx_get(struct tls_pool *pool, const struct tls_options *o, struct err *e)
{
	struct tls_ctx *ctx;

	pthread_mutex_lock(&pool->lock);
	ctx = ctx_find(pool, o);
	if (ctx == NULL)
		ctx = ctx_new(pool, o, e);
	pthread_mutex_unlock(&pool->lock);
	return ctx;
}

SSL_CTX *
tls_ctx_ssl(const struct tls_ctx *ctx)
{
	return ctx->ssl;
}

X509_STORE *
tls_ctx_store(const struct tls_ctx *ctx)
{
	return ctx->store;
}

SSL_SESSION *
tls_ctx_session(struct tls_ctx *ctx, const char *key)
{
	struct session *session = map_get(ctx->sessions, key);

	if (session == NULL || !SSL_SESSION_is_resumable(session->ssl))
		return NULL;
	return ++session->uses % TLS_FULL_EVERY == 0 ? NULL : session->ssl;
}

void
tls_ctx_keep_session(struct tls_ctx *ctx, const char *key, SSL_SESSION *ssl)
{
	struct session *session = map_get(ctx->sessions, key);

	if (session == NULL) {
		if (map_count(ctx->sessions) >= SESSIONS_MAX) {
			map_free(ctx->sessions, session_free);
			ctx->sessions = map_new();
		}
		session = xcalloc(1, sizeof(*session));
		map_put(ctx->sessions, key, session);
	}
	SSL_SESSION_free(session->ssl);
	session->ssl = ssl;
}
