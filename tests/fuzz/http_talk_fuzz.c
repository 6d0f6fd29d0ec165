/* A web server that answers anything: plain, followed, judged, by curl. */
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk probes[] = {
	{ .type = "http", .before = "url: \"http://", .after = "/\"\n" },
	{ .type = "http",
		.before = "url: \"http://",
		.after = "/\"\nexpect: {json: ok == true, body: \"a+b\", header: {x: y}}\n"
			 "track: data.start\n" },
	{ .type = "http",
		.before = "url: \"http://",
		.after = "/a/b?c\"\nfollow: 3\nmax_body: 1KiB\n" },
	{ .type = "http",
		.before = "url: \"http://",
		.after = "/\"\nauth: {type: digest, user: a, password: secret}\n" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return probe_talk_target(probes, sizeof(probes) / sizeof(probes[0]), data, size);
}
