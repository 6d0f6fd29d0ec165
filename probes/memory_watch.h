/* The memory check between its runs: hears of OOM kills and pressure from the kernel. */
#ifndef PROBES_MEMORY_WATCH_H
#define PROBES_MEMORY_WATCH_H

#include "io/timer.h"
#include "probes/cgroup.h"
#include "probes/probe.h"

struct watch;
struct inotify_watch;

struct memory_watch {
	struct timer look; /* at the counter of kills, where nobody tells */
	double kills;      /* of the host at the last look; NAN: not known */
	struct cgroup own;
	struct inotify_watch *events; /* its memory.events; NULL: none */
	double own_kills;             /* at the last event; NAN: not known */
	struct watch *pressure;       /* a private epoll descriptor; NULL: none */
	int pressure_fd, epoll_fd;    /* -1: none */
	double pressure_us;           /* stalled in full at the last look; NAN: not known */
};

void memory_watch_open(struct probe_watch *watch);
void memory_watch_close(struct probe_watch *watch);

#endif
