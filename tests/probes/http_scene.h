/* What the tests of the http probe share: answers, a check of a peer, and what was heard. */
#ifndef TESTS_PROBES_HTTP_SCENE_H
#define TESTS_PROBES_HTTP_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

#define ANSWER(status, headers, body)                                                              \
	PEER_EXPECT("\r\n\r\n"),                                                                   \
		PEER_SEND("HTTP/1.1 " status "\r\n" headers "Connection: close\r\n\r\n" body),     \
		PEER_CLOSE, PEER_END

static const struct peer_step good[] = { ANSWER("200 OK", "Content-Length: 2\r\n", "ok") };

static inline void
configure(struct bench *b, const struct peer *peer, const char *scheme, const char *more)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "url: %s://%s/path?q=1\n%s", scheme, peer_address(peer), more);
	if (bench_configure(b, "http", yaml) != 0)
		fail_msg("%s", b->complaint);
}

static inline void
run(struct bench *b, const struct peer *peer, const char *more)
{
	configure(b, peer, "http", more);
	bench_run(b);
}

static inline void
assert_heard(const struct peer *peer, unsigned which, const char *words)
{
	if (strstr(peer_heard(peer, which), words) == NULL)
		fail_msg("\"%s\" was not in:\n%s", words, peer_heard(peer, which));
}

static inline void
assert_not_heard(const struct peer *peer, unsigned which, const char *words)
{
	if (strstr(peer_heard(peer, which), words) != NULL)
		fail_msg("\"%s\" was in:\n%s", words, peer_heard(peer, which));
}

static inline void
assert_text(const struct bench *b, const char *words)
{
	if (strstr(b->sample.text, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, b->sample.text);
}

#endif
