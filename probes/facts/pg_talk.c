/*
 * One connection for all facts about a check:
 *
 *	start: somebody talks? -> wait      kept one free? -> ask      else -> host -> login -> ask
 *	stop:  hands it to the next, or back to the watch; one of our own is closed
 */
#include "probes/facts/pg_talk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "probes/sql_mask.h"

#define ANSWER_MAX ((size_t)256 * 1024)

static void try_host(struct pg_talk *talk);
static void try_addr(struct pg_talk *talk);

static struct pg_watch *
watch_of(const struct pg_talk *talk)
{
	struct probe_watch *watch = fact_watch(talk->run);

	return watch != NULL ? probe_watch_state(watch) : NULL;
}

static const struct pg_conf *
conf_of(const struct pg_talk *talk)
{
	return fact_check(talk->run)->conf;
}

static unsigned
timeout_ms(const struct pg_talk *talk)
{
	usec_t ms = fact_time_left(talk->run) * 8 / 10 / USEC_PER_MSEC;

	return ms > 100 ? (unsigned)ms : 100;
}

/* --- the statements --- */

static void
ask(struct pg_talk *talk)
{
	unsigned ms = timeout_ms(talk);
	struct buf sql;

	buf_init(&sql, 0);
	buf_addf(&sql, "SET LOCAL statement_timeout=%u;SET LOCAL lock_timeout=%u;", ms, ms);
	buf_add_text(&sql, "SET TRANSACTION READ ONLY;");
	talk->plan->write(&sql, PQserverVersion(pg_link_conn(talk->link)));
	pg_link_ask(talk->link, buf_text(&sql), ANSWER_MAX, false);
	buf_fini(&sql);
}

