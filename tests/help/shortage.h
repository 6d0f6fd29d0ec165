/* A process that has no descriptor left, for as long as a test wants it so. */
#ifndef TESTS_HELP_SHORTAGE_H
#define TESTS_HELP_SHORTAGE_H

#include <sys/resource.h>

struct shortage {
	struct rlimit before;
};

void shortage_begin(struct shortage *s); /* what is open stays open */
void shortage_end(const struct shortage *s);

#endif
