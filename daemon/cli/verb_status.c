/*
 * `triage status`: what a tired reader needs, in this order: one line, what is wrong, what could be
 * wrong with the daemon itself, every check.
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

/* Three answers in one: {"status", "incidents", "checks"}. */
static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	static const struct {
		const char *key, *path, *part;
	} rows[] = {
		{ "status", "/api/v1/status", NULL },
		{ "incidents", "/api/v1/incidents?state=open", "incidents" },
		{ "checks", "/api/v1/checks", "checks" },
	};
	json_t *whole = json_object();

	(void)cli;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = client_get(client, rows[i].path, e);
		const char *part = rows[i].part;

		if (doc == NULL) {
			json_decref(whole);
			return NULL;
		}
		json_object_set(
			whole, rows[i].key, part == NULL ? doc : json_object_get(doc, part));
		json_decref(doc);
	}
	return whole;
}

/* Of those that the API calls unknown: the table says "cannot tell". */
static size_t
count_untold(const json_t *checks)
{
	const json_t *check;
	size_t i, count = 0;

	json_array_foreach(checks, i, check) count +=
		strcmp(answer_state(check), "cannot tell") == 0;
	return count;
}

/* "5 checks: 1 down, 4 ok · 1 incident" */
static void
print_headline(const struct term *term, const json_t *status, size_t untold)
{
	static const struct {
		const char *key, *word;
	} parts[] = {
		{ "down", "down" },
		{ "suspect", "failing" },
		{ "starting", "starting" },
		{ "unknown", "waiting" },
		{ "up", "ok" },
	};
	const json_t *checks = json_object_get(status, "checks");
	size_t total = answer_count(checks, "total"), bad = answer_count(checks, "down");
	size_t open = answer_count(json_object_get(status, "incidents"), "open");
	struct buf line;
	const char *between = ": ";
	char *whole;

	buf_init(&line, 512);
	buf_addf(&line, "%zu check%s", total, total == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t count = answer_count(checks, parts[i].key);

		if (strcmp(parts[i].key, "unknown") == 0)
			count -= untold < count ? untold : count;
		if (count == 0)
			continue;
		buf_addf(&line, "%s%zu %s", between, count, parts[i].word);
		between = ", ";
	}
	if (untold > 0)
		buf_addf(&line, "%s%zu cannot tell", between, untold);
	buf_addf(&line, " · %zu incident%s", open, open == 1 ? "" : "s");
	if (*answer_text(status, "name") != '\0')
		buf_addf(&line, " · %s", answer_text(status, "name"));
	whole = xstrdup(buf_text(&line));
	term_clean(whole, false);
	term_cut(whole, term->columns);
	term_paint(term, stdout, open + bad > 0 ? PAINT_BAD : PAINT_GOOD, whole);
	putchar('\n');
	buf_fini(&line);
	free(whole);
}

static void
print_clean(const struct term *term, size_t indent, const char *text)
{
	char *clean = xstrdup(text);

	term_clean(clean, false);
	term_print_wrapped(term, stdout, indent, clean);
	free(clean);
}

