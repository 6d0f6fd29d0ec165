/* Samples to JSON.  Pure; unknown numbers are absent, never 0. */
#include "model/sample_json.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "model/record.h"

static bool
is_network(const struct sample *s)
{
	return metric_index(s->metrics, "dns_time") == PHASE_DNS;
}

/* "dns_time" -> "dns" */
static json_t *
show_phases(const struct sample *s)
{
	json_t *phases = json_object();

	if (!is_network(s))
		return phases;
	for (size_t i = 0; i < PHASE_TOTAL && i < s->metric_count; i++) {
		char name[32];

		if (!isfinite(s->values[i]))
			continue;
		str_copy(name, sizeof(name), s->metrics[i].name);
		if (str_ends(name, "_time"))
			name[strlen(name) - strlen("_time")] = '\0';
		json_object_set_new(phases, name, json_real(s->values[i]));
	}
	return phases;
}

static json_t *
show_values(const struct sample *s)
{
	json_t *values = json_object();

	for (size_t i = 0; i < s->metric_count; i++)
		if (isfinite(s->values[i]))
			json_object_set_new(values, s->metrics[i].name, json_real(s->values[i]));
	return values;
}

/* Of rows that the type's catalogue cannot name: what settings or a plugin brought. */
static json_t *
show_units(const struct sample *s)
{
	json_t *units = json_object();

	for (size_t i = 0; i < s->metric_count; i++)
		if (isfinite(s->values[i]) && s->metrics[i].unit != UNIT_NONE)
			json_object_set_new(units, s->metrics[i].name,
				json_string(unit_symbol(s->metrics[i].unit)));
	return units;
}

static json_t *
show_facts(const struct sample *s)
{
	json_t *facts = json_array();

	for (unsigned i = 0; i < s->fact_count; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "name", record_text(s->facts[i].name));
		json_object_set_new(one, "text", record_text(s->facts[i].text));
		json_array_append_new(facts, one);
	}
	return facts;
}

static json_t *
show_notes(const struct sample *s)
{
	json_t *notes = json_array();

	for (unsigned i = 0; i < s->note_count; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "cause", record_text(s->notes[i].cause->code));
		json_object_set_new(one, "text", record_text(s->notes[i].text));
		json_array_append_new(notes, one);
	}
	return notes;
}

json_t *
sample_json(const struct sample *s)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "outcome", json_string(outcome_name(s->outcome)));
	json_object_set_new(
		doc, "cause", s->cause == NULL ? json_null() : record_text(s->cause->code));
	json_object_set_new(doc, "text", record_text(s->text));
	json_object_set_new(doc, "at", record_time(s->wall_us));
	json_object_set_new(doc, "duration", json_real((double)s->took_us / 1e6));
	json_object_set_new(doc, "phases", show_phases(s));
	json_object_set_new(doc, "values", show_values(s));
	if (metric_is_interned(s->metrics))
		json_object_set_new(doc, "units", show_units(s));
	json_object_set_new(doc, "facts", show_facts(s));
	json_object_set_new(doc, "notes", show_notes(s));
	return doc;
}
