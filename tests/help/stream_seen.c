/* The world of the stream tests, and the owner that checks the promises on calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/help/stream_seen.h"

#define TURNS 2000

static const struct dns_row names[] = {
	{ .name = "both.test", .v4 = "127.0.0.1", .v6 = "::1", .ttl_s = 60 },
	/* no host has a way to the first: as IPv4 where there is none */
	{ .name = "wayless.test", .v4 = "255.255.255.255", .v6 = "::1", .ttl_s = 60 },
	{ .name = "four.test", .v4 = "127.0.0.1", .ttl_s = 60 },
	{ .name = "six.test", .v6 = "::1", .ttl_s = 60 },
	{ .name = "silent.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
	{ .name = NULL },
};

static int
set_up(void **state, bool is_fake)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct resolve_options o = { .hosts_path = "/dev/null", .timeout_us = 200000, .tries = 1 };

	if (is_fake)
		clock_init_fake(&w->clock, USEC_PER_HOUR, 1700000000 * USEC_PER_SEC);
	else
		clock_init_real(&w->clock);
	w->loop = loop_new(&w->clock, NULL);
	w->dns = dns_open(w->loop, names);
	o.servers = dns_address(w->dns);
	w->resolver = resolver_new(w->loop, &o);
	w->tls = tls_pool_new();
	*state = w;
	return w->loop == NULL ? -1 : 0;
}

int
stream_world_set_up(void **state)
{
	return set_up(state, false);
}

int
stream_world_set_up_fake(void **state)
{
	return set_up(state, true);
}

int
stream_world_tear_down(void **state)
{
	struct world *w = *state;

	resolver_free(w->resolver);
	dns_free(w->dns);
	loop_free(w->loop);
	tls_pool_free(w->tls);
	free(w);
	return 0;
}

void
seen_on_event(void *arg, enum stream_event event)
{
	struct seen *seen = arg;
	struct buf *in;

	assert_false(seen->is_inside_call);
	assert_false(seen->is_ended || seen->is_failed);
	switch (event) {
	case STREAM_OPEN:
		seen->opens++;
		seen->is_inside_call = true;
		if (seen->say != NULL)
			stream_write(seen->stream, seen->say, strlen(seen->say));
		seen->is_inside_call = false;
		break;
	case STREAM_DATA:
		seen->datas++;
		in = stream_in(seen->stream);
		if (!seen->keeps_reading)
			break;
		buf_add(&seen->got, buf_head(in), buf_left(in));
		buf_drain(in, buf_left(in));
		break;
	case STREAM_SENT:
		seen->sents++;
		break;
	case STREAM_END:
		seen->is_ended = true;
		break;
	case STREAM_FAILED:
		seen->is_failed = true;
		break;
	}
	if (event == STREAM_DATA && seen->closes_on_data) {
		stream_close(seen->stream);
		seen->stream = NULL;
		seen->is_ended = true;
	}
}

bool
seen_is_over(void *arg)
{
	const struct seen *seen = arg;

	return seen->is_ended || seen->is_failed;
}

bool
seen_is_open(void *arg)
{
	const struct seen *seen = arg;

	return seen->opens > 0 || seen->is_failed;
}

bool
seen_has_wanted(void *arg)
{
	struct seen *seen = arg;

	return seen->got.len + buf_left(stream_in(seen->stream)) >= seen->want || seen_is_over(arg);
}

bool
seen_has_sent(void *arg)
{
	const struct seen *seen = arg;

	return seen->sents > 0 || seen_is_over(arg);
}

void
seen_open(struct world *w, struct seen *seen, const char *where, struct stream_options *o)
{
	struct stream_options none = { .loop = NULL };
	struct place place;

	assert_int_equal(place_parse(&place, where, NULL), 0);
	o = o == NULL ? &none : o;
	o->loop = w->loop;
	o->resolver = w->resolver;
	o->place = &place;
	seen->is_inside_call = true;
	seen->stream = stream_open(o, seen_on_event, seen);
	seen->is_inside_call = false;
}

void
seen_run(struct world *w, struct seen *seen, bool (*done)(void *))
{
	assert_true(loop_turn_until(w->loop, done, seen, TURNS));
}

void
seen_end(struct world *w, struct seen *seen)
{
	stream_close(seen->stream);
	buf_fini(&seen->got);
	loop_turn(w->loop, false);
}

struct tls_ctx *
world_tls(struct world *w, bool is_unverified)
{
	struct tls_options o = { .ca = peer_ca_path(), .is_unverified = is_unverified };
	struct err e;
	struct tls_ctx *ctx = tls_ctx_get(w->tls, &o, &e);

	assert_non_null(ctx);
	return ctx;
}
