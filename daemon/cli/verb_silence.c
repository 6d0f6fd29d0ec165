/*
 * `triage silence`: lists who is not told of what; with names of checks, makes a silence; with
 * --undo ID, ends one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/who.h"

static const char *const keys[] = { "check", "type", "rule", "cause", "severity", "min_severity",
	NULL };

/* "type=redis" is a key of the match; "team=core" a label; anything else a check's name. */
static void
add_word(json_t *match, const char *word)
{
	const char *value = strchr(word, '=');
	char *key = value == NULL ? xstrdup("check") : xstrndup(word, (size_t)(value - word));
	json_t *labels, *list;
	bool is_key = false;

	value = value == NULL ? word : value + 1;
	for (size_t i = 0; keys[i] != NULL; i++)
		is_key |= str_eq(keys[i], key);
	if (str_eq(key, "min_severity")) {
		json_object_set_new(match, key, json_string(value));
	} else if (is_key) {
		list = json_object_get(match, key);
		if (list == NULL)
			json_object_set_new(match, key, list = json_array());
		json_array_append_new(list, json_string(value));
	} else {
		labels = json_object_get(match, "labels");
		if (labels == NULL)
			json_object_set_new(match, "labels", labels = json_object());
		json_object_set_new(labels, key, json_string(value));
	}
	free(key);
}

static json_t *
ask_of(const struct cli *cli)
{
	json_t *ask = json_object(), *match = json_object();

	for (size_t i = 0; i < cli->arg_count; i++)
		add_word(match, cli->args[i]);
	json_object_set_new(ask, "match", match);
	who_put(ask, "by");
	if (cli_value(cli, "for") != NULL)
		json_object_set_new(ask, "for", json_string(cli_value(cli, "for")));
	if (cli_value(cli, "comment") != NULL)
		json_object_set_new(ask, "comment", json_string(cli_value(cli, "comment")));
	return ask;
}

/* {"check": ["db*"]} as "check=db*"; owned. */
static char *
match_words(json_t *match)
{
	struct buf out;
	const char *key;
	json_t *value, *one;
	size_t i;
	char *text;

	buf_init(&out, 0);
	json_object_foreach(match, key, value)
	{
		char *dump = NULL;

		json_array_foreach(value, i, one) buf_addf(&out, "%s%s=%s",
			buf_left(&out) > 0 ? " " : "", key, json_string_value(one));
		if (json_is_array(value))
			continue;
		dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		buf_addf(&out, "%s%s=%s", buf_left(&out) > 0 ? " " : "", key,
			json_is_string(value) ? json_string_value(value) : dump);
		free(dump);
	}
	text = xstrdup(buf_text(&out));
	buf_fini(&out);
	return text;
}

static void
add_rows(struct table *table, const json_t *list, bool is_work)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		char *match = match_words(json_object_get(one, "match"));
		bool is_active = is_work ? json_is_true(json_object_get(one, "active"))
					 : str_eq(answer_text(one, "state"), "active");
		const char *state = !is_work    ? answer_text(one, "state")
				    : is_active ? "active"
						: "planned";
		const char *when = answer_text(one, is_active ? "ends_at" : "starts_at");
		const char *const cells[] = { is_work ? "maintenance" : answer_text(one, "id"),
			state, *when == '\0' ? NULL : when, match,
			answer_text(one, is_work ? "reason" : "comment") };

		table_add(table, cells);
		table_paint(table, 1, is_active ? PAINT_WARN : PAINT_DIM);
		free(match);
	}
}

static void
print_list(const struct cli *cli, const json_t *doc)
{
	static const struct table_column columns[] = { { .title = "SILENCE" }, { .title = "STATE" },
		{ .title = "UNTIL / FROM" }, { .title = "MATCH", .is_flexible = true },
		{ .title = "WHY", .is_flexible = true } };
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));

	add_rows(table, json_object_get(doc, "silences"), false);
	add_rows(table, json_object_get(doc, "maintenance"), true);
	if (table_rows(table) == 0)
		printf("nothing is silenced\n");
	else
		table_print(table, &cli->term, stdout);
	table_free(table);
}

static void
print_warning(const struct cli *cli, const char *text)
{
	char *line = xstrdup(text);

	term_clean(line, false);
	if (*line != '\0') {
		term_paint(&cli->term, stdout, PAINT_WARN, line);
		putchar('\n');
	}
	free(line);
}

static void
print_made(const struct cli *cli, const json_t *doc)
{
	char *match = match_words(json_object_get(doc, "match"));

	if (cli_has(cli, "undo"))
		printf("silence %s is over\n", answer_text(doc, "ended"));
	else {
		printf("silence %s: nobody is told of %s until %s\n", answer_text(doc, "id"), match,
			answer_text(doc, "ends_at"));
		print_warning(cli, answer_text(doc, "warning"));
	}
	free(match);
}

static json_t *
ask_daemon(const struct cli *cli, struct err *e)
{
	struct client *client = client_new(cli);
	json_t *doc;

	if (cli_has(cli, "undo")) {
		char *id = client_segment(cli->args[0]);
		char *path = xasprintf("/api/v1/silences/%s", id);

		doc = client_send(client, "DELETE", path, NULL, e);
		free(path);
		free(id);
	} else if (cli->arg_count > 0) {
		doc = client_send(client, "POST", "/api/v1/silences", ask_of(cli), e);
	} else {
		doc = client_get(client, "/api/v1/silences", e);
	}
	client_free(client);
	return doc;
}

static int
run(struct cli *cli)
{
	bool is_making = cli->arg_count > 0 && !cli_has(cli, "undo");
	struct err e;
	json_t *doc;

	if (is_making && cli_value(cli, "for") == NULL) {
		fprintf(stderr, "triage: say how long, such as --for 2h\n");
		return EXIT_USAGE;
	}
	if (cli_has(cli, "undo") && cli->arg_count != 1) {
		fprintf(stderr, "triage: --undo takes the id of one silence\n");
		return EXIT_USAGE;
	}
	doc = ask_daemon(cli, &e);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else if (cli->arg_count > 0)
		print_made(cli, doc);
	else
		print_list(cli, doc);
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_option options[] = {
	{ .name = "for", .letter = 'f', .takes = TAKES_TIME, .doc = "how long, such as 2h" },
	{ .name = "comment", .takes = TAKES_TEXT, .doc = "why, for the others" },
	{ .name = "undo", .takes = TAKES_NOTHING, .doc = "end the silence of this id" },
	{ .name = NULL },
};

const struct cli_verb verb_silence = {
	.name = "silence",
	.usage = "[CHECK|KEY=VALUE...]",
	.summary = "who is not told of what; keep quiet about checks for a while",
	.options = options,
	.takes = TAKES_CHECK,
	.args_min = 0,
	.args_max = 32,
	.run = run,
};
