/* A document of `triage explain`, for people. */
#ifndef CLI_EXPLAIN_PRINT_H
#define CLI_EXPLAIN_PRINT_H

#include <jansson.h>

#include "cli/term.h"
#include "model/cause.h"

void explain_print(const struct term *term, const json_t *doc, enum language language);
/* All playbooks, a line each. */
void explain_print_list(const struct term *term, const json_t *list);

#endif
