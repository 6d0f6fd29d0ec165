/*
 * A scripted peer on loopback, driven by the test's own loop: it listens on a port the kernel chose
 * (or on a unix path), and every connection plays a script.  No thread, no timer, no sleep, so it
 * works with a real clock as well as with a fake one.
 *
 *	static const struct peer_step script[] = {
 *		PEER_EXPECT("\r\n\r\n"),
 *		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
 *		PEER_CLOSE,
 *		PEER_END,
 *	};
 *	struct peer *peer = peer_open(loop, script);
 *	... connect to 127.0.0.1, peer_port(peer); loop_turn_until(loop, is_done, &state, 500); ...
 *	peer_free(peer);
 *
 * When a script is over the connection stays open and what comes in is kept (peer_heard).
 */
#ifndef TESTS_HELP_PEER_H
#define TESTS_HELP_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "io/loop.h"

enum peer_verb {
	PEER_DO_END,
	PEER_DO_EXPECT,       /* waits until `text` was heard after the last thing expected */
	PEER_DO_EXPECT_BYTES, /* waits for `len` bytes after the last thing expected */
	PEER_DO_SEND,
	PEER_DO_TRICKLE,    /* sends one byte for each turn of the loop */
	PEER_DO_CLOSE,      /* an orderly end (with TLS: close_notify first) */
	PEER_DO_HALF_CLOSE, /* no more from here, still listening */
	PEER_DO_RESET,      /* RST */
	PEER_DO_STALL,      /* neither reads nor writes any more */
	PEER_DO_REPEAT, /* sends `text` over and over until `len` bytes have gone; 0: without end */
	PEER_DO_GARBAGE,   /* `len` bytes of every value, the same in every run */
	PEER_DO_START_TLS, /* the plain dialogue is over: TLS handshake on this connection */
};

struct peer_step {
	enum peer_verb verb;
	const char *text;
	size_t len;
};

/* clang-format off */
#define PEER_END { PEER_DO_END, NULL, 0 }
#define PEER_EXPECT(t) { PEER_DO_EXPECT, (t), sizeof(t) - 1 }
#define PEER_EXPECT_BYTES(n) { PEER_DO_EXPECT_BYTES, NULL, (n) }
#define PEER_SEND(t) { PEER_DO_SEND, (t), sizeof(t) - 1 }
#define PEER_SEND_BYTES(t, n) { PEER_DO_SEND, (t), (n) }
#define PEER_TRICKLE(t) { PEER_DO_TRICKLE, (t), sizeof(t) - 1 }
#define PEER_CLOSE { PEER_DO_CLOSE, NULL, 0 }
#define PEER_HALF_CLOSE { PEER_DO_HALF_CLOSE, NULL, 0 }
#define PEER_RESET { PEER_DO_RESET, NULL, 0 }
#define PEER_STALL { PEER_DO_STALL, NULL, 0 }
#define PEER_ENDLESS_LINE { PEER_DO_REPEAT, "x", 0 }
#define PEER_REPEAT(t, n) { PEER_DO_REPEAT, (t), (n) }
#define PEER_HUGE { PEER_DO_REPEAT, "0123456789abcde\n", (size_t)16 << 20 }
#define PEER_GARBAGE { PEER_DO_GARBAGE, NULL, 2048 }
#define PEER_START_TLS { PEER_DO_START_TLS, NULL, 0 }
/* clang-format on */

struct peer_cert {
	const char *names;  /* subjectAltName, "DNS:localhost,IP:127.0.0.1" when NULL */
	int days_left;      /* 0: 90; negative: expired so many days ago */
	int is_self_signed; /* not signed by the CA of peer_ca_path() */
};

struct peer_options {
	const struct peer_step *script;         /* of every connection... */
	const struct peer_step *const *scripts; /* ...or one for each; the last one repeats */
	unsigned script_count;
	const char *unix_path;        /* NULL: TCP */
	int family;                   /* 0 or AF_INET: 127.0.0.1; AF_INET6: ::1 */
	uint16_t port;                /* 0: the kernel chooses */
	int is_tls;                   /* handshake at once */
	const struct peer_cert *cert; /* NULL: a good one */
	const char *alpn;             /* "h2" or "http/1.1", what the server picks; NULL: nothing */
	int is_tls12;                 /* nothing newer */
	const char *client_ca;        /* asks for a client certificate, signed by this PEM file */
};

struct peer;

struct peer *peer_open(struct loop *loop, const struct peer_step *script);
struct peer *peer_open_with(struct loop *loop, const struct peer_options *options);
void peer_free(struct peer *peer); /* closes everything; NULL is fine */

uint16_t peer_port(const struct peer *peer);
/* "127.0.0.1:40123", "[::1]:40123" or the path; good until peer_free. */
const char *peer_address(const struct peer *peer);
unsigned peer_accepted(const struct peer *peer); /* connections so far */
unsigned peer_living(const struct peer *peer);   /* connections still open */
size_t peer_sent(const struct peer *peer);       /* bytes that the kernel took, of all */
unsigned peer_resumed(const struct peer *peer);  /* TLS handshakes that were resumptions */
/* What connection `which` (from 0) sent, decrypted, as text; "" when there is none. */
const char *peer_heard(const struct peer *peer, unsigned which);
size_t peer_heard_len(const struct peer *peer, unsigned which);

/* The test CA that signs the peers' certificates: a PEM file in a temporary folder that goes away
 * when the program ends. */
const char *peer_ca_path(void);
/* A client certificate and its key signed by that CA, in one PEM file. */
const char *peer_client_pem(void);

/* A port on 127.0.0.1 where nobody listens (bound, never listened on, until the program ends). */
uint16_t peer_dead_port(void);

#endif
