/*
 * Every row of the receiver table against every answer that a place may give: what it means (wire
 * contract §14), what is read of it, and that secrets are in no word that we say.  A row that is
 * not in rows.h fails.
 */
#include "tests/alerts/matrix.h"
#include "tests/help/dns.h"

#define READ_MAX ((size_t)8 << 20) /* sent to us before we hang up, kernel's buffers included */

/* ---- statuses ---- */

static const struct answer {
	int status;
	const char *headers;
	enum send_result result;
	int retry_after; /* seconds that must be passed on */
} answers[] = {
	{ 301, "Location: http://127.0.0.1:1/\r\n", SEND_NEVER, 0 },
	{ 307, "Location: http://127.0.0.1:1/\r\n", SEND_NEVER, 0 },
	{ 400, "", SEND_NEVER, 0 },
	{ 401, "WWW-Authenticate: Basic realm=x\r\n", SEND_NEVER, 0 },
	{ 403, "", SEND_NEVER, 0 },
	{ 404, "", SEND_NEVER, 0 },
	{ 408, "", SEND_LATER, 0 },
	{ 410, "", SEND_DISABLE, 0 },
	{ 413, "", SEND_NEVER, 0 },
	{ 425, "", SEND_LATER, 0 },
	{ 429, "", SEND_LATER, 0 },
	{ 429, "Retry-After: 7\r\n", SEND_LATER, 7 },
	{ 429, "Retry-After: tomorrow\r\n", SEND_LATER, 0 },
	{ 500, "", SEND_LATER, 0 },
	{ 502, "", SEND_LATER, 0 },
	{ 503, "Retry-After: 7\r\n", SEND_LATER, 7 },
};

/* Where a service means something else. */
static const struct exception {
	const char *name;
	int status;
	enum send_result result;
} exceptions[] = {
	{ "", 0, SEND_NONE },
};

static enum send_result
meant(const struct row *row, const struct answer *answer)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		if (str_eq(exceptions[i].name, row->name) && exceptions[i].status == answer->status)
			return exceptions[i].result;
	}
	return answer->result;
}

static void
meet_answers(struct desk *desk, const struct row *row)
{
	char what[80];

	try_against(desk, row, row->taken_status, "", row->taken, NULL);
	expect(desk, row, "its good answer", SEND_OK);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer *a = &answers[i];

		try_against(desk, row, a->status, a->headers, "no such thing", NULL);
		snprintf(what, sizeof(what), "%d %.40s", a->status, a->headers);
		expect(desk, row, what, meant(row, a));
		if (desk->result == SEND_LATER &&
			desk->retry_after_us != a->retry_after * USEC_PER_SEC)
			fail_msg("%s: %s: asked to wait %lld us", row->name, what,
				(long long)desk->retry_after_us);
	}
	if (row->error != NULL) {
		try_against(desk, row, 200, "", row->error, NULL);
		expect(desk, row, "200 with an error in it", row->error_result);
	}
	/* No body: taken where the status is all there is to say. */
	try_against(desk, row, 204, "", "", NULL);
	expect(desk, row, "204",
		row->error == NULL || str_eq(row->name, "discord") ? SEND_OK : SEND_LATER);
}

/* The server says back all that it was told, secrets and all. */
static void
meet_echo(struct desk *desk, const struct row *row)
{
	static const int statuses[] = { 200, 400, 401, 429, 500 };
	char *echo = xasprintf("{\"ok\":false,\"error\":\"bad %s\",\"errcode\":-7,\"code\":-7,"
			       "\"message\":\"POST " SECRET_PATH " %s\",\"errmsg\":\"" SECRET_PATH
			       " %s\",\"description\":\"bot%s " SECRET_PATH "\"}",
		SECRET_PATH, row->secret == NULL ? "" : row->secret,
		row->secret == NULL ? "" : row->secret, row->secret == NULL ? "" : row->secret);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		try_against(desk, row, statuses[i], "", echo, NULL);
		keeps_secrets(desk, row, "echo");
	}
	free(echo);
}

/* ---- connections ---- */

#define HEAD_OK "HTTP/1.1 200 OK\r\n"

static const struct peer_step stall[] = { PEER_STALL, PEER_END };
static const struct peer_step half[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 200 O"),
	PEER_STALL, PEER_END };
