/* See backtest.h. */
#include "model/backtest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

struct sum {
	size_t checks, firings, noise, incidents, caught;
	double seconds, longest, known, span;
	double *earlier; /* of each incident that was caught */
	size_t earlier_count;
};

static double
number(const json_t *doc, const char *key)
{
	const json_t *value = json_object_get(doc, key);

	return json_is_number(value) ? json_number_value(value) : 0;
}

static void
add_firings(struct sum *sum, const json_t *result)
{
	const json_t *firing;
	size_t i;

	json_array_foreach(json_object_get(result, "firings"), i, firing)
	{
		double seconds = number(firing, "seconds");
		sum->firings++;
		sum->seconds += seconds;
		sum->longest = seconds > sum->longest ? seconds : sum->longest;
		sum->noise += json_object_get(firing, "incident") == NULL &&
			      json_object_get(firing, "forgotten") == NULL;
	}
	sum->firings += (size_t)number(result, "firings_left_out");
}

static void
add_incidents(struct sum *sum, const json_t *result)
{
	const json_t *incident;
	size_t i;

	json_array_foreach(json_object_get(result, "incidents"), i, incident)
	{
		sum->incidents++;
		if (!json_is_true(json_object_get(incident, "caught")))
			continue;
		sum->caught++;
		sum->earlier =
			xreallocarray(sum->earlier, sum->earlier_count + 1, sizeof(*sum->earlier));
		sum->earlier[sum->earlier_count++] = number(incident, "earlier_seconds");
	}
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
middle(struct sum *sum)
{
	if (sum->earlier_count == 0)
		return (double)NAN;
	qsort(sum->earlier, sum->earlier_count, sizeof(*sum->earlier), by_size);
	return sum->earlier[sum->earlier_count / 2];
}

static void
add_duration(struct buf *out, double seconds)
{
	char text[40];

	clock_format_duration((usec_t)llround(seconds) * USEC_PER_SEC, text, sizeof(text));
	buf_add_text(out, text);
}

static void
add_times(struct buf *out, const struct sum *sum)
{
	if (sum->firings == 0)
		buf_add_text(out, "would not have fired in ");
	else if (sum->firings == 1)
		buf_add_text(out, "would have fired once in ");
	else
		buf_addf(out, "would have fired %zu times in ", sum->firings);
	add_duration(out, sum->span);
	if (sum->firings == 0)
		return;
	buf_add_text(out, ", ");
	add_duration(out, sum->seconds);
	buf_add_text(out, " in all");
	if (sum->firings < 2)
		return;
	buf_add_text(out, ", ");
	add_duration(out, sum->longest);
	buf_add_text(out, " at longest");
}

static void
add_catch(struct buf *out, const struct sum *sum, double earlier)
{
	if (sum->incidents == 0) {
		buf_add_text(out, "; there were no incidents to compare with");
		return;
	}
	buf_addf(out, "; caught %zu of %zu incident%s", sum->caught, sum->incidents,
		sum->incidents == 1 ? "" : "s");
	if (isnan(earlier))
		return;
	if (fabs(earlier) < 1) {
		buf_add_text(out, ", at the same time");
		return;
	}
	buf_add_text(out, ", ");
	add_duration(out, fabs(earlier));
	buf_addf(out, " %s%s", earlier > 0 ? "earlier" : "later",
		sum->earlier_count > 1 ? " in the middle" : "");
}

/* "would have fired 3 times in 7d, 41m in all, 20m at longest; caught 2 of 2 incidents, 1m30s
 * earlier in the middle; 1 would have been noise" */
static json_t *
sentence(const struct sum *sum, double earlier)
{
	struct buf out;
	json_t *text;

	buf_init(&out, 1000);
	add_times(&out, sum);
	add_catch(&out, sum, earlier);
	if (sum->noise > 0 && sum->incidents > 0)
		buf_addf(&out, "; %zu would have been noise", sum->noise);
	if (sum->checks > 0 && sum->known < 0.99 * sum->span * (double)sum->checks)
		buf_addf(&out, "; %.0f %% of the time is known",
			floor(100 * sum->known / (sum->span * (double)sum->checks)));
	text = json_string(buf_text(&out));
	buf_fini(&out);
	return text;
}

static json_t *
sum_json(struct sum *sum, const char *rule)
{
	json_t *doc = json_object();
	double earlier = middle(sum);

	json_object_set_new(doc, "rule", json_string(rule));
	json_object_set_new(doc, "checks", json_integer((json_int_t)sum->checks));
	json_object_set_new(doc, "firings", json_integer((json_int_t)sum->firings));
	json_object_set_new(doc, "seconds", json_real(sum->seconds));
	json_object_set_new(doc, "longest_seconds", json_real(sum->longest));
	json_object_set_new(doc, "noise", json_integer((json_int_t)sum->noise));
	json_object_set_new(doc, "incidents", json_integer((json_int_t)sum->incidents));
	json_object_set_new(doc, "caught", json_integer((json_int_t)sum->caught));
	json_object_set_new(
		doc, "missed", json_integer((json_int_t)(sum->incidents - sum->caught)));
	if (!isnan(earlier))
		json_object_set_new(doc, "earlier_seconds", json_real(earlier));
	if (sum->checks > 0 && sum->span > 0)
		json_object_set_new(doc, "known_ratio",
			json_real(sum->known / (sum->span * (double)sum->checks)));
	json_object_set_new(doc, "summary", sentence(sum, earlier));
	return doc;
}

json_t *
backtest_sum(const json_t *results, const char *rule, double span_seconds)
{
	struct sum sum = { .span = span_seconds };
	const json_t *result;
	json_t *doc;
	size_t i;

	json_array_foreach(results, i, result)
	{
		if (!str_eq(json_string_value(json_object_get(result, "rule")), rule) ||
			json_object_get(result, "error") != NULL)
			continue;
		sum.checks++;
		sum.known += number(result, "known_seconds");
		add_firings(&sum, result);
		add_incidents(&sum, result);
	}
	doc = sum_json(&sum, rule);
	free(sum.earlier);
	return doc;
}
