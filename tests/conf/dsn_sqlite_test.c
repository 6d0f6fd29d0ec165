/* SQLite data source names: paths, URIs, and what drivers hang on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/dsn.h"

static void
good_ones_are_read(void **state)
{
	static const struct {
		const char *text, *file, *busy;
	} goods[] = {
		{ "/data/one-api.db?_busy_timeout=30000", "/data/one-api.db", "30000" },
		{ "/data/one-api.db", "/data/one-api.db", NULL },
		{ "one-api.db?_busy_timeout=30000", "one-api.db", "30000" },
		{ "/data/a%20b.db", "/data/a%20b.db", NULL }, /* a bare path is not encoded */
		{ "/data/a b#c.db", "/data/a b#c.db", NULL },
		{ "file:/data/a%20b.db?mode=ro&_busy_timeout=5", "/data/a b.db", "5" },
		{ "file:///data/app.db", "/data/app.db", NULL },
		{ "file://localhost/data/app.db", "/data/app.db", NULL },
		{ "file:app.db", "app.db", NULL },
		{ "sqlite:///data/app.db", "/data/app.db", NULL },
		{ "sqlite:////data/app.db", "/data/app.db", NULL },
		{ "sqlite:/data/app.db?_busy_timeout=1&x", "/data/app.db", "1" },
		{ "sqlite:./app.db", "./app.db", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		struct dsn dsn;
		struct err e;
		char *masked;

		if (dsn_parse(&dsn, DSN_SQLITE, goods[i].text, &e) < 0)
			fail_msg("%s: %s", goods[i].text, e.text);
		assert_string_equal(dsn.database, goods[i].file);
		assert_int_equal(dsn.host_count, 0);
		if (!str_eq(dsn_param(&dsn, "_busy_timeout"), goods[i].busy))
			fail_msg("%s", goods[i].text);
		masked = dsn_masked(&dsn);
		assert_string_equal(masked, goods[i].file);
		free(masked);
		dsn_fini(&dsn);
	}
}

static void
wrong_ones_are_named_by_their_column(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *words;
	} bads[] = {
		{ "", 1, "missing" },
		{ "?x=1", 1, "missing" },
		{ "file:", 6, "missing" },
		{ "sqlite://", 10, "missing" },
		{ ":memory:", 1, "in memory" },
		{ "file::memory:?cache=shared", 6, "in memory" },
		{ "mysql://u@h/d", 1, "a URL" },
		{ "file:/a%zz", 6, "escape" },
		{ "/a?x=%zz", 4, "escape" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct dsn dsn;
		struct err e = { 0 };

		if (dsn_parse(&dsn, DSN_SQLITE, bads[i].text, &e) == 0)
			fail_msg("accepted: %s", bads[i].text);
		if (e.code != bads[i].column || strstr(e.text, bads[i].words) == NULL)
			fail_msg("%s: column %d: %s", bads[i].text, e.code, e.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read),
		cmocka_unit_test(wrong_ones_are_named_by_their_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
