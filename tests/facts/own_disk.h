/* A file system of its own for a test, in memory, and files on it. */
#ifndef TESTS_FACTS_OWN_DISK_H
#define TESTS_FACTS_OWN_DISK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/help/fact_bench.h"

struct disk {
	struct fact_bench *bench;
	char folder[64];
};

/* A file system of 16 MiB that nothing else is on; false: this user may not. */
static inline bool
make_disk(struct disk *d, struct fact_bench *b)
{
	d->bench = b;
	strcpy(d->folder, "/tmp/triaged-dirs-XXXXXX");
	assert_non_null(mkdtemp(d->folder));
	if (mount("none", d->folder, "tmpfs", 0, "size=16m") != 0) {
		assert_true(errno == EPERM || errno == EACCES);
		rmdir(d->folder);
		return false;
	}
	fact_bench_reveal(b, &(struct revealed){ .path = d->folder });
	return true;
}

static inline void
drop_disk(struct disk *d)
{
	assert_int_equal(umount(d->folder), 0);
	rmdir(d->folder);
}

static inline void
put_file(const struct disk *d, const char *name, size_t bytes)
{
	char path[256], *block = calloc(1, bytes);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	for (char *at = strchr(path + strlen(d->folder) + 1, '/'); at != NULL;
		at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(block, 1, bytes, file), bytes);
	fclose(file);
	free(block);
}

static inline void
assert_named(const struct disk *d, const char *key, const char *name)
{
	char want[256];

	snprintf(want, sizeof(want), "%s/%s", d->folder, name);
	assert_string_equal(fact_bench_text(d->bench, key), want);
}

#endif
