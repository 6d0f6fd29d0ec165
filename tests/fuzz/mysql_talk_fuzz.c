/* A MySQL that says anything. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "mysql",
		.before = "dsn: \"mysql://a:secret@",
		.after = "/shop\"\nmetrics: false\n" },
	{ .type = "mysql",
		.before = "dsn: \"mysql://a:secret@",
		.after = "/shop\"\ntables: [users, shop.orders]\n"
			 "queries: {open_total: SELECT 1}\n" },
	{ .type = "mysql",
		.before = "dsn: \"mysql://a:secret@",
		.after = "/shop\"\nrole: replica\n" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
