/*
 * A connection, then the steps, then the end:
 *
 *	loan asked -> lent: steps
 *	           -> there is none, or the run that has it takes too long: login -> harmless ->
 *		steps
 *
 * A step that is denied asks who we are, so that the missing GRANT is told in full.
 */
#include "probes/facts/my_ask.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/mysql_cause.h"
#include "probes/sql_mask.h"

#define PATIENCE_PART 3 /* of the time there is */

static void on_event(void *arg, enum mysql_event event);

static struct my_ask *
ask_of(struct fact_run *run)
{
	return fact_state(run);
}

const struct mysql_greeting *
my_ask_server(struct fact_run *run)
{
	return mysql_client_greeting(ask_of(run)->client);
}

static void
go_on(struct fact_run *run)
{
	struct my_ask *ask = ask_of(run);
	char sql[MYSQL_SQL_MAX];

	for (; ask->steps[ask->step].ask != NULL; ask->step++)
		if (ask->steps[ask->step].ask(run, sql, sizeof(sql))) {
			mysql_client_query(ask->client, sql);
			return;
		}
	if (ask->lacks != 0) {
		ask->is_naming = true;
		mysql_client_query(ask->client, "SELECT CURRENT_USER()");
		return;
	}
	ask->done(run);
}

/* --- a connection --- */

static void
open_own(struct fact_run *run)
{
	const struct check_spec *check = fact_check(run);
	struct my_ask *ask = ask_of(run);
	struct err e;

	ask->is_own = true;
	ask->client = mysql_session_open(check->conf, fact_env(run), on_event, run, &e);
	if (ask->client == NULL)
		fact_missed(run, "%s", e.text);
}

static void
on_lent(void *arg, struct mysql_client *client)
{
	struct fact_run *run = arg;
	struct my_ask *ask = ask_of(run);

	timer_stop(&ask->patience);
	if (client == NULL) {
		open_own(run);
		return;
	}
	ask->client = client;
	ask->is_set_up = true;
	mysql_client_bind(client, on_event, run);
	go_on(run);
}

static void
on_impatience(void *arg)
{
	struct fact_run *run = arg;

	mysql_loan_end(&ask_of(run)->loan, NULL);
	open_own(run);
}

void
my_ask_start(struct fact_run *run, const struct my_step *steps, void (*done)(struct fact_run *run))
{
	struct my_ask *ask = ask_of(run);

	ask->steps = steps;
	ask->done = done;
	ask->loan.on_lent = on_lent;
	ask->loan.arg = run;
	timer_init(&ask->patience, fact_env(run)->loop, on_impatience, run);
	if (fact_watch(run) == NULL) {
		open_own(run);
		return;
	}
	timer_after(&ask->patience, fact_time_left(run) / PATIENCE_PART);
	mysql_loan_begin(&ask->loan, fact_watch(run));
}

void
my_ask_stop(struct fact_run *run)
{
	struct my_ask *ask = ask_of(run);

	timer_stop(&ask->patience);
	if (ask->is_own)
		mysql_client_close(ask->client);
	else
		mysql_loan_end(&ask->loan, ask->client);
	ask->client = NULL;
}

/* --- what the server says --- */

static void
send_set_up(struct fact_run *run)
{
	char sql[MYSQL_SQL_MAX];

	mysql_session_sql(my_ask_server(run), fact_time_left(run), 0, sql, sizeof(sql));
	mysql_client_query(ask_of(run)->client, sql);
}

static void
tell_rights(struct fact_run *run, const char *account)
{
	struct my_ask *ask = ask_of(run);
	char grant[400];

	mysql_session_grant(my_ask_server(run), account, ask->lacks, grant, sizeof(grant));
	if (ask->lacks == 0)
		fact_missed(run, "%s", ask->denied);
	else if (ask->steps[ask->step].ask == NULL)
		fact_line(run, "a part is missing: %s", grant);
	else
		fact_missed(run, "%s; it needs %s", ask->denied, grant);
}

/* Of the last step the fact goes on with what it has. */
static void
on_named(struct fact_run *run, const char *account)
{
	struct my_ask *ask = ask_of(run);

	tell_rights(run, account);
	ask->lacks = 0;
	ask->is_naming = false;
	if (ask->steps[ask->step].ask == NULL)
		ask->done(run);
}

