/* `triage show ID`: one incident's whole story, the words first, then what they rest on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/near.h"
#include "cli/view.h"
#include "cli/when.h"

static void
print_text(const struct term *term, size_t indent, const char *text)
{
	char *clean = xstrdup(text);

	term_clean(clean, true);
	term_print_wrapped(term, stdout, indent, clean);
	free(clean);
}

static void
print_heading(const struct term *term, const char *title)
{
	putchar('\n');
	term_paint(term, stdout, PAINT_BOLD, title);
	putchar('\n');
}

/*
 * What it drags down, each in its own words: one of them may have a trouble of its own.  What was
 * so for a while stays listed: a record of what is over names it, too.
 */
static void
print_impact(const struct term *term, const json_t *doc)
{
	bool is_over = *answer_text(doc, "resolved_at") != '\0', is_first = true;
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(doc, "alerts"), i, one)
	{
		bool is_firing = json_is_true(json_object_get(one, "firing"));
		char *line;

		if (str_eq(answer_text(one, "check"), answer_text(doc, "check")))
			continue;
		if (is_first)
			print_heading(term, "Impact");
		is_first = false;
		line = xasprintf("%s (%s): %s%s", answer_text(one, "check"),
			answer_text(one, "rule"), answer_text(one, "text"),
			is_firing || is_over ? "" : " (no longer)");
		print_text(term, 2, line);
		free(line);
	}
}

/* Ages in a fact's text are those of the time in the heading; facts of one look share it. */
static void
print_facts(const struct term *term, const json_t *facts)
{
	usec_t shown_us = when_now(); /* of the last minute: there is nothing to say of it */
	const json_t *one;
	size_t i;

	json_array_foreach(facts, i, one)
	{
		char at[WHEN_SIZE] = "", *line;
		usec_t at_us = shown_us;

		if (clock_parse_rfc3339(answer_text(one, "at"), &at_us) == 0 &&
			llabs(at_us - shown_us) >= USEC_PER_MIN) {
			when_local(at_us, when_now(), at);
			shown_us = at_us;
		}
		line = xasprintf("Facts%s%s", at[0] == '\0' ? "" : ", as of ", at);
		if (i == 0 || at[0] != '\0')
			print_heading(term, line);
		free(line);
		line = xasprintf("%s: %s", answer_text(one, "name"), answer_text(one, "text"));
		print_text(term, 2, line);
		free(line);
	}
}

static void
print_times(const json_t *doc)
{
	double duration = answer_number(doc, "duration");
	char at[WHEN_SIZE], span[WHEN_SIZE];

	when_of(doc, "started_at", at);
	when_span(doc, "started_at", span);
	printf("started %s (%s)", at, span);
	when_of(doc, "resolved_at", at);
	if (at[0] != '\0' && !isnan(duration)) {
		clock_format_duration((usec_t)(duration * 1e6), span, sizeof(span));
		printf(", resolved %s after %s", at, span);
	}
	putchar('\n');
}

static void
print_head(const struct term *term, const json_t *doc)
{
	const char *severity = answer_text(doc, "severity"), *status = answer_text(doc, "status");
	char *line;

	term_paint(term, stdout, term_paint_of(severity), severity);
	printf(" · ");
	term_paint(term, stdout, term_paint_of(status), status);
	printf(" · %s\n", answer_text(doc, "id"));
	print_text(term, 0, answer_text(doc, "title"));
	if (*answer_summary(doc) != '\0')
		print_text(term, 0, answer_summary(doc));
	putchar('\n');
	line = xasprintf("check %s (%s, %s), rule %s", answer_text(doc, "check"),
		answer_text(doc, "type"), answer_text(doc, "target"), answer_text(doc, "rule"));
	print_text(term, 0, line);
	free(line);
	print_times(doc);
}

static void
print_points(const struct term *term, const char *sign, const json_t *points)
{
	const json_t *one;
	size_t i;

	json_array_foreach(points, i, one)
	{
		char *line = xasprintf("%s %s", sign, json_string_value(one));

		print_text(term, 2, line);
		free(line);
	}
}

static void
print_cause(const struct term *term, const json_t *cause)
{
	char *line;

	if (*answer_text(cause, "code") == '\0')
		return;
	print_heading(term, "Cause");
	line = xasprintf("%s (%s%s%s)", answer_text(cause, "title"), answer_text(cause, "code"),
		*answer_text(cause, "confidence") == '\0' ? "" : ", ",
		answer_text(cause, "confidence"));
	print_text(term, 2, line);
	free(line);
	print_text(term, 2, answer_text(cause, "explanation"));
	print_points(term, "+", json_object_get(cause, "for"));
	print_points(term, "-", json_object_get(cause, "against"));
}

/* "team=core, tier=1" and where the runbook is. */
static void
print_belongings(const struct term *term, const json_t *doc)
{
	json_t *labels = json_object_get(doc, "labels");
	const char *runbook = answer_text(doc, "runbook_url");
	const char *key, *between = "labels ";
	json_t *value;
	struct buf line;

	buf_init(&line, 0);
	json_object_foreach(labels, key, value)
	{
		buf_addf(&line, "%s%s=%s", between, key,
			json_is_string(value) ? json_string_value(value) : "");
		between = ", ";
	}
	if (buf_left(&line) > 0)
		print_text(term, 0, buf_text(&line));
	buf_reset(&line);
	buf_addf(&line, "runbook %s", runbook);
	if (*runbook != '\0')
		print_text(term, 0, buf_text(&line));
	buf_fini(&line);
}

