/*
 * MySQL and MariaDB: logs in, looks, and keeps the connection for the next run.
 *
 *	a kept one:   measure -> (the proof is due: log in anew) -> verdict
 *	none is kept: log in -> make the session harmless -> measure -> verdict
 *
 * The proof never blinds us.  A server that has a free slot loses the kept connection first, so
 * that a check holds one; a full one keeps it until the new login succeeded, because giving the
 * slot away would mean not getting it back when it is needed most.  What was measured is in the
 * sample either way.  A kept connection that died quietly (wait_timeout, a restart) is no failure:
 * the login says; neither is one that does not answer (a firewall forgot it), nor one whose server
 * has not the role that is wanted any more (after a failover the name leads to another).
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/mysql_cause.h"
#include "probes/mysql_run.h"
#include "probes/net.h"

#define PATIENCE_PART 3 /* of the time there is */
#define NO_TLS        "TLS is wanted, and the server does not offer it"

static void on_event(void *arg, enum mysql_event event);
static void ask_next(struct probe_run *run);

static usec_t
now_us(struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

static struct mysql_kept *
kept_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

/* Who is listened to. */
static struct mysql_client *
speaker(const struct mysql_run *state)
{
	return state->proof != NULL ? state->proof : state->client;
}

/* --- verdicts --- */

static usec_t
connected_us(const struct mysql_run *state, struct mysql_client *c)
{
	const struct stream_phases *phases = stream_phases(mysql_client_stream(c));

	return state->opened_us + (phases->dns_us > 0 ? phases->dns_us : 0) + phases->connect_us;
}

static void
report(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	struct mysql_client *c = speaker(state);
	usec_t greeted, ready;

	if (state->is_reported || c == NULL)
		return;
	state->is_reported = true;
	if (!state->is_kept || state->is_proving) {
		net_report(run, mysql_client_stream(c));
		greeted = mysql_client_greeted_us(c);
		ready = mysql_client_ready_us(c);
		if (greeted > 0)
			probe_phase(run, PHASE_FIRST_BYTE, greeted - connected_us(state, c));
		if (greeted > 0 && ready > 0)
			probe_value(
				run, MYSQL_LOGIN_TIME, (double)(ready - greeted) / USEC_PER_SEC);
	}
	if (mysql_client_is_encrypted(c) && conf->parsed.tls < DSN_TLS_VERIFY_CA)
		probe_fact(run, "tls", "encrypted, but the certificate is not verified");
	if (conf->remark != NULL)
		probe_fact(run, "dsn", "%s", conf->remark);
}

/* What the kept connection has seen while the new one is refused. */
static void
fail_server(struct probe_run *run, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);
	const char *cause = mysql_cause(error);
	char use[80] = "";

	report(run);
	if (isfinite(state->connected) && state->max_connections > 0)
		snprintf(use, sizeof(use), "; %.0f of %.0f connections in use", state->connected,
			state->max_connections);
	if (str_eq(cause, "my.no-grant"))
		cause = "my.auth"; /* of a login */
	if (str_eq(cause, "my.auth") && mysql_client_offers_tls(speaker(state)) &&
		!mysql_client_is_encrypted(speaker(state)))
		str_copy(use, sizeof(use), " (if the account requires TLS: we came without)");
	probe_fail(run, cause, "%s (%u)%s", error->text, error->number, use);
}

static void
judge(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	const struct mysql_greeting *g = mysql_client_greeting(state->client);
	const char *version = g->version[0] != '\0' ? g->version : "a version that it does not say";

	mysql_measure_end(run);
	report(run);
	if (state->cause != NULL)
		probe_fail(run, state->cause, "%s", state->why);
	else if (conf->role == MYSQL_ROLE_PRIMARY && state->read_only == 1)
		probe_fail(run, "my.readonly",
			"the server is read-only (read_only=1), and a primary is wanted");
	else if (conf->role == MYSQL_ROLE_REPLICA && state->is_replica_known && !state->is_replica)
		probe_fail(run, "my.not-replica",
			"the server replicates from nobody, and a replica is wanted");
	else if (isfinite(state->connected) && isfinite(state->max_connections))
		probe_ok(run, "%s, %.0f of %.0f connections", version, state->connected,
			state->max_connections);
	else
		probe_ok(run, "%s", version);
}

