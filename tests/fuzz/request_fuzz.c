/*
 * What a request says beside its path: the query, the encodings that it takes, the tags that it has
 * seen, where in the live feed it left off.  Whatever the bytes, nothing is read past them.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/feed.h"
#include "api/page.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a next page is text of one line, whatever the query was. */
static void
turn_page(struct api_call *call)
{
	static const char *const words[] = { "up", "down", NULL };
	char *next = page_next(call, "after", "db[/var]");
	size_t limit = 7;

	assert(strpbrk(next, "\r\n") == NULL);
	free(next);
	assert(page_number(call, "limit", 1, 100, &limit) == -1 || (limit >= 1 && limit <= 100));
	assert(page_word(call, "state", words) < 2);
}

static void
listen_from(const struct api_world *world, const struct api_call *call)
{
	struct feeds *feeds = xcalloc(1, sizeof(*feeds));
	char filter[FEED_FILTER_MAX] = "";
	struct feed *feed;

	feeds_init(feeds, world);
	call_query(call, "checks", filter, sizeof(filter));
	feed = feed_new(feeds, filter, http1_header(call->request, "Last-Event-ID"));
	assert(feed != NULL && feed->incidents <= feeds->incidents);
	feed_free(feed);
	feeds_fini(feeds);
	free(feeds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct clock clock;
	static struct stats stats;
	static struct io_env env;
	struct api_world world = { .env = &env, .started_wall_us = 1 };
	struct http1 request;
	struct api_call call;
	struct buf text;

	if (size > 8192)
		return 0;
	if (env.loop == NULL) {
		clock_init_fake(&clock, 1, 1);
		env = (struct io_env){ .loop = loop_new(&clock, NULL), .stats = &stats };
	}
	buf_init(&text, 0);
	buf_add(&text, data, size);
	buf_add_text(&text, "\r\n\r\n");
	http1_init(&request, HTTP1_REQUEST, NULL);
	if (http1_feed(&request, &text) == HTTP1_DONE) {
		call_init(&call, &world, &request);
		call_takes_gzip(&call);
		call_has_seen(&call, "\"abc\"");
		listen_from(&world, &call);
		turn_page(&call);
		call_fini(&call);
	}
	http1_fini(&request);
	buf_fini(&text);
	return 0;
}
