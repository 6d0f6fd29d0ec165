/* Tests of the mysql probe: logins, refusals and settings, against scripted servers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/probes/mysql_stage.h"

#define LOGIN_AT 36 /* of the login packet: header and fixed part come before the user */

/* --- logins --- */

static void
logs_in_and_asks(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	scene_one(&st->s);
	configure(st, "", "metrics: false");
	bench_run(&st->b);
	assert_ok(st);
	assert_string_equal(st->b.sample.text, "10.11.19-MariaDB-0+deb12u1");
	assert_memory_equal(peer_heard(st->peer, 0) + LOGIN_AT, "app\0\x14\x85\x10\x60\x5a", 9);
	assert_true(has_heard(st, 0, "program_name\x07triaged"));
	assert_true(has_heard(st, 0, "tx_read_only=1"));
	assert_true(has_heard(st, 0, "max_statement_time="));
	assert_true(bench_value(&st->b, "login_time") >= 0);
	assert_true(bench_value(&st->b, "query_time") >= 0);
	assert_true(bench_value(&st->b, "first_byte_time") >= 0);
	assert_true(isnan(bench_value(&st->b, "threads_connected")));
}

static void
caching_sha2_remembers(void **state)
{
	struct stage *st = *state;

	scene_greet(&st->s, "8.4.3", SCENE_CACHING, SCENE_CAPS);
	scene_expect(&st->s, "triaged");
	scene_packet(&st->s, 2, "\1\3", 2);
	scene_ok(&st->s, 3);
	scene_harmless(&st->s);
	scene_one(&st->s);
	configure(st, "", "metrics: false");
	bench_run(&st->b);
	assert_ok(st);
	assert_memory_equal(peer_heard(st->peer, 0) + LOGIN_AT, "app\0\x20\x56\x61\xac\x17", 9);
	assert_true(has_heard(st, 0, "transaction_read_only=1"));
	assert_true(has_heard(st, 0, "max_execution_time="));
}

/* Its packet with the public half. */
static EVP_PKEY *
make_key(struct buf *packet)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	len = BIO_get_mem_data(bio, &pem);
	buf_init(packet, 0);
	buf_add(packet, "\1", 1);
	buf_add(packet, pem, (size_t)len);
	BIO_free(bio);
	return key;
}

static void
assert_decrypts(EVP_PKEY *key, const char *data, const char *password)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char out[512];
	size_t len = sizeof(out);

	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, out, &len, (const unsigned char *)data, 256), 1);
	assert_int_equal(len, strlen(password) + 1);
	for (size_t i = 0; i < len; i++)
		out[i] ^= (unsigned char)SCENE_SCRAMBLE[i];
	assert_string_equal((char *)out, password);
	EVP_PKEY_CTX_free(ctx);
}

/* The whole password, for the server's key alone: what was sent is decrypted here. */
static void
caching_sha2_in_full_over_plain_tcp(void **state)
{
	struct stage *st = *state;
	struct buf packet;
	EVP_PKEY *key = make_key(&packet);
	const char *heard;
	size_t len;

	scene_greet(&st->s, "8.4.3", SCENE_CACHING, SCENE_CAPS);
	scene_expect(&st->s, "triaged");
	scene_packet(&st->s, 2, "\1\4", 2);
	scene_step(&st->s, (struct peer_step)PEER_EXPECT_BYTES(5));
	scene_packet(&st->s, 4, buf_head(&packet), buf_left(&packet));
	scene_step(&st->s, (struct peer_step)PEER_EXPECT_BYTES(260));
	scene_ok(&st->s, 6);
	scene_harmless(&st->s);
	scene_one(&st->s);
	configure(st, "", "metrics: false");
	bench_run(&st->b);
	assert_ok(st);
	assert_false(has_heard(st, 0, PASSWORD));
	heard = peer_heard(st->peer, 0);
	len = 4 + (size_t)(unsigned char)heard[0] + ((size_t)(unsigned char)heard[1] << 8);
	assert_memory_equal(heard + len, "\1\0\0\3\2", 5);   /* the question for the key */
	assert_memory_equal(heard + len + 5, "\0\1\0\5", 4); /* 256 bytes */
	assert_decrypts(key, heard + len + 9, PASSWORD);
	EVP_PKEY_free(key);
	buf_fini(&packet);
}

static void
caching_sha2_in_full_over_tls(void **state)
{
	struct stage *st = *state;

	scene_greet(&st->s, "8.4.3", SCENE_CACHING, SCENE_CAPS | MYSQL_TLS);
	scene_step(&st->s, (struct peer_step)PEER_EXPECT_BYTES(36));
	scene_step(&st->s, (struct peer_step)PEER_START_TLS);
	scene_expect(&st->s, "triaged");
	scene_packet(&st->s, 3, "\1\4", 2);
	scene_expect(&st->s, PASSWORD);
	scene_ok(&st->s, 5);
	scene_harmless(&st->s);
	scene_one(&st->s);
	configure(st, "?tls=skip-verify", "metrics: false");
	bench_run(&st->b);
	assert_ok(st);
	assert_true(has_heard(st, 0, "\4" PASSWORD)); /* decrypted by the peer */
	assert_true(bench_value(&st->b, "tls_time") > 0);
	assert_non_null(strstr(bench_fact(&st->b, "tls"), "not verified"));
}

