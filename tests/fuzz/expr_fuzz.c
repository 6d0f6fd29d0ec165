/*
 * Expressions and templates: whatever the text, it is refused with a column inside of it, or it is
 * evaluated, explained and shown without looping, allocating without bound or touching what is not
 * its own; and the same text compiles to the same answer again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/expr.h"
#include "tests/rules/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 5000

static struct series *
make_series(const struct expr_window *window)
{
	const struct series_shape shape = { .span_us = window->span_us,
		.interval_us = USEC_PER_SEC,
		.has_sketch = window->keep == KEEP_SKETCH,
		.has_days = window->keep == KEEP_DAYS };
	struct series *s = series_new(&shape, 0);

	for (int i = 0; i < 100; i++)
		series_add(s, (i + 1) * window->span_us / 100,
			expr_window_take(window, i * 7919 % 100));
	return s;
}

/* One series for all windows is enough: whatever it holds, nothing may break. */
static struct series *all_windows;

static const struct series *
series_of(void *arg, const char *check, const struct expr_window *window)
{
	(void)arg;
	(void)check;
	return window->metric % 2 ? all_windows : NULL;
}

static struct world *
get_world(void)
{
	static struct world world;

	if (world.checks[0].name)
		return &world;
	world_init(&world);
	for (size_t c = 0; c < WORLD_CHECKS; c++)
		for (size_t v = 0; v < 8; v++)
			world.checks[c].values[v] = v % 3 ? (double)(v * 40) : (double)NAN;
	world.checks[4].texts[0] = "redis-server";
	world.checks[1].sample.cause = cause_get("net.refused");
	world.checks[1].sample.outcome = OUTCOME_FAIL;
	world.world.series_of = series_of;
	world.world.now_us = world.world.wall_us = USEC_PER_HOUR;
	return &world;
}

static void
try_expr(struct world *w, const struct expr_names *names, const char *text)
{
	struct err e = { 0 };
	struct expr *expr = expr_compile(text, names, &e);
	struct buf told;

	if (!expr) {
		assert(e.code >= 1 && (size_t)e.code <= strlen(text) + 1);
		assert(*e.text);
		return;
	}
	if (expr_window_count(expr) > 0)
		all_windows = make_series(expr_window_at(expr, 0));
	struct expr_value value = expr_eval(expr, &w->world), again = expr_eval(expr, &w->world);
	assert(value.is_known == again.is_known);
	if (expr_is_condition(expr) && value.is_known)
		assert(value.number == 0 || value.number == 1);
	if (expr_is_condition(expr))
		assert(expr_verdict(expr, &w->world) == (!value.is_known ? VERDICT_UNKNOWN
								: value.number != 0
									? VERDICT_TRUE
									: VERDICT_FALSE));
	assert(value.unit != UNIT_TEXT || !value.is_known || value.text);
	assert(value.unit == UNIT_TEXT || !value.is_known || !isnan(value.number));
	buf_init(&told, 100000);
	expr_explain(expr, &w->world, &told);
	buf_fini(&told);
	json_decref(expr_values(expr, &w->world));
	expr_free(expr);
	series_free(all_windows);
	all_windows = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = get_world();
	struct expr_names names = world_names(w, true);
	char text[TEXT_MAX], out[300];
	struct err e = { 0 };

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_expr(w, &names, text);
	struct expr_template *t = expr_template_compile(text, &names, &e);
	if (t)
		expr_template_render(t, &w->world, out, sizeof(out));
	expr_template_free(t);
	return 0;
}
