/*
 * The rule language: text -> tokens -> tree -> names, types and units checked -> compiled form ->
 * three-valued answer.  Pure: values and times come in through callbacks, answers go out.  This is
 * the room's only door for expressions.
 */
#ifndef RULES_EXPR_H
#define RULES_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/judge.h"
#include "model/metric.h"
#include "model/sample.h"
#include "model/series.h"

struct expr;

/* What the checker asks about names. */
struct expr_names {
	const void *arg;
	/* The metric table of a check ("api", "disks[/var]"); NULL: no such check. */
	const struct metric_desc *(*metrics_of)(const void *arg, const char *check);
	/* All check names, for suggestions: the nth, NULL past the end. */
	const char *(*check_at)(const void *arg, size_t n);
	const struct metric_desc *this_metrics; /* NULL: `this` is an error */
	/* For messages only, may be NULL: the type of a check, and of `this`. */
	const char *(*type_of)(const void *arg, const char *check);
	const char *this_type;
	/* What messages call a check and a metric; NULL: just that. */
	const char *check_word, *metric_word;
	/* Why nothing here has a past, where that is so ("a fact has no past"): a window is an
	 * error then. */
	const char *no_windows;
};

/* e->code: column (from 1) of what is wrong.  The text says what would be right. */
struct expr *expr_compile(const char *text, const struct expr_names *names, struct err *e);
void expr_free(struct expr *expr);
bool expr_is_condition(const struct expr *expr); /* true/false/unknown, not a number */
/* It changes by the passing of time alone (absent), so it must be looked at without a sample. */
bool expr_is_timed(const struct expr *expr);
const char *expr_text(const struct expr *expr);
/* Checks it mentions, in order of appearance, without doubles: the nth, NULL past the end;
 * "this" where it says so. */
const char *expr_check_at(const struct expr *expr, size_t n);

/* What is kept of a metric. */
enum expr_keep {
	KEEP_VALUES,
	KEEP_SKETCH, /* for quantiles, too */
	KEEP_DAYS,   /* for series_usual; fed and asked by the wall clock */
	KEEP_TRUTH,  /* 1 where a comparison of it holds, 0 where it does not */
};

#define EXPR_SHORT_MAX (2 * USEC_PER_HOUR) /* longer windows are taken up from the history */

/* A window that must be kept for an expression to be evaluated. */
struct expr_window {
	const char *check;             /* "this" possible */
	int metric;                    /* index in the check's table */
	const struct metric_desc *row; /* and what stands there */
	usec_t span_us;
	enum expr_keep keep;
	int op; /* KEEP_TRUTH: the comparison, for expr_window_take */
	double with;
};
size_t expr_window_count(const struct expr *expr);
const struct expr_window *expr_window_at(const struct expr *expr, size_t n);
/* Do both keep the same of a metric?  Their checks aside. */
bool expr_window_is_same(const struct expr_window *a, const struct expr_window *b);
/* What is kept of this value of the metric. */
double expr_window_take(const struct expr_window *window, double value);

struct expr_value {
	bool is_known;
	enum metric_unit unit;
	double number;    /* truth of a condition: 0 or 1 */
	const char *text; /* UNIT_TEXT */
};

/* The world it is evaluated in; provided by rules.c (and by tests). */
struct expr_world {
	void *arg;
	usec_t now_us;                    /* monotonic */
	usec_t wall_us;                   /* for what is usual at this time of the day */
	const char *this_check;           /* what `this` is */
	const struct sample *this_sample; /* what sample_of says of it; NULL: it is asked */
	/* The latest sample of a check, NULL: none or too old (no data). */
	const struct sample *(*sample_of)(void *arg, const char *check);
	/* The text of a UNIT_TEXT row (facts have some); NULL: not known.  May be NULL itself. */
	const char *(*text_of)(void *arg, const char *check, int metric);
	/* The kept window of a metric, however old; NULL: not kept.  May be NULL itself. */
	const struct series *(*series_of)(
		void *arg, const char *check, const struct expr_window *window);
};

struct expr_value expr_eval(const struct expr *expr, const struct expr_world *world);
/* Of a condition: what expr_eval says of it, sooner. */
enum verdict expr_verdict(const struct expr *expr, const struct expr_world *world);
/* Every value that it looks at, in order of appearance, with its name for people. */
typedef void (*expr_look_fn)(void *arg, const char *label, const struct expr_value *value);
void expr_look(const struct expr *expr, const struct expr_world *world, expr_look_fn fn, void *arg);
/* As a user reads it: "2.5 s", "yes", "unknown". */
void expr_print_value(const struct expr_value *value, char *out, size_t size);
/* The numbers it looked at, as "name = value with unit" lines: why it fired. */
void expr_explain(const struct expr *expr, const struct expr_world *world, struct buf *out);
/* The same as a JSON object of base units: {"api.total_time": 2.3}. */
json_t *expr_values(const struct expr *expr, const struct expr_world *world);

/* A metric, or a window of it that has its scale (avg, max...), compared with what is written out;
 * sides and `not` are turned so that the metric stands on the left. */
struct expr_bound {
	const char *check; /* "this" possible */
	const struct metric_desc *metric;
	const char *op; /* "<" "<=" ">" ">=" "==" "!=" */
	double value;   /* base unit */
};
typedef void (*expr_bound_fn)(void *arg, const struct expr_bound *bound);
void expr_bounds(const struct expr *expr, expr_bound_fn fn, void *arg);

/* What it asks: a metric, or `function` (down, cause...) of a check. */
struct expr_use {
	const char *check;                /* "this" possible */
	const struct metric_desc *metric; /* NULL: a function */
	int index;
	const char *function;
};
typedef void (*expr_use_fn)(void *arg, const struct expr_use *use);
void expr_uses(const struct expr *expr, expr_use_fn fn, void *arg);

/* "disk {{this.used_percent}} full": text with expressions. */
struct expr_template;
struct expr_template *expr_template_compile(
	const char *text, const struct expr_names *names, struct err *e);
void expr_template_free(struct expr_template *t);
/* A value that is not known is shown as "?".  False: there was one, or `out` is too short. */
bool expr_template_render(
	const struct expr_template *t, const struct expr_world *world, char *out, size_t size);

/* The nth expression inside, NULL past the end. */
const struct expr *expr_template_at(const struct expr_template *t, size_t n);

extern const struct judge expr_judge; /* expect.json */

/* A word that no check, rule or receiver may have as its name: a keyword or a function. */
bool expr_is_reserved(const char *word);

/* The functions, one row each, for the manual: name, arguments, what it means. */
struct expr_function_doc {
	const char *name, *usage, *doc;
};
size_t expr_function_count(void);
struct expr_function_doc expr_function_at(size_t n);

#endif
