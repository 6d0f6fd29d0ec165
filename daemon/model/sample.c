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
	memset(s, 0, sizeof(*s));
}

void
sample_copy(struct sample *to, const struct sample *from)
{
	*to = *from;
	to->values = NULL;
	if (from->metric_count > 0) {
		to->values = xcalloc(from->metric_count, sizeof(*to->values));
		memcpy(to->values, from->values, from->metric_count * sizeof(*to->values));
	}
	for (unsigned i = 0; i < from->fact_count; i++)
		to->facts[i].text = xstrdup(from->facts[i].text);
	for (unsigned i = 0; i < from->note_count; i++)
		to->notes[i].text = xstrdup(from->notes[i].text);
	if (from->children == NULL)
		return;
	/* A parent without children is still a parent: never NULL. */
	to->children = xcalloc(from->child_count + 1, sizeof(*to->children));
	for (size_t i = 0; i < from->child_count; i++)
		to->children[i] = xstrdup(from->children[i]);
}

double
sample_value(const struct sample *s, const char *metric)
{
	int index = metric_index(s->metrics, metric);

	return index >= 0 && s->values != NULL ? s->values[index] : (double)NAN;
}
