/* One run of one check yields one sample: outcome, cause, numbers, and what was seen. */
#ifndef MODEL_SAMPLE_H
#define MODEL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/cause.h"
#include "model/metric.h"

enum outcome {
	OUTCOME_NONE,  /* still running */
	OUTCOME_OK,    /* the target did what was asked */
	OUTCOME_FAIL,  /* the target did not */
	OUTCOME_ERROR, /* we could not tell: says nothing about the target */
};

/* What the scheduler concludes from the samples so far (retries, successes, start_period). */
enum check_state {
	CHECK_UNKNOWN, /* nothing yet, or nothing recent */
	CHECK_UP,
	CHECK_SUSPECT, /* failing, not yet `retries` times */
	CHECK_DOWN,
	CHECK_STARTING, /* failing within start_period */
};

#define SAMPLE_TEXT_MAX  400
#define SAMPLE_FACTS_MAX 8
#define SAMPLE_NOTES_MAX 4

/* Evidence that the run itself came across: "body" -> first bytes, "tls" -> dates... */
struct sample_fact {
	char name[24];
	char *text;
};

/* An `ok` run that still has something to say (family note, redis.auth-unneeded...). */
struct sample_note {
	const struct cause *cause;
	char *text;
};

/* One is kept of every check: small fields lie beside each other. */
struct sample {
	enum outcome outcome : 8;
	/* filled by the scheduler before anybody else sees it */
	enum check_state state : 8;
	uint8_t fact_count, note_count;
	unsigned failures; /* filled by the scheduler, too: in a row, this one included */
	uint32_t metric_count;
	uint16_t child_count;
	uint16_t unknown_tail;     /* so many of the last values, at least, are not known */
	const struct cause *cause; /* of FAIL and ERROR; never NULL there */
	char *text;        /* one sentence of what was found, fit to show, masked; never NULL */
	usec_t started_us; /* monotonic */
	usec_t took_us;
	usec_t wall_us;                    /* when it ended */
	const struct metric_desc *metrics; /* the type's table */
	double *values;                    /* one per row of it; NAN: not known */
	struct sample_fact *facts;         /* at most SAMPLE_FACTS_MAX */
	struct sample_note *notes;         /* at most SAMPLE_NOTES_MAX */
	char **children; /* instances a parent check found (mount points...); NULL: not a parent */
};

const char *outcome_name(enum outcome outcome);       /* "ok" "fail" "error" "none" */
const char *check_state_name(enum check_state state); /* "up" "down" "suspect" "starting" ... */

void sample_init(struct sample *s, const struct metric_desc *metrics);
void sample_fini(struct sample *s);
void sample_copy(struct sample *to, const struct sample *from); /* `to` is not initialised */
/* The same over a copy made before: what did not change is not made anew. */
void sample_replace(struct sample *to, const struct sample *from);
double sample_value(const struct sample *s, const char *metric); /* NAN: unknown or absent */

#endif
