/* A desk whose receivers reach real sockets on loopback through the daemon's own HTTP client. */
#ifndef TESTS_ALERTS_NET_DESK_H
#define TESTS_ALERTS_NET_DESK_H

#include "io/http.h"
#include "io/resolve.h"
#include "io/tls.h"
#include "tests/alerts/desk.h"
#include "tests/help/peer.h"

static inline void
net_desk_open(struct desk *desk)
{
	desk_open(desk, false);
	desk->env.resolver = resolver_new(desk->loop, NULL);
	desk->env.tls = tls_pool_new();
	desk->env.http = http_client_new(desk->loop, desk->env.resolver, desk->env.tls);
	desk_write(desk, INCIDENT_OPENED);
}

static inline void
net_desk_close(struct desk *desk)
{
	desk_forget(desk);
	http_client_free(desk->env.http);
	resolver_free(desk->env.resolver);
	loop_turn(desk->loop, false);
	tls_pool_free(desk->env.tls);
	desk_close(desk);
}

static inline int
net_desk_setup(void **state)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	net_desk_open(desk);
	*state = desk;
	return 0;
}

static inline int
net_desk_teardown(void **state)
{
	net_desk_close(*state);
	free(*state);
	return 0;
}

#endif