static const struct peer_step half_body[] = { PEER_EXPECT("\r\n\r\n"),
	PEER_SEND(HEAD_OK "Content-Length: 9\r\n\r\n{\"ok\""), PEER_STALL, PEER_END };
static const struct peer_step closes[] = { PEER_CLOSE, PEER_END };
static const struct peer_step closes_late[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
static const struct peer_step resets[] = { PEER_RESET, PEER_END };
static const struct peer_step resets_late[] = { PEER_EXPECT("\r\n\r\n"), PEER_RESET, PEER_END };
static const struct peer_step garbage[] = { PEER_EXPECT("\r\n\r\n"), PEER_GARBAGE, PEER_CLOSE,
	PEER_END };
static const struct peer_step no_end[] = { PEER_EXPECT("\r\n\r\n"), PEER_ENDLESS_LINE, PEER_END };
static const struct peer_step trickle[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND(HEAD_OK "X: "),
	PEER_STALL, PEER_END };
static const struct peer_step headers[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND(HEAD_OK),
	PEER_REPEAT("X-Again: and again\r\n", (size_t)100 << 20), PEER_END };

static const struct trouble {
	const char *name;
	const struct peer_step *script;
} troubles[] = {
	{ "hangs", stall },
	{ "hangs in the status line", half },
	{ "hangs in the body", half_body },
	{ "hangs in a header", trickle },
	{ "closes at once", closes },
	{ "closes without an answer", closes_late },
	{ "resets at once", resets },
	{ "resets without an answer", resets_late },
	{ "sends garbage", garbage },
	{ "never ends a line", no_end },
	{ "100 MB of headers", headers },
};

static void
meet_troubles(struct desk *desk, const struct row *row)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		struct peer *peer = peer_open(desk->loop, troubles[i].script);
		char *origin = xasprintf("http://%s", peer_address(peer));

		configure_quick(desk, row, origin);
		send_it(desk);
		expect(desk, row, troubles[i].name, SEND_LATER);
		assert_in_range(peer_sent(peer), 0, READ_MAX);
		forget(desk);
		peer_free(peer);
		free(origin);
	}
}

static void
meet_nobody(struct desk *desk, const struct row *row)
{
	char *origin = xasprintf("http://127.0.0.1:%u", peer_dead_port());

	configure(desk, row, origin, "");
	send_it(desk);
	expect(desk, row, "nobody listens", SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_NETWORK);
	forget(desk);
	free(origin);
}

/* A header in drops, each of them progress: only the deadline ends it. */
static void
meet_trickle(struct desk *desk, const struct row *row)
{
	size_t len = (size_t)1 << 20;
	char *drops = xcalloc(1, len + 1);
	struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND(HEAD_OK "X: "),
		{ PEER_DO_TRICKLE, drops, len }, PEER_END };
	struct peer *peer = peer_open(desk->loop, script);
	char *origin = xasprintf("http://%s", peer_address(peer));

	memset(drops, 'x', len);
	configure_quick(desk, row, origin);
	send_it(desk);
	expect(desk, row, "a slow trickle", SEND_LATER);
	forget(desk);
	peer_free(peer);
	free(origin);
	free(drops);
}

/* What it says first decides; the rest is not read, and what is kept stays small. */
static void
meet_flood(struct desk *desk, const struct row *row)
{
	static const int statuses[] = { 200, 400, 500 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		char *head = xasprintf(
			"HTTP/1.1 %d W\r\nContent-Length: 104857600\r\n\r\n", statuses[i]);
		const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
			PEER_SEND_BYTES(head, strlen(head)),
			PEER_REPEAT("0123456789abcde ", (size_t)100 << 20), PEER_END };
		struct peer *peer = peer_open(desk->loop, script);
		char *origin = xasprintf("http://%s", peer_address(peer));

		configure(desk, row, origin, "");
		send_it(desk);
		keeps_secrets(desk, row, "100 MB");
		if (statuses[i] != 200 || row->error != NULL)
			assert_int_not_equal(desk->result, SEND_OK);
		assert_in_range(peer_sent(peer), 1, READ_MAX);
		assert_true(strlen(desk->transcript) < 100000);
		forget(desk);
		peer_free(peer);
		free(origin);
		free(head);
	}
}

/* ---- TLS, names ---- */

