/*
 * Ports with real sockets of this very process, read by real helpers (this program is its own), and
 * a host's tables in a folder.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/fs.h"
#include "tests/help/probe_bench.h"

static int
tear_down(void **state)
{
	bench_close(*state);
	while (waitpid(-1, NULL, 0) > 0)
		; /* helpers, all of them killed */
	free(*state);
	return 0;
}

static int
open_on(int type, uint32_t address, uint16_t *port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(address)
	};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 7), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
configure(struct bench *b, const char *host, uint16_t port, const char *more)
{
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "listen: \"%s:%u\"\n%s", host, port, more);
	if (bench_configure(b, "port", yaml) != 0)
		fail_msg("%s", b->complaint);
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static void
says_who_listens(void **state)
{
	struct bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(SOCK_STREAM, INADDR_LOOPBACK, &port), client;
	char pid[32];

	client = connect_to(port);
	configure(b, "127.0.0.1", port, "owner: { name: port_test }");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	snprintf(pid, sizeof(pid), "port_test (pid %d)", getpid());
	assert_non_null(strstr(b->sample.text, pid));
	assert_non_null(strstr(bench_fact(b, "owner"), "port_test (pid "));
	assert_int_equal(bench_value(b, "listeners"), 1);
	assert_int_equal(bench_value(b, "backlog"), 7);
	assert_int_equal(bench_value(b, "accept_queue"), 1);
	/* the server's end only: the client's has another local port */
	assert_int_equal(bench_value(b, "established"), 1);
	bench_run(b); /* from memory */
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, pid));
	close(client);
	close(fd);
}

static void
says_that_nobody_does(void **state)
{
	struct bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(SOCK_STREAM, INADDR_LOOPBACK + 1, &port);

	configure(b, "127.0.0.1", port, "");
	bench_run(b);
	assert_string_equal(bench_cause(b), "port.nobody");
	assert_non_null(strstr(b->sample.text, "only 127.0.0.2:"));
	configure(b, "", port, ""); /* any address */
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	close(fd);
	bench_run(b);
	assert_string_equal(bench_cause(b), "port.nobody");
	assert_int_equal(bench_value(b, "listeners"), 0);
}

static void
names_an_intruder_and_another_instance(void **state)
{
	struct bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(SOCK_STREAM, INADDR_ANY, &port);

	configure(b, "127.0.0.1", port, "owner: { name: nginx }");
	bench_run(b);
	assert_string_equal(bench_cause(b), "port.conflict");
	assert_non_null(strstr(b->sample.text, "is taken by port_test (pid "));
	assert_non_null(strstr(b->sample.text, "wanted nginx"));
	configure(b, "127.0.0.1", port, "owner: { name: port_test, pidfile: /nonexistent.pid }");
	bench_run(b);
	assert_string_equal(bench_cause(b), "port.conflict");
	assert_non_null(strstr(b->sample.text, "another instance holds"));
	close(fd);
}

static void
the_particular_address_wins(void **state)
{
	struct bench *b = *state;
	uint16_t port = 0;
	int particular = open_on(SOCK_STREAM, INADDR_LOOPBACK, &port), on = 1, any;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	any = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(any, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	assert_int_equal(bind(any, (struct sockaddr *)&in6, sizeof(in6)), 0);
	assert_int_equal(listen(any, 1), 0);
	configure(b, "127.0.0.1", port, "");
	bench_run(b);
	assert_int_equal(bench_value(b, "listeners"), 1);
	assert_int_equal(bench_value(b, "backlog"), 7);
	configure(b, "[::1]", port, "");
	bench_run(b);
	assert_int_equal(bench_value(b, "backlog"), 1);
	configure(b, "127.0.0.9", port, ""); /* [::] is for IPv6 alone */
	bench_run(b);
	assert_string_equal(bench_cause(b), "port.nobody");
	close(particular);
	close(any);
}

static void
knows_udp(void **state)
{
	struct bench *b = *state;
	uint16_t port = 0;
	int fd = open_on(SOCK_DGRAM, INADDR_LOOPBACK, &port);

	configure(b, "127.0.0.1", port, "proto: udp\nowner: { name: port_test }");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "backlog")));
	close(fd);
}

