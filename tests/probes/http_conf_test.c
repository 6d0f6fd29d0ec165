/* Settings of the http probe: every mistake is named, and where it stands. */
#include "tests/probes/http_scene.h"

static void
complains_where_it_is_wrong(void **state)
{
	static const struct {
		const char *yaml, *words;
	} cases[] = {
		{ "{}", "url" },
		{ "url: ftp://x/", "http:// or https:// is wanted" },
		{ "url: http://", "" },
		{ "url: http://x/\nmethod: \"G T\"", "2:" },
		{ "url: http://x/\nheaders: { Content-Length: 3 }", "set by the probe" },
		{ "url: http://x/\nheaders: { \"a b\": c }", "header name" },
		{ "url: http://x/\nheaders: { a: \"x\\r\\ny: z\" }", "line break" },
		{ "url: http://x/\nauth: { type: bearer }", "token" },
		{ "url: http://x/\nauth: { type: digest }", "user" },
		{ "url: http://x/\nhttp_version: 2", "https" },
		{ "url: http://x/\nexpect: { status: 2xx }", "\"2xx\"" },
		{ "url: http://x/\nexpect: { status: [200, 700] }", "2:25:" },
		{ "url: http://x/\nexpect: { status: 299-200 }", "299-200" },
		{ "url: http://x/\nexpect: { json: \"a ==\" }", "2:" },
		{ "url: http://x/\nexpect: { body: \"(\" }", "body" },
		{ "url: http://x/\nexpect: { header: { a: \"(\" } }", "header a" },
		{ "url: http://x/\nexpect: { wrong: 1 }", "wrong" },
		{ "url: https://x/\nca: /no/such.pem", "no/such.pem" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (bench_configure(b, "http", cases[i].yaml) == 0)
			fail_msg("accepted: %s", cases[i].yaml);
		if (strstr(b->complaint, cases[i].words) == NULL)
			fail_msg("%s\n%s", cases[i].yaml, b->complaint);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(complains_where_it_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
