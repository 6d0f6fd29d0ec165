/*
 * Routes: the `routes:` block's keys, what is wrong with one, and which of them leads an incident
 * to a receiver.  The first match ends the walk unless it says `continue`; what no route takes is
 * the caller's to send to syslog.
 */
#include "deliver/route.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/pattern.h"
#include "model/record.h"

/* The index is the enum severity: the first one stands for "not given". */
static const char *const levels[] = { "any", "info", "warning", "critical", NULL };

const struct conf_field route_match_fields[] = {
	{ "severity", STRINGS_AT(struct route_match, severity),
		.doc = "Levels that this route takes: `info`, `warning`, `critical`; one or a "
		       "list.",
		.example = "[warning, critical]" },
	{ "min_severity", ENUM_AT(struct route_match, min_severity, levels), .dflt = "any",
		.doc = "The lowest level that this route takes.", .example = "warning" },
	{ "check", STRINGS_AT(struct route_match, check),
		.doc = "Names of checks; globs, one or a list.  The name of a check with several "
		       "targets takes all of them.",
		.example = "db*" },
	{ "type", STRINGS_AT(struct route_match, type),
		.doc = "Types of checks; globs, one or a list.", .example = "[postgres, redis]" },
	{ "rule", STRINGS_AT(struct route_match, rule),
		.doc = "Names of rules; globs, one or a list.", .example = "disk-*" },
	{ "cause", STRINGS_AT(struct route_match, cause),
		.doc = "Cause codes, or what playbooks find (`redis-stopped.oom-killed`); globs, "
		       "one or a list.",
		.example = "net.*" },
	{ "labels", PAIRS_AT(struct route_match, labels),
		.doc = "Labels that the incident must have, as globs; after `~`, as a regular "
		       "expression that fits the whole value.",
		.example = "{ team: core, region: ~eu-.* }" },
	{ .type = CONF_END },
};

const struct conf_field route_fields[] = {
	{ "match", GROUP_AT(struct route_spec, match, route_match_fields),
		.doc = "All keys given here must hold; without any, everything matches." },
	{ "to", STRINGS_AT(struct route_spec, to), .flags = CONF_REQUIRED,
		.doc = "Names of the receivers that are told.", .example = "[ops, hook]" },
	{ "group_wait", DURATION_AT(struct route_spec, group_wait_us), .dflt = "5s", .min = "0",
		.max = "10m",
		.doc = "How long the first message of an incident waits, so that what follows at "
		       "once "
		       "is gathered.  A receiver that was quiet for a minute is told without "
		       "delay." },
	{ "repeat_interval", DURATION_AT(struct route_spec, repeat_interval_us), .dflt = "4h",
		.min = "0", .max = "30d",
		.doc = "How often receivers are reminded of an incident that stays open and "
		       "unacknowledged; 0: never." },
	{ "active", NODE_AT(struct route_spec, active),
		.doc = "Its hours: outside of them nobody is told anything by this route but the "
		       "end of what was told before; what is still open when they begin is told "
		       "then. `Mon-Fri 09:00-18:00`, a list of such, or a map with `schedule`, "
		       "`timezone` (default: this host's) and, for a cron expression, "
		       "`duration`. The route matches at all hours, so it ends the search also "
		       "while it rests.",
		.example = "{ schedule: \"Mon-Fri 09:00-18:00\", timezone: Europe/Berlin }" },
	{ "escalate", NODE_AT(struct route_spec, escalate),
		.doc = "Who else is told when nobody has acknowledged the incident: a list of "
		       "`{after, to}`, `after` counted from its detection.",
		.example = "[{ after: 15m, to: lead }, { after: 1h, to: [boss, pager] }]" },
	{ "send_resolved", BOOL_AT(struct route_spec, send_resolved), .dflt = "true",
		.doc = "Whether receivers hear of the end of what they were told of." },
	{ "continue", BOOL_AT(struct route_spec, does_continue), .dflt = "false",
		.doc = "Whether the routes below are looked at as well." },
	{ .type = CONF_END },
};

const struct route_spec route_default = {
	.group_wait_us = 5 * USEC_PER_SEC,
	.repeat_interval_us = 4 * USEC_PER_HOUR,
	.send_resolved = true,
};

