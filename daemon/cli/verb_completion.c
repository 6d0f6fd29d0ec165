/* `triage completion SHELL`: the script that makes a shell complete triage's words. */
#include <stdio.h>

#include "cli/completion.h"

static int
run(struct cli *cli)
{
	struct buf out;
	int result;

	buf_init(&out, 0);
	result = completion_write(cli->args[0], &out);
	if (result == -1)
		fprintf(stderr, "triage: no completion for \"%s\": bash, zsh or fish\n",
			cli->args[0]);
	else
		fputs(buf_text(&out), stdout);
	buf_fini(&out);
	return result == -1 ? EXIT_USAGE : EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "source <(triage completion bash)", "in ~/.bashrc" },
	{ "triage completion zsh > \"${fpath[1]}/_triage\"",
		"a folder of $fpath, before compinit" },
	{ "triage completion fish > ~/.config/fish/completions/triage.fish", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_completion = {
	.name = "completion",
	.usage = "bash|zsh|fish",
	.summary = "the script that lets a shell complete verbs, options and names",
	.detail =
		"Names of checks, receivers, incidents and silences are asked of the daemon, which "
		"has a second to answer; without one there are none. `make install` puts the three "
		"scripts where the shells look.",
	.examples = examples,
	.takes = TAKES_SHELL,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
