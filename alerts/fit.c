/*
 * Cut first, then escape, and look how long it became: never the other way round, because a cut
 * through an escape makes markup.
 */
#include "alerts/fit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef char *(*cut_fn)(const void *text, size_t max, const struct message_form *form);

void
fit_add_escaped(struct buf *out, const struct message_form *form, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, "\n");

		if (form->escape != NULL)
			form->escape(out, text, len);
		else
			buf_add(out, text, len);
		if (text[len] == '\0')
			return;
		buf_add_text(out, form->newline);
		text += len + 1;
	}
}

void
fit_add_link(struct buf *out, const struct message_form *form, const char *label, const char *url)
{
	if (form->link != NULL) {
		form->link(out, label, url);
		return;
	}
	fit_add_escaped(out, form, label);
	buf_addf(out, ": %s", url);
}

size_t
fit_address_len(const char *text, size_t len)
{
	size_t at = 7;

	if (len < 8 || (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0))
		return 0;
	while (at < len &&
		(isalnum((unsigned char)text[at]) ||
			(text[at] != '\0' && strchr("-._~:/?#@!$&+,;=%", text[at]) != NULL)))
		at++;
	return at;
}

/* Escaping makes a text longer by an unknown measure: less of it is tried until it fits. */
static char *
fit(const struct message_form *form, cut_fn cut, const void *text, size_t max)
{
	for (size_t room = max;;) {
		char *raw = cut(text, room, form);
		struct buf out;
		size_t len;

		buf_init(&out, 0);
		fit_add_escaped(&out, form, raw);
		free(raw);
		len = message_measure(buf_text(&out), form->unit);
		if (len <= max)
			return buf_take_text(&out);
		buf_fini(&out);
		if (room == 0)
			return xstrdup("");
		room = room * max / len < room ? room * max / len : room - 1;
	}
}

static char *
cut_text(const void *text, size_t max, const struct message_form *form)
{
	return message_cut(text, max, form->unit);
}

char *
fit_text(const struct message_form *form, const char *text, size_t max)
{
	return fit(form, cut_text, text, max);
}

struct spoken_part {
	const struct message_part *part;
	enum language language;
};

static char *
cut_part(const void *arg, size_t max, const struct message_form *form)
{
	const struct spoken_part *spoken = arg;

	return message_part_cut(spoken->part, max, form->unit, spoken->language);
}

char *
fit_part(const struct message_form *form, const struct message_part *part, size_t max,
	enum language language)
{
	const struct spoken_part spoken = { part, language };

	return fit(form, cut_part, &spoken, max);
}

char *
fit_code(const struct message_form *form, const char *code, size_t max)
{
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, form->block[0] == NULL ? "" : form->block[0]);
	if (form->escape_code != NULL)
		form->escape_code(&out, code, strlen(code));
	else
		buf_add_text(&out, code);
	buf_add_text(&out, form->block[1] == NULL ? "" : form->block[1]);
	if (message_measure(buf_text(&out), form->unit) <= max)
		return buf_take_text(&out);
	buf_fini(&out);
	return NULL;
}