/* Alertmanager's users expect the whole value to fit. */
static int
compile_whole(regex_t *out, const char *pattern)
{
	char *whole = xasprintf("^(%s)$", pattern);
	int failed = regcomp(out, whole, REG_EXTENDED | REG_NOSUB);

	free(whole);
	return failed;
}

static bool
fits_regex(const char *value, const char *pattern)
{
	regex_t regex;
	bool fits;

	if (compile_whole(&regex, pattern) != 0)
		return false;
	fits = regexec(&regex, value, 0, NULL, 0) == 0;
	regfree(&regex);
	return fits;
}

/* The text itself comes first: `disks[/var]` is a name before it is a glob. */
static bool
fits_one(const struct conf_strings *wanted, const char *value)
{
	if (wanted->count == 0)
		return true;
	if (value == NULL)
		return false;
	for (size_t i = 0; i < wanted->count; i++) {
		if (str_eq(wanted->all[i], value) || str_matches_glob(value, wanted->all[i]))
			return true;
	}
	return false;
}

static bool
fits_check(const struct conf_strings *wanted, const char *check)
{
	const char *bracket = check == NULL ? NULL : strchr(check, '[');
	char *parent;
	bool fits;

	if (fits_one(wanted, check))
		return true;
	if (bracket == NULL)
		return false;
	parent = xstrndup(check, (size_t)(bracket - check));
	fits = fits_one(wanted, parent);
	free(parent);
	return fits;
}

/* By its code, or by what a playbook found: "redis-stopped.oom-killed". */
static bool
fits_cause(const struct conf_strings *wanted, const struct incident *incident)
{
	return fits_one(wanted, incident->cause_code) ||
	       (incident->finding != NULL && fits_one(wanted, incident->finding));
}

static bool
fits_labels(const struct conf_pairs *wanted, const json_t *labels)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct conf_pair *pair = &wanted->all[i];
		const char *pattern = pair->value == NULL ? "" : pair->value;
		const char *value = json_string_value(json_object_get(labels, pair->name));

		if (value == NULL)
			return false;
		if (pattern[0] == '~') {
			if (!fits_regex(value, pattern + 1))
				return false;
		} else if (!str_eq(value, pattern) && !str_matches_glob(value, pattern)) {
			return false;
		}
	}
	return true;
}

bool
route_match_fits(const struct route_match *match, const struct incident *incident)
{
	return fits_one(&match->severity, severity_name(incident->severity)) &&
	       (int)incident->severity >= match->min_severity &&
	       fits_check(&match->check, incident->check) &&
	       fits_one(&match->type, incident->type) && fits_one(&match->rule, incident->rule) &&
	       fits_cause(&match->cause, incident) && fits_labels(&match->labels, incident->labels);
}

bool
route_match_concerns(const struct route_match *match, const char *check, const char *type)
{
	return fits_check(&match->check, check) && fits_one(&match->type, type);
}

bool
route_matches(const struct route_spec *route, const struct incident *incident)
{
	return route_match_fits(&route->match, incident);
}

bool
route_match_is_empty(const struct route_match *match)
{
	return match->severity.count == 0 && match->min_severity <= SEVERITY_OK &&
	       match->check.count == 0 && match->type.count == 0 && match->rule.count == 0 &&
	       match->cause.count == 0 && match->labels.count == 0;
}

static void
put_list(json_t *doc, const char *key, const struct conf_strings *list)
{
	json_t *all;

	if (list->count == 0)
		return;
	all = json_array();
	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(all, record_text(list->all[i]));
	json_object_set_new(doc, key, all);
}

json_t *
route_match_json(const struct route_match *match)
{
	json_t *doc = json_object();

	put_list(doc, "severity", &match->severity);
	if (match->min_severity > SEVERITY_OK)
		json_object_set_new(doc, "min_severity",
			json_string(severity_name((enum severity)match->min_severity)));
	put_list(doc, "check", &match->check);
	put_list(doc, "type", &match->type);
	put_list(doc, "rule", &match->rule);
	put_list(doc, "cause", &match->cause);
	if (match->labels.count > 0) {
		json_t *labels = json_object();

		for (size_t i = 0; i < match->labels.count; i++)
			json_object_set_new(labels, match->labels.all[i].name,
				record_text(match->labels.all[i].value));
		json_object_set_new(doc, "labels", labels);
	}
	return doc;
}

