/* What one replayed alert said, beside what really happened to its check. */
#include <math.h>

#include "api/backtest.h"
#include "base/str.h"
#include "io/loop.h"
#include "model/record.h"
#include "triage/triage.h"

#define INCIDENTS_MAX 200
/* So far apart they are still of one trouble: retries and roll-ups blur the beginning. */
#define SLACK_US USEC_PER_MIN

static json_t *
seconds(usec_t us)
{
	return json_real((double)us / 1e6);
}

static usec_t
end_of(usec_t to_us, usec_t until_us)
{
	return to_us == 0 || to_us > until_us ? until_us : to_us;
}

/* --- firings and incidents --- */

struct match {
	const struct incident *incident;
	const struct replay_firing *by; /* the first that fell together with it; NULL: missed */
};

struct matches {
	struct match all[INCIDENTS_MAX];
	size_t count;
};

static bool
falls_together(const struct replay_firing *firing, const struct incident *incident, usec_t until_us)
{
	usec_t from_us = incident->started_us - SLACK_US;
	usec_t to_us = end_of(incident->resolved_us, until_us) + SLACK_US;

	return firing->from_us <= to_us && end_of(firing->to_us, until_us) >= from_us;
}

static void
add_match(struct matches *matches, const struct incident *incident,
	const struct replay_report *report, usec_t until_us)
{
	struct match *match = &matches->all[matches->count++];

	*match = (struct match){ .incident = incident };
	for (size_t i = 0; i < report->count && match->by == NULL; i++)
		if (falls_together(&report->all[i], incident, until_us))
			match->by = &report->all[i];
}

/* The check's own; what it merely suffered from is another check's. */
static void
find_incidents(struct matches *matches, const struct backtest_ask *ask, const char *check,
	const struct replay_report *report)
{
	const struct triage *triage = ask->world->triage;

	for (size_t n = 0; n < triage_count(triage) && matches->count < INCIDENTS_MAX; n++) {
		const struct incident *incident = triage_at(triage, n);

		if (!str_eq(incident->check, check) || incident->merged_into != NULL ||
			incident->started_us > ask->until_us ||
			end_of(incident->resolved_us, ask->until_us) < ask->since_us)
			continue;
		add_match(matches, incident, report, ask->until_us);
	}
}

static json_t *
incident_json_of(const struct match *match)
{
	const struct incident *incident = match->incident;
	json_t *doc = json_object();

	json_object_set_new(doc, "id", json_string(incident->id));
	json_object_set_new(doc, "title", record_text(incident->title));
	json_object_set_new(doc, "rule", record_text(incident->rule));
	json_object_set_new(doc, "severity", json_string(severity_name(incident->severity)));
	json_object_set_new(doc, "started_at", record_time(incident->started_us));
	json_object_set_new(doc, "detected_at", record_time(incident->detected_us));
	json_object_set_new(doc, "resolved_at", record_time(incident->resolved_us));
	json_object_set_new(doc, "caught", json_boolean(match->by != NULL));
	if (match->by != NULL)
		json_object_set_new(doc, "earlier_seconds",
			seconds(incident->detected_us - match->by->from_us));
	return doc;
}

static const struct incident *
incident_of(const struct matches *matches, const struct replay_firing *firing, usec_t until_us)
{
	for (size_t n = 0; n < matches->count; n++)
		if (falls_together(firing, matches->all[n].incident, until_us))
			return matches->all[n].incident;
	return NULL;
}

/* What ended before it cannot be compared with. */
static usec_t
memory_of(const struct backtest_ask *ask)
{
	return triage_remembers_us(ask->world->triage, loop_wall(ask->world->env->loop));
}

static json_t *
firing_json(const struct backtest_ask *ask, const struct matches *matches,
	const struct replay_firing *firing)
{
	const struct incident *incident = incident_of(matches, firing, ask->until_us);
	usec_t from_us = firing->from_us > ask->since_us ? firing->from_us : ask->since_us;
	json_t *doc = json_object();

	json_object_set_new(doc, "since", record_time(firing->since_us));
	json_object_set_new(doc, "from", record_time(firing->from_us));
	json_object_set_new(doc, "to", record_time(firing->to_us));
	json_object_set_new(
		doc, "seconds", seconds(end_of(firing->to_us, ask->until_us) - from_us));
	json_object_set_new(doc, "severity", json_string(severity_name(firing->severity)));
	json_object_set_new(doc, "text", record_text(firing->text));
	if (incident != NULL)
		json_object_set_new(doc, "incident", json_string(incident->id));
	else if (firing->from_us < memory_of(ask))
		json_object_set_new(doc, "forgotten", json_true());
	return doc;
}

