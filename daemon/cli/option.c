/*
 * Parses the command line with getopt, over the options of all verbs at once, because they may
 * stand before the verb; then looks whether they belong to it.
 */
#include "cli/option.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define VERB(name) &verb_##name,
const struct cli_verb *const verb_table[] = {
#include "cli/verbs.def"
	NULL,
};
#undef VERB

const struct cli_option option_common[] = {
	{ .name = "url",
		.letter = 'u',
		.takes = TAKES_URL,
		.doc = "ask http://host:port or unix:/path (or $TRIAGE_URL)" },
	{ .name = "config",
		.letter = 'c',
		.takes = TAKES_FILE,
		.doc = "the configuration whose daemon is meant" },
	{ .name = "token-file",
		.letter = 't',
		.takes = TAKES_FILE,
		.doc = "the token for writing over TCP (or $TRIAGE_TOKEN)" },
	{ .name = "json", .letter = 'j', .doc = "for programs" },
	{ .name = "no-color", .doc = "no colours (also $NO_COLOR)" },
	{ .name = "help", .letter = 'h', .doc = "what the verb does, and its options" },
	{ .name = "version", .letter = 'V', .doc = "the version" },
	{ .name = NULL },
};

#define OPTIONS_MAX 128
#define NAMES_MAX   160
#define LONG_BASE   256 /* getopt's value of options[i] is LONG_BASE + i */

/* Each name once: those of every verb, then the verbs' own. */
struct option_union {
	const struct cli_option *rows[OPTIONS_MAX];
	size_t count;
};

static void
add_rows(struct option_union *all, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		bool is_known = false;

		for (size_t i = 0; i < all->count; i++)
			is_known |= str_eq(all->rows[i]->name, rows->name);
		if (!is_known && all->count < OPTIONS_MAX)
			all->rows[all->count++] = rows;
	}
}

static void
collect(struct option_union *all)
{
	all->count = 0;
	add_rows(all, option_common);
	for (size_t i = 0; verb_table[i] != NULL; i++)
		add_rows(all, verb_table[i]->options);
}

static const struct cli_option *
find_row(const struct cli_option *rows, const char *name)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (str_eq(rows->name, name))
			return rows;
	return NULL;
}

const struct cli_verb *
option_find_verb(const char *name)
{
	for (size_t i = 0; verb_table[i] != NULL; i++)
		if (str_eq(verb_table[i]->name, name))
			return verb_table[i];
	return NULL;
}

