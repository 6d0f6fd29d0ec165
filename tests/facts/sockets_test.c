/* The connections of a port: real ones, and a mounted host's table. */
#include "tests/facts/process_scene.h"

#include <netinet/in.h>
#include <sys/socket.h>

static void
counts_clients(void **state)
{
	struct fact_bench *b = *state;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int server = socket(AF_INET, SOCK_STREAM, 0), clients[3];

	assert_int_equal(bind(server, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(server, 8), 0);
	getsockname(server, (struct sockaddr *)&in, &len);
	for (int i = 0; i < 3; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&in, sizeof(in)), 0);
	}
	fact_bench_reveal(b, &(struct revealed){ .host = "127.0.0.1", .port = ntohs(in.sin_port) });
	b->subject.is_local = true;
	fact_bench_run(b, "sockets");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "established", 3);
	assert_fact_number(b, "peers", 1);
	assert_fact_text(b, "top_peer", "127.0.0.1");
	assert_fact_number(b, "top_peer_count", 3);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	close(server);
	b->subject.is_local = false;
	fact_bench_run(b, "sockets");
	assert_int_equal(b->fact.end, FACT_NONE);
}

static void
reads_the_hosts_table(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/1/net/tcp",
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		"uid\n"
		"   0: 0100007F:18EB 0400000A:9999 01 00000000:00000000 00:00000000 00000000 0 0 "
		"1\n"
		"   1: 0100007F:18EB 0400000A:9998 08 00000000:00000000 00:00000000 00000000 0 0 "
		"2\n"
		"   2: 0100007F:18EB 0500000A:9997 06 00000000:00000000 00:00000000 00000000 0 0 "
		"0\n"
		"   3: 0100007F:18EC 0600000A:9997 01 00000000:00000000 00:00000000 00000000 0 0 "
		"3\n"
		"garbage\n");
	host_put(b->host, "proc/1/net/tcp6",
		"  sl  local_address rem_address   st\n"
		"   0: 0000000000000000FFFF00000100007F:18EB 0000000000000000FFFF00000700000A:9999 "
		"01 "
		"00000000:00000000 00:00000000 00000000 0 0 4\n");
	fact_bench_reveal(b, &(struct revealed){ .port = 6379 });
	fact_bench_run(b, "sockets");
	assert_fact_number(b, "established", 2);
	assert_fact_number(b, "close_wait", 1);
	assert_fact_number(b, "time_wait", 1);
	assert_fact_number(b, "peers", 2);
	assert_fact_text(b, "top_peer", "10.0.0.4");
}

SCENE_MAIN(SCENE(counts_clients), cmocka_unit_test_setup_teardown(reads_the_hosts_table,
					  fact_bench_set_up_host, scene_tear_down))
