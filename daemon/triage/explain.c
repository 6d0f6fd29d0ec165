/* Words of messages, looked up in all catalogues.  Owns nothing. */
#include "triage/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"
#include "rules/rules.h"
#include "triage/playbook_inside.h"

#define NEAR_MAX 5
#define PART_MIN 3

/* --- levels --- */

static void
add_level(json_t *levels, const char *level)
{
	const json_t *one;
	size_t i;

	json_array_foreach(levels, i, one) if (str_eq(json_string_value(one), level)) return;
	json_array_append_new(levels, json_string(level));
}

static const char *
rule_yaml(const char *rule)
{
	for (size_t i = 0; i < rule_builtin_count(); i++)
		if (str_eq(rule_builtin_name(i), rule))
			return rule_builtin_yaml(i);
	return NULL;
}

/* Levels are keys of a rule, at the beginning of lines. */
static void
add_levels_of_rule(json_t *levels, const char *rule)
{
	const char *yaml = rule_yaml(rule);

	for (int level = SEVERITY_CRITICAL; yaml && level >= SEVERITY_INFO; level--) {
		const char *name = severity_name((enum severity)level);
		char *key = xasprintf("\n%s:", name);
		if (strstr(yaml, key) || str_starts(yaml, key + 1))
			add_level(levels, name);
		free(key);
	}
}

static void
add_levels_of_cause(json_t *levels, const struct cause *cause)
{
	if (cause->critical_after_us > 0)
		add_level(levels, severity_name(SEVERITY_CRITICAL));
	if (cause->warning_after_us > 0)
		add_level(levels, severity_name(SEVERITY_WARNING));
	add_level(levels, severity_name(cause->level));
}

/* "net.*" stands for what there is. */
static void
add_levels_of_glob(json_t *levels, const char *glob)
{
	for (size_t i = 0; i < cause_count(); i++)
		if (str_matches_glob(cause_at(i)->code, glob))
			add_levels_of_cause(levels, cause_at(i));
}

static json_t *
levels_of(const struct playbook *p)
{
	json_t *levels = json_array();

	for (size_t n = 0; n < p->symptom_count; n++) {
		const struct playbook_symptom *row = &p->symptoms[n];
		for (size_t i = 0; i < row->cause.count; i++)
			add_levels_of_glob(levels, row->cause.all[i]);
		for (size_t i = 0; i < row->rule.count; i++)
			add_levels_of_rule(levels, row->rule.all[i]);
	}
	return levels;
}

/* --- playbooks that treat something --- */

static bool
treats(const struct playbook *p, const char *cause, const char *rule)
{
	for (size_t n = 0; n < p->symptom_count; n++) {
		const struct playbook_symptom *row = &p->symptoms[n];
		for (size_t i = 0; cause && i < row->cause.count; i++)
			if (str_matches_glob(cause, row->cause.all[i]))
				return true;
		for (size_t i = 0; rule && i < row->rule.count; i++)
			if (str_eq(rule, row->rule.all[i]))
				return true;
	}
	return false;
}

static json_t *
playbooks_for(const struct playbooks *playbooks, const char *cause, const char *rule,
	enum language language)
{
	json_t *list = json_array();
	const struct playbook *p;

	for (size_t n = 0; (p = playbooks_at(playbooks, n)); n++)
		if (treats(p, cause, rule))
			json_array_append_new(list, playbook_head_json(p, language));
	return list;
}

json_t *
explain_playbooks(const struct playbooks *playbooks, enum language language)
{
	json_t *list = json_array();
	const struct playbook *p;

	for (size_t n = 0; (p = playbooks_at(playbooks, n)); n++)
		json_array_append_new(list, playbook_head_json(p, language));
	return list;
}

/* --- the kinds --- */

static json_t *
new_doc(const char *kind, const char *name)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "kind", json_string(kind));
	json_object_set_new(doc, "name", json_string(name));
	return doc;
}

static void
cut_out(char *at, size_t len)
{
	memmove(at, at + len, strlen(at + len) + 1);
}

