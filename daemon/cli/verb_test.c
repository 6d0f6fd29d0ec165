/* `triage test RECEIVER`: a test message now, and what the receiver said to it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"

static void
print_words(const struct term *term, const json_t *doc)
{
	bool is_ok = json_is_true(json_object_get(doc, "ok"));
	char *line = xasprintf("%s: %s", answer_text(doc, "receiver"), answer_text(doc, "text"));

	term_clean(line, false);
	term_paint(term, stdout, is_ok ? PAINT_GOOD : PAINT_BAD, is_ok ? "ok" : "failed");
	printf("  %s\n", line);
	free(line);
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	char *name = client_segment(cli->args[0]);
	char *path = xasprintf("/api/v1/receivers/%s/test", name);
	struct err e;
	json_t *doc = client_post(client, path, &e);
	int result;

	client_free(client);
	free(path);
	free(name);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_words(&cli->term, doc);
	result = json_is_true(json_object_get(doc, "ok")) ? EXIT_FINE : EXIT_TROUBLE;
	json_decref(doc);
	return result;
}

const struct cli_verb verb_test = {
	.name = "test",
	.usage = "RECEIVER [--json]",
	.summary = "send a test message to one receiver; exits 0 taken, 1 not",
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
