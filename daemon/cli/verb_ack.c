/* `triage ack ID`: somebody is at it, so nobody is reminded of it any more. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/near.h"
#include "cli/when.h"
#include "cli/who.h"

static json_t *
ask_of(const struct cli *cli)
{
	json_t *ask = json_object();

	who_put(ask, "by");
	if (cli_value(cli, "comment") != NULL)
		json_object_set_new(ask, "note", json_string(cli_value(cli, "comment")));
	if (cli_value(cli, "for") != NULL)
		json_object_set_new(ask, "for", json_string(cli_value(cli, "for")));
	if (cli_has(cli, "sticky"))
		json_object_set_new(ask, "sticky", json_true());
	if (when_put(ask, "until",
		    &(struct when_typed){ "until", cli_value(cli, "until"), when_now() }) == 0)
		return ask;
	json_decref(ask);
	return NULL;
}

/* All that holds now: an acknowledgement takes the place of the one before it. */
static void
print_terms(const struct cli *cli, const json_t *incident)
{
	const char *note = answer_text(incident, "acknowledged_note");
	char until[WHEN_SIZE], span[WHEN_SIZE], *line;

	when_of(incident, "acknowledged_until", until);
	when_span(incident, "acknowledged_until", span);
	if (until[0] != '\0')
		line = xasprintf("by %s until %s (%s); after that it is open again%s%s",
			answer_text(incident, "acknowledged_by"), until, span,
			*note == '\0' ? "" : ": ", note);
	else
		line = xasprintf("by %s until it is over%s%s%s",
			answer_text(incident, "acknowledged_by"),
			cli_has(cli, "sticky") ? "" : " or gets worse", *note == '\0' ? "" : ": ",
			note);
	term_clean(line, true);
	term_print_wrapped(&cli->term, stdout, 0, line);
	free(line);
}

static void
print_words(const struct cli *cli, const json_t *incident)
{
	char *line =
		xasprintf("%s: %s", answer_text(incident, "id"), answer_text(incident, "title"));

	term_print_marked(&cli->term, stdout, PAINT_BOLD, answer_text(incident, "status"), line);
	free(line);
	if (!cli_has(cli, "undo"))
		print_terms(cli, incident);
}

static json_t *
ask_daemon(const struct cli *cli, json_t *ask, struct err *e)
{
	struct client *client = client_new(cli);
	char *path = client_path("/api/v1/incidents/", cli->args[0], "/ack");
	json_t *doc = client_send(client, ask == NULL ? "DELETE" : "POST", path, ask, e);

	if (doc == NULL)
		near_suggest(client, TAKES_INCIDENT, cli->args[0], e);
	client_free(client);
	free(path);
	return doc;
}

static int
run(struct cli *cli)
{
	json_t *ask = cli_has(cli, "undo") ? NULL : ask_of(cli), *doc;
	struct err e;

	if (ask == NULL && !cli_has(cli, "undo"))
		return EXIT_USAGE;
	doc = ask_daemon(cli, ask, &e);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_words(cli, doc);
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "triage ack 3f9c --for 2h --comment 'restarting it'", NULL },
	{ "triage ack 3f9c --until 18:00", "open again at six, if it still is" },
	{ "triage ack 3f9c --undo", NULL },
	{ NULL, NULL },
};

static const struct cli_option options[] = {
	CLI_OPTIONS_END,
	CLI_OPTION_COMMENT,
	{ .name = "sticky", .doc = "also when the severity rises" },
	{ .name = "undo", .doc = "nobody is at it any more" },
	{ .name = NULL },
};

const struct cli_verb verb_ack = {
	.name = "ack",
	.usage = "ID",
	.summary = "somebody is at it: no more reminders of this incident",
	.detail = "The first four digits of an id are enough where only one begins so. The "
		  "acknowledgement ends with the incident, at --for or --until, or, without "
		  "--sticky, when the severity rises. Another one takes its place, with its own "
		  "end and comment.",
	.options = options,
	.examples = examples,
	.takes = TAKES_INCIDENT,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
