/*
 * Asks the kernel for its sockets of one port, one address family after the other.  The kernel
 * fills the first answer while it takes the question and each next one while we read: nothing is
 * waited for.  The answer's bytes are bounded by their own lengths, which are not trusted.
 */
#include "io/sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define ANSWER_MAX  32768
#define ANSWERS_MAX 8192 /* a quarter of a gigabyte: millions of sockets */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

static void
note_socket(struct sock_table *table, enum sock_proto proto, unsigned state,
	const struct sock_listener *found)
{
	unsigned listening = proto == SOCK_TCP ? SOCK_LISTENING : SOCK_UNBOUND;

	if (state >= SOCK_STATES)
		return;
	table->by_state[state]++;
	if (state != listening)
		return;
	if (table->count == SOCK_LISTENERS_MAX) {
		table->is_cut = true;
		return;
	}
	table->listeners[table->count++] = *found;
}

/* `words` as they lie in memory, in network order. */
static void
set_local(struct addr *addr, int family, const void *words, uint16_t port)
{
	memset(addr, 0, sizeof(*addr));
	if (family == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

		memcpy(&in.sin_addr, words, sizeof(in.sin_addr));
		memcpy(&addr->any, &in, sizeof(in));
		addr->len = sizeof(in);
	} else {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

		memcpy(&in6.sin6_addr, words, sizeof(in6.sin6_addr));
		memcpy(&addr->any, &in6, sizeof(in6));
		addr->len = sizeof(in6);
	}
}

/* --- netlink --- */

/* The one attribute that matters: [::] for both families, or for IPv6 alone. */
static bool
find_v6_only(const char *data, size_t len)
{
	struct nlattr attr;

	while (len >= sizeof(attr)) {
		size_t step;

		memcpy(&attr, data, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > len)
			return false;
		if (attr.nla_type == INET_DIAG_SKV6ONLY && attr.nla_len > sizeof(attr))
			return data[sizeof(attr)] != 0;
		step = NLMSG_ALIGN((size_t)attr.nla_len);
		if (step >= len)
			return false;
		data += step;
		len -= step;
	}
	return false;
}

static void
take_socket(struct sock_table *table, enum sock_proto proto, uint16_t port, const char *data,
	size_t len)
{
	struct sock_listener found = { .has_queue = proto == SOCK_TCP };
	struct inet_diag_msg msg;

	if (len < sizeof(msg))
		return;
	memcpy(&msg, data, sizeof(msg));
	if ((msg.idiag_family != AF_INET && msg.idiag_family != AF_INET6) ||
		ntohs(msg.id.idiag_sport) != port)
		return;
	set_local(&found.local, msg.idiag_family, msg.id.idiag_src, port);
	found.is_v6_only =
		msg.idiag_family == AF_INET6 && find_v6_only(data + sizeof(msg), len - sizeof(msg));
	found.has_backlog = found.has_queue;
	found.queued = msg.idiag_rqueue;
	found.backlog = msg.idiag_wqueue;
	found.uid = msg.idiag_uid;
	found.inode = msg.idiag_inode;
	note_socket(table, proto, msg.idiag_state, &found);
}

static int
take_error(const char *data, size_t len, struct err *e)
{
	int error = EPROTO;

	if (len >= sizeof(struct nlmsgerr)) {
		struct nlmsgerr body;

		memcpy(&body, data, sizeof(body));
		error = body.error;
	}
	return err_set(e, error < 0 && error > -4096 ? -error : EPROTO,
		"the kernel does not tell its sockets");
}

int
sock_diag_parse(struct sock_table *table, enum sock_proto proto, uint16_t port, const void *data_,
	size_t len, struct err *e)
{
	const char *data = data_;
	struct nlmsghdr head;

	while (len >= sizeof(head)) {
		size_t step;

		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
			return err_set(e, EPROTO, "a broken answer from the kernel");
		if (head.nlmsg_type == NLMSG_DONE)
			return 1;
		if (head.nlmsg_type == NLMSG_ERROR)
			return take_error(data + NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN, e);
		if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY)
			take_socket(table, proto, port, data + NLMSG_HDRLEN,
				head.nlmsg_len - NLMSG_HDRLEN);
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step >= len)
			return 0;
		data += step;
		len -= step;
	}
	return 0;
}

