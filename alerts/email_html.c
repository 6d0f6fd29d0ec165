/*
 * A message in HTML, for a phone: one column, no table, no picture, nothing loaded from elsewhere.
 * Colours of text and ground are the reader's own (light or dark); ours is one bar, by severity.
 */
#include <stdlib.h>
#include <string.h>

#include "alerts/email_letter.h"
#include "base/str.h"

#define PART_MAX     6000 /* bytes of each text */
#define HEADLINE_MAX 600
#define LABEL_MAX    200

static void
add_escaped(struct buf *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '&')
			buf_add_text(out, "&amp;");
		else if (*c == '<')
			buf_add_text(out, "&lt;");
		else if (*c == '>')
			buf_add_text(out, "&gt;");
		else if (*c == '"')
			buf_add_text(out, "&quot;");
		else if (*c == '\'')
			buf_add_text(out, "&#39;");
		else if ((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t')
			buf_add(out, c, 1);
	}
}

/* An element of ours around a text of anybody. */
static void
add_element(struct buf *out, const char *tag, const char *style, const char *text, size_t max)
{
	char *fit = message_cut(text, max, UNIT_BYTES);

	buf_addf(out, "<%s style=\"%s\">", tag, style);
	add_escaped(out, fit);
	buf_addf(out, "</%s>\n", tag);
	free(fit);
}

static void
add_part(struct buf *out, const struct message_part *part, enum language language)
{
	char *text = message_part_cut(part, PART_MAX, UNIT_BYTES, language);

	add_element(
		out, "div", "margin-top:14px;font-size:13px;opacity:.7", part->label, LABEL_MAX);
	if (text[0] != '\0')
		add_element(
			out, "div", "white-space:pre-wrap;overflow-wrap:anywhere", text, PART_MAX);
	if (part->code != NULL && strlen(part->code) <= PART_MAX) /* whole or not at all */
		add_element(out, "pre",
			"margin:6px 0 0;padding:8px;border:1px solid #8888;border-radius:4px;"
			"white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px",
			part->code, PART_MAX);
	free(text);
}

static bool
is_web(const char *url)
{
	return url != NULL && (str_starts(url, "https://") || str_starts(url, "http://"));
}

static void
add_link(struct buf *out, const struct message *m)
{
	if (!is_web(m->link))
		return;
	buf_add_text(out, "<p style=\"margin:18px 0 0\"><a href=\"");
	add_escaped(out, m->link);
	buf_addf(out,
		"\" style=\"display:inline-block;padding:9px 16px;border-radius:4px;"
		"background:#%06X;color:#ffffff;text-decoration:none\">",
		m->colour & 0xffffffU);
	add_escaped(out, m->link_label);
	buf_add_text(out, "</a></p>\n");
}

char *
email_html_write(const struct message *m)
{
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n"
			   "<meta name=\"viewport\" content=\"width=device-width\">\n"
			   "<meta name=\"color-scheme\" content=\"light dark\">\n"
			   "<meta name=\"supported-color-schemes\" content=\"light dark\">\n"
			   "</head>\n<body style=\"margin:0;padding:12px\">\n");
	buf_addf(&out,
		"<div dir=\"auto\" style=\"max-width:640px;border-left:6px solid #%06X;"
		"padding:2px 0 2px 14px;font:16px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,"
		"'Noto Sans CJK SC',sans-serif\">\n",
		m->colour & 0xffffffU);
	buf_addf(&out, "<div style=\"font-weight:bold\">%s ", m->icon);
	add_escaped(&out, m->status);
	buf_add_text(&out, "</div>\n");
	add_element(&out, "div", "font-size:20px;line-height:1.3;margin:4px 0 8px", m->headline,
		HEADLINE_MAX);
	if (m->summary[0] != '\0')
		add_element(&out, "div", "white-space:pre-wrap;overflow-wrap:anywhere", m->summary,
			PART_MAX);
	for (size_t i = 0; i < m->part_count; i++)
		add_part(&out, &m->parts[i], m->language);
	add_link(&out, m);
	add_element(
		&out, "div", "margin-top:18px;font-size:12px;opacity:.6", m->footer, HEADLINE_MAX);
	buf_add_text(&out, "</div>\n</body></html>\n");
	return buf_take_text(&out);
}
