/*
 * How the database of history grows: four days in virtual time of so many series, each with a
 * value every 30 s, written in the batches that the daemon makes.  Prints bytes per series and day:
 * of the first day, and of a later one, when all but the coarsest roll-ups only replace each other.
 *
 * Usage: growth_rate FOLDER [SERIES]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/history.h"

#define T0       (INT64_C(1767323700) * USEC_PER_SEC) /* a full quarter of an hour */
#define EVERY_US (5 * USEC_PER_SEC)                   /* how often the daemon writes */
#define PARTS    6                                    /* a sixth of the series each time: 30 s */
#define DAYS     4

struct growth {
	struct folder folder;
	struct history *history;
	struct store_series **series;
	size_t count;
};

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "growth_rate: %s: %s\n", what, e->text);
	exit(1);
}

static double
size_of(const struct growth *g)
{
	char *path = folder_file(&g->folder, HISTORY_FILE);
	struct stat st;
	double size = stat(path, &st) == 0 ? (double)st.st_size : NAN;

	free(path);
	return size;
}

/* Times of answers: a few digits that differ each time. */
static double
next_value(void)
{
	static unsigned seed = 1;

	seed = seed * 1664525u + 1013904223u;
	return 0.0005 + (double)(seed >> 16) / 65536.0 / 1000.0;
}

static void
write_day(struct growth *g, int day)
{
	struct history_row *rows = xcalloc(g->count, sizeof(*rows));
	usec_t begin = T0 + day * USEC_PER_DAY;
	struct err e = { 0 };

	for (usec_t at = begin; at < begin + USEC_PER_DAY; at += EVERY_US) {
		size_t part = (size_t)(at / EVERY_US) % PARTS, n = 0;

		for (size_t i = part; i < g->count; i += PARTS)
			rows[n++] =
				(struct history_row){ g->series[i], at + (usec_t)i, next_value() };
		if (history_write(g->history, rows, n, &e) < 0)
			die("writing", &e);
	}
	free(rows);
}

int
main(int argc, char **argv)
{
	struct growth g = { .count = argc > 2 ? strtoul(argv[2], NULL, 10) : 400 };
	double sizes[DAYS + 1] = { 0 };
	struct err e = { 0 };

	if (argc < 2 || g.count < PARTS) {
		fprintf(stderr, "usage: growth_rate FOLDER [SERIES]\n");
		return 2;
	}
	if (folder_open(&g.folder, argv[1], &e) < 0 || folder_begin(&g.folder, &e) < 0)
		die(argv[1], &e);
	g.series = xcalloc(g.count, sizeof(*g.series));
	for (size_t i = 0; i < g.count; i++) {
		char *check = xasprintf("check-%zu", i / 2);

		g.series[i] = history_series_new(check, i % 2 ? "total_time" : "up");
		free(check);
	}
	for (int day = 0; day < DAYS; day++) {
		g.history = history_open(&g.folder, INT64_C(64) << 30, (unsigned)day + 1, &e);
		if (g.history == NULL)
			die("opening", &e);
		write_day(&g, day);
		history_close(g.history);
		sizes[day + 1] = size_of(&g);
	}
	folder_close(&g.folder, true);
	printf("{\"first_day\": %.1f, \"later_day\": %.1f}\n", sizes[1] / (double)g.count,
		(sizes[DAYS] - sizes[DAYS - 1]) / (double)g.count);
	return 0;
}
