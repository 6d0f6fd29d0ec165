/*
 * Formats a line, makes it fit to be shown (one line, no control bytes, valid UTF-8: a hostile peer
 * must not be able to forge a second line) and hands it to the sink.  Any thread may log; the sink
 * is set before threads start and taken away after they ended.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define LINE_MAX_BYTES 4096

static _Atomic(log_sink_fn) the_sink;
static _Atomic(void *) the_arg;
static _Atomic int the_level = LOG_NOTICE;

void
log_set_sink(log_sink_fn sink, void *arg)
{
	atomic_store(&the_arg, arg);
	atomic_store(&the_sink, sink);
}

void
log_set_level(enum log_level most)
{
	atomic_store(&the_level, (int)most);
}

bool
log_is_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&the_level, memory_order_relaxed);
}

const char *
log_level_name(enum log_level level)
{
	static const char *const names[LOG_LEVELS] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_NOTICE] = "notice",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	return (unsigned)level < LOG_LEVELS ? names[level] : "?";
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	int len = vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	size_t kept = str_utf8_cut(raw, strlen(raw), sizeof raw - 4);
	if ((size_t)len >= sizeof raw - 1)
		memcpy(raw + kept, "...", 4);
	str_printable(line, sizeof line, raw, strlen(raw));
	log_sink_fn sink = atomic_load(&the_sink);
	if (sink)
		sink(atomic_load(&the_arg), level, line);
	else
		fprintf(stderr, "%s: %s\n", log_level_name(level), line);
}