static void
an_unknown_plugin_is_ended_politely(void **state)
{
	static const char ed25519[] = "\xfe"
				      "client_ed25519\0" SCENE_SCRAMBLE;
	struct stage *st = *state;
	const char *heard;

	scene_greet(&st->s, SCENE_MARIADB, SCENE_NATIVE, SCENE_CAPS);
	scene_expect(&st->s, "triaged");
	scene_packet(&st->s, 2, ed25519, sizeof(ed25519));
	scene_step(&st->s, (struct peer_step)PEER_EXPECT_BYTES(68));
	scene_error(&st->s, 4, 1045, "Access denied");
	configure(st, "", "");
	bench_run(&st->b);
	assert_cause(st, "my.auth-plugin", "client_ed25519");
	heard = peer_heard(st->peer, 0);
	assert_memory_equal(heard + 4 + (unsigned char)heard[0], "\x40\0\0\3\0", 5);
}

static void
tls_that_is_not_offered(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	scene_one(&st->s);
	configure(st, "?ssl-mode=required", "metrics: false");
	bench_run(&st->b);
	assert_cause(st, "my.tls", "does not offer");
	/* a whole login, which the server does not count as a broken one, of nobody */
	assert_memory_equal(peer_heard(st->peer, 0) + LOGIN_AT, "\0\0\0mysql", 8);
	assert_false(has_heard(st, 0, "app"));
	loop_turn(st->b.loop, false);
	assert_true(has_heard(st, 0, "\1\0\0\0\1"));
	configure(st, "?ssl-mode=preferred", "metrics: false");
	bench_run(&st->b);
	assert_ok(st);
}

/* An expired certificate must not make the server refuse everybody from this host. */
static void
a_certificate_that_is_refused(void **state)
{
	static const struct peer_cert expired = { .days_left = -3 };
	struct stage *st = *state;

	scene_greet(&st->s, "8.4.3", SCENE_CACHING, SCENE_CAPS | MYSQL_TLS);
	scene_step(&st->s, (struct peer_step)PEER_EXPECT_BYTES(36));
	scene_step(&st->s, (struct peer_step)PEER_START_TLS);
	scene_expect(&st->s, "triaged");
	scene_error(&st->s, 3, 1045, "#28000Access denied for user ''@'h'");
	st->peer = peer_open_with(st->b.loop,
		&(struct peer_options){ .script = scene_script(&st->s), .cert = &expired });
	configure(st, "?tls=true", "metrics: false");
	bench_run(&st->b);
	assert_cause(st, "net.tls-verify", "");
	assert_true(has_heard(st, 0, "triaged")); /* a whole login, of nobody */
	/* the server reads it by the capabilities of the packet that asked for TLS */
	assert_memory_equal(peer_heard(st->peer, 0) + 36 + 4, peer_heard(st->peer, 0) + 4, 4);
	assert_false(has_heard(st, 0, "app"));
	assert_false(has_heard(st, 0, "shop"));
}

/* --- refusals --- */

static void
an_error_instead_of_the_greeting(void **state)
{
	static const struct {
		unsigned number;
		const char *text, *cause;
	} rows[] = {
		{ 1040, "Too many connections", "my.too-many" },
		{ 1129, "Host 'h' is blocked", "my.blocked" },
		{ 1130, "Host 'h' is not allowed", "my.host" },
		{ 1045, "Access denied", "my.auth" },
		{ 1158, "odd", "my.error" },
	};
	struct stage *st = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scene_error(&st->s, 0, rows[i].number, rows[i].text);
		configure(st, "", "");
		bench_run(&st->b);
		assert_cause(st, rows[i].cause, rows[i].text);
		peer_free(st->peer);
		st->peer = NULL;
		scene_fini(&st->s);
		scene_init(&st->s);
	}
}

static void
a_login_that_is_refused(void **state)
{
	struct stage *st = *state;

	scene_greet(&st->s, "8.4.3", SCENE_NATIVE, SCENE_CAPS | MYSQL_TLS);
	scene_error(&st->s, 2, 1045, "#28000Access denied for user 'app'@'h'");
	configure(st, "", "");
	bench_run(&st->b);
	assert_cause(st, "my.auth", "we came without");
	assert_true(isnan(bench_value(&st->b, "login_time")));
}

