/* `triage schema`: the JSON Schema of the configuration, for editors. */
#include <stdio.h>

#include "base/buf.h"
#include "cli/verb.h"
#include "setup/settings.h"

static int
run(struct cli *cli)
{
	struct buf out;

	(void)cli;
	buf_init(&out, 0);
	settings_json_schema(&out);
	fputs(buf_text(&out), stdout);
	buf_fini(&out);
	return EXIT_FINE;
}

static const struct cli_example examples[] = {
	{ "triage schema > triaged.schema.json",
		"then `# yaml-language-server: $schema=triaged.schema.json` on top of the file" },
	{ NULL, NULL },
};

const struct cli_verb verb_schema = {
	.name = "schema",
	.usage = "",
	.summary = "print the JSON Schema of the configuration",
	.detail = "Editors with YAML support complete and check with it.",
	.examples = examples,
	.run = run,
};
