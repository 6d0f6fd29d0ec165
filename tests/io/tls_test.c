/* Contexts are shared by their options; files that cannot be used are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
