/* Alerts in, incidents out: tables of what happened and what was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "triage/triage.h"

#define T0 (INT64_C(1767323045) * USEC_PER_SEC)

#define AT(bed) (&(struct triage_moment){ .now_us = (bed)->now, .wall_us = (bed)->now })

struct bed {
	struct triage *triage;
	struct triage_options options;
	struct map *kept; /* id -> json_t */
	char told[4096];  /* "opened/first api:check-down critical; ..." */
	char last_id[INCIDENT_ID_LEN + 1];
	usec_t now;
	bool was_told_unkept;
};

static void
free_doc(void *doc)
{
	json_decref(doc);
}

static void
on_keep(void *arg, const char *id, const json_t *doc)
{
	struct bed *bed = arg;
	json_t *older =
		doc ? map_put(bed->kept, id, json_deep_copy(doc)) : map_remove(bed->kept, id);
	json_decref(older);
}

static void
on_incident(void *arg, const struct incident_event *event)
{
	struct bed *bed = arg;
	const struct incident *i = event->incident;
	const json_t *kept = map_get(bed->kept, i->id);
	size_t len = strlen(bed->told);
	snprintf(bed->told + len, sizeof(bed->told) - len, "%s/%s %s:%s %s; ",
		strchr(incident_event_name(event->type), '.') + 1, event->reason, i->check, i->rule,
		severity_name(i->severity));
	memcpy(bed->last_id, i->id, sizeof(bed->last_id));
	if (json_integer_value(json_object_get(kept, "sequence")) != i->sequence)
		bed->was_told_unkept = true;
}

static void
start(struct bed *bed)
{
	bed->options = (struct triage_options){
		.on_incident = on_incident,
		.on_keep = on_keep,
		.arg = bed,
		.host = "web-1",
		.language = LANG_EN,
		.link_prefix = "http://127.0.0.1:8421/#/incidents/",
		.reopen_within_us = 10 * USEC_PER_MIN,
	};
	bed->triage = triage_new(&bed->options);
}

/* Ends the process and starts another on what was kept; the new one is settled by a tick. */
static void
restart(struct bed *bed)
{
	size_t at = 0;
	const char *id;
	void *doc;
	triage_free(bed->triage);
	start(bed);
	while (map_next(bed->kept, &at, &id, &doc))
		triage_restore(bed->triage, id, doc);
	bed->told[0] = '\0';
}

static int
make_bed(void **state)
{
	struct bed *bed = xcalloc(1, sizeof(*bed));
	bed->kept = map_new();
	bed->now = T0;
	start(bed);
	triage_settle(bed->triage, AT(bed));
	triage_tick(bed->triage, AT(bed));
	*state = bed;
	return 0;
}

static int
drop_bed(void **state)
{
	struct bed *bed = *state;
	triage_free(bed->triage);
	map_free(bed->kept, free_doc);
	bool was_told_unkept = bed->was_told_unkept;
	free(bed);
	return was_told_unkept ? -1 : 0;
}

struct step {
	enum alert_change change;
	const char *check, *rule;
	enum severity severity;
	const char *cause;
	const char *text; /* NULL: the usual one */
};

static void
alert(struct bed *bed, const struct step *step)
{
	const struct alert_event event = {
		.change = step->change,
		.check = step->check,
		.type = "http",
		.target = "http://127.0.0.1:3000/",
		.rule = step->rule,
		.severity = step->severity,
		.cause = step->cause ? cause_get(step->cause) : NULL,
		.text = step->text ? step->text : "nothing listens there",
		.since_us = bed->now - 10 * USEC_PER_SEC,
		.at_us = bed->now,
	};
	triage_alert(bed->triage, &event, bed->now);
}

static void
fires(struct bed *bed, const char *check, const char *rule, enum severity severity)
{
	alert(bed, &(struct step){ ALERT_FIRES, check, rule, severity, NULL, NULL });
}

