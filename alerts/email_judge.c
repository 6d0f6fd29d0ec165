/*
 * What a refusal of a mail server means for the notice.  Refusals before MAIL are about us (our
 * address, our password, its load) and say nothing about this mail: a person puts them right, and
 * nothing is lost meanwhile.  From MAIL on 4xx is later and 5xx never, with these exceptions.
 */
#include <string.h>

#include "alerts/email_talk.h"
#include "base/str.h"

/* The first row that fits. */
static const struct row {
	enum email_step from, to;
	int code_from, code_to;
	const char *enhanced; /* the text begins with it (RFC 3463); NULL: any */
	struct email_meaning meaning;
} rows[] = {
	/* it shuts down, or has enough of us */
	{ EMAIL_GREETING, EMAIL_QUIT, 421, 421, NULL, { SEND_LATER, SEND_CLASS_SERVER } },
	{ EMAIL_STARTTLS, EMAIL_HANDSHAKE, 0, 999, NULL, { SEND_LATER, SEND_CLASS_TLS } },
	{ EMAIL_AUTH, EMAIL_AUTH_PASSWORD, 0, 999, NULL, { SEND_LATER, SEND_CLASS_AUTH } },
	{ EMAIL_GREETING, EMAIL_EHLO, 0, 999, NULL, { SEND_LATER, SEND_CLASS_SERVER } },
	/* not logged in, or not well enough */
	{ EMAIL_MAIL, EMAIL_DOT, 530, 538, NULL, { SEND_LATER, SEND_CLASS_AUTH } },
	/* too big for good; a full mailbox or a full disk may be emptied */
	{ EMAIL_MAIL, EMAIL_DOT, 552, 552, "5.3.4", { SEND_NEVER, SEND_CLASS_CLIENT } },
	{ EMAIL_MAIL, EMAIL_DOT, 552, 552, NULL, { SEND_LATER, SEND_CLASS_SERVER } },
	{ EMAIL_MAIL, EMAIL_DOT, 500, 599, NULL, { SEND_NEVER, SEND_CLASS_CLIENT } },
	/* 4xx, greylisting among them, and what is no answer to what was said */
	{ EMAIL_GREETING, EMAIL_QUIT, 0, 999, NULL, { SEND_LATER, SEND_CLASS_SERVER } },
};

struct email_meaning
email_judge(enum email_step step, const struct smtp_reply *reply)
{
	const struct row *row = rows;

	while (step < row->from || step > row->to || reply->code < row->code_from ||
		reply->code > row->code_to ||
		(row->enhanced != NULL && !str_starts(reply->text, row->enhanced)))
		row++;
	return row->meaning;
}
