/* Facts and what follows from them: waits, later words, roots that they reveal, what is related. */
#include <unistd.h>

#include "probes/facts/fact.h"
#include "tests/triage/scene_play.h"

#define PLAYBOOK                                                                                   \
	"playbook: line-cut\n"                                                                     \
	"title: { en: \"cut\", zh: \"cut\" }\n"                                                    \
	"symptoms:\n"                                                                              \
	"  - { type: tcp, cause: net.eof }\n"                                                      \
	"  - { type: tcp, rule: lock-wait }\n"                                                     \
	"facts: [unit, disk]\n"                                                                    \
	"causes:\n"                                                                                \
	"  - cause: full\n"                                                                        \
	"    when: disk.full\n"                                                                    \
	"    confidence: certain\n"                                                                \
	"    title: { en: \"{{disk.mount}} is full\", zh: \"full\" }\n"                            \
	"    why: { en: \"it is full\", zh: \"full\" }\n"                                          \
	"    root: { type: disk, of: \"{{disk.mount}}\" }\n"                                       \
	"    remedy: [{ text: { en: \"make room\", zh: \"make room\" } }]\n"                       \
	"  - cause: stopped\n"                                                                     \
	"    when: unit.by_operator\n"                                                             \
	"    confidence: certain\n"                                                                \
	"    title: { en: \"somebody stopped it\", zh: \"stopped\" }\n"                            \
	"    why: { en: \"by hand\", zh: \"by hand\" }\n"                                          \
	"    remedy: [{ text: { en: \"start it\", zh: \"start it\" } }]\n"

/* Two servers on one disk, /var, which is watched. */
static void
build(struct scene *s)
{
	static char folder[] = "/var";
	struct complaints *complaints = complaints_new();
	char place[] = "/tmp/playbooks-XXXXXX", path[64];
	assert_non_null(mkdtemp(place));
	snprintf(path, sizeof(path), "%s/line-cut.yaml", place);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(PLAYBOOK, file);
	fclose(file);
	s->playbooks = playbooks_load(place, complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	complaints_free(complaints);
	unlink(path);
	rmdir(place);
	scene_add(s, "one", "tcp", NULL)->cause = "net.eof";
	scene_add(s, "two", "tcp", NULL)->cause = "net.eof";
	scene_add(s, "var", "disk", NULL)->subject.path = folder;
	scene_begins(s);
}

static void
give(struct scene *s, const char *check, const char *name, const char *key, const char *mount)
{
	const struct fact_type *type = fact_find(name);
	const struct triage_moment at = scene_at(s);
	struct fact fact;
	fact_init(&fact, type->name, type->keys);
	for (size_t n = 0; type->keys[n].name; n++) {
		if (str_eq(type->keys[n].name, key))
			fact.numbers[n] = 1;
		if (mount && str_eq(type->keys[n].name, "mount"))
			fact.texts[n] = xstrdup(mount);
	}
	fact.end = FACT_HAD;
	fact.at_us = at.wall_us;
	xstrset(&fact.text, key ? key : "nothing of note");
	triage_fact(s->triage, check, &fact, &at);
	fact_fini(&fact);
	scene_tick(s);
}

static void
fail_twice(struct scene *s, const char *name)
{
	scene_fails(s, name);
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, name);
}

static void
test_facts_are_asked_at_the_first_failure(void **state)
{
	struct scene *s = *state;
	build(s);
	scene_fails(s, "one");
	assert_string_equal(scene_find(s, "one")->facts_wanted, "unit disk ");
	give(s, "one", "unit", "by_operator", NULL);
	give(s, "one", "disk", NULL, "/");
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "one");
	scene_says(s, "opened/first one:check-down critical; ");
	const struct incident *i = scene_newest(s);
	assert_string_equal(i->finding, "line-cut.stopped");
	assert_string_equal(i->cause_code, "net.eof");
	assert_string_equal(i->title, "somebody stopped it");
	assert_int_equal(i->facts.count, 2);
	assert_string_equal(scene_find(s, "one")->facts_wanted, "unit disk ");
}

