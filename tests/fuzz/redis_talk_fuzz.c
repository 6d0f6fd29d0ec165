/* A Redis that answers anything: plain, with a login, keys and lists, a sentinel. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "redis", .before = "url: \"redis://", .after = "/0\"\n" },
	{ .type = "redis",
		.before = "url: \"redis://a:secret@",
		.after = "/1\"\nlengths: {mail: \"bull:mail:wait\"}\n"
			 "write_test: t\nbig_keys: 1kB\nexpect_keys: true\nrole: primary\n" },
	{ .type = "redis",
		.before = "url: \"redis://:secret@",
		.after = "/0\"\nmaster: mymaster\n" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
