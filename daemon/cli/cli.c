/* The `triage` command: finds the verb, and what is wrong with how it was asked for. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/help.h"
#include "cli/option.h"

static int
say_unknown_verb(const char *name)
{
	const char *names[64];
	const char *near;
	size_t count = 0;

	for (size_t i = 0; verb_table[i] != NULL && count < 62; i++)
		if (!verb_table[i]->is_hidden)
			names[count++] = verb_table[i]->name;
	names[count++] = "help";
	names[count++] = "version";
	near = str_nearest(name, names, count);
	fprintf(stderr, "triage: unknown verb \"%s\"", name);
	if (near != NULL)
		fprintf(stderr, ", did you mean \"%s\"?", near);
	fprintf(stderr, "%s `triage help` lists them\n", near == NULL ? ";" : "");
	return EXIT_USAGE;
}

static int
check_use(const struct cli *cli)
{
	struct buf line;

	if (option_check(cli) == -1)
		return -1;
	if (cli->arg_count >= cli->verb->args_min && cli->arg_count <= cli->verb->args_max)
		return 0;
	buf_init(&line, 0);
	help_synopsis(cli->verb, &line);
	fprintf(stderr, "usage: %s\n", buf_text(&line));
	buf_fini(&line);
	return -1;
}

static int
print_version(void)
{
	puts("triage " TRIAGED_VERSION);
	return EXIT_FINE;
}

/* `triage help [VERB]`, `triage VERB --help`, or nothing at all. */
static int
print_help(const struct cli *cli, const char *word)
{
	bool is_help = str_eq(word, "help");
	const char *name = is_help ? (cli->arg_count > 0 ? cli->args[0] : NULL) : word;
	const struct cli_verb *verb = name == NULL ? NULL : option_find_verb(name);

	if (verb != NULL)
		help_print_verb(&cli->term, verb);
	else if (name == NULL || str_eq(name, "help"))
		help_print(&cli->term);
	else
		return say_unknown_verb(name);
	return EXIT_FINE;
}

static int
serve(int argc, char **argv)
{
	struct cli cli = { .url = NULL };
	struct option_found found;
	struct err e;

	if (option_parse(&cli, argc, argv, &found) == -1)
		return EXIT_USAGE;
	term_look(&cli.term, cli.has_no_color);
	if (found.wants_version || str_eq(found.word, "version"))
		return print_version();
	if (found.wants_help || str_eq(found.word, "help"))
		return print_help(&cli, found.word);
	if (found.word == NULL) {
		help_print(&cli.term);
		return EXIT_USAGE;
	}
	if (cli.verb == NULL)
		return say_unknown_verb(found.word);
	if (check_use(&cli) == -1)
		return EXIT_USAGE;
	if (cli.token_file != NULL && client_try_token(cli.token_file, &e) == -1) {
		fprintf(stderr, "triage: --token-file %s\n", e.text);
		return EXIT_USAGE;
	}
	return cli.verb->run(&cli);
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
