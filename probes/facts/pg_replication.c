/*
 * How the standbys of a PostgreSQL server fare, seen from either end, and what holds its log back.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "probes/facts/pg_talk.h"
#include "probes/postgres_sql.h"

enum {
	KEY_STANDBY,
	KEY_REPLICAS,
	KEY_RECEIVER,
	KEY_SENDER,
	KEY_SILENT,
	KEY_LAG,
	KEY_LAG_BYTES,
	KEY_WORST,
	KEY_WORST_STATE,
	KEY_SLOT,
	KEY_SLOT_BYTES,
	KEY_CONFLICTS,
	KEY_PAUSED,
	KEY_DELAY,
	KEY_QUERY,
	KEY_QUERY_PID,
	KEY_REPLAYING,
};

static const struct metric_desc keys[] = {
	{ "standby", METRIC_FLAG, UNIT_BOOL, "This server is a standby." },
	{ "replicas", METRIC_GAUGE, UNIT_NONE, "Standbys that stream from here." },
	{ "receiver", METRIC_GAUGE, UNIT_TEXT,
		"On a standby: state of what receives from the primary; `stopped`: there is "
		"none." },
	{ "sender", METRIC_GAUGE, UNIT_TEXT, "On a standby: the primary's address." },
	{ "silent", METRIC_GAUGE, UNIT_SECONDS, "On a standby: since the primary's last message." },
	{ "lag", METRIC_GAUGE, UNIT_SECONDS, "How far behind: the slowest standby, or this one." },
	{ "lag_bytes", METRIC_GAUGE, UNIT_BYTES, "The same in bytes of log." },
	{ "worst", METRIC_GAUGE, UNIT_TEXT, "The slowest standby: its name and address." },
	{ "worst_state", METRIC_GAUGE, UNIT_TEXT, "Its state, as `streaming` or `catchup`." },
	{ "slot", METRIC_GAUGE, UNIT_TEXT,
		"The unread replication slot that holds most log back." },
	{ "slot_bytes", METRIC_GAUGE, UNIT_BYTES, "How much." },
	{ "conflicts", METRIC_GAUGE, UNIT_NONE,
		"On a standby: queries that replaying has cancelled so far." },
	{ "replay_paused", METRIC_FLAG, UNIT_BOOL, "On a standby: somebody has paused replaying." },
	{ "apply_delay", METRIC_GAUGE, UNIT_SECONDS,
		"On a standby: recovery_min_apply_delay; 0: none." },
	{ "longest_query", METRIC_GAUGE, UNIT_SECONDS,
		"On a standby: age of the oldest statement, for which replaying may wait." },
	{ "longest_query_pid", METRIC_GAUGE, UNIT_NONE, "Its session." },
	{ "replaying", METRIC_FLAG, UNIT_BOOL, "On a standby: all that came is not replayed yet." },
	{ .name = NULL },
};

#define HEAD "CASE WHEN pg_is_in_recovery() THEN {received_lsn} ELSE {now_lsn} END"

static const char state_sql[] =
	"SELECT {knows}, pg_is_in_recovery(),"
	" CASE WHEN pg_is_in_recovery() THEN {paused} END,"
	" coalesce((SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings"
	"  WHERE name = 'recovery_min_apply_delay'), 0),"
	" (SELECT sum(c.confl_snapshot + c.confl_lock + c.confl_bufferpin + c.confl_deadlock"
	"  + c.confl_tablespace) FROM pg_catalog.pg_stat_database_conflicts c),"
	" CASE WHEN pg_is_in_recovery() THEN {received_lsn} IS DISTINCT FROM {replayed_lsn} END,"
	" CASE WHEN pg_is_in_recovery() THEN"
	"  extract(epoch FROM now() - {replayed_at}) END,"
	" CASE WHEN pg_is_in_recovery() THEN greatest({diff}({received_lsn}, {replayed_lsn}), 0) "
	"END;";

static const char receiver_sql[] =
	"SELECT w.status, extract(epoch FROM now() - w.last_msg_receipt_time), w.slot_name, ";

static const char replicas_sql[] =
	"SELECT r.application_name, host(r.client_addr), r.state, {diff}(" HEAD ", {r_replayed}),"
	" {one_lag}, r.sync_state FROM pg_catalog.pg_stat_replication r"
	" ORDER BY 4 DESC NULLS LAST LIMIT 8;";

static const char slots_sql[] =
	"SELECT s.slot_name, s.slot_type, {diff}(" HEAD ", s.restart_lsn)"
	" FROM pg_catalog.pg_replication_slots s WHERE NOT s.active AND s.restart_lsn IS NOT NULL"
	" ORDER BY 3 DESC NULLS LAST LIMIT 4;";

static const char queries_sql[] =
	"SELECT s.pid, extract(epoch FROM now() - s.query_start), s.application_name, s.usename,"
	" host(s.client_addr), left(s.query, 1000) FROM pg_catalog.pg_stat_activity s"
	" WHERE {client} AND s.state = 'active' AND s.pid <> pg_backend_pid()"
	" AND pg_is_in_recovery() ORDER BY s.query_start LIMIT 1";

enum answer { ANSWER_STATE, ANSWER_RECEIVER, ANSWER_REPLICAS, ANSWER_SLOTS, ANSWER_QUERIES };

struct replication {
	struct pg_talk talk;
	bool is_standby, is_hidden, is_replaying;
};

static void
write_all(struct buf *out, int version)
{
	pg_sql_write(out, state_sql, version);
	pg_sql_write(out, receiver_sql, version);
	buf_add_text(out, version >= 110000 ? "w.sender_host || ':' || w.sender_port" : "NULL");
	buf_add_text(out, " FROM pg_catalog.pg_stat_wal_receiver w;");
	pg_sql_write(out, replicas_sql, version);
	pg_sql_write(out, slots_sql, version);
	pg_sql_write(out, queries_sql, version);
}

static void
take_state(struct fact_run *run, const PGresult *rows)
{
	struct replication *state = fact_state(run);
	double delay = pg_cell_number(rows, 0, 3), conflicts = pg_cell_number(rows, 0, 4);

	state->is_hidden = !str_eq(pg_cell(rows, 0, 0), "t");
	state->is_standby = str_eq(pg_cell(rows, 0, 1), "t");
	fact_number(run, KEY_STANDBY, state->is_standby);
	if (!state->is_standby)
		return;
	fact_number(run, KEY_PAUSED, pg_cell_number(rows, 0, 2));
	fact_number(run, KEY_DELAY, delay);
	fact_number(run, KEY_CONFLICTS, conflicts);
	state->is_replaying = pg_cell_number(rows, 0, 5) > 0;
	fact_number(run, KEY_REPLAYING, state->is_replaying);
	fact_number(run, KEY_LAG, pg_cell_number(rows, 0, 6));
	fact_number(run, KEY_LAG_BYTES, pg_cell_number(rows, 0, 7));
	if (pg_cell_number(rows, 0, 2) > 0)
		fact_line(run, "replaying is paused (pg_wal_replay_pause)");
	if (delay > 0)
		fact_line(run, "recovery_min_apply_delay is %.0f s", delay);
	if (conflicts > 0)
		fact_line(run, "%.0f queries were cancelled by replaying so far", conflicts);
}

static void
take_receiver(struct fact_run *run, const PGresult *rows)
{
	const struct replication *state = fact_state(run);
	const char *status = pg_cell(rows, 0, 0), *sender = pg_cell(rows, 0, 3);
	double silent = pg_cell_number(rows, 0, 1);

	if (!state->is_standby)
		return;
	if (PQntuples(rows) == 0)
		status = "stopped";
	if (status != NULL)
		fact_text(run, KEY_RECEIVER, "%s", status);
	if (sender != NULL)
		fact_text(run, KEY_SENDER, "%s", sender);
	fact_number(run, KEY_SILENT, silent);
	if (str_eq(status, "streaming") && !state->is_replaying)
		fact_number(run, KEY_LAG, 0); /* the primary has nothing new */
	if (PQntuples(rows) == 0)
		fact_line(run, "a standby; nothing is received from the primary");
	else
		fact_line(run, "a standby; receives from %s: %s", sender != NULL ? sender : "?",
			status != NULL ? status : "state hidden");
}

