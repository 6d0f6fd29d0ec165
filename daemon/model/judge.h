/*
 * Only daemon/rules judges.  A probe that must look at a document (expect.json) is handed this
 * door; the app puts the rules' implementation behind it.
 */
#ifndef MODEL_JUDGE_H
#define MODEL_JUDGE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

enum verdict { VERDICT_FALSE, VERDICT_TRUE, VERDICT_UNKNOWN };

struct judge {
	/* A compiled expression over a document's paths, or NULL and e (code: column from 1). */
	void *(*compile)(const char *text, struct err *e);
	void (*release)(void *compiled);
	/* `found` gets what was there: "success is false". */
	enum verdict (*look)(const void *compiled, const json_t *doc, char *found, size_t size);
};

#endif
