/*
 * The `triage` command: options, which may stand anywhere, and the table of verbs.  Help is made
 * from both tables.
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/verb.h"

#define VERB(name) &verb_##name,
const struct cli_verb *const verb_table[] = {
#include "cli/verbs.def"
	NULL,
};
#undef VERB

struct option_row {
	const char *name;
	char letter;       /* 0: none */
	const char *takes; /* NULL: a flag */
	const char *verbs; /* " verb verb ": only these; NULL: all */
	size_t offset;     /* of a bool or a const char * in struct cli */
	const char *doc;
};

static const struct option_row options[] = {
	{ "url", 'u', "URL", NULL, offsetof(struct cli, url),
		"ask http://host:port or unix:/path (or $TRIAGE_URL)" },
	{ "config", 'c', "FILE", NULL, offsetof(struct cli, config),
		"the configuration whose daemon is meant" },
	{ "token-file", 't', "FILE", NULL, offsetof(struct cli, token_file),
		"the token for writing over TCP (or $TRIAGE_TOKEN)" },
	{ "json", 'j', NULL, NULL, offsetof(struct cli, is_json), "for programs" },
	{ "no-color", 0, NULL, NULL, offsetof(struct cli, has_no_color),
		"no colours (also $NO_COLOR)" },
	{ "help", 'h', NULL, NULL, offsetof(struct cli, wants_help), "this text" },
	{ "version", 'V', NULL, NULL, offsetof(struct cli, wants_version), "the version" },
	{ "watch", 'w', NULL, " status ", offsetof(struct cli, is_watching),
		"show it again every two seconds" },
	{ "nagios", 'n', NULL, " status probe ", offsetof(struct cli, is_nagios),
		"one line, perfdata and exit status of a Nagios plugin" },
	{ "type", 0, "TYPE", " probe ", offsetof(struct cli, type),
		"the probe that is meant, where the target does not tell" },
	{ "for", 'f', "TIME", " ack silence ", offsetof(struct cli, for_text),
		"how long, such as 2h" },
	{ "comment", 0, "TEXT", " ack silence ", offsetof(struct cli, comment),
		"why, for the others" },
	{ "sticky", 0, NULL, " ack ", offsetof(struct cli, is_sticky),
		"also when the severity rises" },
	{ "undo", 0, NULL, " ack silence ", offsetof(struct cli, is_undoing), "take it back" },
	{ "all", 0, NULL, " test ", offsetof(struct cli, is_all), "every receiver" },
	{ "md", 0, NULL, " show ", offsetof(struct cli, wants_record),
		"the record in Markdown, as where no terminal reads" },
	{ "lang", 0, "LANG", " explain ", offsetof(struct cli, language), "en or zh" },
	{ "state", 's', "STATE", " incidents ", offsetof(struct cli, state),
		"open, acknowledged, resolved or all" },
	{ "since", 0, "TIME", " incidents ", offsetof(struct cli, since),
		"none that ended before this time or age, such as 2h" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))
#define LONG_BASE    256 /* getopt's value of options[i] is LONG_BASE + i */

static void
print_help(const struct cli_verb *verb)
{
	if (verb != NULL) {
		printf("triage %s %s\n%s\n\n", verb->name, verb->usage, verb->summary);
	} else {
		printf("triage VERB [OPTIONS]: what triaged sees, and a few things to ask of "
		       "it\n\n");
		for (size_t i = 0; verb_table[i] != NULL; i++)
			printf("  %-10s %s\n", verb_table[i]->name, verb_table[i]->summary);
		printf("  %-10s %s\n  %-10s %s\n\n", "help", "this text, or that of a verb",
			"version", "the version");
	}
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &options[i];
		char name[64], letter[8] = "    ";

		if (verb != NULL && row->verbs != NULL && strstr(row->verbs, verb->name) == NULL)
			continue;
		snprintf(name, sizeof(name), "--%s%s%s", row->name, row->takes == NULL ? "" : " ",
			row->takes == NULL ? "" : row->takes);
		if (row->letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		printf("  %s%-18s %s\n", letter, name, row->doc);
	}
	if (verb == NULL)
		printf("\nExit status: 0 fine, 1 not, 2 wrong usage or configuration;\n"
		       "probe and --nagios: 0 ok, 1 warning, 2 critical, 3 unknown.\n");
}

static const struct cli_verb *
find_verb(const char *name)
{
	for (size_t i = 0; verb_table[i] != NULL; i++)
		if (strcmp(verb_table[i]->name, name) == 0)
			return verb_table[i];
	return NULL;
}

/* What getopt found wrong: `found` is ':' for a value that is missing. */
static void
say_bad_option(int found, const char *arg)
{
	const char *names[OPTION_COUNT], *near = NULL;
	char word[64];

	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = options[i].name;
	if (optopt > 0 && optopt < LONG_BASE) {
		snprintf(word, sizeof(word), "-%c", optopt);
	} else {
		str_copy(word, sizeof(word), arg);
		word[strcspn(word, "=")] = '\0';
		near = str_starts(word, "--") ? str_nearest(word + 2, names, OPTION_COUNT) : NULL;
	}
	if (found == ':')
		fprintf(stderr, "triage: %s needs a value\n", word);
	else if (optopt >= LONG_BASE)
		fprintf(stderr, "triage: %s takes no value\n", word);
	else if (near != NULL)
		fprintf(stderr, "triage: unknown option %s, did you mean --%s?\n", word, near);
	else
		fprintf(stderr, "triage: unknown option %s; `triage help` lists them\n", word);
}

