/* A PostgreSQL that says anything, to libpq and to us. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "postgres",
		.before = "dsn: \"postgres://a:secret@",
		.after = "/shop?sslmode=disable\"\n" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
