/* Health documents that name their parts: Spring Boot, MicroProfile Health, health+json. */
#ifndef PROBES_HTTP_HEALTH_H
#define PROBES_HTTP_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* "db is DOWN: connection refused" of the first part that is not well; false: none is named. */
bool http_health_part(const json_t *doc, char *out, size_t size);

#endif
