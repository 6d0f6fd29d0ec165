/*
 * One entry of `rules:` to a compiled rule.  Everything that is wrong with it is said at once, at
 * the place in the file where it stands: a column inside an expression becomes a column of the
 * file.
 */
#include "rules/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"

static const char *const no_data_words[] = { "keep", "alert", "ok", NULL };

#define LEVEL_DOC                                                                                  \
	"An expression that is true when something is wrong, or `{when: expression, for: "         \
	"duration}`."

const struct conf_field rule_fields[] = {
	{ .name = "info",
		NODE_AT(struct rule_conf, level[SEVERITY_INFO]),
		.doc = "When the alert has the level info. " LEVEL_DOC },
	{ .name = "warning",
		NODE_AT(struct rule_conf, level[SEVERITY_WARNING]),
		.doc = "When it has the level warning. " LEVEL_DOC,
		.example = "this.used_percent > 80" },
	{ .name = "critical",
		NODE_AT(struct rule_conf, level[SEVERITY_CRITICAL]),
		.doc = "When it has the level critical. " LEVEL_DOC,
		.example = "{ when: avg(api.total_time, 5m) > 5s, for: 2m }" },
	{ .name = "clear",
		STRING_AT(struct rule_conf, clear),
		.doc = "With it the alert, once it fired, stays at its lowest level until this is "
		       "true.",
		.example = "this.used_percent < 77" },
	{ .name = "for",
		STRING_AT(struct rule_conf, for_text),
		.dflt = "0",
		.doc = "How long a level must be true before it counts: a duration (at least two "
		       "samples "
		       "must then have said so), or a number of samples in a row, as in `3 "
		       "samples`.",
		.example = "1m" },
	{ .name = "keep_firing_for",
		DURATION_AT(struct rule_conf, keep_firing_for_us),
		.dflt = "0",
		.doc = "How long a level must be false before it falls.",
		.example = "5m" },
	{ .name = "on_no_data",
		ENUM_AT(struct rule_conf, on_no_data, no_data_words),
		.dflt = "keep",
		.doc = "What becomes of the alert when there is no data (for three intervals, at "
		       "least a "
		       "minute): it stays as it is, fires at its lowest level, or ends." },
	{ .name = "each",
		NODE_AT(struct rule_conf, each),
		.doc = "One alert for each check of this probe type, or for each whose name "
		       "matches this "
		       "pattern; `{type: …, name: …}` says both. `this` is then the check.",
		.example = "disk" },
	{ .name = "check",
		STRING_AT(struct rule_conf, check),
		.doc = "The check that the alert belongs to. Without it, and without `each`, it is "
		       "the "
		       "first one that the rule names." },
	{ .name = "labels",
		PAIRS_AT(struct rule_conf, labels),
		.doc = "Labels of the alert, for routes." },
	{ .name = "summary",
		STRING_AT(struct rule_conf, summary),
		.doc = "What to say, in one sentence. `{{expression}}` shows a value with its "
		       "unit.",
		.example = "the API needs {{avg(api.total_time, 5m)}} per request" },
	{ .name = "description",
		STRING_AT(struct rule_conf, description),
		.doc = "More to say; `{{expression}}` works here, too." },
	{ .name = "runbook_url",
		URL_AT(struct rule_conf, runbook_url),
		.doc = "Where people find what to do." },
	{ .name = "enabled",
		BOOL_AT(struct rule_conf, enabled),
		.dflt = "true",
		.doc = "`false` switches the rule off, a built-in one of the same name included." },
	{ .type = CONF_END },
};

struct level_conf {
	const struct conf_node *when;
	char *for_text;
};

static const struct conf_field level_fields[] = {
	{ .name = "when",
		NODE_AT(struct level_conf, when),
		.flags = CONF_REQUIRED,
		.doc = "The expression.",
		.example = "api.total_time > 5s" },
	{ .name = "for",
		STRING_AT(struct level_conf, for_text),
		.doc = "How long it must be true." },
	{ .type = CONF_END },
};

struct compile {
	struct rule *rule;
	const struct conf_node *node;
	const struct rule_compiler *c;
	const struct conf_node *when[LEVELS]; /* scalars */
	bool is_bad;
};

static const char *
level_name(size_t level)
{
	return severity_name((enum severity)level);
}

