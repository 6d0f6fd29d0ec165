/* Tests of daemon/setup/: what a file becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "alerts/receiver.h"
#include "base/str.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "setup/settings.h"

static struct tls_pool *tls;

static int
make_pool(void **state)
{
	(void)state;
	tls = tls_pool_new();
	return 0;
}

static int
drop_pool(void **state)
{
	(void)state;
	tls_pool_free(tls);
	return 0;
}

/* NULL after errors; *said is owned. */
static struct settings *
try_load(const char *text, char **said)
{
	char path[] = "/tmp/settings-XXXXXX";
	struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	struct buf out;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	struct settings *settings = settings_load(path, &context, complaints);
	unlink(path);
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	complaints_free(complaints);
	*said = buf_take_text(&out);
	return settings;
}

static struct settings *
load(const char *text)
{
	char *said;
	struct settings *settings = try_load(text, &said);
	if (settings == NULL)
		fail_msg("%s", said);
	free(said);
	return settings;
}

static const struct check_spec *
check_of(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->check_count; i++)
		if (strcmp(s->checks[i]->name, name) == 0)
			return s->checks[i];
	return NULL;
}

static const char *
label_of(const struct check_spec *check, const char *name)
{
	for (size_t i = 0; i < check->common.labels.count; i++)
		if (strcmp(check->common.labels.all[i].name, name) == 0)
			return check->common.labels.all[i].value;
	return NULL;
}

static void
test_defaults_of_everything(void **state)
{
	(void)state;
	setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
	struct settings *s = load("checks: { memory: { type: memory } }\n");
	char host[256];
	gethostname(host, sizeof(host));
	assert_string_equal(s->daemon.name, host);
	assert_string_equal(s->daemon.state_dir, "/var/lib/one");
	assert_string_equal(s->daemon.host_root, "/");
	assert_int_equal(s->daemon.language, LANG_EN);
	assert_int_equal(s->daemon.log_level, LOG_NOTICE);
	assert_int_equal(s->daemon.log_format, LOG_AUTO);
	assert_int_equal(s->api.listen.count, 1);
	assert_string_equal(s->api.listen.all[0], "127.0.0.1:8421");
	assert_int_equal(s->history.max_size, 512000000);
	assert_int_equal(s->triage.reopen_within_us, 10 * USEC_PER_MIN);
	assert_int_equal(s->check_count, 1);
	assert_string_equal(s->checks[0]->type, "memory");
	assert_int_equal(s->checks[0]->common.interval_us, 30 * USEC_PER_SEC);
	assert_int_equal(s->checks[0]->common.retry_interval_us, 2 * USEC_PER_SEC);
	assert_int_equal(check_severity(&s->checks[0]->common), SEVERITY_CRITICAL);
	assert_non_null(s->rules);
	/* one receiver hears everything */
	assert_int_equal(s->receiver_count, 1);
	assert_string_equal(s->receivers[0]->name, "syslog");
	assert_int_equal(s->route_count, 1);
	assert_string_equal(s->routes[0]->to.all[0], "syslog");
	assert_true(s->routes[0]->send_resolved);
	settings_unref(s);
}

static void
test_state_dir(void **state)
{
	(void)state;
	unsetenv("STATE_DIRECTORY");
	setenv("XDG_STATE_HOME", "/xdg", 1);
	setenv("HOME", "/home/u", 1);
	struct settings *s = load("checks: { memory: { type: memory } }\n");
	assert_string_equal(s->daemon.state_dir, "/xdg/triaged");
	settings_unref(s);
	unsetenv("XDG_STATE_HOME");
	s = load("checks: { memory: { type: memory } }\n");
	assert_string_equal(s->daemon.state_dir, "/home/u/.local/state/triaged");
	settings_unref(s);
	s = load("checks: { memory: { type: memory } }\ndaemon: { state_dir: /there }\n");
	assert_string_equal(s->daemon.state_dir, "/there");
	settings_unref(s);
}

