/*
 * The buffer's bytes live in data[off..len); the room behind them always has one byte more than
 * is asked for, for the NUL.  The cap counts unconsumed bytes.  Once over, every further write is
 * dropped until buf_reset, so that a cut text never has a hole.
 */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ROOM_MIN 64

void
buf_init(struct buf *buf, size_t cap)
{
	*buf = (struct buf){ .cap = cap };
}

void
buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ .cap = buf->cap };
}

/* Moves the unconsumed bytes to the front once they are the smaller part: amortised, free. */
static void
compact(struct buf *buf)
{
	size_t left = buf->len - buf->off;

	if (!buf->off || left > buf->off)
		return;
	memmove(buf->data, buf->data + buf->off, left);
	buf->off = 0;
	buf->len = left;
	buf->data[left] = '\0';
}

char *
buf_reserve(struct buf *buf, size_t len)
{
	size_t left = buf_left(buf);

	if (buf->is_over || len > SIZE_MAX / 4 || (buf->cap && left + len > buf->cap))
		return NULL;
	if (buf->len + len + 1 > buf->room)
		compact(buf);
	if (buf->len + len + 1 > buf->room) {
		size_t room = buf->room ? buf->room : ROOM_MIN;
		while (room < buf->len + len + 1)
			room *= 2;
		buf->data = xreallocarray(buf->data, room, 1);
		buf->data[buf->len] = '\0'; /* of a new one; whoever adds nothing leaves it so */
		buf->room = room;
	}
	return buf->data + buf->len;
}

void
buf_commit(struct buf *buf, size_t len)
{
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!len)
		return;
	char *at = buf_reserve(buf, len);
	if (!at) {
		buf->is_over = true;
		return;
	}
	memcpy(at, data, len);
	buf_commit(buf, len);
}

void
buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(buf, fmt, ap);
	va_end(ap);
}

void
buf_addv(struct buf *buf, const char *fmt, va_list ap)
{
	size_t spare = buf->room > buf->len ? buf->room - buf->len : 0;
	va_list again;

	va_copy(again, ap);
	int len = vsnprintf(spare ? buf->data + buf->len : NULL, spare, fmt, ap);
	/* Only the tail behind len was scribbled on; put the NUL back before deciding. */
	if (spare)
		buf->data[buf->len] = '\0';
	char *at = len < 0 ? NULL : buf_reserve(buf, (size_t)len);
	if (!at) {
		buf->is_over = true;
	} else if (len > 0) {
		vsnprintf(at, (size_t)len + 1, fmt, again);
		buf_commit(buf, (size_t)len);
	}
	va_end(again);
}

const char *
buf_head(const struct buf *buf)
{
	return buf_text(buf);
}

size_t
buf_left(const struct buf *buf)
{
	return buf->len - buf->off;
}

void
buf_drain(struct buf *buf, size_t len)
{
	if (len < buf_left(buf)) {
		buf->off += len;
		return;
	}
	buf->off = buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void
buf_reset(struct buf *buf)
{
	buf_drain(buf, buf_left(buf));
	buf->is_over = false;
}

const char *
buf_text(const struct buf *buf)
{
	return buf->data ? buf->data + buf->off : "";
}

char *
buf_take_text(struct buf *buf)
{
	size_t left = buf_left(buf);
	char *text = buf->data ? buf->data : xstrdup("");

	memmove(text, text + buf->off, left + 1);
	*buf = (struct buf){ .cap = buf->cap };
	return text;
}
