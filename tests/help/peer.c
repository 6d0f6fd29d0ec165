/* The scripted peer: a listening socket, connections, and for each a place in its script. */
#include "tests/help/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/addr.h"
#include "io/watch.h"
#include "tests/help/cert.h"

#define CONNS_MAX 4096
#define HEARD_MAX ((size_t)16 << 20)
#define BURST_MAX 16 /* chunks of an endless send in one turn */

struct conn {
	struct peer *peer;
	int fd;
	struct watch *watch;
	SSL *ssl;
	bool is_shaking; /* TLS hands */
	bool is_deaf;    /* the other side will say no more */
	const struct peer_step *step;
	size_t sent;     /* of this step */
	size_t total;    /* of all steps */
	size_t expected; /* of what was heard */
	struct buf heard;
};

struct peer {
	struct loop *loop;
	struct peer_options options;
	int fd;
	struct watch *watch;
	char address[ADDR_TEXT];
	uint16_t port;
	SSL_CTX *ssl;
	struct conn *conns[CONNS_MAX];
	unsigned accepted, resumed;
};

enum progress { GO_ON, WAIT, OVER };

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	abort();
}

/* --- one connection's bytes --- */

static void
conn_end(struct conn *c)
{
	watch_free(c->watch);
	c->watch = NULL;
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

/* >0 bytes, 0: not now, -1: the connection is dead. */
static ssize_t
put(struct conn *c, const char *data, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		if (SSL_write_ex(c->ssl, data, size, &len) == 1)
			return (ssize_t)len;
		switch (SSL_get_error(c->ssl, 0)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return 0;
		default:
			return -1;
		}
	}
	n = send(c->fd, data, size, MSG_NOSIGNAL);
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

/* >0 bytes, 0: the end, -1: nothing now, -2: dead. */
static ssize_t
get(struct conn *c, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		if (SSL_read_ex(c->ssl, out, size, &len) == 1)
			return (ssize_t)len;
		switch (SSL_get_error(c->ssl, 0)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return -1;
		case SSL_ERROR_ZERO_RETURN:
			return 0;
		default:
			return -2;
		}
	}
	n = recv(c->fd, out, size, 0);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? -1 : -2;
	return n;
}

/* How much may be read: where TLS begins behind a number of bytes, not one more (a client need not
 * wait for a word of ours in between, as MySQL's does not). */
static size_t
room(const struct conn *c, size_t most)
{
	const struct peer_step *step = c->step;
	size_t left;

	while (step->verb == PEER_DO_SEND || step->verb == PEER_DO_TRICKLE)
		step++;
	if (step->verb != PEER_DO_EXPECT_BYTES || step[1].verb != PEER_DO_START_TLS)
		return most;
	left = c->expected + step->len - c->heard.len;
	return left < most ? left : most;
}

static void
hear(struct conn *c)
{
	char chunk[8192];
	size_t most;
	ssize_t n = -1;

	while ((most = room(c, sizeof(chunk))) > 0 && (n = get(c, chunk, most)) > 0) {
		if (c->heard.len < HEARD_MAX)
			buf_add(&c->heard, chunk, (size_t)n);
	}
	if (most == 0)
		return;
	if (n == 0)
		c->is_deaf = true;
	else if (n == -2)
		conn_end(c);
}

static bool
shake(struct conn *c)
{
	int rc;

	ERR_clear_error();
	rc = SSL_accept(c->ssl);
	if (rc == 1) {
		c->is_shaking = false;
		c->peer->resumed += SSL_session_reused(c->ssl) ? 1 : 0;
		return true;
	}
	rc = SSL_get_error(c->ssl, rc);
	if (rc != SSL_ERROR_WANT_READ && rc != SSL_ERROR_WANT_WRITE)
		conn_end(c);
	else
		watch_set(c->watch, rc == SSL_ERROR_WANT_READ ? WATCH_READ : WATCH_WRITE);
	return false;
}

static void
begin_tls(struct conn *c)
{
	c->ssl = SSL_new(c->peer->ssl);
	must(c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1, "TLS");
	c->is_shaking = true;
}

/* --- steps --- */

static enum progress
do_expect(struct conn *c)
{
	const char *from = buf_text(&c->heard) + c->expected;
	const char *found = memmem(from, c->heard.len - c->expected, c->step->text, c->step->len);

	if (found == NULL)
		return c->is_deaf ? OVER : WAIT;
	c->expected = (size_t)(found - buf_text(&c->heard)) + c->step->len;
	return GO_ON;
}

static enum progress
do_expect_bytes(struct conn *c)
{
	if (c->heard.len - c->expected < c->step->len)
		return c->is_deaf ? OVER : WAIT;
	c->expected += c->step->len;
	return GO_ON;
}

static enum progress
send_part(struct conn *c, const char *data, size_t len)
{
	ssize_t n = put(c, data, len);

	if (n == -1)
		return OVER;
	c->sent += (size_t)n;
	c->total += (size_t)n;
	return (size_t)n == len ? GO_ON : WAIT;
}

