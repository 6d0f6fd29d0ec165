/*
 * One notice as a whole mail.  Every text of strangers goes through mime.h, which lets none of it
 * become a header or a boundary.
 */
#include "alerts/email_letter.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/mime.h"
#include "alerts/standing.h"
#include "base/mem.h"
#include "base/str.h"

#define TEXT_MAX    (16 * 1024) /* bytes of the text part */
#define BRIEF_MAX   2048
#define SUBJECT_MAX 180 /* characters */
#define DOMAIN_ELSE "triaged.invalid"

/* ---- identity ---- */

static const char *
domain_of(const struct email_letter *letter)
{
	const struct email_mailbox *sender = &letter->conf->sender;

	return sender->is_ascii ? strrchr(sender->address, '@') + 1 : DOMAIN_ELSE;
}

static bool
has_thread(const struct email_letter *letter)
{
	return letter->notice->digest == NULL && letter->notice->incident.id[0] != '\0' &&
	       !str_eq(letter->notice->type, NOTICE_TEST);
}

static void
add_identity(const struct email_letter *letter, struct buf *out)
{
	const struct notice *notice = letter->notice;
	char *root = xasprintf("<incident.%s@%s>", notice->incident.id, domain_of(letter));
	char *own = xasprintf("<%s@%s>", notice->id, domain_of(letter));

	if (has_thread(letter) && letter->is_first) {
		mime_add_token(out, "Message-ID", root);
	} else {
		mime_add_token(out, "Message-ID", own);
		if (has_thread(letter)) {
			mime_add_token(out, "In-Reply-To", root);
			mime_add_token(out, "References", root);
		}
	}
	free(root);
	free(own);
}

/* ---- headers ---- */

char *
email_letter_topic(const struct message *message)
{
	return message_cut(message->headline, SUBJECT_MAX, UNIT_CHARS);
}

static void
add_subject(const struct email_letter *letter, struct buf *out)
{
	const struct message *m = letter->message;
	const char *prefix = letter->conf->subject_prefix;
	char *topic = email_letter_topic(m), *title = message_title(m), *subject;

	prefix = prefix == NULL ? "" : prefix;
	if (letter->conf->subject == EMAIL_SUBJECT_STATUS || !has_thread(letter))
		subject = xasprintf("%s%s", prefix, title);
	else
		subject = xasprintf("%s%s%s", letter->is_first ? "" : "Re: ", prefix,
			letter->thread_subject == NULL ? topic : letter->thread_subject);
	free(title);
	title = message_cut(subject, SUBJECT_MAX, UNIT_CHARS);
	mime_add_header(out, "Subject", title);
	free(title);
	free(subject);
	free(topic);
}

static void
add_people(const struct email_letter *letter, struct buf *out)
{
	const struct email_conf *conf = letter->conf;
	const char *name = conf->sender.name;

	buf_add_text(out, "From: ");
	mime_add_mailbox(out, name == NULL ? letter->daemon_name : name, conf->sender.address);
	for (size_t i = 0; i < conf->people_count; i++) {
		buf_add_text(out, i == 0 ? "\r\nTo: " : ",\r\n ");
		mime_add_mailbox(out, conf->people[i].name, conf->people[i].address);
	}
	if (conf->answers.address != NULL) {
		buf_add_text(out, "\r\nReply-To: ");
		mime_add_mailbox(out, conf->answers.name, conf->answers.address);
	}
	buf_add_text(out, "\r\n");
}

/* For filters, and so that no machine answers. */
static void
add_marks(const struct email_letter *letter, struct buf *out)
{
	const struct notice *notice = letter->notice;

	mime_add_token(out, "Auto-Submitted", "auto-generated");
	mime_add_token(out, "X-Auto-Response-Suppress", "All");
	if (notice->severity == SEVERITY_CRITICAL && !notice->is_resolved &&
		standing_is_loud(notice)) {
		mime_add_token(out, "X-Priority", "1 (Highest)");
		mime_add_token(out, "Importance", "high");
	}
	mime_add_header(out, "X-Triaged-Event", notice->type);
	mime_add_token(out, "X-Triaged-Severity", severity_name(notice->severity));
	if (!has_thread(letter))
		return;
	mime_add_header(out, "X-Triaged-Incident", notice->incident.id);
	if (notice->incident.check != NULL)
		mime_add_header(out, "X-Triaged-Check", notice->incident.check);
}

/* ---- the whole ---- */

static char *
write_text(const struct email_letter *letter)
{
	const struct message_form form = {
		.newline = "\n",
		.paragraph = "\n\n",
		.max = letter->is_brief ? BRIEF_MAX : TEXT_MAX,
		.unit = UNIT_BYTES,
		.has_headline = true,
	};

	return message_render(letter->message, &form);
}

/* "=_" stands in no quoted-printable text and in no base64: it can be no line of a part. */
static void
add_alternatives(const struct email_letter *letter, const char *text, struct buf *out)
{
	const char *id = letter->notice->id;
	char *html = email_html_write(letter->message);
	char *type = xasprintf("multipart/alternative; boundary=\"=_%s\"", id);

	mime_add_token(out, "Content-Type", type);
	buf_addf(out, "\r\n--=_%s\r\n", id);
	mime_add_part(out, "text/plain; charset=utf-8", text);
	buf_addf(out, "--=_%s\r\n", id);
	mime_add_part(out, "text/html; charset=utf-8", html);
	buf_addf(out, "--=_%s--\r\n", id);
	free(type);
	free(html);
}

void
email_letter_write(const struct email_letter *letter, struct buf *out)
{
	char *text = write_text(letter);

	mime_add_date(out, letter->notice->at_us);
	add_people(letter, out);
	add_subject(letter, out);
	add_identity(letter, out);
	add_marks(letter, out);
	mime_add_token(out, "MIME-Version", "1.0");
	if (letter->is_brief)
		mime_add_part(out, "text/plain; charset=utf-8", text);
	else
		add_alternatives(letter, text, out);
	free(text);
}
