/*
 * One reader of the live feed: its three places, and what is written when they lag behind.  Each
 * event's id is the places after it, so that a reader that comes back says what it has seen.
 */
#include "api/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/show.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/stream.h"
#include "model/record.h"
#include "sched/sched.h"
#include "triage/triage.h"

#define EVENT_CHECKS 100         /* in one event: a slice of the loop's time, too */
#define SOCKET_BYTES (64 * 1024) /* what the kernel keeps for a reader that does not read */
#define RETRY_MS     3000

/* ---- coming and going ---- */

/* The boot tells one life of the daemon from the next. */
static void
write_id(const struct feed *feed, char *out, size_t size)
{
	snprintf(out, size, "%" PRIx64 ".%" PRIu64 ".%" PRIu64 ".%" PRIu64,
		(uint64_t)feed->feeds->world->started_wall_us, feed->checks, feed->incidents,
		feed->news);
}

/* The places of an id of ours; false: it is none, or what came after it is not known any more. */
static bool
read_id(struct feed *feed, const char *id)
{
	const struct feeds *feeds = feed->feeds;
	uint64_t boot, checks, incidents, news;
	char again[100];

	if (id == NULL || sscanf(id, "%" SCNx64 ".%" SCNu64 ".%" SCNu64 ".%" SCNu64, &boot, &checks,
				  &incidents, &news) != 4)
		return false;
	if (boot != (uint64_t)feeds->world->started_wall_us || !feeds->is_marking ||
		checks < feeds->marked_since || checks > feeds->marks.serial ||
		incidents > feeds->incidents || feeds->incidents - incidents > FEED_RING ||
		news > feeds->news)
		return false;
	feed->checks = checks;
	feed->incidents = incidents;
	feed->news = news;
	write_id(feed, again, sizeof(again));
	return strcmp(id, again) == 0;
}

/* From now on everything is told; what was before, the page reads. */
static void
skip_to_now(struct feed *feed)
{
	feed->checks = feed->feeds->marks.serial;
	feed->incidents = feed->feeds->incidents;
	feed->news = feed->feeds->news;
	feed->owes_hello = true;
	feed->is_resync = true;
}

struct feed *
feed_new(struct feeds *feeds, const char *filter, const char *last_id)
{
	struct feed *feed;

	if (feeds->count >= FEEDS_MAX)
		return NULL;
	feed = xcalloc(1, sizeof(*feed));
	feed->feeds = feeds;
	if (*filter != '\0')
		feed->filter = xstrdup(filter);
	if (!read_id(feed, last_id))
		skip_to_now(feed);
	feed->owes_hello = true;
	if (!feeds->is_marking)
		feeds->marked_since = feeds->marks.serial;
	feeds->is_marking = true;
	feeds->count++;
	stats_set(feeds->world->env->stats, STAT_API_FEEDS, (double)feeds->count);
	list_init(&feed->node);
	return feed;
}

void
feed_free(struct feed *feed)
{
	if (feed == NULL)
		return;
	list_remove(&feed->node);
	feed->feeds->count--;
	stats_set(feed->feeds->world->env->stats, STAT_API_FEEDS, (double)feed->feeds->count);
	if (feed->feeds->count == 0) {
		feed->feeds->deserted_us = loop_now(feed->feeds->tick.loop);
		/* Also where it never began: the marks must not outlive the wait. */
		if (!timer_runs(&feed->feeds->tick))
			timer_after(&feed->feeds->tick, FEED_TICK_US);
	}
	free(feed->filter);
	free(feed);
}

