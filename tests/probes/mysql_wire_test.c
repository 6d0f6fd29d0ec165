/* Tests of probes/mysql_wire.c, mysql_result.c and mysql_auth.c: bytes in, meaning out, whatever
 * the bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "probes/mysql_auth.h"
#include "probes/mysql_cause.h"
#include "probes/mysql_result.h"
#include "tests/probes/mysql_scene.h"

static void
packets_have_an_end(void **state)
{
	static const unsigned char two[] = { 1, 0, 0, 7, 'x', 2, 0, 0, 8, 'y', 'z' };
	static const unsigned char huge[] = { 0, 0, 0x10, 0 };
	struct mysql_packet p;

	(void)state;
	for (size_t have = 0; have < 5; have++)
		assert_int_equal(mysql_packet_read(two, have, &p), 0);
	assert_int_equal(mysql_packet_read(two, sizeof(two), &p), 1);
	assert_int_equal(p.sequence, 7);
	assert_int_equal(p.total, 5);
	assert_int_equal(p.data[0], 'x');
	assert_int_equal(mysql_packet_read(two + p.total, sizeof(two) - p.total, &p), 1);
	assert_int_equal(p.len, 2);
	assert_int_equal(mysql_packet_read(huge, sizeof(huge), &p), -1);
}

static void
greetings_tell_who_it_is(void **state)
{
	static const struct {
		const char *sent, *version;
		bool is_mariadb;
		unsigned number;
	} rows[] = {
		{ SCENE_MARIADB, "10.11.19-MariaDB-0+deb12u1", true, 101119 },
		{ "11.4.2-MariaDB", "11.4.2-MariaDB", true, 110402 },
		{ "8.4.3", "8.4.3", false, 80403 },
		{ "8.0.22-13", "8.0.22-13", false, 80022 },
		{ "5.7.44-log", "5.7.44-log", false, 50744 },
		{ "odd", "odd", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mysql_greeting g;
		struct mysql_packet p;
		struct scene s;

		scene_init(&s);
		scene_greet(&s, rows[i].sent, SCENE_CACHING, SCENE_CAPS);
		scene_script(&s);
		assert_int_equal(mysql_packet_read(s.steps[0].text, s.steps[0].len, &p), 1);
		assert_int_equal(mysql_greeting_read(&g, p.data, p.len), 0);
		assert_string_equal(g.version, rows[i].version);
		assert_int_equal(g.is_mariadb, rows[i].is_mariadb);
		assert_int_equal(g.number, rows[i].number);
		assert_int_equal(g.scramble_len, 20);
		assert_memory_equal(g.scramble, SCENE_SCRAMBLE, 20);
		assert_string_equal(g.plugin, SCENE_CACHING);
		assert_int_equal(g.thread, 7);
		for (size_t len = 0; len + strlen(SCENE_CACHING) + 1 < p.len; len++)
			assert_int_equal(mysql_greeting_read(&g, p.data, len), -1);
		scene_fini(&s);
	}
}

static void
errors_come_with_and_without_a_state(void **state)
{
	struct mysql_error e;

	(void)state;
	assert_int_equal(mysql_error_read(&e, "\xff\x10\x04Too many connections", 23), 0);
	assert_int_equal(e.number, 1040);
	assert_string_equal(e.text, "Too many connections");
	assert_string_equal(e.state, "");
	assert_int_equal(mysql_error_read(&e, "\xff\x15\x04#28000No \x01way", 16), 0);
	assert_string_equal(e.state, "28000");
	assert_string_equal(e.text, "No .way");
	assert_int_equal(mysql_error_read(&e, "\xff\x15", 2), -1);
	assert_int_equal(mysql_error_read(&e, "\x00\x15\x04", 3), -1);
}

static void
switches_name_a_plugin(void **state)
{
	struct mysql_switch to;

	(void)state;
	assert_int_equal(mysql_switch_read(&to, "\xfe" SCENE_NATIVE "\0" SCENE_SCRAMBLE, 44), 0);
	assert_string_equal(to.plugin, SCENE_NATIVE);
	assert_int_equal(to.scramble_len, 20);
	assert_int_equal(mysql_switch_read(&to, "\xfe", 1), 0);
	assert_string_equal(to.plugin, "mysql_old_password");
	assert_int_equal(mysql_switch_read(&to,
				 "\xfe"
				 "abc",
				 4),
		-1);
	assert_int_equal(mysql_switch_read(&to, "", 0), -1);
}

static void
numbers_are_length_coded(void **state)
{
	static const struct {
		unsigned char bytes[9];
		size_t len;
		int rc;
		uint64_t value;
	} rows[] = {
		{ { 250 }, 1, 0, 250 },
		{ { 0xfc, 1, 2 }, 3, 0, 0x201 },
		{ { 0xfd, 1, 2, 3 }, 4, 0, 0x30201 },
		{ { 0xfe, 1, 0, 0, 0, 0, 0, 0, 0x80 }, 9, 0, UINT64_C(0x8000000000000001) },
		{ { 0xfc, 1 }, 2, -1, 0 },
		{ { 0xfe, 1, 2, 3 }, 4, -1, 0 },
		{ { 0xff }, 1, -1, 0 },
		{ { 0xfb }, 1, -1, 0 },
		{ { 0 }, 0, -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned char *at = rows[i].bytes;
		uint64_t value = 0;

		assert_int_equal(
			mysql_number_read(&at, at + rows[i].len, &value, NULL), rows[i].rc);
		if (rows[i].rc == 0)
			assert_true(value == rows[i].value && at == rows[i].bytes + rows[i].len);
	}
}

/* What comes of the packets in the scene's first step. */
static enum mysql_progress
take_all(struct mysql_result *r, struct scene *s)
{
	struct mysql_packet p;
	size_t at = 0;
	enum mysql_progress progress = MYSQL_MORE;

	scene_script(s);
	while (progress == MYSQL_MORE &&
		mysql_packet_read(s->steps[0].text + at, s->steps[0].len - at, &p) > 0) {
		progress = mysql_result_take(r, p.data, p.len);
		at += p.total;
	}
	return progress;
}

