/*
 * DingTalk: Markdown through a group's custom robot.
 *
 *	POST <url>&timestamp=<ms>&sign=<base64 of HMAC-SHA256(secret, "<ms>\n<secret>"), encoded>
 *
 * Every answer is HTTP 200 with an errcode; only 0 means taken.  Twenty messages within a minute
 * silence the robot for ten, so that pace and burst together stay below.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "alerts/robot.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/loop.h"
#include "model/record.h"

#define BODY_MAX  20000 /* bytes of a request */
#define TEXT_MAX  14000 /* bytes of the text, before JSON escapes */
#define TITLE_MAX 100   /* characters; what a phone shows of an unread message */
#define NAMES_MAX 20

struct dingtalk_conf {
	struct post_conf post;
	char *secret, *keyword;
	struct conf_strings mobiles, users;
};

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct dingtalk_conf, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "The robot's webhook address with its `access_token`, which is a secret and "
		       "never shown.",
		.example = "\"${DINGTALK_WEBHOOK_URL}\"" },
	{ "secret", SECRET_AT(struct dingtalk_conf, secret),
		.doc = "The secret of the robot's signature (加签), `SEC` and 64 characters, if "
		       "that is switched on.",
		.example = "\"${DINGTALK_SECRET}\"" },
	{ "keyword", STRING_AT(struct dingtalk_conf, keyword),
		.doc = "One of the robot's keywords, if it asks for any; it is added where a "
		       "message lacks it.",
		.example = "triaged" },
	{ "mention", STRINGS_AT(struct dingtalk_conf, mobiles),
		.doc = "Whom to call by name when something becomes critical: mobile numbers "
		       "(`\"13800000000\"`, abroad `\"+852-12345678\"`), or `all`.",
		.example = "[\"13800000000\"]" },
	{ "mention_users", STRINGS_AT(struct dingtalk_conf, users), .doc = "The same by user id.",
		.example = "[manager4321]" },
	POST_ROWS(struct dingtalk_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"Markdown messages in a group of DingTalk (钉钉), through a custom robot.\n\n"
	"1. In the group: Group Settings, Bots (群机器人), Add Robot, Custom (自定义).\n"
	"2. Under Security settings choose Additional Signature (加签) and copy its secret, which "
	"begins with `SEC`, into `secret`.  If you choose keywords, give one of them as `keyword`; "
	"if you choose IP addresses, add that of this host as the outside sees it.\n"
	"3. Copy the webhook address, with its `access_token`, into `url`.\n"
	"4. `triage test NAME` shows what the robot answers.\n\n"
	"A robot that is given more than 20 messages in a minute is silenced for ten, so that "
	"triaged stays below and gathers the rest into digests.  Do not let anything else write "
	"through the same robot.";

static const struct robot_code codes[] = {
	{ -1, NULL, SEND_LATER, SEND_CLASS_SERVER, 0, "they are busy" },
	{ 130101, NULL, SEND_LATER, SEND_CLASS_RATE, 60,
		"too many messages through this robot; they let nothing through for a while" },
	{ 410100, NULL, SEND_LATER, SEND_CLASS_RATE, 60,
		"too many messages through this robot; they let nothing through for a while" },
	{ 310000, "keyword", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot asks for a keyword: set keyword to one of those in its settings" },
	{ 310000, "关键词", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot asks for a keyword: set keyword to one of those in its settings" },
	{ 310000, "timestamp", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"this host's clock is more than an hour off, by their clock: set it" },
	{ 310000, "sign", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"signature refused: secret is not the robot's; copy it anew, it begins with SEC" },
	{ 310000, "签名", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"signature refused: secret is not the robot's; copy it anew, it begins with SEC" },
	{ 310000, "whitelist", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"this host's address is not among the robot's allowed IP addresses: add it there" },
	{ 310000, "白名单", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"this host's address is not among the robot's allowed IP addresses: add it there" },
	{ 310000, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"refused by the robot's security settings: see its keywords, signature and IP "
		"addresses" },
	{ 300001, "frequen", SEND_LATER, SEND_CLASS_RATE, 60, "too many messages" },
	{ 300001, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no such access_token: copy the robot's webhook address anew into url" },
	{ 300005, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no such access_token: copy the robot's webhook address anew into url" },
	{ 400101, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no such access_token: copy the robot's webhook address anew into url" },
	{ 40035, "access_token", SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no access_token: copy the robot's webhook address whole into url" },
	{ 400013, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0, "the group was dissolved" },
	{ 400102, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot is switched off: enable it in the group's settings" },
	{ 400106, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no such robot: copy its webhook address anew into url" },
	{ 400105, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they do not take this kind of message; please report this as a bug of triaged" },
	{ 460101, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"the message is too long; please report this as a bug of triaged" },
	{ 430101, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0, "they call a link in it unsafe" },
	{ 430102, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0, "they call its text improper" },
	{ 430104, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0, "they call its text improper" },
};

static const struct robot_dialect dialect = {
	.service = "DingTalk",
	.codes = { "errcode" },
	.texts = { "errmsg" },
	.rows = codes,
	.count = sizeof(codes) / sizeof(codes[0]),
};

/* ---- settings ---- */

static bool
is_mobile(const char *name)
{
	return str_eq(name, "all") ||
	       (name[0] != '\0' && strspn(name, "+-0123456789") == strlen(name));
}

static void
check_people(const struct dingtalk_conf *conf, const struct conf_node *map,
	struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "mention");

	for (size_t i = 0; i < conf->mobiles.count; i++) {
		if (!is_mobile(conf->mobiles.all[i]))
			complain(complaints, &at,
				"mention: \"%.60s\" is no mobile number; write user ids into "
				"mention_users, or `all`",
				conf->mobiles.all[i]);
	}
	robot_check_names("mention_users", &conf->users, "_-.@$:=+/", map, complaints);
	if (conf->mobiles.count + conf->users.count > NAMES_MAX)
		complain(complaints, &at, "mention: at most %d", NAMES_MAX);
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct dingtalk_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "secret");

	post_check(&conf->post, map, tls, complaints);
	robot_check_url(&conf->post, "https://oapi.dingtalk.com", "access_token=", map, complaints);
	if (conf->secret != NULL && strspn(conf->secret, " \t\r\n") > 0)
		complain(complaints, &at, "secret: it begins with a blank");
	check_people(conf, map, complaints);
}

/* ---- Markdown ---- */

static void
escape(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool is_first = i == 0 || text[i - 1] == '\n';

		if (text[i] == '\0')
			continue;
		if (strchr("\\`*_[]#~<>|&!", text[i]) != NULL ||
			(is_first && strchr("-+", text[i]) != NULL))
			buf_add_text(out, "\\");
		buf_add(out, text + i, 1);
	}
}

static void
escape_code(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '`')
			buf_add_text(out, "ˋ");
		else
			buf_add(out, text + i, 1);
	}
}

static void
add_link(struct buf *out, const char *label, const char *url)
{
	robot_add_link(out, escape, label, url);
}

/* ---- the message ---- */

struct letter {
	const struct dingtalk_conf *conf;
	const struct message *message;
	const char *title;
	bool is_calling;
};

/* Only who is named in the text as well is called. */
static void
add_names(struct buf *out, const struct dingtalk_conf *conf)
{
	const struct conf_strings *lists[] = { &conf->mobiles, &conf->users };

	buf_add_text(out, "\n\n");
	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; i < lists[l]->count; i++) {
			buf_add_text(out, "@");
			buf_add_text(out, lists[l]->all[i]);
			buf_add_text(out, " ");
		}
	}
}

static char *
write_text(const struct letter *letter, size_t room)
{
	const struct message_form form = {
		.escape = escape,
		.escape_code = escape_code,
		.bold = { "**", "**" },
		.code = { "`", "`" },
		.newline = "  \n",
		.paragraph = "\n\n",
		.link = add_link,
		.max = room,
		.unit = UNIT_BYTES,
	};
	const char *keyword = letter->conf->keyword;
	char *body = message_render(letter->message, &form);
	struct buf text;

	buf_init(&text, 0);
	buf_add_text(&text, "### ");
	escape(&text, letter->title, strlen(letter->title));
	buf_add_text(&text, "\n\n");
	buf_add_text(&text, body);
	if (keyword != NULL && strstr(buf_text(&text), keyword) == NULL) {
		buf_add_text(&text, "\n\n");
		buf_add_text(&text, keyword);
	}
	if (letter->is_calling)
		add_names(&text, letter->conf);
	free(body);
	return buf_take_text(&text);
}

static json_t *
names_node(const struct conf_strings *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->count; i++) {
		if (!str_eq(names->all[i], "all"))
			json_array_append_new(list, json_string(names->all[i]));
	}
	return list;
}

static json_t *
write_body(const void *arg, size_t room)
{
	const struct letter *letter = arg;
	const struct dingtalk_conf *conf = letter->conf;
	char *text = write_text(letter, room);
	json_t *body = json_pack("{s:s, s:{s:o, s:o}}", "msgtype", "markdown", "markdown", "title",
		record_text(letter->title), "text", record_text(text));
	bool is_for_all =
		robot_has_name(&conf->mobiles, "all") || robot_has_name(&conf->users, "all");

	if (letter->is_calling)
		json_object_set_new(body, "at",
			json_pack("{s:o, s:o, s:b}", "atMobiles", names_node(&conf->mobiles),
				"atUserIds", names_node(&conf->users), "isAtAll", is_for_all));
	free(text);
	return body;
}

/* ---- one try ---- */

static void
add_sign(struct buf *url, const struct dingtalk_conf *conf, usec_t now)
{
	unsigned char mac[HMAC_SHA256_SIZE];
	char text[BASE64_SIZE(HMAC_SHA256_SIZE)], stamp[32];
	size_t len = strlen(conf->secret);

	snprintf(stamp, sizeof(stamp), "%lld\n", (long long)(now / 1000));
	hmac_sha256(conf->secret, len,
		(const struct hmac_part[]){ { stamp, strlen(stamp) }, { conf->secret, len } }, 2,
		mac);
	base64_encode(text, mac, sizeof(mac));
	buf_addf(url, "%stimestamp=%lld&sign=", strchr(conf->post.url, '?') == NULL ? "?" : "&",
		(long long)(now / 1000));
	robot_add_encoded(url, text);
}

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	(void)run;
	robot_judge(&dialect, reply, verdict);
}

static void
start(struct send_run *run)
{
	const struct dingtalk_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	struct message *message = message_new(notice, send_daemon_name(run), send_language(run));
	char *whole = message_title(message), *title = message_cut(whole, TITLE_MAX, UNIT_CHARS);
	const struct letter letter = { conf, message, title,
		conf->mobiles.count + conf->users.count > 0 && robot_calls(notice) };
	struct post_request request = { 0 };
	struct buf url;

	buf_init(&url, 0);
	buf_add_text(&url, conf->post.url);
	if (conf->secret != NULL)
		add_sign(&url, conf, loop_wall(send_env(run)->loop));
	request.url = buf_text(&url);
	request.body = robot_fit(write_body, &letter, TEXT_MAX, BODY_MAX);
	post_start(run, send_state(run), &conf->post, &request, judge);
	buf_fini(&url);
	free(title);
	free(whole);
	message_free(message);
}

const struct receiver_type receiver_type_dingtalk = {
	.name = "dingtalk",
	.summary = "A group of DingTalk, as Markdown of its custom robot.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct dingtalk_conf),
	.run_size = sizeof(struct post),
	.is_for_people = true,
	.rate_per_second = 15.0 / 60, /* and 4 at once: 19 in the worst minute, 20 are too many */
	.burst = 3,
	.timeout_us = POST_TIMEOUT_US,
	.check = check,
	.release = post_release_conf,
	.target = post_target_conf,
	.start = start,
	.stop = post_stop_run,
};
