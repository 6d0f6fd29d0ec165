/* `triage __page NAME`: a page of the manual, for `make man` and `make docs`. */
#include <stdio.h>

#include "cli/manual.h"
#include "cli/verb.h"

static int
run(struct cli *cli)
{
	struct buf out;
	int result;

	buf_init(&out, 0);
	result = manual_write(cli->args[0], &out);
	fputs(buf_text(&out), stdout);
	buf_fini(&out);
	if (result == -1)
		fprintf(stderr, "triage: no page \"%s\"\n", cli->args[0]);
	return result == -1 ? EXIT_USAGE : EXIT_FINE;
}

const struct cli_verb verb_page = {
	.name = "__page",
	.usage = "NAME",
	.summary = "a page of the manual",
	.takes = TAKES_TEXT,
	.args_min = 1,
	.args_max = 1,
	.is_hidden = true,
	.run = run,
};
