/*
 * TLS on one connected, non-blocking socket: names, resumption, what the certificate said, and the
 * words for what went wrong.  Owns the SSL object, never the socket.
 */
#ifndef IO_TLS_CONN_H
#define IO_TLS_CONN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "io/fault.h"
#include "io/tls.h"
#include "io/tls_chain.h"

struct tls_conn;

enum tls_status {
	TLS_DONE,   /* handshake over; or `len` bytes moved */
	TLS_AGAIN,  /* the socket is not ready */
	TLS_CLOSED, /* the peer said good-bye */
	TLS_FAILED, /* see tls_conn_fault */
};

/* `name` is what SNI says and what is verified; numeric addresses are verified as such. */
struct tls_conn *tls_conn_new(
	struct tls_ctx *ctx, int fd, const char *name, uint16_t port, bool full_handshake);
/*
 * Before the handshake: the certificates are to be looked at.  What is doubtful about them no
 * longer ends the handshake; it is in the chain, and whoever asked decides.
 */
void tls_conn_look(struct tls_conn *conn);
/* What was shown; NULL: nobody asked, or no certificate has come yet. */
const struct tls_chain *tls_conn_chain(const struct tls_conn *conn);
void tls_conn_free(struct tls_conn *conn); /* says good-bye if it can; NULL is fine */

enum tls_status tls_conn_handshake(struct tls_conn *conn);
enum tls_status tls_conn_read(struct tls_conn *conn, void *out, size_t size, size_t *len);
enum tls_status tls_conn_write(struct tls_conn *conn, const void *data, size_t size, size_t *len);

/* Nothing more will be written: says good-bye, and goes on reading.  An end without the peer's
 * good-bye is a good one from then on. */
void tls_conn_finish(struct tls_conn *conn);

enum fault tls_conn_fault(const struct tls_conn *conn);
const char *tls_conn_reason(const struct tls_conn *conn);
/* The end of the peer's certificate on the wall clock; false: none was seen. */
bool tls_conn_cert_end(const struct tls_conn *conn, usec_t *end_us);

/* For the contexts: keeps what the peer gives for resumption. */
int tls_conn_on_session(SSL *ssl, SSL_SESSION *session);

#endif
