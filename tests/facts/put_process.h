/* Processes in a fixture's /proc, for the tests of facts that look at all of them. */
#ifndef TESTS_FACTS_PUT_PROCESS_H
#define TESTS_FACTS_PUT_PROCESS_H

#include <stdio.h>

#include "tests/help/host_root.h"

struct made_process {
	unsigned pid;
	const char *comm;
	unsigned long ticks, start, pages;
};

static inline void
put_process(const struct host *host, const struct made_process *p)
{
	char name[64], text[512];

	snprintf(name, sizeof(name), "proc/%u/stat", p->pid);
	snprintf(text, sizeof(text),
		"%u (%s) S 1 1 1 0 -1 4194304 0 0 0 0 %lu 0 0 0 20 0 1 0 %lu 99999 %lu "
		"18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n",
		p->pid, p->comm, p->ticks, p->start, p->pages);
	host_put(host, name, text);
	snprintf(name, sizeof(name), "proc/%u/comm", p->pid);
	snprintf(text, sizeof(text), "%s\n", p->comm);
	host_put(host, name, text);
}

#endif
