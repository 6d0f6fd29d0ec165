/* The rules of a configuration: what is accepted, and every complaint at its place in the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/bench.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Under `rules:`; the complaint's first line begins with "test.yaml:" and this. */
static const struct {
	const char *yaml, *says;
} bad[] = {
	{ "rules:\n  r: { warning: api.latncy > 2s }\n",
		"2:21: error: rule \"r\": warning: unknown metric \"latncy\" of check \"api\" "
		"(http);"
		" did you mean \"total_time\"?" },
	{ "rules:\n  r: { warning: \"api.total_time > 2\" }\n",
		"2:35: error: rule \"r\": warning: this" },
	{ "rules:\n  r:\n    warning: 'this.used_percent > 2'\n",
		"3:15: error: rule \"r\": warning: `this` has a meaning only in a rule with "
		"`each:`" },
	{ "rules:\n  r: { warning: api.total_time }\n",
		"2:17: error: rule \"r\": warning: this is a value, not a condition" },
	{ "rules:\n  r: { critical: { when: apo.total_time > 1s } }\n",
		"2:26: error: rule \"r\": when: unknown check \"apo\", did you mean \"api\"?" },
	{ "rules:\n  r: { critical: { when: up(api), fr: 3s } }\n",
		"2:35: error: unknown key \"fr\" in rule \"r\": critical; its keys are when, for" },
	{ "rules:\n  r: { for: 5m }\n",
		"2:3: error: rule \"r\" has no level: it needs info, warning or critical" },
	{ "rules:\n  r: { warning: \"up(${T_UNSET})\" }\n", "2:17: error: ${T_UNSET} is not set" },
	{ "rules:\n  r: { warning: \"up(${T_UNSET})\", critical: down(api) }\n",
		"2:17: error: ${T_UNSET} is not set" },
	{ "rules:\n  r: { for: 5, warning: down(api) }\n", "2:13: error: rule \"r\": for: " },
	{ "rules:\n  r: { for: 0 samples, warning: down(api) }\n",
		"2:13: error: rule \"r\": for: between 1 and 1000 samples" },
	{ "rules:\n  r: { warnin: down(api) }\n", "2:8: error: " },
	{ "rules:\n  r: { warning: [down(api)] }\n",
		"2:17: error: rule \"r\": warning: must be an expression, not a list" },
	{ "rules:\n  r: { warning: 1 > 2 }\n", "2:3: error: rule \"r\" names no check" },
	{ "rules:\n  r: { check: nobody, warning: up(api) }\n",
		"2:15: error: rule \"r\": check: no check is called \"nobody\"" },
	{ "rules:\n  r: { check: api, each: http, warning: up(this) }\n",
		"2:15: error: rule \"r\": `check:` and `each:` exclude each other" },
	{ "rules:\n  r: { each: http, warning: this.used_percent > 1 }\n",
		"2:34: error: rule \"r\": warning: unknown metric \"used_percent\" of `this` "
		"(http)" },
	{ "rules:\n  r: { each: \"*\", warning: this.used_percent > 1 }\n",
		"2:33: error: rule \"r\": warning: unknown metric \"used_percent\" of `this` "
		"(http)" },
	{ "rules:\n  r: { each: { type: ftp }, warning: up(this) }\n",
		"2:22: error: rule \"r\": each: no probe type is called \"ftp\"" },
	{ "rules:\n  r: { each: [http], warning: up(this) }\n",
		"2:14: error: rule \"r\": each: must be" },
	{ "rules:\n  r: { warning: up(api), clear: api.status }\n",
		"2:37: error: rule \"r\": clear: unknown metric \"status\"" },
	{ "rules:\n  r: { warning: up(api), summary: \"it is {{api.total}}\" }\n",
		"2:48: error: rule \"r\": summary: unknown metric \"total\"" },
	{ "rules:\n  r:\n    warning: >\n      up(api) and\n      api.totl_time > 2s\n",
		"3:14: error: rule \"r\": warning: unknown metric \"totl_time\" of check \"api\" "
		"(http); did you mean \"total_time\"? (at \"totl_time > 2s\")" },
	{ "rules:\n  avg: { warning: up(api) }\n",
		"2:3: error: rule \"avg\": this name is a word of the rule language" },
	{ "rules:\n  9x: { warning: up(api) }\n", "2:3: error: rule \"9x\": a name is" },
	{ "rules: [1]\n", "1:8: error: rules: must be a map of rules, not a list" },
	{ "builtin_rules: [disk-spce]\n",
		"1:17: error: builtin_rules: no built-in rule is called \"disk-spce\", did you mean"
		" \"disk-space\"?" },
	{ "builtin_rules: 5\n", "1:16: error: builtin_rules: must be off or a list" },
	{ "rules:\n  r: { warning: up(api), on_no_data: maybe }\n", "2:38: error: " },
};