/* Column `column` of a scalar's text, as a place in the file. */
static struct conf_pos
pos_inside(const struct conf_node *node, int column)
{
	struct conf_pos pos = node->pos;

	/* Texts of several lines are folded: their columns are not the file's. */
	if (column > 1 && !strchr(node->text, '\n'))
		pos.column += (unsigned)column - 1;
	if (!node->is_plain && !strchr(node->text, '\n'))
		pos.column++;
	return pos;
}

static void
complain_inside(struct compile *k, const struct conf_node *node, const struct err *e)
{
	struct conf_pos pos = pos_inside(node, e->code);
	char at[60] = "";

	/* The place is that of the whole block: what stands at the column says where in it. */
	if (strchr(node->text, '\n') && e->code > 0 && (size_t)e->code <= strlen(node->text)) {
		const char *from = node->text + e->code - 1;
		size_t len = strcspn(from, "\n");
		snprintf(at, sizeof(at), " (at \"%.*s\")", len < 40 ? (int)len : 40, from);
	}
	complain(k->c->complaints, &pos, "rule \"%s\": %s: %s%s", k->rule->name,
		node->key ? node->key : "expression", e->text, at);
	k->is_bad = true;
}

/* --- names --- */

static const struct check_spec *
spec_of(const struct rule_compiler *c, const char *check)
{
	const struct check_spec *spec = map_get(c->by_name, check);
	const char *bracket = strchr(check, '[');

	if (spec || !bracket)
		return spec;
	char *parent = xstrndup(check, (size_t)(bracket - check));
	spec = map_get(c->by_name, parent);
	free(parent);
	return spec;
}

static const struct metric_desc *
metrics_of(const void *arg, const char *check)
{
	const struct rule_compiler *c = arg;
	const struct check_spec *spec = spec_of(c, check);

	if (spec && c->checks->metrics_of)
		return c->checks->metrics_of(spec);
	return spec ? c->checks->metrics_of_type(spec->type) : NULL;
}

static const char *
type_of(const void *arg, const char *check)
{
	const struct check_spec *spec = spec_of(arg, check);

	return spec ? spec->type : NULL;
}

static const char *
check_at(const void *arg, size_t n)
{
	const struct rule_compiler *c = arg;

	return n < c->checks->count ? c->checks->specs[n]->name : NULL;
}

/* --- for --- */

static int
parse_for(const char *text, struct level_times *times, struct err *e)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (end != text && (str_eq(end, " samples") || str_eq(end, " sample"))) {
		if (count < 1 || count > 1000)
			return err_set(e, 0, "between 1 and 1000 samples");
		*times = (struct level_times){ .for_samples = (uint32_t)count,
			.keep_us = times->keep_us };
		return 0;
	}
	usec_t for_us;
	if (value_duration(text, &for_us, e) != 0)
		return -1;
	*times = (struct level_times){ .for_us = for_us, .keep_us = times->keep_us };
	return 0;
}

static void
set_for(struct compile *k, const struct conf_node *map, const char *text, size_t level)
{
	struct err e = { 0 };

	if (parse_for(text, &k->rule->times[level], &e) == 0)
		return;
	struct conf_pos pos = conf_pos_of(map, "for");
	complain(k->c->complaints, &pos, "rule \"%s\": for: %s", k->rule->name, e.text);
	k->is_bad = true;
}

/* --- levels --- */

static void
read_level(struct compile *k, size_t level)
{
	const struct conf_node *node = k->rule->conf.level[level];
	struct level_conf conf = { 0 };

	if (!node)
		return;
	k->when[level] = node;
	if (node->kind == CONF_MAP) {
		char what[120];
		snprintf(what, sizeof(what), "rule \"%s\": %s", k->rule->name, level_name(level));
		struct conf_part part = { level_fields, &conf };
		conf_fill(&part, 1, node, what, NULL, k->c->complaints);
		k->when[level] = conf.when;
		if (conf.for_text)
			set_for(k, node, conf.for_text, level);
		conf_clear(level_fields, &conf);
	}
	if (k->when[level] && (k->when[level]->kind != CONF_SCALAR || k->when[level]->is_null)) {
		complain(k->c->complaints, &k->when[level]->pos,
			"rule \"%s\": %s: must be an expression, not %s", k->rule->name,
			level_name(level), conf_kind_name(k->when[level]));
		k->when[level] = NULL;
	}
	if (!k->when[level])
		k->is_bad = true;
}

