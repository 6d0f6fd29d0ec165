/*
 * Facts that samples bring along.  They come before the alert that opens the incident, so those of
 * a check that only begins to fail are kept aside; owns these.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"

#define ASIDE_US USEC_PER_HOUR

struct evidence {
	usec_t wall_us;
	struct incident_texts facts;
};

static void
free_evidence(void *p)
{
	struct evidence *evidence = p;
	for (size_t n = 0; n < evidence->facts.count; n++) {
		free(evidence->facts.all[n].name);
		free(evidence->facts.all[n].text);
	}
	free(evidence->facts.all);
	free(evidence);
}

void
evidence_free(struct triage *t)
{
	map_free(t->evidence, free_evidence);
}

/* The latest of each name, and when it was last seen to be so; true if it says something new. */
bool
evidence_set(struct incident_texts *facts, const char *name, const char *text, usec_t wall_us)
{
	for (size_t n = 0; n < facts->count; n++) {
		if (!str_eq(facts->all[n].name, name))
			continue;
		if (str_eq(facts->all[n].text, text)) {
			if (wall_us > facts->all[n].at_us)
				facts->all[n].at_us = wall_us;
			return false;
		}
		xstrset(&facts->all[n].text, text);
		facts->all[n].at_us = wall_us;
		return true;
	}
	incident_add_text(facts, name, text, wall_us);
	return true;
}

static void
set_aside(struct triage *t, const char *check, const struct sample *sample)
{
	struct evidence *evidence = xcalloc(1, sizeof(*evidence));
	evidence->wall_us = sample->wall_us;
	for (unsigned n = 0; n < sample->fact_count; n++)
		evidence_set(&evidence->facts, sample->facts[n].name, sample->facts[n].text,
			sample->wall_us);
	struct evidence *older = map_put(t->evidence, check, evidence);
	if (older)
		free_evidence(older);
}

void
evidence_take(struct triage *t, const char *check, const struct sample *sample)
{
	size_t at = 0;
	struct entry *entry = book_next_open(&t->book, check, &at);
	if (sample->fact_count == 0)
		return;
	if (!entry)
		set_aside(t, check, sample);
	for (; entry; entry = book_next_open(&t->book, check, &at))
		for (unsigned n = 0; n < sample->fact_count; n++)
			entry->is_dirty |= evidence_set(&entry->incident.facts,
				sample->facts[n].name, sample->facts[n].text, sample->wall_us);
}

/* What was seen before the trouble began is about other trouble. */
void
evidence_give(struct triage *t, struct entry *entry, usec_t since_us)
{
	struct evidence *evidence = map_remove(t->evidence, entry->incident.check);
	if (!evidence)
		return;
	for (size_t n = 0; evidence->wall_us >= since_us && n < evidence->facts.count; n++)
		evidence_set(&entry->incident.facts, evidence->facts.all[n].name,
			evidence->facts.all[n].text, evidence->facts.all[n].at_us);
	free_evidence(evidence);
}

/* One at a time: a map must not change during a walk, and ticks come often. */
void
evidence_drop_old(struct triage *t, usec_t wall_us)
{
	size_t at = 0;
	const char *check;
	void *value;
	while (map_next(t->evidence, &at, &check, &value)) {
		const struct evidence *evidence = value;
		if (wall_us - evidence->wall_us < ASIDE_US)
			continue;
		char *name = xstrdup(check);
		free_evidence(map_remove(t->evidence, name));
		free(name);
		return;
	}
}
