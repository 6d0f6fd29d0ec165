/*
 * `triage why CHECK`: what is decided about a check.  First what it waits for, the soonest first;
 * then what its rules say, the incident, and who was told.  The API has a flat list by who decided:
 * here it is put in the order in which people ask.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/view.h"
#include "cli/when.h"

enum group { GROUP_WAITS, GROUP_CHECK, GROUP_RULES, GROUP_INCIDENT, GROUP_TOLD, GROUP_COUNT };

static const char *const titles[GROUP_COUNT] = {
	[GROUP_WAITS] = "Waits for",
	[GROUP_CHECK] = "Check",
	[GROUP_RULES] = "Rules",
	[GROUP_INCIDENT] = "Incident",
	[GROUP_TOLD] = "Who is told",
};

struct decision {
	const json_t *doc;
	enum group group;
	usec_t until_us; /* 0: nothing is waited for */
};

/* Rows for a word of one room come before those of the whole room. */
static const struct {
	const char *who, *what; /* NULL: any */
	int group;              /* -1: said elsewhere already */
} places[] = {
	{ "check", "state", -1 }, /* the first line */
	{ "triage", "told", -1 }, /* the incident is named below */
	{ "check", NULL, GROUP_CHECK },
	{ "rules", NULL, GROUP_RULES },
	{ "triage", NULL, GROUP_INCIDENT },
	{ "incident", NULL, GROUP_INCIDENT },
	{ "delivery", "muted", GROUP_INCIDENT },
	{ "delivery", NULL, GROUP_TOLD },
};

static int
place_of(const json_t *one)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (str_eq(places[i].who, answer_text(one, "who")) &&
			(places[i].what == NULL ||
				str_eq(places[i].what, answer_text(one, "what"))))
			return places[i].group;
	return GROUP_CHECK;
}

/* By group; what waits by when, else as the daemon lists it. */
static int
compare(const void *a, const void *b)
{
	const struct decision *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->until_us != y->until_us)
		return x->until_us < y->until_us ? -1 : 1;
	return x->doc < y->doc ? -1 : x->doc > y->doc;
}

static size_t
sort(const json_t *list, usec_t now_us, struct decision *out)
{
	const json_t *one;
	size_t i, count = 0;

	json_array_foreach(list, i, one)
	{
		int group = place_of(one);
		usec_t until_us;

		if (group == -1)
			continue;
		if (clock_parse_rfc3339(answer_text(one, "until"), &until_us) == -1 ||
			until_us <= now_us)
			until_us = 0;
		out[count++] = (struct decision){
			.doc = one,
			.group = until_us > 0 ? GROUP_WAITS : (enum group)group,
			.until_us = until_us,
		};
	}
	return count;
}

/* "in 1m 3s (15:39:13)": far ones with the time on the clock. */
static char *
name_wait(const struct decision *d, usec_t now_us)
{
	char span[64], at[WHEN_SIZE];
	usec_t left_us = (d->until_us - now_us) / USEC_PER_SEC * USEC_PER_SEC;

	if (left_us == 0)
		return xstrdup("now: ");
	clock_format_duration(left_us, span, sizeof(span));
	if (left_us < 60 * USEC_PER_SEC)
		return xasprintf("in %s: ", span);
	when_local(d->until_us, now_us, at);
	return xasprintf("in %s (%s): ", span, at);
}

/* "incident 4f03 (open): redis refuses"; of others the text says who speaks. */
static char *
words_of(const struct decision *d, usec_t now_us)
{
	const json_t *one = d->doc;
	char *when = d->group == GROUP_WAITS ? name_wait(d, now_us) : xstrdup("");
	char *text = when_localise(answer_text(one, "text"), now_us), *line;

	if (str_eq(answer_text(one, "who"), "incident"))
		line = xasprintf("%sincident %s (%s)", when, text, answer_text(one, "what"));
	else
		line = xasprintf("%s%s", when, text);
	free(text);
	free(when);
	return line;
}

static void
print_state(const struct cli *cli, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "decisions");
	const json_t *state = json_array_get(list, 0);
	char *line = xasprintf("%s is %s", answer_text(doc, "check"), answer_text(state, "text"));

	term_clean(line, false);
	term_print_wrapped(&cli->term, stdout, 0, line);
	free(line);
}

static void
print(const struct cli *cli, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "decisions");
	struct decision *all = xcalloc(json_array_size(list) + 1, sizeof(*all));
	usec_t now_us = when_now();
	size_t count = sort(list, now_us, all);
	int last = -1;

	qsort(all, count, sizeof(*all), compare);
	print_state(cli, doc);
	for (size_t i = 0; i < count; i++) {
		char *line = words_of(&all[i], now_us);

		if ((int)all[i].group != last) {
			last = (int)all[i].group;
			term_paint(&cli->term, stdout, PAINT_BOLD, titles[all[i].group]);
			putchar('\n');
		}
		term_clean(line, false);
		term_print_wrapped(&cli->term, stdout, 2, line);
		free(line);
	}
	free(all);
}

static json_t *
take(const struct cli *cli, struct client *client, struct err *e)
{
	char *path = client_path("/api/v1/checks/", cli->args[0], "/why");
	json_t *doc = client_get(client, path, e);

	free(path);
	return doc;
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
	{ "triage why api", "why nobody is told, or what comes next" },
	{ NULL, NULL },
};

const struct cli_verb verb_why = {
	.name = "why",
	.usage = "CHECK",
	.summary = "what a check waits for, what keeps it quiet, who was told",
	.detail =
		"What waits comes first, the soonest at the top, with times of this computer's "
		"zone; then what the rules say, the incident that it belongs to, and what each "
		"receiver was told. With --json the decisions stand as the API lists them, by who "
		"decided.",
	.options = options,
	.examples = examples,
	.takes = TAKES_CHECK,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
