/*
 * docs/rules.md is tried: each worked rule goes through what its table says is measured, and says
 * what the table says, when it says; each function does in a rule what its row claims; the table of
 * three-valued logic is that of the language.  Runs in the folder of the sources.
 */
#include "tests/rules/lesson.h"

#include "tests/rules/world.h"

#define PAGE       "docs/rules.md"
#define CELLS      8
#define CELL_MAX   600
#define YAML_MAX   4000
#define TABLES_MIN 10

struct page {
	char *text, *next;
	char heading[200]; /* the last one */
	char yaml[YAML_MAX];
	char cells[CELLS][CELL_MAX];
	size_t cell_count;
};

enum page_part { PAGE_END, PAGE_HEADING, PAGE_YAML, PAGE_ROW, PAGE_OTHER };

static void
open_page(struct page *page)
{
	FILE *file = fopen(PAGE, "r");
	size_t size = 0;

	assert_non_null(file);
	memset(page, 0, sizeof(*page));
	assert_true(getdelim(&page->text, &size, '\0', file) > 0);
	fclose(file);
	page->next = page->text;
}

static void
close_page(struct page *page)
{
	free(page->text);
}

static char *
take_line(struct page *page)
{
	char *line = page->next;
	char *end = strchr(line, '\n');

	if (*line == '\0')
		return NULL;
	page->next = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static void
trim_into(char *out, size_t size, const char *from, size_t len)
{
	while (len > 0 && *from == ' ') {
		from++;
		len--;
	}
	while (len > 0 && from[len - 1] == ' ')
		len--;
	assert_true(len < size);
	snprintf(out, size, "%.*s", (int)len, from);
}

/* "| a | b |": a bar between backquotes belongs to the code there, with a backslash before it. */
static void
split_row(struct page *page, const char *line)
{
	const char *at = line + 1;

	page->cell_count = 0;
	for (const char *end; (end = strchr(at, '|')) != NULL; at = end + 1) {
		assert_true(page->cell_count < CELLS);
		trim_into(page->cells[page->cell_count++], CELL_MAX, at, (size_t)(end - at));
	}
}

static void
take_yaml(struct page *page)
{
	char *line;

	page->yaml[0] = '\0';
	while ((line = take_line(page)) != NULL && strcmp(line, "```") != 0) {
		size_t used = strlen(page->yaml);
		assert_true(used + strlen(line) + 2 < YAML_MAX);
		snprintf(page->yaml + used, YAML_MAX - used, "%s\n", line);
	}
}

static void
skip_block(struct page *page)
{
	const char *line;

	do
		line = take_line(page);
	while (line && strcmp(line, "```") != 0);
}

static enum page_part
next_part(struct page *page)
{
	char *line = take_line(page);

	if (!line)
		return PAGE_END;
	if (str_starts(line, "#")) {
		snprintf(page->heading, sizeof(page->heading), "%s", line);
		return PAGE_HEADING;
	}
	if (strcmp(line, "```yaml") == 0) {
		take_yaml(page);
		return PAGE_YAML;
	}
	if (str_starts(line, "```"))
		skip_block(page);
	if (*line != '|' || str_starts(line, "|---"))
		return PAGE_OTHER;
	split_row(page, line);
	return PAGE_ROW;
}

/* As far as the text below this heading. */
static void
go_to(struct page *page, const char *heading)
{
	enum page_part part;

	do
		part = next_part(page);
	while (part != PAGE_END && (part != PAGE_HEADING || strcmp(page->heading, heading) != 0));
	if (part == PAGE_END)
		fail_msg(PAGE " has no \"%s\"", heading);
}

/* --- a worked rule: | so long, this is measured | so the rule says | --- */

static enum severity
level_of(const char *word, size_t len)
{
	static const char *const words[] = { "over", "info", "warning", "critical" };

	for (size_t i = 0; i < 4; i++)
		if (strlen(words[i]) == len && strncmp(words[i], word, len) == 0)
			return (enum severity)i;
	fail_msg("\"%s\": neither over nor a level", word);
	return SEVERITY_OK;
}

static void
show_events(const struct lesson *l)
{
	for (size_t i = 0; i < l->event_count; i++)
		print_error("  came: %s %s after %.0f s `%s`\n", l->events[i].check,
			l->events[i].severity == SEVERITY_OK ? "over"
							     : severity_name(l->events[i].severity),
			(double)l->events[i].at_us / 1e6, l->events[i].text);
}

/* "warning after 1m30s `the text`" */
static bool
meets(const struct lesson_event *event, const char *claim)
{
	const char *quote = strchr(claim, '`');
	const char *after = strstr(claim, " after ");
	char when[40] = "0s", text[500];

	if (after)
		snprintf(when, sizeof(when), "%.*s", (int)strcspn(after + 7, " "), after + 7);
	if (event->severity != level_of(claim, strcspn(claim, " ")) ||
		event->at_us != (usec_t)llround(lesson_number(when) * 1e6))
		return false;
	snprintf(text, sizeof(text), "%.*s", quote ? (int)strcspn(quote + 1, "`") : 0,
		quote ? quote + 1 : "");
	return !quote || strcmp(text, event->text) == 0;
}

/* Claims have a semicolon between them; "nothing" is none. */
static bool
holds(const struct lesson *l, const char *cell)
{
	size_t n = 0;
	char claim[CELL_MAX];
	bool is_so = true;

	for (const char *at = cell; strcmp(cell, "nothing") != 0 && *at != '\0'; n++) {
		size_t len = strcspn(at, ";");
		trim_into(claim, sizeof(claim), at, len);
		at += len + (at[len] != '\0');
		is_so = is_so && n < l->event_count && meets(&l->events[n], claim);
	}
	return is_so && n == l->event_count;
}

static bool
try_row(struct lesson *l, const struct page *page)
{
	lesson_step(l, page->cells[0]);
	if (holds(l, page->cells[1]))
		return true;
	print_error("%s: %s\n  page: %s\n", page->heading, page->cells[0], page->cells[1]);
	show_events(l);
	return false;
}

static void
worked_rules_say_what_the_page_says(void **state)
{
	struct page page;
	struct lesson l;
	enum page_part part;
	size_t tables = 0, wrong = 0;
	bool is_open = false, has_rows = false;

	(void)state;
	open_page(&page);
	go_to(&page, "## Worked rules");
	while ((part = next_part(&page)) != PAGE_END && !str_starts(page.heading, "## Built-in")) {
		if (part == PAGE_YAML || (part == PAGE_HEADING && is_open)) {
			if (is_open)
				lesson_fini(&l);
			is_open = part == PAGE_YAML;
			if (is_open)
				lesson_init(&l, page.yaml);
			has_rows = false;
		}
		if (part == PAGE_ROW && is_open && strchr(page.cells[0], '`')) {
			tables += !has_rows;
			has_rows = true;
			wrong += !try_row(&l, &page);
		}
	}
	if (is_open)
		lesson_fini(&l);
	close_page(&page);
	assert_true(tables >= TABLES_MIN);
	assert_int_equal(wrong, 0);
}

/* --- a function: | condition | calm; then trouble | in words | --- */

static void
try_function(const struct page *page)
{
	char yaml[YAML_MAX + CELL_MAX + 100], expr[CELL_MAX], step[CELL_MAX];
	struct lesson l;

	trim_into(expr, sizeof(expr), page->cells[0] + 1, strlen(page->cells[0]) - 2);
	snprintf(yaml, sizeof(yaml),
		"%sbuiltin_rules: off\nrules:\n  it:\n    warning: >-\n      %s\n", page->yaml,
		expr);
	lesson_init(&l, yaml);
	for (const char *at = page->cells[1]; *at != '\0';) {
		size_t len = strcspn(at, ";");
		bool is_last = at[len] == '\0';
		trim_into(step, sizeof(step), at, len);
		lesson_step(&l, step);
		if (!is_last && l.event_count > 0)
			fail_msg("%s: true too early, in %s", expr, step);
		if (is_last && (l.event_count != 1 || l.events[0].severity != SEVERITY_WARNING))
			fail_msg("%s: not true at last, in %s", expr, step);
		at += len + !is_last;
	}
	lesson_fini(&l);
}

static void
functions_do_what_the_page_says(void **state)
{
	struct page page;
	enum page_part part;
	char all[20000] = "";

	(void)state;
	open_page(&page);
	go_to(&page, "## Every function in a rule");
	while ((part = next_part(&page)) != PAGE_END && part != PAGE_HEADING) {
		if (part != PAGE_ROW || page.cells[0][0] != '`')
			continue;
		try_function(&page);
		size_t used = strlen(all);
		snprintf(all + used, sizeof(all) - used, " %s", page.cells[0]);
	}
	for (size_t n = 0; n < expr_function_count(); n++) {
		char call[60];
		snprintf(call, sizeof(call), "%s(", expr_function_at(n).name);
		if (!strstr(all, call))
			fail_msg("no row has %s)", call);
	}
	close_page(&page);
}

/* What the reference and `triage rule` show as usage works over the checks of the page. */
static void
usages_compile(void **state)
{
	struct page page;
	struct lesson l;

	(void)state;
	open_page(&page);
	go_to(&page, "## Every function in a rule");
	while (next_part(&page) != PAGE_YAML)
		assert_true(*page.next != '\0');
	for (size_t n = 0; n < expr_function_count(); n++) {
		struct buf yaml;
		buf_init(&yaml, 0);
		buf_addf(&yaml,
			"%srules:\n  it:\n    warning: down(api)\n    summary: >-\n      {{%s}}\n",
			page.yaml, expr_function_at(n).usage);
		lesson_init(&l, buf_text(&yaml));
		lesson_fini(&l);
		buf_fini(&yaml);
	}
	close_page(&page);
}

/* --- | a | b | a and b | … --- */

static double
truth_of(const char *word)
{
	if (strcmp(word, "unknown") == 0)
		return NAN;
	assert_true(strcmp(word, "true") == 0 || strcmp(word, "false") == 0);
	return strcmp(word, "true") == 0;
}

/* "`a and not b`" over two flags of the world. */
static void
name_flags(char *out, size_t size, const char *header)
{
	size_t used = 0;

	for (const char *at = header; *at != '\0'; at++) {
		bool is_word = (at == header || !strchr("abcdefghilnorst", at[-1])) &&
			       !strchr("abcdefghilnorst", at[1]);
		if (*at == '`')
			continue;
		if (is_word && (*at == 'a' || *at == 'b'))
			used += (size_t)snprintf(out + used, size - used, "disks%s.read_only",
				*at == 'b' ? "[/var]" : "");
		else
			out[used++] = *at;
		assert_true(used + 30 < size);
	}
	out[used] = '\0';
}

static void
check_truth(const char *header, const char *a, const char *b, const char *wanted)
{
	struct world w;
	char text[300];
	struct err e = { 0 };

	world_init(&w);
	world_find(&w, "disks")->values[3] = truth_of(a);
	world_find(&w, "disks[/var]")->values[3] = truth_of(b);
	name_flags(text, sizeof(text), header);
	struct expr_names names = world_names(&w, false);
	struct expr *expr = expr_compile(text, &names, &e);
	if (!expr)
		fail_msg("%s: %s", text, e.text);
	struct expr_value value = expr_eval(expr, &w.world);
	const char *got = !value.is_known ? "unknown" : value.number != 0 ? "true" : "false";
	if (strcmp(got, wanted) != 0)
		fail_msg("%s, a %s, b %s: %s, not %s", header, a, b, got, wanted);
	expr_free(expr);
}

static void
three_values_are_as_the_page_says(void **state)
{
	struct page page;
	enum page_part part;
	char headers[CELLS][CELL_MAX] = { "" };
	size_t rows = 0;

	(void)state;
	open_page(&page);
	go_to(&page, "## True, false, unknown");
	while ((part = next_part(&page)) != PAGE_END && part != PAGE_HEADING) {
		if (part == PAGE_ROW && strcmp(page.cells[0], "`a`") == 0)
			memcpy(headers, page.cells, sizeof(headers));
		if (part != PAGE_ROW || !headers[0][0] || page.cells[0][0] == '`')
			continue;
		for (size_t i = 2; i < page.cell_count; i++)
			check_truth(headers[i], page.cells[0], page.cells[1], page.cells[i]);
		rows++;
	}
	close_page(&page);
	assert_int_equal(rows, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_rules_say_what_the_page_says),
		cmocka_unit_test(functions_do_what_the_page_says),
		cmocka_unit_test(usages_compile),
		cmocka_unit_test(three_values_are_as_the_page_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