static void
test_complaints(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct bench b;
		struct buf text;
		char wanted[300];
		bench_init(&b);
		bench_check(&b, "api", "http");
		bench_check(&b, "root", "disk");
		bench_compile(&b, bad[i].yaml);
		buf_init(&text, 0);
		complaints_print(b.complaints, &text);
		snprintf(wanted, sizeof(wanted), "test.yaml:%s", bad[i].says);
		if (strncmp(buf_text(&text), wanted, strlen(wanted)) != 0)
			fail_msg("%s: %s; wanted %s", bad[i].yaml, buf_text(&text), wanted);
		if (complaints_errors(b.complaints) != 1)
			fail_msg("%s: %u errors: %s", bad[i].yaml, complaints_errors(b.complaints),
				buf_text(&text));
		buf_fini(&text);
		bench_fini(&b);
	}
}

static void
test_reserved_check_names(void **state)
{
	struct bench b;
	char first[300];
	(void)state;
	bench_init(&b);
	bench_check(&b, "down", "http");
	bench_compile(&b, "{}");
	assert_int_equal(complaints_errors(b.complaints), 1);
	complaints_first(b.complaints, first, sizeof(first));
	assert_non_null(strstr(first, "check \"down\": this name is a word of the rule language"));
	bench_fini(&b);
}

static const struct rule *
rule_of(const struct bench *b, const char *name)
{
	for (size_t i = 0; i < b->set->count; i++)
		if (strcmp(b->set->rules[i].name, name) == 0)
			return &b->set->rules[i];
	return NULL;
}

/* "info:" and nothing behind it, as with any key: it is not there. */
static void
test_an_empty_level_is_none(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http");
	bench_start(&b, "rules:\n  r: { info: , critical: api.total_time > 2s }\n");
	const struct rule *rule = rule_of(&b, "r");
	assert_string_equal(rule->owner, "api");
	assert_null(rule->variants[0].when[SEVERITY_INFO]);
	bench_fini(&b);
}

static const char good[] =
	"builtin_rules: [check-down, disk-space]\n"
	"rules:\n"
	"  slow:\n"
	"    for: 2m\n"
	"    critical: { when: web.total_time > 5s, for: 3 samples }\n"
	"    warning: api.total_time > 2s\n"
	"    keep_firing_for: 1m\n"
	"  disk-space: { each: { type: disk, name: r* }, warning: this.used_percent > 1 }\n"
	"  http-slow: { enabled: false }\n"
	"  folded:\n"
	"    each: api\n"
	"    info: >\n"
	"      this.total_time > 1s and\n"
	"      up(this)\n";

