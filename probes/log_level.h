/* How bad a line of a log is, by the words that loggers use for it.  Pure. */
#ifndef PROBES_LOG_LEVEL_H
#define PROBES_LOG_LEVEL_H

#include <stddef.h>

enum line_level { LINE_PLAIN, LINE_ERROR, LINE_PANIC };

/* `word`: where the level stands; NULL: nowhere. */
enum line_level log_level_of(const char *line, size_t len, const char **word);

#define LOG_MESSAGE_MAX 120
#define LOG_TOP_MAX     12

/* What errors say, numbers taken out, and how often: the most frequent few, as far as they fit. */
struct log_top {
	size_t count;
	struct {
		double times;
		char text[LOG_MESSAGE_MAX];
	} all[LOG_TOP_MAX];
};

/* "2026-01-02 ERROR user 12 not found" -> "ERROR user # not found" */
void log_message_of(const char *line, size_t len, char out[LOG_MESSAGE_MAX]);
void log_top_add(struct log_top *top, const char *text, double times);
/* Time passes: half of what was counted is left, what is less than one goes. */
void log_top_fade(struct log_top *top);
void log_top_sort(struct log_top *top); /* most frequent first */

#endif
