/*
 * Notices as Alertmanager's v2 alerts.  Its identity of an alert is the whole set of labels, so:
 *
 *	alertname severity check type host incident, and the labels of check and rule
 *
 * `severity` is there because routes of Alertmanager want it: when it changes, the old set is ended
 * in the same request as the new one begins.  `incident` is there because a late ending of one
 * incident must never end the next one of the same check.  Pure.
 */
#ifndef ALERTS_ALERTMANAGER_BODY_H
#define ALERTS_ALERTMANAGER_BODY_H

#include "alerts/receiver.h"

struct alertmanager_letter {
	const char *daemon_name;
	enum language language;
	usec_t now_us;  /* wall */
	usec_t hold_us; /* a firing alert ends by itself so long after now */
};

/* A new reference. */
json_t *alertmanager_labels(const struct notice *notice);
/* Appends to the array `out`: the alert of a notice.  `told`: the labels under which it was told
 * before, NULL: not known; other ones end now. */
void alertmanager_add(json_t *out, const struct alertmanager_letter *letter,
	const struct notice *notice, const json_t *told);

#endif
