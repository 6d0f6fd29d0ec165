/*
 * What a terminal can show.  Promises that no control character of a stranger gets through, and
 * that lines fit.
 */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN     40
#define COLUMNS_MAX     400
#define ROWS_DEFAULT    24

static size_t
fit_columns(long columns)
{
	if (columns <= 0)
		return COLUMNS_DEFAULT;
	if (columns < COLUMNS_MIN)
		return COLUMNS_MIN;
	return columns > COLUMNS_MAX ? COLUMNS_MAX : (size_t)columns;
}

void
term_measure(struct term *term)
{
	const char *given = getenv("COLUMNS");
	struct winsize size = { .ws_col = 0 };
	long columns = given == NULL ? 0 : strtol(given, NULL, 10);
	bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

	if (columns <= 0 && is_known)
		columns = size.ws_col;
	term->columns = fit_columns(columns);
	term->rows = is_known && size.ws_row > 3 ? size.ws_row : ROWS_DEFAULT;
}

void
term_look(struct term *term, bool no_color)
{
	const char *plain = getenv("NO_COLOR"), *kind = getenv("TERM");

	term->is_tty = isatty(STDOUT_FILENO) == 1;
	term->has_color = term->is_tty && !no_color && (plain == NULL || *plain == '\0') &&
			  !str_eq(kind, "dumb");
	term->has_cursor = term->is_tty && kind != NULL && !str_eq(kind, "dumb");
	term_measure(term);
}

void
term_paint(const struct term *term, FILE *out, enum paint paint, const char *text)
{
	static const char *const codes[] = {
		[PAINT_GOOD] = "32",
		[PAINT_WARN] = "33",
		[PAINT_BAD] = "1;31",
		[PAINT_DIM] = "2",
		[PAINT_BOLD] = "1",
	};

	if (term->has_color && paint != PAINT_NONE)
		fprintf(out, "\033[%sm%s\033[0m", codes[paint], text);
	else
		fputs(text, out);
}

enum paint
term_paint_of(const char *word)
{
	static const struct {
		const char *word;
		enum paint paint;
	} rows[] = {
		{ "ok", PAINT_GOOD },
		{ "up", PAINT_GOOD },
		{ "resolved", PAINT_GOOD },
		{ "warning", PAINT_WARN },
		{ "failing", PAINT_WARN },
		{ "cannot tell", PAINT_WARN },
		{ "error", PAINT_WARN },
		{ "critical", PAINT_BAD },
		{ "down", PAINT_BAD },
		{ "fail", PAINT_BAD },
		{ "starting", PAINT_DIM },
		{ "waiting", PAINT_DIM },
		{ "info", PAINT_DIM },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(word, rows[i].word))
			return rows[i].paint;
	return PAINT_NONE;
}

/* U+200E, U+200F, U+2028..U+202E, U+2066..U+2069: they turn what follows around. */
static bool
is_turn(const unsigned char *p)
{
	if (p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

void
term_clean(char *text, bool has_lines)
{
	size_t len = strlen(text);

	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
		/* C1 controls (U+0080..U+009F) are escapes too on some terminals. */
		bool is_c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;

		if (is_c1)
			p[0] = p[1] = '.';
		else if (is_turn(p))
			p[0] = p[1] = p[2] = '.';
		else if (*p == '\n' || *p == '\t')
			*p = has_lines ? *p : ' ';
		else if (*p < 0x20 || *p == 0x7f)
			*p = '.';
	}
	if (!str_is_utf8(text, len))
		str_printable(text, len + 1, text, len);
}

void
term_cut(char *text, size_t columns)
{
	static const char ellipsis[] = "…";
	size_t len = strlen(text), keep = len;

	if (str_columns(text) <= columns)
		return;
	while (keep > 0) {
		keep = str_utf8_cut(text, len, keep - 1);
		text[keep] = '\0';
		if (str_columns(text) < columns)
			break;
	}
	/* The character that went may have been shorter than the ellipsis. */
	if (len - keep >= sizeof(ellipsis) - 1)
		memcpy(text + keep, ellipsis, sizeof(ellipsis));
	else if (len > keep)
		memcpy(text + keep, ".", 2);
}

/* One line of `text`: how many bytes of it fit, at a space if there is one. */
static size_t
fit_line(const char *text, size_t columns)
{
	size_t end = strcspn(text, "\n"), space = 0, at = 0;

	while (at < end) {
		size_t next = at + 1;
		char *part;
		size_t width;

		while (next < end && ((unsigned char)text[next] & 0xc0) == 0x80)
			next++;
		part = xstrndup(text, next);
		width = str_columns(part);
		free(part);
		if (width > columns)
			return space > 0 ? space : at > 0 ? at : next;
		if (text[at] == ' ')
			space = at;
		at = next;
	}
	return end;
}

void
term_print_wrapped(const struct term *term, FILE *out, size_t indent, const char *text)
{
	size_t columns = term->columns > indent + 20 ? term->columns - indent : 20;

	while (*text != '\0') {
		size_t len = fit_line(text, columns);

		fprintf(out, "%*s%.*s\n", (int)indent, "", (int)len, text);
		text += len;
		while (*text == ' ')
			text++;
		text += *text == '\n';
	}
}

void
term_print_command(FILE *out, size_t indent, const char *text)
{
	char *clean = xstrdup(text);

	term_clean(clean, false);
	fprintf(out, "%*s%s\n", (int)indent, "", clean);
	free(clean);
}

void
term_print_marked(
	const struct term *term, FILE *out, enum paint paint, const char *mark, const char *text)
{
	char *line = xasprintf("%s  %s", mark, text), *whole = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&whole, &len);

	term_clean(line, false);
	if (memory != NULL) {
		term_print_wrapped(term, memory, 0, line);
		fclose(memory);
		term_paint(term, out, paint, mark);
		fputs(whole + strlen(mark), out);
	}
	free(whole);
	free(line);
}
