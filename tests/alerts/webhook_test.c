/*
 * The generic webhook against a scripted server: what it sends, how it signs (checked with OpenSSL,
 * not with our own code), and what it makes of every answer.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <strings.h>

#include "alerts/table.h"
#include "tests/alerts/net_desk.h"

#define KEY        "0123456789abcdef0123456789abcdef"
#define KEY_BASE64 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define PATH       "/hidden/token-path"

static const struct peer_step answer_204[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_EXPECT("}}}"),
	PEER_SEND("HTTP/1.1 204 No Content\r\n\r\n"),
	PEER_END,
};

static void
configure(struct desk *desk, const struct peer *peer, const char *more)
{
	char *yaml = xasprintf("url: http://%s" PATH "\n%s", peer_address(peer), more);

	assert_int_equal(desk_configure(desk, &receiver_type_webhook, yaml), 0);
	free(yaml);
}

/* The value of a request header, or NULL. */
static const char *
header(const char *request, const char *name, char *out, size_t size)
{
	const char *end = strstr(request, "\r\n\r\n");
	size_t len = strlen(name);

	for (const char *line = strstr(request, "\r\n"); line != NULL && line < end;
		line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " ");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line);
		return out;
	}
	return NULL;
}

/* As a receiver in any language would compute it. */
static void
expected_signature(const char *request, const char *key, char *out, size_t size)
{
	const char *body = strstr(request, "\r\n\r\n") + 4;
	char id[64], stamp[32];
	unsigned char mac[EVP_MAX_MD_SIZE], text[96];
	unsigned len = 0;
	char *content;

	assert_non_null(header(request, "webhook-id", id, sizeof(id)));
	assert_non_null(header(request, "webhook-timestamp", stamp, sizeof(stamp)));
	content = xasprintf("%s.%s.%s", id, stamp, body);
	assert_non_null(HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)content,
		strlen(content), mac, &len));
	EVP_EncodeBlock(text, mac, (int)len);
	snprintf(out, size, "v1,%s", (char *)text);
	free(content);
}

static void
posts_a_signed_event(void **state)
{
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, answer_204);
	char value[256], first[128], second[128], both[260];
	const char *request;
	char *body;

	configure(desk, peer,
		"secret: whsec_" KEY_BASE64 ", raw:old words\nheaders: { X-Team: core }\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	request = peer_heard(peer, 0);
	assert_true(str_starts(request, "POST " PATH " HTTP/1.1\r\n"));
	assert_string_equal(
		header(request, "content-type", value, sizeof(value)), "application/json");
	assert_string_equal(header(request, "user-agent", value, sizeof(value)), "triaged/1.2.3");
	assert_string_equal(header(request, "webhook-id", value, sizeof(value)), desk->notice.id);
	assert_string_equal(header(request, "x-team", value, sizeof(value)), "core");
	assert_non_null(header(request, "webhook-timestamp", value, sizeof(value)));
	assert_in_range(strtoll(value, NULL, 10), 1, loop_wall(desk->loop) / USEC_PER_SEC + 1);
	expected_signature(request, KEY, first, sizeof(first));
	expected_signature(request, "old words", second, sizeof(second));
	snprintf(both, sizeof(both), "%s %s", first, second);
	assert_string_equal(header(request, "webhook-signature", value, sizeof(value)), both);
	body = notice_body(&desk->notice, 20000);
	assert_string_equal(strstr(request, "\r\n\r\n") + 4, body);
	free(body);
	peer_free(peer);
}

/* Wherever an answer is cut, no half of a secret is left of it. */
static void
a_cut_answer_keeps_the_secret(void **state)
{
	struct desk *desk = *state;
	struct secret_set *secrets = secret_set_new();

	secret_set_add(secrets, "hidden/token-path");
	desk->env.secrets = secrets;
	for (size_t before = 100; before < 2000; before += before < 180    ? 1
							   : before < 1970 ? 1790
									   : 1) {
		char *said = xasprintf(
			"%0*d /hidden/token-path and more of it %0400d", (int)before, 0, 0);
		char *answer = xasprintf(
			"HTTP/1.1 400 No\r\nContent-Length: %zu\r\n\r\n%s", strlen(said), said);
		const struct peer_step script[] = { PEER_EXPECT("}}}"),
			PEER_SEND_BYTES(answer, strlen(answer)), PEER_END };
		struct peer *peer = peer_open(desk->loop, script);

		configure(desk, peer, "");
		assert_int_equal(desk_send(desk), SEND_NEVER);
		assert_null(strstr(desk->text, "hidd"));
		assert_null(strstr(desk->transcript, "hidd"));
		desk_forget(desk);
		peer_free(peer);
		free(answer);
		free(said);
	}
	desk->env.secrets = NULL;
	secret_set_free(secrets);
}

