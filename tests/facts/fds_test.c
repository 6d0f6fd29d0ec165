/* What a process has open: a child with as many files, pipes and connections as the test says. */
#include "tests/facts/process_scene.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void
counts_by_kind(void **state)
{
	struct fact_bench *b = *state;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int files[3], accepted;
	pid_t pid;

	assert_int_equal(bind(server, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(server, 1), 0);
	getsockname(server, (struct sockaddr *)&in, &len);
	assert_int_equal(connect(client, (struct sockaddr *)&in, sizeof(in)), 0);
	accepted = accept(server, NULL, NULL);
	close(server);
	for (int i = 0; i < 3; i++)
		files[i] = open("/etc/passwd", O_RDONLY);
	pid = scene_child("tri-fact-fds");
	fact_bench_check(b, "process", "name: tri-fact-fds");
	fact_bench_run(b, "fds");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "pid", pid);
	assert_true(fact_bench_number(b, "files") >= 3);
	assert_true(fact_bench_number(b, "sockets") >= 2);
	assert_fact_number(b, "established", 2);
	assert_fact_number(b, "close_wait", 0);
	assert_fact_text(b, "top_peer", "127.0.0.1");
	assert_fact_number(b, "top_peer_count", 2);
	assert_true(fact_bench_number(b, "percent") > 0);
	/* The client says that it is done; the server never closes. */
	shutdown(client, SHUT_WR);
	fact_bench_run(b, "fds");
	assert_fact_number(b, "close_wait", 1);
	assert_non_null(strstr(b->fact.text, "CLOSE_WAIT"));
	for (int i = 0; i < 3; i++)
		close(files[i]);
	close(accepted);
	close(client);
	scene_end(pid);
}

static void
knows_that_it_does_not_run(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_check(b, "process", "name: tri-fact-no-such");
	fact_bench_run(b, "fds");
	assert_int_equal(b->fact.end, FACT_NONE);
}

SCENE_MAIN(SCENE(counts_by_kind), SCENE(knows_that_it_does_not_run))