static void
read_levels(struct compile *k)
{
	bool has_one = false;

	for (size_t level = SEVERITY_INFO; level < LEVELS; level++) {
		k->rule->times[level].keep_us = k->rule->conf.keep_firing_for_us;
		set_for(k, k->node, k->rule->conf.for_text ? k->rule->conf.for_text : "0", level);
		if (k->is_bad)
			return; /* the same `for` is not complained about three times */
	}
	for (size_t level = SEVERITY_INFO; level < LEVELS; level++) {
		read_level(k, level);
		has_one = has_one || k->rule->conf.level[level];
	}
	if (has_one)
		return;
	k->is_bad = true;
	if (!conf_has_broken(k->node))
		complain(k->c->complaints, &k->node->key_pos,
			"rule \"%s\" has no level: it needs info, warning or critical",
			k->rule->name);
}

/* --- each --- */

static void
set_each_text(struct compile *k, const char *text)
{
	bool is_type = k->c->checks->metrics_of_type(text) != NULL;

	xstrset(is_type ? &k->rule->each_type : &k->rule->each_name, text);
}

static void
read_each(struct compile *k)
{
	const struct conf_node *each = k->rule->conf.each;
	struct each_conf {
		char *type, *name;
	} conf = { 0 };
	static const struct conf_field each_fields[] = {
		{ .name = "type", STRING_AT(struct each_conf, type), .doc = "A probe type." },
		{ .name = "name", STRING_AT(struct each_conf, name), .doc = "A pattern of names." },
		{ .type = CONF_END },
	};

	if (!each)
		return;
	k->rule->is_each = true;
	if (each->kind == CONF_SCALAR && !each->is_null) {
		set_each_text(k, each->text);
		return;
	}
	if (each->kind != CONF_MAP) {
		complain(k->c->complaints, &each->pos,
			"rule \"%s\": each: must be a type, a pattern of names or {type: …, name: "
			"…}",
			k->rule->name);
		k->is_bad = true;
		return;
	}
	struct conf_part part = { each_fields, &conf };
	conf_fill(&part, 1, each, "each", NULL, k->c->complaints);
	if (conf.type && !k->c->checks->metrics_of_type(conf.type)) {
		struct conf_pos pos = conf_pos_of(each, "type");
		complain(k->c->complaints, &pos,
			"rule \"%s\": each: no probe type is called \"%s\"", k->rule->name,
			conf.type);
		k->is_bad = true;
	}
	k->rule->each_type = conf.type;
	k->rule->each_name = conf.name;
}

static bool
matches(const struct rule *rule, const char *check, const char *type)
{
	if (rule->each_type && strcmp(rule->each_type, type) != 0)
		return false;
	return !rule->each_name || str_matches_glob(check, rule->each_name);
}

/* --- variants --- */

static struct expr *
compile_condition(struct compile *k, const struct conf_node *node, const struct expr_names *names,
	bool is_strict)
{
	struct err e = { 0 };
	struct expr *expr = expr_compile(node->text, names, &e);

	if (expr && !expr_is_condition(expr)) {
		err_set(&e, 1, "this is a value, not a condition: compare it with something");
		expr_free(expr);
		expr = NULL;
	}
	if (!expr && is_strict)
		complain_inside(k, node, &e);
	return expr;
}

static struct expr_template *
compile_text(struct compile *k, const char *key, const struct expr_names *names, bool is_strict)
{
	const struct conf_node *node = conf_get(k->node, key);
	struct err e = { 0 };

	if (!node || node->kind != CONF_SCALAR || node->is_null)
		return NULL;
	struct expr_template *t = expr_template_compile(node->text, names, &e);
	if (!t && is_strict)
		complain_inside(k, node, &e);
	return t;
}

static void
variant_fini(struct rule_variant *v)
{
	for (size_t level = 0; level < LEVELS; level++)
		expr_free(v->when[level]);
	expr_free(v->clear);
	expr_template_free(v->summary);
	expr_template_free(v->description);
	free(v->type);
}

/* False: this rule cannot be about checks of that type. */
static bool
compile_variant(
	struct compile *k, struct rule_variant *v, const struct expr_names *names, bool is_strict)
{
	const struct conf_node *clear = conf_get(k->node, "clear");

