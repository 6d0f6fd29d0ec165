/*
 * What is asked of single keys: how long the queues are, whether a write is accepted, and, when
 * wanted, which keys are big.  Of all that only the write test's own key is ever changed.
 */
#include "probes/redis_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "io/loop.h"

#define WRITE_SECONDS "60"       /* the key goes by itself if we do not come to delete it */
#define WRITE_MARK    "triaged " /* what a value of ours begins with */
#define SCAN_COUNT    "100"

/* --- lengths --- */

static const struct {
	const char *type, *command;
} lengths[] = {
	{ "list", "LLEN" },
	{ "stream", "XLEN" },
	{ "zset", "ZCARD" },
	{ "set", "SCARD" },
	{ "hash", "HLEN" },
};

static const char *
command_of(const char *type)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (str_eq(type, lengths[i].type))
			return lengths[i].command;
	return NULL;
}

static void
take_length(struct probe_run *run, unsigned which, double length)
{
	struct redis_run *r = probe_state(run);

	probe_value(run, METRIC_FIRST_LENGTH + (int)which, length);
	if (r->has_longest && length <= r->longest)
		return;
	r->has_longest = true;
	r->longest = length;
	r->longest_at = which;
}

void
redis_on_type(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct conf_pair *pair = &conf->lengths.all[which];
	const char *command;

	if (redis_is_error(reply)) {
		redis_note_error(run, "type", reply);
		return;
	}
	if (reply->type != REDIS_REPLY_STATUS)
		return;
	command = command_of(reply->str);
	if (command != NULL)
		REDIS_ASK(run, ASK_LENGTH, which, command, pair->value);
	else if (str_eq(reply->str, "none")) /* a queue that is empty is not there */
		take_length(run, which, 0);
	else
		probe_note(run, "redis.wrongtype", "%s is a %.32s", pair->value, reply->str);
}

void
redis_on_length(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	if (redis_is_error(reply))
		redis_note_error(run, "llen +xlen +zcard +scard +hlen", reply);
	else if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
		take_length(run, which, (double)reply->integer);
}

/* --- the write test: SET, GET, DEL --- */

void
redis_write_ask(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);
	char digits[17];

	if (conf->write_test == NULL || r->cause != NULL)
		return;
	rand_hex(digits, 16);
	snprintf(r->value, sizeof(r->value), WRITE_MARK "%s", digits);
	r->write_us = loop_now(probe_env(run)->loop);
	REDIS_ASK(run, ASK_SET, 0, "SET", conf->write_test, r->value, "NX", "EX", WRITE_SECONDS);
}

void
redis_on_set(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);

	(void)which;
	if (redis_is_elsewhere(reply)) {
		redis_note_error(run, "set", reply);
		return;
	}
	if (redis_is_error(reply)) {
		redis_refused(run, "SET", reply);
		return;
	}
	if (reply->type == REDIS_REPLY_STATUS)
		probe_value(run, METRIC_WRITE_TIME,
			(double)(loop_now(probe_env(run)->loop) - r->write_us) / USEC_PER_SEC);
	REDIS_ASK(run, ASK_GET, reply->type == REDIS_REPLY_NIL, "GET", conf->write_test);
}

static void
leave_alone(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);

	redis_tell_network(run);
	r->is_over = true;
	probe_error(run, "redis.key-taken", "the key %s of write_test holds something else",
		conf->write_test);
}

/* `was_there`: our SET found the key in its place and changed nothing. */
void
redis_on_get(struct probe_run *run, unsigned was_there, const struct redisReply *reply)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);

	if (redis_is_error(reply) && !str_starts(reply->str, "WRONGTYPE")) {
		redis_refused(run, "GET", reply);
	} else if (reply->type == REDIS_REPLY_NIL) {
		if (!was_there && !r->is_again) {
			/* two that test with one key at the same time delete each other's */
			r->is_again = true;
			REDIS_ASK(run, ASK_SET, 0, "SET", conf->write_test, r->value, "NX", "EX",
				WRITE_SECONDS);
		} else if (!was_there)
			redis_fail(run, "redis.error", "what was just written is gone");
		/* else it has just run out: another run tests at the same time */
	} else if (reply->type != REDIS_REPLY_STRING || !str_starts(reply->str, WRITE_MARK)) {
		leave_alone(run);
	} else if (was_there && !r->is_overwriting) {
		r->is_overwriting = true; /* left by a run that was ended in between */
		REDIS_ASK(run, ASK_SET, 0, "SET", conf->write_test, r->value, "EX", WRITE_SECONDS);
	} else {
		REDIS_ASK(run, ASK_DEL, 0, "DEL", conf->write_test);
	}
}

void
redis_on_del(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	(void)which;
	if (redis_is_error(reply)) /* it goes by itself */
		redis_note_error(run, "del", reply);
}

/* --- big keys: a hundred a run, round and round --- */

void
redis_scan_ask(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);
	struct redis_memory *m = probe_memory(run, sizeof(*m));

	if (conf->big_keys == 0 || r->cause != NULL)
		return;
	if (m->cursor[0] == '\0') { /* a new round, or the first */
		str_copy(m->cursor, sizeof(m->cursor), "0");
		m->biggest_so_far = m->big_so_far = 0;
		m->biggest_key_so_far[0] = '\0';
	}
	REDIS_ASK(run, ASK_SCAN, 0, "SCAN", m->cursor, "COUNT", SCAN_COUNT);
}

/* A round is over when the cursor is 0 again; the sizes of its last keys come after that. */
static void
note_cursor(struct redis_memory *m, const char *cursor)
{
	bool is_end = str_eq(cursor, "0") || strlen(cursor) >= sizeof(m->cursor);

	str_copy(m->cursor, sizeof(m->cursor), is_end ? "" : cursor);
}

void
redis_on_scan(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	struct redis_memory *m = probe_memory(run, sizeof(*m));
	const struct redisReply *keys;

	(void)which;
	if (redis_is_error(reply)) {
		redis_note_error(run, "scan +memory|usage", reply);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_ARRAY)
		return;
	note_cursor(m, reply->element[0]->str);
	keys = reply->element[1];
	r->scanned = xcalloc(REDIS_SCAN_MAX, sizeof(*r->scanned));
	for (unsigned i = 0; i < keys->elements && i < REDIS_SCAN_MAX; i++) {
		const struct redisReply *key = keys->element[i];

		/* a key with a NUL in it would be another one in our command */
		if (key->type != REDIS_REPLY_STRING || strlen(key->str) != (size_t)key->len)
			continue;
		str_copy(r->scanned[i], sizeof(r->scanned[i]), key->str);
		REDIS_ASK(run, ASK_SIZE, i, "MEMORY", "USAGE", key->str, "SAMPLES", "5");
	}
}

void
redis_on_size(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);
	struct redis_memory *m = probe_memory(run, sizeof(*m));

	if (redis_is_error(reply)) {
		redis_note_error(run, "memory|usage", reply);
		return;
	}
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= conf->big_keys)
		m->big_so_far++;
	if (reply->type != REDIS_REPLY_INTEGER || (double)reply->integer <= m->biggest_so_far)
		return;
	m->biggest_so_far = (double)reply->integer;
	str_copy(m->biggest_key_so_far, sizeof(m->biggest_key_so_far), r->scanned[which]);
}
