/* A make-believe host in a temporary folder, removed with everything in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/help/host_root.h"

int
host_set_up(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	strcpy(h->root, "/tmp/triaged-host-XXXXXX");
	assert_non_null(mkdtemp(h->root));
	bench_open(&h->bench, BENCH_FAKE);
	h->bench.env.host_root = h->root;
	*state = h;
	return 0;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int
host_tear_down(void **state)
{
	struct host *h = *state;

	bench_close(&h->bench);
	assert_int_equal(nftw(h->root, drop, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(h);
	return 0;
}

void
host_put(const struct host *h, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", h->root, name);
	for (char *at = strchr(path + strlen(h->root) + 1, '/'); at != NULL;
		at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void
host_drop(const struct host *h, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", h->root, name);
	assert_int_equal(unlink(path), 0);
}
