/* Which rules, for which checks, over which time: a backtest as it is asked for. */
#include <stdlib.h>
#include <string.h>

#include "api/backtest.h"
#include "api/past.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/complain.h"
#include "conf/tree.h"
#include "conf/value.h"
#include "io/loop.h"
#include "probes/probe.h"
#include "sched/sched.h"
#include "setup/settings.h"

#define TEXT_MAX       4001
#define DEFAULT_AGE_US (7 * USEC_PER_DAY)
#define OLDEST_US      (90 * USEC_PER_DAY)
#define PROPOSED       "proposed" /* what a rule is called that has no name yet */
#define NAMES_MAX      400

const struct rule_set *
backtest_set(const struct backtest_ask *ask)
{
	return ask->own_set != NULL ? ask->own_set : ask->settings->rules;
}

void
backtest_ask_fini(struct backtest_ask *ask)
{
	for (size_t i = 0; i < ask->check_count; i++) {
		free(ask->checks[i].spec.name);
		free(ask->checks[i].spec.instance);
	}
	free(ask->checks);
	if (ask->by_name != NULL)
		map_free(ask->by_name, NULL);
	free(ask->jobs);
	rule_set_free(ask->own_set);
	conf_tree_free(ask->tree);
	if (ask->settings != NULL)
		settings_unref(ask->settings);
}

/* --- checks --- */

static void
copy_check(struct backtest_check *to, const struct check_view *view)
{
	static char no_target[1];
	const struct check_spec *spec = view->spec;

	to->spec = *spec;
	to->spec.name = xstrdup(spec->name);
	to->spec.instance = spec->instance == NULL ? NULL : xstrdup(spec->instance);
	to->spec.target = no_target;
	to->spec.common.labels = (struct conf_pairs){ 0 };
	to->spec.common.needs = (struct conf_strings){ 0 };
	to->is.metrics = past_metrics(view);
}

static void
copy_checks(struct backtest_ask *ask)
{
	const struct sched *sched = ask->world->sched;
	struct check_view view;

	ask->checks = xcalloc(sched_count(sched) + 1, sizeof(*ask->checks));
	ask->by_name = map_new();
	for (size_t n = 0; n < sched_count(sched) && sched_view(sched, n, &view); n++)
		copy_check(&ask->checks[ask->check_count++], &view);
	for (size_t n = 0; n < ask->check_count; n++) {
		ask->checks[n].is.spec = &ask->checks[n].spec;
		map_put(ask->by_name, ask->checks[n].spec.name, &ask->checks[n]);
	}
}

/* --- rules that are proposed --- */

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