static void
write_file(const char *root, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
make_folder(const char *root, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

/* A sidecar: the host is mounted somewhere, and its first process has its network. */
static void
reads_the_hosts_tables(void **state)
{
	struct bench *b = *state;
	char root[] = "/tmp/triaged-port-XXXXXX", command[64];

	assert_non_null(mkdtemp(root));
	make_folder(root, "proc");
	make_folder(root, "proc/1");
	make_folder(root, "proc/1/net");
	write_file(root, "proc/1/net/tcp",
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		"uid\n"
		"   0: 0100007F:1F40 00000000:0000 0A 00000000:00000003 00:00000000 00000000   "
		"  33        0 4711 1 0 100 0 0 10 0\n"
		"   1: 0100007F:1F40 0100007F:C000 01 00000000:00000000 00:00000000 00000000   "
		"  33        0 4712 1 0 100 0 0 10 0\n"
		"   2: 0100007F:C000 0100007F:1F40 01 00000000:00000000 00:00000000 00000000   "
		"  33        0 4713 1 0 100 0 0 10 0\n");
	make_folder(root, "proc/44");
	make_folder(root, "proc/44/fd");
	write_file(root, "proc/44/stat",
		"44 (a) (b) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 3 0 100 4096 5 0\n");
	snprintf(command, sizeof(command), "%s/proc/44/fd/5", root);
	assert_int_equal(symlink("socket:[4711]", command), 0);
	b->env.host_root = root;
	configure(b, "127.0.0.1", 8000, "owner: { name: 'a) (b' }");
	bench_run(b);
	assert_string_equal(b->sample.text, "a) (b (pid 44) listens on 127.0.0.1:8000");
	assert_int_equal(bench_value(b, "accept_queue"), 3);
	assert_true(isnan(bench_value(b, "backlog")));
	assert_int_equal(bench_value(b, "established"), 1);
	assert_int_equal(unlink(command), 0); /* whoever has it is not of this /proc */
	configure(b, "127.0.0.1", 8000, "owner: { name: web }");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, "not in our /proc"));
	assert_int_equal(b->sample.note_count, 0);
	/* Socket activation: until the first connection nobody but init has it. */
	write_file(root, "proc/1/stat",
		"1 (systemd) S 0 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 3 0 100 4096 5 0\n");
	make_folder(root, "proc/1/fd");
	snprintf(command, sizeof(command), "%s/proc/1/fd/9", root);
	assert_int_equal(symlink("socket:[4711]", command), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, "systemd listens on 127.0.0.1:8000 for"));
	snprintf(command, sizeof(command), "%s/proc/44/fd/5", root);
	assert_int_equal(symlink("socket:[4711]", command), 0);
	configure(b, "127.0.0.1", 8000, "owner: { name: other }"); /* it started somebody else */
	bench_run(b);
	assert_string_equal(bench_cause(b), "port.conflict");
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

static void
complains_about_names(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_configure(b, "port", "listen: example.com:80"), -1);
	assert_int_equal(bench_configure(b, "port", "listen: /run/x.sock"), -1);
	assert_int_equal(bench_configure(b, "port", "listen: 127.0.0.1"), -1);
	assert_int_equal(
		bench_configure(b, "port", "listen: 80\nowner: { user: no-such-user-here }"), -1);
	assert_non_null(strstr(b->complaint, "/etc/passwd"));
	assert_int_equal(bench_configure(b, "port", "listen: 80\nowner: { user: root }"), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_who_listens, bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_that_nobody_does, bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			names_an_intruder_and_another_instance, bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_particular_address_wins, bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(knows_udp, bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_the_hosts_tables, bench_set_up, tear_down),
		cmocka_unit_test_setup_teardown(complains_about_names, bench_set_up, tear_down),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	prctl(PR_SET_NAME, "port_test"); /* under valgrind it would be called after that */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