static void
results_have_names_and_cells(void **state)
{
	struct mysql_result r;
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_rows(&s, 2, "Name", "Value", "a", "1.5", "b", "NULL", NULL);
	mysql_result_init(&r);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(take_all(&r, &s), MYSQL_DONE);
		assert_int_equal(r.row_count, 2);
		assert_string_equal(mysql_cell(&r, 0, 0), "a");
		assert_true(mysql_number(mysql_cell_of(&r, 0, "nope", "value")) == 1.5);
		assert_null(mysql_cell(&r, 1, 1));
		assert_null(mysql_cell(&r, 2, 0));
		assert_null(mysql_cell(&r, 0, 2));
		assert_int_equal(mysql_column(&r, "VALUE"), 1);
		assert_int_equal(mysql_column(&r, "x"), -1);
		mysql_result_reset(&r);
	}
	mysql_result_fini(&r);
	scene_fini(&s);
}

static void
rows_beyond_the_caps_are_forgotten(void **state)
{
	struct mysql_result r;
	struct scene s;
	unsigned char row[201];

	(void)state;
	memset(row, 'x', sizeof(row));
	row[0] = 200;
	scene_init(&s);
	scene_rows(&s, 1, "v", NULL);
	mysql_result_init(&r);
	scene_script(&s);
	s.bytes[0].len -= 9; /* without the end */
	assert_int_equal(take_all(&r, &s), MYSQL_MORE);
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(mysql_result_take(&r, row, sizeof(row)), MYSQL_MORE);
	assert_int_equal(mysql_result_take(&r, "\xfe\0\0\2\0", 5), MYSQL_DONE);
	assert_true(r.is_cut);
	assert_true(r.row_count < r.rows && r.rows == 20000);
	assert_true(r.bytes.len <= MYSQL_BYTES_MAX);
	mysql_result_fini(&r);
	scene_fini(&s);
}

static void
nonsense_is_named(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		enum mysql_progress progress;
	} rows[] = {
		{ "", 0, MYSQL_WRONG },
		{ "\xfb/etc/passwd", 12, MYSQL_WRONG },
		{ "\xfc\xff\xff", 3, MYSQL_WRONG },
		{ "\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9, MYSQL_WRONG },
		{ "\x01more", 5, MYSQL_WRONG },
		{ "\xff\x01", 2, MYSQL_WRONG },
		{ "\xff\x15\x04#28000no", 11, MYSQL_REFUSED },
		{ "\0\0\0\2\0\0\0", 7, MYSQL_DONE },
	};
	struct mysql_result r;

	(void)state;
	mysql_result_init(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (mysql_result_take(&r, rows[i].data, rows[i].len) != rows[i].progress)
			fail_msg("row %zu", i);
		assert_true((r.wrong != NULL) == (rows[i].progress == MYSQL_WRONG));
		mysql_result_reset(&r);
	}
	assert_int_equal(mysql_result_take(&r, "\x01", 1), MYSQL_MORE);
	assert_int_equal(mysql_result_take(&r,
				 "\x03"
				 "def",
				 4),
		MYSQL_WRONG);
	mysql_result_reset(&r);
	assert_int_equal(mysql_result_take(&r, "\x01", 1), MYSQL_MORE);
	assert_int_equal(mysql_result_take(&r, "\3def\0\0\0\1v\0", 10), MYSQL_MORE);
	assert_int_equal(mysql_result_take(&r, "\1x", 2), MYSQL_WRONG);
	mysql_result_fini(&r);
}

