/*
 * The built-in rules, as users would write them.  Thresholds are those of the troubleshooting
 * guides; what a healthy, busy server trips is `info` or absent.
 */
#include <string.h>

#include "rules/rule.h"

/* A line of YAML is a line here. */
/* clang-format off */
static const struct rule_builtin builtins[] = {
	{ .name = "check-down",
		.is_down = true,
		.yaml =
		"each: \"*\"\n"
		"critical: down(this)\n" },
	/* Three in a row: one slow answer is weather.  A failure is told as what it is: a timeout is
	 * no slow answer. */
	{ .name = "http-slow",
		.yaml =
		"each: http\n"
		"warning: { when: not failing(this) and this.total_time > 2s, for: 3 samples }\n"
		"critical: { when: not failing(this) and this.total_time > 5s, for: 3 samples }\n"
		"keep_firing_for: 1m\n"
		"summary: \"the answer takes {{this.total_time}}\"\n" },
	{ .name = "tls-expiring",
		.yaml =
		"each: http\n"
		"warning: this.tls_days_left < 21d\n"
		"critical: this.tls_days_left < 7d\n"
		"summary: \"the certificate expires in {{this.tls_days_left}}\"\n" },
	{ .name = "cert-expiring",
		.yaml =
		"each: tls\n"
		"warning: this.days_left < 21d\n"
		"critical: this.days_left < 7d\n"
		"summary: \"the certificate expires in {{this.days_left}}\"\n" },
	{ .name = "smtp-cert-expiring",
		.yaml =
		"each: smtp\n"
		"warning: this.tls_days_left < 21d\n"
		"critical: this.tls_days_left < 7d\n"
		"summary: \"the certificate expires in {{this.tls_days_left}}\"\n" },
	/* The guides ask for 5 GB of free space; a small /boot never has them. */
	{ .name = "disk-space",
		.yaml =
		"each: disk\n"
		"warning: >\n"
		"  this.used_percent >= 80% or\n"
		"  (this.free_bytes < 5GB and this.total_bytes > 20GB)\n"
		"critical: this.used_percent >= 90%\n"
		"clear: >\n"
		"  this.used_percent < 77% and\n"
		"  (this.free_bytes > 6GB or this.total_bytes <= 20GB)\n"
		"for: 1m\n"
		"keep_firing_for: 1m\n"
		"summary: \"{{this.used_percent}} of the space is used, {{this.free_bytes}} are free\"\n" },
	{ .name = "disk-inodes",
		.yaml =
		"each: disk\n"
		"warning: this.inodes_percent >= 80%\n"
		"critical: this.inodes_percent >= 90%\n"
		"clear: this.inodes_percent < 77%\n"
		"for: 1m\n"
		"keep_firing_for: 1m\n"
		"summary: \"{{this.inodes_percent}} of the inodes are used\"\n" },
	/* A trend counts only where there is not much left to go, and when it lasts. */
	{ .name = "disk-filling",
		.yaml =
		"each: disk\n"
		"warning: this.used_percent > 60% and time_until(this.free_bytes, 0, 6h) < 24h\n"
		"critical: this.used_percent > 70% and time_until(this.free_bytes, 0, 6h) < 4h\n"
		"for: 15m\n"
		"keep_firing_for: 15m\n"
		"summary: >-\n"
		"  at the pace of the last hours it is full in {{time_until(this.free_bytes, 0, 6h)}};\n"
		"  {{this.free_bytes}} are free\n" },
	{ .name = "disk-read-only",
		.yaml =
		"each: disk\n"
		"critical: this.read_only\n"
		"for: 2 samples\n"
		"summary: \"the file system is mounted read-only\"\n" },
	{ .name = "memory-high",
		.yaml =
		"each: memory\n"
		"warning: greatest(this.used_percent, this.cgroup_used_percent) > 85%\n"
		"critical: greatest(this.used_percent, this.cgroup_used_percent) > 95%\n"
		"for: 1m\n"
		"keep_firing_for: 2m\n"
		"summary: >-\n"
		"  {{greatest(this.used_percent, this.cgroup_used_percent)}} of the memory is used,\n"
		"  {{this.available_bytes}} are available\n" },
	{ .name = "oom-kill",
		.yaml =
		"each: memory\n"
		"critical: >\n"
		"  greatest(increase(this.oom_kills_total, 10m),\n"
		"  increase(this.cgroup_oom_kills_total, 10m)) > 0\n"
		"summary: \"the kernel killed a process because memory ran out\"\n" },
	/* All tasks at once waiting for memory, for minutes: work stands still. */
	{ .name = "memory-pressure",
		.yaml =
		"each: memory\n"
		"warning: avg(this.pressure_full_percent, 5m) > 10%\n"
		"critical: avg(this.pressure_full_percent, 5m) > 40%\n"
		"for: 1m\n"
		"keep_firing_for: 5m\n"
		"summary: >-\n"
		"  work stood still for {{avg(this.pressure_full_percent, 5m)}} of the time,\n"
		"  waiting for memory\n" },
	/* Full swap alone is old pages that nobody misses; it may be taken away while full. */
	{ .name = "swap-high",
		.yaml =
		"each: memory\n"
		"info: this.swap_percent >= 80%\n"
		"warning: this.swap_percent >= 80% and this.used_percent > 85%\n"
		"for: 2m\n"
		"keep_firing_for: 5m\n"
		"on_no_data: ok\n"
		"summary: >-\n"
		"  {{this.swap_percent}} of the swap is used, {{this.used_percent}} of the memory\n" },
	/* Starts that are skipped because the run before goes on are the target's doing; late ones
	 * are ours. */
	{ .name = "self-stalled",
		.cause = "self.stalled",
		.yaml =
		"each: self\n"
		"warning: >\n"
		"  this.loop_lag_time > 1s or\n"
		"  increase(this.runs_late_total, 5m) > 0.25 * increase(this.runs_total, 5m)\n"
		"critical: this.loop_lag_time > 10s\n"
		"for: 2 samples\n"
		"keep_firing_for: 5m\n"
		"summary: \"the monitor itself is late: loop lag {{this.loop_lag_time}}\"\n" },
	{ .name = "cannot-tell",
		.cause = "self.cannot-tell",
		.is_always = true,
		.yaml =
		"each: \"*\"\n"
		"warning: cannot_tell(this)\n"
		"for: 10m\n" },
};
/* clang-format on */

#define BUILTINS (sizeof(builtins) / sizeof(*builtins))

const struct rule_builtin *
rule_builtin_at(size_t n)
{
	return n < BUILTINS ? &builtins[n] : NULL;
}

const struct rule_builtin *
rule_builtin_find(const char *name)
{
	for (size_t i = 0; i < BUILTINS; i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}

size_t
rule_builtin_count(void)
{
	return BUILTINS;
}

const char *
rule_builtin_name(size_t n)
{
	return builtins[n].name;
}

const char *
rule_builtin_yaml(size_t n)
{
	return builtins[n].yaml;
}
