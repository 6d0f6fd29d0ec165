/* The keys that every check has: compose's healthcheck words and ours. */
#include "model/check.h"

#define ROW struct check_common

const char *const check_severities[] = { "info", "warning", "critical", NULL };

const struct conf_field check_fields[] = {
	{ .name = "interval",
		DURATION_AT(ROW, interval_us),
		.dflt = "30s",
		.min = "100ms",
		.max = "7d",
		.doc = "How often it is measured." },
	{ .name = "timeout",
		DURATION_AT(ROW, timeout_us),
		.dflt = "10s",
		.min = "10ms",
		.max = "10m",
		.doc = "The deadline of one run, from the first name look-up to the last byte. A "
		       "run "
		       "that passes it fails, and the text says in which phase it was stuck." },
	{ .name = "retries",
		INT_AT(ROW, retries),
		.dflt = "3",
		.min = "1",
		.max = "1000",
		.doc = "Failures in a row until the check counts as down; 1 means at once." },
	{ .name = "retry_interval",
		DURATION_AT(ROW, retry_interval_us),
		.min = "100ms",
		.max = "7d",
		.doc = "Time to the next run while the check is suspect. Default: the smaller of "
		       "`2s` "
		       "and `interval`.",
		.example = "1s" },
	{ .name = "start_period",
		DURATION_AT(ROW, start_period_us),
		.dflt = "0",
		.min = "0",
		.max = "7d",
		.doc = "How long after it was first added, or after its watched process restarted, "
		       "a "
		       "failing check is only starting and not down. A restart of the daemon does "
		       "not "
		       "renew it." },
	{ .name = "successes",
		INT_AT(ROW, successes),
		.dflt = "1",
		.min = "1",
		.max = "1000",
		.doc = "Good results in a row until a check that was down is up again." },
	{ .name = "needs",
		STRINGS_AT(ROW, needs),
		.doc = "Names of the checks that this one depends on. If one of them is down, this "
		       "check's failure is shown as its consequence and not told separately.",
		.example = "[db, cache]" },
	{ .name = "group",
		STRING_AT(ROW, group),
		.doc = "A heading to show it under.",
		.example = "backend" },
	{ .name = "labels",
		PAIRS_AT(ROW, labels),
		.doc = "Labels of its alerts, metrics and messages; `daemon.labels` are added.",
		.example = "{ team: core }" },
	{ .name = "severity",
		ENUM_AT(ROW, severity, check_severities),
		.dflt = "critical",
		.doc = "The highest level of its own \"down\" alert." },
	{ .name = "enabled",
		BOOL_AT(ROW, enabled),
		.dflt = "true",
		.doc = "Off: it is kept in the file, but not measured." },
	{ .name = "description",
		STRING_AT(ROW, description),
		.doc = "What it is, for the people who read the message at night." },
	{ .type = CONF_END },
};

enum severity
check_severity(const struct check_common *common)
{
	return (enum severity)(common->severity + SEVERITY_INFO);
}
