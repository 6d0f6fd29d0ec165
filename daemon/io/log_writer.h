/*
 * Where log lines go: a thread of its own writes them to stderr (text or JSON), or to the journal's
 * socket, so that a stalled reader never stalls the loop.  The ring holds 1024 lines; what does not
 * fit is counted and said when there is room again.
 */
#ifndef IO_LOG_WRITER_H
#define IO_LOG_WRITER_H

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/stat.h"

enum log_format { LOG_TEXT, LOG_JSON, LOG_JOURNAL, LOG_AUTO };

struct log_writer;

/* LOG_AUTO: the journal if $JOURNAL_STREAM says that stderr is it, else text. */
struct log_writer *log_writer_start(enum log_format format, struct stats *stats, struct err *e);
void log_writer_set_format(struct log_writer *writer, enum log_format format);
/* Lines are masked with it; NULL: no masking.  The set must outlive its use here. */
void log_writer_set_secrets(struct log_writer *writer, const struct secret_set *secrets);
void log_writer_stop(struct log_writer *writer); /* flushes for at most one second */

#endif