static bool
contains(const struct conf_strings *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		if (str_eq(list->all[i], word))
			return true;
	}
	return false;
}

bool
route_names(const struct route_spec *route, const char *receiver)
{
	return contains(&route->to, receiver);
}

static bool
asks_for_info(const struct route_match *match)
{
	return match->min_severity == SEVERITY_INFO || contains(&match->severity, "info");
}

static bool
is_too_quiet(const struct route_spec *route, const struct incident *incident,
	const struct route_reader *reader)
{
	return incident->severity <= SEVERITY_INFO && reader->is_for_people &&
	       !asks_for_info(&route->match);
}

/* A step that has told a reader keeps it among those whom the route tells. */
static bool
leads(const struct route_spec *route, const struct route_now *now,
	const struct route_reader *reader)
{
	if (route_names(route, reader->name))
		return true;
	return reader->was_told ? route_escalates_after(route, reader->name) > 0
				: route_escalates(route, now, reader);
}

const struct route_spec *
route_find(const struct route_list *routes, const struct incident *incident,
	const struct route_reader *reader, size_t *at)
{
	static const struct route_now always = { .is_resting = false };
	const struct route_spec *resting = NULL;

	if (routes->count == 0)
		return is_too_quiet(&route_default, incident, reader) ? NULL : &route_default;
	for (size_t i = 0; i < routes->count; i++) {
		const struct route_spec *route = routes->all[i];
		const struct route_now *now = routes->now == NULL ? &always : &routes->now[i];

		if (!route_matches(route, incident))
			continue;
		if (leads(route, now, reader) && !is_too_quiet(route, incident, reader) &&
			(resting == NULL || !now->is_resting)) {
			resting = route;
			if (at != NULL)
				*at = i;
			if (!now->is_resting)
				return route;
		}
		if (!route->does_continue)
			break;
	}
	return resting;
}

/* The place of the n-th item of a key that takes one scalar or a list of them. */
static struct conf_pos
pos_of_item(const struct conf_node *map, const char *key, size_t n)
{
	const struct conf_node *value = map == NULL ? NULL : conf_get(map, key);

	if (value == NULL)
		return map == NULL ? (struct conf_pos){ .file = NULL } : map->pos;
	if (value->kind == CONF_LIST && n < value->count)
		return value->items[n]->pos;
	return value->pos;
}

static void
check_receivers(const struct conf_strings *to, const struct conf_node *node,
	const struct receiver_spec *receivers, size_t count, struct complaints *complaints)
{
	const char **names = xcalloc(count + 1, sizeof(*names));

	for (size_t i = 0; i < count; i++)
		names[i] = receivers[i].name;
	for (size_t i = 0; i < to->count; i++) {
		const char *wanted = to->all[i];
		struct conf_pos pos = pos_of_item(node, "to", i);
		const char *near;
		size_t n = 0;

		while (n < count && !str_eq(names[n], wanted))
			n++;
		if (n < count)
			continue;
		near = str_nearest(wanted, names, count);
		if (near != NULL)
			complain(complaints, &pos,
				"to: there is no receiver \"%s\", did you mean \"%s\"?", wanted,
				near);
		else
			complain(complaints, &pos,
				"to: there is no receiver \"%s\"; receivers are named under "
				"`receivers:`",
				wanted);
	}
	free(names);
}

static void
check_match(const struct route_match *match, const struct conf_node *node,
	struct complaints *complaints)
{
	for (size_t i = 0; i < match->severity.count; i++) {
		const char *level = match->severity.all[i];
		struct conf_pos pos = pos_of_item(node, "severity", i);

		if (severity_parse(level) <= SEVERITY_OK)
			complain(complaints, &pos,
				"severity: \"%s\" is no level; there are info, warning and "
				"critical",
				level);
	}
	for (size_t i = 0; i < match->labels.count; i++) {
		const struct conf_pair *pair = &match->labels.all[i];
		struct err e;

		if (pair->value == NULL || pair->value[0] != '~')
			continue;
		if (pattern_check(pair->value + 1, &e) == -1)
			complain(complaints, &pair->pos, "labels: %s: %s", pair->name, e.text);
	}
}

