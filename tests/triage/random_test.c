/*
 * A million random steps: samples, alerts, facts that come late or never, restarts, reloads, clocks
 * that are set, sleep, acknowledgements; over random graphs.  After each few of them what must
 * never break is looked at.  RANDOM_STEPS and RANDOM_SEED change what is tried.
 */
#include "probes/facts/fact.h"
#include "tests/triage/scene_play.h"

#define STEPS_OF_A_SCENE 4000
#define CHECKS_MAX       30
/* The longest that anything may make a message wait: a dependent whose root has just recovered. */
#define HELD_MAX_US  (155 * USEC_PER_SEC)
#define ALONE_MAX_US (8 * USEC_PER_SEC) /* nothing is needed: only facts are waited for */
/* What a turn of the loop has no time for is the next one's, so much later. */
#define TURN_US   (3 * USEC_PER_MSEC)
#define TURNS_MAX 20

static const char *const rules[] = { "check-down", "http-slow", "disk-space", "disk-filling" };
#define RULES (sizeof(rules) / sizeof(rules[0]))

struct truth {
	bool fires[SCENE_MAX][RULES];
	usec_t since_us[SCENE_MAX][RULES]; /* when its latest wait may have begun */
	usec_t heard_us[SCENE_MAX];        /* its first sample: it was waited for, too */
	usec_t latest_us;                  /* when all waits may have begun anew */
};

struct known {
	bool is_open;
	unsigned sequence;
};

static struct {
	uint64_t seed, state;
	unsigned long step;
	struct map *incidents; /* id -> struct known */
	struct truth truth;
	unsigned ended; /* as recovered, since last set to 0 */
} world;

static uint32_t
roll(uint32_t below)
{
	world.state = world.state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(world.state >> 33) % below;
}

static void
broken(const char *what, const char *whose)
{
	print_error("step %lu of seed %llu: %s (%s)\n", world.step, (unsigned long long)world.seed,
		what, whose);
	fail();
}

#define MUST(condition, whose)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			broken(#condition, whose);                                                 \
	} while (0)

/* --- what is told --- */

static void
on_told(struct scene *s, const struct incident_event *event)
{
	const struct incident *i = event->incident;
	struct known *known = map_get(world.incidents, i->id);
	s->told[0] = '\0';
	if (!known) {
		known = xcalloc(1, sizeof(*known));
		map_put(world.incidents, i->id, known);
		MUST(event->type == INCIDENT_OPENED, i->id);
	}
	MUST(i->sequence > known->sequence, i->id);
	known->sequence = i->sequence;
	MUST(known->is_open == (event->type != INCIDENT_OPENED), i->id);
	MUST(i->title && *i->title && i->cause_code && *i->cause_code, i->id);
	known->is_open = event->type != INCIDENT_ENDED;
	if (event->type == INCIDENT_ENDED || str_eq(event->reason, "root-changed"))
		world.truth.latest_us = s->now; /* who is let go waits anew */
	if (event->type != INCIDENT_ENDED)
		return;
	world.ended += str_eq(event->reason, "recovered");
	MUST(str_eq(event->reason, "merged") == (i->merged_into != NULL), i->id);
	if (i->merged_into) {
		const struct incident *into = triage_find(s->triage, i->merged_into);
		MUST(into && !str_eq(into->id, i->id), i->id);
	}
}

/* --- what must hold --- */

static bool
has_firing(const struct incident *i, const char *check, const char *rule)
{
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing && str_eq(i->alerts[n].check, check) &&
			str_eq(i->alerts[n].rule, rule))
			return true;
	return false;
}

static unsigned
count_owners(struct scene *s, const char *check, const char *rule)
{
	unsigned count = 0;
	for (size_t n = 0; n < triage_open_count(s->triage); n++)
		count += has_firing(triage_at(s->triage, n), check, rule);
	return count;
}

static void
look_at_alert(struct scene *s, size_t n, size_t rule)
{
	const struct scene_check *c = &s->checks[n];
	const struct truth *truth = &world.truth;
	unsigned owners = count_owners(s, c->name, rules[rule]);
	if (!truth->fires[n][rule]) {
		MUST(owners == 0, c->name);
		return;
	}
	MUST(owners <= 1, c->name);
	usec_t began_us = truth->since_us[n][rule] > truth->latest_us ? truth->since_us[n][rule]
								      : truth->latest_us;
	usec_t limit_us = began_us + HELD_MAX_US;
	if (c->spec.common.needs.count == 0 && c->has_sample) {
		usec_t heard_us = truth->heard_us[n];
		limit_us = (heard_us > began_us ? heard_us : began_us) + ALONE_MAX_US;
	}
	if (owners == 0 && s->now > limit_us) {
		json_t *why = triage_why(s->triage, c->name, s->now);
		broken("it is held for too long", json_dumps(why, 0));
	}
}

