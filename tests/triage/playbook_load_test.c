/* Everything that can be wrong with a playbook is said at its place; what is right is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/triage/playbook_kit.h"

/* --- mistakes: one in a playbook that is good otherwise --- */

static const char good[] =
	"playbook: p\n"
	"scenarios: [x]\n"
	"title: { en: \"T\", zh: \"题\" }\n"
	"symptoms:\n"
	"  - { type: redis, cause: net.refused }\n"
	"facts: [port-owner, kernel-log]\n"
	"causes:\n"
	"  - cause: a\n"
	"    when: kernel-log.oom\n"
	"    confidence: certain\n"
	"    title: { en: \"{{target.check}} A\", zh: \"甲\" }\n"
	"    why: { en: \"A\", zh: \"甲\" }\n"
	"    remedy:\n"
	"      - { text: { en: \"do\", zh: \"做\" }, command: \"ls {{target.path}}\" }\n"
	"  - cause: b\n"
	"    title: { en: \"B\", zh: \"乙\" }\n"
	"    why: { en: \"B\", zh: \"乙\" }\n"
	"    remedy: [{ text: { en: \"do\", zh: \"做\" } }]\n";

static char *
replace(const char *text, const char *what, const char *with)
{
	const char *at = strstr(text, what);

	if (!at)
		fail_msg("\"%s\" is not in the text", what);
	return xasprintf("%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
}

static char *
complaints_of(const char *text)
{
	char dir[] = "/tmp/triaged-playbooks-XXXXXX";
	struct complaints *complaints = complaints_new();
	const struct playbook_text none[] = { { .name = NULL } };
	struct buf out;

	assert_non_null(mkdtemp(dir));
	char *path = xasprintf("%s/p.yaml", dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	struct playbooks *set = playbooks_load_from(
		&(struct playbook_sources){ .shipped = none, .folder = dir, .facts = kit_facts },
		complaints);
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	assert_int_equal(complaints_errors(complaints) == 0, playbooks_named(set, "p") != NULL);
	playbooks_free(set);
	complaints_free(complaints);
	unlink(path);
	rmdir(dir);
	free(path);
	return buf_take_text(&out);
}

static const struct mistake {
	const char *what, *with; /* in `good` */
	const char *place, *said;
} mistakes[] = {
	{ "scenarios", "scenario", ":2:1:", "did you mean \"scenarios\"" },
	{ "playbook: p", "playbook: q", ":1:11:", "call the file q.yaml" },
	{ "playbook: p", "playbook: P", ":1:11:", "is no name" },
	{ "type: redis", "type: redsi",
		":5:13:", "unknown probe type \"redsi\", did you mean \"redis\"" },
	{ "net.refused", "net.refusd",
		":5:27:", "unknown cause \"net.refusd\", did you mean \"net.refused\"" },
	{ "net.refused", "nett.*", ":5:27:", "unknown cause" },
	{ "cause: net.refused", "rule: check-donw",
		":5:26:", "unknown rule \"check-donw\", did you mean \"check-down\"" },
	{ "{ type: redis, cause: net.refused }", "{}", ":5:5:", "name a type, a cause or a rule" },
	{ "kernel-log]", "kernel-lgo]",
		":6:21:", "unknown fact \"kernel-lgo\", did you mean \"kernel-log\"" },
	{ "kernel-log]", "port-owner]", ":6:21:", "is there twice" },
	{ "when: kernel-log.oom", "when: kernl-log.oom",
		":9:11:", "unknown fact \"kernl-log\", did you mean \"kernel-log\"" },
	{ "when: kernel-log.oom", "when: kernel-log.oon", ":9:22:", "unknown key \"oon\"" },
	{ "when: kernel-log.oom", "when: disk.full", ":9:11:", "add it to `facts:`" },
	{ "when: kernel-log.oom", "when: kernel-log.oom and", ":9:", "error" },
	{ "when: kernel-log.oom", "when: target.port", ":9:11:", "must be a condition" },
	{ "when: kernel-log.oom", "when: avg(this.total_time, 5m) > 1s",
		":9:11:", "a fact has no past" },
	{ "when: kernel-log.oom", "when: this.nonsense > 1", ":9:16:", "unknown key \"nonsense\"" },
	{ "when: kernel-log.oom\n    confidence", "confidence", ":8:12:", "put it last" },
	{ "certain", "sure", ":10:17:", "certain" },
	{ "{ en: \"{{target.check}} A\", zh: \"甲\" }", "{ zh: \"甲\" }",
		":11:5:", "en is missing" },
	{ "target.check", "target.chekc", ":11:28:", "unknown key \"chekc\"" },
	{ "{{target.check}} A", "{{target.check A", ":11:19:", "has no }}" },
	{ "{ en: \"A\", zh: \"甲\" }", "text", ":12:10:", "must be a map" },
	{ "target.path", "target.paht", ":14:62:", "unknown key \"paht\"" },
	{ "ls {{target.path}}", "redis-cli FLUSHALL", ":14:49:", "destructive: true" },
	{ "ls {{target.path}}", "kill -9 {{port-owner.pid}}", ":14:49:", "destructive: true" },
	{ "en: \"do\"", "en: \"run `docker compose down -v`\"", ":14:23:", "destructive: true" },
	{ "cause: b", "cause: a", ":15:12:", "already the name" },
	{ "cause: b", "cause: B.x", ":15:12:", "is no name" },
	{ "    title: { en: \"B\", zh: \"乙\" }\n", "", ":15:5:", "title" },
	{ "    remedy: [{ text: { en: \"do\", zh: \"做\" } }]\n", "", ":15:5:", "remedy" },
	{ "    remedy: [{ text: { en: \"do\", zh: \"做\" } }]\n", "    remedy: [~]\n",
		":18:14:", "must be a map" },
	{ "cause: b", "cause: b\n    root: { type: dsik }",
		":16:19:", "no probe type is called \"dsik\"" },
};

static void
mistakes_are_said_at_their_place(void **state)
{
	unsigned missed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		char *text = replace(good, m->what, m->with);
		char *said = complaints_of(text);
		bool is_said = strstr(said, m->place) && strstr(said, m->said) && strchr(said, '^');
		if (!is_said)
			print_error("\"%s\" -> \"%s\": wanted %s %s, got:\n%s", m->what, m->with,
				m->place, m->said, said);
		missed += !is_said;
		free(said);
		free(text);
	}
	assert_int_equal(missed, 0);
}

static void
good_one_has_no_complaints(void **state)
{
	char *said = complaints_of(good);

	(void)state;
	assert_string_equal(said, "");
	free(said);
}

static void
destructive_step_may_be_marked(void **state)
{
	char *text = replace(good, "command: \"ls {{target.path}}\"",
		"command: \"redis-cli FLUSHDB\", destructive: true");
	char *said = complaints_of(text);

	(void)state;
	assert_string_equal(said, "");
	free(said);
	free(text);
}

static const struct {
	const char *command;
	bool is_harmful;
} commands[] = {
	{ "redis-cli FLUSHDB", true },
	{ "redis-cli flushall async", true },
	{ "redis-cli DEL celery", true },
	{ "celery -A app purge", true },
	{ "redis-cli --scan --pattern '*' | xargs redis-cli del", true },
	{ "redis-cli --rdb /backup/dump.rdb", true },
	{ "mysql -e \"PURGE BINARY LOGS BEFORE NOW()\"", true },
	{ "mysql -e \"SET GLOBAL sql_slave_skip_counter = 1\"", true },
	{ "kafka-consumer-groups.sh --reset-offsets --to-latest", true },
	{ "mongorestore --drop dump/", true },
	{ "kill -9 12", true },
	{ "kill -s KILL 12", true },
	{ "kill $(lsof -t -i:3000)", true },
	{ "docker-compose down -v", true },
	{ "docker compose -f x.yml down --volumes", true },
	{ "chmod -R 777 /data", true },
	{ "> /var/log/app.log", true },
	{ "cat /dev/null > app.log", true },
	{ "rm -rf /var/lib/redis", true },
	{ "truncate -s 0 /var/log/syslog", true },
	{ "redis-cli CONFIG SET maxmemory-policy allkeys-lru", true },
	{ "psql -c 'DROP TABLE users'", true },
	{ "kill 12", false },
	{ "systemctl restart redis-server", false },
	{ "redis-cli --bigkeys", false },
	{ "docker compose up -d", false },
	{ "docker compose down", false },
	{ "mysql -e \"SHOW BINARY LOGS\"", false },
	{ "ls -l /var/log 2>/dev/null", false },
	{ "mysqldump --all-databases > all.sql", false },
	{ "tail -n 50 app.log", false },
	{ "echo line >> app.log", false },
	{ "chmod 750 /data", false },
	{ "psql -c 'SELECT pg_terminate_backend(12)'", false },
};

static void
commands_that_destroy_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if ((playbook_destroys(commands[i].command) != NULL) != commands[i].is_harmful)
			fail_msg("%s: %s", commands[i].command,
				commands[i].is_harmful ? "not noticed" : "called destructive");
}

