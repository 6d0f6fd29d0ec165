/*
 * `triage test RECEIVER`: a test message now: what went out, what came back, and the verdict.
 * Without a name it lists the receivers; with --all it tests each of them.
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

#define SHOWN_MAX 1600 /* bytes of one line that are shown */

/* One line of what was said, broken to the terminal's width; --json has all of it. */
static void
print_line(const struct term *term, const char *line, size_t len)
{
	size_t keep = len <= SHOWN_MAX ? len : str_utf8_cut(line, len, SHOWN_MAX);
	char *text = keep == len ? xstrndup(line, len)
				 : xasprintf("%.*s… (%zu bytes more; --json shows them)", (int)keep,
					   line, len - keep);

	term_clean(text, false);
	if (*text == '\0')
		putchar('\n');
	term_print_wrapped(term, stdout, 2, text);
	free(text);
}

/* Lines of "> " and "< ", as the API gives them. */
static void
print_transcript(const struct term *term, const char *text)
{
	char last = '\0';

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len >= 2 && (text[0] == '>' || text[0] == '<')) {
			if (text[0] != last)
				term_paint(term, stdout, PAINT_BOLD,
					text[0] == '>' ? "sent\n" : "answered\n");
			last = text[0];
			print_line(term, text + 2, len - 2);
		}
		text += len + (text[len] == '\n');
	}
}

static void
print_words(const struct term *term, const json_t *doc)
{
	bool is_ok = json_is_true(json_object_get(doc, "ok"));
	const char *verdict = is_ok ? "ok" : "failed";
	char *line = xasprintf("%s: %s", answer_text(doc, "receiver"), answer_text(doc, "text"));

	print_transcript(term, answer_text(doc, "transcript"));
	term_clean(line, false);
	term_paint(term, stdout, is_ok ? PAINT_GOOD : PAINT_BAD, verdict);
	if (strlen(verdict) + 2 + str_columns(line) <= term->columns) {
		printf("  %s\n", line);
	} else {
		putchar('\n');
		term_print_wrapped(term, stdout, 2, line);
	}
	free(line);
}

/* The API's verdict; NULL and e. */
static json_t *
ask(struct client *client, const char *receiver, struct err *e)
{
	char *path = client_path("/api/v1/receivers/", receiver, "/test");
	json_t *doc = client_post(client, path, e);

	free(path);
	return doc;
}

static int
test_one(struct cli *cli, struct client *client)
{
	struct err e;
	json_t *doc = ask(client, cli->args[0], &e);
	int result;

	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_words(&cli->term, doc);
	result = json_is_true(json_object_get(doc, "ok")) ? EXIT_FINE : EXIT_TROUBLE;
	json_decref(doc);
	return result;
}

static void
print_tests(json_t *tests, bool are_ok)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "ok", json_boolean(are_ok));
	json_object_set(doc, "tests", tests);
	answer_print_json(doc);
	json_decref(doc);
}

/* Whose words follow, before them. */
static void
print_in_turn(const struct term *term, const json_t *receiver, const json_t *doc)
{
	char *line = xasprintf(
		"--- %s (%s)\n", answer_text(receiver, "name"), answer_text(receiver, "type"));

	term_clean(line, true);
	term_paint(term, stdout, PAINT_BOLD, line);
	print_words(term, doc);
	putchar('\n');
	free(line);
}

/* After pages of dialogue: who took it and who did not. */
static void
print_sum(const struct term *term, const json_t *tests)
{
	const json_t *test;
	struct buf failed;
	size_t i, bad = 0;

	buf_init(&failed, 4096);
	json_array_foreach(tests, i, test)
	{
		if (json_is_true(json_object_get(test, "ok")))
			continue;
		buf_addf(&failed, "%s%s",
			bad++ > 0 ? ", " : ": failed: ", answer_text(test, "receiver"));
	}
	char *line = xasprintf("%zu of %zu took it%s", json_array_size(tests) - bad,
		json_array_size(tests), buf_text(&failed));
	term_clean(line, false);
	term_print_wrapped(term, stdout, 0, line);
	buf_fini(&failed);
	free(line);
}

/* One after the other: dialogues and verdicts, all of them at the end as JSON. */
static int
test_each(struct cli *cli, struct client *client, const json_t *receivers)
{
	json_t *tests = json_array();
	const json_t *receiver;
	bool are_ok = true;
	size_t i;

	json_array_foreach(receivers, i, receiver)
	{
		const char *name = answer_text(receiver, "name");
		struct err e = { .text = "" };
		json_t *doc;

		if (str_eq(answer_text(receiver, "state"), "off"))
			continue;
		doc = ask(client, name, &e);
		if (doc == NULL)
			doc = json_pack("{s:s, s:b, s:s, s:s}", "receiver", name, "ok", 0, "text",
				e.text, "transcript", "");
		are_ok = are_ok && json_is_true(json_object_get(doc, "ok"));
		if (!cli->is_json)
			print_in_turn(&cli->term, receiver, doc);
		json_array_append_new(tests, doc);
	}
	if (cli->is_json)
		print_tests(tests, are_ok);
	else
		print_sum(&cli->term, tests);
	json_decref(tests);
	return are_ok ? EXIT_FINE : EXIT_TROUBLE;
}

static int
test_or_list(struct cli *cli, struct client *client)
{
	struct err e;
	json_t *doc = client_get(client, "/api/v1/receivers", &e);
	const json_t *receivers = json_object_get(doc, "receivers");
	int result = EXIT_FINE;

	if (doc == NULL)
		return answer_fail(&e);
	if (cli_has(cli, "all")) {
		result = test_each(cli, client, receivers);
	} else if (cli->is_json) {
		answer_print_json(doc);
	} else {
		receiver_list_print(&cli->term, receivers);
		puts("\ntest one with `triage test NAME`, or each with --all");
	}
	json_decref(doc);
	return result;
}

static int
run(struct cli *cli)
{
	struct client *client;
	int result;

	if (cli_has(cli, "all") && cli->arg_count > 0) {
		fprintf(stderr, "triage test: a name or --all, not both\n");
		return EXIT_USAGE;
	}
	client = client_new(cli);
	result = cli->arg_count > 0 ? test_one(cli, client) : test_or_list(cli, client);
	client_free(client);
	return result;
}

static const struct cli_option options[] = {
	{ .name = "all", .doc = "every receiver" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage test ops", NULL },
	{ "triage test --all", "one after the other, and at the end who did not take it" },
	{ NULL, NULL },
};

const struct cli_verb verb_test = {
	.name = "test",
	.usage = "[RECEIVER]",
	.summary = "a test message to a receiver, and its answer; exits 0 taken, 1 not",
	.detail = "What went out, what came back, the verdict, and what would become of an alert. "
		  "Secrets are masked. Alone it lists the receivers.",
	.examples = examples,
	.exits = "0  it was taken"
		 "\n"
		 "1  it was not, or nobody answers",
	.options = options,
	.takes = TAKES_RECEIVER,
	.args_max = 1,
	.run = run,
};
