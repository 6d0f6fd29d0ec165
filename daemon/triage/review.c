/*
 * Looking again: what waits to speak, whose root may be another by now, whose root is well, and
 * what time alone brings.  A pass goes over all of it; one that is too long for a turn of the loop
 * goes on in the next ones, where it stopped.
 *
 *	something happened, or time --> speak --> turn --> release --> age --> (again?)
 */
#include "triage/inside.h"

#define LOOKS_MAX    150 /* things looked at in one turn of the loop */
#define CREDIT       36  /* and what it may write and tell: see review_spend */
#define ROUNDS_MAX   8
#define AGE_EVERY_US (5 * USEC_PER_SEC)
#define STORM        200 /* incidents that are open, or alerts that fire */
#define STORM_US     (50 * USEC_PER_MSEC)
#define GO_ON_US     (3 * USEC_PER_MSEC) /* the others' share of the loop, while a pass goes on */

void
review_spend(struct triage *t, unsigned cost)
{
	t->credit -= cost < t->credit ? cost : t->credit;
}

bool
review_may_go_on(const struct triage *t)
{
	return t->credit > 0 && t->looks > 0;
}

/* What the numbers allow may take long all the same: on a slow host, or where one thing touches
 * many. */
bool
review_has_time(const struct triage *t)
{
	const struct triage_asks *asks = &t->options.asks;
	return review_may_go_on(t) && (!asks->has_time || asks->has_time(t->options.arg));
}

static bool
speak_phase(struct triage *t)
{
	return speak_review(t);
}

/* Telling may end others or open new ones: from the end, with an eye on the count. */
static bool
sweep(struct triage *t, void (*look)(struct triage *t, struct entry *entry))
{
	if (!t->is_sweeping)
		t->left = t->book.open.count;
	t->is_sweeping = true;
	while (t->left > 0) {
		if (!review_has_time(t))
			return false;
		t->left--;
		t->looks--;
		if (t->left < t->book.open.count)
			look(t, t->book.open.all[t->left]);
	}
	t->is_sweeping = false;
	return true;
}

static bool
turn_phase(struct triage *t)
{
	return !t->is_settled || sweep(t, turn_review);
}

static bool
release_phase(struct triage *t)
{
	return sweep(t, release_review);
}

static bool
age_phase(struct triage *t)
{
	return sweep(t, life_age);
}

static bool (*const phases[])(struct triage *t) = {
	speak_phase,
	turn_phase,
	release_phase,
	age_phase,
};

#define PHASES (sizeof(phases) / sizeof(phases[0]))

static void
begin_pass(struct triage *t)
{
	t->is_stale = false;
	t->due_us = t->at.now_us + AGE_EVERY_US;
	t->phase = 0;
	t->is_passing = true;
	speak_begin_review(t);
	host_review(t);
}

void
review(struct triage *t)
{
	if (t->at.now_us >= t->due_us)
		t->is_stale = true;
	for (unsigned round = 0; round < ROUNDS_MAX && (t->is_stale || t->is_passing); round++) {
		if (!t->is_passing)
			begin_pass(t);
		while (t->phase < PHASES && phases[t->phase](t))
			t->phase++;
		if (t->phase < PHASES)
			return;
		t->is_passing = false;
	}
}

void
review_begin_turn(struct triage *t)
{
	t->looked_us = t->at.now_us;
	t->credit = CREDIT;
	t->looks = LOOKS_MAX;
}

/* In a large outage something happens all the time: all of it is looked at now and then. */
usec_t
review_due(const struct triage *t)
{
	bool is_storm = t->book.open.count > STORM || map_count(t->firings) > STORM;
	usec_t soon_us = t->looked_us + GO_ON_US, due_us = t->due_us;
	if (t->is_passing || !list_is_empty(&t->queue))
		return soon_us;
	if (t->is_stale)
		due_us = is_storm ? t->looked_us + STORM_US : 0;
	due_us = due_us < t->due_us ? due_us : t->due_us;
	return is_storm && due_us < soon_us ? soon_us : due_us;
}
