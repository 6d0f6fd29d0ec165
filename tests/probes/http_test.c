/* HTTP: what is sent, redirects, TLS, and places.  Expectations are in http_judge_test.c. */
#include "probes/http_run.h"
#include "tests/probes/http_scene.h"

static void
asks_and_is_content(void **state)
{
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, good);
	char host[64];

	run(b, peer, "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_string_equal(b->sample.text, "status 200");
	assert_true(bench_value(b, "status") == 200);
	assert_true(bench_value(b, "body_bytes") == 2);
	assert_true(bench_value(b, "redirects") == 0);
	assert_true(bench_value(b, "connect_time") >= 0);
	assert_true(bench_value(b, "send_time") >= 0);
	assert_true(bench_value(b, "first_byte_time") >= 0);
	assert_true(bench_value(b, "transfer_time") >= 0);
	assert_true(isnan(bench_value(b, "tls_time")));
	assert_true(isnan(bench_value(b, "tls_days_left")));
	assert_int_equal(b->sample.fact_count, 0);
	snprintf(host, sizeof(host), "Host: %s\r\n", peer_address(peer));
	assert_int_equal(strncmp(peer_heard(peer, 0), "GET /path?q=1 HTTP/1.1\r\n", 24), 0);
	assert_heard(peer, 0, host);
	assert_heard(peer, 0, "User-Agent: triaged/" TRIAGED_VERSION "\r\n");
	assert_heard(peer, 0, "Connection: close\r\n");
	assert_not_heard(peer, 0, "Cookie");
	peer_free(peer);
}

