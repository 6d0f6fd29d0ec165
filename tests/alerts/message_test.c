/*
 * A notice in words: what each kind of message says in both languages, and that no limit is ever
 * exceeded, no markup cut and nothing said twice, whatever a target said.
 */
#include "alerts/message.h"

#include "model/digest.h"
#include "tests/alerts/desk.h"

#define MINUTES(n) ((n)*USEC_PER_MIN)

static const char *const hostile[] = {
	"\"quotes\" \\ back\\slash",
	"two\nlines\r\nand\ttab",
	"🔥 emoji 👩‍👩‍👧 and ﷽",
	"right to left \u202e txet",
	"zero\u200bwidth",
	"@everyone <!channel> <at id=all></at> @all",
	"<script>alert(1)</script> &amp; *b* _i_ `c` [x](y)",
	"",
	"broken \xff\xc3 utf-8 \xe8\xaf",
	"\x1b[31mred\x07",
};

/* ---- forms ---- */

static void
escape_html(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '<' || text[i] == '>' || text[i] == '&')
			buf_addf(out, "&#%d;", text[i]);
		else
			buf_add(out, &text[i], 1);
	}
}

static void
link_html(struct buf *out, const char *label, const char *url)
{
	buf_add_text(out, "<a>");
	escape_html(out, label, strlen(label));
	escape_html(out, url, strlen(url));
	buf_add_text(out, "</a>");
}

static const struct message_form plain = {
	.newline = "\n",
	.paragraph = "\n",
	.code = { "  ", "" },
	.max = 4000,
	.unit = UNIT_CHARS,
	.has_headline = true,
};

static const struct message_form html = {
	.escape = escape_html,
	.bold = { "<b>", "</b>" },
	.code = { "<code>", "</code>" },
	.block = { "<pre>", "</pre>" },
	.newline = "<br>",
	.paragraph = "<p>",
	.link = link_html,
	.has_headline = true,
};

static char *
render(const struct notice *notice, enum language language, const struct message_form *form)
{
	struct message *m = message_new(notice, "web-1", language);
	char *text = message_render(m, form);

	message_free(m);
	return text;
}

/* ---- notices ---- */

static void
add_alert(struct incident *i, const char *check, bool is_firing)
{
	i->alerts = xreallocarray(i->alerts, i->alert_count + 1, sizeof(*i->alerts));
	i->alerts[i->alert_count++] = (struct incident_alert){
		.check = xstrdup(check),
		.rule = xstrdup("check-down"),
		.severity = SEVERITY_CRITICAL,
		.since_us = DESK_WALL,
		.is_firing = is_firing,
	};
}

static void
write_redis(struct desk *desk, enum incident_event_type type, const char *reason)
{
	struct notice *n = &desk->notice;
	struct incident *i = &n->incident;

	desk_write(desk, type);
	xstrset(&n->reason, reason);
	xstrset(&i->check, "cache");
	xstrset(&i->type, "redis");
	xstrset(&i->target, "redis://127.0.0.1:6379/0");
	xstrset(&i->title, "cache: the kernel killed Redis because memory ran out");
	xstrset(&i->cause_title, i->title);
	xstrset(&i->summary, "connection refused by 127.0.0.1:6379");
	xstrset(&i->explanation, "redis-server used 3.1 GiB when the kernel chose it.");
	xstrset(&i->confidence, "certain");
	xstrset(&i->url, "https://status.example.com/incidents/3f9c2a7d41b8");
	incident_add_text(
		&i->remedy, "journalctl -k --since -1h | grep oom", "see what used the memory", 0);
	incident_add_text(&i->remedy, NULL, "give Redis a maxmemory", 0);
	incident_add_text(&i->facts, "container", "could not be had: no engine", 0);
	incident_add_text(&i->facts, "unit", "redis-server.service: failed, oom-kill", 0);
	add_alert(i, "cache", !n->is_resolved);
	add_alert(i, "api", !n->is_resolved);
	add_alert(i, "api", !n->is_resolved);
	add_alert(i, "worker", !n->is_resolved);
	xstrset(&i->first_recovered, n->is_resolved ? "api" : NULL);
	i->first_recovered_us = n->is_resolved ? DESK_WALL - USEC_PER_MIN : 0;
}

static void
change_nothing(struct notice *n)
{
	(void)n;
}

