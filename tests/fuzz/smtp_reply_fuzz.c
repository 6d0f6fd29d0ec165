/* SMTP replies: whatever the bytes, reading ends, stays inside them, and eats no more than there
 * is. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "io/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_reply reply;
	char rest[32];
	size_t at = 0;

	while (at < size) {
		if (smtp_reply_read(data + at, size - at, &reply) != SMTP_REPLY)
			break;
		assert(reply.len > 0 && reply.len <= size - at);
		assert(reply.code >= 200 && reply.code < 600);
		assert(memchr(reply.text, '\0', sizeof(reply.text)) != NULL);
		if (smtp_reply_offers(data + at, reply.len, "AUTH", rest, sizeof(rest)))
			assert(memchr(rest, '\0', sizeof(rest)) != NULL);
		at += reply.len;
	}
	return 0;
}
