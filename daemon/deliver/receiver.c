/* The keys that every receiver has, whatever its type. */
#include "deliver/deliver.h"

#define ROW struct receiver_common

const struct conf_field receiver_fields[] = {
	{ "enabled", BOOL_AT(ROW, enabled), .dflt = "true",
		.doc = "Off: it is kept in the file, routes may name it, nothing is sent there." },
	{ "description", STRING_AT(ROW, description), .doc = "What it is, for people.",
		.example = "the night shift's channel" },
	{ "daily_test", STRING_AT(ROW, daily_test),
		.doc = "A time of the day at which a test message is sent there, through the same "
		       "queue as all others: `09:00` on this host's clocks, or `09:00 "
		       "Europe/Berlin`. If it is not taken within 24 hours that is told through "
		       "the other receivers, as for any notice.",
		.example = "\"09:00\"" },
	{ .type = CONF_END },
};

void
receiver_common_check(
	struct receiver_common *common, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos pos;
	struct err e;

	if (common->daily_test == NULL || map == NULL)
		return;
	pos = conf_pos_of(map, "daily_test");
	if (daily_parse(&common->daily_time, common->daily_test, &e) == -1)
		complain(complaints, &pos, "daily_test: %s", e.text);
}

void
receiver_common_release(struct receiver_common *common)
{
	daily_release(&common->daily_time);
	conf_clear(receiver_fields, common);
}
