/*
 * What is asked of a server that let us in, statement by statement, and what becomes of the
 * answers.  A right that is missing leaves its metrics absent.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/mysql_cause.h"
#include "probes/mysql_replica.h"
#include "probes/mysql_run.h"
#include "probes/net_local.h"
#include "probes/sql_mask.h"

#define CROWDED_PERCENT 80
#define SLOW_AFTER_S    5
#define BINLOG_EVERY    (60 * USEC_PER_SEC)
#define SHOWN_ROWS      6
#define STATEMENT_SHOWN "160"

/* Threads that are no clients: they are busy by nature. */
#define CLIENTS_ONLY                                                                               \
	"command NOT IN ('Sleep','Daemon','Binlog Dump','Binlog Dump GTID','Connect','Slave_IO',"  \
	"'Slave_SQL','Slave_worker','Killed') AND user NOT IN ('system user','event_scheduler') "  \
	"AND id<>CONNECTION_ID()"
/* InnoDB's times are those of the host's zone, whatever zone the session has. */
#define SYSTEM_NOW     "CONVERT_TZ(NOW(),@@session.time_zone,'SYSTEM')"
#define WAITS_FOR_LOCK "state LIKE 'Waiting for%%lock%%'" /* of a format */

static const struct status {
	const char *name;
	int row;
} statuses[] = {
	{ "Threads_connected", MYSQL_THREADS_CONNECTED },
	{ "Threads_running", MYSQL_THREADS_RUNNING },
	{ "Max_used_connections", MYSQL_CONNECTIONS_PEAK },
	{ "Slow_queries", MYSQL_SLOW_QUERIES },
	{ "Select_full_join", MYSQL_FULL_JOINS },
	{ "Questions", MYSQL_QUERIES },
	{ "Aborted_connects", MYSQL_ABORTED_CONNECTS },
	{ "Connection_errors_max_connections", MYSQL_REJECTED },
	{ "Innodb_row_lock_current_waits", MYSQL_ROW_LOCK_WAITS },
	{ "Innodb_deadlocks", MYSQL_DEADLOCKS },
	{ "Uptime", MYSQL_UPTIME_TIME },
};

static const struct mysql_greeting *
server_of(struct probe_run *run)
{
	const struct mysql_run *state = probe_state(run);

	return mysql_client_greeting(state->client);
}

static struct mysql_kept *
kept_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

static bool
is_measured(struct probe_run *run)
{
	const struct mysql_conf *conf = probe_conf(run);

	return conf->is_measured;
}

/* --- is it alive --- */

static bool
ask_one(struct probe_run *run, char *out, size_t size)
{
	if (is_measured(run))
		return false;
	str_copy(out, size, "SELECT 1");
	return true;
}

static void
take_time(struct probe_run *run)
{
	const struct mysql_run *state = probe_state(run);
	usec_t took = loop_now(probe_env(run)->loop) - state->asked_us;

	probe_value(run, MYSQL_QUERY_TIME, (double)took / USEC_PER_SEC);
}

static void
take_one(struct probe_run *run, const struct mysql_result *r)
{
	(void)r;
	take_time(run);
}

/* --- what it is: one statement that reads no table --- */

enum variable {
	V_MAX,
	V_READ_ONLY,
	V_LOG_BIN,
	V_ID,
	V_UUID,
	V_EXPIRY,
	V_HOST,
	V_FOLDER,
	V_USER,
	V_ZONE,
	V_LOG_BASE
};

static bool
ask_variables(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_greeting *g = server_of(run);
	const char *uuid = "''", *expiry = "@@global.expire_logs_days*86400", *base = "NULL";

	if (!is_measured(run))
		return false;
	if (!g->is_mariadb && g->number >= 50600)
		uuid = "@@global.server_uuid";
	if (g->number >= (g->is_mariadb ? 100601U : 80001U))
		expiry = "@@global.binlog_expire_logs_seconds";
	if (g->number >= (g->is_mariadb ? 100100U : 50600U))
		base = "@@global.log_bin_basename";
	snprintf(out, size,
		"SELECT @@global.max_connections,@@global.read_only,@@global.log_bin,"
		"@@global.server_id,%s,%s,@@global.hostname,@@global.datadir,CURRENT_USER(),@@"
		"global.time_zone,%s",
		uuid, expiry, base);
	return true;
}

static const char *
shown(const char *cell)
{
	return cell != NULL ? cell : "";
}

/* MariaDB 12 has words where everybody else has 0 and 1. */
static int
read_flag(const char *cell)
{
	if (cell == NULL || cell[0] == '\0')
		return -1;
	return !str_eq(cell, "0") && !str_eq(cell, "OFF");
}

