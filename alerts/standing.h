/*
 * The one message that stands for an incident in a chat, edited in place as the incident goes on.
 * An edit makes no phone ring, so what a person must not miss is also said: the message is edited
 * and a short one follows.  This is the rule for all chats that can edit.  Pure.
 */
#ifndef ALERTS_STANDING_H
#define ALERTS_STANDING_H

#include "alerts/message.h"

enum standing_act {
	STANDING_POST,         /* there is no message yet, or nothing that one could stand for */
	STANDING_EDIT,         /* what is better read than heard */
	STANDING_EDIT_AND_SAY, /* worse, over, back again, still open */
};

enum standing_act standing_act(const struct notice *notice, bool has_message);

/* Whether somebody should look up: first words, worse, over, back again, reminders, tests. */
bool standing_is_loud(const struct notice *notice);

/* The short message: the title, and the link on a line of its own.  Owned, at most form->max. */
char *standing_note(const struct message *message, const struct message_form *form);

#endif
