/* One rule being true for one check: what rules say and triage hears. */
#ifndef MODEL_ALERT_H
#define MODEL_ALERT_H

#include <jansson.h>

#include "base/clock.h"
#include "model/cause.h"

enum alert_change {
	ALERT_FIRES,
	ALERT_RISES,    /* to a higher level */
	ALERT_FALLS,    /* to a lower level */
	ALERT_CAUSE,    /* same level, another cause or text */
	ALERT_ENDS,     /* the rule is false again */
	ALERT_REMOVED,  /* its check or rule is gone from the configuration */
	ALERT_RESTORED, /* was firing before a restart: nobody is told */
};

struct alert_event {
	enum alert_change change;
	const char *check, *instance, *type, *target; /* the check it belongs to */
	const char *rule;
	enum severity severity;    /* now; SEVERITY_OK when it ended */
	const struct cause *cause; /* NULL: `rule.<name>` */
	const char *text;          /* summary: rendered template, or the sample's words */
	const char *description, *runbook_url; /* may be NULL */
	const json_t *values; /* object: the numbers the rule looked at, base units; may be NULL */
	const json_t *labels; /* object; may be NULL */
	usec_t since_us;      /* wall: first bad sample */
	usec_t at_us;         /* wall: now */
};

#endif
