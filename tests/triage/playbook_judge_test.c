/* From facts to a cause and its words: each world is one story. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/triage/playbook_kit.h"

static const char stopped[] =
	"playbook: redis-stopped\n"
	"title: { en: \"Redis does not listen\", zh: \"Redis 未监听\" }\n"
	"symptoms: [{ type: redis, cause: net.refused }, { type: redis, rule: redis-memory }]\n"
	"facts: [port-owner, kernel-log, disk]\n"
	"causes:\n"
	"  - cause: oom-killed\n"
	"    when: kernel-log.oom and kernel-log.oom_victim == target.comm\n"
	"    confidence: certain\n"
	"    title: { en: \"{{target.check}}: the kernel killed it\", zh: "
	"\"{{target.check}}：被内核杀死\" }\n"
	"    why: { en: \"It used {{kernel-log.oom_rss_bytes}} on {{target.host}}, listening: "
	"{{port-owner.listening}}\", zh: \"占用 "
	"{{kernel-log.oom_rss_bytes}}，监听：{{port-owner.listening}}\" }\n"
	"    for: [{ when: not port-owner.listening, text: { en: \"nobody listens on "
	"{{target.port}}\", zh: \"没有进程监听\" } }]\n"
	"    against:\n"
	"      - { when: port-owner.listening, text: { en: \"{{port-owner.comm}} listens again\", "
	"zh: \"又有进程监听\" } }\n"
	"    remedy:\n"
	"      - { text: { en: \"start it\", zh: \"启动\" }, command: \"systemctl start "
	"{{target.unit}}\" }\n"
	"      - { text: { en: \"only with a pid\", zh: \"仅当有进程\" }, when: "
	"known(port-owner.pid) }\n"
	"      - { text: { en: \"look\", zh: \"查看\" }, command: \"ps -C {{port-owner.comm}}\" }\n"
	"      - { text: { en: \"drop all\", zh: \"清空\" }, command: \"redis-cli FLUSHALL\", "
	"destructive: true }\n"
	"  - cause: disk-full\n"
	"    when: disk.full\n"
	"    title: { en: \"disk\", zh: \"磁盘\" }\n"
	"    why: { en: \"{{disk.mount}} is full\", zh: \"{{disk.mount}} 已满\" }\n"
	"    root: { type: disk, of: \"{{disk.mount}}\" }\n"
	"    remedy: [{ text: { en: \"look\" }, command: \"du {{disk.mount}}; du '{{disk.mount}}' "
	"\\\"{{disk.mount}}\\\"\" }]\n"
	"  - cause: gone\n"
	"    when: port-owner.age > 1h\n"
	"    title: { en: \"gone ({{port-owner.comm}}, pid {{port-owner.pid}}): {{disk.mount}}\", "
	"zh: \"已退出（{{port-owner.comm}}，pid {{port-owner.pid}}）：{{disk.mount}}\" }\n"
	"    why: { en: \"Old (pid {{port-owner.pid}}). It was {{port-owner.comm}}. Text: "
	"{{target.text}}; disk {{disk.mount}}\" }\n"
	"    for: [{ when: port-owner.age > 1h, text: { en: \"by {{port-owner.comm}}\" } }]\n"
	"    remedy: [{ text: { en: \"look\" } }]\n"
	"  - cause: memory\n"
	"    when: this.memory_percent > 90%\n"
	"    title: { en: \"memory {{this.memory_percent}}\" }\n"
	"    why: { en: \"full\" }\n"
	"    remedy: [{ text: { en: \"look\" } }]\n"
	"  - cause: network\n"
	"    when: peers.remote_failing == peers.remote and peers.remote > 0 and not target.local\n"
	"    title: { en: \"network\" }\n"
	"    why: { en: \"needs {{needs.failing}}\" }\n"
	"    remedy: [{ text: { en: \"look\" } }]\n";

static const struct playbook_text texts[] = { { "redis-stopped", stopped, NULL },
	{ .name = NULL } };

struct bed {
	struct playbooks *set;
	const struct playbook *playbook;
	struct fact owner, kernel, disk;
	const struct fact *facts[3];
	struct check_spec check;
	struct subject subject;
	struct sample sample;
	struct playbook_world world;
	struct diagnosis diagnosis;
	struct incident incident;
};

static char cache_name[] = "cache", redis_comm[] = "redis-server", host[] = "10.0.0.5";

static int
set_up(void **state)
{
	struct bed *bed = xcalloc(1, sizeof(*bed));

	bed->set = kit_load(texts);
	bed->playbook = playbooks_named(bed->set, "redis-stopped");
	kit_fact(&bed->owner, &owner_type);
	kit_fact(&bed->kernel, &kernel_type);
	kit_fact(&bed->disk, &disk_type);
	bed->facts[0] = &bed->kernel; /* not in the playbook's order */
	bed->facts[1] = &bed->disk;
	bed->facts[2] = &bed->owner;
	bed->check = (struct check_spec){ .name = cache_name, .type = "redis" };
	bed->subject = (struct subject){ .host = host, .port = 6379, .comm = redis_comm };
	sample_init(&bed->sample, probe_find("redis")->metrics);
	bed->sample.outcome = OUTCOME_FAIL;
	bed->sample.cause = cause_get("net.refused");
	bed->world = (struct playbook_world){
		.check = &bed->check,
		.target = "redis://10.0.0.5:6379",
		.sample = &bed->sample,
		.cause = "net.refused",
		.rule = "check-down",
		.text = "connection refused",
		.subject = &bed->subject,
		.facts = bed->facts,
		.fact_count = 3,
	};
	incident_init(&bed->incident);
	xstrset(&bed->incident.summary, "connection refused");
	xstrset(&bed->incident.cause_code, "net.refused");
	incident_add_text(&bed->incident.facts, "banner", "what the sample saw", 1);
	*state = bed;
	return 0;
}

