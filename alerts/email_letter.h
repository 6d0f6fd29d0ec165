/*
 * One notice as a whole mail: headers, a text part and an HTML part.  A function of notice and
 * settings alone, so that every try sends the same bytes under the same Message-ID.  Pure.
 *
 * One thread for each incident: the first mail's Message-ID is the incident's, every other one has
 * that of its event and refers to the first.
 */
#ifndef ALERTS_EMAIL_LETTER_H
#define ALERTS_EMAIL_LETTER_H

#include "alerts/email_conf.h"
#include "alerts/message.h"

struct email_letter {
	const struct email_conf *conf;
	const struct notice *notice;
	const struct message *message;
	const char *daemon_name;
	const char *thread_subject; /* of the first mail; NULL: this is it, or it is not known */
	bool is_first;              /* of its incident's thread */
	bool is_brief;              /* for a server that takes small mails only: no HTML */
};

#define EMAIL_LETTER_MAX (128 * 1024) /* bytes that none exceeds */

/* Without the dots of SMTP.  Lines end with CRLF. */
void email_letter_write(const struct email_letter *letter, struct buf *out);
/* What the mails of this incident have in common in their subjects; owned. */
char *email_letter_topic(const struct message *message);

/* The HTML part; nothing in it is markup of anybody but us, nothing is loaded from elsewhere. */
char *email_html_write(const struct message *message);

#endif
