/* A world with a loop, names and TLS, and an owner of a stream that notes what happens to it. */
#ifndef TESTS_HELP_STREAM_SEEN_H
#define TESTS_HELP_STREAM_SEEN_H

#include "io/stream.h"
#include "tests/help/dns.h"
#include "tests/help/peer.h"

/* What happened to one stream, and what its owner does about it. */
struct seen {
	struct stream *stream;
	unsigned opens, datas, sents;
	bool is_ended, is_failed, is_inside_call;
	const char *say; /* written at OPEN */
	size_t want;     /* bytes to have before `has_wanted` */
	bool closes_on_data, keeps_reading;
	struct buf got;
};

struct world {
	struct clock clock;
	struct loop *loop;
	struct dns *dns;
	struct resolver *resolver;
	struct tls_pool *tls;
};

/* cmocka's setup and teardown; *state is a struct world. */
int stream_world_set_up(void **state);
int stream_world_set_up_fake(void **state); /* time moves by loop_advance only */
int stream_world_tear_down(void **state);

void seen_on_event(void *arg, enum stream_event event);
bool seen_is_over(void *arg);
bool seen_is_open(void *arg);
bool seen_has_wanted(void *arg);
bool seen_has_sent(void *arg);

/* `o` may be NULL; loop, resolver and place are filled in. */
void seen_open(struct world *w, struct seen *seen, const char *where, struct stream_options *o);
void seen_run(struct world *w, struct seen *seen, bool (*done)(void *));
void seen_end(struct world *w, struct seen *seen);
struct tls_ctx *world_tls(struct world *w, bool is_unverified); /* trusts the test CA */

#endif
