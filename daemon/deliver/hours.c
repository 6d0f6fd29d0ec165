/* Hours as they are written, and whether they hold.  Owns the zones that it has loaded. */
#include "deliver/hours.h"

#include <stdlib.h>

#include "base/mem.h"

#define FOLLOWING_MAX 64 /* stretches without a gap that are followed back in time */

/* ---- one stretch ---- */

void
hours_span_compile(struct hours_span *span, const struct hours_words *words,
	const struct conf_node *node, struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(node, "schedule");
	int32_t minutes = (int32_t)(words->duration_us / USEC_PER_MIN);
	struct err e;

	if (words->duration_us % USEC_PER_MIN != 0)
		complain(complaints, &pos, "duration: whole minutes only");
	else if (window_parse(&span->window, words->schedule, minutes, &e) == -1)
		complain(complaints, &pos, "schedule: %s", e.text);
	span->zone = zone_load(words->timezone, &e);
	if (span->zone == NULL) {
		pos = conf_pos_of(node, "timezone");
		complain(complaints, &pos, "timezone: %s", e.text);
	}
}

void
hours_span_fini(struct hours_span *span)
{
	zone_free(span->zone);
	span->zone = NULL;
}

/* ---- as written ---- */

struct written {
	struct conf_strings schedule;
	char *timezone;
	usec_t duration_us;
};

static const struct conf_field written_fields[] = {
	{ "schedule", STRINGS_AT(struct written, schedule), .flags = CONF_REQUIRED,
		.doc = "When, as in `maintenance`; one or a list.",
		.example = "Mon-Fri 09:00-18:00" },
	{ "timezone", STRING_AT(struct written, timezone), .dflt = "local",
		.doc = "Whose clocks: a name such as `Europe/Berlin`, `UTC`, or `local`." },
	{ "duration", DURATION_AT(struct written, duration_us), .dflt = "0", .min = "0",
		.max = "7d", .doc = "How long, where `schedule` is a cron expression." },
	{ .type = CONF_END },
};

static struct hours_span *
add_span(struct hours *hours)
{
	hours->all = xreallocarray(hours->all, hours->count + 1, sizeof(*hours->all));
	hours->all[hours->count] = (struct hours_span){ .zone = NULL };
	return &hours->all[hours->count++];
}

static void
compile_map(struct hours *hours, const struct conf_node *map, struct complaints *complaints)
{
	struct written written = { .timezone = NULL };
	const struct conf_part part = { written_fields, &written };
	unsigned before = complaints_errors(complaints);

	conf_fill(&part, 1, map, "active", NULL, complaints);
	for (size_t i = 0; i < written.schedule.count; i++) {
		const struct hours_words words = { written.schedule.all[i], written.timezone,
			written.duration_us };

		if (complaints_errors(complaints) == before)
			hours_span_compile(add_span(hours), &words, map, complaints);
	}
	conf_clear(written_fields, &written);
}

static void
compile_text(struct hours *hours, const struct conf_node *node, struct complaints *complaints)
{
	struct hours_span *span = add_span(hours);
	struct err e;

	if (window_parse(&span->window, node->text, 0, &e) == -1)
		complain(complaints, &node->pos, "active: %s", e.text);
	span->zone = zone_load("local", &e);
	if (span->zone == NULL)
		complain(complaints, &node->pos, "active: %s", e.text);
}

static void
compile_item(struct hours *hours, const struct conf_node *node, struct complaints *complaints)
{
	if (node->kind == CONF_MAP)
		compile_map(hours, node, complaints);
	else if (node->kind == CONF_SCALAR && !node->is_null)
		compile_text(hours, node, complaints);
	else
		complain(complaints, &node->pos,
			"active: write hours such as \"Mon-Fri 09:00-18:00\", or "
			"{ schedule: \"Mon-Fri 09:00-18:00\", timezone: Europe/Berlin }");
}

void
hours_compile(struct hours *hours, const struct conf_node *node, struct complaints *complaints)
{
	if (conf_is_absent(node) || node->is_broken)
		return;
	if (node->kind != CONF_LIST) {
		compile_item(hours, node, complaints);
		return;
	}
	if (node->count == 0)
		complain(complaints, &node->pos,
			"active: no hours at all would tell nobody; leave the key out for always");
	for (size_t i = 0; i < node->count; i++)
		compile_item(hours, node->items[i], complaints);
}

void
hours_fini(struct hours *hours)
{
	for (size_t i = 0; i < hours->count; i++)
		hours_span_fini(&hours->all[i]);
	free(hours->all);
	*hours = (struct hours){ .all = NULL };
}

/* ---- now ---- */

/* The earliest beginning among those that hold; INT64_MAX: none does. */
static int64_t
begun(const struct hours *hours, int64_t at_s)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < hours->count; i++) {
		const struct hours_span *span = &hours->all[i];
		int64_t since = window_since(&span->window, span->zone, at_s);

		if (since < first)
			first = since;
	}
	return first;
}

bool
hours_hold(const struct hours *hours, usec_t wall_us, usec_t *since_us)
{
	int64_t since = begun(hours, wall_us / USEC_PER_SEC);

	*since_us = 0;
	if (hours->count == 0)
		return true;
	if (since == INT64_MAX)
		return false;
	for (int n = 0; n < FOLLOWING_MAX; n++) {
		int64_t before = begun(hours, since - 1);

		if (before == INT64_MAX)
			break;
		since = before;
	}
	*since_us = since * USEC_PER_SEC;
	return true;
}

usec_t
hours_next(const struct hours *hours, usec_t wall_us)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < hours->count; i++) {
		const struct hours_span *span = &hours->all[i];
		int64_t next = window_next(&span->window, span->zone, wall_us / USEC_PER_SEC);

		if (next < first)
			first = next;
	}
	return first == INT64_MAX ? 0 : first * USEC_PER_SEC;
}