static enum progress
do_send(struct conn *c)
{
	while (c->sent < c->step->len) {
		size_t before = c->sent;
		enum progress p = send_part(c, c->step->text + c->sent, c->step->len - c->sent);

		if (p == OVER || c->sent == before)
			return p == OVER ? OVER : WAIT;
	}
	return GO_ON;
}

static enum progress
do_trickle(struct conn *c)
{
	if (c->sent < c->step->len && send_part(c, c->step->text + c->sent, 1) == OVER)
		return OVER;
	return c->sent == c->step->len ? GO_ON : WAIT;
}

static enum progress
do_repeat(struct conn *c)
{
	size_t unit = strlen(c->step->text), most = c->step->len;
	char chunk[8192];

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = c->step->text[(c->sent + i) % unit];
	for (int i = 0; i < BURST_MAX; i++) {
		size_t shift = c->sent % unit, len = sizeof(chunk) - unit;
		enum progress p;

		if (most > 0 && len > most - c->sent)
			len = most - c->sent;
		if (len == 0)
			return GO_ON;
		for (size_t k = 0; k < len; k++)
			chunk[k] = c->step->text[(shift + k) % unit];
		p = send_part(c, chunk, len);
		if (p != GO_ON)
			return p;
	}
	return WAIT;
}

static enum progress
do_garbage(struct conn *c)
{
	while (c->sent < c->step->len) {
		uint32_t x = (uint32_t)c->sent * 2654435761U + 12345;
		char byte = (char)(x >> 24);
		ssize_t n = put(c, &byte, 1);

		if (n <= 0)
			return n == 0 ? WAIT : OVER;
		c->sent++;
	}
	return GO_ON;
}

static enum progress
do_close(struct conn *c)
{
	if (c->ssl != NULL)
		SSL_shutdown(c->ssl);
	return OVER;
}

static enum progress
do_half_close(struct conn *c)
{
	if (c->ssl != NULL)
		SSL_shutdown(c->ssl);
	shutdown(c->fd, SHUT_WR);
	return GO_ON;
}

static enum progress
do_reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	return OVER;
}

static enum progress
do_wait(struct conn *c)
{
	if (c->step->verb == PEER_DO_END && c->is_deaf)
		return OVER;
	return WAIT;
}

static enum progress
do_start_tls(struct conn *c)
{
	begin_tls(c);
	return GO_ON;
}

static enum progress (*const doers[])(struct conn *) = {
	[PEER_DO_END] = do_wait,
	[PEER_DO_EXPECT] = do_expect,
	[PEER_DO_EXPECT_BYTES] = do_expect_bytes,
	[PEER_DO_SEND] = do_send,
	[PEER_DO_TRICKLE] = do_trickle,
	[PEER_DO_CLOSE] = do_close,
	[PEER_DO_HALF_CLOSE] = do_half_close,
	[PEER_DO_RESET] = do_reset,
	[PEER_DO_STALL] = do_wait,
	[PEER_DO_REPEAT] = do_repeat,
	[PEER_DO_GARBAGE] = do_garbage,
	[PEER_DO_START_TLS] = do_start_tls,
};

static unsigned
wants(const struct conn *c)
{
	unsigned want = c->is_deaf ? WATCH_NOTHING : WATCH_READ;

	switch (c->step->verb) {
	case PEER_DO_STALL:
		return WATCH_NOTHING;
	case PEER_DO_SEND:
	case PEER_DO_TRICKLE:
	case PEER_DO_REPEAT:
	case PEER_DO_GARBAGE:
		return want | WATCH_WRITE;
	default:
		return want;
	}
}

static void
play(struct conn *c)
{
	enum progress p = GO_ON;

	while (p == GO_ON && c->fd != -1) {
		if (c->is_shaking && !shake(c))
			return;
		p = doers[c->step->verb](c);
		if (p == GO_ON) {
			c->step++;
			c->sent = 0;
		}
	}
	if (p == OVER)
		conn_end(c);
	if (c->fd != -1)
		watch_set(c->watch, wants(c));
}

static void
on_conn(void *arg, unsigned ready)
{
	struct conn *c = arg;

	if ((ready & WATCH_READ) != 0 && !c->is_shaking && !c->is_deaf)
		hear(c);
	if (c->fd != -1)
		play(c);
	if (c->fd != -1 && !c->is_shaking && c->ssl != NULL && !c->is_deaf) {
		hear(c); /* what came behind the handshake is inside OpenSSL already */
		if (c->fd != -1)
			play(c);
	}
}

/* --- the peer --- */

static const struct peer_step *
script_for(const struct peer *peer, unsigned which)
{
	const struct peer_options *o = &peer->options;

	if (o->scripts == NULL)
		return o->script;
	return o->scripts[which < o->script_count ? which : o->script_count - 1];
}

