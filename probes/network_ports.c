/*
 * Counts ephemeral ports by NETLINK_SOCK_DIAG.  The kernel filters: only sockets whose local port
 * is in the range are told, 32 KB a turn of the loop, IPv4 first, then IPv6.  /proc/net/tcp would
 * cost milliseconds of formatting and parsing for the same.
 */
#include "probes/network_ports.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "io/watch.h"

#define PIECE_MAX 32768
/* All but LISTEN (10): a listener in the range holds a port, but is not what runs out. */
#define STATES (0xfffU & ~(1U << 10))

struct port_count {
	struct loop *loop;
	port_count_fn fn;
	void *arg;
	int fd;
	int family;
	struct watch *watch;
	struct port_set set;
};

static void
mark(struct port_set *set, unsigned port)
{
	unsigned char bit = (unsigned char)(1U << (port & 7));

	if (port < set->low || port > set->high || (set->seen[port >> 3] & bit) != 0)
		return;
	set->seen[port >> 3] |= bit;
	set->count++;
}

int
port_set_take(struct port_set *set, const void *data_, size_t len)
{
	const char *data = data_;

	while (len >= sizeof(struct nlmsghdr)) {
		struct inet_diag_msg msg;
		struct nlmsghdr head;
		size_t step;

		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
			return -1;
		if (head.nlmsg_type == NLMSG_DONE)
			return 1;
		if (head.nlmsg_type == NLMSG_ERROR)
			return -1;
		if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
			head.nlmsg_len >= sizeof(head) + sizeof(msg)) {
			memcpy(&msg, data + sizeof(head), sizeof(msg));
			mark(set, ntohs(msg.id.idiag_sport));
		}
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step >= len)
			break;
		data += step;
		len -= step;
	}
	return 0;
}

/* Accepts a socket when its local port is at least `low` and at most `high`: each comparison takes
 * two words (the number stands in the second), and a `no` that leads past the end rejects. */
struct filter {
	struct inet_diag_bc_op low_op, low_value, high_op, high_value;
};

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 req;
	struct rtattr attr;
	struct filter filter;
};

static int
ask(struct port_count *count)
{
	const unsigned short step = sizeof(struct inet_diag_bc_op), all = sizeof(struct filter);
	const struct question q = {
		.head = { .nlmsg_len = sizeof(q),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = (unsigned char)count->family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = STATES },
		.attr = { .rta_len = sizeof(q.attr) + sizeof(q.filter),
			.rta_type = INET_DIAG_REQ_BYTECODE },
		.filter = {
			.low_op = { INET_DIAG_BC_S_GE, 2 * step, (unsigned short)(all + step) },
			.low_value = { .no = (unsigned short)count->set.low },
			.high_op = { INET_DIAG_BC_S_LE, 2 * step, (unsigned short)(2 * step + step) },
			.high_value = { .no = (unsigned short)count->set.high },
		},
	};

	return send(count->fd, &q, sizeof(q), MSG_DONTWAIT) == (ssize_t)sizeof(q) ? 0 : -1;
}

static void
finish(struct port_count *count, int ports)
{
	watch_set(count->watch, WATCH_NOTHING);
	count->fn(count->arg, ports);
}

static void
on_ready(void *arg, unsigned ready)
{
	struct port_count *count = arg;
	char piece[PIECE_MAX];
	ssize_t n = recv(count->fd, piece, sizeof(piece), MSG_DONTWAIT);
	int rc;

	(void)ready;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	rc = n > 0 ? port_set_take(&count->set, piece, (size_t)n) : -1;
	if (rc == 0)
		return;
	if (rc == 1 && count->family == AF_INET) {
		count->family = AF_INET6;
		if (ask(count) == 0)
			return;
		rc = -1;
	}
	finish(count, rc == 1 ? (int)count->set.count : -1);
}

struct port_count *
port_count_start(struct loop *loop, unsigned low, unsigned high, port_count_fn fn, void *arg)
{
	struct port_count *count = xcalloc(1, sizeof(*count));

	count->loop = loop;
	count->fn = fn;
	count->arg = arg;
	count->family = AF_INET;
	count->set.low = low;
	count->set.high = high;
	count->fd =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (count->fd < 0 || ask(count) < 0) {
		fd_close(&count->fd);
		free(count);
		return NULL;
	}
	count->watch = watch_new(loop, count->fd, WATCH_READ, on_ready, count);
	return count;
}

void
port_count_stop(struct port_count *count)
{
	if (count == NULL)
		return;
	watch_free(count->watch);
	fd_close(&count->fd);
	free(count);
}
