/* One connection on a loop that lives as long as it. */
#include "cli/reach.h"

#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/tls.h"
#include "io/url.h"

#define REACH_US (5 * USEC_PER_SEC)

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
connect_to(const struct url *url, struct loop *loop, struct err *e)
{
	const struct tls_options tls = { .alpn = "http/1.1" };
	struct resolver *resolver = resolver_new(loop, NULL);
	struct tls_pool *pool = tls_pool_new();
	struct reach reach = { .err.text = "" };
	struct stream_options o = {
		.loop = loop,
		.resolver = resolver,
		.place = &url->place,
		.in_max = 1 << 16,
	};

	if (str_eq(url->scheme, "https"))
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

int
reach_url(const char *text, struct err *e)
{
	struct clock clock;
	struct loop *loop;
	struct url url;
	int result;

	memset(&url, 0, sizeof(url));
	if (!str_starts(text, "http://") && !str_starts(text, "https://"))
		return 1;
	if (url_parse(&url, text, NULL) == -1)
		return 1;
	clock_init_real(&clock);
	loop = loop_new(&clock, e);
	if (loop == NULL) {
		url_fini(&url);
		return -1;
	}
	url.place.port = url_port(&url);
	result = connect_to(&url, loop, e);
	loop_free(loop);
	url_fini(&url);
	return result;
}
