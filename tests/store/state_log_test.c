/* When the write-ahead log of state.db is moved into the file: not while somebody waits. */
#include <sys/stat.h>

#include "base/str.h"
#include "store/state.h"
#include "tests/store/bed.h"

#define BODY_BYTES 3000 /* about a page each */
#define TOGETHER   10   /* in one transaction */

static off_t
file_bytes(const struct bed *bed, const char *name)
{
	char *path = xasprintf("%s/%s", bed->dir, name);
	struct stat st = { 0 };

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_size;
}

static void
write_docs(struct state *s, int from, int count)
{
	char body[BODY_BYTES + 1], key[32];
	struct err e = { 0 };

	memset(body, 'x', BODY_BYTES);
	body[BODY_BYTES] = '\0';
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%d", from + i);
		if (i % TOGETHER == 0)
			assert_int_equal(state_begin(s, &e), 0);
		assert_int_equal(state_put(s, "check", key, body, &e), 0);
		if (i % TOGETHER == TOGETHER - 1)
			assert_int_equal(state_commit(s, &e), 0);
	}
}

static void
test_moved_when_there_is_time(void **state)
{
	struct bed *bed = *state;
	struct folder folder = { .path = bed->dir };
	struct err e = { 0 };
	struct state *s = state_open(&folder, &e);
	off_t before;

	assert_non_null(s);
	state_tidy(s);
	before = file_bytes(bed, STATE_FILE);
	write_docs(s, 0, 10);
	state_tidy(s); /* too little to be worth it */
	assert_int_equal(file_bytes(bed, STATE_FILE), before);
	write_docs(s, 10, 300);
	assert_int_equal(file_bytes(bed, STATE_FILE), before);
	state_tidy(s);
	assert_true(file_bytes(bed, STATE_FILE) > before + 300 * BODY_BYTES);
	state_close(s);
}

static void
test_never_longer_than_full(void **state)
{
	struct bed *bed = *state;
	struct folder folder = { .path = bed->dir };
	struct err e = { 0 };
	struct state *s = state_open(&folder, &e);

	assert_non_null(s);
	write_docs(s, 0, 1500);
	assert_true(file_bytes(bed, STATE_FILE "-wal") < (off_t)1100 * 4200);
	assert_true(file_bytes(bed, STATE_FILE) > (off_t)1000 * BODY_BYTES / 4);
	state_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_moved_when_there_is_time),
		TEST(test_never_longer_than_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
