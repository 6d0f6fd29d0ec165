/* Routes as users write them: what matches, who is told, what is wrong with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deliver/route.h"

#define ROUTES_MAX 4

struct written {
	struct complaints *complaints;
	struct conf_tree *tree;
	struct route_spec routes[ROUTES_MAX];
	const struct route_spec *list[ROUTES_MAX];
	size_t count;
};

static void
read_routes(struct written *w, const char *yaml)
{
	const struct conf_node *routes;

	memset(w, 0, sizeof(*w));
	w->complaints = complaints_new();
	w->tree = conf_tree_parse("test.yaml", yaml, strlen(yaml), w->complaints);
	assert_non_null(w->tree->root);
	routes = conf_get(w->tree->root, "routes");
	assert_non_null(routes);
	for (size_t i = 0; i < routes->count; i++) {
		struct conf_part part = { route_fields, &w->routes[i] };

		conf_fill(&part, 1, routes->items[i], "route", NULL, w->complaints);
		w->list[i] = &w->routes[i];
		w->count++;
	}
}

static void
check_routes(struct written *w)
{
	char ops[] = "ops", hook[] = "hook";
	const struct receiver_spec receivers[] = { { .name = ops }, { .name = hook } };
	const struct conf_node *routes = conf_get(w->tree->root, "routes");

	for (size_t i = 0; i < w->count; i++)
		route_check(&w->routes[i], routes->items[i], receivers, 2, w->complaints);
	route_check_all(w->list, w->count, &routes->key_pos, w->complaints);
}

static void
check_steps(struct written *w)
{
	char ops[] = "ops", hook[] = "hook", boss[] = "boss", log[] = "log";
	const struct receiver_spec receivers[] = { { .name = ops }, { .name = hook },
		{ .name = boss }, { .name = log } };
	const struct conf_node *routes = conf_get(w->tree->root, "routes");

	for (size_t i = 0; i < w->count; i++)
		route_check(&w->routes[i], routes->items[i], receivers, 4, w->complaints);
	assert_int_equal(complaints_errors(w->complaints), 0);
}

static void
free_routes(struct written *w)
{
	for (size_t i = 0; i < w->count; i++)
		route_release(&w->routes[i]);
	conf_tree_free(w->tree);
	complaints_free(w->complaints);
}

static void
make_incident(struct incident *incident)
{
	incident_init(incident);
	incident->severity = SEVERITY_WARNING;
	xstrset(&incident->check, "disks[/var]");
	xstrset(&incident->type, "disk");
	xstrset(&incident->rule, "disk-space");
	xstrset(&incident->cause_code, "fs.full");
	xstrset(&incident->finding, "disk-space.logs-grow");
	json_decref(incident->labels);
	incident->labels = json_pack("{s:s, s:s}", "team", "core", "region", "eu-west");
}

struct match_case {
	const char *match;
	bool expected;
};

static void
matches_what_it_says(void **state)
{
	static const struct match_case cases[] = {
		{ "{}", true },
		{ "{ severity: warning }", true },
		{ "{ severity: [critical, warning] }", true },
		{ "{ severity: critical }", false },
		{ "{ min_severity: info }", true },
		{ "{ min_severity: warning }", true },
		{ "{ min_severity: critical }", false },
		{ "{ check: \"disks[/var]\" }", true },
		{ "{ check: disks }", true },
		{ "{ check: \"di*\" }", true },
		{ "{ check: \"disks[/home]\" }", false },
		{ "{ check: disk }", false },
		{ "{ type: [http, disk] }", true },
		{ "{ type: http }", false },
		{ "{ rule: \"disk-*\" }", true },
		{ "{ cause: \"net.*\" }", false },
		{ "{ cause: \"fs.*\", type: disk }", true },
		{ "{ cause: \"fs.*\", type: http }", false },
		{ "{ cause: fs.full }", true },
		{ "{ cause: disk-space.logs-grow }", true },
		{ "{ cause: \"disk-space.*\" }", true },
		{ "{ cause: [net.refused, \"*.logs-grow\"] }", true },
		{ "{ cause: disk-space.other }", false },
		{ "{ labels: { team: core } }", true },
		{ "{ labels: { team: c* } }", true },
		{ "{ labels: { team: ops } }", false },
		{ "{ labels: { region: \"~eu-(west|east)\" } }", true },
		{ "{ labels: { region: \"~eu\" } }", false },
		{ "{ labels: { nothing: \"*\" } }", false },
	};
	struct incident incident;

	(void)state;
	make_incident(&incident);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *yaml = xasprintf("routes: [ { match: %s, to: ops } ]\n", cases[i].match);
		struct written w;

		read_routes(&w, yaml);
		assert_int_equal(complaints_errors(w.complaints), 0);
		if (route_matches(&w.routes[0], &incident) != cases[i].expected)
			fail_msg("%s", cases[i].match);
		free_routes(&w);
		free(yaml);
	}
	incident_fini(&incident);
}

static const struct route_spec *
find(const struct written *w, const struct incident *incident, const char *name, bool is_people)
{
	const struct route_list list = { w->list, w->count, NULL };
	const struct route_reader reader = { .name = name, .is_for_people = is_people };

	return route_find(&list, incident, &reader, NULL);
}

static void
first_match_ends_unless_it_continues(void **state)
{
	struct incident incident;
	struct written w;

	(void)state;
	make_incident(&incident);
	read_routes(&w, "routes:\n"
			"- { match: { severity: critical }, to: [pager], repeat_interval: 1h, "
			"continue: true }\n"
			"- { match: { type: disk }, to: [ops, ops], group_wait: 0 }\n"
			"- { to: [ops, log] }\n");
	assert_ptr_equal(find(&w, &incident, "ops", false), &w.routes[1]);
	assert_null(find(&w, &incident, "log", false));
	assert_null(find(&w, &incident, "pager", false));
	incident.severity = SEVERITY_CRITICAL;
	assert_ptr_equal(find(&w, &incident, "pager", false), &w.routes[0]);
	assert_ptr_equal(find(&w, &incident, "ops", false), &w.routes[1]);
	xstrset(&incident.type, "http");
	assert_ptr_equal(find(&w, &incident, "ops", false), &w.routes[2]);
	assert_int_equal(w.routes[0].repeat_interval_us, USEC_PER_HOUR);
	assert_int_equal(w.routes[1].group_wait_us, 0);
	assert_int_equal(w.routes[2].group_wait_us, 5 * USEC_PER_SEC);
	assert_true(w.routes[2].send_resolved);
	free_routes(&w);
	incident_fini(&incident);
}

/* Of a disk's warning, label team=core, left alone for ten minutes. */
static const struct {
	const char *routes, *told; /* of ops, hook, boss and log */
} walks[] = {
	{ "- { to: [ops, log] }\n", "ops log" },
	{ "- { to: [ops, ops] }\n- { to: hook }\n", "ops" },
	{ "- { to: ops, continue: true }\n- { to: [ops, hook] }\n- { to: log }\n", "ops hook" },
	{ "- { match: { severity: critical }, to: boss }\n- { to: ops }\n", "ops" },
	{ "- { match: { min_severity: warning }, to: boss }\n- { to: ops }\n", "boss" },
	{ "- { match: { check: disks }, to: hook, continue: true }\n"
	  "- { match: { labels: { team: core } }, to: ops }\n- { to: log }\n",
		"ops hook" },
	{ "- { match: { labels: { team: \"~c.*\", region: \"~eu-.+\" } }, to: hook }\n", "hook" },
	{ "- { match: { labels: { team: other } }, to: hook }\n", "" },
	{ "- { match: { type: disk, cause: disk-space.logs-grow }, to: hook }\n", "hook" },
	{ "- { to: ops, escalate: [{ after: 5m, to: boss }, { after: 1h, to: log }] }\n",
		"ops boss" },
	{ "- { to: ops, escalate: [{ after: 10m, to: [boss, log] }] }\n", "ops boss log" },
	{ "- { to: ops, escalate: [{ after: 11m, to: boss }] }\n", "ops" },
	{ "- { match: { severity: critical }, to: ops, escalate: [{ after: 5m, to: boss }] }\n",
		"" },
	{ "- { to: ops, continue: true, escalate: [{ after: 11m, to: boss }] }\n- { to: boss }\n",
		"ops boss" },
};

