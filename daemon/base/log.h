/*
 * Log lines: one fact each, the object first.  Levels by audience: error (a human must act on the
 * daemon itself), warn (it coped), notice (the state of the world changed), info, debug.  A
 * failing target is not a log error: it is a sample.
 *
 * The sink is set once at start-up (io/log_writer); before that lines go to stderr.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

typedef void (*log_sink_fn)(void *arg, enum log_level level, const char *line);

void log_set_sink(log_sink_fn sink, void *arg); /* NULL: stderr */
void log_set_level(enum log_level most);
bool log_is_on(enum log_level level);
const char *log_level_name(enum log_level level); /* "error" ... "debug" */

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)  log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)   log_write(LOG_WARN, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)   log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_is_on(LOG_DEBUG))                                                          \
			log_write(LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)

#endif
