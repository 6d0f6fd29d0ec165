/* Who listens: real sockets of this very process, read by real helpers (this program is its own).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/fs.h"
#include "tests/help/fact_bench.h"

static int
tear_down(void **state)
{
	fact_bench_tear_down(state);
	while (waitpid(-1, NULL, 0) > 0)
		; /* helpers, all of them killed */
	return 0;
}

static int
open_on(uint32_t address, uint16_t *port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(address)
	};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 7), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
names_the_process(void **state)
{
	struct fact_bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(INADDR_LOOPBACK, &port);
	char address[32];

	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = port });
	xstrset(&b->subject.address, "127.0.0.1");
	fact_bench_run(b, "port-owner");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "listening", 1);
	assert_fact_number(b, "pid", getpid());
	assert_fact_text(b, "comm", "port_owner_test");
	if (getenv("UNDER_VALGRIND") == NULL) /* there it is that program */
		assert_non_null(strstr(fact_bench_text(b, "exe"), "/port_owner_test"));
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_fact_text(b, "address", address);
	assert_fact_number(b, "loopback_only", 1);
	assert_fact_number(b, "covers", 1);
	assert_fact_number(b, "count", 1);
	assert_fact_number(b, "backlog", 7);
	assert_fact_number(b, "time_wait", 0);
	assert_true(fact_bench_number(b, "free_port") > port);
	assert_true(fact_bench_number(b, "age") >= 0);
	assert_string_not_equal(fact_bench_text(b, "user"), "");
	assert_non_null(strstr(b->fact.text, "port_owner_test (pid "));
	close(fd);
}

/* The same sockets need no search; a socket that is another's by now is searched for. */
static void
remembers_whose_it_is(void **state)
{
	struct fact_bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(INADDR_LOOPBACK, &port);

	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = port });
	for (int i = 0; i < 2; i++) {
		fact_bench_run(b, "port-owner");
		assert_fact_number(b, "pid", getpid());
	}
	close(fd);
	fd = open_on(INADDR_LOOPBACK, &port);
	fact_bench_run(b, "port-owner");
	assert_fact_number(b, "pid", getpid());
	close(fd);
}

static void
says_that_nobody_does(void **state)
{
	struct fact_bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(INADDR_LOOPBACK, &port);

	close(fd);
	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = port });
	fact_bench_run(b, "port-owner");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "listening", 0);
	assert_fact_unknown(b, "pid");
	assert_non_null(strstr(b->fact.text, "nobody listens on port"));
}

/* It listens, but not where the check looks. */
static void
tells_another_address(void **state)
{
	struct fact_bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(INADDR_LOOPBACK + 1, &port);

	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = port });
	xstrset(&b->subject.address, "127.0.0.1");
	fact_bench_run(b, "port-owner");
	assert_fact_number(b, "listening", 1);
	assert_fact_number(b, "covers", 0);
	close(fd);
}

static void
knows_unix_sockets(void **state)
{
	struct fact_bench *b = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/triaged-owner-%d.sock", getpid());
	fact_bench_reveal(b, &(struct revealed){ .socket = un.sun_path });
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	fact_bench_run(b, "port-owner");
	assert_fact_number(b, "listening", 0);
	assert_int_equal(listen(fd, 1), 0);
	fact_bench_run(b, "port-owner");
	assert_fact_number(b, "listening", 1);
	assert_fact_number(b, "pid", getpid());
	unlink(un.sun_path);
	close(fd);
}

static void
asks_nobody_of_what_is_elsewhere(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_reveal(b, &(struct revealed){ .host = "192.0.2.1", .port = 80 });
	fact_bench_run(b, "port-owner");
	assert_int_equal(b->fact.end, FACT_NONE);
	fact_bench_reveal(b, &(struct revealed){ .path = "/" });
	fact_bench_run(b, "port-owner");
	assert_int_equal(b->fact.end, FACT_NONE);
}

/* A mounted host: its tables, its processes. */
static void
reads_the_hosts_tables(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/1/net/tcp",
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		"uid\n"
		"   0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   112 "
		"       0 777 1 0\n"
		"   1: 0100007F:18EB 0100007F:9999 06 00000000:00000000 00:00000000 00000000     0 "
		"       0 0 1 0\n");
	host_put(b->host, "proc/uptime", "1000.00 1000.00\n");
	fact_bench_reveal(b, &(struct revealed){ .port = 6379 });
	fact_bench_run(b, "port-owner");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "listening", 1);
	assert_fact_number(b, "time_wait", 1);
	assert_fact_unknown(b, "pid");
	assert_fact_unknown(b, "free_port");
	assert_non_null(strstr(b->fact.text, "uid 112"));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_the_process, fact_bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			remembers_whose_it_is, fact_bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			says_that_nobody_does, fact_bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			tells_another_address, fact_bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(knows_unix_sockets, fact_bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			asks_nobody_of_what_is_elsewhere, fact_bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			reads_the_hosts_tables, fact_bench_set_up_host, tear_down),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	prctl(PR_SET_NAME, "port_owner_test"); /* under valgrind it would be called after that */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
