/* Which rules, for which checks, over which time: a backtest as it is asked for. */
#include <stdlib.h>
#include <string.h>

#include "api/backtest.h"
#include "api/past.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "io/loop.h"
#include "sched/sched.h"
#include "setup/settings.h"

#define TEXT_MAX       4001
#define DEFAULT_AGE_US (7 * USEC_PER_DAY)
#define OLDEST_US      (90 * USEC_PER_DAY)
#define NAMES_MAX      400
#define RULES_MAX      50    /* of a text */
#define JOBS_MAX       20000 /* rules and checks */

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
	backtest_rules_fini(ask);
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
	return json_pack("{s:o}", BACKTEST_PROPOSED, rule);
}

static int
propose(struct backtest_ask *ask, struct api_call *call, const char *expr)
{
	static const char *const levels[] = { "info", "warning", "critical" };
	char severity[16] = "warning";
	json_t *rules;

	call_query(call, "severity", severity, sizeof(severity));
	if (str_nearest(severity, levels, 3) == NULL ||
		(!str_eq(severity, levels[0]) && !str_eq(severity, levels[1]) &&
			!str_eq(severity, levels[2]))) {
		reply_problem(call, 400, "severity: one of info, warning, critical");
		return -1;
	}
	rules = proposed_rule(ask, call, expr, severity);
	ask->text = json_dumps(rules, JSON_COMPACT); /* JSON is YAML */
	json_decref(rules);
	if (ask->text != NULL)
		return 0;
	reply_problem(call, 400, "expr: must be UTF-8");
	return -1;
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
read_rules(struct backtest_ask *ask, struct api_call *call)
{
	const struct buf *body = &call->request->body;
	char text[TEXT_MAX];

	if (buf_left(body) > 0) {
		ask->text = xstrndup(buf_head(body), buf_left(body));
		ask->is_file = true;
		if (strlen(ask->text) == buf_left(body))
			return 0;
		reply_problem(call, 422, "the body is no text: it has a NUL");
		return -1;
	}
	if (call_query(call, "expr", text, sizeof(text)) && *text != '\0')
		return propose(ask, call, text);
	if (*ask->rule != '\0')
		return 0;
	reply_problem(call, 400,
		"say which: `rule=` the name of one in force, `expr=` an expression, or a body "
		"with rules as YAML");
	return -1;
}

static void
add_jobs(struct backtest_ask *ask, size_t n)
{
	const struct rule_set *set = backtest_set(ask);
	const char *rule = rule_set_name(set, n);

	for (size_t i = 0; i < ask->check_count && ask->job_count <= JOBS_MAX; i++) {
		const struct check_spec *spec = &ask->checks[i].spec;

		if ((*ask->check != '\0' && !str_eq(ask->check, spec->name)) ||
			!rule_set_concerns(set, n, spec->name, spec->type))
			continue;
		ask->jobs = xreallocarray(ask->jobs, ask->job_count + 1, sizeof(*ask->jobs));
		ask->jobs[ask->job_count++] = (struct backtest_job){ rule, i };
	}
}

/* Proposed rules bring one that is always there. */
static bool
is_asked(const struct backtest_ask *ask, const char *name)
{
	return *ask->rule == '\0' ? !str_eq(name, "cannot-tell") : str_eq(name, ask->rule);
}

int
backtest_ask_choose(struct backtest_ask *ask, struct api_call *call)
{
	const struct rule_set *set = backtest_set(ask);
	const char *name;
	size_t rules = 0;

	for (size_t n = 0; (name = rule_set_name(set, n)) != NULL; n++) {
		if (!is_asked(ask, name))
			continue;
		if (++rules <= RULES_MAX)
			add_jobs(ask, n);
	}
	if (*ask->rule != '\0' && rules == 0)
		refuse_rule(ask, call, ask->rule);
	else if (rules > RULES_MAX || ask->job_count > JOBS_MAX)
		reply_problem(call, 422, "at most %d rules, and %d rules and checks, at once",
			RULES_MAX, JOBS_MAX);
	else if (ask->job_count == 0)
		reply_problem(call, 422, "no check %s%s%sis one that this is about",
			*ask->check != '\0' ? "called " : "", ask->check,
			*ask->check != '\0' ? " " : "");
	else
		return 0;
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
	struct check_view view;

	*ask = (struct backtest_ask){ .world = call->world };
	ask->settings = call_hold_settings(call);
	call_query(call, "rule", ask->rule, sizeof(ask->rule));
	call_query(call, "check", ask->check, sizeof(ask->check));
	if (*ask->check != '\0' && !past_find_check(call, ask->check, &view))
		return -1;
	if (read_span(ask, call) == -1)
		return -1;
	copy_checks(ask);
	return read_rules(ask, call);
}
