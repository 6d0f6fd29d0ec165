/* The token that writes over TCP need where none is configured: made once, in the state folder. */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include <stddef.h>

#include "base/err.h"

#define TOKEN_MAX 256

/* Reads state_dir/token, or makes it (0600).  Touches files: at start-up and reload only. */
int token_load(char out[TOKEN_MAX], const char *state_dir, struct err *e);

#endif