/* --- finding --- */

#define HEAD(name_, symptoms)                                                                      \
	{                                                                                          \
		.name = name_, .text = "playbook: " name_                                          \
				       "\ntitle: { en: t }\nsymptoms: " symptoms "\ncauses: []\n"  \
	}

static const struct playbook_text finding[] = {
	HEAD("a-any", "[{ cause: 'net.*' }]"),
	HEAD("b-glob-type", "[{ type: redis, cause: 'net.*' }]"),
	HEAD("c-code", "[{ cause: net.refused }]"),
	HEAD("d-code-type", "[{ type: [redis, tcp], cause: net.refused }]"),
	HEAD("e-long-glob", "[{ cause: 'net.tls-*' }]"),
	HEAD("f-rule", "[{ rule: [disk-space, disk-filling] }]"),
	HEAD("g-rule-type", "[{ type: postgres, rule: connections-high }]"),
	HEAD("h-type", "[{ type: smtp }]"),
	{ .name = NULL },
};

static const struct {
	struct symptom symptom;
	const char *name;
} found[] = {
	{ { "ping", "net.timeout", "check-down" }, "a-any" },
	{ { "redis", "net.timeout", "check-down" }, "b-glob-type" },
	{ { "http", "net.refused", "check-down" }, "c-code" },
	{ { "redis", "net.refused", NULL }, "d-code-type" },
	{ { "tcp", "net.refused", "check-down" }, "d-code-type" },
	{ { "redis", "net.tls-verify", "check-down" }, "e-long-glob" },
	{ { "disk", NULL, "disk-space" }, "f-rule" },
	{ { "disk", "disk.gone", "disk-filling" }, "f-rule" },
	{ { "postgres", NULL, "connections-high" }, "g-rule-type" },
	{ { "mysql", NULL, "connections-high" }, NULL },
	{ { "smtp", "smtp.auth", "check-down" }, "h-type" },
	{ { "http", "http.5xx", "check-down" }, NULL },
};