static void
fail_protocol(struct probe_run *run, struct mysql_client *c)
{
	const char *reason = mysql_client_reason(c);
	size_t len;
	const void *first = mysql_client_first(c, &len);

	report(run);
	if (reason[0] == '\0')
		net_fail_protocol(run, "the greeting of MySQL or MariaDB", first, len);
	else
		probe_fail(run, "net.protocol", "%s", reason);
}

static void
fail_lost(struct probe_run *run, struct mysql_client *c)
{
	struct stream *stream = mysql_client_stream(c);
	char peer[ADDR_TEXT], wait[120];
	size_t len;
	const void *first = mysql_client_first(c, &len);

	report(run);
	if (mysql_client_error(c)->number > 0) {
		fail_server(run, mysql_client_error(c));
	} else if (stream_fault(stream) == FAULT_PROTOCOL && mysql_client_greeted_us(c) == 0) {
		fail_protocol(run, c);
	} else if (stream_fault(stream) != FAULT_NONE) {
		net_fail_at(run, stream_fault(stream), stream_reason(stream), stream_peer(stream));
	} else if (mysql_client_greeted_us(c) == 0 && len > 0) {
		net_fail_protocol(run, "the greeting of MySQL or MariaDB", first, len);
	} else {
		addr_text(stream_peer(stream), peer);
		mysql_client_wait(c, wait, sizeof(wait));
		probe_fail(run, "net.eof", "%s closed the connection instead of %s", peer, wait);
	}
}

/* --- logging in --- */

static struct mysql_client *
open_client(struct probe_run *run, struct err *e)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);

	state->opened_us = now_us(run);
	state->is_set_up = state->is_set_up_again = false;
	return mysql_session_open(conf, probe_env(run), on_event, run, e);
}

static void
begin_fresh(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);
	struct err e;

	state->is_kept = false;
	state->client = open_client(run, &e);
	if (state->client == NULL)
		probe_error(run, "self.local", "%s", e.text);
}

/* Name, TCP, TLS, login, all anew; after the measures, which are safe now. */
static void
begin_proof(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);
	bool is_full = state->connected >= state->max_connections;
	struct err e;

	mysql_measure_end(run);
	state->is_proving = true;
	if (!is_full) {
		mysql_client_close(state->client);
		state->client = NULL;
	}
	state->proof = open_client(run, &e);
	if (state->proof == NULL)
		probe_error(run, "self.local", "%s", e.text);
}

static void
end_proof(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);

	report(run);
	mysql_client_close(state->client);
	state->client = state->proof;
	state->proof = NULL;
	kept_of(run)->proven_us = now_us(run);
	judge(run);
}

/* The kept connection had died without our noticing: that says nothing yet. */
static bool
is_stale(const struct mysql_run *state)
{
	return state->is_kept && !state->is_asked && !state->is_proving;
}

static void
begin_over(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);

	timer_stop(&state->patience);
	kept_of(run)->lender.waiting = NULL;
	mysql_client_close(state->client);
	state->step = state->item = state->lacks = 0;
	state->is_asked = state->is_blind = false;
	state->connected = state->max_connections = NAN;
	state->read_only = -1;
	begin_fresh(run);
}

static void
on_impatience(void *arg)
{
	struct probe_run *run = arg;

	if (is_stale(probe_state(run)))
		begin_over(run);
}

static bool
is_wrong_role(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	if (conf->role == MYSQL_ROLE_PRIMARY)
		return state->read_only == 1;
	return conf->role == MYSQL_ROLE_REPLICA && state->is_replica_known && !state->is_replica;
}

/* The kept connection may lead to a server that the name does not mean any more.  Of one that is
 * full it is the word that counts: there is no other. */
static bool
is_outdated(struct probe_run *run)
{
	const struct mysql_run *state = probe_state(run);

	return state->is_kept && is_wrong_role(run) && state->connected < state->max_connections;
}

/* --- statements --- */

static void
send_sql(struct probe_run *run, const char *sql)
{
	struct mysql_run *state = probe_state(run);

	state->asked_us = now_us(run);
	mysql_client_query(speaker(state), sql);
}

/* At each run while the server is full: others are turned away then, and we would not notice. */
static bool
is_proof_due(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	return state->is_kept &&
	       (state->connected >= state->max_connections ||
		       now_us(run) >= kept_of(run)->proven_us + conf->reconnect_us);
}

static void
ask_next(struct probe_run *run)
{
	char sql[MYSQL_SQL_MAX];

	if (mysql_measure_next(run, sql, sizeof(sql)))
		send_sql(run, sql);
	else if (is_proof_due(run))
		begin_proof(run);
	else
		judge(run);
}

