/*
 * The loop's side of the store: gathers what one turn posts, hands it over when the turn ends, and
 * tells those who wait.  Owns the thread, the names of the series, and who waits for what.
 *
 * All time is the loop's: history is handed over every few seconds, a store in trouble is asked to
 * try again every second, and with nothing to write nobody wakes.
 */
#include "store/store.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/timer.h"
#include "io/watch.h"
#include "store/writer.h"

#define HISTORY_EVERY_US (5 * USEC_PER_SEC)
#define RETRY_EVERY_US   USEC_PER_SEC
#define ROWS_HANDED      8192  /* handed over before their time */
#define ROWS_MAX         50000 /* waiting; more are dropped */
#define SERIES_MAX       1000000
#define QUESTIONS_BUSY   32

/* Stands in the loop's list of what ends with this turn. */
struct handover {
	struct store *store; /* NULL: it was closed meanwhile */
};

struct waiter {
	struct list node;
	uint64_t seq;
	void (*fn)(void *arg, bool is_durable);
	void *arg;
};

struct store {
	struct store_options options;
	struct writer *writer;
	struct watch *watch;
	struct handover *handover; /* of this turn */
	struct batch *batch;       /* of this turn */
	uint64_t seq;              /* of the batch being gathered */
	struct list waiters;       /* in order of seq */
	struct list questions;
	size_t question_count;
	struct rows *rows;
	struct map *series;
	struct timer history_timer, retry_timer;
	size_t changes_waiting, rows_waiting;
	bool was_posted_to;
	bool has_refused; /* a series more than there may be */
};

/* Posting. */

static void
show_queue(struct store *s)
{
	stats_set(
		s->options.stats, STAT_STORE_QUEUE, (double)(s->changes_waiting + s->rows_waiting));
}

static void
hand_batch(struct store *s)
{
	struct batch *batch = s->batch;
	if (!batch)
		return;
	s->batch = NULL;
	s->was_posted_to = true;
	s->changes_waiting += batch->count;
	show_queue(s);
	writer_post(s->writer, batch, loop_wall(s->options.loop));
}

static void
on_turn_end(void *obj)
{
	struct handover *handover = obj;
	if (handover->store) {
		handover->store->handover = NULL;
		hand_batch(handover->store);
	}
	free(handover);
}

/* The batch of this turn. */
static struct batch *
need_batch(struct store *s)
{
	if (s->batch)
		return s->batch;
	s->batch = batch_new();
	s->batch->seq = ++s->seq;
	if (!s->handover) {
		s->handover = xmalloc(sizeof(*s->handover));
		s->handover->store = s;
		loop_retire(s->options.loop, s->handover, on_turn_end);
	}
	return s->batch;
}

void
store_put(struct store *s, const char *kind, const char *key, const json_t *doc)
{
	char *body = json_dumps(doc, JSON_COMPACT);
	if (!body) {
		log_error("store: document %s %s cannot be written as JSON", kind, key);
		return;
	}
	batch_add(need_batch(s), kind, key, body);
}

void
store_delete(struct store *s, const char *kind, const char *key)
{
	batch_add(need_batch(s), kind, key, NULL);
}

void
store_when_durable(struct store *s, void (*fn)(void *arg, bool is_durable), void *arg)
{
	struct waiter *waiter = xcalloc(1, sizeof(*waiter));
	waiter->seq = need_batch(s)->seq;
	waiter->fn = fn;
	waiter->arg = arg;
	list_init(&waiter->node);
	list_append(&s->waiters, &waiter->node);
}

void
store_drop_waiter(struct store *s, void *arg)
{
	LIST_EACH_SAFE(it, &s->waiters)
	{
		struct waiter *waiter = LIST_ENTRY(it, struct waiter, node);
		if (waiter->arg != arg)
			continue;
		list_remove(it);
		free(waiter);
	}
	LIST_EACH(it, &s->questions)
	{
		struct question *question = LIST_ENTRY(it, struct question, asked);
		if (question->arg != arg)
			continue;
		question->fn = NULL;
		question->read_fn = NULL;
		question->is_dropped = true;
	}
}