static void
print_trouble(const struct term *term, const json_t *status)
{
	static const struct {
		const char *key, *words;
	} rows[] = {
		{ "config_trouble",
			"the configuration on disk is bad; the one before it goes on:" },
		{ "store_trouble", "the store cannot write; alerts go on from memory:" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (*answer_text(status, rows[i].key) == '\0')
			continue;
		term_paint(term, stdout, PAINT_WARN, rows[i].words);
		putchar('\n');
		print_clean(term, 2, answer_text(status, rows[i].key));
	}
}

/* Both go on: what one does not know of the other it leaves out. */
static void
print_versions(const struct term *term, const json_t *status)
{
	const char *theirs = answer_text(status, "version");
	char *line;

	if (*theirs == '\0' || strcmp(theirs, TRIAGED_VERSION) == 0)
		return;
	line = xasprintf("the daemon runs %s, this command is of %s: restart it after an upgrade",
		theirs, TRIAGED_VERSION);
	print_clean(term, 2, line);
	free(line);
}

/* "heartbeat: heard by https://hc-ping.com 12s ago"; what is wrong with it in colour. */
static void
print_heartbeat(const struct term *term, const json_t *heartbeat)
{
	const char *silent = answer_text(heartbeat, "silent_because");
	const json_t *place;
	size_t i;

	json_array_foreach(json_object_get(heartbeat, "places"), i, place)
	{
		const char *error = answer_text(place, "last_error");
		char age[AGE_SIZE], *line;

		answer_age(place, "last_success_at", age);
		line = xasprintf("heartbeat: %s %s%s%s%s%s%s",
			*age == '\0' ? "not yet heard by" : "heard by",
			answer_text(place, "target"), *age == '\0' ? "" : " ", age,
			*age == '\0' ? "" : " ago",
			*silent != '\0'  ? "; silent: "
			: *error != '\0' ? "; "
					 : "",
			*silent != '\0' ? silent : error);
		if (*silent != '\0' || *error != '\0') {
			term_paint(term, stdout, PAINT_WARN, "heartbeat does not get through");
			putchar('\n');
			print_clean(term, 2, line);
		} else {
			term_clean(line, false);
			term_cut(line, term->columns);
			term_paint(term, stdout, PAINT_DIM, line);
			putchar('\n');
		}
		free(line);
	}
}

/* "critical  api refuses connections": on lines of its own if it is long. */
static void
print_title(const struct term *term, const json_t *incident)
{
	const char *severity = answer_text(incident, "severity");
	char *title = xstrdup(answer_text(incident, "title"));

	term_clean(title, false);
	term_paint(term, stdout, term_paint_of(severity), severity);
	if (str_columns(severity) + 2 + str_columns(title) > term->columns) {
		putchar('\n');
		term_print_wrapped(term, stdout, 2, title);
	} else {
		printf("  ");
		term_paint(term, stdout, PAINT_BOLD, title);
		putchar('\n');
	}
	free(title);
}

/* The first thing to do.  What destroys is never shown without its warning: `show` has both. */
static void
print_remedy(const struct term *term, const json_t *incident)
{
	const json_t *first = json_array_get(json_object_get(incident, "remedy"), 0);
	const char *command = answer_text(first, "command");
	char *line;
	bool is_long;

	if (*answer_text(first, "text") == '\0' ||
		json_is_true(json_object_get(first, "destructive")))
		return;
	line = xasprintf(
		"do: %s%s%s", answer_text(first, "text"), *command == '\0' ? "" : ": ", command);
	/* A command to copy is never broken into two lines. */
	is_long = *command != '\0' && str_columns(line) + 2 > term->columns;
	if (is_long)
		line[strlen(line) - strlen(command) - 1] = '\0';
	print_clean(term, 2, line);
	if (is_long)
		term_print_command(stdout, 5, command);
	free(line);
}

/* The check of this alert is that of one before it, too: several of its rules fire. */
static bool
is_named_before(const json_t *impact, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(answer_text(json_array_get(impact, i), "check"),
			    answer_text(json_array_get(impact, n), "check")) == 0)
			return true;
	return false;
}

/* " · with it api, web and 3 more" */
static void
add_impact(struct buf *line, const json_t *impact)
{
	size_t count = 0, shown = 0;

	for (size_t i = 0; i < json_array_size(impact); i++)
		count += !is_named_before(impact, i);
	for (size_t i = 0; i < json_array_size(impact) && shown < (count > 3 ? 2 : count); i++)
		if (!is_named_before(impact, i))
			buf_addf(line, "%s%s", shown++ == 0 ? " · with it " : ", ",
				answer_text(json_array_get(impact, i), "check"));
	if (count > shown)
		buf_addf(line, " and %zu more", count - shown);
}

/* " · silenced until 07:47:14", also where maintenance is planned; a daemon may be too old to say.
 */
static void
add_muted(struct buf *line, const json_t *muted, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(muted, i, one)
	{
		char until[WHEN_SIZE];

		if (!str_eq(answer_text(one, "id"), id))
			continue;
		when_of(one, "until", until);
		buf_addf(line, " · silenced until %s", until);
	}
}

/* Its age counts the good time between, too. */
static void
add_returns(struct buf *line, size_t count)
{
	if (count == 1)
		buf_add_text(line, ", came back once");
	else if (count > 1)
		buf_addf(line, ", came back %zu times", count);
}

static void
print_incident(const struct term *term, const json_t *incident, const json_t *muted)
{
	const char *summary = answer_summary(incident);
	char age[AGE_SIZE], *more;
	struct buf line;
	bool is_long;

	answer_age(incident, "started_at", age);
	putchar('\n');
	print_title(term, incident);
	if (*summary != '\0')
		print_clean(term, 2, summary);
	print_remedy(term, incident);
	buf_init(&line, 1024);
	buf_addf(&line, "for %s", age);
	add_returns(&line, answer_count(incident, "reopened"));
	if (*answer_text(incident, "acknowledged_at") != '\0')
		buf_add_text(&line, " · acknowledged");
	add_muted(&line, muted, answer_text(incident, "id"));
	buf_addf(&line, " · check %s", answer_text(incident, "check"));
	add_impact(&line, json_object_get(incident, "impact"));
	more = xasprintf("more: triage show %s", answer_text(incident, "id"));
	is_long = str_columns(buf_text(&line)) + str_columns(more) + 5 > term->columns;
	if (!is_long)
		buf_addf(&line, " · %s", more);
	print_clean(term, 2, buf_text(&line));
	if (is_long)
		print_clean(term, 2, more);
	free(more);
	buf_fini(&line);
}

