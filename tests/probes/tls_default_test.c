/*
 * Whoever asks for TLS gets a verified peer or a failure: every probe that speaks TLS meets every
 * certificate that must not be accepted, with the settings that a user would begin with.  Nothing
 * but the handshake may reach such a peer.  A probe with TLS settings that is not named here fails
 * this.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/probe.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

/* "%s" is 127.0.0.1:PORT. */
static const struct speaker {
	const char *type;
	const char *yaml;
	bool is_elsewhere; /* it begins in plain, in a dialect of its own: see there */
} speakers[] = {
	{ "http", "url: https://%s/\n", false },
	{ "http", "url: https://%s/\nauth: { type: digest, user: u, password: p4ss }\n", false },
	{ "http", "url: https://%s/\nheaders: { X-Key: p4ss }\nfollow: 0\n", false },
	{ "redis", "url: rediss://:p4ss@%s/0\n", false },
	{ "smtp", "address: smtps://%s\nuser: u\npassword: p4ss\n", false },
	{ "tcp", "address: %s\ntls: true\nsend: p4ss\n", false },
	{ "tls", "address: %s\n", false },
	/* tests/probes/mysql_test.c: a_certificate_that_is_refused; tests/e2e/mysql_test.py:
	   test_tls */
	{ "mysql", NULL, true },
	/* tests/e2e/postgres_test.py: test_tls; sslmode means what libpq says it means */
	{ "postgres", NULL, true },
};

static const struct wrong {
	const char *name;
	struct peer_cert cert;
	bool knows_ca; /* the settings name the authority that signed it */
} wrongs[] = {
	{ "self-signed", { .is_self_signed = 1 }, true },
	{ "another's name", { .names = "DNS:other.example" }, true },
	{ "no name at all", { .names = "email:a@b.example" }, true },
	{ "expired", { .days_left = -3 }, true },
	{ "an authority nobody knows", { .days_left = 0 }, false },
};

static const struct peer_step script[] = { PEER_STALL, PEER_END };

static void
meet(struct bench *b, const struct speaker *speaker, const struct wrong *wrong)
{
	const struct peer_options o = { .script = script, .is_tls = 1, .cert = &wrong->cert };
	struct peer *peer = peer_open_with(b->loop, &o);
	char yaml[512];
	const char *at = strstr(speaker->yaml, "%s");
	int len = snprintf(yaml, sizeof(yaml), "%.*s%s%s", (int)(at - speaker->yaml), speaker->yaml,
		peer_address(peer), at + 2);

	if (wrong->knows_ca)
		snprintf(yaml + len, sizeof(yaml) - (size_t)len, "ca: %s\n", peer_ca_path());
	if (bench_configure(b, speaker->type, yaml) != 0)
		fail_msg("%s: %s", speaker->type, b->complaint);
	bench_run(b);
	if (b->sample.outcome != OUTCOME_FAIL || strcmp(bench_cause(b), "net.tls-verify") != 0)
		fail_msg("%s: %s: outcome %d, %s: %s", speaker->type, wrong->name,
			(int)b->sample.outcome, bench_cause(b), b->sample.text);
	for (unsigned i = 0; i < peer_accepted(peer); i++)
		if (peer_heard_len(peer, i) != 0)
			fail_msg("%s: %s: it heard \"%s\"", speaker->type, wrong->name,
				peer_heard(peer, i));
	peer_free(peer);
}

static void
nobody_is_believed_without_proof(void **state)
{
	for (size_t i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++)
		for (size_t k = 0; k < sizeof(wrongs) / sizeof(wrongs[0]); k++)
			if (!speakers[i].is_elsewhere)
				meet(*state, &speakers[i], &wrongs[k]);
}

/* A server that has no TLS is not spoken to in plain instead. */
static void
nobody_falls_back_to_plain(void **state)
{
	static const struct peer_step plain[] = { PEER_SEND("220 hello\r\n"), PEER_STALL,
		PEER_END };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++) {
		struct peer *peer;
		char yaml[512];
		const char *at;

		if (speakers[i].is_elsewhere)
			continue;
		peer = peer_open(b->loop, plain);
		at = strstr(speakers[i].yaml, "%s");
		snprintf(yaml, sizeof(yaml), "%.*s%s%s", (int)(at - speakers[i].yaml),
			speakers[i].yaml, peer_address(peer), at + 2);
		assert_int_equal(bench_configure(b, speakers[i].type, yaml), 0);
		bench_run(b);
		if (b->sample.outcome != OUTCOME_FAIL || !str_starts(bench_cause(b), "net.tls-"))
			fail_msg("%s: %s: %s", speakers[i].type, bench_cause(b), b->sample.text);
		for (unsigned k = 0; k < peer_accepted(peer); k++)
			assert_null(strstr(peer_heard(peer, k), "p4ss"));
		peer_free(peer);
	}
}

static bool
has_field(const struct probe_type *type, const char *name)
{
	for (const struct conf_field *f = type->fields; f->type != CONF_END; f++)
		if (str_eq(f->name, name))
			return true;
	return false;
}

static void
no_speaker_is_forgotten(void **state)
{
	(void)state;
	for (size_t i = 0; probe_table[i] != NULL; i++) {
		bool is_here = false;

		for (size_t k = 0; k < sizeof(speakers) / sizeof(speakers[0]); k++)
			is_here |= str_eq(speakers[k].type, probe_table[i]->name);
		if (!is_here &&
			(has_field(probe_table[i], "ca") || has_field(probe_table[i], "verify")))
			fail_msg("%s speaks TLS: give it a row", probe_table[i]->name);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nobody_is_believed_without_proof),
		T(nobody_falls_back_to_plain),
		T(no_speaker_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
