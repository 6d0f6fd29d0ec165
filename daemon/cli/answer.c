/* Answers of the daemon, field by field; everything that may be absent may be absent. */
#include "cli/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/metric.h"
#include "probes/probe.h"

const char *
answer_text(const json_t *doc, const char *key)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text == NULL ? "" : text;
}

const char *
answer_summary(const json_t *incident)
{
	const char *check = answer_text(incident, "check");
	const char *title = str_skip_label(answer_text(incident, "title"), check);
	const char *summary = answer_text(incident, "summary");

	return strcmp(str_skip_label(summary, check), title) == 0 ? "" : summary;
}

double
answer_number(const json_t *doc, const char *key)
{
	const json_t *value = json_object_get(doc, key);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

size_t
answer_count(const json_t *doc, const char *key)
{
	json_int_t count = json_integer_value(json_object_get(doc, key));

	return count < 0 ? 0 : (size_t)count;
}

void
answer_age(const json_t *doc, const char *key, char out[AGE_SIZE])
{
	struct clock clock;
	usec_t at, age;

	out[0] = '\0';
	if (clock_parse_rfc3339(answer_text(doc, key), &at) == -1)
		return;
	clock_init_real(&clock);
	age = clock_wall(&clock) - at;
	/* Whole seconds: finer is noise in a table, and clocks of two hosts differ. */
	age = age < 0 ? 0 : age / USEC_PER_SEC * USEC_PER_SEC;
	if (age == 0)
		str_copy(out, AGE_SIZE, "0s");
	else
		clock_format_duration(age, out, AGE_SIZE);
}

const char *
answer_state(const json_t *check)
{
	static const struct {
		const char *state, *word;
	} rows[] = {
		{ "up", "ok" },
		{ "suspect", "failing" },
		{ "unknown", "waiting" },
	};
	const char *state = answer_text(check, "state");
	const json_t *last = json_object_get(check, "last");

	if (strcmp(state, "unknown") == 0 && strcmp(answer_text(last, "outcome"), "error") == 0)
		return "cannot tell";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(state, rows[i].state) == 0)
			return rows[i].word;
	return state;
}

void
answer_print_json(const json_t *doc)
{
	json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	putchar('\n');
}

int
answer_fail(const struct err *e)
{
	char *text = xstrdup(e->text);

	term_clean(text, true);
	fprintf(stderr, "triage: %s\n", text);
	free(text);
	return EXIT_TROUBLE;
}

void
answer_metric(const char *type, const char *metric, double value, char *out, size_t size)
{
	const struct probe_type *probe = probe_find(type);
	int index = probe == NULL ? -1 : metric_index(probe->metrics, metric);

	metric_format(value, index == -1 ? UNIT_NONE : probe->metrics[index].unit, out, size);
}
