/* `triage why CHECK`: each decision about a check, by whom, and what it waits for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"

/* "in 3s" or "3s ago", beside the time itself. */
static char *
when_words(const json_t *one)
{
	const char *until = answer_text(one, "until");
	char span[64];
	struct clock clock;
	usec_t at_us, now_us;

	if (*until == '\0' || clock_parse_rfc3339(until, &at_us) == -1)
		return xstrdup("");
	clock_init_real(&clock);
	now_us = clock_wall(&clock);
	clock_format_duration(at_us > now_us ? at_us - now_us : now_us - at_us, span, sizeof(span));
	return xasprintf(at_us > now_us ? " (in %s, %s)" : " (%s ago, %s)", span, until);
}

static void
print_decisions(const struct term *term, const json_t *list)
{
	const json_t *one;
	const char *last = "";
	size_t i;

	json_array_foreach(list, i, one)
	{
		char *when = when_words(one);
		char *line = xasprintf(
			"%s: %s%s", answer_text(one, "what"), answer_text(one, "text"), when);

		if (strcmp(last, answer_text(one, "who")) != 0) {
			last = answer_text(one, "who");
			term_paint(term, stdout, PAINT_BOLD, last);
			putchar('\n');
		}
		term_clean(line, true);
		term_print_wrapped(term, stdout, 2, line);
		free(line);
		free(when);
	}
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	char *name = client_segment(cli->args[0]);
	char *path = xasprintf("/api/v1/checks/%s/why", name);
	struct err e;
	json_t *doc = client_get(client, path, &e);

	client_free(client);
	free(path);
	free(name);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_decisions(&cli->term, json_object_get(doc, "decisions"));
	json_decref(doc);
	return EXIT_FINE;
}

const struct cli_verb verb_why = {
	.name = "why",
	.usage = "CHECK",
	.summary = "each decision about a check: what it waits for, what keeps it quiet",
	.takes = TAKES_CHECK,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