/* History. */

static void
hand_rows(struct store *s)
{
	struct rows *rows = s->rows;
	if (!rows)
		return;
	s->rows = NULL;
	s->was_posted_to = true;
	timer_stop(&s->history_timer);
	writer_post_rows(s->writer, rows, loop_wall(s->options.loop));
}

static void
on_history_due(void *arg)
{
	hand_rows(arg);
}

/* Said once: whoever has so many looks into the log when a plot is empty. */
static void
refuse_series(struct store *s, const char *name)
{
	if (!s->has_refused)
		log_warn("store: %zu series have a history, and \"%s\" would be one more: it and "
			 "others behind it are measured and judged, and not kept",
			map_count(s->series), name);
	s->has_refused = true;
}

struct store_series *
store_series(struct store *s, const char *check, const char *metric)
{
	struct store_series *series = history_series_new(check, metric);
	struct store_series *old = series ? map_get(s->series, series->names) : NULL;

	if (!series)
		return NULL;
	if (!old && map_count(s->series) < SERIES_MAX) {
		map_put(s->series, series->names, series);
		return series;
	}
	if (!old)
		refuse_series(s, check);
	free(series);
	return old;
}

static struct rows *
need_rows(struct store *s)
{
	if (!s->rows) {
		s->rows = rows_new();
		timer_after(&s->history_timer, HISTORY_EVERY_US);
	}
	return s->rows;
}

void
store_drop_series(struct store *s, struct store_series *series)
{
	struct rows *rows;

	if (!series)
		return;
	rows = need_rows(s);
	map_remove(s->series, series->names);
	rows->gone = xreallocarray(rows->gone, rows->gone_count + 1, sizeof(*rows->gone));
	rows->gone[rows->gone_count++] = series;
	if (rows->gone_count >= ROWS_HANDED)
		hand_rows(s);
}

static void
add_row(struct store *s, const struct history_row *row)
{
	need_rows(s);
	if (s->rows->count == s->rows->room) {
		s->rows->room = s->rows->room ? 2 * s->rows->room : 16;
		s->rows->all = xreallocarray(s->rows->all, s->rows->room, sizeof(*s->rows->all));
	}
	s->rows->all[s->rows->count++] = *row;
	s->rows_waiting++;
	if (s->rows->count >= ROWS_HANDED)
		hand_rows(s);
}

void
store_sample(struct store *s, struct store_series *series, usec_t wall_us, double value)
{
	if (!isfinite(value))
		return;
	if (series && s->rows_waiting < ROWS_MAX)
		add_row(s, &(struct history_row){ series, wall_us, value });
	else
		stats_add(s->options.stats, STAT_STORE_DROPPED, 1);
}

static void
ask(struct store *s, struct question *question)
{
	list_init(&question->node);
	list_init(&question->asked);
	list_append(&s->questions, &question->asked);
	s->question_count++;
	s->was_posted_to = true;
	writer_ask(s->writer, question);
}

void
store_read(struct store *s, const char *kind, const char *key, store_read_fn fn, void *arg)
{
	struct question *question = xcalloc(1, sizeof(*question));
	question->kind = xstrdup(kind);
	question->key = xstrdup(key);
	question->read_fn = fn;
	question->arg = arg;
	ask(s, question);
}

void
store_query_start(struct store *s, const struct store_query *query, store_points_fn fn, void *arg)
{
	struct question *question = xcalloc(1, sizeof(*question));
	question->check = xstrdup(query->check);
	question->metric = xstrdup(query->metric);
	question->query = *query;
	question->query.check = question->check;
	question->query.metric = question->metric;
	question->fn = fn;
	question->arg = arg;
	hand_rows(s);
	ask(s, question);
}

