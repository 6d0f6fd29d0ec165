/*
 * One connection to a Redis server: hiredis' reader over our stream, so that TCP,
 * unix sockets and TLS are one path.  What the peer sends is bounded before hiredis allocates for
 * it.
 *
 * There is no deadline in here, and nobody waits: commands are gathered, flushed together, and each
 * reply is handed to whoever talks at that time.
 */
#ifndef PROBES_REDIS_LINK_H
#define PROBES_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "io/env.h"
#include "io/stream.h"

#define REDIS_REPLY_BYTES_MAX    ((size_t)1024 * 1024) /* of one reply */
#define REDIS_REPLY_ELEMENTS_MAX 4096                  /* of one reply, all depths together */

struct redisReply;
struct redis_link;

enum redis_event {
	REDIS_EVENT_OPEN,
	REDIS_EVENT_REPLY,
	REDIS_EVENT_GARBAGE, /* not the protocol, or too much of it: see redis_link_first */
	REDIS_EVENT_END,     /* closed by the peer */
	REDIS_EVENT_FAILED,  /* see the stream */
};

/* `reply` is borrowed until fn returns, and NULL but for REPLY. */
typedef void (*redis_link_fn)(void *arg, enum redis_event event, const struct redisReply *reply);

struct redis_link *redis_link_open(const struct io_env *env, const struct place *place,
	struct tls_ctx *tls, const char *server_name, redis_link_fn fn, void *arg);
void redis_link_close(struct redis_link *link); /* NULL is fine; fn is not called any more */
/* Who hears it from now on; NULL: nobody talks, and whatever happens then ends the link. */
void redis_link_lend(struct redis_link *link, redis_link_fn fn, void *arg);
bool redis_link_is_alive(const struct redis_link *link);

/* Adds a command; nothing leaves before the flush. */
void redis_link_add(struct redis_link *link, const char *const *words, size_t count);
void redis_link_flush(struct redis_link *link);

/* Another bound than REDIS_REPLY_BYTES_MAX, for a list that may be long. */
void redis_link_allow(struct redis_link *link, size_t reply_bytes);

/* Within a reply: it was the last that is wanted of what was asked. */
void redis_link_rest(struct redis_link *link);
const struct stream *redis_link_stream(const struct redis_link *link);
/* The first bytes of the peer, for showing what it is; why the protocol is broken. */
const char *redis_link_first(const struct redis_link *link, size_t *len);
const char *redis_link_error(const struct redis_link *link);

/* --- the bounded reader alone, which the fuzzer feeds --- */

struct redis_reader;

struct redis_reader *redis_reader_new(void);
void redis_reader_free(struct redis_reader *reader);
void redis_reader_allow(struct redis_reader *reader, size_t reply_bytes);
/* Gives each whole reply to fn, which may return false to stop; -1: broken, see the error. */
int redis_reader_feed(struct redis_reader *reader, const void *data, size_t len,
	bool (*fn)(void *arg, const struct redisReply *reply), void *arg);
const char *redis_reader_error(const struct redis_reader *reader);

#endif
