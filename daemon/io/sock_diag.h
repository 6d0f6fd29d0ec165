/*
 * The kernel's table of sockets, by NETLINK_SOCK_DIAG: who listens on a port, and how many sockets
 * of it are in which state.  Needs no rights.  Sees the network namespace that we run in, and no
 * other: in a container, the container's.
 *
 * Reading never blocks.  Listeners of one port are tens of microseconds and may be asked for on the
 * loop, after a failure; all states walk the kernel's whole table and belong into a helper.
 */
#ifndef IO_SOCK_DIAG_H
#define IO_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/addr.h"

#define SOCK_LISTENERS_MAX 64
#define SOCK_STATES        16 /* the kernel's TCP_ESTABLISHED (1), TCP_TIME_WAIT (6)... */
#define SOCK_ESTABLISHED   1
#define SOCK_TIME_WAIT     6
#define SOCK_UNBOUND       7 /* of UDP: bound, and connected to nobody */
#define SOCK_LISTENING     10

enum sock_proto { SOCK_TCP, SOCK_UDP };

struct sock_listener {
	struct addr local;
	bool is_v6_only; /* [::] that does not take IPv4 */
	bool has_queue;  /* TCP: the two numbers are known */
	uint32_t queued; /* connections that wait to be accepted */
	uint32_t backlog;
	bool has_backlog;
	uint32_t uid;
	uint64_t inode;
};

/* Sockets whose local port is the one that was asked for. */
struct sock_table {
	struct sock_listener listeners[SOCK_LISTENERS_MAX];
	unsigned count;
	bool is_cut; /* there were more listeners */
	uint32_t by_state[SOCK_STATES];
};

enum sock_scope { SOCK_LISTENERS, SOCK_ALL_STATES };

/* 0, or -1: this kernel does not tell. */
int sock_diag_read(struct sock_table *table, enum sock_proto proto, uint16_t port,
	enum sock_scope scope, struct err *e);

/* Would a connection to `to` (address and port) come to this listener? */
bool sock_listener_covers(const struct sock_listener *listener, const struct addr *to);
bool sock_listener_is_any(const struct sock_listener *listener); /* of every interface */

/* --- the parsers: for tests, fuzzing and the helper --- */

/* Takes one datagram of the kernel's answer: 0 more is to come, 1 that was the end, -1 trouble. */
int sock_diag_parse(struct sock_table *table, enum sock_proto proto, uint16_t port,
	const void *data, size_t len, struct err *e);
/* A line of /proc/net/tcp, tcp6, udp or udp6 (a container's or a mounted host's). */
void sock_proc_parse(
	struct sock_table *table, enum sock_proto proto, uint16_t port, const char *line);

#endif