/* Of an expression that somebody typed nobody needs the place in a file that there is not. */
static void
reply_mistake(struct api_call *call, const struct complaints *complaints)
{
	static const char name[] = "rule \"" PROPOSED "\": ";
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

	if (buf_left(&call->request->body) == 0) {
		reply_mistake(call, complaints);
		return;
	}
	buf_init(&out, 8000);
	complaints_print(complaints, &out);
	text = buf_take_text(&out);
	while (*text != '\0' && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	reply_problem(call, 422, "%s", text);
	free(text);
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
static int
compile(struct backtest_ask *ask, struct api_call *call, const char *text, size_t len)
{
	static const char no_builtin[] = "builtin_rules: off\n";
	const struct settings *settings = ask->settings;
	const struct rule_checks checks = {
		.specs = (const struct check_spec *const *)settings->checks,
		.count = settings->check_count,
		.metrics_of_type = metrics_of_type,
		.metrics_of = metrics_of_spec,
	};
	struct complaints *complaints = complaints_new();
	struct conf_tree *off =
		conf_tree_parse_raw("off", no_builtin, sizeof(no_builtin) - 1, complaints);
	int rc = -1;

	ask->tree = conf_tree_parse_raw("rules", text, len, complaints);
	if (complaints_errors(complaints) == 0 && rules_in(ask->tree) == NULL)
		reply_problem(call, 422, "wanted: a map of rules, alone or below `rules:`");
	else if (complaints_errors(complaints) == 0)
		ask->own_set = rule_set_compile(rules_in(ask->tree),
			conf_get(off->root, "builtin_rules"), &checks, complaints);
	if (complaints_errors(complaints) > 0)
		reply_complaints(call, complaints);
	else if (ask->own_set != NULL)
		rc = 0;
	conf_tree_free(off);
	complaints_free(complaints);
	return rc;
}

/* Does an expression say `this`? */
static bool
says_this(const char *text)
{
	for (const char *at = strstr(text, "this"); at != NULL; at = strstr(at + 1, "this")) {
		bool begins = at == text || strchr(" (!,<>=+-*/[", at[-1]) != NULL;
		if (begins && (at[4] == '\0' || strchr(".,) ", at[4]) != NULL))
			return true;
	}
	return false;
}

static void
put_param(json_t *doc, const char *key, const struct api_call *call, const char *param)
{
	char text[TEXT_MAX];

	if (call_query(call, param, text, sizeof(text)) && *text != '\0')
		json_object_set_new(doc, key, json_string(text));
}

/* An expression and its conditions as the rule that a file would have. */
static json_t *
proposed_rule(const struct backtest_ask *ask, const struct api_call *call, const char *expr,
	const char *severity)
{
	char check[200];
	json_t *rule = json_object();
	const struct backtest_check *own = NULL;

	if (call_query(call, "check", check, sizeof(check)))
		own = map_get(ask->by_name, check);
	json_object_set_new(rule, severity, json_string(expr));
	put_param(rule, "for", call, "for");
	put_param(rule, "clear", call, "clear");
	put_param(rule, "keep_firing_for", call, "keep_firing_for");
	put_param(rule, "each", call, "each");
	if (json_object_get(rule, "each") == NULL && own != NULL)
		json_object_set_new(rule, says_this(expr) ? "each" : "check",
			json_string(says_this(expr) ? own->spec.type : own->spec.name));
	return json_pack("{s:o}", PROPOSED, rule);
}

static int
propose(struct backtest_ask *ask, struct api_call *call, const char *expr)
{
	static const char *const levels[] = { "info", "warning", "critical" };
	char severity[16] = "warning";
	json_t *rules;
	char *text;
	int rc;

	call_query(call, "severity", severity, sizeof(severity));
	if (str_nearest(severity, levels, 3) == NULL ||
		(!str_eq(severity, levels[0]) && !str_eq(severity, levels[1]) &&
			!str_eq(severity, levels[2]))) {
		reply_problem(call, 400, "severity: one of info, warning, critical");
		return -1;
	}
	rules = proposed_rule(ask, call, expr, severity);
	text = json_dumps(rules, JSON_COMPACT); /* JSON is YAML */
	rc = text == NULL ? -1 : compile(ask, call, text, strlen(text));
	if (text == NULL)
		reply_problem(call, 400, "expr: must be UTF-8");
	free(text);
	json_decref(rules);
	return rc;
}

/* --- what is asked --- */

static void
refuse_rule(const struct backtest_ask *ask, struct api_call *call, const char *rule)
{
	const char *names[NAMES_MAX], *near, *name;
	size_t count = 0;

	for (size_t n = 0; count < NAMES_MAX && (name = rule_set_name(backtest_set(ask), n)); n++)
		names[count++] = name;
	near = str_nearest(rule, names, count);
	reply_problem(call, 404, "no rule in force is called \"%s\"%s%s%s", rule,
		near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
		near == NULL ? "" : "\"?");
}

static int
read_rules(struct backtest_ask *ask, struct api_call *call, const char *rule)
{
	const struct buf *body = &call->request->body;
	char text[TEXT_MAX];

	if (buf_left(body) > 0)
		return compile(ask, call, buf_head(body), buf_left(body));
	if (call_query(call, "expr", text, sizeof(text)) && *text != '\0')
		return propose(ask, call, text);
	if (*rule != '\0')
		return 0;
	reply_problem(call, 400,
		"say which: `rule=` the name of one in force, `expr=` an expression, or a body "
		"with rules as YAML");
	return -1;
}

static void
add_jobs(struct backtest_ask *ask, const char *rule, const char *check)
{
	const struct rule_set *set = backtest_set(ask);

	for (size_t n = 0; n < ask->check_count; n++) {
		const struct check_spec *spec = &ask->checks[n].spec;

		if ((*check != '\0' && !str_eq(check, spec->name)) ||
			!rule_set_concerns(set, rule, spec->name, spec->type))
			continue;
		ask->jobs = xreallocarray(ask->jobs, ask->job_count + 1, sizeof(*ask->jobs));
		ask->jobs[ask->job_count++] = (struct backtest_job){ rule, n };
	}
}

static int
choose(struct backtest_ask *ask, struct api_call *call, const char *rule, const char *check)
{
	const struct rule_set *set = backtest_set(ask);
	const char *name;

	if (*rule != '\0' && !rule_set_has(set, rule)) {
		refuse_rule(ask, call, rule);
		return -1;
	}
	for (size_t n = 0; (name = rule_set_name(set, n)) != NULL; n++) {
		bool is_double = false;

		for (size_t i = 0; i < n; i++)
			is_double = is_double || str_eq(rule_set_name(set, i), name);
		if (is_double || (*rule != '\0' && !str_eq(rule, name)) ||
			(*rule == '\0' && str_eq(name, "cannot-tell")))
			continue; /* of one name there may be several, each for another type */
		add_jobs(ask, name, check);
	}
	if (ask->job_count > 0)
		return 0;
	reply_problem(call, 422, "no check %s%s%sis one that this is about",
		*check != '\0' ? "called " : "", check, *check != '\0' ? " " : "");
	return -1;
}

static int
read_span(struct backtest_ask *ask, struct api_call *call)
{
	usec_t now_us = loop_wall(ask->world->env->loop);
	int64_t first = 0;
	char text[32];

	ask->until_us = now_us;
	ask->since_us = now_us - DEFAULT_AGE_US;
	if (past_when(call, "since", &ask->since_us) == -1 ||
		past_when(call, "until", &ask->until_us) == -1)
		return -1;
	ask->until_us = ask->until_us < now_us ? ask->until_us : now_us;
	if (ask->since_us < now_us - OLDEST_US)
		ask->since_us = now_us - OLDEST_US;
	if (ask->since_us >= ask->until_us) {
		reply_problem(call, 400, "since: must be before `until`, and not to come");
		return -1;
	}
	ask->wants_peaks = call_query(call, "peaks", text, sizeof(text));
	if (call_query(call, "next", text, sizeof(text)) &&
		(value_int(text, &first, NULL) == -1 || first < 0)) {
		reply_problem(call, 400, "next: as the answer before said");
		return -1;
	}
	ask->first = (size_t)first;
	return 0;
}

int
backtest_ask_read(struct backtest_ask *ask, struct api_call *call)
{
	char rule[100] = "", check[300] = "";
	struct check_view view;

	*ask = (struct backtest_ask){ .world = call->world };
	ask->settings =
		settings_ref((struct settings *)(uintptr_t)(const void *)call->world->settings);
	call_query(call, "rule", rule, sizeof(rule));
	call_query(call, "check", check, sizeof(check));
	if (*check != '\0' && !past_find_check(call, check, &view))
		return -1;
	if (read_span(ask, call) == -1)
		return -1;
	copy_checks(ask);
	return read_rules(ask, call, rule) == -1 ? -1 : choose(ask, call, rule, check);
}