static void
test_the_path_of_a_webhook_is_a_secret(void **state)
{
	struct settings *s = load(
		"checks:\n  api: { type: http, url: \"http://127.0.0.1/?token=abcdef\" }\n"
		"receivers: { hook: { type: webhook, url: \"http://127.0.0.1/services/T00/B00\" } "
		"}\n");
	char line[] = "POST http://127.0.0.1/services/T00/B00 failed";
	(void)state;
	char *shown = settings_masked(s);
	assert_non_null(strstr(shown, "url: http://127.0.0.1/***\n"));
	assert_null(strstr(shown, "T00"));
	assert_null(strstr(shown, "abcdef"));
	free(shown);
	secret_mask(s->secrets, line);
	assert_string_equal(line, "POST http://127.0.0.1/*** failed");
	settings_unref(s);
}

static void
test_unknown_causes_are_warned_of(void **state)
{
	char *said;
	struct settings *s = try_load(
		"checks: { memory: { type: memory } }\n"
		"receivers: { log: { type: syslog } }\n"
		"routes:\n"
		"  - { match: { cause: [net.refused, net.refusd, rule.x, \"nte.*\"] }, to: log }\n"
		"  - { match: { cause: nothing }, to: log }\n"
		"  - to: log\n",
		&said);
	(void)state;
	assert_non_null(s);
	assert_non_null(strstr(said, ":4:37: warning: no cause is called \"net.refusd\", did you "
				     "mean \"net.refused\"?"));
	assert_non_null(strstr(said, ":5:23: warning: no cause is called \"nothing\"\n"));
	assert_null(strstr(said, "called \"rule.x\""));
	assert_null(strstr(said, "called \"nte"));
	free(said);
	settings_unref(s);
}

static void
test_defaults_block(void **state)
{
	struct settings *s = load(
		"daemon: { labels: { site: a, tier: d } }\n"
		"defaults: { interval: 1s, retries: 5, labels: { team: core, tier: c } }\n"
		"checks:\n"
		"  a: { type: memory }\n"
		"  b: { type: memory, interval: 10s, retry_interval: 3s, labels: { tier: b } }\n");
	const struct check_spec *a = check_of(s, "a"), *b = check_of(s, "b");
	(void)state;
	assert_int_equal(a->common.interval_us, USEC_PER_SEC);
	assert_int_equal(a->common.retries, 5);
	assert_int_equal(a->common.retry_interval_us, USEC_PER_SEC); /* not above the interval */
	assert_int_equal(a->common.timeout_us, 10 * USEC_PER_SEC); /* kept: overruns are counted */
	assert_string_equal(label_of(a, "team"), "core");
	assert_string_equal(label_of(a, "tier"), "c");
	assert_string_equal(label_of(a, "site"), "a");
	assert_int_equal(b->common.interval_us, 10 * USEC_PER_SEC);
	assert_int_equal(b->common.retry_interval_us, 3 * USEC_PER_SEC);
	assert_int_equal(b->common.retries, 5);
	assert_string_equal(label_of(b, "tier"), "b");
	assert_string_equal(label_of(b, "team"), "core");
	assert_int_equal(b->common.labels.count, 3);
	settings_unref(s);
}

static void
test_disabled_checks(void **state)
{
	char *said;
	struct settings *s = load("checks:\n"
				  "  off: { type: memory, enabled: false }\n"
				  "  on: { type: memory, needs: [off] }\n"
				  "rules: { r: { warning: off.used_percent > 1% } }\n");
	(void)state;
	assert_int_equal(s->check_count, 1);
	assert_string_equal(s->checks[0]->name, "on");
	assert_int_equal(s->disabled_count, 1);
	settings_unref(s);
	s = try_load("checks: { off: { type: memory, enabled: false, retries: x } }\n", &said);
	assert_null(s);
	free(said);
}

static void
test_targets_are_masked(void **state)
{
	struct settings *s =
		load("checks: { api: { type: http, url: \"http://me:hunter2@127.0.0.1:1/x\" } }\n"
		     "api: { token: hunter3 }\n"
		     "receivers: { h: { type: webhook, url: \"http://127.0.0.1/\", "
		     "secret: \"raw:hunter4\" } }\n");
	char text[] = "hunter2 hunter3 raw:hunter4";
	(void)state;
	assert_null(strstr(s->checks[0]->target, "hunter2"));
	assert_non_null(strstr(s->checks[0]->target, "127.0.0.1:1/x"));
	char *shown = settings_masked(s);
	assert_null(strstr(shown, "hunter"));
	free(shown);
	secret_mask(s->secrets, text);
	assert_null(strstr(text, "hunter"));
	settings_unref(s);
}

