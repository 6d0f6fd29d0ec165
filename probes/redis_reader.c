/*
 * hiredis' reader with bounds.  It would allocate an array of two thousand million elements because
 * twelve bytes announce one, and gather a line without an end: both are refused here.
 */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/redis_link.h"

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

#define SHORT_MAX 32 /* bytes of a line that hiredis does not see */

struct redis_reader {
	bool is_amid; /* hiredis holds the beginning of a reply */
	char error[160];
	redisReader *reader;
	redisReplyObjectFunctions fn;         /* hiredis' own, but for arrays */
	const redisReplyObjectFunctions *own; /* as hiredis has them */
	size_t bytes, elements;               /* of the reply under way */
	size_t bytes_max;                     /* of one reply */
};

/* NULL ends the parsing, as if memory were short. */
static void *
create_array(const redisReadTask *task, element_count count)
{
	struct redis_reader *r = task->privdata;

	r->elements += (size_t)count;
	if (count < 0 || r->elements > REDIS_REPLY_ELEMENTS_MAX) {
		str_copy(r->error, sizeof(r->error), "an array of too many elements");
		return NULL;
	}
	return r->own->createArray(task, count);
}

struct redis_reader *
redis_reader_new(void)
{
	struct redis_reader *r = xcalloc(1, sizeof(*r));

	r->reader = redisReaderCreate();
	if (r->reader == NULL)
		mem_end();
	r->bytes_max = REDIS_REPLY_BYTES_MAX;
	r->own = r->reader->fn;
	r->fn = *r->own;
	r->fn.createArray = create_array;
	r->reader->fn = &r->fn;
	r->reader->privdata = r;
	return r;
}

void
redis_reader_free(struct redis_reader *r)
{
	if (r == NULL)
		return;
	redisReaderFree(r->reader);
	free(r);
}

void
redis_reader_allow(struct redis_reader *r, size_t reply_bytes)
{
	r->bytes_max = reply_bytes;
}

const char *
redis_reader_error(const struct redis_reader *r)
{
	return r->error;
}

/* Elements of a broken reply are freed by hiredis; the words are copied before. */
static int
give_up(struct redis_reader *r)
{
	if (r->error[0] == '\0')
		str_copy(r->error, sizeof(r->error), r->reader->errstr);
	return -1;
}

/* "+PONG\r\n" alone: what a kept connection says nearly every time.  hiredis would copy it, and
 * make three pieces of memory of it. */
static bool
take_short_line(const struct redis_reader *r, const char *data, size_t len, char line[SHORT_MAX])
{
	if (r->is_amid || len < 3 || len > SHORT_MAX || data[0] != '+')
		return false;
	if (memchr(data, '\r', len) != data + len - 2 || memchr(data, '\n', len) != data + len - 1)
		return false;
	memcpy(line, data + 1, len - 3);
	line[len - 3] = '\0';
	return true;
}

int
redis_reader_feed(struct redis_reader *r, const void *data, size_t len,
	bool (*fn)(void *arg, const struct redisReply *reply), void *arg)
{
	char line[SHORT_MAX];
	void *reply;

	if (r->error[0] != '\0')
		return -1;
	if (take_short_line(r, data, len, line)) {
		const struct redisReply status = {
			.type = REDIS_REPLY_STATUS, .str = line, .len = len - 3
		};

		fn(arg, &status);
		return 0;
	}
	r->is_amid = true;
	r->bytes += len;
	if (redisReaderFeed(r->reader, data, len) != REDIS_OK)
		return give_up(r);
	for (;;) {
		bool goes_on;

		reply = NULL;
		if (redisReaderGetReply(r->reader, &reply) != REDIS_OK)
			return give_up(r);
		if (reply == NULL)
			break;
		r->bytes = r->elements = 0;
		goes_on = fn(arg, reply);
		freeReplyObject(reply);
		if (!goes_on)
			return 0;
		r->is_amid = r->reader->pos < r->reader->len;
		if (!r->is_amid)
			return 0;
	}
	if (r->bytes <= r->bytes_max)
		return 0;
	str_copy(r->error, sizeof(r->error), "a reply that does not end");
	return -1;
}
