/*
 * What the group robots of Feishu, DingTalk and WeCom have in common: they answer HTTP 200 with a
 * number in JSON that says what became of the message, they can call people by name, and they
 * refuse what is too long.
 */
#ifndef ALERTS_ROBOT_H
#define ALERTS_ROBOT_H

#include "alerts/post.h"
#include "base/buf.h"

/* One number that is not 0.  The first row that fits counts. */
struct robot_code {
	long long code;
	const char *said; /* only when this stands in their text, in any case; NULL: always */
	enum send_result result;
	enum send_class why;
	unsigned wait_s; /* what is asked for when they name no time themselves */
	const char *words;
};

struct robot_dialect {
	const char *service;
	const char *codes[3], *texts[3]; /* names of the members, the first present; NULL ends */
	const struct robot_code *rows;
	size_t count;
};

/*
 * The number decides, whatever the HTTP status, but for a status that says "later": that stays.  A
 * number of no row is worth another try when it is negative or their text speaks of haste or
 * trouble; otherwise the message is refused.  An answer without a number under 2xx is not theirs:
 * later.
 */
void robot_judge(const struct robot_dialect *dialect, const struct http_reply *reply,
	struct post_verdict *verdict);

/* Is it so bad, and is it news, that people are called by name? */
bool robot_calls(const struct notice *notice);
bool robot_has_name(const struct conf_strings *names, const char *name);
/* Complains about each name that is not "all" and has other than letters, digits and `others`. */
void robot_check_names(const char *key, const struct conf_strings *names, const char *others,
	const struct conf_node *map, struct complaints *complaints);
/* Complains about an address at the service's own `origin` that lacks `part`. */
void robot_check_url(const struct post_conf *conf, const char *origin, const char *part,
	const struct conf_node *map, struct complaints *complaints);

/* Percent-encodes what would end a link in Markdown. */
void robot_add_url(struct buf *out, const char *url);
/* "[label](url)" */
void robot_add_link(struct buf *out, void (*escape)(struct buf *out, const char *text, size_t len),
	const char *label, const char *url);
void robot_add_encoded(struct buf *out, const char *text); /* a value in a query */

/* Writes the message with `room` bytes for its text. */
typedef json_t *(*robot_write_fn)(const void *arg, size_t room);
/* Takes room away until the whole body has at most `max` bytes. */
char *robot_fit(robot_write_fn write, const void *arg, size_t room, size_t max);

#endif
