/*
 * After a failed connection to an address of this host: the listeners of that port tell a firewall
 * from a service bound elsewhere, and a hung process from a lost packet.  Some tens of
 * microseconds; nothing in here waits.
 */
#include "probes/net_local.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static uint16_t
port_of(const struct addr *addr)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (addr_family(addr) == AF_INET) {
		memcpy(&in, &addr->any, sizeof(in));
		return ntohs(in.sin_port);
	}
	memcpy(&in6, &addr->any, sizeof(in6));
	return ntohs(in6.sin6_port);
}

/* Towards an address of its own, a host speaks from that same address.  No packet is sent. */
bool
net_local_is_ours(const struct addr *addr)
{
	struct addr from = { .len = sizeof(from.any) };
	bool is_same = false;
	int fd;

	if (addr_is_loopback(addr))
		return true;
	fd = socket(addr_family(addr), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	if (connect(fd, &addr->sa, addr->len) == 0 && getsockname(fd, &from.sa, &from.len) == 0) {
		addr_set_port(&from, port_of(addr));
		is_same = addr_equal(&from, addr);
	}
	fd_close(&fd);
	return is_same;
}

/*
 * Still refused?  A service may have come up between the failure and our look.  Within one host the
 * answer is there when connect() returns.
 */
static bool
is_refused_again(const struct addr *addr)
{
	int fd = socket(addr_family(addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd == -1)
		return false;
	if (connect(fd, &addr->sa, addr->len) == -1)
		error = errno;
	if (error == EINPROGRESS && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	fd_close(&fd);
	return error == ECONNREFUSED;
}

static const struct sock_listener *
listener_for(const struct sock_table *table, const struct addr *peer)
{
	const struct sock_listener *found = NULL;

	for (unsigned i = 0; i < table->count; i++) {
		const struct sock_listener *l = &table->listeners[i];

		/* The particular one is served before the one of every interface. */
		if (sock_listener_covers(l, peer) && (found == NULL || !sock_listener_is_any(l)))
			found = l;
	}
	return found;
}

void
net_local_list(const struct sock_table *table, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < table->count && len < size; i++) {
		const struct sock_listener *l = &table->listeners[i];
		char address[ADDR_TEXT];

		addr_text(&l->local, address);
		len += (size_t)snprintf(
			out + len, size - len, "%s%s (uid %u)", i > 0 ? ", " : "", address, l->uid);
	}
}

static const char *
explain_refused(const struct sock_table *table, const struct addr *peer, char *text, size_t size)
{
	const struct sock_listener *l = listener_for(table, peer);
	char where[256], first[ADDR_TEXT];

	if (l == NULL) {
		net_local_list(table, where, sizeof(where));
		snprintf(text, size, "on this port only %s listens", where);
		return "net.refused-bind";
	}
	if (!is_refused_again(peer)) {
		snprintf(text, size, "it listens by now");
		return "net.refused";
	}
	addr_text(&l->local, first);
	snprintf(text, size, "although uid %u listens on %s: a firewall rejects it", l->uid, first);
	return "net.refused-filtered";
}

static const char *
explain_timeout(const struct sock_table *table, const struct addr *peer, char *text, size_t size)
{
	const struct sock_listener *l = listener_for(table, peer);

	if (l == NULL || !l->has_backlog || l->queued < l->backlog)
		return NULL;
	snprintf(text, size,
		"its accept queue is full (%u waiting, backlog %u): the process of "
		"uid %u does not accept",
		l->queued, l->backlog, l->uid);
	return "net.backlog-full";
}

const char *
net_local_cause(
	struct probe_run *run, enum fault fault, const struct addr *peer, char *text, size_t size)
{
	struct sock_table table;
	char list[1024];

	if ((fault != FAULT_REFUSED && fault != FAULT_TIMEOUT) || peer == NULL || peer->len == 0)
		return NULL;
	if (addr_family(peer) == AF_UNIX) { /* EAGAIN: the queue, and nothing else */
		snprintf(text, size, "the process behind it does not accept");
		return fault == FAULT_TIMEOUT ? "net.backlog-full" : NULL;
	}
	if (!net_local_is_ours(peer))
		return NULL;
	if (sock_diag_read(&table, SOCK_TCP, port_of(peer), SOCK_LISTENERS, NULL) < 0)
		return NULL;
	if (table.count == 0) {
		probe_fact(run, "port", "nobody listens on port %u of this host", port_of(peer));
		return NULL;
	}
	net_local_list(&table, list, sizeof(list));
	probe_fact(run, "port", "listening: %s", list);
	return fault == FAULT_REFUSED ? explain_refused(&table, peer, text, size)
				      : explain_timeout(&table, peer, text, size);
}
