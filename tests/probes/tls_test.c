/* TLS: what of a certificate is told, good or not; the plain words before TLS in six tongues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/starttls.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

#define DAY 86400.0

static const struct peer_step silent[] = { PEER_END };

static void
configure(struct bench *b, const struct peer *peer, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "address: \"%s\"\nca: %s\n%s", peer_address(peer),
		peer_ca_path(), more);
	if (bench_configure(b, "tls", yaml) != 0)
		fail_msg("%s", b->complaint);
}

static void
run(struct bench *b, const struct peer_cert *cert, const char *more)
{
	struct peer *peer = peer_open_with(
		b->loop, &(struct peer_options){ .script = silent, .is_tls = 1, .cert = cert });

	configure(b, peer, more);
	bench_run(b);
	peer_free(peer);
}

static void
tells_all_of_a_good_one(void **state)
{
	struct bench *b = *state;

	run(b, NULL, "server_name: localhost\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "days_left") > 88 * DAY);
	assert_true(bench_value(b, "days_left") < 91 * DAY);
	assert_true(bench_value(b, "tls_time") > 0);
	assert_true(bench_value(b, "connect_time") >= 0);
	assert_string_equal(bench_fact(b, "certificate"), "test peer, signed by Test CA");
	assert_non_null(strstr(bench_fact(b, "names"), "localhost, 127.0.0.1"));
	assert_non_null(strstr(bench_fact(b, "protocol"), "TLSv1.3, TLS_"));
	assert_non_null(strstr(bench_fact(b, "valid"), "until 20"));
	assert_string_equal(bench_fact(b, "our clock"), "");
}

static void
tells_all_of_a_bad_one(void **state)
{
	static const struct {
		struct peer_cert cert;
		const char *words;
		double days;
	} cases[] = {
		{ { NULL, -3, 0 }, "expired on 20", -3 },
		{ { "DNS:other.test", 0, 0 }, "is for other.test, not for localhost", 90 },
		{ { NULL, 0, 1 }, "is self-signed and not trusted", 90 },
		{ { "DNS:other.test", -5, 1 }, "; the certificate of test peer expired", -5 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double days;

		run(b, &cases[i].cert, "server_name: localhost\n");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), "net.tls-verify");
		if (strstr(b->sample.text, cases[i].words) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", b->sample.text, cases[i].words);
		days = bench_value(b, "days_left") / DAY;
		assert_true(days > cases[i].days - 1.1 && days < cases[i].days + 1.1);
		assert_true(strlen(bench_fact(b, "protocol")) > 0);
	}
	assert_non_null(strstr(b->sample.text, "not for localhost")); /* all that is wrong */
	assert_true(strlen(bench_fact(b, "our clock")) > 0);
}

static void
knows_when_nobody_is_trusted(void **state)
{
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = silent, .is_tls = 1 });
	char yaml[128];

	snprintf(yaml, sizeof(yaml), "address: tls://localhost:%u", peer_port(peer));
	assert_int_equal(bench_configure(b, "tls", yaml), 0);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.tls-verify");
	assert_non_null(strstr(b->sample.text, "signed by Test CA, which is not trusted"));
	assert_non_null(strstr(b->sample.text, "no intermediate certificate"));
	assert_int_equal(bench_configure(b, "tls", strcat(yaml, "\nverify: false")), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(bench_fact(b, "tls"), "not verified"));
	assert_true(bench_value(b, "days_left") > 0);
	peer_free(peer);
}

static void
suspects_its_own_clock(void **state)
{
	struct bench b;
	struct peer *peer;

	(void)state;
	bench_open(&b, BENCH_FAKE); /* OpenSSL reads the real clock, we say 2023 */
	peer = peer_open_with(b.loop, &(struct peer_options){ .script = silent, .is_tls = 1 });
	configure(&b, peer, "server_name: localhost\n");
	bench_run(&b);
	assert_int_equal(b.sample.outcome, OUTCOME_OK);
	peer_free(peer);
	bench_close(&b);
}

