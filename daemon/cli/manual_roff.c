/*
 * Text for roff: escaped, so that nothing of it is taken for a request, and a page's body out of
 * the Markdown that other tables are already written to.
 */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/manual.h"

void
roff_head(struct buf *out, const char *page, const char *section, const char *what)
{
	buf_addf(out, ".TH %s %s %s \"triaged %s\" \"triaged manual\"\n.SH NAME\n%s \\- %s\n", page,
		section, TRIAGED_DATE, TRIAGED_VERSION, page, what);
}

/* One character; at the start of a line a full stop or an apostrophe would be a request. */
static void
add_char(struct buf *out, char c)
{
	const char *text = buf_text(out);
	size_t len = buf_left(out);
	bool is_first = len == 0 || text[len - 1] == '\n';

	if (is_first && (c == '.' || c == '\''))
		buf_add_text(out, "\\&");
	if (c == '\\')
		buf_add_text(out, "\\e");
	else if (c == '-')
		buf_add_text(out, "\\-");
	else if (c == '\'')
		buf_add_text(out, "\\(aq");
	else if (c == '^' || c == '~')
		buf_add_text(out, c == '^' ? "\\(ha" : "\\(ti");
	else
		buf_add(out, &c, 1);
}

void
roff_plain(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		add_char(out, *text);
	buf_add_text(out, "\n");
}

/* [words](target) -> words (target), a target of the same document without it. */
static const char *
add_link(struct buf *out, const char *at)
{
	const char *middle = strstr(at, "]("), *end = strchr(at, ')');
	const char *other = strchr(at + 1, '[');

	if (middle == NULL || end == NULL || end < middle || (other != NULL && other < middle))
		return NULL;
	for (const char *p = at + 1; p < middle; p++)
		if (*p != '`')
			add_char(out, *p);
	if (middle[2] != '#') {
		buf_add_text(out, " (");
		for (const char *p = middle + 2; p < end; p++)
			add_char(out, *p);
		buf_add_text(out, ")");
	}
	return end;
}

static void
add_text(struct buf *out, const char *text, size_t len)
{
	bool is_code = false;

	for (const char *p = text; p < text + len; p++) {
		const char *end = *p == '[' && !is_code ? add_link(out, p) : NULL;

		if (end != NULL && end < text + len) {
			p = end;
		} else if (*p == '`') {
			is_code = !is_code;
			buf_add_text(out, is_code ? "\\fB" : "\\fR");
		} else if (*p == '\\' && !is_code && p[1] == '|') {
			continue;
		} else if (strncmp(p, "**", 2) == 0 && !is_code) {
			p++;
		} else {
			add_char(out, *p);
		}
	}
}

void
roff_text(struct buf *out, const char *text)
{
	add_text(out, text, strlen(text));
	buf_add_text(out, "\n");
}

void
roff_pairs(struct buf *out, const char *title, const struct manual_pair *pairs)
{
	buf_addf(out, ".SH %s\n", title);
	for (; pairs->name != NULL; pairs++) {
		buf_add_text(out, ".TP\n.B ");
		roff_plain(out, pairs->name);
		roff_text(out, pairs->text);
	}
}

/* ---- Markdown ---- */

/* "| a | b |": the first cell is the tag, the others its text. */
static void
add_row(struct buf *out, const char *line, size_t len)
{
	const char *end = line + len, *at = line + 1;
	unsigned cell = 0;
	bool was_filled = false;

	buf_add_text(out, ".TP\n");
	while (at < end) {
		const char *bar = at;
		size_t width;

		while (bar < end && (*bar != '|' || bar[-1] == '\\'))
			bar++;
		while (at < bar && *at == ' ')
			at++;
		width = (size_t)(bar - at);
		while (width > 0 && at[width - 1] == ' ')
			width--;
		if (width > 0) {
			if (cell > 1 && was_filled)
				buf_add_text(out, "\\(en ");
			add_text(out, at, width);
			buf_add_text(out, "\n");
		} else if (cell == 0) {
			buf_add_text(out, "\\&\n");
		}
		was_filled = cell > 0 && width > 0;
		cell++;
		at = bar + 1;
	}
}

/* Line by line; what stands between two calls. */
struct markdown {
	bool is_code, is_table, is_between; /* an empty line was seen */
};

static void
add_heading(struct buf *out, const char *line, size_t len)
{
	size_t level = strspn(line, "#");
	size_t skip = level + strspn(line + level, " ");

	buf_add_text(out, level <= 2 ? ".SH " : ".SS ");
	add_text(out, line + skip, len - skip);
	buf_add_text(out, "\n");
}

static bool
is_item(const char *line, size_t len)
{
	size_t digits = strspn(line, "0123456789");

	return (len > 2 && strncmp(line, "- ", 2) == 0) ||
	       (digits > 0 && digits + 1 < len && strncmp(line + digits, ". ", 2) == 0);
}

static void
add_item(struct buf *out, const char *line, size_t len)
{
	size_t skip = strcspn(line, " ") + 1;

	if (*line == '-')
		buf_add_text(out, ".IP \\(bu 4\n");
	else
		buf_addf(out, ".IP %.*s 4\n", (int)skip - 1, line);
	add_text(out, line + skip, len - skip);
	buf_add_text(out, "\n");
}

static void
add_table_line(struct markdown *m, struct buf *out, const char *line, size_t len)
{
	bool is_rule = strspn(line, "|-: ") == len;
	bool is_head = !m->is_table;

	m->is_table = true;
	/* Column titles say little where each row stands for itself. */
	if (!is_rule && !is_head)
		add_row(out, line, len);
}

static void
add_line(struct markdown *m, struct buf *out, const char *line, size_t len)
{
	bool was_table = m->is_table;

	m->is_table = false;
	if (m->is_code || strncmp(line, "```", 3) == 0) {
		bool is_fence = strncmp(line, "```", 3) == 0;

		if (is_fence) {
			m->is_code = !m->is_code;
			buf_add_text(out, m->is_code ? ".PP\n.RS 4\n.nf\n" : ".fi\n.RE\n");
		} else {
			for (size_t i = 0; i < len; i++)
				add_char(out, line[i]);
			buf_add_text(out, "\n");
		}
	} else if (len == 0) {
		m->is_between = true;
		return;
	} else if (*line == '#') {
		add_heading(out, line, len);
	} else if (*line == '|') {
		m->is_table = was_table;
		add_table_line(m, out, line, len);
	} else if (is_item(line, len)) {
		add_item(out, line, len);
	} else {
		if (m->is_between)
			buf_add_text(out, ".PP\n");
		add_text(out, line, len);
		buf_add_text(out, "\n");
	}
	m->is_between = *line == '#' ? false : m->is_between && *line == '|';
}

/* A paragraph right behind a heading must not begin with .PP: it would be an empty one. */
void
roff_markdown(struct buf *out, const char *markdown)
{
	struct markdown m = { .is_code = false };
	bool was_heading = false;

	while (*markdown != '\0') {
		size_t len = strcspn(markdown, "\n");

		if (was_heading && len > 0)
			m.is_between = false;
		if (len > 0)
			was_heading = *markdown == '#' && !m.is_code;
		add_line(&m, out, markdown, len);
		markdown += len + (markdown[len] == '\n');
	}
}
