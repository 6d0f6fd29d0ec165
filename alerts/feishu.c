/*
 * Feishu and Lark: an interactive card through a group's custom robot.
 *
 *	{"timestamp", "sign", "msg_type": "interactive", "card": {header, elements}}
 *
 * The sign is the HMAC-SHA256 of nothing at all, with "<timestamp>\n<secret>" as its key.  Every
 * answer is HTTP 200 with a code; only 0 means taken.  A card that is refused while it calls people
 * by name goes out once more without: a group may forbid @all, and then refuses the whole card.
 */
#include <ctype.h>
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
#define TEXT_MAX  12000 /* bytes of the card's text, before JSON escapes */
#define TITLE_MAX 100   /* characters; two or three lines on a phone */
#define NOTE_MAX  300
#define NAMES_MAX 20

struct feishu_conf {
	struct post_conf post;
	char *secret, *keyword;
	struct conf_strings mention;
};

struct feishu_run {
	struct post post;
	bool is_calling; /* this try calls people by name */
};

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct feishu_conf, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "The robot's webhook address, of Feishu or of Lark.  Its path is a secret "
		       "and never shown.",
		.example = "\"${FEISHU_WEBHOOK_URL}\"" },
	{ "secret", SECRET_AT(struct feishu_conf, secret),
		.doc = "The secret of the robot's signature verification, if that is switched on.",
		.example = "\"${FEISHU_SECRET}\"" },
	{ "keyword", STRING_AT(struct feishu_conf, keyword),
		.doc = "One of the robot's keywords, if it asks for any; it is added where a "
		       "message lacks it.",
		.example = "triaged" },
	{ "mention", STRINGS_AT(struct feishu_conf, mention),
		.doc = "Whom to call by name when something becomes critical: open_ids (`ou_…`), "
		       "or `all`.",
		.example = "[ou_18eac85d35a26f989317ad4f02e8bbbb]" },
	POST_ROWS(struct feishu_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"A card for each event in a group of Feishu (飞书) or Lark, through a custom robot.  Its "
	"header has the colour of the severity.\n\n"
	"1. In the group: Settings, Bots, Add Bot, Custom Bot.  Copy its webhook address into "
	"`url`; Lark's begins with `https://open.larksuite.com/`.\n"
	"2. Under Security settings choose Signature verification and copy the secret into "
	"`secret`.  If you choose keywords, give one of them as `keyword`; if you choose IP "
	"addresses, add that of this host as the outside sees it.\n"
	"3. `triage test NAME` shows what the robot answers.\n\n"
	"`mention: all` needs a group in which robots may call everybody; where they may not, "
	"Feishu refuses the card, and it is sent again without the call.  A robot takes 100 "
	"messages a minute; more are gathered into digests.";

static const struct robot_code codes[] = {
	{ 19001, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no such robot: copy its webhook address anew from the group's settings into url" },
	{ 19007, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot is switched off: enable it in the group's settings" },
	{ 19021, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"signature refused: secret is not the robot's, or this host's clock is an hour "
		"off" },
	{ 19022, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"this host's address is not among the robot's allowed IP addresses: add it there" },
	{ 19024, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot asks for a keyword: set keyword to one of those in its settings" },
	{ 9499, "frequen", SEND_LATER, SEND_CLASS_RATE, 10, "too many messages" },
	{ 9499, "too many", SEND_LATER, SEND_CLASS_RATE, 10, "too many messages" },
	{ 9499, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they cannot read the message; please report this as a bug of triaged" },
	{ 11246, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they refuse the card; please report this as a bug of triaged" },
	{ 230099, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they refuse the card; please report this as a bug of triaged" },
	{ 11232, NULL, SEND_LATER, SEND_CLASS_RATE, 10, "too many messages" },
};

static const struct robot_dialect dialect = {
	.service = "Feishu",
	.codes = { "code", "StatusCode" },
	.texts = { "msg", "StatusMessage" },
	.rows = codes,
	.count = sizeof(codes) / sizeof(codes[0]),
};

static const char *const templates[MESSAGE_MOODS] = {
	[MESSAGE_GOOD] = "green",
	[MESSAGE_INFO] = "blue",
	[MESSAGE_WARNING] = "orange",
	[MESSAGE_CRITICAL] = "red",
	[MESSAGE_TEST] = "grey",
};

/* ---- settings ---- */

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct feishu_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "mention");

	post_check(&conf->post, map, tls, complaints);
	robot_check_url(&conf->post, "https://open.feishu.cn", "/bot/v2/hook/", map, complaints);
	robot_check_url(
		&conf->post, "https://open.larksuite.com", "/bot/v2/hook/", map, complaints);
	robot_check_names("mention", &conf->mention, "_-", map, complaints);
	if (conf->mention.count > NAMES_MAX)
		complain(complaints, &at, "mention: at most %d", NAMES_MAX);
}

/* ---- lark_md ---- */

/* Would this character begin a list here, or an emoji like :OK:? */
static bool
is_markup_here(const char *text, size_t at, size_t len)
{
	bool is_first = at == 0 || text[at - 1] == '\n';
	char next = at + 1 < len ? text[at + 1] : '\0';

	if (text[at] == ':')
		return isalpha((unsigned char)next) || next == '+';
	return is_first && (text[at] == '-' || text[at] == '+');
}

/* Feishu's own way: &#N; for whatever its Markdown knows. */
static void
escape(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\0' &&
			(strchr("&<>*_~`[]\\$#", text[i]) != NULL || is_markup_here(text, i, len)))
			buf_addf(out, "&#%d;", text[i]);
		else
			buf_add(out, text + i, 1);
	}
}

static void
add_link(struct buf *out, const char *label, const char *url)
{
	robot_add_link(out, escape, label, url);
}

/* ---- the card ---- */

struct card {
	const struct feishu_conf *conf;
	const struct message *message;
	const char *stamp, *sign;
	bool is_calling;
};

static json_t *
text_node(const char *tag, const char *text)
{
	return json_pack("{s:s, s:o}", "tag", tag, "content", record_text(text));
}

static json_t *
cut_node(const char *text, size_t max)
{
	char *cut = message_cut(text, max, UNIT_CHARS);
	json_t *node = text_node("plain_text", cut);

	free(cut);
	return node;
}

static json_t *
header_node(const struct card *card)
{
	const struct message *m = card->message;
	const char *keyword = card->conf->keyword;
	char *whole = message_title(m), *cut = message_cut(whole, TITLE_MAX, UNIT_CHARS);
	bool is_lacking = keyword != NULL && strstr(cut, keyword) == NULL;
	char *title = is_lacking ? xasprintf("%s · %s", cut, keyword) : xstrdup(cut);
	json_t *header = json_pack("{s:o, s:s}", "title", text_node("plain_text", title),
		"template", templates[m->mood]);

	free(title);
	free(cut);
	free(whole);
	return header;
}

static json_t *
names_node(const struct conf_strings *names)
{
	struct buf text;
	json_t *node;

	buf_init(&text, 0);
	for (size_t i = 0; i < names->count; i++)
		buf_addf(&text, "%s<at id=%s></at>", i == 0 ? "" : " ", names->all[i]);
	node = json_pack("{s:s, s:o}", "tag", "div", "text", text_node("lark_md", buf_text(&text)));
	buf_fini(&text);
	return node;
}

static json_t *
button_node(const struct message *m)
{
	struct buf url;
	json_t *node;

	buf_init(&url, 0);
	robot_add_url(&url, m->link);
	node = json_pack("{s:s, s:[{s:s, s:o, s:s, s:s}]}", "tag", "action", "actions", "tag",
		"button", "text", cut_node(m->link_label, TITLE_MAX), "url", buf_text(&url), "type",
		"primary");
	buf_fini(&url);
	return node;
}

static json_t *
elements_node(const struct card *card, size_t room)
{
	const struct message_form form = {
		.escape = escape,
		.bold = { "**", "**" },
		.newline = "\n",
		.paragraph = "\n",
		.link = add_link,
		.max = room,
		.unit = UNIT_BYTES,
	};
	const struct message *m = card->message;
	char none[] = "";
	struct message bare = *m; /* link and footer have elements of their own */
	char *text;
	json_t *all = json_array();

	bare.link = NULL;
	bare.footer = none;
	text = message_render(&bare, &form);
	if (card->is_calling)
		json_array_append_new(all, names_node(&card->conf->mention));
	json_array_append_new(
		all, json_pack("{s:s, s:o}", "tag", "div", "text", text_node("lark_md", text)));
	json_array_append_new(all, json_pack("{s:s, s:[o]}", "tag", "note", "elements",
					   cut_node(m->footer, NOTE_MAX)));
	if (m->link != NULL)
		json_array_append_new(all, button_node(m));
	free(text);
	return all;
}

static json_t *
write_body(const void *arg, size_t room)
{
	const struct card *card = arg;
	json_t *body = json_object();

	if (card->conf->secret != NULL) {
		json_object_set_new(body, "timestamp", json_string(card->stamp));
		json_object_set_new(body, "sign", json_string(card->sign));
	}
	json_object_set_new(body, "msg_type", json_string("interactive"));
	json_object_set_new(body, "card",
		json_pack("{s:{s:b}, s:o, s:o}", "config", "wide_screen_mode", 1, "header",
			header_node(card), "elements", elements_node(card, room)));
	return body;
}

/* ---- one try ---- */

static void
make_sign(char *out, const char *stamp, const char *secret)
{
	unsigned char mac[HMAC_SHA256_SIZE];
	char *key = xasprintf("%s\n%s", stamp, secret);

	hmac_sha256(key, strlen(key), NULL, 0, mac);
	base64_encode(out, mac, sizeof(mac));
	secret_wipe(key, strlen(key));
	free(key);
}

static void judge(
	struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict);

static void
send_card(struct send_run *run)
{
	const struct feishu_conf *conf = send_conf(run);
	struct feishu_run *state = send_state(run);
	struct message *message =
		message_new(send_notice(run), send_daemon_name(run), send_language(run));
	long long now = (long long)(loop_wall(send_env(run)->loop) / USEC_PER_SEC);
	char stamp[24], sign[BASE64_SIZE(HMAC_SHA256_SIZE)] = "";
	const struct card card = { conf, message, stamp, sign, state->is_calling };
	struct post_request request = { .hidden = sign };

	snprintf(stamp, sizeof(stamp), "%lld", now);
	if (conf->secret != NULL)
		make_sign(sign, stamp, conf->secret);
	request.body = robot_fit(write_body, &card, TEXT_MAX, BODY_MAX);
	post_start(run, &state->post, &conf->post, &request, judge);
	message_free(message);
}

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	struct feishu_run *state = send_state(run);

	robot_judge(&dialect, reply, verdict);
	if (!state->is_calling || verdict->result != SEND_NEVER ||
		verdict->why != SEND_CLASS_CLIENT)
		return;
	state->is_calling = false;
	send_card(run);
	verdict->result = SEND_NONE;
}

static void
start(struct send_run *run)
{
	const struct feishu_conf *conf = send_conf(run);
	struct feishu_run *state = send_state(run);

	state->is_calling = conf->mention.count > 0 && robot_calls(send_notice(run));
	send_card(run);
}

static void
stop(struct send_run *run)
{
	struct feishu_run *state = send_state(run);

	post_stop(&state->post);
}

const struct receiver_type receiver_type_feishu = {
	.name = "feishu",
	.summary = "A group of Feishu or Lark, as cards of its custom robot.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct feishu_conf),
	.run_size = sizeof(struct feishu_run),
	.is_for_people = true,
	.rate_per_second = 1.5, /* of 5 a second and 100 a minute */
	.burst = 2,
	.timeout_us = 2 * USEC_PER_MIN, /* there may be two requests */
	.check = check,
	.release = post_release_conf,
	.target = post_target_conf,
	.start = start,
	.stop = stop,
};
