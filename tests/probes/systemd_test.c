/* Units: what states mean, as a table; names; and a probe that finds no bus.  Real buses: e2e. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probes/systemd_unit.h"
#include "tests/help/probe_bench.h"

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)

static void
states_have_meanings(void **state)
{
	static const struct {
		const char *common, *own;
		enum unit_want want;
		const char *cause, *text;
	} rows[] = {
		{ "{'ActiveState':'active','SubState':'running'}", "{}", UNIT_WANT_ACTIVE, NULL,
			"active (running)" },
		{ "{'ActiveState':'active','SubState':'running'}",
			"{'StatusText':'Processing requests...'}", UNIT_WANT_ACTIVE, NULL,
			"active (running): Processing requests..." },
		{ "{'ActiveState':'reloading','SubState':'reload'}", "{}", UNIT_WANT_ACTIVE, NULL,
			"reloading (reload)" },
		{ "{'ActiveState':'active','SubState':'running'}", "{}", UNIT_WANT_INACTIVE,
			"unit.active", "active (running)" },
		{ "{'ActiveState':'failed','SubState':'failed'}",
			"{'Result':'exit-code','ExecMainCode':1,'ExecMainStatus':217}",
			UNIT_WANT_ANY, "unit.failed",
			"failed (exit code): exit 217: there is no such User=" },
		{ "{'ActiveState':'failed','SubState':'failed'}",
			"{'Result':'signal','ExecMainCode':2,'ExecMainStatus':9}",
			UNIT_WANT_INACTIVE, "unit.failed",
			"failed (signal): killed by signal 9, SIGKILL" },
		{ "{'ActiveState':'failed'}", "{'Result':'of the future'}", UNIT_WANT_ACTIVE,
			"unit.failed", "failed" },
		{ "{'ActiveState':'activating','SubState':'auto-restart'}",
			"{'ExecMainCode':1,'ExecMainStatus':1}", UNIT_WANT_INACTIVE,
			"unit.restarting", "it ended and waits to be started again: exit 1" },
		{ "{'ActiveState':'activating','SubState':'start',"
		  "'InactiveExitTimestamp':1699999995000000}",
			"{}", UNIT_WANT_ACTIVE, NULL, "starting for 5s" },
		{ "{'ActiveState':'activating','SubState':'start',"
		  "'InactiveExitTimestamp':1699999900000000}",
			"{}", UNIT_WANT_ANY, "unit.starting", "starting for 1m 40s" },
		{ "{'ActiveState':'inactive','SubState':'dead','LoadState':'loaded'}", "{}",
			UNIT_WANT_ACTIVE, "unit.inactive", "inactive (dead)" },
		{ "{'ActiveState':'inactive','SubState':'dead'}", "{}", UNIT_WANT_ANY, NULL,
			"inactive (dead)" },
		{ "{'ActiveState':'inactive','SubState':'dead'}",
			"{'Type':'oneshot','Result':'success','ExecMainCode':1}", UNIT_WANT_ACTIVE,
			NULL, "inactive (dead): it did its work and ended well" },
		{ "{'ActiveState':'inactive','SubState':'dead'}",
			"{'Type':'oneshot','Result':'success','ExecMainCode':0}", UNIT_WANT_ACTIVE,
			"unit.inactive", "inactive (dead)" },
		{ "{'ActiveState':'inactive','LoadState':'not-found'}", "{}", UNIT_WANT_ANY,
			"unit.missing", "there is no such unit" },
		{ "{'ActiveState':'inactive','LoadState':'masked'}", "{}", UNIT_WANT_ACTIVE,
			"unit.masked", "masked: it cannot be started" },
		{ "{'ActiveState':'inactive','LoadState':'error','LoadError':['x','no memory']}",
			"{}", UNIT_WANT_ACTIVE, "unit.bad-setting",
			"its file cannot be used: no memory" },
		/* its file is gone, but it runs on */
		{ "{'ActiveState':'active','SubState':'running','LoadState':'not-found'}", "{}",
			UNIT_WANT_ACTIVE, NULL, "active (running)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char common[300], own[300];
		struct unit_verdict v;
		struct unit unit;
		json_t *a, *b;

		snprintf(common, sizeof(common), "%s", rows[i].common);
		snprintf(own, sizeof(own), "%s", rows[i].own);
		for (char *c = common; *c != '\0'; c++)
			*c = *c == '\'' ? '"' : *c;
		for (char *c = own; *c != '\0'; c++)
			*c = *c == '\'' ? '"' : *c;
		a = json_loads(common, 0, NULL);
		b = json_loads(own, 0, NULL);
		assert_non_null(a);
		unit_read(&unit, a, b);
		unit_judge(&v, &unit, rows[i].want, 90 * USEC_PER_SEC, NOW);
		if (rows[i].cause == NULL)
			assert_null(v.cause);
		else
			assert_string_equal(v.cause, rows[i].cause);
		assert_string_equal(v.text, rows[i].text);
		json_decref(a);
		json_decref(b);
	}
}