static void
on_result(struct pg_talk *talk)
{
	const PGresult *res = pg_link_result(talk->link);

	switch (PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
		talk->plan->take(talk->run, talk->answers++, res);
		break;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		break;
	default:
		if (!talk->is_refused)
			pg_trouble_set(&talk->trouble, PQresultErrorField(res, PG_DIAG_SQLSTATE),
				PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
		talk->is_refused = true;
	}
}

static void
tell_refusal(struct pg_talk *talk)
{
	const struct pg_trouble *trouble = &talk->trouble;
	bool is_right = str_eq(trouble->state, "42501");
	/* Before 17, pg_monitor alone may not call it. */
	const char *grant = strstr(trouble->text, "pg_current_logfile")
				    ? "EXECUTE ON FUNCTION pg_current_logfile()"
				    : "pg_monitor";
	char text[PG_TEXT_MAX + 160];

	snprintf(text, sizeof(text), "%s", trouble->text);
	if (is_right)
		snprintf(text, sizeof(text), "%s: GRANT %s TO \"%s\"", trouble->text, grant,
			pg_talk_user(talk->run));
	if (talk->answers == 0)
		fact_missed(talk->run, "%s", text);
	else
		fact_line(talk->run, "not all could be read: %s", text);
}

static void
on_done(struct pg_talk *talk)
{
	if (talk->is_refused)
		tell_refusal(talk);
	talk->plan->conclude(talk->run); /* does nothing where it has an end */
}

/* --- a connection of our own --- */

static bool
next_host(struct pg_talk *talk)
{
	if (talk->host + 1 >= conf_of(talk)->dsn->host_count)
		return false;
	talk->host++;
	try_host(talk);
	return true;
}

static bool
next_addr(struct pg_talk *talk)
{
	if (talk->addr + 1 >= talk->answer.count)
		return false;
	talk->addr++;
	try_addr(talk);
	return true;
}

static void
on_broken(struct pg_talk *talk)
{
	struct pg_trouble trouble = *pg_link_trouble(talk->link);
	bool was_up = pg_link_up_us(talk->link) > 0;
	bool was_reached = pg_link_phases(talk->link)->connect_us >= 0;

	pg_link_close(talk->link);
	talk->link = NULL;
	if (talk->is_kept) { /* it may have died long ago: the server's own words are better */
		struct pg_watch *watch = watch_of(talk);

		watch->lost = trouble;
		watch->is_lost = true;
		talk->is_kept = false;
		try_host(talk);
		return;
	}
	if (!was_up && str_eq(pg_trouble_cause(&trouble), "pg.no-db") &&
		talk->plan->takes_any_database && !talk->is_other_database) {
		talk->is_other_database = true;
		try_host(talk);
		return;
	}
	if (!was_reached && trouble.fault != FAULT_NONE && next_addr(talk))
		return;
	if (!was_up && trouble.fault != FAULT_NONE && next_host(talk))
		return;
	if (trouble.state[0] != '\0')
		fact_missed(
			talk->run, "no session could be had: %s (%s)", trouble.text, trouble.state);
	else
		fact_missed(talk->run, "no session could be had: %s", trouble.text);
}

static void
on_event(void *arg, enum pg_event event)
{
	struct pg_talk *talk = arg;

	switch (event) {
	case PG_UP:
		ask(talk);
		break;
	case PG_RESULT:
		on_result(talk);
		break;
	case PG_DONE:
		on_done(talk);
		break;
	case PG_BROKEN:
		on_broken(talk);
		break;
	case PG_REACHED:
		break;
	}
}

static void
set_database(struct pg_keys *keys, const char *name)
{
	for (unsigned i = 0; i < keys->count; i++)
		if (str_eq(keys->keys[i], "dbname"))
			keys->values[i] = name;
}

static void
open_link(struct pg_talk *talk, const struct addr *addr)
{
	const struct pg_conf *conf = conf_of(talk);
	const struct pg_watch *watch = watch_of(talk);
	struct pg_keys keys;

	pg_keys_make(&keys, conf, &conf->dsn->hosts[talk->host], addr,
		watch != NULL && watch->is_pooler ? 0 : timeout_ms(talk));
	if (talk->is_other_database)
		set_database(&keys, "postgres");
	talk->link = pg_link_open(fact_env(talk->run), keys.keys, keys.values, on_event, talk);
}

static void
try_addr(struct pg_talk *talk)
{
	struct addr addr = talk->answer.addrs[talk->addr];

	addr_set_port(&addr, conf_of(talk)->dsn->hosts[talk->host].port);
	open_link(talk, &addr);
}

static void
on_resolved(void *arg, const struct resolve_answer *answer)
{
	struct pg_talk *talk = arg;
	const struct dsn_host *host = &conf_of(talk)->dsn->hosts[talk->host];

	talk->call = NULL;
	if (answer->count == 0) {
		if (!next_host(talk))
			fact_missed(talk->run, "the name %s cannot be resolved", host->host);
		return;
	}
	talk->answer = *answer;
	talk->addr = 0;
	try_addr(talk);
}

static void
try_host(struct pg_talk *talk)
{
	const struct dsn_host *host = &conf_of(talk)->dsn->hosts[talk->host];
	struct resolver *resolver = fact_env(talk->run)->resolver;
	struct resolve_answer answer;

	talk->answer.count = talk->addr = 0;
	if (host->path[0] != '\0')
		open_link(talk, NULL);
	else if (resolve_now(resolver, host->host, &answer))
		on_resolved(talk, &answer);
	else
		talk->call = resolve_start(resolver, host->host, on_resolved, talk);
}

/* --- whose turn it is --- */

static void
begin(struct pg_talk *talk)
{
	struct probe_watch *watch = fact_watch(talk->run);

	talk->is_talking = true;
	if (talk->link == NULL && watch != NULL) {
		talk->link = pg_watch_lend(watch);
		talk->is_kept = talk->link != NULL;
		talk->logins = watch_of(talk)->logins;
	}
	if (talk->link != NULL) {
		pg_link_hand(talk->link, on_event, talk);
		ask(talk);
	} else {
		try_host(talk);
	}
}

void
pg_talk_start(struct fact_run *run, const struct pg_talk_plan *plan)
{
	struct pg_talk *talk = fact_state(run);
	struct pg_watch *watch;

	talk->run = run;
	talk->plan = plan;
	list_init(&talk->place);
	watch = watch_of(talk);
	if (conf_of(talk)->dsn == NULL) {
		fact_missed(run, "the DSN cannot be read");
		return;
	}
	if (watch != NULL) {
		bool is_first = list_is_empty(&watch->talks);

		list_append(&watch->talks, &talk->place);
		if (!is_first)
			return;
	}
	begin(talk);
}

/* Good for the next one, or for the watch. */
static void
let_go(struct pg_talk *talk, struct pg_talk *next)
{
	struct pg_link *link = talk->link;

	talk->link = NULL;
	if (!pg_link_is_idle(link))
		pg_link_close(link);
	else if (next != NULL && !talk->is_other_database) {
		next->link = link;
		next->is_kept = talk->is_kept;
		next->logins = talk->logins;
	} else if (talk->is_kept && watch_of(talk)->logins == talk->logins)
		pg_watch_give(fact_watch(talk->run), link);
	else
		pg_link_close(link);
}

void
pg_talk_stop(struct fact_run *run)
{
	struct pg_talk *talk = fact_state(run), *next = NULL;
	struct pg_watch *watch;

	if (talk->run == NULL)
		return;
	watch = watch_of(talk);
	resolve_cancel(talk->call);
	talk->call = NULL;
	list_remove(&talk->place);
	if (watch != NULL && talk->is_talking && !list_is_empty(&watch->talks))
		next = LIST_ENTRY(watch->talks.next, struct pg_talk, place);
	if (talk->link != NULL)
		let_go(talk, next);
	if (next != NULL)
		begin(next);
}

const char *
pg_talk_user(struct fact_run *run)
{
	const struct pg_talk *talk = fact_state(run);
	const char *user = talk->link != NULL ? PQuser(pg_link_conn(talk->link)) : NULL;

	return user != NULL ? user : "?";
}

/* --- cells --- */

const char *
pg_cell(const PGresult *rows, int row, int column)
{
	if (row >= PQntuples(rows) || column >= PQnfields(rows) || PQgetisnull(rows, row, column))
		return NULL;
	return PQgetvalue(rows, row, column);
}

double
pg_cell_number(const PGresult *rows, int row, int column)
{
	const char *text = pg_cell(rows, row, column);
	char *end;
	double value;

	if (text == NULL)
		return NAN;
	if (str_eq(text, "t") || str_eq(text, "f"))
		return text[0] == 't';
	value = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(value) ? value : NAN;
}

void
pg_cell_sql(const PGresult *rows, int row, int column, char *out, size_t size)
{
	const char *text = pg_cell(rows, row, column);

	out[0] = '\0';
	if (text != NULL)
		sql_mask(SQL_POSTGRES, text, out, size);
}

void
pg_client_text(char *out, size_t size, const char *application, const char *role, const char *place)
{
	const char *who = application != NULL && application[0] != '\0' ? application : role;

	snprintf(out, size, "%.60s%s%.60s", who != NULL ? who : "?",
		place != NULL && place[0] != '\0' ? " from " : "",
		place != NULL && place[0] != '\0' ? place : "");
}
