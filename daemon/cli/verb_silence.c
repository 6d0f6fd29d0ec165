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
#include "cli/view.h"
#include "cli/when.h"
#include "cli/who.h"

#define PREFIX_MIN 4 /* of an id */

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
	const char *from = cli_value(cli, "from");
	usec_t begin_us = when_now();

	for (size_t i = 0; i < cli->arg_count; i++)
		add_word(match, cli->args[i]);
	json_object_set_new(ask, "match", match);
	who_put(ask, "by");
	if (cli_value(cli, "for") != NULL)
		json_object_set_new(ask, "for", json_string(cli_value(cli, "for")));
	if (cli_value(cli, "comment") != NULL)
		json_object_set_new(ask, "comment", json_string(cli_value(cli, "comment")));
	if (from != NULL)
		when_parse(from, begin_us, &begin_us);
	/* "from 22:00 until 06:00" is one night. */
	if (when_put(ask, "starts_at", &(struct when_typed){ "from", from, when_now() }) == 0 &&
		when_put(ask, "ends_at",
			&(struct when_typed){ "until", cli_value(cli, "until"), begin_us }) == 0)
		return ask;
	json_decref(ask);
	return NULL;
}

static void
add_word_pair(struct buf *out, const char *key, const json_t *value)
{
	if (json_is_string(value))
		buf_addf(out, "%s%s=%s", buf_left(out) > 0 ? " " : "", key,
			json_string_value(value));
}

/* {"check": ["db*"], "labels": {"team": "core"}} as it is typed: "check=db* team=core"; owned. */
static char *
match_words(json_t *match)
{
	struct buf out;
	const char *key, *label;
	json_t *value, *one;
	size_t i;
	char *text;

	buf_init(&out, 0);
	json_object_foreach(match, key, value)
	{
		json_array_foreach(value, i, one) add_word_pair(&out, key, one);
		json_object_foreach(value, label, one) add_word_pair(&out, label, one);
		add_word_pair(&out, key, value);
	}
	text = xstrdup(buf_text(&out));
	buf_fini(&out);
	return text;
}

/* "deploy (ann)" */
static char *
why_words(const json_t *one, bool is_work)
{
	const char *why = answer_text(one, is_work ? "reason" : "comment");
	const char *by = answer_text(one, "by");

	if (*by == '\0')
		return xstrdup(why);
	return *why == '\0' ? xasprintf("by %s", by) : xasprintf("%s (%s)", why, by);
}

static void
add_row(struct table *table, const json_t *one, bool is_work)
{
	char *match = match_words(json_object_get(one, "match")), *why = why_words(one, is_work);
	bool is_active = is_work ? json_is_true(json_object_get(one, "active"))
				 : str_eq(answer_text(one, "state"), "active");
	const char *planned = is_work ? "planned" : answer_text(one, "state");
	const char *key = is_active ? "ends_at" : "starts_at";
	char at[WHEN_SIZE], span[WHEN_SIZE], state[WHEN_SIZE * 2];
	const char *const cells[] = { is_work ? "maintenance" : answer_text(one, "id"), state, span,
		at, match, why };

	when_of(one, key, at);
	when_span(one, key, span);
	str_copy(state, sizeof(state), is_active ? "active" : planned);
	/* "1h 5m left" says which of the two it is. */
	if (is_active && str_starts(span, "in ")) {
		memmove(span, span + 3, strlen(span + 3) + 1);
		str_copy(span + strlen(span), sizeof(span) - strlen(span), " left");
	}
	table_add(table, cells);
	table_paint(table, 1, is_active ? PAINT_WARN : PAINT_DIM);
	free(match);
	free(why);
}

static void
print_list(const struct cli *cli, const json_t *doc)
{
	static const struct table_column columns[] = { { .title = "SILENCE", .is_whole = true },
		{ .title = "STATE" }, { .title = "LEFT", .is_right = true },
		{ .title = "UNTIL/FROM", .is_spare = true },
		{ .title = "MATCH", .is_flexible = true },
		{ .title = "WHY", .is_spare = true, .is_flexible = true } };
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(doc, "silences"), i, one) add_row(table, one, false);
	json_array_foreach(json_object_get(doc, "maintenance"), i, one) add_row(table, one, true);
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
	char *match = match_words(json_object_get(doc, "match")), *line;
	char from[WHEN_SIZE], until[WHEN_SIZE], span[WHEN_SIZE];
	bool is_planned = str_eq(answer_text(doc, "state"), "pending");

	when_of(doc, "starts_at", from);
	when_of(doc, "ends_at", until);
	when_span(doc, "ends_at", span);
	line = xasprintf("silence %s: nobody is told of %s%s%s until %s (%s)",
		answer_text(doc, "id"), match, is_planned ? " from " : "", is_planned ? from : "",
		until, span);
	term_clean(line, false);
	term_print_wrapped(&cli->term, stdout, 0, line);
	print_warning(cli, answer_text(doc, "warning"));
	if (*answer_text(doc, "warning") != '\0')
		printf("take it back: triage silence --undo %s\n", answer_text(doc, "id"));
	free(line);
	free(match);
}

