/* Reads /proc/diskstats: busy share and mean time of a read and a write between two looks. */
#include "probes/diskstats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool
diskstats_parse(struct diskstats *out, const char *text, unsigned major, unsigned minor)
{
	for (const char *line = text; line != NULL && *line != '\0';) {
		struct diskstats row;
		unsigned a, b;

		/* reads merged sectors ms writes merged sectors ms in-flight busy-ms */
		if (sscanf(line,
			    "%u %u %*s %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64 " %*u %*u %" SCNu64
			    " %*u %" SCNu64 " %" SCNu64,
			    &a, &b, &row.reads, &row.read_ms, &row.writes, &row.write_ms,
			    &row.busy_ms, &row.queued_ms) == 8 &&
			a == major && b == minor) {
			*out = row;
			return true;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return false;
}

static double
mean_s(uint64_t count_before, uint64_t count, uint64_t ms_before, uint64_t ms)
{
	if (count <= count_before || ms < ms_before)
		return NAN;
	return (double)(ms - ms_before) / (double)(count - count_before) / 1000;
}

struct disk_io
diskstats_between(const struct diskstats *before, const struct diskstats *after, int64_t passed_us)
{
	struct disk_io io = { NAN, NAN, NAN, NAN, NAN };

	if (passed_us <= 0 || after->busy_ms < before->busy_ms)
		return io;
	io.util_percent = (double)(after->busy_ms - before->busy_ms) * 100000 / (double)passed_us;
	if (io.util_percent > 100)
		io.util_percent = 100;
	io.read_time_s = mean_s(before->reads, after->reads, before->read_ms, after->read_ms);
	io.write_time_s = mean_s(before->writes, after->writes, before->write_ms, after->write_ms);
	io.await_s = mean_s(before->reads + before->writes, after->reads + after->writes,
		before->read_ms + before->write_ms, after->read_ms + after->write_ms);
	if (after->queued_ms >= before->queued_ms)
		io.queue =
			(double)(after->queued_ms - before->queued_ms) * 1000 / (double)passed_us;
	return io;
}