static void
does_not_resume(void **state)
{
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = silent, .is_tls = 1 });

	configure(b, peer, "server_name: localhost\n");
	for (int i = 0; i < 3; i++)
		bench_run(b);
	assert_int_equal(peer_resumed(peer), 0);
	assert_int_equal(peer_accepted(peer), 3);
	peer_free(peer);
}

static void
says_that_a_client_certificate_is_wanted(void **state)
{
	struct bench *b = *state;
	char more[256];
	struct peer *peer = peer_open_with(b->loop, &(struct peer_options){ .script = silent,
							    .is_tls = 1,
							    .is_tls12 = 1,
							    .client_ca = peer_ca_path() });

	configure(b, peer, "server_name: localhost\n");
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.tls-handshake");
	assert_non_null(strstr(bench_fact(b, "client certificate"), "asks"));
	assert_true(bench_value(b, "days_left") > 0); /* seen all the same */
	snprintf(more, sizeof(more), "server_name: localhost\ncert: %s\n", peer_client_pem());
	configure(b, peer, more);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(bench_fact(b, "protocol"), "TLSv1.2"));
	peer_free(peer);
}

static void
plain_and_silent_servers(void **state)
{
	static const struct peer_step mail[] = { PEER_SEND("220 mail ready\r\n"), PEER_END };
	static const struct peer_step ends[] = { PEER_CLOSE, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, mail);
	char yaml[64];

	configure(b, peer, "");
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.tls-unsupported");
	peer_free(peer);
	peer = peer_open(b->loop, ends);
	configure(b, peer, "");
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.tls-handshake");
	peer_free(peer);
	snprintf(yaml, sizeof(yaml), "address: 127.0.0.1:%u", peer_dead_port());
	assert_int_equal(bench_configure(b, "tls", yaml), 0);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.refused");
}

/* --- STARTTLS --- */

#define MYSQL_HELLO(low, high)                                                                     \
	"\x23\0\0\0\x0a"                                                                           \
	"8.0.30\0"                                                                                 \
	"\1\0\0\0"                                                                                 \
	"abcdefgh\0" low high "\x2d\2\0\0\0\0\0\0\0\0\0\0"

static const struct peer_step smtp_yes[] = { PEER_SEND("220-mail\r\n220 ready\r\n"),
	PEER_EXPECT("EHLO triaged\r\n"), PEER_SEND("250-mail\r\n250-SIZE 1\r\n250 STARTTLS\r\n"),
	PEER_EXPECT("STARTTLS\r\n"), PEER_SEND("220 go ahead\r\n"), PEER_START_TLS, PEER_END };
static const struct peer_step imap_yes[] = { PEER_SEND("* OK [CAPABILITY IMAP4] hi\r\n"),
	PEER_EXPECT("a1 STARTTLS\r\n"), PEER_SEND("* something else\r\na1 OK begin\r\n"),
	PEER_START_TLS, PEER_END };
static const struct peer_step pop3_yes[] = { PEER_SEND("+OK hi\r\n"), PEER_EXPECT("STLS\r\n"),
	PEER_SEND("+OK begin\r\n"), PEER_START_TLS, PEER_END };
static const struct peer_step postgres_yes[] = { PEER_EXPECT_BYTES(8), PEER_SEND("S"),
	PEER_START_TLS, PEER_END };
static const struct peer_step ldap_yes[] = { PEER_EXPECT("1.3.6.1.4.1.1466.20037"),
	PEER_SEND("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"), PEER_START_TLS, PEER_END };

static const struct peer_step smtp_no[] = { PEER_SEND("220 ready\r\n"), PEER_EXPECT("EHLO"),
	PEER_SEND("250-mail\r\n250 SIZE 1\r\n"), PEER_END };
static const struct peer_step smtp_later[] = { PEER_SEND("220 ready\r\n"), PEER_EXPECT("EHLO"),
	PEER_SEND("250-mail\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS"),
	PEER_SEND("454 not now\r\n"), PEER_END };
static const struct peer_step imap_no[] = { PEER_SEND("* OK hi\r\n"), PEER_EXPECT("a1"),
	PEER_SEND("a1 BAD what?\r\n"), PEER_END };
