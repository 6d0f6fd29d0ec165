/* SMTP: the dialogue to its end, with and without TLS and a login, and every way to be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/smtp_reply.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

#define EHLO PEER_EXPECT("EHLO localhost\r\n")
#define QUIT PEER_EXPECT("QUIT\r\n"), PEER_SEND("221 bye\r\n"), PEER_CLOSE, PEER_END

static void
configure(struct bench *b, const struct peer *peer, const char *scheme, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "address: \"%s%s\"\n%s", scheme, peer_address(peer), more);
	if (bench_configure(b, "smtp", yaml) != 0)
		fail_msg("%s", b->complaint);
}

static void
run(struct bench *b, const struct peer_step *script, const char *more)
{
	struct peer *peer = peer_open(b->loop, script);

	configure(b, peer, "", more);
	bench_run(b);
	peer_free(peer);
}

static const char *
trusting(const char *more)
{
	static char yaml[512];

	snprintf(yaml, sizeof(yaml), "ca: %s\nserver_name: localhost\n%s", peer_ca_path(), more);
	return yaml;
}

static const struct peer_step plain[] = { PEER_SEND("220 mail.test ESMTP\r\n"), EHLO,
	PEER_SEND("250-mail.test\r\n250-SIZE 1000\r\n250 HELP\r\n"), QUIT };
static const struct peer_step secure[] = { PEER_SEND("220 mail.test ESMTP\r\n"), EHLO,
	PEER_SEND("250-mail.test\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS\r\n"),
	PEER_SEND("220 go\r\n"), PEER_START_TLS, EHLO,
	PEER_SEND("250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n"), QUIT };
static const struct peer_step login[] = { PEER_SEND("220 hi\r\n"), EHLO,
	PEER_SEND("250-mail.test\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS\r\n"),
	PEER_SEND("220 go\r\n"), PEER_START_TLS, EHLO,
	PEER_SEND("250-mail.test\r\n250 AUTH LOGIN PLAIN\r\n"),
	/* \0me\0secret */
	PEER_EXPECT("AUTH PLAIN AG1lAHNlY3JldA==\r\n"), PEER_SEND("235 welcome\r\n"), QUIT };

static void
goes_to_the_end(void **state)
{
	struct bench *b = *state;

	run(b, plain, "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, "takes mail, without TLS"));
	assert_string_equal(bench_fact(b, "greeting"), "220 mail.test ESMTP");
	assert_string_equal(bench_fact(b, "offers"), "mail.test / SIZE 1000 / HELP");
	assert_true(bench_value(b, "first_byte_time") >= 0);
	assert_true(isnan(bench_value(b, "tls_days_left")));
}

static void
goes_over_to_tls(void **state)
{
	struct bench *b = *state;

	run(b, secure, trusting("starttls: required\n"));
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, "over TLS"));
	assert_true(bench_value(b, "tls_days_left") > 80 * 86400.0);
	assert_true(bench_value(b, "tls_time") > 0);
	assert_int_equal(b->sample.note_count, 0);
}

static void
encrypts_by_chance_or_by_order(void **state)
{
	struct bench *b = *state;

	run(b, secure, "server_name: localhost\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(b->sample.note_count, 1);
	assert_string_equal(b->sample.notes[0].cause->code, "smtp.cert-doubtful");
	run(b, secure, "server_name: localhost\nstarttls: required\n");
	assert_string_equal(bench_cause(b), "net.tls-verify");
	run(b, secure, "starttls: required\nverify: false\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(bench_fact(b, "tls"), "not verified"));
	run(b, plain, "starttls: required\nverify: false\n");
	assert_string_equal(bench_cause(b), "smtp.no-starttls");
}

static void
speaks_tls_at_once(void **state)
{
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = plain, .is_tls = 1 });

	configure(b, peer, "smtps://", trusting(""));
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, "over TLS"));
	configure(b, peer, "smtps://", "");
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.tls-verify");
	peer_free(peer);
}

static void
logs_in(void **state)
{
	struct bench *b = *state;

	run(b, login, trusting("starttls: required\nuser: me\npassword: secret\n"));
	if (b->sample.outcome != OUTCOME_OK)
		fail_msg("%s", b->sample.text);
}

