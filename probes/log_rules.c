/* Compiles the expressions of a `log` check; without any, errors of the usual spellings count. */
#include "probes/log_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/pattern.h"

/* What loggers write for a line of that level, and hardly anybody in a sentence. */
#define DEFAULT_NAME "error"
#define DEFAULT_TEXT                                                                               \
	"(^|[^[:alnum:]_])(ERROR|FATAL|PANIC|CRITICAL|EMERG)([^[:alnum:]_]|$)|"                    \
	"\\[(error|crit|alert|emerg|fatal|panic)\\]|"                                              \
	"level\"?[=:] ?\"?(error|fatal|panic|critical)|Traceback \\(most recent"

static int
compile(regex_t *re, const char *text, const struct conf_pos *pos, struct complaints *complaints)
{
	struct err e;

	if (pattern_check(text, &e) < 0) {
		complain(complaints, pos, "%s", e.text);
		return -1;
	}
	return regcomp(re, text, REG_EXTENDED | REG_NEWLINE) == 0 ? 0 : -1;
}

static bool
is_metric_word(const char *name)
{
	return name[0] != '\0' && strlen(name) <= 40 &&
	       name[strspn(name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static size_t
compile_pairs(struct log_pattern *out, size_t max, const struct conf_pairs *pairs,
	struct complaints *complaints)
{
	size_t count = 0;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct conf_pair *pair = &pairs->all[i];

		if (count == max)
			complain(complaints, &pair->pos, "at most %zu of these", max);
		else if (!is_metric_word(pair->name))
			complain(complaints, &pair->pos,
				"\"%s\" becomes part of a metric's name: letters, digits and _ "
				"only, "
				"at most 40",
				pair->name);
		else if (compile(&out[count].re, pair->value, &pair->pos, complaints) == 0)
			out[count++].name = xstrdup(pair->name);
		if (count == max)
			break;
	}
	return count;
}

/* A plain word is a key: the number behind "KEY=" or "KEY":, in quotes or not. */
static bool
is_key(const char *text)
{
	return text[0] != '\0' && strlen(text) < 64 &&
	       text[strspn(text,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] ==
		       '\0';
}

static size_t
compile_fields(
	struct log_rules *rules, const struct conf_pairs *pairs, struct complaints *complaints)
{
	struct conf_pairs made = { .count = pairs->count };
	char **texts = xcalloc(pairs->count + 1, sizeof(*texts));
	size_t count;

	made.all = xcalloc(pairs->count + 1, sizeof(*made.all));
	for (size_t i = 0; i < pairs->count; i++) {
		made.all[i] = pairs->all[i];
		if (!is_key(pairs->all[i].value))
			continue;
		texts[i] = xasprintf("(^|[^[:alnum:]_.-])%s\"?[[:space:]]*[=:][[:space:]]*\"?"
				     "([0-9]+(\\.[0-9]+)?)",
			pairs->all[i].value);
		made.all[i].value = texts[i];
	}
	count = compile_pairs(rules->fields, LOG_FIELDS_MAX, &made, complaints);
	for (size_t i = 0; i < count; i++) {
		rules->fields[i].unit = -1;
		rules->fields[i].group = 1;
		for (size_t k = 0; k < pairs->count; k++)
			if (str_eq(pairs->all[k].name, rules->fields[i].name)) {
				rules->fields[i].group = texts[k] != NULL ? 2 : 1;
				if (rules->fields[i].re.re_nsub < 1)
					complain(complaints, &pairs->all[k].pos,
						"the number is what stands in (...): a group is "
						"missing");
			}
	}
	for (size_t i = 0; i < pairs->count; i++)
		free(texts[i]);
	free(texts);
	free(made.all);
	return count;
}

const char *const log_field_units[] = { "us", "ms", "s", "bytes", NULL };
static const double to_base[] = { 1e-6, 1e-3, 1, 1 };
#define UNIT_BYTES_AT 3

static void
set_units(struct log_rules *rules, const struct conf_pairs *units, struct complaints *complaints)
{
	for (size_t i = 0; i < units->count; i++) {
		struct log_pattern *field = NULL;
		int unit = 0;

		for (size_t k = 0; k < rules->field_count; k++)
			if (str_eq(rules->fields[k].name, units->all[i].name))
				field = &rules->fields[k];
		while (log_field_units[unit] != NULL &&
			!str_eq(log_field_units[unit], units->all[i].value))
			unit++;
		if (field == NULL)
			complain(complaints, &units->all[i].pos,
				"field_units: no field is called \"%s\"", units->all[i].name);
		else if (log_field_units[unit] == NULL)
			complain(complaints, &units->all[i].pos,
				"field_units: \"%s\" is none of us, ms, s and bytes",
				units->all[i].value);
		else
			field->unit = unit;
	}
}

bool
log_rules_is_time(const struct log_pattern *field)
{
	return field->unit >= 0 && field->unit < UNIT_BYTES_AT;
}

double
log_rules_scale(const struct log_pattern *field, const char *behind, size_t len)
{
	static const struct {
		const char *text;
		double factor;
	} suffixes[] = { { "us", 1e-6 }, { "\xc2\xb5s", 1e-6 }, { "ms", 1e-3 }, { "s", 1 } };

	if (field->unit < 0)
		return 1;
	for (size_t i = 0; log_rules_is_time(field) && i < sizeof(suffixes) / sizeof(suffixes[0]);
		i++) {
		size_t n = strlen(suffixes[i].text);

		if (len >= n && memcmp(behind, suffixes[i].text, n) == 0 &&
			(len == n || strchr(" ,;\"'|)]}\r\t", behind[n]) != NULL))
			return suffixes[i].factor;
	}
	return to_base[field->unit];
}

static void
mark_failing(struct log_rules *rules, const struct conf_strings *names, const struct conf_pos *pos,
	struct complaints *complaints)
{
	for (size_t i = 0; i < names->count; i++) {
		bool is_known = false;

		for (size_t k = 0; k < rules->pattern_count; k++)
			if (str_eq(rules->patterns[k].name, names->all[i]))
				rules->patterns[k].fails = is_known = true;
		if (!is_known)
			complain(complaints, pos, "fail_on: no pattern is called \"%s\"",
				names->all[i]);
	}
}

struct log_rules *
log_rules_new(const struct log_rules_conf *conf, const struct conf_node *map,
	struct complaints *complaints)
{
	struct log_rules *rules = xcalloc(1, sizeof(*rules));
	struct conf_pos pos;

	rules->refs = 1;
	rules->pattern_count =
		compile_pairs(rules->patterns, LOG_PATTERNS_MAX, &conf->patterns, complaints);
	if (conf->patterns.count == 0 &&
		regcomp(&rules->patterns[0].re, DEFAULT_TEXT, REG_EXTENDED | REG_NEWLINE) == 0) {
		rules->patterns[0].name = xstrdup(DEFAULT_NAME);
		rules->pattern_count = 1;
	}
	rules->field_count = compile_fields(rules, &conf->fields, complaints);
	set_units(rules, &conf->field_units, complaints);
	pos = conf_pos_of(map, "fail_on");
	mark_failing(rules, &conf->fail_on, &pos, complaints);
	pos = conf_pos_of(map, "ignore");
	rules->ignore = xcalloc(conf->ignore.count + 1, sizeof(*rules->ignore));
	for (size_t i = 0; i < conf->ignore.count; i++)
		if (compile(&rules->ignore[rules->ignore_count], conf->ignore.all[i], &pos,
			    complaints) == 0)
			rules->ignore_count++;
	rules->has_continuation =
		conf->continuation != NULL &&
		regcomp(&rules->continuation, conf->continuation, REG_EXTENDED) == 0;
	return rules;
}

struct log_rules *
log_rules_ref(struct log_rules *rules)
{
	__atomic_add_fetch(&rules->refs, 1, __ATOMIC_RELAXED);
	return rules;
}

static void
free_patterns(struct log_pattern *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(all[i].name);
		regfree(&all[i].re);
	}
}

void
log_rules_unref(struct log_rules *rules)
{
	if (rules == NULL || __atomic_sub_fetch(&rules->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free_patterns(rules->patterns, rules->pattern_count);
	free_patterns(rules->fields, rules->field_count);
	for (size_t i = 0; i < rules->ignore_count; i++)
		regfree(&rules->ignore[i]);
	free(rules->ignore);
	if (rules->has_continuation)
		regfree(&rules->continuation);
	free(rules);
}
