/*
 * The live feed, GET /api/v1/events: what happens is told to every page that listens, as
 * server-sent events.
 *
 * Nothing is queued for a reader.  It has three places: how far it has been told of checks, of
 * incidents and of the rest; what lies behind them is looked up when its socket has taken what came
 * before.  A slow reader is told the newest state, later; one that has missed more incidents than
 * are kept is told to read everything anew; one that takes nothing for a minute is let go.
 */
#ifndef API_FEED_H
#define API_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "api/marks.h"
#include "base/list.h"
#include "io/timer.h"
#include "model/incident.h"

#define FEEDS_MAX     16
#define FEED_RING     256 /* incidents' events that a reader may have missed */
#define FEED_TICK_US  USEC_PER_SEC
#define FEED_BEAT_US  (15 * USEC_PER_SEC)
#define FEED_STUCK_US (60 * USEC_PER_SEC)
#define FEED_LINGER_US                                                                             \
	(60 * USEC_PER_SEC) /* a reader that comes back so soon has missed nothing                 \
			     */
#define FEED_FILTER_MAX 4096

struct api_call;
struct stream;

/* What changed as a whole: the page reads it anew. */
enum feed_news { FEED_SILENCES, FEED_RECEIVERS, FEED_CONFIG, FEED_NEWS_COUNT };

struct feed_incident {
	enum incident_event_type type;
	char reason[32];
	char id[INCIDENT_ID_LEN + 1];
};

/* All readers, and what there is to tell. */
struct feeds {
	const struct api_world *world;
	struct list open; /* struct feed */
	size_t count;
	struct marks marks;
	bool is_marking;       /* somebody listens, or did a moment ago */
	uint64_t marked_since; /* the marks know everything later than this */
	usec_t deserted_us;    /* since when nobody listens */
	struct feed_incident ring[FEED_RING];
	uint64_t incidents; /* ever noted */
	uint64_t news, news_at[FEED_NEWS_COUNT];
	bool is_sweep_due;
	struct timer tick, work;
};

/* One reader. */
struct feed {
	struct list node;
	struct feeds *feeds;
	struct stream *stream; /* NULL: not begun */
	void (*on_over)(void *arg);
	void *arg;
	char *filter; /* names with commas between them; NULL: every check */
	bool owes_hello, is_resync;
	bool is_due;                      /* the second is over */
	uint64_t checks, incidents, news; /* its places */
	size_t unsent;                    /* when it was looked at last */
	usec_t wrote_us, moved_us;
};

/* feeds.c: what the app tells. */
void feeds_init(struct feeds *feeds, const struct api_world *world);
void feeds_fini(struct feeds *feeds);
void feeds_note_check(struct feeds *feeds, const char *name);
void feeds_note_incident(struct feeds *feeds, const struct incident *incident,
	enum incident_event_type type, const char *reason);
void feeds_note(struct feeds *feeds, enum feed_news what);
void feeds_end(struct feeds *feeds);  /* every reader's connection is over */
void feeds_stir(struct feeds *feeds); /* there may be something to write */

/* feed.c: one reader. */
/* NULL: there are too many. */
struct feed *feed_new(struct feeds *feeds, const char *filter, const char *last_id);
void feed_free(struct feed *feed); /* NULL is fine */
/* The head is written; on_over is called when the connection is to be closed. */
void feed_start(struct feed *feed, struct stream *stream, void (*on_over)(void *arg), void *arg);
bool feed_has_more(const struct feed *feed); /* and its socket takes it */
void feed_step(struct feed *feed);           /* one slice of it */
bool feed_is_stuck(struct feed *feed);

#endif
