/*
 * A net_desk for services that speak JSON: each request meets a connection with an answer of its
 * own, and what was asked can be read as JSON.  `chat_digest` and `chat_abuse` write the notices
 * that are hard to render.
 */
#ifndef TESTS_ALERTS_CHAT_DESK_H
#define TESTS_ALERTS_CHAT_DESK_H

#include "alerts/message.h"
#include "model/digest.h"
#include "tests/alerts/net_desk.h"

#define CHAT_MAX 6

struct chat_answer {
	int status;
	const char *headers; /* "Retry-After: 3\r\n" */
	const char *body;
};

struct chat {
	struct desk *desk;
	struct peer *peer;
	char *texts[CHAT_MAX];
	struct peer_step steps[CHAT_MAX][4];
	const struct peer_step *scripts[CHAT_MAX];
	json_t *bodies[CHAT_MAX];
};

static inline void
chat_open(struct chat *chat, struct desk *desk, const struct chat_answer *answers, unsigned count)
{
	struct peer_options options = { .scripts = chat->scripts, .script_count = count };

	memset(chat, 0, sizeof(*chat));
	chat->desk = desk;
	for (unsigned i = 0; i < count; i++) {
		const char *body = answers[i].body == NULL ? "" : answers[i].body;
		struct peer_step *steps = chat->steps[i];

		chat->texts[i] = xasprintf("HTTP/1.1 %d Words\r\n%sContent-Length: %zu\r\n\r\n%s",
			answers[i].status, answers[i].headers == NULL ? "" : answers[i].headers,
			strlen(body), body);
		steps[0] = (struct peer_step)PEER_EXPECT("\r\n\r\n");
		steps[1] =
			(struct peer_step)PEER_SEND_BYTES(chat->texts[i], strlen(chat->texts[i]));
		steps[2] = (struct peer_step)PEER_END;
		chat->scripts[i] = steps;
	}
	chat->peer = peer_open_with(desk->loop, &options);
}

static inline void
chat_close(struct chat *chat)
{
	desk_forget(chat->desk);
	peer_free(chat->peer);
	for (unsigned i = 0; i < CHAT_MAX; i++) {
		free(chat->texts[i]);
		json_decref(chat->bodies[i]);
	}
}

/* `settings` has one %s, for the peer's address. */
static inline void
chat_configure(
	struct chat *chat, const struct receiver_type *type, const char *settings, const char *more)
{
	const char *gap = strstr(settings, "%s");
	char *yaml = xasprintf("%.*s%s%s%s", (int)(gap - settings), settings,
		peer_address(chat->peer), gap + 2, more);

	if (desk_configure(chat->desk, type, yaml) != 0)
		fail_msg("cannot be configured: %s", yaml);
	free(yaml);
}

/* "POST /path" of request `which`. */
static inline void
chat_expect_line(const struct chat *chat, unsigned which, const char *line)
{
	const char *heard = peer_heard(chat->peer, which);

	if (strncmp(heard, line, strlen(line)) != 0 || heard[strlen(line)] != ' ')
		fail_msg("request %u: wanted \"%s\", heard \"%.100s\"", which, line, heard);
}

/* Lives until chat_close. */
static inline const json_t *
chat_body(struct chat *chat, unsigned which)
{
	const char *body = strstr(peer_heard(chat->peer, which), "\r\n\r\n");

	json_decref(chat->bodies[which]);
	chat->bodies[which] = body == NULL ? NULL : json_loads(body + 4, 0, NULL);
	if (chat->bodies[which] == NULL)
		fail_msg("request %u has no JSON: %s", which, peer_heard(chat->peer, which));
	return chat->bodies[which];
}

static inline const char *
chat_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* What a test says that is refused by the settings. */
static inline void
chat_refuses(struct desk *desk, const struct receiver_type *type, const char *yaml,
	const char *words, bool is_error)
{
	unsigned errors = desk_configure(desk, type, yaml);
	struct buf text;

	buf_init(&text, 0);
	complaints_print(desk->complaints, &text);
	if ((errors > 0) != is_error || strstr(buf_text(&text), words) == NULL)
		fail_msg("%s: %s", yaml, buf_text(&text));
	buf_fini(&text);
	desk_forget(desk);
}

/* ---- notices ---- */

static inline void
chat_digest(struct desk *desk, unsigned count)
{
	struct notice *notice = &desk->notice;
	char check[] = "shop", cause[] = "*nobody* listens";

	desk_write(desk, INCIDENT_OPENED);
	notice->digest = digest_new();
	for (unsigned i = 0; i < count; i++) {
		struct digest_item item = {
			.check = check,
			.cause = cause,
			.severity = i % 3 == 0 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
			.is_resolved = i % 2 == 0,
			.started_us = DESK_WALL - 192 * USEC_PER_SEC,
			.resolved_us = i % 2 == 0 ? DESK_WALL : 0,
		};

		snprintf(item.incident, sizeof(item.incident), "%012x", i);
		item.title = xasprintf("shop-%u _refuses_ <@&1> `x` [a](b) @everyone", i);
		digest_add(notice->digest, &item);
		free(item.title);
	}
	digest_sort(notice->digest);
	xstrset(&notice->type, NOTICE_DIGEST);
	xstrset(&notice->reason, "merged");
}

static inline char *
chat_repeat(const char *piece, size_t bytes)
{
	size_t len = strlen(piece), count = bytes / len;
	char *text = xmalloc(count * len + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	text[count * len] = '\0';
	return text;
}

/* Every text is full of `piece`. */
static inline void
chat_abuse(struct desk *desk, enum incident_event_type type, const char *piece, size_t bytes)
{
	char *text = chat_repeat(piece, bytes);
	struct incident *incident = &desk->notice.incident;

	desk_write(desk, type);
	xstrset(&incident->title, text);
	xstrset(&incident->summary, text);
	xstrset(&incident->target, text);
	xstrset(&incident->cause_title, text);
	xstrset(&incident->explanation, text);
	incident_add_text(&incident->facts, "log", text, 0);
	incident_add_text(&incident->facts, piece, text, 0);
	incident_add_text(&incident->remedy, text, text, 0);
	free(text);
}

#endif