	for (size_t level = SEVERITY_INFO; level < LEVELS; level++) {
		if (!k->when[level])
			continue;
		v->when[level] = compile_condition(k, k->when[level], names, is_strict);
		if (!v->when[level])
			return false;
		v->is_timed = v->is_timed || expr_is_timed(v->when[level]);
	}
	if (clear && clear->kind == CONF_SCALAR && !clear->is_null) {
		v->clear = compile_condition(k, clear, names, is_strict);
		if (!v->clear)
			return false;
	}
	v->summary = compile_text(k, "summary", names, is_strict);
	v->description = compile_text(k, "description", names, is_strict);
	return true;
}

static bool
looks_back(const struct rule_variant *variant)
{
	const struct expr *expr;

	for (size_t n = 0; (expr = rule_expr_at(variant, n)); n++)
		for (size_t w = 0; w < expr_window_count(expr); w++)
			if (strcmp(expr_window_at(expr, w)->check, "this") == 0)
				return true;
	return false;
}

static bool
add_variant(struct compile *k, const char *type, bool is_strict)
{
	struct rule *rule = k->rule;
	const struct expr_names names = { .arg = k->c,
		.metrics_of = metrics_of,
		.check_at = check_at,
		.type_of = type_of,
		.this_metrics = type ? k->c->checks->metrics_of_type(type) : NULL,
		.this_type = type };
	struct rule_variant v = { 0 };

	for (size_t i = 0; i < rule->variant_count; i++)
		if (str_eq(rule->variants[i].type, type))
			return true;
	if (!compile_variant(k, &v, &names, is_strict)) {
		variant_fini(&v);
		return false;
	}
	v.type = xstrdup(type);
	v.looks_back = looks_back(&v);
	rule->variants = xreallocarray(rule->variants, rule->variant_count + 1, sizeof(v));
	rule->variants[rule->variant_count++] = v;
	return true;
}

/* Strictly for the types of the checks that it names; for others, whose children may come to match
 * the pattern, where it happens to fit. */
static void
add_each_variants(struct compile *k)
{
	const struct rule_checks *checks = k->c->checks;
	bool has_one = false;

	if (k->rule->each_type) {
		/* Of the built-in ones most are about what is not there. */
		if (!k->c->is_builtin || map_get(k->c->types, k->rule->each_type))
			add_variant(k, k->rule->each_type, true);
		return;
	}
	for (size_t i = 0; i < checks->count && !k->is_bad; i++) {
		const struct check_spec *spec = checks->specs[i];
		if (!matches(k->rule, spec->name, spec->type))
			continue;
		has_one = true;
		add_variant(k, spec->type, true);
	}
	for (size_t i = 0; i < checks->count && !k->is_bad; i++)
		add_variant(k, checks->specs[i]->type, false);
	if (!has_one && !k->c->is_builtin && !k->is_bad)
		complain_warn(k->c->complaints, &k->rule->conf.each->pos,
			"rule \"%s\": no check is called \"%s\", and no probe type", k->rule->name,
			k->rule->each_name ? k->rule->each_name : "");
}

/* --- the check it belongs to --- */

static void
find_owner(struct compile *k)
{
	const struct rule_variant *v = &k->rule->variants[0];

	if (k->rule->conf.check) {
		xstrset(&k->rule->owner, k->rule->conf.check);
		return;
	}
	for (size_t i = 0; i < k->node->count && !k->rule->owner; i++) {
		int level = severity_parse(k->node->items[i]->key);
		/* A level may be written and empty. */
		const struct expr *when = level > SEVERITY_OK ? v->when[level] : NULL;
		if (when && expr_check_at(when, 0))
			xstrset(&k->rule->owner, expr_check_at(when, 0));
	}
	if (k->rule->owner)
		return;
	complain(k->c->complaints, &k->node->key_pos,
		"rule \"%s\" names no check: say with `check:` which one it belongs to",
		k->rule->name);
	k->is_bad = true;
}

static void
check_check(struct compile *k)
{
	const char *check = k->rule->conf.check;
	struct conf_pos pos = conf_pos_of(k->node, "check");

	if (!check)
		return;
	if (k->rule->is_each) {
		complain(k->c->complaints, &pos,
			"rule \"%s\": `check:` and `each:` exclude each other", k->rule->name);
		k->is_bad = true;
	} else if (!spec_of(k->c, check)) {
		complain(k->c->complaints, &pos, "rule \"%s\": check: no check is called \"%s\"",
			k->rule->name, check);
		k->is_bad = true;
	}
}

