/* Whether OpenSSL takes our allocator: only before it has used its own; and what a settled program
 * gives back, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <link.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "io/memory.h"

static void
test_who_comes_late_is_told(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		void *p = OPENSSL_malloc(1);
		bool is_claimed = memory_claim_libraries();

		OPENSSL_free(p);
		_exit(is_claimed ? 1 : 0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_true(memory_claim_libraries());
}

static volatile unsigned long seen;

/* Reads all that the program and its libraries have on disk, between its variables, too. */
__attribute__((no_sanitize("address"))) static int
read_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		const char *from = (const char *)(info->dlpi_addr + part->p_vaddr);

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_R))
			continue;
		for (size_t at = 0; at < part->p_filesz; at += 4096)
			seen += (unsigned char)from[at];
	}
	return 0;
}

static long
file_kb(void)
{
	char line[128];
	long kb = -1;
	FILE *status = fopen("/proc/self/status", "re");

	assert_non_null(status);
	while (fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "RssFile: %ld", &kb) == 1)
			break;
	fclose(status);
	return kb;
}

static void
test_code_that_was_needed_once_is_given_back(void **state)
{
	static const char *const words[] = { "kept", "where", "relocations", "point" };
	long before, after;

	(void)state;
	dl_iterate_phdr(read_code, NULL);
	before = file_kb();
	memory_settle();
	after = file_kb();
	assert_true(before > 0 && after > 0);
	assert_true(after < before * 3 / 4);
	/* What the loader has written is not the file's: it is where it was. */
	assert_non_null(strpbrk(words[seen % 4], "aeiou"));
	dl_iterate_phdr(read_code, NULL);
	assert_true(file_kb() > after);
}

#define MB (1024.0 * 1024)

static void
test_growth_is_by_megabytes_and_by_an_eighth(void **state)
{
	double least = 0;

	(void)state;
	assert_false(memory_has_grown(&least, (double)NAN));
	assert_false(memory_has_grown(&least, 10 * MB));
	assert_false(memory_has_grown(&least, 13.9 * MB));
	assert_true(memory_has_grown(&least, 14 * MB));
	assert_false(memory_has_grown(&least, 8 * MB)); /* the least is what counts */
	assert_true(memory_has_grown(&least, 12 * MB));
	least = 200 * MB;
	assert_false(memory_has_grown(&least, 220 * MB));
	assert_true(memory_has_grown(&least, 225 * MB));
	least = (double)NAN; /* /proc was away when it was trimmed */
	assert_false(memory_has_grown(&least, 10 * MB));
	assert_true(memory_has_grown(&least, 14 * MB));
}

#define BLOCKS     30000
#define BLOCK_SIZE 1000

/* The last block lies above all others, so that libc by itself gives nothing back. */
static void
test_what_a_storm_left_is_given_back(void **state)
{
	static void *blocks[BLOCKS];
	double least = 0, storm, after;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* theirs is another heap */
#endif
	if (getenv("UNDER_VALGRIND") != NULL)
		skip(); /* its heap, too */
	memory_trim_grown(&least);
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = xmalloc(BLOCK_SIZE);
		memset(blocks[i], 1, BLOCK_SIZE);
	}
	for (size_t i = 0; i + 1 < BLOCKS; i++)
		free(blocks[i]);
	storm = process_private_bytes();
	memory_trim_grown(&least);
	after = process_private_bytes();
	free(blocks[BLOCKS - 1]);
	assert_true(storm > 25 * MB);
	assert_true(after < storm - 25 * MB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_comes_late_is_told),
		cmocka_unit_test(test_code_that_was_needed_once_is_given_back),
		cmocka_unit_test(test_growth_is_by_megabytes_and_by_an_eighth),
		cmocka_unit_test(test_what_a_storm_left_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
