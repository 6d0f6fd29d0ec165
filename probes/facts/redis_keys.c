/*
 * The big keys of a Redis database, and how many never expire: a walk with SCAN that ends after so
 * many keys or so much time, each key asked for its size, type and expiry.  What is looked at is a
 * sample: the next look goes on where this one ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/facts/redis_visit.h"
#include "probes/redis_words.h"

#define SCAN_COUNT   "100"
#define PAGES_MAX    20
#define PAGE_KEYS    120 /* of a page, more are left out: COUNT is a hint to the server */
#define KEY_SHOWN    64
#define TOP_MAX      10
#define TIME_LEFT_US (700 * (usec_t)1000) /* no new page with less than this */

enum {
	KEY_SCANNED,
	KEY_FIRST,
	KEY_TYPE,
	KEY_BYTES,
	KEY_NO_TTL,
	KEY_TOTAL,
	KEY_ELEMENTS,
	KEY_WHOLE
};

static const struct metric_desc keys[] = {
	{ "scanned", METRIC_GAUGE, UNIT_NONE, "Keys that were looked at." },
	{ "first", METRIC_GAUGE, UNIT_TEXT, "The biggest of them." },
	{ "first_type", METRIC_GAUGE, UNIT_TEXT, "Its type: `list`, `hash`..." },
	{ "first_bytes", METRIC_GAUGE, UNIT_BYTES, "Its size (`MEMORY USAGE`)." },
	{ "no_ttl_percent", METRIC_GAUGE, UNIT_PERCENT, "Of them, those that never expire." },
	{ "total", METRIC_GAUGE, UNIT_NONE, "Keys in the database." },
	{ "first_elements", METRIC_GAUGE, UNIT_NONE, "How many elements the biggest has." },
	{ "whole", METRIC_FLAG, UNIT_BOOL, "All keys were looked at." },
	{ .name = NULL },
};

/* What a question is about: in the low bits what, above them which key of the page. */
enum { WANT_TOTAL, WANT_SCAN, WANT_BYTES, WANT_TYPE, WANT_TTL, WANT_ELEMENTS };
#define WHICH_BITS 3

struct key {
	double bytes, elements, ttl_s; /* ttl_s: -1 never expires, -2 unknown */
	char type[16];
	char shown[KEY_SHOWN];
	char *name; /* NULL: none */
};

struct state {
	struct redis_visit visit;
	struct key *page; /* PAGE_KEYS */
	unsigned page_count, pages;
	struct key top[TOP_MAX + 1];
	unsigned top_count;
	double scanned, no_ttl, with_ttl;
	bool is_last, is_whole, is_closing;
};

/* Where the next look goes on. */
struct memory {
	char cursor[24];
};

static void
ask_page(struct fact_run *run)
{
	const struct memory *m = fact_memory(run, sizeof(*m));
	struct state *st = fact_state(run);

	st->pages++;
	REDIS_VISIT_ASK(run, WANT_SCAN, "SCAN", m->cursor, "COUNT", SCAN_COUNT);
}

static void
ask_about(struct fact_run *run, unsigned at, const char *name)
{
	unsigned which = at << WHICH_BITS;

	REDIS_VISIT_ASK(run, which | WANT_BYTES, "MEMORY", "USAGE", name, "SAMPLES", "5");
	REDIS_VISIT_ASK(run, which | WANT_TYPE, "TYPE", name);
	REDIS_VISIT_ASK(run, which | WANT_TTL, "TTL", name);
}

static void
add_key(struct fact_run *run, const char *name)
{
	struct state *st = fact_state(run);
	struct key *key = &st->page[st->page_count];

	*key = (struct key){ .ttl_s = -2, .name = xstrdup(name) };
	str_printable(key->shown, sizeof(key->shown), name, strlen(name));
	ask_about(run, st->page_count++, name);
}

/* The one that the check's own walk found (`big_keys`), wherever it lies. */
static void
ask_known(struct fact_run *run)
{
	struct probe_watch *watch = fact_watch(run);
	const struct redis_watch *w = watch != NULL ? probe_watch_state(watch) : NULL;

	if (w != NULL && w->big_key[0] != '\0')
		add_key(run, w->big_key);
}