bool
store_is_busy(const struct store *s)
{
	return s->question_count >= QUESTIONS_BUSY;
}

/* News from the thread. */

static void
tell_waiters(struct store *s, const struct verdict *verdict)
{
	while (!list_is_empty(&s->waiters)) {
		struct waiter *waiter = LIST_ENTRY(s->waiters.next, struct waiter, node);
		if (waiter->seq > verdict->seq)
			return;
		list_remove(&waiter->node);
		struct waiter told = *waiter;
		free(waiter);
		told.fn(told.arg, verdict->is_durable);
	}
}

static void
tell_document(struct question *question)
{
	json_t *doc = question->body ? json_loads(question->body, 0, NULL) : NULL;
	if (question->is_unread)
		doc = json_null();
	if (question->read_fn)
		question->read_fn(question->arg, question->key, doc);
	json_decref(doc);
}

static void
tell_answers(struct store *s, struct news *news)
{
	LIST_EACH_SAFE(it, &news->answers)
	{
		struct question *question = LIST_ENTRY(it, struct question, node);
		list_remove(&question->asked);
		s->question_count--;
		if (question->kind)
			tell_document(question);
		else if (question->fn)
			question->fn(question->arg, question->points, question->count);
		list_remove(it);
		question_free(question);
	}
}

static void
tell_trouble(struct store *s, const char *text)
{
	if (s->options.on_trouble)
		s->options.on_trouble(s->options.arg, text);
}

static void
tell_mood(struct store *s, const struct news *news)
{
	if (news->note)
		tell_trouble(s, news->note);
	if (news->is_mood_new && news->trouble)
		timer_after(&s->retry_timer, RETRY_EVERY_US);
	else if (news->is_mood_new)
		timer_stop(&s->retry_timer);
	if (news->is_mood_new) {
		stats_set(s->options.stats, STAT_STORE_DEGRADED, news->trouble ? 1 : 0);
		tell_trouble(s, news->trouble);
	} else if (news->note && !timer_runs(&s->retry_timer)) {
		tell_trouble(s, NULL); /* a new file took the place of the damaged one */
	}
}

static void
count_news(struct store *s, const struct news *news)
{
	s->changes_waiting -= news->changes_done;
	s->rows_waiting -= news->rows_done;
	show_queue(s);
	if (news->rows_lost)
		stats_add(s->options.stats, STAT_STORE_DROPPED, (double)news->rows_lost);
	if (news->errors)
		stats_add(s->options.stats, STAT_STORE_ERRORS, news->errors);
}

static void
on_news(void *arg, unsigned ready)
{
	struct store *s = arg;
	struct news news;
	(void)ready;
	writer_take_news(s->writer, &news);
	count_news(s, &news);
	tell_mood(s, &news);
	for (size_t n = 0; n < news.verdict_count; n++)
		tell_waiters(s, &news.verdicts[n]);
	tell_answers(s, &news);
	news_fini(&news);
}

static void
on_retry_due(void *arg)
{
	struct store *s = arg;
	writer_retry(s->writer, loop_wall(s->options.loop));
	timer_after(&s->retry_timer, RETRY_EVERY_US);
}

/* Life. */

static const struct {
	const char *name;
	const struct db_ladder *ladder;
} files[] = {
	{ STATE_FILE, &state_ladder },
	{ HISTORY_FILE, &history_ladder },
};

/* The copy is of the last format of state.db that we know: ours, where it was upgraded. */
static int
refuse(const struct folder *folder, const char *name, const struct db_look *look, int known,
	struct err *e)
{
	char *copy = state_copy_path(folder, state_ladder.count);
	char who[DB_PROGRAM_MAX + sizeof("triaged ")] = "a later triaged";

