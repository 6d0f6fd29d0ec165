/* Anything that listens: banners, TLS hands, words before TLS. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "tcp", .before = "address: \"", .after = "\"\nexpect: \"^220 [a-z ]+\"\n" },
	{ .type = "tls", .before = "address: \"", .after = "\"\n" },
	{ .type = "tls", .before = "address: \"", .after = "\"\nstarttls: smtp\n" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
