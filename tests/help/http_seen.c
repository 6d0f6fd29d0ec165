/* The world of the HTTP client's tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/help/http_seen.h"

#define TURNS 2000

const struct peer_step http_ok_script[] = { HTTP_REPLY_OK };

static const struct dns_row names[] = {
	{ .name = "a.test", .v4 = "127.0.0.1", .ttl_s = 60 },
	{ .name = "b.test", .v4 = "127.0.0.1", .ttl_s = 60 },
	{ .name = "both.test", .v4 = "127.0.0.1", .v6 = "::1", .ttl_s = 60 },
	/* no host has a way to the first: as IPv4 where there is none */
	{ .name = "wayless.test", .v4 = "255.255.255.255", .v6 = "::1", .ttl_s = 60 },
	{ .name = "silent.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
	{ .name = NULL },
};

static int
set_up(void **state, bool is_fake)
{
	struct http_world *w = xcalloc(1, sizeof(*w));
	struct resolve_options o = { .hosts_path = "/dev/null", .timeout_us = 300000, .tries = 1 };

	if (is_fake)
		clock_init_fake(&w->clock, USEC_PER_HOUR, 1700000000 * USEC_PER_SEC);
	else
		clock_init_real(&w->clock);
	w->loop = loop_new(&w->clock, NULL);
	w->dns = dns_open(w->loop, names);
	o.servers = dns_address(w->dns);
	w->resolver = resolver_new(w->loop, &o);
	w->tls = tls_pool_new();
	w->http = http_client_new(w->loop, w->resolver, w->tls);
	*state = w;
	return 0;
}

int
http_world_set_up(void **state)
{
	return set_up(state, false);
}

int
http_world_set_up_fake(void **state)
{
	return set_up(state, true);
}

int
http_world_tear_down(void **state)
{
	struct http_world *w = *state;

	http_client_free(w->http);
	resolver_free(w->resolver);
	dns_free(w->dns);
	loop_free(w->loop);
	tls_pool_free(w->tls);
	free(w);
	return 0;
}

void
http_seen_on_reply(void *arg, const struct http_reply *reply)
{
	struct http_seen *seen = arg;

	assert_false(seen->is_inside_call);
	assert_false(seen->is_done);
	seen->is_done = true;
	seen->fault = reply->fault;
	seen->status = reply->status;
	seen->version = reply->version;
	seen->redirects = reply->redirects;
	seen->has_redirect_loop = reply->has_redirect_loop;
	seen->is_cut = reply->is_cut;
	seen->is_truncated = reply->is_truncated;
	seen->has_cert = reply->has_cert;
	seen->cert_left_us = reply->cert_left_us;
	seen->body_bytes = reply->body_bytes;
	seen->phases = reply->phases;
	snprintf(seen->reason, sizeof(seen->reason), "%s", reply->reason);
	snprintf(seen->head, sizeof(seen->head), "%s", buf_text(&reply->head));
	snprintf(seen->body, sizeof(seen->body), "%s", buf_text(&reply->body));
	if (reply->family_note != NULL)
		snprintf(seen->note, sizeof(seen->note), "%s", reply->family_note);
}

bool
http_seen_is_done(void *arg)
{
	return ((struct http_seen *)arg)->is_done;
}

void
http_seen_call(struct http_world *w, struct http_seen *seen, const struct http_request *request)
{
	memset(seen, 0, sizeof(*seen));
	seen->is_inside_call = true;
	http_call_start(w->http, request, http_seen_on_reply, seen);
	seen->is_inside_call = false;
	assert_true(loop_turn_until(w->loop, http_seen_is_done, seen, TURNS));
}

const char *
http_seen_url(const char *format, unsigned port)
{
	static char url[256];
	char number[8];
	const char *mark = strstr(format, "PORT");

	snprintf(number, sizeof(number), "%u", port);
	snprintf(url, sizeof(url), "%.*s%s%s", (int)(mark - format), format, number, mark + 4);
	return url;
}

void
http_seen_get(struct http_world *w, struct http_seen *seen, const char *format, unsigned port)
{
	struct http_request request = { .url = http_seen_url(format, port) };

	http_seen_call(w, seen, &request);
}

void
http_seen_fails(struct http_world *w, const char *format, unsigned port, enum fault fault)
{
	struct http_seen seen;

	http_seen_get(w, &seen, format, port);
	if (seen.fault != fault)
		fail_msg("%s: %s: %s, not %s", format, fault_name(seen.fault), seen.reason,
			fault_name(fault));
	assert_true(seen.reason[0] != '\0');
}
