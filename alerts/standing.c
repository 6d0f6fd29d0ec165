/* What an event does to the message that stands for its incident, and what is said besides. */
#include "alerts/standing.h"

#include <stdlib.h>

#include "alerts/fit.h"
#include "base/str.h"

/* Events that change what is known, but ask nobody to do anything. */
static const char *const quiet[] = {
	"incident.updated",
	"incident.deescalated",
	"incident.acknowledged",
};

bool
standing_is_loud(const struct notice *notice)
{
	if (str_eq(notice->reason, "reopened"))
		return true;
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		if (str_eq(notice->type, quiet[i]))
			return false;
	}
	return true;
}

enum standing_act
standing_act(const struct notice *notice, bool has_message)
{
	if (!has_message || notice->digest != NULL || str_eq(notice->type, NOTICE_TEST))
		return STANDING_POST;
	return standing_is_loud(notice) ? STANDING_EDIT_AND_SAY : STANDING_EDIT;
}

char *
standing_note(const struct message *message, const struct message_form *form)
{
	char *title = message_title(message), *line;
	size_t room = form->max;
	struct buf link, out;

	buf_init(&link, 0);
	if (message->link != NULL) {
		buf_add_text(&link, form->newline);
		fit_add_link(&link, form, message->link_label, message->link);
	}
	if (message_measure(buf_text(&link), form->unit) > room / 2)
		buf_reset(&link);
	room -= message_measure(buf_text(&link), form->unit);
	line = fit_text(form, title, room);
	buf_init(&out, 0);
	buf_add_text(&out, line);
	buf_add_text(&out, buf_text(&link));
	free(line);
	free(title);
	buf_fini(&link);
	return buf_take_text(&out);
}