void
feed_start(struct feed *feed, struct stream *stream, void (*on_over)(void *arg), void *arg)
{
	struct feeds *feeds = feed->feeds;
	int size = SOCKET_BYTES;

	/* Where the kernel does not want to it keeps more: only memory is lost. */
	(void)setsockopt(stream_fd(stream), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	feed->stream = stream;
	feed->on_over = on_over;
	feed->arg = arg;
	feed->wrote_us = feed->moved_us = loop_now(feeds->tick.loop);
	list_append(&feeds->open, &feed->node);
	if (!timer_runs(&feeds->tick))
		timer_after(&feeds->tick, FEED_TICK_US);
	feeds_stir(feeds);
}

bool
feed_is_stuck(struct feed *feed)
{
	usec_t now = loop_now(feed->feeds->tick.loop);
	size_t unsent = stream_unsent(feed->stream);

	if (unsent == 0 || unsent < feed->unsent)
		feed->moved_us = now;
	feed->unsent = unsent;
	return now - feed->moved_us >= FEED_STUCK_US;
}

/* ---- what is written ---- */

static bool
is_beat_due(const struct feed *feed)
{
	return loop_now(feed->feeds->tick.loop) - feed->wrote_us >= FEED_BEAT_US;
}

bool
feed_has_more(const struct feed *feed)
{
	if (stream_unsent(feed->stream) > 0)
		return false;
	return feed->owes_hello || feed->incidents < feed->feeds->incidents || feed->is_due;
}

static void
write_out(struct feed *feed, const char *text, size_t len)
{
	stream_write(feed->stream, text, len);
	feed->unsent = stream_unsent(feed->stream);
	feed->wrote_us = loop_now(feed->feeds->tick.loop);
}

static void
begin_event(const struct feed *feed, struct buf *out, const char *name)
{
	char id[100];

	write_id(feed, id, sizeof(id));
	buf_addf(out, "event: %s\nid: %s\ndata: ", name, id);
}

static void
write_event(struct feed *feed, const char *name, json_t *doc)
{
	struct buf out;

	buf_init(&out, 0);
	begin_event(feed, &out, name);
	json_write(&out, doc);
	buf_add_text(&out, "\n\n");
	write_out(feed, buf_head(&out), buf_left(&out));
	buf_fini(&out);
}

static void
say_hello(struct feed *feed)
{
	const struct api_world *world = feed->feeds->world;
	json_t *doc = json_object();
	char retry[32];

	json_object_set_new(doc, "version", record_text(world->env->version));
	json_object_set_new(doc, "started_at", record_time(world->started_wall_us));
	json_object_set_new(doc, "checks", json_integer((json_int_t)sched_count(world->sched)));
	json_object_set_new(doc, "resync", json_boolean(feed->is_resync));
	snprintf(retry, sizeof(retry), "retry: %d\n", RETRY_MS);
	write_out(feed, retry, strlen(retry));
	write_event(feed, "hello", doc);
	feed->owes_hello = feed->is_resync = false;
}

/* The incident as it is now: a reader that lags behind is not told what is over. */
static void
say_incident(struct feed *feed)
{
	const struct feeds *feeds = feed->feeds;
	const struct feed_incident *entry = &feeds->ring[feed->incidents++ % FEED_RING];
	const struct incident *incident = triage_find(feeds->world->triage, entry->id);
	json_t *doc;

	if (incident == NULL)
		return;
	doc = json_object();
	json_object_set_new(doc, "event", json_string(incident_event_name(entry->type)));
	json_object_set_new(doc, "reason", record_text(entry->reason));
	json_object_set_new(doc, "incident", incident_json(incident, loop_wall(feeds->tick.loop)));
	write_event(feed, "incident", doc);
}

static bool
is_wanted(const struct feed *feed, const char *name)
{
	size_t len = strlen(name);

	if (feed->filter == NULL)
		return true;
	for (const char *p = feed->filter; *p != '\0'; p += *p == ',') {
		size_t part = strcspn(p, ",");

		if (part == len && strncmp(p, name, len) == 0)
			return true;
		p += part;
	}
	return false;
}

/* Made once, for every reader; "" where the check has gone meanwhile. */
static const char *
text_of(const struct feeds *feeds, struct mark *mark)
{
	struct check_view view;
	struct buf out;

	if (mark->text != NULL)
		return mark->text;
	buf_init(&out, 0);
	if (sched_view_name(feeds->world->sched, mark->name, &view))
		json_write(&out, show_check_news(feeds->world, &view));
	mark->text = buf_left(&out) == 0 ? xstrdup("") : buf_take_text(&out);
	buf_fini(&out);
	return mark->text;
}

/* The next slice of those that ran; false: there are no more. */
static bool
say_checks(struct feed *feed)
{
	const struct marks *marks = &feed->feeds->marks;
	struct mark *mark = marks_after(marks, feed->checks);
	size_t looked = 0, count = 0;
	struct buf list, out;

	if (mark == NULL)
		return false;
	buf_init(&list, 0);
	for (; mark != NULL && looked < EVENT_CHECKS; looked++, mark = marks_next(marks, mark)) {
		const char *text = is_wanted(feed, mark->name) ? text_of(feed->feeds, mark) : "";

		feed->checks = mark->serial;
		if (*text != '\0')
			buf_addf(&list, "%s%s", count++ == 0 ? "" : ",", text);
	}
	buf_init(&out, 0);
	/* Each is a JSON text of its own: only brackets and commas are put around them. */
	begin_event(feed, &out, "checks");
	buf_addf(&out, "{\"checks\":[%s]}\n\n", buf_text(&list));
	if (count > 0)
		write_out(feed, buf_head(&out), buf_left(&out));
	buf_fini(&list);
	buf_fini(&out);
	return mark != NULL;
}

static void
say_news(struct feed *feed)
{
	static const char *const names[] = {
		[FEED_SILENCES] = "silences",
		[FEED_RECEIVERS] = "receivers",
		[FEED_CONFIG] = "config",
	};
	uint64_t seen = feed->news;

	feed->news = feed->feeds->news;
	for (size_t i = 0; i < FEED_NEWS_COUNT; i++)
		if (feed->feeds->news_at[i] > seen)
			write_event(feed, names[i], json_object());
}

static void
say_beat(struct feed *feed)
{
	write_out(feed, ":\n\n", 3);
}

void
feed_step(struct feed *feed)
{
	if (feed->feeds->incidents - feed->incidents > FEED_RING)
		skip_to_now(feed);
	if (feed->owes_hello) {
		say_hello(feed);
	} else if (feed->incidents < feed->feeds->incidents) {
		say_incident(feed);
	} else if (feed->news < feed->feeds->news) {
		say_news(feed);
	} else if (!say_checks(feed)) {
		feed->is_due = false;
		if (is_beat_due(feed))
			say_beat(feed);
	}
}

/* ---- the route ---- */

void
handle_events(struct api_call *call)
{
	char filter[FEED_FILTER_MAX] = "";

	if (call_query(call, "checks", filter, sizeof(filter)) && *filter == '\0') {
		reply_problem(call, 400, "checks: names with commas between them, up to %d bytes",
			FEED_FILTER_MAX - 1);
		return;
	}
	if (!call->world->is_draining)
		call->feed =
			feed_new(call->feeds, filter, http1_header(call->request, "Last-Event-ID"));
	if (call->feed == NULL) {
		reply_problem(call, 503,
			call->world->is_draining ? "triaged is stopping"
						 : "%d readers listen already, and no more may",
			FEEDS_MAX);
		call->reply.retry_after_s = 30;
		return;
	}
	reply_text(call, 200, "text/event-stream", "");
}