/* --- what it rests on --- */

static json_t *
resolution_json(const struct replay_report *report)
{
	json_t *list = json_array();

	for (size_t n = REPLAY_GRAINS; n-- > 0;) {
		const struct replay_grain *grain = &report->grains[n];
		json_t *one;

		if (grain->samples == 0)
			continue;
		one = json_object();
		json_object_set_new(one, "grain_seconds", seconds(grain->grain_us));
		json_object_set_new(one, "since", record_time(grain->first_us));
		json_object_set_new(one, "until", record_time(grain->last_us));
		json_object_set_new(one, "samples", json_integer((json_int_t)grain->samples));
		json_array_append_new(list, one);
	}
	return list;
}

static void add_note(json_t *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add_note(json_t *notes, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, 1000);
	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	json_array_append_new(notes, record_text(buf_text(&text)));
	buf_fini(&text);
}

static void
note_grain(json_t *notes, const struct backtest_ask *ask, const struct replay_report *report,
	const struct replay_grain *grain)
{
	char span[40], wanted[40], until[CLOCK_RFC3339_SIZE];
	const char *used =
		ask->wants_peaks ? "bounds (the worse one for all of its values)" : "averages";

	clock_format_duration(grain->grain_us, span, sizeof(span));
	clock_format_duration(report->shortest_for_us, wanted, sizeof(wanted));
	clock_format_rfc3339(grain->last_us, until);
	if (report->shortest_for_us > 0 && report->shortest_for_us < grain->grain_us)
		add_note(notes,
			"until %s only %s of %s are left: `for: %s` cannot be told within them, "
			"and a shorter peak cannot be seen",
			until, used, span, wanted);
	else
		add_note(notes, "until %s only %s of %s are left%s", until, used, span,
			ask->wants_peaks ? "" : ": a shorter peak cannot be seen");
}

static void
note_memory(json_t *notes, usec_t since_us)
{
	char since[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(since_us, since);
	add_note(notes,
		"incidents that ended before %s are forgotten: what would have fired before is "
		"compared with nothing",
		since);
}

static json_t *
notes_json(const struct backtest_ask *ask, const struct replay *replay)
{
	const struct replay_report *report = replay_report(replay);
	json_t *notes = json_array();
	const char *unkept;

	for (size_t n = REPLAY_GRAINS; n-- > 1;)
		if (report->grains[n].samples > 0)
			note_grain(notes, ask, report, &report->grains[n]);
	if (memory_of(ask) > ask->since_us)
		note_memory(notes, memory_of(ask));
	for (size_t n = 0; (unkept = replay_unkept(replay, n)) != NULL; n++)
		add_note(notes,
			"the history does not keep %s: what rests on it alone is unknown, and "
			"could not fire",
			unkept);
	return notes;
}

/* --- the whole --- */

static json_t *
begin(const struct backtest_ask *ask, const struct backtest_job *job)
{
	const struct check_spec *spec = &ask->checks[job->check].spec;
	json_t *doc = json_object();

	json_object_set_new(doc, "rule", record_text(job->rule));
	json_object_set_new(doc, "check", record_text(spec->name));
	json_object_set_new(doc, "type", record_text(spec->type));
	return doc;
}

json_t *
backtest_result(
	const struct backtest_ask *ask, const struct backtest_job *job, const struct replay *replay)
{
	const struct replay_report *report = replay_report(replay);
	json_t *doc = begin(ask, job), *firings = json_array(), *incidents = json_array();
	struct matches matches = { .count = 0 };

	find_incidents(&matches, ask, ask->checks[job->check].spec.name, report);
	for (size_t n = 0; n < report->count; n++)
		json_array_append_new(firings, firing_json(ask, &matches, &report->all[n]));
	for (size_t n = 0; n < matches.count; n++)
		json_array_append_new(incidents, incident_json_of(&matches.all[n]));
	json_object_set_new(doc, "firings", firings);
	json_object_set_new(doc, "firings_left_out", json_integer((json_int_t)report->left_out));
	json_object_set_new(doc, "incidents", incidents);
	json_object_set_new(doc, "known_seconds", seconds(report->known_us));
	json_object_set_new(doc, "resolution", resolution_json(report));
	json_object_set_new(doc, "notes", notes_json(ask, replay));
	return doc;
}

json_t *
backtest_error(const struct backtest_ask *ask, const struct backtest_job *job, const char *text)
{
	json_t *doc = begin(ask, job);

	json_object_set_new(doc, "error", record_text(text));
	return doc;
}
