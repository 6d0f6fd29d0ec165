/* The table of verbs and their options holds together, and is what the command line is read by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/help.h"
#include "cli/option.h"

static void
check_pair(const struct cli_option *a, const struct cli_option *b)
{
	if (strcmp(a->name, b->name) == 0) {
		assert_int_equal(a->letter, b->letter);
		assert_int_equal(a->takes == TAKES_NOTHING, b->takes == TAKES_NOTHING);
	} else if (a->letter != 0) {
		assert_int_not_equal(a->letter, b->letter);
	}
}

static void
check_rows(const struct cli_option *rows, const struct cli_option *others)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		for (const struct cli_option *o = others; o != NULL && o->name != NULL; o++)
			check_pair(rows, o);
}

/* They may stand before the verb: one name is one thing, and so is one letter. */
static void
test_one_name_one_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; verb_table[i] != NULL; i++) {
		check_rows(verb_table[i]->options, option_common);
		for (size_t k = 0; verb_table[k] != NULL; k++)
			check_rows(verb_table[i]->options, verb_table[k]->options);
	}
}

static void
test_rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; verb_table[i] != NULL; i++) {
		const struct cli_verb *verb = verb_table[i];

		assert_non_null(verb->run);
		assert_non_null(verb->usage);
		assert_true(verb->summary != NULL && strlen(verb->summary) <= 78);
		assert_true(verb->args_max == 0 || verb->takes != TAKES_NOTHING);
		for (const struct cli_option *row = verb->options; row != NULL && row->name != NULL;
			row++) {
			assert_true(row->doc != NULL && *row->doc != '\0');
			assert_int_equal(row->takes == TAKES_WORDS, row->words != NULL);
		}
	}
}

static int
parse(struct cli *cli, char **argv)
{
	struct option_found found;
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	*cli = (struct cli){ .verb = NULL };
	optind = 0;
	return option_parse(cli, argc, argv, &found);
}

#define LINE(...)  ((char *[]){ (char[]){ "triage" }, __VA_ARGS__, NULL })
#define WORD(text) ((char[]){ text })

static void
test_options_stand_anywhere(void **state)
{
	struct cli cli;

	(void)state;
	assert_int_equal(parse(&cli, LINE(WORD("--for"), WORD("2h"), WORD("ack"), WORD("-j"),
					     WORD("3f9c"), WORD("--comment=mine"))),
		0);
	assert_string_equal(cli.verb->name, "ack");
	assert_true(cli.is_json);
	assert_string_equal(cli_value(&cli, "for"), "2h");
	assert_string_equal(cli_value(&cli, "comment"), "mine");
	assert_false(cli_has(&cli, "undo"));
	assert_int_equal(cli.arg_count, 1);
	assert_int_equal(option_check(&cli), 0);
}

static void
test_what_belongs_to_another_verb(void **state)
{
	struct cli cli;

	(void)state;
	assert_int_equal(parse(&cli, LINE(WORD("checks"), WORD("--sticky"))), 0);
	assert_int_equal(option_check(&cli), -1);
}

static void
test_words(void **state)
{
	struct cli cli;

	(void)state;
	assert_int_equal(parse(&cli, LINE(WORD("incidents"), WORD("--state"), WORD("all"))), 0);
	assert_int_equal(parse(&cli, LINE(WORD("incidents"), WORD("--state"), WORD("al"))), -1);
	assert_int_equal(parse(&cli, LINE(WORD("incidents"), WORD("--state"))), -1);
	assert_int_equal(parse(&cli, LINE(WORD("incidents"), WORD("--sinse"), WORD("2h"))), -1);
}

static void
test_synopsis(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	help_synopsis(option_find_verb("show"), &out);
	assert_true(str_starts(buf_text(&out), "triage show ID [--"));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_name_one_meaning),
		cmocka_unit_test(test_rows_are_whole),
		cmocka_unit_test(test_options_stand_anywhere),
		cmocka_unit_test(test_what_belongs_to_another_verb),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_synopsis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
