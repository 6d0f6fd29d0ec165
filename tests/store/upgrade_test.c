/* Formats that grow: steps of a ladder, a kill between and within them, files of a later program.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/str.h"
#include "store/state.h"
#include "tests/store/bed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const good_steps[] = {
	"CREATE TABLE docs(a)",
	DB_ABOUT,
	"INSERT INTO docs VALUES(3)",
	"INSERT INTO docs VALUES(4); INSERT INTO docs VALUES(5)",
};

static const char *const bad_steps[] = {
	"CREATE TABLE docs(a)",
	DB_ABOUT,
	"INSERT INTO docs VALUES(3)",
	"INSERT INTO docs VALUES(4); INSERT INTO nowhere VALUES(5)",
};

static const struct db_ladder first = { good_steps, 2 };
static const struct db_ladder good = { good_steps, COUNT(good_steps) };
static const struct db_ladder bad = { bad_steps, COUNT(bad_steps) };

static char *
path_of(const struct bed *bed, const char *name)
{
	return xasprintf("%s/%s", bed->dir, name);
}

static sqlite3 *
open_file(const struct bed *bed)
{
	struct err e = { 0 };
	char *path = path_of(bed, "some.db");
	sqlite3 *db = db_open(path, DB_SYNC_FULL, &e);

	free(path);
	if (db == NULL)
		fail_msg("%s", e.text);
	return db;
}

static int64_t
number(sqlite3 *db, const char *sql)
{
	int64_t value = -1;

	assert_int_equal(db_number(db, sql, -1, &value, NULL), 0);
	return value;
}

static void
test_each_step_is_taken_once(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	sqlite3 *db = open_file(bed);

	assert_int_equal(db_migrate(db, &first, &e), 0);
	assert_int_equal(number(db, "PRAGMA user_version"), 2);
	assert_int_equal(db_migrate(db, &good, &e), 0);
	assert_int_equal(db_migrate(db, &good, &e), 0);
	assert_int_equal(number(db, "PRAGMA user_version"), 4);
	assert_int_equal(number(db, "SELECT count(*) FROM docs"), 3);
	assert_int_equal(number(db, "SELECT sum(a) FROM docs"), 12);
	db_close(db);
}

static void
test_a_step_that_fails_leaves_the_ones_before(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	sqlite3 *db = open_file(bed);

	assert_int_equal(db_migrate(db, &bad, &e), -1);
	assert_non_null(strstr(e.text, "from format 3 to 4"));
	assert_non_null(strstr(e.text, "nowhere"));
	db_close(db);
	db = open_file(bed);
	assert_int_equal(number(db, "PRAGMA user_version"), 3);
	assert_int_equal(number(db, "SELECT sum(a) FROM docs"), 3);
	assert_int_equal(db_migrate(db, &good, &e), 0);
	assert_int_equal(number(db, "SELECT sum(a) FROM docs"), 12);
	db_close(db);
}

/* As take_step does it, up to where the lights go out. */
static int
die_within_a_step(struct bed *bed)
{
	sqlite3 *db = open_file(bed);
	struct err e = { 0 };

	if (db_migrate(db, &first, &e) == -1 || db_exec(db, "BEGIN IMMEDIATE", &e) == -1 ||
		db_exec(db, good_steps[2], &e) == -1 ||
		db_exec(db, "PRAGMA cache_spill=1; PRAGMA user_version=3", &e) == -1)
		return 1;
	return 0; /* the child ends with the transaction open */
}

static void
test_a_kill_within_a_step_leaves_it_undone(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	sqlite3 *db;

	assert_int_equal(in_child(die_within_a_step, bed), 0);
	db = open_file(bed);
	assert_int_equal(number(db, "PRAGMA user_version"), 2);
	assert_int_equal(number(db, "SELECT count(*) FROM docs"), 0);
	assert_int_equal(db_migrate(db, &good, &e), 0);
	assert_int_equal(number(db, "SELECT sum(a) FROM docs"), 12);
	db_close(db);
}

static void
test_a_look_says_who_wrote_it_and_changes_nothing(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	struct db_look look;
	char *path = path_of(bed, "some.db");
	sqlite3 *db = open_file(bed);

	assert_int_equal(db_migrate(db, &good, &e), 0);
	db_look(path, &look); /* while the log holds it all */
	assert_int_equal(look.format, 4);
	assert_string_equal(look.program, TRIAGED_VERSION);
	assert_int_equal(db_exec(db, "UPDATE about SET value='9.9.9'", &e), 0);
	db_close(db);
	db_look(path, &look);
	assert_string_equal(look.program, "9.9.9");
	assert_true(look.bytes > 0);
	db = open_file(bed);
	assert_int_equal(db_migrate(db, &good, &e), 0);
	db_close(db);
	db_look(path, &look);
	assert_string_equal(look.program, TRIAGED_VERSION);
	damage(bed, "some.db", 0, 100);
	db_look(path, &look);
	assert_int_equal(look.format, 0);
	free(path);
	path = path_of(bed, "none.db");
	db_look(path, &look);
	assert_int_equal(look.format, 0);
	assert_int_equal(count_files(bed, "none.db*"), 0);
	free(path);
}

static void
change(struct bed *bed, const char *name, const char *sql)
{
	struct err e = { 0 };
	char *path = path_of(bed, name);
	sqlite3 *db = db_open(path, DB_SYNC_FULL, &e);

	assert_non_null(db);
	if (db_exec(db, sql, &e) == -1)
		fail_msg("%s", e.text);
	db_close(db);
	free(path);
}