static void
ask(struct fact_run *run)
{
	struct memory *m = fact_memory(run, sizeof(*m));
	struct state *st = fact_state(run);

	if (m->cursor[0] == '\0')
		str_copy(m->cursor, sizeof(m->cursor), "0");
	st->is_whole = str_eq(m->cursor, "0");
	REDIS_VISIT_ASK(run, WANT_TOTAL, "DBSIZE");
	ask_known(run);
	ask_page(run);
}

static void
forget_page(struct state *st)
{
	for (unsigned i = 0; i < st->page_count; i++)
		free(st->page[i].name);
	st->page_count = 0;
}

static void
take_page(struct fact_run *run, const struct redisReply *reply)
{
	struct memory *m = fact_memory(run, sizeof(*m));
	struct state *st = fact_state(run);
	const struct redisReply *names;

	if (redis_is_error(reply)) {
		redis_visit_refused(run, "scan", reply);
		return;
	}
	st->is_last = true;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_ARRAY)
		return;
	st->is_last = str_eq(reply->element[0]->str, "0") ||
		      (size_t)reply->element[0]->len >= sizeof(m->cursor);
	str_copy(m->cursor, sizeof(m->cursor), st->is_last ? "0" : reply->element[0]->str);
	names = reply->element[1];
	for (size_t i = 0; i < names->elements && st->page_count < PAGE_KEYS; i++) {
		const struct redisReply *name = names->element[i];

		/* a key with a NUL in it would be another one in our command */
		if (name->type != REDIS_REPLY_STRING || strlen(name->str) != (size_t)name->len)
			continue;
		add_key(run, name->str);
	}
}

static void
take_answer(struct fact_run *run, unsigned what, struct key *key, const struct redisReply *reply)
{
	static const char *const commands[] = {
		[WANT_BYTES] = "memory|usage",
		[WANT_TYPE] = "type",
		[WANT_TTL] = "ttl",
		[WANT_ELEMENTS] = "llen +hlen +zcard +scard +xlen",
	};

	if (redis_is_error(reply)) {
		if (what == WANT_BYTES)
			redis_visit_refused(run, commands[what], reply);
	} else if (what == WANT_TYPE) {
		if (reply->type == REDIS_REPLY_STATUS)
			str_copy(key->type, sizeof(key->type), reply->str);
	} else if (reply->type == REDIS_REPLY_INTEGER) {
		*(what == WANT_BYTES       ? &key->bytes
			: what == WANT_TTL ? &key->ttl_s
					   : &key->elements) = (double)reply->integer;
	}
}

static void
take(struct fact_run *run, unsigned which, const struct redisReply *reply)
{
	unsigned what = which & ((1U << WHICH_BITS) - 1), at = which >> WHICH_BITS;
	struct state *st = fact_state(run);

	if (what == WANT_SCAN)
		take_page(run, reply);
	else if (what == WANT_ELEMENTS && at < st->top_count)
		take_answer(run, what, &st->top[at], reply);
	else if (what == WANT_TOTAL && reply->type == REDIS_REPLY_INTEGER)
		fact_number(run, KEY_TOTAL, (double)reply->integer);
	else if (what != WANT_TOTAL && at < st->page_count)
		take_answer(run, what, &st->page[at], reply);
}

/* The biggest first; one that falls off the end is forgotten. */
static void
rank(struct state *st, struct key *key)
{
	unsigned at = st->top_count;

	while (at > 0 && st->top[at - 1].bytes < key->bytes) {
		st->top[at] = st->top[at - 1];
		at--;
	}
	st->top[at] = *key;
	key->name = NULL;
	if (st->top_count < TOP_MAX)
		st->top_count++;
	else
		free(st->top[TOP_MAX].name);
}

static bool
is_ranked(const struct state *st, const struct key *key)
{
	for (unsigned i = 0; i < st->top_count; i++)
		if (str_eq(st->top[i].name, key->name))
			return true;
	return false;
}

static void
count_page(struct state *st)
{
	for (unsigned i = 0; i < st->page_count; i++) {
		struct key *key = &st->page[i];

		if (key->bytes == 0 || is_ranked(st, key))
			continue; /* gone meanwhile, or seen already */
		st->scanned++;
		st->no_ttl += key->ttl_s == -1;
		st->with_ttl += key->ttl_s >= 0;
		rank(st, key);
	}
	forget_page(st);
}

