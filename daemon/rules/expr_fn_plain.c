/*
 * Functions about checks, and plain ones: what they are worth now, without any past.
 */
#include <math.h>
#include <string.h>

#include "rules/expr_fn.h"

const struct sample *
expr_sample_of(const char *check, const struct expr_world *world)
{
	if (check == expr_this && world->this_sample != NULL)
		return world->this_sample;
	return world->sample_of(world->arg, expr_real_check(check, world));
}

/* --- about checks --- */

static enum check_state
state_of(const struct node *check, const struct expr_world *world)
{
	const struct sample *sample = expr_sample_of(check->check, world);

	return sample ? sample->state : CHECK_UNKNOWN;
}

struct expr_value
fn_down(const struct node *call, const struct expr_world *world)
{
	enum check_state state = state_of(call->kids[0], world);

	return state == CHECK_UNKNOWN ? value_unknown(UNIT_BOOL) : value_truth(state == CHECK_DOWN);
}

struct expr_value
fn_up(const struct node *call, const struct expr_world *world)
{
	enum check_state state = state_of(call->kids[0], world);

	return state == CHECK_UNKNOWN ? value_unknown(UNIT_BOOL) : value_truth(state == CHECK_UP);
}

struct expr_value
fn_failing(const struct node *call, const struct expr_world *world)
{
	const struct sample *sample = expr_sample_of(call->kids[0]->check, world);
	double wanted = call->kid_count > 1 ? call->kids[1]->number : 1;

	if (!sample || (sample->outcome == OUTCOME_ERROR && sample->state == CHECK_UNKNOWN))
		return value_unknown(UNIT_BOOL);
	return value_truth((double)sample->failures >= wanted);
}

struct expr_value
fn_cause(const struct node *call, const struct expr_world *world)
{
	const struct sample *sample = expr_sample_of(call->kids[0]->check, world);
	struct expr_value value = { .is_known = true, .unit = UNIT_TEXT, .text = "" };

	if (!sample || sample->outcome == OUTCOME_ERROR || sample->outcome == OUTCOME_NONE)
		return value_unknown(UNIT_TEXT);
	if (sample->outcome != OUTCOME_FAIL)
		return value;
	if (!sample->cause) /* of the past nobody knows why */
		return value_unknown(UNIT_TEXT);
	value.text = sample->cause->code;
	return value;
}

struct expr_value
fn_cannot_tell(const struct node *call, const struct expr_world *world)
{
	const struct sample *sample = expr_sample_of(call->kids[0]->check, world);

	if (!sample)
		return value_unknown(UNIT_BOOL);
	return value_truth(sample->outcome == OUTCOME_ERROR);
}

/* --- plain --- */

struct expr_value
fn_abs(const struct node *call, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(call->kids[0], world);

	value.number = fabs(value.number);
	return value;
}

struct expr_value
fn_round(const struct node *call, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(call->kids[0], world);
	struct expr_value step = value_number_of(UNIT_NONE, 1);

	if (call->kid_count > 1)
		step = expr_eval_node(call->kids[1], world);
	if (!value.is_known || !step.is_known || step.number <= 0)
		return value_unknown(call->unit);
	value.number = round(value.number / step.number) * step.number;
	return value;
}

/* Of those that are known: a limit that this host does not have is no reason to know nothing. */
static struct expr_value
extreme(const struct node *call, const struct expr_world *world, double (*better)(double, double))
{
	struct expr_value all = value_unknown(call->unit);

	for (unsigned i = 0; i < call->kid_count; i++) {
		struct expr_value one = expr_eval_node(call->kids[i], world);
		if (!one.is_known)
			continue;
		double number = all.is_known ? better(all.number, one.number) : one.number;
		all = value_number_of(call->unit, number);
	}
	return all;
}

struct expr_value
fn_least(const struct node *call, const struct expr_world *world)
{
	return extreme(call, world, fmin);
}

struct expr_value
fn_greatest(const struct node *call, const struct expr_world *world)
{
	return extreme(call, world, fmax);
}

struct expr_value
fn_clamp(const struct node *call, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(call->kids[0], world);
	struct expr_value low = expr_eval_node(call->kids[1], world);
	struct expr_value high = expr_eval_node(call->kids[2], world);

	if (!value.is_known || !low.is_known || !high.is_known)
		return value_unknown(call->unit);
	value.number = fmin(fmax(value.number, low.number), high.number);
	return value;
}

struct expr_value
fn_known(const struct node *call, const struct expr_world *world)
{
	return value_truth(expr_eval_node(call->kids[0], world).is_known);
}

struct expr_value
fn_coalesce(const struct node *call, const struct expr_world *world)
{
	for (unsigned i = 0; i < call->kid_count; i++) {
		struct expr_value one = expr_eval_node(call->kids[i], world);
		one.unit = call->unit;
		if (one.is_known)
			return one;
	}
	return value_unknown(call->unit);
}

struct expr_value
fn_contains(const struct node *call, const struct expr_world *world)
{
	struct expr_value text = expr_eval_node(call->kids[0], world);
	struct expr_value part = expr_eval_node(call->kids[1], world);

	if (!text.is_known || !part.is_known)
		return value_unknown(UNIT_BOOL);
	return value_truth(strstr(text.text, part.text) != NULL);
}
