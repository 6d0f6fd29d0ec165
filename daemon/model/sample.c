/*
 * Samples: plain values that own their facts, notes and numbers.  A copy shares nothing with its
 * original but the static tables.
 */
#include "model/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *
outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_NONE] = "none",
		[OUTCOME_OK] = "ok",
		[OUTCOME_FAIL] = "fail",
		[OUTCOME_ERROR] = "error",
	};

	return (size_t)outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "none";
}

const char *
check_state_name(enum check_state state)
{
	static const char *const names[] = {
		[CHECK_UNKNOWN] = "unknown",
		[CHECK_UP] = "up",
		[CHECK_SUSPECT] = "suspect",
		[CHECK_DOWN] = "down",
		[CHECK_STARTING] = "starting",
	};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

void
sample_init(struct sample *s, const struct metric_desc *metrics)
{
	memset(s, 0, sizeof(*s));
	s->metrics = metrics;
	s->metric_count = metric_count(metrics);
	s->text = xstrdup("");
	if (s->metric_count == 0)
		return;
	s->values = xcalloc(s->metric_count, sizeof(*s->values));
	for (size_t i = 0; i < s->metric_count; i++)
		s->values[i] = NAN;
}

void
sample_fini(struct sample *s)
{
	for (unsigned i = 0; i < s->fact_count; i++)
		free(s->facts[i].text);
	for (unsigned i = 0; i < s->note_count; i++)
		free(s->notes[i].text);
	for (size_t i = 0; i < s->child_count; i++)
		free(s->children[i]);
	free(s->children);
	free(s->values);
	free(s->facts);
	free(s->notes);
	free(s->text);
	memset(s, 0, sizeof(*s));
}

/* As many as there are: copies are kept for every check, most of them have none. */
static void
copy_facts(struct sample *to, const struct sample *from)
{
	to->facts = NULL;
	if (from->fact_count == 0)
		return;
	to->facts = xcalloc(from->fact_count, sizeof(*to->facts));
	for (unsigned i = 0; i < from->fact_count; i++) {
		to->facts[i] = from->facts[i];
		to->facts[i].text = xstrdup(from->facts[i].text);
	}
}

static void
copy_notes(struct sample *to, const struct sample *from)
{
	to->notes = NULL;
	if (from->note_count == 0)
		return;
	to->notes = xcalloc(from->note_count, sizeof(*to->notes));
	for (unsigned i = 0; i < from->note_count; i++) {
		to->notes[i].cause = from->notes[i].cause;
		to->notes[i].text = xstrdup(from->notes[i].text);
	}
}

static void
copy_children(struct sample *to, const struct sample *from)
{
	to->children = NULL;
	if (from->children == NULL)
		return;
	/* A parent without children is still a parent: never NULL. */
	to->children = xcalloc(from->child_count + 1, sizeof(*to->children));
	for (size_t i = 0; i < from->child_count; i++)
		to->children[i] = xstrdup(from->children[i]);
}

/* Of numbers and text what is not there yet. */
static void
copy_rest(struct sample *to, const struct sample *from)
{
	if (to->values == NULL && from->metric_count > 0) {
		to->values = xcalloc(from->metric_count, sizeof(*to->values));
		memcpy(to->values, from->values, from->metric_count * sizeof(*to->values));
	}
	if (to->text == NULL)
		to->text = xstrdup(from->text != NULL ? from->text : "");
	copy_facts(to, from);
	copy_notes(to, from);
	copy_children(to, from);
}

void
sample_copy(struct sample *to, const struct sample *from)
{
	*to = *from;
	to->values = NULL;
	to->text = NULL;
	copy_rest(to, from);
}

/* Most of the tables' last rows are of what is not asked for. */
static void
move_values(struct sample *to, const struct sample *old, const struct sample *from)
{
	size_t tail =
		old->unknown_tail < from->unknown_tail ? old->unknown_tail : from->unknown_tail;

	to->values = old->values;
	memcpy(to->values, from->values, (from->metric_count - tail) * sizeof(*to->values));
}

/* Numbers and text that need no new memory. */
static void
move_same(struct sample *to, struct sample *old, const struct sample *from)
{
	const char *text = from->text != NULL ? from->text : "";

	if (old->values != NULL && old->metric_count == from->metric_count) {
		move_values(to, old, from);
		old->values = NULL;
	}
	/* The same, or a time in it that is other: mostly as long. */
	size_t len = strlen(text);
	if (old->text != NULL && strlen(old->text) == len) {
		to->text = old->text;
		old->text = NULL;
		memcpy(to->text, text, len);
	}
}

void
sample_replace(struct sample *to, const struct sample *from)
{
	struct sample old = *to;

	*to = *from;
	to->values = NULL;
	to->text = NULL;
	move_same(to, &old, from);
	sample_fini(&old);
	copy_rest(to, from);
}

double
sample_value(const struct sample *s, const char *metric)
{
	int index = metric_index(s->metrics, metric);

	return index >= 0 && s->values != NULL ? s->values[index] : (double)NAN;
}