static void
ends(struct bed *bed, const char *check, const char *rule)
{
	alert(bed, &(struct step){ ALERT_ENDS, check, rule, SEVERITY_OK, NULL, NULL });
}

static void
tick(struct bed *bed)
{
	triage_settle(bed->triage, AT(bed));
	triage_tick(bed->triage, AT(bed));
}

static void
goes_by(struct bed *bed, usec_t us)
{
	bed->now += us;
	tick(bed);
}

/* What was told since the last look. */
static void
assert_told(struct bed *bed, const char *wanted)
{
	assert_string_equal(bed->told, wanted);
	bed->told[0] = '\0';
}

static const struct incident *
newest(struct bed *bed)
{
	return triage_at(bed->triage, 0);
}

static void
test_one_alert_opens_and_ends_an_incident(void **state)
{
	struct bed *bed = *state;
	alert(bed, &(struct step){ ALERT_FIRES, "api", "check-down", SEVERITY_CRITICAL,
			   "net.refused", NULL });
	assert_told(bed, "opened/first api:check-down critical; ");
	const struct incident *i = newest(bed);
	assert_int_equal(strlen(i->id), INCIDENT_ID_LEN);
	assert_string_equal(i->host, "web-1");
	assert_string_equal(i->cause_code, "net.refused");
	assert_string_equal(i->confidence, "certain");
	assert_string_equal(i->summary, "nothing listens there");
	assert_non_null(strstr(i->title, "api"));
	assert_true(strlen(i->explanation) > 10);
	assert_int_equal(i->remedy.count, 1);
	assert_int_equal(i->started_us, T0 - 10 * USEC_PER_SEC);
	assert_int_equal(i->detected_us, T0);
	assert_int_equal(i->sequence, 1);
	assert_non_null(strstr(i->url, "http://127.0.0.1:8421/#/incidents/"));
	assert_int_equal(triage_open_count(bed->triage), 1);
	goes_by(bed, USEC_PER_MIN);
	ends(bed, "api", "check-down");
	assert_told(bed, "resolved/recovered api:check-down critical; ");
	assert_int_equal(newest(bed)->status, INCIDENT_RESOLVED);
	assert_int_equal(newest(bed)->resolved_us, T0 + USEC_PER_MIN);
	assert_int_equal(triage_open_count(bed->triage), 0);
	assert_int_equal(triage_count(bed->triage), 1);
}

static void
test_rule_without_a_cause_speaks_of_itself(void **state)
{
	struct bed *bed = *state;
	fires(bed, "api", "slow-api", SEVERITY_WARNING);
	assert_string_equal(newest(bed)->cause_code, "rule.slow-api");
	assert_string_equal(newest(bed)->title, "api: nothing listens there");
	assert_string_equal(newest(bed)->confidence, "");
	assert_int_equal(newest(bed)->remedy.count, 0);
}

static void
test_a_rules_title_names_the_check_once(void **state)
{
	static const struct {
		const char *text, *title;
	} cases[] = {
		{ "74 GiB left", "disks[/]: 74 GiB left" },
		{ "disks[/]: 74 GiB left", "disks[/]: 74 GiB left" },
		{ "disks[/]: disks[/]: 74 GiB left", "disks[/]: 74 GiB left" },
		{ "disks[/] is full", "disks[/]: disks[/] is full" },
		{ "disks: full", "disks[/]: disks: full" },
		{ "disks[/]: ", "disks[/]: low" },
		{ "", "disks[/]: low" },
	};
	struct bed *bed = *state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		alert(bed, &(struct step){ ALERT_FIRES, "disks[/]", "low", SEVERITY_WARNING, NULL,
				   cases[n].text });
		assert_string_equal(newest(bed)->title, cases[n].title);
		assert_string_equal(newest(bed)->summary, cases[n].text);
	}
	assert_string_equal(newest(bed)->cause_title, "low");
}

