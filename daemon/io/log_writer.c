/*
 * The log's own thread.  The caller masks and queues; the thread formats and writes, and may be
 * stuck in write() for as long as the reader of stderr pleases.
 *
 * Whoever ends last frees: log_writer_stop waits a second, then leaves the writer to its thread.
 */
#include "io/log_writer.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/dgram.h"

#define RING         1024
#define BATCH        64
#define FLUSH_US     USEC_PER_SEC
#define STACK_BYTES  (256 * 1024)
#define JOURNAL_PATH "/run/systemd/journal/socket"

struct entry {
	char *line;
	usec_t wall_us;
	enum log_level level;
};

struct log_writer {
	pthread_t thread, owner; /* only the owner's thread may touch the stats */
	struct stats *stats;
	bool is_journal_stream; /* stderr goes to the journal, which adds the time itself */
	struct dgram *journal;  /* the thread's */

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t has_work, ended;
	enum log_format format;
	const struct secret_set *secrets;
	struct entry ring[RING];
	size_t first, count;
	uint64_t dropped, dropped_said;
	bool is_stopping, is_abandoned, is_done;
};

/* syslog's numbers for our levels */
static int
priority_of(enum log_level level)
{
	static const int numbers[LOG_LEVELS] = { 3, 4, 5, 6, 7 };

	return numbers[level];
}

static void
on_line(void *arg, enum log_level level, const char *line)
{
	struct log_writer *writer = arg;
	const struct clock clock = { .is_fake = false };
	struct entry entry = {
		.line = xstrdup(line), .wall_us = clock_wall(&clock), .level = level
	};

	pthread_mutex_lock(&writer->lock);
	secret_mask(writer->secrets, entry.line);
	if (writer->count < RING) {
		writer->ring[(writer->first + writer->count++) % RING] = entry;
		entry.line = NULL;
		pthread_cond_signal(&writer->has_work);
	} else {
		writer->dropped++;
	}
	uint64_t dropped = writer->dropped;
	pthread_mutex_unlock(&writer->lock);
	free(entry.line);
	if (pthread_equal(pthread_self(), writer->owner))
		stats_set(writer->stats, STAT_LOG_DROPPED, (double)dropped);
}

/* All of it, however slowly it is taken; a stderr that is gone loses its lines. */
static void
write_all(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = write(STDERR_FILENO, data, len);
		if (sent >= 0) {
			data += sent;
			len -= (size_t)sent;
		} else if (errno == EAGAIN) {
			/* Somebody who shares this stderr made it non-blocking. */
			struct pollfd pollfd = { .fd = STDERR_FILENO, .events = POLLOUT };
			if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
				return;
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void
add_text(const struct log_writer *writer, struct buf *out, const struct entry *entry)
{
	char at[CLOCK_RFC3339_SIZE];

	if (writer->is_journal_stream) {
		buf_addf(out, "<%d>%s\n", priority_of(entry->level), entry->line);
		return;
	}
	clock_format_rfc3339(entry->wall_us, at);
	buf_addf(out, "%s %s %s\n", at, log_level_name(entry->level), entry->line);
}

static void
add_json(struct buf *out, const struct entry *entry)
{
	char at[CLOCK_RFC3339_SIZE];
	size_t len = strlen(entry->line);
	char *shown = xmalloc(len + 1);

	/* Masking can cut a character in two where the secret was no text: never lose the line. */
	str_printable(shown, len + 1, entry->line, len);
	clock_format_rfc3339(entry->wall_us, at);
	json_t *object = json_pack("{s:s, s:s, s:s}", "time", at, "level",
		log_level_name(entry->level), "message", shown);
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	free(shown);
	if (text) {
		buf_add_text(out, text);
		buf_add_text(out, "\n");
	}
	free(text);
}

/* The journal's own protocol: it needs no escaping, our lines have no newline. */
static int
send_journal(struct log_writer *writer, const struct entry *entry)
{
	struct buf buf;

	buf_init(&buf, 0);
	buf_addf(&buf, "PRIORITY=%d\nSYSLOG_IDENTIFIER=triaged\nMESSAGE=%s\n",
		priority_of(entry->level), entry->line);
	int sent = dgram_send(writer->journal, buf_head(&buf), buf_left(&buf), NULL);
	buf_fini(&buf);
	return sent;
}

static void
write_batch(struct log_writer *writer, enum log_format format, struct entry *batch, size_t count)
{
	struct buf out;

	buf_init(&out, 0);
	for (size_t i = 0; i < count; i++) {
		if (format == LOG_JSON)
			add_json(&out, &batch[i]);
		else if (format != LOG_JOURNAL || send_journal(writer, &batch[i]) < 0)
			add_text(writer, &out, &batch[i]); /* also when the journal is full */
		free(batch[i].line);
	}
	write_all(buf_head(&out), buf_left(&out));
	buf_fini(&out);
}

/* Takes the oldest lines off the ring, and behind the last one says how many are missing. */
static size_t
take_batch(struct log_writer *writer, struct entry batch[BATCH + 1])
{
	size_t count = 0;
	const struct clock clock = { .is_fake = false };

	for (; count < BATCH && writer->count; count++, writer->count--) {
		batch[count] = writer->ring[writer->first];
		writer->first = (writer->first + 1) % RING;
	}
	uint64_t missing = writer->dropped - writer->dropped_said;
	if (missing && !writer->count) {
		batch[count++] = (struct entry){ .level = LOG_WARN,
			.wall_us = clock_wall(&clock),
			.line = xasprintf("log: %llu lines dropped: the reader was slow",
				(unsigned long long)missing) };
		writer->dropped_said = writer->dropped;
	}
	return count;
}

static void
destroy(struct log_writer *writer)
{
	for (; writer->count; writer->count--) {
		free(writer->ring[writer->first].line);
		writer->first = (writer->first + 1) % RING;
	}
	dgram_free(writer->journal);
	pthread_cond_destroy(&writer->has_work);
	pthread_cond_destroy(&writer->ended);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

static void *
thread_main(void *arg)
{
	struct log_writer *writer = arg;
	struct entry batch[BATCH + 1];

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		size_t count = take_batch(writer, batch);
		enum log_format format = writer->format;
		if (!count && writer->is_stopping)
			break;
		if (!count) {
			pthread_cond_wait(&writer->has_work, &writer->lock);
			continue;
		}
		pthread_mutex_unlock(&writer->lock);
		write_batch(writer, format, batch, count);
		pthread_mutex_lock(&writer->lock);
	}
	writer->is_done = true;
	pthread_cond_signal(&writer->ended);
	bool is_abandoned = writer->is_abandoned;
	pthread_mutex_unlock(&writer->lock);
	if (is_abandoned)
		destroy(writer);
	return NULL;
}

/* systemd tells which stream is the journal's by device and inode. */
static bool
is_stderr_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];

	if (!text || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return str_eq(text, own);
}

static enum log_format
settle_format(const struct log_writer *writer, enum log_format format)
{
	if (format != LOG_AUTO)
		return format;
	return writer->is_journal_stream ? LOG_JOURNAL : LOG_TEXT;
}

static void
init_locks(struct log_writer *writer)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->has_work, NULL);
	pthread_cond_init(&writer->ended, &attr);
	pthread_condattr_destroy(&attr);
}

