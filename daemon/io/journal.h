/*
 * Reads entries of the systemd journal behind a cursor, a bounded piece at a time.  Reading maps
 * files and may wait for the disk: on a thread of io/offload only, never on the loop.  Nothing is
 * kept open between two pieces.
 */
#ifndef IO_JOURNAL_H
#define IO_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

struct journal_ask {
	const char *folder; /* NULL: this host's own journal */
	const char *unit;   /* "nginx.service"; its own messages and what systemd says of it */
	const char
		*cursor; /* read behind this entry; "": from the oldest; NULL: only find the end */
	unsigned entries_max;
	size_t bytes_max;
};

struct journal_piece {
	struct buf lines; /* one line an entry: line breaks inside a message are vertical tabs */
	char *cursor;     /* of the last entry that was read or skipped; NULL: there is none */
	unsigned entries;
	bool is_more;   /* there are entries behind it */
	bool is_lost;   /* the cursor's entry is gone (vacuumed): reading began at the oldest */
	usec_t last_us; /* when the last entry of the unit was written; 0: not known */
};

/* 0, or -1 and e: no journal, or no right to read it (EACCES).  journal_piece_fini in both cases.
 */
int journal_read(const struct journal_ask *ask, struct journal_piece *piece, struct err *e);
/*
 * The newest `entries_max` entries, oldest first, none older than `since_us` (wall; 0: however
 * old). `unit` NULL: what the kernel says, each line begun as in /dev/kmsg ("6,0,MICROSECONDS,-;")
 * with the wall clock's time.  `cursor` is not looked at.
 */
int journal_read_last(
	const struct journal_ask *ask, usec_t since_us, struct journal_piece *piece, struct err *e);
void journal_piece_fini(struct journal_piece *piece);
/* Of this host: 1: yes; 0: we lack the right; -1: there is none on disk. */
int journal_may_read(void);

#endif
