/*
 * Memory that one thing after the other is made of: what a run of a check needs is given back when
 * it is over, and taken again by the next one, while it is still in the cache.  malloc keeps seven
 * pieces of a size at hand and then begins to search; here runs begin and end by the dozen.
 *
 * Each loop has its own.  Little is kept, and nothing of a large size.
 */
#ifndef IO_SPARE_H
#define IO_SPARE_H

#include <stddef.h>

struct loop;

void *spare_take(struct loop *loop, size_t size); /* as malloc: its content is anything */
void spare_give(struct loop *loop, void *memory, size_t size); /* the size it was taken with */

#endif
