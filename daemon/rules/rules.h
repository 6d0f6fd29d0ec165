/*
 * The rules in force: which expression is watched for which check, the windows they need, and the
 * alert machines.  Samples and times in, alert events out; no socket, no clock of its own.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "conf/schema.h"
#include "model/alert.h"
#include "model/check.h"
#include "model/judge.h"
#include "model/sample.h"

struct rules;
struct rule_set; /* compiled rules of one configuration: immutable */

enum on_no_data { NO_DATA_KEEP, NO_DATA_ALERT, NO_DATA_OK };

/* One `rules:` entry as configured. */
extern const struct conf_field rule_fields[];

/* What the compiler must know about the checks in force. */
struct rule_checks {
	const struct check_spec *const *specs;
	size_t count;
	const struct metric_desc *(*metrics_of_type)(const char *type); /* NULL: no such type */
	/* With what its settings add (one row for each query...); NULL: as the type's. */
	const struct metric_desc *(*metrics_of)(const struct check_spec *spec);
};

/*
 * Compiles `rules` (a map node, NULL: none were written) and the built-in ones that `builtin` (the
 * node of builtin_rules, NULL: default) leaves in force.  Complaints are positioned.  Never NULL.
 */
struct rule_set *rule_set_compile(const struct conf_node *rules, const struct conf_node *builtin,
	const struct rule_checks *checks, struct complaints *complaints);
void rule_set_free(struct rule_set *set);

/* Built-in rules for the manual: YAML text of each. */
size_t rule_builtin_count(void);
const char *rule_builtin_name(size_t n);
const char *rule_builtin_yaml(size_t n);

typedef void (*alert_fn)(void *arg, const struct alert_event *event);
/* An alert machine's state changed: persist it under key ("check\nrule"); NULL: forget it. */
typedef void (*alert_keep_fn)(void *arg, const char *key, const json_t *state);

struct rules_options {
	alert_fn on_alert;
	alert_keep_fn on_keep;
	/* What the history knows of a metric as far back as `span_us`: answered by rules_take_past,
	 * later.  May be NULL. */
	void (*past)(void *arg, const char *check, const char *metric, usec_t span_us);
	/* An alert was judged: could anything be said of all its levels?  May be NULL. */
	void (*on_verdict)(void *arg, const char *check, bool is_known, usec_t now_us);
	void *arg;
};

/* A stretch of history. */
struct rules_past {
	usec_t since_us, until_us; /* wall */
	uint32_t count;
	double avg, min, max;
};

struct rules *rules_new(const struct rules_options *options);
void rules_free(struct rules *rules);

/* The answer to options.past, in order of time. */
void rules_take_past(struct rules *rules, const char *check, const char *metric, usec_t span_us,
	const struct rules_past *past, size_t count);

/* Before the first apply: what on_keep was told by the process before us. */
void rules_restore(struct rules *rules, const char *key, const json_t *state);

/* Puts a set in force (it and the specs are borrowed until the next apply): same check and rule
 * keep their state and windows; what is gone ends with ALERT_REMOVED.  now: monotonic and wall. */
void rules_apply(struct rules *rules, const struct rule_set *set,
	const struct check_spec *const *specs, size_t count, usec_t now_us, usec_t wall_us);
/* Children come and go at run time; a child's spec is borrowed until it goes. */
void rules_add_child(struct rules *rules, const struct check_spec *child, usec_t now_us);
void rules_remove_child(
	struct rules *rules, const struct check_spec *child, usec_t now_us, usec_t wall_us);

/* After a restart: children that had alerts may still come, their parent has not found any yet. */
bool rules_awaits_children(const struct rules *rules);

/* A sample of a check (by its name): windows take it in, its rules are evaluated. */
void rules_feed(struct rules *rules, const char *check, const struct sample *sample);
/* The same; `ties` are this check's. */
void rules_feed_tied(struct rules *rules, struct check_ties *ties, const char *check,
	const struct sample *sample);
/* Time-based changes (`for`, keep_firing_for, no data).  Returns when it wants to be called next
 * (monotonic), INT64_MAX: not before the next sample. */
usec_t rules_tick(struct rules *rules, usec_t now_us, usec_t wall_us);
usec_t rules_due(const struct rules *rules); /* what the last tick, or sample, would return */

/* For the API: every alert that is not quiet. */
struct alert_view {
	const char *check, *rule, *text;
	const char *state; /* "pending" "firing" "clearing" "unknown" */
	enum severity severity;
	usec_t since_us;
};
/* The most memory that the windows in force can come to, whatever is measured. */
size_t rules_window_bytes(const struct rules *rules);
/* The window as a rule in force keeps it; NULL: none does. */
struct expr_window;
const struct series *rules_series(
	const struct rules *rules, const char *check, const struct expr_window *window);
/* For `triage why`: what each rule of a check has decided and waits for, one object each:
 * {"what": "pending", "text": "slow: warning is true; it fires if that lasts", "until": time} */
json_t *rules_why(const struct rules *rules, const char *check,
	const struct sample *latest); /* NULL: there is none */
/* Where each rule of a check stands, one object each: {"name", "state" (quiet, pending, firing,
 * clearing, no_data), "severity", "since"?, "summary"?, "levels": [{"severity", "expr", "for",
 * "for_samples"?, "clear"?}], "thresholds": [{"severity", "metric", "op", "value", "unit"}]} */
json_t *rules_stand(const struct rules *rules, const char *check,
	const struct sample *latest); /* NULL: there is none */
size_t rules_view(const struct rules *rules, struct alert_view *out, size_t max);

#endif
