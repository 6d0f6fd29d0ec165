/*
 * What mutes an incident, and what becomes of it when nothing does any more.
 *
 *	event while muted --> nobody is told, the incident is marked
 *	marked, not muted any more --> who does not know is told "opened", who knows is reminded
 *	its end --> told to those who know, the mark goes
 */
#include "deliver/mute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"
#include "deliver/route.h"
#include "model/record.h"

#define SILENCES_MAX 500
#define EXPIRED_US   USEC_PER_DAY /* so long an expired one can be looked up */

void
mute_init(struct mute *mute)
{
	memset(mute, 0, sizeof(*mute));
	mute->muted = map_new();
}

void
mute_fini(struct mute *mute)
{
	for (size_t i = 0; i < mute->silence_count; i++)
		silence_free(mute->silences[i]);
	free(mute->silences);
	map_free(mute->muted, free);
}

static void
say_silence(const struct silence *s, char *why, size_t size)
{
	char until[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(s->until_us, until);
	snprintf(why, size, "silenced%s%s until %s%s%s (silence %s)", s->by == NULL ? "" : " by ",
		s->by == NULL ? "" : s->by, until, s->comment == NULL ? "" : ": ",
		s->comment == NULL ? "" : s->comment, s->id);
}

static void
say_work(const struct maintenance_spec *m, usec_t until_us, char *why, size_t size)
{
	char until[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(until_us, until);
	snprintf(why, size, "maintenance until %s%s%s", until, m->reason == NULL ? "" : ": ",
		m->reason == NULL ? "" : m->reason);
}

/* The one that lasts longest says it. */
bool
mute_holds(const struct mute *mute, const struct incident *incident, usec_t wall_us, char *why,
	size_t size, usec_t *until_us)
{
	usec_t latest_us = 0;

	for (size_t i = 0; i < mute->silence_count; i++) {
		const struct silence *s = mute->silences[i];

		if (wall_us < s->from_us || wall_us >= s->until_us || s->until_us <= latest_us ||
			!route_match_fits(&s->match, incident))
			continue;
		latest_us = s->until_us;
		say_silence(s, why, size);
	}
	for (size_t i = 0; i < mute->work_count; i++) {
		usec_t until;

		if (!route_match_fits(&mute->works[i]->match, incident) ||
			!maintenance_holds(mute->works[i], wall_us, &until) || until <= latest_us)
			continue;
		latest_us = until;
		say_work(mute->works[i], until, why, size);
	}
	*until_us = latest_us;
	return latest_us != 0;
}

/* ---- deliver's doors ---- */

static void
add(struct mute *mute, struct silence *s)
{
	mute->silences =
		xreallocarray(mute->silences, mute->silence_count + 1, sizeof(*mute->silences));
	mute->silences[mute->silence_count++] = s;
}

static void
drop(struct deliver *deliver, size_t n)
{
	struct mute *mute = &deliver->mute;

	deliver->options.on_keep(deliver->options.arg, "silence", mute->silences[n]->id, NULL);
	silence_free(mute->silences[n]);
	mute->silence_count--;
	memmove(&mute->silences[n], &mute->silences[n + 1],
		(mute->silence_count - n) * sizeof(*mute->silences));
}

static void
keep(struct deliver *deliver, const struct silence *s)
{
	json_t *doc = silence_json(s, 0);

	deliver->options.on_keep(deliver->options.arg, "silence", s->id, doc);
	json_decref(doc);
}

void
mute_forget_expired(struct deliver *deliver)
{
	usec_t wall_us = loop_wall(deliver->loop);

	for (size_t i = deliver->mute.silence_count; i-- > 0;)
		if (wall_us - deliver->mute.silences[i]->until_us > EXPIRED_US)
			drop(deliver, i);
}

int
mute_restore(struct deliver *deliver, const char *kind, const char *key, const json_t *doc,
	struct err *e)
{
	struct silence *s;

	if (str_eq(kind, "muted")) {
		free(map_put(deliver->mute.muted, key, xstrdup(key)));
		return 0;
	}
	s = silence_restore(doc, e);
	if (s == NULL)
		return -1;
	add(&deliver->mute, s);
	return 0;
}

bool
mute_is_marked(const struct deliver *deliver, const char *incident)
{
	return map_get(deliver->mute.muted, incident) != NULL;
}

void
mute_mark(struct deliver *deliver, const char *incident, bool is_muted)
{
	json_t *doc;

	if (is_muted == mute_is_marked(deliver, incident))
		return;
	if (!is_muted) {
		deliver->options.on_keep(deliver->options.arg, "muted", incident, NULL);
		free(map_remove(deliver->mute.muted, incident));
		return;
	}
	doc = json_pack("{s:s}", "incident", incident);
	deliver->options.on_keep(deliver->options.arg, "muted", incident, doc);
	json_decref(doc);
	free(map_put(deliver->mute.muted, incident, xstrdup(incident)));
}

void
deliver_maintain(struct deliver *deliver, const struct maintenance_spec *const *specs, size_t count)
{
	deliver->mute.works = specs;
	deliver->mute.work_count = count;
}

bool
deliver_is_muted(const struct deliver *deliver, const struct incident *incident, char *why,
	size_t size, usec_t *until_us)
{
	return mute_holds(&deliver->mute, incident, loop_wall(deliver->loop), why, size, until_us);
}

/* Is this check silenced whatever is wrong with it? */
static bool
covers(const struct route_match *match, const char *check, const char *type)
{
	return route_match_concerns(match, check, type) && match->rule.count == 0 &&
	       match->cause.count == 0 && match->labels.count == 0 && match->severity.count == 0 &&
	       match->min_severity <= SEVERITY_OK;
}

static void
say_muted(json_t *list, const char *why, usec_t until_us)
{
	json_t *one = json_object();

	json_object_set_new(one, "what", json_string("muted"));
	json_object_set_new(one, "text", record_text(why));
	json_object_set_new(one, "until", record_time(until_us));
	json_array_append_new(list, one);
}

json_t *
deliver_why_check(const struct deliver *deliver, const char *check, const char *type)
{
	const struct mute *mute = &deliver->mute;
	usec_t wall_us = loop_wall(deliver->loop), until_us;
	json_t *list = json_array();
	char why[300];

	for (size_t i = 0; i < mute->silence_count; i++) {
		const struct silence *s = mute->silences[i];

		if (wall_us < s->from_us || wall_us >= s->until_us ||
			!covers(&s->match, check, type))
			continue;
		say_silence(s, why, sizeof(why));
		say_muted(list, why, s->until_us);
	}
	for (size_t i = 0; i < mute->work_count; i++) {
		if (!covers(&mute->works[i]->match, check, type) ||
			!maintenance_holds(mute->works[i], wall_us, &until_us))
			continue;
		say_work(mute->works[i], until_us, why, sizeof(why));
		say_muted(list, why, until_us);
	}
	return list;
}

void
deliver_count_mutes(const struct deliver *deliver, size_t *silences, size_t *maintenance)
{
	const struct mute *mute = &deliver->mute;
	usec_t wall_us = loop_wall(deliver->loop), until_us;

	*silences = *maintenance = 0;
	for (size_t i = 0; i < mute->silence_count; i++)
		if (wall_us >= mute->silences[i]->from_us && wall_us < mute->silences[i]->until_us)
			++*silences;
	for (size_t i = 0; i < mute->work_count; i++)
		if (maintenance_holds(mute->works[i], wall_us, &until_us))
			++*maintenance;
}

json_t *
deliver_silence(struct deliver *deliver, const json_t *ask, struct err *e)
{
	usec_t wall_us = loop_wall(deliver->loop);
	struct silence *s;

	mute_forget_expired(deliver);
	if (deliver->mute.silence_count >= SILENCES_MAX) {
		err_set(e, ENOSPC, "there are %d silences already; end some first", SILENCES_MAX);
		return NULL;
	}
	s = silence_new(ask, wall_us, e);
	if (s == NULL)
		return NULL;
	add(&deliver->mute, s);
	keep(deliver, s);
	log_notice("silence=%s made by=%s: %s", s->id, s->by == NULL ? "?" : s->by,
		s->comment == NULL ? "" : s->comment);
	return silence_json(s, wall_us);
}

bool
deliver_silence_concerns(
	const struct deliver *deliver, const char *id, const char *check, const char *type)
{
	for (size_t i = 0; i < deliver->mute.silence_count; i++) {
		const struct silence *s = deliver->mute.silences[i];

		if (str_eq(s->id, id))
			return route_match_concerns(&s->match, check, type);
	}
	return false;
}

/* It stays to be looked up, as one that is over. */
int
deliver_silence_end(struct deliver *deliver, const char *id, struct err *e)
{
	usec_t wall_us = loop_wall(deliver->loop);

	for (size_t i = 0; i < deliver->mute.silence_count; i++) {
		struct silence *s = deliver->mute.silences[i];

		if (!str_eq(s->id, id))
			continue;
		if (wall_us >= s->until_us)
			return err_set(e, EINVAL, "silence %s is over already", id);
		if (wall_us < s->from_us) {
			drop(deliver, i);
			return 0;
		}
		s->until_us = wall_us;
		keep(deliver, s);
		log_notice("silence=%s ended", id);
		return 0;
	}
	return err_set(e, ENOENT, "no silence has the id %s", id);
}

json_t *
deliver_silences(const struct deliver *deliver)
{
	usec_t wall_us = loop_wall(deliver->loop);
	json_t *silences = json_array(), *works = json_array();

	for (size_t i = deliver->mute.silence_count; i-- > 0;)
		json_array_append_new(silences, silence_json(deliver->mute.silences[i], wall_us));
	for (size_t i = 0; i < deliver->mute.work_count; i++)
		json_array_append_new(works, maintenance_json(deliver->mute.works[i], wall_us));
	return json_pack("{s:o, s:o}", "silences", silences, "maintenance", works);
}
