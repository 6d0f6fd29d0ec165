/*
 * From samples to history rows.  A check that runs more often than every ten seconds is averaged
 * over ten seconds first: what is plotted does not need more, and the disk does not either.  Beside
 * its metrics each check has the series `up`: 1 and 0, and no row where nobody could tell.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "model/check.h"
#include "model/sample.h"
#include "store/store.h"

#define RECORD_UP ".up" /* no metric can be called so */

struct recorder;

struct recorder *recorder_new(struct store *store);
void recorder_free(struct recorder *recorder);
/* `up`: 1, 0, or NAN: this sample does not tell. */
void recorder_take(
	struct recorder *recorder, const char *check, const struct sample *sample, double up);
/* The same; `ties` are this check's. */
void recorder_take_tied(struct recorder *recorder, struct check_ties *ties, const char *check,
	const struct sample *sample, double up);
/* That check is gone, or each is that `is_there` does not know: what is kept of it is let go. */
void recorder_drop(struct recorder *recorder, const char *check);
void recorder_sweep(
	struct recorder *recorder, bool (*is_there)(void *arg, const char *check), void *arg);
/* How often a check that runs so often has a row. */
usec_t recorder_row_us(usec_t interval_us);

#endif
