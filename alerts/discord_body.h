/*
 * What Discord is sent: its markup, its limits, the JSON of a message.  Pure.
 *
 * Its server counts characters as code points (an emoji beyond the BMP is one), markup included.
 */
#ifndef ALERTS_DISCORD_BODY_H
#define ALERTS_DISCORD_BODY_H

#include "alerts/message.h"

/* Who is called when something is critical: "<@&42>" (a role) or "<@42>" (a person). */
struct discord_mention {
	char id[24];
	bool is_role;
};

struct discord_mentions {
	struct discord_mention all[10];
	size_t count;
};

/* The incident as it is.  `mentions` may be NULL; nobody else is ever called. */
json_t *discord_embed_body(
	const struct message *message, usec_t at_us, const struct discord_mentions *mentions);
/* A line that says what happened to it. */
json_t *discord_note_body(const struct message *message, const struct discord_mentions *mentions);

#endif
