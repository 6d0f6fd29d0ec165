/*
 * Refused, or silent, by this very host: who listens on the port tells a service bound elsewhere
 * and a hung process from nobody.  Real sockets; the tcp probe stands for all that use net_fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "probes/net_local.h"
#include "tests/help/probe_bench.h"

static int
tear_down(void **state)
{
	bench_close(*state);
	free(*state);
	return 0;
}

/* Listens on 127.0.0.`last`; the port goes to *port, which may choose it. */
static int
listen_on(unsigned last, int backlog, uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(0x7f000000U | last) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
configure(struct bench *b, uint16_t port)
{
	char yaml[64];

	snprintf(yaml, sizeof(yaml), "address: 127.0.0.1:%u", port);
	assert_int_equal(bench_configure(b, "tcp", yaml), 0);
}

static void
names_the_address_it_listens_on(void **state)
{
	struct bench *b = *state;
	uint16_t port = 0;
	int fd = listen_on(2, 5, &port);
	char wanted[64];

	configure(b, port);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.refused-bind");
	snprintf(wanted, sizeof(wanted), "listening: 127.0.0.2:%u (uid %u)", port, getuid());
	assert_string_equal(bench_fact(b, "port"), wanted);
	assert_non_null(strstr(b->sample.text, "on this port only 127.0.0.2:"));
	close(fd);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.refused");
	assert_non_null(strstr(bench_fact(b, "port"), "nobody listens"));
}

static void
names_a_queue_that_is_full(void **state)
{
	struct bench *b = *state;
	int held[8], listener;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port = 0;

	listener = listen_on(1, 1, &port);
	in.sin_port = htons(port);
	for (size_t i = 0; i < 8; i++) {
		held[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(held[i], (struct sockaddr *)&in, sizeof(in));
	}
	configure(b, port);
	bench_run_stuck(b);
	assert_string_equal(bench_cause(b), "net.backlog-full");
	assert_non_null(strstr(b->sample.text, "backlog 1"));
	for (size_t i = 0; i < 8; i++)
		close(held[i]);
	close(listener);
}

static void
a_full_unix_socket_is_told_at_once(void **state)
{
	struct bench *b = *state;
	char dir[] = "/tmp/triaged-net-XXXXXX", yaml[128];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int held[8], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(mkdtemp(dir));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, 1), 0);
	for (size_t i = 0; i < 8; i++) {
		held[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(held[i], (struct sockaddr *)&un, sizeof(un));
	}
	snprintf(yaml, sizeof(yaml), "address: %s", un.sun_path);
	assert_int_equal(bench_configure(b, "tcp", yaml), 0);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.backlog-full");
	for (size_t i = 0; i < 8; i++)
		close(held[i]);
	close(listener);
	unlink(un.sun_path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			names_the_address_it_listens_on, bench_set_up_fake, tear_down),
		cmocka_unit_test_setup_teardown(
			names_a_queue_that_is_full, bench_set_up_fake, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_unix_socket_is_told_at_once, bench_set_up_fake, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
