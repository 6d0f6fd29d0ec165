/*
 * `triage backtest RULE`: when a rule in force, or one that is proposed, would have fired.  The
 * daemon answers in parts; this goes on asking, and sums up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/table.h"
#include "conf/value.h"
#include "model/backtest.h"

#define FILE_MAX  ((size_t)65536) /* what the daemon takes */
#define TRIES_MAX 30

/* --- the question --- */

static void
add_param(struct buf *path, const char *name, const char *value)
{
	char *part;

	if (value == NULL)
		return;
	part = client_segment(value);
	buf_addf(path, "%s%s=%s", strchr(buf_text(path), '?') == NULL ? "?" : "&", name, part);
	free(part);
}

static void
add_option(struct buf *path, const struct cli *cli, const char *option, const char *name)
{
	add_param(path, name, cli_value(cli, option));
}

/* `since` and `until` of the first answer hold for all of them. */
static char *
path_of(const struct cli *cli, const json_t *first, long long next)
{
	const char *rule = cli->arg_count > 0 ? cli->args[0] : NULL;
	char number[32];
	struct buf path;

	buf_init(&path, 16000);
	buf_add_text(&path, "/api/v1/backtest");
	if (rule != NULL)
		add_param(&path, value_is_name(rule) ? "rule" : "expr", rule);
	add_option(&path, cli, "check", "check");
	add_option(&path, cli, "each", "each");
	add_option(&path, cli, "for", "for");
	add_option(&path, cli, "keep-firing-for", "keep_firing_for");
	add_option(&path, cli, "clear", "clear");
	add_option(&path, cli, "severity", "severity");
	add_param(&path, "since", first ? answer_text(first, "since") : cli_value(cli, "since"));
	add_param(&path, "until", first ? answer_text(first, "until") : cli_value(cli, "until"));
	add_param(&path, "peaks", cli_has(cli, "peaks") ? "1" : NULL);
	snprintf(number, sizeof(number), "%lld", next);
	add_param(&path, "next", next > 0 ? number : NULL);
	return buf_take_text(&path);
}

static char *
read_file(const char *name)
{
	FILE *file = str_eq(name, "-") ? stdin : fopen(name, "re");
	char *text = xcalloc(1, FILE_MAX + 2);
	size_t len = file == NULL ? 0 : fread(text, 1, FILE_MAX + 1, file);

	if (file == NULL || ferror(file) || len == 0 || len > FILE_MAX) {
		fprintf(stderr, "triage: %s: %s\n", name,
			file == NULL || ferror(file) ? "it cannot be read"
			: len == 0                   ? "it is empty"
						     : "at most 64 kB of rules");
		free(text);
		text = NULL;
	}
	if (file != NULL && file != stdin)
		fclose(file);
	return text;
}

static json_t *
ask_once(struct client *client, const struct client_request *request, struct err *e)
{
	struct client_reply reply;
	json_t *doc = NULL;

	if (client_ask(client, request, &reply, e) == -1)
		return NULL;
	if (reply.status == 200)
		doc = json_loadb(reply.body, reply.len, 0, NULL);
	if (doc == NULL) {
		char *problem = client_problem(&reply);

		err_set(e, reply.status, "%s", problem);
		free(problem);
	}
	client_reply_fini(&reply);
	return doc;
}

/* One at a time is answered: another one's turn may come between two of ours. */
static json_t *
ask(const struct cli *cli, struct client *client, const char *body, const json_t *first,
	long long next, struct err *e)
{
	char *path = path_of(cli, first, next);
	const struct client_request request = { body == NULL ? "GET" : "POST", path, body };
	json_t *doc = ask_once(client, &request, e);

	for (int tries = 0; doc == NULL && e->code == 503 && tries < TRIES_MAX; tries++) {
		sleep(1);
		doc = ask_once(client, &request, e);
	}
	free(path);
	return doc;
}

static void
show_progress(const struct term *term, const json_t *doc, long long next)
{
	if (!term->is_tty)
		return;
	fprintf(stderr, "\r%lld of %lld replayed...", next,
		(long long)json_integer_value(json_object_get(doc, "alerts")));
	if (next == 0)
		fputs("\r\033[K", stderr);
}