static void
tell_replica(struct fact_run *run, const PGresult *rows, int row)
{
	char who[128], bytes[32], lag[32];

	pg_client_text(who, sizeof(who), pg_cell(rows, row, 0), NULL, pg_cell(rows, row, 1));
	metric_format(pg_cell_number(rows, row, 3), UNIT_BYTES, bytes, sizeof(bytes));
	metric_format(pg_cell_number(rows, row, 4), UNIT_SECONDS, lag, sizeof(lag));
	fact_line(run, "standby %s: %s (%s), %s behind%s%s", who,
		pg_cell(rows, row, 2) != NULL ? pg_cell(rows, row, 2) : "state hidden",
		pg_cell(rows, row, 5) != NULL ? pg_cell(rows, row, 5) : "?", bytes,
		pg_cell(rows, row, 4) != NULL ? ", " : "",
		pg_cell(rows, row, 4) != NULL ? lag : "");
	if (row > 0)
		return;
	fact_text(run, KEY_WORST, "%s", who);
	if (pg_cell(rows, row, 2) != NULL)
		fact_text(run, KEY_WORST_STATE, "%s", pg_cell(rows, row, 2));
}

static void
take_replicas(struct fact_run *run, const PGresult *rows)
{
	const struct replication *state = fact_state(run);
	int streaming = 0;

	for (int i = 0; i < PQntuples(rows); i++) {
		/* a backup streams, too, and replays nothing */
		streaming +=
			str_eq(pg_cell(rows, i, 2), "streaming") && pg_cell(rows, i, 3) != NULL;
		tell_replica(run, rows, i);
	}
	if (!state->is_hidden)
		fact_number(run, KEY_REPLICAS, streaming);
	if (state->is_standby)
		return;
	fact_number(run, KEY_LAG_BYTES, pg_cell_number(rows, 0, 3));
	fact_number(run, KEY_LAG, pg_cell_number(rows, 0, 4));
	if (PQntuples(rows) == 0)
		fact_line(run, "a primary; no standby is connected");
}

