/* What peers, processes and logs say, on its way to people: one line, valid UTF-8, no secret. */
#ifndef PROBES_CLEAN_H
#define PROBES_CLEAN_H

#include <stddef.h>

#include "base/secret.h"

#define CLEAN_RAW_MAX 4096 /* of any text, before it is cleaned and cut */

/* `secrets` may be NULL; what looks like a credential is masked all the same. */
void clean_text(const struct secret_set *secrets, char *out, size_t size, const char *raw);

#endif
