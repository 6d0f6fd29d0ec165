/* Templates: what stands in the settings, what becomes of it, and every way to write it wrong. */
#include "alerts/notice_names.h"
#include "alerts/template.h"
#include "tests/alerts/desk.h"

static const char *const names[] = { "title", "count", "list", "list.#", "list.#.text", "map",
	"map.*", "nothing", "real", "yes", "incident.title" };
static const struct template_names known = { names, sizeof(names) / sizeof(names[0]) };

static json_t *
make_data(void)
{
	return json_pack("{s:s, s:i, s:[{s:s}, {s:s}, s], s:{s:s, s:s}, s:n, s:f, s:b, s:{s:s}}",
		"title", "a \"b\"\n\\ \xf0\x9f\x94\xa5 {{count}}", "count", 42, "list", "text",
		"one", "text", "two", "three", "map", "team", "core", "a-b", "x", "nothing", "real",
		0.25, "yes", 1, "incident", "title", "inner");
}

/* The rendered JSON, compact; or the first complaint. */
static char *
render(const char *yaml)
{
	struct complaints *complaints = complaints_new();
	char *text = xasprintf("template:\n%s", yaml), *out;
	struct conf_tree *tree = conf_tree_parse("t.yaml", text, strlen(text), complaints);
	struct template *template = NULL;
	json_t *data = make_data(), *json;
	char first[512];

	if (complaints_errors(complaints) == 0)
		template = template_new(conf_get(tree->root, "template"), &known, complaints);
	if (template == NULL) {
		complaints_first(complaints, first, sizeof(first));
		assert_true(complaints_errors(complaints) > 0);
		out = xstrdup(first);
	} else {
		json = template_render(template, data);
		out = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
		assert_non_null(out);
		json_decref(json);
	}
	template_free(template);
	json_decref(data);
	conf_tree_free(tree);
	complaints_free(complaints);
	free(text);
	return out;
}