static void
make_likely(struct notice *n)
{
	struct incident *i = &n->incident;

	n->severity = SEVERITY_WARNING;
	xstrset(&i->confidence, "likely");
	xstrset(&i->cause_title, "the disk is full");
	xstrset(&i->url, "http://127.0.0.1:8421/api/v1/incidents/3f9c2a7d41b8");
	i->remedy.all[0].is_destructive = true;
	incident_add_text(&i->pros, NULL, "its log says so", 0);
	incident_add_text(&i->cons, NULL, "something listens there", 0);
	xstrset(&i->runbook_url, "https://wiki.example.com/redis");
}

static void
make_acked(struct notice *n)
{
	struct incident *i = &n->incident;

	i->status = INCIDENT_ACKNOWLEDGED;
	xstrset(&i->acked_by, "anna");
	xstrset(&i->ack_note, "restarting it");
	i->ack_until_us = DESK_WALL + MINUTES(90);
}

static void
make_old(struct notice *n)
{
	n->incident.started_us = DESK_WALL - 30 * USEC_PER_HOUR;
	n->incident.is_flapping = true;
	n->incident.reopened = 3;
}

static void
make_late(struct notice *n)
{
	n->incident.detected_us = DESK_WALL - MINUTES(15);
}

static void
make_merged(struct notice *n)
{
	xstrset(&n->incident.merged_into, "aaaabbbbcccc");
}

static void
make_many(struct notice *n)
{
	char name[24];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "shop-%d", i);
		add_alert(&n->incident, name, true);
	}
	incident_add_text(&n->incident.related, "ddddeeeeffff", "on the same host", 0);
}

static const struct event_case {
	enum incident_event_type type;
	const char *reason;
	void (*change)(struct notice *n);
	enum message_mood mood;
	const char *text[LANG_COUNT];
} events[] = {
#include "tests/alerts/message_texts.h"
};

static void
every_event_reads_well(void **state)
{
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		write_redis(desk, events[i].type, events[i].reason);
		events[i].change(&desk->notice);
		for (int l = 0; l < LANG_COUNT; l++) {
			char *text = render(&desk->notice, (enum language)l, &plain);

			if (getenv("MESSAGE_SHOW") != NULL)
				printf("-- %zu %d\n%s\n", i, l, text);
			else
				assert_string_equal(text, events[i].text[l]);
			free(text);
		}
		struct message *m = message_new(&desk->notice, "web-1", LANG_EN);
		assert_int_equal(m->mood, events[i].mood);
		message_free(m);
	}
}

static void
a_test_says_that_nothing_is_wrong(void **state)
{
	static const char *const texts[LANG_COUNT] = {
		"🧪 TEST · a test by triaged on web-1, nothing is wrong\n"
		"Who reads this is reached by alerts.\n"
		"Time: sent 2026-01-02 03:04 UTC\n"
		"receiver ops",
		"🧪 测试 · 来自 web-1 的 triaged 测试消息，一切正常\n"
		"能看到这条消息，说明告警可以送达。\n"
		"时间：发送于 2026-01-02 03:04 UTC\n"
		"接收方 ops",
	};
	struct desk *desk = *state;

	desk_write(desk, INCIDENT_OPENED);
	xstrset(&desk->notice.type, NOTICE_TEST);
	xstrset(&desk->notice.incident.check, "ops");
	for (int l = 0; l < LANG_COUNT; l++) {
		char *text = render(&desk->notice, (enum language)l, &plain);

		assert_string_equal(text, texts[l]);
		free(text);
	}
}

/* ---- digests ---- */

static void
write_digest(struct desk *desk, size_t count)
{
	struct notice *n = &desk->notice;
	char check[32], title[] = "connection refused", cause[] = "nothing listens there";

	desk_write(desk, INCIDENT_OPENED);
	xstrset(&n->type, NOTICE_DIGEST);
	xstrset(&n->reason, "merged");
	n->digest = digest_new();
	for (size_t i = 0; i < count; i++) {
		bool is_over = i % 3 == 2;
		struct digest_item item = {
			.check = check,
			.title = title,
			.cause = cause,
			.severity = i % 3 == 1 ? SEVERITY_WARNING : SEVERITY_CRITICAL,
			.is_resolved = is_over,
			.started_us = DESK_WALL - MINUTES(10),
			.resolved_us = is_over ? DESK_WALL - MINUTES(2) : 0,
		};

		snprintf(check, sizeof(check), "check-%zu", i);
		assert_non_null(digest_add(n->digest, &item));
	}
	digest_sort(n->digest);
}

