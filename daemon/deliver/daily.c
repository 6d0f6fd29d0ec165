/* Daily tests.  Keeps for each receiver the last of its times that was dealt with. */
#include "deliver/daily.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "io/loop.h"

#define LATE_US USEC_PER_HOUR /* what was missed by more than that is left out */
#define KIND    "daily"

/* ---- a time of the day ---- */

int
daily_parse(struct daily_time *time, const char *text, struct err *e)
{
	int hour = -1, minute = -1, len = 0;
	const char *zone = text;
	char cron[32];

	if (sscanf(text, "%2d:%2d%n", &hour, &minute, &len) == 2)
		zone = text + len;
	if (len != 5 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		(*zone != '\0' && *zone != ' '))
		return err_set(e, 0,
			"\"%.60s\" is no time of the day: write 09:00, or 09:00 Europe/Berlin",
			text);
	zone += *zone == ' ';
	snprintf(cron, sizeof(cron), "%d %d * * *", minute, hour);
	if (cron_parse(&time->cron, cron, e) == -1)
		return -1;
	time->zone = zone_load(*zone == '\0' ? "local" : zone, e);
	return time->zone == NULL ? -1 : 0;
}

void
daily_release(struct daily_time *time)
{
	zone_free(time->zone);
	time->zone = NULL;
}

usec_t
daily_next(const struct daily_time *time, usec_t wall_us)
{
	return cron_next(&time->cron, time->zone, wall_us / USEC_PER_SEC) * USEC_PER_SEC;
}

/* ---- all receivers ---- */

struct daily {
	struct daily_options options;
	struct map *last; /* name -> usec_t *: the last of its times that was dealt with, wall */
	const struct receiver_spec *const *receivers;
	size_t count;
};

struct daily *
daily_new(const struct daily_options *options)
{
	struct daily *daily = xcalloc(1, sizeof(*daily));

	daily->options = *options;
	daily->last = map_new();
	return daily;
}

void
daily_free(struct daily *daily)
{
	if (daily == NULL)
		return;
	map_free(daily->last, free);
	free(daily);
}

static void
put(struct daily *daily, const char *receiver, usec_t at_us)
{
	usec_t *last = xcalloc(1, sizeof(*last));

	*last = at_us;
	free(map_put(daily->last, receiver, last));
}

static void
remember(struct daily *daily, const char *receiver, usec_t at_us)
{
	const struct daily_options *options = &daily->options;
	json_t *doc = json_object();

	put(daily, receiver, at_us);
	json_object_set_new(doc, "receiver", json_string(receiver));
	json_object_set_new(doc, "last", json_integer(at_us));
	options->on_keep(options->arg, KIND, receiver, doc);
	json_decref(doc);
}

void
daily_restore(struct daily *daily, const char *receiver, const json_t *doc)
{
	json_int_t at_us = json_integer_value(json_object_get(doc, "last"));

	if (at_us > 0)
		put(daily, receiver, (usec_t)at_us);
	else
		daily->options.on_keep(daily->options.arg, KIND, receiver, NULL);
}

static bool
has_test(const struct daily *daily, const char *receiver)
{
	for (size_t i = 0; i < daily->count; i++)
		if (str_eq(daily->receivers[i]->name, receiver))
			return daily->receivers[i]->common.daily_time.zone != NULL;
	return false;
}

/* Whoever has none any more begins anew when it gets one again. */
static void
forget_others(struct daily *daily)
{
	const char *name;
	bool is_left = true;
	void *value;

	while (is_left) {
		size_t at = 0;

		is_left = false;
		while (!is_left && map_next(daily->last, &at, &name, &value)) {
			char *copy;

			if (has_test(daily, name))
				continue;
			copy = xstrdup(name);
			daily->options.on_keep(daily->options.arg, KIND, copy, NULL);
			free(map_remove(daily->last, copy));
			free(copy);
			is_left = true;
		}
	}
}

void
daily_apply(struct daily *daily, const struct receiver_spec *const *receivers, size_t count)
{
	usec_t wall_us = loop_wall(daily->options.loop);

	daily->receivers = receivers;
	daily->count = count;
	forget_others(daily);
	for (size_t i = 0; i < count; i++) {
		const usec_t *last = map_get(daily->last, receivers[i]->name);

		if (!has_test(daily, receivers[i]->name))
			continue;
		/* A clock that was far ahead must not keep it waiting until then. */
		if (last == NULL || *last > wall_us + USEC_PER_DAY)
			remember(daily, receivers[i]->name, wall_us);
	}
}

/* The latest of its times that is over, within the last hour; 0: none. */
static usec_t
latest(const struct daily_time *time, usec_t wall_us)
{
	usec_t at_us = 0, next_us = daily_next(time, wall_us - LATE_US);

	while (next_us <= wall_us) {
		at_us = next_us;
		next_us = daily_next(time, next_us);
	}
	return at_us;
}

void
daily_tick(struct daily *daily)
{
	usec_t wall_us = loop_wall(daily->options.loop);

	for (size_t i = 0; i < daily->count; i++) {
		const struct receiver_spec *spec = daily->receivers[i];
		const usec_t *last = map_get(daily->last, spec->name);
		usec_t at_us;

		if (spec->common.daily_time.zone == NULL || last == NULL)
			continue;
		at_us = latest(&spec->common.daily_time, wall_us);
		if (at_us <= *last)
			continue;
		remember(daily, spec->name, at_us);
		if (!deliver_test_queued(daily->options.deliver, spec->name, at_us))
			log_notice("receiver %s: no daily test: the one before still waits",
				spec->name);
	}
}
