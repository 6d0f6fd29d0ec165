/* See record.h.  One small entry per check: when its row is due, and the sums since the last one.
 */
#include "store/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#define STEP_US (10 * USEC_PER_SEC)
/* A run is never in time to the microsecond: the row is not to wait for the next one. */
#define SLACK_US (USEC_PER_SEC / 2)

struct sum {
	float total;
	unsigned count;
};

/* Few of a type's metrics are known of any one check. */
struct known {
	struct store_series *series;
	size_t metric;
};

struct entry {
	usec_t due_us; /* monotonic: a run that starts from here on ends the row being gathered */
	const struct metric_desc *metrics; /* the table that `sums` and `known` are in step with */
	struct sum *sums;                  /* NULL while every sample is its own row */
	struct known *known;               /* that were written, in order */
	struct store_series *up_series;
	struct sum up; /* count 0: nobody could tell since the last row */
	uint32_t metric_count, known_count;
	char name[]; /* the check's, and the map's key */
};

struct recorder {
	struct store *store;
	struct map *entries; /* check -> struct entry * */
	uint32_t stamp;      /* another one since any of them went; never 0 */
};

struct recorder *
recorder_new(struct store *store)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));

	recorder->store = store;
	recorder->entries = map_new_borrowing();
	recorder->stamp = 1;
	return recorder;
}

static void
free_entry(void *p)
{
	struct entry *entry = p;

	free(entry->sums);
	free(entry->known);
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

void
recorder_drop(struct recorder *recorder, const char *check)
{
	struct entry *entry = map_remove(recorder->entries, check);

	if (entry == NULL)
		return;
	recorder->stamp++;
	for (uint32_t i = 0; i < entry->known_count; i++)
		store_drop_series(recorder->store, entry->known[i].series);
	store_drop_series(recorder->store, entry->up_series);
	free_entry(entry);
}

void
recorder_sweep(struct recorder *recorder, bool (*is_there)(void *arg, const char *check), void *arg)
{
	const char **gone = xcalloc(map_count(recorder->entries) + 1, sizeof(*gone)), *name;
	size_t count = 0;
	void *entry;

	for (size_t at = 0; map_next(recorder->entries, &at, &name, &entry);)
		if (!is_there(arg, name))
			gone[count++] = name;
	while (count > 0)
		recorder_drop(recorder, gone[--count]);
	free(gone);
}

static struct entry *
find(struct recorder *recorder, const char *check)
{
	struct entry *entry = map_get(recorder->entries, check);

	if (entry == NULL) {
		size_t size = strlen(check) + 1;

		entry = xcalloc(1, sizeof(*entry) + size);
		memcpy(entry->name, check, size);
		map_put(recorder->entries, entry->name, entry);
	}
	return entry;
}

static void
fit(struct recorder *recorder, struct entry *entry, const struct sample *sample)
{
	if (entry->metrics == sample->metrics && entry->metric_count == sample->metric_count)
		return;
	for (uint32_t i = 0; i < entry->known_count; i++)
		store_drop_series(recorder->store, entry->known[i].series);
	free(entry->sums);
	free(entry->known);
	entry->sums = NULL;
	entry->known = NULL;
	entry->known_count = 0;
	entry->metrics = sample->metrics;
	entry->metric_count = sample->metric_count;
}

static void
gather(struct entry *entry, const struct sample *sample)
{
	if (entry->sums == NULL)
		entry->sums = xcalloc(entry->metric_count, sizeof(*entry->sums));
	for (size_t i = 0; i < entry->metric_count - sample->unknown_tail; i++) {
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

/* Found by its names once; `*at` is where the metrics before it ended. */
static struct store_series *
series_of(struct recorder *recorder, struct entry *entry, size_t metric, uint32_t *at)
{
	while (*at < entry->known_count && entry->known[*at].metric < metric)
		++*at;
	if (*at < entry->known_count && entry->known[*at].metric == metric &&
		entry->known[*at].series != NULL)
		return entry->known[*at].series;
	if (*at == entry->known_count || entry->known[*at].metric != metric) {
		entry->known =
			xreallocarray(entry->known, entry->known_count + 1, sizeof(*entry->known));
		memmove(&entry->known[*at + 1], &entry->known[*at],
			(entry->known_count - *at) * sizeof(*entry->known));
		entry->known_count++;
		entry->known[*at].metric = metric;
	}
	entry->known[*at].series =
		store_series(recorder->store, entry->name, entry->metrics[metric].name);
	return entry->known[*at].series;
}

static void
write_row(struct recorder *recorder, struct entry *entry, const struct sample *sample)
{
	uint32_t at = 0;

	for (size_t i = 0; i < entry->metric_count; i++) {
		double value = row_value(entry, sample, i);

		if (!isnan(value) && sample->metrics[i].kind != METRIC_MOMENT)
			store_sample(recorder->store, series_of(recorder, entry, i, &at),
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
write_up(struct recorder *recorder, struct entry *entry, usec_t wall_us)
{
	if (entry->up.count == 0)
		return;
	if (entry->up_series == NULL)
		entry->up_series = store_series(recorder->store, entry->name, RECORD_UP);
	store_sample(recorder->store, entry->up_series, wall_us,
		(double)entry->up.total / entry->up.count);
	entry->up = (struct sum){ .count = 0 };
}

static void
take(struct recorder *recorder, struct entry *entry, const struct sample *sample, double up)
{
	usec_t now = sample->started_us;

	fit(recorder, entry, sample);
	if (entry->sums != NULL || now < entry->due_us)
		gather(entry, sample);
	gather_up(entry, up);
	if (now < entry->due_us)
		return;
	write_row(recorder, entry, sample);
	write_up(recorder, entry, sample->wall_us);
	entry->due_us = now + STEP_US - SLACK_US;
}

void
recorder_take(struct recorder *recorder, const char *check, const struct sample *sample, double up)
{
	take(recorder, find(recorder, check), sample, up);
}

void
recorder_take_tied(struct recorder *recorder, struct check_ties *ties, const char *check,
	const struct sample *sample, double up)
{
	if (ties->recorder_stamp != recorder->stamp) {
		ties->recorder = find(recorder, check);
		ties->recorder_stamp = recorder->stamp;
	}
	take(recorder, ties->recorder, sample, up);
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
