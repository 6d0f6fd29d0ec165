/*
 * The body that Alertmanager's own webhook receiver posts (version 4), which many bridges read. Its
 * group is the one incident.
 */
#ifndef ALERTS_WEBHOOK_V4_H
#define ALERTS_WEBHOOK_V4_H

#include "alerts/receiver.h"

/* A new reference.  What was remembered of the incident are the labels it was told under: other
 * ones end in the same body. */
json_t *webhook_v4(const struct send_run *run);
/* What is to be remembered once it was taken; a new reference, NULL: nothing any more. */
json_t *webhook_v4_memory(const struct send_run *run);
/* Prometheus' hash of a set of labels: 16 hex digits. */
void webhook_v4_fingerprint(const json_t *labels, char out[17]);

#endif