static const struct peer_step plain[] = {
	PEER_SEND("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), PEER_CLOSE, PEER_END
};
static const struct peer_cert good = { 0 };
static const struct peer_cert self_signed = { .is_self_signed = 1 };
static const struct peer_cert expired = { .days_left = -2 };
static const struct peer_cert other_name = { .names = "DNS:other.test" };

static const struct secure {
	const char *name;
	const struct peer_cert *cert; /* NULL: speaks no TLS */
	enum send_result result;
} secures[] = {
	{ "a good certificate", &good, SEND_OK },
	{ "self-signed", &self_signed, SEND_LATER },
	{ "expired", &expired, SEND_LATER },
	{ "another's name", &other_name, SEND_LATER },
	{ "plain where TLS is expected", NULL, SEND_LATER },
};

static void
meet_tls(struct desk *desk, const struct row *row)
{
	char *reply = xasprintf("HTTP/1.1 %d W\r\nContent-Length: %zu\r\n\r\n%s", row->taken_status,
		strlen(row->taken), row->taken);
	const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND_BYTES(reply, strlen(reply)), PEER_END };
	char *ca = xasprintf("ca: %s\n", peer_ca_path());

	for (size_t i = 0; i < sizeof(secures) / sizeof(secures[0]); i++) {
		const struct peer_options options = { .script = secures[i].cert ? script : plain,
			.is_tls = secures[i].cert != NULL,
			.cert = secures[i].cert };
		struct peer *peer = peer_open_with(desk->loop, &options);
		char *origin = xasprintf("https://%s", peer_address(peer));

		configure(desk, row, origin, ca);
		send_it(desk);
		expect(desk, row, secures[i].name, secures[i].result);
		if (secures[i].result != SEND_OK)
			assert_null(strstr(peer_heard(peer, 0), "hidden"));
		forget(desk);
		peer_free(peer);
		free(origin);
	}
	free(ca);
	free(reply);
}

static void
meet_dns(struct desk *desk, const struct row *row)
{
	static const struct dns_row names[] = {
		{ .name = "mute.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
		{ .name = "sick.test", .v4_does = DNS_SERVFAIL, .v6_does = DNS_SERVFAIL },
		{ .name = NULL },
	};
	static const char *const places[] = { "http://mute.test:1", "http://sick.test:1",
		"http://nobody.test:1" };
	struct dns *dns = dns_open(desk->loop, names);
	const struct resolve_options options = { .servers = dns_address(dns),
		.hosts_path = "/dev/null",
		.timeout_us = USEC_PER_SEC / 10 };
	struct resolver *resolver = desk->env.resolver;
	struct http_client *http = desk->env.http;

	desk->env.resolver = resolver_new(desk->loop, &options);
	desk->env.http = http_client_new(desk->loop, desk->env.resolver, desk->env.tls);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		configure_quick(desk, row, places[i]);
		send_it(desk);
		expect(desk, row, places[i], SEND_LATER);
		forget(desk);
	}
	http_client_free(desk->env.http);
	resolver_free(desk->env.resolver);
	loop_turn(desk->loop, false);
	desk->env.resolver = resolver;
	desk->env.http = http;
	dns_free(dns);
}

/* ---- all of it ---- */

static void
every_row(struct desk *desk, void (*part)(struct desk *desk, const struct row *row))
{
	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		const struct row *row = row_find(receiver_table[i]);

		if (row == NULL)
			fail_msg("%s: give it a row in tests/alerts/rows.h",
				receiver_table[i]->name);
		if (row->kind == ROW_URL)
			part(desk, row);
	}
}

#define TEST_OF(part)                                                                              \
	static void every_url_##part(void **state)                                                 \
	{                                                                                          \
		every_row(*state, part);                                                           \
	}

TEST_OF(meet_answers)
TEST_OF(meet_echo)
TEST_OF(meet_troubles)
TEST_OF(meet_nobody)
TEST_OF(meet_trickle)
TEST_OF(meet_flood)
TEST_OF(meet_tls)
TEST_OF(meet_dns)

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(every_url_meet_answers),
		T(every_url_meet_echo),
		T(every_url_meet_troubles),
		T(every_url_meet_nobody),
		T(every_url_meet_trickle),
		T(every_url_meet_flood),
		T(every_url_meet_tls),
		T(every_url_meet_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
