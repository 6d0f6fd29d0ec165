/*
 * The list of causes, in memory: looked up by code, with levels that may rise with age and texts
 * with places to fill in.  Owns nothing that changes.
 */
#include "model/cause.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define CAUSE(code_, level_, warning_s, critical_s, t_en, t_zh, w_en, w_zh, r_en, r_zh)            \
	{                                                                                          \
		.code = (code_),                                                                   \
		.level = SEVERITY_##level_,                                                        \
		.warning_after_us = (warning_s)*USEC_PER_SEC,                                      \
		.critical_after_us = (critical_s)*USEC_PER_SEC,                                    \
		.title = { [LANG_EN] = (t_en), [LANG_ZH] = (t_zh) },                               \
		.why = { [LANG_EN] = (w_en), [LANG_ZH] = (w_zh) },                                 \
		.remedy = { [LANG_EN] = (r_en), [LANG_ZH] = (r_zh) },                              \
	},

/* Sorted by code: found by halving. */
static const struct cause causes[] = {
#include "model/causes.def"
};

#define CAUSES (sizeof(causes) / sizeof(causes[0]))

static const char *const severity_names[] = {
	[SEVERITY_OK] = "ok",
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

#define SEVERITIES (sizeof(severity_names) / sizeof(severity_names[0]))

static int
compare_code(const void *key, const void *row)
{
	return strcmp(key, ((const struct cause *)row)->code);
}

const struct cause *
cause_find(const char *code)
{
	if (code == NULL)
		return NULL;
	return bsearch(code, causes, CAUSES, sizeof(causes[0]), compare_code);
}

const struct cause *
cause_get(const char *code)
{
	const struct cause *cause = cause_find(code);

	assert(cause != NULL);
	return cause;
}

bool
cause_is_event(const char *code)
{
	return str_eq(code, "log.matched");
}

size_t
cause_count(void)
{
	return CAUSES;
}

const struct cause *
cause_at(size_t index)
{
	return index < CAUSES ? &causes[index] : NULL;
}

enum severity
cause_level_at_age(const struct cause *cause, usec_t age_us)
{
	enum severity level = cause->level;

	if (cause->warning_after_us > 0 && age_us >= cause->warning_after_us &&
		level < SEVERITY_WARNING)
		level = SEVERITY_WARNING;
	if (cause->critical_after_us > 0 && age_us >= cause->critical_after_us)
		level = SEVERITY_CRITICAL;
	return level;
}

const char *
severity_name(enum severity severity)
{
	return (size_t)severity < SEVERITIES ? severity_names[severity] : "unknown";
}

int
severity_parse(const char *text)
{
	for (size_t i = 0; i < SEVERITIES; i++)
		if (str_eq(text, severity_names[i]))
			return (int)i;
	return -1;
}

/* The word for the placeholder that `text` begins with; NULL: none of ours. */
static const char *
placeholder(const char *text, const struct cause_words *words, size_t *len)
{
	const struct {
		const char *name, *word;
	} rows[] = {
		{ "{check}", words->check },
		{ "{type}", words->type },
		{ "{target}", words->target },
		{ "{text}", words->text },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_starts(text, rows[i].name))
			continue;
		*len = strlen(rows[i].name);
		return rows[i].word != NULL ? rows[i].word : "";
	}
	return NULL;
}

void
cause_fill(char *out, size_t size, const char *text, const struct cause_words *words)
{
	size_t used = 0;

	if (size == 0)
		return;
	out[0] = '\0';
	while (*text != '\0') {
		const char *from = text;
		size_t len = 1, eaten = 1;
		const char *word = *text == '{' ? placeholder(text, words, &eaten) : NULL;

		if (word != NULL) {
			from = word;
			len = strlen(word);
		} else {
			len = eaten = 1 + strcspn(text + 1, "{");
		}
		bool is_full = len > size - 1 - used;

		if (is_full)
			len = str_utf8_cut(from, len, size - 1 - used);
		memcpy(out + used, from, len);
		used += len;
		out[used] = '\0';
		if (is_full)
			return;
		text += eaten;
	}
}
