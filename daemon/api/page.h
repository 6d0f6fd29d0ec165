/* Lists that are too long for one answer: what was asked for, and where the rest is. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "api/call.h"

/* A number of the query; what is not there stays as it is.  -1 after a 400. */
int page_number(struct api_call *call, const char *name, size_t min, size_t max, size_t *out);
/* One of the words (closed by NULL), by its index; -1: it is not there; -2 after a 400. */
int page_word(struct api_call *call, const char *name, const char *const *words);
/* "/path?query" of this call with the parameter set anew; to be freed. */
char *page_next(const struct api_call *call, const char *name, const char *value);

#endif
