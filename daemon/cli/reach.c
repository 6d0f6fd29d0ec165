/* One connection on a loop that lives as long as it. */
#include "cli/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/tls.h"
#include "io/url.h"

#define REACH_US (5 * USEC_PER_SEC)

/* What takes connections, where, and whether TLS comes first. */
static const struct way {
	const char *scheme;
	uint16_t port;
	bool is_tls;
} ways[] = {
	{ "http", 80, false },
	{ "https", 443, true },
	{ "smtp", 25, false },
	{ "smtps", 465, true },
	{ "tcp", 601, false },
	{ "tls", 6514, true },
};

struct reach {
	struct stream *stream;
	struct timer timer;
	bool is_over;
	struct err err;
};

static void
finish(struct reach *reach, const char *trouble)
{
	if (reach->is_over)
		return;
	reach->is_over = true;
	timer_stop(&reach->timer);
	if (trouble != NULL)
		err_set(&reach->err, 0, "%s", trouble);
}

static void
on_timeout(void *arg)
{
	finish(arg, "no connection within 5 s");
}

static void
on_stream(void *arg, enum stream_event event)
{
	struct reach *reach = arg;

	if (event == STREAM_OPEN)
		finish(reach, NULL);
	else if (event == STREAM_FAILED)
		finish(reach, stream_reason(reach->stream));
}

/* The loop's own life around it. */
static int
connect_to(const struct url *url, const struct way *way, struct loop *loop, struct err *e)
{
	const struct tls_options tls = {
		.alpn = str_eq(way->scheme, "https") ? "http/1.1" : NULL,
	};
	struct resolver *resolver = resolver_new(loop, NULL);
	struct tls_pool *pool = tls_pool_new();
	struct reach reach = { .err.text = "" };
	struct stream_options o = {
		.loop = loop,
		.resolver = resolver,
		.place = &url->place,
		.in_max = 1 << 16,
	};

	if (way->is_tls)
		o.tls = tls_ctx_get(pool, &tls, &reach.err);
	if (reach.err.text[0] == '\0') {
		timer_init(&reach.timer, loop, on_timeout, &reach);
		timer_after(&reach.timer, REACH_US);
		reach.stream = stream_open(&o, on_stream, &reach);
		while (!reach.is_over)
			loop_turn(loop, true);
		stream_close(reach.stream);
	}
	resolver_free(resolver);
	tls_pool_free(pool);
	return reach.err.text[0] == '\0' ? 0 : err_set(e, 0, "%s", reach.err.text);
}

static const struct way *
find_way(const struct url *url)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (str_eq(ways[i].scheme, url->scheme))
			return &ways[i];
	return NULL;
}

/* A socket of this host that takes messages, as syslog's does. */
static int
reach_path(const char *path, struct err *e)
{
	struct addr addr;
	struct stat st;
	int fd, result = 1;

	if (stat(path, &st) == -1)
		return errno == ENOENT ? err_set(e, 0, "there is no such file") : 1;
	if (!S_ISSOCK(st.st_mode) || addr_from_path(&addr, path, e) == -1)
		return 1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, &addr.sa, addr.len) == 0)
		result = 0;
	else if (fd != -1 && errno == ECONNREFUSED)
		result = err_set(e, 0, "nobody listens there");
	fd_close(&fd);
	return result;
}

/* One address; 1: it is none that takes connections. */
static int
reach_one(const char *text, struct err *e)
{
	const struct way *way;
	struct clock clock;
	struct loop *loop;
	struct url url;
	int result = -1;

	if (text[0] == '/')
		return reach_path(text, e);
	memset(&url, 0, sizeof(url));
	if (strstr(text, "://") == NULL || url_parse(&url, text, NULL) == -1)
		return 1;
	way = find_way(&url);
	if (way == NULL) {
		url_fini(&url);
		return 1;
	}
	clock_init_real(&clock);
	loop = loop_new(&clock, e);
	if (loop != NULL) {
		if (url.place.port == 0)
			url.place.port = way->port;
		result = connect_to(&url, way, loop, e);
		loop_free(loop);
	}
	url_fini(&url);
	return result;
}

int
reach_target(const char *target, struct err *e)
{
	char *all = xstrdup(target), *rest = all, *part;
	int result = 1;

	/* "https://a, https://b", "smtps://mail, to ann": what is no address is passed over. */
	while (result != -1 && (part = strsep(&rest, ",")) != NULL) {
		int one = reach_one(part + strspn(part, " "), e);

		if (one != 1)
			result = one;
	}
	free(all);
	return result;
}
