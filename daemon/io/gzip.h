/* Gzip by pieces, so that whoever has much to pack can do it in slices. */
#ifndef IO_GZIP_H
#define IO_GZIP_H

#include <stddef.h>

#include "base/buf.h"

struct gzip;

struct gzip *gzip_new(struct buf *out); /* borrows out: packed bytes go to its end */
void gzip_add(struct gzip *gzip, const void *bytes, size_t len);
void gzip_end(struct gzip *gzip); /* what is left, and the trailer */
void gzip_free(struct gzip *gzip);

#endif
