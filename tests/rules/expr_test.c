/* The language: what compiles, what is refused and with which words, and what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rules/expr.h"
#include "tests/rules/world.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
fill(struct world *w)
{
	world_init(w);
	struct world_check *api = &w->checks[0];
	api->values[0] = 2.5;
	api->values[1] = 200;
	api->values[2] = 5e6;
	struct world_check *web = &w->checks[1];
	web->sample.state = CHECK_DOWN;
	web->sample.outcome = OUTCOME_FAIL;
	web->sample.failures = 3;
	web->sample.cause = cause_get("net.refused");
	struct world_check *var = &w->checks[3];
	var->values[0] = 81;
	var->values[1] = 20e9;
	var->values[2] = 100e9;
	var->values[3] = 1;
	struct world_check *owner = &w->checks[4];
	owner->texts[0] = "redis-server";
	owner->values[1] = 4711;
	owner->values[2] = 1;
}

/* '1' true, '0' false, '?' unknown. */
static const struct {
	const char *text;
	char wanted;
} truths[] = {
	{ "api.total_time > 2s", '1' },
	{ "api.total_time > 2500ms", '0' },
	{ "api.total_time >= 2500ms", '1' },
	{ "api.total_time < 1m30s", '1' },
	{ "api.total_time != 0", '1' },
	{ "api.status == 200", '1' },
	{ "api.status in [200, 204]", '1' },
	{ "api.status in [500]", '0' },
	{ "api.status in []", '0' },
	{ "not api.status == 200", '0' },
	{ "api.body_bytes == 5MB", '1' },
	{ "api.body_bytes > 4MiB and api.body_bytes < 5MiB", '1' },
	{ "web-1.total_time > 1s", '?' },
	{ "web-1.total_time > 1s and api.status == 500", '0' },
	{ "api.status == 500 and web-1.total_time > 1s", '0' },
	{ "web-1.total_time > 1s or api.status == 200", '1' },
	{ "web-1.total_time > 1s or api.status == 500", '?' },
	{ "not web-1.total_time > 1s", '?' },
	{ "if web-1.total_time > 1s then true else true", '?' },
	{ "if api.status == 200 then api.total_time > 1s else false", '1' },
	{ "disks[/var].used_percent > 80", '1' },
	{ "disks[/var].used_percent > 80%", '1' },
	{ "this.used_percent >= 81 and this.free_bytes < 30GB", '1' },
	{ "this.read_only", '1' },
	{ "this.read_only == true", '1' },
	{ "disks.read_only", '?' },
	{ "this.free_bytes / this.total_bytes < 0.25", '1' },
	{ "this.free_bytes < 25% * this.total_bytes", '1' },
	{ "this.free_bytes / 10s == 2GB/s", '1' },
	{ "this.free_bytes / 2GB/s == 10s", '1' },
	{ "api.status / 1m < 201/min", '1' },
	{ "api.status % 7 == 4", '1' },
	{ "api.status - 1 == 199", '1' },
	{ "api.status-total == 1", 'e' },
	{ "-api.total_time < 0", '1' },
	{ "2 + 3 * 4 == 14", '1' },
	{ "(2 + 3) * 4 == 20", '1' },
	{ "10 - 2 - 3 == 5", '1' },
	{ "api.status / (api.status - 200) > 1", '?' },
	{ "api.status % (api.status - 200) > 1", '?' },
	{ "true or false and false", '1' },
	{ "not true or true", '1' },
	{ "down(web-1)", '1' },
	{ "down(api)", '0' },
	{ "up(api) and not up(web-1)", '1' },
	{ "failing(web-1, 3)", '1' },
	{ "failing(web-1, 4)", '0' },
	{ "failing(web-1)", '1' },
	{ "cause(web-1) == \"net.refused\"", '1' },
	{ "cause(web-1) in ['net.reset', 'net.refused']", '1' },
	{ "cause(api) == ''", '1' },
	{ "cause(api) != \"net.refused\"", '1' },
	{ "cannot_tell(api)", '0' },
	{ "abs(0 - 3) == 3", '1' },
	{ "least(api.total_time, 1s) == 1s", '1' },
	{ "greatest(1, 2, 3) == 3", '1' },
	{ "greatest(web-1.total_time, 0, api.total_time) == 2500ms", '1' },
	{ "least(web-1.total_time, web-1.total_time) > 0", '?' },
	{ "round(api.total_time, 2s) == 2s", '1' },
	{ "round(2.6) == 3", '1' },
	{ "clamp(this.used_percent, 0, 50) == 50", '1' },
	{ "avg(api.total_time, 5m) > 1s", '?' },
	{ "greatest(0, 0, 5) == 5", '1' },
	{ "this.used_percent > least(80, 90)", '1' },
	{ "port-owner.comm == \"redis-server\"", '1' },
	{ "port-owner.comm != \"redis-server\"", '0' },
	{ "port-owner.comm in [\"nginx\", \"redis-server\"]", '1' },
	{ "port-owner.comm == port-owner.unit", '?' },
	{ "port-owner.unit == \"\"", '?' },
	{ "port-owner.listening", '1' },
	{ "not port-owner.listening or port-owner.pid == 1", '0' },
	{ "contains(port-owner.comm, \"redis\")", '1' },
	{ "contains(port-owner.comm, \"Redis\")", '0' },
	{ "contains(port-owner.unit, \"redis\")", '?' },
	{ "known(port-owner.unit)", '0' },
	{ "known(port-owner.comm) and known(port-owner.pid)", '1' },
	{ "known(web-1.total_time)", '0' },
	{ "known(web-1.total_time > 1s)", '0' },
	{ "known(down(api))", '1' },
	{ "coalesce(port-owner.unit, port-owner.comm) == \"redis-server\"", '1' },
	{ "coalesce(port-owner.unit, \"\") == \"\"", '1' },
	{ "coalesce(web-1.total_time, api.total_time) == 2500ms", '1' },
	{ "coalesce(web-1.total_time, 0) == 0", '1' },
	{ "coalesce(disks.read_only, false)", '0' },
	{ "coalesce(web-1.total_time, web-1.total_time) > 0", '?' },
};

