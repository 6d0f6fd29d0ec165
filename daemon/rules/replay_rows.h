/* The past of one check as samples in order of time, out of the stretches of its metrics. */
#ifndef RULES_REPLAY_ROWS_H
#define RULES_REPLAY_ROWS_H

#include "rules/rules.h"

/* One metric, or whether the check was up. */
struct replay_column {
	const char *metric; /* NULL: whether it was up */
	int index;          /* of the metric in the check's table */
	int trouble;        /* with peaks: 1 the maximum is, -1 the minimum, 0: neither alone */
	struct rules_past *past; /* owned; in order of time */
	size_t count, at;
	double value; /* of the stretch being spread; NAN: it is not in it */
};

struct replay_rows {
	struct replay_column *columns; /* owned */
	size_t count;
	bool wants_peaks;
	/* The stretch being spread: it gives `total` samples, `given` of them so far. */
	usec_t since_us, grain_us;
	uint32_t total, given;
	bool was_down; /* the sample before */
};

struct replay_row {
	usec_t wall_us, grain_us;
	double up; /* 1, 0, or NAN */
};

void replay_rows_fini(struct replay_rows *rows);
/* When the next one comes (wall); INT64_MAX: there is none. */
usec_t replay_rows_next(struct replay_rows *rows);
/* Takes it; its numbers are in the columns' `value`. */
struct replay_row replay_rows_take(struct replay_rows *rows);

#endif