static void
sends_what_was_configured(void **state)
{
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, good);

	run(b, peer,
		"body: '{\"a\":1}'\nheaders: { X-Key: k1, User-Agent: mine, Host: other }\n"
		"auth: { type: basic, user: Aladdin, password: open sesame }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(strncmp(peer_heard(peer, 0), "POST /path", 10), 0);
	assert_heard(peer, 0, "Content-Length: 7\r\n");
	assert_heard(peer, 0, "\r\n\r\n{\"a\":1}");
	assert_heard(peer, 0, "X-Key: k1\r\n");
	assert_heard(peer, 0, "User-Agent: mine\r\n");
	assert_not_heard(peer, 0, "triaged/");
	assert_heard(peer, 0, "Host: other\r\n");
	assert_heard(peer, 0, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
	run(b, peer, "auth: { token: t0k }\nhttp_version: 1.0\nmethod: PUT\n");
	assert_heard(peer, 1, "PUT /path?q=1 HTTP/1.0\r\n");
	assert_heard(peer, 1, "Authorization: Bearer t0k\r\n");
	peer_free(peer);
}

static void
credentials_of_the_url_are_sent(void **state)
{
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, good);
	char yaml[128], shown[128];

	snprintf(yaml, sizeof(yaml), "url: http://Aladdin:open%%20sesame@%s/", peer_address(peer));
	assert_int_equal(bench_configure(b, "http", yaml), 0);
	bench_run(b);
	assert_heard(peer, 0, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
	b->type->target(b->conf, NULL, shown, sizeof(shown));
	assert_null(strstr(shown, "sesame"));
	assert_non_null(strstr(shown, "***"));
	peer_free(peer);
}

/* --- redirects --- */

/* A peer that answers `status` with this Location. */
static struct peer *
redirector(struct bench *b, struct peer_step script[4], char *text, size_t size, const char *status,
	const char *location)
{
	snprintf(text, size, "HTTP/1.1 %s X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status,
		location);
	script[0] = (struct peer_step)PEER_EXPECT("\r\n\r\n");
	script[1] = (struct peer_step){ PEER_DO_SEND, text, strlen(text) };
	script[2] = (struct peer_step)PEER_CLOSE;
	script[3] = (struct peer_step)PEER_END;
	return peer_open(b->loop, script);
}

static void
follows_within_an_origin(void **state)
{
	static const struct peer_step first[] = { ANSWER(
		"302 Found", "Location: ../there?x\r\n", "") };
	static const struct peer_step *const scripts[] = { first, good };
	struct bench *b = *state;
	struct peer *peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	run(b, peer, "auth: { token: t0k }\nheaders: { X-Key: k1 }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "redirects") == 1);
	assert_heard(peer, 1, "GET /there?x HTTP/1.1\r\n");
	assert_heard(peer, 1, "Bearer t0k");
	assert_heard(peer, 1, "X-Key: k1");
	peer_free(peer);
}

static void
keeps_credentials_to_the_first_origin(void **state)
{
	struct bench *b = *state;
	struct peer *other = peer_open(b->loop, good);
	struct peer_step script[4];
	char text[256], location[64];
	struct peer *peer;

	snprintf(location, sizeof(location), "http://%s/in", peer_address(other));
	peer = redirector(b, script, text, sizeof(text), "307", location);
	run(b, peer, "auth: { token: t0k }\nheaders: { X-Key: k1, Cookie: c }\nbody: secret\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_heard(peer, 0, "Bearer t0k");
	assert_heard(peer, 0, "secret");
	assert_heard(other, 0, "GET /in HTTP/1.1\r\n"); /* no body: it may be one */
	assert_heard(other, 0, "User-Agent: triaged/");
	assert_not_heard(other, 0, "t0k");
	assert_not_heard(other, 0, "X-Key");
	assert_not_heard(other, 0, "Cookie");
	assert_not_heard(other, 0, "secret");
	peer_free(peer);
	peer_free(other);
}

static void
credentials_do_not_come_back(void **state)
{
	struct bench *b = *state;
	const struct peer_step *scripts[2];
	struct peer_step there[4], back[4];
	char there_text[256], back_text[256], location[64];
	struct peer *peer, *other;

	scripts[0] = there;
	scripts[1] = good;
	peer_free(redirector(b, there, there_text, sizeof(there_text), "302", "x"));
	peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });
	snprintf(location, sizeof(location), "http://%s/back", peer_address(peer));
	other = redirector(b, back, back_text, sizeof(back_text), "302", location);
	snprintf(there_text, sizeof(there_text), /* only now is it known where to */
		"HTTP/1.1 302 X\r\nLocation: http://%s/\r\nContent-Length: 0\r\n\r\n",
		peer_address(other));
	there[1].len = strlen(there_text);
	run(b, peer, "auth: { token: t0k }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "redirects") == 2);
	assert_heard(peer, 0, "t0k");
	assert_heard(peer, 1, "GET /back ");
	assert_not_heard(peer, 1, "t0k");
	peer_free(peer);
	peer_free(other);
}

static void
methods_change_as_browsers_do(void **state)
{
	static const struct {
		const char *status, *method, *heard;
	} cases[] = {
		{ "301", "POST", "GET /next " },
		{ "303", "PUT", "GET /next " },
		{ "307", "POST", "POST /next " },
		{ "308", "PUT", "PUT /next " },
		{ "303", "HEAD", "HEAD /next " },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct peer_step *scripts[2];
		struct peer_step script[4];
		char text[256], more[64];
		struct peer *peer;

		peer_free(redirector(b, script, text, sizeof(text), cases[i].status, "/next"));
		scripts[0] = script;
		scripts[1] = good;
		peer = peer_open_with(
			b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });
		snprintf(more, sizeof(more), "method: %s\nbody: data\n", cases[i].method);
		run(b, peer, more);
		assert_heard(peer, 1, cases[i].heard);
		if (cases[i].heard[0] == 'P')
			assert_heard(peer, 1, "\r\n\r\ndata");
		else
			assert_not_heard(peer, 1, "data");
		peer_free(peer);
	}
}

static void
does_not_go_round_in_circles(void **state)
{
	static const struct peer_step self[] = { ANSWER("302 F", "Location: /path?q=1\r\n", "") };
	static const struct peer_step a[] = { ANSWER("302 F", "Location: /a\r\n", "") };
	static const struct peer_step c[] = { ANSWER("302 F", "Location: /c\r\n", "") };
	static const struct peer_step d[] = { ANSWER("302 F", "Location: /d?token=hush\r\n", "") };
	static const struct peer_step *const circle[] = { a, c, a };
	static const struct peer_step *const many[] = { a, c, d, good };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, self);

	run(b, peer, "");
	assert_string_equal(bench_cause(b), "http.redirect-loop");
	assert_int_equal(peer_accepted(peer), 1);
	assert_string_equal(bench_fact(b, "hops"), "");
	peer_free(peer);
	peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = circle, .script_count = 3 });
	run(b, peer, "");
	assert_string_equal(bench_cause(b), "http.redirect-loop");
	assert_int_equal(peer_accepted(peer), 3);
	assert_non_null(strstr(bench_fact(b, "hops"), "/a -> http://"));
	peer_free(peer);
	peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = many, .script_count = 4 });
	run(b, peer, "follow: 2\n");
	assert_string_equal(bench_cause(b), "http.redirect-loop");
	assert_text(b, "more than 2 redirects");
	peer_free(peer);
	peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = many + 2, .script_count = 1 });
	run(b, peer, "");
	assert_non_null(strstr(bench_fact(b, "hops"), "/d?token=***"));
	peer_free(peer);
}

