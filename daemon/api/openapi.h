/*
 * The OpenAPI 3.1 document and docs/api-reference.md: both made by walking the route
 * table and its shapes, so that neither can drift from what is served.
 */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include <jansson.h>

#include "api/route.h"
#include "base/buf.h"

/* A new document about these rows (closed by a NULL method). */
json_t *openapi_document(const struct route *routes, const char *version);
char *openapi_text(const struct route *routes, const char *version); /* to be freed */
/* docs/api-reference.md: the rows as a table, and a table for each shape that they name. */
void openapi_manual(const struct route *routes, struct buf *out);

/* Of a path's "{check}": what it stands for; "" where nobody has said. */
const char *openapi_path_word(const char *word, size_t len);

#endif