/* All parts as one: the first with the others' results. */
static json_t *
ask_all(const struct cli *cli, const char *body, struct err *e)
{
	struct client *client = client_new(cli);
	json_t *whole = ask(cli, client, body, NULL, 0, e), *part = json_incref(whole);

	while (part != NULL) {
		const json_t *more = json_object_get(part, "next");
		long long next = json_integer_value(more);

		if (part != whole)
			json_array_extend(json_object_get(whole, "results"),
				json_object_get(part, "results"));
		json_decref(part);
		part = NULL;
		if (next == 0)
			break;
		show_progress(&cli->term, whole, next);
		part = ask(cli, client, body, whole, next, e);
		if (part == NULL) {
			json_decref(whole);
			whole = NULL;
		}
	}
	if (whole != NULL && json_object_get(whole, "next") != NULL) {
		show_progress(&cli->term, whole, 0);
		json_object_del(whole, "next");
	}
	client_free(client);
	return whole;
}

static double
span_of(const json_t *doc)
{
	usec_t since_us = 0, until_us = 0;

	clock_parse_rfc3339(answer_text(doc, "since"), &since_us);
	clock_parse_rfc3339(answer_text(doc, "until"), &until_us);
	return (double)(until_us - since_us) / 1e6;
}

static void
sum_up(json_t *doc)
{
	const json_t *results = json_object_get(doc, "results"), *result;
	json_t *totals = json_array();
	const char *last = "";
	size_t i;

	json_array_foreach(results, i, result)
	{
		if (str_eq(last, answer_text(result, "rule")))
			continue;
		last = answer_text(result, "rule");
		json_array_append_new(totals, backtest_sum(results, last, span_of(doc)));
	}
	json_object_set_new(doc, "totals", totals);
}

/* --- the answer --- */

/* "2026-01-02 03:04:05", in UTC. */
static void
put_time(const json_t *doc, const char *key, char out[20])
{
	str_copy(out, 20, answer_text(doc, key));
	if (strlen(out) > 10)
		out[10] = ' ';
}

static void
put_duration(double seconds, char *out, size_t size)
{
	clock_format_duration((usec_t)seconds * USEC_PER_SEC, out, size);
}

static void
add_firings(struct table *table, const json_t *result)
{
	const json_t *firing;
	size_t i;

	json_array_foreach(json_object_get(result, "firings"), i, firing)
	{
		const char *incident = answer_text(firing, "incident");
		const char *severity = answer_text(firing, "severity");
		char from[20], span[40];
		const char *cells[] = { from, span, severity, answer_text(result, "check"),
			*incident != '\0'                                    ? incident
			: json_is_true(json_object_get(firing, "forgotten")) ? "forgotten"
									     : "none",
			answer_text(firing, "text") };

		put_time(firing, "from", from);
		put_duration(answer_number(firing, "seconds"), span, sizeof(span));
		table_add(table, cells);
		table_paint(table, 2, term_paint_of(severity));
		if (*incident == '\0')
			table_paint(table, 4, PAINT_DIM);
	}
}

static void
print_firings(const struct cli *cli, const json_t *doc, const char *rule)
{
	static const struct table_column columns[] = {
		{ .title = "FROM (UTC)" },
		{ .title = "FOR", .is_right = true },
		{ .title = "SEVERITY" },
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "INCIDENT" },
		{ .title = "TEXT", .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *result;
	size_t i;

	json_array_foreach(json_object_get(doc, "results"), i,
		result) if (str_eq(answer_text(result, "rule"), rule)) add_firings(table, result);
	if (table_rows(table) > 0)
		table_print(table, &cli->term, stdout);
	table_free(table);
}

static void
print_line(const struct cli *cli, char *text)
{
	term_clean(text, false);
	term_print_wrapped(&cli->term, stdout, 2, text);
	free(text);
}

static void
print_missed(const struct cli *cli, const json_t *result)
{
	const json_t *incident;
	size_t i;

	json_array_foreach(json_object_get(result, "incidents"), i, incident)
	{
		char from[20];

		if (json_is_true(json_object_get(incident, "caught")))
			continue;
		put_time(incident, "started_at", from);
		print_line(cli,
			xasprintf("missed: %s, %s of %s: %s (%s)", from,
				answer_text(incident, "id"), answer_text(result, "check"),
				answer_text(incident, "title"), answer_text(incident, "rule")));
	}
}

/* The same one of many checks is said once. */
static void
print_notes(const struct cli *cli, const json_t *result, json_t *said)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(result, "notes"), i, note)
	{
		const char *text = json_string_value(note);

		if (json_object_get(said, text) != NULL)
			continue;
		json_object_set_new(said, text, json_true());
		print_line(cli, xasprintf("note: %s", text));
	}
}

