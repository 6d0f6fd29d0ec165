/*
 * Who looks at whom: which windows a check must keep, for its own rules and for others', and which
 * alerts of other checks are judged when it has a sample.
 */
#include <string.h>

#include "base/mem.h"
#include "rules/engine.h"

static void
add_foreign(struct watched *check, struct alert *alert)
{
	for (size_t i = 0; i < check->foreign_count; i++)
		if (check->foreign[i] == alert)
			return;
	check->foreign =
		xreallocarray(check->foreign, check->foreign_count + 1, sizeof(*check->foreign));
	check->foreign[check->foreign_count++] = alert;
}

/* Windows of the check's own `each` rules. */
static void
need_own(struct watched *check)
{
	const struct expr *expr;

	for (size_t i = 0; i < check->own_count; i++) {
		const struct rule_variant *variant = check->own[i].variant;
		for (size_t n = 0; variant->looks_back && (expr = rule_expr_at(variant, n)); n++)
			for (size_t w = 0; w < expr_window_count(expr); w++)
				if (strcmp(expr_window_at(expr, w)->check, "this") == 0)
					engine_need_window(check, expr_window_at(expr, w));
	}
}

/* What one expression asks of checks that it names. */
static void
need_named(struct rules *rules, const struct expr *expr)
{
	const char *name;

	for (size_t n = 0; (name = expr_check_at(expr, n)); n++) {
		struct watched *check = engine_find(rules, name);
		if (check)
			check->is_mentioned = true;
	}
	for (size_t n = 0; n < expr_window_count(expr); n++) {
		const struct expr_window *window = expr_window_at(expr, n);
		struct watched *check = engine_find(rules, window->check);
		if (check)
			engine_need_window(check, window);
	}
}

static struct alert *
alert_of(const struct watched *check, const struct rule *rule)
{
	for (size_t i = 0; i < check->own_count; i++)
		if (check->own[i].variant->rule == rule)
			return &check->own[i];
	return NULL;
}

/* A rule without `each` is judged when any check that it names has a sample. */
static void
wire(struct rules *rules, const struct rule *rule, const struct expr *expr)
{
	struct watched *owner = rule->is_each ? NULL : engine_find(rules, rule->owner);
	struct alert *alert = owner ? alert_of(owner, rule) : NULL;
	const char *name;

	need_named(rules, expr);
	for (size_t n = 0; alert && (name = expr_check_at(expr, n)); n++) {
		struct watched *check = engine_find(rules, name);
		if (check && check != owner)
			add_foreign(check, alert);
	}
}

/* Is it about this check, by its name?  Without one: about any. */
static bool
concerns(const struct rule *rule, const struct expr *expr, const char *check)
{
	const char *name;

	if (!check || (!rule->is_each && strcmp(rule->owner, check) == 0))
		return true;
	for (size_t n = 0; (name = expr_check_at(expr, n)); n++)
		if (strcmp(name, check) == 0)
			return true;
	for (size_t n = 0; n < expr_window_count(expr); n++)
		if (strcmp(expr_window_at(expr, n)->check, check) == 0)
			return true;
	return false;
}

static void
wire_all(struct rules *rules, const char *about)
{
	const struct expr *expr;

	for (size_t i = 0; i < rules->set->count; i++) {
		const struct rule *rule = &rules->set->rules[i];
		for (size_t v = 0; v < rule->variant_count; v++)
			for (size_t n = 0; (expr = rule_expr_at(&rule->variants[v], n)); n++)
				if (concerns(rule, expr, about))
					wire(rules, rule, expr);
	}
}

void
engine_rewire(struct rules *rules, usec_t now_us)
{
	const char *name;
	void *value;

	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);) {
		struct watched *check = value;
		check->foreign_count = 0;
		check->is_mentioned = false;
		for (size_t i = 0; i < check->window_count; i++)
			check->windows[i].is_needed = false;
		need_own(check);
	}
	wire_all(rules, NULL);
	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);)
		engine_fit_windows(rules, value, now_us);
}

void
engine_wire_one(struct rules *rules, struct watched *check, usec_t now_us)
{
	for (size_t i = 0; i < check->window_count; i++)
		check->windows[i].is_needed = false;
	need_own(check);
	wire_all(rules, check->name);
	engine_fit_windows(rules, check, now_us);
}
