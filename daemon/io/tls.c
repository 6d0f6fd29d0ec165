/*
 * TLS contexts and trust stores, shared.  A pool owns the contexts (one for each distinct set of
 * options), the trust stores (one for each CA file) and the sessions kept for resumption.
 *
 * The mutex is here because settings are loaded off the loop while the loop makes calls of its own,
 * and because there may be several loops: contexts and stores are what they share, and OpenSSL
 * counts the references to them atomically; of a kept session each connection has a copy.  It is
 * never held while a file is read, which may take for ever: two who need the same at once may both
 * read, and one of them throws his away.  What is in the lists stays until the pool ends.
 */
#include "io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* A file as it was just before it was read. */
struct source {
	char *path; /* NULL: none */
	struct stat st;
};

struct store {
	struct list node;
	struct source file;
	bool is_outdated; /* under the lock */
	X509_STORE *x509;
};

struct session {
	SSL_SESSION *ssl;
	unsigned uses;
};

struct tls_ctx {
	struct list node;
	struct tls_pool *pool;
	char *ca, *alpn;
	struct source cert, key;
	bool is_unverified, is_any_host;
	bool is_outdated; /* under the lock */
	SSL_CTX *ssl;
	struct store *store; /* NULL: nothing is verified */
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
	free(ctx->cert.path);
	free(ctx->key.path);
	free(ctx->alpn);
	free(ctx);
}

static void
store_free(struct store *store)
{
	X509_STORE_free(store->x509);
	free(store->file.path);
	free(store);
}

