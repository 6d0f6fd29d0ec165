/* A desk whose receiver talks to a service that answers each request with a text of the test's. */
#ifndef TESTS_ALERTS_BOT_DESK_H
#define TESTS_ALERTS_BOT_DESK_H

#include "model/digest.h"
#include "tests/alerts/net_desk.h"

#define BOT_ANSWERS 4

struct bot {
	struct peer *peer;
	char *replies[BOT_ANSWERS];
	struct peer_step steps[BOT_ANSWERS][4];
	const struct peer_step *scripts[BOT_ANSWERS];
};

/* Each answer is "<status> <words>\n<body>", a header after "\r\n"; the last one repeats. */
static inline void
bot_open(struct bot *bot, struct desk *desk, const char *const *answers, unsigned count)
{
	struct peer_options options = { .scripts = bot->scripts, .script_count = count };

	memset(bot, 0, sizeof(*bot));
	for (unsigned i = 0; i < count; i++) {
		const char *body = answers[i] + 1;

		while (body[-1] != '\n' || body[-2] == '\r')
			body++;
		bot->replies[i] = xasprintf("HTTP/1.1 %.*s\r\nContent-Type: application/json\r\n"
					    "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
			(int)(body - 1 - answers[i]), answers[i], strlen(body), body);
		bot->steps[i][0] = (struct peer_step)PEER_EXPECT("\r\n\r\n");
		bot->steps[i][1] =
			(struct peer_step)PEER_SEND_BYTES(bot->replies[i], strlen(bot->replies[i]));
		bot->steps[i][2] = (struct peer_step)PEER_END;
		bot->scripts[i] = bot->steps[i];
	}
	bot->peer = peer_open_with(desk->loop, &options);
}

static inline void
bot_open_one(struct bot *bot, struct desk *desk, const char *answer)
{
	bot_open(bot, desk, &answer, 1);
}

static inline void
bot_close(struct bot *bot, struct desk *desk)
{
	desk_forget(desk);
	peer_free(bot->peer);
	for (unsigned i = 0; i < BOT_ANSWERS; i++)
		free(bot->replies[i]);
}

static inline void
bot_configure(const struct bot *bot, struct desk *desk, const struct receiver_type *type,
	const char *path, const char *more)
{
	char *yaml = xasprintf("url: http://%s%s\n%s", peer_address(bot->peer), path, more);

	assert_int_equal(desk_configure(desk, type, yaml), 0);
	free(yaml);
}

/* The body of what connection `which` was sent, as JSON. */
static inline json_t *
bot_body(const struct bot *bot, unsigned which)
{
	const char *end = strstr(peer_heard(bot->peer, which), "\r\n\r\n");
	json_t *body = end == NULL ? NULL : json_loads(end + 4, 0, NULL);

	if (body == NULL)
		fail_msg("no JSON: %s", peer_heard(bot->peer, which));
	return body;
}

/* Walks down: names of members, numbers of elements, ended by NULL. */
static inline const json_t *
bot_at(const json_t *node, const char *path)
{
	char *copy = xstrdup(path), *rest = copy;

	for (char *name = strsep(&rest, "."); name != NULL; name = strsep(&rest, "."))
		node = json_is_array(node) ? json_array_get(node, (size_t)atoi(name))
					   : json_object_get(node, name);
	free(copy);
	return node;
}

static inline const char *
bot_text(const json_t *node, const char *path)
{
	const char *text = json_string_value(bot_at(node, path));

	if (text == NULL)
		fail_msg("no text at %s", path);
	return text;
}

/* One answer after the other, and what became of the message: the verdict and a word of it. */
struct bot_case {
	const char *answer;
	enum send_result result;
	enum send_class class;
	int retry_after;
	const char *word;
};

static inline void
bot_check_answers(struct desk *desk, const struct receiver_type *type, const char *path,
	const char *more, const struct bot_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bot bot;

		bot_open_one(&bot, desk, cases[i].answer);
		bot_configure(&bot, desk, type, path, more);
		desk_send(desk);
		if (desk->result != cases[i].result || desk->class != cases[i].class ||
			desk->retry_after_us != cases[i].retry_after * USEC_PER_SEC ||
			strstr(desk->text, cases[i].word) == NULL)
			fail_msg("%s: result %d, class %s, after %lld, \"%s\"", cases[i].answer,
				desk->result, send_class_name(desk->class),
				(long long)desk->retry_after_us, desk->text);
		bot_close(&bot, desk);
	}
}

/* Settings that must be refused, each with a word of the complaint. */
static inline void
bot_check_mistakes(struct desk *desk, const struct receiver_type *type,
	const char *const (*cases)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned errors = desk_configure(desk, type, cases[i][0]);
		struct buf text;

		buf_init(&text, 0);
		complaints_print(desk->complaints, &text);
		if (errors < 1 || strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		desk_forget(desk);
	}
}

/* What people and targets write to break out of a message. */
static const char bot_hostile[] =
	"<at id=all></at> <@all> @all @everyone <!channel> **bold** [click](http://evil.example/) "
	"`code` # head\n> quote\n- list\n<font color=\"warning\">x</font> "
	"<script>alert(1)</script> "
	"&lt;at id=all&gt; \\ \" ' \xf0\x9f\x98\x80 \xe2\x80\xae rtl \xe2\x80\x8b zero :OK: __u__ "
	"~~s~~ $x$";

static inline void
bot_write_hostile(struct desk *desk)
{
	struct incident *incident = &desk->notice.incident;
	size_t size = (size_t)1 << 20;
	char *huge = xmalloc(size + 1);

	for (size_t i = 0; i < size; i++)
		huge[i] = bot_hostile[i % (sizeof(bot_hostile) - 1)];
	huge[size] = '\0';
	xstrset(&incident->title, bot_hostile);
	xstrset(&incident->summary, huge);
	xstrset(&incident->explanation, bot_hostile);
	xstrset(&incident->cause_title, bot_hostile);
	incident_add_text(&incident->facts, "log", huge, 0);
	incident_add_text(&incident->facts, bot_hostile, bot_hostile, 0);
	incident_add_text(&incident->remedy, "rm -rf `pwd`/* # <@all>", bot_hostile, 0);
	xstrset(&incident->url, "https://status.example.com/#/incidents/3f9c2a7d41b8?a=(b)");
	free(huge);
}

/* `count` critical incidents that go on, all of a hostile title. */
static inline void
bot_write_digest(struct desk *desk, int count)
{
	char check[] = "db", title[] = "<at id=all></at> <@all> **b** [c](http://evil.example/)";
	const struct digest_item item = { .check = check,
		.title = title,
		.severity = SEVERITY_CRITICAL,
		.started_us = DESK_WALL,
		.events = 1 };

	desk->notice.digest = digest_new();
	for (int i = 0; i < count; i++)
		digest_add(desk->notice.digest, &item);
	xstrset(&desk->notice.type, NOTICE_DIGEST);
}

#endif
