/*
 * What /metrics says: checks, alerts, incidents, receivers and the daemon itself, put into an
 * exposition from the rooms' views.  Takes views, not rooms, so that tests can write them.
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/exposition.h"
#include "base/stat.h"
#include "deliver/deliver.h"
#include "rules/rules.h"
#include "sched/sched.h"

void metrics_add_check(struct exposition *ex, const struct check_view *check);
void metrics_add_alert(struct exposition *ex, const struct alert_view *alert);
void metrics_add_receiver(
	struct exposition *ex, const struct receiver_view *receiver, usec_t wall_us);
struct heartbeat;
/* The one that we send, each place with its number; nothing where none is configured. */
void metrics_add_heartbeat(struct exposition *ex, const struct heartbeat *heartbeat);
/* Open incidents: each one that is shown, and counts of all. */
struct incident_counts {
	size_t open[4]; /* by enum severity; every level is always there */
	size_t acknowledged, muted, flapping, not_shown;
	size_t silences, works; /* in force now */
};
void metrics_add_incident(struct exposition *ex, const struct incident *incident);
void metrics_add_incident_counts(struct exposition *ex, const struct incident_counts *counts);
void metrics_add_stats(struct exposition *ex, const struct stats *stats);
void metrics_add_process(
	struct exposition *ex, const char *version, usec_t started_wall_us, usec_t wall_us);
void metrics_add_hist(struct exposition *ex, const char *name, const char *help,
	const struct hist *hist); /* name ends with _seconds */

#endif