static void
test_truths(void **state)
{
	struct world w;
	(void)state;
	fill(&w);
	struct expr_names names = world_names(&w, true);
	for (size_t i = 0; i < COUNT(truths); i++) {
		struct err e = { 0 };
		struct expr *expr = expr_compile(truths[i].text, &names, &e);
		if (truths[i].wanted == 'e') {
			assert_null(expr);
			continue;
		}
		if (!expr)
			fail_msg("%s: %d: %s", truths[i].text, e.code, e.text);
		assert_true(expr_is_condition(expr));
		struct expr_value value = expr_eval(expr, &w.world);
		char got = !value.is_known ? '?' : value.number != 0 ? '1' : '0';
		if (got != truths[i].wanted)
			fail_msg("%s: %c, wanted %c", truths[i].text, got, truths[i].wanted);
		if ("01?"[expr_verdict(expr, &w.world)] != got)
			fail_msg("%s: the verdict is not %c", truths[i].text, got);
		expr_free(expr);
	}
}

static const struct {
	const char *text;
	int column;
	const char *says;
} refusals[] = {
	{ "", 1, "empty" },
	{ "api.latncy > 2s", 5,
		"unknown metric \"latncy\" of check \"api\" (http); did you mean \"total_time\"?" },
	{ "api.zzz > 2s", 5, "unknown metric \"zzz\" of check \"api\" (http); there are " },
	{ "api.totl_time > 2s", 5, "did you mean \"total_time\"?" },
	{ "this.used > 2", 6,
		"unknown metric \"used\" of `this` (disk); did you mean \"used_percent\"?" },
	{ "apii.status == 1", 1, "unknown check \"apii\", did you mean \"api\"?" },
	{ "used_percent > 80", 1, "did you mean \"this.used_percent\"?" },
	{ "api.status > 1 and apo.status > 1", 20, "unknown check \"apo\"" },
	{ "api.body_bytes > api.total_time", 18, "cannot compare bytes with seconds" },
	{ "api.total_time > 5", 18, "needs a unit: 5s, 5m" },
	{ "api.body_bytes > 5", 18, "needs a unit: 5MB, 5GiB" },
	{ "api.status > 80%", 14, "cannot compare a plain number with percent" },
	{ "api.status > 5% * api.status", 14, "a share of a plain number is written 0.05, not 5%" },
	{ "api.total_time > 5 %", 20, "needs a space on both sides" },
	{ "api.total_time > 5x", 18, "has no unit that is known" },
	{ "api.status%2 == 1", 11, "needs a space on both sides" },
	{ "api.status == 200 && up(api)", 19, "did you mean `and`?" },
	{ "api.status = 200", 12, "did you mean `==`?" },
	{ "api.status ==", 14, "expected a value at the end" },
	{ "(api.status == 1", 17, "expected `)` at the end" },
	{ "api.status == 1)", 16, "expected an operator or the end before `)`" },
	{ "1 < api.status < 3", 16, "do not chain" },
	{ "api", 1, "\"api\" is a check: name a metric" },
	{ "api > 3", 1, "\"api\" is a check" },
	{ "up(api.status)", 4, "up wants a check here: up(api)" },
	{ "up(api, api)", 1, "up is written up(api)" },
	{ "avgg(api.status, 5m) > 1", 1, "unknown function \"avgg\", did you mean \"avg\"?" },
	{ "avg(api.status, 5) > 1", 17, "a window needs a unit: 5s, 5m" },
	{ "avg(api.status, 90d) > avg(api.status, 91d)", 40, "at most 90d long" },
	{ "median(api.status, 3h) > 1", 20,
		"median looks back 2h at most: longer windows are served from roll-ups, which have "
		"avg, min, max, sum, count, time_until, forecast, baseline only" },
	{ "share(api.status > 1, 121m) > 1", 23, "looks back 2h at most" },
	{ "increase(api.requests_total, 1d) > 1", 30, "looks back 2h at most" },
	{ "baseline(api.total_time, 2d) > 1s", 26, "it needs at least 3d" },
	{ "forecast(api.total_time, 400d, 1h) > 1s", 26, "more than a year" },
	{ "forecast(api.total_time, 1h) > 1s", 1, "is written forecast(" },
	{ "quantile(api.total_time, 95, 10m) > 1s", 26, "a number from 0 to 1" },
	{ "quantile(api.total_time, 1.5, 10m) > 1s", 26, "a number from 0 to 1" },
	{ "quantile(api.total_time, api.status, 10m) > 1s", 26, "a number from 0 to 1" },
	{ "share(api.status, 10m) > 50%", 7, "one metric compared with a value" },
	{ "share(api.status > web-1.status, 10m) > 50%", 7, "one metric compared" },
	{ "share(api.status == 200, 10m) > 0.5", 33, "share is in percent: 50%" },
	{ "changes(1 + 1, 10m) > 1", 9, "one metric, or one compared" },
	{ "slope(api.sent_bytes_total, 10m) > 1MB", 36, "cannot compare" },
	{ "avg(port-owner.comm, 5m) == 1", 5, "avg wants one metric here" },
	{ "avg(api.status, 0s) > 1", 17, "a duration such as 5m" },
	{ "api.status / 0 > 1", 14, "this divides by zero" },
	{ "api.status % (2 - 2) > 1", 15, "this divides by zero" },
	{ "api.total_time / 0s > 1", 18, "this divides by zero" },
	{ "avg(1 + 2, 5m) > 1", 5, "avg wants one metric here" },
	{ "increase(api.status, 5m) > 1", 10, "use delta" },
	{ "not api.status", 5, "`not` joins conditions, and this is a plain number" },
	{ "api.status and up(api)", 1, "`and` joins conditions" },
	{ "this.read_only == 1", 19, "is a yes or no" },
	{ "this[x].used_percent > 1", 1, "takes no [..]" },
	{ "cause(api) > \"x\"", 14, "can only be compared by == and !=" },
	{ "cause(api) == 3", 15, "cannot compare a text with a plain number" },
	{ "cause(api) == \"net.refusd\"", 15,
		"no cause is called \"net.refusd\"; did you mean \"net.refused\"?" },
	{ "cause(api) in [\"net.refused\", \"burnt\"]", 31, "no cause is called \"burnt\"" },
	{ "cause(api) == \"x", 15, "no closing quote" },
	{ "disks[/var.used_percent > 1", 6, "this [ has no ]" },
	{ "if api.status then 1 else 2", 4, "`if` asks a condition" },
	{ "if up(api) then 1s else 2MB", 25, "cannot choose between seconds and bytes" },
	{ "api.total_time * api.total_time > 1", 18, "cannot multiply seconds by seconds" },
	{ "api.total_time + api.body_bytes > 1", 18, "cannot add seconds and bytes" },
	{ "[1, 2] == 3", 1, "a list stands only behind `in`" },
	{ "time_until(this.free_bytes, 5s, 1h) > 1h", 29, "cannot compare bytes with seconds" },
	{ "for_at_least(up(api), 5m)", 14, "one metric compared with a value" },
	{ "known(api)", 7, "\"api\" is a check" },
	{ "contains(api.status, \"2\")", 10, "contains wants a text here" },
	{ "coalesce(api.status, api.total_time) > 1", 22, "cannot choose between" },
	{ "coalesce(0, api.total_time, api.body_bytes) > 1s", 29,
		"cannot choose between seconds and bytes" },
	{ "least(0, api.total_time, api.body_bytes) > 1s", 26, "cannot compare seconds" },
	{ "coalesce(port-owner.comm, 1) == \"\"", 27, "a text and a plain number" },
	{ "api..status == 1", 5, "expected a name after the dot" },
	{ "api.status == \xc3\xa9", 15, "unexpected `\xc3\xa9`" },
};

