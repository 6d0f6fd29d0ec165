/*
 * From samples to history rows.  A check that runs more often than every ten seconds is averaged
 * over ten seconds first: what is plotted does not need more, and the disk does not either.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "model/sample.h"
#include "store/store.h"

struct recorder;

struct recorder *recorder_new(struct store *store);
void recorder_free(struct recorder *recorder);
void recorder_take(struct recorder *recorder, const char *check, const struct sample *sample);

#endif