static const struct peer_step pop3_no[] = { PEER_SEND("+OK hi\r\n"), PEER_EXPECT("STLS"),
	PEER_SEND("-ERR no\r\n"), PEER_END };
static const struct peer_step postgres_no[] = { PEER_EXPECT_BYTES(8), PEER_SEND("N"), PEER_END };
static const struct peer_step mysql_no[] = { PEER_SEND(MYSQL_HELLO("\xff", "\xf7")), PEER_END };
static const struct peer_step ldap_no[] = { PEER_EXPECT("1466"),
	PEER_SEND("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"), PEER_END };

static const struct peer_step http[] = { PEER_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), PEER_END };
static const struct peer_step mysql_full[] = {
	PEER_SEND("\x17\0\0\0\xff\x10\x04Too many connections"), PEER_END
};
static const struct peer_step injected[] = { PEER_SEND("* OK hi\r\n"), PEER_EXPECT("a1"),
	PEER_SEND("a1 OK begin\r\na2 OK pay me\r\n"), PEER_START_TLS, PEER_END };

static const struct {
	const char *kind;
	const struct peer_step *script;
	const char *cause, *words;
} talks[] = {
	{ "smtp", smtp_yes, "", "shows localhost" },
	{ "imap", imap_yes, "", "shows localhost" },
	{ "pop3", pop3_yes, "", "shows localhost" },
	{ "postgres", postgres_yes, "", "shows localhost" },
	{ "ldap", ldap_yes, "", "shows localhost" },
	{ "smtp", smtp_no, "net.tls-unsupported", "STARTTLS is not among" },
	{ "smtp", smtp_later, "net.tls-unsupported", "454 not now" },
	{ "imap", imap_no, "net.tls-unsupported", "a1 BAD what?" },
	{ "pop3", pop3_no, "net.tls-unsupported", "-ERR no" },
	{ "postgres", postgres_no, "net.tls-unsupported", "TLS is off" },
	{ "mysql", mysql_no, "net.tls-unsupported", "does not offer TLS" },
	{ "ldap", ldap_no, "net.tls-unsupported", "LDAP result 2" },
	{ "smtp", http, "net.protocol", "an HTTP server answers" },
	{ "imap", http, "net.protocol", "an HTTP server answers" },
	{ "pop3", http, "net.protocol", "an HTTP server answers" },
	{ "postgres", http, "net.protocol", "an HTTP server answers" },
	{ "mysql", http, "net.protocol", "an HTTP server answers" },
	{ "ldap", http, "net.protocol", "an HTTP server answers" },
	{ "mysql", mysql_full, "net.turned-away", "Too many connections" },
	{ "imap", injected, "net.protocol", "plain bytes after the agreement" },
};

static void
speaks_before_tls(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct peer *peer = peer_open_with(
			b->loop, &(struct peer_options){ .script = talks[i].script,
					 .cert = &(struct peer_cert){ "DNS:localhost", 90, 0 } });
		char more[128];

		snprintf(more, sizeof(more), "server_name: localhost\nstarttls: %s\n",
			talks[i].kind);
		configure(b, peer, more);
		bench_run(b);
		if (strcmp(bench_cause(b), talks[i].cause) != 0 ||
			strstr(b->sample.text, talks[i].words) == NULL)
			fail_msg("%zu, %s: %s, %s", i, talks[i].kind, bench_cause(b),
				b->sample.text);
		peer_free(peer);
	}
}

/* The handshake follows the request at once, and a scripted peer would hear both as one. */
static void
asks_mysql_for_tls(void **state)
{
	static const char hello[] = MYSQL_HELLO("\xff", "\xff");
	struct starttls_talk talk = { .kind = STARTTLS_MYSQL };
	struct buf say;
	size_t eaten;

	(void)state;
	buf_init(&say, 0);
	for (size_t len = 0; len < sizeof(hello) - 1; len++)
		assert_int_equal(starttls_hear(&talk, hello, len, &eaten, &say), STARTTLS_MORE);
	assert_int_equal(say.len, 0);
	assert_int_equal(starttls_hear(&talk, hello, sizeof(hello) - 1, &eaten, &say), STARTTLS_GO);
	assert_int_equal(eaten, sizeof(hello) - 1);
	assert_int_equal(say.len, 36);
	assert_memory_equal(buf_head(&say), "\x20\0\0\1", 4);
	buf_fini(&say);
}

