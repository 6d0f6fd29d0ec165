/* The reader between bytes and replies: however the bytes are cut, the replies are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include <string.h>

#include "base/buf.h"
#include "probes/redis_link.h"

struct row {
	const char *bytes, *replies;
};

static const struct row rows[] = {
	{ "+PONG\r\n", "5:+PONG " },
	{ "+\r\n", "5:+ " },
	{ "+OK\r\n+PONG\r\n", "5:+OK 5:+PONG " },
	{ "$7\r\n+PONG\r\n\r\n+PONG\r\n", "1:+PONG\r\n 5:+PONG " },
	{ "*2\r\n+A\r\n+B\r\n+C\r\n", "2:* 5:+C " },
	{ "+a\r\n:3\r\n+b\r\n", "5:+a 3: 5:+b " },
	{ "-ERR no\r\n+PONG\r\n", "6:ERR no 5:+PONG " },
	{ "+a line that is longer than what is taken by hand\r\n+b\r\n",
		"5:+a line that is longer than what is taken by hand 5:+b " },
};

static bool
on_reply(void *arg, const struct redisReply *reply)
{
	struct buf *said = arg;
	const char *mark = reply->type == REDIS_REPLY_ARRAY    ? "*"
			   : reply->type == REDIS_REPLY_STATUS ? "+"
							       : "";

	buf_addf(said, "%d:%s%s ", reply->type, mark, reply->str != NULL ? reply->str : "");
	return true;
}

static void
test_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].bytes);

		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				const size_t cuts[] = { 0, a, b, len };
				struct redis_reader *reader = redis_reader_new();
				struct buf said;

				buf_init(&said, 0);
				for (size_t n = 0; n < 3; n++)
					if (cuts[n + 1] > cuts[n])
						assert_int_equal(redis_reader_feed(reader,
									 rows[i].bytes + cuts[n],
									 cuts[n + 1] - cuts[n],
									 on_reply, &said),
							0);
				assert_string_equal(buf_text(&said), rows[i].replies);
				buf_fini(&said);
				redis_reader_free(reader);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
