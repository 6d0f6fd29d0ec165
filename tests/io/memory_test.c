/* Whether OpenSSL takes our allocator: only before it has used its own; and what a settled program
 * gives back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <link.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_comes_late_is_told),
		cmocka_unit_test(test_code_that_was_needed_once_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