static void
strange_answers_are_survived(void **state)
{
	struct unit_verdict v;
	struct unit unit;
	json_t *odd = json_pack("{s:i, s:[], s:i, s:n}", "ActiveState", 5, "LoadError",
		"StateChangeTimestamp", -1, "Id");

	(void)state;
	unit_read(&unit, NULL, NULL);
	assert_string_equal(unit.active, "");
	assert_true(isnan(unit.restarts));
	unit_judge(&v, &unit, UNIT_WANT_ACTIVE, 1, NOW);
	assert_string_equal(v.cause, "unit.inactive");
	unit_read(&unit, odd, odd);
	unit_judge(&v, &unit, UNIT_WANT_ACTIVE, 1, NOW);
	json_decref(odd);
}

static void
names_are_completed(void **state)
{
	char name[UNIT_NAME_MAX];

	(void)state;
	assert_true(unit_name("nginx", name));
	assert_string_equal(name, "nginx.service");
	assert_true(unit_name("a.b", name));
	assert_string_equal(name, "a.b.service");
	assert_true(unit_name("backup.timer", name));
	assert_string_equal(name, "backup.timer");
	assert_true(unit_name("getty@tty1", name));
	assert_string_equal(name, "getty@tty1.service");
	assert_true(unit_name(".service", name));
	assert_string_equal(name, ".service.service");
	assert_false(unit_name("", name));
	assert_false(unit_name("a b", name));
	assert_false(unit_name("/etc", name));
	assert_string_equal(unit_interface("x.socket"), "org.freedesktop.systemd1.Socket");
}

static int
tear_down(void **state)
{
	bench_close(*state);
	free(*state);
	return 0;
}

static void
settings_are_looked_at(void **state)
{
	static const struct {
		const char *yaml, *complaint;
	} rows[] = {
		{ "{}", "either `unit:` names one" },
		{ "unit: a\nfailed: true", "either `unit:` names one" },
		{ "unit: a/b", "cannot be a unit's name" },
		{ "unit: a\nbus: tcp:host=x", "unix:path=" },
		{ "unit: a\nstate: running", "running" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bench_configure(b, "systemd", rows[i].yaml), -1);
		if (strstr(b->complaint, rows[i].complaint) == NULL)
			fail_msg("%s: %s", rows[i].yaml, b->complaint);
	}
}

static void
no_bus_is_no_verdict(void **state)
{
	static const char *const yamls[] = { "unit: nginx\nbus: unix:path=/nowhere/bus",
		"failed: true\nbus: unix:path=/nowhere/bus" };
	struct bench *b = *state;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(bench_configure(b, "systemd", yamls[i]), 0);
		bench_start(b, NULL);
		loop_advance(b->loop, 0);
		bench_await(b);
		assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
		assert_string_equal(bench_cause(b), "unit.cannot-ask");
		assert_non_null(strstr(b->sample.text, "/nowhere/bus"));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up_fake, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_meanings),
		cmocka_unit_test(strange_answers_are_survived),
		cmocka_unit_test(names_are_completed),
		T(settings_are_looked_at),
		T(no_bus_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
