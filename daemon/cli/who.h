/* Who types: for acknowledgements and silences. */
#ifndef CLI_WHO_H
#define CLI_WHO_H

#include <jansson.h>

/* The login name, also behind sudo, under `key`. */
void who_put(json_t *doc, const char *key);

#endif
