/* Tests of masking statements: values are hidden, in whatever way they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "probes/sql_mask.h"

static const struct row {
	enum sql_dialect dialect;
	const char *sql, *shown;
} rows[] = {
	{ SQL_MYSQL, "SELECT * FROM t WHERE a=1 AND b = 'x'",
		"SELECT * FROM t WHERE a=? AND b = ?" },
	{ SQL_MYSQL, "SELECT t1.c2 FROM t1", "SELECT t1.c2 FROM t1" },
	{ SQL_MYSQL, "x='it''s' AND y=\"a\\\"b\" AND z", "x=? AND y=? AND z" },
	{ SQL_MYSQL, "SELECT 0xC0FFEE, 1.5e-3, -7, .5", "SELECT ?, ?, -?, ?" },
	{ SQL_MYSQL, "SELECT x'4D', `odd 'name`", "SELECT x?, `odd 'name`" },
	{ SQL_MYSQL, "a\n\t /* secret */ b -- secret\n c # secret", "a b c" },
	{ SQL_MYSQL, "INSERT INTO t VALUES ('cut in the mid", "INSERT INTO t VALUES (?" },
	{ SQL_MYSQL, "SELECT `cut", "SELECT ?" },
	{ SQL_POSTGRES, "SELECT \"a\nb\"", "SELECT \"a.b\"" },
	{ SQL_MYSQL, "", "" },
	{ SQL_POSTGRES, "x='C:\\' AND y='secret'", "x=? AND y=?" },
	{ SQL_POSTGRES, "x=E'a\\'b' AND \"y 1\"=$1", "x=E? AND \"y 1\"=$1" },
	{ SQL_POSTGRES, "DO $$ secret $$ x $a$ it's $$ $a$ y", "DO ? x ? y" },
	{ SQL_POSTGRES, "DO $$ cut", "DO ?" },
	{ SQL_SQLITE, "UPDATE \"a 1\" SET b='x\\' WHERE c=2", "UPDATE \"a 1\" SET b=? WHERE c=?" },
};

static void
hides_values(void **state)
{
	char out[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sql_mask(rows[i].dialect, rows[i].sql, out, sizeof(out));
		assert_string_equal(out, rows[i].shown);
	}
}

static void
stays_in_its_room(void **state)
{
	char out[8];

	(void)state;
	sql_mask(SQL_MYSQL, "SELECT 'x' FROM users", out, sizeof(out));
	assert_string_equal(out, "SELECT ");
	sql_mask(SQL_MYSQL, "SELECT", out, 1);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hides_values),
		cmocka_unit_test(stays_in_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
