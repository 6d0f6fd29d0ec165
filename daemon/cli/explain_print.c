/* What a cause, a rule or a playbook means, in paragraphs.  Owns nothing. */
#include "cli/explain_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"

#define NAME_COLUMNS 29 /* the longest name of a playbook and a blank */

enum label {
	LABEL_LEVEL,
	LABEL_SCENARIOS,
	LABEL_SYMPTOMS,
	LABEL_FACTS,
	LABEL_WHEN,
	LABEL_ELSE,
	LABEL_FOR,
	LABEL_AGAINST,
	LABEL_ROOT,
	LABEL_REMEDY,
	LABEL_DESTRUCTIVE,
	LABEL_IF,
	LABEL_PLAYBOOKS,
	LABEL_ASKED_BY,
	LABEL_KEYS,
	LABEL_RIGHTS,
	LABEL_TYPES,
	LABEL_RULE,
	LABELS
};

static const char *const labels[LABELS][LANG_COUNT] = {
	[LABEL_LEVEL] = { "level", "级别" },
	[LABEL_SCENARIOS] = { "covers", "覆盖场景" },
	[LABEL_SYMPTOMS] = { "seen as", "症状" },
	[LABEL_FACTS] = { "asks for", "采集事实" },
	[LABEL_WHEN] = { "when", "条件" },
	[LABEL_ELSE] = { "when nothing above is true", "以上条件都不成立时" },
	[LABEL_FOR] = { "for it", "支持" },
	[LABEL_AGAINST] = { "against it", "反对" },
	[LABEL_ROOT] = { "the root is", "根源" },
	[LABEL_REMEDY] = { "Remedy", "处理" },
	[LABEL_DESTRUCTIVE] = { "Remedy (destructive, ask first)", "处理（会丢失数据，先确认）" },
	[LABEL_IF] = { "if", "仅当" },
	[LABEL_PLAYBOOKS] = { "Playbooks that tell its causes apart:", "区分其原因的预案：" },
	[LABEL_ASKED_BY] = { "Playbooks that ask for it:", "采集它的预案：" },
	[LABEL_KEYS] = { "What may be asked of it:", "可用的字段：" },
	[LABEL_RIGHTS] = { "it needs", "所需权限" },
	[LABEL_TYPES] = { "about checks of type", "适用的检查类型" },
	[LABEL_RULE] = { "As it is written:", "规则内容：" },
};

struct page {
	const struct term *term;
	enum language language;
};

static const char *
label(const struct page *page, enum label which)
{
	return labels[which][page->language];
}

static void
print_text(const struct page *page, size_t indent, const char *text)
{
	char *clean = xstrdup(text);

	term_clean(clean, true);
	term_print_wrapped(page->term, stdout, indent, clean);
	free(clean);
}

static void
print_pair(const struct page *page, size_t indent, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	char *line = xasprintf("%s%s%s", name, page->language == LANG_ZH ? "：" : ": ", text);
	print_text(page, indent, line);
	free(line);
}

/* "a, b"; owned. */
static char *
joined(const json_t *list)
{
	struct buf out;
	const json_t *one;
	size_t i;

	buf_init(&out, 4000);
	json_array_foreach(list, i, one)
		buf_addf(&out, "%s%s", i > 0 ? ", " : "", json_string_value(one));
	return buf_take_text(&out);
}

static void
print_list(const struct page *page, enum label name, const json_t *list)
{
	char *text = joined(list);

	print_pair(page, 2, label(page, name), text ? text : "");
	free(text);
}

/* "redis, tcp: net.refused; disk-space": owned. */
static char *
symptoms_text(const json_t *symptoms)
{
	struct buf out;
	const json_t *one;
	size_t i;

	buf_init(&out, 4000);
	json_array_foreach(symptoms, i, one)
	{
		char *types = joined(json_object_get(one, "type"));
		char *causes = joined(json_object_get(one, "cause"));
		char *rules = joined(json_object_get(one, "rule"));
		bool has_type = types && *types, has_cause = causes && *causes;
		buf_addf(&out, "%s%s%s%s%s%s", i > 0 ? "; " : "", has_type ? types : "",
			has_type ? ": " : "", has_cause ? causes : "",
			has_cause && rules && *rules ? " " : "", rules ? rules : "");
		free(types);
		free(causes);
		free(rules);
	}
	return buf_take_text(&out);
}

static void
print_symptoms(const struct page *page, const json_t *doc)
{
	char *text = symptoms_text(json_object_get(doc, "symptoms"));

	print_pair(page, 2, label(page, LABEL_SYMPTOMS), text ? text : "");
	free(text);
}

/* --- causes --- */

static void
print_claims(const struct page *page, enum label name, const json_t *claims)
{
	const json_t *one;
	size_t i;

	json_array_foreach(claims, i, one)
	{
		char *line = xasprintf("%s (%s %s)", answer_text(one, "text"),
			label(page, LABEL_IF), answer_text(one, "when"));
		print_pair(page, 5, label(page, name), line);
		free(line);
	}
}

