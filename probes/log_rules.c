/* Compiles the expressions of a `log` check; without any, errors of the usual spellings count. */
#include "probes/log_rules.h"

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
	rules->field_count =
		compile_pairs(rules->fields, LOG_FIELDS_MAX, &conf->fields, complaints);
	for (size_t i = 0; i < rules->field_count; i++)
		if (rules->fields[i].re.re_nsub < 1)
			complain(complaints, &conf->fields.all[i].pos,
				"the number is what stands in (...): a group is missing");
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
