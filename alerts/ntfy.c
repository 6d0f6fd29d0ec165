/*
 * ntfy: a push message, published as JSON to the server's root.
 *
 * Its server takes a request of less than twice its message limit (8192 bytes unless changed), and
 * makes a file of a message of 4096 bytes.  The topic is a password as long as nothing else
 * guards it, so it is masked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/post.h"
#include "alerts/standing.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hmac.h"

#define MESSAGE_MAX 4095 /* what fills its buffer counts as more */
#define REQUEST_MAX 8191
#define TITLE_MAX   200
#define LINK_MAX    1000
#define TOPIC_MAX   64
#define LOGIN_MAX   512

struct ntfy_conf {
	struct post_conf post;
	char *topic, *token, *user, *password;
	/* Made by check(). */
	char *login; /* the Authorization header; NULL: none */
};

#define ROW struct ntfy_conf

static const struct conf_field fields[] = {
	{ "url", URL_AT(ROW, post.url), .dflt = "https://ntfy.sh",
		.doc = "The server, without the topic." },
	{ "topic", SECRET_AT(ROW, topic), .flags = CONF_REQUIRED,
		.doc = "Where to publish.  On a public server whoever knows it reads along: take "
		       "one that nobody guesses.  It is never shown.",
		.example = "\"${NTFY_TOPIC}\"" },
	{ "token", SECRET_AT(ROW, token), .doc = "An access token, for protected topics.",
		.example = "\"${NTFY_TOKEN}\"" },
	{ "user", STRING_AT(ROW, user), .doc = "The user name, where there is no token." },
	{ "password", SECRET_AT(ROW, password), .doc = "The user's password." },
	POST_ROWS(ROW),
	{ .type = CONF_END },
};

static const char manual[] =
	"One push message for each event, as loud as it matters: critical rings through *do not "
	"disturb* where the phone allows it (priority 5), warnings are 4, the rest 3; changes that "
	"ask nobody to do anything are 2, and replace the incident's first message where server "
	"and app can (ntfy 2.16 and newer).\n\n"
	"1. Install the app, and subscribe to a topic with a name that nobody guesses: "
	"`openssl rand -hex 12`.\n"
	"2. Put it into the environment or a file: `topic: \"${NTFY_TOPIC}\"`.\n"
	"3. With your own server: `url: https://ntfy.example.com`, and for a protected topic "
	"`ntfy token add USER`, then `token: \"${NTFY_TOKEN}\"`.";

/* ---- settings ---- */

static bool
is_topic(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= TOPIC_MAX &&
	       strspn(text, "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
		       len;
}

static void
make_login(struct ntfy_conf *conf)
{
	char plain[LOGIN_MAX], text[BASE64_SIZE(LOGIN_MAX)];

	if (conf->token != NULL) {
		conf->login = xasprintf("Bearer %s", conf->token);
	} else if (conf->user != NULL && conf->password != NULL) {
		int len = snprintf(plain, sizeof(plain), "%s:%s", conf->user, conf->password);

		base64_encode(
			text, plain, len < (int)sizeof(plain) ? (size_t)len : sizeof(plain) - 1);
		conf->login = xasprintf("Basic %s", text);
		secret_wipe(plain, sizeof(plain));
		secret_wipe(text, sizeof(text));
	}
}

static void
check_login(struct ntfy_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, conf->token != NULL ? "token" : "user");
	size_t len = conf->user == NULL ? 0 : strlen(conf->user);

	if (conf->token != NULL && conf->user != NULL)
		complain(complaints, &at, "token: either a token, or user and password");
	else if ((conf->user == NULL) != (conf->password == NULL))
		complain(complaints, &at, "user: it takes user and password");
	else if (len + (conf->password == NULL ? 0 : strlen(conf->password)) + 2 > LOGIN_MAX)
		complain(complaints, &at, "user: name and password are too long");
	else if (conf->token != NULL && strpbrk(conf->token, " \t\r\n") != NULL)
		complain(complaints, &at, "token: it has a space or a line end in it");
	else
		make_login(conf);
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct ntfy_conf *conf = arg;
	struct conf_pos url = conf_pos_of(map, "url"), topic = conf_pos_of(map, "topic");

	post_check(&conf->post, map, tls, complaints);
	if (conf->post.origin != NULL && !str_eq(conf->post.parsed.target, "/"))
		complain_warn(complaints, &url,
			"url: only the server belongs here (https://ntfy.sh); ntfy listens at its "
			"root, and the topic has a key of its own");
	if (conf->topic != NULL && !is_topic(conf->topic))
		complain(complaints, &topic, "topic: 1 to %d letters, digits, - and _", TOPIC_MAX);
	check_login(conf, map, complaints);
}

static void
release(void *arg)
{
	struct ntfy_conf *conf = arg;

	if (conf->login != NULL)
		secret_wipe(conf->login, strlen(conf->login));
	free(conf->login);
	conf->login = NULL;
	post_release(&conf->post);
}

/* ---- the message ---- */

/* How loud a phone is, and the emoji that the app puts before the title. */
static const struct mood {
	int priority;
	const char *tag;
} moods[MESSAGE_MOODS] = {
	[MESSAGE_GOOD] = { 3, "green_circle" },
	[MESSAGE_INFO] = { 3, "large_blue_circle" },
	[MESSAGE_WARNING] = { 4, "orange_circle" },
	[MESSAGE_CRITICAL] = { 5, "red_circle" },
	[MESSAGE_TEST] = { 3, "test_tube" },
};

