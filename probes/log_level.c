/*
 * The level stands near the beginning of a line; the first word of the table that is found there
 * decides, so that what an INFO line tells of an ERROR is none.  Words in capitals are whole words:
 * "ERRORS" is none.
 */
#include "probes/log_level.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define LOOKED_MAX 256

static const struct {
	const char *text;
	enum line_level level;
	bool is_word, is_start;
} rows[] = {
	/* PostgreSQL's own way: its FATAL ends one session, as a wrong password does */
	{ "FATAL:  ", LINE_ERROR, true, false },
	{ "PANIC", LINE_PANIC, true, false },
	{ "FATAL", LINE_PANIC, true, false },
	{ "EMERG", LINE_PANIC, true, false },
	{ "ERROR", LINE_ERROR, true, false },
	{ "CRITICAL", LINE_ERROR, true, false },
	{ "SEVERE", LINE_ERROR, true, false },
	{ "[emerg]", LINE_PANIC, false, false },
	{ "[fatal]", LINE_PANIC, false, false },
	{ "[panic]", LINE_PANIC, false, false },
	{ "[error]", LINE_ERROR, false, false },
	{ "[crit]", LINE_ERROR, false, false },
	{ "[alert]", LINE_ERROR, false, false },
	{ "[ERR]", LINE_ERROR, false, false },
	{ "level=fatal", LINE_PANIC, false, false },
	{ "level=panic", LINE_PANIC, false, false },
	{ "level=error", LINE_ERROR, false, false },
	{ "level=critical", LINE_ERROR, false, false },
	{ "\"level\":\"fatal\"", LINE_PANIC, false, false },
	{ "\"level\":\"panic\"", LINE_PANIC, false, false },
	{ "\"level\":\"error\"", LINE_ERROR, false, false },
	{ "\"level\": \"error\"", LINE_ERROR, false, false },
	{ "\"level\": \"fatal\"", LINE_PANIC, false, false },
	{ "panic: ", LINE_PANIC, false, true },
	{ "Traceback (most recent", LINE_ERROR, false, false },
	{ "INFO", LINE_PLAIN, true, false },
	{ "WARN", LINE_PLAIN, true, false },
	{ "WARNING", LINE_PLAIN, true, false },
	{ "NOTICE", LINE_PLAIN, true, false },
	{ "DEBUG", LINE_PLAIN, true, false },
	{ "TRACE", LINE_PLAIN, true, false },
	{ "[info]", LINE_PLAIN, false, false },
	{ "[notice]", LINE_PLAIN, false, false },
	{ "[warn]", LINE_PLAIN, false, false },
	{ "level=info", LINE_PLAIN, false, false },
	{ "level=warn", LINE_PLAIN, false, false },
	{ "\"level\":\"info\"", LINE_PLAIN, false, false },
	{ "\"level\":\"warn", LINE_PLAIN, false, false },
	{ "\"level\": \"info\"", LINE_PLAIN, false, false },
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static const char *
find(const char *line, size_t len, size_t row)
{
	size_t need = strlen(rows[row].text);

	if (rows[row].is_start)
		return len >= need && memcmp(line, rows[row].text, need) == 0 ? line : NULL;
	for (const char *at = line; (size_t)(line + len - at) >= need; at++) {
		at = memmem(at, (size_t)(line + len - at), rows[row].text, need);
		if (at == NULL)
			return NULL;
		if (!rows[row].is_word ||
			((at == line || !is_letter(at[-1])) &&
				(at + need == line + len || !is_letter(at[need]) ||
					!is_letter(at[need - 1]))))
			return at;
	}
	return NULL;
}

enum line_level
log_level_of(const char *line, size_t len, const char **word)
{
	enum line_level level = LINE_PLAIN;
	const char *best = NULL;

	if (len > LOOKED_MAX)
		len = LOOKED_MAX;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = find(line, len, i);

		if (at != NULL && (best == NULL || at < best)) {
			best = at;
			level = rows[i].level;
		}
	}
	*word = best;
	return level;
}

void
log_message_of(const char *line, size_t len, char out[LOG_MESSAGE_MAX])
{
	char clean[LOG_MESSAGE_MAX * 2];
	const char *word;
	size_t to = 0;

	log_level_of(line, len, &word);
	if (word != NULL) {
		len -= (size_t)(word - line);
		line = word;
	}
	str_printable(clean, sizeof(clean), line, len);
	for (const char *c = clean; *c != '\0' && to < LOG_MESSAGE_MAX - 1; c++) {
		bool is_digit = *c >= '0' && *c <= '9';

		if (is_digit && to > 0 && out[to - 1] == '#')
			continue;
		out[to++] = is_digit ? '#' : *c;
	}
	out[str_utf8_cut(out, to, to)] = '\0';
}

/* When there is no room the rarest goes, and the new one takes over its count: what is frequent
 * stays. */
void
log_top_add(struct log_top *top, const char *text, double times)
{
	size_t least = 0;

	for (size_t i = 0; i < top->count; i++) {
		if (str_eq(top->all[i].text, text)) {
			top->all[i].times += times;
			return;
		}
		if (top->all[i].times < top->all[least].times)
			least = i;
	}
	if (top->count < LOG_TOP_MAX) {
		least = top->count++;
		top->all[least].times = 0;
	}
	top->all[least].times += times;
	str_copy(top->all[least].text, sizeof(top->all[least].text), text);
}

void
log_top_fade(struct log_top *top)
{
	size_t kept = 0;

	for (size_t i = 0; i < top->count; i++) {
		top->all[i].times /= 2;
		if (top->all[i].times >= 1)
			top->all[kept++] = top->all[i];
	}
	top->count = kept;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x > y ? -1 : x < y;
}

void
log_top_sort(struct log_top *top)
{
	/* a row begins with its count */
	if (top->count > 1)
		qsort(top->all, top->count, sizeof(top->all[0]), compare);
}