static int
ask(int fd, int family, enum sock_proto proto, uint16_t port, enum sock_scope scope)
{
	unsigned listening = proto == SOCK_TCP ? SOCK_LISTENING : SOCK_UNBOUND;
	struct question q = {
		.head = { .nlmsg_len = sizeof(q),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = (uint8_t)family,
			.sdiag_protocol = proto == SOCK_TCP ? IPPROTO_TCP : IPPROTO_UDP,
			.idiag_states = scope == SOCK_LISTENERS ? 1U << listening : 0xffffU,
			.id = { .idiag_sport = htons(port) } },
	};

	return send(fd, &q, sizeof(q), MSG_DONTWAIT) == (ssize_t)sizeof(q) ? 0 : -1;
}

static int
read_family(struct sock_table *table, int fd, enum sock_proto proto, uint16_t port, struct err *e)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_MAX];

	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		ssize_t got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
		int rc;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_sys(e, "the kernel's sockets");
		rc = sock_diag_parse(table, proto, port, answer, (size_t)got, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return err_set(e, E2BIG, "too many sockets");
}

int
sock_diag_read(struct sock_table *table, enum sock_proto proto, uint16_t port,
	enum sock_scope scope, struct err *e)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	int rc = 0;

	memset(table, 0, sizeof(*table));
	if (fd == -1)
		return err_sys(e, "the kernel's sockets");
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		if (ask(fd, families[i], proto, port, scope) < 0)
			rc = err_sys(e, "the kernel's sockets");
		else
			rc = read_family(table, fd, proto, port, e);
	}
	fd_close(&fd);
	return rc;
}

/* --- /proc/net --- */

/* "0100007F:1F90", or four such words: each is printed as the number that it is on this machine. */
static bool
parse_proc_addr(const char *text, int *family, uint32_t words[4], unsigned *port)
{
	size_t len = strspn(text, "0123456789ABCDEFabcdef");

	if (text[len] != ':' || (len != 8 && len != 32))
		return false;
	for (size_t i = 0; i < len / 8; i++) {
		char word[9];

		memcpy(word, text + i * 8, 8);
		word[8] = '\0';
		if (sscanf(word, "%8" SCNx32, &words[i]) != 1)
			return false;
	}
	*family = len == 8 ? AF_INET : AF_INET6;
	return sscanf(text + len + 1, "%4x", port) == 1;
}

void
sock_proc_parse(struct sock_table *table, enum sock_proto proto, uint16_t port, const char *line)
{
	struct sock_listener found = { .has_queue = proto == SOCK_TCP };
	char local[40];
	uint32_t words[4];
	unsigned state, at_port;
	int family;

	if (sscanf(line,
		    " %*u: %39s %*39s %2x %*8x:%8" SCNx32 " %*2x:%*8x %*8x %" SCNu32
		    " %*u %" SCNu64,
		    local, &state, &found.queued, &found.uid, &found.inode) != 5 ||
		!parse_proc_addr(local, &family, words, &at_port) || at_port != port)
		return;
	set_local(&found.local, family, words, port);
	note_socket(table, proto, state, &found);
}

/* --- which listener a connection comes to --- */

/* The IPv4 address in it, for ::ffff:a.b.c.d too. */
static bool
get_v4(const struct addr *addr, struct in_addr *v4)
{
	if (addr_family(addr) == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, &addr->any, sizeof(in));
		*v4 = in.sin_addr;
		return true;
	}
	if (addr_family(addr) == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &addr->any, sizeof(in6));
		memcpy(v4, &in6.sin6_addr.s6_addr[12], sizeof(*v4));
		return IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
	}
	return false;
}

static struct in6_addr
get_v6(const struct addr *addr)
{
	struct sockaddr_in6 in6;

	memcpy(&in6, &addr->any, sizeof(in6));
	return in6.sin6_addr;
}

bool
sock_listener_is_any(const struct sock_listener *listener)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (get_v4(&listener->local, &v4))
		return v4.s_addr == INADDR_ANY;
	v6 = get_v6(&listener->local);
	return IN6_IS_ADDR_UNSPECIFIED(&v6);
}

bool
sock_listener_covers(const struct sock_listener *listener, const struct addr *to)
{
	struct in_addr mine, wanted;
	bool is_mine_v4 = get_v4(&listener->local, &mine), is_v4 = get_v4(to, &wanted);
	struct in6_addr v6, wanted_v6;

	if (is_v4 && is_mine_v4)
		return mine.s_addr == wanted.s_addr || mine.s_addr == INADDR_ANY;
	if (is_v4)
		return sock_listener_is_any(listener) && !listener->is_v6_only;
	if (is_mine_v4)
		return false;
	v6 = get_v6(&listener->local);
	wanted_v6 = get_v6(to);
	return IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_ARE_ADDR_EQUAL(&v6, &wanted_v6);
}
