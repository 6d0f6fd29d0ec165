/*
 * The store's thread.  Owns both databases while it runs; promises that batches are written in the
 * order in which they were posted, all that wait in one transaction, before anything else.
 */
#include "store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define STACK_BYTES (256 * 1024)

/* What was posted and not taken yet. */
struct posted {
	struct list batches, rows, questions;
	bool is_retry;
	bool is_end;
	usec_t wall_us;
};

struct writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t posted_cond, ended_cond;
	int event_fd;

	/* under the mutex */
	struct posted posted;
	struct news news;
	bool has_ended;

	/* the thread's own, once something was posted */
	struct folder folder;
	struct keeper keeper;
	struct history *history; /* NULL: opened when first needed */
	unsigned history_generation;
	int64_t history_max_bytes;
	char *history_trouble;
	char *told; /* the trouble last told */
};

struct rows *
rows_new(void)
{
	struct rows *rows = xcalloc(1, sizeof(*rows));
	list_init(&rows->node);
	return rows;
}

void
rows_free(struct rows *rows)
{
	if (!rows)
		return;
	for (size_t i = 0; i < rows->gone_count; i++)
		free(rows->gone[i]);
	free(rows->gone);
	free(rows->all);
	free(rows);
}

void
question_free(struct question *q)
{
	free(q->kind);
	free(q->key);
	free(q->body);
	free(q->check);
	free(q->metric);
	free(q->points);
	free(q);
}

void
news_fini(struct news *news)
{
	LIST_EACH_SAFE(it, &news->answers)
	question_free(LIST_ENTRY(it, struct question, node));
	free(news->verdicts);
	free(news->trouble);
	free(news->note);
}

static void
init_posted(struct posted *posted)
{
	memset(posted, 0, sizeof(*posted));
	list_init(&posted->batches);
	list_init(&posted->rows);
	list_init(&posted->questions);
}

static void
init_news(struct news *news)
{
	memset(news, 0, sizeof(*news));
	list_init(&news->answers);
}

static void
move_list(struct list *to, struct list *from)
{
	LIST_EACH_SAFE(it, from)
	{
		list_remove(it);
		list_append(to, it);
	}
}

/* The thread's side. */

static void
wake_loop(struct writer *w)
{
	uint64_t one = 1;
	ssize_t rc;
	do {
		rc = write(w->event_fd, &one, sizeof(one));
	} while (rc < 0 && errno == EINTR);
}

static void
note(struct writer *w, char *text)
{
	if (!text)
		return;
	pthread_mutex_lock(&w->mutex);
	free(w->news.note);
	w->news.note = text;
	pthread_mutex_unlock(&w->mutex);
}

static void
tell_mood(struct writer *w)
{
	const char *trouble = w->keeper.trouble ? w->keeper.trouble : w->history_trouble;
	if (!trouble == !w->told && (!trouble || strcmp(trouble, w->told) == 0))
		return;
	xstrset(&w->told, trouble);
	pthread_mutex_lock(&w->mutex);
	xstrset(&w->news.trouble, trouble);
	w->news.is_mood_new = true;
	pthread_mutex_unlock(&w->mutex);
}

static void
tell_verdict(struct writer *w, struct verdict verdict, size_t changes)
{
	pthread_mutex_lock(&w->mutex);
	struct news *news = &w->news;
	news->verdicts =
		xreallocarray(news->verdicts, news->verdict_count + 1, sizeof(*news->verdicts));
	news->verdicts[news->verdict_count++] = verdict;
	news->changes_done += changes;
	pthread_mutex_unlock(&w->mutex);
}

static void
write_state(struct writer *w, struct posted *todo)
{
	struct verdict verdict = { 0 };
	size_t changes = 0;
	if (todo->is_retry)
		keeper_retry(&w->keeper, todo->wall_us);
	if (!list_is_empty(&todo->batches)) {
		LIST_EACH(it, &todo->batches)
		{
			const struct batch *batch = LIST_ENTRY(it, struct batch, node);
			changes += batch->count;
			verdict.seq = batch->seq;
		}
		verdict.is_durable = keeper_write(&w->keeper, &todo->batches, todo->wall_us);
		LIST_EACH_SAFE(it, &todo->batches)
		batch_free(LIST_ENTRY(it, struct batch, node));
		tell_verdict(w, verdict, changes);
	}
	note(w, w->keeper.aside);
	w->keeper.aside = NULL;
	tell_mood(w);
}

static void
set_history_aside(struct writer *w, usec_t wall_us, const char *why)
{
	char *to = NULL;
	if (folder_set_aside(&w->folder, HISTORY_FILE, wall_us, &to, NULL) < 0)
		return;
	note(w, xasprintf(HISTORY_FILE " was damaged (%s): set aside as %s, started afresh", why,
			to));
	free(to);
}

