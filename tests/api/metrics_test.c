/* Views in, families out: names, units, labels, and what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "api/metric_name.h"
#include "api/metrics.h"
#include "probes/probe.h"

static const struct metric_desc net_metrics[] = {
	METRIC_PHASE_ROWS,
	{ "status", METRIC_GAUGE, UNIT_NONE, "Status." },
	{ "tls_days_left", METRIC_GAUGE, UNIT_SECONDS, "Time until the certificate ends." },
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "Used." },
	{ .name = NULL },
};

#define AT_STATUS (PHASE_COUNT + 0)
#define AT_TLS    (PHASE_COUNT + 1)
#define AT_USED   (PHASE_COUNT + 2)

struct fixture {
	struct check_spec spec;
	struct sample sample;
	struct check_view view;
	struct conf_pair labels[3];
	char name[32], instance[32], keys[3][32], values[3][32];
};

static void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->name, "api[eu]");
	f->spec.name = f->name;
	f->spec.type = "http";
	sample_init(&f->sample, net_metrics);
	f->sample.outcome = OUTCOME_OK;
	f->sample.wall_us = 1000 * USEC_PER_SEC;
	f->view = (struct check_view){
		.spec = &f->spec, .state = CHECK_UP, .last = &f->sample, .runs = 3
	};
}

static void
add_label(struct fixture *f, const char *name, const char *value)
{
	size_t n = f->spec.common.labels.count++;

	strcpy(f->keys[n], name);
	strcpy(f->values[n], value);
	f->labels[n] = (struct conf_pair){ .name = f->keys[n], .value = f->values[n] };
	f->spec.common.labels.all = f->labels;
}

static void
render(struct fixture *f, struct buf *out)
{
	struct exposition *ex = exposition_new(true, 1 << 20);

	metrics_add_check(ex, &f->view);
	buf_init(out, 1 << 20);
	assert_true(exposition_write(ex, out));
	exposition_free(ex);
	sample_fini(&f->sample);
}

#define HAS(out, text)   assert_non_null(strstr(buf_text(out), text))
#define LACKS(out, text) assert_null(strstr(buf_text(out), text))
#define API_LABELS       "{check=\"api[eu]\",type=\"http\"}"
#define API_LABELS_OPEN  "{check=\"api[eu]\",type=\"http\""

static void
test_values_in_base_units(void **state)
{
	struct fixture f;
	struct buf out;

	(void)state;
	setup(&f);
	f.sample.values[PHASE_TOTAL] = 0.25;
	f.sample.values[PHASE_CONNECT] = 0.01;
	f.sample.values[AT_STATUS] = 200;
	f.sample.values[AT_TLS] = 86400;
	f.sample.values[AT_USED] = 12.5;
	render(&f, &out);
	HAS(&out, "triaged_check_up" API_LABELS " 1\n");
	HAS(&out, "triaged_check_runs_total" API_LABELS " 3\n");
	HAS(&out, "triaged_http_total_seconds" API_LABELS " 0.25\n");
	HAS(&out, "triaged_check_phase_seconds" API_LABELS_OPEN ",phase=\"connect\"} 0.01\n");
	HAS(&out, "triaged_http_status" API_LABELS " 200\n");
	HAS(&out, "triaged_http_tls_expiry_timestamp_seconds" API_LABELS " 87400\n");
	HAS(&out, "# UNIT triaged_http_used_ratio ratio\n");
	HAS(&out, "triaged_http_used_ratio" API_LABELS " 0.125\n");
	LACKS(&out, "phase=\"dns\"");
	LACKS(&out, "triaged_http_dns_seconds");
	buf_fini(&out);
}

static void
test_up_is_absent_while_unknown(void **state)
{
	static const struct {
		enum check_state state;
		const char *line;
	} rows[] = {
		{ CHECK_UP, "triaged_check_up" API_LABELS " 1\n" },
		{ CHECK_SUSPECT, "triaged_check_up" API_LABELS " 1\n" },
		{ CHECK_DOWN, "triaged_check_up" API_LABELS " 0\n" },
		{ CHECK_UNKNOWN, NULL },
		{ CHECK_STARTING, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;
		struct buf out;

		setup(&f);
		f.view.state = rows[i].state;
		render(&f, &out);
		if (rows[i].line == NULL)
			LACKS(&out, "triaged_check_up");
		else
			HAS(&out, rows[i].line);
		buf_fini(&out);
	}
}

static void
test_state_and_cause(void **state)
{
	struct fixture f;
	struct buf out;

	(void)state;
	setup(&f);
	f.view.state = CHECK_DOWN;
	f.view.since_us = 60 * USEC_PER_SEC;
	f.sample.outcome = OUTCOME_FAIL;
	f.sample.cause = cause_get("net.refused");
	add_label(&f, "state", "Bavaria");
	render(&f, &out);
#define BAVARIA API_LABELS_OPEN ",label_state=\"Bavaria\""
	HAS(&out, "triaged_check_state" BAVARIA ",state=\"down\"} 1\n");
	HAS(&out, "triaged_check_cause" BAVARIA ",cause=\"net.refused\"} 1\n");
	HAS(&out, "triaged_check_state_since_timestamp_seconds" BAVARIA "} 60\n");
	buf_fini(&out);
}

static void
test_own_labels_never_collide(void **state)
{
	struct fixture f;
	struct buf out;

	(void)state;
	setup(&f);
	strcpy(f.instance, "eu");
	f.spec.instance = f.instance;
	add_label(&f, "check", "mine");
	add_label(&f, "a.b", "1");
	add_label(&f, "a-b", "2");
	render(&f, &out);
	HAS(&out, "triaged_check_up{check=\"api[eu]\",type=\"http\",instance=\"eu\","
		  "label_check=\"mine\",a_b=\"1\"} 1\n");
	buf_fini(&out);
}

static void
test_a_check_that_never_ran(void **state)
{
	struct fixture f;
	struct buf out;

	(void)state;
	setup(&f);
	f.view.last = NULL;
	f.view.state = CHECK_UNKNOWN;
	f.view.runs = 0;
	render(&f, &out);
	HAS(&out, "triaged_check_runs_total" API_LABELS " 0\n");
	LACKS(&out, "triaged_http_");
	buf_fini(&out);
}

static void
test_names_and_units(void **state)
{
	static const struct {
		const char *group;
		struct metric_desc desc;
		const char *family, *unit;
	} rows[] = {
		{ "disk", { "free_bytes", METRIC_GAUGE, UNIT_BYTES, "" }, "triaged_disk_free_bytes",
			"bytes" },
		{ "disk", { "count", METRIC_GAUGE, UNIT_NONE, "" }, "triaged_disk_number", "" },
		{ "memory", { "oom_kills_total", METRIC_COUNTER, UNIT_NONE, "" },
			"triaged_memory_oom_kills", "" },
		{ "redis", { "ops_per_second", METRIC_GAUGE, UNIT_PER_SECOND, "" },
			"triaged_redis_ops_per_second", "" },
		{ "tls", { "days_left", METRIC_GAUGE, UNIT_SECONDS, "" },
			"triaged_tls_expiry_timestamp_seconds", "seconds" },
		{ NULL, { "outbox_oldest_age", METRIC_GAUGE, UNIT_SECONDS, "" },
			"triaged_outbox_oldest_age_seconds", "seconds" },
		{ "self", { "loop_lag_time", METRIC_GAUGE, UNIT_SECONDS, "" },
			"triaged_self_loop_lag_seconds", "seconds" },
		{ "cpu", { "load1", METRIC_GAUGE, UNIT_NONE, "" }, "triaged_cpu_load1", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct metric_name name;

		metric_name_make(&name, rows[i].group, &rows[i].desc);
		assert_string_equal(name.family, rows[i].family);
		assert_string_equal(name.unit, rows[i].unit);
	}
}

/* Whatever a row of the tables is called, its family has no ending that another type owns. */
static void
test_every_metric_of_every_probe(void **state)
{
	(void)state;
	for (size_t t = 0; probe_table[t] != NULL; t++) {
		const struct metric_desc *desc = probe_table[t]->metrics;

		for (; desc->name != NULL; desc++) {
			struct metric_name name;
			size_t len;

			metric_name_make(&name, probe_table[t]->name, desc);
			len = strlen(name.family);
			assert_true(strncmp(name.family, "triaged_", 8) == 0);
			assert_true(len > 6 && strcmp(name.family + len - 6, "_total") != 0);
			assert_true(strcmp(name.family + len - 6, "_count") != 0);
			assert_true(strstr(name.family, "percent") == NULL);
		}
	}
}

