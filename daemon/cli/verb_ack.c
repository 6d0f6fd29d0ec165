/* `triage ack ID`: somebody is at it, so nobody is reminded of it any more. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"
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
	return ask;
}

static void
print_words(const struct cli *cli, const json_t *incident)
{
	const char *until = answer_text(incident, "acknowledged_until");
	char *line =
		xasprintf("%s: %s", answer_text(incident, "id"), answer_text(incident, "title"));

	term_clean(line, false);
	term_paint(&cli->term, stdout, PAINT_BOLD, answer_text(incident, "status"));
	printf("  %s\n", line);
	if (*until != '\0')
		printf("until %s; after that it is open again\n", until);
	free(line);
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	char *id = client_segment(cli->args[0]);
	char *path = xasprintf("/api/v1/incidents/%s/ack", id);
	struct err e;
	json_t *doc = cli_has(cli, "undo") ? client_send(client, "DELETE", path, NULL, &e)
					   : client_send(client, "POST", path, ask_of(cli), &e);

	client_free(client);
	free(path);
	free(id);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_words(cli, doc);
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_option options[] = {
	{ .name = "for", .letter = 'f', .takes = TAKES_TIME, .doc = "how long, such as 2h" },
	{ .name = "comment", .takes = TAKES_TEXT, .doc = "why, for the others" },
	{ .name = "sticky", .doc = "also when the severity rises" },
	{ .name = "undo", .doc = "nobody is at it any more" },
	{ .name = NULL },
};

const struct cli_verb verb_ack = {
	.name = "ack",
	.usage = "ID",
	.summary = "somebody is at it: no more reminders of this incident",
	.options = options,
	.takes = TAKES_INCIDENT,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
