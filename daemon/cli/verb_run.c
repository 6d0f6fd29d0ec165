/* `triage run NAME`: the daemon runs a check now; its rules hear of it as of any run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#include "cli/answer.h"
#include "cli/near.h"
#include "cli/remote.h"

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct err e;
	json_t *check = remote_run(client, cli->args[0], &e);
	const json_t *last;

	if (check == NULL)
		near_suggest(client, TAKES_CHECK, cli->args[0], &e);
	client_free(client);
	if (check == NULL)
		return answer_fail(&e);
	last = json_object_get(check, "last");
	if (cli->is_json) {
		answer_print_json(check);
	} else {
		const char *outcome = answer_text(last, "outcome");

		char *line =
			xasprintf("%s: %s", answer_text(check, "name"), answer_text(last, "text"));

		term_print_marked(&cli->term, stdout, term_paint_of(outcome), outcome, line);
		free(line);
	}
	json_decref(check);
	return EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "triage run api", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_run = {
	.name = "run",
	.usage = "NAME",
	.summary = "let the daemon run one check now",
	.detail = "The rules hear of this run as of any other.",
	.examples = examples,
	.takes = TAKES_CHECK,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
