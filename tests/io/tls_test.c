/* Contexts are shared by their options; files that cannot be used are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/tls.h"
#include "tests/help/peer.h"

static void
test_shared(void **state)
{
	struct tls_pool *pool = tls_pool_new();
	struct tls_options a = { .ca = peer_ca_path() }, b = a, c = a, d = a;

	(void)state;
	c.is_unverified = true;
	d.alpn = "http/1.1";
	assert_non_null(tls_ctx_get(pool, &a, NULL));
	assert_ptr_equal(tls_ctx_get(pool, &a, NULL), tls_ctx_get(pool, &b, NULL));
	assert_ptr_not_equal(tls_ctx_get(pool, &a, NULL), tls_ctx_get(pool, &c, NULL));
	assert_ptr_not_equal(tls_ctx_get(pool, &a, NULL), tls_ctx_get(pool, &d, NULL));
	tls_pool_free(pool);
}

static void
refused(struct tls_options o, const char *words)
{
	struct tls_pool *pool = tls_pool_new();
	struct err e;

	assert_null(tls_ctx_get(pool, &o, &e));
	if (strstr(e.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
	tls_pool_free(pool);
}

static void
test_refused(void **state)
{
	(void)state;
	refused((struct tls_options){ .ca = "/nonexistent.pem" }, "/nonexistent.pem");
	refused((struct tls_options){ .ca = "/dev/null" }, "no certificates");
	refused((struct tls_options){ .ca = peer_ca_path(), .cert = "/nonexistent.pem" },
		"client certificate /nonexistent.pem");
	refused((struct tls_options){ .ca = peer_ca_path(), .cert = peer_ca_path() }, "the key");
	refused((struct tls_options){ .ca = peer_ca_path(), .key = peer_client_pem() },
		"without its certificate");
	refused(
		(struct tls_options){
			.ca = peer_ca_path(), .cert = peer_ca_path(), .key = peer_client_pem() },
		"key values mismatch");
}

struct job {
	struct tls_pool *pool;
	const char *path;
	struct tls_ctx *got;
};

static void *
get(void *arg)
{
	struct tls_options o = { .ca = peer_ca_path() };
	struct job *job = arg;

	job->got = tls_ctx_get(job->pool, &o, NULL);
	return NULL;
}

static void
test_two_threads(void **state)
{
	struct tls_pool *pool = tls_pool_new();
	struct job jobs[4];
	pthread_t threads[4];

	(void)state;
	peer_ca_path();
	for (int i = 0; i < 4; i++) {
		jobs[i] = (struct job){ .pool = pool };
		assert_int_equal(pthread_create(&threads[i], NULL, get, &jobs[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_ptr_equal(jobs[i].got, jobs[0].got);
	}
	assert_non_null(jobs[0].got);
	tls_pool_free(pool);
	tls_pool_free(NULL);
}

static void
copy_file(const char *from, const char *to, const char *more)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	int c;

	assert_true(in != NULL && out != NULL);
	while ((c = getc(in)) != EOF)
		putc(c, out);
	fputs(more, out);
	fclose(in);
	fclose(out);
}

/* A certificate that was renewed in place counts from the next load of the settings. */
static void
test_renewed_files(void **state)
{
	struct tls_pool *pool = tls_pool_new();
	char ca[] = "/tmp/triaged-ca-XXXXXX", own[] = "/tmp/triaged-own-XXXXXX";
	struct tls_options by_ca = { .ca = ca }, by_cert = { .ca = peer_ca_path(), .cert = own };
	struct tls_ctx *first, *second;

	(void)state;
	close(mkstemp(ca));
	close(mkstemp(own));
	copy_file(peer_ca_path(), ca, "");
	copy_file(peer_client_pem(), own, "");
	first = tls_ctx_get(pool, &by_ca, NULL);
	second = tls_ctx_get(pool, &by_cert, NULL);
	assert_true(first != NULL && second != NULL);
	tls_pool_look_again(pool);
	assert_ptr_equal(tls_ctx_get(pool, &by_ca, NULL), first);
	assert_ptr_equal(tls_ctx_get(pool, &by_cert, NULL), second);
	copy_file(peer_ca_path(), ca, "\n");
	tls_pool_look_again(pool);
	assert_ptr_not_equal(tls_ctx_get(pool, &by_ca, NULL), first);
	assert_ptr_equal(tls_ctx_get(pool, &by_cert, NULL), second);
	copy_file(peer_client_pem(), own, "\n");
	tls_pool_look_again(pool);
	assert_ptr_not_equal(tls_ctx_get(pool, &by_cert, NULL), second);
	unlink(ca);
	unlink(own);
	tls_pool_look_again(pool);
	assert_null(tls_ctx_get(pool, &by_ca, NULL));
	tls_pool_free(pool);
}

static void *
get_from_pipe(void *arg)
{
	struct job *job = arg;
	struct tls_options o = { .ca = job->path };

	job->got = tls_ctx_get(job->pool, &o, NULL);
	return NULL;
}

/* One that hangs on a dead file system keeps nobody else from his context. */
static void
test_slow_file_stops_nobody(void **state)
{
	struct tls_options o = { .ca = peer_ca_path() };
	struct job job = { .pool = tls_pool_new() };
	char path[64];
	pthread_t thread;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/triaged-ca-pipe-%d", (int)getpid());
	job.path = path;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, get_from_pipe, &job), 0);
	while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) == -1 && errno == ENXIO)
		sched_yield(); /* until it is being read */
	assert_true(fd >= 0);
	assert_non_null(tls_ctx_get(job.pool, &o, NULL));
	close(fd);
	pthread_join(thread, NULL);
	assert_null(job.got);
	unlink(path);
	tls_pool_free(job.pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_renewed_files),
		cmocka_unit_test(test_slow_file_stops_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
