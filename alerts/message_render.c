/*
 * A message as one text within a limit.  The rungs are tried from the top: each one says less than
 * the one before it.  What is elastic (evidence, the members of a digest) takes the room that the
 * rung leaves.  Texts are cut before they are escaped, so nothing that markup is made of is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "alerts/message_words.h"
#include "base/mem.h"

#define KIND(kind)   (1U << (kind))
#define ELASTIC      (KIND(PART_FACTS) | KIND(PART_MEMBERS))
#define WHY_ONLY     (KIND(PART_WHY) | KIND(PART_MEMBERS))
#define TO_IMPACT    (WHY_ONLY | KIND(PART_IMPACT))
#define TO_REMEDY    (TO_IMPACT | KIND(PART_REMEDY))
#define TO_TIMES     (TO_REMEDY | KIND(PART_TIMES))
#define TO_HOST      (TO_TIMES | KIND(PART_HOST))
#define TO_NOTE      (TO_HOST | KIND(PART_NOTE))
#define ALL          (TO_NOTE | KIND(PART_FACTS))
#define WHOLE        8000 /* no text is longer */
#define FACTS_LEAST  40   /* characters of evidence that are worth a label */
#define HEADLINE_MAX 160  /* characters, where there is anything else to say */

static const struct rung {
	size_t text_max; /* of each text, in characters */
	unsigned kinds;
	bool has_summary, has_footer, has_link;
} rungs[] = {
	{ WHOLE, ALL, true, true, true },
	{ 400, ALL, true, true, true },
	{ 200, ALL, true, true, true },
	{ 200, TO_NOTE, true, true, true },
	{ 200, TO_HOST, true, true, true },
	{ 200, TO_TIMES, true, true, true },
	{ 120, TO_TIMES, false, true, true },
	{ 120, TO_REMEDY, false, false, true },
	{ 80, TO_REMEDY, false, false, true },
	{ 80, TO_IMPACT, false, false, true },
	{ 80, WHY_ONLY, false, false, true },
	{ 80, KIND(PART_MEMBERS), false, false, true },
	{ 80, 0, false, false, false },
};

struct page {
	const struct message *m;
	const struct message_form *form;
	struct buf *out;
};

static void
put_mark(const struct page *page, const char *mark)
{
	if (mark != NULL)
		buf_add_text(page->out, mark);
}

static void
put_escaped(const struct page *page, const char *text, size_t len, bool is_code)
{
	const struct message_form *form = page->form;

	if (is_code && form->escape_code != NULL)
		form->escape_code(page->out, text, len);
	else if (form->escape != NULL)
		form->escape(page->out, text, len);
	else
		buf_add(page->out, text, len);
}

static void
put_newline(const struct page *page)
{
	buf_add_text(page->out, page->form->newline == NULL ? "\n" : page->form->newline);
}

static void
put_paragraph(const struct page *page)
{
	if (buf_left(page->out) > 0)
		buf_add_text(
			page->out, page->form->paragraph == NULL ? "\n" : page->form->paragraph);
}

static void
put_lines(const struct page *page, const char *text, bool is_code)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		put_escaped(page, text, len, is_code);
		text += len;
		if (*text == '\n') {
			put_newline(page);
			text++;
		}
	}
}

static void
put_cut(const struct page *page, const char *text, size_t max)
{
	char *cut = message_cut(text, max, UNIT_CHARS);

	put_lines(page, cut, false);
	free(cut);
}

static void
put_bold(const struct page *page, const char *text, size_t max)
{
	put_mark(page, page->form->bold[0]);
	put_cut(page, text, max);
	put_mark(page, page->form->bold[1]);
}

static void
put_label(const struct page *page, const struct message_part *part)
{
	const char *colon = message_word(SAY_COLON, page->m->language);

	put_paragraph(page);
	put_bold(page, part->label, WHOLE);
	put_escaped(page, colon, strcspn(colon, " "), false);
	if (part->kind == PART_FACTS)
		put_newline(page);
	else
		put_escaped(page, " ", strlen(strchr(colon, ' ') == NULL ? "" : " "), false);
}

/* A command of several lines wants a block; where there is none each line is code. */
static void
put_code(const struct page *page, const char *code)
{
	const struct message_form *form = page->form;
	bool is_block = strchr(code, '\n') != NULL && form->block[0] != NULL;
	const char *const *marks = is_block ? form->block : form->code;

	put_newline(page);
	while (*code != '\0') {
		size_t len = is_block ? strlen(code) : strcspn(code, "\n");
		char *piece = xstrndup(code, len);

		put_mark(page, marks[0]);
		put_lines(page, piece, true);
		put_mark(page, marks[1]);
		free(piece);
		code += len;
		if (*code == '\n') {
			put_newline(page);
			code++;
		}
	}
}

static void
put_part(const struct page *page, const struct message_part *part, const struct rung *rung)
{
	put_label(page, part);
	put_cut(page, part->text, rung->text_max);
	/* A command that is cut is another command. */
	if (part->code != NULL && message_measure(part->code, UNIT_CHARS) <= rung->text_max * 2)
		put_code(page, part->code);
}

