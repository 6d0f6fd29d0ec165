/*
 * One event as one line: what it is in a word, how bad it is in syslog's numbers, a text without
 * line ends, and the whole line as it goes to a socket of this host (RFC 3164) or over the network
 * (RFC 5424).  Pure but for the process id and the local time zone.
 */
#ifndef ALERTS_SYSLOG_LINE_H
#define ALERTS_SYSLOG_LINE_H

#include "base/buf.h"
#include "model/notice.h"

#define SYSLOG_LINE_MIN 480  /* what every receiver must take (RFC 5424) */
#define SYSLOG_LINE_MAX 8192 /* beyond that the first ones cut, or close */

/* syslog's levels; also the journal's PRIORITY */
enum { SYSLOG_CRIT = 2, SYSLOG_WARNING = 4, SYSLOG_NOTICE = 5 };

#define SYSLOG_DAEMON 3 /* the facility */

struct syslog_form {
	bool is_network; /* RFC 5424 with structured data; else RFC 3164, for this host */
	int facility;
	const char *host; /* HOSTNAME of the network form */
	size_t max;       /* bytes, within the bounds above */
};

int syslog_level(const struct notice *notice);
/* "incident.opened" -> "OPENED" */
void syslog_word(const char *type, char *out, size_t size);
/* "OPENED critical api: ... (net.refused)": one line of printable UTF-8, of any length.  Owned. */
char *syslog_text(const struct notice *notice);
/* The line, without anything that ends or frames it.  A long text gives way to the element. */
void syslog_line(struct buf *out, const struct syslog_form *form, const struct notice *notice);

#endif
