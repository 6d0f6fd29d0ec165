/* `triage reload`: the daemon reads its configuration again; what is wrong with it is shown here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/answer.h"
#include "cli/client.h"

static void
print_words(const struct client_reply *reply)
{
	char *problem;

	if (reply->status == 200) {
		puts("reloaded");
		return;
	}
	problem = client_problem(reply);
	fprintf(stderr, "triage: not reloaded: %s\n", problem);
	free(problem);
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct client_reply reply = { .status = 0 };
	struct err e;
	int result = client_ask(
		client, &(struct client_request){ "POST", "/api/v1/reload", NULL }, &reply, &e);

	client_free(client);
	if (result == -1)
		return answer_fail(&e);
	if (cli->is_json)
		fwrite(reply.body, 1, reply.len, stdout);
	else
		print_words(&reply);
	if (reply.status == 200)
		result = EXIT_FINE;
	else /* 422: it is the configuration */
		result = reply.status == 422 ? EXIT_USAGE : EXIT_TROUBLE;
	client_reply_fini(&reply);
	return result;
}

static const struct cli_example examples[] = {
	{ "triage check && triage reload", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_reload = {
	.name = "reload",
	.usage = "",
	.summary = "let the daemon read its configuration again",
	.detail = "What did not change goes on untouched: states, timers, incidents, silences. A "
		  "bad file never replaces what runs; it is said what is wrong with it.",
	.examples = examples,
	.exits = "0  it is in force"
		 "\n"
		 "1  nobody answers"
		 "\n"
		 "2  the configuration is bad: what was in force still is",
	.run = run,
};