static void
put_head(const struct page *page, const struct rung *rung)
{
	const struct message *m = page->m;

	if (page->form->has_headline) {
		char *title = message_title(m);

		put_bold(page, title, HEADLINE_MAX * 2 < rung->text_max ? WHOLE : HEADLINE_MAX);
		free(title);
	}
	if (rung->has_summary && *m->summary != '\0') {
		put_paragraph(page);
		put_cut(page, m->summary, rung->text_max);
	}
	for (size_t i = 0; i < m->part_count; i++) {
		if (rung->kinds & KIND(m->parts[i].kind) & ~ELASTIC)
			put_part(page, &m->parts[i], rung);
	}
}

static void
put_tail(const struct page *page, const struct rung *rung)
{
	const struct message *m = page->m;

	if (rung->has_link && m->link != NULL) {
		put_paragraph(page);
		if (page->form->link != NULL) {
			page->form->link(page->out, m->link_label, m->link);
		} else {
			put_cut(page, m->link_label, WHOLE);
			put_cut(page, message_word(SAY_COLON, m->language), WHOLE);
			put_cut(page, m->link, WHOLE);
		}
	}
	if (rung->has_footer && *m->footer != '\0') {
		put_paragraph(page);
		put_cut(page, m->footer, rung->text_max);
	}
}

/* ---- what takes the room that is left ---- */

static const struct message_part *
elastic_part(const struct message *m)
{
	const struct message_part *members = message_part(m, PART_MEMBERS);

	return members != NULL ? members : message_part(m, PART_FACTS);
}

/* `size`: lines of members, or characters of evidence. */
static void
put_elastic(const struct page *page, const struct message_part *part, size_t size)
{
	char *text = part->kind == PART_MEMBERS ? message_part_lines(part, size, page->m->language)
						: message_cut(part->text, size, UNIT_CHARS);

	if (part->kind == PART_MEMBERS)
		put_paragraph(page);
	else
		put_label(page, part);
	put_lines(page, text, false);
	free(text);
}

static size_t
count_lines(const char *text)
{
	size_t lines = 1;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

static size_t
measure(const struct page *page)
{
	return message_measure(buf_text(page->out), page->form->unit);
}

static void
cut_back(struct buf *out, size_t len)
{
	char *kept = xstrndup(buf_text(out), len);

	buf_reset(out);
	buf_add_text(out, kept);
	free(kept);
}

static size_t
measure_elastic(const struct page *page, const struct message_part *part, size_t size)
{
	size_t before = buf_left(page->out), used;

	put_elastic(page, part, size);
	used = measure(page);
	cut_back(page->out, before);
	return used;
}

/* The most of it that keeps the page within `max`; false: not even the least does. */
static bool
fill_elastic(const struct page *page, const struct message_part *part, size_t max)
{
	size_t all = part->kind == PART_MEMBERS ? count_lines(part->text)
						: message_measure(part->text, UNIT_CHARS);
	size_t least = part->kind == PART_MEMBERS ? 0 : all < FACTS_LEAST ? all : FACTS_LEAST;
	size_t low = least, high = all;

	if (measure_elastic(page, part, least) > max)
		return false;
	while (low < high) {
		size_t middle = high - (high - low) / 2;

		if (measure_elastic(page, part, middle) <= max)
			low = middle;
		else
			high = middle - 1;
	}
	put_elastic(page, part, low);
	return true;
}

/* ---- all ---- */

/* Whether this rung fits; `out` is the text then. */
static bool
climb(const struct page *page, const struct rung *rung)
{
	const struct message_part *part = elastic_part(page->m);
	size_t max = page->form->max, tail;
	struct buf end;

	buf_reset(page->out);
	put_head(page, rung);
	/* The tail is made behind a head, so that its paragraph counts. */
	buf_init(&end, 0);
	buf_add_text(&end, buf_text(page->out));
	put_tail(&(struct page){ page->m, page->form, &end }, rung);
	tail = message_measure(buf_text(&end), page->form->unit) - measure(page);
	buf_fini(&end);
	if (measure(page) + tail > max)
		return false;
	if (part != NULL && (rung->kinds & KIND(part->kind)) != 0 &&
		!fill_elastic(page, part, max - tail) && part->kind == PART_MEMBERS)
		return false;
	put_tail(page, rung);
	return measure(page) <= max;
}

/* As much of the title as there is room for. */
static void
put_title_alone(const struct page *page)
{
	char *title = message_title(page->m);
	size_t size = message_measure(title, UNIT_CHARS);

	if (size > page->form->max)
		size = page->form->max;
	buf_reset(page->out);
	if (page->form->has_headline)
		put_bold(page, title, size);
	while (measure(page) > page->form->max) {
		buf_reset(page->out);
		if (size == 0)
			break;
		put_cut(page, title, --size);
	}
	free(title);
}

char *
message_render(const struct message *m, const struct message_form *form)
{
	struct buf out;
	const struct page page = { m, form, &out };
	bool is_done = false;

	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]) && !is_done; i++)
		is_done = climb(&page, &rungs[i]);
	if (!is_done)
		put_title_alone(&page);
	return buf_take_text(&out);
}
