/*
 * A fact: an on-demand measurement made to tell causes apart.  Its keys are what the conditions of
 * playbooks may ask; its text is what people read.  A plain value that owns its texts.
 */
#ifndef MODEL_FACT_H
#define MODEL_FACT_H

#include "base/clock.h"
#include "model/metric.h"

#define FACT_TEXT_MAX  4096 /* of one fact, for people: at most 20 lines */
#define FACT_LINES_MAX 20

enum fact_end {
	FACT_HAD,    /* it was measured */
	FACT_NONE,   /* there is no such thing here: no unit, no container; that is known */
	FACT_MISSED, /* it could not be had: the text says why and which right is missing */
};

struct fact {
	const char *name;               /* the type's: "port-owner"; not owned */
	const struct metric_desc *keys; /* the type's: closed by a NULL name; not owned */
	enum fact_end end;
	double *numbers; /* one for each key; NAN: not known; flags are 0 or 1 */
	char **texts;    /* one for each key; of keys of UNIT_TEXT; NULL: not known */
	char *text;      /* for people, masked, lines; never NULL */
	usec_t at_us;    /* wall */
	usec_t took_us;
};

void fact_init(struct fact *f, const char *name, const struct metric_desc *keys);
void fact_fini(struct fact *f);
void fact_copy(struct fact *to, const struct fact *from);        /* `to` is not initialised */
double fact_number_of(const struct fact *f, const char *key);    /* NAN: not known */
const char *fact_text_of(const struct fact *f, const char *key); /* NULL: not known */

#endif