static void
most_specific_symptom_wins(void **state)
{
	struct playbooks *set = kit_load(finding);

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
		const struct playbook *p = playbooks_find(set, &found[i].symptom);
		if (!str_eq(p ? playbook_name(p) : NULL, found[i].name))
			fail_msg("%zu: %s instead of %s", i, p ? playbook_name(p) : "none",
				found[i].name ? found[i].name : "none");
	}
	playbooks_free(set);
}

static void
rules_of_a_playbook_are_a_family(void **state)
{
	struct playbooks *set = kit_load(finding);

	(void)state;
	assert_string_equal(playbooks_family(set, "disk-space"), "f-rule");
	assert_string_equal(playbooks_family(set, "disk-filling"), "f-rule");
	assert_string_equal(playbooks_family(set, "memory-high"), "memory-high");
	assert_string_equal(playbooks_family(set, "check-down"), "check-down");
	playbooks_free(set);
}

static void
users_own_replaces_a_shipped_one(void **state)
{
	const struct playbook_text shipped[] = { HEAD("p", "[{ type: ping }]"),
		HEAD("q", "[{ type: ping }]"), { .name = NULL } };
	char dir[] = "/tmp/triaged-playbooks-XXXXXX";
	struct complaints *complaints = complaints_new();

	(void)state;
	assert_non_null(mkdtemp(dir));
	char *path = xasprintf("%s/p.yaml", dir);
	FILE *file = fopen(path, "w");
	fputs(good, file);
	fclose(file);
	struct playbooks *set = playbooks_load_from(
		&(struct playbook_sources){ .shipped = shipped, .folder = dir, .facts = kit_facts },
		complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	assert_non_null(playbooks_at(set, 1));
	assert_null(playbooks_at(set, 2));
	assert_string_equal(playbook_fact(playbooks_named(set, "p"), 1), "kernel-log");
	assert_null(playbook_fact(playbooks_named(set, "p"), 2));
	playbooks_free(set);
	unlink(path);
	rmdir(dir);
	free(path);
	complaints_free(complaints);
}

static void
missing_folder_is_said(void **state)
{
	const struct playbook_text none[] = { { .name = NULL } };
	struct complaints *complaints = complaints_new();
	struct playbooks *set = playbooks_load_from(
		&(struct playbook_sources){
			.shipped = none, .folder = "/nonexistent/playbooks", .facts = kit_facts },
		complaints);
	char first[300];

	(void)state;
	complaints_first(complaints, first, sizeof(first));
	assert_non_null(strstr(first, "/nonexistent/playbooks"));
	playbooks_free(set);
	complaints_free(complaints);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_one_has_no_complaints),
		cmocka_unit_test(mistakes_are_said_at_their_place),
		cmocka_unit_test(destructive_step_may_be_marked),
		cmocka_unit_test(commands_that_destroy_are_known),
		cmocka_unit_test(most_specific_symptom_wins),
		cmocka_unit_test(rules_of_a_playbook_are_a_family),
		cmocka_unit_test(users_own_replaces_a_shipped_one),
		cmocka_unit_test(missing_folder_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
