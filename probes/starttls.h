/*
 * The plain words before TLS on ports that begin without it.  One dialogue is a row of steps over
 * bytes; it opens no connection, keeps nothing but its step, and everything it reads is bounded.
 */
#ifndef PROBES_STARTTLS_H
#define PROBES_STARTTLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Most bytes that any step of any dialogue waits for. */
#define STARTTLS_BYTES_MAX 16384

enum starttls {
	STARTTLS_NONE,
	STARTTLS_SMTP,
	STARTTLS_IMAP,
	STARTTLS_POP3,
	STARTTLS_POSTGRES,
	STARTTLS_MYSQL,
	STARTTLS_LDAP,
	STARTTLS_COUNT
};

/* "none" "smtp" "imap"..., NULL-terminated, in this order. */
extern const char *const starttls_names[];

uint16_t starttls_port(enum starttls kind); /* where such a server usually listens */

enum starttls_turn {
	STARTTLS_MORE,  /* wait for more bytes */
	STARTTLS_GO,    /* agreed: TLS begins behind what was eaten */
	STARTTLS_LACK,  /* the server does not offer it, or says no: see `text` */
	STARTTLS_AWAY,  /* it is that protocol, and the server does not want to talk: see `text` */
	STARTTLS_ALIEN, /* this is not that protocol: see `text` */
};

struct starttls_talk {
	enum starttls kind;
	unsigned step;
	char text[256]; /* what the server said, fit to be shown */
};

/* Hears `len` bytes, of which *eaten were used, and adds to `say` what is to be sent now.  Called
 * first with no bytes at all, because some clients speak first. */
enum starttls_turn starttls_hear(
	struct starttls_talk *talk, const void *data, size_t len, size_t *eaten, struct buf *say);

#endif
