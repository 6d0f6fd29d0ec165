/*
 * What is asked of a server that let us in, statement by statement, and the verdict at the end.
 *
 *	ACTIVITY -> UPKEEP -> TABLES -> BLOCKERS -> CROWD -> QUERIES -> END
 *
 * Steps that have nothing to ask are passed over.  The session writes nothing: our own statements
 * only read, queries of the settings run in a read-only transaction.  Behind a pooler nothing of a
 * session may be relied upon or left behind: every limit is set for one transaction.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/postgres_run.h"
#include "probes/postgres_sql.h"

#define ANSWER_MAX (1024 * 1024)
#define ACTIVITY_AGE                                                                               \
	(10 * USEC_PER_SEC)      /* the history's step; asked more often, SELECT 1 will do */
#define TROUBLE_AGE USEC_PER_SEC /* while somebody waits, or slots are few */
#define UPKEEP_AGE  USEC_PER_MIN
#define CROWDED     80.0 /* percent: who they are is worth a statement */
#define EXECUTE     "EXECUTE triaged_activity"
#define PREPARE     "PREPARE triaged_activity AS "

static void next_step(struct probe_run *run);

static struct pg_watch *
watch_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

static const struct pg_conf *
conf_of(const struct probe_run *run)
{
	return probe_conf(run);
}