static int
say_unknown_verb(const char *name)
{
	const char *names[64];
	const char *near;
	size_t count = 0;

	/* cppcheck-suppress arrayIndexOutOfBoundsCond */
	for (; count < 62 && verb_table[count] != NULL; count++)
		names[count] = verb_table[count]->name;
	names[count++] = "help";
	names[count++] = "version";
	near = str_nearest(name, names, count);
	fprintf(stderr, "triage: unknown verb \"%s\"", name);
	if (near != NULL)
		fprintf(stderr, ", did you mean \"%s\"?", near);
	fprintf(stderr, "%s `triage help` lists them\n", near == NULL ? ";" : "");
	return EXIT_USAGE;
}

static void
set_option(struct cli *cli, const struct option_row *row, const char *value)
{
	char *at = (char *)cli + row->offset;

	if (row->takes == NULL)
		*(bool *)(void *)at = true;
	else
		*(const char **)(void *)at = value;
}

/* Which options were given is kept in `given`; -1: what is wrong is said. */
static int
parse_options(struct cli *cli, int argc, char **argv, bool given[OPTION_COUNT])
{
	struct option longs[OPTION_COUNT + 1] = { { .name = NULL } };
	/* The colon: a value that is missing is told apart from an unknown option. */
	char shorts[OPTION_COUNT * 2 + 2] = ":", *at = shorts + 1;
	int found;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		longs[i] = (struct option){ options[i].name,
			options[i].takes == NULL ? no_argument : required_argument, NULL,
			LONG_BASE + (int)i };
		if (options[i].letter == 0)
			continue;
		*at++ = options[i].letter;
		if (options[i].takes != NULL)
			*at++ = ':';
	}
	opterr = 0;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		size_t i = 0;

		if (found == '?' || found == ':') {
			say_bad_option(found, argv[optind - 1]);
			return -1;
		}
		while (i < OPTION_COUNT && found != LONG_BASE + (int)i &&
			found != options[i].letter)
			i++;
		/* cppcheck-suppress arrayIndexOutOfBoundsCond */
		given[i] = true;
		set_option(cli, &options[i], optarg);
	}
	return 0;
}

static int
check_use(const struct cli *cli, const struct cli_verb *verb, const bool given[OPTION_COUNT])
{
	char spaced[64];

	snprintf(spaced, sizeof(spaced), " %s ", verb->name);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (given[i] && options[i].verbs != NULL &&
			strstr(options[i].verbs, spaced) == NULL) {
			fprintf(stderr, "triage %s: --%s does not belong to it\n", verb->name,
				options[i].name);
			return -1;
		}
	}
	if (cli->arg_count >= verb->args_min && cli->arg_count <= verb->args_max)
		return 0;
	fprintf(stderr, "usage: triage %s %s\n", verb->name, verb->usage);
	return -1;
}

static int
print_version(void)
{
	puts("triage " TRIAGED_VERSION);
	return EXIT_FINE;
}

static int
serve(int argc, char **argv)
{
	struct cli cli = { .url = NULL };
	bool given[OPTION_COUNT] = { false };
	const struct cli_verb *verb;
	const char *name;
	struct err e;

	if (parse_options(&cli, argc, argv, given) == -1)
		return EXIT_USAGE;
	name = optind < argc ? argv[optind] : NULL;
	if (cli.wants_version || str_eq(name, "version"))
		return print_version();
	if (str_eq(name, "help")) {
		print_help(optind + 1 < argc ? find_verb(argv[optind + 1]) : NULL);
		return EXIT_FINE;
	}
	verb = name == NULL ? NULL : find_verb(name);
	if (cli.wants_help || name == NULL) {
		print_help(verb);
		return name == NULL && !cli.wants_help ? EXIT_USAGE : EXIT_FINE;
	}
	if (verb == NULL)
		return say_unknown_verb(name);
	cli.args = argv + optind + 1;
	cli.arg_count = (size_t)(argc - optind - 1);
	if (check_use(&cli, verb, given) == -1)
		return EXIT_USAGE;
	if (cli.token_file != NULL && client_try_token(cli.token_file, &e) == -1) {
		fprintf(stderr, "triage: --token-file %s\n", e.text);
		return EXIT_USAGE;
	}
	term_look(&cli.term, cli.has_no_color);
	return verb->run(&cli);
}

/* Half an answer is none.  Who closed the pipe has read enough. */
int
cli_main(int argc, char **argv)
{
	int result = serve(argc, argv);

	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
		return result;
	fprintf(stderr, "triage: cannot write the answer: %s\n", strerror(errno));
	return result == EXIT_FINE ? EXIT_TROUBLE : result;
}
