/*
 * libpq by readiness:
 *
 *	REACHING -> LOGIN <-> POLLING -> IDLE <-> ASKING        any -> BROKEN
 *
 * REACHING ends when the socket says how the connect went (SO_ERROR): so the cause is known, which
 * libpq would turn into words, and no second connection is needed to find out.  In LOGIN the next
 * bytes are looked at before PQconnectPoll gets them: strangers are named, and steps that compute
 * are known.  After each step the watch is made anew, for libpq may have swapped the socket under
 * the same number.
 */
#include "probes/postgres_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/offload.h"
#include "io/timer.h"
#include "io/watch.h"

#define LOGIN_MAX (256 * 1024) /* bytes that a login may take */
#define LOOK_MAX  512

enum state { REACHING, LOGIN, POLLING, IDLE, ASKING, BROKEN, CLOSED };

struct pg_link {
	struct io_env env;
	enum state state;
	PGconn *conn;
	struct watch *watch;
	struct offload_job *job;
	PostgresPollingStatusType polled; /* by the last PQconnectPoll */
	PGresult *result;                 /* while PG_RESULT is told */
	pg_link_fn fn;
	void *arg;
	struct pg_trouble trouble;
	struct pg_link_phases phases;
	usec_t begun_us, reached_us, up_us;
	size_t taken, max; /* bytes */
	unsigned bursts;   /* of the answer, so far */
	bool is_row_by_row;
	bool has_tls_begun; /* the server said yes to TLS */
	bool has_answered;  /* a byte came */
	bool is_unaligned;  /* it came in crumbs: we do not know where a message begins */
	struct timer soon;  /* tells of what failed before it began */
};

static void on_ready(void *arg, unsigned ready);

static usec_t
now_us(const struct pg_link *link)
{
	return loop_now(link->env.loop);
}

static void
arm(struct pg_link *link, unsigned want)
{
	int fd = PQsocket(link->conn);

	watch_free(link->watch);
	link->watch = fd >= 0 ? watch_new(link->env.loop, fd, want, on_ready, link) : NULL;
}

static void
disarm(struct pg_link *link)
{
	watch_free(link->watch);
	link->watch = NULL;
}

static void
tell(struct pg_link *link, enum pg_event event)
{
	if (link->fn != NULL && link->state != CLOSED)
		link->fn(link->arg, event);
}

static void
finish(struct pg_link *link)
{
	disarm(link);
	PQfinish(link->conn);
	link->conn = NULL;
}

/* `trouble` is filled. */
static void
break_off(struct pg_link *link)
{
	if (link->state == BROKEN || link->state == CLOSED)
		return;
	finish(link);
	link->state = BROKEN;
	tell(link, PG_BROKEN);
}

static void
break_with(struct pg_link *link, enum fault fault, const char *text)
{
	link->trouble.fault = fault;
	str_copy(link->trouble.text, sizeof(link->trouble.text), text);
	break_off(link);
}

static void
break_by_errno(struct pg_link *link, int error)
{
	break_with(link, fault_from_errno(error), strerror(error));
}

static void
break_by_message(struct pg_link *link)
{
	link->trouble.needs_password = PQconnectionNeedsPassword(link->conn);
	pg_trouble_read(&link->trouble, PQerrorMessage(link->conn));
	break_off(link);
}

/* A server that goes away says why to an idle connection, and libpq calls that a notice; of a crash
 * the server itself says it as a warning. */