static const char *
family(const char *rule)
{
	return str_starts(rule, "disk-") ? "disk" : rule;
}

static void
look_at_incident(struct scene *s, const struct incident *i)
{
	unsigned firing = 0;
	for (size_t n = 0; n < i->alert_count; n++)
		firing += i->alerts[n].is_firing;
	MUST(firing > 0 || i->quiet_us, i->id);
	for (size_t n = 0; n < triage_open_count(s->triage); n++) {
		const struct incident *other = triage_at(s->triage, n);
		MUST(other == i || !str_eq(other->check, i->check) ||
				!str_eq(family(other->rule), family(i->rule)),
			i->id);
	}
}

/* Alerts wait in a queue where many came at once, and a review goes on in the next turns. */
static void
finish_turns(struct scene *s)
{
	unsigned turns = 0;
	for (usec_t due; (due = triage_due(s->triage)) <= s->now + TURN_US; turns++) {
		usec_t by = due > s->now ? due - s->now : 1;
		MUST(turns < TURNS_MAX, "turns");
		s->now += by;
		s->wall += by;
		scene_tick(s);
	}
}

static void
look(struct scene *s)
{
	finish_turns(s);
	for (size_t n = 0; n < s->count; n++)
		for (size_t rule = 0; rule < RULES; rule++)
			look_at_alert(s, n, rule);
	for (size_t n = 0; n < triage_open_count(s->triage); n++)
		look_at_incident(s, triage_at(s->triage, n));
	const char *id;
	void *known;
	size_t at = 0, open = 0;
	while (map_next(world.incidents, &at, &id, &known))
		open += ((struct known *)known)->is_open;
	MUST(open == triage_open_count(s->triage), "what people know");
}

/* --- what happens --- */

static void
set_alert(struct scene *s, size_t n, size_t rule, enum alert_change change)
{
	static const enum severity levels[] = { SEVERITY_INFO, SEVERITY_WARNING,
		SEVERITY_CRITICAL };
	bool ends = change == ALERT_ENDS || change == ALERT_REMOVED;
	if (change == ALERT_FIRES)
		world.truth.since_us[n][rule] = s->now;
	world.truth.fires[n][rule] = !ends;
	scene_alert(s, &s->checks[n], rules[rule], change, ends ? SEVERITY_OK : levels[roll(3)]);
}

static void
take_sample(struct scene *s, size_t n, enum outcome outcome)
{
	static const char *const causes[] = { "net.refused", "net.timeout", "pg.starting",
		"http.502" };
	struct scene_check *c = &s->checks[n];
	bool fired = c->fires;
	c->cause = causes[roll(4)];
	world.ended = 0;
	if (!fired)
		world.truth.since_us[n][0] = s->now;
	if (!c->has_sample)
		world.truth.heard_us[n] = s->now;
	/* As the sample is heard nothing of it is true yet for whoever looks. */
	scene_sample(s, c, outcome, 1000 + roll(2000000));
	world.truth.fires[n][0] = c->fires;
	if (outcome == OUTCOME_ERROR)
		MUST(world.ended == 0, c->name);
}

static void
step_sample(struct scene *s)
{
	size_t n = roll((uint32_t)s->count);
	struct scene_check *c = &s->checks[n];
	if (!c->is_in_force)
		return;
	scene_tick(s);
	if (roll(12) == 0)
		take_sample(s, n, OUTCOME_ERROR);
	else
		take_sample(s, n, c->is_down ? OUTCOME_FAIL : OUTCOME_OK);
}

/* Something breaks, and what needs it mostly follows; or it is mended. */
static void
step_fault(struct scene *s)
{
	size_t n = roll((uint32_t)s->count);
	bool is_down = roll(3) == 0, is_all_well = roll(10) == 0;
	for (size_t other = 0; is_all_well && other < s->count; other++)
		s->checks[other].is_down = false;
	s->checks[n].is_down = is_down;
	for (size_t other = n + 1; other < s->count; other++)
		for (size_t i = 0; i < s->checks[other].spec.common.needs.count; i++) {
			struct scene_check *need = scene_find(s, s->checks[other].needs[i]);
			if (need && need->is_down == is_down && roll(4))
				s->checks[other].is_down = is_down;
		}
}