static void
a_digest_counts_and_lists_the_worst_first(void **state)
{
	static const char *const texts[LANG_COUNT] = {
		"🔴 4 incidents · 2 critical, 1 warning, 1 resolved\n"
		"Told in one message, because they came faster than messages may be sent, or while "
		"none could be.\n"
		"🔴 check-0: connection refused: nothing listens there (since 02:54 UTC)\n"
		"🔴 check-3: connection refused: nothing listens there (since 02:54 UTC)\n"
		"🟠 check-1: connection refused: nothing listens there (since 02:54 UTC)\n"
		"🟢 check-2: connection refused: nothing listens there (02:54 – 03:02 UTC)\n"
		"web-1",
		"🔴 4 起故障 · 2 起严重、1 起警告、1 起已恢复\n"
		"合并为一条消息：故障来得太快，或此前无法发送。\n"
		"🔴 check-0：connection refused：nothing listens there（02:54 UTC 起）\n"
		"🔴 check-3：connection refused：nothing listens there（02:54 UTC 起）\n"
		"🟠 check-1：connection refused：nothing listens there（02:54 UTC 起）\n"
		"🟢 check-2：connection refused：nothing listens there（02:54 – 03:02 "
		"UTC）\n"
		"web-1",
	};
	struct desk *desk = *state;

	write_digest(desk, 4);
	for (int l = 0; l < LANG_COUNT; l++) {
		char *text = render(&desk->notice, (enum language)l, &plain);

		assert_string_equal(text, texts[l]);
		free(text);
	}
}

/* Whatever is not listed is counted. */
static void
a_digest_of_thousands_counts_what_it_leaves_out(void **state)
{
	struct desk *desk = *state;
	struct message_form form = html;
	unsigned long listed_before = 0;

	write_digest(desk, 5000);
	for (form.max = 400; form.max <= 20000; form.max += 391) {
		char *text = render(&desk->notice, LANG_EN, &form), *more;
		unsigned long listed = 0;

		for (const char *at = text; (at = strstr(at, " check-")) != NULL; at++)
			listed++;
		more = strstr(text, "… and ");
		assert_non_null(more);
		assert_int_equal(listed + strtoul(more + strlen("… and "), NULL, 10), 5000);
		assert_non_null(strstr(text, "5000 incidents"));
		assert_true(listed >= listed_before);
		listed_before = listed;
		free(text);
	}
	assert_int_equal(listed_before, 100);
}

static void
members_are_cut_between_lines(void **state)
{
	struct desk *desk = *state;
	struct message *m;
	const struct message_part *part;

	write_digest(desk, 150);
	m = message_new(&desk->notice, "web-1", LANG_EN);
	part = message_part(m, PART_MEMBERS);
	assert_int_equal(part->left_out, 50);
	for (size_t max = 0; max < 1200; max += 7) {
		char *text = message_part_cut(part, max, UNIT_BYTES, LANG_EN);
		const char *last = strrchr(text, '\n');

		assert_true(strlen(text) <= max);
		if (last != NULL)
			assert_true(str_starts(last + 1, "… and "));
		free(text);
	}
	message_free(m);
}

/* ---- limits ---- */

/* Tags are whole and closed, entities are whole. */
static void
check_html(const char *text, size_t max)
{
	char open[8] = "";

	for (const char *at = text; *at != '\0'; at++) {
		const char *end;

		if (*at == '&')
			assert_true(str_starts(at, "&#60;") || str_starts(at, "&#62;") ||
				    str_starts(at, "&#38;"));
		assert_true(*at != '>');
		if (*at != '<')
			continue;
		end = strchr(at, '>');
		if (end == NULL || end - at > 6)
			fail_msg("%zu: %s", max, text);
		if (at[1] == '/') {
			assert_int_equal(strncmp(at + 2, open, strlen(open)), 0);
			open[0] = '\0';
		} else if (!str_starts(at, "<br>") && !str_starts(at, "<p>")) {
			assert_string_equal(open, "");
			str_copy(open, (size_t)(end - at), at + 1);
		}
		at = end;
	}
	assert_string_equal(open, "");
}

