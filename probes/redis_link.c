/*
 * A connection's bytes on their way: out as commands gathered into one write, in as whole replies.
 * Closing inside its own callback is fine: the link is freed when the loop's turn ends.
 */
#include "probes/redis_link.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/print.h"

#define FIRST_MAX 64
#define COUNT_MAX 24 /* "*", digits, "\r\n" */

struct redis_link {
	struct stream *stream;
	redis_link_fn fn;
	void *arg;
	bool is_over, is_closed;
	struct redis_reader *reader;
	struct buf out;
	struct loop *loop;
	char first[FIRST_MAX];
	size_t first_len;
};

static void
end(void *obj)
{
	struct redis_link *link = obj;

	redis_reader_free(link->reader);
	buf_fini(&link->out);
	free(link);
}

void
redis_link_close(struct redis_link *link)
{
	if (link == NULL || link->is_closed)
		return;
	link->is_closed = link->is_over = true;
	link->fn = NULL;
	stream_close(link->stream);
	loop_retire(link->loop, link, end);
}

/* The stream itself is kept until the link is closed: its reason is still to be told. */
static void
say(struct redis_link *link, enum redis_event event, const struct redisReply *reply)
{
	if (event != REDIS_EVENT_OPEN && event != REDIS_EVENT_REPLY)
		link->is_over = true;
	if (link->fn != NULL)
		link->fn(link->arg, event, reply);
	else
		link->is_over = true; /* nobody asked for anything */
}

static bool
on_reply(void *arg, const struct redisReply *reply)
{
	struct redis_link *link = arg;

	say(link, REDIS_EVENT_REPLY, reply);
	return !link->is_over;
}

static void
note_first(struct redis_link *link, const struct buf *in)
{
	size_t room = FIRST_MAX - link->first_len, len = buf_left(in);

	if (room == 0)
		return;
	len = len < room ? len : room;
	memcpy(link->first + link->first_len, buf_head(in), len);
	link->first_len += len;
}

static void
take_data(struct redis_link *link)
{
	struct buf *in = stream_in(link->stream);
	int rc;

	if (link->is_over || buf_left(in) == 0)
		return;
	note_first(link, in);
	rc = redis_reader_feed(link->reader, buf_head(in), buf_left(in), on_reply, link);
	if (link->is_closed)
		return;
	buf_drain(in, buf_left(in));
	if (rc < 0 && !link->is_over)
		say(link, REDIS_EVENT_GARBAGE, NULL);
}

static void
on_event(void *arg, enum stream_event event)
{
	struct redis_link *link = arg;

	if (event == STREAM_OPEN)
		say(link, REDIS_EVENT_OPEN, NULL);
	else if (event != STREAM_SENT)
		take_data(link);
	if (link->is_over)
		return;
	if (event == STREAM_END)
		say(link, REDIS_EVENT_END, NULL);
	else if (event == STREAM_FAILED)
		say(link, REDIS_EVENT_FAILED, NULL);
}

struct redis_link *
redis_link_open(const struct io_env *env, const struct place *place, struct tls_ctx *tls,
	const char *server_name, redis_link_fn fn, void *arg)
{
	struct redis_link *link = xcalloc(1, sizeof(*link));

	link->loop = env->loop;
	link->fn = fn;
	link->arg = arg;
	link->reader = redis_reader_new();
	buf_init(&link->out, 0);
	link->stream = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = place,
			.tls = tls,
			.server_name = tls != NULL ? server_name : NULL,
			.full_handshake = true,
			.sent_at_once_is_unsaid = true,
		},
		on_event, link);
	return link;
}

void
redis_link_lend(struct redis_link *link, redis_link_fn fn, void *arg)
{
	link->fn = fn;
	link->arg = arg;
}

bool
redis_link_is_alive(const struct redis_link *link)
{
	return link != NULL && !link->is_over;
}

static char *
put_line_end(char *at)
{
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

/* "*3\r\n" or "$3\r\n": how many words, how many bytes. */
static char *
put_count(char *at, char mark, size_t count)
{
	*at++ = mark;
	return put_line_end(print_digits(at, count));
}

void
redis_link_add(struct redis_link *link, const char *const *words, size_t count)
{
	char head[2 * COUNT_MAX], *end = put_count(head, '*', count);

	/* What ends the word before goes with what begins the next. */
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		end = put_count(end, '$', len);
		buf_add(&link->out, head, (size_t)(end - head));
		buf_add(&link->out, words[i], len);
		end = put_line_end(head);
	}
	buf_add(&link->out, head, (size_t)(end - head));
}

void
redis_link_flush(struct redis_link *link)
{
	if (!link->is_over)
		stream_write(link->stream, buf_head(&link->out), buf_left(&link->out));
	buf_reset(&link->out);
}

void
redis_link_allow(struct redis_link *link, size_t reply_bytes)
{
	redis_reader_allow(link->reader, reply_bytes);
}

void
redis_link_rest(struct redis_link *link)
{
	stream_rest(link->stream);
}

const struct stream *
redis_link_stream(const struct redis_link *link)
{
	return link->stream;
}

const char *
redis_link_first(const struct redis_link *link, size_t *len)
{
	*len = link->first_len;
	return link->first;
}

const char *
redis_link_error(const struct redis_link *link)
{
	return redis_reader_error(link->reader);
}
