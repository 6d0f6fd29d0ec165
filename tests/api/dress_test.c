/* Tags and packing of answers: short ones at once, long ones in slices, and who wants neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "api/dress.h"
#include "api/route.h"
#include "base/mem.h"

#define LONG_BODY ((size_t)3 << 20)

static struct stats stats;
static const struct io_env env = { .stats = &stats, .version = "1" };
static const struct api_world world = { .env = &env };
static const struct route tagged = { .method = "GET", .has_tag = true };
static const struct route plain = { .method = "GET" };

static char target[] = "/api/v1/checks";

static void
begin(struct api_call *call, struct http1 *request, const struct route *route)
{
	http1_init(request, HTTP1_REQUEST, NULL);
	request->target = target;
	call_init(call, &world, request);
	call->route = route;
}

static void
ask_with(struct http1 *request, const char *name, const char *value)
{
	request->headers[request->header_count++] = (struct http1_header){ name, value };
}

/* How many slices it took. */
static size_t
dress(struct api_call *call)
{
	size_t slices = 0;

	if (dress_reply(call))
		return 0;
	do
		slices++;
	while (!call->walk.step(call));
	call->walk.end(call->walk.state);
	call->walk = (struct walk){ .step = NULL };
	return slices;
}

static void
end(struct api_call *call, struct http1 *request)
{
	call_fini(call);
	http1_fini(request);
}

static char *
long_body(char last)
{
	char *text = xmalloc(LONG_BODY + 1);

	memset(text, 'a', LONG_BODY);
	text[LONG_BODY - 1] = last;
	text[LONG_BODY] = '\0';
	return text;
}

/* The tag of a long body, packed or not. */
static size_t
tag_of(char last, bool packs, char etag[48])
{
	struct http1 request;
	struct api_call call;
	char *text = long_body(last);
	size_t slices;

	begin(&call, &request, &tagged);
	if (packs)
		ask_with(&request, "Accept-Encoding", "gzip");
	reply_text(&call, 200, "application/json", text);
	slices = dress(&call);
	assert_int_equal(call.reply.encoding != NULL, packs);
	memcpy(etag, call.reply.etag, sizeof(call.reply.etag));
	end(&call, &request);
	free(text);
	return slices;
}

static void
test_a_tag_is_of_the_bytes(void **state)
{
	char one[48], same[48], other[48], packed[48];

	(void)state;
	assert_true(tag_of('x', false, one) > 1);
	tag_of('x', false, same);
	tag_of('y', false, other);
	assert_true(tag_of('x', true, packed) > 10);
	assert_string_equal(one, same);
	assert_string_equal(one, packed);
	assert_string_not_equal(one, other);
	assert_int_equal(strncmp(one, "W/\"", 3), 0);
}

static void
test_who_has_it_is_sent_nothing(void **state)
{
	struct http1 request;
	struct api_call call;
	char *text = long_body('x'), etag[48];

	(void)state;
	tag_of('x', false, etag);
	begin(&call, &request, &tagged);
	ask_with(&request, "If-None-Match", etag);
	ask_with(&request, "Accept-Encoding", "gzip");
	reply_text(&call, 200, "application/json", text);
	assert_true(dress(&call) < 10);
	assert_int_equal(call.reply.status, 304);
	assert_int_equal(buf_left(&call.reply.body), 0);
	assert_null(call.reply.encoding);
	assert_string_equal(call.reply.etag, etag);
	end(&call, &request);
	free(text);
}

static void
test_packed_is_the_same_unpacked(void **state)
{
	struct http1 request;
	struct api_call call;
	char *text = long_body('x'), *again = xmalloc(LONG_BODY);
	z_stream z = { 0 };

	(void)state;
	begin(&call, &request, &plain);
	ask_with(&request, "Accept-Encoding", "br, gzip;q=0.5");
	reply_text(&call, 200, "text/plain", text);
	assert_true(dress(&call) > 10);
	assert_string_equal(call.reply.encoding, "gzip");
	assert_string_equal(call.reply.etag, "");
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)buf_head(&call.reply.body);
	z.avail_in = (uInt)buf_left(&call.reply.body);
	z.next_out = (Bytef *)again;
	z.avail_out = (uInt)LONG_BODY;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_memory_equal(again, text, LONG_BODY);
	inflateEnd(&z);
	end(&call, &request);
	free(again);
	free(text);
}

static void
test_what_stays_as_it_is(void **state)
{
	static const struct {
		const char *accept, *type;
		int status;
		size_t len;
	} rows[] = {
		{ "gzip", "text/plain", 200, 100 },      /* too short */
		{ "gzip;q=0", "text/plain", 200, 5000 }, /* not wanted */
		{ "br", "text/plain", 200, 5000 },
		{ NULL, "text/plain", 200, 5000 },
		{ "gzip", "image/png", 200, 5000 }, /* packed already */
		{ "gzip", NULL, 304, 0 },
	};
	char *text = xcalloc(1, 5001);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http1 request;
		struct api_call call;

		memset(text, 'a', rows[i].len);
		text[rows[i].len] = '\0';
		begin(&call, &request, &plain);
		if (rows[i].accept != NULL)
			ask_with(&request, "Accept-Encoding", rows[i].accept);
		reply_text(&call, rows[i].status, rows[i].type, text);
		assert_int_equal(dress(&call), 0);
		assert_null(call.reply.encoding);
		assert_int_equal(buf_left(&call.reply.body), rows[i].len);
		end(&call, &request);
	}
	free(text);
}

/* An error is neither kept nor tagged, whatever the row says. */
static void
test_errors_have_no_tag(void **state)
{
	struct http1 request;
	struct api_call call;

	(void)state;
	begin(&call, &request, &tagged);
	reply_problem(&call, 404, "no");
	assert_int_equal(dress(&call), 0);
	assert_string_equal(call.reply.etag, "");
	assert_null(call.reply.cache);
	end(&call, &request);
}

/* Who goes away in the middle leaves nothing behind. */
static void
test_given_up_in_the_middle(void **state)
{
	struct http1 request;
	struct api_call call;
	char *text = long_body('x');

	(void)state;
	begin(&call, &request, &tagged);
	ask_with(&request, "Accept-Encoding", "gzip");
	reply_text(&call, 200, "application/json", text);
	assert_false(dress_reply(&call));
	for (int i = 0; i < 8; i++)
		assert_false(call.walk.step(&call));
	end(&call, &request);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tag_is_of_the_bytes),
		cmocka_unit_test(test_who_has_it_is_sent_nothing),
		cmocka_unit_test(test_packed_is_the_same_unpacked),
		cmocka_unit_test(test_what_stays_as_it_is),
		cmocka_unit_test(test_errors_have_no_tag),
		cmocka_unit_test(test_given_up_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