static int
start_thread(struct log_writer *writer)
{
	sigset_t all, before;
	pthread_attr_t attr;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int code = pthread_create(&writer->thread, &attr, thread_main, writer);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

struct log_writer *
log_writer_start(enum log_format format, struct stats *stats, struct err *e)
{
	struct log_writer *writer = xcalloc(1, sizeof *writer);

	writer->owner = pthread_self();
	writer->stats = stats;
	writer->is_journal_stream = is_stderr_journal();
	writer->format = settle_format(writer, format);
	writer->journal = dgram_new(JOURNAL_PATH);
	init_locks(writer);
	int code = start_thread(writer);
	if (code) {
		errno = code;
		err_sys(e, "cannot start the log's thread");
		destroy(writer);
		return NULL;
	}
	log_set_sink(on_line, writer);
	return writer;
}

void
log_writer_set_format(struct log_writer *writer, enum log_format format)
{
	pthread_mutex_lock(&writer->lock);
	writer->format = settle_format(writer, format);
	pthread_mutex_unlock(&writer->lock);
}

void
log_writer_set_secrets(struct log_writer *writer, const struct secret_set *secrets)
{
	pthread_mutex_lock(&writer->lock);
	writer->secrets = secrets;
	pthread_mutex_unlock(&writer->lock);
}

static struct timespec
flush_deadline(void)
{
	const struct clock clock = { .is_fake = false };
	usec_t until = clock_mono(&clock) + FLUSH_US;

	return (struct timespec){ .tv_sec = until / USEC_PER_SEC,
		.tv_nsec = until % USEC_PER_SEC * 1000 };
}

void
log_writer_stop(struct log_writer *writer)
{
	struct timespec until = flush_deadline();

	if (!writer)
		return;
	log_set_sink(NULL, NULL);
	pthread_mutex_lock(&writer->lock);
	writer->is_stopping = true;
	writer->secrets = NULL;
	pthread_cond_signal(&writer->has_work);
	int code = 0;
	while (!writer->is_done && !code)
		code = pthread_cond_timedwait(&writer->ended, &writer->lock, &until);
	writer->is_abandoned = !writer->is_done;
	bool is_abandoned = writer->is_abandoned;
	pthread_t thread = writer->thread;
	pthread_mutex_unlock(&writer->lock);
	if (is_abandoned) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	destroy(writer);
}
