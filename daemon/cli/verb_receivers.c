/*
 * `triage receivers [NAME]`: who is told, and whether it works: all of them as a table; one with
 * what waits for it and what it was told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/receiver_list.h"
#include "cli/table.h"
#include "cli/view.h"
#include "cli/when.h"

/* ---- one receiver ---- */

/* "incident.opened" -> "opened" */
static const char *
event_of(const json_t *one, const char *key)
{
	const char *type = answer_text(one, key);

	return str_starts(type, "incident.") ? type + strlen("incident.") : type;
}

static void
print_fact(const struct term *term, const char *name, const char *text)
{
	char *line;

	if (*text == '\0')
		return;
	line = xasprintf("%-11s %s", name, text);
	term_clean(line, false);
	term_print_wrapped(term, stdout, 2, line);
	free(line);
}

static void
print_failures(const struct term *term, const json_t *doc)
{
	struct buf line;
	const char *class;
	json_t *count;

	if (answer_count(doc, "failed") == 0)
		return;
	buf_init(&line, 400);
	buf_addf(&line, "%zu failed tries", answer_count(doc, "failed"));
	if (answer_count(doc, "failures_in_a_row") > 0)
		buf_addf(&line, ", %zu in a row", answer_count(doc, "failures_in_a_row"));
	json_object_foreach(json_object_get(doc, "failed_by"), class, count)
	{
		if (json_integer_value(count) > 0)
			buf_addf(&line, ", %s: %lld", class, (long long)json_integer_value(count));
	}
	if (answer_count(doc, "given_up") > 0)
		buf_addf(&line, "; %zu given up", answer_count(doc, "given_up"));
	print_fact(term, "failures", buf_text(&line));
	buf_fini(&line);
}

static void
print_latency(const struct term *term, const json_t *latency)
{
	char text[120];

	if (!json_is_object(latency))
		return;
	snprintf(text, sizeof(text), "mean %.3g s, 99 %% within %.3g s, worst %.3g s",
		answer_number(latency, "mean"), answer_number(latency, "p99"),
		answer_number(latency, "max"));
	print_fact(term, "latency", text);
}

static void
print_taken(const struct term *term, const json_t *doc)
{
	char when[WHEN_SIZE], *line;

	when_span(doc, "last_success_at", when);
	line = xasprintf("%zu notices%s%s", answer_count(doc, "sent"),
		*when == '\0' ? "" : ", the last one ", when);
	print_fact(term, "taken", line);
	free(line);
}

static void
print_waiting(const struct term *term, const json_t *doc)
{
	const char *why = answer_text(doc, "waits_for");
	char oldest[WHEN_SIZE], next[WHEN_SIZE], *line;

	if (answer_count(doc, "queued") == 0)
		return;
	when_span(doc, "oldest_at", oldest);
	when_span(doc, "next_try_at", next);
	line = xasprintf("%zu notices, the oldest of %s%s%s%s%s", answer_count(doc, "queued"),
		oldest, *next == '\0' ? "" : "; next try ", next, *why == '\0' ? "" : ": ", why);
	print_fact(term, "waiting", line);
	free(line);
}

static void
print_queue(const struct term *term, const json_t *doc)
{
	static const struct table_column columns[] = {
		{ .title = "WAITS", .is_flexible = true },
		{ .title = "INCIDENT", .is_whole = true },
		{ .title = "SEVERITY", .is_spare = true },
		{ .title = "WRITTEN", .is_spare = true, .is_right = true },
		{ .title = "TRIES", .is_spare = true, .is_right = true },
		{ .title = "NEXT TRY", .is_right = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(doc, "queue"), i, one)
	{
		char written[WHEN_SIZE], next[WHEN_SIZE], tries[24];
		const char *cells[] = { event_of(one, "type"), answer_text(one, "incident"),
			answer_text(one, "severity"), written, tries, next };

		when_span(one, "created_at", written);
		when_span(one, "next_try_at", next);
		snprintf(tries, sizeof(tries), "%zu", answer_count(one, "tries"));
		table_add(table, cells);
		table_paint(table, 2, term_paint_of(answer_text(one, "severity")));
	}
	if (table_rows(table) > 0) {
		putchar('\n');
		table_print(table, term, stdout);
	}
	table_free(table);
}

static void
print_ledger(const struct term *term, const json_t *doc)
{
	static const struct table_column columns[] = {
		{ .title = "TOLD OF", .is_whole = true },
		{ .title = "LAST WORD", .is_flexible = true },
		{ .title = "REASON", .is_spare = true },
		{ .title = "WHEN", .is_right = true },
		{ .title = "NOTICE", .is_spare = true, .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(doc, "ledger"), i, one)
	{
		char when[WHEN_SIZE];
		const char *cells[] = { answer_text(one, "incident"), event_of(one, "told"),
			answer_text(one, "reason"), when, answer_text(one, "notice") };

		when_span(one, "told_at", when);
		table_add(table, cells);
	}
	if (table_rows(table) > 0) {
		putchar('\n');
		table_print(table, term, stdout);
	}
	if (answer_count(doc, "ledger_total") > table_rows(table))
		printf("and %zu more\n", answer_count(doc, "ledger_total") - table_rows(table));
	table_free(table);
}

static void
print_one(const struct term *term, const json_t *doc)
{
	const char *state = answer_text(doc, "state");
	char next[WHEN_SIZE], *line;

	line = xasprintf("%s  %s  ", answer_text(doc, "name"), answer_text(doc, "type"));
	term_clean(line, false);
	term_paint(term, stdout, PAINT_BOLD, line);
	term_paint(term, stdout, receiver_list_paint(state), state);
	putchar('\n');
	free(line);
	print_fact(term, "what", answer_text(doc, "description"));
	print_fact(term, "where", answer_text(doc, "target"));
	print_taken(term, doc);
	print_waiting(term, doc);
	print_failures(term, doc);
	print_fact(term, "last error", answer_text(doc, "last_error"));
	print_latency(term, json_object_get(doc, "latency"));
	when_span(doc, "next_daily_test_at", next);
	print_fact(term, "daily test", next);
	print_queue(term, doc);
	print_ledger(term, doc);
}

/* ---- the verb ---- */

static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	char *name = cli->arg_count == 0 ? xstrdup("") : client_segment(cli->args[0]);
	char *path = xasprintf("/api/v1/receivers%s%s", cli->arg_count == 0 ? "" : "/", name);
	json_t *doc = client_get(client, path, e);

	free(path);
	free(name);
	return doc;
}

static void
print(const struct cli *cli, const json_t *doc)
{
	if (cli->arg_count == 0)
		receiver_list_print(&cli->term, json_object_get(doc, "receivers"));
	else
		print_one(&cli->term, doc);
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
	{ "triage receivers", NULL },
	{ "triage receivers ops --watch", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_receivers = {
	.name = "receivers",
	.usage = "[NAME]",
	.options = options,
	.summary = "who is told and how it fares; one with its queue and ledger",
	.detail = "Alone the list, with why what waits does. With a name one receiver: its queue, "
		  "its failures by kind, how long it takes, and what it was told of what.",
	.examples = examples,
	.takes = TAKES_RECEIVER,
	.args_max = 1,
	.run = run,
};
