/* Help from the tables, as wide as the terminal. */
#include "cli/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/option.h"

#define DOC_COLUMN_MAX  28
#define DOC_COLUMNS_MIN 24 /* where there are fewer, the text goes below the name */
#define NARROW_INDENT   6

void
help_synopsis(const struct cli_verb *verb, struct buf *out)
{
	buf_addf(out, "triage %s%s%s", verb->name, *verb->usage == '\0' ? "" : " ", verb->usage);
	for (const struct cli_option *row = verb->options; row != NULL && row->name != NULL;
		row++) {
		char value[64];

		option_value_name(row, value, sizeof(value));
		buf_addf(out, " [--%s%s%s]", row->name, *value == '\0' ? "" : " ", value);
	}
}

static void
name_option(const struct cli_option *row, char *out, size_t size)
{
	char value[64], letter[8] = "    ";

	option_value_name(row, value, sizeof(value));
	if (row->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	snprintf(out, size, "%s--%s%s%s", letter, row->name, *value == '\0' ? "" : " ", value);
}

/* "  name      what it is", the second column broken where the terminal ends; COLUMNS_MIN of term.c
 * leaves room for the indent. */
static void
print_pair(const struct term *term, const char *name, size_t column, const char *doc)
{
	size_t used = str_columns(name) + 2;
	bool is_narrow = term->columns < column + DOC_COLUMNS_MIN;
	struct term narrow = { .columns = term->columns - (is_narrow ? NARROW_INDENT : column) };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	term_print_wrapped(&narrow, out, 0, doc);
	fclose(out);
	printf("  %s", name);
	if (is_narrow)
		column = NARROW_INDENT;
	if (used >= column) {
		putchar('\n');
		used = 0;
	}
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		printf("%*s%s\n", (int)(column - used), "", line);
		used = 0;
	}
	free(text);
}

static void
print_options(const struct term *term, const struct cli_option *rows, size_t column)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		char name[96], doc[400];

		name_option(rows, name, sizeof(name));
		snprintf(doc, sizeof(doc), "%s%s%s", rows->doc, rows->words == NULL ? "" : ": ",
			rows->words == NULL ? "" : rows->words);
		print_pair(term, name, column, doc);
	}
}

static size_t
widest_option(const struct cli_option *rows, size_t column)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		char name[96];
		size_t width;

		name_option(rows, name, sizeof(name));
		width = str_columns(name) + 4;
		if (width > column && width <= DOC_COLUMN_MAX)
			column = width;
	}
	return column;
}

static void
print_heading(const struct term *term, const char *text)
{
	putchar('\n');
	term_paint(term, stdout, PAINT_BOLD, text);
	putchar('\n');
}

static void
print_wrapped(const struct term *term, size_t indent, const char *text)
{
	term_print_wrapped(term, stdout, indent, text);
}

static void
print_examples(const struct term *term, const struct cli_example *examples)
{
	if (examples == NULL)
		return;
	print_heading(term, "Examples");
	for (; examples->command != NULL; examples++) {
		printf("  %s\n", examples->command);
		if (examples->doc != NULL)
			print_wrapped(term, 6, examples->doc);
	}
}

void
help_print_verb(const struct term *term, const struct cli_verb *verb)
{
	size_t column = widest_option(option_common, widest_option(verb->options, 0));
	struct buf line;

	buf_init(&line, 0);
	help_synopsis(verb, &line);
	print_wrapped(term, 0, buf_text(&line));
	buf_fini(&line);
	print_wrapped(term, 0, verb->summary);
	if (verb->detail != NULL) {
		putchar('\n');
		print_wrapped(term, 0, verb->detail);
	}
	print_heading(term, "Options");
	print_options(term, verb->options, column);
	print_options(term, option_common, column);
	print_examples(term, verb->examples);
	if (verb->exits != NULL) {
		print_heading(term, "Exit status");
		print_wrapped(term, 2, verb->exits);
	}
}

void
help_print(const struct term *term)
{
	print_wrapped(
		term, 0, "triage VERB [OPTIONS]: what triaged sees, and a few things to ask of it");
	putchar('\n');
	for (size_t i = 0; verb_table[i] != NULL; i++)
		if (!verb_table[i]->is_hidden)
			print_pair(term, verb_table[i]->name, 14, verb_table[i]->summary);
	print_pair(term, "help", 14, "this text, or that of a verb");
	print_pair(term, "version", 14, "the version");
	print_heading(term, "Options of every verb");
	print_options(term, option_common, widest_option(option_common, 0));
	putchar('\n');
	print_wrapped(term, 0,
		"Exit status: 0 fine, 1 not, 2 wrong usage or configuration;\n"
		"probe and --nagios: 0 ok, 1 warning, 2 critical, 3 unknown.");
}
