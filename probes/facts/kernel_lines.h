/*
 * The kernel's log read for what explains failures: kills for want of memory, I/O errors, file
 * systems gone read-only, links down, programs that crashed.  Pure: text and the time in, a plain
 * value out.
 */
#ifndef FACTS_KERNEL_LINES_H
#define FACTS_KERNEL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define KERNEL_SHOWN_MAX  12
#define KERNEL_FRESH_US   (15 * USEC_PER_MIN)
#define KERNEL_UNTIMED_US (-1)

enum kernel_oom_scope { KERNEL_OOM_UNKNOWN, KERNEL_OOM_CGROUP, KERNEL_OOM_HOST };

struct kernel_shown {
	usec_t age_us;
	char text[256]; /* as the kernel has it, printable */
};

struct kernel_news {
	bool oom, io_error, remounted_read_only, time_jump;
	char oom_victim[32], oom_cgroup[128];
	long oom_pid;
	double oom_rss_bytes; /* NAN: not said */
	enum kernel_oom_scope oom_scope;
	usec_t oom_age_us;
	char io_device[32], link_down[32], segfault[32];
	struct kernel_shown shown[KERNEL_SHOWN_MAX]; /* the newest that matter, in a ring */
	size_t shown_count;
};

/* Records of /dev/kmsg ("6,12,3456,-;words"), a line each.  `now_us` on their clock; 0: as old as
 * the newest of them.  What is older than KERNEL_FRESH_US is passed over. */
void kernel_lines_read(struct kernel_news *news, const char *text, size_t len, usec_t now_us);

#endif
