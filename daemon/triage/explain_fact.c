/* What a fact measures, what playbooks may ask of it, and which of them do. */
#include "base/str.h"
#include "model/record.h"
#include "probes/facts/fact.h"
#include "triage/explain.h"
#include "triage/playbook_inside.h"

static bool
asks(const struct playbook *p, const char *fact)
{
	const char *name;

	for (size_t n = 0; (name = playbook_fact(p, n)); n++)
		if (str_eq(name, fact))
			return true;
	return false;
}

static json_t *
keys_of(const struct fact_type *fact)
{
	json_t *list = json_array();

	for (const struct metric_desc *key = fact->keys; key && key->name; key++) {
		json_t *one = json_object();
		const char *unit = unit_symbol(key->unit);
		json_object_set_new(one, "name", json_string(key->name));
		json_object_set_new(one, "unit",
			json_string(key->unit == UNIT_TEXT   ? "text"
				    : key->unit == UNIT_BOOL ? "yes or no"
							     : unit));
		json_object_set_new(one, "help", record_text(key->help));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
types_of(const struct fact_type *fact)
{
	json_t *list = json_array();

	for (size_t n = 0; fact->types && fact->types[n]; n++)
		json_array_append_new(list, json_string(fact->types[n]));
	return list;
}

json_t *
explain_fact(const struct playbooks *playbooks, const char *name, enum language language)
{
	const struct fact_type *fact = fact_find(name);
	const struct playbook *p;
	json_t *doc, *list;

	if (!fact)
		return NULL;
	doc = json_object();
	list = json_array();
	for (size_t n = 0; (p = playbooks_at(playbooks, n)); n++)
		if (asks(p, fact->name))
			json_array_append_new(list, playbook_head_json(p, language));
	json_object_set_new(doc, "kind", json_string("fact"));
	json_object_set_new(doc, "name", json_string(fact->name));
	json_object_set_new(doc, "levels", json_array());
	json_object_set_new(doc, "why", record_text(fact->summary));
	record_put_text(doc, "rights", fact->rights);
	json_object_set_new(doc, "types", types_of(fact));
	json_object_set_new(doc, "keys", keys_of(fact));
	json_object_set_new(doc, "playbooks", list);
	return doc;
}

const char *
explain_fact_at(size_t n)
{
	return fact_table[n] ? fact_table[n]->name : NULL;
}
