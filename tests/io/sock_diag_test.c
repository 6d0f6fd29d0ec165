/* The kernel's sockets: its answers taken apart, and which listener a connection comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sock_diag.h"

static struct addr
at(const char *host, uint16_t port)
{
	struct addr addr;

	assert_int_equal(addr_from_numeric(&addr, host, port), 0);
	return addr;
}

static bool
covers(const char *listener, bool is_v6_only, const char *to)
{
	struct sock_listener l = { .local = at(listener, 80), .is_v6_only = is_v6_only };
	struct addr wanted = at(to, 80);

	return sock_listener_covers(&l, &wanted);
}

static void
knows_which_listener_is_meant(void **state)
{
	(void)state;
	assert_true(covers("127.0.0.1", false, "127.0.0.1"));
	assert_false(covers("127.0.0.1", false, "127.0.0.2"));
	assert_true(covers("0.0.0.0", false, "10.1.2.3"));
	assert_false(covers("0.0.0.0", false, "::1"));
	assert_true(covers("::", false, "10.1.2.3"));
	assert_false(covers("::", true, "10.1.2.3"));
	assert_true(covers("::", true, "::1"));
	assert_false(covers("::1", false, "127.0.0.1"));
	assert_true(covers("::ffff:127.0.0.1", false, "127.0.0.1"));
	assert_true(covers("127.0.0.1", false, "::ffff:127.0.0.1"));
}

static void
reads_a_listener_of_ours(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	socklen_t len = sizeof(in6);
	struct sock_table table;
	uint16_t port;

	(void)state;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	assert_int_equal(listen(fd, 3), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in6, &len), 0);
	port = ntohs(in6.sin6_port);
	assert_int_equal(sock_diag_read(&table, SOCK_TCP, port, SOCK_LISTENERS, NULL), 0);
	assert_int_equal(table.count, 1);
	assert_true(table.listeners[0].is_v6_only);
	assert_true(sock_listener_is_any(&table.listeners[0]));
	assert_int_equal(table.listeners[0].backlog, 3);
	assert_int_equal(table.listeners[0].uid, getuid());
	assert_true(table.listeners[0].inode > 0);
	close(fd);
	assert_int_equal(sock_diag_read(&table, SOCK_TCP, port, SOCK_ALL_STATES, NULL), 0);
	assert_int_equal(table.count, 0);
}

/* --- bytes --- */

struct answer {
	struct nlmsghdr head;
	struct inet_diag_msg msg;
};

static struct answer
answer(uint16_t port, uint8_t state)
{
	return (struct answer){
		.head = { .nlmsg_len = sizeof(struct answer), .nlmsg_type = SOCK_DIAG_BY_FAMILY },
		.msg = { .idiag_family = AF_INET,
			.idiag_state = state,
			.id = { .idiag_sport = htons(port) } },
	};
}

static int
parse(struct sock_table *table, const void *data, size_t len)
{
	memset(table, 0, sizeof(*table));
	return sock_diag_parse(table, SOCK_TCP, 80, data, len, NULL);
}

static void
trusts_no_length(void **state)
{
	struct answer good = answer(80, SOCK_LISTENING), other = answer(81, SOCK_LISTENING);
	struct sock_table table;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
	} refusal = { { sizeof(refusal), NLMSG_ERROR, 0, 0, 0 }, { .error = -2 } };
	struct nlmsghdr done = { .nlmsg_len = sizeof(done), .nlmsg_type = NLMSG_DONE };
	struct err e;

	(void)state;
	assert_int_equal(parse(&table, &good, sizeof(good)), 0);
	assert_int_equal(table.count, 1);
	assert_int_equal(parse(&table, &other, sizeof(other)), 0);
	assert_int_equal(table.count, 0);
	good.head.nlmsg_len = sizeof(good) + 1;
	assert_int_equal(parse(&table, &good, sizeof(good)), -1);
	good.head.nlmsg_len = 3;
	assert_int_equal(parse(&table, &good, sizeof(good)), -1);
	good.head.nlmsg_len = sizeof(good.head) + 4; /* too short for a socket */
	assert_int_equal(parse(&table, &good, sizeof(good.head) + 4), 0);
	assert_int_equal(table.count, 0);
	assert_int_equal(parse(&table, &done, sizeof(done)), 1);
	assert_int_equal(sock_diag_parse(&table, SOCK_TCP, 80, &refusal, sizeof(refusal), &e), -1);
	assert_int_equal(e.code, 2);
}

static void
keeps_a_bounded_list(void **state)
{
	struct answer good = answer(80, SOCK_LISTENING), open = answer(80, SOCK_ESTABLISHED);
	struct sock_table table = { .count = 0 };

	(void)state;
	for (unsigned i = 0; i < SOCK_LISTENERS_MAX + 5; i++)
		sock_diag_parse(&table, SOCK_TCP, 80, &good, sizeof(good), NULL);
	sock_diag_parse(&table, SOCK_TCP, 80, &open, sizeof(open), NULL);
	assert_int_equal(table.count, SOCK_LISTENERS_MAX);
	assert_true(table.is_cut);
	assert_int_equal(table.by_state[SOCK_LISTENING], SOCK_LISTENERS_MAX + 5);
	assert_int_equal(table.by_state[SOCK_ESTABLISHED], 1);
}

static void
reads_the_files_of_another_namespace(void **state)
{
	static const char v6[] = "   0: 00000000000000000000000001000000:0050 "
				 "00000000000000000000000000000000:0000 0A 00000000:00000002 "
				 "00:00000000 00000000    33        0 4712 1 0 100 0 0 10 0";
	struct sock_table table = { .count = 0 };
	char text[ADDR_TEXT];

	(void)state;
	sock_proc_parse(&table, SOCK_TCP, 81, v6);
	sock_proc_parse(&table, SOCK_TCP, 80, "  sl  local_address rem_address   st");
	sock_proc_parse(&table, SOCK_TCP, 80, "");
	assert_int_equal(table.count, 0);
	sock_proc_parse(&table, SOCK_TCP, 80, v6);
	assert_int_equal(table.count, 1);
	addr_text(&table.listeners[0].local, text);
	assert_string_equal(text, "[::1]:80");
	assert_int_equal(table.listeners[0].queued, 2);
	assert_int_equal(table.listeners[0].uid, 33);
	assert_int_equal(table.listeners[0].inode, 4712);
	assert_false(table.listeners[0].has_backlog);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_which_listener_is_meant),
		cmocka_unit_test(reads_a_listener_of_ours),
		cmocka_unit_test(trusts_no_length),
		cmocka_unit_test(keeps_a_bounded_list),
		cmocka_unit_test(reads_the_files_of_another_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