static void
test_refusals(void **state)
{
	struct world w;
	(void)state;
	fill(&w);
	struct expr_names names = world_names(&w, true);
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct err e = { 0 };
		struct expr *expr = expr_compile(refusals[i].text, &names, &e);
		if (expr)
			fail_msg("%s: was accepted", refusals[i].text);
		if (e.code != refusals[i].column || !strstr(e.text, refusals[i].says))
			fail_msg("%s: %d: %s; wanted %d: %s", refusals[i].text, e.code, e.text,
				refusals[i].column, refusals[i].says);
	}
	names = world_names(&w, false);
	struct err e = { 0 };
	assert_null(expr_compile("this.used_percent > 80", &names, &e));
	assert_non_null(strstr(e.text, "each:"));
}

static void
test_bounds(void **state)
{
	struct world w;
	char text[6000];
	struct err e = { 0 };
	(void)state;
	fill(&w);
	struct expr_names names = world_names(&w, true);

	memset(text, '(', 3000);
	text[3000] = '\0';
	assert_null(expr_compile(text, &names, &e));
	assert_non_null(strstr(e.text, "nested too deeply"));
	memset(text, '-', 3000);
	assert_null(expr_compile(text, &names, &e));
	for (size_t i = 0; i < 3000; i += 4)
		memcpy(text + i, "not ", 4);
	assert_null(expr_compile(text, &names, &e));
	assert_non_null(strstr(e.text, "nested too deeply"));
	for (size_t i = 0; i < 3996; i += 2)
		memcpy(text + i, "1+", 2);
	memcpy(text + 3996, "1", 2);
	assert_null(expr_compile(text, &names, &e));
	assert_non_null(strstr(e.text, "too long"));
	memset(text, ' ', 5000);
	text[5000] = '\0';
	assert_null(expr_compile(text, &names, &e));
	assert_non_null(strstr(e.text, "longer than"));
}

