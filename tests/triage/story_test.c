/* The record of an incident: everything a guide's template asks for, and nothing that a target, a
 * log or a query could smuggle in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "triage/story.h"

#define AT(s) ((usec_t)(1767323045 + (s)) * USEC_PER_SEC) /* 2026-01-02T03:04:05Z */

static void
fill(struct incident *i)
{
	incident_init(i);
	strcpy(i->id, "3f9c2a7d41b8");
	i->severity = SEVERITY_CRITICAL;
	i->status = INCIDENT_RESOLVED;
	i->host = xstrdup("web-1");
	i->title = xstrdup("Redis 127.0.0.1:6379 refuses connections");
	i->summary = xstrdup("nothing listens");
	i->check = xstrdup("cache");
	i->rule = xstrdup("check-down");
	i->cause_code = xstrdup("net.refused");
	i->cause_title = xstrdup("the Redis server is not running");
	i->finding = xstrdup("redis-stopped.exited");
	i->confidence = xstrdup("certain");
	i->explanation = xstrdup("It exited.");
	i->acked_by = xstrdup("ann");
	i->first_recovered = xstrdup("cache");
	i->first_recovered_us = AT(60);
	i->started_us = AT(0);
	i->resolved_us = AT(65);
	i->alerts = xcalloc(2, sizeof(*i->alerts));
	i->alert_count = 2;
	i->alerts[0] = (struct incident_alert){ .check = xstrdup("cache"),
		.rule = xstrdup("check-down"),
		.severity = SEVERITY_CRITICAL,
		.since_us = AT(0),
		.ended_us = AT(60),
		.text = xstrdup("refused") };
	i->alerts[1] = (struct incident_alert){ .check = xstrdup("api"),
		.rule = xstrdup("check-down"),
		.severity = SEVERITY_CRITICAL,
		.since_us = AT(2),
		.ended_us = AT(65),
		.text = xstrdup("status 500") };
	incident_add_text(&i->timeline, "opened", "refused", AT(4));
	incident_add_text(&i->timeline, "recovered", "after 1m 5s", AT(65));
	incident_add_text(&i->pros, NULL, "systemd saw it exit", 0);
	incident_add_text(&i->cons, NULL, "a process of that name runs", 0);
	incident_add_text(&i->facts, "unit", "redis.service: failed\nexit 1", 0);
	incident_add_text(&i->facts, "changes", "redis.conf was changed 2 min before", 0);
	incident_add_text(&i->remedy, "journalctl -u redis", "read why it stopped", 0);
	incident_add_text(&i->remedy, "redis-cli FLUSHALL", "drop the data", 0);
	i->remedy.all[1].is_destructive = true;
}

static char *
record(const struct incident *i, enum language language)
{
	struct buf out;
	buf_init(&out, 0);
	story_markdown(i, language, AT(100), &out);
	char *text = xstrdup(buf_text(&out));
	buf_fini(&out);
	return text;
}

static void
assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

static void
it_has_every_part_of_the_template(void **state)
{
	static const char *const parts[] = {
		"# Incident 3f9c2a7d41b8: Redis 127.0.0.1:6379 refuses connections\n",
		"| Time | 2026-01-02T03:04:05.000Z – 2026-01-02T03:05:10.000Z (1m 5s) |",
		"| Owner | ann |",
		"## Impact\n\n- **cache** (check-down, critical), 2026-01-02T03:04:05.000Z – "
		"2026-01-02T03:05:05.000Z: refused\n- **api** (check-down",
		"## Cause\n\nthe Redis server is not running (`net.refused`, "
		"`redis-stopped.exited`, certain)",
		"For it:\n\n- systemd saw it exit",
		"Against it:\n\n- a process of that name runs",
		"## Evidence\n\n- unit\n\n  ```\n  redis.service: failed\n  exit 1\n  ```\n",
		"- [ ] read why it stopped\n\n  ```\n  journalctl -u redis\n  ```\n",
		"- [ ] **Destructive, ask first:** drop the data\n",
		"## Timeline\n\n- 2026-01-02T03:04:09.000Z **opened** refused\n",
		"What recovered first: cache, 2026-01-02T03:05:05.000Z",
		"## Follow-up\n\n- [ ] What had changed: redis.conf was changed 2 min before\n",
	};
	struct incident i;
	(void)state;
	fill(&i);
	char *text = record(&i, LANG_EN);
	for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]); n++)
		assert_has(text, parts[n]);
	free(text);
	incident_fini(&i);
}

static void
it_speaks_chinese(void **state)
{
	struct incident i;
	(void)state;
	fill(&i);
	char *text = record(&i, LANG_ZH);
	assert_has(text, "# 故障 3f9c2a7d41b8");
	assert_has(text, "## 影响范围");
	assert_has(text, "**有破坏性，请先确认:** drop the data");
	free(text);
	incident_fini(&i);
}

static void
nothing_said_becomes_markdown(void **state)
{
	struct incident i;
	(void)state;
	fill(&i);
	xstrset(&i.title, "a|b\n# not a heading [x](http://evil) <script>");
	xstrset(&i.alerts[0].text, "line one\r\n- **bold** `code`");
	xstrset(&i.facts.all[0].text, "```\n## out of the fence\n````");
	char *text = record(&i, LANG_EN);
	assert_has(text, "a\\|b \\# not a heading \\[x\\](http://evil) \\<script\\>");
	assert_has(text, "line one  - \\*\\*bold\\*\\* \\`code\\`");
	/* The fence is longer than any inside. */
	assert_has(text, "  `````\n  ```\n  ## out of the fence\n  ````\n  `````\n");
	assert_null(strstr(text, "\n# not"));
	free(text);
	incident_fini(&i);
}

static void
what_goes_on_says_so(void **state)
{
	struct incident i;
	(void)state;
	fill(&i);
	i.status = INCIDENT_OPEN;
	i.resolved_us = 0;
	i.alerts[1].is_firing = true;
	i.alerts[1].ended_us = 0;
	xstrset(&i.acked_by, NULL);
	char *text = record(&i, LANG_EN);
	assert_has(text, "– goes on (1m 40s) |");
	assert_has(text, "| Owner | nobody yet |");
	assert_has(text, "**api** (check-down, critical), 2026-01-02T03:04:07.000Z – goes on: ");
	free(text);
	incident_fini(&i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_every_part_of_the_template),
		cmocka_unit_test(it_speaks_chinese),
		cmocka_unit_test(nothing_said_becomes_markdown),
		cmocka_unit_test(what_goes_on_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