static void
test_a_new_text_is_shown_and_not_told(void **state)
{
	struct bed *bed = *state;
	alert(bed, &(struct step){
			   ALERT_FIRES, "mem", "low", SEVERITY_WARNING, NULL, "mem: 9 % left" });
	assert_told(bed, "opened/first mem:low warning; ");
	goes_by(bed, 2 * USEC_PER_MIN);
	alert(bed, &(struct step){
			   ALERT_CAUSE, "mem", "low", SEVERITY_WARNING, NULL, "mem: 5 % left" });
	assert_string_equal(newest(bed)->title, "mem: 5 % left");
	assert_string_equal(newest(bed)->summary, "mem: 5 % left");
	assert_int_equal(newest(bed)->timeline.count, 1);
	goes_by(bed, 2 * USEC_PER_MIN);
	const json_t *kept = map_get(bed->kept, newest(bed)->id);
	assert_string_equal(json_string_value(json_object_get(kept, "summary")), "mem: 5 % left");
	assert_told(bed, "");
}

static void
test_end_of_what_nobody_knows_is_nothing(void **state)
{
	struct bed *bed = *state;
	ends(bed, "api", "check-down");
	assert_told(bed, "");
	assert_int_equal(triage_count(bed->triage), 0);
}

static void
test_severity_and_cause_are_told_once(void **state)
{
	struct bed *bed = *state;
	static const struct step steps[] = {
		{ ALERT_FIRES, "api", "slow", SEVERITY_WARNING, NULL, NULL },
		{ ALERT_RISES, "api", "slow", SEVERITY_CRITICAL, NULL, NULL },
		{ ALERT_FALLS, "api", "slow", SEVERITY_INFO, NULL, NULL },
		{ ALERT_CAUSE, "api", "slow", SEVERITY_INFO, NULL, NULL }, /* the text only */
		{ ALERT_CAUSE, "api", "slow", SEVERITY_INFO, "net.refused", NULL },
		{ ALERT_RISES, "api", "slow", SEVERITY_WARNING, "net.reset", NULL },
	};
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++)
		alert(bed, &steps[n]);
	assert_told(bed, "opened/first api:slow warning; escalated/severity api:slow critical; "
			 "deescalated/severity api:slow info; updated/cause-changed api:slow info; "
			 "escalated/severity api:slow warning; ");
	assert_int_equal(newest(bed)->sequence, 5);
	assert_string_equal(newest(bed)->cause_code, "net.reset");
}

static void
test_a_family_shares_an_incident(void **state)
{
	struct bed *bed = *state;
	fires(bed, "root", "disk-space", SEVERITY_WARNING);
	fires(bed, "root", "disk-filling", SEVERITY_WARNING);
	fires(bed, "root", "disk-inodes", SEVERITY_CRITICAL);
	fires(bed, "root", "disk-read-only", SEVERITY_CRITICAL);
	assert_told(bed,
		"opened/first root:disk-space warning; updated/new-impact root:disk-space warning; "
		"escalated/severity root:disk-space critical; "
		"opened/first root:disk-read-only critical; ");
	ends(bed, "root", "disk-inodes");
	ends(bed, "root", "disk-space");
	assert_told(bed, "deescalated/severity root:disk-space warning; "
			 "updated/cause-changed root:disk-space warning; ");
	ends(bed, "root", "disk-filling");
	assert_told(bed, "resolved/recovered root:disk-space warning; ");
	assert_int_equal(triage_open_count(bed->triage), 1);
}

static void
test_another_check_has_its_own(void **state)
{
	struct bed *bed = *state;
	fires(bed, "root", "disk-space", SEVERITY_WARNING);
	fires(bed, "disks[/var]", "disk-filling", SEVERITY_WARNING);
	assert_int_equal(triage_open_count(bed->triage), 2);
}

