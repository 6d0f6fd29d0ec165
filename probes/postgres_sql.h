/* The statements of the postgres probe, in the server's dialect.  Private to postgres*.c
 * and to the facts about PostgreSQL. */
#ifndef PROBES_POSTGRES_SQL_H
#define PROBES_POSTGRES_SQL_H

#include "base/buf.h"
#include "conf/schema.h"

/* `text` with its {words} as this version has them; a word that is unknown is NULL. */
void pg_sql_write(struct buf *out, const char *text, int version);

/* Columns are named like the metrics they fill; NULL: not known. */
void pg_sql_activity(struct buf *out, int version); /* sessions and replication: cheap */
void pg_sql_upkeep(struct buf *out, int version);   /* size, ids, slots, archive: dearer */
void pg_sql_blockers(struct buf *out);              /* rows of text: who waits for whom */
void pg_sql_crowd(struct buf *out);                 /* rows of text: who holds the sessions */
/* Names of those that are missing, or may not be read: (name, is_there, is_readable). */
void pg_sql_tables(struct buf *out, const struct conf_strings *tables);

#endif