static int
tear_down(void **state)
{
	struct bed *bed = *state;

	incident_fini(&bed->incident);
	sample_fini(&bed->sample);
	fact_fini(&bed->owner);
	fact_fini(&bed->kernel);
	fact_fini(&bed->disk);
	playbooks_free(bed->set);
	free(bed);
	return 0;
}

static bool
judge(struct bed *bed, enum language language)
{
	if (!playbook_judge(bed->playbook, &bed->world, &bed->diagnosis))
		return false;
	playbook_write(&bed->diagnosis, &bed->world, language, &bed->incident);
	return true;
}

static void
killed(struct bed *bed)
{
	kit_number(&bed->kernel, "oom", 1);
	kit_text(&bed->kernel, "oom_victim", "redis-server");
	kit_number(&bed->kernel, "oom_rss_bytes", 512.0 * 1024 * 1024);
	xstrset(&bed->kernel.text, "Out of memory: Killed process 12 (redis-server)");
	kit_number(&bed->owner, "listening", 0);
	xstrset(&bed->owner.text, "nobody listens on port 6379");
}

static void
nothing_known_is_no_cause(void **state)
{
	assert_false(judge(*state, LANG_EN));
}

static void
first_true_cause_is_told(void **state)
{
	struct bed *bed = *state;
	const struct incident *i = &bed->incident;

	killed(bed);
	kit_number(&bed->disk, "full", 1);
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(i->title, "cache: the kernel killed it");
	assert_string_equal(i->explanation, "It used 512 MiB on 10.0.0.5, listening: no");
	assert_string_equal(i->confidence, "certain");
	assert_string_equal(i->playbook, "redis-stopped");
	assert_string_equal(i->finding, "redis-stopped.oom-killed");
	assert_string_equal(i->cause_code, "net.refused");
	assert_string_equal(i->summary, "connection refused");
	assert_int_equal(i->pros.count, 1);
	assert_string_equal(i->pros.all[0].text, "nobody listens on 6379");
	assert_int_equal(i->cons.count, 0);
	assert_string_equal(bed->diagnosis.root_type ? bed->diagnosis.root_type : "none", "none");
}