/* "user:hunter22" as it is sent. */
static void
a_login_that_comes_back_is_masked(void **state)
{
	static const struct peer_step echo[] = { PEER_EXPECT("}}}"),
		PEER_SEND("HTTP/1.1 400 No\r\nConnection: close\r\n\r\n"
			  "{\"authorization\": \"Basic dXNlcjpodW50ZXIyMg==\"}"),
		PEER_CLOSE, PEER_END };
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, echo);
	char *yaml = xasprintf("url: http://user:hunter22@%s/", peer_address(peer));

	assert_int_equal(desk_configure(desk, &receiver_type_webhook, yaml), 0);
	assert_int_equal(desk_send(desk), SEND_NEVER);
	assert_non_null(strstr(desk->text, "Basic ***"));
	assert_non_null(strstr(desk->transcript, "Basic ***"));
	assert_null(strstr(desk->transcript, "dXNlcj"));
	peer_free(peer);
	free(yaml);
}

static void
every_try_has_the_same_id_and_body(void **state)
{
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, answer_204);
	char value[64];

	configure(desk, peer, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_int_equal(peer_accepted(peer), 2);
	assert_string_equal(
		strstr(peer_heard(peer, 0), "\r\n\r\n"), strstr(peer_heard(peer, 1), "\r\n\r\n"));
	assert_string_equal(
		header(peer_heard(peer, 1), "webhook-id", value, sizeof(value)), desk->notice.id);
	assert_null(header(peer_heard(peer, 1), "webhook-signature", value, sizeof(value)));
	peer_free(peer);
}

static void
a_body_never_exceeds_20_kb(void **state)
{
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, answer_204);
	char fact[1500];

	memset(fact, 'f', sizeof(fact) - 1);
	fact[sizeof(fact) - 1] = '\0';
	for (int i = 0; i < 40; i++)
		incident_add_text(&desk->notice.incident.facts, "fact", fact, 0);
	configure(desk, peer, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_in_range(strlen(strstr(peer_heard(peer, 0), "\r\n\r\n") + 4), 10000, 20000);
	assert_non_null(strstr(peer_heard(peer, 0), "\"truncated\":true"));
	peer_free(peer);
}

static void
every_status_has_its_meaning(void **state)
{
	static const struct {
		int status;
		enum send_result result;
		enum send_class why;
	} cases[] = {
		{ 200, SEND_OK, SEND_CLASS_NONE },
		{ 201, SEND_OK, SEND_CLASS_NONE },
		{ 202, SEND_OK, SEND_CLASS_NONE },
		{ 299, SEND_OK, SEND_CLASS_NONE },
		{ 301, SEND_NEVER, SEND_CLASS_AUTH },
		{ 302, SEND_NEVER, SEND_CLASS_AUTH },
		{ 307, SEND_NEVER, SEND_CLASS_AUTH },
		{ 304, SEND_NEVER, SEND_CLASS_AUTH },
		{ 400, SEND_NEVER, SEND_CLASS_CLIENT },
		{ 401, SEND_NEVER, SEND_CLASS_AUTH },
		{ 403, SEND_NEVER, SEND_CLASS_AUTH },
		{ 404, SEND_NEVER, SEND_CLASS_AUTH },
		{ 413, SEND_NEVER, SEND_CLASS_CLIENT },
		{ 407, SEND_LATER, SEND_CLASS_AUTH },
		{ 408, SEND_LATER, SEND_CLASS_TIMEOUT },
		{ 410, SEND_DISABLE, SEND_CLASS_CLIENT },
		{ 425, SEND_LATER, SEND_CLASS_SERVER },
		{ 429, SEND_LATER, SEND_CLASS_RATE },
		{ 500, SEND_LATER, SEND_CLASS_SERVER },
		{ 502, SEND_LATER, SEND_CLASS_SERVER },
		{ 503, SEND_LATER, SEND_CLASS_SERVER },
		{ 504, SEND_LATER, SEND_CLASS_SERVER },
		{ 599, SEND_LATER, SEND_CLASS_SERVER },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf("HTTP/1.1 %d Words\r\nLocation: /elsewhere\r\n"
				       "Retry-After: 7\r\nConnection: close\r\n"
				       "Content-Length: 11\r\n\r\nno_service\n",
			cases[i].status);
		const struct peer_step script[] = {
			PEER_EXPECT("}}}"),
			PEER_SEND_BYTES(text, strlen(text)),
			PEER_CLOSE,
			PEER_END,
		};
		struct peer *peer = peer_open(desk->loop, script);
		char words[64];

		configure(desk, peer, "");
		if (desk_send(desk) != cases[i].result || desk->class != cases[i].why)
			fail_msg("%d: %d, %s", cases[i].status, desk->result, desk->text);
		snprintf(words, sizeof(words), "status %d", cases[i].status);
		assert_non_null(strstr(desk->text, words));
		if (cases[i].status >= 400)
			assert_non_null(strstr(desk->text, "no_service"));
		assert_int_equal(
			desk->retry_after_us, cases[i].result == SEND_LATER ? 7 * USEC_PER_SEC : 0);
		assert_int_equal(peer_accepted(peer), 1);
		assert_null(strstr(desk->text, "token-path"));
		desk_forget(desk);
		peer_free(peer);
		free(text);
	}
}

