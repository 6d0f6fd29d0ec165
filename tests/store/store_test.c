/* The store as its users see it: a folder, a loop, documents, history. */
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/rand.h"
#include "tests/store/bed.h"

static void
test_documents_come_back_in_order_of_their_keys(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	assert_string_equal(bed->aside, "");
	put(bed, "a", "2", 2);
	put(bed, "a", "1", 1);
	put(bed, "a", "3", 3);
	put(bed, "b", "1", 9);
	assert_true(settle(bed));
	put(bed, "a", "1", 11);
	store_delete(bed->store, "a", "2");
	assert_true(settle(bed));
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "1=11 3=3 ");
	assert_docs(bed, "b", "1=9 ");
	assert_docs(bed, "c", "");
}

static void
test_close_writes_what_the_turn_has_posted(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	put(bed, "a", "x", 1);
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "x=1 ");
}

static void
test_loading_comes_before_posting(void **state)
{
	struct bed *bed = *state;
	struct found found = { .text = "" };
	struct err e;
	open_store(bed);
	put(bed, "a", "x", 1);
	assert_true(settle(bed));
	assert_int_equal(store_load(bed->store, "a", collect, &found, &e), -1);
}

static void
test_dropped_waiter_is_not_called(void **state)
{
	struct bed *bed = *state;
	struct bed other = { .durable = 0 };
	open_store(bed);
	put(bed, "a", "x", 1);
	store_when_durable(bed->store, on_durable, &other);
	store_drop_waiter(bed->store, &other);
	assert_true(settle(bed));
	assert_int_equal(other.durable + other.lost, 0);
}

struct got {
	char key[32];
	int calls, number; /* -1: there is none */
};

static void
on_read(void *arg, const char *key, const json_t *doc)
{
	struct got *got = arg;
	snprintf(got->key, sizeof(got->key), "%s", key);
	got->number = doc ? (int)json_integer_value(json_object_get(doc, "n")) : -1;
	got->calls++;
}

static bool
has_got(void *arg)
{
	const struct got *got = arg;
	return got->calls > 0;
}

static void
test_one_document_is_read_back_while_it_runs(void **state)
{
	struct bed *bed = *state;
	struct got got = { .calls = 0 }, none = { .calls = 0 }, dropped = { .calls = 0 };
	open_store(bed);
	put(bed, "a", "x", 1);
	put(bed, "a", "y", 2);
	assert_true(settle(bed));
	put(bed, "a", "y", 3);
	loop_turn(bed->loop, false);
	store_read(bed->store, "a", "y", on_read, &got);
	assert_int_equal(got.calls, 0);
	assert_true(loop_turn_until(bed->loop, has_got, &got, MAX_TURN));
	assert_string_equal(got.key, "y");
	assert_int_equal(got.number, 3);
	store_read(bed->store, "a", "x", on_read, &dropped);
	store_drop_waiter(bed->store, &dropped);
	store_read(bed->store, "b", "x", on_read, &none);
	assert_true(loop_turn_until(bed->loop, has_got, &none, MAX_TURN));
	assert_int_equal(none.number, -1);
	assert_int_equal(dropped.calls, 0);
	store_read(bed->store, "a", "x", on_read, &dropped);
	close_store(bed);
	assert_int_equal(dropped.calls, 0);
}

static int
open_a_second(struct bed *bed)
{
	struct err e = { 0 };
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "in use by triaged with pid %d", (int)getppid());
	if (try_open(bed, &e) == 0)
		return 1;
	return strstr(e.text, wanted) && strstr(e.text, "daemon.state_dir") ? 0 : 2;
}

static void
test_second_daemon_is_told_who_has_the_folder(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	struct store *mine = bed->store;
	assert_int_equal(in_child(open_a_second, bed), 0);
	bed->store = mine;
}