static void
bytes_that_are_no_answer(void **state)
{
	static const char file[] = "\xfb/etc/passwd";
	static const struct {
		unsigned sequence;
		const char *data;
		size_t len;
	} rows[] = {
		{ 2, "", 0 },
		{ 2, "\x07", 1 },
		{ 9, "\0\0\0\2\0\0\0", 7 },
		{ 2, "\xff", 1 },
		{ 2, "\1\4", 2 },
		{ 2,
			"\xfe"
			"abc",
			4 },
		{ 2, file, sizeof(file) },
	};
	struct stage *st = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scene_greet(&st->s, SCENE_MARIADB, SCENE_NATIVE, SCENE_CAPS);
		scene_packet(&st->s, rows[i].sequence, rows[i].data, rows[i].len);
		configure(st, "", "");
		bench_run(&st->b);
		assert_cause(st, "net.protocol", "");
		peer_free(st->peer);
		st->peer = NULL;
		scene_fini(&st->s);
		scene_init(&st->s);
	}
}

static void
a_server_that_asks_for_a_file(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	scene_packet(&st->s, 1, "\xfb/etc/passwd", 12);
	configure(st, "", "metrics: false");
	bench_run(&st->b);
	assert_cause(st, "net.protocol", "local file");
}

static void
a_login_without_an_end(void **state)
{
	static const char to[] = "\xfe" SCENE_NATIVE "\0" SCENE_SCRAMBLE;
	struct stage *st = *state;

	scene_greet(&st->s, SCENE_MARIADB, SCENE_NATIVE, SCENE_CAPS);
	for (unsigned i = 0; i < 20; i++)
		scene_packet(&st->s, 2 + 2 * i, to, sizeof(to));
	configure(st, "", "");
	bench_run(&st->b);
	assert_cause(st, "net.protocol", "does not end");
}

static void
somebody_else(void **state)
{
	static const struct peer_step ssh[] = { PEER_SEND("SSH-2.0-x\r\n"), PEER_END };
	struct stage *st = *state;

	st->peer = peer_open(st->b.loop, ssh);
	configure(st, "", "");
	bench_run(&st->b);
	assert_cause(st, "net.protocol", "SSH");
}

static void
says_where_it_is_stuck(void **state)
{
	struct stage *st = *state;

	scene_step(&st->s, (struct peer_step)PEER_STALL);
	configure(st, "", "metrics: false");
	bench_run_stuck(&st->b);
	assert_cause(st, "net.noreply", "the greeting does not come");
	peer_free(st->peer);
	st->peer = NULL;
	scene_init(&st->s);
	scene_greet(&st->s, SCENE_MARIADB, SCENE_NATIVE, SCENE_CAPS);
	configure(st, "", "metrics: false");
	bench_run_stuck(&st->b);
	assert_cause(st, "net.noreply", "the answer to the login");
	peer_free(st->peer);
	st->peer = NULL;
	scene_expect(&st->s, "triaged");
	scene_ok(&st->s, 2);
	scene_harmless(&st->s);
	configure(st, "", "metrics: false");
	bench_run_stuck(&st->b);
	assert_cause(st, "net.noreply", "the answer to \"SELECT 1\"");
}

static void
complains_about_settings(void **state)
{
	static const char *const bad[] = {
		"{}",
		"dsn: \"u:p@tcp(h:x)/d\"",
		"dsn: \"postgres://u@h/d\"",
		"{ dsn: \"mysql://h\", queries: { total_time: SELECT 1 } }",
		"{ dsn: \"mysql://h\", queries: { read_only: SELECT 1 } }",
		"{ dsn: \"mysql://h\", queries: { a-b: SELECT 1 } }",
		"{ dsn: \"mysql://h\", queries: { a: \"\" } }",
		"{ dsn: \"mysql://h\", role: master }",
		"{ dsn: \"mysql://h\", tables: [\"\"] }",
		"{ dsn: \"mysql://h\", indexes: [no_table] }",
		"{ dsn: \"mysql://h\", indexes: [\"a'b.c\"] }",
		"{ dsn: \"mysql://h?tls=true\", ca: /nonexistent/ca.pem }",
	};
	struct stage *st = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(&st->b, "mysql", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(bench_configure(&st->b, "mysql", "dsn: \"u@tcp(h)/d?parseTime=1\""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(logs_in_and_asks),
		T(caching_sha2_remembers),
		T(caching_sha2_in_full_over_plain_tcp),
		T(caching_sha2_in_full_over_tls),
		T(an_unknown_plugin_is_ended_politely),
		T(tls_that_is_not_offered),
		T(a_certificate_that_is_refused),
		T(an_error_instead_of_the_greeting),
		T(a_login_that_is_refused),
		T(bytes_that_are_no_answer),
		T(a_server_that_asks_for_a_file),
		T(a_login_without_an_end),
		T(somebody_else),
		TF(says_where_it_is_stuck),
		T(complains_about_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