/* Nothing may be asked of what a redirect has no business to lead to; the peer is on loopback. */
static void
a_redirect_does_not_lead_further_inside(void **state)
{
	static const char *const places[] = { "http://169.254.169.254/latest/meta-data/",
		"http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://100.100.100.200/",
		"https://[::ffff:169.254.169.254]/", "http://224.0.0.1/" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct peer_step script[4];
		char text[256];
		struct peer *peer = redirector(b, script, text, sizeof(text), "302", places[i]);

		run(b, peer, "");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), "http.redirect-refused");
		assert_text(b, "a redirect leads further inside");
		assert_text(b, "not followed");
		peer_free(peer);
	}
}

static enum addr_reach
led_from(const struct http_conf *conf, enum addr_reach reach, const char *to)
{
	struct url url;
	struct http_run hop = { .hops = 1, .reach = reach, .url = &url };
	enum addr_reach from;

	assert_int_equal(url_parse(&url, to, NULL), 0);
	from = http_led_from(conf, &hop);
	url_fini(&url);
	return from;
}

/* Its addresses may lie in several places, and any of them may answer first; but not to another
 * service there: an owner of a name can have it name this host by then. */
static void
a_redirect_to_the_name_that_is_asked_leads_where_it_does(void **state)
{
	static const enum addr_reach from[] = { [ADDR_ANYWHERE] = ADDR_ANYWHERE,
		[ADDR_WORLD] = ADDR_HOST,
		[ADDR_SITE] = ADDR_HOST,
		[ADDR_HOST] = ADDR_HOST,
		[ADDR_LINK] = ADDR_ANYWHERE };
	char host[] = "www.example.net", unix_socket[] = "/run/x";
	static const char *const own[] = { "https://WWW.example.net/login",
		"http://www.example.net/", "http://www.example.net:8080/a",
		"https://www.example.net:8080/" };
	static const char *const others[] = { "http://api.example.net/",
		"http://www.example.net:6379/", "https://www.example.net:8443/" };
	struct http_conf conf = { .host = host, .port = 8080 };

	(void)state;
	for (int reach = ADDR_ANYWHERE; reach <= ADDR_LINK; reach++) {
		struct http_run hop = { .hops = 1, .reach = (enum addr_reach)reach };

		assert_int_equal(http_led_from(&conf, &hop), reach);
		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			assert_int_equal(led_from(&conf, hop.reach, own[i]), from[reach]);
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			assert_int_equal(led_from(&conf, hop.reach, others[i]), reach);
	}
	conf.unix_socket = unix_socket;
	assert_int_equal(led_from(&conf, ADDR_WORLD, own[0]), ADDR_WORLD);
}

static void
a_redirect_to_another_scheme_is_not_followed(void **state)
{
	static const char *const places[] = { "file:///etc/passwd", "unix:/run/docker.sock",
		"gopher://127.0.0.1:6379/_x", "dict://127.0.0.1/", "ldap://x/", "javascript:1" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct peer_step script[4];
		char text[256];
		struct peer *peer = redirector(b, script, text, sizeof(text), "302", places[i]);

		run(b, peer, "");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), "http.redirect-refused");
		assert_text(b, "leads to a place that is no URL");
		peer_free(peer);
	}
}

static void
a_redirect_may_be_the_answer(void **state)
{
	static const struct peer_step script[] = { ANSWER("302 F", "Location: /a\r\n", "") };
	static const struct peer_step nowhere[] = { ANSWER("302 F", "", "") };
	static const struct peer_step file[] = { ANSWER("302 F", "Location: ftp://x/etc\r\n", "") };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "follow: 0\n");
	assert_string_equal(b->sample.text, "status 302, wanted 200-299");
	assert_string_equal(bench_cause(b), "http.status");
	run(b, peer, "follow: 0\nexpect: { status: 302 }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	peer_free(peer);
	peer = peer_open(b->loop, nowhere);
	run(b, peer, "");
	assert_string_equal(b->sample.text, "status 302, wanted 200-299");
	peer_free(peer);
	peer = peer_open(b->loop, file);
	run(b, peer, "");
	assert_string_equal(bench_cause(b), "http.redirect-refused");
	assert_text(b, "ftp:// is not followed");
	peer_free(peer);
}

/* --- places --- */