static void
against_lowers_confidence(void **state)
{
	struct bed *bed = *state;

	killed(bed);
	kit_number(&bed->owner, "listening", 1);
	kit_text(&bed->owner, "comm", "redis-server");
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(bed->incident.confidence, "likely");
	assert_string_equal(bed->incident.cons.all[0].text, "redis-server listens again");
}

static void
facts_come_in_the_playbooks_order(void **state)
{
	struct bed *bed = *state;
	const struct incident_texts *facts = &bed->incident.facts;

	killed(bed);
	bed->disk.end = FACT_MISSED;
	xstrset(&bed->disk.text, "not allowed to look");
	assert_true(judge(bed, LANG_EN));
	assert_int_equal(facts->count, 4);
	assert_string_equal(facts->all[0].name, "port-owner");
	assert_string_equal(facts->all[1].name, "kernel-log");
	assert_string_equal(facts->all[2].text, "could not be had: not allowed to look");
	assert_string_equal(facts->all[3].name, "banner");
	assert_true(judge(bed, LANG_ZH));
	assert_int_equal(facts->count, 4);
	assert_string_equal(facts->all[2].text, "无法获取：not allowed to look");
}

static void
steps_without_their_values_lose_them(void **state)
{
	struct bed *bed = *state;
	const struct incident_texts *remedy = &bed->incident.remedy;

	killed(bed);
	assert_true(judge(bed, LANG_EN));
	assert_int_equal(remedy->count, 3); /* `known(port-owner.pid)` is not true */
	assert_string_equal(remedy->all[0].text, "start it");
	assert_null(remedy->all[0].name); /* no unit is known */
	assert_true(remedy->all[2].is_destructive);
	assert_string_equal(remedy->all[2].name, "redis-cli FLUSHALL");
}

static void
what_is_not_known_is_not_said(void **state)
{
	struct bed *bed = *state;
	const struct incident *i = &bed->incident;

	kit_number(&bed->owner, "age", 7200);
	bed->world.text = "a (b. c";
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(i->title, "gone: unknown");
	assert_string_equal(i->explanation, "Old. Text: a (b. c");
	assert_string_equal(i->pros.all[0].text, "by unknown");
	kit_number(&bed->owner, "pid", 12);
	kit_text(&bed->disk, "mount", "/var");
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(i->title, "gone (pid 12): /var");
	assert_string_equal(i->explanation, "Old (pid 12). Text: a (b. c; disk /var");
	assert_true(judge(bed, LANG_ZH));
	assert_string_equal(i->title, "已退出（pid 12）：/var");
}

static void
this_host_says_nothing_of_another(void **state)
{
	struct bed *bed = *state;
	const struct incident *i = &bed->incident;

	disk_type.is_near = true;
	kit_number(&bed->disk, "full", 1);
	kit_text(&bed->disk, "mount", "/var");
	xstrset(&bed->disk.text, "/var: full");
	kit_number(&bed->owner, "age", 7200);
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(i->finding, "redis-stopped.gone");
	for (size_t n = 0; n < i->facts.count; n++)
		assert_string_not_equal(i->facts.all[n].name, "disk");
	bed->subject.is_local = true;
	assert_true(judge(bed, LANG_EN));
	disk_type.is_near = false;
	assert_string_equal(i->finding, "redis-stopped.disk-full");
	assert_string_equal(i->facts.all[0].name, "disk");
}

