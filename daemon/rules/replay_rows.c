/* See replay_rows.h. */
#include "rules/replay_rows.h"

#include <math.h>
#include <stdlib.h>

void
replay_rows_fini(struct replay_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->columns[i].past);
	free(rows->columns);
}

static const struct rules_past *
head(const struct replay_column *column)
{
	return column->at < column->count ? &column->past[column->at] : NULL;
}

/* The earliest of all columns, the finer one of two that begin together; NULL: none is left. */
static const struct rules_past *
earliest(const struct replay_rows *rows)
{
	const struct rules_past *first = NULL;

	for (size_t i = 0; i < rows->count; i++) {
		const struct rules_past *past = head(&rows->columns[i]);
		if (past && (!first || past->since_us < first->since_us ||
				    (past->since_us == first->since_us &&
					    past->until_us < first->until_us)))
			first = past;
	}
	return first;
}

static double
value_of(const struct replay_column *column, const struct rules_past *past, bool wants_peaks)
{
	if (!wants_peaks || column->trouble == 0)
		return past->avg;
	return column->trouble > 0 ? past->max : past->min;
}

/* The next stretch, of all columns that have it. */
static bool
advance(struct replay_rows *rows)
{
	const struct rules_past *next = earliest(rows);

	if (!next)
		return false;
	rows->since_us = next->since_us;
	rows->grain_us = next->until_us - next->since_us;
	rows->total = 1;
	rows->given = 0;
	for (size_t i = 0; i < rows->count; i++) {
		struct replay_column *column = &rows->columns[i];
		const struct rules_past *past = head(column);
		column->value = (double)NAN;
		if (!past || past->since_us != rows->since_us ||
			past->until_us - past->since_us != rows->grain_us)
			continue;
		column->value = value_of(column, past, rows->wants_peaks);
		if (past->count > rows->total && rows->grain_us > 0)
			rows->total = past->count;
		column->at++;
	}
	return true;
}

usec_t
replay_rows_next(struct replay_rows *rows)
{
	if (rows->given == rows->total && !advance(rows))
		return INT64_MAX;
	return rows->since_us + rows->grain_us * (2 * rows->given + 1) / (2 * (usec_t)rows->total);
}

/* A row of a check that runs every second is an average, too: three seconds of ten are an outage.
 */
#define ROUNDING 1e-6

/*
 * Of a stretch that was partly down nobody knows which part.  It goes on as the one before ended,
 * so that an outage over several stretches is one outage.
 */
static double
spread(const struct replay_rows *rows, double up)
{
	uint32_t down = (uint32_t)fmax(ceil((1 - up) * rows->total - ROUNDING), 0);
	bool is_down = rows->was_down ? rows->given < down : rows->given >= rows->total - down;

	return is_down ? 0 : 1;
}

struct replay_row
replay_rows_take(struct replay_rows *rows)
{
	struct replay_row row = { replay_rows_next(rows), rows->grain_us, (double)NAN };

	for (size_t i = 0; i < rows->count; i++)
		if (!rows->columns[i].metric)
			row.up = rows->columns[i].value;
	if (!isnan(row.up))
		row.up = spread(rows, row.up);
	rows->given++;
	if (rows->given == rows->total)
		rows->was_down = row.up == 0;
	return row;
}