void
tls_pool_free(struct tls_pool *pool)
{
	if (pool == NULL)
		return;
	LIST_EACH_SAFE(it, &pool->contexts)
	ctx_free(LIST_ENTRY(it, struct tls_ctx, node));
	LIST_EACH_SAFE(it, &pool->stores)
	store_free(LIST_ENTRY(it, struct store, node));
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
	if (ERR_SYSTEM_ERROR(code)) {
		if (ERR_GET_REASON(code) == ENOMEM)
			mem_end();
		text = strerror(ERR_GET_REASON(code));
	}
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

static void
source_note(struct source *source, const char *path)
{
	source->path = xstrdup(path);
	if (path == NULL || stat(path, &source->st) == -1)
		memset(&source->st, 0, sizeof(source->st));
}

static bool
source_is_changed(const struct source *source)
{
	struct source now;
	bool is_same;

	source_note(&now, source->path);
	is_same = now.st.st_dev == source->st.st_dev && now.st.st_ino == source->st.st_ino &&
		  now.st.st_size == source->st.st_size &&
		  now.st.st_mtim.tv_sec == source->st.st_mtim.tv_sec &&
		  now.st.st_mtim.tv_nsec == source->st.st_mtim.tv_nsec;
	free(now.path);
	return !is_same;
}

static struct store *
store_read(const char *path, struct err *e)
{
	struct store *store;

	if (access(path, R_OK) == -1) {
		err_sys(e, "the CA file %s cannot be read", path);
		return NULL;
	}
	store = xcalloc(1, sizeof(*store));
	source_note(&store->file, path);
	store->x509 = X509_STORE_new();
	if (store->x509 == NULL || X509_STORE_load_file(store->x509, path) != 1) {
		err_set(e, EINVAL, "no certificates in the CA file %s: %s", path, ssl_complaint());
		store_free(store);
		return NULL;
	}
	/* An intermediate or the server's own certificate may be the anchor. */
	X509_STORE_set_flags(store->x509, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	return store;
}

/* Under the lock. */
static struct store *
store_find(const struct tls_pool *pool, const char *path)
{
	LIST_EACH(it, &pool->stores)
	{
		struct store *store = LIST_ENTRY(it, struct store, node);

		if (!store->is_outdated && strcmp(store->file.path, path) == 0)
			return store;
	}
	return NULL;
}

static struct store *
store_get(struct tls_pool *pool, const char *ca, struct err *e)
{
	const char *path = ca != NULL ? ca : system_bundle();
	struct store *store, *fresh;

	if (path == NULL) {
		err_set(e, ENOENT, "no CA certificates on this host: install ca-certificates");
		return NULL;
	}
	pthread_mutex_lock(&pool->lock);
	store = store_find(pool, path);
	pthread_mutex_unlock(&pool->lock);
	if (store != NULL)
		return store;
	fresh = store_read(path, e);
	if (fresh == NULL)
		return NULL;
	pthread_mutex_lock(&pool->lock);
	store = store_find(pool, path);
	if (store == NULL)
		list_append(&pool->stores, &fresh->node);
	pthread_mutex_unlock(&pool->lock);
	if (store == NULL)
		return fresh;
	store_free(fresh);
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
	ctx->store = store;
	SSL_CTX_set1_cert_store(ctx->ssl, store->x509);
	return 0;
}

static struct tls_ctx *
ctx_new(struct tls_pool *pool, const struct tls_options *o, struct err *e)
{
	struct tls_ctx *ctx = xcalloc(1, sizeof(*ctx));

	ctx->pool = pool;
	ctx->ca = xstrdup(o->ca);
	source_note(&ctx->cert, o->cert);
	source_note(&ctx->key, o->key);
	ctx->alpn = xstrdup(o->alpn);
	ctx->is_unverified = o->is_unverified;
	ctx->is_any_host = o->is_any_host;
	ctx->sessions = map_new();
	ERR_clear_error();
	if (set_up(ctx, o, e) == -1) {
		ctx_free(ctx);
		return NULL;
	}
	return ctx;
}

/* Under the lock. */
static struct tls_ctx *
ctx_find(const struct tls_pool *pool, const struct tls_options *o)
{
	LIST_EACH(it, &pool->contexts)
	{
		struct tls_ctx *ctx = LIST_ENTRY(it, struct tls_ctx, node);

		if (!ctx->is_outdated && ctx->is_unverified == o->is_unverified &&
			ctx->is_any_host == o->is_any_host && str_eq(ctx->ca, o->ca) &&
			str_eq(ctx->cert.path, o->cert) && str_eq(ctx->key.path, o->key) &&
			str_eq(ctx->alpn, o->alpn))
			return ctx;
	}
	return NULL;
}

struct tls_ctx *
tls_ctx_get(struct tls_pool *pool, const struct tls_options *o, struct err *e)
{
	struct tls_ctx *ctx, *fresh;

	pthread_mutex_lock(&pool->lock);
	ctx = ctx_find(pool, o);
	pthread_mutex_unlock(&pool->lock);
	if (ctx != NULL)
		return ctx;
	fresh = ctx_new(pool, o, e);
	if (fresh == NULL)
		return NULL;
	pthread_mutex_lock(&pool->lock);
	ctx = ctx_find(pool, o);
	if (ctx == NULL)
		list_append(&pool->contexts, &fresh->node);
	pthread_mutex_unlock(&pool->lock);
	if (ctx == NULL)
		return fresh;
	ctx_free(fresh);
	return ctx;
}

static bool
look_at_store(struct list *node)
{
	return source_is_changed(&LIST_ENTRY(node, struct store, node)->file);
}

static bool
look_at_ctx(struct list *node)
{
	const struct tls_ctx *ctx = LIST_ENTRY(node, struct tls_ctx, node);

	return source_is_changed(&ctx->cert) || source_is_changed(&ctx->key);
}

/* Calls look() for each node, without the lock: nodes only ever join. */
static void
look_at_all(struct tls_pool *pool, struct list *head, bool (*look)(struct list *),
	void (*mark)(struct list *, bool))
{
	struct list *node;

	pthread_mutex_lock(&pool->lock);
	for (node = head->next; node != head; node = node->next) {
		bool is_changed;

		pthread_mutex_unlock(&pool->lock);
		is_changed = look(node);
		pthread_mutex_lock(&pool->lock);
		mark(node, is_changed);
	}
	pthread_mutex_unlock(&pool->lock);
}

static void
mark_store(struct list *node, bool is_changed)
{
	LIST_ENTRY(node, struct store, node)->is_outdated |= is_changed;
}

static void
mark_ctx(struct list *node, bool is_changed)
{
	struct tls_ctx *ctx = LIST_ENTRY(node, struct tls_ctx, node);

	ctx->is_outdated |= is_changed || (ctx->store != NULL && ctx->store->is_outdated);
}

void
tls_pool_look_again(struct tls_pool *pool)
{
	look_at_all(pool, &pool->stores, look_at_store, mark_store);
	look_at_all(pool, &pool->contexts, look_at_ctx, mark_ctx);
}

SSL_CTX *
tls_ctx_ssl(const struct tls_ctx *ctx)
{
	return ctx->ssl;
}

X509_STORE *
tls_ctx_store(const struct tls_ctx *ctx)
{
	return ctx->store == NULL ? NULL : ctx->store->x509;
}

bool
tls_ctx_takes_any_host(const struct tls_ctx *ctx)
{
	return ctx->is_any_host;
}

/* Under the lock. */
static SSL_SESSION *
find_session(const struct tls_ctx *ctx, const char *key)
{
	struct session *session = map_get(ctx->sessions, key);

	if (session == NULL || session->ssl == NULL || !SSL_SESSION_is_resumable(session->ssl))
		return NULL;
	return ++session->uses % TLS_FULL_EVERY == 0 ? NULL : session->ssl;
}

SSL_SESSION *
tls_ctx_session(struct tls_ctx *ctx, const char *key)
{
	SSL_SESSION *ssl;

	pthread_mutex_lock(&ctx->pool->lock);
	ssl = find_session(ctx, key);
	if (ssl != NULL)
		ssl = SSL_SESSION_dup(ssl);
	pthread_mutex_unlock(&ctx->pool->lock);
	return ssl;
}

void
tls_ctx_keep_session(struct tls_ctx *ctx, const char *key, const SSL_SESSION *ssl)
{
	struct session *session;

	pthread_mutex_lock(&ctx->pool->lock);
	session = map_get(ctx->sessions, key);
	if (session == NULL) {
		if (map_count(ctx->sessions) >= SESSIONS_MAX) {
			map_free(ctx->sessions, session_free);
			ctx->sessions = map_new();
		}
		session = xcalloc(1, sizeof(*session));
		map_put(ctx->sessions, key, session);
	}
	SSL_SESSION_free(session->ssl);
	session->ssl = SSL_SESSION_dup(ssl);
	pthread_mutex_unlock(&ctx->pool->lock);
}
