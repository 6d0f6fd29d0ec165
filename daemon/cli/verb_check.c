/* `triage check [FILE]`: everything that is wrong with a configuration, without starting it. */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/withheld.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "setup/settings.h"

static void
print_json(const char *path, const struct complaints *complaints, const struct settings *settings)
{
	json_t *doc = json_object();
	struct buf text;

	buf_init(&text, 0);
	complaints_print(complaints, &text);
	json_object_set_new(doc, "file", json_string(path));
	json_object_set_new(doc, "ok", json_boolean(settings != NULL));
	json_object_set_new(doc, "errors", json_integer(complaints_errors(complaints)));
	json_object_set_new(doc, "warnings", json_integer(complaints_warnings(complaints)));
	json_object_set_new(doc, "text", json_string(buf_text(&text)));
	buf_fini(&text);
	answer_print_json(doc);
	json_decref(doc);
}

static void
print_words(const char *path, const struct complaints *complaints, const struct settings *settings)
{
	unsigned warnings = complaints_warnings(complaints);
	unsigned errors = complaints_errors(complaints);
	struct buf text;

	buf_init(&text, 0);
	complaints_print(complaints, &text);
	fputs(buf_text(&text), stderr);
	buf_fini(&text);
	if (settings == NULL) {
		fprintf(stderr, "%s: %u error%s\n", path, errors, errors == 1 ? "" : "s");
		settings_hint(path, "triage check ", stderr);
		return;
	}
	printf("%s: OK, %zu check%s, ", path, settings->check_count,
		settings->check_count == 1 ? "" : "s");
	if (settings->is_syslog_implicit)
		printf("no receiver: only this host's syslog is told");
	else
		printf("%zu receiver%s", settings->receiver_count,
			settings->receiver_count == 1 ? "" : "s");
	if (warnings > 0)
		printf(", %u warning%s", warnings, warnings == 1 ? "" : "s");
	putchar('\n');
}

static int
run(struct cli *cli)
{
	const char *path = cli->arg_count > 0 ? cli->args[0] : cli->config;
	struct complaints *complaints = complaints_new();
	struct tls_pool *tls = tls_pool_new();
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct settings *settings;
	int result;

	if (path == NULL)
		path = settings_default_path();
	settings = settings_load(path, &context, complaints);
	if (settings != NULL)
		withheld_warn(settings, complaints);
	if (cli->is_json)
		print_json(path, complaints, settings);
	else
		print_words(path, complaints, settings);
	result = settings == NULL ? EXIT_USAGE : EXIT_FINE;
	if (settings != NULL)
		settings_unref(settings);
	complaints_free(complaints);
	tls_pool_free(tls);
	return result;
}

static const struct cli_example examples[] = {
	{ "triage check triaged.yaml", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_check = {
	.name = "check",
	.usage = "[FILE]",
	.summary = "look a configuration over; exits 0 fine, 2 not",
	.detail = "Every mistake at once, with its line and what was probably meant. Without FILE "
		  "it is that of --config, else $TRIAGED_CONFIG, else /etc/triaged/triaged.yaml. "
		  "--json: {\"file\", \"ok\", \"errors\", \"warnings\", \"text\"}.",
	.examples = examples,
	.exits = "0  it is good, perhaps with warnings"
		 "\n"
		 "2  it is bad",
	.takes = TAKES_FILE,
	.args_max = 1,
	.run = run,
};
