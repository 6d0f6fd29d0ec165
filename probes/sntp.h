/*
 * SNTP, the client's side (RFC 4330, RFC 5905): one question, one answer, what it is worth.  Pure;
 * the answer is bytes from anybody.
 */
#ifndef PROBES_SNTP_H
#define PROBES_SNTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define SNTP_SIZE 48

enum sntp_verdict {
	SNTP_GOOD,
	SNTP_NOT_OURS,       /* too short, not a server's, or not the answer to our question */
	SNTP_KISS,           /* it wants to be left alone: see `kiss` */
	SNTP_UNSYNCHRONISED, /* it does not know the time itself */
	SNTP_NONSENSE,       /* it contradicts itself */
};

struct sntp_answer {
	unsigned stratum;
	char kiss[5];            /* "RATE", "DENY"...; printable */
	usec_t offset_us;        /* server's clock less ours: negative when ours is ahead */
	usec_t delay_us;         /* of the way there and back; the offset errs by half of it */
	usec_t root_distance_us; /* what the server says it may err itself */
};

/* `nonce` stands where our time would: nobody needs to know it, and nobody can guess it. */
void sntp_question(unsigned char out[SNTP_SIZE], uint64_t nonce);
/* `sent_us` is the wall clock at sending, `took_us` the monotonic time until the answer. */
enum sntp_verdict sntp_parse(struct sntp_answer *answer, const void *data, size_t len,
	uint64_t nonce, usec_t sent_us, usec_t took_us);

#endif
