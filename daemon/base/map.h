/* Hash map from text to pointer.  Keys are copied, unless it borrows them; values are borrowed. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
/* For keys that live as long as they are inside, mostly in their values: putting a key that is
 * there puts the new one in the old one's place. */
struct map *map_new_borrowing(void);
void map_free(struct map *map, void (*free_value)(void *));   /* free_value may be NULL */
void *map_get(const struct map *map, const char *key);        /* NULL: absent */
void *map_put(struct map *map, const char *key, void *value); /* returns the value it replaced */
void *map_remove(struct map *map, const char *key);           /* returns the value it held */
size_t map_count(const struct map *map);

/* Walk: `size_t at = 0; while (map_next(map, &at, &key, &value))`.  No changes during a walk. */
bool map_next(const struct map *map, size_t *at, const char **key, void **value);

#endif