/* A number with its metric's unit; truth as JSON says it. */
static void
format_value(const json_t *doc, const char *key, const json_t *value, char *out, size_t size)
{
	/* "api.total_time" or "total_time" */
	const char *dot = strrchr(key, '.');

	if (json_is_boolean(value))
		str_copy(out, size, json_is_true(value) ? "true" : "false");
	else if (json_is_string(value))
		str_copy(out, size, json_string_value(value));
	else
		answer_metric(answer_text(doc, "type"), dot == NULL ? key : dot + 1,
			json_is_number(value) ? json_number_value(value) : (double)NAN, out, size);
}

static void
print_values(const struct term *term, const json_t *doc)
{
	json_t *values = json_object_get(doc, "values");
	const char *key;
	json_t *value;

	if (json_object_size(values) == 0)
		return;
	print_heading(term, "Values");
	json_object_foreach(values, key, value)
	{
		char text[256], *line;

		format_value(doc, key, value, text, sizeof(text));
		line = xasprintf("%s = %s", key, text);
		print_text(term, 2, line);
		free(line);
	}
}

static void
print_timeline(const struct term *term, const json_t *timeline)
{
	const json_t *one;
	size_t i;

	if (json_array_size(timeline) == 0)
		return;
	print_heading(term, "Timeline");
	json_array_foreach(timeline, i, one)
	{
		char at[WHEN_SIZE], *line;

		when_of(one, "at", at);
		line = xasprintf(
			"%s  %s  %s", at, answer_text(one, "kind"), answer_text(one, "text"));
		print_text(term, 2, line);
		free(line);
	}
}

/* Who was told of it: what last, and since when. */
static void
print_deliveries(const struct term *term, const json_t *deliveries)
{
	const json_t *one;
	size_t i;

	if (json_array_size(deliveries) == 0)
		return;
	print_heading(term, "Told");
	json_array_foreach(deliveries, i, one)
	{
		const char *type = answer_text(one, "told");
		char at[WHEN_SIZE], first[WHEN_SIZE], *line;
		bool is_first;

		when_of(one, "told_at", at);
		when_of(one, "first_told_at", first);
		is_first = first[0] == '\0' || str_eq(first, at);
		line = xasprintf("%s  %s  %s (%s)%s%s", at, answer_text(one, "receiver"),
			str_starts(type, "incident.") ? type + strlen("incident.") : type,
			answer_text(one, "reason"), is_first ? "" : ", first told ",
			is_first ? "" : first);
		print_text(term, 2, line);
		free(line);
	}
}

/* What destroys data is never shown without its warning. */
static void
print_remedy(const struct term *term, const json_t *remedy)
{
	const json_t *one;
	size_t i;

	if (json_array_size(remedy) == 0)
		return;
	print_heading(term, "What to do");
	json_array_foreach(remedy, i, one)
	{
		bool is_destructive = json_is_true(json_object_get(one, "destructive"));
		char *line = xasprintf("%zu. %s%s", i + 1,
			is_destructive ? "(destructive, ask first) " : "",
			answer_text(one, "text"));

		print_text(term, 2, line);
		free(line);
		if (*answer_text(one, "command") != '\0')
			term_print_command(stdout, 5, answer_text(one, "command"));
	}
}

static void
print_incident(const struct term *term, const json_t *doc)
{
	print_head(term, doc);
	print_belongings(term, doc);
	print_cause(term, json_object_get(doc, "cause"));
	print_impact(term, doc);
	print_facts(term, json_object_get(doc, "facts"));
	print_remedy(term, json_object_get(doc, "remedy"));
	print_values(term, doc);
	print_timeline(term, json_object_get(doc, "timeline"));
	print_deliveries(term, json_object_get(doc, "deliveries"));
}

static char *
path_of(const struct cli *cli, const char *tail)
{
	return client_path("/api/v1/incidents/", cli->args[0], tail);
}

/* The record as the daemon writes it. */
static int
print_record(const struct cli *cli)
{
	struct client *client = client_new(cli);
	char *path = path_of(cli, ".md"), *text;
	const struct client_request ask = { "GET", path, NULL };
	struct client_reply reply = { .status = 0 };
	struct err e;
	int result = EXIT_FINE;

	if (client_ask(client, &ask, &reply, &e) == -1) {
		result = answer_fail(&e);
	} else if (reply.status != 200) {
		text = client_problem(&reply);
		err_set(&e, reply.status, "%s", text);
		free(text);
		near_suggest(client, TAKES_INCIDENT, cli->args[0], &e);
		result = answer_fail(&e);
	} else {
		term_clean(reply.body, true);
		fputs(reply.body, stdout);
	}
	client_reply_fini(&reply);
	client_free(client);
	free(path);
	return result;
}

static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	char *path = path_of(cli, "");
	json_t *doc = client_get(client, path, e);

	free(path);
	return doc;
}

static void
print(const struct cli *cli, const json_t *doc)
{
	print_incident(&cli->term, doc);
}

static int
run(struct cli *cli)
{
	bool is_terminal = cli->term.is_tty || cli_has(cli, "watch");

	if (cli_has(cli, "md") || (!cli->is_json && !is_terminal))
		return print_record(cli);
	return view_run(cli, &(struct view){ take, print });
}

static const struct cli_option options[] = {
	CLI_OPTION_WATCH,
	{ .name = "md", .doc = "the record in Markdown, as where no terminal reads" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage show 3f9c", NULL },
	{ "triage show 3f9c --md > post-mortem.md", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_show = {
	.name = "show",
	.usage = "ID",
	.summary = "one incident: cause, facts, what to do, timeline",
	.detail = "The first four digits of an id are enough where only one begins so. On a "
		  "terminal it is for reading; into a pipe or a file it is a record in Markdown: "
		  "time, impact, cause, evidence, remedy, timeline.",
	.examples = examples,
	.options = options,
	.takes = TAKES_INCIDENT,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
