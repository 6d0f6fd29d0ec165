/*
 * SLOWLOG of the last quarter of an hour: which command kept everybody else waiting.  Of a command
 * only its name and the name of its key are shown: values, scripts and passwords are nobody's
 * business.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/facts/redis_visit.h"

#define ENTRIES   "32"
#define RECENT_S  900
#define SHOWN_MAX 5
#define KEY_SHOWN 48

enum { KEY_COUNT, KEY_WORST, KEY_COMMAND, KEY_CLIENT, KEY_KEY, KEY_AGE };

static const struct metric_desc keys[] = {
	{ "count", METRIC_GAUGE, UNIT_NONE, "Slow commands of the last 15 minutes; at most 32." },
	{ "worst", METRIC_GAUGE, UNIT_SECONDS, "What the slowest of them took." },
	{ "command", METRIC_GAUGE, UNIT_TEXT, "Its name, such as `KEYS`." },
	{ "client", METRIC_GAUGE, UNIT_TEXT, "Address of the client that sent it." },
	{ "key", METRIC_GAUGE, UNIT_TEXT, "The key that it was about, where it has one." },
	{ "age", METRIC_GAUGE, UNIT_SECONDS, "How long ago it ran." },
	{ .name = NULL },
};

enum { WANT_TIME, WANT_ENTRIES };

struct state {
	struct redis_visit visit;
	double now; /* the server's clock; 0: not told */
};

/* Commands whose second word says what they do. */
static const char *const containers[] = { "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG",
	"FUNCTION", "LATENCY", "MEMORY", "MODULE", "OBJECT", "PUBSUB", "SCRIPT", "SLOWLOG",
	"XGROUP", "XINFO", NULL };
/* Commands whose first argument is a key, so far as they can be slow. */
static const char *const keyed[] = { "APPEND", "BITCOUNT", "BITPOS", "BLPOP", "BRPOP", "DEL",
	"DUMP", "GET", "GETRANGE", "HDEL", "HGETALL", "HKEYS", "HMGET", "HMSET", "HSCAN", "HSET",
	"HVALS", "INCR", "LINDEX", "LINSERT", "LPOP", "LPUSH", "LRANGE", "LREM", "LTRIM", "MGET",
	"RENAME", "RESTORE", "RPOP", "RPUSH", "SADD", "SDIFF", "SET", "SETEX", "SETRANGE", "SINTER",
	"SINTERSTORE", "SMEMBERS", "SORT", "SPOP", "SREM", "SSCAN", "SUNION", "SUNIONSTORE",
	"UNLINK", "XADD", "XRANGE", "XREAD", "XTRIM", "ZADD", "ZCOUNT", "ZINTERSTORE", "ZPOPMIN",
	"ZRANGE", "ZRANGEBYSCORE", "ZREM", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREVRANGE",
	"ZSCAN", "ZUNIONSTORE", NULL };

static bool
is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcasecmp(word, *list) == 0)
			return true;
	return false;
}

/* A name made of letters, in capitals; else "?": who knows what it is. */
static void
name_word(char *out, size_t size, const struct redisReply *word)
{
	size_t len = 0;

	str_copy(out, size, "?");
	if (word->type != REDIS_REPLY_STRING || word->len == 0 || (size_t)word->len >= size)
		return;
	while (word->str[len] != '\0' &&
		(isalnum((unsigned char)word->str[len]) || strchr("._-", word->str[len]) != NULL))
		len++;
	if (len != (size_t)word->len)
		return;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)toupper((unsigned char)word->str[i]);
}

struct entry {
	double at, took;
	char command[64], key[KEY_SHOWN + 4], client[64];
};

static void
read_words(struct entry *e, const struct redisReply *words)
{
	char sub[32];

	if (words->type != REDIS_REPLY_ARRAY || words->elements == 0)
		return;
	name_word(e->command, 32, words->element[0]);
	if (words->elements < 2 || words->element[1]->type != REDIS_REPLY_STRING)
		return;
	if (is_one_of(e->command, containers)) {
		size_t len = strlen(e->command);

		name_word(sub, sizeof(sub), words->element[1]);
		snprintf(e->command + len, sizeof(e->command) - len, " %s", sub);
	} else if (is_one_of(e->command, keyed)) {
		str_printable(e->key, sizeof(e->key), words->element[1]->str,
			(size_t)words->element[1]->len);
	}
}

