/*
 * A thousand alerts at once: each turn of the loop tells so many and no more, in the order in which
 * they came, and all of them in the end; so when they are over.  Where a turn has time for less, it
 * is less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "triage/triage.h"

#define ALERTS   1000
#define TURN_MAX 20 /* told in one turn */
#define SLOW_MAX 3  /* looks that a slow host has time for in one turn */

struct bed {
	struct triage *triage;
	struct triage_moment at;
	unsigned opened, ended;
	unsigned most;  /* told in one turn */
	unsigned looks; /* that there is still time for in this turn; 0: none */
};

static void
on_incident(void *arg, const struct incident_event *event)
{
	struct bed *bed = arg;
	char check[16];
	unsigned *count = event->type == INCIDENT_ENDED ? &bed->ended : &bed->opened;

	snprintf(check, sizeof(check), "c%u", *count);
	assert_string_equal(event->incident->check, check);
	(*count)++;
}

static void
on_keep(void *arg, const char *id, const json_t *doc)
{
	(void)arg;
	(void)id;
	(void)doc;
}

static void
happens(struct bed *bed, unsigned count, enum alert_change change)
{
	for (unsigned n = 0; n < count; n++) {
		char check[16];
		const struct alert_event event = {
			.change = change,
			.check = check,
			.type = "tcp",
			.target = "",
			.rule = "check-down",
			.severity = change == ALERT_ENDS ? SEVERITY_OK : SEVERITY_CRITICAL,
			.text = "refused",
			.at_us = bed->at.wall_us,
		};

		snprintf(check, sizeof(check), "c%u", n);
		triage_alert(bed->triage, &event, bed->at.now_us);
	}
}

/* Turns until `count` stands at ALERTS. */
static void
turn(struct bed *bed, const unsigned *count)
{
	for (unsigned turns = 0; *count < ALERTS; turns++) {
		unsigned before = *count;

		assert_true(turns < 2 * ALERTS);
		bed->at.now_us += 5 * USEC_PER_MSEC;
		bed->at.wall_us += 5 * USEC_PER_MSEC;
		bed->looks = SLOW_MAX;
		triage_tick(bed->triage, &bed->at);
		assert_in_range(*count - before, 0, bed->most);
	}
}

static bool
has_time(void *arg)
{
	struct bed *bed = arg;

	return bed->looks > 0 && bed->looks-- > 0;
}

static void
begin(struct bed *bed, bool is_slow)
{
	const struct triage_options options = {
		.on_incident = on_incident,
		.on_keep = on_keep,
		.asks = { .has_time = is_slow ? has_time : NULL },
		.arg = bed,
		.host = "web-1",
	};

	bed->at = (struct triage_moment){ 1000 * USEC_PER_SEC, 2000 * USEC_PER_SEC };
	bed->most = is_slow ? SLOW_MAX : TURN_MAX;
	bed->triage = triage_new(&options);
	triage_settle(bed->triage, &bed->at);
}

static void
play(bool is_slow)
{
	struct bed bed = { 0 };

	begin(&bed, is_slow);
	happens(&bed, ALERTS, ALERT_FIRES);
	assert_in_range(bed.opened, 1, TURN_MAX);
	turn(&bed, &bed.opened);
	assert_int_equal(triage_open_count(bed.triage), ALERTS);
	happens(&bed, ALERTS, ALERT_ENDS);
	turn(&bed, &bed.ended);
	assert_int_equal(triage_open_count(bed.triage), 0);
	triage_free(bed.triage);
}

static void
a_thousand_are_told_some_a_turn(void **state)
{
	(void)state;
	play(false);
}

static void
a_slow_host_tells_fewer_a_turn(void **state)
{
	(void)state;
	play(true);
}

/* What people know is behind by so many turns; triage wants each of them soon. */
static void
what_ends_in_a_turn_that_is_spent_is_told_in_the_next(void **state)
{
	struct bed bed = { 0 };

	(void)state;
	begin(&bed, false);
	happens(&bed, TURN_MAX + 5, ALERT_FIRES);
	happens(&bed, 1, ALERT_ENDS);
	assert_in_range(bed.opened, 1, TURN_MAX);
	assert_int_equal(bed.ended, 0);
	for (unsigned turns = 0; bed.ended == 0; turns++) {
		usec_t due_us = triage_due(bed.triage), by_us = due_us - bed.at.now_us;

		assert_true(turns < TURN_MAX);
		assert_true(by_us <= 5 * USEC_PER_MSEC);
		bed.at.now_us += by_us > 0 ? by_us : 0;
		bed.at.wall_us += by_us > 0 ? by_us : 0;
		triage_tick(bed.triage, &bed.at);
	}
	assert_int_equal(bed.opened, TURN_MAX + 5);
	assert_int_equal(triage_open_count(bed.triage), TURN_MAX + 4);
	triage_free(bed.triage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_are_told_some_a_turn),
		cmocka_unit_test(a_slow_host_tells_fewer_a_turn),
		cmocka_unit_test(what_ends_in_a_turn_that_is_spent_is_told_in_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