/* What a sample said is left out where the sentence stands without it, and ends as one. */
static void
drop_sample(char *text)
{
	static const struct {
		const char *said, *end;
		bool is_first; /* it has a sentence of its own, and that begins the text */
	} rows[] = {
		{ "{text}. ", "", true },
		{ "{text}。", "", true },
		{ ": {text}", ".", false },
		{ "：{text}", "。", false },
		{ ". {text}", ".", false },
		{ "。{text}", "。", false },
		{ " ({text})", "", false },
		{ "（{text}）", "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].said), kept = 0;
		char *at = strstr(text, rows[i].said);

		if (at == NULL || (rows[i].is_first && at != text))
			continue;
		if (at[len] == '\0') {
			kept = strlen(rows[i].end);
			memcpy(at, rows[i].end, kept);
		}
		cut_out(at + kept, len - kept);
	}
}

/* The texts of a cause are about a check that is not there. */
static void
set_words(json_t *doc, const char *key, const char *const texts[LANG_COUNT], enum language language)
{
	static const struct cause_words places = {
		.check = "CHECK", .type = "TYPE", .target = "TARGET", .text = "…"
	};
	char *text = xstrdup(texts[language] ? texts[language] : texts[LANG_EN]);
	char out[2000] = "";

	if (text != NULL) {
		drop_sample(text);
		cause_fill(out, sizeof(out), text, &places);
	}
	json_object_set_new(doc, key, json_string(out));
	free(text);
}

static json_t *
explain_cause(const struct playbooks *playbooks, const struct cause *cause, enum language language)
{
	json_t *doc = new_doc("cause", cause->code), *levels = json_array();

	add_levels_of_cause(levels, cause);
	json_object_set_new(doc, "levels", levels);
	set_words(doc, "title", cause->title, language);
	set_words(doc, "why", cause->why, language);
	set_words(doc, "remedy", cause->remedy, language);
	json_object_set_new(
		doc, "playbooks", playbooks_for(playbooks, cause->code, NULL, language));
	return doc;
}

static json_t *
explain_rule(const struct playbooks *playbooks, const char *rule, enum language language)
{
	json_t *doc = new_doc("rule", rule), *levels = json_array();

	add_levels_of_rule(levels, rule);
	json_object_set_new(doc, "levels", levels);
	json_object_set_new(doc, "yaml", record_text(rule_yaml(rule)));
	json_object_set_new(doc, "playbooks", playbooks_for(playbooks, NULL, rule, language));
	return doc;
}

static json_t *
explain_playbook(const struct playbook *p, enum language language)
{
	json_t *doc = playbook_json(p, language);

	json_object_set_new(doc, "kind", json_string("playbook"));
	json_object_set_new(doc, "levels", levels_of(p));
	return doc;
}

/* NULL: the playbook has no such finding. */
static json_t *
explain_finding(const struct playbook *p, const char *word, enum language language)
{
	json_t *doc = explain_playbook(p, language), *kept = json_array(), *one;
	size_t i;

	json_array_foreach(json_object_get(doc, "causes"), i,
		one) if (str_eq(json_string_value(json_object_get(one, "finding")), word))
		json_array_append(kept, one);
	if (json_array_size(kept) == 0) {
		json_decref(kept);
		json_decref(doc);
		return NULL;
	}
	json_object_set_new(doc, "kind", json_string("finding"));
	json_object_set_new(doc, "causes", kept);
	return doc;
}

static const struct playbook *
playbook_of_finding(const struct playbooks *playbooks, const char *word)
{
	const char *dot = strchr(word, '.');
	char *name = dot ? xstrndup(word, (size_t)(dot - word)) : NULL;
	const struct playbook *p = name ? playbooks_named(playbooks, name) : NULL;

	free(name);
	return p;
}

/* --- suggestions --- */

struct near {
	const char *word;
	const char *all[NEAR_MAX];
	size_t far[NEAR_MAX];
	size_t count;
};

/* A part of a name is near, too: "oom" for "redis-stopped.oom-killed". */
static void
consider(struct near *near, const char *name)
{
	const char *tail = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
	size_t far = str_distance(near->word, name), of_tail = str_distance(near->word, tail);
	size_t at = near->count;

	if (of_tail < far)
		far = of_tail + 1;
	if (strlen(near->word) >= PART_MIN && strstr(name, near->word))
		far = 1;
	if (far > 1 && far > strlen(near->word) / 2)
		return;
	while (at > 0 && near->far[at - 1] > far)
		at--;
	if (at == NEAR_MAX)
		return;
	if (near->count < NEAR_MAX)
		near->count++;
	for (size_t i = near->count - 1; i > at; i--) {
		near->all[i] = near->all[i - 1];
		near->far[i] = near->far[i - 1];
	}
	near->all[at] = name;
	near->far[at] = far;
}

static void
consider_findings(struct near *near, const struct playbook *p, json_t *names)
{
	const struct playbook_body *body = playbook_body_of(p);

	for (size_t i = 0; body && i < body->cause_count; i++) {
		json_t *name = json_sprintf("%s.%s", p->name, body->causes[i].name);
		json_array_append_new(names, name);
		consider(near, json_string_value(name));
	}
}

static int
say_unknown(const struct playbooks *playbooks, const char *word, struct err *e)
{
	struct near near = { .word = word };
	json_t *names = json_array();
	const struct playbook *p;
	struct buf list;

	for (size_t i = 0; i < cause_count(); i++)
		consider(&near, cause_at(i)->code);
	for (size_t i = 0; i < rule_builtin_count(); i++)
		consider(&near, rule_builtin_name(i));
	for (size_t i = 0; explain_fact_at(i); i++)
		consider(&near, explain_fact_at(i));
	for (size_t n = 0; (p = playbooks_at(playbooks, n)); n++) {
		consider(&near, playbook_name(p));
		consider_findings(&near, p, names);
	}
	buf_init(&list, 400);
	for (size_t i = 0; i < near.count; i++)
		buf_addf(&list, "%s%s", i > 0 ? ", " : "; the nearest are ", near.all[i]);
	err_set(e, 0, "no cause, finding, playbook, rule or fact is called \"%.80s\"%s", word,
		buf_text(&list));
	buf_fini(&list);
	json_decref(names);
	return -1;
}

json_t *
explain_word(
	const struct playbooks *playbooks, const char *word, enum language language, struct err *e)
{
	const struct cause *cause = cause_find(word);
	const struct playbook *p = playbooks_named(playbooks, word);
	json_t *doc = NULL;

	if (cause)
		return explain_cause(playbooks, cause, language);
	if (p)
		return explain_playbook(p, language);
	if (rule_yaml(word))
		return explain_rule(playbooks, word, language);
	p = playbook_of_finding(playbooks, word);
	if (p)
		doc = explain_finding(p, word, language);
	if (!doc)
		doc = explain_fact(playbooks, word, language);
	if (!doc && e)
		say_unknown(playbooks, word, e);
	return doc;
}