static json_t *
labels_of(const struct conf_pairs *pairs)
{
	json_t *labels = pairs->count ? json_object() : NULL;

	for (size_t i = 0; i < pairs->count; i++)
		json_object_set_new(labels, pairs->all[i].name, json_string(pairs->all[i].value));
	return labels;
}

static void
compile_rule(struct compile *k)
{
	struct rule *rule = k->rule;

	read_levels(k);
	read_each(k);
	check_check(k);
	if (k->is_bad)
		return;
	if (rule->is_each)
		add_each_variants(k);
	else if (add_variant(k, NULL, true))
		find_owner(k);
	rule->labels = labels_of(&rule->conf.labels);
}

bool
rule_compile(struct rule *rule, const char *name, const struct conf_node *node,
	const struct rule_compiler *c)
{
	struct compile k = { .rule = rule, .node = node, .c = c };
	char what[100];

	*rule = (struct rule){ .name = xstrdup(name) };
	snprintf(what, sizeof(what), "rule \"%s\"", name);
	unsigned before = complaints_errors(c->complaints);
	struct conf_part part = { rule_fields, &rule->conf };
	conf_fill(&part, 1, node, what, NULL, c->complaints);
	bool is_off = !rule->conf.enabled;
	if (complaints_errors(c->complaints) == before && !is_off)
		compile_rule(&k);
	memset(rule->conf.level, 0, sizeof(rule->conf.level)); /* the tree may go */
	rule->conf.each = NULL;
	if (!is_off && !k.is_bad && complaints_errors(c->complaints) == before)
		return true;
	rule_fini(rule);
	return false;
}

void
rule_fini(struct rule *rule)
{
	for (size_t i = 0; i < rule->variant_count; i++)
		variant_fini(&rule->variants[i]);
	free(rule->variants);
	conf_clear(rule_fields, &rule->conf);
	json_decref(rule->labels);
	free(rule->each_type);
	free(rule->each_name);
	free(rule->owner);
	free(rule->name);
	*rule = (struct rule){ 0 };
}

bool
rule_is_for_name(const struct rule *rule, const char *check)
{
	return !rule->each_name || str_matches_glob(check, rule->each_name);
}

const struct rule_variant *
rule_variant_of(const struct rule *rule, const char *type)
{
	if (!rule->is_each || (rule->each_type && strcmp(rule->each_type, type) != 0))
		return NULL;
	for (size_t i = 0; i < rule->variant_count; i++)
		if (strcmp(rule->variants[i].type, type) == 0)
			return &rule->variants[i];
	return NULL;
}

const struct rule_variant *
rule_variant_for(const struct rule *rule, const char *check, const char *type)
{
	if (!rule->is_each)
		return strcmp(rule->owner, check) == 0 ? &rule->variants[0] : NULL;
	return rule_is_for_name(rule, check) ? rule_variant_of(rule, type) : NULL;
}

static const struct expr *
text_expr_at(const struct expr_template *t, size_t *n)
{
	const struct expr *expr;

	for (size_t i = 0; t && (expr = expr_template_at(t, i)); i++)
		if ((*n)-- == 0)
			return expr;
	return NULL;
}

const struct expr *
rule_expr_at(const struct rule_variant *variant, size_t n)
{
	for (size_t level = 0; level < LEVELS; level++)
		if (variant->when[level] && n-- == 0)
			return variant->when[level];
	if (variant->clear && n-- == 0)
		return variant->clear;
	const struct expr *expr = text_expr_at(variant->summary, &n);
	return expr ? expr : text_expr_at(variant->description, &n);
}

const struct expr *
rule_when(const struct rule *rule, const struct rule_variant *variant, enum severity level)
{
	size_t at = level;

	while (rule->is_down && at < LEVELS - 1 && !variant->when[at])
		at++;
	return variant->when[at];
}

enum severity
rule_lowest(const struct rule *rule, const struct rule_variant *variant)
{
	for (enum severity level = SEVERITY_INFO; level < SEVERITY_CRITICAL; level++)
		if (rule_when(rule, variant, level))
			return level;
	return SEVERITY_CRITICAL;
}
