/* What expressions see: the latest samples, as far as they are kept, and the windows. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/engine.h"

struct watched *
engine_find(const struct rules *rules, const char *check)
{
	return map_get(rules->checks, check);
}

usec_t
engine_patience(const struct watched *check)
{
	usec_t patience = 3 * check->interval_us;

	return patience > USEC_PER_MIN ? patience : USEC_PER_MIN;
}

static const struct watched *
find(const struct rules *rules, const char *check)
{
	if (check == rules->self->name)
		return rules->self;
	return engine_find(rules, check);
}

const struct sample *
engine_sample(struct rules *rules, const struct watched *check)
{
	struct sample *shown = &rules->shown;
	struct kept *kept = check->kept;

	if (check == rules->fed)
		return rules->fed_sample;
	if (!kept)
		return NULL;
	shown->outcome = kept->outcome;
	shown->state = kept->state;
	shown->failures = kept->failures;
	shown->cause = kept->cause;
	shown->metrics = kept->metrics;
	shown->metric_count = (uint32_t)kept->count;
	shown->values = kept->values;
	shown->text = rules->no_text;
	return shown;
}

static const struct sample *
sample_of(void *arg, const char *name)
{
	struct rules *rules = arg;
	const struct watched *check = find(rules, name);

	if (!check || !check->has_sample)
		return NULL;
	if (check != rules->fed && rules->now_us - check->last_us >= engine_patience(check))
		return NULL;
	return engine_sample(rules, check);
}

static const struct series *
series_of(void *arg, const char *name, const struct expr_window *what)
{
	const struct rules *rules = arg;

	return engine_series(find(rules, name), what);
}

struct expr_world
engine_world(struct rules *rules, const struct alert *alert, usec_t now_us)
{
	rules->self = alert->check;
	rules->now_us = now_us;
	return (struct expr_world){ .arg = rules,
		.now_us = now_us,
		.wall_us = now_us + rules->wall_ahead_us,
		.this_check = alert->check->name,
		/* A kept one lies where another check's comes to lie when it is asked for. */
		.this_sample =
			alert->check == rules->fed ? sample_of(rules, alert->check->name) : NULL,
		.sample_of = sample_of,
		.series_of = series_of };
}

void
engine_keep_sample(struct watched *check, const struct sample *sample)
{
	struct kept *kept = check->kept;

	if (!sample) {
		free(kept);
		check->kept = NULL;
		return;
	}
	if (!kept || kept->count != sample->metric_count) {
		free(kept);
		kept = xmalloc(sizeof(*kept) + sample->metric_count * sizeof(double));
	}
	kept->outcome = sample->outcome;
	kept->state = sample->state;
	kept->failures = sample->failures;
	kept->cause = sample->cause;
	kept->metrics = sample->metrics;
	kept->count = sample->metric_count;
	if (kept->count)
		memcpy(kept->values, sample->values, kept->count * sizeof(double));
	check->kept = kept;
}
