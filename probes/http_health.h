/* Health documents that name their parts: Spring Boot, MicroProfile, health+json, ASP.NET. */
#ifndef PROBES_HTTP_HEALTH_H
#define PROBES_HTTP_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* "db is DOWN: connection refused; mail is DOWN" of the parts that are not well, the worst first,
 * and how many more there are; false: none is named. */
bool http_health_part(const json_t *doc, char *out, size_t size);
/* The same from a body, which is looked at only when it may be such a document. */
bool http_health_read(const char *body, size_t len, char *out, size_t size);

#endif
