/* A small formatter before the large one.  Pure. */
#include "base/print.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 20

enum piece { PIECE_OTHER, PIECE_TEXT, PIECE_INT, PIECE_UNSIGNED, PIECE_SIZE };

/* What stands behind a "%", and how long it is. */
static enum piece
piece_at(const char *at, size_t *len)
{
	*len = 1;
	switch (*at) {
	case 's':
		return PIECE_TEXT;
	case 'd':
		return PIECE_INT;
	case 'u':
		return PIECE_UNSIGNED;
	case 'z':
		*len = 2;
		return at[1] == 'u' ? PIECE_SIZE : PIECE_OTHER;
	default:
		return PIECE_OTHER;
	}
}

static bool
is_plain(const char *fmt)
{
	size_t len;

	while ((fmt = strchr(fmt, '%')) != NULL) {
		if (piece_at(fmt + 1, &len) == PIECE_OTHER)
			return false;
		fmt += 1 + len;
	}
	return true;
}

char *
print_digits(char *out, unsigned long number)
{
	char digits[DIGITS_MAX];
	char *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return mempcpy(out, at, (size_t)(digits + sizeof(digits) - at));
}

struct line {
	char *at, *end; /* the last byte is for the end of the text */
};

static void
put(struct line *line, const char *text, size_t len)
{
	size_t room = (size_t)(line->end - line->at);

	len = len < room ? len : room;
	memcpy(line->at, text, len);
	line->at += len;
}

static void
put_number(struct line *line, unsigned long number, bool is_negative)
{
	char text[DIGITS_MAX + 1] = "-";
	char *end = print_digits(text + 1, number);
	const char *begin = is_negative ? text : text + 1;

	put(line, begin, (size_t)(end - begin));
}

static void
put_int(struct line *line, int number)
{
	long value = number;

	put_number(line, (unsigned long)(value < 0 ? -value : value), value < 0);
}

static void
put_text(struct line *line, const char *text)
{
	text = text == NULL ? "(null)" : text;
	put(line, text, strlen(text));
}

void
print_args(char *out, size_t size, const char *fmt, va_list ap)
{
	struct line line;
	const char *sign;
	size_t len;

	if (size == 0 || !is_plain(fmt)) {
		vsnprintf(out, size, fmt, ap);
		return;
	}
	line = (struct line){ out, out + size - 1 };
	for (; (sign = strchr(fmt, '%')) != NULL; fmt = sign + 1 + len) {
		enum piece piece = piece_at(sign + 1, &len);

		put(&line, fmt, (size_t)(sign - fmt));
		if (piece == PIECE_TEXT)
			put_text(&line, va_arg(ap, const char *));
		else if (piece == PIECE_INT)
			put_int(&line, va_arg(ap, int));
		else if (piece == PIECE_UNSIGNED)
			put_number(&line, va_arg(ap, unsigned), false);
		else
			put_number(&line, va_arg(ap, size_t), false);
	}
	put_text(&line, fmt);
	*line.at = '\0';
}

void
print_text(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_args(out, size, fmt, ap);
	va_end(ap);
}
