/*
 * Internet messages (RFC 5322, 2045, 2047) as bytes: header lines that nothing can be smuggled
 * into, and bodies in seven bits.  No line is longer than 76 characters, but for a word that cannot
 * be broken.  Lines end with CRLF.  Pure.
 */
#ifndef ALERTS_MIME_H
#define ALERTS_MIME_H

#include "base/buf.h"
#include "base/clock.h"

/* "Name: text": on one line or folded, in encoded words where it is not plain ASCII.  Line ends and
 * controls become blanks. */
void mime_add_header(struct buf *out, const char *name, const char *text);
/* The same of what is a token by its making (ids, numbers, types): folded at its blanks only. */
void mime_add_token(struct buf *out, const char *name, const char *text);
/* "Date: Fri, 02 Jan 2026 03:04:05 +0000" */
void mime_add_date(struct buf *out, usec_t wall_us);

/* One address of a header: `"web-1, triaged" <a@b>`; name NULL or "": only <a@b>. */
void mime_add_mailbox(struct buf *out, const char *name, const char *address);

/* A whole part: its headers, the empty line, and the text in the encoding that is shorter. */
void mime_add_part(struct buf *out, const char *type, const char *text);

/* As it goes over SMTP: a dot at the beginning of a line is doubled. */
void mime_add_stuffed(struct buf *out, const char *text, size_t len);

#endif
