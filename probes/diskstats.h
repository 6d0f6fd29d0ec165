/* One device's row of /proc/diskstats.  The parser takes text, so that tests bring their own. */
#ifndef PROBES_DISKSTATS_H
#define PROBES_DISKSTATS_H

#include <stdbool.h>
#include <stdint.h>

struct diskstats {
	uint64_t reads, read_ms, writes, write_ms, busy_ms, queued_ms; /* since boot */
};

bool diskstats_parse(struct diskstats *out, const char *text, unsigned major, unsigned minor);

/* What happened between two rows; NAN: no such operation, or no sense in the numbers. */
struct disk_io {
	double util_percent, read_time_s, write_time_s, await_s; /* await: of both */
	double queue; /* requests under way, on average */
};
struct disk_io diskstats_between(
	const struct diskstats *before, const struct diskstats *after, int64_t passed_us);

#endif
