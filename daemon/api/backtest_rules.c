/*
 * Rules that are proposed: a text into a set, on another thread, since 64 kB of them take a while.
 */
#include <stdlib.h>
#include <string.h>

#include "api/backtest.h"
#include "base/mem.h"
#include "conf/complain.h"
#include "conf/tree.h"
#include "probes/probe.h"
#include "setup/settings.h"

static const struct metric_desc *
metrics_of_type(const char *type)
{
	const struct probe_type *found = probe_find(type);

	return found == NULL ? NULL : found->metrics;
}

static const struct metric_desc *
metrics_of_spec(const struct check_spec *spec)
{
	return probe_metrics(spec->probe_type, spec->conf);
}

static const struct conf_node *
rules_in(const struct conf_tree *tree)
{
	const struct conf_node *rules;

	if (tree->root == NULL || tree->root->kind != CONF_MAP)
		return NULL;
	rules = conf_get(tree->root, "rules");
	return conf_is_absent(rules) ? tree->root : rules;
}

/* The text is a stranger's: nothing in it is looked up in the environment or in files. */
void
backtest_rules_compile(struct backtest_ask *ask)
{
	static const char no_builtin[] = "builtin_rules: off\n";
	const struct settings *settings = ask->settings;
	const struct rule_checks checks = {
		.specs = (const struct check_spec *const *)settings->checks,
		.count = settings->check_count,
		.metrics_of_type = metrics_of_type,
		.metrics_of = metrics_of_spec,
	};
	struct conf_tree *off;

	ask->complaints = complaints_new();
	off = conf_tree_parse_raw("off", no_builtin, sizeof(no_builtin) - 1, ask->complaints);
	ask->tree = conf_tree_parse_raw("rules", ask->text, strlen(ask->text), ask->complaints);
	if (complaints_errors(ask->complaints) == 0 && rules_in(ask->tree) != NULL)
		ask->own_set = rule_set_compile(rules_in(ask->tree),
			conf_get(off->root, "builtin_rules"), &checks, ask->complaints);
	conf_tree_free(off);
}

void
backtest_rules_fini(struct backtest_ask *ask)
{
	rule_set_free(ask->own_set);
	conf_tree_free(ask->tree);
	if (ask->complaints != NULL)
		complaints_free(ask->complaints);
	free(ask->text);
}

/* --- what is wrong with it --- */

/* Of an expression that somebody typed nobody needs the place in a file that there is not. */
static void
reply_mistake(struct api_call *call, const struct complaints *complaints)
{
	static const char name[] = "rule \"" BACKTEST_PROPOSED "\": ";
	char first[1000];
	const char *words;

	complaints_first(complaints, first, sizeof(first));
	words = strstr(first, name);
	reply_problem(call, 422, "%s", words == NULL ? first : words + sizeof(name) - 1);
}

static void
reply_complaints(struct api_call *call, const struct complaints *complaints)
{
	struct buf out;
	char *text;

	buf_init(&out, 8000);
	complaints_print(complaints, &out);
	text = buf_take_text(&out);
	while (*text != '\0' && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	reply_problem(call, 422, "%s", text);
	free(text);
}

int
backtest_rules_check(struct backtest_ask *ask, struct api_call *call)
{
	bool is_bad = complaints_errors(ask->complaints) > 0;

	if (!is_bad && ask->own_set != NULL)
		return 0;
	if (!is_bad)
		reply_problem(call, 422, "wanted: a map of rules, alone or below `rules:`");
	else if (ask->is_file)
		reply_complaints(call, ask->complaints);
	else
		reply_mistake(call, ask->complaints);
	return -1;
}
