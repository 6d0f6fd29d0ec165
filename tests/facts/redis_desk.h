/* What the tests of the facts about Redis share: a check of a scripted server, asked for a fact. */
#ifndef TESTS_FACTS_REDIS_DESK_H
#define TESTS_FACTS_REDIS_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/help/fact_bench.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

static inline void
desk_check(struct fact_bench *b, const struct peer *peer, const char *before, const char *after,
	const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "url: \"redis://%s%s%s\"\n%s", before, peer_address(peer),
		after, more);
	fact_bench_check(b, "redis", yaml);
}

/* One fact, of a server that plays the script. */
static inline void
desk_ask(struct fact_bench *b, const char *fact, const struct peer_step *script)
{
	struct peer *peer = peer_open(b->probe->loop, script);

	desk_check(b, peer, "", "", "");
	fact_bench_run(b, fact);
	peer_free(peer);
}

static inline void
desk_has(const struct fact_bench *b, const char *words)
{
	if (strstr(b->fact.text, words) == NULL)
		fail_msg("no \"%s\" in: %s", words, b->fact.text);
}

static inline void
desk_has_not(const struct fact_bench *b, const char *words)
{
	if (strstr(b->fact.text, words) != NULL)
		fail_msg("\"%s\" in: %s", words, b->fact.text);
}

/* "$<len>\r\n<text>\r\n", in one of eight places. */
static inline struct peer_step
desk_bulk(const char *text)
{
	static char replies[8][4096];
	static unsigned at;
	char *reply = replies[at++ % 8];
	int len = snprintf(reply, sizeof(replies[0]), "$%zu\r\n%s\r\n", strlen(text), text);

	return (struct peer_step){ PEER_DO_SEND, reply, (size_t)len };
}

#define T(f) cmocka_unit_test_setup_teardown(f, fact_bench_set_up, fact_bench_tear_down)

#endif
