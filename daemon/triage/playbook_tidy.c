/*
 * What is left of a text when values in it are not known: a remark in brackets loses what cannot
 * be said, a sentence that cannot be said is left out while another remains, and only then the
 * gap is called unknown.  Pure.  Works on shapes: texts in which each value is a mark, so that
 * nothing that a value contains is taken for punctuation.
 */
#include <string.h>

#include "triage/playbook_inside.h"

struct bracket {
	const char *open, *close;
};

static const struct bracket brackets[] = { { "(", ")" }, { "（", "）" } };
static const char *const parts[] = { ", ", "; ", "，", "；" };
static const char *const ends[] = { ". ", "? ", "! ", "; ", "。", "？", "！", "；" };

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static bool
has_gap(const char *from, const char *to)
{
	return memchr(from, PLAYBOOK_GAP, (size_t)(to - from)) != NULL;
}

/* The first of the words from `at` on, before `end`; NULL: none. */
static const char *
find_any(const char *at, const char *end, const char *const *words, size_t count, size_t *len)
{
	const char *first = NULL;

	for (size_t i = 0; i < count; i++) {
		const char *found = memmem(at, (size_t)(end - at), words[i], strlen(words[i]));
		if (!found || (first && found >= first))
			continue;
		first = found;
		*len = strlen(words[i]);
	}
	return first;
}

/* --- brackets --- */

/* What is between them, without the parts that have gaps. */
static void
add_remark(struct buf *out, const struct bracket *bracket, const char *from, const char *to)
{
	bool is_begun = false;
	size_t len = 0;

	if (!has_gap(from, to)) {
		buf_addf(out, "%s%.*s%s", bracket->open, (int)(to - from), from, bracket->close);
		return;
	}
	for (const char *at = from, *next; at < to; at = next) {
		const char *stop = find_any(at, to, parts, COUNT(parts), &len);
		next = stop ? stop + len : to;
		if (has_gap(at, stop ? stop : to))
			continue;
		buf_add_text(out, is_begun ? ", " : bracket->open);
		buf_add(out, at, (size_t)((stop ? stop : to) - at));
		is_begun = true;
	}
	if (is_begun)
		buf_add_text(out, bracket->close);
}

static const char *
next_bracket(const char *at, const struct bracket **which)
{
	const char *first = NULL;

	for (size_t i = 0; i < COUNT(brackets); i++) {
		const char *found = strstr(at, brackets[i].open);
		if (!found || (first && found > first))
			continue;
		first = found;
		*which = &brackets[i];
	}
	return first;
}

static void
tidy_brackets(struct buf *out, const char *at)
{
	const struct bracket *which = NULL;
	const char *open, *close;

	for (; (open = next_bracket(at, &which)); at = close + strlen(which->close)) {
		const char *inside = open + strlen(which->open);
		struct buf remark;

		close = strstr(inside, which->close);
		if (!close)
			break;
		buf_init(&remark, PLAYBOOK_FILLED_MAX);
		add_remark(&remark, which, inside, close);
		bool is_gone = buf_left(&remark) == 0 && open > at && open[-1] == ' ';
		buf_add(out, at, (size_t)(open - at) - is_gone);
		buf_add_text(out, buf_text(&remark));
		buf_fini(&remark);
	}
	buf_add_text(out, at);
}

/* --- sentences --- */

static bool
is_tail(char c)
{
	return c == ' ' || c == ';' || c == ',';
}

static void
tidy_sentences(struct buf *out, const char *text)
{
	const char *all_end = text + strlen(text);
	struct buf kept;
	size_t len = 0;

	buf_init(&kept, PLAYBOOK_FILLED_MAX);
	for (const char *at = text, *next; *at; at = next) {
		const char *stop = find_any(at, all_end, ends, COUNT(ends), &len);
		next = stop ? stop + len : all_end;
		if (!has_gap(at, next))
			buf_add(&kept, at, (size_t)(next - at));
	}
	size_t left = buf_left(&kept);
	while (left > 0 && is_tail(buf_text(&kept)[left - 1]))
		left--;
	if (left > 0)
		buf_add(out, buf_text(&kept), left);
	else
		buf_add_text(out, text);
	buf_fini(&kept);
}

/* --- the whole --- */

void
playbook_tidy(const char *shape, struct buf *out)
{
	struct buf half;

	if (!has_gap(shape, shape + strlen(shape))) {
		buf_add_text(out, shape);
		return;
	}
	buf_init(&half, PLAYBOOK_FILLED_MAX);
	tidy_brackets(&half, shape);
	if (has_gap(buf_text(&half), buf_text(&half) + buf_left(&half)))
		tidy_sentences(out, buf_text(&half));
	else
		buf_add_text(out, buf_text(&half));
	buf_fini(&half);
}