	if (look->program[0] != '\0')
		snprintf(who, sizeof(who), "triaged %s", look->program);
	err_set(e, STORE_ERR_LATER,
		"state folder %s: %s was written by %s (format %d; this is triaged %s, which knows "
		"formats up to %d): nothing was changed; install %s, or put back what was saved "
		"before the upgrade (%s)",
		folder->path, name, who, look->format, TRIAGED_VERSION, known, who,
		access(copy, R_OK) == 0 ? copy : "a backup");
	free(copy);
	return -1;
}

/* Both, before either is touched: an upgrade of one must not stand beside a refusal of the other.
 */
static int
look_at_formats(const struct folder *folder, struct err *e)
{
	for (size_t n = 0; n < sizeof(files) / sizeof(files[0]); n++) {
		char *path = folder_file(folder, files[n].name);
		int known = files[n].ladder->count;
		struct db_look look;

		db_look(path, &look);
		free(path);
		if (look.format > known)
			return refuse(folder, files[n].name, &look, known, e);
		if (look.format > 0 && look.format < known)
			log_notice(
				"store: %s (%.1f MB) is of format %d, and is brought to format %d",
				files[n].name, (double)look.bytes / (1 << 20), look.format, known);
	}
	return 0;
}

struct store *
store_open(const struct store_options *options, char *aside, struct err *e)
{
	struct folder folder;
	usec_t wall_us = loop_wall(options->loop);
	*aside = '\0';
	if (folder_open(&folder, options->dir, e) < 0)
		return NULL;
	if (look_at_formats(&folder, e) < 0 || folder_begin(&folder, e) < 0) {
		folder_close(&folder, false);
		return NULL;
	}
	struct writer *writer = writer_new(&folder, options->history_max_bytes, wall_us, e);
	if (!writer) {
		err_wrap(e, "cannot use state folder %s", options->dir);
		if (e)
			e->code = EIO; /* SQLite's codes mean nothing outside */
		folder_close(&folder, false);
		return NULL;
	}
	char *said = writer_aside(writer);
	if (said)
		snprintf(aside, STORE_ASIDE_MAX, "%s", said);
	free(said);

	struct store *s = xcalloc(1, sizeof(*s));
	s->options = *options;
	s->options.dir = NULL; /* not ours to keep */
	s->writer = writer;
	s->series = map_new_borrowing();
	list_init(&s->waiters);
	list_init(&s->questions);
	timer_init(&s->history_timer, options->loop, on_history_due, s);
	timer_init(&s->retry_timer, options->loop, on_retry_due, s);
	s->watch = watch_new(options->loop, writer_fd(writer), WATCH_READ, on_news, s);
	return s;
}

static void
free_waiters(struct store *s)
{
	LIST_EACH_SAFE(it, &s->waiters)
	free(LIST_ENTRY(it, struct waiter, node));
}

void
store_close(struct store *s, usec_t timeout_us)
{
	if (!s)
		return;
	hand_batch(s);
	hand_rows(s);
	if (s->handover)
		s->handover->store = NULL;
	timer_stop(&s->history_timer);
	timer_stop(&s->retry_timer);
	watch_free(s->watch);
	free_waiters(s);
	if (writer_end(s->writer, timeout_us))
		map_free(s->series, free);
	else
		log_error("store: the disk did not take everything in time: what is new is lost");
	free(s);
}

struct loading {
	store_doc_fn fn;
	void *arg;
};

static void
load_one(void *arg, const char *kind, const char *key, const char *body)
{
	const struct loading *loading = arg;
	json_error_t why;
	json_t *doc = json_loads(body, 0, &why);
	if (doc)
		loading->fn(loading->arg, key, doc);
	else
		log_warn("store: document %s %s is skipped: %s", kind, key, why.text);
	json_decref(doc);
}

int
store_load(struct store *s, const char *kind, store_doc_fn fn, void *arg, struct err *e)
{
	struct loading loading = { fn, arg };
	if (s->was_posted_to)
		return err_set(e, EBUSY, "documents are loaded before the first turn of the loop");
	return writer_load(s->writer, kind, load_one, &loading, e);
}
