/*
 * Who holds the memory of this host, and who takes more of it.  Growth is against an earlier look
 * of this fact, an hour old at most where there is one: the first says that it does not know yet.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/facts/fact.h"
#include "probes/facts/top_look.h"
#include "probes/host_file.h"

#define SHOWN        10
#define REMEMBERED   64
#define SPAN_MIN_US  (10 * USEC_PER_SEC) /* less says nothing of an hour */
#define SPAN_MAX_US  USEC_PER_HOUR
#define GROWER_BYTES (1 << 20) /* an hour: less is breathing */

enum key {
	KEY_FIRST,
	KEY_FIRST_PID,
	KEY_FIRST_BYTES,
	KEY_FIRST_PERCENT,
	KEY_GROWTH,
	KEY_GROWER,
	KEY_GROWER_PID,
	KEY_GROWER_BYTES,
};

static const struct metric_desc keys[] = {
	{ "first", METRIC_GAUGE, UNIT_TEXT, "The program of the process that holds most." },
	{ "first_pid", METRIC_GAUGE, UNIT_NONE, "Its number." },
	{ "first_bytes", METRIC_GAUGE, UNIT_BYTES, "What it holds (resident)." },
	{ "first_percent", METRIC_GAUGE, UNIT_PERCENT, "The same of the host's memory." },
	{ "growth_bytes", METRIC_GAUGE, UNIT_BYTES, "By how much it grows in an hour." },
	{ "grower", METRIC_GAUGE, UNIT_TEXT, "The program of the process that grows most." },
	{ "grower_pid", METRIC_GAUGE, UNIT_NONE, "Its number." },
	{ "grower_bytes", METRIC_GAUGE, UNIT_BYTES, "By how much in an hour." },
	{ .name = NULL },
};

/* The largest processes at some time. */
struct picture {
	usec_t at_us; /* 0: none */
	size_t count;
	struct top_row all[REMEMBERED];
};

struct memory {
	struct picture base, latest;
};

struct state {
	struct top_asking asking;
	struct top_look look;
};

static int
compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->rss_bytes != y->rss_bytes)
		return x->rss_bytes > y->rss_bytes ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static double
total_bytes(struct fact_run *run)
{
	char text[8192];

	if (host_read_shared(fact_env(run), "proc/meminfo", text, sizeof(text), NULL) < 0)
		return NAN;
	return host_field(text, "MemTotal") * 1024;
}

static void
remember(struct memory *memory, const struct top_look *look)
{
	struct picture *latest = &memory->latest;

	if (latest->at_us > 0 &&
		(memory->base.at_us == 0 || look->at_us - memory->base.at_us > SPAN_MAX_US))
		memory->base = *latest;
	latest->at_us = look->at_us;
	latest->count = look->count < REMEMBERED ? look->count : REMEMBERED;
	memcpy(latest->all, look->all, latest->count * sizeof(latest->all[0]));
}

static const struct top_row *
find(const struct picture *picture, const struct top_row *row)
{
	for (size_t i = 0; i < picture->count; i++)
		if (picture->all[i].pid == row->pid &&
			picture->all[i].start_ticks == row->start_ticks)
			return &picture->all[i];
	return NULL;
}

/* NAN: not known. */
static double
growth_of(const struct memory *memory, const struct top_row *row, usec_t now_us)
{
	const struct picture *before = memory->base.at_us > 0 ? &memory->base : &memory->latest;
	usec_t span_us = now_us - before->at_us;
	const struct top_row *was;

	if (before->at_us == 0 || span_us < SPAN_MIN_US)
		return NAN;
	was = find(before, row);
	return was != NULL
		       ? (row->rss_bytes - was->rss_bytes) * (double)USEC_PER_HOUR / (double)span_us
		       : (double)NAN;
}