static void
print_steps(const struct page *page, const json_t *steps)
{
	const json_t *one;
	size_t i;

	json_array_foreach(steps, i, one)
	{
		bool is_destructive = json_is_true(json_object_get(one, "destructive"));
		const char *when = answer_text(one, "when");
		char *line = xasprintf("%s%s%s%s%s", answer_text(one, "text"), *when ? " (" : "",
			*when ? label(page, LABEL_IF) : "", *when ? " " : "", when);
		char *whole = xasprintf("%s%s", line, *when ? ")" : "");
		print_pair(page, 5, label(page, is_destructive ? LABEL_DESTRUCTIVE : LABEL_REMEDY),
			whole);
		print_text(page, 9, answer_text(one, "command"));
		free(whole);
		free(line);
	}
}

static void
print_root(const struct page *page, const json_t *root)
{
	const char *of = answer_text(root, "of");

	if (!json_is_object(root))
		return;
	char *text = xasprintf("%s %s", answer_text(root, "type"), of);
	print_pair(page, 5, label(page, LABEL_ROOT), text);
	free(text);
}

static void
print_cause(const struct page *page, size_t number, const json_t *cause)
{
	const char *when = answer_text(cause, "when");
	char *head = xasprintf("%zu. %s (%s)", number, answer_text(cause, "finding"),
		answer_text(cause, "confidence"));

	putchar('\n');
	term_paint(page->term, stdout, PAINT_BOLD, head);
	putchar('\n');
	free(head);
	if (*when != '\0')
		print_pair(page, 5, label(page, LABEL_WHEN), when);
	else
		print_text(page, 5, label(page, LABEL_ELSE));
	print_text(page, 5, answer_text(cause, "title"));
	print_text(page, 5, answer_text(cause, "why"));
	print_claims(page, LABEL_FOR, json_object_get(cause, "for"));
	print_claims(page, LABEL_AGAINST, json_object_get(cause, "against"));
	print_root(page, json_object_get(cause, "root"));
	print_steps(page, json_object_get(cause, "remedy"));
}

/* --- the whole --- */

/* "name      title", what does not fit of the title under its beginning, where there is room. */
static void
print_row(const struct term *term, const char *name, const char *title)
{
	bool has_room = term->columns >= 2 * NAME_COLUMNS;
	char *line = has_room ? xstrdup(title) : xasprintf("%-*s%s", NAME_COLUMNS, name, title);
	char *text = NULL;
	size_t len = 0;
	FILE *memory = has_room ? open_memstream(&text, &len) : NULL;

	term_clean(line, false);
	if (memory == NULL) {
		term_print_wrapped(term, stdout, 0, line);
	} else {
		term_print_wrapped(term, memory, NAME_COLUMNS, line);
		fclose(memory);
		printf("%-*s%s", NAME_COLUMNS, name,
			len > NAME_COLUMNS ? text + NAME_COLUMNS : "\n");
	}
	free(text);
	free(line);
}

void
explain_print_list(const struct term *term, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		print_row(term, answer_text(one, "name"), answer_text(one, "title"));
}

static void
print_title(const struct page *page, const json_t *doc)
{
	const char *title = answer_text(doc, "title");
	char *head = xasprintf("%s%s%s", answer_text(doc, "name"), *title ? ": " : "", title);

	term_clean(head, false);
	term_paint(page->term, stdout, PAINT_BOLD, head);
	putchar('\n');
	free(head);
}

static void
print_keys(const struct page *page, const json_t *keys)
{
	const json_t *one;
	size_t i;

	if (json_array_size(keys) > 0)
		printf("\n%s\n\n", label(page, LABEL_KEYS));
	json_array_foreach(keys, i, one)
	{
		const char *unit = answer_text(one, "unit");
		char *line = xasprintf("%-20s %s%s%s%s", answer_text(one, "name"),
			answer_text(one, "help"), *unit ? " (" : "", unit, *unit ? ")" : "");
		print_text(page, 2, line);
		free(line);
	}
}

void
explain_print(const struct term *term, const json_t *doc, enum language language)
{
	const struct page page = { term, language };
	const json_t *playbooks = json_object_get(doc, "playbooks"), *cause;
	const char *yaml = answer_text(doc, "yaml");
	size_t i;

	print_title(&page, doc);
	print_list(&page, LABEL_LEVEL, json_object_get(doc, "levels"));
	print_list(&page, LABEL_SCENARIOS, json_object_get(doc, "scenarios"));
	print_symptoms(&page, doc);
	print_list(&page, LABEL_FACTS, json_object_get(doc, "facts"));
	print_text(&page, 2, answer_text(doc, "why"));
	print_pair(&page, 2, label(&page, LABEL_REMEDY), answer_text(doc, "remedy"));
	print_pair(&page, 2, label(&page, LABEL_RIGHTS), answer_text(doc, "rights"));
	if (json_array_size(json_object_get(doc, "types")) > 0)
		print_list(&page, LABEL_TYPES, json_object_get(doc, "types"));
	json_array_foreach(json_object_get(doc, "causes"), i, cause)
		print_cause(&page, i + 1, cause);
	if (*yaml != '\0')
		printf("\n%s\n\n%s", label(&page, LABEL_RULE), yaml);
	print_keys(&page, json_object_get(doc, "keys"));
	if (json_array_size(playbooks) > 0) {
		bool is_fact = strcmp(answer_text(doc, "kind"), "fact") == 0;
		printf("\n%s\n\n", label(&page, is_fact ? LABEL_ASKED_BY : LABEL_PLAYBOOKS));
		explain_print_list(term, playbooks);
	}
}