#define PRIORITY_QUIET 2

static json_t *
request_of(const struct ntfy_conf *conf, const struct notice *notice, const struct message *m,
	size_t max)
{
	const struct message_form form = {
		.newline = "\n",
		.paragraph = "\n",
		.max = max,
		.unit = UNIT_BYTES,
	};
	bool is_loud = standing_is_loud(notice);
	char *said = xasprintf("%s · %s", m->status, m->headline);
	char *title = message_cut(said, TITLE_MAX, UNIT_CHARS), *text = message_render(m, &form);
	json_t *request = json_pack("{s:s, s:s, s:s, s:i, s:[s]}", "topic", conf->topic, "title",
		title, "message", *text == '\0' ? m->footer : text, "priority",
		is_loud ? moods[m->mood].priority : PRIORITY_QUIET, "tags", moods[m->mood].tag);

	if (m->link != NULL && strlen(m->link) <= LINK_MAX) {
		json_object_set_new(request, "click", json_string(m->link));
		json_object_set_new(request, "actions",
			json_pack("[{s:s, s:s, s:s}]", "action", "view", "label", m->link_label,
				"url", m->link));
	}
	/* What has the same one replaces, without a sound, what had it before. */
	if (notice->digest == NULL && (!is_loud || str_eq(notice->reason, "first")))
		json_object_set_new(request, "sequence_id", json_string(notice->incident.id));
	free(text);
	free(title);
	free(said);
	return request;
}

/* Quotes and line ends take two bytes in JSON: less of the message until all of it fits. */
static char *
fitting_request(const struct ntfy_conf *conf, const struct notice *notice, const struct message *m)
{
	for (size_t max = MESSAGE_MAX;; max = max * 3 / 4) {
		json_t *request = request_of(conf, notice, m, max);
		char *text = json_dumps(request, JSON_COMPACT);

		json_decref(request);
		if (strlen(text) <= REQUEST_MAX || max < 64)
			return text;
		free(text);
	}
}

/* ---- answers ---- */

/* What ntfy's own codes mean here; others are judged by status. */
static const struct ntfy_code {
	int code;
	enum send_result result;
	enum send_class why;
	const char *words;
} codes[] = {
	{ 40009, SEND_NEVER, SEND_CLASS_AUTH, "the topic is not allowed there" },
	{ 40010, SEND_NEVER, SEND_CLASS_AUTH, "the topic is not allowed there" },
	{ 40101, SEND_NEVER, SEND_CLASS_AUTH, "wrong token, or wrong user or password" },
	{ 40301, SEND_NEVER, SEND_CLASS_AUTH,
		"the topic is protected: set a token that may write to it" },
	{ 41303, SEND_NEVER, SEND_CLASS_CLIENT, "this server takes only smaller messages" },
	{ 42908, SEND_LATER, SEND_CLASS_RATE, "the daily quota of messages is used up" },
	{ 42909, SEND_LATER, SEND_CLASS_AUTH, "too many wrong logins came from here" },
	{ 50701, SEND_NEVER, SEND_CLASS_AUTH, "nobody has subscribed to the topic" },
};

static void
judge_failure(const json_t *answer, struct post_verdict *verdict)
{
	long long code = json_integer_value(json_object_get(answer, "code"));
	const char *words = json_string_value(json_object_get(answer, "error"));

	if (words != NULL)
		str_printable(verdict->words, sizeof(verdict->words), words, strlen(words));
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code != code)
			continue;
		verdict->result = codes[i].result;
		verdict->why = codes[i].why;
		str_copy(verdict->words, sizeof(verdict->words), codes[i].words);
	}
}

/* A message comes back with an id; another 200 is that of some other server. */
static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	json_t *answer = post_json(reply);

	(void)run;
	if (verdict->result != SEND_OK) {
		judge_failure(answer, verdict);
	} else if (json_string_value(json_object_get(answer, "id")) == NULL) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"this is not how ntfy answers; is url right?");
	}
	json_decref(answer);
}

/* ---- one try ---- */

static void
start(struct send_run *run)
{
	const struct ntfy_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	struct message *m = message_new(notice, send_daemon_name(run), send_language(run));
	const struct http_header login = { "authorization", conf->login };
	const struct post_request request = {
		.body = fitting_request(conf, notice, m),
		.headers = &login,
		.header_count = conf->login == NULL ? 0 : 1,
	};

	message_free(m);
	send_hide(run, conf->login);
	post_start(run, send_state(run), &conf->post, &request, judge);
}

const struct receiver_type receiver_type_ntfy = {
	.name = "ntfy",
	.summary = "Push messages to phones, by ntfy.sh or a server of your own.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct ntfy_conf),
	.run_size = sizeof(struct post),
	.is_for_people = true,
	/* The server takes 60 at once and one every 5 s; a phone that rings 60 times is no help. */
	.rate_per_second = 0.2,
	.burst = 6,
	.timeout_us = POST_TIMEOUT_US,
	.check = check,
	.release = release,
	.target = post_target_conf,
	.start = start,
	.stop = post_stop_run,
};