static void
test_good(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http");
	bench_check(&b, "web", "http");
	bench_check(&b, "root", "disk");
	bench_start(&b, good);
	const struct rule *slow = rule_of(&b, "slow");
	assert_string_equal(slow->owner, "web");
	assert_int_equal(slow->times[SEVERITY_WARNING].for_us, 2 * USEC_PER_MIN);
	assert_int_equal(slow->times[SEVERITY_CRITICAL].for_samples, 3);
	assert_int_equal(slow->times[SEVERITY_CRITICAL].for_us, 0);
	assert_int_equal(slow->times[SEVERITY_WARNING].keep_us, USEC_PER_MIN);
	const struct rule *space = rule_of(&b, "disk-space");
	assert_non_null(rule_variant_for(space, "root", "disk"));
	assert_null(rule_variant_for(space, "var", "disk"));
	assert_null(rule_variant_for(space, "root", "http"));
	assert_null(space->variants[0].when[SEVERITY_CRITICAL]);
	assert_null(rule_of(&b, "http-slow"));
	assert_null(rule_of(&b, "tls-expiring"));
	assert_true(rule_of(&b, "check-down")->is_down);
	assert_non_null(rule_of(&b, "cannot-tell"));
	assert_non_null(rule_variant_for(rule_of(&b, "folded"), "api", "http"));
	assert_null(rule_variant_for(rule_of(&b, "folded"), "web", "http"));
	bench_fini(&b);
}

/* An expression is compiled once per type, not once per check. */
static void
test_variants_are_shared(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "a", "http");
	bench_check(&b, "b", "http");
	bench_check(&b, "c", "disk");
	bench_start(&b, "{}");
	assert_int_equal(rule_of(&b, "check-down")->variant_count, 2);
	assert_int_equal(rule_of(&b, "http-slow")->variant_count, 1);
	bench_fini(&b);
}

static void
test_pattern_that_nobody_matches(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "disks", "disk");
	bench_start(&b, "rules: { r: { each: \"*var*\", warning: this.used_percent > 1 } }\n");
	assert_int_equal(complaints_warnings(b.complaints), 1);
	/* A child may come to match it. */
	assert_non_null(rule_variant_for(rule_of(&b, "r"), "disks[/var]", "disk"));
	bench_fini(&b);
}

static void
test_builtins_off(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	bench_check(&b, "api", "http");
	bench_start(&b, "builtin_rules: off\n");
	assert_int_equal(b.set->count, 1);
	assert_non_null(rule_of(&b, "cannot-tell"));
	bench_fini(&b);
}

/* --- the manual --- */

static char *
read_manual(void)
{
	FILE *file = fopen("docs/rules.md", "r");
	struct buf text;
	char piece[4096];
	size_t len;

	if (!file)
		return NULL;
	buf_init(&text, 0);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, len);
	fclose(file);
	return buf_take_text(&text);
}

/* A row of the table of built-in rules that has the name and the type it is about. */
static bool
has_row(const char *manual, const char *name, const char *yaml)
{
	char quoted[100], type[100];

	assert_int_equal(sscanf(yaml, "each: %99s", type), 1);
	snprintf(quoted, sizeof(quoted), "`%s`", name);
	for (const char *at = strstr(manual, "## Built-in rules"); at && *at;) {
		size_t len = strcspn(at, "\n");
		char *row = xstrndup(at, len);
		bool is_it = strstr(row, quoted) && (*type == '"' || strstr(row, type));
		free(row);
		if (is_it)
			return true;
		at += len + (at[len] == '\n');
	}
	return false;
}

/* Every function and every built-in rule is there; what stands there is tried by lesson_test.c. */
static void
test_manual(void **state)
{
	char *manual = read_manual();
	(void)state;
	if (!manual)
		skip(); /* not started from the top of the tree */
	for (size_t i = 0; i < expr_function_count(); i++)
		if (!strstr(manual, expr_function_at(i).usage))
			fail_msg("docs/rules.md lacks %s", expr_function_at(i).usage);
	for (size_t i = 0; i < rule_builtin_count(); i++)
		if (!has_row(manual, rule_builtin_name(i), rule_builtin_yaml(i)))
			fail_msg("docs/rules.md has no row for %s:\n%s", rule_builtin_name(i),
				rule_builtin_yaml(i));
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_reserved_check_names),
		cmocka_unit_test(test_an_empty_level_is_none),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_variants_are_shared),
		cmocka_unit_test(test_pattern_that_nobody_matches),
		cmocka_unit_test(test_builtins_off),
		cmocka_unit_test(test_manual),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