static int
need_history(struct writer *w, usec_t wall_us, struct err *e)
{
	for (int tries = 0; tries < 2 && !w->history; tries++) {
		w->history =
			history_open(&w->folder, w->history_max_bytes, ++w->history_generation, e);
		if (w->history)
			w->folder.was_clean = true; /* checked: no need to look again */
		else if (db_is_damage(e->code))
			set_history_aside(w, wall_us, e->text);
		else
			break;
	}
	return w->history ? 0 : -1;
}

/* Whatever failed, the handle is closed: series and gathered values start from the file again. */
static void
fail_history(struct writer *w, usec_t wall_us, const struct err *e)
{
	history_close(w->history);
	w->history = NULL;
	w->keeper.errors++;
	if (db_is_damage(e->code))
		set_history_aside(w, wall_us, e->text);
	else if (!w->history_trouble)
		w->history_trouble = xasprintf("state folder %s cannot take history (%s): it goes "
					       "on without: free some space or repair it",
			w->folder.path, e->text);
}

static bool
write_rows(struct writer *w, const struct rows *rows, usec_t wall_us)
{
	struct err e = { 0 };
	if (rows->count == 0)
		return true;
	/* What is left of the disk is for the documents. */
	if (w->keeper.mood != KEEPER_FINE)
		return false;
	if (need_history(w, wall_us, &e) < 0 ||
		history_write(w->history, rows->all, rows->count, &e) < 0) {
		fail_history(w, wall_us, &e);
		return false;
	}
	free(w->history_trouble);
	w->history_trouble = NULL;
	return true;
}

static void
write_history(struct writer *w, struct posted *todo)
{
	LIST_EACH_SAFE(it, &todo->rows)
	{
		struct rows *rows = LIST_ENTRY(it, struct rows, node);
		bool is_written = write_rows(w, rows, todo->wall_us);
		pthread_mutex_lock(&w->mutex);
		w->news.rows_done += rows->count;
		w->news.rows_lost += is_written ? 0 : rows->count;
		pthread_mutex_unlock(&w->mutex);
		rows_free(rows);
	}
}

static void
answer_history(struct writer *w, struct question *q, usec_t wall_us)
{
	struct err e = { 0 };
	long count = -1;
	if (need_history(w, wall_us, &e) == 0)
		count = history_read(w->history, &q->query, &q->points, &e);
	if (count < 0)
		fail_history(w, wall_us, &e);
	q->count = count > 0 ? (size_t)count : 0;
}

static void
answer(struct writer *w, struct posted *todo)
{
	LIST_EACH_SAFE(it, &todo->questions)
	{
		struct question *q = LIST_ENTRY(it, struct question, node);
		if (q->kind)
			q->is_unread = keeper_read(&w->keeper, q->kind, q->key, &q->body) < 0;
		else if (!q->is_dropped)
			answer_history(w, q, todo->wall_us);
		list_remove(&q->node);
		pthread_mutex_lock(&w->mutex);
		list_append(&w->news.answers, &q->node);
		pthread_mutex_unlock(&w->mutex);
	}
}

static bool
is_nothing(const struct posted *p)
{
	return list_is_empty(&p->batches) && list_is_empty(&p->rows) &&
	       list_is_empty(&p->questions) && !p->is_retry && !p->is_end;
}

/* One at a time: reading three months takes long enough, and batches must not wait for more. */
static void
take_question(struct list *to, struct list *from)
{
	struct list *first = from->next;

	if (first == from)
		return;
	list_remove(first);
	list_append(to, first);
}

static void
wait_for_work(struct writer *w, struct posted *todo)
{
	init_posted(todo);
	pthread_mutex_lock(&w->mutex);
	while (is_nothing(&w->posted))
		pthread_cond_wait(&w->posted_cond, &w->mutex);
	move_list(&todo->batches, &w->posted.batches);
	move_list(&todo->rows, &w->posted.rows);
	if (w->posted.is_end)
		move_list(&todo->questions, &w->posted.questions);
	else
		take_question(&todo->questions, &w->posted.questions);
	todo->is_retry = w->posted.is_retry;
	todo->is_end = w->posted.is_end;
	todo->wall_us = w->posted.wall_us;
	w->posted.is_retry = false;
	pthread_mutex_unlock(&w->mutex);
}

static bool
is_idle(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	bool has_nothing = is_nothing(&w->posted);
	pthread_mutex_unlock(&w->mutex);
	return has_nothing;
}

static void
count_errors(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	w->news.errors += w->keeper.errors;
	pthread_mutex_unlock(&w->mutex);
	w->keeper.errors = 0;
}