static void
does_not_listen_for_ever(void **state)
{
	static const struct peer_step endless[] = { PEER_ENDLESS_LINE, PEER_END };
	struct bench *b = *state;
	static const char *const kinds[] = { "smtp", "imap", "pop3", "postgres", "mysql", "ldap" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct peer *peer = peer_open(b->loop, endless);
		char more[64];

		snprintf(more, sizeof(more), "starttls: %s\n", kinds[i]);
		configure(b, peer, more);
		bench_run(b);
		assert_string_equal(bench_cause(b), "net.protocol");
		peer_free(peer);
	}
}

/* The right server, which is busy: nobody else owns that port. */
static void
is_turned_away(void **state)
{
	static const struct {
		const char *kind;
		struct peer_step script[2];
		const char *words;
	} cases[] = {
		{ "smtp", { PEER_SEND("421 too busy\r\n"), PEER_END }, "421 too busy" },
		{ "smtp", { PEER_SEND("554 no\r\n"), PEER_END }, "554 no" },
		{ "imap", { PEER_SEND("* BYE full\r\n"), PEER_END }, "BYE full" },
		{ "pop3", { PEER_SEND("-ERR full\r\n"), PEER_END }, "-ERR full" },
		{ "mysql", { PEER_SEND("\x0b\0\0\0\xff\x10\x04#08004no"), PEER_END }, "#08004no" },
		{ "postgres", { PEER_SEND("E\0\0\0\x12SFATAL\0Mtoo many\0"), PEER_END },
			"too many" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b->loop, cases[i].script);
		char more[64];

		snprintf(more, sizeof(more), "starttls: %s\n", cases[i].kind);
		configure(b, peer, more);
		bench_run(b);
		if (strcmp(bench_cause(b), "net.turned-away") != 0 ||
			strstr(b->sample.text, cases[i].words) == NULL)
			fail_msg("%s: %s, %s", cases[i].kind, bench_cause(b), b->sample.text);
		peer_free(peer);
	}
}

static void
says_where_it_is_stuck(void **state)
{
	static const struct peer_step stall[] = { PEER_SEND("220 ready\r\n"), PEER_EXPECT("EHLO"),
		PEER_STALL, PEER_END };
	struct bench b;
	struct peer *peer;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	peer = peer_open(b.loop, stall);
	configure(&b, peer, "starttls: smtp\n");
	bench_run_stuck(&b);
	assert_string_equal(bench_cause(&b), "net.noreply");
	assert_non_null(strstr(b.sample.text, "in the words before TLS (smtp)"));
	configure(&b, peer, "");
	bench_run_stuck(&b);
	assert_string_equal(bench_cause(&b), "net.tls-unsupported"); /* 220 is no TLS record */
	peer_free(peer);
	bench_close(&b);
}

static void
complains(void **state)
{
	static const char *const bad[] = { "{}", "address: ''", "address: ':443'",
		"{ address: h, starttls: gopher }", "address: /run/x.sock",
		"{ address: h, ca: /no/such/file }", "{ address: h, cert: /no/such/file }" };
	struct bench *b = *state;
	char target[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(b, "tls", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(bench_configure(b, "tls", "{ address: h, starttls: imap }"), 0);
	b->type->target(b->conf, NULL, target, sizeof(target));
	assert_string_equal(target, "tls://h");
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(tells_all_of_a_good_one),
		T(tells_all_of_a_bad_one),
		T(knows_when_nobody_is_trusted),
		T(suspects_its_own_clock),
		T(does_not_resume),
		T(says_that_a_client_certificate_is_wanted),
		T(plain_and_silent_servers),
		T(speaks_before_tls),
		cmocka_unit_test(asks_mysql_for_tls),
		T(does_not_listen_for_ever),
		T(is_turned_away),
		T(says_where_it_is_stuck),
		T(complains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
