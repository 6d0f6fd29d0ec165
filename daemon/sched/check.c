/*
 * What one sample does to a check: `retries` failures in a row make it down, `successes` good ones
 * make it up again, an error neither counts nor resets.
 *
 *	          fail (in start_period)
 *	UNKNOWN ───────────────────────► STARTING
 *	   │ ok          fail               │ ok / fail after the period
 *	   ▼                                ▼
 *	  UP ──────────► SUSPECT ── retries in a row ──► DOWN
 *	   ▲                │ ok                           │
 *	   └────────────────┴────────── successes in a row ┘
 */
#include "sched/check.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct check *
check_new(struct sched *sched, const struct check_spec *spec)
{
	struct check *check = xcalloc(1, sizeof(*check));

	check->sched = sched;
	check->spec = spec;
	check->state = CHECK_UNKNOWN;
	list_init(&check->at_place);
	return check;
}

struct check_spec *
check_own_spec(const struct check *child)
{
	return (struct check_spec *)(uintptr_t)(const void *)child->spec;
}

static void
free_own_spec(struct check_spec *spec)
{
	free(spec->name);
	free(spec->instance);
	free(spec->target);
	free(spec);
}

void
check_free(struct check *check)
{
	if (check == NULL)
		return;
	probe_run_abort(check->task.run);
	probe_keep_fini(&check->task.keep);
	probe_watch_close(check->task.watch);
	json_decref(check->kept);
	if (check->has_sample)
		sample_fini(&check->last);
	free(check->children);
	free(check->facts);
	if (check->parent != NULL)
		free_own_spec(check_own_spec(check));
	free(check);
}

static bool
is_in_start_period(const struct check *check, usec_t now_wall_us)
{
	usec_t period = check->spec->common.start_period_us;

	return period > 0 && !check->has_started &&
	       now_wall_us < check->first_added_wall_us + period;
}

static enum check_state
state_after_fail(struct check *check, const struct sample *sample, usec_t now_wall_us)
{
	bool is_other = check->has_sample && check->last.cause != sample->cause;

	if (is_in_start_period(check, now_wall_us))
		return CHECK_STARTING;
	check->successes = 0;
	if (check->failures++ == 0 || is_other)
		check->fail_us = sample->started_us;
	if (check->state == CHECK_DOWN || check->failures >= check->spec->common.retries)
		return CHECK_DOWN;
	return CHECK_SUSPECT;
}

static enum check_state
state_after_ok(struct check *check)
{
	check->successes++;
	check->has_started = true;
	if (check->state == CHECK_DOWN && check->successes < check->spec->common.successes)
		return CHECK_DOWN;
	check->failures = 0;
	check->fail_us = 0;
	return CHECK_UP;
}

void
check_take(struct check *check, struct sample *sample, usec_t now_wall_us)
{
	enum check_state state = check->state;

	if (sample->outcome == OUTCOME_FAIL)
		state = state_after_fail(check, sample, now_wall_us);
	else if (sample->outcome == OUTCOME_OK)
		state = state_after_ok(check);
	if (state != check->state || check->since_wall_us == 0)
		check->since_wall_us = now_wall_us;
	check->state = state;
	sample->state = state;
	sample->failures = check->failures;
}

/*
 * A total time in 16 bits, to a two-thousandth part: 11 bits of microseconds, shifted by the other
 * five.
 */
#define TOTAL_BITS   11
#define TOTAL_FAILED UINT16_MAX

static uint16_t
pack_total(usec_t us)
{
	uint64_t bits = us < 0 ? 0 : (uint64_t)us;
	unsigned shift = 0;

	while ((bits + (1U << shift >> 1)) >> shift >= 1U << TOTAL_BITS)
		if (++shift == TOTAL_FAILED >> TOTAL_BITS)
			return TOTAL_FAILED - 1;
	return (uint16_t)(shift << TOTAL_BITS | (bits + (1U << shift >> 1)) >> shift);
}

double
sched_total(const struct check_view *view, size_t n)
{
	uint16_t packed = view->totals[(view->total_from + n) % SCHED_TOTALS];
	uint64_t bits = packed & ((1U << TOTAL_BITS) - 1);

	if (packed == TOTAL_FAILED)
		return NAN;
	return (double)(bits << (packed >> TOTAL_BITS)) / USEC_PER_SEC;
}

void
check_remember(struct check *check, const struct sample *sample)
{
	bool is_good = sample->outcome == OUTCOME_OK;

	if (check->has_sample)
		sample_replace(&check->last, sample);
	else
		sample_copy(&check->last, sample);
	check->has_sample = true;
	check->totals[check->total_at] = is_good ? pack_total(sample->took_us) : TOTAL_FAILED;
	check->total_at = (uint8_t)((check->total_at + 1) % SCHED_TOTALS);
	if (check->total_count < SCHED_TOTALS)
		check->total_count++;
}

bool
check_wants_retry(const struct check *check)
{
	return check->state == CHECK_SUSPECT ||
	       (check->state == CHECK_DOWN && check->successes > 0);
}

bool
check_spec_same(const struct check_spec *a, const struct check_spec *b)
{
	const struct probe_type *type = a->probe_type;

	return a->probe_type == b->probe_type && conf_same(check_fields, &a->common, &b->common) &&
	       conf_same(type->fields, a->conf, b->conf);
}

bool
check_is_parent(const struct check_spec *spec)
{
	const struct probe_type *type = spec->probe_type;

	return spec->instance == NULL && type->is_parent != NULL && type->is_parent(spec->conf);
}