static void *
run(void *arg)
{
	struct writer *w = arg;
	struct posted todo;
	do {
		wait_for_work(w, &todo);
		if (todo.is_end && w->keeper.mood != KEEPER_FINE)
			todo.is_retry = true;
		bool has_batches = !list_is_empty(&todo.batches);
		write_state(w, &todo);
		if (!list_is_empty(&todo.rows) || !list_is_empty(&todo.questions)) {
			if (has_batches)
				wake_loop(w); /* whoever waits for them need not wait for history */
			write_history(w, &todo);
			answer(w, &todo);
			tell_mood(w);
		}
		count_errors(w);
		wake_loop(w);
		if (w->keeper.state && is_idle(w))
			state_tidy(w->keeper.state);
	} while (!todo.is_end);
	history_close(w->history);
	w->history = NULL;
	folder_close(&w->folder, keeper_close(&w->keeper));
	pthread_mutex_lock(&w->mutex);
	w->has_ended = true;
	pthread_cond_signal(&w->ended_cond);
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* The loop's side. */

static int
start_thread(struct writer *w, struct err *e)
{
	sigset_t all, before;
	pthread_attr_t attr;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int why = pthread_create(&w->thread, &attr, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return why ? err_set(e, why, "cannot start the store's thread: %s", strerror(why)) : 0;
}

static void
free_writer(struct writer *w)
{
	news_fini(&w->news);
	fd_close(&w->event_fd);
	pthread_cond_destroy(&w->posted_cond);
	pthread_cond_destroy(&w->ended_cond);
	pthread_mutex_destroy(&w->mutex);
	free(w->history_trouble);
	free(w->told);
	free(w);
}

struct writer *
writer_new(struct folder *folder, int64_t history_max_bytes, usec_t wall_us, struct err *e)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->posted_cond, NULL);
	pthread_cond_init(&w->ended_cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	init_posted(&w->posted);
	init_news(&w->news);
	w->folder = *folder;
	w->history_max_bytes = history_max_bytes;
	w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->event_fd < 0) {
		err_sys(e, "cannot make an event descriptor for the store");
	} else if (keeper_open(&w->keeper, &w->folder, wall_us, e) == 0) {
		if (start_thread(w, e) == 0)
			return w;
		keeper_close(&w->keeper);
	}
	*folder = w->folder;
	free_writer(w);
	return NULL;
}

char *
writer_aside(struct writer *w)
{
	char *aside = w->keeper.aside;
	w->keeper.aside = NULL;
	return aside;
}

int
writer_load(struct writer *w, const char *kind, state_fn fn, void *arg, struct err *e)
{
	return state_each(w->keeper.state, kind, fn, arg, e);
}

int
writer_fd(const struct writer *w)
{
	return w->event_fd;
}

void
writer_post(struct writer *w, struct batch *batch, usec_t wall_us)
{
	pthread_mutex_lock(&w->mutex);
	list_append(&w->posted.batches, &batch->node);
	w->posted.wall_us = wall_us;
	pthread_cond_signal(&w->posted_cond);
	pthread_mutex_unlock(&w->mutex);
}

void
writer_post_rows(struct writer *w, struct rows *rows, usec_t wall_us)
{
	pthread_mutex_lock(&w->mutex);
	list_append(&w->posted.rows, &rows->node);
	w->posted.wall_us = wall_us;
	pthread_cond_signal(&w->posted_cond);
	pthread_mutex_unlock(&w->mutex);
}

void
writer_ask(struct writer *w, struct question *question)
{
	pthread_mutex_lock(&w->mutex);
	list_append(&w->posted.questions, &question->node);
	pthread_cond_signal(&w->posted_cond);
	pthread_mutex_unlock(&w->mutex);
}

void
writer_retry(struct writer *w, usec_t wall_us)
{
	pthread_mutex_lock(&w->mutex);
	w->posted.is_retry = true;
	w->posted.wall_us = wall_us;
	pthread_cond_signal(&w->posted_cond);
	pthread_mutex_unlock(&w->mutex);
}

void
writer_take_news(struct writer *w, struct news *news)
{
	uint64_t count;
	ssize_t rc = read(w->event_fd, &count, sizeof(count));
	(void)rc; /* EAGAIN: there is news all the same, or there is none */
	pthread_mutex_lock(&w->mutex);
	*news = w->news;
	list_init(&news->answers);
	move_list(&news->answers, &w->news.answers);
	init_news(&w->news);
	pthread_mutex_unlock(&w->mutex);
}

static bool
wait_for_end(struct writer *w, usec_t timeout_us)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	usec_t due = (usec_t)until.tv_sec * USEC_PER_SEC + until.tv_nsec / 1000 + timeout_us;
	until.tv_sec = due / USEC_PER_SEC;
	until.tv_nsec = due % USEC_PER_SEC * 1000;
	pthread_mutex_lock(&w->mutex);
	w->posted.is_end = true;
	pthread_cond_signal(&w->posted_cond);
	int why = 0;
	while (!w->has_ended && why != ETIMEDOUT)
		why = pthread_cond_timedwait(&w->ended_cond, &w->mutex, &until);
	bool has_ended = w->has_ended;
	pthread_mutex_unlock(&w->mutex);
	return has_ended;
}

bool
writer_end(struct writer *w, usec_t timeout_us)
{
	if (!wait_for_end(w, timeout_us)) {
		pthread_detach(w->thread);
		return false;
	}
	pthread_join(w->thread, NULL);
	free_writer(w);
	return true;
}
