/*
 * `triage explain CODE`: what a word of a message means.  No daemon is asked: the answer comes from
 * the program, and from the playbooks that the configuration names, where there is one.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/answer.h"
#include "cli/explain_print.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "setup/settings.h"
#include "triage/explain.h"

static const char *const languages[LANG_COUNT] = { [LANG_EN] = "en", [LANG_ZH] = "zh" };

struct source {
	struct tls_pool *tls;
	struct settings *settings;   /* NULL: there is no usable configuration */
	struct playbooks *playbooks; /* of the program alone; NULL: those of the settings */
	struct complaints *complaints;
};

static void
source_init(struct source *source, const struct cli *cli)
{
	const char *path = cli->config ? cli->config : settings_default_path();

	*source = (struct source){ .tls = tls_pool_new(), .complaints = complaints_new() };
	const struct settings_context context = { .tls = source->tls, .judge = &expr_judge };
	if (access(path, R_OK) == 0)
		source->settings = settings_load(path, &context, source->complaints);
	if (!source->settings)
		source->playbooks = playbooks_load(NULL, source->complaints);
}

static void
source_fini(struct source *source)
{
	playbooks_free(source->playbooks);
	if (source->settings)
		settings_unref(source->settings);
	complaints_free(source->complaints);
	tls_pool_free(source->tls);
}

/* -1: no such language. */
static int
language_of(const struct cli *cli, const struct source *source)
{
	if (!cli_value(cli, "lang"))
		return source->settings ? source->settings->daemon.language : LANG_EN;
	for (int i = 0; i < LANG_COUNT; i++)
		if (str_eq(languages[i], cli_value(cli, "lang")))
			return i;
	fprintf(stderr, "triage: --lang is en or zh\n");
	return -1;
}

static int
explain(const struct cli *cli, const struct playbooks *playbooks, enum language language)
{
	struct err e = { 0 };
	json_t *doc = cli->arg_count > 0 ? explain_word(playbooks, cli->args[0], language, &e)
					 : explain_playbooks(playbooks, language);

	if (!doc)
		return answer_fail(&e);
	if (cli->is_json)
		answer_print_json(doc);
	else if (json_is_array(doc))
		explain_print_list(&cli->term, doc);
	else
		explain_print(&cli->term, doc, language);
	json_decref(doc);
	return EXIT_FINE;
}

static int
run(struct cli *cli)
{
	struct source source;

	source_init(&source, cli);
	int language = language_of(cli, &source);
	int result = EXIT_USAGE;
	if (language >= 0)
		result = explain(cli,
			source.settings ? source.settings->playbooks : source.playbooks,
			(enum language)language);
	source_fini(&source);
	return result;
}

static const struct cli_option options[] = {
	{ .name = "lang", .takes = TAKES_WORDS, .words = "en|zh", .doc = "the language" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage explain net.refused", "what the code means and what to do" },
	{ "triage explain disk-space --lang zh", "a rule, in Chinese" },
	{ "triage explain", "all playbooks" },
	{ NULL, NULL },
};

const struct cli_verb verb_explain = {
	.name = "explain",
	.usage = "[CODE]",
	.summary = "what a cause, finding, playbook, rule or fact means; alone, all playbooks",
	.detail = "A code such as net.refused, the name of a playbook, a finding of one, or a "
		  "rule. No daemon is asked; playbooks of your own are read from where the "
		  "configuration says.",
	.examples = examples,
	.options = options,
	.takes = TAKES_CODE,
	.args_max = 1,
	.run = run,
};