static void
test_missing_folder_is_made_private(void **state)
{
	struct bed *bed = *state;
	struct stat st;
	char plain[64];
	strcpy(plain, bed->dir);
	strcat(bed->dir, "/a/b");
	open_store(bed);
	assert_int_equal(stat(bed->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	strcat(bed->dir, "/state.db");
	assert_int_equal(stat(bed->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	strcpy(bed->dir, plain);
}

static int
open_unwritable(struct bed *bed)
{
	struct err e = { 0 };
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 3;
	if (try_open(bed, &e) == 0)
		return 1;
	return strstr(e.text, "cannot write to state folder") && strstr(e.text, "daemon.state_dir")
		       ? 0
		       : 2;
}

static void
test_unwritable_folder_is_a_clear_error(void **state)
{
	struct bed *bed = *state;
	assert_int_equal(chmod(bed->dir, 0555), 0);
	assert_int_equal(in_child(open_unwritable, bed), 0);
}

static void
test_a_file_in_place_of_the_folder_is_a_clear_error(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	char plain[64];
	strcpy(plain, bed->dir);
	strcat(bed->dir, "/file");
	FILE *f = fopen(bed->dir, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(try_open(bed, &e), -1);
	assert_non_null(strstr(e.text, "state folder"));
	strcpy(bed->dir, plain);
}

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct bed *bed = arg;
	bed->is_answered = true;
	bed->point_count = count;
	for (size_t n = 0; n < count && n < 64; n++)
		bed->points[n] = points[n];
}

static bool
is_answered(void *arg)
{
	const struct bed *bed = arg;
	return bed->is_answered;
}

static void
ask(struct bed *bed, const char *metric, usec_t since, usec_t until, usec_t step)
{
	struct store_query query = { "api", metric, since, until, step };
	bed->is_answered = false;
	store_query_start(bed->store, &query, on_points, bed);
	assert_true(loop_turn_until(bed->loop, is_answered, bed, MAX_TURN));
}

static void
test_samples_come_back_as_posted(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	for (int n = 0; n < 10; n++) {
		store_sample(bed->store, store_series(bed->store, "api", "total_time"),
			WALL + n * USEC_PER_SEC, n * 0.5);
		store_sample(bed->store, store_series(bed->store, "api", "status"),
			WALL + n * USEC_PER_SEC, 200);
		store_sample(bed->store, store_series(bed->store, "api", "absent"),
			WALL + n * USEC_PER_SEC, (double)NAN);
	}
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 10);
	assert_int_equal(bed->points[3].wall_us, WALL + 3 * USEC_PER_SEC);
	assert_true(bed->points[3].avg == 1.5 && bed->points[3].count == 1);
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 5 * USEC_PER_SEC);
	assert_int_equal(bed->point_count, 2);
	assert_true(bed->points[1].min == 2.5 && bed->points[1].max == 4.5);
	assert_true(bed->points[1].avg == 3.5 && bed->points[1].count == 5);
	ask(bed, "absent", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 0);
	ask(bed, "nobody", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 0);
	close_store(bed);
	open_store(bed);
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 10);
}

static void
test_history_is_written_by_the_clock_alone(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	store_sample(bed->store, store_series(bed->store, "api", "total_time"), WALL, 1);
	assert_int_equal(count_files(bed, "history.db"), 0);
	loop_advance(bed->loop, 6 * USEC_PER_SEC);
	assert_true(settle(bed));
	close_store(bed);
	assert_int_equal(count_files(bed, "history.db"), 1);
}

static void
test_dropped_question_is_not_answered(void **state)
{
	struct bed *bed = *state;
	struct bed other = { .is_answered = false };
	struct store_query query = { "api", "total_time", WALL, WALL + 1, 0 };
	open_store(bed);
	store_query_start(bed->store, &query, on_points, &other);
	store_drop_waiter(bed->store, &other);
	ask(bed, "total_time", WALL, WALL + 1, 0);
	assert_false(other.is_answered);
}

/* Askers may come and go as they like: so many questions wait, and no more. */
static void
test_many_questions_are_too_many(void **state)
{
	struct bed *bed = *state;
	struct bed other = { .is_answered = false };
	struct store_query query = { "api", "total_time", WALL, WALL + 1, 0 };
	open_store(bed);
	assert_false(store_is_busy(bed->store));
	for (int n = 0; n < 32; n++)
		store_query_start(bed->store, &query, on_points, &other);
	assert_true(store_is_busy(bed->store));
	store_drop_waiter(bed->store, &other);
	put(bed, "x", "a", 1);
	assert_true(settle(bed)); /* what must survive does not wait for all of them */
	ask(bed, "total_time", WALL, WALL + 1, 0);
	assert_false(store_is_busy(bed->store));
	assert_false(other.is_answered);
}

static void
test_damaged_history_is_set_aside_and_goes_on(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	store_sample(bed->store, store_series(bed->store, "api", "total_time"), WALL, 1);
	close_store(bed);
	damage(bed, "history.db", 0, 4096);
	open_store(bed);
	store_sample(
		bed->store, store_series(bed->store, "api", "total_time"), WALL + USEC_PER_SEC, 2);
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 1);
	assert_int_equal(count_files(bed, "history.db.corrupt-*"), 1);
	assert_non_null(strstr(bed->trouble, "history.db was damaged"));
	assert_int_equal(bed->recoveries, 1);
}

static void
test_rows_beyond_the_queue_are_counted(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	for (int n = 0; n < 60000; n++)
		store_sample(
			bed->store, store_series(bed->store, "api", "total_time"), WALL + n, 1);
	assert_int_equal((int)stats_get(&bed->stats, STAT_STORE_DROPPED), 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_documents_come_back_in_order_of_their_keys),
		TEST(test_close_writes_what_the_turn_has_posted),
		TEST(test_loading_comes_before_posting),
		TEST(test_dropped_waiter_is_not_called),
		TEST(test_one_document_is_read_back_while_it_runs),
		TEST(test_second_daemon_is_told_who_has_the_folder),
		TEST(test_missing_folder_is_made_private),
		TEST(test_unwritable_folder_is_a_clear_error),
		TEST(test_a_file_in_place_of_the_folder_is_a_clear_error),
		TEST(test_samples_come_back_as_posted),
		TEST(test_history_is_written_by_the_clock_alone),
		TEST(test_dropped_question_is_not_answered),
		TEST(test_many_questions_are_too_many),
		TEST(test_damaged_history_is_set_aside_and_goes_on),
		TEST(test_rows_beyond_the_queue_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
