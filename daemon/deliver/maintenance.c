/* Maintenance windows: their keys, what is wrong with one, and when it holds. */
#include "deliver/maintenance.h"

#include "base/str.h"
#include "deliver/route.h"
#include "model/record.h"

/* The words of product users: `checks`, where a route's match says `check`. */
const struct conf_field maintenance_fields[] = {
	{ "checks", STRINGS_AT(struct maintenance_spec, match.check),
		.doc = "Names of checks; globs, one or a list. The name of a check with several "
		       "targets takes all of them.",
		.example = "[\"db*\", cache]" },
	{ "types", STRINGS_AT(struct maintenance_spec, match.type),
		.doc = "Types of checks; globs, one or a list.", .example = "[postgres]" },
	{ "rules", STRINGS_AT(struct maintenance_spec, match.rule),
		.doc = "Names of rules; globs, one or a list.", .example = "disk-*" },
	{ "labels", PAIRS_AT(struct maintenance_spec, match.labels),
		.doc = "Labels that the check must have, as globs; after `~`, as a regular "
		       "expression.",
		.example = "{ team: core }" },
	{ "schedule", STRING_AT(struct maintenance_spec, schedule),
		.doc = "When, again and again: `Sun 02:00-04:00`, `Mon-Fri 22:00-06:00`, "
		       "`02:00-02:30` (every day), `Sat,Sun` (whole days); or a cron expression, "
		       "with `duration`.",
		.example = "Sun 02:00-04:00" },
	{ "duration", DURATION_AT(struct maintenance_spec, duration_us), .dflt = "0", .min = "0",
		.max = "7d", .doc = "How long, where `schedule` is a cron expression.",
		.example = "90m" },
	{ "timezone", STRING_AT(struct maintenance_spec, timezone), .dflt = "local",
		.doc = "Whose clocks `schedule` means: a name such as `Asia/Shanghai`, `UTC`, or "
		       "`local`, this host's. Both ends are what clocks show there, also on the "
		       "days on which they change.",
		.example = "Asia/Shanghai" },
	{ "from", STRING_AT(struct maintenance_spec, from),
		.doc = "Once: when it begins, as RFC 3339.",
		.example = "2026-01-02T22:00:00+08:00" },
	{ "until", STRING_AT(struct maintenance_spec, until),
		.doc = "Once: when it ends, as RFC 3339.", .example = "2026-01-03T02:00:00+08:00" },
	{ "reason", STRING_AT(struct maintenance_spec, reason),
		.doc = "For the people who wonder why it is quiet.", .example = "backups" },
	{ .type = CONF_END },
};

static void
check_time(const struct conf_node *node, const char *key, const char *text, usec_t *out,
	struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(node, key);

	if (clock_parse_rfc3339(text, out) == -1)
		complain(complaints, &pos,
			"%s: \"%s\" is no time such as 2026-01-02T22:00:00+08:00", key, text);
}

static void
check_once(struct maintenance_spec *m, const struct conf_node *node, struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(node, "until");
	unsigned before = complaints_errors(complaints);

	check_time(node, "from", m->from, &m->from_us, complaints);
	check_time(node, "until", m->until, &m->until_us, complaints);
	if (complaints_errors(complaints) == before && m->until_us <= m->from_us)
		complain(complaints, &pos, "until: it ends before it begins");
}

void
maintenance_check(
	struct maintenance_spec *m, const struct conf_node *node, struct complaints *complaints)
{
	const struct hours_words words = { m->schedule, m->timezone, m->duration_us };
	bool is_once = m->from != NULL && m->until != NULL;

	if (route_match_is_empty(&m->match))
		complain(complaints, &node->pos,
			"say what it is about: `checks: [\"db*\"]`, or `checks: \"*\"` for "
			"everything");
	if ((m->schedule != NULL) == is_once || (m->from != NULL) != (m->until != NULL))
		complain(complaints, &node->pos,
			"say when: either `schedule: \"Sun 02:00-04:00\"`, or `from` and `until`");
	else if (is_once)
		check_once(m, node, complaints);
	else
		hours_span_compile(&m->span, &words, node, complaints);
}

void
maintenance_release(struct maintenance_spec *m)
{
	hours_span_fini(&m->span);
	conf_clear(maintenance_fields, m);
}

bool
maintenance_holds(const struct maintenance_spec *m, usec_t wall_us, usec_t *until_us)
{
	int64_t until_s;

	if (m->span.zone == NULL) {
		*until_us = m->until_us;
		return wall_us >= m->from_us && wall_us < m->until_us;
	}
	if (!window_holds(&m->span.window, m->span.zone, wall_us / USEC_PER_SEC, &until_s))
		return false;
	*until_us = until_s * USEC_PER_SEC;
	return true;
}

json_t *
maintenance_json(const struct maintenance_spec *m, usec_t wall_us)
{
	json_t *doc = json_object();
	usec_t until_us = 0, next_us = m->from_us;
	bool is_active = maintenance_holds(m, wall_us, &until_us);

	json_object_set_new(doc, "match", route_match_json(&m->match));
	record_put_text(doc, "schedule", m->schedule);
	if (m->span.zone != NULL)
		record_put_text(doc, "timezone", m->timezone);
	record_put_text(doc, "reason", m->reason);
	json_object_set_new(doc, "active", json_boolean(is_active));
	if (is_active) {
		json_object_set_new(doc, "ends_at", record_time(until_us));
		return doc;
	}
	if (m->span.zone != NULL) {
		int64_t next_s = window_next(&m->span.window, m->span.zone, wall_us / USEC_PER_SEC);

		next_us = next_s == INT64_MAX ? 0 : next_s * USEC_PER_SEC;
	}
	if (next_us > wall_us)
		json_object_set_new(doc, "starts_at", record_time(next_us));
	return doc;
}
