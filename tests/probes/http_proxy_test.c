/* HTTP through a proxy: who resolves what, who is blamed, and what is kept from whom. */
#include "tests/probes/http_scene.h"

static void
through(struct bench *b, const struct peer *proxy, const char *url, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "url: %s\nproxy: http://me:s3cret@%s\n%s", url,
		peer_address(proxy), more);
	if (bench_configure(b, "http", yaml) != 0)
		fail_msg("%s", b->complaint);
	bench_run(b);
}

/* The name does not exist for us: the proxy is asked for it as it stands. */
static void
the_proxy_gets_the_name(void **state)
{
	struct bench *b = *state;
	struct peer *proxy = peer_open(b->loop, good);

	through(b, proxy, "http://app.invalid:8080/path", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(peer_heard(proxy, 0), "GET http://app.invalid:8080/path HTTP/1.1"));
	assert_non_null(strstr(peer_heard(proxy, 0), "Host: app.invalid:8080"));
	assert_non_null(strstr(peer_heard(proxy, 0), "Proxy-Authorization: Basic bWU6czNjcmV0"));
	peer_free(proxy);
}

static const struct peer_step login[] = { ANSWER(
	"407 Proxy Authentication Required", "Content-Length: 0\r\n", "") };

static void
a_login_that_is_wanted_is_the_proxys(void **state)
{
	struct bench *b = *state;
	struct peer *proxy = peer_open(b->loop, login);

	through(b, proxy, "http://app.invalid/", "");
	assert_string_equal(bench_cause(b), "http.proxy");
	assert_non_null(strstr(b->sample.text, "407"));
	peer_free(proxy);
}

static const struct peer_step gateway[] = { ANSWER(
	"502 Bad Gateway", "Content-Length: 0\r\n", "") };
static const struct peer_step forbidden[] = { ANSWER(
	"403 Filtered", "Content-Length: 3\r\n", "no!") };

static void
a_tunnel_that_is_refused_is_told_apart(void **state)
{
	static const struct {
		const struct peer_step *script;
		const char *cause, *words;
	} cases[] = {
		{ gateway, "http.502", "answers 502" },
		{ forbidden, "http.proxy", "answers 403" },
		{ login, "http.proxy", "answers 407" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *proxy = peer_open(b->loop, cases[i].script);

		through(b, proxy, "https://app.invalid/", "");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_non_null(strstr(peer_heard(proxy, 0), "CONNECT app.invalid:443 HTTP/1.1"));
		if (strcmp(bench_cause(b), cases[i].cause) != 0 ||
			strstr(b->sample.text, cases[i].words) == NULL)
			fail_msg("%zu: %s %s", i, bench_cause(b), b->sample.text);
		assert_non_null(strstr(b->sample.text, "app.invalid"));
		assert_null(strstr(b->sample.text, "s3cret"));
		peer_free(proxy);
	}
}

static const struct peer_step closes[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
static const struct peer_step noise[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND("SSH-2.0-x\r\n"),
	PEER_CLOSE, PEER_END };

static void
a_broken_proxy_is_blamed_and_not_the_target(void **state)
{
	static const char *const urls[] = { "http://app.invalid/", "https://app.invalid/" };
	static const struct peer_step *const scripts[] = { closes, noise };
	struct bench *b = *state;

	for (size_t i = 0; i < 4; i++) {
		struct peer *proxy = peer_open(b->loop, scripts[i / 2]);

		through(b, proxy, urls[i % 2], "");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		if (strcmp(bench_cause(b), "http.proxy") != 0 ||
			strstr(b->sample.text, "proxy") == NULL)
			fail_msg("%zu: %s %s", i, bench_cause(b), b->sample.text);
		peer_free(proxy);
	}
}

static void
a_proxy_that_is_not_there_is_named(void **state)
{
	struct bench *b = *state;
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "url: http://127.0.0.1/\nproxy: http://127.0.0.1:%u\n",
		peer_dead_port());
	assert_int_equal(bench_configure(b, "http", yaml), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "http.proxy");
	assert_non_null(strstr(b->sample.text, "proxy 127.0.0.1"));
}

static const struct peer_step stall[] = { PEER_STALL, PEER_END };

static void
silence_behind_a_proxy_is_nobodys_fault_yet(void **state)
{
	struct bench *b = *state;
	struct peer *proxy = peer_open(b->loop, stall);

	b->timeout_us = USEC_PER_SEC;
	through(b, proxy, "https://app.invalid/", "");
	assert_string_equal(bench_cause(b), "net.noreply");
	assert_non_null(strstr(b->sample.text, "the proxy 127.0.0.1"));
	assert_non_null(strstr(b->sample.text, "app.invalid"));
	peer_free(proxy);
}

/* The tunnel stands: from here on it is the target that is spoken to, and verified. */
static const struct peer_step tunnel[] = { PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n"), PEER_START_TLS,
	ANSWER("200 OK", "Content-Length: 2\r\n", "ok") };

static void
the_certificate_is_the_targets(void **state)
{
	struct bench *b = *state;
	const struct peer_cert cert = { .names = "DNS:app.invalid" };
	const struct peer_options o = { .script = tunnel, .cert = &cert };
	struct peer *proxy = peer_open_with(b->loop, &o);
	char more[256];

	snprintf(more, sizeof(more), "ca: %s\nexpect: { header: { X-Proxy: yes } }\n",
		peer_ca_path());
	through(b, proxy, "https://app.invalid/", more);
	assert_string_equal(bench_cause(b), "http.header-mismatch"); /* the proxy's, not its */
	snprintf(more, sizeof(more), "ca: %s\n", peer_ca_path());
	through(b, proxy, "https://app.invalid/", more);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "tls_days_left") > 0);
	through(b, proxy, "https://other.invalid/", more);
	assert_string_equal(bench_cause(b), "net.tls-verify");
	peer_free(proxy);
}

static void
complains_about_settings(void **state)
{
	static const char *const cases[] = { "proxy: https://h:1", "proxy: socks5://h:1",
		"proxy: http://h:1/path", "proxy: h:1", "proxy: http://h:1\nunix_socket: /run/x" };
	struct bench *b = *state;
	char yaml[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(yaml, sizeof(yaml), "url: http://a/\n%s\n", cases[i]);
		if (bench_configure(b, "http", yaml) == 0)
			fail_msg("accepted: %s", cases[i]);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_proxy_gets_the_name),
		T(a_login_that_is_wanted_is_the_proxys),
		T(a_tunnel_that_is_refused_is_told_apart),
		T(a_broken_proxy_is_blamed_and_not_the_target),
		T(a_proxy_that_is_not_there_is_named),
		T(silence_behind_a_proxy_is_nobodys_fault_yet),
		T(the_certificate_is_the_targets),
		T(complains_about_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
