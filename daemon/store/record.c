/* See record.h.  One small entry per check: when its row is due, and the sums since the last one.
 */
#include "store/record.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define STEP_US (10 * USEC_PER_SEC)
/* A run is never in time to the microsecond: the row is not to wait for the next one. */
#define SLACK_US (USEC_PER_SEC / 2)

struct sum {
	float total;
	unsigned count;
};

struct entry {
	usec_t due_us; /* monotonic: a run that starts from here on ends the row being gathered */
	const struct metric_desc *metrics; /* the table that `sums` and `series` are in step with */
	struct sum *sums;                  /* NULL while every sample is its own row */
	struct store_series **series;      /* NULL: none was written yet; the same for each of it */
	struct store_series *up_series;
	struct sum up; /* count 0: nobody could tell since the last row */
	size_t metric_count;
};

struct recorder {
	struct store *store;
	struct map *entries; /* check -> struct entry * */
};

struct recorder *
recorder_new(struct store *store)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));

	recorder->store = store;
	recorder->entries = map_new();
	return recorder;
}

static void
free_entry(void *p)
{
	struct entry *entry = p;

	free(entry->sums);
	free(entry->series);
	free(entry);
}

void
recorder_free(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	map_free(recorder->entries, free_entry);
	free(recorder);
}

static struct entry *
entry_of(struct recorder *recorder, const char *check, const struct sample *sample)
{
	struct entry *entry = map_get(recorder->entries, check);

	if (entry == NULL) {
		entry = xcalloc(1, sizeof(*entry));
		map_put(recorder->entries, check, entry);
	}
	if (entry->metrics != sample->metrics || entry->metric_count != sample->metric_count) {
		free(entry->sums);
		free(entry->series);
		entry->sums = NULL;
		entry->series = NULL;
		entry->metrics = sample->metrics;
		entry->metric_count = sample->metric_count;
	}
	return entry;
}

static void
gather(struct entry *entry, const struct sample *sample)
{
	if (entry->sums == NULL)
		entry->sums = xcalloc(entry->metric_count, sizeof(*entry->sums));
	for (size_t i = 0; i < entry->metric_count; i++) {
		if (isnan(sample->values[i]))
			continue;
		entry->sums[i].total += (float)sample->values[i];
		entry->sums[i].count++;
	}
}

static double
row_value(struct entry *entry, const struct sample *sample, size_t metric)
{
	struct sum *sum;

	if (entry->sums == NULL)
		return sample->values[metric];
	sum = &entry->sums[metric];
	if (sum->count == 0)
		return NAN;
	return (double)sum->total / sum->count;
}

/* Found by its names once. */
static struct store_series *
series_of(struct recorder *recorder, const char *check, struct entry *entry, size_t metric)
{
	if (entry->series == NULL)
		entry->series = xcalloc(entry->metric_count, sizeof(*entry->series));
	if (entry->series[metric] == NULL)
		entry->series[metric] =
			store_series(recorder->store, check, entry->metrics[metric].name);
	return entry->series[metric];
}

static void
write_row(struct recorder *recorder, const char *check, struct entry *entry,
	const struct sample *sample)
{
	for (size_t i = 0; i < entry->metric_count; i++) {
		double value = row_value(entry, sample, i);

		if (!isnan(value) && sample->metrics[i].kind != METRIC_MOMENT)
			store_sample(recorder->store, series_of(recorder, check, entry, i),
				sample->wall_us, value);
	}
	free(entry->sums);
	entry->sums = NULL;
}

static void
gather_up(struct entry *entry, double up)
{
	if (isnan(up))
		return;
	entry->up.total += (float)up;
	entry->up.count++;
}

static void
write_up(struct recorder *recorder, const char *check, struct entry *entry, usec_t wall_us)
{
	if (entry->up.count == 0)
		return;
	if (entry->up_series == NULL)
		entry->up_series = store_series(recorder->store, check, RECORD_UP);
	store_sample(recorder->store, entry->up_series, wall_us,
		(double)entry->up.total / entry->up.count);
	entry->up = (struct sum){ .count = 0 };
}

void
recorder_take(struct recorder *recorder, const char *check, const struct sample *sample, double up)
{
	struct entry *entry = entry_of(recorder, check, sample);
	usec_t now = sample->started_us;

	if (entry->sums != NULL || now < entry->due_us)
		gather(entry, sample);
	gather_up(entry, up);
	if (now < entry->due_us)
		return;
	write_row(recorder, check, entry, sample);
	write_up(recorder, check, entry, sample->wall_us);
	entry->due_us = now + STEP_US - SLACK_US;
}

usec_t
recorder_row_us(usec_t interval_us)
{
	usec_t runs;

	if (interval_us <= 0)
		return STEP_US;
	runs = (STEP_US - SLACK_US + interval_us - 1) / interval_us;
	return runs * interval_us;
}