static void
set_up(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	char sql[MYSQL_SQL_MAX];

	/* what a whole run has: later ones use the same session */
	mysql_session_sql(mysql_client_greeting(speaker(state)), state->whole_us,
		conf->reconnect_us, sql, sizeof(sql));
	send_sql(run, sql);
}

static void
on_set_up(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);

	state->is_set_up = true;
	if (state->is_proving) {
		end_proof(run);
		return;
	}
	kept_of(run)->proven_us = now_us(run);
	ask_next(run);
}

/* A variable that this server does not know: what all of them know, then. */
static void
on_set_up_refused(struct probe_run *run, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);

	if (state->is_set_up_again) {
		fail_server(run, error);
		return;
	}
	state->is_set_up_again = true;
	send_sql(run, MYSQL_SESSION_SHORT);
}

static void
on_result(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);

	if (!state->is_set_up) {
		on_set_up(run);
		return;
	}
	if (!state->is_asked && state->is_kept)
		probe_phase(run, PHASE_FIRST_BYTE, now_us(run) - state->asked_us);
	state->is_asked = true;
	mysql_measure_take(run, mysql_client_result(state->client));
	if (is_outdated(run))
		begin_over(run);
	else
		ask_next(run);
}

static void
on_refused(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);
	struct mysql_client *c = speaker(state);
	const struct mysql_error *error = mysql_client_error(c);

	if (mysql_client_ready_us(c) == 0) {
		fail_server(run, error);
	} else if (mysql_is_final(error)) {
		if (is_stale(state))
			begin_over(run);
		else
			fail_server(run, error);
	} else if (!state->is_set_up) {
		on_set_up_refused(run, error);
	} else {
		state->is_asked = true;
		mysql_measure_refused(run, error);
		ask_next(run);
	}
}

static void
on_event(void *arg, enum mysql_event event)
{
	struct probe_run *run = arg;
	struct mysql_run *state = probe_state(run);
	struct mysql_client *c = speaker(state);

	switch (event) {
	case MYSQL_EVENT_READY:
		set_up(run);
		break;
	case MYSQL_EVENT_RESULT:
		on_result(run);
		break;
	case MYSQL_EVENT_REFUSED:
		on_refused(run);
		break;
	case MYSQL_EVENT_PLUGIN:
		report(run);
		probe_fail(run, "my.auth-plugin", "%s", mysql_client_reason(c));
		break;
	case MYSQL_EVENT_NO_TLS:
		report(run);
		probe_fail(run, "my.tls", NO_TLS);
		break;
	case MYSQL_EVENT_DISTRUST:
		report(run);
		net_fail_at(run, FAULT_TLS_VERIFY, mysql_client_reason(c),
			stream_peer(mysql_client_stream(c)));
		break;
	case MYSQL_EVENT_WRONG:
		fail_protocol(run, c);
		break;
	case MYSQL_EVENT_LOST:
		if (is_stale(state))
			begin_over(run);
		else
			fail_lost(run, c);
		break;
	}
}

/* --- the contract --- */

/* The kept connection, or a new one where there is none that is fit. */
static void
begin_kept(void *arg)
{
	struct probe_run *run = arg;
	struct mysql_run *state = probe_state(run);
	struct mysql_lender *lender = &kept_of(run)->lender;

	if (lender->client == NULL || !mysql_client_is_idle(lender->client)) {
		mysql_client_close(lender->client);
		lender->client = NULL;
		timer_stop(&state->patience);
		begin_fresh(run);
		return;
	}
	state->client = lender->client;
	lender->client = NULL;
	mysql_client_bind(state->client, on_event, run);
	state->is_kept = state->is_set_up = true;
	timer_after(&state->patience, state->whole_us / PATIENCE_PART);
	ask_next(run);
}

static void
start(struct probe_run *run)
{
	struct mysql_run *state = probe_state(run);
	struct mysql_lender *lender = &kept_of(run)->lender;

	state->user[0] = state->denied[0] = state->log_folder[0] = state->why[0] = '\0';
	state->max_connections = state->connected = state->longest_query = NAN;
	state->read_only = -1;
	state->whole_us = probe_time_left(run);
	timer_init(&state->patience, probe_env(run)->loop, on_impatience, run);
	lender->is_running = true;
	if (lender->borrower == NULL) {
		begin_kept(run);
		return;
	}
	state->is_kept = true;
	lender->waiting = run;
	lender->resume = begin_kept;
	timer_after(&state->patience, state->whole_us / PATIENCE_PART);
}

