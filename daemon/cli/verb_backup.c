/* `triage backup`: the daemon saves what it must not lose; where, and how much, is said here. */
#include <stdio.h>

#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "conf/value.h"

static void
print_files(const json_t *doc)
{
	const json_t *file;
	size_t index;

	printf("saved in %s:\n", answer_text(doc, "folder"));
	json_array_foreach(json_object_get(doc, "files"), index, file)
	{
		char size[64];

		value_format(answer_number(file, "bytes"), "B", size, sizeof(size));
		printf("  %-10s  %s\n", answer_text(file, "name"), size);
	}
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct err e;
	json_t *doc = client_post(client, "/api/v1/backup", &e);

	client_free(client);
	if (doc == NULL)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else
		print_files(doc);
	json_decref(doc);
	return EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "triage backup", "the last one replaces the one before" },
	{ NULL, NULL },
};

const struct cli_verb verb_backup = {
	.name = "backup",
	.usage = "",
	.summary = "let the daemon save its databases while it runs",
	.detail = "Both databases are copied into the folder `backup` of the state folder, each "
		  "whole and as of one moment; a backup of hosts takes them from there. To go back "
		  "to one: stop the daemon, copy its files over those of the state folder, take "
		  "away what is beside them (`*-wal`, `*-shm`), start. docs/operating.md has the "
		  "commands.",
	.examples = examples,
	.exits = "0  it is on disk"
		 "\n"
		 "1  nobody answers, or it was not made: the one before is still there",
	.run = run,
};