static void
say_row(struct fact_run *run, const struct top_row *row, double total, double growth)
{
	char bytes[32], percent[32] = "", more[32], grows[64] = "";

	metric_format(row->rss_bytes, UNIT_BYTES, bytes, sizeof(bytes));
	if (!isnan(total) && total > 0)
		snprintf(percent, sizeof(percent), ", %.1f %%", row->rss_bytes * 100 / total);
	if (!isnan(growth) && fabs(growth) >= GROWER_BYTES) {
		metric_format(fabs(growth), UNIT_BYTES, more, sizeof(more));
		snprintf(grows, sizeof(grows), ", %s%s an hour", growth > 0 ? "+" : "-", more);
	}
	fact_line(run, "%s (pid %u) %s%s%s", row->comm, row->pid, bytes, percent, grows);
}

/* Workers of one program that hold more together than any process alone. */
static void
say_family(struct fact_run *run, const struct top_look *look)
{
	double most = 0;
	size_t best = 0, members = 0;
	char bytes[32];

	for (size_t i = 0; i < look->count && i < SHOWN; i++) {
		double sum = 0;
		size_t count = 0;

		for (size_t k = 0; k < look->count; k++) {
			bool is_same = str_eq(look->all[k].comm, look->all[i].comm);

			sum += is_same ? look->all[k].rss_bytes : 0;
			count += is_same;
		}
		if (sum > most) {
			most = sum;
			best = i;
			members = count;
		}
	}
	if (members < 2 || most < 1.5 * look->all[0].rss_bytes)
		return;
	metric_format(most, UNIT_BYTES, bytes, sizeof(bytes));
	fact_line(run, "%zu processes %s: %s together (what they share counts each time)", members,
		look->all[best].comm, bytes);
}

static void
say_all(struct fact_run *run, const struct top_look *look, const struct memory *memory)
{
	const struct top_row *first = &look->all[0], *grower = NULL;
	double total = total_bytes(run), most = GROWER_BYTES;
	double growth = growth_of(memory, first, look->at_us);

	fact_text(run, KEY_FIRST, "%s", first->comm);
	fact_number(run, KEY_FIRST_PID, first->pid);
	fact_number(run, KEY_FIRST_BYTES, first->rss_bytes);
	fact_number(run, KEY_FIRST_PERCENT, first->rss_bytes * 100 / total);
	fact_number(run, KEY_GROWTH, growth);
	for (size_t i = 0; i < look->count && i < REMEMBERED; i++) {
		double more = growth_of(memory, &look->all[i], look->at_us);

		if (i < SHOWN)
			say_row(run, &look->all[i], total, more);
		if (more > most) { /* NAN is not */
			most = more;
			grower = &look->all[i];
		}
	}
	if (grower != NULL) {
		fact_text(run, KEY_GROWER, "%s", grower->comm);
		fact_number(run, KEY_GROWER_PID, grower->pid);
		fact_number(run, KEY_GROWER_BYTES, most);
	}
	if (isnan(growth))
		fact_line(run, "how fast they grow is not known yet");
	say_family(run, look);
}

static void
on_look(struct fact_run *run, const struct top_look *found, const char *why)
{
	struct memory *memory = fact_memory(run, sizeof(*memory));
	struct state *state = fact_state(run);

	if (found == NULL || found->count == 0) {
		fact_missed(run, "the processes could not be read: %s",
			why != NULL ? why : "there are none");
		return;
	}
	if (found->is_hidden) {
		fact_missed(run, "other users' processes are hidden from this daemon (hidepid=, or "
				 "ProtectProc= of its unit): who holds most is not known");
		return;
	}
	qsort(state->look.all, found->count, sizeof(found->all[0]), compare);
	say_all(run, found, memory);
	remember(memory, found);
	fact_had(run);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	top_look_start(&state->asking, run, &state->look, on_look);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	top_look_cancel(&state->asking);
	top_look_fini(&state->look);
}

const struct fact_type fact_type_top_memory = {
	.name = "top-memory",
	.summary = "The processes that hold most of the memory, and how fast they grow.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.is_host = true,
	.is_near = true,
	.start = start,
	.stop = stop,
};
