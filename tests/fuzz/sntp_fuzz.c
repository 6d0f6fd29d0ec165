/* Answers of time servers: nothing but an answer to our own question is believed. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "probes/sntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const usec_t now = INT64_C(1700000000) * USEC_PER_SEC;
	struct sntp_answer answer;
	enum sntp_verdict verdict;
	uint64_t nonce = 0;

	/* the seed's own question, so that the fuzzer gets past it */
	for (size_t i = 24; i < 32 && i < size; i++)
		nonce = nonce << 8 | data[i];
	assert(sntp_parse(&answer, data, size, nonce + 1, now, 1000) == SNTP_NOT_OURS);
	verdict = sntp_parse(&answer, data, size, nonce, now, 1000);
	if (verdict == SNTP_GOOD) {
		assert(size >= SNTP_SIZE && answer.stratum >= 1 && answer.stratum <= 15);
		assert(answer.delay_us >= 0);
	}
	if (verdict == SNTP_KISS)
		assert(strlen(answer.kiss) == 4);
	return 0;
}
