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

struct log_pattern {
	char *name;
	regex_t re;
	bool fails; /* a match makes the check fail */
};

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
	struct conf_pairs patterns, fields;
	struct conf_strings fail_on, ignore;
	char *continuation;
};

/* Complaints go to `map`'s places; what is wrong is left out. */
struct log_rules *log_rules_new(const struct log_rules_conf *conf, const struct conf_node *map,
	struct complaints *complaints);
struct log_rules *log_rules_ref(struct log_rules *rules);
void log_rules_unref(struct log_rules *rules); /* NULL is fine */

#endif
