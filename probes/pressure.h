/* Pressure stall information: one of the kernel's pressure files, and what it says between runs. */
#ifndef PROBES_PRESSURE_H
#define PROBES_PRESSURE_H

#include <stdbool.h>

#include "base/clock.h"

/* One line of /proc/pressure/<what>: `kind` is "some" or "full". */
struct pressure {
	double avg10_percent;
	double total_us; /* stalled since boot */
};
bool pressure_parse(struct pressure *p, const char *text, const char *kind);

/* From run to run; zeroed at first. */
struct pressure_last {
	usec_t at_us; /* 0: never */
	double total_us;
};
/* Share of the time since the last look that was stalled; the kernel's ten-second average at the
 * first and when the counter went back; NAN: no such line. */
double pressure_percent(
	struct pressure_last *last, const char *text, const char *kind, usec_t now_us);

#endif
