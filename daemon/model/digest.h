/*
 * Many incidents in one notice: what became of each while nothing could be said.  Items are small
 * copies, texts cut, so that thousands of them cost little.
 */
#ifndef MODEL_DIGEST_H
#define MODEL_DIGEST_H

#include "model/notice.h"

#define DIGEST_MAX       10000 /* items */
#define DIGEST_TEXT_KEPT 160   /* bytes of each text of an item */

struct digest *digest_new(void);
void digest_free(struct digest *d); /* NULL is fine */
struct digest *digest_dup(const struct digest *d);
/* Copies the item, its texts cut to DIGEST_TEXT_KEPT; NULL: it is full.  Unsorted. */
struct digest_item *digest_add(struct digest *d, const struct digest_item *item);
/* Open before resolved, critical before warning, then the oldest first. */
void digest_sort(struct digest *d);

/*
 * {"incidents": […], "events": [ids]} in at most `max` bytes: the least bad are left out, and then
 * it has "truncated": true and "omitted": how many.
 */
json_t *digest_data(const struct digest *d, size_t max);
json_t *digest_store(const struct digest *d);
int digest_restore(struct digest **d, const json_t *stored, struct err *e);

#endif
