/* The error queue of datagram sockets, read without ever waiting.  No state. */
#include "io/sock_error.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Without a port: whoever sent an ICMP message has none. */
static void
host_text(const struct addr *addr, char out[ADDR_TEXT])
{
	struct addr bare = *addr;

	addr_set_port(&bare, 0);
	addr_text(&bare, out);
}

void
sock_error_enable(int fd, int family)
{
	int on = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}

static void
take_offender(struct sock_error *out, const struct sock_extended_err *what)
{
	const struct sockaddr *from = (const void *)(what + 1); /* SO_EE_OFFENDER */

	if (from->sa_family == AF_INET)
		out->from.len = sizeof(struct sockaddr_in);
	else if (from->sa_family == AF_INET6)
		out->from.len = sizeof(struct sockaddr_in6);
	else
		return;
	memcpy(&out->from.any, from, out->from.len);
}

static bool
is_about_errors(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

bool
sock_error_take(int fd, struct sock_error *out)
{
	union {
		struct cmsghdr align;
		unsigned char room[512];
	} control;
	struct iovec data = { .iov_base = out->data, .iov_len = sizeof(out->data) };
	struct msghdr m = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (n == -1)
		return false;
	out->len = (size_t)n;
	out->error = EIO;
	out->is_from_wire = false;
	memset(&out->from, 0, sizeof(out->from));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err what;

		/* The offender's address lies behind what we copy: read in place. */
		if (!is_about_errors(c) || c->cmsg_len < CMSG_LEN(sizeof(what)))
			continue;
		memcpy(&what, CMSG_DATA(c), sizeof(what));
		out->error = (int)what.ee_errno;
		out->is_from_wire =
			what.ee_origin == SO_EE_ORIGIN_ICMP || what.ee_origin == SO_EE_ORIGIN_ICMP6;
		if (out->is_from_wire &&
			c->cmsg_len >= CMSG_LEN(sizeof(what) + sizeof(struct sockaddr_in)))
			take_offender(
				out, (const struct sock_extended_err *)(const void *)CMSG_DATA(c));
	}
	return true;
}

enum fault
sock_error_fault(const struct sock_error *error)
{
	switch (error->error) {
	case EADDRNOTAVAIL:
		return FAULT_UNREACHABLE; /* no address of that family: IPv6 is off */
	case EAGAIN:
		return FAULT_PORT_EXHAUSTED; /* connect() found no port */
	default:
		return fault_from_errno(error->error);
	}
}

static const char *
words_of(int error)
{
	switch (error) {
	case EHOSTUNREACH:
		return "host unreachable";
	case ENETUNREACH:
		return "network unreachable";
	case EADDRNOTAVAIL:
		return "this host has no address of that family";
	case EACCES:
	case EPERM:
		return "forbidden";
	default:
		return strerror(error);
	}
}

void
sock_error_text(const struct sock_error *error, const struct addr *to, char *out, size_t size)
{
	char peer[ADDR_TEXT], by[ADDR_TEXT];

	addr_text(to, peer);
	if (error->error == ECONNREFUSED) {
		snprintf(out, size, "refused by %s: nobody listens on that port", peer);
	} else if (error->is_from_wire && error->from.len > 0) {
		host_text(&error->from, by);
		snprintf(out, size, "cannot reach %s: %s, says %s", peer, words_of(error->error),
			by);
	} else {
		snprintf(out, size, "cannot reach %s: %s", peer, words_of(error->error));
	}
}