static void
test_what_is_down_takes_in_the_rest(void **state)
{
	struct bed *bed = *state;
	fires(bed, "api", "http-slow", SEVERITY_WARNING);
	fires(bed, "api", "tls-expiring", SEVERITY_INFO);
	fires(bed, "other", "http-slow", SEVERITY_INFO);
	bed->told[0] = '\0';
	goes_by(bed, USEC_PER_SEC);
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	assert_told(bed, "opened/first api:check-down critical; "
			 "resolved/merged api:http-slow warning; "
			 "resolved/merged api:tls-expiring info; ");
	const struct incident *down = newest(bed);
	assert_string_equal(down->rule, "check-down");
	assert_int_equal(down->alert_count, 3);
	const struct incident *merged = triage_find(bed->triage, bed->last_id);
	assert_string_equal(merged->merged_into, down->id);
	/* what fires later belongs to it as well */
	fires(bed, "api", "lock-wait", SEVERITY_WARNING);
	assert_told(bed, "updated/new-impact api:check-down critical; ");
	ends(bed, "api", "check-down");
	assert_told(bed, "deescalated/severity api:check-down warning; ");
	ends(bed, "api", "http-slow");
	ends(bed, "api", "lock-wait");
	ends(bed, "api", "tls-expiring");
	assert_non_null(strstr(bed->told, "resolved/recovered api:check-down info; "));
	assert_int_equal(triage_open_count(bed->triage), 1);
}

static void
test_soon_again_is_the_same_incident(void **state)
{
	struct bed *bed = *state;
	char id[INCIDENT_ID_LEN + 1];
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	memcpy(id, bed->last_id, sizeof(id));
	triage_ack(bed->triage, id, &(struct triage_ack){ .by = "me" }, AT(bed), NULL);
	ends(bed, "api", "check-down");
	bed->told[0] = '\0';
	goes_by(bed, 9 * USEC_PER_MIN);
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	assert_told(bed, "opened/reopened api:check-down critical; ");
	assert_string_equal(bed->last_id, id);
	assert_int_equal(newest(bed)->status, INCIDENT_OPEN);
	assert_int_equal(newest(bed)->reopened, 1);
	assert_int_equal(newest(bed)->resolved_us, 0);
	ends(bed, "api", "check-down");
	goes_by(bed, 11 * USEC_PER_MIN);
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	assert_string_not_equal(bed->last_id, id);
	assert_int_equal(triage_count(bed->triage), 2);
}

static void
flap(struct bed *bed, int openings)
{
	for (int n = 0; n < openings; n++) {
		fires(bed, "api", "check-down", SEVERITY_CRITICAL);
		goes_by(bed, 30 * USEC_PER_SEC);
		ends(bed, "api", "check-down");
		goes_by(bed, 30 * USEC_PER_SEC);
	}
}

static void
test_four_openings_in_ten_minutes_are_flapping(void **state)
{
	struct bed *bed = *state;
	flap(bed, 3);
	assert_false(newest(bed)->is_flapping);
	bed->told[0] = '\0';
	flap(bed, 1);
	assert_true(newest(bed)->is_flapping);
	assert_told(bed, "opened/reopened api:check-down critical; ");
	flap(bed, 5);
	assert_told(bed, "");
	assert_int_equal(newest(bed)->reopened, 8);
	assert_int_equal(triage_open_count(bed->triage), 1);
	goes_by(bed, 8 * USEC_PER_MIN);
	assert_told(bed, "");
	goes_by(bed, 3 * USEC_PER_MIN);
	assert_told(bed, "resolved/recovered api:check-down critical; ");
	assert_false(newest(bed)->is_flapping);
}

static void
test_flapping_that_stays_down_is_open_as_usual(void **state)
{
	struct bed *bed = *state;
	flap(bed, 4);
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	bed->told[0] = '\0';
	goes_by(bed, 11 * USEC_PER_MIN);
	assert_told(bed, "");
	assert_false(newest(bed)->is_flapping);
	ends(bed, "api", "check-down");
	assert_told(bed, "resolved/recovered api:check-down critical; ");
}