static usec_t
now_us(const struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

static int
version_of(const struct pg_run *state)
{
	return PQserverVersion(pg_link_conn(state->link));
}

/* --- asking --- */

static void
ask(struct probe_run *run, const char *sql, bool row_by_row)
{
	struct pg_run *state = probe_state(run);

	state->asked_us = now_us(run);
	state->is_error = state->has_row = false;
	pg_link_ask(state->link, sql, ANSWER_MAX, row_by_row);
}

/* What must stand before statements: limits where the session has none, an aborted one's end. */
static void
begin(struct probe_run *run, struct buf *sql, bool is_guarded)
{
	struct pg_run *state = probe_state(run);
	const struct pg_watch *watch = watch_of(run);
	unsigned ms = pg_timeout_ms(run);

	if (PQtransactionStatus(pg_link_conn(state->link)) == PQTRANS_INERROR)
		buf_add_text(sql, "ROLLBACK;");
	if (is_guarded || watch->is_pooler)
		buf_add_text(sql, "BEGIN READ ONLY;");
	if (watch->is_pooler)
		buf_addf(sql, "SET LOCAL statement_timeout=%u;SET LOCAL lock_timeout=%u;", ms,
			ms / 2 + 1);
	else if (is_guarded && version_of(state) >= 140000)
		buf_add_text(sql, "SET LOCAL client_connection_check_interval=1000;");
}

static void
end(struct probe_run *run, struct buf *sql, bool is_guarded)
{
	if (is_guarded || watch_of(run)->is_pooler)
		buf_add_text(sql, "\n;COMMIT");
}

typedef void (*write_fn)(struct buf *out, int version);

static void
ask_own(struct probe_run *run, const char *before, write_fn write, const char *after)
{
	struct buf sql;

	buf_init(&sql, 0);
	begin(run, &sql, false);
	buf_add_text(&sql, before);
	write(&sql, version_of(probe_state(run)));
	buf_add_text(&sql, after);
	end(run, &sql, false);
	ask(run, buf_text(&sql), false);
	buf_fini(&sql);
}

/* A session that is ours for long learns the statement, and parses it no more. */
static void
ask_activity(struct probe_run *run)
{
	struct pg_watch *watch = watch_of(run);

	if (watch->is_prepared)
		ask(run, EXECUTE, false);
	else if (watch->asked > 0 && !watch->is_pooler)
		ask_own(run, PREPARE, pg_sql_activity, ";" EXECUTE);
	else
		ask_own(run, "", pg_sql_activity, "");
}

static void
write_blockers(struct buf *out, int version)
{
	(void)version;
	pg_sql_blockers(out);
}

static void
write_crowd(struct buf *out, int version)
{
	(void)version;
	pg_sql_crowd(out);
}

static void
write_one(struct buf *out, int version)
{
	(void)version;
	buf_add_text(out, "SELECT 1");
}

/* The step of most runs. */
static void
ask_plain(struct probe_run *run)
{
	const struct pg_run *state = probe_state(run);

	if (watch_of(run)->is_pooler ||
		PQtransactionStatus(pg_link_conn(state->link)) == PQTRANS_INERROR)
		ask_own(run, "", write_one, "");
	else
		ask(run, "SELECT 1", false);
}

static void
ask_tables(struct probe_run *run)
{
	struct buf sql;

	buf_init(&sql, 0);
	begin(run, &sql, false);
	pg_sql_tables(&sql, &conf_of(run)->tables);
	end(run, &sql, false);
	ask(run, buf_text(&sql), false);
	buf_fini(&sql);
}

static void
ask_query(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct buf sql;

	buf_init(&sql, 0);
	begin(run, &sql, true);
	buf_add_text(&sql, conf_of(run)->queries.all[state->query].value);
	end(run, &sql, true);
	ask(run, buf_text(&sql), true);
	buf_fini(&sql);
}

static void
on_result(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	const PGresult *res = pg_link_result(state->link);

	switch (PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		if (PQntuples(res) > 0)
			pg_take_rows(run, res);
		break;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		break;
	default:
		if (state->is_error)
			break;
		state->is_error = true;
		pg_trouble_set(&state->error, PQresultErrorField(res, PG_DIAG_SQLSTATE),
			PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
	}
}

/* --- errors of statements --- */

static void
fail_with(struct probe_run *run, const struct pg_trouble *trouble)
{
	probe_value(run, PG_USABLE, 0);
	pg_fail(run, trouble, watch_of(run)->where);
}

static bool
is_no_right(const struct pg_trouble *trouble)
{
	return strcmp(trouble->state, "42501") == 0;
}

/* The statement that we were used to is not there: somebody hands sessions round. */
static bool
is_wandering(const struct pg_trouble *trouble)
{
	return strcmp(trouble->state, "26000") == 0 || strcmp(trouble->state, "42P05") == 0;
}

static void
fail_activity(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_watch *watch = watch_of(run);

	if (is_wandering(&state->error) && !watch->is_pooler) {
		watch->is_prepared = false;
		watch->is_pooler = true;
		ask_activity(run);
		return;
	}
	if (!pg_trouble_is_ours(&state->error)) {
		fail_with(run, &state->error);
		return;
	}
	probe_note(run, is_no_right(&state->error) ? "pg.no-grant" : "pg.no-stats",
		"no statistics: %s (%s)", state->error.text, state->error.state);
	state->step = PG_STEP_PLAIN;
	ask_plain(run);
}

static void
note_no_grant(struct probe_run *run, const char *what)
{
	struct pg_run *state = probe_state(run);

	probe_note(run, "pg.no-grant", "%s: %s: GRANT SELECT ON it TO \"%s\"", what,
		state->error.text, PQuser(pg_link_conn(state->link)));
}

static void
fail_query(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	const struct pg_trouble *error = &state->error;
	const char *name = conf_of(run)->queries.all[state->query].name;
	const char *cause = pg_trouble_cause(error);

	if (is_no_right(error))
		note_no_grant(run, name);
	else if (str_eq(cause, "pg.readonly") && !watch_of(run)->about.is_standby)
		probe_note(
			run, "pg.query", "%s: queries here may only read: %s", name, error->text);
	else if (pg_trouble_is_ours(error) && !str_eq(cause, "pg.no-table"))
		probe_note(run, "pg.query", "%s: %s (%s)", name, error->text, error->state);
	else {
		probe_fact(run, "query", "%s", name);
		fail_with(run, error);
		return;
	}
	next_step(run);
}

static void
on_error(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	switch (state->step) {
	case PG_STEP_ACTIVITY:
		fail_activity(run);
		return;
	case PG_STEP_QUERIES:
		fail_query(run);
		return;
	case PG_STEP_PLAIN:
		fail_with(run, &state->error);
		return;
	case PG_STEP_TABLES:
		if (is_no_right(&state->error))
			note_no_grant(run, "tables");
		else
			probe_note(run, "pg.query", "tables: %s (%s)", state->error.text,
				state->error.state);
		break;
	default:
		probe_note(run, is_no_right(&state->error) ? "pg.no-grant" : "pg.no-stats",
			"some statistics are missing: %s (%s)", state->error.text,
			state->error.state);
	}
	next_step(run);
}

/* --- step by step --- */

static bool
is_old(const struct probe_run *run, const struct pg_numbers *numbers, usec_t age_us)
{
	return numbers->asked_us == 0 || now_us(run) - numbers->asked_us >= age_us;
}

static bool
wants(struct probe_run *run, enum pg_step step)
{
	const struct pg_run *state = probe_state(run);
	const struct pg_watch *watch = watch_of(run);

	switch (step) {
	case PG_STEP_UPKEEP:
		return state->is_fresh && is_old(run, &watch->upkeep, UPKEEP_AGE);
	case PG_STEP_TABLES:
		return conf_of(run)->tables.count > 0;
	case PG_STEP_BLOCKERS:
		return state->is_fresh && watch->about.waiting > 0;
	case PG_STEP_CROWD:
		return state->is_fresh && watch->about.percent >= CROWDED;
	case PG_STEP_QUERIES:
		return state->query < conf_of(run)->queries.count;
	default:
		return true;
	}
}

static void
enter(struct probe_run *run, enum pg_step step)
{
	switch (step) {
	case PG_STEP_ACTIVITY:
		watch_of(run)->activity.asked_us = now_us(run);
		ask_activity(run);
		break;
	case PG_STEP_PLAIN:
		ask_plain(run);
		break;
	case PG_STEP_UPKEEP:
		watch_of(run)->upkeep.asked_us = now_us(run);
		ask_own(run, "", pg_sql_upkeep, "");
		break;
	case PG_STEP_TABLES:
		ask_tables(run);
		break;
	case PG_STEP_BLOCKERS:
		ask_own(run, "", write_blockers, "");
		break;
	case PG_STEP_CROWD:
		ask_own(run, "", write_crowd, "");
		break;
	case PG_STEP_QUERIES:
		ask_query(run);
		break;
	case PG_STEP_END:
		pg_conclude(run);
		break;
	}
}

static void
next_step(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	if (state->step == PG_STEP_QUERIES)
		state->query++;
	else
		state->step++;
	if (state->step == PG_STEP_PLAIN)
		state->step++;
	while (!wants(run, state->step))
		state->step++;
	enter(run, state->step);
}

/* Several hosts, and the DSN says which kind it wants. */
static bool
goes_elsewhere(struct probe_run *run)
{
	const struct pg_run *state = probe_state(run);
	const struct pg_about *about = &watch_of(run)->about;
	const char *wanted = dsn_param(conf_of(run)->dsn, "target_session_attrs");
	bool wants_primary = str_eq(wanted, "read-write") || str_eq(wanted, "primary");
	bool wants_standby = str_eq(wanted, "read-only") || str_eq(wanted, "standby");

	if (state->is_kept || !about->is_known)
		return false;
	if (!(about->is_standby ? wants_primary : wants_standby))
		return false;
	return pg_login_next_host(run);
}

static void
on_done(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	if (state->is_error) {
		on_error(run);
		return;
	}
	if (state->step == PG_STEP_ACTIVITY || state->step == PG_STEP_PLAIN)
		probe_value(
			run, PG_QUERY_TIME, (double)(now_us(run) - state->asked_us) / USEC_PER_SEC);
	if (state->step == PG_STEP_ACTIVITY) {
		struct pg_watch *watch = watch_of(run);

		watch->is_prepared = watch->asked > 0 && !watch->is_pooler;
		if (goes_elsewhere(run))
			return;
	}
	if (state->step == PG_STEP_PLAIN)
		state->step = PG_STEP_UPKEEP;
	if (state->step == PG_STEP_QUERIES)
		pg_take_value(run);
	next_step(run);
}

/* Why a connection ended that was kept: told with the next sample, if the server said it. */
void
pg_note_lost(struct probe_run *run, const struct pg_trouble *trouble)
{
	const char *cause = pg_trouble_cause(trouble);

	if (str_eq(cause, "pg.admin-kill") || str_eq(cause, "pg.crashed"))
		probe_note(run, cause, "the kept connection was ended: %s", trouble->text);
}

static void
on_broken(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_trouble trouble = *pg_link_trouble(state->link);
	bool is_first = state->step == PG_STEP_ACTIVITY || state->step == PG_STEP_PLAIN;

	if (state->is_kept && is_first && trouble.fault != FAULT_PROTOCOL) {
		pg_note_lost(run, &trouble);
		pg_link_close(state->link);
		state->link = NULL;
		pg_login_start(run);
		return;
	}
	if (trouble.fault == FAULT_PROTOCOL && state->step == PG_STEP_QUERIES) {
		probe_note(run, "pg.query", "%s: the answer is longer than 1 MiB",
			conf_of(run)->queries.all[state->query].name);
		probe_ok(run, "usable, but a query gives too much");
		return;
	}
	fail_with(run, &trouble);
}

void
pg_ask_on_event(void *arg, enum pg_event event)
{
	struct probe_run *run = arg;

	switch (event) {
	case PG_RESULT:
		on_result(run);
		break;
	case PG_DONE:
		on_done(run);
		break;
	case PG_BROKEN:
		on_broken(run);
		break;
	case PG_REACHED:
	case PG_UP:
		break;
	}
}

static usec_t
activity_age(const struct pg_about *about)
{
	return about->waiting > 0 || about->percent >= CROWDED ? TROUBLE_AGE : ACTIVITY_AGE;
}

void
pg_ask_start(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_watch *watch = watch_of(run);

	state->is_fresh = false;
	state->step = is_old(run, &watch->activity, activity_age(&watch->about)) ? PG_STEP_ACTIVITY
										 : PG_STEP_PLAIN;
	state->query = 0;
	pg_link_hand(state->link, pg_ask_on_event, run);
	enter(run, state->step);
}

static const char *const waits[] = {
	[PG_STEP_ACTIVITY] = "the first statement",
	[PG_STEP_PLAIN] = "SELECT 1",
	[PG_STEP_UPKEEP] = "statistics of the database",
	[PG_STEP_TABLES] = "the list of tables",
	[PG_STEP_BLOCKERS] = "who waits for whom",
	[PG_STEP_CROWD] = "who is connected",
	[PG_STEP_QUERIES] = "a query",
	[PG_STEP_END] = "the end",
};

const char *
pg_ask_stuck(struct probe_run *run, char *text, size_t size)
{
	const struct pg_run *state = probe_state(run);

	if (state->step == PG_STEP_QUERIES && state->query < conf_of(run)->queries.count)
		snprintf(text, size, "%s: no answer to the query %s", watch_of(run)->where,
			conf_of(run)->queries.all[state->query].name);
	else
		snprintf(text, size, "%s: no answer to %s", watch_of(run)->where,
			waits[state->step]);
	probe_value(run, PG_USABLE, 0);
	return "pg.timeout";
}
