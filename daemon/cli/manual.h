/*
 * The manual, made from the table of verbs, their options, and the texts in manual.c: man pages for
 * `make man`, and docs/cli-reference.md.
 */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include "base/buf.h"

struct manual_pair {
	const char *name, *text;
};

/* Closed by a NULL name.  Texts are Markdown of one line, with `code` only. */
extern const struct manual_pair manual_exits[];
extern const struct manual_pair manual_environment[];
extern const struct manual_pair manual_files[];
extern const struct manual_pair manual_places[];
extern const struct manual_pair manual_states[];
extern const struct manual_pair manual_daemon_options[];

/* "triage.1", "triaged.8", "triaged.yaml.5" or "cli-reference.md"; -1: there is no such page. */
int manual_write(const char *page, struct buf *out);

void manual_triage(struct buf *out);
void manual_triaged(struct buf *out);
void manual_settings(struct buf *out);
void manual_reference(struct buf *out);

/* ---- roff ---- */

void roff_head(struct buf *out, const char *page, const char *section, const char *what);
/* A line of text: roff's own signs are escaped, `code` is bold. */
void roff_text(struct buf *out, const char *text);
/* The same of what is no Markdown: nothing but escapes. */
void roff_plain(struct buf *out, const char *text);
void roff_pairs(struct buf *out, const char *title, const struct manual_pair *pairs);
/* A page's body out of Markdown as docs/configuration.md has it: headings, paragraphs, lists,
 * tables, code. */
void roff_markdown(struct buf *out, const char *markdown);

#endif
