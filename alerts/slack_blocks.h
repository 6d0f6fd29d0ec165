/*
 * A message as Slack's JSON: the title as `text`, which notifications show, too, and one attachment
 * in the colour of the mood with blocks in it.  Nothing in it pings but `mention`; nothing exceeds
 * Slack's limits.  Pure.
 */
#ifndef ALERTS_SLACK_BLOCKS_H
#define ALERTS_SLACK_BLOCKS_H

#include <jansson.h>

#include "alerts/message.h"

/* A new object with text, attachments and no previews of links.  mention: "<!here> " or "". */
json_t *slack_message(const struct message *m, const char *mention);
/* What the thread says of this event: the title, and what is new.  Owned. */
char *slack_reply(const struct message *m, const struct notice *notice, const char *mention);

/* Appends so that nothing is markup: no link, no mention. */
void slack_escape(struct buf *out, const char *text, size_t len);

#endif
