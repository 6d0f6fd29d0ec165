/* The words before TLS: any server's bytes, whole or in pieces, lead to an end. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "probes/starttls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As the probe does it: what was eaten is gone, the rest is offered again with more behind it. */
static void
play(enum starttls kind, const uint8_t *data, size_t size, size_t step)
{
	struct starttls_talk talk = { .kind = kind };
	size_t from = 0, to = 0;

	for (;;) {
		struct buf say;
		size_t eaten = 0;
		enum starttls_turn turn;

		buf_init(&say, 0);
		turn = starttls_hear(&talk, data + from, to - from, &eaten, &say);
		assert(say.len < 256);
		buf_fini(&say);
		assert(eaten <= to - from);
		assert(memchr(talk.text, '\0', sizeof(talk.text)) != NULL);
		if (turn != STARTTLS_MORE)
			return;
		from += eaten;
		if (eaten > 0 && from < to)
			continue;
		if (to == size)
			return;
		to = size - to < step ? size : to + step;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > STARTTLS_BYTES_MAX)
		return 0;
	for (int kind = STARTTLS_NONE + 1; kind < STARTTLS_COUNT; kind++) {
		play((enum starttls)kind, data, size, size + 1);
		if (size < 1024)
			play((enum starttls)kind, data, size, 1);
	}
	return 0;
}
