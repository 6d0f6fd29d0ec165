/* `triage uptime [CHECK]`: for how much of the last days checks were up, as far as is known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"

#define SPANS           4 /* as the API has them: 24h, 7d, 30d, 90d */
#define LONGEST_SECONDS (90 * 86400.0)

static json_t *
take_one(struct client *client, const char *name, struct err *e)
{
	char *path = client_path("/api/v1/checks/", name, "/uptime");
	json_t *doc = client_get(client, path, e);

	free(path);
	return doc;
}

/* One question for each check; -1: e says why there is no answer. */
static int
take_all(struct client *client, json_t *list, struct err *e)
{
	json_t *doc = client_get(client, "/api/v1/checks", e), *one;
	const json_t *check;
	size_t i;
	int rc = doc == NULL ? -1 : 0;

	json_array_foreach(json_object_get(doc, "checks"), i, check)
	{
		one = take_one(client, answer_text(check, "name"), e);
		if (one != NULL)
			json_array_append_new(list, one);
		else if (e->code != 404) /* a child may have gone meanwhile */
			rc = -1;
		if (rc == -1)
			break;
	}
	json_decref(doc);
	return rc;
}

/* Never rounded up to a whole: 100 % is what was up all the time. */
static void
put_ratio(const json_t *window, char *out, size_t size)
{
	double ratio = answer_number(window, "up_ratio");

	if (isnan(ratio))
		snprintf(out, size, "unknown");
	else if (ratio == 1)
		snprintf(out, size, "100 %%");
	else
		snprintf(out, size, "%.3f %%", floor(ratio * 100000) / 1000);
}

static enum paint
paint_of(const json_t *window)
{
	double ratio = answer_number(window, "up_ratio");

	return isnan(ratio) ? PAINT_DIM : ratio == 1 ? PAINT_GOOD : PAINT_WARN;
}

static void
add_check(struct table *table, const json_t *check)
{
	const json_t *windows = json_object_get(check, "windows");
	char ratios[SPANS][20], down[40], incidents[32];
	const json_t *longest = json_array_get(windows, SPANS - 1);
	double seconds = answer_number(longest, "down_seconds");
	const char *cells[] = { answer_text(check, "check"), ratios[0], ratios[1], ratios[2],
		ratios[3], down, incidents };

	for (size_t i = 0; i < SPANS; i++)
		put_ratio(json_array_get(windows, i), ratios[i], sizeof(ratios[i]));
	clock_format_duration(
		isnan(seconds) ? 0 : (usec_t)seconds * USEC_PER_SEC, down, sizeof(down));
	snprintf(incidents, sizeof(incidents), "%.0f", answer_number(longest, "incidents"));
	table_add(table, cells);
	for (size_t i = 0; i < SPANS; i++)
		table_paint(table, i + 1, paint_of(json_array_get(windows, i)));
}

/* A number for 90 days that rests on an hour is said to. */
static void
print_known(const struct cli *cli, const json_t *list)
{
	const json_t *check;
	double most = 0;
	char span[64], *line;
	size_t i;

	json_array_foreach(list, i, check)
	{
		const json_t *windows = json_object_get(check, "windows");
		double known = answer_number(json_array_get(windows, SPANS - 1), "known_seconds");

		if (known > most)
			most = known;
	}
	if (most >= LONGEST_SECONDS * 0.99)
		return;
	clock_format_duration((usec_t)most * USEC_PER_SEC, span, sizeof(span));
	line = xasprintf(
		"at most %s is known; what is not known counts as neither up nor down", span);
	term_print_wrapped(&cli->term, stdout, 0, line);
	free(line);
}

static void
print(const struct cli *cli, const json_t *list)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "24 H", .is_right = true },
		{ .title = "7 D", .is_right = true },
		{ .title = "30 D", .is_right = true },
		{ .title = "90 D", .is_right = true },
		{ .title = "DOWN", .is_right = true },
		{ .title = "INCIDENTS", .is_right = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *check;
	size_t i;

	json_array_foreach(list, i, check) add_check(table, check);
	table_print(table, &cli->term, stdout);
	table_free(table);
	print_known(cli, list);
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	json_t *list = json_array(), *one;
	struct err e = { 0 };
	int rc = 0;

	if (cli->arg_count == 0) {
		rc = take_all(client, list, &e);
	} else {
		one = take_one(client, cli->args[0], &e);
		rc = one == NULL ? -1 : json_array_append_new(list, one);
	}
	client_free(client);
	if (rc == -1) {
		json_decref(list);
		return answer_fail(&e);
	}
	if (cli->is_json)
		answer_print_json(cli->arg_count > 0 ? json_array_get(list, 0) : list);
	else
		print(cli, list);
	json_decref(list);
	return EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "triage uptime", "all checks" },
	{ "triage uptime api --json", NULL },
	{ .command = NULL },
};

const struct cli_verb verb_uptime = {
	.name = "uptime",
	.usage = "[CHECK]",
	.summary = "for how much of the last 24 h, 7 d, 30 d and 90 d checks were up",
	.detail = "What nobody knows is neither up nor down: triaged did not run, could not tell, "
		  "this host was cut off, or planned work went on. DOWN and INCIDENTS are of 90 "
		  "d.",
	.examples = examples,
	.takes = TAKES_CHECK,
	.args_max = 1,
	.run = run,
};