static void
ask_elements(struct fact_run *run, const struct state *st)
{
	static const struct {
		const char *type, *command;
	} rows[] = { { "list", "LLEN" }, { "hash", "HLEN" }, { "zset", "ZCARD" },
		{ "set", "SCARD" }, { "stream", "XLEN" } };

	for (unsigned i = 0; i < st->top_count; i++)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
			if (str_eq(st->top[i].type, rows[r].type))
				REDIS_VISIT_ASK(run, i << WHICH_BITS | WANT_ELEMENTS,
					rows[r].command, st->top[i].name);
}

static void
show_key(struct fact_run *run, const struct key *key)
{
	char bytes[32], ttl[48] = ", never expires", elements[48] = "";

	metric_format(key->bytes, UNIT_BYTES, bytes, sizeof(bytes));
	if (key->elements > 0)
		snprintf(elements, sizeof(elements), ", %.0f elements", key->elements);
	if (key->ttl_s >= 0)
		snprintf(ttl, sizeof(ttl), ", expires in %.0f s", key->ttl_s);
	fact_line(run, "%s: %s, %s%s%s", key->shown, key->type, bytes, elements,
		key->ttl_s == -2 ? "" : ttl);
}

/* After each page: what is known when the time is up stays. */
static void
tell(struct fact_run *run, const struct state *st)
{
	double known = st->no_ttl + st->with_ttl;
	const struct key *first = &st->top[0];

	fact_number(run, KEY_SCANNED, st->scanned);
	fact_number(run, KEY_WHOLE, st->is_whole && st->is_last);
	if (known > 0)
		fact_number(run, KEY_NO_TTL, 100 * st->no_ttl / known);
	if (st->top_count == 0)
		return;
	fact_text(run, KEY_FIRST, "%s", first->shown);
	fact_number(run, KEY_BYTES, first->bytes);
	if (first->type[0] != '\0')
		fact_text(run, KEY_TYPE, "%s", first->type);
	if (first->elements > 0)
		fact_number(run, KEY_ELEMENTS, first->elements);
}

static void
show(struct fact_run *run, const struct state *st)
{
	fact_line(run, "%.0f keys looked at%s%s", st->scanned,
		st->is_whole && st->is_last ? ", all there are" : ", a sample",
		st->scanned > 0 ? ":" : "");
	for (unsigned i = 0; i < st->top_count; i++)
		show_key(run, &st->top[i]);
}

static void
end(struct fact_run *run)
{
	struct state *st = fact_state(run);

	if (st->is_closing) {
		tell(run, st);
		show(run, st);
		redis_visit_had(run);
		return;
	}
	count_page(st);
	tell(run, st);
	if (!st->is_last && st->pages < PAGES_MAX && fact_time_left(run) > TIME_LEFT_US) {
		ask_page(run);
		return;
	}
	st->is_closing = true;
	ask_elements(run, st);
	if (st->visit.asks_end == 0)
		end(run);
}

static void
start(struct fact_run *run)
{
	static const struct redis_script script = {
		.ask = ask,
		.take = take,
		.end = end,
		.needs_db = true,
	};
	struct state *st = fact_state(run);

	st->page = xcalloc(PAGE_KEYS, sizeof(*st->page));
	redis_visit_start(run, &script);
}

static void
stop(struct fact_run *run)
{
	struct state *st = fact_state(run);

	redis_visit_stop(run);
	forget_page(st);
	for (unsigned i = 0; i < st->top_count; i++)
		free(st->top[i].name);
	free(st->page);
	st->page = NULL;
	st->page_count = st->top_count = 0;
}

static const char *const types[] = { "redis", NULL };

const struct fact_type fact_type_redis_keys = {
	.name = "redis-keys",
	.summary =
		"The biggest keys of a Redis database among those of a bounded walk, and how many "
		"never expire.",
	.rights = "`+scan +dbsize +memory|usage +type +ttl +llen +hlen +zcard +scard +xlen` on all "
		  "keys",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct state),
	.timeout_us = 3 * (usec_t)USEC_PER_SEC,
	.fresh_us = 5 * 60 * (usec_t)USEC_PER_SEC,
	.start = start,
	.stop = stop,
};