/* After the agreement each script is that of `login`. */
#define TO_TLS                                                                                     \
	PEER_SEND("220 hi\r\n"), EHLO, PEER_SEND("250-mail.test\r\n250 STARTTLS\r\n"),             \
		PEER_EXPECT("STARTTLS\r\n"), PEER_SEND("220 go\r\n"), PEER_START_TLS, EHLO

static const struct peer_step greeting_5[] = { PEER_SEND("554 go away\r\n"), PEER_END };
static const struct peer_step greeting_4[] = { PEER_SEND("421 too busy\r\n"), PEER_CLOSE,
	PEER_END };
static const struct peer_step ehlo_5[] = { PEER_SEND("220 hi\r\n"), EHLO,
	PEER_SEND("550 who are you\r\n"), PEER_END };
static const struct peer_step ehlo_4[] = { PEER_SEND("220 hi\r\n"), EHLO,
	PEER_SEND("451 later\r\n"), PEER_END };
static const struct peer_step tls_4[] = { PEER_SEND("220 hi\r\n"), EHLO,
	PEER_SEND("250-x\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS"),
	PEER_SEND("454 no key\r\n"), PEER_END };
static const struct peer_step auth_5[] = { TO_TLS, PEER_SEND("250 AUTH PLAIN\r\n"), PEER_END };
static const struct peer_step auth_bad[] = { TO_TLS, PEER_SEND("250-x\r\n250 AUTH PLAIN\r\n"),
	PEER_EXPECT("AUTH PLAIN"), PEER_SEND("535 5.7.8 wrong\r\n"), PEER_END };
static const struct peer_step auth_echo[] = { TO_TLS, PEER_SEND("250-x\r\n250 AUTH PLAIN\r\n"),
	PEER_EXPECT("AUTH PLAIN"), PEER_SEND("500 what is \"AUTH PLAIN AG1lAHNlY3JldA==\"\r\n"),
	PEER_END };
static const struct peer_step ftp[] = { PEER_SEND("SSH-2.0-x\r\n"), PEER_END };
static const struct peer_step odd[] = { PEER_SEND("250 hi\r\n"), PEER_END };
static const struct peer_step mixed[] = { PEER_SEND("220-hi\r\n250 there\r\n"), PEER_END };
static const struct peer_step ends[] = { PEER_SEND("220 hi\r\n"), EHLO, PEER_CLOSE, PEER_END };
static const struct peer_step half[] = { PEER_SEND("220-hi\r\n22"), PEER_CLOSE, PEER_END };
static const struct peer_step resets[] = { PEER_SEND("220 hi\r\n"), EHLO, PEER_RESET, PEER_END };
static const struct peer_step endless[] = { PEER_SEND("220-"), PEER_ENDLESS_LINE, PEER_END };
static const struct peer_step lines[] = { PEER_REPEAT("220-x\r\n", 100000), PEER_END };
static const struct peer_step tls_server[] = { PEER_SEND("\x15\x03\x01\x02\x02\x16"), PEER_CLOSE,
	PEER_END };
static const struct peer_step injected[] = { PEER_SEND("220 hi\r\n"), EHLO,
	PEER_SEND("250-x\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS"),
	PEER_SEND("220 go\r\n250 and more\r\n"), PEER_END };

