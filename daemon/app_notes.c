/*
 * What good samples have to say besides (a missing right and the grant that would give it, one
 * address family that fails): logged when it begins and when it ends, not at each run.
 */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

struct said {
	const struct cause *causes[SAMPLE_NOTES_MAX];
	unsigned count;
};

static bool
has_cause(const struct said *said, const struct cause *cause)
{
	for (unsigned i = 0; said != NULL && i < said->count; i++)
		if (said->causes[i] == cause)
			return true;
	return false;
}

static bool
has_note(const struct sample *sample, const struct cause *cause)
{
	for (unsigned i = 0; i < sample->note_count; i++)
		if (sample->notes[i].cause == cause)
			return true;
	return false;
}

static struct said *
remember(const struct sample *sample)
{
	struct said *said;

	if (sample->note_count == 0)
		return NULL;
	said = xcalloc(1, sizeof(*said));
	for (unsigned i = 0; i < sample->note_count; i++)
		said->causes[said->count++] = sample->notes[i].cause;
	return said;
}

void
app_say_notes(struct map *notes, const char *check, const struct sample *sample)
{
	struct said *before;

	/* A run that failed did not get as far as to see whether it is still so. */
	if (sample->outcome != OUTCOME_OK || (sample->note_count == 0 && map_count(notes) == 0))
		return;
	before = map_get(notes, check);
	for (unsigned i = 0; i < sample->note_count; i++)
		if (!has_cause(before, sample->notes[i].cause))
			log_notice("check=%s note=%s: %s", check, sample->notes[i].cause->code,
				sample->notes[i].text);
	for (unsigned i = 0; before != NULL && i < before->count; i++)
		if (!has_note(sample, before->causes[i]))
			log_notice("check=%s note=%s: no more", check, before->causes[i]->code);
	if (sample->note_count > 0)
		map_put(notes, check, remember(sample));
	else if (before != NULL)
		map_remove(notes, check);
	free(before);
}

void
app_forget_notes(struct map *notes)
{
	map_free(notes, free);
}