static void
values_take_their_places(void **state)
{
	static const char *const cases[][2] = {
		{ "  a: b", "{\"a\":\"b\"}" },
		{ "  - 1\n  - -2.5\n  - true\n  - false\n  - null\n  - ~\n  - '7'\n  - 1e3",
			"[1,-2.5,true,false,null,null,\"7\",1000.0]" },
		{ "  a: 1.2.3\n  b: 0x10\n  c: yes\n  d: '-'",
			"{\"a\":\"1.2.3\",\"b\":\"0x10\",\"c\":\"yes\",\"d\":\"-\"}" },
		{ "  a: '{{count}}'", "{\"a\":42}" },
		{ "  a: '{{ count }}'", "{\"a\":42}" },
		{ "  a: 'n={{count}}'", "{\"a\":\"n=42\"}" },
		{ "  a: '{{count}}{{count}}'", "{\"a\":\"4242\"}" },
		{ "  a: '{{list}}'", "{\"a\":[{\"text\":\"one\"},{\"text\":\"two\"},\"three\"]}" },
		{ "  a: '{{list.1.text}}'", "{\"a\":\"two\"}" },
		{ "  a: '{{list.9.text}}'", "{\"a\":null}" },
		{ "  a: 'x{{list.9.text}}y'", "{\"a\":\"xy\"}" },
		{ "  a: '{{map.team}}-{{map.a-b}}-{{map.none}}'", "{\"a\":\"core-x-\"}" },
		{ "  a: '{{real}}'", "{\"a\":0.25}" },
		{ "  a: '{{real}}s'", "{\"a\":\"0.25s\"}" },
		{ "  a: '{{yes}} {{nothing}}.'", "{\"a\":\"true .\"}" },
		{ "  a: '{{nothing}}'", "{\"a\":null}" },
		{ "  a: 'in {{map}}'",
			"{\"a\":\"in {\\\"team\\\":\\\"core\\\",\\\"a-b\\\":\\\"x\\\"}\"}" },
		{ "  a: '{{data.incident.title}} {{incident.title}}'", "{\"a\":\"inner inner\"}" },
		{ "  a: '{{nothing | default(\"none\")}}'", "{\"a\":\"none\"}" },
		{ "  a: \"{{nothing|default('no \\\\'one\\\\'')|upper}}\"",
			"{\"a\":\"NO 'ONE'\"}" },
		{ "  a: '{{count | default(\"none\")}}'", "{\"a\":42}" },
		{ "  a: '{{list | join(\", \")}}'", "{\"a\":\"one, two, three\"}" },
		{ "  a: '{{list.0 | json}}'", "{\"a\":\"{\\\"text\\\":\\\"one\\\"}\"}" },
		{ "  a: '{{nothing | json}}'", "{\"a\":\"null\"}" },
		{ "  a: '{{title | cut(3)}}'", "{\"a\":\"a\xe2\x80\xa6\"}" },
		{ "  a: '{{\"{{\"}} {{\"}}\"}}'", "{\"a\":\"{{ }}\"}" },
		{ "  a: '{ } }} {'", "{\"a\":\"{ } }} {\"}" },
		{ "  a: {}\n  b: []", "{\"a\":{},\"b\":[]}" },
		{ "  a: {b: [{c: '{{count}}'}]}", "{\"a\":{\"b\":[{\"c\":42}]}}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = render(cases[i][0]);

		if (!str_eq(got, cases[i][1]))
			fail_msg("%s: %s, wanted %s", cases[i][0], got, cases[i][1]);
		free(got);
	}
}

/* What a value holds is neither markup, nor a placeholder, nor a quote. */
static void
nothing_breaks_out_of_its_place(void **state)
{
	char *got = render("  a: 'x {{title}} y'\n  b: '{{title}}'");
	json_t *parsed = json_loads(got, 0, NULL);
	const char *wanted = "a \"b\"\n\\ \xf0\x9f\x94\xa5 {{count}}";
	char *whole = xasprintf("x %s y", wanted);

	(void)state;
	assert_non_null(parsed);
	assert_string_equal(json_string_value(json_object_get(parsed, "a")), whole);
	assert_string_equal(json_string_value(json_object_get(parsed, "b")), wanted);
	assert_int_equal(json_object_size(parsed), 2);
	json_decref(parsed);
	free(whole);
	free(got);
}

static void
mistakes_have_their_place_and_a_way_out(void **state)
{
	static const char *const cases[][2] = {
		{ "  a: '{{titel}}'",
			"t.yaml:2:6: error: template: there is no \"titel\"; did you mean "
			"\"title\"?" },
		{ "  - a\n  - '{{incident.tilte}}'",
			"t.yaml:3:5: error: template: there is no "
			"\"incident.tilte\"; did you mean \"incident." },
		{ "  a: '{{everything}}'", "the names are in docs/receivers.md" },
		{ "  a: '{{list.0.txt}}'", "did you mean \"list.0.text\"?" },
		{ "  a: '{{list.x}}'", "there is no" },
		{ "  a: '{{title.x}}'", "there is no" },
		{ "  a: '{{title.}}'", "there is no" },
		{ "  a: '{{map}}{{map.}}'", "there is no" },
		{ "  a: '{{title'", "\"}}\" is missing" },
		{ "  a: '{{title}'", "\"}}\" is missing" },
		{ "  a: '{{}}'", "a name is missing" },
		{ "  a: '{{ | upper}}'", "a name is missing" },
		{ "  a: '{{title | }}'", "a name is missing" },
		{ "  a: '{{title | shout}}'", "there is no filter \"shout\"" },
		{ "  a: '{{title | cut}}'", "cut needs (a number)" },
		{ "  a: '{{title | cut(0)}}'", "from 1 to" },
		{ "  a: '{{title | cut(x)}}'", "from 1 to" },
		{ "  a: '{{title | cut(3}}'", "\")\" is missing" },
		{ "  a: '{{title | default}}'", "default needs (\"text\")" },
		{ "  a: '{{title | default(3)}}'", "default needs (\"text\")" },
		{ "  a: '{{title | default(\"x)}}'", "never closed" },
		{ "  a: '{{\"x}}'", "never closed" },
		{ "  a: '{{title | upper | upper | upper | upper | upper | upper | upper | upper | "
		  "upper}}'",
			"at most 8" },
		{ "  just text", "write a map or a list" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = render(cases[i][0]);

		if (strstr(got, cases[i][1]) == NULL)
			fail_msg("%s: %s, wanted %s", cases[i][0], got, cases[i][1]);
		free(got);
	}
}

static void
aliases_do_not_explode(void **state)
{
	struct buf yaml;
	char *got;

	(void)state;
	buf_init(&yaml, 0);
	buf_add_text(&yaml, "  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 4; i++)
		buf_addf(&yaml, "  a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	got = render(buf_text(&yaml));
	assert_non_null(strstr(got, "more than 1000 values"));
	free(got);
	buf_fini(&yaml);
}

static void
a_text_has_a_size(void **state)
{
	(void)state;
	for (int count = 500; count <= 20000; count += 19500) {
		struct buf text;
		char *got;

		buf_init(&text, 0);
		buf_add_text(&text, "  a: '");
		for (int i = 0; i < count; i++)
			buf_add_text(&text, "{{map}}");
		buf_add_text(&text, "'");
		got = render(buf_text(&text));
		if (count == 500)
			assert_true(strlen(got) > 5000 && strlen(got) < 200000);
		else
			assert_non_null(strstr(got, "at most 512 placeholders"));
		free(got);
		buf_fini(&text);
	}
}

/* ---- the names of a notice ---- */

static const struct receiver_type *reading_type(void);
static json_t *seen;

static void
read_data(struct send_run *run)
{
	seen = notice_data(run, 20000);
	send_done(run, SEND_OK, 0, "read");
}

static const struct receiver_type *
reading_type(void)
{
	static const struct receiver_type type = {
		.name = "reader", .timeout_us = USEC_PER_SEC, .start = read_data
	};

	return &type;
}

static bool
is_listed(const char *path)
{
	struct err e;
	char *text = xasprintf("{{%s}}", path);
	struct template_text *parsed = template_text_new(text, &notice_names, &e);

	template_text_free(parsed);
	free(text);
	return parsed != NULL;
}

/* Every key that is there has a name. */
static void
walk(const json_t *value, const char *path)
{
	json_t *all = json_deep_copy(value), *item;
	const char *key;
	size_t i;

	if (path[0] != '\0' && !is_listed(path))
		fail_msg("%s is no name", path);
	json_object_foreach(all, key, item)
	{
		char *inner = xasprintf("%s%s%s", path, path[0] == '\0' ? "" : ".", key);

		walk(item, inner);
		free(inner);
	}
	if (json_is_array(all)) {
		json_array_foreach(all, i, item)
		{
			char *inner = xasprintf("%s.%zu", path, i);

			walk(item, inner);
			free(inner);
		}
	}
	json_decref(all);
}

static void
fill(struct incident *incident)
{
	incident_add_text(&incident->facts, "body", "x", 0);
	incident_add_text(&incident->remedy, "ls", "look", 0);
	incident->remedy.all[0].is_destructive = true;
	incident_add_text(&incident->related, "0123456789ab", "same", 0);
	incident_add_text(&incident->pros, "a", "b", 0);
	incident_add_text(&incident->cons, "a", "b", 0);
	incident->labels = json_pack("{s:s}", "team", "core");
	incident->values = json_pack("{s:f}", "used_percent", 97.5);
	incident->alerts = xcalloc(1, sizeof(*incident->alerts));
	incident->alert_count = 1;
	incident->alerts[0].check = xstrdup("shop");
	incident->alerts[0].rule = xstrdup("check-down");
	incident->alerts[0].is_firing = true;
	xstrset(&incident->finding, "a.b");
	xstrset(&incident->merged_into, "0123456789ab");
	xstrset(&incident->acked_by, "me");
	xstrset(&incident->ack_note, "on it");
	incident->ack_until_us = incident->acked_us = incident->quiet_us = DESK_WALL;
	incident->reopened = 2;
	incident->is_flapping = true;
}

static void
every_part_of_a_notice_has_a_name(void **state)
{
	struct desk desk;

	(void)state;
	desk_open(&desk, true);
	desk.type = reading_type();
	desk_write(&desk, INCIDENT_OPENED);
	fill(&desk.notice.incident);
	desk_start(&desk);
	loop_advance(desk.loop, 0);
	assert_int_equal(desk.result, SEND_OK);
	walk(seen, "");
	/* And each name without a pattern in it is there. */
	for (size_t i = 0; i < notice_names.count; i++) {
		const char *name = notice_names.all[i];
		const json_t *at = seen;
		char *copy = xstrdup(name), *rest = copy;

		for (char *one = strsep(&rest, "."); one != NULL; one = strsep(&rest, "."))
			at = *one == '#'   ? json_array_get(at, 0)
			     : *one == '*' ? json_object_iter_value(
						     json_object_iter((json_t *)(uintptr_t)at))
					   : json_object_get(at, one);
		if (at == NULL && !str_eq(name, "incident.truncated"))
			fail_msg("%s is not there", name);
		free(copy);
	}
	assert_string_equal(json_string_value(json_object_get(seen, "event")), "opened");
	assert_string_equal(json_string_value(json_object_get(seen, "cause")), "net.refused");
	assert_true(json_is_true(json_object_get(seen, "firing")));
	json_decref(seen);
	desk_close(&desk);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_take_their_places),
		cmocka_unit_test(nothing_breaks_out_of_its_place),
		cmocka_unit_test(mistakes_have_their_place_and_a_way_out),
		cmocka_unit_test(aliases_do_not_explode),
		cmocka_unit_test(a_text_has_a_size),
		cmocka_unit_test(every_part_of_a_notice_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