static void
miss(struct scene *s, const char *check, const char *name)
{
	const struct fact_type *type = fact_find(name);
	const struct triage_moment at = scene_at(s);
	struct fact fact;
	fact_init(&fact, type->name, type->keys);
	fact.end = FACT_MISSED;
	xstrset(&fact.text, "no answer within 2s");
	triage_fact(s->triage, check, &fact, &at);
	fact_fini(&fact);
	scene_tick(s);
}

/* Ages in it count from then: the same text again is news of how old it is, and no other news. */
static void
test_a_fact_says_when_it_was_last_seen(void **state)
{
	struct scene *s = *state;
	usec_t first_us;
	build(s);
	fail_twice(s, "one");
	give(s, "one", "unit", NULL, NULL);
	give(s, "one", "disk", NULL, "/");
	scene_says(s, "opened/first one:check-down critical; ");
	first_us = scene_newest(s)->facts.all[0].at_us;
	assert_true(first_us > 0);
	scene_goes_by(s, SECONDS(60));
	give(s, "one", "unit", NULL, NULL);
	scene_says(s, "");
	assert_int_equal(scene_newest(s)->facts.all[0].at_us, first_us + SECONDS(60));
}

static void
test_what_could_not_be_had_is_asked_for_again(void **state)
{
	struct scene *s = *state;
	build(s);
	fail_twice(s, "one");
	give(s, "one", "disk", NULL, "/");
	miss(s, "one", "unit");
	scene_says(s, "opened/first one:check-down critical; ");
	assert_null(scene_newest(s)->finding);
	scene_find(s, "one")->facts_wanted[0] = '\0';
	scene_goes_by(s, SECONDS(5));
	scene_fails(s, "one");
	assert_string_equal(scene_find(s, "one")->facts_wanted, "");
	scene_goes_by(s, SECONDS(6));
	scene_fails(s, "one");
	assert_string_equal(scene_find(s, "one")->facts_wanted, "unit ");
	give(s, "one", "unit", "by_operator", NULL);
	scene_goes_by(s, SECONDS(11));
	scene_fails(s, "one");
	assert_string_equal(scene_find(s, "one")->facts_wanted, "unit ");
	assert_string_equal(scene_newest(s)->finding, "line-cut.stopped");
}

static void
test_what_is_never_had_is_asked_for_a_few_times_only(void **state)
{
	struct scene *s = *state;
	build(s);
	fail_twice(s, "one");
	give(s, "one", "disk", NULL, "/");
	scene_find(s, "one")->facts_wanted[0] = '\0';
	for (int n = 0; n < 9; n++) {
		miss(s, "one", "unit");
		scene_goes_by(s, SECONDS(11));
		scene_fails(s, "one");
	}
	assert_string_equal(scene_find(s, "one")->facts_wanted, "unit unit unit ");
}

/* What is seen of a check that is well again is no evidence of why it was not. */
static void
test_of_what_is_well_again_nothing_more_is_asked(void **state)
{
	struct scene *s = *state;
	build(s);
	fail_twice(s, "one");
	give(s, "one", "disk", NULL, "/");
	miss(s, "one", "unit");
	scene_find(s, "one")->facts_wanted[0] = '\0';
	scene_goes_by(s, SECONDS(11));
	scene_is_well(s, "one");
	assert_string_equal(scene_find(s, "one")->facts_wanted, "");
}

/* Its facts are there, and of the sample that says that it is down a rule over a number comes
 * first. */
static struct scene_check *
fall_with_a_number(struct scene *s)
{
	struct scene_check *one;
	build(s);
	one = scene_find(s, "one");
	scene_fails(s, "one");
	give(s, "one", "unit", NULL, NULL);
	give(s, "one", "disk", NULL, "/");
	scene_goes_by(s, SECONDS(1));
	one->fires = true;
	scene_fails(s, "one");
	scene_alert(s, one, "too-slow", ALERT_FIRES, SEVERITY_WARNING);
	return one;
}

static void
test_a_number_of_what_is_down_speaks_with_it(void **state)
{
	struct scene *s = *state;
	const struct scene_check *one = fall_with_a_number(s);
	scene_says(s, "");
	scene_alert(s, one, "check-down", ALERT_FIRES, SEVERITY_CRITICAL);
	scene_says(s, "opened/first one:check-down critical; ");
	assert_int_equal(scene_newest(s)->alert_count, 2);
}