static void
test_flapping_survives_a_restart(void **state)
{
	struct bed *bed = *state;
	flap(bed, 4);
	restart(bed);
	tick(bed);
	assert_told(bed, "");
	assert_true(newest(bed)->is_flapping);
	goes_by(bed, 9 * USEC_PER_MIN);
	goes_by(bed, USEC_PER_SEC);
	assert_told(bed, "");
	goes_by(bed, USEC_PER_MIN);
	assert_told(bed, "resolved/recovered api:check-down critical; ");
}

static void
test_removed_check_resolves(void **state)
{
	struct bed *bed = *state;
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	bed->told[0] = '\0';
	alert(bed, &(struct step){ ALERT_REMOVED, "api", "check-down", SEVERITY_OK, NULL, NULL });
	assert_told(bed, "resolved/removed api:check-down critical; ");
}

static void
test_restart_tells_nothing_twice(void **state)
{
	struct bed *bed = *state;
	char id[INCIDENT_ID_LEN + 1];
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	memcpy(id, bed->last_id, sizeof(id));
	triage_ack(bed->triage, id, &(struct triage_ack){ .by = "me" }, AT(bed), NULL);
	restart(bed);
	alert(bed, &(struct step){
			   ALERT_RESTORED, "api", "check-down", SEVERITY_CRITICAL, NULL, NULL });
	tick(bed);
	assert_told(bed, "");
	assert_int_equal(newest(bed)->status, INCIDENT_ACKNOWLEDGED);
	goes_by(bed, USEC_PER_MIN);
	ends(bed, "api", "check-down");
	assert_told(bed, "resolved/recovered api:check-down critical; ");
	assert_string_equal(bed->last_id, id);
	assert_int_equal(newest(bed)->sequence, 3);
}

static void
test_restart_without_the_rule_ends_as_removed(void **state)
{
	struct bed *bed = *state;
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	fires(bed, "root", "disk-space", SEVERITY_WARNING);
	fires(bed, "root", "disk-inodes", SEVERITY_CRITICAL);
	triage_self(bed->triage, "self.store", "the disk is full", AT(bed));
	restart(bed);
	alert(bed, &(struct step){
			   ALERT_RESTORED, "root", "disk-space", SEVERITY_WARNING, NULL, NULL });
	tick(bed);
	assert_non_null(strstr(bed->told, "resolved/removed api:check-down critical; "));
	assert_non_null(strstr(bed->told, "resolved/recovered triaged:self.store warning; "));
	assert_non_null(strstr(bed->told, "deescalated/severity root:disk-space warning; "));
	assert_int_equal(triage_open_count(bed->triage), 1);
	bed->told[0] = '\0';
	goes_by(bed, USEC_PER_MIN);
	assert_told(bed, "");
}

static void
test_restored_alert_without_its_incident_opens_one(void **state)
{
	struct bed *bed = *state;
	alert(bed, &(struct step){
			   ALERT_RESTORED, "api", "check-down", SEVERITY_CRITICAL, NULL, NULL });
	assert_told(bed, "opened/first api:check-down critical; ");
}

static void
test_nonsense_is_not_restored(void **state)
{
	struct bed *bed = *state;
	json_t *doc = json_pack("{s:s, s:s}", "id", "abc", "status", "what");
	triage_restore(bed->triage, "abc", doc);
	triage_restore(bed->triage, "abc", NULL);
	json_decref(doc);
	assert_int_equal(triage_count(bed->triage), 0);
}

static void
see(struct bed *bed, const char *name, const char *text)
{
	char copy[64], check[] = "api";
	struct sample_fact fact = { .text = copy };
	struct sample sample = {
		.outcome = OUTCOME_FAIL, .wall_us = bed->now, .facts = &fact, .fact_count = 1
	};
	snprintf(copy, sizeof(copy), "%s", text);
	snprintf(fact.name, sizeof(fact.name), "%s", name);
	triage_sample(bed->triage, &(struct check_spec){ .name = check }, &sample, bed->now);
}

