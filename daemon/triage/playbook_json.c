/* A playbook as a document, for the API and for `triage explain`.  Expressions stay as written. */
#include "base/str.h"
#include "model/record.h"
#include "triage/playbook_inside.h"

static const char *const confidence_names[] = { NULL, "possible", "likely", "certain" };

static json_t *
words_json(const struct playbook_words *words, enum language language)
{
	return record_text(playbook_in_language(words, language)->text);
}

static json_t *
strings_json(const struct conf_strings *strings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < strings->count; i++)
		json_array_append_new(list, json_string(strings->all[i]));
	return list;
}

static json_t *
symptoms_json(const struct playbook *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->symptom_count; i++) {
		const struct playbook_symptom *row = &p->symptoms[i];
		json_t *one = json_object();
		json_object_set_new(one, "type", strings_json(&row->type));
		json_object_set_new(one, "cause", strings_json(&row->cause));
		json_object_set_new(one, "rule", strings_json(&row->rule));
		json_array_append_new(list, one);
	}
	return list;
}

static void
set_condition(json_t *doc, const struct expr *when)
{
	json_object_set_new(doc, "when", record_text(when ? expr_text(when) : NULL));
}

static json_t *
claims_json(const struct playbook_lines *claims, enum language language)
{
	json_t *list = json_array();

	for (size_t i = 0; i < claims->count; i++) {
		json_t *one = json_object();
		set_condition(one, claims->all[i].when);
		json_object_set_new(one, "text", words_json(&claims->all[i].text, language));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
steps_json(const struct playbook_lines *steps, enum language language)
{
	json_t *list = json_array();

	for (size_t i = 0; i < steps->count; i++) {
		const struct playbook_line *step = &steps->all[i];
		const char *command = step->command ? step->command->text : NULL;
		json_t *one = json_object();
		set_condition(one, step->when);
		json_object_set_new(one, "text", words_json(&step->text, language));
		json_object_set_new(one, "command", record_text(command));
		json_object_set_new(one, "destructive", json_boolean(step->is_destructive));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
root_json(const struct playbook_cause *cause)
{
	if (!cause->root_type)
		return json_null();
	json_t *root = json_object();
	json_object_set_new(root, "type", json_string(cause->root_type));
	json_object_set_new(root, "of", record_text(cause->root_of ? cause->root_of->text : NULL));
	return root;
}

static json_t *
cause_json(const struct playbook *p, const struct playbook_cause *cause, enum language language)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "finding", json_sprintf("%s.%s", p->name, cause->name));
	json_object_set_new(doc, "confidence", record_text(confidence_names[cause->confidence]));
	set_condition(doc, cause->when);
	json_object_set_new(doc, "title", words_json(&cause->title, language));
	json_object_set_new(doc, "why", words_json(&cause->why, language));
	json_object_set_new(doc, "root", root_json(cause));
	json_object_set_new(doc, "for", claims_json(&cause->pros, language));
	json_object_set_new(doc, "against", claims_json(&cause->cons, language));
	json_object_set_new(doc, "remedy", steps_json(&cause->remedy, language));
	return doc;
}

json_t *
playbook_head_json(const struct playbook *p, enum language language)
{
	json_t *doc = json_object();
	const char *title = p->title[language] ? p->title[language] : p->title[LANG_EN];

	json_object_set_new(doc, "name", json_string(p->name));
	json_object_set_new(doc, "title", record_text(title));
	json_object_set_new(doc, "shipped", json_boolean(!p->path));
	json_object_set_new(doc, "scenarios", strings_json(&p->scenarios));
	json_object_set_new(doc, "symptoms", symptoms_json(p));
	return doc;
}

json_t *
playbook_json(const struct playbook *playbook, enum language language)
{
	const struct playbook_body *body = playbook_body_of(playbook);
	json_t *doc = playbook_head_json(playbook, language), *causes = json_array();

	json_object_set_new(doc, "facts", strings_json(&playbook->facts));
	for (size_t i = 0; body && i < body->cause_count; i++)
		json_array_append_new(causes, cause_json(playbook, &body->causes[i], language));
	json_object_set_new(doc, "causes", causes);
	return doc;
}
