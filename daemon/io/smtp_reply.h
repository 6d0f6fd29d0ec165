/*
 * Replies of SMTP (RFC 5321 4.2): "250-one CRLF 250 two CRLF".  A pure function over bytes; lines
 * and replies are bounded.
 */
#ifndef IO_SMTP_REPLY_H
#define IO_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define SMTP_LINE_MAX  2048
#define SMTP_LINES_MAX 128
#define SMTP_REPLY_MAX 16384 /* bytes of one whole reply */

enum smtp_read { SMTP_MORE, SMTP_REPLY, SMTP_BROKEN };

struct smtp_reply {
	int code;
	size_t len;     /* bytes that it takes */
	char text[256]; /* of all lines, without their codes, fit to be shown */
};

enum smtp_read smtp_reply_read(const void *data, size_t len, struct smtp_reply *out);

/* The rest of the line of a whole reply to EHLO that begins with `word`: "PLAIN LOGIN" of "AUTH";
 * false: it is not offered. */
bool smtp_reply_offers(const void *data, size_t len, const char *word, char *rest, size_t size);

#endif
