/* Backups: whole while everything is being written, replaced only by whole ones, given up at once.
 */
#include <sys/stat.h>

#include "store/backup.h"
#include "store/state.h"
#include "tests/store/bed.h"

static char *
path_of(const struct bed *bed, const char *name)
{
	return xasprintf("%s/" BACKUP_FOLDER "/%s", bed->dir, name);
}

static int64_t
number(const char *path, const char *sql)
{
	struct err e = { 0 };
	sqlite3 *db = db_open_reader(path, &e);
	int64_t value = -1;

	if (db == NULL)
		fail_msg("%s", e.text);
	assert_int_equal(db_quick_check(db, &e), 0);
	assert_int_equal(db_number(db, sql, -1, &value, &e), 0);
	db_close(db);
	return value;
}

static struct backup *
make(struct bed *bed)
{
	struct backup *backup = backup_new(bed->dir);

	backup_make(backup);
	return backup;
}

static void
measure(struct bed *bed, int n)
{
	store_sample(
		bed->store, store_series(bed->store, "c", "m"), WALL + (usec_t)n * USEC_PER_SEC, n);
	loop_advance(bed->loop, 5 * USEC_PER_SEC);
}

/* Two documents that are always posted together are together in each backup, too. */
static void
test_a_backup_is_of_one_moment(void **state)
{
	static const char differ[] = "SELECT count(DISTINCT body) FROM docs WHERE kind='pair'";
	struct bed *bed = *state;
	char *path = path_of(bed, "state.db");
	struct stat st;

	open_store(bed);
	for (int n = 0; n < 40; n++) {
		struct backup *backup;

		for (int k = 0; k < 20; k++) {
			put(bed, "pair", "left", n * 20 + k);
			put(bed, "pair", "right", n * 20 + k);
			loop_turn(bed->loop, false); /* the thread writes it when it likes */
		}
		measure(bed, n);
		if (n == 0)
			assert_true(settle(bed));
		backup = make(bed);
		if (!backup->is_made)
			fail_msg("%s", backup->why.text);
		assert_int_equal(backup->files[0].bytes, (stat(path, &st), st.st_size));
		assert_int_equal(st.st_mode & 0777, 0600);
		backup_free(backup);
		assert_int_equal(number(path, differ), 1);
	}
	assert_true(settle(bed));
	close_store(bed);
	free(path);
	path = path_of(bed, "history.db");
	assert_true(number(path, "SELECT count(*) FROM raw") > 0);
	free(path);
	assert_int_equal(count_files(bed, BACKUP_FOLDER "/*"), 2);
}

static void
test_a_store_opens_on_a_backup(void **state)
{
	struct bed *bed = *state;
	char command[256];

	open_store(bed);
	put(bed, "a", "x", 1);
	measure(bed, 1);
	assert_true(settle(bed));
	backup_free(make(bed));
	put(bed, "a", "y", 2);
	assert_true(settle(bed));
	close_store(bed);
	snprintf(command, sizeof(command), "cp %s/" BACKUP_FOLDER "/*.db %s", bed->dir, bed->dir);
	assert_int_equal(system(command), 0);
	open_store(bed);
	assert_string_equal(bed->aside, "");
	assert_docs(bed, "a", "x=1 ");
}

static void
test_what_is_given_up_leaves_the_one_before(void **state)
{
	struct bed *bed = *state;
	char *path = path_of(bed, "state.db");
	struct backup *backup;

	open_store(bed);
	put(bed, "a", "x", 1);
	assert_true(settle(bed));
	backup_free(make(bed));
	for (int n = 0; n < 2000; n++) {
		char key[32];

		snprintf(key, sizeof(key), "%d", n);
		put(bed, "many", key, n);
	}
	assert_true(settle(bed));
	backup = backup_new(bed->dir);
	atomic_store(&backup->is_cancelled, true);
	backup_make(backup);
	assert_false(backup->is_made);
	assert_non_null(strstr(backup->why.text, "interrupted"));
	backup_free(backup);
	assert_int_equal(number(path, "SELECT count(*) FROM docs"), 1);
	assert_int_equal(count_files(bed, BACKUP_FOLDER "/*.ne*"), 0);
	free(path);
}

static void
test_a_file_in_place_of_the_folder_is_said(void **state)
{
	struct bed *bed = *state;
	struct backup *backup;
	char *path = xasprintf("%s/" BACKUP_FOLDER, bed->dir);
	FILE *f;

	open_store(bed);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	backup = make(bed);
	assert_false(backup->is_made);
	assert_non_null(strstr(backup->why.text, path));
	backup_free(backup);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_backup_is_of_one_moment),
		TEST(test_a_store_opens_on_a_backup),
		TEST(test_what_is_given_up_leaves_the_one_before),
		TEST(test_a_file_in_place_of_the_folder_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
