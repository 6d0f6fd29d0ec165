/*
 * What rules cost: 10,000 http checks with five rules each, fed in turn with jittery but healthy
 * samples.  Prints rule evaluations per second of CPU and the memory of one rule of one check.
 *
 * Usage: rules_rate [CHECKS [ROUNDS]]
 */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "conf/complain.h"
#include "conf/tree.h"
#include "probes/probe.h"
#include "rules/rules.h"

#define INTERVAL_US (30 * USEC_PER_SEC)
#define RULES       5

/* Four built-in ones (cannot-tell is always there) and one over a window. */
static const char yaml[] = "builtin_rules: [check-down, http-slow, tls-expiring]\n"
			   "rules:\n"
			   "  slow-avg:\n"
			   "    each: http\n"
			   "    warning: avg(this.total_time, 5m) > 2s\n"
			   "    critical: avg(this.total_time, 5m) > 5s\n"
			   "    for: 1m\n";

static const struct probe_type *http;

static const struct metric_desc *
metrics_of_type(const char *type)
{
	const struct probe_type *found = probe_find(type);

	return found == NULL ? NULL : found->metrics;
}

static void
on_alert(void *arg, const struct alert_event *event)
{
	(void)arg;
	fprintf(stderr, "a healthy check alerts: %s %s\n", event->check, event->rule);
	exit(1);
}

static void
on_keep(void *arg, const char *key, const json_t *state)
{
	(void)arg;
	(void)key;
	(void)state;
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
bytes_used(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)info.uordblks + (double)info.hblkhd;
}

static struct check_spec *
make_specs(size_t count, const struct check_spec ***list)
{
	struct check_spec *specs = xcalloc(count, sizeof(*specs));

	*list = xcalloc(count, sizeof(**list));
	for (size_t i = 0; i < count; i++) {
		specs[i].name = xasprintf("check-%zu", i);
		specs[i].type = "http";
		specs[i].target = xasprintf("http://127.0.0.1/%zu", i);
		specs[i].common.interval_us = INTERVAL_US;
		specs[i].common.severity = 2;
		specs[i].common.enabled = true;
		(*list)[i] = &specs[i];
	}
	return specs;
}

static void
feed_round(struct rules *rules, const struct check_spec *specs, size_t count, usec_t now_us)
{
	static uint32_t seed = 1;
	char text[] = "status 200";
	double values[100];
	struct sample sample = {
		.outcome = OUTCOME_OK,
		.state = CHECK_UP,
		.text = text,
		.metrics = http->metrics,
		.metric_count = metric_count(http->metrics),
		.values = values,
	};
	int status = metric_index(http->metrics, "status");

	for (size_t i = 0; i < count; i++) {
		seed = seed * 1664525u + 1013904223u;
		for (size_t v = 0; v < sample.metric_count; v++)
			values[v] = (double)(seed >> 16) / 65536.0;
		values[status] = 200;
		values[metric_index(http->metrics, "tls_days_left")] = 60 * 86400.0;
		sample.started_us = now_us + (usec_t)i;
		sample.wall_us = sample.started_us;
		rules_feed(rules, specs[i].name, &sample);
	}
}

int
main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 60;
	const struct rules_options options = { .on_alert = on_alert, .on_keep = on_keep };
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_parse("bench.yaml", yaml, strlen(yaml), complaints);
	const struct check_spec **list;
	usec_t now_us = USEC_PER_DAY;

	http = probe_find("http");
	struct check_spec *specs = make_specs(count, &list);
	const struct rule_checks checks = { list, count, metrics_of_type, NULL };
	struct rule_set *set = rule_set_compile(conf_get(tree->root, "rules"),
		conf_get(tree->root, "builtin_rules"), &checks, complaints);
	double before = bytes_used();
	struct rules *rules = rules_new(&options);
	rules_apply(rules, set, list, count, now_us, now_us);
	double idle = (bytes_used() - before) / (double)(count * RULES);
	for (size_t i = 0; i < 20; i++) /* until the windows are full */
		feed_round(rules, specs, count, now_us += INTERVAL_US);
	double full = (bytes_used() - before) / (double)(count * RULES);
	double begin = cpu_s();
	for (size_t i = 0; i < rounds; i++)
		feed_round(rules, specs, count, now_us += INTERVAL_US);
	double took = cpu_s() - begin;
	printf("{\"evaluations_per_second\": %.0f, \"idle_bytes\": %.0f, \"full_bytes\": %.0f}\n",
		(double)(count * RULES * rounds) / took, idle, full);
	return 0;
}