static void
on_accept(void *arg, unsigned ready)
{
	struct peer *peer = arg;
	struct conn *c;
	int fd;

	(void)ready;
	while ((fd = accept4(peer->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		must(peer->accepted < CONNS_MAX, "too many connections");
		c = xcalloc(1, sizeof(*c));
		c->peer = peer;
		c->fd = fd;
		c->step = script_for(peer, peer->accepted);
		buf_init(&c->heard, 0);
		c->watch = watch_new(peer->loop, fd, WATCH_READ, on_conn, c);
		peer->conns[peer->accepted++] = c;
		if (peer->options.is_tls)
			begin_tls(c);
		play(c);
	}
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned in_len, void *arg)
{
	const char *wanted = arg;

	(void)ssl;
	for (unsigned at = 0; at < in_len; at += in[at] + 1U) {
		if (in[at] == strlen(wanted) && memcmp(in + at + 1, wanted, in[at]) == 0) {
			*out = in + at + 1;
			*out_len = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static void
make_tls(struct peer *peer)
{
	const struct peer_options *o = &peer->options;

	peer->ssl = SSL_CTX_new(TLS_server_method());
	must(peer->ssl != NULL, "TLS");
	cert_use(peer->ssl, o->cert);
	SSL_CTX_set_mode(
		peer->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_id_context(peer->ssl, (const unsigned char *)"peer", 4);
	if (o->is_tls12)
		SSL_CTX_set_max_proto_version(peer->ssl, TLS1_2_VERSION);
	if (o->alpn != NULL)
		SSL_CTX_set_alpn_select_cb(peer->ssl, on_alpn, (void *)(uintptr_t)o->alpn);
	if (o->client_ca == NULL)
		return;
	must(SSL_CTX_load_verify_file(peer->ssl, o->client_ca) == 1, "client CA");
	SSL_CTX_set_verify(peer->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void
bind_address(struct peer *peer)
{
	const struct peer_options *o = &peer->options;
	struct addr addr = { .len = 0 };
	int on = 1;

	if (o->unix_path != NULL)
		must(addr_from_path(&addr, o->unix_path, NULL) == 0, o->unix_path);
	else
		addr_from_numeric(&addr, o->family == AF_INET6 ? "::1" : "127.0.0.1", o->port);
	peer->fd = socket(addr_family(&addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(peer->fd != -1, "socket");
	if (o->unix_path == NULL)
		setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(peer->fd, &addr.sa, addr.len) == 0, "bind");
	must(listen(peer->fd, 512) == 0, "listen");
	addr.len = sizeof(addr.any);
	must(getsockname(peer->fd, &addr.sa, &addr.len) == 0, "getsockname");
	addr_text(&addr, peer->address);
	if (addr_family(&addr) == AF_INET)
		peer->port = ntohs(((struct sockaddr_in *)(void *)&addr.any)->sin_port);
	else if (addr_family(&addr) == AF_INET6)
		peer->port = ntohs(((struct sockaddr_in6 *)(void *)&addr.any)->sin6_port);
}

struct peer *
peer_open_with(struct loop *loop, const struct peer_options *options)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	peer->loop = loop;
	peer->options = *options;
	bind_address(peer);
	make_tls(peer);
	peer->watch = watch_new(loop, peer->fd, WATCH_READ, on_accept, peer);
	return peer;
}

struct peer *
peer_open(struct loop *loop, const struct peer_step *script)
{
	struct peer_options options = { .script = script };

	return peer_open_with(loop, &options);
}

void
peer_free(struct peer *peer)
{
	if (peer == NULL)
		return;
	watch_free(peer->watch);
	close(peer->fd);
	if (peer->options.unix_path != NULL)
		unlink(peer->options.unix_path);
	for (unsigned i = 0; i < peer->accepted; i++) {
		conn_end(peer->conns[i]);
		buf_fini(&peer->conns[i]->heard);
		free(peer->conns[i]);
	}
	SSL_CTX_free(peer->ssl);
	free(peer);
}

uint16_t
peer_port(const struct peer *peer)
{
	return peer->port;
}

const char *
peer_address(const struct peer *peer)
{
	return peer->address;
}

unsigned
peer_accepted(const struct peer *peer)
{
	return peer->accepted;
}

size_t
peer_sent(const struct peer *peer)
{
	size_t total = 0;

	for (unsigned i = 0; i < CONNS_MAX; i++)
		total += peer->conns[i] ? peer->conns[i]->total : 0;
	return total;
}

unsigned
peer_living(const struct peer *peer)
{
	unsigned count = 0;

	for (unsigned i = 0; i < peer->accepted; i++)
		count += peer->conns[i]->fd != -1;
	return count;
}

unsigned
peer_resumed(const struct peer *peer)
{
	return peer->resumed;
}

const char *
peer_heard(const struct peer *peer, unsigned which)
{
	return which < peer->accepted ? buf_text(&peer->conns[which]->heard) : "";
}

size_t
peer_heard_len(const struct peer *peer, unsigned which)
{
	return which < peer->accepted ? peer->conns[which]->heard.len : 0;
}

uint16_t
peer_dead_port(void)
{
	static int fd = -1;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	if (fd == -1) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		must(fd != -1 && bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0, "dead port");
	}
	must(getsockname(fd, (struct sockaddr *)&in, &len) == 0, "dead port");
	return ntohs(in.sin_port);
}
