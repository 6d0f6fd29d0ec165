/* One run of one check, shown: what it saw, how long each phase took, what to do. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>

#include "cli/verb.h"

struct report {
	const char *name; /* of the check; NULL: probed by its target */
	const char *type, *target;
	json_t *sample; /* as sample_json makes it */
};

/* By --json, --nagios or for people.  Returns the exit status of a Nagios plugin. */
int report_print(const struct cli *cli, const struct report *report);

#endif