/* The files of a server elsewhere are not ours to look at. */
static void
find_files(struct probe_run *run, const struct mysql_result *r)
{
	struct mysql_run *state = probe_state(run);
	struct mysql_files *files = &kept_of(run)->files;
	const struct addr *peer = stream_peer(mysql_client_stream(state->client));
	const char *base = shown(mysql_cell(r, 0, V_LOG_BASE)), *slash = strrchr(base, '/');

	if (peer == NULL || !net_local_is_ours(peer)) {
		mysql_files_forget(files);
		return;
	}
	str_copy(files->folder, sizeof(files->folder), shown(mysql_cell(r, 0, V_FOLDER)));
	if (slash != NULL)
		snprintf(state->log_folder, sizeof(state->log_folder), "%.*s", (int)(slash - base),
			base);
}

static void
take_variables(struct probe_run *run, const struct mysql_result *r)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	const struct mysql_greeting *g = server_of(run);
	const char *uuid = shown(mysql_cell(r, 0, V_UUID));

	take_time(run);
	state->max_connections = mysql_number(mysql_cell(r, 0, V_MAX));
	state->read_only = read_flag(mysql_cell(r, 0, V_READ_ONLY));
	state->has_binlog = read_flag(mysql_cell(r, 0, V_LOG_BIN)) == 1;
	str_copy(state->user, sizeof(state->user), shown(mysql_cell(r, 0, V_USER)));
	if (state->read_only >= 0)
		probe_value(run, MYSQL_READ_ONLY, state->read_only);
	probe_value(run, MYSQL_DSN_DOUBTFUL, conf->remark != NULL);
	if (state->has_binlog)
		probe_value(
			run, MYSQL_BINLOG_EXPIRE_TIME, mysql_number(mysql_cell(r, 0, V_EXPIRY)));
	find_files(run, r);
	probe_fact(run, "server", "%s on %s, server_id %s%s%s, datadir %s, time_zone %s%s",
		g->version, shown(mysql_cell(r, 0, V_HOST)), shown(mysql_cell(r, 0, V_ID)),
		uuid[0] != '\0' ? ", uuid " : "", uuid, shown(mysql_cell(r, 0, V_FOLDER)),
		shown(mysql_cell(r, 0, V_ZONE)),
		state->has_binlog && str_eq(mysql_cell(r, 0, V_EXPIRY), "0")
			? ", binary logs never expire"
			: "");
}

/* --- counters --- */

static bool
ask_status(struct probe_run *run, char *out, size_t size)
{
	size_t len;

	if (!is_measured(run))
		return false;
	len = (size_t)snprintf(out, size, "SHOW GLOBAL STATUS WHERE Variable_name IN (");
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		len += (size_t)snprintf(
			out + len, size - len, "%s'%s'", i > 0 ? "," : "", statuses[i].name);
	snprintf(out + len, size - len, ")");
	return true;
}

static void
take_status(struct probe_run *run, const struct mysql_result *r)
{
	struct mysql_run *state = probe_state(run);
	double percent;

	for (unsigned row = 0; row < r->row_count; row++)
		for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
			if (str_eq(mysql_cell(r, row, 0), statuses[i].name)) {
				double value = mysql_number(mysql_cell(r, row, 1));

				probe_value(run, statuses[i].row, value);
				if (statuses[i].row == MYSQL_THREADS_CONNECTED)
					state->connected = value;
			}
	/* An administrator has one slot more than there are. */
	percent = fmin(100, state->connected * 100 / state->max_connections);
	if (isfinite(state->connected) && state->max_connections > 0)
		probe_value(run, MYSQL_CONNECTIONS_PERCENT, percent);
}

/* --- who waits, who is slow --- */

static bool
ask_transactions(struct probe_run *run, char *out, size_t size)
{
	if (!is_measured(run))
		return false;
	str_copy(out, size,
		"SELECT MAX(TIMESTAMPDIFF(SECOND,trx_started," SYSTEM_NOW ")),"
		"MAX(TIMESTAMPDIFF(SECOND,trx_wait_started," SYSTEM_NOW ")) "
		"FROM information_schema.innodb_trx");
	return true;
}

static double
or_zero(double value)
{
	return isfinite(value) && value > 0 ? value : 0;
}

static void
take_transactions(struct probe_run *run, const struct mysql_result *r)
{
	struct mysql_run *state = probe_state(run);

	state->lock_wait = or_zero(mysql_number(mysql_cell(r, 0, 1)));
	probe_value(
		run, MYSQL_LONGEST_TRANSACTION_TIME, or_zero(mysql_number(mysql_cell(r, 0, 0))));
	probe_value(run, MYSQL_LOCK_WAIT_TIME, state->lock_wait);
}

