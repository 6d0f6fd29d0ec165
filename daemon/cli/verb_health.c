/* `triage health`: 0 while the daemon makes progress, whatever its targets do; for HEALTHCHECK. */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/client.h"

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct client_reply reply = { .status = 0 };
	struct err e;
	int result =
		client_ask(client, &(struct client_request){ "GET", "/healthz", NULL }, &reply, &e);
	bool is_healthy = result == 0 && reply.status == 200;

	client_free(client);
	if (cli->is_json)
		printf("{\"healthy\": %s}\n", is_healthy ? "true" : "false");
	else if (is_healthy)
		puts("ok");
	else if (result == -1)
		answer_fail(&e);
	else
		fprintf(stderr, "triage: /healthz answered %d\n", reply.status);
	client_reply_fini(&reply);
	return is_healthy ? EXIT_FINE : EXIT_TROUBLE;
}

static const struct cli_example examples[] = {
	{ "triage health", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_health = {
	.name = "health",
	.usage = "",
	.summary = "exit 0 while the daemon makes progress, 1 when not",
	.detail = "Whatever its targets do. For a container: HEALTHCHECK CMD [\"triage\", "
		  "\"health\"].",
	.examples = examples,
	.exits = "0  the daemon makes progress"
		 "\n"
		 "1  it does not, or nobody answers",
	.run = run,
};