static void
step_runs(struct scene *s)
{
	for (size_t n = 0; n < s->count; n++) {
		struct scene_check *c = &s->checks[n];
		if (c->is_in_force && c->is_run_wanted && roll(3))
			take_sample(s, n, c->is_down ? OUTCOME_FAIL : OUTCOME_OK);
	}
}

static void
step_rule(struct scene *s)
{
	size_t n = roll((uint32_t)s->count), rule = 1 + roll(RULES - 1);
	bool fires = world.truth.fires[n][rule];
	if (!s->checks[n].is_in_force)
		return;
	if (!fires && roll(3))
		return;
	if (fires && roll(2))
		set_alert(s, n, rule, roll(2) ? ALERT_RISES : ALERT_CAUSE);
	else
		set_alert(s, n, rule, fires ? ALERT_ENDS : ALERT_FIRES);
}

static void
step_time(struct scene *s)
{
	usec_t by_us = roll(20) ? (usec_t)roll(3000000) : (usec_t)roll(60) * USEC_PER_SEC;
	/* As the app's timer would: when triage wanted to be called. */
	for (usec_t until = s->now + by_us; s->now < until;) {
		const struct triage_moment at = scene_at(s);
		usec_t next = triage_tick(s->triage, &at);
		if (next <= s->now)
			next = s->now + 1;
		usec_t by = (next < until ? next : until) - s->now;
		s->now += by;
		s->wall += by;
	}
	scene_tick(s);
}

static void
give_fact(struct scene *s, const char *check, const char *name)
{
	const struct fact_type *type = fact_find(name);
	const struct triage_moment at = scene_at(s);
	struct fact fact;
	if (!type)
		return;
	fact_init(&fact, type->name, type->keys);
	for (size_t n = 0; type->keys[n].name; n++)
		if (type->keys[n].unit != UNIT_TEXT && roll(2))
			fact.numbers[n] = roll(2);
		else if (type->keys[n].unit == UNIT_TEXT && roll(2))
			fact.texts[n] = xstrdup(roll(2) ? "/var" : "disk-full");
	xstrset(&fact.text, "as it was found");
	fact.at_us = s->wall;
	triage_fact(s->triage, check, &fact, &at);
	fact_fini(&fact);
	scene_tick(s);
}

static void
step_facts(struct scene *s)
{
	for (size_t n = 0; n < s->count; n++) {
		struct scene_check *c = &s->checks[n];
		char wanted[sizeof(c->facts_wanted)], *rest = wanted;
		if (!*c->facts_wanted || roll(2))
			continue;
		memcpy(wanted, c->facts_wanted, sizeof(wanted));
		c->facts_wanted[0] = '\0';
		for (char *name; (name = strtok_r(rest, " ", &rest));)
			if (roll(8) && c->is_in_force)
				give_fact(s, c->name, name);
	}
}

static void
restore_alerts(struct scene *s)
{
	for (size_t n = 0; n < s->count; n++)
		for (size_t rule = 1; rule < RULES; rule++)
			if (world.truth.fires[n][rule])
				set_alert(s, n, rule, ALERT_RESTORED);
}

static void
step_restart(struct scene *s)
{
	world.truth.latest_us = s->now;
	if (roll(4) == 0)
		s->wall += (usec_t)roll(1000) * USEC_PER_SEC;
	scene_restarts(s);
	restore_alerts(s);
	for (uint32_t n = roll(20); n-- > 0;)
		step_sample(s);
	for (size_t n = 0; n < s->count; n++)
		if (s->checks[n].is_in_force && !s->checks[n].has_sample)
			take_sample(s, n, s->checks[n].is_down ? OUTCOME_FAIL : OUTCOME_OK);
	scene_settles(s);
}

static void
drop_check(struct scene *s, size_t n)
{
	struct scene_check *c = &s->checks[n];
	c->is_in_force = false;
	scene_apply(s);
	for (size_t rule = 0; rule < RULES; rule++)
		if (world.truth.fires[n][rule])
			set_alert(s, n, rule, ALERT_REMOVED);
	c->fires = c->has_sample = c->is_run_wanted = false;
	c->facts_wanted[0] = '\0';
	c->failures = 0;
	c->state = CHECK_UNKNOWN;
}

