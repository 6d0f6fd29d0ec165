/*
 * What `triage doctor` looks at: one row in doctor.def and one function for each.  A function says
 * what it finds, at least one thing, and what to do about it; it never guesses.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <jansson.h>

#include "cli/client.h"
#include "conf/complain.h"
#include "setup/settings.h"

enum finding { FINDING_OK, FINDING_UNKNOWN, FINDING_HINT, FINDING_WARNING, FINDING_PROBLEM };
#define FINDING_COUNT (FINDING_PROBLEM + 1)

enum {
	NEEDS_DAEMON = 1, /* its answers */
	NEEDS_CONFIG = 2, /* the file, readable from here */
	NEEDS_HERE = 4,   /* it runs on this host, in this file system */
};

/* What is known before the looking begins; NULL where it is not. */
struct doctor {
	const struct cli *cli;
	struct client *client;
	json_t *status, *view, *checks, *receivers; /* of the API */
	struct err unreachable;                     /* why there are no answers */
	char *config_path;
	struct settings *settings; /* NULL: bad, or not readable */
	struct complaints *complaints;
	bool is_readable; /* the configuration, from here */
	bool is_here;
	json_t *findings; /* the answer */
	const char *row;  /* whose turn it is */
};

struct doctor_row {
	const char *name;
	unsigned needs;
	void (*look)(struct doctor *doctor);
};
extern const struct doctor_row doctor_rows[]; /* closed by a NULL name */

const char *doctor_finding_name(enum finding finding);

/* `todo` "": nothing is to be done. */
void doctor_say(struct doctor *doctor, enum finding finding, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
double doctor_number(const struct doctor *doctor, const char *name); /* NAN: not known */

#define DOCTOR(name, needs, look) void look(struct doctor *doctor);
#include "cli/doctor.def"
#undef DOCTOR

#endif
