/* The daemon itself in numbers: its stats, its process, how long its turns take. */
#include <math.h>
#include <string.h>

#include "api/metric_name.h"
#include "api/metrics.h"
#include "base/process.h"

static enum metric_unit
stat_unit(const char *unit)
{
	if (strcmp(unit, "s") == 0)
		return UNIT_SECONDS;
	return strcmp(unit, "bytes") == 0 ? UNIT_BYTES : UNIT_NONE;
}

void
metrics_add_stats(struct exposition *ex, const struct stats *stats)
{
	for (size_t id = 0; id < STAT_COUNT; id++) {
		const struct stat_desc *desc = stat_desc((enum stat_id)id);
		const struct metric_desc row = {
			/* The histogram of all turns has the plain name. */
			.name = id == STAT_LOOP_LAG_MAX ? "loop_lag_max_time" : desc->name,
			.kind = desc->kind == STAT_COUNTER ? METRIC_COUNTER : METRIC_GAUGE,
			.unit = stat_unit(desc->unit),
			.help = desc->help,
		};
		struct metric_name name;

		metric_name_make(&name, NULL, &row);
		family_add(exposition_family(ex, name.family, name.type, name.unit, desc->help),
			NULL, stats_get(stats, (enum stat_id)id));
	}
}

/* As every exporter calls them. */
static void
add_kernel_view(struct exposition *ex)
{
	static const struct kernel_row {
		const char *name, *unit, *help;
		enum family_type type;
		double (*get)(void);
	} rows[] = {
		{ "process_cpu_seconds", "seconds", "CPU time of the daemon, user and system.",
			FAMILY_COUNTER, process_cpu_seconds },
		{ "process_resident_memory_bytes", "bytes", "Resident memory of the daemon.",
			FAMILY_GAUGE, process_rss_bytes },
		{ "process_virtual_memory_bytes", "bytes", "Address space of the daemon.",
			FAMILY_GAUGE, process_virtual_bytes },
		{ "process_open_fds", "", "Open file descriptors of the daemon.", FAMILY_GAUGE,
			process_open_fds },
		{ "process_max_fds", "", "The most that it may open.", FAMILY_GAUGE,
			process_max_fds },
		{ "process_threads", "", "Threads of the daemon.", FAMILY_GAUGE, process_threads },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double value = rows[i].get();

		if (!isnan(value))
			family_add(exposition_family(ex, rows[i].name, rows[i].type, rows[i].unit,
					   rows[i].help),
				NULL, value);
	}
}

void
metrics_add_process(
	struct exposition *ex, const char *version, usec_t started_wall_us, usec_t wall_us)
{
	struct buf labels;

	buf_init(&labels, 256);
	labels_add(&labels, "version", version);
	family_add(
		exposition_family(ex, "triaged_build", FAMILY_INFO, "", "The program's version."),
		buf_text(&labels), 1);
	buf_fini(&labels);
	family_add(exposition_family(ex, "process_start_time_seconds", FAMILY_GAUGE, "seconds",
			   "When the daemon started."),
		NULL, (double)started_wall_us / 1e6);
	family_add(exposition_family(ex, "triaged_uptime_seconds", FAMILY_GAUGE, "seconds",
			   "How long the daemon has been running."),
		NULL, wall_us > started_wall_us ? (double)(wall_us - started_wall_us) / 1e6 : 0);
	add_kernel_view(ex);
}

void
metrics_add_hist(struct exposition *ex, const char *name, const char *help, const struct hist *hist)
{
	family_add_hist(exposition_family(ex, name, FAMILY_HISTOGRAM, "seconds", help), NULL, hist);
}
