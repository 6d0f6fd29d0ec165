/*
 * What a Redis server sends: replies cut anywhere are read or refused, within their bounds; their
 * errors have a cause; INFO becomes numbers that are finite or absent, and texts that end.
 */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/cause.h"
#include "probes/redis_info.h"
#include "probes/redis_link.h"
#include "probes/redis_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
count(const struct redisReply *reply)
{
	size_t all = 1;

	switch (reply->type) {
	case REDIS_REPLY_ARRAY:
		for (size_t i = 0; i < reply->elements; i++)
			all += count(reply->element[i]);
		break;
	case REDIS_REPLY_ERROR:
		assert(cause_find(redis_cause(reply->str)) != NULL);
		break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		assert(reply->str[reply->len] == '\0');
		break;
	default:
		break;
	}
	return all;
}

static bool
on_reply(void *arg, const struct redisReply *reply)
{
	unsigned *left = arg;

	assert(count(reply) <= REDIS_REPLY_ELEMENTS_MAX + 1);
	return (*left)-- > 1;
}

static void
play(const uint8_t *data, size_t size, size_t step)
{
	struct redis_reader *reader = redis_reader_new();
	unsigned left = 64;

	for (size_t at = 0; at < size && left > 0; at += step) {
		size_t len = size - at < step ? size - at : step;

		if (redis_reader_feed(reader, data + at, len, on_reply, &left) == 0)
			continue;
		assert(redis_reader_error(reader)[0] != '\0');
		assert(redis_reader_feed(reader, "+OK\r\n", 5, on_reply, &left) == -1);
		break;
	}
	redis_reader_free(reader);
}

static void
parse(const uint8_t *data, size_t size)
{
	struct redis_info info;

	redis_info_parse(&info, (const char *)data, size, 3);
	for (size_t i = 0; i < INFO_NUMBERS; i++)
		assert(isnan(info.n[i]) || isfinite(info.n[i]));
	assert(memchr(info.role, '\0', sizeof(info.role)) != NULL);
	assert(memchr(info.run_id, '\0', sizeof(info.run_id)) != NULL);
	assert(memchr(info.master_host, '\0', sizeof(info.master_host)) != NULL);
	assert(info.replicas_online <= info.replicas_seen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play(data, size, size + 1);
	if (size < 4096)
		play(data, size, 1);
	parse(data, size);
	return 0;
}