/* Where nobody asked to hear of its being down. */
static void
test_a_number_of_what_is_down_speaks_alone(void **state)
{
	struct scene *s = *state;
	fall_with_a_number(s);
	scene_goes_by(s, 1);
	scene_says(s, "opened/first one:too-slow warning; ");
}

/* Other trouble of the same check goes on meanwhile, so what was asked is still at hand. */
static void
test_facts_of_trouble_that_is_over_are_asked_anew(void **state)
{
	struct scene *s = *state;
	struct scene_check *one;
	build(s);
	one = scene_find(s, "one");
	scene_alert(s, one, "slow", ALERT_FIRES, SEVERITY_WARNING);
	scene_alert(s, one, "lock-wait", ALERT_FIRES, SEVERITY_WARNING);
	assert_string_equal(one->facts_wanted, "unit disk ");
	give(s, "one", "unit", "by_operator", NULL);
	give(s, "one", "disk", NULL, "/");
	assert_string_equal(scene_newest(s)->finding, "line-cut.stopped");
	scene_goes_by(s, SECONDS(20));
	scene_alert(s, one, "lock-wait", ALERT_ENDS, SEVERITY_OK);
	scene_goes_by(s, SECONDS(20));
	one->facts_wanted[0] = '\0';
	s->told[0] = '\0';
	scene_alert(s, one, "lock-wait", ALERT_FIRES, SEVERITY_WARNING);
	assert_string_equal(one->facts_wanted, "unit disk ");
	assert_int_equal(one->facts_since_us, s->now);
	scene_says(s, "");
	give(s, "one", "unit", NULL, NULL);
	give(s, "one", "disk", NULL, "/");
	scene_says(s, "opened/reopened one:lock-wait warning; ");
	assert_null(scene_newest(s)->finding);
}

/* Nothing goes on meanwhile; whoever measures may have a young answer, which is too old. */
static void
test_a_young_answer_of_trouble_that_is_over_is_none(void **state)
{
	struct scene *s = *state;
	struct scene_check *one;
	build(s);
	one = scene_find(s, "one");
	scene_alert(s, one, "lock-wait", ALERT_FIRES, SEVERITY_WARNING);
	give(s, "one", "unit", "by_operator", NULL);
	give(s, "one", "disk", NULL, "/");
	scene_alert(s, one, "lock-wait", ALERT_ENDS, SEVERITY_OK);
	scene_goes_by(s, SECONDS(2));
	one->facts_wanted[0] = '\0';
	scene_alert(s, one, "lock-wait", ALERT_FIRES, SEVERITY_WARNING);
	assert_string_equal(one->facts_wanted, "unit disk ");
	assert_int_equal(one->facts_since_us, s->now);
}

/* It was not heard since it is there: its first sample is waited for, then what that leads to. */
static struct scene_check *
fire_unheard(struct scene *s)
{
	build(s);
	struct scene_check *one = scene_find(s, "one");
	one->has_sample = false;
	scene_alert(s, one, "lock-wait", ALERT_FIRES, SEVERITY_WARNING);
	assert_true(one->is_run_wanted);
	assert_string_equal(one->facts_wanted, "");
	return one;
}

static void
test_a_number_of_what_is_heard_late_waits_for_facts_after_that(void **state)
{
	struct scene *s = *state;
	const struct scene_check *one = fire_unheard(s);
	scene_waits(s, 12);
	assert_string_equal(one->facts_wanted, "");
	scene_is_well(s, "one");
	assert_string_equal(one->facts_wanted, "unit disk ");
	scene_waits(s, 1);
	scene_says(s, "");
	scene_waits(s, 1);
	scene_says(s, "opened/first one:lock-wait warning; ");
}

static void
test_a_number_of_what_is_never_heard_is_told_all_the_same(void **state)
{
	struct scene *s = *state;
	const struct scene_check *one = fire_unheard(s);
	scene_waits(s, 29);
	assert_string_equal(one->facts_wanted, "");
	scene_waits(s, 1);
	assert_string_equal(one->facts_wanted, "unit disk ");
	scene_waits(s, 1);
	scene_says(s, "");
	scene_waits(s, 1);
	scene_says(s, "opened/first one:lock-wait warning; ");
}