static void
on_notice(void *arg, const PGresult *result)
{
	struct pg_link *link = arg;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (state != NULL && str_starts(state, "57P"))
		pg_trouble_set(
			&link->trouble, state, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

/* --- the login --- */

static void
come_up(struct pg_link *link)
{
	PQsetnonblocking(link->conn, 1);
	link->state = IDLE;
	link->up_us = now_us(link);
	link->phases.login_us = link->up_us - link->reached_us;
	arm(link, WATCH_READ);
	tell(link, PG_UP);
}

static void
on_polled(void *arg)
{
	struct pg_link *link = arg;

	link->job = NULL;
	link->state = LOGIN;
	if (link->phases.tls_us < 0 && PQsslInUse(link->conn))
		link->phases.tls_us = now_us(link) - link->reached_us;
	if (PQstatus(link->conn) == CONNECTION_STARTED) /* libpq begins anew, with or without TLS */
		link->has_tls_begun = link->is_unaligned = false;
	switch (link->polled) {
	case PGRES_POLLING_READING:
		arm(link, WATCH_READ);
		break;
	case PGRES_POLLING_WRITING:
		arm(link, WATCH_WRITE);
		break;
	case PGRES_POLLING_OK:
		come_up(link);
		break;
	default:
		break_by_message(link);
	}
}

/* On an offload thread, which has the connection for itself meanwhile. */
static void
poll_work(void *arg)
{
	struct pg_link *link = arg;

	link->polled = PQconnectPoll(link->conn);
}

static void
poll_login(struct pg_link *link, bool is_costly)
{
	disarm(link);
	link->state = POLLING;
	if (is_costly && link->env.offload != NULL) {
		link->job = offload_start(link->env.offload, poll_work, on_polled, link);
		return;
	}
	poll_work(link);
	on_polled(link);
}

static bool
is_over_limit(struct pg_link *link)
{
	int waiting = 0;

	if (ioctl(PQsocket(link->conn), FIONREAD, &waiting) == 0 && waiting > 0)
		link->taken += (size_t)waiting;
	if (link->taken <= link->max)
		return false;
	break_with(link, FAULT_PROTOCOL, "the answer has no end");
	return true;
}

static void
break_by_stranger(struct pg_link *link, const unsigned char *data, size_t len)
{
	struct pg_trouble *trouble = &link->trouble;

	trouble->first_len = len < PG_FIRST_MAX ? len : PG_FIRST_MAX;
	memcpy(trouble->first, data, trouble->first_len);
	break_with(link, FAULT_PROTOCOL, "the answer is not PostgreSQL's");
}

/* The answer to "TLS?": one byte and no more before we spoke, or an error of an old server. */
static void
look_at_tls_answer(struct pg_link *link, const unsigned char *data, size_t len)
{
	if (data[0] != 'E' && (len > 1 || (data[0] != 'S' && data[0] != 'N'))) {
		break_by_stranger(link, data, len);
		return;
	}
	link->has_tls_begun = data[0] == 'S';
	poll_login(link, link->has_tls_begun);
}

static void
look_at_login(struct pg_link *link, const unsigned char *data, size_t len)
{
	enum pg_sniff sniff = link->is_unaligned ? PG_SNIFF_COSTLY : pg_sniff_login(data, len);

	if (len < 9)
		link->is_unaligned = true;
	if (sniff == PG_SNIFF_FOREIGN)
		break_by_stranger(link, data, len);
	else if (sniff == PG_SNIFF_REFUSED) {
		str_copy(link->trouble.text, sizeof(link->trouble.text),
			"the server asks for an authentication method that is not spoken here");
		break_off(link);
	} else
		poll_login(link, sniff == PG_SNIFF_COSTLY);
}

/* Bytes have come, and libpq is about to read them. */
static void
read_login(struct pg_link *link)
{
	unsigned char data[LOOK_MAX];
	ssize_t len = recv(PQsocket(link->conn), data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);

	if (len < 0 && errno != EAGAIN && errno != EINTR) {
		break_by_errno(link, errno);
		return;
	}
	if (len == 0 && !link->has_answered) {
		break_with(link, FAULT_EOF, "the server closed the connection without a word");
		return;
	}
	if (is_over_limit(link))
		return;
	link->has_answered |= len > 0;
	if (len <= 0 || PQsslInUse(link->conn) || link->has_tls_begun)
		poll_login(link, link->has_tls_begun);
	else if (PQstatus(link->conn) == CONNECTION_SSL_STARTUP)
		look_at_tls_answer(link, data, (size_t)len);
	else if (PQstatus(link->conn) == CONNECTION_AWAITING_RESPONSE)
		look_at_login(link, data, (size_t)len);
	else
		poll_login(link, link->is_unaligned);
}

static void
reach(struct pg_link *link)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(PQsocket(link->conn), SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error != 0) {
		break_by_errno(link, error);
		return;
	}
	link->reached_us = now_us(link);
	link->phases.connect_us = link->reached_us - link->begun_us;
	link->state = LOGIN;
	tell(link, PG_REACHED);
	if (link->state == LOGIN)
		poll_login(link, false);
}

/* --- statements --- */

static void
note_fatal(struct pg_link *link)
{
	const char *state = PQresultErrorField(link->result, PG_DIAG_SQLSTATE);

	if (PQresultStatus(link->result) == PGRES_FATAL_ERROR && state != NULL)
		pg_trouble_set(&link->trouble, state,
			PQresultErrorField(link->result, PG_DIAG_MESSAGE_PRIMARY));
}

static void
read_results(struct pg_link *link)
{
	while (link->state == ASKING && !PQisBusy(link->conn)) {
		link->result = PQgetResult(link->conn);
		if (link->result == NULL) {
			if (PQstatus(link->conn) == CONNECTION_BAD)
				return;
			link->state = IDLE;
			tell(link, PG_DONE);
			return;
		}
		note_fatal(link);
		tell(link, PG_RESULT);
		PQclear(link->result);
		link->result = NULL;
	}
}

static void
lose(struct pg_link *link)
{
	struct pg_trouble *trouble = &link->trouble;

	if (trouble->state[0] == '\0') {
		pg_trouble_read(trouble, PQerrorMessage(link->conn));
		if (trouble->fault == FAULT_EOF)
			str_copy(trouble->text, sizeof(trouble->text),
				"the server closed the connection");
	}
	break_off(link);
}

static void
read_answer(struct pg_link *link)
{
	/* The first burst is bounded by the socket's buffer: most answers are no longer. */
	if (link->bursts++ > 0 && is_over_limit(link))
		return;
	PQconsumeInput(link->conn);
	if (link->state == IDLE)
		(void)PQisBusy(link->conn); /* parses what came unasked */
	else
		read_results(link);
	if ((link->state == IDLE || link->state == ASKING) &&
		PQstatus(link->conn) == CONNECTION_BAD)
		lose(link);
}

static void
flush(struct pg_link *link)
{
	int left = PQflush(link->conn);

	if (left < 0)
		lose(link);
	else
		watch_set(link->watch, left > 0 ? WATCH_READ | WATCH_WRITE : WATCH_READ);
}

static void
on_ready(void *arg, unsigned ready)
{
	struct pg_link *link = arg;

	switch (link->state) {
	case REACHING:
		reach(link);
		break;
	case LOGIN:
		if (ready & WATCH_READ)
			read_login(link);
		else
			poll_login(link, link->has_tls_begun);
		break;
	case IDLE:
	case ASKING:
		if (ready & WATCH_WRITE)
			flush(link);
		if ((ready & WATCH_READ) && (link->state == IDLE || link->state == ASKING))
			read_answer(link);
		break;
	case POLLING:
	case BROKEN:
	case CLOSED:
		break;
	}
}

void
pg_link_ask(struct pg_link *link, const char *sql, size_t max, bool row_by_row)
{
	link->taken = 0;
	link->bursts = 0;
	link->max = max;
	pg_trouble_clear(&link->trouble);
	link->state = ASKING;
	if (!PQsendQuery(link->conn, sql)) {
		lose(link);
		return;
	}
	if (row_by_row)
		PQsetSingleRowMode(link->conn);
	flush(link);
}

/* --- from birth to end --- */

static void
on_begun_broken(void *arg)
{
	struct pg_link *link = arg;

	link->trouble.is_at_once = true;
	break_by_message(link);
}

struct pg_link *
pg_link_open(const struct io_env *env, const char *const *keys, const char *const *values,
	pg_link_fn fn, void *arg)
{
	struct pg_link *link = xcalloc(1, sizeof(*link));

	link->env = *env;
	link->fn = fn;
	link->arg = arg;
	link->max = LOGIN_MAX;
	link->begun_us = now_us(link);
	timer_init(&link->soon, env->loop, on_begun_broken, link);
	link->phases = (struct pg_link_phases){ -1, -1, -1 };
	link->conn = PQconnectStartParams(keys, values, 0);
	if (link->conn == NULL)
		mem_end();
	PQsetErrorVerbosity(link->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(link->conn, on_notice, link);
	if (PQstatus(link->conn) == CONNECTION_BAD) {
		timer_after(&link->soon, 0);
		return link;
	}
	arm(link, WATCH_WRITE);
	return link;
}

static void
free_later(void *obj)
{
	free(obj);
}

/* The thread is done with it. */
static void
drop(void *arg)
{
	struct pg_link *link = arg;

	finish(link);
	free(link);
}

void
pg_link_close(struct pg_link *link)
{
	if (link == NULL)
		return;
	link->state = CLOSED;
	disarm(link);
	timer_stop(&link->soon);
	if (link->job != NULL) {
		offload_cancel(link->job, drop);
		return;
	}
	finish(link);
	loop_retire(link->env.loop, link, free_later);
}

void
pg_link_hand(struct pg_link *link, pg_link_fn fn, void *arg)
{
	link->fn = fn;
	link->arg = arg;
}

bool
pg_link_is_idle(const struct pg_link *link)
{
	return link != NULL && link->state == IDLE;
}

const PGresult *
pg_link_result(const struct pg_link *link)
{
	return link->result;
}

const struct pg_trouble *
pg_link_trouble(const struct pg_link *link)
{
	return &link->trouble;
}

const struct pg_link_phases *
pg_link_phases(const struct pg_link *link)
{
	return &link->phases;
}

PGconn *
pg_link_conn(struct pg_link *link)
{
	return link->conn;
}

usec_t
pg_link_up_us(const struct pg_link *link)
{
	return link->up_us;
}

bool
pg_link_has_answered(const struct pg_link *link)
{
	return link->has_answered;
}
