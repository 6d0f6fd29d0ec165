/*
 * Bytes of a log to lines, lines to records, records against the rules.  Pure: runs on a thread, on
 * a piece of the log at a time; what cannot be judged yet (a line without its end, a record that
 * may go on) is not consumed and comes again with the next piece.
 */
#ifndef PROBES_LOG_SCAN_H
#define PROBES_LOG_SCAN_H

#include "probes/log_level.h"
#include "probes/log_rules.h"

#define LOG_LINE_MAX  16384 /* as much of a line or record is looked at */
#define LOG_SHOWN_MAX 300   /* as much of a line is kept as evidence */
#define LOG_RECENT    5
#define LOG_VALUES    256 /* of a field that are kept of one piece, the newest */

/* What must be remembered from piece to piece, beside the place in the file. */
struct log_carry {
	bool is_skipping;   /* inside a line whose beginning was judged: the rest is dropped */
	bool is_continuing; /* the last record was judged: what continues it is dropped */
};

struct log_shown {
	char text[LOG_SHOWN_MAX + 1];
};

struct log_scan {
	const struct log_rules *rules;
	const char *bytes;
	size_t len;
	bool is_final;   /* no more will come: the last line counts without its end */
	bool is_settled; /* nothing came for a while: the last record is whole */
	struct log_carry carry;
	/* what was found */
	size_t consumed;
	double lines, matches; /* matches: records that any pattern fits */
	double errors, panics; /* records of these levels */
	struct log_top top;    /* what they say */
	double counts[LOG_PATTERNS_MAX];
	struct log_shown last[LOG_PATTERNS_MAX];
	double field_counts[LOG_FIELDS_MAX], field_sums[LOG_FIELDS_MAX], field_most[LOG_FIELDS_MAX];
	double values[LOG_FIELDS_MAX][LOG_VALUES]; /* a ring: field_counts of them were put in */
	struct log_shown slowest[LOG_FIELDS_MAX];
	struct log_shown recent[LOG_RECENT]; /* of the records that matched, in a ring */
	size_t recent_count;
	struct log_shown final_line;
};

void log_scan(struct log_scan *scan);

#endif