static void
nobody_there_is_later(void **state)
{
	struct desk *desk = *state;
	char *yaml = xasprintf("url: http://127.0.0.1:%u" PATH "\n", peer_dead_port());
	char text[128];

	assert_int_equal(desk_configure(desk, &receiver_type_webhook, yaml), 0);
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_null(strstr(desk->text, "token-path"));
	receiver_type_webhook.target(desk->conf, text, sizeof(text));
	assert_true(str_starts(text, "http://127.0.0.1:"));
	assert_null(strstr(text, "hidden"));
	free(yaml);
}

static void
a_password_in_the_url_is_basic_auth(void **state)
{
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, answer_204);
	char *yaml = xasprintf("url: http://me:p%%40ss@%s" PATH "\n", peer_address(peer));
	char value[128];

	assert_int_equal(desk_configure(desk, &receiver_type_webhook, yaml), 0);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_string_equal(header(peer_heard(peer, 0), "authorization", value, sizeof(value)),
		"Basic bWU6cEBzcw==");
	receiver_type_webhook.target(desk->conf, value, sizeof(value));
	assert_null(strstr(value, "ss@"));
	peer_free(peer);
	free(yaml);
}

static void
certificates_are_verified_unless_told_otherwise(void **state)
{
	static const struct peer_cert foreign = { .is_self_signed = 1 };
	struct desk *desk = *state;
	const struct peer_options trusted = { .script = answer_204, .is_tls = 1 };
	const struct peer_options untrusted = {
		.script = answer_204, .is_tls = 1, .cert = &foreign
	};
	static const struct {
		bool is_trusted;
		const char *more;
		enum send_result result;
	} cases[] = {
		{ true, "ca", SEND_OK },
		{ true, "", SEND_LATER },
		{ false, "ca", SEND_LATER },
		{ false, "verify: false\n", SEND_OK },
	};

	for (size_t i = 0; i < 4; i++) {
		struct peer *peer =
			peer_open_with(desk->loop, cases[i].is_trusted ? &trusted : &untrusted);
		char *more = str_eq(cases[i].more, "ca") ? xasprintf("ca: %s\n", peer_ca_path())
							 : xstrdup(cases[i].more);
		char *yaml = xasprintf("url: https://%s" PATH "\n%s", peer_address(peer), more);

		assert_int_equal(desk_configure(desk, &receiver_type_webhook, yaml), 0);
		if (desk_send(desk) != cases[i].result)
			fail_msg("case %zu: %d, %s", i, desk->result, desk->text);
		desk_forget(desk);
		peer_free(peer);
		free(yaml);
		free(more);
	}
}

static void
an_abort_closes_the_connection(void **state)
{
	static const struct peer_step silent[] = { PEER_EXPECT("}}}"), PEER_END };
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, silent);
	struct send_run *run;

	configure(desk, peer, "");
	run = desk_start(desk);
	for (int i = 0; i < 500 && strstr(peer_heard(peer, 0), "}}}") == NULL; i++)
		loop_turn(desk->loop, true);
	assert_int_equal(peer_living(peer), 1);
	send_run_abort(run);
	for (int i = 0; i < 500 && peer_living(peer) > 0; i++)
		loop_turn(desk->loop, true);
	assert_int_equal(peer_living(peer), 0);
	assert_int_equal(desk->verdicts, 0);
	peer_free(peer);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "url" },
		{ "url: ftp://example.com/in", "http" },
		{ "url: not a url", "url" },
		{ "{ url: http://h/in, secret: hunter22 }", "whsec_" },
		{ "{ url: http://h/in, secret: \"whsec_%%%%\" }", "not base64" },
		{ "{ url: http://h/in, secret: whsec_ }", "not base64" },
		{ "{ url: http://h/in, secret: \"raw:\" }", "1024 bytes" },
		{ "{ url: http://h/in, secret: \"raw:a,hunter22\" }", "whsec_" },
		{ "{ url: http://h/in, headers: { webhook-id: x } }", "itself" },
		{ "{ url: http://h/in, headers: { Content-Length: 3 } }", "itself" },
		{ "{ url: http://h/in, headers: { \"a b\": x } }", "name of a header" },
		{ "{ url: http://h/in, headers: { a: \"x\\r\\nb: y\" } }", "line end" },
		{ "{ url: http://h/in, timeout: 2h }", "timeout" },
		{ "{ url: http://h/in, method: GET }", "method" },
		{ "{ url: https://h/in, ca: /nonexistent/ca.pem }", "/nonexistent/ca.pem" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned errors = desk_configure(desk, &receiver_type_webhook, cases[i][0]);
		struct buf text;

		buf_init(&text, 0);
		complaints_print(desk->complaints, &text);
		if (errors < 1 || strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		desk_forget(desk);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(posts_a_signed_event),
		T(every_try_has_the_same_id_and_body),
		T(a_cut_answer_keeps_the_secret),
		T(a_login_that_comes_back_is_masked),
		T(a_body_never_exceeds_20_kb),
		T(every_status_has_its_meaning),
		T(nobody_there_is_later),
		T(a_password_in_the_url_is_basic_auth),
		T(certificates_are_verified_unless_told_otherwise),
		T(an_abort_closes_the_connection),
		T(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
