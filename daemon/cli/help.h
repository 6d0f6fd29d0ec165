/* What `triage help` prints, made from the table of verbs and their options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/buf.h"
#include "cli/verb.h"

/* Of all, with one line for each verb. */
void help_print(const struct term *term);
void help_print_verb(const struct term *term, const struct cli_verb *verb);
/* "triage ack ID [--for TIME] [--undo]"; options of every verb are left out. */
void help_synopsis(const struct cli_verb *verb, struct buf *out);

#endif
