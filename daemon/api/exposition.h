/*
 * The text that Prometheus reads: OpenMetrics 1.0.0 or the older 0.0.4.  Families are kept apart
 * while samples come in any order, so a walk over checks needs one pass and families are never
 * interleaved.  Everything is built in memory: a partial exposition would be wholly invalid.
 */
#ifndef API_EXPOSITION_H
#define API_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/hist.h"

enum family_type { FAMILY_GAUGE, FAMILY_COUNTER, FAMILY_HISTOGRAM, FAMILY_INFO };

struct exposition;
struct family;

struct exposition *exposition_new(bool is_openmetrics, size_t bytes_max);
void exposition_free(struct exposition *ex); /* NULL is fine */

/*
 * The family called `name`, made at the first call.  `name` is the base name: without the _total
 * of a counter and the _info of an info.  It ends with _<unit> where there is a unit.
 */
struct family *exposition_family(struct exposition *ex, const char *name, enum family_type type,
	const char *unit, const char *help);

/* Labels are built once and shared by many samples: `check="api",type="http"`. */
void labels_add(struct buf *labels, const char *name, const char *value);
/* [a-zA-Z_][a-zA-Z0-9_]*: every other byte becomes '_'. */
void labels_clean_name(char *out, size_t size, const char *name);

/* NAN is a value of its own here: leave unknown numbers out before calling.  The labels of the
 * sample before again: that one stays, this one is dropped. */
void family_add(struct family *family, const char *labels, double value);
/* With one label more. */
void family_add_with(struct family *family, const char *labels, const char *name, const char *value,
	double number);
void family_add_hist(struct family *family, const char *labels, const struct hist *hist);

/* Appends everything, families by name, samples as they came; false: it was over the cap. */
bool exposition_write(struct exposition *ex, struct buf *out);
const char *exposition_content_type(bool is_openmetrics);

#define EXPOSITION_NUMBER 32
void exposition_number(double value, char out[EXPOSITION_NUMBER]); /* shortest that reads back */

#endif
