/* `triage incidents`: the open ones, or those that --state and --since ask for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/view.h"

static void
print(const struct cli *cli, const json_t *doc)
{
	static const struct table_column columns[] = {
		{ .title = "ID", .is_whole = true },
		{ .title = "SEVERITY" },
		{ .title = "STATUS", .is_spare = true },
		{ .title = "STARTED", .is_spare = true, .is_right = true },
		{ .title = "CHECK", .is_spare = true, .is_flexible = true },
		{ .title = "TITLE", .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *incident;
	size_t i;

	json_array_foreach(json_object_get(doc, "incidents"), i, incident)
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
		table_print(table, &cli->term, stdout);
	table_free(table);
}

static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	const char *state = cli_value(cli, "state"), *since = cli_value(cli, "since");
	char *state_part = client_segment(state == NULL ? "open" : state);
	char *since_part = client_segment(since == NULL ? "" : since);
	char *path = xasprintf("/api/v1/incidents?state=%s%s%s", state_part,
		since == NULL ? "" : "&since=", since_part);
	json_t *doc = client_get(client, path, e);

	free(path);
	free(state_part);
	free(since_part);
	return doc;
}

static int
run(struct cli *cli)
{
	return view_run(cli, &(struct view){ take, print });
}

static const struct cli_option options[] = {
	CLI_OPTION_WATCH,
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

static const struct cli_example examples[] = {
	{ "triage incidents", NULL },
	{ "triage incidents --state all --since 2d",
		"also what was resolved in the last two days" },
	{ NULL, NULL },
};

const struct cli_verb verb_incidents = {
	.name = "incidents",
	.usage = "",
	.options = options,
	.summary = "open incidents, or those asked for",
	.detail = "Without --state those that are not over yet.",
	.examples = examples,
	.run = run,
};
