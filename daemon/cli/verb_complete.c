/*
 * `triage __complete KIND`: the names of a kind, one on a line, with a tab and some words about it:
 * for the shells' completion.  Says nothing when it has nothing to say, and ends after a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "model/cause.h"
#include "probes/probe.h"
#include "rules/rules.h"

#define DEADLINE_S 1

/* A name with a line break would be two; a tab ends it. */
static void
offer(const char *name, const char *words)
{
	char *first = xstrdup(name), *second = xstrdup(words);

	term_clean(first, false);
	term_clean(second, false);
	if (strcmp(first, name) == 0)
		printf("%s\t%s\n", first, second);
	free(first);
	free(second);
}

/* Of the API's lists: which key has the name, and which says what it is. */
struct names {
	const char *path, *key, *name, *words;
};

static void
offer_names(struct cli *cli, const struct names *names)
{
	struct client *client = client_new(cli);
	json_t *doc = client_get(client, names->path, NULL);
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(doc, names->key), i, one)
	{
		const char *words = answer_text(one, names->words);

		offer(answer_text(one, names->name),
			str_eq(names->words, "state") ? answer_state(one) : words);
	}
	json_decref(doc);
	client_free(client);
}

static void
offer_checks(struct cli *cli)
{
	offer_names(cli, &(struct names){ "/api/v1/checks", "checks", "name", "state" });
}

static void
offer_receivers(struct cli *cli)
{
	offer_names(cli, &(struct names){ "/api/v1/receivers", "receivers", "name", "type" });
}

static void
offer_incidents(struct cli *cli)
{
	offer_names(cli, &(struct names){ "/api/v1/incidents?state=all&limit=50", "incidents", "id",
				 "title" });
}

/* Their ids, to be ended, and what may be silenced. */
static void
offer_silences(struct cli *cli)
{
	offer_names(cli, &(struct names){ "/api/v1/silences", "silences", "id", "comment" });
	offer_checks(cli);
}

static void
offer_rules(struct cli *cli)
{
	(void)cli;
	for (size_t i = 0; i < rule_builtin_count(); i++)
		offer(rule_builtin_name(i), "built in");
}

static void
offer_codes(struct cli *cli)
{
	for (size_t i = 0; i < cause_count(); i++)
		offer(cause_at(i)->code, "cause");
	offer_rules(cli);
}

static void
offer_types(struct cli *cli)
{
	(void)cli;
	for (size_t i = 0; probe_table[i] != NULL; i++)
		offer(probe_table[i]->name, probe_table[i]->summary);
}

static void
offer_verbs(struct cli *cli)
{
	(void)cli;
	for (size_t i = 0; verb_table[i] != NULL; i++)
		if (!verb_table[i]->is_hidden)
			offer(verb_table[i]->name, verb_table[i]->summary);
	offer("help", "what a verb does, and its options");
	offer("version", "the version");
}

static void
offer_shells(struct cli *cli)
{
	(void)cli;
	offer("bash", "");
	offer("zsh", "");
	offer("fish", "");
}

static int
run(struct cli *cli)
{
	static const struct {
		const char *kind;
		void (*offer)(struct cli *cli);
	} rows[] = {
		{ "check", offer_checks },
		{ "receiver", offer_receivers },
		{ "incident", offer_incidents },
		{ "silence", offer_silences },
		{ "rule", offer_rules },
		{ "code", offer_codes },
		{ "type", offer_types },
		{ "verb", offer_verbs },
		{ "shell", offer_shells },
	};

	/* The default of SIGALRM ends the process, whatever it waits for. */
	alarm(DEADLINE_S);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(rows[i].kind, cli->args[0])) {
			rows[i].offer(cli);
			return EXIT_FINE;
		}
	return EXIT_USAGE;
}

const struct cli_verb verb_complete = {
	.name = "__complete",
	.usage = "KIND",
	.summary = "names of a kind, for the shells' completion",
	.takes = TAKES_TEXT,
	.args_min = 1,
	.args_max = 1,
	.is_hidden = true,
	.run = run,
};