static void
each_route_leads_to_those_it_names(void **state)
{
	static const char *const names[] = { "ops", "hook", "boss", "log" };
	struct incident incident;

	(void)state;
	make_incident(&incident);
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		char *yaml = xasprintf("routes:\n%s", walks[i].routes), told[64] = "";
		struct written w;

		read_routes(&w, yaml);
		check_steps(&w);
		for (size_t n = 0; n < 4; n++) {
			const struct route_list list = { w.list, w.count, NULL };
			const struct route_reader reader = { .name = names[n],
				.age_us = 10 * USEC_PER_MIN };

			if (route_find(&list, &incident, &reader, NULL) == NULL)
				continue;
			snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s",
				told[0] == '\0' ? "" : " ", names[n]);
		}
		if (strcmp(told, walks[i].told) != 0)
			fail_msg("%s: %s", walks[i].routes, told);
		free_routes(&w);
		free(yaml);
	}
	incident_fini(&incident);
}

static void
one_that_rests_gives_way_to_one_that_does_not(void **state)
{
	const struct route_now now[] = { { .is_resting = true }, { .is_resting = false } };
	struct incident incident;
	struct written w;
	size_t at = 9;

	(void)state;
	make_incident(&incident);
	read_routes(&w, "routes:\n- { to: [ops, hook], continue: true }\n- { to: ops }\n");
	const struct route_list list = { w.list, w.count, now };
	struct route_reader reader = { .name = "ops" };
	assert_ptr_equal(route_find(&list, &incident, &reader, &at), &w.routes[1]);
	assert_int_equal(at, 1);
	reader.name = "hook";
	assert_ptr_equal(route_find(&list, &incident, &reader, &at), &w.routes[0]);
	assert_int_equal(at, 0);
	reader.name = "boss";
	assert_null(route_find(&list, &incident, &reader, &at));
	free_routes(&w);
	/* Without `continue` it ends the search though it rests. */
	read_routes(&w, "routes:\n- { to: hook }\n- { to: ops }\n");
	const struct route_list two = { w.list, w.count, now };
	reader.name = "ops";
	assert_null(route_find(&two, &incident, &reader, &at));
	free_routes(&w);
	incident_fini(&incident);
}

