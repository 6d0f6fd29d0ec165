/* A make-believe host: a folder with the kernel files that a test puts there, and a probe bench
 * whose host_root it is. */
#ifndef TESTS_HELP_HOST_ROOT_H
#define TESTS_HELP_HOST_ROOT_H

#include "tests/help/probe_bench.h"

struct host {
	struct bench bench;
	char root[64];
};

/* cmocka's set-up and tear-down; the clock is a fake one. */
int host_set_up(void **state);
int host_tear_down(void **state);

void host_put(const struct host *host, const char *name, const char *text);
void host_drop(const struct host *host, const char *name);

#endif
