/* Who may do what: names, origins, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/peer.h"

static struct addr
local(const char *host)
{
	struct addr addr;

	assert_int_equal(addr_from_numeric(&addr, host, 8421), 0);
	return addr;
}

static void
test_hosts(void **state)
{
	static const struct {
		const char *local, *listen, *public_url, *host;
		bool fits;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", NULL, "localhost", true },
		{ "127.0.0.1", "127.0.0.1", NULL, "LocalHost:9999", true },
		{ "127.0.0.1", "127.0.0.1", NULL, "127.0.0.1:8421", true },
		{ "127.0.0.1", "127.0.0.1", NULL, "[::1]:8421", true },
		{ "127.0.0.1", "127.0.0.1", NULL, "evil.example", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "triaged", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "localhost.evil.example", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "127.0.0.1.evil.example", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "user@localhost", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "unix:/x", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "/x", false },
		{ "127.0.0.1", "127.0.0.1", NULL, "", false },
		{ "127.0.0.1", "127.0.0.1", NULL, ":8421", false },
		{ "10.1.2.3", "10.1.2.3", NULL, "10.1.2.3:8421", true },
		{ "10.1.2.3", "10.1.2.3", NULL, "10.1.2.4:8421", false },
		{ "10.1.2.3", "0.0.0.0", NULL, "10.1.2.3", true },
		{ "10.1.2.3", "0.0.0.0", NULL, "triaged:8421", true },
		{ "10.1.2.3", "", NULL, "triaged", true },
		{ "10.1.2.3", "0.0.0.0", NULL, "evil.example", false },
		{ "127.0.0.1", "127.0.0.1", "https://status.example.com", "status.example.com",
			true },
		{ "127.0.0.1", "127.0.0.1", "https://status.example.com", "Status.Example.com:443",
			true },
		{ "127.0.0.1", "127.0.0.1", "https://status.example.com", "example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr addr = local(rows[i].local);
		const struct peer_names names = { .local = &addr,
			.listen_host = rows[i].listen,
			.public_url = rows[i].public_url };

		if (peer_host_fits(&names, rows[i].host) != rows[i].fits)
			fail_msg("Host: %s at %s", rows[i].host, rows[i].listen);
	}
}

static void
test_origins(void **state)
{
	static const struct {
		const char *origin;
		bool fits;
	} rows[] = {
		{ NULL, true },
		{ "http://127.0.0.1:8421", true },
		{ "http://localhost:3000", true },
		{ "https://status.example.com", true },
		{ "https://evil.example", false },
		{ "null", false },
		{ "file://localhost", false },
		{ "", false },
	};
	struct addr addr = local("127.0.0.1");
	const struct peer_names names = { .local = &addr,
		.listen_host = "127.0.0.1",
		.public_url = "https://status.example.com" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (peer_origin_fits(&names, rows[i].origin) != rows[i].fits)
			fail_msg("Origin: %s", rows[i].origin);
}

static void
test_tokens(void **state)
{
	(void)state;
	assert_true(peer_token_fits("Bearer abc", "abc"));
	assert_true(peer_token_fits("bearer  abc", "abc"));
	assert_false(peer_token_fits("Bearer abcd", "abc"));
	assert_false(peer_token_fits("Bearer ", "abc"));
	assert_false(peer_token_fits("Bearer ", ""));
	assert_false(peer_token_fits("Basic abc", "abc"));
	assert_false(peer_token_fits("abc", "abc"));
	assert_false(peer_token_fits(NULL, "abc"));
}

static void
test_we_may_write_to_ourselves(void **state)
{
	struct peer peer = { .is_unix = true };
	struct peer tcp = { .is_unix = false };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	peer_look(&peer, pair[0], NULL);
	assert_true(peer.may_write);
	peer_look(&tcp, pair[0], NULL);
	assert_false(tcp.may_write);
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_we_may_write_to_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
