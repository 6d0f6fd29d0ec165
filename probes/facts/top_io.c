/*
 * Who reads and writes the disks at this moment, and how busy the busiest disk is: two looks, a
 * moment apart.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "io/fs_walk.h"
#include "io/loop.h"
#include "io/timer.h"
#include "probes/diskstats.h"
#include "probes/facts/fact.h"
#include "probes/host_file.h"

#define APART_US      (500 * USEC_PER_MSEC)
#define SHOWN         5
#define DISKSTATS_MAX 65536
#define DEVICES_MAX   256

enum key {
	KEY_FIRST,
	KEY_FIRST_PID,
	KEY_WRITE_RATE,
	KEY_READ_RATE,
	KEY_DEVICE,
	KEY_UTIL,
	KEY_AWAIT,
};

static const struct metric_desc keys[] = {
	{ "first", METRIC_GAUGE, UNIT_TEXT, "The program that reads and writes most." },
	{ "first_pid", METRIC_GAUGE, UNIT_NONE, "The number of that process." },
	{ "write_rate", METRIC_GAUGE, UNIT_BYTES_PER_SECOND, "What it writes." },
	{ "read_rate", METRIC_GAUGE, UNIT_BYTES_PER_SECOND, "What it reads." },
	{ "device", METRIC_GAUGE, UNIT_TEXT, "The busiest disk." },
	{ "util_percent", METRIC_GAUGE, UNIT_PERCENT, "Share of time in which it was busy." },
	{ "await", METRIC_GAUGE, UNIT_SECONDS, "Mean time that it needed for one request." },
	{ .name = NULL },
};

struct device {
	char name[32];
	unsigned major, minor;
	struct diskstats stats;
};

struct state {
	struct timer pause;
	struct fs_call *call;
	char proc[HOST_PATH_MAX];
	struct fs_io_row *before;
	size_t count;
	uint32_t denied;
	usec_t before_us, devices_us;
	struct device *devices;
	size_t device_count;
};

/* --- disks --- */

static bool
is_disk(const char *name)
{
	return !str_starts(name, "loop") && !str_starts(name, "ram") && !str_starts(name, "zram") &&
	       !str_starts(name, "sr");
}

static size_t
read_devices(struct fact_run *run, struct device *all)
{
	char *text = xmalloc(DISKSTATS_MAX);
	size_t count = 0;

	if (host_read_shared(fact_env(run), "proc/diskstats", text, DISKSTATS_MAX, NULL) < 0)
		text[0] = '\0';
	for (const char *line = text; *line != '\0' && count < DEVICES_MAX;) {
		struct device *d = &all[count];

		if (sscanf(line, "%u %u %31s", &d->major, &d->minor, d->name) == 3 &&
			is_disk(d->name) && diskstats_parse(&d->stats, text, d->major, d->minor))
			count++;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	free(text);
	return count;
}

static double
await_s(const struct diskstats *before, const struct diskstats *now)
{
	double requests =
		(double)(now->reads - before->reads) + (double)(now->writes - before->writes);
	double ms = (double)(now->read_ms - before->read_ms) +
		    (double)(now->write_ms - before->write_ms);

	return requests > 0 && ms >= 0 ? ms / requests / 1000 : (double)NAN;
}

/* The whole disk comes before its partitions, which are as busy as it is. */
static void
say_devices(struct fact_run *run)
{
	struct state *state = fact_state(run);
	struct device *now = xcalloc(DEVICES_MAX, sizeof(*now));
	size_t count = read_devices(run, now);
	usec_t passed_us = loop_now(fact_env(run)->loop) - state->devices_us;
	const struct device *best = NULL;
	double most = -1, wait = NAN;
	char shown[32] = "not known";

	for (size_t i = 0; i < count; i++) {
		const struct device *was = NULL;
		double util;

		for (size_t k = 0; k < state->device_count && was == NULL; k++)
			if (str_eq(state->devices[k].name, now[i].name))
				was = &state->devices[k];
		if (was == NULL)
			continue;
		util = diskstats_between(&was->stats, &now[i].stats, passed_us).util_percent;
		if (util > most) {
			best = &now[i];
			most = util;
			wait = await_s(&was->stats, &now[i].stats);
		}
	}
	if (best != NULL) {
		fact_text(run, KEY_DEVICE, "%s", best->name);
		fact_number(run, KEY_UTIL, most);
		fact_number(run, KEY_AWAIT, wait);
		if (!isnan(wait))
			metric_format(wait, UNIT_SECONDS, shown, sizeof(shown));
		fact_line(run, "%s is busy %.0f %% of the time, a request takes %s", best->name,
			most, shown);
	}
	free(now);
}

/* --- processes --- */

static int
compare(const void *a, const void *b)
{
	const struct fs_io_row *x = a, *y = b;
	uint64_t sum_x = x->read_bytes + x->write_bytes, sum_y = y->read_bytes + y->write_bytes;

	if (sum_x != sum_y)
		return sum_x > sum_y ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static const struct fs_io_row *
find(const struct state *state, uint32_t pid)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->before[i].pid == pid)
			return &state->before[i];
	return NULL;
}