const char *
option_value_name(const struct cli_option *option, char *out, size_t size)
{
	static const char *const names[] = {
		[TAKES_NOTHING] = "",
		[TAKES_TEXT] = "TEXT",
		[TAKES_FILE] = "FILE",
		[TAKES_FOLDER] = "DIR",
		[TAKES_TIME] = "TIME",
		[TAKES_URL] = "URL",
		[TAKES_TYPE] = "TYPE",
		[TAKES_VERB] = "VERB",
		[TAKES_SHELL] = "SHELL",
		[TAKES_CHECK] = "CHECK",
		[TAKES_TARGET] = "TARGET",
		[TAKES_RECEIVER] = "RECEIVER",
		[TAKES_INCIDENT] = "ID",
		[TAKES_SILENCE] = "ID",
		[TAKES_RULE] = "RULE",
		[TAKES_CODE] = "CODE",
	};

	if (option->value != NULL || option->takes != TAKES_WORDS) {
		str_copy(out, size, option->value != NULL ? option->value : names[option->takes]);
		return out;
	}
	str_copy(out, size, option->name);
	for (char *p = out; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return out;
}

/* ---- reading ---- */

/* A name that the verb does not have is a mistake of ours, found by whoever first runs it. */
static const struct cli_given *
find_given(const struct cli *cli, const char *name)
{
	const struct cli_given *found = NULL;

	if (cli->verb != NULL && find_row(cli->verb->options, name) == NULL) {
		fprintf(stderr, "triage %s: it has no option --%s\n", cli->verb->name, name);
		abort();
	}
	for (size_t i = 0; i < cli->given_count; i++)
		if (str_eq(cli->given[i].option->name, name))
			found = &cli->given[i];
	return found;
}

const char *
cli_value(const struct cli *cli, const char *option)
{
	const struct cli_given *given = find_given(cli, option);

	return given == NULL ? NULL : given->value;
}

bool
cli_has(const struct cli *cli, const char *option)
{
	return find_given(cli, option) != NULL;
}

/* ---- parsing ---- */

/* The verb among these words; NULL: none is there, or it comes behind them. */
static const struct cli_verb *
verb_among(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (option_find_verb(argv[i]) != NULL)
			return option_find_verb(argv[i]);
	return NULL;
}

/* What getopt found wrong: `found` is ':' for a value that is missing.  Where the verb is known,
 * only what it takes is worth proposing. */
static void
say_bad_option(
	const struct option_union *all, const struct cli_verb *verb, int found, const char *arg)
{
	struct option_union own = { .count = 0 };
	const char *names[OPTIONS_MAX], *near = NULL;
	char word[64];

	add_rows(&own, option_common);
	if (verb != NULL)
		add_rows(&own, verb->options);
	else
		own = *all;
	for (size_t i = 0; i < own.count; i++)
		names[i] = own.rows[i]->name;
	if (optopt > 0 && optopt < LONG_BASE) {
		snprintf(word, sizeof(word), "-%c", optopt);
	} else {
		str_copy(word, sizeof(word), arg);
		word[strcspn(word, "=")] = '\0';
		near = str_starts(word, "--") ? str_nearest(word + 2, names, own.count) : NULL;
	}
	term_clean(word, false);
	if (found == ':')
		fprintf(stderr, "triage: %s needs a value\n", word);
	else if (optopt >= LONG_BASE)
		fprintf(stderr, "triage: %s takes no value\n", word);
	else if (near != NULL)
		fprintf(stderr, "triage: unknown option %s, did you mean --%s?\n", word, near);
	else
		fprintf(stderr, "triage: unknown option %s; `triage help VERB` lists them\n", word);
}

/* "open|acknowledged|resolved": one of these, or it is said which. */
static int
check_word(const struct cli_option *row, const char *value)
{
	char *words = xstrdup(row->words), *rest = words;
	const char *all[NAMES_MAX], *near;
	size_t count = 0;
	int result = -1;

	while (rest != NULL && count < NAMES_MAX) {
		all[count] = strsep(&rest, "|");
		if (str_eq(all[count++], value))
			result = 0;
	}
	near = str_nearest(value, all, count);
	if (result == -1 && near != NULL)
		fprintf(stderr, "triage: --%s \"%s\": did you mean \"%s\"?\n", row->name, value,
			near);
	else if (result == -1)
		fprintf(stderr, "triage: --%s takes one of %s\n", row->name, row->words);
	free(words);
	return result;
}

static int
keep(struct cli *cli, const struct cli_option *row, const char *value)
{
	if (cli->given_count == CLI_GIVEN_MAX) {
		fprintf(stderr, "triage: more than %d options\n", CLI_GIVEN_MAX);
		return -1;
	}
	cli->given[cli->given_count++] = (struct cli_given){ row, value };
	return row->takes == TAKES_WORDS ? check_word(row, value) : 0;
}

static int
read_options(struct cli *cli, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 1] = { { .name = NULL } };
	/* The colon: a value that is missing is told apart from an unknown option. */
	char shorts[OPTIONS_MAX * 2 + 2] = ":", *at = shorts + 1;
	struct option_union all;
	int found;

	collect(&all);
	for (size_t i = 0; i < all.count; i++) {
		const struct cli_option *row = all.rows[i];

		longs[i] = (struct option){ row->name,
			row->takes == TAKES_NOTHING ? no_argument : required_argument, NULL,
			LONG_BASE + (int)i };
		if (row->letter == 0)
			continue;
		*at++ = row->letter;
		if (row->takes != TAKES_NOTHING)
			*at++ = ':';
	}
	opterr = 0;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		size_t i = 0;

		if (found == '?' || found == ':') {
			say_bad_option(&all, verb_among(optind, argv), found, argv[optind - 1]);
			return -1;
		}
		while (i < all.count && found != LONG_BASE + (int)i && found != all.rows[i]->letter)
			i++;
		/* getopt finds only what stands in `longs` and `shorts`, and those were made of
		 * `all` */
		/* cppcheck-suppress arrayIndexOutOfBoundsCond */
		if (keep(cli, all.rows[i], optarg) == -1)
			return -1;
	}
	return 0;
}

/* Those of every verb have their places in struct cli. */
static void
spread(struct cli *cli, struct option_found *found)
{
	for (size_t i = 0; i < cli->given_count; i++) {
		const struct cli_given *given = &cli->given[i];
		const char *name = given->option->name;

		if (str_eq(name, "url"))
			cli->url = given->value;
		else if (str_eq(name, "config"))
			cli->config = given->value;
		else if (str_eq(name, "token-file"))
			cli->token_file = given->value;
		cli->is_json |= str_eq(name, "json");
		cli->has_no_color |= str_eq(name, "no-color");
		found->wants_help |= str_eq(name, "help");
		found->wants_version |= str_eq(name, "version");
	}
}

int
option_parse(struct cli *cli, int argc, char **argv, struct option_found *found)
{
	*found = (struct option_found){ .word = NULL };
	if (read_options(cli, argc, argv) == -1)
		return -1;
	spread(cli, found);
	if (optind >= argc)
		return 0;
	found->word = argv[optind];
	cli->verb = option_find_verb(found->word);
	cli->args = argv + optind + 1;
	cli->arg_count = (size_t)(argc - optind - 1);
	return 0;
}

int
option_check(const struct cli *cli)
{
	for (size_t i = 0; i < cli->given_count; i++) {
		const char *name = cli->given[i].option->name, *between = "";
		struct buf owners;

		if (find_row(option_common, name) != NULL ||
			find_row(cli->verb->options, name) != NULL)
			continue;
		buf_init(&owners, 0);
		for (size_t v = 0; verb_table[v] != NULL; v++) {
			if (find_row(verb_table[v]->options, name) == NULL)
				continue;
			buf_addf(&owners, "%s%s", between, verb_table[v]->name);
			between = ", ";
		}
		fprintf(stderr, "triage %s: --%s does not belong to it, but to: %s\n",
			cli->verb->name, name, buf_text(&owners));
		buf_fini(&owners);
		return -1;
	}
	return 0;
}
