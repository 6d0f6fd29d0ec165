/* Restarts told by a value of the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probes/http_track.h"

#define MINUTE (60 * USEC_PER_SEC)

static void
values_are_found_by_path(void **state)
{
	json_t *doc = json_pack(
		"{s:{s:i,s:s,s:[],s:n}}", "data", "start_time", 12, "id", "a\x01", "list", "none");
	char out[HTTP_TRACK_MAX];

	(void)state;
	assert_true(http_track_find(doc, "data.start_time", out, sizeof(out)));
	assert_string_equal(out, "12");
	assert_true(http_track_find(doc, "data.id", out, sizeof(out)));
	assert_string_equal(out, "\"a\\u0001\"");
	assert_false(http_track_find(doc, "data", out, sizeof(out)));
	assert_false(http_track_find(doc, "data.list", out, sizeof(out)));
	assert_false(http_track_find(doc, "data.none", out, sizeof(out)));
	assert_false(http_track_find(doc, "data.start_time.more", out, sizeof(out)));
	assert_false(http_track_find(doc, "other.start_time", out, sizeof(out)));
	assert_false(http_track_find(NULL, "data", out, sizeof(out)));
	json_decref(doc);
}

static void
changes_are_counted(void **state)
{
	struct http_track track = { 0 };
	usec_t now = MINUTE;

	(void)state;
	assert_false(http_track_see(&track, "1", now)); /* nothing to compare with */
	assert_false(http_track_see(&track, "1", now += MINUTE));
	assert_int_equal(http_track_hour(&track, now), 0);
	assert_true(http_track_see(&track, "2", now += MINUTE));
	assert_string_equal(track.before, "1");
	assert_true(http_track_see(&track, "1", now += 30 * MINUTE));
	assert_int_equal(http_track_hour(&track, now), 2);
	assert_int_equal(http_track_hour(&track, now + 31 * MINUTE), 1);
	assert_int_equal(http_track_hour(&track, now + 61 * MINUTE), 0);
	assert_int_equal((int)track.total, 2);
	for (int i = 0; i < 100; i++)
		http_track_see(&track, i % 2 ? "x" : "y", now);
	assert_int_equal(http_track_hour(&track, now), HTTP_TRACK_TIMES);
	assert_int_equal((int)track.total, 102);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_by_path),
		cmocka_unit_test(changes_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
