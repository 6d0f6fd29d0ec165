/* The kernel's list of sockets, cut and twisted: ports are counted once and inside the range. */
#include <assert.h>
#include <stdint.h>

#include "probes/network_ports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_set set = { .low = 0, .high = 65535 };
	int rc = port_set_take(&set, data, size);

	assert(rc >= -1 && rc <= 1);
	assert(set.count <= 65536);
	return 0;
}
