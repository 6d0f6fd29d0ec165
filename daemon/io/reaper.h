/*
 * What the first process of a container owes: it waits for orphans.  Each process whose parent died
 * becomes its child; unwaited for, they fill the table of processes.  Our own children are left to
 * those who started them and want to know how they ended.
 */
#ifndef IO_REAPER_H
#define IO_REAPER_H

#include "io/fs.h"
#include "io/loop.h"

/* For as long as the loop lives; the pool outlives its last turn. */
int reaper_start(struct loop *loop, const struct fs_pool *fs, struct err *e);

#endif