static void
test_file_secrets(void **state)
{
	char path[] = "/tmp/settings-secret-XXXXXX";
	int fd = mkstemp(path);
	struct buf text;
	(void)state;
	assert_int_equal(write(fd, "hunter2\n", 8), 8);
	close(fd);
	buf_init(&text, 0);
	buf_addf(&text,
		"checks: { m: { type: memory, description: \"see ${file:%s}\" } }\n"
		"rules: { r: { warning: m.used_percent > 1%%, summary: \"${file:%s}\" } }\n",
		path, path);
	struct settings *s = load(buf_text(&text));
	unlink(path);
	char *shown = settings_masked(s);
	assert_null(strstr(shown, "hunter2"));
	assert_non_null(strstr(shown, "***"));
	free(shown);
	settings_unref(s);
	buf_fini(&text);
}

/* What is shown is a configuration itself. */
static void
test_masked_reads_back(void **state)
{
	struct settings *a =
		load("daemon: { name: x, state_dir: /s }\n"
		     "checks:\n"
		     "  a: { type: tcp, address: \"127.0.0.1:1\", needs: b }\n"
		     "  b: { type: disk, all: true, enabled: off }\n"
		     "rules: { r: { each: tcp, warning: down(this), for: 1m } }\n"
		     "routes: [ { to: syslog } ]\nreceivers: { syslog: { type: syslog } }\n");
	char *shown = settings_masked(a);
	struct settings *b = load(shown);
	char *again = settings_masked(b);
	(void)state;
	assert_string_equal(shown, again);
	free(shown);
	free(again);
	settings_unref(a);
	settings_unref(b);
}

static void
test_restart_needed(void **state)
{
	struct settings *a =
		load("daemon: { state_dir: /a, name: x }\nchecks: { m: { type: memory } }\n");
	struct settings *b =
		load("daemon: { state_dir: /b, name: y }\nchecks: { m: { type: memory } }\n");
	struct buf out;
	(void)state;
	buf_init(&out, 0);
	settings_restart_needed(a, b, &out);
	assert_string_equal(buf_text(&out), "daemon.state_dir changes at the next start\n");
	buf_reset(&out);
	settings_restart_needed(a, a, &out);
	assert_string_equal(buf_text(&out), "");
	buf_fini(&out);
	settings_unref(a);
	settings_unref(b);
}

static void
test_route_warning(void **state)
{
	char *said;
	struct settings *s = try_load("checks: { m: { type: memory } }\n"
				      "receivers: { log: { type: syslog } }\n"
				      "routes: [ { match: { severity: critical }, to: [log] } ]\n",
		&said);
	(void)state;
	assert_non_null(s);
	assert_non_null(strstr(said, ":3:1: warning: no route takes everything"));
	free(said);
	settings_unref(s);
}

/* Allowed, and hardly ever meant. */
static void
test_route_doubts(void **state)
{
	static const char *const says[] = {
		":4:22: warning: match: there is no check \"mem\" here",
		":5:21: warning: match: there is no type \"memry\" here, did you mean \"memory\"?",
		":7:3: warning: nothing gets as far as this route: the one in line 6 takes",
		":2:60: warning: receiver \"idle\" is in no route, so it is told of nothing",
	};
	char *said;
	struct settings *s =
		try_load("checks: { m: { type: memory }, n: { type: cpu } }\n"
			 "receivers: { log: { type: syslog }, on: { type: journal }, idle: { type: "
			 "journal } }\n"
			 "routes:\n"
			 "- { match: { check: [mem, \"d*\", triaged, host.network] }, to: log }\n"
			 "- { match: { type: [memry, self] }, to: log }\n"
			 "- { to: log, escalate: [{ after: 1m, to: on }] }\n"
			 "- { to: log }\n",
			&said);
	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		if (strstr(said, says[i]) == NULL)
			fail_msg("%s is not in %s", says[i], said);
	assert_null(strstr(said, "\"on\" is"));
	assert_null(strstr(said, "no check \"triaged\""));
	free(said);
	settings_unref(s);
}