static void
print_checks(const struct term *term, const json_t *checks)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "STATE" },
		{ .title = "VALUE", .is_right = true },
		{ .title = "FOR", .is_spare = true, .is_right = true },
		{ .title = "SEEN", .is_spare = true, .is_right = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		const char *state = answer_state(check);
		char since[AGE_SIZE], seen[AGE_SIZE];
		const char *cells[] = { answer_text(check, "name"), state,
			answer_text(json_object_get(check, "value"), "text"), since, seen };

		answer_age(check, "since", since);
		answer_age(json_object_get(check, "last"), "at", seen);
		table_add(table, cells);
		table_paint(table, 1, term_paint_of(state));
	}
	if (table_rows(table) > 0) {
		putchar('\n');
		table_print(table, term, stdout);
	}
	table_free(table);
}

/* The worst first; of one severity, as the daemon lists them. */
static void
print_incidents(const struct term *term, const json_t *incidents, const json_t *muted)
{
	static const char *const order[] = { "critical", "warning", "info" };
	const json_t *incident;
	size_t i;

	for (size_t n = 0; n < sizeof(order) / sizeof(order[0]); n++)
		json_array_foreach(incidents, i, incident)
		{
			if (str_eq(answer_text(incident, "severity"), order[n]))
				print_incident(term, incident, muted);
		}
}

static void
print(const struct cli *cli, const json_t *doc)
{
	const json_t *status = json_object_get(doc, "status");
	const json_t *checks = json_object_get(doc, "checks");

	print_headline(&cli->term, status, count_untold(checks));
	print_trouble(&cli->term, status);
	print_versions(&cli->term, status);
	print_heartbeat(&cli->term, json_object_get(status, "heartbeat"));
	print_incidents(
		&cli->term, json_object_get(doc, "incidents"), json_object_get(status, "muted"));
	print_checks(&cli->term, checks);
}

/* One line and perfdata for other monitors: critical while anything is, warning likewise. */
static int
print_nagios(const json_t *status)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const json_t *checks = json_object_get(status, "checks");
	const json_t *incidents = json_object_get(status, "incidents");
	size_t total = answer_count(checks, "total"), down = answer_count(checks, "down");
	size_t open = answer_count(incidents, "open");
	int result = NAGIOS_OK;

	if (answer_count(incidents, "critical") > 0)
		result = NAGIOS_CRITICAL;
	else if (answer_count(incidents, "warning") > 0)
		result = NAGIOS_WARNING;
	printf("TRIAGED %s: %zu check%s, %zu down, %zu incident%s | checks=%zu down=%zu "
	       "incidents=%zu\n",
		words[result], total, total == 1 ? "" : "s", down, open, open == 1 ? "" : "s",
		total, down, open);
	return result;
}

/* What its readers parse is a line, also when nobody answers. */
static int
run_nagios(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct err e = { .text = "" };
	json_t *status = client_get(client, "/api/v1/status", &e);
	int result = NAGIOS_UNKNOWN;

	if (status == NULL)
		printf("TRIAGED UNKNOWN: %s\n", e.text);
	else
		result = print_nagios(status);
	json_decref(status);
	client_free(client);
	return result;
}

static int
run(struct cli *cli)
{
	if (cli_has(cli, "nagios"))
		return run_nagios(cli);
	return view_run(cli, &(struct view){ take, print });
}

static const struct cli_option options[] = {
	CLI_OPTION_WATCH,
	{ .name = "nagios",
		.letter = 'n',
		.doc = "one line, perfdata and exit status of a Nagios plugin" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage status", NULL },
	{ "triage status --watch", "until Ctrl-C or q; goes on when the daemon comes back" },
	{ "triage status --nagios", "for another monitor: one line, perfdata, its exit status" },
	{ NULL, NULL },
};

const struct cli_verb verb_status = {
	.name = "status",
	.usage = "",
	.options = options,
	.summary = "what is wrong, and every check with its value",
	.detail = "The first line tells all: how many checks, in which states, how many incidents. "
		  "Then what is wrong with the daemon itself, each open incident with why and the "
		  "first thing to do, the worst first, and every check with its value."
		  "\n\n"
		  "With --json it is {\"status\", \"incidents\", \"checks\"}: three answers of the "
		  "API in one.",
	.examples = examples,
	.exits = "0  the daemon answers, whatever it says"
		 "\n"
		 "1  it does not"
		 "\n"
		 "with --nagios: 0 ok, 1 warning, 2 critical, 3 unknown",
	.run = run,
};