/* Names, sizes and bytes of what lies there, but for SQLite's own working files. */
static char *
print_of(struct bed *bed)
{
	char command[256], sum[512] = "";
	FILE *out;

	snprintf(command, sizeof(command),
		"cd %s && ls | grep -v -e '-wal$' -e '-shm$' -e '^lock$' | xargs cksum | cksum",
		bed->dir);
	out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(sum, sizeof(sum), out));
	pclose(out);
	return xstrdup(sum);
}

static void
expect_refusal(struct bed *bed, const char *const *words, size_t count)
{
	struct err e = { 0 };
	char *before = print_of(bed), *after;

	assert_int_equal(try_open(bed, &e), -1);
	assert_int_equal(e.code, STORE_ERR_LATER);
	for (size_t n = 0; n < count; n++)
		if (strstr(e.text, words[n]) == NULL)
			fail_msg("\"%s\" is not in: %s", words[n], e.text);
	after = print_of(bed);
	assert_string_equal(before, after);
	assert_int_equal(count_files(bed, "*.corrupt-*"), 0);
	free(before);
	free(after);
}

static void
make_files(struct bed *bed)
{
	open_store(bed);
	put(bed, "a", "x", 1);
	store_sample(bed->store, store_series(bed->store, "c", "m"), WALL, 1);
	assert_true(settle(bed));
	close_store(bed);
	assert_int_equal(count_files(bed, "*.db"), 2);
}

static void
test_files_of_a_later_program_are_refused_by_name(void **state)
{
	static const char *const files[] = { "state.db", "history.db" };
	struct bed *bed = *state;
	char ours[64];

	snprintf(ours, sizeof(ours), "this is triaged %s", TRIAGED_VERSION);
	for (size_t n = 0; n < COUNT(files); n++) {
		const char *const words[] = { files[n], "written by triaged 7.0.1", "format 70",
			ours, "nothing was changed", "install triaged 7.0.1", "a backup" };

		make_files(bed);
		change(bed, files[n],
			"PRAGMA user_version=70; UPDATE about SET value='7.0.1';"
			"CREATE TABLE later(a)");
		expect_refusal(bed, words, COUNT(words));
		change(bed, files[n], "PRAGMA user_version=2; DROP TABLE later");
		open_store(bed);
		assert_docs(bed, "a", "x=1 ");
		close_store(bed);
	}
}

/* Damaged and later: whoever wrote it may mend it, we may not set it aside. */
static void
test_later_and_damaged_is_refused_too(void **state)
{
	static const char *const words[] = { "state.db", "a later triaged", "format 70" };
	struct bed *bed = *state;
	char path[128];

	make_files(bed);
	change(bed, "state.db", "PRAGMA user_version=70");
	snprintf(path, sizeof(path), "%s/clean", bed->dir);
	assert_int_equal(unlink(path), 0);
	damage(bed, "state.db", 4096, 4 * 4096);
	expect_refusal(bed, words, COUNT(words));
}

/* What format 2 brought: the table `about`. */
static const char back_to_1[] = "DROP TABLE about; PRAGMA user_version=1";

static void
test_an_upgrade_keeps_the_older_file_beside(void **state)
{
	struct bed *bed = *state;
	struct db_look look;
	struct stat st;
	char *copy = path_of(bed, "state.db.format-1");

	make_files(bed);
	change(bed, "state.db", back_to_1);
	change(bed, "history.db", back_to_1);
	open_store(bed);
	assert_docs(bed, "a", "x=1 ");
	put(bed, "a", "y", 2);
	assert_true(settle(bed));
	close_store(bed);
	db_look(copy, &look);
	assert_int_equal(look.format, 1);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* Whoever goes back and comes again keeps the first copy. */
	change(bed, "state.db", back_to_1);
	open_store(bed);
	assert_docs(bed, "a", "x=1 y=2 ");
	close_store(bed);
	assert_int_equal(count_files(bed, "state.db.format-1*"), 1);

	/* It is a whole file: put back, it is what there was. */
	char *state_db = path_of(bed, "state.db");
	assert_int_equal(rename(copy, state_db), 0);
	open_store(bed);
	assert_docs(bed, "a", "x=1 ");
	free(state_db);
	free(copy);
}

static void
test_half_a_copy_is_made_again(void **state)
{
	struct bed *bed = *state;
	char *half = path_of(bed, "state.db.format-1.new");
	FILE *f;

	make_files(bed);
	change(bed, "state.db", back_to_1);
	f = fopen(half, "w");
	assert_non_null(f);
	fputs("half a copy", f);
	fclose(f);
	open_store(bed);
	close_store(bed);
	assert_int_equal(count_files(bed, "state.db.format-1"), 1);
	assert_int_equal(count_files(bed, "*.new"), 0);
	free(half);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_step_is_taken_once),
		TEST(test_a_step_that_fails_leaves_the_ones_before),
		TEST(test_a_kill_within_a_step_leaves_it_undone),
		TEST(test_a_look_says_who_wrote_it_and_changes_nothing),
		TEST(test_files_of_a_later_program_are_refused_by_name),
		TEST(test_later_and_damaged_is_refused_too),
		TEST(test_an_upgrade_keeps_the_older_file_beside),
		TEST(test_half_a_copy_is_made_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
