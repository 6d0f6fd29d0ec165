/*
 * Prints a sample.  The exit status is that of a Nagios plugin: 0 ok, 2 the target failed, 3 it
 * could not be told.
 */
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/table.h"
#include "conf/value.h"
#include "model/cause.h"
#include "probes/probe.h"

static int
status_of(const json_t *sample)
{
	const char *outcome = answer_text(sample, "outcome");

	if (str_eq(outcome, "ok"))
		return NAGIOS_OK;
	return str_eq(outcome, "fail") ? NAGIOS_CRITICAL : NAGIOS_UNKNOWN;
}

static void
print_line(const struct cli *cli, size_t indent, const char *text)
{
	char *clean = xstrdup(text);

	term_clean(clean, false);
	term_print_wrapped(&cli->term, stdout, indent, clean);
	free(clean);
}

static void
print_labelled(const struct cli *cli, const char *label, const char *text)
{
	char *line = xasprintf("%s: %s", label, text);

	print_line(cli, 2, line);
	free(line);
}

/* What the cause means and the first thing to do, from the catalogue. */
static void
print_cause(const struct cli *cli, const struct report *report)
{
	const char *code = answer_text(report->sample, "cause");
	const struct cause *cause = cause_find(code);
	const struct cause_words words = {
		.check = report->name == NULL ? report->target : report->name,
		.type = report->type,
		.target = report->target,
		.text = answer_text(report->sample, "text"),
	};
	char text[1024];

	if (*code == '\0')
		return;
	print_labelled(cli, "cause", code);
	if (cause == NULL)
		return;
	cause_fill(text, sizeof(text), cause->why[LANG_EN], &words);
	print_labelled(cli, "why", text);
	cause_fill(text, sizeof(text), cause->remedy[LANG_EN], &words);
	print_labelled(cli, "do", text);
}

/* The catalogue's unit, or what the sample says of rows that only it knows. */
static void
format_number(const struct report *report, const char *metric, double value, char *out, size_t size)
{
	const json_t *units = json_object_get(report->sample, "units");
	const char *unit = json_string_value(json_object_get(units, metric));

	if (unit != NULL)
		value_format(value, unit, out, size);
	else
		answer_metric(report->type, metric, value, out, size);
}

static void
print_numbers(const struct cli *cli, const char *title, const struct report *report,
	json_t *numbers, const char *suffix)
{
	const struct table_column columns[] = {
		{ .title = title, .is_flexible = true },
		{ .title = "VALUE", .is_right = true },
	};
	struct table *table = table_new(columns, 2);
	const char *key;
	json_t *value;

	json_object_foreach(numbers, key, value)
	{
		char *metric = xasprintf("%s%s", key, suffix), text[64];
		const char *cells[] = { key, text };

		format_number(report, metric, json_number_value(value), text, sizeof(text));
		table_add(table, cells);
		free(metric);
	}
	if (table_rows(table) > 0) {
		putchar('\n');
		table_print(table, &cli->term, stdout);
	}
	table_free(table);
}

/* The phases have a table of their own. */
static json_t *
without_phases(const json_t *sample)
{
	json_t *values = json_copy(json_object_get(sample, "values"));
	json_t *phase;
	const char *key;

	json_object_foreach(json_object_get(sample, "phases"), key, phase)
	{
		char name[64];

		snprintf(name, sizeof(name), "%s_time", key);
		json_object_del(values, name);
	}
	return values;
}

/* Their table says what a fact called "timing" would. */
static json_t *
other_facts(const json_t *sample)
{
	bool has_phases = json_object_size(json_object_get(sample, "phases")) > 0;
	json_t *list = json_array(), *fact;
	size_t i;

	json_array_foreach(json_object_get(sample, "facts"), i,
		fact) if (!has_phases || !str_eq(answer_text(fact, "name"), "timing"))
		json_array_append(list, fact);
	return list;
}

static void
print_list(const struct cli *cli, const json_t *list, const char *first, const char *second)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		print_labelled(cli, answer_text(one, first), answer_text(one, second));
}

static void
print_people(const struct cli *cli, const struct report *report)
{
	const json_t *sample = report->sample;
	const char *outcome = answer_text(sample, "outcome");
	const char *shown = str_eq(outcome, "error") ? "cannot tell" : outcome;
	json_t *values = without_phases(sample), *facts = other_facts(sample);
	char *name = xstrdup(report->name == NULL ? report->target : report->name);

	term_clean(name, false);
	term_paint(&cli->term, stdout, term_paint_of(shown), shown);
	printf("  ");
	term_paint(&cli->term, stdout, PAINT_BOLD, name);
	printf(" (%s)\n", report->type);
	free(name);
	print_line(cli, 2, answer_text(sample, "text"));
	print_cause(cli, report);
	print_list(cli, facts, "name", "text");
	print_list(cli, json_object_get(sample, "notes"), "cause", "text");
	print_numbers(cli, "PHASE", report, json_object_get(sample, "phases"), "_time");
	print_numbers(cli, "METRIC", report, values, "");
	json_decref(values);
	json_decref(facts);
}

/* 'label'=value[UOM]: seconds, bytes and percent have a unit, counters have c. */
static void
print_perfdata(const struct report *report)
{
	const struct probe_type *type = probe_find(report->type);
	json_t *value;
	const char *key, *between = " | ";

	json_object_foreach(json_object_get(report->sample, "values"), key, value)
	{
		int index = type == NULL ? -1 : metric_index(type->metrics, key);
		const char *unit = json_string_value(
			json_object_get(json_object_get(report->sample, "units"), key));

		if (index != -1 && type->metrics[index].kind == METRIC_COUNTER)
			unit = "c";
		else if (unit == NULL)
			unit = index == -1 ? "" : unit_symbol(type->metrics[index].unit);
		if (strcmp(unit, "B/s") == 0 || strcmp(unit, "/s") == 0)
			unit = ""; /* the plugins' convention has no rates */
		printf("%s'%s'=%.15g%s", between, key, json_number_value(value), unit);
		between = " ";
	}
	putchar('\n');
}

static void
print_nagios(const struct report *report)
{
	static const char *const words[] = {
		[NAGIOS_OK] = "OK",
		[NAGIOS_WARNING] = "WARNING",
		[NAGIOS_CRITICAL] = "CRITICAL",
		[NAGIOS_UNKNOWN] = "UNKNOWN",
	};
	char *text = xstrdup(answer_text(report->sample, "text"));
	const char *code = answer_text(report->sample, "cause");

	term_clean(text, false);
	/* Behind the bar begins the perfdata. */
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '|' ? '/' : *p;
	printf("%s %s: %s%s%s%s", report->type, words[status_of(report->sample)], text,
		*code == '\0' ? "" : " (", code, *code == '\0' ? "" : ")");
	free(text);
	print_perfdata(report);
}

static void
print_json(const struct report *report)
{
	json_t *doc = json_object();

	json_object_set_new(
		doc, "check", report->name == NULL ? json_null() : json_string(report->name));
	json_object_set_new(doc, "type", json_string(report->type));
	json_object_set_new(doc, "target", json_string(report->target));
	json_object_update(doc, report->sample);
	answer_print_json(doc);
	json_decref(doc);
}

int
report_print(const struct cli *cli, const struct report *report)
{
	if (cli->is_json)
		print_json(report);
	else if (cli_has(cli, "nagios"))
		print_nagios(report);
	else
		print_people(cli, report);
	return status_of(report->sample);
}