/* [id, time, microseconds, [words], "client", "name"]; before 4.0 without the last two. */
static bool
read_entry(struct entry *e, const struct redisReply *row)
{
	*e = (struct entry){ .command = "?" };
	if (row->type != REDIS_REPLY_ARRAY || row->elements < 4 ||
		row->element[1]->type != REDIS_REPLY_INTEGER ||
		row->element[2]->type != REDIS_REPLY_INTEGER)
		return false;
	e->at = (double)row->element[1]->integer;
	e->took = (double)row->element[2]->integer / USEC_PER_SEC;
	read_words(e, row->element[3]);
	if (row->elements > 4 && row->element[4]->type == REDIS_REPLY_STRING)
		str_printable(e->client, sizeof(e->client), row->element[4]->str,
			(size_t)row->element[4]->len);
	return true;
}

static void
ask(struct fact_run *run)
{
	REDIS_VISIT_ASK(run, WANT_TIME, "TIME");
	REDIS_VISIT_ASK(run, WANT_ENTRIES, "SLOWLOG", "GET", ENTRIES);
}

static void
show(struct fact_run *run, const struct entry *e, double age)
{
	char took[32], ago[32];

	metric_format(e->took, UNIT_SECONDS, took, sizeof(took));
	metric_format(age, UNIT_SECONDS, ago, sizeof(ago));
	fact_line(run, "%s%s%s took %s, %s ago%s%s", e->command, e->key[0] != '\0' ? " " : "",
		e->key, took, ago, e->client[0] != '\0' ? ", from " : "", e->client);
}

static void
tell_worst(struct fact_run *run, const struct entry *e, double age)
{
	fact_number(run, KEY_WORST, e->took);
	fact_number(run, KEY_AGE, age);
	fact_text(run, KEY_COMMAND, "%s", e->command);
	if (e->client[0] != '\0')
		fact_text(run, KEY_CLIENT, "%s", e->client);
	if (e->key[0] != '\0')
		fact_text(run, KEY_KEY, "%s", e->key);
}

static void
take_entries(struct fact_run *run, const struct redisReply *reply)
{
	const struct state *st = fact_state(run);
	double now = st->now > 0 ? st->now : (double)loop_wall(fact_env(run)->loop) / USEC_PER_SEC;
	struct entry e, worst = { .took = -1 };
	unsigned count = 0;

	for (size_t i = 0; i < reply->elements; i++) {
		if (!read_entry(&e, reply->element[i]) || now - e.at > RECENT_S)
			continue;
		if (++count <= SHOWN_MAX)
			show(run, &e, now > e.at ? now - e.at : 0);
		if (e.took > worst.took)
			worst = e;
	}
	fact_number(run, KEY_COUNT, count);
	if (count > 0)
		tell_worst(run, &worst, now > worst.at ? now - worst.at : 0);
	else
		fact_line(run, "no slow command in the last 15 minutes");
}

static void
take(struct fact_run *run, unsigned which, const struct redisReply *reply)
{
	struct state *st = fact_state(run);

	if (which == WANT_TIME) {
		if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
			reply->element[0]->type == REDIS_REPLY_STRING)
			st->now = strtod(reply->element[0]->str, NULL);
	} else if (redis_is_error(reply)) {
		redis_visit_refused(run, "slowlog", reply);
	} else if (reply->type == REDIS_REPLY_ARRAY) {
		take_entries(run, reply);
	}
}

static void
start(struct fact_run *run)
{
	static const struct redis_script script = {
		.ask = ask,
		.take = take,
		.end = redis_visit_had,
	};

	redis_visit_start(run, &script);
}

static const char *const types[] = { "redis", NULL };

const struct fact_type fact_type_redis_slowlog = {
	.name = "redis-slowlog",
	.summary = "The slow commands of a Redis server in the last 15 minutes.",
	.rights = "`+slowlog` (and `+time`, where the clocks differ)",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct state),
	.start = start,
	.stop = redis_visit_stop,
};
