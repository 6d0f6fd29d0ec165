/* The lowest free number becomes the limit: nothing below it is free. */
#include "tests/help/shortage.h"

#include <unistd.h>

void
shortage_begin(struct shortage *s)
{
	struct rlimit tight;
	int lowest = dup(0);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &s->before);
	tight = s->before;
	tight.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &tight);
}

void
shortage_end(const struct shortage *s)
{
	setrlimit(RLIMIT_NOFILE, &s->before);
}