/* The id that alone begins so, as with incidents; owned, what was typed where there is none. */
static char *
whole_id(struct client *client, const char *typed)
{
	json_t *doc =
		strlen(typed) < PREFIX_MIN ? NULL : client_get(client, "/api/v1/silences", NULL);
	const char *found = NULL;
	const json_t *one;
	size_t i, count = 0;
	char *id;

	json_array_foreach(json_object_get(doc, "silences"), i, one)
	{
		if (!str_starts(answer_text(one, "id"), typed))
			continue;
		found = answer_text(one, "id");
		count++;
	}
	id = xstrdup(count == 1 ? found : typed);
	json_decref(doc);
	return id;
}

static json_t *
end_one(struct client *client, const char *typed, struct err *e)
{
	char *id = whole_id(client, typed);
	char *path = client_path("/api/v1/silences/", id, "");
	json_t *doc = client_send(client, "DELETE", path, NULL, e);

	free(path);
	free(id);
	return doc;
}

/* One after the other; those that are not there are said, and the others end. */
static int
end_each(struct cli *cli)
{
	struct client *client = client_new(cli);
	int result = EXIT_FINE;

	for (size_t i = 0; i < cli->arg_count; i++) {
		struct err e;
		json_t *doc = end_one(client, cli->args[i], &e);

		if (doc == NULL)
			result = answer_fail(&e);
		else if (cli->is_json)
			answer_print_json(doc);
		else
			printf("silence %s is over\n", answer_text(doc, "ended"));
		json_decref(doc);
	}
	client_free(client);
	return result;
}

static int
make(struct cli *cli)
{
	json_t *ask = ask_of(cli), *doc;
	struct client *client;
	struct err e;

	if (ask == NULL)
		return EXIT_USAGE;
	client = client_new(cli);
	doc = client_send(client, "POST", "/api/v1/silences", ask, &e);
	client_free(client);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_made(cli, doc);
	json_decref(doc);
	return EXIT_FINE;
}

static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	(void)cli;
	return client_get(client, "/api/v1/silences", e);
}

static int
run(struct cli *cli)
{
	if (cli_has(cli, "undo") && cli->arg_count == 0) {
		fprintf(stderr, "triage: --undo takes the id of a silence: `triage silence` lists "
				"them\n");
		return EXIT_USAGE;
	}
	if (cli_has(cli, "undo"))
		return end_each(cli);
	if (cli->arg_count == 0 &&
		(cli_has(cli, "for") || cli_has(cli, "until") || cli_has(cli, "from"))) {
		fprintf(stderr, "triage: say of which checks, such as 'db*' or type=redis; '*' for "
				"all\n");
		return EXIT_USAGE;
	}
	if (cli->arg_count == 0)
		return view_run(cli, &(struct view){ take, print_list });
	if (cli_value(cli, "for") == NULL && cli_value(cli, "until") == NULL) {
		fprintf(stderr, "triage: say how long, such as --for 2h or --until 18:00\n");
		return EXIT_USAGE;
	}
	return make(cli);
}

static const struct cli_example examples[] = {
	{ "triage silence", "what is silenced, with the time left, and planned maintenance" },
	{ "triage silence 'db*' --for 2h --comment 'moving the disk'", NULL },
	{ "triage silence type=redis severity=warning --until 18:00", NULL },
	{ "triage silence team=core --from 22:00 --until 06:00", "planned, by a label" },
	{ "triage silence --undo 12a82fa8", NULL },
	{ NULL, NULL },
};

static const struct cli_option options[] = {
	CLI_OPTIONS_END,
	{ .name = "from", .takes = TAKES_TIME, .doc = "when it begins, if not now" },
	CLI_OPTION_COMMENT,
	{ .name = "undo",
		.takes = TAKES_NOTHING,
		.doc = "end the silences of these ids, or of their first four digits" },
	{ .name = NULL },
};

const struct cli_verb verb_silence = {
	.name = "silence",
	.usage = "[CHECK|KEY=VALUE...]",
	.summary = "who is not told of what; keep quiet about checks for a while",
	.detail = "Alone it lists who is not told of what. A word is a glob over names of checks, "
		  "or KEY=VALUE: type, rule, cause, severity, min_severity, or a label; all keys "
		  "must hold, and of several words for one key any. What happens meanwhile is "
		  "seen and kept, and told when the silence ends while it still is. Who was told "
		  "of an incident before is told of its end.\n\n"
		  "It is taken as it is written, also when nothing fits it today, which is said.",
	.options = options,
	.examples = examples,
	.takes = TAKES_SILENCE,
	.args_min = 0,
	.args_max = 32,
	.run = run,
};