static void
values_in_commands_are_quoted(void **state)
{
	struct bed *bed = *state;
	const struct incident_texts *remedy = &bed->incident.remedy;

	kit_number(&bed->disk, "full", 1);
	kit_text(&bed->disk, "mount", "/my disk");
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(remedy->all[0].name, "du '/my disk'; du '/my disk' \"/my disk\"");
	assert_string_equal(bed->diagnosis.root_type, "disk");
	assert_string_equal(bed->diagnosis.root_of, "/my disk");
	kit_text(&bed->disk, "mount", "/x'; rm -rf /; '");
	assert_true(judge(bed, LANG_EN));
	assert_null(remedy->all[0].name);
	kit_text(&bed->disk, "mount", "/$(reboot)");
	assert_true(judge(bed, LANG_EN));
	assert_null(remedy->all[0].name);
	kit_text(&bed->disk, "mount", "-x");
	assert_true(judge(bed, LANG_EN));
	assert_null(remedy->all[0].name);
	kit_text(&bed->disk, "mount", "/var");
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(remedy->all[0].name, "du /var; du '/var' \"/var\"");
}

static void
numbers_of_the_sample_are_this(void **state)
{
	struct bed *bed = *state;
	const struct metric_desc *metrics = bed->sample.metrics;

	bed->sample.values[metric_index(metrics, "memory_percent")] = 95;
	xstrset(&bed->incident.cause_code, "rule.redis-memory");
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(bed->incident.title, "memory 95 %");
	assert_string_equal(bed->incident.cause_code, "redis-stopped.memory");
}

static void
peers_and_needs_are_there(void **state)
{
	struct bed *bed = *state;

	bed->world.peers.remote = bed->world.peers.remote_failing = 3;
	bed->world.needs.failing = "db";
	assert_true(judge(bed, LANG_EN));
	assert_string_equal(bed->incident.explanation, "needs db");
	bed->subject.is_local = true;
	assert_false(judge(bed, LANG_EN));
	bed->world.subject = NULL;
	assert_false(judge(bed, LANG_EN)); /* not known is not true */
}

static void
chinese_is_spoken(void **state)
{
	struct bed *bed = *state;

	killed(bed);
	assert_true(judge(bed, LANG_ZH));
	assert_string_equal(bed->incident.title, "cache：被内核杀死");
	assert_string_equal(bed->incident.explanation, "占用 512 MiB，监听：否");
	kit_number(&bed->kernel, "oom", 0);
	kit_number(&bed->disk, "full", 1);
	assert_true(judge(bed, LANG_ZH));
	assert_string_equal(bed->incident.remedy.all[0].text, "look"); /* not translated */
}

static void
long_words_are_cut(void **state)
{
	struct bed *bed = *state;
	char *large = xcalloc(1, 20000);

	memset(large, 'x', 19999);
	killed(bed);
	bed->check.name = large;
	assert_true(judge(bed, LANG_EN));
	assert_true(strlen(bed->incident.title) < 300);
	free(large);
}

static void
document_has_all_of_it(void **state)
{
	struct bed *bed = *state;
	json_t *doc = playbook_json(bed->playbook, LANG_EN);
	const json_t *causes = json_object_get(doc, "causes");
	const json_t *first = json_array_get(causes, 0);
	const json_t *remedy = json_object_get(first, "remedy");

	assert_int_equal(json_array_size(causes), 5);
	assert_string_equal(
		json_string_value(json_object_get(first, "finding")), "redis-stopped.oom-killed");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(remedy, 0), "command")),
		"systemctl start {{target.unit}}");
	assert_true(json_is_true(json_object_get(json_array_get(remedy, 3), "destructive")));
	json_decref(doc);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(nothing_known_is_no_cause),
		STORY(first_true_cause_is_told),
		STORY(against_lowers_confidence),
		STORY(facts_come_in_the_playbooks_order),
		STORY(steps_without_their_values_lose_them),
		STORY(what_is_not_known_is_not_said),
		STORY(this_host_says_nothing_of_another),
		STORY(values_in_commands_are_quoted),
		STORY(numbers_of_the_sample_are_this),
		STORY(peers_and_needs_are_there),
		STORY(chinese_is_spoken),
		STORY(long_words_are_cut),
		STORY(document_has_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