static void
test_references(void **state)
{
	struct settings *s = load("checks: { m: { type: memory } }\n");
	(void)state;
	assert_ptr_equal(settings_ref(s), s);
	settings_unref(s);
	assert_int_equal(s->refs, 1);
	settings_unref(s);
	settings_unref(NULL);
}

static void
test_default_path(void **state)
{
	(void)state;
	unsetenv("TRIAGED_CONFIG");
	assert_string_equal(settings_default_path(), "/etc/triaged/triaged.yaml");
	setenv("TRIAGED_CONFIG", "/x.yaml", 1);
	assert_string_equal(settings_default_path(), "/x.yaml");
	unsetenv("TRIAGED_CONFIG");
}

/* Twenty thousand checks in a chain: nothing in a load may be quadratic, or recurse along it. */
static void
test_many_checks(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "checks:\n");
	for (int i = 0; i < 20000; i++)
		buf_addf(&text, "  c%d: { type: tcp, address: \"127.0.0.1:%d\", needs: c%d }\n", i,
			1 + i, i + 1);
	buf_add_text(&text, "  c20000: { type: memory }\n");
	struct settings *s = load(buf_text(&text));
	assert_int_equal(s->check_count, 20001);
	settings_unref(s);
	buf_fini(&text);
}

static void
test_common_keys_do_not_clash(void **state)
{
	(void)state;
	for (size_t i = 0; probe_table[i] != NULL; i++)
		for (const struct conf_field *row = probe_table[i]->fields; row->type != CONF_END;
			row++)
			for (const struct conf_field *common = check_fields;
				common->type != CONF_END; common++)
				assert_string_not_equal(row->name, common->name);
}

static void
test_common_keys_of_receivers(void **state)
{
	(void)state;
	struct settings *s =
		load("checks: { memory: { type: memory } }\n"
		     "receivers:\n"
		     "  hook: { type: webhook, url: \"http://127.0.0.1/x\", enabled: false,\n"
		     "    description: the night shift }\n"
		     "  log: { type: syslog, daily_test: \"09:00 Europe/Berlin\" }\n"
		     "routes: [ { to: [hook, log] } ]\n");
	assert_int_equal(s->receiver_count, 1);
	assert_string_equal(s->receivers[0]->name, "log");
	assert_non_null(s->receivers[0]->common.daily_time.zone);
	assert_int_equal(s->disabled_receiver_count, 1);
	char *shown = settings_masked(s);
	assert_non_null(strstr(shown, "enabled: false"));
	assert_non_null(strstr(shown, "the night shift"));
	free(shown);
	settings_unref(s);
	/* The table has them once, for all types. */
	for (size_t i = 0; receiver_table[i] != NULL; i++)
		for (const struct conf_field *row = receiver_table[i]->fields;
			row->type != CONF_END; row++)
			for (const struct conf_field *common = receiver_fields;
				common->type != CONF_END; common++)
				assert_string_not_equal(row->name, common->name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_of_everything),
		cmocka_unit_test(test_state_dir),
		cmocka_unit_test(test_the_path_of_a_webhook_is_a_secret),
		cmocka_unit_test(test_unknown_causes_are_warned_of),
		cmocka_unit_test(test_defaults_block),
		cmocka_unit_test(test_disabled_checks),
		cmocka_unit_test(test_targets_are_masked),
		cmocka_unit_test(test_file_secrets),
		cmocka_unit_test(test_masked_reads_back),
		cmocka_unit_test(test_restart_needed),
		cmocka_unit_test(test_route_warning),
		cmocka_unit_test(test_route_doubts),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_default_path),
		cmocka_unit_test(test_many_checks),
		cmocka_unit_test(test_common_keys_do_not_clash),
		cmocka_unit_test(test_common_keys_of_receivers),
	};
	return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
