/* Inside of alerts/message*.c: what makes the parts of a message.  Nobody else includes it. */
#ifndef ALERTS_MESSAGE_MAKE_H
#define ALERTS_MESSAGE_MAKE_H

#include "alerts/message.h"
#include "alerts/message_words.h"

enum message_mood message_mood_of(enum severity severity);
const char *message_icon(enum message_mood mood);
enum message_word message_severity(enum severity severity);

/* Of `raw`, at most `max` bytes, without control characters and broken UTF-8; owned, may be "".
 * A line has no line end, and one space where there were several. */
char *message_clean_text(const char *raw, size_t max);
char *message_clean_line(const char *raw, size_t max);

/* Takes text and code; a part without text is none. */
void message_add_part(
	struct message *m, enum message_part_kind kind, enum message_word label, char *text);

void message_make_incident(struct message *m, const struct notice *notice);
void message_make_digest(struct message *m, const struct notice *notice);
/* "cache: nothing listens", from a title that may name the check itself. */
char *message_make_headline(const char *check, const char *title, enum language language);

#endif
