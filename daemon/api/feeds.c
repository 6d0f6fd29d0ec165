/*
 * What the app tells the live feed, and when its readers are served: incidents at once, everything
 * else gathered once a second.  While nobody listens a sample costs one test.
 */
#include <string.h>

#include "api/feed.h"
#include "base/str.h"
#include "sched/sched.h"

static bool
has_check(void *arg, const char *name)
{
	const struct feeds *feeds = arg;
	struct check_view view;

	return sched_view_name(feeds->world->sched, name, &view);
}

void
feeds_stir(struct feeds *feeds)
{
	if (feeds->count > 0 && !timer_runs(&feeds->work))
		timer_after(&feeds->work, 0);
}

/* One reader a turn, each in its turn: what they cost together does not hold up the loop. */
static void
on_work(void *arg)
{
	struct feeds *feeds = arg;

	LIST_EACH(it, &feeds->open)
	{
		struct feed *feed = LIST_ENTRY(it, struct feed, node);

		if (!feed_has_more(feed))
			continue;
		list_remove(&feed->node);
		list_append(&feeds->open, &feed->node);
		feed_step(feed);
		timer_after(&feeds->work, 0);
		return;
	}
}

static void
stop_marking(struct feeds *feeds)
{
	feeds->is_marking = false;
	marks_clear(&feeds->marks);
}

static void
on_tick(void *arg)
{
	struct feeds *feeds = arg;
	usec_t now = loop_now(feeds->tick.loop);

	if (feeds->count == 0 && now - feeds->deserted_us >= FEED_LINGER_US) {
		stop_marking(feeds);
		return;
	}
	if (feeds->is_sweep_due)
		marks_sweep(&feeds->marks, has_check, feeds);
	feeds->is_sweep_due = false;
	LIST_EACH_SAFE(it, &feeds->open)
	{
		struct feed *feed = LIST_ENTRY(it, struct feed, node);

		feed->is_due = true;
		if (feed_is_stuck(feed))
			feed->on_over(feed->arg);
	}
	feeds_stir(feeds);
	timer_after(&feeds->tick, FEED_TICK_US);
}

void
feeds_init(struct feeds *feeds, const struct api_world *world)
{
	feeds->world = world;
	list_init(&feeds->open);
	marks_init(&feeds->marks);
	timer_init(&feeds->tick, world->env->loop, on_tick, feeds);
	timer_init(&feeds->work, world->env->loop, on_work, feeds);
}

void
feeds_fini(struct feeds *feeds)
{
	feeds_end(feeds);
	timer_stop(&feeds->tick);
	timer_stop(&feeds->work);
	marks_fini(&feeds->marks);
}

void
feeds_end(struct feeds *feeds)
{
	LIST_EACH_SAFE(it, &feeds->open)
	{
		struct feed *feed = LIST_ENTRY(it, struct feed, node);

		feed->on_over(feed->arg);
	}
}

void
feeds_note_check(struct feeds *feeds, const char *name)
{
	if (feeds->is_marking)
		marks_note(&feeds->marks, name);
}

void
feeds_note_incident(struct feeds *feeds, const struct incident *incident,
	enum incident_event_type type, const char *reason)
{
	struct feed_incident *entry = &feeds->ring[feeds->incidents++ % FEED_RING];

	entry->type = type;
	str_copy(entry->reason, sizeof(entry->reason), reason);
	str_copy(entry->id, sizeof(entry->id), incident->id);
	feeds_stir(feeds);
}

void
feeds_note(struct feeds *feeds, enum feed_news what)
{
	feeds->news_at[what] = ++feeds->news;
	feeds->is_sweep_due |= what == FEED_CONFIG;
}
