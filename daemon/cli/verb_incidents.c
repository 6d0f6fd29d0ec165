/* `triage incidents`: the open ones, or those that --state and --since ask for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"

static void
print_table(const struct term *term, const json_t *incidents)
{
	static const struct table_column columns[] = {
		{ .title = "ID" },
		{ .title = "SEVERITY" },
		{ .title = "STATUS" },
		{ .title = "STARTED", .is_right = true },
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "TITLE", .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *incident;
	size_t i;

	json_array_foreach(incidents, i, incident)
	{
		const char *severity = answer_text(incident, "severity");
		const char *status = answer_text(incident, "status");
		char age[AGE_SIZE];
		const char *cells[] = { answer_text(incident, "id"), severity, status, age,
			answer_text(incident, "check"), answer_text(incident, "title") };

		answer_age(incident, "started_at", age);
		table_add(table, cells);
		table_paint(table, 1, term_paint_of(severity));
		table_paint(table, 2, term_paint_of(status));
	}
	if (table_rows(table) == 0)
		puts("no incidents");
	else
		table_print(table, term, stdout);
	table_free(table);
}

static int
run(struct cli *cli)
{
	const char *state = cli_value(cli, "state") == NULL ? "open" : cli_value(cli, "state");
	char *state_part = client_segment(state);
	char *since_part =
		client_segment(cli_value(cli, "since") == NULL ? "" : cli_value(cli, "since"));
	char *path = xasprintf("/api/v1/incidents?state=%s%s%s", state_part,
		cli_value(cli, "since") == NULL ? "" : "&since=", since_part);
	struct client *client = client_new(cli);
	struct err e;
	json_t *doc = client_get(client, path, &e);

	client_free(client);
	free(path);
	free(state_part);
	free(since_part);
	if (doc == NULL) {
		answer_fail(&e);
		/* 400: --state or --since. */
		return e.code == 400 ? EXIT_USAGE : EXIT_TROUBLE;
	}
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_table(&cli->term, json_object_get(doc, "incidents"));
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_option options[] = {
	{ .name = "state",
		.letter = 's',
		.takes = TAKES_WORDS,
		.words = "open|acknowledged|resolved|all",
		.doc = "those in this state" },
	{ .name = "since",
		.takes = TAKES_TIME,
		.doc = "none that ended before this time or age, such as 2h" },
	{ .name = NULL },
};

const struct cli_verb verb_incidents = {
	.name = "incidents",
	.usage = "",
	.options = options,
	.summary = "open incidents, or those asked for",
	.run = run,
};
