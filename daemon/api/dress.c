/*
 * Answers get a weak tag (a hash of their bytes before packing), so that who asks again with
 * If-None-Match is told 304, and are gzipped for who takes that.  Short ones at once; long ones a
 * slice each turn of the loop.
 */
#include "api/dress.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/gzip.h"

#define PACK_MIN   1024               /* below it gzip saves nothing worth the work */
#define AT_ONCE    ((size_t)32 << 10) /* dressed without a walk */
#define PACK_SLICE ((size_t)64 << 10) /* half a millisecond */
#define HASH_SLICE ((size_t)1 << 20)

struct dress {
	bool has_tag, is_packed;
	size_t at; /* of what is being done: hashed or packed */
	uint64_t hash;
	struct gzip *gzip;
	struct buf packed;
};

/* Not against enemies: two versions of one answer must differ. */
static uint64_t
mix(uint64_t hash, const char *bytes, size_t len)
{
	for (; len > 0;) {
		uint64_t word = 0;
		size_t piece = len < sizeof(word) ? len : sizeof(word);

		memcpy(&word, bytes, piece);
		hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
		hash ^= hash >> 29;
		bytes += piece;
		len -= piece;
	}
	return hash;
}

/* The next piece of the body; NULL: there is none left. */
static const char *
next(const struct buf *body, struct dress *dress, size_t max, size_t *len)
{
	const char *piece = buf_head(body) + dress->at;

	*len = buf_left(body) - dress->at;
	if (*len == 0)
		return NULL;
	if (*len > max)
		*len = max;
	dress->at += *len;
	return piece;
}

static void
put_tag(struct api_call *call, struct dress *dress)
{
	struct reply *reply = &call->reply;

	dress->has_tag = false;
	dress->at = 0;
	snprintf(reply->etag, sizeof(reply->etag), "W/\"%016llx\"",
		(unsigned long long)mix(dress->hash, "", 0));
	reply->cache = "private, no-cache";
	if (!call_has_seen(call, reply->etag + strlen("W/")))
		return;
	reply_unchanged(call);
	dress->is_packed = false;
}

static void
put_packed(struct reply *reply, struct dress *dress)
{
	gzip_end(dress->gzip);
	dress->is_packed = false;
	if (dress->packed.is_over)
		return; /* it goes as it is */
	buf_fini(&reply->body);
	reply->body = dress->packed;
	buf_init(&dress->packed, 0);
	reply->encoding = "gzip";
}

static bool
step(struct api_call *call)
{
	struct dress *dress = call->walk.state;
	struct buf *body = &call->reply.body;
	const char *piece;
	size_t len;

	if (dress->has_tag) {
		piece = next(body, dress, HASH_SLICE, &len);
		if (piece != NULL)
			dress->hash = mix(dress->hash, piece, len);
		else
			put_tag(call, dress);
	} else if (dress->is_packed) {
		if (dress->gzip == NULL)
			dress->gzip = gzip_new(&dress->packed);
		piece = next(body, dress, PACK_SLICE, &len);
		if (piece != NULL)
			gzip_add(dress->gzip, piece, len);
		else
			put_packed(&call->reply, dress);
	}
	return !dress->has_tag && !dress->is_packed;
}

static void
end_dress(void *state)
{
	struct dress *dress = state;

	gzip_free(dress->gzip);
	buf_fini(&dress->packed);
	free(dress);
}

static bool
is_words(const char *type)
{
	return type != NULL && (str_starts(type, "text/") || strstr(type, "json") != NULL ||
				       str_starts(type, "application/openmetrics"));
}

static bool
is_tagged(const struct api_call *call)
{
	return call->route != NULL && call->route->has_tag && call->reply.status == 200;
}

bool
dress_reply(struct api_call *call)
{
	struct reply *reply = &call->reply;
	struct dress *dress;

	call->is_dressed = true;
	if (!is_words(reply->type) || reply->etag[0] != '\0' || reply->encoding != NULL)
		return true;
	reply->is_packable = true;
	dress = xcalloc(1, sizeof(*dress));
	dress->has_tag = is_tagged(call);
	dress->is_packed = buf_left(&reply->body) >= PACK_MIN && call_takes_gzip(call);
	buf_init(&dress->packed, REPLY_MAX);
	call->walk = (struct walk){ .step = step, .end = end_dress, .state = dress };
	if (buf_left(&reply->body) > AT_ONCE && (dress->has_tag || dress->is_packed))
		return false;
	while (!step(call))
		continue;
	end_dress(dress);
	call->walk = (struct walk){ .step = NULL };
	return true;
}
