/* What the tests of the redis probe share: a check of a scripted server, and what it found. */
#ifndef TESTS_PROBES_REDIS_SCENE_H
#define TESTS_PROBES_REDIS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

#define INFO_ASKED PEER_EXPECT("*1\r\n$4\r\nINFO\r\n")
#define PONG       PEER_EXPECT("*1\r\n$4\r\nPING\r\n"), PEER_SEND("+PONG\r\n")
#define NO_INFO    INFO_ASKED, PEER_SEND("-ERR unknown command\r\n")

static inline void
configure(struct bench *b, const struct peer *peer, const char *before, const char *after,
	const char *more)
{
	char yaml[768];

	snprintf(yaml, sizeof(yaml), "url: \"redis://%s%s%s\"\n%s", before, peer_address(peer),
		after, more);
	if (bench_configure(b, "redis", yaml) != 0)
		fail_msg("%s", b->complaint);
}

static inline void
run_script(struct bench *b, const struct peer_step *script, const char *before, const char *after,
	const char *more)
{
	struct peer *peer = peer_open(b->loop, script);

	configure(b, peer, before, after, more);
	bench_run(b);
	peer_free(peer);
}

static inline void
assert_cause(const struct bench *b, const char *cause, const char *words)
{
	if (!str_eq(bench_cause(b), cause) || strstr(b->sample.text, words) == NULL)
		fail_msg(
			"wanted %s (%s), got %s: %s", cause, words, bench_cause(b), b->sample.text);
}

static inline const char *
note_of(const struct bench *b, const char *cause)
{
	for (unsigned i = 0; i < b->sample.note_count; i++)
		if (str_eq(b->sample.notes[i].cause->code, cause))
			return b->sample.notes[i].text;
	return "";
}

/* "$<len>\r\n<text>\r\n"; good until the next call. */
static inline struct peer_step
bulk(const char *text)
{
	static char reply[8192];
	int len = snprintf(reply, sizeof(reply), "$%zu\r\n%s\r\n", strlen(text), text);

	return (struct peer_step){ PEER_DO_SEND, reply, (size_t)len };
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

#endif