static void
test_the_daemons_own(void **state)
{
	struct exposition *ex = exposition_new(true, 1 << 20);
	const struct incident_counts counts = { .open = { 0, 1, 0, 2 }, .muted = 1 };
	struct hist latency = { .count = 0 };
	struct stats stats = { .value = { 0 } };
	char check[] = "a", code[] = "net.refused";
	struct buf out;

	(void)state;
	hist_add(&latency, 3000);
	stats.value[STAT_SENT] = 5;
	stats.value[STAT_LOOP_LAG_MAX] = 0.5;
	metrics_add_stats(ex, &stats);
	metrics_add_incident_counts(ex, &counts);
	metrics_add_process(ex, "1.2.3", 5 * USEC_PER_SEC, 12 * USEC_PER_SEC);
	metrics_add_alert(ex, &(struct alert_view){ .check = "a",
				      .rule = "r",
				      .state = "firing",
				      .severity = SEVERITY_WARNING,
				      .since_us = 7 * USEC_PER_SEC });
	metrics_add_incident(ex, &(struct incident){ .id = "0123456789ab",
					 .check = check,
					 .cause_code = code,
					 .severity = SEVERITY_CRITICAL,
					 .status = INCIDENT_ACKNOWLEDGED,
					 .started_us = 3 * USEC_PER_SEC });
	metrics_add_receiver(ex,
		&(struct receiver_view){ .name = "ops",
			.type = "webhook",
			.state = "retrying",
			.sent = 4,
			.queued = 1,
			.oldest_us = 10 * USEC_PER_SEC,
			.failed_by = { [SEND_CLASS_RATE] = 3 },
			.latency = &latency },
		25 * USEC_PER_SEC);
	buf_init(&out, 1 << 20);
	assert_true(exposition_write(ex, &out));
	exposition_free(ex);
	HAS(&out, "\ntriaged_deliveries_total 5\n");
	HAS(&out, "\ntriaged_loop_lag_max_seconds 0.5\n");
	HAS(&out, "triaged_incidents_open{severity=\"info\"} 1\n");
	HAS(&out, "triaged_incidents_open{severity=\"warning\"} 0\n");
	HAS(&out, "triaged_incidents_open{severity=\"critical\"} 2\n");
	HAS(&out, "triaged_build_info{version=\"1.2.3\"} 1\n");
	HAS(&out, "triaged_alert_state{check=\"a\",rule=\"r\",severity=\"warning\","
		  "state=\"firing\"} 1\n");
	HAS(&out, "triaged_alert_since_timestamp_seconds{check=\"a\",rule=\"r\"} 7\n");
	HAS(&out, "triaged_incidents_muted 1\n");
	HAS(&out, "triaged_incidents_acknowledged 0\n");
	HAS(&out, "triaged_incident_info{id=\"0123456789ab\",check=\"a\",rule=\"\","
		  "cause=\"net.refused\",severity=\"critical\",state=\"acknowledged\"} 1\n");
	HAS(&out, "triaged_incident_started_timestamp_seconds{id=\"0123456789ab\"} 3\n");
	HAS(&out, "triaged_uptime_seconds 7\n");
	HAS(&out, "# TYPE process_cpu_seconds counter\n");
	HAS(&out, "\nprocess_resident_memory_bytes ");
#define OPS "{receiver=\"ops\",type=\"webhook\""
	HAS(&out, "triaged_receiver_sent_total" OPS "} 4\n");
	HAS(&out, "triaged_receiver_failures_total" OPS ",reason=\"rateLimited\"} 3\n");
	HAS(&out, "triaged_receiver_failures_total" OPS ",reason=\"tlsError\"} 0\n");
	HAS(&out, "triaged_receiver_failures_total" OPS ",reason=\"other\"} 0\n");
	HAS(&out, "triaged_receiver_state" OPS ",state=\"retrying\"} 1\n");
	HAS(&out, "triaged_receiver_state" OPS ",state=\"ok\"} 0\n");
	HAS(&out, "triaged_receiver_oldest_age_seconds" OPS "} 15\n");
	HAS(&out, "triaged_receiver_latency_seconds_bucket" OPS ",le=\"+Inf\"} 1\n");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_in_base_units),
		cmocka_unit_test(test_up_is_absent_while_unknown),
		cmocka_unit_test(test_state_and_cause),
		cmocka_unit_test(test_own_labels_never_collide),
		cmocka_unit_test(test_a_check_that_never_ran),
		cmocka_unit_test(test_names_and_units),
		cmocka_unit_test(test_every_metric_of_every_probe),
		cmocka_unit_test(test_the_daemons_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
