/*
 * One TLS connection.  The verification callback looks at the chain as it is judged, so that a
 * certificate that is refused is still seen: its end, its names, its issuer.
 */
#include "io/tls_conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/tls_cert.h"
#include "io/tls_ctx.h"

#define REASON_SIZE 320

struct tls_conn {
	SSL *ssl;
	struct tls_ctx *ctx;
	char *name;
	char *key; /* of the session */
	bool has_end;
	usec_t end_us;
	bool is_up;      /* the handshake is over */
	bool is_broken;  /* no good-bye any more */
	bool is_done;    /* our good-bye is said */
	bool is_refused; /* the certificate was not acceptable; reason is written */
	enum fault fault;
	struct tls_chain *chain; /* NULL: nobody looks */
	char reason[REASON_SIZE];
};

/* Plain text where a TLS record should be: the peer does not speak TLS here. */
static const int plain_reasons[] = {
	SSL_R_WRONG_VERSION_NUMBER,
	SSL_R_UNKNOWN_PROTOCOL,
	SSL_R_HTTP_REQUEST,
	SSL_R_PACKET_LENGTH_TOO_LONG,
};

/* Two threads may ask for the first time at once: one of their indexes is used by both. */
static int
conn_index(void)
{
	static _Atomic int stored = -1;
	int index = atomic_load(&stored), none = -1;

	if (index != -1)
		return index;
	index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return atomic_compare_exchange_strong(&stored, &none, index) ? index : none;
}

int
tls_conn_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_conn *conn = SSL_get_ex_data(ssl, conn_index());

	if (conn != NULL)
		tls_ctx_keep_session(conn->ctx, conn->key, session);
	return 0; /* it stays OpenSSL's */
}

/* One doubt of each kind, in words, one after the other. */
static void
doubt(struct tls_conn *conn, X509_STORE_CTX *judged)
{
	struct tls_chain *chain = conn->chain;
	int error = X509_STORE_CTX_get_error(judged);
	unsigned kind = tls_cert_doubt(error);
	size_t len = strlen(chain->why);

	/* Self-signed implies an issuer that is not known. */
	if ((chain->doubts & kind) != 0 ||
		(kind == TLS_DOUBT_ISSUER && (chain->doubts & TLS_DOUBT_SELF) != 0))
		return;
	if (len > 0 && len + 3 < sizeof(chain->why)) {
		memcpy(chain->why + len, "; ", 3);
		len += 2;
	}
	chain->doubts |= kind;
	tls_cert_explain(X509_STORE_CTX_get_current_cert(judged), error, conn->name,
		chain->why + len, sizeof(chain->why) - len);
}

static int
on_verify(int is_good, X509_STORE_CTX *judged)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(judged, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *conn = SSL_get_ex_data(ssl, conn_index());

	if (!conn->has_end)
		conn->has_end = tls_cert_end(X509_STORE_CTX_get0_cert(judged), &conn->end_us);
	if (is_good || conn->is_refused)
		return is_good;
	if (conn->chain != NULL) {
		doubt(conn, judged);
		return 1;
	}
	conn->is_refused = true;
	tls_cert_explain(X509_STORE_CTX_get_current_cert(judged), X509_STORE_CTX_get_error(judged),
		conn->name, conn->reason, sizeof(conn->reason));
	return 0;
}

static void
set_names(struct tls_conn *conn, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(conn->ssl);
	struct addr numeric;

	conn->name = xstrdup(name);
	if (conn->name[0] != '\0' && conn->name[strlen(conn->name) - 1] == '.')
		conn->name[strlen(conn->name) - 1] = '\0';
	if (addr_from_numeric(&numeric, conn->name, 0) == 0) {
		if (!tls_ctx_takes_any_host(conn->ctx))
			X509_VERIFY_PARAM_set1_ip_asc(param, conn->name);
		return;
	}
	SSL_set_hostflags(conn->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!tls_ctx_takes_any_host(conn->ctx))
		SSL_set1_host(conn->ssl, conn->name);
	SSL_set_tlsext_host_name(conn->ssl, conn->name);
}

struct tls_conn *
tls_conn_new(struct tls_ctx *ctx, int fd, const char *name, uint16_t port, bool full_handshake)
{
	struct tls_conn *conn = xcalloc(1, sizeof(*conn));
	SSL_SESSION *session;

	ERR_clear_error();
	conn->ctx = ctx;
	conn->ssl = SSL_new(tls_ctx_ssl(ctx));
	if (conn->ssl == NULL || SSL_set_fd(conn->ssl, fd) != 1) {
		SSL_free(conn->ssl);
		free(conn);
		return NULL;
	}
	SSL_set_ex_data(conn->ssl, conn_index(), conn);
	set_names(conn, name);
	conn->key = xasprintf("%s:%u", conn->name, port);
	if (tls_ctx_store(ctx) != NULL)
		SSL_set_verify(conn->ssl, SSL_VERIFY_PEER, on_verify);
	session = full_handshake ? NULL : tls_ctx_session(ctx, conn->key);
	if (session != NULL)
		SSL_set_session(conn->ssl, session);
	SSL_SESSION_free(session);
	SSL_set_connect_state(conn->ssl);
	return conn;
}

static int
on_cert_wanted(SSL *ssl, void *arg)
{
	struct tls_conn *conn = arg;

	(void)ssl;
	conn->chain->asks_cert = true;
	return 1;
}

void
tls_conn_look(struct tls_conn *conn)
{
	if (conn->chain != NULL)
		return;
	conn->chain = xcalloc(1, sizeof(*conn->chain));
	SSL_set_cert_cb(conn->ssl, on_cert_wanted, conn);
}