/* Turns the rows into what happened between; those that did nothing go. */
static size_t
subtract(const struct state *state, struct fs_io_row *rows, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct fs_io_row *was = find(state, rows[i].pid);

		if (was == NULL || was->read_bytes > rows[i].read_bytes ||
			was->write_bytes > rows[i].write_bytes)
			continue; /* it came meanwhile, or is another */
		rows[i].read_bytes -= was->read_bytes;
		rows[i].write_bytes -= was->write_bytes;
		rows[i].comm[sizeof(rows[i].comm) - 1] = '\0';
		if (rows[i].read_bytes + rows[i].write_bytes > 0)
			rows[kept++] = rows[i];
	}
	qsort(rows, kept, sizeof(rows[0]), compare);
	return kept;
}

static void
say_processes(struct fact_run *run, struct fs_io_row *rows, size_t count)
{
	struct state *state = fact_state(run);
	double passed_s =
		(double)(loop_now(fact_env(run)->loop) - state->before_us) / (double)USEC_PER_SEC;

	count = passed_s > 0 ? subtract(state, rows, count) : 0;
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		double writes = (double)rows[i].write_bytes / passed_s;
		double reads = (double)rows[i].read_bytes / passed_s;
		char wrote[32], red[32];

		/* The busiest may be among those that are not shown. */
		if (i == 0 && state->denied == 0) {
			fact_text(run, KEY_FIRST, "%s", rows[i].comm);
			fact_number(run, KEY_FIRST_PID, rows[i].pid);
			fact_number(run, KEY_WRITE_RATE, writes);
			fact_number(run, KEY_READ_RATE, reads);
		}
		metric_format(writes, UNIT_BYTES_PER_SECOND, wrote, sizeof(wrote));
		metric_format(reads, UNIT_BYTES_PER_SECOND, red, sizeof(red));
		fact_line(run, "%s (pid %u) writes %s, reads %s", rows[i].comm, rows[i].pid, wrote,
			red);
	}
	if (count == 0)
		fact_line(run, "no process that this daemon may look at uses a disk now");
	if (state->denied > 0)
		fact_line(run,
			"%u processes of other users are not shown (CAP_SYS_PTRACE is missing)",
			state->denied);
}

/* A copy of the rows; NULL: none came. */
static struct fs_io_row *
take_rows(struct fact_run *run, const struct fs_result *r, size_t *count)
{
	struct state *state = fact_state(run);
	struct fs_walk_head head;
	struct fs_io_row *rows;

	if (r->status != FS_OK || r->data_len < sizeof(head))
		return NULL;
	memcpy(&head, r->data, sizeof(head));
	state->denied = head.denied;
	*count = (r->data_len - sizeof(head)) / sizeof(*rows);
	if (*count > head.count)
		*count = head.count;
	rows = xcalloc(*count + 1, sizeof(*rows));
	memcpy(rows, r->data + sizeof(head), *count * sizeof(*rows));
	return rows;
}

static void
ask(struct fact_run *run, fs_fn fn)
{
	struct state *state = fact_state(run);
	const struct fs_request request = { .op = FS_PROC_IO, .path = state->proc };

	state->call = fs_call_start(fact_env(run)->fs, &request, fact_time_left(run), fn, run);
}

static void
on_second(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	size_t count = 0;
	struct fs_io_row *rows;

	state->call = NULL;
	say_devices(run);
	rows = take_rows(run, r, &count);
	if (rows != NULL)
		say_processes(run, rows, count);
	free(rows);
	fact_had(run);
}

static void
on_pause(void *arg)
{
	ask(arg, on_second);
}

static void
on_first(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);

	state->call = NULL;
	state->before = take_rows(run, r, &state->count);
	if (state->before == NULL) {
		fact_missed(run, "the processes could not be read: %s",
			r->error != 0 ? strerror(r->error) : "no answer");
		return;
	}
	state->before_us = loop_now(fact_env(run)->loop);
	timer_after(&state->pause, APART_US);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	timer_init(&state->pause, fact_env(run)->loop, on_pause, run);
	host_path(fact_env(run), "proc", state->proc);
	state->devices = xcalloc(DEVICES_MAX, sizeof(*state->devices));
	state->device_count = read_devices(run, state->devices);
	state->devices_us = loop_now(fact_env(run)->loop);
	ask(run, on_first);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	timer_stop(&state->pause);
	fs_call_cancel(state->call);
	state->call = NULL;
	free(state->before);
	free(state->devices);
	state->before = NULL;
	state->devices = NULL;
}

const struct fact_type fact_type_top_io = {
	.name = "top-io",
	.summary = "The processes that read and write most now, and the busiest disk.",
	.rights = "CAP_SYS_PTRACE to see what other users' processes read and write",
	.keys = keys,
	.run_size = sizeof(struct state),
	.fresh_us = 10 * USEC_PER_SEC,
	.is_host = true,
	.is_near = true,
	.start = start,
	.stop = stop,
};