static void
test_facts_seen_before_the_opening_are_in_it(void **state)
{
	struct bed *bed = *state;
	see(bed, "stale", "of an older failure");
	goes_by(bed, USEC_PER_MIN);
	see(bed, "body", "502 Bad Gateway");
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	assert_int_equal(newest(bed)->facts.count, 1);
	assert_string_equal(newest(bed)->facts.all[0].text, "502 Bad Gateway");
	see(bed, "body", "504 Gateway Timeout");
	see(bed, "headers", "Server: nginx");
	assert_int_equal(newest(bed)->facts.count, 2);
	assert_string_equal(newest(bed)->facts.all[0].text, "504 Gateway Timeout");
	bed->told[0] = '\0';
	goes_by(bed, 2 * USEC_PER_MIN);
	assert_told(bed, "");
	const json_t *kept = map_get(bed->kept, newest(bed)->id);
	assert_int_equal(json_array_size(json_object_get(kept, "facts")), 2);
}

static void
test_ack_by_prefix_once(void **state)
{
	struct bed *bed = *state;
	struct err e;
	char prefix[5];
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	snprintf(prefix, sizeof(prefix), "%.4s", bed->last_id);
	assert_int_equal(
		triage_ack(bed->triage, prefix, &(struct triage_ack){ .by = "ann" }, AT(bed), &e),
		0);
	assert_int_equal(
		triage_ack(bed->triage, prefix, &(struct triage_ack){ .by = "bob" }, AT(bed), &e),
		0);
	assert_told(bed, "opened/first api:check-down critical; "
			 "acknowledged/ack api:check-down critical; ");
	assert_int_equal(newest(bed)->acked_us, T0);
	prefix[3] = '\0';
	assert_int_equal(
		triage_ack(bed->triage, prefix, &(struct triage_ack){ .by = "ann" }, AT(bed), &e),
		-1);
	ends(bed, "api", "check-down");
	assert_int_equal(triage_ack(bed->triage, bed->last_id, &(struct triage_ack){ .by = "ann" },
				 AT(bed), &e),
		-1);
	assert_non_null(strstr(e.text, "resolved already"));
}

static void
test_order_is_open_first_then_newest(void **state)
{
	struct bed *bed = *state;
	static const char *const checks[] = { "a", "b", "c", "d" };
	for (size_t n = 0; n < 4; n++) {
		fires(bed, checks[n], "check-down", SEVERITY_CRITICAL);
		goes_by(bed, USEC_PER_MIN);
	}
	ends(bed, "d", "check-down");
	goes_by(bed, USEC_PER_MIN);
	ends(bed, "b", "check-down");
	restart(bed);
	static const char *const wanted[] = { "c", "a", "b", "d" };
	for (size_t n = 0; n < 4; n++)
		assert_string_equal(triage_at(bed->triage, n)->check, wanted[n]);
	assert_null(triage_at(bed->triage, 4));
}

static void
test_resolved_are_forgotten_by_number_and_age(void **state)
{
	struct bed *bed = *state;
	char check[16];
	for (int n = 0; n < 510; n++) {
		snprintf(check, sizeof(check), "c%d", n);
		fires(bed, check, "check-down", SEVERITY_CRITICAL);
		bed->told[0] = '\0';
		ends(bed, check, "check-down");
		bed->told[0] = '\0';
		goes_by(bed, USEC_PER_SEC);
	}
	assert_int_equal(triage_count(bed->triage), 500);
	assert_int_equal(map_count(bed->kept), 500);
	assert_string_equal(triage_at(bed->triage, 499)->check, "c10");
	goes_by(bed, 31 * USEC_PER_DAY);
	for (int n = 0; n < 20; n++) /* some at a time */
		goes_by(bed, USEC_PER_SEC);
	assert_int_equal(triage_count(bed->triage), 0);
	assert_int_equal(map_count(bed->kept), 0);
}