/* Whatever came of the handshake: what it showed. */
static void
note_chain(struct tls_conn *conn)
{
	struct tls_chain *chain = conn->chain;
	const char *cipher = SSL_get_cipher_name(conn->ssl);

	if (chain == NULL)
		return;
	tls_cert_chain(SSL_get_peer_cert_chain(conn->ssl),
		chain->doubts == 0 && SSL_get_verify_result(conn->ssl) == X509_V_OK
			? SSL_get0_verified_chain(conn->ssl)
			: NULL,
		chain);
	str_copy(chain->version, sizeof(chain->version), SSL_get_version(conn->ssl));
	str_copy(chain->cipher, sizeof(chain->cipher), cipher == NULL ? "" : cipher);
}

const struct tls_chain *
tls_conn_chain(const struct tls_conn *conn)
{
	return conn->chain != NULL && conn->chain->count > 0 ? conn->chain : NULL;
}

void
tls_conn_free(struct tls_conn *conn)
{
	if (conn == NULL)
		return;
	/* Without a good-bye OpenSSL takes the session for unfit to be resumed. */
	if (conn->is_up && !conn->is_broken) {
		ERR_clear_error();
		SSL_shutdown(conn->ssl);
	}
	SSL_set_ex_data(conn->ssl, conn_index(), NULL);
	SSL_free(conn->ssl);
	free(conn->name);
	free(conn->key);
	free(conn->chain);
	free(conn);
}

/* --- what went wrong --- */

static bool
is_plain_reason(int reason)
{
	for (size_t i = 0; i < sizeof(plain_reasons) / sizeof(plain_reasons[0]); i++) {
		if (plain_reasons[i] == reason)
			return true;
	}
	return false;
}

static void
fail_library(struct tls_conn *conn)
{
	unsigned long code = ERR_peek_error();
	const char *text = ERR_reason_error_string(code);
	bool is_ssl = ERR_GET_LIB(code) == ERR_LIB_SSL;

	if (conn->is_refused) {
		conn->fault = FAULT_TLS_VERIFY;
		return;
	}
	if (is_ssl && is_plain_reason(ERR_GET_REASON(code)) && !conn->is_up) {
		conn->fault = FAULT_TLS_UNSUPPORTED;
		snprintf(conn->reason, sizeof(conn->reason), "it does not speak TLS on this port");
		return;
	}
	conn->fault = !conn->is_up || ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET
			      ? FAULT_TLS_HANDSHAKE
			      : FAULT_PROTOCOL;
	snprintf(conn->reason, sizeof(conn->reason), "%s: %s",
		conn->is_up ? "TLS broke down" : "the TLS handshake failed",
		text == NULL ? "no reason given" : text);
}

/* A socket that ends while hands are being shaken did not like the handshake. */
static void
fail_socket(struct tls_conn *conn, int error)
{
	const char *how = error == 0 ? "closed the connection" : strerror(error);

	conn->fault = error == 0 ? FAULT_EOF : fault_from_errno(error);
	if (conn->is_up)
		snprintf(conn->reason, sizeof(conn->reason), "%s", how);
	else
		snprintf(conn->reason, sizeof(conn->reason), "the TLS handshake failed: %s",
			error == 0 ? "the peer closed the connection" : how);
	if (!conn->is_up && (error == 0 || conn->fault == FAULT_RESET))
		conn->fault = FAULT_TLS_HANDSHAKE;
}

static enum tls_status
judge(struct tls_conn *conn, int rc)
{
	int error = errno;

	switch (SSL_get_error(conn->ssl, rc)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return TLS_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		if (conn->is_up)
			return TLS_CLOSED;
		fail_socket(conn, 0);
		break;
	case SSL_ERROR_SYSCALL:
		fail_socket(conn, error);
		break;
	case SSL_ERROR_SSL:
		if (conn->is_done &&
			ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			conn->is_broken = true;
			ERR_clear_error();
			return TLS_CLOSED;
		}
		fail_library(conn);
		break;
	default:
		fail_library(conn);
	}
	conn->is_broken = true;
	ERR_clear_error();
	return TLS_FAILED;
}

enum tls_status
tls_conn_handshake(struct tls_conn *conn)
{
	enum tls_status status;
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(conn->ssl);
	status = rc == 1 ? TLS_DONE : judge(conn, rc);
	if (status != TLS_AGAIN)
		note_chain(conn);
	if (status != TLS_DONE)
		return status;
	conn->is_up = true;
	if (!conn->has_end)
		conn->has_end = tls_cert_end(SSL_get0_peer_certificate(conn->ssl), &conn->end_us);
	return TLS_DONE;
}

enum tls_status
tls_conn_read(struct tls_conn *conn, void *out, size_t size, size_t *len)
{
	ERR_clear_error();
	errno = 0;
	return SSL_read_ex(conn->ssl, out, size, len) == 1 ? TLS_DONE : judge(conn, 0);
}

enum tls_status
tls_conn_write(struct tls_conn *conn, const void *data, size_t size, size_t *len)
{
	ERR_clear_error();
	errno = 0;
	return SSL_write_ex(conn->ssl, data, size, len) == 1 ? TLS_DONE : judge(conn, 0);
}

void
tls_conn_finish(struct tls_conn *conn)
{
	if (conn->is_done || conn->is_broken || !conn->is_up)
		return;
	conn->is_done = true;
	ERR_clear_error();
	SSL_shutdown(conn->ssl);
}

enum fault
tls_conn_fault(const struct tls_conn *conn)
{
	return conn->fault;
}

const char *
tls_conn_reason(const struct tls_conn *conn)
{
	return conn->reason;
}

bool
tls_conn_cert_end(const struct tls_conn *conn, usec_t *end_us)
{
	if (conn->has_end)
		*end_us = conn->end_us;
	return conn->has_end;
}