static void
test_mentions(void **state)
{
	struct world w;
	struct err e = { 0 };
	(void)state;
	fill(&w);
	struct expr_names names = world_names(&w, true);
	struct expr *expr = expr_compile(
		"up(web-1) and avg(this.free_bytes, 5m) > 1GB and web-1.status == 1", &names, &e);

	assert_non_null(expr);
	assert_string_equal(expr_check_at(expr, 0), "web-1");
	assert_string_equal(expr_check_at(expr, 1), "this");
	assert_null(expr_check_at(expr, 2));
	assert_int_equal(expr_window_count(expr), 1);
	const struct expr_window *window = expr_window_at(expr, 0);
	assert_string_equal(window->check, "this");
	assert_int_equal(window->metric, 1);
	assert_int_equal(window->span_us, 5 * USEC_PER_MIN);
	assert_false(expr_is_timed(expr));
	expr_free(expr);
	expr = expr_compile("absent(this.free_bytes, 5m)", &names, &e);
	assert_true(expr_is_timed(expr));
	expr_free(expr);
}

static void
test_explains(void **state)
{
	struct world w;
	struct err e = { 0 };
	struct buf text;
	(void)state;
	fill(&w);
	struct expr_names names = world_names(&w, true);
	struct expr *expr = expr_compile("this.used_percent > 80 or down(this) or api.total_time > "
					 "5s or this.used_percent < 1",
		&names, &e);

	buf_init(&text, 0);
	expr_explain(expr, &w.world, &text);
	assert_non_null(strstr(buf_text(&text), "used_percent = 81"));
	assert_non_null(strstr(buf_text(&text), "down(disks[/var]) = no\n"));
	assert_non_null(strstr(buf_text(&text), "api.total_time = 2.5 s\n"));
	/* What is written twice is told once. */
	const char *first = strstr(buf_text(&text), "used_percent = ");
	assert_null(strstr(first + 1, "used_percent = "));
	buf_fini(&text);
	json_t *values = expr_values(expr, &w.world);
	assert_float_equal(json_number_value(json_object_get(values, "used_percent")), 81, 0);
	assert_float_equal(json_number_value(json_object_get(values, "api.total_time")), 2.5, 0);
	json_decref(values);
	expr_free(expr);
}