static void
test_own_trouble_is_an_incident(void **state)
{
	struct bed *bed = *state;
	triage_self(bed->triage, "self.store", "the disk is full", AT(bed));
	triage_self(bed->triage, "self.store", "the disk is still full", AT(bed));
	triage_self(bed->triage, "self.config-bad", "line 3", AT(bed));
	assert_told(bed, "opened/first triaged:self.store warning; "
			 "opened/first triaged:self.config-bad warning; ");
	triage_self(bed->triage, "self.store", NULL, AT(bed));
	triage_self(bed->triage, "self.store", NULL, AT(bed));
	assert_told(bed, "resolved/recovered triaged:self.store warning; ");
}

static void
test_language_and_link_change_with_the_settings(void **state)
{
	struct bed *bed = *state;
	alert(bed, &(struct step){ ALERT_FIRES, "api", "check-down", SEVERITY_CRITICAL,
			   "net.refused", NULL });
	char *english = xstrdup(newest(bed)->title);
	bed->told[0] = '\0';
	bed->options.language = LANG_ZH;
	bed->options.link_prefix = NULL;
	triage_configure(bed->triage, &bed->options);
	assert_told(bed, "");
	assert_string_not_equal(newest(bed)->title, english);
	assert_null(newest(bed)->url);
	free(english);
	bed->options.link_prefix = "https://status.example.com/#/incidents/";
	triage_configure(bed->triage, &bed->options);
	assert_true(str_starts(newest(bed)->url, "https://status.example.com/#/incidents/"));
	restart(bed);
	assert_non_null(strstr(newest(bed)->url, "http://127.0.0.1:8421/#/incidents/"));
}

static void
test_more_alerts_than_a_list_holds(void **state)
{
	struct bed *bed = *state;
	char rule[16];
	fires(bed, "api", "check-down", SEVERITY_CRITICAL);
	for (int n = 0; n < 200; n++) {
		bed->told[0] = '\0';
		snprintf(rule, sizeof(rule), "r%d", n);
		fires(bed, "api", rule, SEVERITY_INFO);
		if (n % 2)
			ends(bed, "api", rule);
	}
	assert_in_range(newest(bed)->alert_count, 2, INCIDENT_LIST_MAX);
	assert_in_range(newest(bed)->timeline.count, 2, INCIDENT_LIST_MAX);
	assert_string_equal(newest(bed)->timeline.all[0].name, "opened");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bed, drop_bed)
	const struct CMUnitTest tests[] = {
		TEST(test_one_alert_opens_and_ends_an_incident),
		TEST(test_rule_without_a_cause_speaks_of_itself),
		TEST(test_a_rules_title_names_the_check_once),
		TEST(test_a_new_text_is_shown_and_not_told),
		TEST(test_end_of_what_nobody_knows_is_nothing),
		TEST(test_severity_and_cause_are_told_once),
		TEST(test_a_family_shares_an_incident),
		TEST(test_another_check_has_its_own),
		TEST(test_what_is_down_takes_in_the_rest),
		TEST(test_soon_again_is_the_same_incident),
		TEST(test_four_openings_in_ten_minutes_are_flapping),
		TEST(test_flapping_that_stays_down_is_open_as_usual),
		TEST(test_flapping_survives_a_restart),
		TEST(test_removed_check_resolves),
		TEST(test_restart_tells_nothing_twice),
		TEST(test_restart_without_the_rule_ends_as_removed),
		TEST(test_restored_alert_without_its_incident_opens_one),
		TEST(test_nonsense_is_not_restored),
		TEST(test_facts_seen_before_the_opening_are_in_it),
		TEST(test_ack_by_prefix_once),
		TEST(test_order_is_open_first_then_newest),
		TEST(test_resolved_are_forgotten_by_number_and_age),
		TEST(test_own_trouble_is_an_incident),
		TEST(test_language_and_link_change_with_the_settings),
		TEST(test_more_alerts_than_a_list_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
