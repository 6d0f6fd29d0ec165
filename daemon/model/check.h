/*
 * A check as configured: the common keys, its type and its own settings.  An immutable value; the
 * scheduler keeps what changes.
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/schema.h"
#include "model/cause.h"

/* Common keys, filled by check_fields. */
struct check_common {
	usec_t interval_us, timeout_us, retry_interval_us, start_period_us;
	int64_t retries, successes;
	struct conf_strings needs;
	char *group;
	struct conf_pairs labels;
	int severity; /* index into check_severities: info, warning, critical */
	bool enabled;
	char *description;
};

extern const struct conf_field check_fields[];
extern const char *const check_severities[]; /* "info", "warning", "critical", NULL */
enum severity check_severity(const struct check_common *common);

/* Where rooms found what they have of a check, so that no sample looks it up by its name again.
 * What was found under another stamp than the room's is void.  Zeroed: not looked for yet. */
struct check_ties {
	void *rules, *recorder;
	uint32_t rules_stamp, recorder_stamp;
};

struct check_spec {
	char *name;             /* "api"; of a child "disks[/var]" */
	char *instance;         /* "/var" of a child; NULL */
	const char *type;       /* probe type's name */
	char *target;           /* for people, masked: "http://127.0.0.1:3000/api/status" */
	const void *probe_type; /* const struct probe_type *: only sched and setup look inside */
	void *conf;             /* the type's own struct; shared by children */
	struct check_common common;
	struct conf_pos pos;
};

#endif