static void
each_refusal_has_its_cause(void **state)
{
	static const struct {
		const struct peer_step *script;
		const char *cause, *words;
	} cases[] = {
		{ greeting_5, "smtp.rejected",
			"the greeting is refused: the server says 554 go away" },
		{ greeting_4, "smtp.busy", "421 too busy" },
		{ ehlo_5, "smtp.rejected", "EHLO is refused" },
		{ ehlo_4, "smtp.busy", "451 later" },
		{ tls_4, "smtp.no-starttls", "454 no key" },
		{ auth_5, "smtp.no-auth", "no login at all" },
		{ auth_bad, "smtp.auth", "535 5.7.8 wrong" },
		{ auth_echo, "smtp.auth", "500 and repeats what we logged in with" },
		{ ftp, "net.protocol", "an SSH server" },
		{ odd, "net.protocol", "the greeting: the server says 250 hi" },
		{ mixed, "net.protocol", "220-hi" },
		{ ends, "net.eof", "at EHLO" },
		{ half, "net.protocol", "220-hi" },
		{ resets, "net.reset", "reset" },
		{ endless, "net.protocol", "220-xxxx" },
		{ lines, "net.protocol", "220-x" },
		{ tls_server, "net.tls-required", "TLS" },
		{ injected, "net.protocol", "plain bytes" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(b, cases[i].script,
			trusting("starttls: required\nuser: me\npassword: secret\n"));
		if (strcmp(bench_cause(b), cases[i].cause) != 0 ||
			strstr(b->sample.text, cases[i].words) == NULL)
			fail_msg("%zu: %s, %s", i, bench_cause(b), b->sample.text);
		assert_null(strstr(b->sample.text, "AG1l"));
	}
}

static void
says_where_it_is_stuck(void **state)
{
	static const struct peer_step stall[] = { PEER_SEND("220 hi\r\n"), EHLO, PEER_STALL,
		PEER_END };
	static const struct peer_step partial[] = { PEER_SEND("220-hi\r\n220"), PEER_END };
	struct bench b;
	struct peer *peer;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	peer = peer_open(b.loop, stall);
	configure(&b, peer, "", "");
	bench_run_stuck(&b);
	assert_string_equal(bench_cause(&b), "net.noreply");
	assert_non_null(strstr(b.sample.text, "at EHLO"));
	peer_free(peer);
	peer = peer_open(b.loop, partial);
	configure(&b, peer, "", "");
	bench_run_stuck(&b);
	assert_non_null(strstr(b.sample.text, "reply does not end at the greeting"));
	peer_free(peer);
	bench_close(&b);
}

static void
complains(void **state)
{
	static const char *const bad[] = { "{}", "address: ''", "address: ':25'",
		"{ address: h, starttls: maybe }", "{ address: h, ehlo: 'a b' }",
		"{ address: h, user: me, password: x }", "{ address: h, password: x }",
		"address: 'smtps:///run/x'", "{ address: /run/x, starttls: required }",
		"{ address: h, user: me, password: x, starttls: false }" };
	struct bench *b = *state;
	char target[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(b, "smtp", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(bench_configure(b, "smtp", "{ address: h, starttls: false }"), 0);
	b->type->target(b->conf, NULL, target, sizeof(target));
	assert_string_equal(target, "smtp://h");
	assert_int_equal(
		bench_configure(b, "smtp", "{ address: 'smtps://h', user: m, password: x }"), 0);
}

/* --- the parser alone --- */

static void
reads_replies(void **state)
{
	static const char two[] = "250-a\r\n250 b\r\nrest";
	struct smtp_reply r;
	char rest[16];

	(void)state;
	assert_int_equal(smtp_reply_read(two, sizeof(two) - 1, &r), SMTP_REPLY);
	assert_int_equal(r.len, 14);
	assert_string_equal(r.text, "a / b");
	for (size_t len = 0; len < 14; len++)
		assert_int_equal(smtp_reply_read(two, len, &r), SMTP_MORE);
	assert_int_equal(smtp_reply_read("250\r\n", 5, &r), SMTP_REPLY);
	assert_int_equal(smtp_reply_read("250\n", 4, &r), SMTP_REPLY);
	assert_int_equal(smtp_reply_read("25", 2, &r), SMTP_MORE);
	assert_int_equal(smtp_reply_read("2x", 2, &r), SMTP_BROKEN);
	assert_int_equal(smtp_reply_read("250x\r\n", 6, &r), SMTP_BROKEN);
	assert_int_equal(smtp_reply_read("650 x\r\n", 7, &r), SMTP_BROKEN);
	assert_true(smtp_reply_offers(
		"250-AUTH\r\n250-auth=A\r\n250 X\r\n", 29, "AUTH", rest, sizeof(rest)));
	assert_string_equal(rest, "A");
	assert_false(smtp_reply_offers("250-me\r\n250 AUTHX\r\n", 19, "AUTH", rest, sizeof(rest)));
	assert_false(smtp_reply_offers("250 STARTTLS\r\n", 14, "STARTTLS", rest, sizeof(rest)));
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(goes_to_the_end),
		T(goes_over_to_tls),
		T(encrypts_by_chance_or_by_order),
		T(speaks_tls_at_once),
		T(logs_in),
		T(each_refusal_has_its_cause),
		T(says_where_it_is_stuck),
		T(complains),
		cmocka_unit_test(reads_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
