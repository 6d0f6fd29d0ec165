/*
 * What rules and triage say: one series for each alert that is not quiet, for each open incident
 * that is shown, and counts that are whole however many there are.
 */
#include <stddef.h>

#include "api/metrics.h"

#define LABELS_MAX 2048

static const struct shown_gauge {
	const char *name, *help;
	size_t offset; /* of a size_t in struct incident_counts */
} gauges[] = {
	{ "triaged_incidents_acknowledged", "Open incidents that somebody is at.",
		offsetof(struct incident_counts, acknowledged) },
	{ "triaged_incidents_muted", "Open incidents that a silence or maintenance keeps quiet.",
		offsetof(struct incident_counts, muted) },
	{ "triaged_incidents_flapping", "Open incidents that come and go.",
		offsetof(struct incident_counts, flapping) },
	{ "triaged_incidents_without_series",
		"Open incidents beyond those that triaged_incident_info shows.",
		offsetof(struct incident_counts, not_shown) },
	{ "triaged_silences_active", "Silences in force now.",
		offsetof(struct incident_counts, silences) },
	{ "triaged_maintenance_active", "Planned work that is going on now.",
		offsetof(struct incident_counts, works) },
};

static void
add_text(struct buf *labels, const char *name, const char *value)
{
	labels_add(labels, name, value == NULL ? "" : value);
}

void
metrics_add_alert(struct exposition *ex, const struct alert_view *alert)
{
	struct family *family = exposition_family(ex, "triaged_alert_state", FAMILY_GAUGE, "",
		"1 for each rule that is not quiet, with what it does.");
	struct buf labels;

	buf_init(&labels, LABELS_MAX);
	labels_add(&labels, "check", alert->check);
	labels_add(&labels, "rule", alert->rule);
	if (alert->since_us != 0)
		family_add(exposition_family(ex, "triaged_alert_since_timestamp_seconds",
				   FAMILY_GAUGE, "seconds", "Since when the rule is not quiet."),
			buf_text(&labels), (double)alert->since_us / 1e6);
	labels_add(&labels, "severity", severity_name(alert->severity));
	labels_add(&labels, "state", alert->state);
	if (!labels.is_over)
		family_add(family, buf_text(&labels), 1);
	buf_fini(&labels);
}

void
metrics_add_incident(struct exposition *ex, const struct incident *incident)
{
	struct buf labels;

	buf_init(&labels, LABELS_MAX);
	labels_add(&labels, "id", incident->id);
	family_add(exposition_family(ex, "triaged_incident_started_timestamp_seconds", FAMILY_GAUGE,
			   "seconds", "When what an open incident is about began."),
		buf_text(&labels), (double)incident->started_us / 1e6);
	add_text(&labels, "check", incident->check);
	add_text(&labels, "rule", incident->rule);
	add_text(&labels, "cause", incident->cause_code);
	labels_add(&labels, "severity", severity_name(incident->severity));
	labels_add(&labels, "state", incident_status_name(incident->status));
	if (!labels.is_over)
		family_add(exposition_family(ex, "triaged_incident", FAMILY_INFO, "",
				   "An incident that is not resolved."),
			buf_text(&labels), 1);
	buf_fini(&labels);
}

void
metrics_add_incident_counts(struct exposition *ex, const struct incident_counts *counts)
{
	struct family *open = exposition_family(
		ex, "triaged_incidents_open", FAMILY_GAUGE, "", "Incidents that are not resolved.");

	for (int level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		struct buf labels;

		buf_init(&labels, 64);
		labels_add(&labels, "severity", severity_name((enum severity)level));
		family_add(open, buf_text(&labels), (double)counts->open[level]);
		buf_fini(&labels);
	}
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		const char *base = (const char *)counts + gauges[i].offset;

		family_add(exposition_family(ex, gauges[i].name, FAMILY_GAUGE, "", gauges[i].help),
			NULL, (double)*(const size_t *)(const void *)base);
	}
}