static void
refused_transactions(struct probe_run *run, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);

	state->is_blind = true;
	if (mysql_is_denied(error))
		state->lacks |= MYSQL_RIGHT_PROCESS;
}

/* Without PROCESS the list shows our own connections only, and says nothing of it. */
static bool
ask_threads(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	if (!is_measured(run) || state->is_blind)
		return false;
	snprintf(out, size,
		"SELECT MAX(IF(" CLIENTS_ONLY ",time,0)),"
		"SUM(command='Sleep' AND time>%u),SUM(" WAITS_FOR_LOCK "),"
		"MAX(IF(" WAITS_FOR_LOCK ",time,0)) FROM information_schema.processlist",
		(unsigned)(conf->idle_after_us / USEC_PER_SEC));
	return true;
}

static void
take_threads(struct probe_run *run, const struct mysql_result *r)
{
	struct mysql_run *state = probe_state(run);
	double waited = or_zero(mysql_number(mysql_cell(r, 0, 3)));
	double idle = or_zero(mysql_number(mysql_cell(r, 0, 1)));

	state->longest_query = or_zero(mysql_number(mysql_cell(r, 0, 0)));
	probe_value(run, MYSQL_LONGEST_QUERY_TIME, state->longest_query);
	probe_value(run, MYSQL_IDLE_CONNECTIONS, idle);
	if (state->connected > 0)
		probe_value(run, MYSQL_IDLE_PERCENT, fmin(100, idle * 100 / state->connected));
	probe_value(run, MYSQL_LOCK_WAITS, or_zero(mysql_number(mysql_cell(r, 0, 2))));
	probe_value(run, MYSQL_LOCK_WAIT_TIME, fmax(waited, state->lock_wait));
}

/* --- evidence, where there is something to explain --- */

static bool
ask_crowd(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_run *state = probe_state(run);

	if (!(is_measured(run) && !state->is_blind &&
		    state->connected * 100 >= state->max_connections * CROWDED_PERCENT))
		return false;
	str_copy(out, size,
		"SELECT COUNT(*),user,SUBSTRING_INDEX(host,':',1),command,MAX(time) "
		"FROM information_schema.processlist GROUP BY 2,3,4 ORDER BY 1 DESC LIMIT 6");
	return true;
}

static void
take_crowd(struct probe_run *run, const struct mysql_result *r)
{
	char text[800];
	size_t len = 0;

	for (unsigned i = 0; i < r->row_count && i < SHOWN_ROWS && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s x %s@%s %s (%s s)",
			i > 0 ? ", " : "", shown(mysql_cell(r, i, 0)), shown(mysql_cell(r, i, 1)),
			shown(mysql_cell(r, i, 2)), shown(mysql_cell(r, i, 3)),
			shown(mysql_cell(r, i, 4)));
	if (len > 0)
		probe_fact(run, "clients", "%s", text);
}

static bool
ask_slow(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_run *state = probe_state(run);

	if (!(is_measured(run) && !state->is_blind &&
		    fmax(state->longest_query, state->lock_wait) >= SLOW_AFTER_S))
		return false;
	str_copy(out, size,
		"SELECT id,user,SUBSTRING_INDEX(host,':',1),time,state,LEFT(info," STATEMENT_SHOWN
		") FROM information_schema.processlist WHERE " CLIENTS_ONLY
		" ORDER BY time DESC LIMIT 3");
	return true;
}

static void
take_slow(struct probe_run *run, const struct mysql_result *r)
{
	char text[900], sql[200];
	size_t len = 0;

	for (unsigned i = 0; i < r->row_count && len < sizeof(text); i++) {
		sql_mask(SQL_MYSQL, shown(mysql_cell(r, i, 5)), sql, sizeof(sql));
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%sid %s, %s@%s, %s s, %s: %s", i > 0 ? "; " : "",
			shown(mysql_cell(r, i, 0)), shown(mysql_cell(r, i, 1)),
			shown(mysql_cell(r, i, 2)), shown(mysql_cell(r, i, 3)),
			shown(mysql_cell(r, i, 4)), sql);
	}
	if (len > 0)
		probe_fact(run, "statements", "%s", text);
}

/* --- replication, binary logs --- */

static bool
ask_replica(struct probe_run *run, char *out, size_t size)
{
	str_copy(out, size, mysql_replica_sql(server_of(run)));
	return is_measured(run);
}

static void
refused_replica(struct probe_run *run, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);

	if (mysql_is_denied(error))
		state->lacks |= MYSQL_RIGHT_REPLICA;
}

