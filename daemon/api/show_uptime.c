/* For how much of the last days a check was up, as far as anybody knows. */
#include <string.h>

#include "api/handlers.h"
#include "api/past.h"
#include "base/str.h"
#include "io/loop.h"
#include "model/record.h"
#include "store/points.h"
#include "store/record.h"
#include "triage/triage.h"

static const struct {
	const char *name;
	usec_t span_us;
} spans[] = {
	{ "24h", USEC_PER_DAY },
	{ "7d", 7 * USEC_PER_DAY },
	{ "30d", 30 * USEC_PER_DAY },
	{ "90d", 90 * USEC_PER_DAY },
};

/* Those of its own: what it merely suffered from is another check's. */
static size_t
count_incidents(const struct triage *triage, const char *check, usec_t since_us)
{
	size_t count = 0;

	for (size_t n = 0; n < triage_count(triage); n++) {
		const struct incident *incident = triage_at(triage, n);

		if (str_eq(incident->check, check) && incident->merged_into == NULL &&
			(incident->resolved_us == 0 || incident->resolved_us >= since_us))
			count++;
	}
	return count;
}

static json_t *
window_json(const struct past *past, size_t n)
{
	const struct past_series *up = &past->series[0];
	usec_t since_us = past->until_us - spans[n].span_us;
	struct points_uptime sum =
		points_uptime(up->points, up->count, past->row_us, since_us, past->until_us);
	json_t *doc = json_object();

	json_object_set_new(doc, "span", json_string(spans[n].name));
	json_object_set_new(doc, "known_seconds", json_real((double)sum.known_us / 1e6));
	if (sum.known_us > 0)
		json_object_set_new(
			doc, "up_ratio", json_real(1 - (double)sum.down_us / (double)sum.known_us));
	json_object_set_new(doc, "down_seconds", json_real((double)sum.down_us / 1e6));
	json_object_set_new(doc, "incidents",
		json_integer(
			(json_int_t)count_incidents(past->world->triage, past->check, since_us)));
	return doc;
}

static void
answer(struct past *past)
{
	json_t *doc = json_object(), *windows = json_array();

	for (size_t n = 0; n < sizeof(spans) / sizeof(spans[0]); n++)
		json_array_append_new(windows, window_json(past, n));
	json_object_set_new(doc, "check", record_text(past->check));
	json_object_set_new(doc, "windows", windows);
	reply_json(past->call, 200, doc);
}

void
handle_uptime(struct api_call *call)
{
	struct check_view view;
	struct past *past;

	if (!past_find_check(call, call->name, &view))
		return;
	past = past_new(call, &view);
	past_add(past, "up", UNIT_NONE)->stored = RECORD_UP;
	past->until_us = loop_wall(call->world->env->loop);
	past->since_us = past->until_us - 90 * USEC_PER_DAY;
	past->answer = answer;
	past_start(past);
}
