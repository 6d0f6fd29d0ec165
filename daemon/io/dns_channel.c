/*
 * c-ares on the loop.  One `servers` object holds one c-ares channel with its sockets and timer;
 * after a change of resolv.conf a new one takes over and the old one lives until its last question
 * is over.  c-ares' callbacks never destroy the channel that they came from: the timer does.
 */
#include "io/dns_channel.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/memory.h"
#include "io/timer.h"
#include "io/watch.h"

#define TIMEOUT_DEFAULT_US  (1500 * USEC_PER_MSEC)
#define TRIES_DEFAULT       2
#define SERVERS_COUNTED_MAX 3
#define RESOLV_CONF         "/etc/resolv.conf"
#define LOOK_AGAIN_US       USEC_PER_SEC

struct dns_channel {
	struct loop *loop;
	char *servers; /* NULL: the system's */
	usec_t timeout_us;
	int tries;
	struct list all; /* of struct servers; the first one takes questions */
	usec_t next_look_us;
	struct timespec mtime;
	ino_t inode;
};

struct servers {
	struct list node;
	struct dns_channel *channel;
	ares_channel ares;
	struct timer timer;
	struct list sockets;
	unsigned pending;
	bool is_old;
};

struct socket_watch {
	struct list node;
	struct servers *servers;
	ares_socket_t fd;
	struct watch *watch;
};

struct question {
	struct servers *servers;
	int family;
	dns_fn fn;
	void *arg;
};

/* --- sockets and time --- */

static void
set_timer(struct servers *servers)
{
	struct timeval tv, *next = ares_timeout(servers->ares, NULL, &tv);

	if (servers->is_old && servers->pending == 0)
		timer_after(&servers->timer, 0);
	else if (next == NULL)
		timer_stop(&servers->timer);
	else /* c-ares rounds down to a millisecond and would have us spin through the last one */
		timer_after(&servers->timer,
			(usec_t)next->tv_sec * USEC_PER_SEC + next->tv_usec + USEC_PER_MSEC);
}

