/*
 * Growing bytes with a cap.  A write past the cap latches `is_over` and is dropped: build first,
 * look once at the end.  The bytes are always followed by a NUL that does not count.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL until the first byte; use buf_text for a string */
	size_t len;
	size_t off; /* bytes already consumed from the front */
	size_t room;
	size_t cap; /* 0: no cap */
	bool is_over;
};

void buf_init(struct buf *buf, size_t cap);
void buf_fini(struct buf *buf);
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *buf, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Unconsumed bytes. */
const char *buf_head(const struct buf *buf);
size_t buf_left(const struct buf *buf);
void buf_drain(struct buf *buf, size_t len);
void buf_reset(struct buf *buf); /* empties, keeps the memory and the cap */

/* Room for `len` more bytes at the end; NULL past the cap.  buf_commit after filling it. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

const char *buf_text(const struct buf *buf); /* unconsumed bytes as a string, "" when empty */
char *buf_take_text(struct buf *buf); /* hands over the string; the buffer is empty afterwards */

#endif
