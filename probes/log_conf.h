/* Settings, numbers and memory of a `log` check, shared by its files. */
#ifndef PROBES_LOG_CONF_H
#define PROBES_LOG_CONF_H

#include "io/fs.h"
#include "io/offload.h"
#include "io/timer.h"
#include "probes/log_rules.h"
#include "probes/log_scan.h"
#include "probes/probe.h"

#define LOG_PIECE   (FS_DATA_MAX - FS_HEAD_MAX)
#define LOG_PATH_AT 512

struct log_conf {
	char *path, *journal, *journal_folder;
	struct log_rules_conf wanted;
	bool is_optional;
	int64_t max_read;
	usec_t silent_after_us;
	/* made by check */
	struct log_rules *rules;
	const struct metric_desc *metrics;
};

enum log_row {
	LOG_TOTAL_TIME,
	LOG_LINES,
	LOG_BYTES,
	LOG_MATCHES,
	LOG_AGE,
	LOG_SIZE,
	LOG_ROTATIONS,
	LOG_SKIPPED,
	LOG_ERRORS,
	LOG_PANICS,
	LOG_SILENT_AFTER,
	LOG_SLOW,
	LOG_ROWS, /* then two for each pattern, then three for each field */
};

/* Where reading goes on. */
struct log_place {
	bool is_known;    /* false: never seen the log */
	bool is_finished; /* read to its end and gone: the next one is new from its first byte */
	bool was_missing;
	uint64_t dev, ino, offset;
	uint64_t head_hash;
	uint32_t head_len;
	struct log_carry carry;
};

#define LOG_WINDOW_US  (5 * USEC_PER_MIN)
#define LOG_WINDOW_MAX 1024

/* The newest numbers of a field, in a ring. */
struct log_values {
	size_t count; /* that were ever put in */
	struct {
		usec_t at_us; /* monotonic */
		double value;
	} all[LOG_WINDOW_MAX];
};

/* Lives as long as the check; what is counted goes on over restarts. */
struct log_watch {
	struct log_place place;
	/* The file before, which its writer may not have let go of yet; read until `old_until_us`.
	 */
	struct log_place old;
	bool is_old_copied;  /* old is a copy that was made before the file was truncated */
	usec_t old_until_us; /* 0: until there is a new one */
	usec_t gone_us;      /* when the file was moved away or removed; 0: it never was */
	char *cursor;        /* of a journal; "": there was no entry yet; NULL: not known */
	double lines, bytes, matches, rotations, skipped, errors, panics;
	struct log_top top; /* what errors say */
	usec_t faded_us;
	struct log_values *values[LOG_FIELDS_MAX]; /* NULL: none yet */
	double counts[LOG_PATTERNS_MAX];
	struct log_shown last[LOG_PATTERNS_MAX];
	usec_t last_at[LOG_PATTERNS_MAX]; /* wall */
	struct log_shown recent[LOG_RECENT];
	size_t recent_count;
	struct log_shown final_line;
	usec_t last_line_us;        /* wall; 0: not known */
	uint64_t held_size;         /* how large the file was when its end was held back */
	usec_t run_at_us;           /* of the last run; 0: none */
	bool is_dirty;              /* there is something to be kept */
	struct inotify_watch *file; /* asks for a run at the next change; gone once it did */
	struct inotify_watch *folder;
	struct timer settle; /* looks at what was held back */
	struct probe_watch *watch;
};

/* One run. */
struct log_run {
	struct fs_call *call;
	struct offload_job *job;
	void (*drop)(void *arg); /* of the job */
	uint64_t budget;         /* bytes that may still be read */
	bool is_armed;           /* for file events, by this run */
	bool is_old_read;        /* nothing more of the old file in this run */
	bool is_in_old;          /* what is being read is the old file's */
	bool is_settled;         /* what was held back has waited long enough */
	char aside[LOG_PATH_AT]; /* where the old file is now */
	double lines, bytes;     /* of this run */
	double counts[LOG_PATTERNS_MAX];
	double field_counts[LOG_FIELDS_MAX], field_sums[LOG_FIELDS_MAX], field_most[LOG_FIELDS_MAX];
	struct log_shown slowest[LOG_FIELDS_MAX];
	bool has_size; /* false: only the old file was read */
	uint64_t size;
	char note[160]; /* "rotated", "truncated"; "": nothing of the kind */
};

/* log_tail.c: reads what is new, then log_finish or a verdict of its own. */
void log_tail_start(struct probe_run *run);
/* log_journal.c */
void log_journal_start(struct probe_run *run);

/* log_count.c: what was found in a piece is added to the run and the watch. */
void log_take(struct probe_run *run, const struct log_scan *scan);
void log_keep(struct probe_run *run);
void log_recall(struct log_watch *seen, const struct log_conf *conf, const json_t *kept);
/* Numbers, evidence, verdict. */
void log_finish(struct probe_run *run);

/* log_events.c: asks for a run when the file changes.  True: it was armed just now. */
bool log_events_arm(struct log_watch *seen, const struct io_env *env, const char *full);
void log_events_disarm(struct log_watch *seen);

#endif
