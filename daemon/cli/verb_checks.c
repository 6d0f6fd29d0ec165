/* `triage checks`: every check with what its last run said. */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"

static void
print_table(const struct term *term, const json_t *checks)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "TYPE" },
		{ .title = "STATE" },
		{ .title = "VALUE", .is_right = true },
		{ .title = "LAST RUN", .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
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
		table_print(table, term, stdout);
	table_free(table);
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct err e;
	json_t *doc = client_get(client, "/api/v1/checks", &e);

	client_free(client);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_table(&cli->term, json_object_get(doc, "checks"));
	json_decref(doc);
	return EXIT_FINE;
}

const struct cli_verb verb_checks = {
	.name = "checks",
	.usage = "",
	.summary = "every check with what its last run said",
	.run = run,
};