static void
info_is_for_people_only_when_asked_for(void **state)
{
	static const char *const asking[] = { "{ severity: info }", "{ severity: [info, warning] }",
		"{ min_severity: info }" };
	struct incident incident;
	struct written none = { .count = 0 }, w;

	(void)state;
	make_incident(&incident);
	incident.severity = SEVERITY_INFO;
	assert_null(find(&none, &incident, "ops", true));
	assert_non_null(find(&none, &incident, "ops", false));
	read_routes(&w, "routes: [ { to: ops } ]\n");
	assert_null(find(&w, &incident, "ops", true));
	assert_non_null(find(&w, &incident, "ops", false));
	free_routes(&w);
	for (size_t i = 0; i < 3; i++) {
		char *yaml = xasprintf("routes: [ { match: %s, to: ops } ]\n", asking[i]);

		read_routes(&w, yaml);
		assert_non_null(find(&w, &incident, "ops", true));
		free_routes(&w);
		free(yaml);
	}
	incident_fini(&incident);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{ to: opps }", "did you mean \"ops\"" },
		{ "{ to: [ops, nobody-of-that-name] }", "there is no receiver" },
		{ "{ to: [] }", "at least one receiver" },
		{ "{ match: { severity: bad }, to: ops }", "info, warning and critical" },
		{ "{ match: { severity: ok }, to: ops }", "info, warning and critical" },
		{ "{ match: { labels: { a: \"~(\" } }, to: ops }", "not a regular expression" },
		{ "{ match: { chekc: a }, to: ops }", "chekc" },
		{ "{ escalate: a, to: ops }", "escalate" },
		{ "{ escalate: [{ after: 5m, to: opps }], to: ops }", "did you mean \"ops\"" },
		{ "{ escalate: [{ to: hook }], to: ops }", "after" },
		{ "{ active: \"Funday 09:00-10:00\", to: ops }", "Funday" },
		{ "{ match: {} }", "to" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *yaml = xasprintf("routes: [ %s, { to: hook } ]\n", cases[i][0]);
		struct written w;
		struct buf text;

		read_routes(&w, yaml);
		check_routes(&w);
		buf_init(&text, 0);
		complaints_print(w.complaints, &text);
		if (complaints_errors(w.complaints) != 1 ||
			strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		free_routes(&w);
		free(yaml);
	}
}

static void
a_hole_in_the_routes_is_a_warning(void **state)
{
	struct written w;

	(void)state;
	read_routes(&w, "routes: [ { match: { severity: critical }, to: ops } ]\n");
	check_routes(&w);
	assert_int_equal(complaints_errors(w.complaints), 0);
	assert_int_equal(complaints_warnings(w.complaints), 1);
	free_routes(&w);
	read_routes(&w, "routes: [ { match: { severity: critical }, to: ops }, { to: hook } ]\n");
	check_routes(&w);
	assert_int_equal(complaints_warnings(w.complaints), 0);
	free_routes(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_what_it_says),
		cmocka_unit_test(first_match_ends_unless_it_continues),
		cmocka_unit_test(each_route_leads_to_those_it_names),
		cmocka_unit_test(one_that_rests_gives_way_to_one_that_does_not),
		cmocka_unit_test(info_is_for_people_only_when_asked_for),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_hole_in_the_routes_is_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
