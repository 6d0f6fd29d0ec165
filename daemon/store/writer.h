/*
 * The store's thread.  It has no clock of its own and never wakes without being told: batches,
 * rows, questions and the wish to try again are posted to it, its news are taken from it when its
 * descriptor is readable.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/history.h"
#include "store/keeper.h"

struct writer;

struct rows {
	struct list node;
	struct history_row *all;
	size_t count, room;
	/* Nobody has a row of these any more once this and what was posted before is written. */
	struct store_series **gone;
	size_t gone_count;
};

struct rows *rows_new(void);
void rows_free(struct rows *rows);

/* A question to history, or for a document, and later its answer. */
struct question {
	struct list node;      /* the writer's until it is answered */
	struct list asked;     /* whoever asks */
	char *kind, *key;      /* of a document; NULL: it is about history */
	store_read_fn read_fn; /* NULL: nobody wants to know any more */
	char *body;            /* NULL: there is none */
	bool is_unread;        /* or it could not be read */
	char *check, *metric;
	struct store_query query; /* points to the two above */
	store_points_fn fn;       /* NULL: nobody wants to know any more */
	_Atomic bool is_dropped;  /* the same, for the thread */
	void *arg;
	struct store_point *points;
	size_t count;
};

void question_free(struct question *question);

struct verdict {
	uint64_t seq; /* every batch up to this one */
	bool is_durable;
};

struct news {
	struct verdict *verdicts; /* in order of seq */
	size_t verdict_count;
	struct list answers; /* struct question */
	size_t changes_done, rows_done, rows_lost;
	unsigned errors;
	bool is_mood_new;
	char *trouble; /* with is_mood_new: what is wrong, NULL when it is over */
	char *note;    /* something to be said once, NULL */
};
void news_fini(struct news *news);

/* Takes the folder over (left to the caller on failure) and opens state.db. */
struct writer *writer_new(
	struct folder *folder, int64_t history_max_bytes, usec_t wall_us, struct err *e);
/* True when it ended in time and is gone; else it is left behind with all that was posted. */
bool writer_end(struct writer *writer, usec_t timeout_us);

char *writer_aside(struct writer *writer); /* before anything is posted: what was set aside */
/* Before anything is posted: every document of a kind. */
int writer_load(struct writer *writer, const char *kind, state_fn fn, void *arg, struct err *e);

int writer_fd(const struct writer *writer);
void writer_post(struct writer *writer, struct batch *batch, usec_t wall_us);
void writer_post_rows(struct writer *writer, struct rows *rows, usec_t wall_us);
void writer_ask(struct writer *writer, struct question *question);
void writer_retry(struct writer *writer, usec_t wall_us);
void writer_take_news(struct writer *writer, struct news *news);

#endif