static void
write_hostile(struct desk *desk, const char *text)
{
	struct incident *i = &desk->notice.incident;

	write_redis(desk, INCIDENT_UPDATED, "facts");
	make_acked(&desk->notice);
	xstrset(&i->title, text);
	xstrset(&i->summary, text);
	xstrset(&i->explanation, text);
	xstrset(&i->target, text);
	xstrset(&i->host, text);
	xstrset(&i->ack_note, text);
	xstrset(&i->check, text);
	incident_add_text(&i->facts, text, text, 0);
	xstrset(&i->remedy.all[0].text, text);
	xstrset(&i->remedy.all[0].name, text);
}

static void
sweep(const struct notice *notice, size_t step, enum message_unit unit)
{
	struct message *m = message_new(notice, "web-1", LANG_EN);
	struct message_form form = html;

	form.unit = unit;
	for (form.max = 20; form.max <= 5000; form.max += step) {
		char *text = message_render(m, &form);

		if (message_measure(text, unit) > form.max || *text == '\0')
			fail_msg("%zu: %zu: %s", form.max, message_measure(text, unit), text);
		assert_true(str_is_utf8(text, strlen(text)));
		check_html(text, form.max);
		free(text);
	}
	message_free(m);
}

static void
no_limit_is_ever_exceeded(void **state)
{
	struct desk *desk = *state;

	write_redis(desk, INCIDENT_REMINDER, "repeat");
	make_many(&desk->notice);
	make_likely(&desk->notice);
	xstrset(&desk->notice.incident.url, "https://status.example.com/a?b=1&c=<d>");
	for (int unit = UNIT_BYTES; unit <= UNIT_UTF16; unit++)
		sweep(&desk->notice, 1, (enum message_unit)unit);
	write_digest(desk, 300);
	for (int unit = UNIT_BYTES; unit <= UNIT_UTF16; unit++)
		sweep(&desk->notice, 97, (enum message_unit)unit);
}

static void
hostile_texts_stay_texts(void **state)
{
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		write_hostile(desk, hostile[i]);
		sweep(&desk->notice, 83, UNIT_CHARS);
		write_digest(desk, 3);
		xstrset(&desk->notice.digest->items[0].title, hostile[i]);
		xstrset(&desk->notice.digest->items[1].check, hostile[i]);
		sweep(&desk->notice, 211, UNIT_BYTES);
	}
}

static void
a_megabyte_of_evidence_is_cut(void **state)
{
	struct desk *desk = *state;
	char *huge = xmalloc(1024 * 1024 + 1);

	for (size_t i = 0; i < 1024 * 1024; i++)
		huge[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 26);
	huge[1024 * 1024] = '\0';
	write_hostile(desk, huge);
	sweep(&desk->notice, 331, UNIT_UTF16);
	free(huge);
}

/* A command that is cut is another command. */
static void
commands_are_whole_or_not_there(void **state)
{
	struct desk *desk = *state;
	struct message_form form = html;

	write_redis(desk, INCIDENT_OPENED, "first");
	for (form.max = 20; form.max < 900; form.max++) {
		char *text = render(&desk->notice, LANG_EN, &form);
		const char *code = strstr(text, "<code>");

		if (code != NULL)
			assert_true(str_starts(
				code, "<code>journalctl -k --since -1h | grep oom</code>"));
		free(text);
	}
}