static const struct conf_field step_fields[] = {
	{ "after", DURATION_AT(struct escalation, after_us), .flags = CONF_REQUIRED, .min = "1s",
		.max = "30d", .doc = "How long it is left alone before these are told." },
	{ "to", STRINGS_AT(struct escalation, to), .flags = CONF_REQUIRED,
		.doc = "Names of receivers." },
	{ .type = CONF_END },
};

usec_t
route_escalates_after(const struct route_spec *route, const char *receiver)
{
	usec_t first_us = 0;

	for (size_t i = 0; i < route->step_count; i++) {
		const struct escalation *step = &route->steps[i];

		if (contains(&step->to, receiver) && (first_us == 0 || step->after_us < first_us))
			first_us = step->after_us;
	}
	return first_us;
}

bool
route_escalates(const struct route_spec *route, const struct route_now *now,
	const struct route_reader *reader)
{
	usec_t after_us = route_escalates_after(route, reader->name);
	usec_t age_us = reader->age_us;

	if (after_us == 0 || now->is_resting)
		return false;
	if (now->since_us > 0 && reader->wall_us - now->since_us < age_us)
		age_us = reader->wall_us - now->since_us;
	return age_us >= after_us;
}

/* The steps of `escalate`, as the settings' own rows would fill them. */
static void
load_steps(struct route_spec *route, const struct receiver_spec *receivers, size_t count,
	struct complaints *complaints)
{
	const struct conf_node *list = route->escalate;

	if (conf_is_absent(list))
		return;
	if (list->kind != CONF_LIST) {
		complain(complaints, &list->pos,
			"escalate: must be a list such as [{ after: 15m, to: lead }]");
		return;
	}
	route->steps = xcalloc(list->count + 1, sizeof(*route->steps));
	for (size_t i = 0; i < list->count; i++) {
		struct escalation *step = &route->steps[route->step_count++];
		const struct conf_part part = { step_fields, step };

		if (list->items[i]->kind != CONF_MAP) {
			complain(complaints, &list->items[i]->pos,
				"escalate: a step is a map such as { after: 15m, to: lead }");
			continue;
		}
		conf_fill(&part, 1, list->items[i], "escalate", NULL, complaints);
		check_receivers(&step->to, list->items[i], receivers, count, complaints);
	}
}

void
route_release(struct route_spec *route)
{
	for (size_t i = 0; i < route->step_count; i++)
		conf_clear(step_fields, &route->steps[i]);
	free(route->steps);
	hours_fini(&route->active_hours);
	conf_clear(route_fields, route);
}

void
route_check(struct route_spec *route, const struct conf_node *node,
	const struct receiver_spec *receivers, size_t count, struct complaints *complaints)
{
	const struct conf_node *match = node == NULL ? NULL : conf_get(node, "match");
	const struct conf_node *to = node == NULL ? NULL : conf_get(node, "to");

	check_receivers(&route->to, node, receivers, count, complaints);
	load_steps(route, receivers, count, complaints);
	hours_compile(&route->active_hours, route->active, complaints);
	check_match(&route->match, match, complaints);
	if (to != NULL && to->kind == CONF_LIST && to->count == 0)
		complain(complaints, &to->pos, "to: name at least one receiver");
}

static bool
takes_everything(const struct route_match *match)
{
	return match->severity.count == 0 && match->min_severity <= SEVERITY_INFO &&
	       match->check.count == 0 && match->type.count == 0 && match->rule.count == 0 &&
	       match->cause.count == 0 && match->labels.count == 0;
}

void
route_check_all(const struct route_spec *const *routes, size_t count, const struct conf_pos *pos,
	struct complaints *complaints)
{
	for (size_t i = 0; i < count; i++) {
		if (takes_everything(&routes[i]->match))
			return;
	}
	if (count > 0)
		complain_warn(complaints, pos,
			"routes: no route takes everything, so what none of them matches goes to "
			"syslog; end with a route without `match` to choose");
}
