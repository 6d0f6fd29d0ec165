/*
 * `triage rule EXPR`: what an expression of the rule language is worth at this moment, and every
 * number that it looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"

static void
print_clean(const char *text)
{
	char *clean = xstrdup(text);

	term_clean(clean, false);
	fputs(clean, stdout);
	free(clean);
}

/* Texts in quotes: an empty one is a value, too. */
static void
print_value(const json_t *doc)
{
	const char *quote = json_is_string(json_object_get(doc, "value")) ? "\"" : "";

	fputs(quote, stdout);
	print_clean(answer_text(doc, "text"));
	fputs(quote, stdout);
}

static void
print_looked(const struct term *term, const json_t *looked)
{
	const json_t *one;
	size_t i;

	json_array_foreach(looked, i, one)
	{
		printf("  ");
		print_clean(answer_text(one, "name"));
		printf(" = ");
		if (json_is_true(json_object_get(one, "known")))
			print_value(one);
		else
			term_paint(term, stdout, PAINT_DIM, "unknown");
		putchar('\n');
	}
}

/* Only where it matters: what a rule would see may differ while its window fills. */
static void
print_windows(const json_t *windows)
{
	const json_t *one;
	size_t i;

	json_array_foreach(windows, i, one)
	{
		const char *source = answer_text(one, "source");
		const char *why = NULL;

		if (strcmp(source, "history") == 0)
			why = "no rule keeps this window: taken from the history";
		else if (strcmp(source, "none") == 0)
			why = "no rule keeps this window, and the history has nothing of it";
		else if (json_is_false(json_object_get(one, "filled")))
			why = "not filled yet: it holds what came so far";
		if (why == NULL)
			continue;
		printf("  ");
		print_clean(answer_text(one, "check"));
		putchar('.');
		print_clean(answer_text(one, "metric"));
		printf(", last %s: %s\n", answer_text(one, "span_text"), why);
	}
}

static void
print_answer(const struct term *term, const json_t *doc)
{
	bool is_condition = json_is_true(json_object_get(doc, "condition"));
	const json_t *value = json_object_get(doc, "value");

	if (!json_is_true(json_object_get(doc, "known")))
		term_paint(term, stdout, PAINT_WARN, "unknown");
	else if (is_condition)
		term_paint(term, stdout, json_is_true(value) ? PAINT_BAD : PAINT_GOOD,
			json_is_true(value) ? "true" : "false");
	else
		print_value(doc);
	putchar('\n');
	print_looked(term, json_object_get(doc, "looked_at"));
	print_windows(json_object_get(doc, "windows"));
}

/* "column 5: unknown metric ...": the text, a caret under it, and the words. */
static void
print_mistake(const char *text, struct err *e)
{
	char *rest;
	long column = strtol(e->text + strlen("column "), &rest, 10);

	fprintf(stderr, "%s\n%*s^\n", text, column > 1 ? (int)column - 1 : 0, "");
	if (str_starts(rest, ": "))
		memmove(e->text, rest + 2, strlen(rest + 2) + 1);
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	char *path = client_path("/api/v1/rule?expr=", cli->args[0], "");
	struct err e;
	json_t *doc = client_get(client, path, &e);

	client_free(client);
	free(path);
	if (doc == NULL) {
		bool is_mistake = e.code == 422 && str_starts(e.text, "column ");

		if (is_mistake)
			print_mistake(cli->args[0], &e);
		answer_fail(&e);
		return is_mistake ? EXIT_USAGE : EXIT_TROUBLE;
	}
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_answer(&cli->term, doc);
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "triage rule 'avg(api.total_time, 5m) > 2s'", NULL },
	{ "triage rule 'disks[/].free_bytes'", "a plain value" },
	{ NULL, NULL },
};

const struct cli_verb verb_rule = {
	.name = "rule",
	.usage = "EXPR",
	.summary = "what an expression of the rule language is worth now",
	.detail = "Every number that it looked at is shown, and what is not known.",
	.examples = examples,
	.exits = "0  it has a value, or is not known at present"
		 "\n"
		 "1  nobody answers"
		 "\n"
		 "2  it is no expression: the column is shown",
	.takes = TAKES_TEXT,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
