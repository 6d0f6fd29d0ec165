/*
 * What a scripted PostgreSQL server says, made at run time: a login, rows of text, an error.
 *
 *	struct buf out;
 *	pg_answer_login(&out);
 *	pg_answer_rows(&out, 2, 1, (const char *const[]){ "a", NULL });
 *	pg_answer_ready(&out);
 */
#ifndef TESTS_HELP_PG_ANSWER_H
#define TESTS_HELP_PG_ANSWER_H

#include "base/buf.h"

void pg_answer_login(struct buf *out, const char *version);
/* The whole answer of one SELECT; cells row by row, NULL as NULL. */
void pg_answer_rows(struct buf *out, unsigned columns, unsigned rows, const char *const *cells);
void pg_answer_done(struct buf *out, const char *tag); /* of a statement without rows: "SET" */
void pg_answer_error(struct buf *out, const char *state, const char *text);
void pg_answer_ready(struct buf *out);

#endif
