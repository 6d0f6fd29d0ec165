/*
 * Single texts made fit for a place in a structured message (a field, a fact, a title): escaped in
 * the form's markup and, escaped, within a limit.  For whole messages: message_render.  Pure.
 */
#ifndef ALERTS_FIT_H
#define ALERTS_FIT_H

#include "alerts/message.h"

/* Owned.  `max` is measured in the form's unit, after escaping. */
char *fit_text(const struct message_form *form, const char *text, size_t max);
/* The same of a part's text, cut as such parts are cut. */
char *fit_part(const struct message_form *form, const struct message_part *part, size_t max,
	enum language language);
/* A command in the form's block: whole, or NULL.  Half a command is another command. */
char *fit_code(const struct message_form *form, const char *code, size_t max);

/* A text, line by line, escaped. */
void fit_add_escaped(struct buf *out, const struct message_form *form, const char *text);
void fit_add_link(
	struct buf *out, const struct message_form *form, const char *label, const char *url);

/* Bytes of the web address that `text` begins with; 0: it begins with none. */
size_t fit_address_len(const char *text, size_t len);

#endif
