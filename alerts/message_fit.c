/*
 * How long a text is for those who count it, and cutting it to what they take.  A byte that is no
 * UTF-8 counts as a character.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "alerts/message_words.h"
#include "base/mem.h"

#define MARK "…"

/* Bytes of the character at `text`; a wrong lead byte stands alone. */
static size_t
step(const char *text, size_t len)
{
	unsigned char lead = (unsigned char)text[0];
	size_t need = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;

	if (need > len)
		return 1;
	for (size_t i = 1; i < need; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 1;
	}
	return need;
}

static size_t
weigh(size_t bytes, enum message_unit unit)
{
	if (unit == UNIT_BYTES)
		return bytes;
	return unit == UNIT_UTF16 && bytes == 4 ? 2 : 1;
}

/* The longest beginning within `max`; its size in bytes. */
static size_t
fit(const char *text, size_t max, enum message_unit unit)
{
	size_t len = strlen(text), at = 0, used = 0;

	while (at < len) {
		size_t bytes = step(text + at, len - at);

		used += weigh(bytes, unit);
		if (used > max)
			break;
		at += bytes;
	}
	return at;
}

size_t
message_measure(const char *text, enum message_unit unit)
{
	size_t len = strlen(text), used = 0;

	if (unit == UNIT_BYTES)
		return len;
	for (size_t at = 0; at < len;) {
		size_t bytes = step(text + at, len - at);

		used += weigh(bytes, unit);
		at += bytes;
	}
	return used;
}

char *
message_cut(const char *text, size_t max, enum message_unit unit)
{
	size_t mark = message_measure(MARK, unit);
	size_t whole = fit(text, max, unit), len;

	if (text[whole] == '\0')
		return xstrdup(text);
	if (max < mark)
		return xstrndup(text, whole);
	len = fit(text, max - mark, unit);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\n'))
		len--;
	return xasprintf("%.*s" MARK, (int)len, text);
}

static size_t
count_lines(const char *text)
{
	size_t lines = *text != '\0';

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* The first `lines` of the members, and how many there are besides. */
char *
message_part_lines(const struct message_part *part, size_t lines, enum language language)
{
	size_t all = count_lines(part->text);
	const char *end = part->text;
	struct buf out;
	char more[24];

	buf_init(&out, 0);
	for (size_t i = 0; i < lines && *end != '\0'; i++) {
		end += strcspn(end, "\n");
		end += *end == '\n' && i + 1 < lines;
	}
	buf_add(&out, part->text, (size_t)(end - part->text));
	if (all > lines || part->left_out > 0) {
		snprintf(more, sizeof(more), "%zu",
			part->left_out + (all > lines ? all - lines : 0));
		if (lines > 0)
			buf_add_text(&out, "\n");
		message_say(
			&out, language, SAY_MORE_LINES, &(struct message_fill){ more, NULL, NULL });
	}
	return buf_take_text(&out);
}

char *
message_part_cut(
	const struct message_part *part, size_t max, enum message_unit unit, enum language language)
{
	size_t lines = count_lines(part->text);

	if (part->kind != PART_MEMBERS)
		return message_cut(part->text, max, unit);
	for (;; lines--) {
		char *text = message_part_lines(part, lines, language);

		if (message_measure(text, unit) <= max)
			return text;
		if (lines == 0) {
			char *cut = message_cut(text, max, unit);

			free(text);
			return cut;
		}
		free(text);
	}
}
