/* The fake DNS server: enough of RFC 1035 to answer A and AAAA, and to misbehave. */
#include "tests/help/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/watch.h"

#define MESSAGE_MAX 2048
#define TCP_MAX     16
#define ASKED_MAX   256

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };
enum { RCODE_OK = 0, RCODE_FORMERR = 1, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_REFUSED = 5 };

struct tcp {
	struct dns *dns;
	int fd;
	struct watch *watch;
	unsigned char in[MESSAGE_MAX];
	size_t len;
};

struct dns {
	struct loop *loop;
	const struct dns_row *rows;
	int udp, tcp;
	struct watch *udp_watch, *tcp_watch;
	char address[64];
	struct tcp *conns[TCP_MAX];
	unsigned conn_count;
	unsigned asked;
	char asked_names[ASKED_MAX][128];
};

struct message {
	unsigned char data[MESSAGE_MAX];
	size_t len;
};

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "dns: %s: %s\n", what, strerror(errno));
	abort();
}

static void
put16(struct message *m, unsigned value)
{
	m->data[m->len++] = (unsigned char)(value >> 8);
	m->data[m->len++] = (unsigned char)value;
}

static void
put_name(struct message *m, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		m->data[m->len++] = (unsigned char)len;
		memcpy(m->data + m->len, name, len);
		m->len += len;
		name += len + (name[len] == '.');
	}
	m->data[m->len++] = 0;
}

static void
put_record(struct message *m, const char *owner, unsigned type, unsigned ttl)
{
	put_name(m, owner);
	put16(m, type);
	put16(m, 1);
	put16(m, ttl >> 16);
	put16(m, ttl & 0xffff);
}

