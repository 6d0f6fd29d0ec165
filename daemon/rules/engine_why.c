/* What each alert of a check waits for, for `triage why`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/record.h"
#include "rules/engine.h"

#define TEXT_MAX 600

struct teller {
	struct rules *rules; /* evaluating writes into its scratch fields, and into nothing else */
	const struct alert *alert;
	json_t *list;
};

/* until_us: wall; 0: nothing is waited for. */
static void
say(const struct teller *t, const char *what, usec_t until_us, const char *text)
{
	json_t *one = json_object();
	char *whole = xasprintf("%s: %s", t->alert->name, text);

	json_object_set_new(one, "what", json_string(what));
	json_object_set_new(one, "rule", json_string(t->alert->name));
	json_object_set_new(one, "text", record_text(whole));
	if (until_us > 0)
		json_object_set_new(one, "until", record_time(until_us));
	json_array_append_new(t->list, one);
	free(whole);
}

static usec_t
due_wall(const struct teller *t, enum severity level)
{
	const struct live *live = t->alert->live;
	usec_t due = level_due(&live->levels[level], &t->alert->variant->rule->times[level]);

	return due == INT64_MAX ? 0 : due + t->rules->wall_ahead_us;
}

static void
say_pending(const struct teller *t, enum severity level)
{
	const struct level *l = &t->alert->live->levels[level];
	const struct level_times *times = &t->alert->variant->rule->times[level];
	const char *name = severity_name(level);
	char text[TEXT_MAX], waited[40], wanted[40], since[CLOCK_RFC3339_SIZE];

	clock_format_duration(level_elapsed(l, t->rules->heard_us), waited, sizeof(waited));
	clock_format_duration(times->for_us, wanted, sizeof(wanted));
	clock_format_rfc3339(l->mark_us + t->rules->wall_ahead_us, since);
	if (times->for_samples)
		snprintf(text, sizeof(text), "%s is true for %u of %u samples in a row", name,
			l->samples, times->for_samples);
	else if (l->is_frozen)
		snprintf(text, sizeof(text),
			"%s was true for %s of %s; now it is unknown, and the clock stands", name,
			waited, wanted);
	else if (l->samples < 2)
		snprintf(text, sizeof(text),
			"%s is true; it must be so for %s, and a second sample must say so", name,
			wanted);
	else
		snprintf(text, sizeof(text), "%s is true since %s; it fires if that lasts %s", name,
			since, wanted);
	say(t, "pending", due_wall(t, level), text);
}

static void
say_clearing(const struct teller *t, enum severity level)
{
	const struct level *l = &t->alert->live->levels[level];
	char text[TEXT_MAX], wanted[40], since[CLOCK_RFC3339_SIZE];

	clock_format_duration(
		t->alert->variant->rule->times[level].keep_us, wanted, sizeof(wanted));
	clock_format_rfc3339(l->mark_us + t->rules->wall_ahead_us, since);
	if (l->is_frozen)
		snprintf(text, sizeof(text),
			"%s was false; now it is unknown, and the clock of keep_firing_for stands",
			severity_name(level));
	else
		snprintf(text, sizeof(text), "%s is false since %s, kept for %s (keep_firing_for)",
			severity_name(level), since, wanted);
	say(t, "clearing", due_wall(t, level), text);
}

static void
say_firing(const struct teller *t)
{
	const struct live *live = t->alert->live;
	char text[TEXT_MAX], since[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(live->since_wall_us, since);
	snprintf(text, sizeof(text), "fires at %s since %s", severity_name(live->told), since);
	say(t, "firing", 0, text);
}

/* Every level is false, and only `clear` holds it. */
static void
say_held(const struct teller *t)
{
	const struct expr *clear = t->alert->variant->clear;
	char text[TEXT_MAX];

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		if (level_is_on(&t->alert->live->levels[level]))
			return;
	if (!clear)
		return;
	snprintf(text, sizeof(text), "stays until this is true: %s", expr_text(clear));
	say(t, "held", 0, text);
}

static void
say_no_data(const struct teller *t)
{
	static const char *const decisions[] = {
		[NO_DATA_KEEP] = "it stays as it is (on_no_data: keep)",
		[NO_DATA_ALERT] = "it fires for that (on_no_data: alert)",
		[NO_DATA_OK] = "it counts as well (on_no_data: ok)",
	};
	const struct live *live = t->alert->live;
	char text[TEXT_MAX], since[CLOCK_RFC3339_SIZE];

	if (!live->has_no_data)
		return;
	clock_format_rfc3339(live->known_us + t->rules->wall_ahead_us, since);
	snprintf(text, sizeof(text), "no data since %s: %s", since,
		decisions[t->alert->variant->rule->conf.on_no_data]);
	say(t, "no-data", 0, text);
}

static void
add_unknown(void *arg, const char *label, const struct expr_value *value)
{
	struct buf *names = arg;

	if (value->is_known || strstr(buf_text(names), label))
		return;
	buf_addf(names, "%s%s", buf_left(names) > 0 ? ", " : "", label);
}

/* What it would need to know; where that is missing by design, `on_no_data: ok` says so. */
static void
say_unknown(const struct teller *t)
{
	struct expr_world world = engine_world(t->rules, t->alert, t->rules->heard_us);
	struct buf names;

	if (t->alert->variant->rule->conf.on_no_data == NO_DATA_OK)
		return;
	buf_init(&names, TEXT_MAX / 2);
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		const struct expr *when = t->alert->variant->when[level];
		if (when && !expr_eval(when, &world).is_known)
			expr_look(when, &world, add_unknown, &names);
	}
	if (buf_left(&names) > 0) {
		char text[TEXT_MAX];
		snprintf(text, sizeof(text), "cannot be judged: not known: %s", buf_text(&names));
		say(t, "unknown", 0, text);
	}
	buf_fini(&names);
}

static void
say_alert(const struct teller *t)
{
	const struct live *live = t->alert->live;

	say_unknown(t);
	if (!live || engine_is_idle(live))
		return;
	if (live->told != SEVERITY_OK) {
		say_firing(t);
		say_held(t);
	}
	say_no_data(t);
	for (enum severity level = SEVERITY_CRITICAL; level >= SEVERITY_INFO; level--) {
		if (live->levels[level].phase == LEVEL_PENDING)
			say_pending(t, level);
		if (live->levels[level].phase == LEVEL_CLEARING)
			say_clearing(t, level);
	}
}

/* Numbers that no rule of others asks for are not kept: the latest sample is shown as if fed. */
json_t *
rules_why(const struct rules *rules, const char *name, const struct sample *latest)
{
	struct rules *all = (struct rules *)(uintptr_t)rules;
	const struct watched *check = engine_find(rules, name);
	json_t *list = json_array();

	if (latest != NULL) {
		all->fed = check;
		all->fed_sample = latest;
	}
	for (size_t i = 0; check && i < check->own_count; i++) {
		const struct teller t = { .rules = all, .alert = &check->own[i], .list = list };
		say_alert(&t);
	}
	all->fed = NULL;
	all->fed_sample = NULL;
	return list;
}
