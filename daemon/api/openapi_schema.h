/* Between openapi.c (routes) and openapi_schema.c (shapes); nobody else's business. */
#ifndef API_OPENAPI_SCHEMA_H
#define API_OPENAPI_SCHEMA_H

#include <jansson.h>

#include "api/shape.h"

/* A reference to the shape, which is put into `schemas` with all that it has inside. */
json_t *openapi_ref(json_t *schemas, const struct shape *shape);
json_t *openapi_kind(enum shape_kind kind);
json_t *openapi_words(json_t *schema, const char *const *words); /* adds them; returns schema */
/* Has it a field that must be there?  Then the body must be, too. */
bool openapi_is_required(const struct shape *shape);

#endif