/* The question's name as text; its end in the message, or 0. */
static size_t
read_name(const unsigned char *in, size_t len, char *name, size_t size)
{
	size_t at = 12, n = 0;

	while (at < len && in[at] != 0) {
		size_t label = in[at++];

		if (label > 63 || at + label > len || n + label + 2 > size)
			return 0;
		memcpy(name + n, in + at, label);
		n += label;
		name[n++] = '.';
		at += label;
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	return at + 5 <= len ? at + 1 : 0;
}

static const struct dns_row *
find_row(const struct dns *dns, const char *name)
{
	for (const struct dns_row *row = dns->rows; row->name != NULL; row++) {
		if (strcasecmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

static unsigned
put_addresses(struct message *m, const struct dns_row *row, const char *owner, int family)
{
	const char *list = family == AF_INET ? row->v4 : row->v6;
	char copy[512], *rest = NULL;
	unsigned count = 0;

	if (list == NULL)
		return 0;
	snprintf(copy, sizeof(copy), "%s", list);
	for (char *one = strtok_r(copy, " ", &rest); one != NULL;
		one = strtok_r(NULL, " ", &rest)) {
		unsigned raw_len = family == AF_INET ? 4 : 16;

		put_record(m, owner, family == AF_INET ? TYPE_A : TYPE_AAAA, row->ttl_s);
		put16(m, raw_len);
		must(inet_pton(family, one, m->data + m->len) == 1, one);
		m->len += raw_len;
		count++;
	}
	return count;
}

static unsigned
put_answers(struct message *m, const struct dns_row *row, int family)
{
	struct message name = { .len = 0 };

	if (row->cname == NULL)
		return put_addresses(m, row, row->name, family);
	put_name(&name, row->cname);
	put_record(m, row->name, TYPE_CNAME, row->ttl_s);
	put16(m, (unsigned)name.len);
	memcpy(m->data + m->len, name.data, name.len);
	m->len += name.len;
	return 1 + put_addresses(m, row, row->cname, family);
}

static void
note_asked(struct dns *dns, const char *name)
{
	str_copy(dns->asked_names[dns->asked % ASKED_MAX], sizeof(dns->asked_names[0]), name);
	dns->asked++;
}

/* False: says nothing. */
static bool
answer(struct dns *dns, const unsigned char *in, size_t len, bool is_udp, struct message *out)
{
	static const unsigned rcodes[] = { [DNS_SERVFAIL] = RCODE_SERVFAIL,
		[DNS_REFUSED] = RCODE_REFUSED,
		[DNS_GARBAGE] = RCODE_OK };
	const struct dns_row *row;
	char name[256];
	size_t end = len < 17 ? 0 : read_name(in, len, name, sizeof(name));
	unsigned type, rcode = RCODE_OK, count = 0;
	enum dns_does does = DNS_ANSWER;

	if (end == 0)
		return false;
	note_asked(dns, name);
	type = (unsigned)in[end] << 8 | in[end + 1];
	row = find_row(dns, name);
	if (row == NULL)
		rcode = RCODE_NXDOMAIN;
	else
		does = type == TYPE_AAAA ? row->v6_does : row->v4_does;
	if (does == DNS_SILENT)
		return false;
	if (does == DNS_OLD)
		rcode = in[11] != 0 ? RCODE_FORMERR : RCODE_OK;
	else if (does != DNS_ANSWER && does != DNS_TRUNCATE && does != DNS_CUT)
		rcode = rcodes[does];
	memcpy(out->data, in, end + 4);
	out->data[2] = 0x84;
	if ((does == DNS_TRUNCATE && is_udp) || does == DNS_CUT)
		out->data[2] |= 0x02;
	out->data[3] = (unsigned char)(0x80 | rcode);
	memset(out->data + 6, 0, 6);
	out->len = end + 4;
	if (does == DNS_GARBAGE) {
		memset(out->data + out->len, 0xff, 40);
		out->len += 40;
		count = 7;
	} else if (rcode == RCODE_OK && (out->data[2] & 0x02) == 0) {
		count = put_answers(out, row, type == TYPE_AAAA ? AF_INET6 : AF_INET);
	}
	out->data[7] = (unsigned char)count;
	return true;
}

static void
on_udp(void *arg, unsigned ready)
{
	struct dns *dns = arg;
	unsigned char in[MESSAGE_MAX];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	(void)ready;
	while ((n = recvfrom(dns->udp, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len)) >
		0) {
		struct message out = { .len = 0 };

		if (answer(dns, in, (size_t)n, true, &out))
			sendto(dns->udp, out.data, out.len, 0, (struct sockaddr *)&from, from_len);
		from_len = sizeof(from);
	}
}

static void
tcp_end(struct tcp *t)
{
	watch_free(t->watch);
	t->watch = NULL;
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
}

static void
on_tcp(void *arg, unsigned ready)
{
	struct tcp *t = arg;
	ssize_t n = recv(t->fd, t->in + t->len, sizeof(t->in) - t->len, 0);
	size_t need;

	(void)ready;
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			tcp_end(t);
		return;
	}
	t->len += (size_t)n;
	while (t->len >= 2 && t->len >= (need = 2 + ((size_t)t->in[0] << 8 | t->in[1]))) {
		struct message out = { .len = 0 };
		unsigned char head[2];

		if (answer(t->dns, t->in + 2, need - 2, false, &out)) {
			head[0] = (unsigned char)(out.len >> 8);
			head[1] = (unsigned char)out.len;
			send(t->fd, head, 2, MSG_NOSIGNAL | MSG_MORE);
			send(t->fd, out.data, out.len, MSG_NOSIGNAL);
		}
		memmove(t->in, t->in + need, t->len - need);
		t->len -= need;
	}
}

static void
on_accept(void *arg, unsigned ready)
{
	struct dns *dns = arg;
	int fd = accept4(dns->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct tcp *t;

	(void)ready;
	if (fd == -1)
		return;
	must(dns->conn_count < TCP_MAX, "too many connections");
	t = xcalloc(1, sizeof(*t));
	t->dns = dns;
	t->fd = fd;
	t->watch = watch_new(dns->loop, fd, WATCH_READ, on_tcp, t);
	dns->conns[dns->conn_count++] = t;
}

/* The kernel's choice for UDP may be taken for TCP: tries again until one number fits both. */
static void
bind_both(struct dns *dns)
{
	for (int i = 0; i < 50; i++) {
		struct sockaddr_in in = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t len = sizeof(in);

		dns->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		dns->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		must(dns->tcp != -1 && dns->udp != -1, "socket");
		must(bind(dns->tcp, (struct sockaddr *)&in, sizeof(in)) == 0, "bind");
		must(getsockname(dns->tcp, (struct sockaddr *)&in, &len) == 0, "getsockname");
		snprintf(dns->address, sizeof(dns->address), "127.0.0.1:%u", ntohs(in.sin_port));
		if (bind(dns->udp, (struct sockaddr *)&in, sizeof(in)) == 0)
			return;
		close(dns->tcp);
		close(dns->udp);
	}
	must(0, "no port for both UDP and TCP");
}

struct dns *
dns_open(struct loop *loop, const struct dns_row *rows)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	dns->loop = loop;
	dns->rows = rows;
	bind_both(dns);
	must(listen(dns->tcp, 16) == 0, "listen");
	dns->udp_watch = watch_new(loop, dns->udp, WATCH_READ, on_udp, dns);
	dns->tcp_watch = watch_new(loop, dns->tcp, WATCH_READ, on_accept, dns);
	return dns;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	watch_free(dns->udp_watch);
	watch_free(dns->tcp_watch);
	close(dns->udp);
	close(dns->tcp);
	for (unsigned i = 0; i < dns->conn_count; i++) {
		tcp_end(dns->conns[i]);
		free(dns->conns[i]);
	}
	free(dns);
}

void
dns_set(struct dns *dns, const struct dns_row *rows)
{
	dns->rows = rows;
}

const char *
dns_address(const struct dns *dns)
{
	return dns->address;
}

unsigned
dns_asked(const struct dns *dns)
{
	return dns->asked;
}

unsigned
dns_asked_of(const struct dns *dns, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < dns->asked && i < ASKED_MAX; i++)
		count += strcasecmp(dns->asked_names[i], name) == 0;
	return count;
}
