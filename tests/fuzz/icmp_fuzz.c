/* Answers to a ping: any packet, of both families and both kinds of socket, stays inside its bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <sys/socket.h>

#include "io/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (int i = 0; i < 4; i++) {
		struct icmp_answer a =
			icmp_parse(data, size, families[i & 1], (i & 2) != 0, i > 1 ? 0x1234 : 0);

		assert(a.sequence <= 0xffff && (a.is_ours || a.sequence == 0));
	}
	return 0;
}
