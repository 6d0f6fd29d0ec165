/* Completion of shells, made from the table of verbs and their options. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "base/buf.h"
#include "cli/verb.h"

/* The script for "bash", "zsh" or "fish"; -1: no such shell. */
int completion_write(const char *shell, struct buf *out);

/* "check", "incident"...: what `triage __complete` is asked for; NULL: nothing that it lists. */
const char *completion_kind(enum cli_takes takes);

/* "check", "file", "words:en zh": what the bash script calls it; "" when nothing is offered. */
void completion_add_kind(struct buf *out, enum cli_takes takes, const char *words);

/* Each shell's own file writes its script. */
void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);
/* `text` between single quotes of a shell: '\'' for bash and zsh, \' for fish. */
void completion_quote(struct buf *out, const char *text, const char *apostrophe);

#endif