static void
on_socket(void *arg, unsigned ready)
{
	struct socket_watch *socket = arg; /* may be gone after ares_process_fd */
	struct servers *servers = socket->servers;
	ares_socket_t fd = socket->fd;

	ares_process_fd(servers->ares, (ready & WATCH_READ) != 0 ? fd : ARES_SOCKET_BAD,
		(ready & WATCH_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	set_timer(servers);
}

static struct socket_watch *
find_socket(struct servers *servers, ares_socket_t fd)
{
	LIST_EACH(it, &servers->sockets)
	{
		struct socket_watch *socket = LIST_ENTRY(it, struct socket_watch, node);

		if (socket->fd == fd)
			return socket;
	}
	return NULL;
}

/* c-ares says what it wants of a socket; nothing means that it is about to close it. */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct servers *servers = arg;
	struct socket_watch *socket = find_socket(servers, fd);
	unsigned want = (readable ? WATCH_READ : 0U) | (writable ? WATCH_WRITE : 0U);

	if (want == 0) {
		if (socket == NULL)
			return;
		list_remove(&socket->node);
		watch_free(socket->watch);
		free(socket);
	} else if (socket != NULL) {
		watch_set(socket->watch, want);
	} else {
		socket = xcalloc(1, sizeof(*socket));
		socket->servers = servers;
		socket->fd = fd;
		list_append(&servers->sockets, &socket->node);
		socket->watch = watch_new(servers->channel->loop, fd, want, on_socket, socket);
	}
}

static void
servers_free(struct servers *servers)
{
	timer_stop(&servers->timer);
	list_remove(&servers->node);
	ares_destroy(servers->ares); /* gives back its sockets through on_socket_state */
	free(servers);
}

static void
on_timer(void *arg)
{
	struct servers *servers = arg;

	if (servers->is_old && servers->pending == 0) {
		servers_free(servers);
		return;
	}
	ares_process_fd(servers->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(servers);
}

/* --- servers --- */

static struct servers *
servers_new(struct dns_channel *channel)
{
	struct servers *servers = xcalloc(1, sizeof(*servers));
	struct ares_options o = { .flags = ARES_FLAG_NOALIASES, .tries = channel->tries };
	char dns_only[] = "b";
	int rc;

	o.timeout = (int)(channel->timeout_us / USEC_PER_MSEC);
	o.lookups = dns_only;
	o.sock_state_cb = on_socket_state;
	o.sock_state_cb_data = servers;
	servers->channel = channel;
	list_init(&servers->sockets);
	timer_init(&servers->timer, channel->loop, on_timer, servers);
	rc = ares_init_options(&servers->ares, &o,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
			ARES_OPT_SOCK_STATE_CB);
	if (rc == ARES_SUCCESS && channel->servers != NULL) {
		rc = ares_set_servers_ports_csv(servers->ares, channel->servers);
		if (rc != ARES_SUCCESS)
			ares_destroy(servers->ares);
	}
	if (rc != ARES_SUCCESS) {
		log_error("names cannot be resolved: %s", ares_strerror(rc));
		free(servers);
		return NULL;
	}
	return servers;
}

/* Reads the system's resolv.conf again if it is another one than last time. */
static void
look(struct dns_channel *channel)
{
	usec_t now = loop_now(channel->loop);
	struct servers *servers;
	struct stat st;

	if (!list_is_empty(&channel->all) &&
		(channel->servers != NULL || now < channel->next_look_us))
		return;
	channel->next_look_us = now + LOOK_AGAIN_US;
	if (stat(RESOLV_CONF, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (!list_is_empty(&channel->all) && st.st_ino == channel->inode &&
		st.st_mtim.tv_sec == channel->mtime.tv_sec &&
		st.st_mtim.tv_nsec == channel->mtime.tv_nsec)
		return;
	servers = servers_new(channel);
	if (servers == NULL)
		return;
	LIST_EACH(it, &channel->all)
	{
		struct servers *old = LIST_ENTRY(it, struct servers, node);

		old->is_old = true;
		set_timer(old);
	}
	list_prepend(&channel->all, &servers->node);
	channel->inode = st.st_ino;
	channel->mtime = st.st_mtim;
}

/* The library counts who uses it, but not atomically: each loop has a channel of its own. */
static void
use_library(bool is_used)
{
	static atomic_flag is_held = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set_explicit(&is_held, memory_order_acquire))
		continue;
	if (is_used)
		ares_library_init_mem(ARES_LIB_INIT_ALL, xmalloc, free, memory_resize);
	else
		ares_library_cleanup();
	atomic_flag_clear_explicit(&is_held, memory_order_release);
}

struct dns_channel *
dns_channel_new(struct loop *loop, const struct resolve_options *options)
{
	struct dns_channel *channel = xcalloc(1, sizeof(*channel));

	use_library(true);
	channel->loop = loop;
	channel->servers = xstrdup(options->servers);
	channel->timeout_us = options->timeout_us > 0 ? options->timeout_us : TIMEOUT_DEFAULT_US;
	channel->tries = options->tries > 0 ? options->tries : TRIES_DEFAULT;
	list_init(&channel->all);
	look(channel);
	return channel;
}

void
dns_channel_free(struct dns_channel *channel)
{
	if (channel == NULL)
		return;
	LIST_EACH_SAFE(it, &channel->all)
	servers_free(LIST_ENTRY(it, struct servers, node));
	use_library(false);
	free(channel->servers);
	free(channel);
}

usec_t
dns_patience(const struct dns_channel *channel)
{
	struct ares_addr_port_node *list = NULL;
	const struct servers *servers;
	int count = 0;

	if (!list_is_empty(&channel->all)) {
		servers = LIST_ENTRY(channel->all.next, struct servers, node);
		if (ares_get_servers_ports(servers->ares, &list) == ARES_SUCCESS) {
			for (struct ares_addr_port_node *at = list; at != NULL; at = at->next)
				count++;
			ares_free_data(list);
		}
	}
	if (count < 1)
		count = 1;
	if (count > SERVERS_COUNTED_MAX)
		count = SERVERS_COUNTED_MAX;
	return channel->timeout_us * channel->tries * count;
}

/* The address of one of c-ares' servers; 0 or 1. */
static unsigned
take_server(const struct ares_addr_port_node *at, struct addr *out)
{
	char host[INET6_ADDRSTRLEN];
	int port = at->udp_port > 0 ? at->udp_port : NAMESERVER_PORT;

	if (inet_ntop(at->family, &at->addr, host, sizeof(host)) == NULL)
		return 0;
	return addr_from_numeric(out, host, (uint16_t)port) == 0;
}

unsigned
dns_channel_servers(struct dns_channel *channel, struct addr *out, unsigned max)
{
	struct ares_addr_port_node *list = NULL;
	const struct servers *servers;
	unsigned count = 0;

	look(channel);
	if (list_is_empty(&channel->all))
		return 0;
	servers = LIST_ENTRY(channel->all.next, struct servers, node);
	if (ares_get_servers_ports(servers->ares, &list) != ARES_SUCCESS)
		return 0;
	for (const struct ares_addr_port_node *at = list; at != NULL && count < max; at = at->next)
		count += take_server(at, &out[count]);
	ares_free_data(list);
	return count;
}

/* --- questions --- */

static void
parse_v4(const unsigned char *data, int len, struct dns_reply *reply)
{
	struct ares_addrttl found[DNS_ADDRS_MAX];
	int count = DNS_ADDRS_MAX, rc = ares_parse_a_reply(data, len, NULL, found, &count);

	if (rc != ARES_SUCCESS) {
		reply->fault = rc == ARES_ENODATA ? FAULT_NONE : FAULT_DNS_FAIL;
		return;
	}
	for (int i = 0; i < count; i++) {
		unsigned ttl = found[i].ttl < 0 ? 0 : (unsigned)found[i].ttl;

		memcpy(reply->raw[i], &found[i].ipaddr, 4);
		reply->ttl_s = i == 0 || ttl < reply->ttl_s ? ttl : reply->ttl_s;
	}
	reply->count = (unsigned)count;
}

static void
parse_v6(const unsigned char *data, int len, struct dns_reply *reply)
{
	struct ares_addr6ttl found[DNS_ADDRS_MAX];
	int count = DNS_ADDRS_MAX, rc = ares_parse_aaaa_reply(data, len, NULL, found, &count);

	if (rc != ARES_SUCCESS) {
		reply->fault = rc == ARES_ENODATA ? FAULT_NONE : FAULT_DNS_FAIL;
		return;
	}
	for (int i = 0; i < count; i++) {
		unsigned ttl = found[i].ttl < 0 ? 0 : (unsigned)found[i].ttl;

		memcpy(reply->raw[i], &found[i].ip6addr, 16);
		reply->ttl_s = i == 0 || ttl < reply->ttl_s ? ttl : reply->ttl_s;
	}
	reply->count = (unsigned)count;
}

/* c-ares says "refused" of servers that it had no socket to ask by. */
static enum fault
fault_of_silence(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enum fault fault = fd == -1 ? fault_from_errno(errno) : FAULT_NONE;

	if (fd != -1)
		close(fd);
	return fault == FAULT_FD_LIMIT ? FAULT_FD_LIMIT : FAULT_DNS_FAIL;
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *data, int len)
{
	struct question *q = arg;
	struct dns_reply reply = { .fault = FAULT_NONE };

	(void)timeouts;
	q->servers->pending--;
	if (status == ARES_SUCCESS && q->family == AF_INET6)
		parse_v6(data, len, &reply);
	else if (status == ARES_SUCCESS)
		parse_v4(data, len, &reply);
	else if (status == ARES_ENOTFOUND || status == ARES_EBADNAME)
		reply.fault = FAULT_DNS_NXDOMAIN;
	else if (status == ARES_ECONNREFUSED)
		reply.fault = fault_of_silence();
	else if (status != ARES_ENODATA)
		reply.fault = FAULT_DNS_FAIL;
	q->fn(q->arg, &reply);
	free(q);
}

void
dns_ask(struct dns_channel *channel, const char *name, int family, dns_fn fn, void *arg)
{
	static const struct dns_reply nobody = { .fault = FAULT_DNS_FAIL };
	struct question *q;

	look(channel);
	if (list_is_empty(&channel->all)) {
		fn(arg, &nobody);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->servers = LIST_ENTRY(channel->all.next, struct servers, node);
	q->family = family;
	q->fn = fn;
	q->arg = arg;
	q->servers->pending++;
	ares_search(q->servers->ares, name, ns_c_in, family == AF_INET6 ? ns_t_aaaa : ns_t_a,
		on_answer, q);
	set_timer(LIST_ENTRY(channel->all.next, struct servers, node));
}
