/*
 * Views to metric families.  A number that is not known is left out; a check that is not known to
 * be up or down has no triaged_check_up, so that nothing alerts on a guess.
 */
#include "api/metrics.h"

#include <math.h>
#include <string.h>

#include "api/metric_name.h"
#include "base/str.h"
#include "probes/probe.h"

#define LABELS_MAX      8192 /* bytes of one sample's labels */
#define LABEL_COUNT_MAX 40

static const char *const own_labels[] = { "check", "type", "instance", "phase", "state", "cause",
	"le" };

struct label_names {
	char names[LABEL_COUNT_MAX][64];
	size_t count;
};

/* A label that means something else already, or appears twice, would make the whole invalid. */
static bool
claim_label(struct label_names *taken, char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(own_labels) / sizeof(own_labels[0]); i++) {
		char moved[64];

		if (strcmp(name, own_labels[i]) != 0)
			continue;
		labels_clean_name(moved, sizeof(moved) - 6, name);
		str_copy(name, size, "label_");
		str_copy(name + 6, size - 6, moved);
		break;
	}
	for (size_t i = 0; i < taken->count; i++)
		if (strcmp(taken->names[i], name) == 0)
			return false;
	if (taken->count == LABEL_COUNT_MAX)
		return false;
	str_copy(taken->names[taken->count++], sizeof(taken->names[0]), name);
	return true;
}

static void
add_check_labels(struct buf *labels, const struct check_spec *spec)
{
	struct label_names taken = { .count = 0 };

	labels_add(labels, "check", spec->name);
	labels_add(labels, "type", spec->type);
	if (spec->instance != NULL)
		labels_add(labels, "instance", spec->instance);
	for (size_t i = 0; i < spec->common.labels.count; i++) {
		const struct conf_pair *pair = &spec->common.labels.all[i];
		char name[64];

		labels_clean_name(name, sizeof(name), pair->name);
		if (str_starts(name, "__") || pair->value == NULL)
			continue;
		if (claim_label(&taken, name, sizeof(name)))
			labels_add(labels, name, pair->value);
	}
}

static void
add_values(struct exposition *ex, const char *labels, const struct check_view *check)
{
	const struct sample *last = check->last;

	for (size_t i = 0; i < last->metric_count; i++) {
		const struct metric_desc *desc = &last->metrics[i];
		struct metric_name name;

		if (isnan(last->values[i]) || desc->unit == UNIT_TEXT)
			continue;
		metric_name_make(&name, check->spec->type, desc);
		family_add(exposition_family(ex, name.family, name.type, name.unit, desc->help),
			labels, metric_name_value(&name, last->values[i], last->wall_us));
	}
}

/* The rows that every network probe begins with; "dns_time" is shown as phase "dns". */
static void
add_phases(struct exposition *ex, const char *labels, const struct sample *last)
{
	struct family *family = exposition_family(ex, "triaged_check_phase_seconds", FAMILY_GAUGE,
		"seconds", "Time of one phase of the last run.");

	if (metric_index(last->metrics, "dns_time") != PHASE_DNS)
		return;
	for (size_t i = 0; i < PHASE_TOTAL && i < last->metric_count; i++) {
		const char *name = last->metrics[i].name;
		char phase[32];

		if (isnan(last->values[i]))
			continue;
		str_copy(phase, sizeof(phase), name);
		if (str_ends(phase, "_time"))
			phase[strlen(phase) - strlen("_time")] = '\0';
		family_add_with(family, labels, "phase", phase, last->values[i]);
	}
}

/* Always one series for each check: what other series are joined with for the check's labels. */
static void
add_state(struct exposition *ex, const char *labels, const struct check_view *check)
{
	const struct cause *cause = check->last == NULL ? NULL : check->last->cause;

	family_add_with(exposition_family(ex, "triaged_check_state", FAMILY_GAUGE, "",
				"1 for the state that the check is in."),
		labels, "state", check_state_name(check->state), 1);
	if (cause != NULL && check->state != CHECK_UP)
		family_add_with(exposition_family(ex, "triaged_check_cause", FAMILY_GAUGE, "",
					"1 for what a check that is not up found last."),
			labels, "cause", cause->code, 1);
	if (check->since_us != 0)
		family_add(exposition_family(ex, "triaged_check_state_since_timestamp_seconds",
				   FAMILY_GAUGE, "seconds", "Since when it is in that state."),
			labels, (double)check->since_us / 1e6);
}

static void
add_life(struct exposition *ex, const char *labels, const struct check_view *check)
{
	struct family *up = exposition_family(ex, "triaged_check_up", FAMILY_GAUGE, "",
		"1 while the check is up, 0 while it is down; absent while that is not known.");

	if (check->state == CHECK_UP || check->state == CHECK_SUSPECT)
		family_add(up, labels, 1);
	else if (check->state == CHECK_DOWN)
		family_add(up, labels, 0);
	family_add(exposition_family(
			   ex, "triaged_check_failures", FAMILY_GAUGE, "", "Failed runs in a row."),
		labels, check->failures);
	family_add(exposition_family(ex, "triaged_check_runs", FAMILY_COUNTER, "",
			   "Runs of the check since the daemon started."),
		labels, (double)check->runs);
	family_add(exposition_family(ex, "triaged_check_overdue_runs", FAMILY_COUNTER, "",
			   "Starts skipped because the run before had not ended."),
		labels, (double)check->overdue);
	if (check->last != NULL)
		family_add(exposition_family(ex, "triaged_check_last_run_timestamp_seconds",
				   FAMILY_GAUGE, "seconds", "When the last run ended."),
			labels, (double)check->last->wall_us / 1e6);
}

void
metrics_add_check(struct exposition *ex, const struct check_view *check)
{
	struct buf labels;

	buf_init(&labels, LABELS_MAX);
	add_check_labels(&labels, check->spec);
	if (!labels.is_over) {
		add_life(ex, buf_text(&labels), check);
		add_state(ex, buf_text(&labels), check);
		if (check->last != NULL) {
			add_values(ex, buf_text(&labels), check);
			add_phases(ex, buf_text(&labels), check->last);
		}
	}
	buf_fini(&labels);
}