static bool
ask_binlogs(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_run *state = probe_state(run);
	struct mysql_kept *kept = kept_of(run);
	usec_t now = loop_now(probe_env(run)->loop);

	if (!is_measured(run) || !state->has_binlog)
		return false;
	if (kept->binlog_us > 0 && now < kept->binlog_us + BINLOG_EVERY) {
		probe_value(run, MYSQL_BINLOG_BYTES, kept->binlog_bytes);
		return false;
	}
	kept->binlog_us = now;
	kept->binlog_bytes = NAN;
	str_copy(out, size, "SHOW BINARY LOGS");
	return true;
}

static void
take_binlogs(struct probe_run *run, const struct mysql_result *r)
{
	const struct mysql_run *state = probe_state(run);
	struct mysql_files *files = &kept_of(run)->files;
	const char *first = shown(mysql_cell(r, 0, 0));
	double bytes = 0;

	if (first[0] != '\0' && state->log_folder[0] != '\0')
		snprintf(files->oldest, sizeof(files->oldest), "%.400s/%.190s", state->log_folder,
			first);
	if (r->is_cut)
		return; /* a part of the sum would be a lie */
	for (unsigned i = 0; i < r->row_count; i++)
		bytes += or_zero(mysql_number(mysql_cell(r, i, 1)));
	kept_of(run)->binlog_bytes = bytes;
	probe_value(run, MYSQL_BINLOG_BYTES, bytes);
	if (r->row_count > 0)
		probe_fact(run, "binary logs", "%u, oldest %s", r->row_count,
			shown(mysql_cell(r, 0, 0)));
}

static void
refused_binlogs(struct probe_run *run, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);

	kept_of(run)->binlog_us = 0;
	if (mysql_is_denied(error))
		state->lacks |= MYSQL_RIGHT_BINLOG;
}

/* --- deadlocks, where MySQL does not count them among its status --- */

static bool
ask_deadlocks(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_run *state = probe_state(run);
	const struct mysql_greeting *g = server_of(run);

	if (!(is_measured(run) && !state->is_blind && !g->is_mariadb && g->number >= 50600))
		return false;
	str_copy(out, size,
		"SELECT count FROM information_schema.innodb_metrics "
		"WHERE name='lock_deadlocks' AND status='enabled'");
	return true;
}

static void
take_deadlocks(struct probe_run *run, const struct mysql_result *r)
{
	double count = mysql_number(mysql_cell(r, 0, 0));

	if (isfinite(count))
		probe_value(run, MYSQL_DEADLOCKS, count);
}

/* --- the files of a server on this host --- */

/* No statement: what the last look saw, and the next one. */
static bool
tell_files(struct probe_run *run, char *out, size_t size)
{
	struct mysql_kept *kept = kept_of(run);
	struct mysql_files *files = &kept->files;
	double now = (double)loop_wall(probe_env(run)->loop) / USEC_PER_SEC;

	(void)out;
	(void)size;
	if (!is_measured(run))
		return false;
	mysql_files_look(files);
	probe_value(run, MYSQL_DATA_FREE_BYTES, files->free_bytes);
	probe_value(run, MYSQL_DATA_USED_PERCENT, files->used_percent);
	probe_value(run, MYSQL_BINLOG_PERCENT, kept->binlog_bytes * 100 / files->total_bytes);
	if (isfinite(files->oldest_at))
		probe_value(run, MYSQL_BINLOG_OLDEST_AGE, fmax(0, now - files->oldest_at));
	return false;
}

/* A statement of our own that fails leaves its rows absent; what it says is worth a word. */
static void
refused_own(struct probe_run *run, const struct mysql_error *error)
{
	if (mysql_is_denied(error))
		mysql_note_denied(run, "a statement", "of the check", error);
	else
		probe_note(run, "my.query", "a statement of the check is refused: %s (%u)",
			error->text, error->number);
}

const struct mysql_step mysql_look[] = {
	{ ask_one, take_one, refused_own, false },
	{ ask_variables, take_variables, refused_own, false },
	{ ask_status, take_status, refused_own, false },
	{ ask_transactions, take_transactions, refused_transactions, false },
	{ ask_threads, take_threads, refused_own, false },
	{ ask_crowd, take_crowd, refused_own, false },
	{ ask_slow, take_slow, refused_own, false },
	{ ask_replica, mysql_replica_take, refused_replica, false },
	{ ask_binlogs, take_binlogs, refused_binlogs, false },
	{ ask_deadlocks, take_deadlocks, refused_own, false },
	{ tell_files, NULL, NULL, false },
};

const unsigned mysql_look_count = sizeof(mysql_look) / sizeof(mysql_look[0]);
