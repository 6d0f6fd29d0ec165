/* DNS replies: whatever the bytes, reading ends, stays inside them, and what it yields is text. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "io/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT,
	DNS_AAAA, DNS_SRV, DNS_CAA };

/* The first byte says what was asked; id and question are made to fit, so that the rest is read. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_result result;
	struct dns_query query;
	unsigned char reply[4096];
	size_t head;

	if (size < 2 || size > 3000)
		return 0;
	dns_query_make(&query, 1, "a.test", types[data[0] % 10], NULL);
	dns_reply_read(&query, data + 1, size - 1, &result);
	head = 12 + query.question_len;
	memcpy(reply, query.data, head);
	reply[2] = 0x80;
	reply[3] = 0;
	reply[6] = 0;
	reply[7] = data[1];
	memcpy(reply + head, data + 2, size - 2);
	dns_reply_read(&query, reply, head + size - 2, &result);
	assert(result.count <= DNS_RECORDS_MAX);
	for (unsigned i = 0; i < result.count; i++)
		assert(memchr(result.records[i].value, '\0', DNS_VALUE_MAX) != NULL);
	return 0;
}