static void
only_numbers_are_numbers(void **state)
{
	static const char *const bad[] = { "", "x", "1x", "nan", "inf", " 1", "1e999" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(isnan(mysql_number(bad[i])));
	assert_true(isnan(mysql_number(NULL)));
	assert_true(mysql_number("-1.5e3") == -1500);
}

static void
proofs_are_those_of_the_plugins(void **state)
{
	static const struct {
		const char *plugin;
		size_t len;
		unsigned char head[4], tail[2];
	} rows[] = {
		{ SCENE_NATIVE, 20, { 0x85, 0x10, 0x60, 0x5a }, { 0xbe, 0x4c } },
		{ SCENE_CACHING, 32, { 0x56, 0x61, 0xac, 0x17 }, { 0xb6, 0x42 } },
		{ "sha256_password", 1, { 1 }, { 0 } },
	};
	struct mysql_auth a = { .password = "s3cret" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mysql_auth_begin(&a, rows[i].plugin,
					 (const unsigned char *)SCENE_SCRAMBLE, 20, NULL),
			0);
		assert_int_equal(a.proof_len, rows[i].len);
		if (rows[i].len > 4) {
			assert_memory_equal(a.proof, rows[i].head, 4);
			assert_memory_equal(a.proof + a.proof_len - 2, rows[i].tail, 2);
		}
	}
	a.password = "";
	for (size_t i = 0; i < 2; i++) {
		mysql_auth_begin(
			&a, rows[i].plugin, (const unsigned char *)SCENE_SCRAMBLE, 20, NULL);
		assert_int_equal(a.proof_len, 0);
	}
}

static void
a_password_goes_in_clear_in_private_only(void **state)
{
	struct mysql_auth a = { .password = "s3cret" };
	const unsigned char *scramble = (const unsigned char *)SCENE_SCRAMBLE;
	struct err e;

	(void)state;
	assert_int_equal(mysql_auth_begin(&a, "mysql_clear_password", scramble, 20, &e), -1);
	assert_int_equal(a.proof_len, 0);
	assert_int_equal(mysql_auth_begin(&a, SCENE_CACHING, scramble, 20, &e), 0);
	assert_int_equal(mysql_auth_continue(&a, (const unsigned char *)"\4", 1, &e), 1);
	assert_int_equal(a.proof_len, 1);
	assert_int_equal(mysql_auth_continue(&a, (const unsigned char *)"\3", 1, &e), 0);
	assert_int_equal(mysql_auth_continue(&a, (const unsigned char *)"not a key", 9, &e), -1);
	assert_int_equal(mysql_auth_continue(&a, scramble, 0, &e), -1);
	a.is_private = true;
	assert_int_equal(mysql_auth_begin(&a, "mysql_clear_password", scramble, 20, &e), 0);
	assert_memory_equal(a.proof, "s3cret", 7);
	assert_int_equal(mysql_auth_begin(&a, SCENE_CACHING, scramble, 20, &e), 0);
	assert_int_equal(mysql_auth_continue(&a, (const unsigned char *)"\4", 1, &e), 1);
	assert_int_equal(a.proof_len, 7);
	assert_int_equal(mysql_auth_begin(&a, "auth_gssapi_client", scramble, 20, &e), -1);
	assert_non_null(strstr(e.text, "auth_gssapi_client"));
}

static void
causes_are_found_by_number(void **state)
{
	static const struct {
		unsigned number;
		const char *text, *cause;
	} rows[] = {
		{ 1021, "", "my.disk-full" },
		{ 1040, "", "my.too-many" },
		{ 1044, "", "my.no-db" },
		{ 1045, "", "my.auth" },
		{ 1049, "", "my.no-db" },
		{ 1053, "", "my.shutting-down" },
		{ 1129, "", "my.blocked" },
		{ 1130, "", "my.host" },
		{ 1146, "", "my.no-table" },
		{ 1226, "", "my.user-limit" },
		{ 1227, "", "my.no-grant" },
		{ 1290, "", "my.readonly" },
		{ 2059, "", "my.auth-plugin" },
		{ 3159, "", "my.tls" },
		{ 4151, "", "my.auth" },
		{ 3, "Error writing file '/t' (Errcode: 28 \"No space\")", "my.disk-full" },
		{ 1030, "Got error 28 \"No space left on device\"", "my.disk-full" },
		{ 1064, "syntax", "my.error" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mysql_error e = { .number = rows[i].number };

		strcpy(e.text, rows[i].text);
		assert_string_equal(mysql_cause(&e), rows[i].cause);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_have_an_end),
		cmocka_unit_test(greetings_tell_who_it_is),
		cmocka_unit_test(errors_come_with_and_without_a_state),
		cmocka_unit_test(switches_name_a_plugin),
		cmocka_unit_test(numbers_are_length_coded),
		cmocka_unit_test(results_have_names_and_cells),
		cmocka_unit_test(rows_beyond_the_caps_are_forgotten),
		cmocka_unit_test(nonsense_is_named),
		cmocka_unit_test(only_numbers_are_numbers),
		cmocka_unit_test(proofs_are_those_of_the_plugins),
		cmocka_unit_test(a_password_goes_in_clear_in_private_only),
		cmocka_unit_test(causes_are_found_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