static void
test_later_facts_are_told_together(void **state)
{
	struct scene *s = *state;
	build(s);
	fail_twice(s, "one");
	scene_waits(s, 1);
	scene_says(s, "");
	scene_waits(s, 1);
	scene_says(s, "opened/first one:check-down critical; ");
	assert_null(scene_newest(s)->finding);
	give(s, "one", "unit", "by_operator", NULL);
	scene_says(s, "");
	give(s, "one", "disk", NULL, "/");
	scene_says(s, "updated/facts one:check-down critical; ");
	assert_string_equal(scene_newest(s)->finding, "line-cut.stopped");
	give(s, "one", "disk", NULL, "/");
	scene_says(s, "");
}

static void
test_words_of_before_the_restart_stay(void **state)
{
	struct scene *s = *state;
	build(s);
	scene_fails(s, "one");
	give(s, "one", "unit", "by_operator", NULL);
	give(s, "one", "disk", NULL, "/");
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "one");
	s->told[0] = '\0';
	scene_restarts(s);
	scene_fails(s, "one");
	scene_alert(s, scene_find(s, "one"), "check-down", ALERT_CAUSE, SEVERITY_CRITICAL);
	scene_settles(s);
	assert_string_equal(scene_newest(s)->title, "somebody stopped it");
	give(s, "one", "unit", "by_operator", NULL);
	give(s, "one", "disk", NULL, "/");
	scene_says(s, "");
	assert_string_equal(scene_newest(s)->title, "somebody stopped it");
}

static void
test_the_disk_is_the_root_of_both(void **state)
{
	struct scene *s = *state;
	build(s);
	scene_fails(s, "one");
	give(s, "one", "unit", NULL, NULL);
	give(s, "one", "disk", "full", "/var");
	scene_fails(s, "two");
	give(s, "two", "unit", NULL, NULL);
	give(s, "two", "disk", "full", "/var");
	assert_true(scene_find(s, "var")->is_run_wanted);
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "one");
	scene_waits(s, 3); /* for the disk's own facts */
	scene_fails(s, "two");
	scene_waits(s, 6);
	scene_says(s, "opened/first var:disk-space critical (one); "
		      "updated/new-impact var:disk-space critical (one two); ");
	/* its own alert comes later, and ends last */
	scene_alert(s, scene_find(s, "var"), "disk-filling", ALERT_FIRES, SEVERITY_WARNING);
	scene_is_well(s, "one");
	scene_is_well(s, "two");
	scene_alert(s, scene_find(s, "var"), "disk-filling", ALERT_ENDS, SEVERITY_OK);
	assert_non_null(strstr(s->told, "resolved/recovered var:disk-space"));
	assert_int_equal(triage_count(s->triage), 1);
}

static void
test_late_facts_move_the_incident_to_the_disk(void **state)
{
	struct scene *s = *state;
	char id[INCIDENT_ID_LEN + 1];
	build(s);
	fail_twice(s, "one");
	scene_waits(s, 3);
	scene_says(s, "opened/first one:check-down critical; ");
	memcpy(id, s->last_id, sizeof(id));
	give(s, "one", "unit", NULL, NULL);
	give(s, "one", "disk", "full", "/var");
	assert_non_null(strstr(s->told, "updated/root-changed var:disk-space critical (one); "));
	assert_string_equal(s->last_id, id);
	assert_int_equal(triage_open_count(s->triage), 1);
}

static void
test_what_shares_an_address_is_related(void **state)
{
	static char host[] = "10.0.0.9";
	struct scene *s = *state;
	build(s);
	scene_find(s, "one")->subject.host = scene_find(s, "two")->subject.host = host;
	scene_find(s, "one")->subject.port = scene_find(s, "two")->subject.port = 99;
	fail_twice(s, "one");
	fail_twice(s, "two");
	scene_waits(s, 3);
	assert_int_equal(triage_open_count(s->triage), 2);
	const struct incident *a = triage_at(s->triage, 0), *b = triage_at(s->triage, 1);
	assert_string_equal(a->related.all[0].name, b->id);
	assert_string_equal(b->related.all[0].name, a->id);
	assert_non_null(strstr(a->related.all[0].text, "the same address"));
	assert_null(strstr(s->told, "updated"));
}

/* --- this host's network --- */

