/* `triage checks`: every check with what its last run said. */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/view.h"

static void
print(const struct cli *cli, const json_t *doc)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "TYPE", .is_spare = true },
		{ .title = "STATE" },
		{ .title = "VALUE", .is_spare = true, .is_right = true },
		{ .title = "LAST RUN", .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *check;
	size_t i;

	json_array_foreach(json_object_get(doc, "checks"), i, check)
	{
		const char *state = answer_state(check);
		const char *cells[] = { answer_text(check, "name"), answer_text(check, "type"),
			state, answer_text(json_object_get(check, "value"), "text"),
			answer_text(json_object_get(check, "last"), "text") };

		table_add(table, cells);
		table_paint(table, 2, term_paint_of(state));
	}
	if (table_rows(table) == 0)
		puts("no checks");
	else
		table_print(table, &cli->term, stdout);
	table_free(table);
}

static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	(void)cli;
	return client_get(client, "/api/v1/checks", e);
}

static int
run(struct cli *cli)
{
	return view_run(cli, &(struct view){ take, print });
}

static const struct cli_option options[] = {
	CLI_OPTION_WATCH,
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage checks", NULL },
	{ "triage checks --json | jq -r '.checks[] | select(.state == \"down\").name'",
		"the names of those that are down" },
	{ NULL, NULL },
};

const struct cli_verb verb_checks = {
	.name = "checks",
	.usage = "",
	.summary = "every check with what its last run said",
	.detail = "The words for a state are explained under the states of a check; --json has "
		  "those of the API.",
	.examples = examples,
	.options = options,
	.run = run,
};