static void
print_rule(const struct cli *cli, const json_t *doc, const json_t *total)
{
	const char *rule = answer_text(total, "rule");
	json_t *said = json_object();
	const json_t *result;
	char *line = xasprintf("%s: %s", rule, answer_text(total, "summary"));
	size_t i;

	term_clean(line, false);
	term_print_wrapped(&cli->term, stdout, 0, line);
	free(line);
	print_firings(cli, doc, rule);
	json_array_foreach(json_object_get(doc, "results"), i, result)
	{
		if (!str_eq(answer_text(result, "rule"), rule))
			continue;
		if (json_object_get(result, "error") != NULL)
			print_line(cli, xasprintf("%s: %s", answer_text(result, "check"),
						answer_text(result, "error")));
		print_missed(cli, result);
		print_notes(cli, result, said);
	}
	json_decref(said);
}

static void
print(const struct cli *cli, const json_t *doc)
{
	const json_t *total;
	size_t i;

	json_array_foreach(json_object_get(doc, "totals"), i, total)
	{
		if (i > 0)
			putchar('\n');
		print_rule(cli, doc, total);
	}
}

static int
fail(const struct err *e)
{
	answer_fail(e);
	return e->code == 422 || e->code == 400 ? EXIT_USAGE : EXIT_TROUBLE;
}

static int
run(struct cli *cli)
{
	const char *file = cli_value(cli, "file");
	struct err e = { 0 };
	char *body = NULL;
	json_t *doc;

	if ((cli->arg_count > 0) == (file != NULL)) {
		fprintf(stderr, "triage: say which: a rule's name, an expression, or --file\n");
		return EXIT_USAGE;
	}
	if (file != NULL) {
		body = read_file(file);
		if (body == NULL)
			return EXIT_TROUBLE;
	}
	doc = ask_all(cli, body, &e);
	free(body);
	if (doc == NULL)
		return fail(&e);
	sum_up(doc);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print(cli, doc);
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_option options[] = {
	{ .name = "since",
		.takes = TAKES_TIME,
		.doc = "from this time or age on (7d); history reaches back 90d" },
	{ .name = "until", .takes = TAKES_TIME, .doc = "up to this time or age (now)" },
	{ .name = "check", .takes = TAKES_CHECK, .doc = "only this check; what `this` means" },
	{ .name = "file",
		.takes = TAKES_FILE,
		.doc = "rules from a YAML file, as below `rules:` (- is stdin)" },
	{ .name = "for",
		.letter = 'f',
		.takes = TAKES_TEXT,
		.value = "SPAN",
		.doc = "how long an expression must be true: 5m, or \"3 samples\"" },
	{ .name = "keep-firing-for",
		.takes = TAKES_TIME,
		.doc = "how long it must be false again" },
	{ .name = "clear", .takes = TAKES_TEXT, .value = "EXPR", .doc = "what ends it" },
	{ .name = "severity",
		.takes = TAKES_WORDS,
		.words = "info|warning|critical",
		.doc = "its level (warning)" },
	{ .name = "each",
		.takes = TAKES_TYPE,
		.doc = "for each check of a type or name pattern; `this` is the check" },
	{ .name = "peaks", .doc = "where only averages are left: their worse bound instead" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage backtest disk-space --since 30d",
		"a rule in force, for every check it is about" },
	{ "triage backtest 'avg(api.total_time, 5m) > 2s' --for 1m", "one that is proposed" },
	{ "triage backtest 'this.used_percent > 85' --each disk --severity critical", NULL },
	{ "triage backtest --file new-rules.yaml --since 7d", "all rules of a file" },
	{ .command = NULL },
};

const struct cli_verb verb_backtest = {
	.name = "backtest",
	.usage = "[RULE|EXPR]",
	.summary = "when a rule would have fired, over the stored past",
	.detail = "Replays what the history kept through a rule: when it would have fired, for how "
		  "long, which real incidents of its checks it would have caught, which it would "
		  "have missed, and which firings belong to no incident.\n\nSingle values are kept "
		  "for 2 h, averages of a minute for 48 h, of a quarter of an hour for 90 d; what "
		  "cannot be seen in them is said.",
	.options = options,
	.examples = examples,
	.takes = TAKES_RULE,
	.args_max = 1,
	.run = run,
};