static void
nobody_there(void **state)
{
	struct bench *b = *state;
	char yaml[64];

	snprintf(yaml, sizeof(yaml), "url: http://127.0.0.1:%u/", peer_dead_port());
	assert_int_equal(bench_configure(b, "http", yaml), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "net.refused");
	assert_text(b, "connection refused by 127.0.0.1:");
	assert_true(isnan(bench_value(b, "status")));
}

static void
goes_through_a_unix_socket(void **state)
{
	static const char path[] = "/tmp/triaged-http-test.sock";
	struct bench *b = *state;
	struct peer *peer = peer_open_with(
		b->loop, &(struct peer_options){ .script = good, .unix_path = path });

	assert_int_equal(
		bench_configure(b, "http",
			"{ url: \"http://docker/v1\", unix_socket: /tmp/triaged-http-test.sock }"),
		0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_heard(peer, 0, "GET /v1 HTTP/1.1\r\nHost: docker\r\n");
	peer_free(peer);
}

/* --- TLS --- */

static void
verifies_certificates(void **state)
{
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = good, .is_tls = true });
	char more[256];

	snprintf(more, sizeof(more), "ca: %s\n", peer_ca_path());
	configure(b, peer, "https", more);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "tls_time") > 0);
	assert_true(bench_value(b, "tls_days_left") > 80 * 86400.0);
	assert_true(bench_value(b, "tls_days_left") < 91 * 86400.0);
	assert_int_equal(b->sample.fact_count, 0);
	configure(b, peer, "https", "verify: false\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(bench_fact(b, "tls"), "not verified"));
	peer_free(peer);
}

static void
bad_certificates_fail(void **state)
{
	static const struct peer_cert certs[] = {
		{ .days_left = -3 },
		{ .is_self_signed = true },
		{ .names = "DNS:other.example" },
	};
	struct bench *b = *state;
	char more[256];

	snprintf(more, sizeof(more), "ca: %s\n", peer_ca_path());
	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		struct peer *peer = peer_open_with(
			b->loop, &(struct peer_options){
					 .script = good, .is_tls = true, .cert = &certs[i] });

		configure(b, peer, "https", more);
		bench_run(b);
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), "net.tls-verify");
		peer_free(peer);
	}
}

static void
resumes_but_looks_again_after_a_failure(void **state)
{
	static const struct peer_step bad[] = { ANSWER("500 X", "", "") };
	const struct peer_step *scripts[40];
	struct bench *b = *state;
	struct peer *peer;
	char more[256];
	unsigned resumed;

	for (size_t i = 0; i < 40; i++)
		scripts[i] = i == 30 ? bad : good;
	peer = peer_open_with(b->loop,
		&(struct peer_options){ .scripts = scripts, .script_count = 40, .is_tls = true });
	snprintf(more, sizeof(more), "ca: %s\n", peer_ca_path());
	configure(b, peer, "https", more);
	for (int i = 0; i < 20; i++) {
		bench_run(b);
		assert_int_equal(b->sample.outcome, OUTCOME_OK);
		assert_true(bench_value(b, "tls_days_left") > 0);
	}
	assert_int_equal(peer_resumed(peer), 19); /* all but the first */
	bench_run(b);
	assert_int_equal(peer_resumed(peer), 19); /* one in twenty */
	for (int i = 21; i < 31; i++)
		bench_run(b);
	assert_string_equal(bench_cause(b), "http.5xx");
	resumed = peer_resumed(peer);
	bench_run(b);
	assert_int_equal(peer_resumed(peer), resumed); /* after a failure */
	bench_run(b);
	assert_int_equal(peer_resumed(peer), resumed + 1);
	peer_free(peer);
}

static void
tls_to_a_plain_port(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"),
		PEER_CLOSE, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	configure(b, peer, "https", "verify: false\n");
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.tls-unsupported");
	peer_free(peer);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(asks_and_is_content),
		T(sends_what_was_configured),
		T(credentials_of_the_url_are_sent),
		T(follows_within_an_origin),
		T(keeps_credentials_to_the_first_origin),
		T(credentials_do_not_come_back),
		T(methods_change_as_browsers_do),
		T(does_not_go_round_in_circles),
		T(a_redirect_does_not_lead_further_inside),
		T(a_redirect_to_the_name_that_is_asked_leads_where_it_does),
		T(a_redirect_to_another_scheme_is_not_followed),
		T(a_redirect_may_be_the_answer),
		T(nobody_there),
		T(goes_through_a_unix_socket),
		T(verifies_certificates),
		T(bad_certificates_fail),
		T(resumes_but_looks_again_after_a_failure),
		T(tls_to_a_plain_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