static void
texts_are_measured_and_cut_in_each_unit(void **state)
{
	static const struct {
		const char *text;
		size_t measures[3], max;
		const char *cuts[3];
	} cases[] = {
		{ "", { 0, 0, 0 }, 5, { "", "", "" } },
		{ "hello", { 5, 5, 5 }, 5, { "hello", "hello", "hello" } },
		{ "hello you", { 9, 9, 9 }, 6, { "hel…", "hello…", "hello…" } },
		{ "说明文字", { 12, 4, 4 }, 6, { "说…", "说明文字", "说明文字" } },
		{ "🔴🔴🔴", { 12, 3, 6 }, 5, { "…", "🔴🔴🔴", "🔴🔴…" } },
		{ "abc", { 3, 3, 3 }, 2, { "ab", "a…", "a…" } },
		{ "\xff\xff\xff", { 3, 3, 3 }, 3,
			{ "\xff\xff\xff", "\xff\xff\xff", "\xff\xff\xff" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int unit = 0; unit < 3; unit++) {
			char *cut =
				message_cut(cases[i].text, cases[i].max, (enum message_unit)unit);

			assert_int_equal(message_measure(cases[i].text, (enum message_unit)unit),
				cases[i].measures[unit]);
			assert_string_equal(cut, cases[i].cuts[unit]);
			free(cut);
		}
	}
}

static void
links_lead_somewhere(void **state)
{
	static const struct {
		const char *url;
		bool is_shown;
	} cases[] = {
		{ "https://status.example.com/i/1", true },
		{ "http://10.0.0.5:8421/api/v1/incidents/1", true },
		{ "http://127.0.0.1:8421/api/v1/incidents/1", false },
		{ "http://127.9.9.9/", false },
		{ "http://[::1]:8421/", false },
		{ "http://localhost:8421/", false },
		{ "http://0.0.0.0:8421/", false },
		{ "http://[::]:8421/", false },
		{ "javascript:alert(1)", false },
		{ "ftp://example.com/", false },
		{ "", false },
		{ "not a url", false },
	};
	struct desk *desk = *state;

	desk_write(desk, INCIDENT_OPENED);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message *m;

		xstrset(&desk->notice.incident.url, cases[i].url);
		m = message_new(&desk->notice, "web-1", LANG_EN);
		if ((m->link != NULL) != cases[i].is_shown)
			fail_msg("%s", cases[i].url);
		message_free(m);
	}
}

/* Who hears of it for the first time has nothing to compare with. */
static void
the_first_word_says_nothing_of_changes(void **state)
{
	struct desk *desk = *state;
	char *text;

	write_redis(desk, INCIDENT_OPENED, "root-changed");
	text = render(&desk->notice, LANG_EN, &plain);
	assert_null(strstr(text, "another check than it seemed"));
	free(text);
	notice_fini(&desk->notice);
	write_redis(desk, INCIDENT_UPDATED, "root-changed");
	text = render(&desk->notice, LANG_EN, &plain);
	assert_non_null(strstr(text, "another check than it seemed"));
	free(text);
}

static void
the_end_of_a_log_is_shown(void **state)
{
	struct desk *desk = *state;
	struct buf lines;
	char *text;

	buf_init(&lines, 0);
	buf_add_text(&lines, "/var/log/redis.log, last written 4s ago");
	for (int i = 0; i < 40; i++)
		buf_addf(&lines, "\nline %d of what it did", i);
	buf_add_text(&lines, "\nout of memory, bye");
	write_redis(desk, INCIDENT_OPENED, "first");
	incident_add_text(&desk->notice.incident.facts, "log-tail", buf_text(&lines), 0);
	text = render(&desk->notice, LANG_EN, &plain);
	assert_non_null(
		strstr(text, "log-tail: /var/log/redis.log, last written 4s ago\n…\nline "));
	assert_non_null(strstr(text, "line 39 of what it did\nout of memory, bye\n"));
	assert_null(strstr(text, "line 3 of"));
	free(text);
	buf_fini(&lines);
}

static void
an_empty_notice_is_a_message(void **state)
{
	struct notice notice = { .type = xstrdup("incident.opened") };

	(void)state;
	for (int l = 0; l < LANG_COUNT; l++) {
		struct message *m = message_new(&notice, NULL, (enum language)l);
		char *text = message_render(m, &plain);

		assert_true(*text != '\0');
		free(text);
		message_free(m);
	}
	notice_fini(&notice);
}

static int
setup(void **state)
{
	*state = xcalloc(1, sizeof(struct desk));
	return 0;
}

static int
teardown(void **state)
{
	notice_fini(&((struct desk *)*state)->notice);
	free(*state);
	return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_event_reads_well),
		T(a_test_says_that_nothing_is_wrong),
		T(a_digest_counts_and_lists_the_worst_first),
		T(a_digest_of_thousands_counts_what_it_leaves_out),
		T(members_are_cut_between_lines),
		T(no_limit_is_ever_exceeded),
		T(hostile_texts_stay_texts),
		T(a_megabyte_of_evidence_is_cut),
		T(commands_are_whole_or_not_there),
		T(texts_are_measured_and_cut_in_each_unit),
		T(links_lead_somewhere),
		T(the_first_word_says_nothing_of_changes),
		T(the_end_of_a_log_is_shown),
		T(an_empty_notice_is_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
