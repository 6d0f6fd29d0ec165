/* Where a daemon may be: the places that a command looks at, in order. */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H

#include <stddef.h>

#include "base/err.h"
#include "cli/verb.h"

#define PLACES_MAX 12

struct places {
	char *all[PLACES_MAX]; /* "unix:/path" or a URL */
	size_t count;
	char *token_path; /* where the token of writes over TCP may be; NULL */
	bool is_only;     /* somebody said where: no other is looked at */
	char *warning;    /* why --config was no help in finding them; NULL */
};

/* -1: --url or --config is not usable. */
int places_find(struct places *places, const struct cli *cli, struct err *e);
void places_fini(struct places *places);

#endif
