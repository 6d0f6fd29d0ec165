/* Single values as users write them.  Parsers return -1 and say what would be right. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

int value_duration(const char *text, usec_t *out, struct err *e); /* 500ms 10s 1m30s 2h 7d, 0 */
int value_size(
	const char *text, int64_t *out, struct err *e); /* 512 is an error: 512B, 10MB, 4GiB */
int value_int(const char *text, int64_t *out, struct err *e);
int value_number(const char *text, double *out, struct err *e);
int value_bool(const char *text, bool *out, struct err *e); /* true false on off */
bool value_is_name(const char *text);                       /* [A-Za-z][A-Za-z0-9_-]*, at most 64 */

/* For people: "1.5 GiB", "12 %", "250 ms", "3 /s"; unit as in metric descriptors. */
void value_format(double value, const char *unit, char *out, size_t size);

#endif
