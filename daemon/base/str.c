/* Text helpers.  Nothing here knows a locale: text is UTF-8, or bytes that pretend to be. */
#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool
str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool
str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text), tail = strlen(suffix);

	return len >= tail && memcmp(text + len - tail, suffix, tail) == 0;
}

/*
 * Length of the character at `text` and its code point; 0 for bytes that are not UTF-8 (cut off,
 * overlong, surrogates, past U+10FFFF).
 */
static size_t
decode(const unsigned char *text, size_t len, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = text[0];
	size_t need = lead < 0x80         ? 1
		      : lead >> 5 == 0x06 ? 2
		      : lead >> 4 == 0x0e ? 3
		      : lead >> 3 == 0x1e ? 4
					  : 0;

	if (!need || need > len)
		return 0;
	uint32_t value = need == 1 ? lead : lead & (0x7fU >> need);
	for (size_t i = 1; i < need; i++) {
		if (text[i] >> 6 != 0x02)
			return 0;
		value = value << 6 | (text[i] & 0x3fU);
	}
	if (value < least[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return need;
}

/* The byte after the class that opens at `glob`; NULL when it never closes. */
static const char *
class_end(const char *glob)
{
	const char *at = glob + 1;

	at += *at == '!' || *at == '^';
	at += *at == ']'; /* first, it is a member */
	at = strchr(at, ']');
	return at ? at + 1 : NULL;
}

static bool
class_has(const char *glob, const char *end, unsigned char c)
{
	const char *at = glob + 1;
	bool is_negated = *at == '!' || *at == '^';
	bool is_in = false;

	for (at += is_negated; at < end - 1; at++) {
		unsigned char low = (unsigned char)at[0], high = low;
		if (at[1] == '-' && at + 2 < end - 1) {
			high = (unsigned char)at[2];
			at += 2;
		}
		is_in |= low <= c && c <= high;
	}
	return is_in != is_negated;
}

/* Matches one element of `*glob` against one character; moves both past it. */
static bool
match_one(const char **text, const char **glob)
{
	const char *end = **glob == '[' ? class_end(*glob) : NULL;

	if (!**text || !**glob)
		return false;
	if (**glob == '?') {
		for (++*text; ((unsigned char)**text & 0xc0) == 0x80;)
			++*text;
		++*glob;
		return true;
	}
	bool is_same = end ? class_has(*glob, end, (unsigned char)**text) : **text == **glob;
	*glob = end ? end : *glob + 1;
	++*text;
	return is_same;
}

const char *
str_skip_label(const char *text, const char *label)
{
	size_t len = label == NULL ? 0 : strlen(label);

	while (len > 0 && strncmp(text, label, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	return text;
}

bool
str_matches_glob(const char *text, const char *glob)
{
	const char *star = NULL, *resume = NULL;

	/* Only the last star is ever retried: time is at most text times glob. */
	for (;;) {
		if (*glob == '*') {
			star = ++glob;
			resume = text;
			continue;
		}
		if (!*text && !*glob)
			return true;
		if (match_one(&text, &glob))
			continue;
		if (!star || !*resume)
			return false;
		text = ++resume;
		glob = star;
	}
}

size_t
str_utf8_cut(const char *text, size_t len, size_t max)
{
	size_t cut = max;

	if (len <= max)
		return len;
	while (cut > 0 && max - cut < 4 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	/* Four continuation bytes in a row are no character: nothing worth keeping whole. */
	return max - cut < 4 ? cut : max;
}

void
str_copy(char *out, size_t size, const char *text)
{
	if (!size)
		return;
	size_t len = text ? str_utf8_cut(text, strlen(text), size - 1) : 0;
	if (len)
		memmove(out, text, len);
	out[len] = '\0';
}

/* Where a character begins at the end of a cut text that is not all there; len: nowhere. */
static size_t
whole_end(const char *text, size_t len)
{
	size_t begin = len;
	unsigned char lead;

	while (begin > 0 && len - begin < 3 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80)
		begin--;
	if (begin == 0)
		return len;
	lead = (unsigned char)text[begin - 1];
	if (lead < 0xc0)
		return len;
	return len - (begin - 1) < (lead >= 0xf0 ? 4U : lead >= 0xe0 ? 3U : 2U) ? begin - 1 : len;
}

void
str_format(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	int wanted;

	va_start(ap, fmt);
	wanted = vsnprintf(out, size, fmt, ap);
	va_end(ap);
	if (wanted > 0 && (size_t)wanted >= size && size > 0)
		out[whole_end(out, size - 1)] = '\0';
}

bool
str_is_utf8(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t point;

	for (size_t step; len > 0; at += step, len -= step) {
		step = decode(at, len, &point);
		if (!step)
			return false;
	}
	return true;
}

struct range {
	uint32_t first, last;
};

/* Marks that sit on the character before them, and characters that show nothing. */
static const struct range no_columns[] = {
	{ 0x0300, 0x036f },
	{ 0x0483, 0x0489 },
	{ 0x0591, 0x05bd },
	{ 0x0610, 0x061a },
	{ 0x064b, 0x065f },
	{ 0x0900, 0x0902 },
	{ 0x093c, 0x093c },
	{ 0x0e31, 0x0e31 },
	{ 0x0e34, 0x0e3a },
	{ 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0x200b, 0x200f },
	{ 0x202a, 0x202e },
	{ 0x2060, 0x2064 },
	{ 0x20d0, 0x20f0 },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
	{ 0xfeff, 0xfeff },
	{ 0xe0100, 0xe01ef },
};

/* Wide and full-width characters, emoji among them. */
static const struct range two_columns[] = {
	{ 0x1100, 0x115f },
	{ 0x231a, 0x231b },
	{ 0x23e9, 0x23ec },
	{ 0x2614, 0x2615 },
	{ 0x2648, 0x2653 },
	{ 0x26a1, 0x26a1 },
	{ 0x26d4, 0x26d4 },
	{ 0x2705, 0x2705 },
	{ 0x274c, 0x274c },
	{ 0x2753, 0x2755 },
	{ 0x2757, 0x2757 },
	{ 0x2b50, 0x2b50 },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },
	{ 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf },
	{ 0xa960, 0xa97c },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff },
	{ 0x1fa70, 0x1faff },
	{ 0x20000, 0x3fffd },
};

static bool
is_within(uint32_t point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count && ranges[i].first <= point; i++)
		if (point <= ranges[i].last)
			return true;
	return false;
}

static size_t
columns_of(uint32_t point)
{
	if (point < 0x20 || point == 0x7f)
		return 0;
	if (is_within(point, no_columns, sizeof no_columns / sizeof no_columns[0]))
		return 0;
	return is_within(point, two_columns, sizeof two_columns / sizeof two_columns[0]) ? 2 : 1;
}

size_t
str_columns(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t len = strlen(text), columns = 0;

	for (size_t step; len > 0; at += step, len -= step) {
		uint32_t point;
		step = decode(at, len, &point);
		columns += step ? columns_of(point) : 1;
		step += !step;
	}
	return columns;
}

/* Words longer than this are only ever equal or altogether different. */
#define DISTANCE_MAX 128

static size_t
least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
str_distance(const char *a, const char *b)
{
	size_t rows[3][DISTANCE_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > DISTANCE_MAX || b_len > DISTANCE_MAX)
		return strcmp(a, b) == 0 ? 0 : a_len > b_len ? a_len : b_len;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	/* Restricted edit distance: rows of the matrix in turn, two kept for transpositions. */
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least_of(change, least_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least_of(row[j], higher[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *
str_nearest(const char *word, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t least = 3;

	for (size_t i = 0; i < count; i++) {
		size_t distance = str_distance(word, candidates[i]);
		if (distance < least && distance * 2 < strlen(word)) {
			least = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

/* How many characters of plain ASCII come next. */
static size_t
plain_ahead(const unsigned char *text, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t n = 0;
	uint64_t eight;

	/* Of eight at once: is one below 0x20, or 0x7f, or not ASCII? */
	for (; len - n >= sizeof(eight); n += sizeof(eight)) {
		memcpy(&eight, text + n, sizeof(eight));
		if (((eight | (eight - ones * 0x20) | ((eight ^ ones * 0x7f) - ones)) & tops) != 0)
			break;
	}
	while (n < len && text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return n;
}

/* Marks that turn the direction of what follows, and separators of lines: they make a text look
 * like another. */
static const struct range turns[] = {
	{ 0x061c, 0x061c },
	{ 0x200e, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2066, 0x2069 },
};

static bool
is_fit_to_show(uint32_t point)
{
	return point >= 0x20 && (point < 0x7f || point > 0x9f) &&
	       !is_within(point, turns, sizeof turns / sizeof turns[0]);
}

void
str_printable(char *out, size_t size, const void *data, size_t len)
{
	const unsigned char *at = data;
	size_t used = 0;

	if (!size)
		return;
	for (size_t step; len > 0; at += step, len -= step) {
		uint32_t point = 0;
		size_t plain = plain_ahead(at, len < size - 1 - used ? len : size - 1 - used);
		memmove(out + used, at, plain); /* `out` may be `data` */
		used += plain;
		at += plain;
		len -= plain;
		if (!len)
			break;
		size_t whole = decode(at, len, &point);
		bool is_shown = whole && is_fit_to_show(point);
		size_t need = is_shown ? whole : 1;
		step = whole ? whole : 1;
		if (used + need > size - 1)
			break;
		if (is_shown)
			memmove(out + used, at, whole);
		else
			out[used] = '.';
		used += need;
	}
	out[used] = '\0';
}
