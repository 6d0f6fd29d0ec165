/*
 * Parses the kernel's pressure files.  Between runs the counter is used, not the averages: it is
 * exact for any interval, and nothing is missed between two looks.
 */
#include "probes/pressure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool
pressure_parse(struct pressure *p, const char *text, const char *kind)
{
	size_t len = strlen(kind);
	struct pressure found;

	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, kind, len) == 0 &&
			sscanf(line + len, " avg10=%lf avg60=%*f avg300=%*f total=%lf",
				&found.avg10_percent, &found.total_us) == 2 &&
			isfinite(found.avg10_percent) && isfinite(found.total_us)) {
			*p = found;
			return true;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return false;
}

double
pressure_percent(struct pressure_last *last, const char *text, const char *kind, usec_t now_us)
{
	struct pressure now;
	double percent;

	if (!pressure_parse(&now, text, kind))
		return NAN;
	if (last->at_us == 0 || now_us <= last->at_us || now.total_us < last->total_us)
		percent = now.avg10_percent;
	else
		percent = (now.total_us - last->total_us) * 100 / (double)(now_us - last->at_us);
	last->at_us = now_us;
	last->total_us = now.total_us;
	if (percent < 0)
		return 0;
	return percent < 100 ? percent : 100;
}