static void
change_needs(struct scene *s, size_t n)
{
	struct scene_check *c = &s->checks[n];
	struct conf_strings *needs = &c->spec.common.needs;
	if (needs->count > 0 && roll(2))
		free(c->needs[--needs->count]);
	else if (n > 0 && needs->count < NEEDS_MAX)
		c->needs[needs->count++] = xstrdup(s->checks[roll((uint32_t)n)].name);
}

static void
step_reload(struct scene *s)
{
	size_t n = roll((uint32_t)s->count);
	world.truth.latest_us = s->now;
	if (s->checks[n].is_in_force && roll(3) == 0) {
		drop_check(s, n);
	} else {
		s->checks[n].is_in_force = true;
		change_needs(s, n);
		scene_apply(s);
	}
	scene_tick(s);
}

static void
step_rare(struct scene *s)
{
	const struct triage_moment at = scene_at(s);
	size_t open = triage_open_count(s->triage);
	const struct triage_ack ack = { .by = "ann",
		.is_sticky = roll(2),
		.until_us = roll(2) ? s->wall + (usec_t)roll(100) * USEC_PER_SEC : 0 };
	switch (roll(4)) {
	case 0:
		s->wall += ((usec_t)roll(7200) - 3600) * USEC_PER_SEC;
		break;
	case 1:
		world.truth.latest_us = s->now;
		triage_slept(s->triage, &at);
		break;
	default:
		if (open)
			triage_ack(s->triage, triage_at(s->triage, roll((uint32_t)open))->id, &ack,
				&at, NULL);
	}
}

static void
step(struct scene *s)
{
	uint32_t what = roll(1000);
	if (what < 550)
		step_sample(s);
	else if (what < 600)
		step_fault(s);
	else if (what < 700)
		step_runs(s);
	else if (what < 760)
		step_rule(s);
	else if (what < 940)
		step_time(s);
	else if (what < 980)
		step_facts(s);
	else if (what < 990)
		step_rare(s);
	else if (what < 996)
		step_reload(s);
	else
		step_restart(s);
	if (world.step % 8 == 0)
		look(s);
}

/* --- scenes --- */

static void
build(struct scene *s, bool has_playbooks)
{
	static const char *const types[] = { "postgres", "redis", "http", "disk" };
	static char path[] = "/var";
	size_t count = 2 + roll(CHECKS_MAX - 1);
	if (has_playbooks) {
		struct complaints *complaints = complaints_new();
		s->playbooks = playbooks_load(NULL, complaints);
		complaints_free(complaints);
	}
	for (size_t n = 0; n < count; n++) {
		char name[32], needs[200] = "";
		for (uint32_t more = n ? roll(4) : 0; more-- > 0;)
			snprintf(needs + strlen(needs), sizeof(needs) - strlen(needs), "c%u ",
				roll((uint32_t)n));
		snprintf(name, sizeof(name), "c%zu", n);
		struct scene_check *c = scene_add(s, name, types[roll(4)], needs);
		c->subject.path = str_eq(c->spec.type, "disk") ? path : NULL;
		c->spec.common.interval_us = SECONDS(1 + (usec_t)roll(30));
		c->spec.common.retries = 1 + (int64_t)roll(3);
	}
}

static void
free_known(void *known)
{
	free(known);
}

static void
play(unsigned long steps, bool has_playbooks)
{
	struct scene *s;
	void *state;
	scene_setup(&state);
	s = state;
	s->on_told = on_told;
	memset(&world.truth, 0, sizeof(world.truth));
	world.incidents = map_new();
	build(s, has_playbooks);
	scene_begins(s);
	for (; steps-- > 0; world.step++)
		step(s);
	scene_teardown(&state);
	map_free(world.incidents, free_known);
}

static unsigned long
number_of(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void
test_nothing_breaks_in_random_histories(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
	unsigned long usual = 60000;
#else
	unsigned long usual = getenv("UNDER_VALGRIND") ? 8000 : 1000000;
#endif
	unsigned long steps = number_of("RANDOM_STEPS", usual);
	(void)state;
	world.seed = world.state = number_of("RANDOM_SEED", 4);
	for (unsigned long scene = 0; world.step < steps; scene++)
		play(STEPS_OF_A_SCENE, scene % 3 == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_breaks_in_random_histories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
