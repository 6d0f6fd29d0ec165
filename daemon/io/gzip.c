/*
 * zlib's deflate, fastest level: answers are JSON and text that shrink to a tenth at that already,
 * and the loop's time costs more than a network's.
 */
#include "io/gzip.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST /* what goes in is not changed */
#include <zlib.h>

#include "base/mem.h"

#define WINDOW_GZIP (15 + 16)
#define ROOM        ((size_t)16 << 10)

struct gzip {
	z_stream z;
	struct buf *out;
};

static voidpf
take_memory(voidpf arg, uInt count, uInt size)
{
	(void)arg;
	return xcalloc(count, size);
}

static void
give_back(voidpf arg, voidpf memory)
{
	(void)arg;
	free(memory);
}

struct gzip *
gzip_new(struct buf *out)
{
	struct gzip *gzip = xcalloc(1, sizeof(*gzip));

	gzip->out = out;
	gzip->z.zalloc = take_memory;
	gzip->z.zfree = give_back;
	/* Left: a library of another version than its header, with which nothing can be done. */
	if (deflateInit2(&gzip->z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		abort();
	return gzip;
}

/* All of the input; until the end with `how` Z_FINISH.  Past the cap of `out` it stops: the buffer
 * says so. */
static void
turn(struct gzip *gzip, int how)
{
	int got;

	do {
		char *room = buf_reserve(gzip->out, ROOM);

		if (room == NULL) {
			gzip->out->is_over = true;
			return;
		}
		gzip->z.next_out = (Bytef *)room;
		gzip->z.avail_out = (uInt)ROOM;
		got = deflate(&gzip->z, how);
		buf_commit(gzip->out, ROOM - gzip->z.avail_out);
	} while (gzip->z.avail_out == 0 && got != Z_STREAM_END);
}

void
gzip_add(struct gzip *gzip, const void *bytes, size_t len)
{
	const Bytef *at = bytes;

	while (len > 0) {
		size_t piece = len < INT_MAX ? len : INT_MAX;

		gzip->z.next_in = at;
		gzip->z.avail_in = (uInt)piece;
		turn(gzip, Z_NO_FLUSH);
		at += piece;
		len -= piece;
	}
}

void
gzip_end(struct gzip *gzip)
{
	gzip->z.next_in = NULL;
	gzip->z.avail_in = 0;
	turn(gzip, Z_FINISH);
}

void
gzip_free(struct gzip *gzip)
{
	if (gzip == NULL)
		return;
	deflateEnd(&gzip->z);
	free(gzip);
}
