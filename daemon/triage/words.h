/* What an incident says: title, reason and remedy, in the language of the settings. */
#ifndef TRIAGE_WORDS_H
#define TRIAGE_WORDS_H

#include "model/alert.h"
#include "model/incident.h"

/* From the alert that leads the incident.  What a playbook found before is gone: judge again. */
void words_take(struct incident *i, enum language language, const struct alert_event *event);
/* The alert that led has ended; of the one that leads now only this is still known. */
void words_fall_back(
	struct incident *i, enum language language, const struct incident_alert *alert);
/* The same in another language; where a playbook spoke, only it can do that: judge again. */
void words_translate(struct incident *i, enum language language);
void words_link(struct incident *i, const char *link_prefix); /* NULL: no link */

#endif
