/* What people type behind `triage probe`: a URL, a data source name, a path; or a check's name. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "probes/probe.h"

struct target {
	const struct probe_type *type;
	char *text; /* for the type's url_key; owned; NULL: none was given */
};

/* False: it can only be the name of a check. */
bool target_is(const char *text);
/* `type` names one (`text` may be NULL then), NULL: the text tells.  -1: nobody takes it, and e
 * says who takes what. */
int target_find(struct target *target, const char *text, const char *type, struct err *e);
void target_fini(struct target *target);

/* No check can be called like this: it is a target that lacks its scheme.  False: no idea. */
bool target_suggest(const char *name, char *out, size_t size);

#endif
