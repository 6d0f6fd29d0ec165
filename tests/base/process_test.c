/* What the kernel says of this process: one thread more is one more, one file more is one more. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/process.h"

static void *
wait_for_end(void *arg)
{
	char byte;

	assert_true(read(*(int *)arg, &byte, 1) == 0);
	return NULL;
}

static void
counts_threads(void **state)
{
	double before = process_threads();
	pthread_t thread;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &ends[0]), 0);
	assert_true(process_threads() == before + 1);
	close(ends[1]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(ends[0]);
}

static void
counts_files(void **state)
{
	double before = process_open_fds();
	int fd = dup(STDIN_FILENO);

	(void)state;
	assert_true(fd != -1);
	assert_true(process_open_fds() == before + 1);
	close(fd);
	assert_true(process_open_fds() == before);
}

static void
knows_its_memory(void **state)
{
	(void)state;
	assert_true(process_rss_bytes() > 0);
	assert_true(process_private_bytes() > 0);
	assert_true(process_private_bytes() < process_rss_bytes());
	assert_true(process_virtual_bytes() > process_rss_bytes());
	assert_true(process_cpu_seconds() > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_threads),
		cmocka_unit_test(counts_files),
		cmocka_unit_test(knows_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