static void
take_slots(struct fact_run *run, const PGresult *rows)
{
	for (int i = 0; i < PQntuples(rows); i++) {
		double held = pg_cell_number(rows, i, 2);
		char bytes[32];

		metric_format(held, UNIT_BYTES, bytes, sizeof(bytes));
		fact_line(run, "slot %s (%s) is read by nobody and holds %s of log back",
			pg_cell(rows, i, 0), pg_cell(rows, i, 1), bytes);
		if (i > 0)
			continue;
		fact_text(run, KEY_SLOT, "%s", pg_cell(rows, i, 0));
		fact_number(run, KEY_SLOT_BYTES, held);
	}
}

static void
take_queries(struct fact_run *run, const PGresult *rows)
{
	char who[128], query[PG_FACT_TEXT], age[32];

	if (PQntuples(rows) == 0)
		return;
	pg_client_text(
		who, sizeof(who), pg_cell(rows, 0, 2), pg_cell(rows, 0, 3), pg_cell(rows, 0, 4));
	pg_cell_sql(rows, 0, 5, query, sizeof(query));
	metric_format(pg_cell_number(rows, 0, 1), UNIT_SECONDS, age, sizeof(age));
	fact_number(run, KEY_QUERY, pg_cell_number(rows, 0, 1));
	fact_number(run, KEY_QUERY_PID, pg_cell_number(rows, 0, 0));
	fact_line(run, "oldest statement here: pid %s (%s) for %s: %.240s", pg_cell(rows, 0, 0),
		who, age, query);
}

static void
take(struct fact_run *run, unsigned nth, const PGresult *rows)
{
	static void (*const takers[])(struct fact_run * run, const PGresult *rows) = {
		[ANSWER_STATE] = take_state,
		[ANSWER_RECEIVER] = take_receiver,
		[ANSWER_REPLICAS] = take_replicas,
		[ANSWER_SLOTS] = take_slots,
		[ANSWER_QUERIES] = take_queries,
	};

	if (nth < sizeof(takers) / sizeof(takers[0]))
		takers[nth](run, rows);
}

static void
conclude(struct fact_run *run)
{
	const struct replication *state = fact_state(run);

	if (state->is_hidden)
		fact_line(run, "details are hidden: GRANT pg_monitor TO \"%s\"", pg_talk_user(run));
	fact_had(run);
}

static const struct pg_talk_plan plan = {
	.write = write_all, .take = take, .conclude = conclude, .takes_any_database = true
};

static void
start(struct fact_run *run)
{
	pg_talk_start(run, &plan);
}

static const char *const types[] = { "postgres", NULL };

const struct fact_type fact_type_pg_replication = {
	.name = "pg-replication",
	.summary = "Standbys and replication slots of a PostgreSQL server, or how it follows its "
		   "primary.",
	.rights = "`GRANT pg_monitor TO` the role of the check's DSN.",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct replication),
	.start = start,
	.stop = pg_talk_stop,
};
