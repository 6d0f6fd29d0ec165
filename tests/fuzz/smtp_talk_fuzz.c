/* A mail server that says anything, to the probe. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "smtp", .before = "address: \"", .after = "\"\n" },
	{ .type = "smtp", .before = "address: \"", .after = "\"\nstarttls: required\n" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