static void
build_remote(struct scene *s)
{
	static char hosts[3][16] = { "10.0.0.1", "10.0.0.2", "10.0.0.3" };
	static const char *const names[] = { "far1", "far2", "far3" };
	for (size_t n = 0; n < 3; n++) {
		struct scene_check *c = scene_add(s, names[n], "tcp", NULL);
		c->subject.host = hosts[n];
		c->cause = "net.timeout";
	}
	scene_add(s, "shop", "http", "far1")->subject.is_local = true;
	scene_begins(s);
}

static void
ladder(struct scene *s, const char *check, const char *broken_at)
{
	const struct fact_type *type = fact_find("net-ladder");
	const struct triage_moment at = scene_at(s);
	struct fact fact;
	fact_init(&fact, type->name, type->keys);
	for (size_t n = 0; type->keys[n].name; n++)
		if (str_eq(type->keys[n].name, "broken_at"))
			fact.texts[n] = xstrdup(broken_at);
	xstrset(&fact.text, "rung by rung");
	triage_fact(s->triage, check, &fact, &at);
	fact_fini(&fact);
	scene_tick(s);
}

static void
test_all_others_at_once_are_this_hosts_network(void **state)
{
	struct scene *s = *state;
	build_remote(s);
	for (size_t n = 0; n < 3; n++)
		s->checks[n].is_down = true;
	scene_fails(s, "far1");
	assert_non_null(strstr(scene_find(s, "far1")->facts_wanted, "net-ladder"));
	ladder(s, "far1", "route");
	assert_true(scene_find(s, "far2")->is_run_wanted && scene_find(s, "far3")->is_run_wanted);
	scene_runs_wanted(s);
	fail_twice(s, "shop");
	fail_twice(s, "far1");
	scene_waits(s, 3);
	assert_true(str_starts(s->told, "opened/first host.network:host-network critical "));
	assert_string_equal(scene_newest(s)->cause_code, "host.network-lost");
	assert_string_equal(scene_newest(s)->type, "host");
	assert_true(triage_is_blind(s->triage, "far1"));
	assert_int_equal(triage_open_count(s->triage), 1);
	s->told[0] = '\0';
	for (size_t n = 0; n < s->count; n++)
		scene_is_well(s, s->checks[n].name);
	scene_waits(s, 6);
	assert_true(str_ends(s->told, "resolved/recovered host.network:host-network critical; "));
	assert_false(triage_is_blind(s->triage, "far1"));
}

static void
test_one_that_answers_refutes_it(void **state)
{
	struct scene *s = *state;
	build_remote(s);
	scene_find(s, "far1")->is_down = scene_find(s, "far2")->is_down = true;
	scene_fails(s, "far1");
	ladder(s, "far1", "gateway"); /* that gateway just does not answer pings */
	while (scene_runs_wanted(s))
		;
	fail_twice(s, "far1");
	scene_waits(s, 6);
	assert_non_null(strstr(s->told, "opened/first far1:check-down critical; "));
	assert_null(strstr(s->told, "host."));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_facts_are_asked_at_the_first_failure),
		TEST(test_a_fact_says_when_it_was_last_seen),
		TEST(test_what_could_not_be_had_is_asked_for_again),
		TEST(test_what_is_never_had_is_asked_for_a_few_times_only),
		TEST(test_of_what_is_well_again_nothing_more_is_asked),
		TEST(test_facts_of_trouble_that_is_over_are_asked_anew),
		TEST(test_a_number_of_what_is_down_speaks_with_it),
		TEST(test_a_number_of_what_is_down_speaks_alone),
		TEST(test_a_young_answer_of_trouble_that_is_over_is_none),
		TEST(test_a_number_of_what_is_heard_late_waits_for_facts_after_that),
		TEST(test_a_number_of_what_is_never_heard_is_told_all_the_same),
		TEST(test_later_facts_are_told_together),
		TEST(test_words_of_before_the_restart_stay),
		TEST(test_the_disk_is_the_root_of_both),
		TEST(test_late_facts_move_the_incident_to_the_disk),
		TEST(test_what_shares_an_address_is_related),
		TEST(test_all_others_at_once_are_this_hosts_network),
		TEST(test_one_that_answers_refutes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
