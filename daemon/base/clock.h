/*
 * The clock that everybody is handed, so that tests own time.  Durations and deadlines are always
 * monotonic; the wall clock is for showing, never for measuring.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t usec_t;

#define USEC_PER_MSEC INT64_C(1000)
#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)

struct clock {
	bool is_fake; /* a test turns it by hand */
	usec_t fake_mono_us;
	usec_t fake_wall_us;
	usec_t fake_slept_us; /* time spent suspended */
};

void clock_init_real(struct clock *clock);
void clock_init_fake(struct clock *clock, usec_t mono_us, usec_t wall_us);
void clock_advance(struct clock *clock, usec_t by_us);   /* fake only: both clocks */
void clock_step_wall(struct clock *clock, usec_t by_us); /* fake only: somebody set the time */
void clock_suspend(struct clock *clock, usec_t for_us);  /* fake only: wall moves, mono does not */

usec_t clock_mono(const struct clock *clock);
usec_t clock_wall(const struct clock *clock);  /* since 1970, UTC */
usec_t clock_slept(const struct clock *clock); /* suspended since boot: BOOTTIME - MONOTONIC */

/* "2026-01-02T03:04:05.678Z".  clock_parse_rfc3339 accepts offsets; -1 if it is not a time. */
#define CLOCK_RFC3339_SIZE 32
void clock_format_rfc3339(usec_t wall_us, char out[CLOCK_RFC3339_SIZE]);
int clock_parse_rfc3339(const char *text, usec_t *wall_us);

/* "1m 30s", "3d 4h": the two largest units; under a minute three digits: "1.23s", "250ms". */
void clock_format_duration(usec_t us, char *out, size_t size);

#endif