/* The newest connection that is fit for another run is kept, every other one closed. */
static void
stop(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	struct mysql_client *all[] = { state->proof, state->client };
	struct mysql_lender *lender = &kept_of(run)->lender;

	timer_stop(&state->patience);
	for (size_t i = 0; i < 2; i++) {
		struct mysql_client *c = all[i];
		bool is_fit =
			c != NULL && mysql_client_is_idle(c) && conf->reconnect_us > 0 &&
			(c == state->proof ? state->is_set_up : state->is_set_up || state->is_kept);

		if (is_fit && lender->client == NULL) {
			mysql_client_bind(c, NULL, NULL);
			lender->client = c;
		} else {
			mysql_client_close(c);
		}
	}
	state->proof = state->client = NULL;
	lender->is_running = false;
	lender->waiting = NULL;
	mysql_lender_serve(lender);
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct mysql_run *state = probe_state(run);
	struct mysql_client *c = speaker(state);
	char wait[120], peer[ADDR_TEXT];
	enum mysql_event as;
	const char *cause;

	if (c == NULL)
		return "net.noreply";
	if (mysql_client_parts(c, &as)) {
		report(run);
		str_copy(text, size, as == MYSQL_EVENT_NO_TLS ? NO_TLS : mysql_client_reason(c));
		return as == MYSQL_EVENT_NO_TLS ? "my.tls" : "net.tls-verify";
	}
	cause = net_stuck_at(run, stream_stuck(mysql_client_stream(c), text, size),
		stream_peer(mysql_client_stream(c)), text, size);
	report(run);
	if (!str_eq(cause, "net.noreply"))
		return cause;
	addr_text(stream_peer(mysql_client_stream(c)), peer);
	mysql_client_wait(c, wait, sizeof(wait));
	snprintf(text, size, "connected to %s, but %s does not come", peer, wait);
	/* others were answered: the statement is too slow, or waits for a lock */
	return state->is_asked && !state->is_proving ? "my.query" : cause;
}

static void
open_watch(struct probe_watch *watch)
{
	struct mysql_kept *kept = probe_watch_state(watch);

	mysql_lender_init(&kept->lender);
	mysql_files_init(&kept->files, probe_watch_env(watch));
	kept->binlog_bytes = NAN;
}

static void
close_watch(struct probe_watch *watch)
{
	struct mysql_kept *kept = probe_watch_state(watch);

	mysql_files_fini(&kept->files);
	mysql_client_close(kept->lender.client);
	kept->lender.client = NULL;
}

static const char *const schemes[] = { "mysql", "mariadb", NULL };

const struct probe_type probe_type_mysql = {
	.name = "mysql",
	.summary = "Logs in to MySQL or MariaDB and looks at connections, locks and replication.",
	.manual =
		"The session is read-only, with limits on statements and locks, and calls itself "
		"`triaged`. One connection is kept between runs, so that a server whose "
		"connections are exhausted can still be looked into (`my.too-many` with all "
		"metrics); every `reconnect_interval` name, TCP, TLS and login are proven anew, "
		"and at each run while the server is full: only then does the new login stand "
		"beside the kept one.\n"
		"\n"
		"Rights: `GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR ON *.*` (MariaDB 10.5.9 and "
		"later) or `GRANT PROCESS, REPLICATION CLIENT ON *.*` (MySQL). Without them the "
		"metrics that need them are absent, and a note names the grant. Login plugins: "
		"`mysql_native_password`, `caching_sha2_password`, `sha256_password`, and over TLS "
		"or a unix socket `mysql_clear_password`. Without a word on TLS in the `dsn` the "
		"connection is plain, as Go's driver has it.",
	.fields = mysql_fields,
	.metrics = mysql_metrics,
	.metrics_of = mysql_conf_rows,
	.conf_size = sizeof(struct mysql_conf),
	.run_size = sizeof(struct mysql_run),
	.run_zeroed = offsetof(struct mysql_run, user),
	.watch_size = sizeof(struct mysql_kept),
	.is_network = true,
	.check = mysql_conf_check,
	.release = mysql_conf_release,
	.target = mysql_conf_target,
	.reveal = mysql_conf_reveal,
	.start = start,
	.stop = stop,
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "dsn",
	.takes = mysql_conf_takes,
};