static void
on_result(struct fact_run *run)
{
	struct my_ask *ask = ask_of(run);
	const struct mysql_result *r = mysql_client_result(ask->client);

	if (!ask->is_set_up) {
		ask->is_set_up = true;
		go_on(run);
	} else if (ask->is_naming) {
		on_named(run, mysql_cell(r, 0, 0));
	} else {
		ask->steps[ask->step].take(run, r);
		ask->step++;
		go_on(run);
	}
}

static void
on_step_refused(struct fact_run *run, const struct mysql_error *error)
{
	struct my_ask *ask = ask_of(run);
	const struct my_step *step = &ask->steps[ask->step];
	bool is_denied = mysql_is_denied(error);

	if (step->is_optional) {
		ask->lacks |= is_denied ? step->rights : 0;
		ask->step++;
		go_on(run);
		return;
	}
	snprintf(ask->denied, sizeof(ask->denied), "%.150s (%u)", error->text, error->number);
	if (!is_denied || step->rights == 0) {
		fact_missed(run, "%s", ask->denied);
		return;
	}
	ask->lacks = step->rights;
	ask->is_naming = true;
	mysql_client_query(ask->client, "SELECT CURRENT_USER()");
}

static void
on_refused(struct fact_run *run)
{
	struct my_ask *ask = ask_of(run);
	const struct mysql_error *error = mysql_client_error(ask->client);

	if (!mysql_client_is_idle(ask->client))
		fact_missed(run, "no login: %.200s (%u)", error->text, error->number);
	else if (!ask->is_set_up && !ask->is_short) {
		ask->is_short = true;
		mysql_client_query(ask->client, MYSQL_SESSION_SHORT);
	} else if (!ask->is_set_up) {
		fact_missed(run, "the session cannot be made read-only: %.150s (%u)", error->text,
			error->number);
	} else if (ask->is_naming) {
		on_named(run, NULL);
	} else {
		on_step_refused(run, error);
	}
}

/* The loan ends without the client: it is dead. */
static void
on_gone(struct fact_run *run)
{
	struct my_ask *ask = ask_of(run);
	const struct mysql_error *error = mysql_client_error(ask->client);
	const char *reason = stream_reason(mysql_client_stream(ask->client));

	if (error->number > 0)
		fact_missed(run, "%.200s (%u)", error->text, error->number);
	else
		fact_missed(
			run, "the connection was lost%s%s", reason[0] != '\0' ? ": " : "", reason);
	if (ask->is_own)
		return;
	mysql_client_close(ask->client);
	ask->client = NULL;
}

static void
on_event(void *arg, enum mysql_event event)
{
	struct fact_run *run = arg;

	switch (event) {
	case MYSQL_EVENT_READY:
		send_set_up(run);
		break;
	case MYSQL_EVENT_RESULT:
		on_result(run);
		break;
	case MYSQL_EVENT_REFUSED:
		on_refused(run);
		break;
	case MYSQL_EVENT_PLUGIN:
	case MYSQL_EVENT_DISTRUST:
	case MYSQL_EVENT_WRONG:
		fact_missed(run, "%s", mysql_client_reason(ask_of(run)->client));
		break;
	case MYSQL_EVENT_NO_TLS:
		fact_missed(run, "TLS is wanted, and the server does not offer it");
		break;
	case MYSQL_EVENT_LOST:
		on_gone(run);
		break;
	}
}

/* --- cells --- */

const char *
my_cell_text(const char *cell)
{
	return cell != NULL ? cell : "";
}

bool
my_cell_is(const char *cell, const char *word)
{
	return cell != NULL && strcasecmp(cell, word) == 0;
}

double
my_cell_zero(const char *cell)
{
	double value = mysql_number(cell);

	return isfinite(value) ? value : 0;
}

void
my_mask(const char *sql, char *out, size_t size)
{
	sql_mask(SQL_MYSQL, sql, out, size);
}

void
my_fact_number(struct fact_run *run, int key, const char *cell)
{
	double value = mysql_number(cell);

	if (isfinite(value))
		fact_number(run, key, value);
}

void
my_fact_text(struct fact_run *run, int key, const char *cell)
{
	if (cell != NULL && cell[0] != '\0')
		fact_text(run, key, "%s", cell);
}
