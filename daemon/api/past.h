/*
 * Asking the history for an answer: some series of one check are read one after the other, off the
 * loop, then the answer is made.
 */
#ifndef API_PAST_H
#define API_PAST_H

#include "api/call.h"
#include "model/metric.h"
#include "sched/sched.h"
#include "store/store.h"

struct past_series {
	const char *stored; /* its name in the history; borrowed */
	char *metric;       /* its name for people */
	enum metric_unit unit;
	bool is_kept; /* false: the history does not keep it */
	struct store_point *points;
	size_t count;
};

struct past {
	struct api_call *call;
	const struct api_world *world;
	char *check;
	usec_t since_us, until_us, step_us; /* step 0: as stored */
	usec_t row_us;                      /* how often a row of the check is written */
	struct past_series *series;
	size_t count;
	void (*answer)(struct past *past); /* fills the reply, or sets the call's walk */
	size_t at;
	bool is_late;
};

/* The check that the path names; false after a 404 that suggests another. */
bool past_find_check(struct api_call *call, const char *name, struct check_view *view);
/* A time or an age of the query; leaves *wall_us as it is when absent; -1 after a 400. */
int past_when(struct api_call *call, const char *name, usec_t *wall_us);
/* The table of what the check reports: of its last sample, else of its type and settings. */
const struct metric_desc *past_metrics(const struct check_view *view);

struct past *past_new(struct api_call *call, const struct check_view *view);
void past_free(struct past *past);
struct past_series *past_add(struct past *past, const char *metric, enum metric_unit unit);
/* Reads them all; `answer` is called now or later, and `past` is freed after it, unless that took
 * it for the call's walk (past->call NULL).  When too many ask already: a 503. */
void past_start(struct past *past);

#endif