static void
test_templates(void **state)
{
	struct world w;
	struct err e = { 0 };
	char out[200];
	(void)state;
	fill(&w);
	struct expr_names names = world_names(&w, true);
	struct expr_template *t = expr_template_compile(
		"{{this}}: {{ this.free_bytes }} left, {{disks.free_bytes}}, {{up(api)}} }}",
		&names, &e);

	assert_non_null(t);
	assert_false(expr_template_render(t, &w.world, out, sizeof(out)));
	char size[40], wanted[200];
	metric_format(20e9, UNIT_BYTES, size, sizeof(size));
	snprintf(wanted, sizeof(wanted), "disks[/var]: %s left, ?, yes }}", size);
	assert_string_equal(out, wanted);
	assert_false(expr_template_render(t, &w.world, out, 6));
	assert_string_equal(out, "disks");
	expr_template_free(t);
	t = expr_template_compile("no braces", &names, &e);
	assert_true(expr_template_render(t, &w.world, out, sizeof(out)));
	assert_string_equal(out, "no braces");
	expr_template_free(t);
	t = expr_template_compile("{{port-owner.comm}} has pid {{port-owner.pid}}", &names, &e);
	assert_true(expr_template_render(t, &w.world, out, sizeof(out)));
	assert_string_equal(out, "redis-server has pid 4711");
	assert_false(expr_template_render(t, &w.world, out, 12)); /* half a text */
	expr_template_free(t);
	assert_null(expr_template_compile("a {{this.free_byts}}", &names, &e));
	assert_int_equal(e.code, 10);
	assert_null(expr_template_compile("a {{this", &names, &e));
	assert_int_equal(e.code, 3);
}

static void
test_function_rows(void **state)
{
	(void)state;
	assert_true(expr_function_count() > 20);
	for (size_t i = 0; i < expr_function_count(); i++) {
		struct expr_function_doc doc = expr_function_at(i);
		assert_true(strncmp(doc.usage, doc.name, strlen(doc.name)) == 0);
		assert_true(doc.doc[strlen(doc.doc) - 1] == '.');
		assert_true(expr_is_reserved(doc.name));
	}
	assert_true(expr_is_reserved("and"));
	assert_true(expr_is_reserved("this"));
	assert_false(expr_is_reserved("api"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truths),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_mentions),
		cmocka_unit_test(test_explains),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_function_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
