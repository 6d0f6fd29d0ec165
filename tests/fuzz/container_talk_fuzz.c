/* A container API that answers anything, over curl: containers, statistics, events. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "container",
		.before = "name: shop-db-1\nsocket: \"unix://",
		.after = "\"\n",
		.is_unix = true },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
