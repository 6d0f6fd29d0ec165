/*
 * What a log is searched for, compiled.  Shared by the settings and by a thread that may still be
 * reading when they go: the last one to let go frees it.
 */
#ifndef PROBES_LOG_RULES_H
#define PROBES_LOG_RULES_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/schema.h"

#define LOG_PATTERNS_MAX 32
#define LOG_FIELDS_MAX   8
#define LOG_GROUPS       4 /* of a field's expression that are looked at */

struct log_pattern {
	char *name;
	regex_t re;
	bool fails;   /* a match makes the check fail */
	int unit;     /* of a field: index into log_field_units; -1: a plain number */
	size_t group; /* of a field: which (...) is the number */
};

extern const char *const log_field_units[]; /* "us", "ms", "s", "bytes"; NULL */

struct log_rules {
	unsigned refs; /* changed atomically */
	struct log_pattern patterns[LOG_PATTERNS_MAX];
	size_t pattern_count;
	struct log_pattern fields[LOG_FIELDS_MAX];
	size_t field_count;
	regex_t *ignore;
	size_t ignore_count;
	regex_t continuation;
	bool has_continuation;
};

struct log_rules_conf {
	struct conf_pairs patterns, fields, field_units;
	struct conf_strings fail_on, ignore;
	char *continuation;
};

/* Complaints go to `map`'s places; what is wrong is left out. */
struct log_rules *log_rules_new(const struct log_rules_conf *conf, const struct conf_node *map,
	struct complaints *complaints);
struct log_rules *log_rules_ref(struct log_rules *rules);
void log_rules_unref(struct log_rules *rules); /* NULL is fine */

bool log_rules_is_time(const struct log_pattern *field);
/* What a number of this field is multiplied by; a unit right behind the number beats the settings.
 */
double log_rules_scale(const struct log_pattern *field, const char *behind, size_t len);

#endif
