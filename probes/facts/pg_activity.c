/*
 * Who holds the sessions of a PostgreSQL server, and who has been at it longest: the statement that
 * runs, the transaction, the one that sleeps inside its transaction.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "probes/facts/pg_talk.h"
#include "probes/postgres_sql.h"

enum {
	KEY_CONNECTIONS,
	KEY_MAX,
	KEY_RESERVED,
	KEY_PERCENT,
	KEY_ACTIVE,
	KEY_IDLE,
	KEY_IN_TX,
	KEY_WAITING,
	KEY_OLDEST_IDLE,
	KEY_TOP,
	KEY_TOP_COUNT,
	KEY_TOP_IDLE,
	KEY_QUERY,
	KEY_QUERY_PID,
	KEY_QUERY_TEXT,
	KEY_QUERY_CLIENT,
	KEY_QUERY_WAIT,
	KEY_TX,
	KEY_TX_PID,
	KEY_TX_CLIENT,
	KEY_IN_TX_TIME,
	KEY_IN_TX_PID,
	KEY_IN_TX_CLIENT,
	KEY_IN_TX_TEXT,
	KEY_SCANNED,
	KEY_SCANNED_ROWS,
	KEY_HIDDEN,
};

static const struct metric_desc keys[] = {
	{ "connections", METRIC_GAUGE, UNIT_NONE, "Client sessions." },
	{ "max", METRIC_GAUGE, UNIT_NONE, "max_connections." },
	{ "reserved", METRIC_GAUGE, UNIT_NONE, "Those kept for superusers." },
	{ "percent", METRIC_GAUGE, UNIT_PERCENT, "Sessions, of those that anybody may have." },
	{ "active", METRIC_GAUGE, UNIT_NONE, "Sessions with a statement under way." },
	{ "idle", METRIC_GAUGE, UNIT_NONE, "Sessions that do nothing." },
	{ "idle_in_transaction", METRIC_GAUGE, UNIT_NONE,
		"Sessions that hold a transaction open and do nothing." },
	{ "waiting", METRIC_GAUGE, UNIT_NONE, "Sessions that wait for a lock." },
	{ "oldest_idle", METRIC_GAUGE, UNIT_SECONDS, "How long the one idle longest has been so." },
	{ "top_client", METRIC_GAUGE, UNIT_TEXT, "Who has most sessions." },
	{ "top_count", METRIC_GAUGE, UNIT_NONE, "How many these are." },
	{ "top_idle", METRIC_GAUGE, UNIT_NONE, "How many of these do nothing." },
	{ "longest_query", METRIC_GAUGE, UNIT_SECONDS, "Age of the oldest statement that runs." },
	{ "longest_query_pid", METRIC_GAUGE, UNIT_NONE, "Its session." },
	{ "longest_query_text", METRIC_GAUGE, UNIT_TEXT, "The statement, without its values." },
	{ "longest_query_client", METRIC_GAUGE, UNIT_TEXT, "Whose it is." },
	{ "longest_query_wait", METRIC_GAUGE, UNIT_TEXT, "What it waits for, as IO/DataFileRead." },
	{ "longest_transaction", METRIC_GAUGE, UNIT_SECONDS, "Age of the oldest transaction." },
	{ "longest_transaction_pid", METRIC_GAUGE, UNIT_NONE, "Its session." },
	{ "longest_transaction_client", METRIC_GAUGE, UNIT_TEXT, "Whose it is." },
	{ "idle_in_transaction_time", METRIC_GAUGE, UNIT_SECONDS,
		"How long the longest of those has slept." },
	{ "idle_in_transaction_pid", METRIC_GAUGE, UNIT_NONE, "Its session." },
	{ "idle_in_transaction_client", METRIC_GAUGE, UNIT_TEXT, "Whose it is." },
	{ "idle_in_transaction_text", METRIC_GAUGE, UNIT_TEXT, "What it did last." },
	{ "scanned_table", METRIC_GAUGE, UNIT_TEXT,
		"A large table in the longest statement that is mostly read row by row." },
	{ "scanned_rows", METRIC_GAUGE, UNIT_NONE, "Rows that it has." },
	{ "hidden", METRIC_FLAG, UNIT_BOOL, "Sessions of others cannot be seen." },
	{ .name = NULL },
};

static const char summary_sql[] =
	"SELECT {knows}, current_setting('max_connections')::int,"
	" current_setting('superuser_reserved_connections')::int"
	"  + coalesce(current_setting('reserved_connections', true)::int, 0),"
	" count(*), count(*) FILTER (WHERE s.state = 'active'),"
	" count(*) FILTER (WHERE s.state = 'idle'),"
	" count(*) FILTER (WHERE s.state LIKE 'idle in %'),"
	" count(*) FILTER (WHERE s.wait_event_type = 'Lock'),"
	" extract(epoch FROM max(now() - s.state_change) FILTER (WHERE s.state = 'idle'))"
	" FROM pg_catalog.pg_stat_activity s WHERE {client};";

static const char clients_sql[] =
	"SELECT count(*), s.application_name, s.usename, host(s.client_addr),"
	" count(*) FILTER (WHERE s.state = 'idle'),"
	" count(*) FILTER (WHERE s.state LIKE 'idle in %'),"
	" extract(epoch FROM max(now() - s.state_change) FILTER (WHERE s.state = 'idle'))"
	" FROM pg_catalog.pg_stat_activity s WHERE {client}"
	" GROUP BY 2, 3, 4 ORDER BY 1 DESC LIMIT 5;";

/* The longest of three kinds; the columns are those of `longest`. */
#define LONGEST(kind, since, condition)                                                            \
	"(SELECT " kind ", s.pid, extract(epoch FROM now() - s." since "), s.application_name,"    \
	" s.usename, host(s.client_addr), left(s.query, 1000), s.state,"                           \
	" s.wait_event_type || '/' || s.wait_event"                                                \
	" FROM pg_catalog.pg_stat_activity s WHERE {client} AND s.pid <> pg_backend_pid()"         \
	" AND " condition " ORDER BY s." since " LIMIT 1)"

static const char longest_sql[] = LONGEST("0", "query_start",
	"s.state = 'active' AND s.wait_event_type IS DISTINCT FROM 'Lock'") " UNION ALL " LONGEST("1",
	"xact_start", "s.xact_start IS NOT NULL") " UNION ALL " LONGEST("2", "state_change",
	"s.state LIKE 'idle in %'") ";";

static const char tables_sql[] =
	"SELECT quote_ident(t.relname), t.n_live_tup, t.seq_scan, coalesce(t.idx_scan, 0)"
	" FROM pg_catalog.pg_stat_user_tables t"
	" WHERE t.n_live_tup > 10000 AND t.seq_scan > coalesce(t.idx_scan, 0)"
	" ORDER BY t.seq_tup_read DESC LIMIT 20";

enum answer { ANSWER_SUMMARY, ANSWER_CLIENTS, ANSWER_LONGEST, ANSWER_TABLES };

enum { KIND_QUERY, KIND_TX, KIND_IN_TX };

struct activity {
	struct pg_talk talk;
	bool is_hidden;
	char query[PG_FACT_TEXT]; /* the longest statement, as it was given */
};

static void
write_all(struct buf *out, int version)
{
	pg_sql_write(out, summary_sql, version);
	pg_sql_write(out, clients_sql, version);
	pg_sql_write(out, longest_sql, version);
	pg_sql_write(out, tables_sql, version);
}

static void
take_summary(struct fact_run *run, const PGresult *rows)
{
	struct activity *state = fact_state(run);
	double max = pg_cell_number(rows, 0, 1), reserved = pg_cell_number(rows, 0, 2);
	double count = pg_cell_number(rows, 0, 3), slots = fmax(max - reserved, 1);

	state->is_hidden = !str_eq(pg_cell(rows, 0, 0), "t");
	fact_number(run, KEY_HIDDEN, state->is_hidden);
	fact_number(run, KEY_MAX, max);
	fact_number(run, KEY_RESERVED, reserved);
	fact_number(run, KEY_CONNECTIONS, count);
	fact_number(run, KEY_PERCENT, 100 * count / slots);
	if (state->is_hidden) {
		fact_line(run,
			"%.0f of %.0f sessions (max_connections %.0f, %.0f reserved); what others "
			"do is "
			"hidden: GRANT pg_monitor TO \"%s\"",
			count, slots, max, reserved, pg_talk_user(run));
		return;
	}
	for (int i = 0; i < 5; i++)
		fact_number(run, KEY_ACTIVE + i, pg_cell_number(rows, 0, 4 + i));
	fact_line(run,
		"%.0f of %.0f sessions (max_connections %.0f, %.0f reserved): %.0f active, %.0f "
		"idle, %.0f idle in transaction, %.0f wait for a lock",
		count, slots, max, reserved, pg_cell_number(rows, 0, 4), pg_cell_number(rows, 0, 5),
		pg_cell_number(rows, 0, 6), pg_cell_number(rows, 0, 7));
}

static void
take_clients(struct fact_run *run, const PGresult *rows)
{
	const struct activity *state = fact_state(run);

	for (int i = 0; i < PQntuples(rows); i++) {
		char who[128];

		pg_client_text(who, sizeof(who), pg_cell(rows, i, 1), pg_cell(rows, i, 2),
			pg_cell(rows, i, 3));
		if (i == 0) {
			fact_text(run, KEY_TOP, "%s", who);
			fact_number(run, KEY_TOP_COUNT, pg_cell_number(rows, i, 0));
			if (!state->is_hidden)
				fact_number(run, KEY_TOP_IDLE, pg_cell_number(rows, i, 4));
		}
		if (state->is_hidden)
			fact_line(run, "%s of %s", pg_cell(rows, i, 0), who);
		else
			fact_line(run, "%s of %s (role %s): %s idle, %s idle in transaction",
				pg_cell(rows, i, 0), who, pg_cell(rows, i, 2), pg_cell(rows, i, 4),
				pg_cell(rows, i, 5));
	}
}

/* Of each kind: where its age, session, statement, owner and wait go; -1: nowhere. */
static const struct {
	int age, pid, text, client, wait;
	const char *what;
} kinds[] = {
	[KIND_QUERY] = { KEY_QUERY, KEY_QUERY_PID, KEY_QUERY_TEXT, KEY_QUERY_CLIENT, KEY_QUERY_WAIT,
		"runs" },
	[KIND_TX] = { KEY_TX, KEY_TX_PID, -1, KEY_TX_CLIENT, -1, "has a transaction open" },
	[KIND_IN_TX] = { KEY_IN_TX_TIME, KEY_IN_TX_PID, KEY_IN_TX_TEXT, KEY_IN_TX_CLIENT, -1,
		"is idle in its transaction" },
};

static void
take_longest(struct fact_run *run, const PGresult *rows)
{
	struct activity *state = fact_state(run);

	for (int i = 0; i < PQntuples(rows); i++) {
		double kind = pg_cell_number(rows, i, 0), age = pg_cell_number(rows, i, 2);
		const char *wait = pg_cell(rows, i, 8), *query = pg_cell(rows, i, 6);
		char who[128], sql[PG_FACT_TEXT], since[32];

		if (!(kind >= 0 && kind < (double)(sizeof(kinds) / sizeof(kinds[0]))) || isnan(age))
			continue;
		pg_client_text(who, sizeof(who), pg_cell(rows, i, 3), pg_cell(rows, i, 4),
			pg_cell(rows, i, 5));
		pg_cell_sql(rows, i, 6, sql, sizeof(sql));
		fact_number(run, kinds[(int)kind].age, age);
		fact_number(run, kinds[(int)kind].pid, pg_cell_number(rows, i, 1));
		fact_text(run, kinds[(int)kind].client, "%s", who);
		if (kinds[(int)kind].text >= 0)
			fact_text(run, kinds[(int)kind].text, "%.240s", sql);
		if (kinds[(int)kind].wait >= 0 && wait != NULL)
			fact_text(run, kinds[(int)kind].wait, "%s", wait);
		if ((int)kind == KIND_QUERY && query != NULL)
			str_copy(state->query, sizeof(state->query), query);
		metric_format(age, UNIT_SECONDS, since, sizeof(since));
		fact_line(run, "pid %s (%s) %s for %s: %.240s", pg_cell(rows, i, 1), who,
			kinds[(int)kind].what, since, sql);
	}
}

/* A table that the longest statement names; the first has cost most. */
static void
take_tables(struct fact_run *run, const PGresult *rows)
{
	const struct activity *state = fact_state(run);

	for (int i = 0; i < PQntuples(rows); i++) {
		const char *name = pg_cell(rows, i, 0);

		if (name == NULL || name[0] == '\0' || strstr(state->query, name) == NULL)
			continue;
		fact_text(run, KEY_SCANNED, "%s", name);
		fact_number(run, KEY_SCANNED_ROWS, pg_cell_number(rows, i, 1));
		fact_line(run,
			"table %s (about %s rows): read row by row %s times, by index %s times",
			name, pg_cell(rows, i, 1), pg_cell(rows, i, 2), pg_cell(rows, i, 3));
		return;
	}
}

static void
take(struct fact_run *run, unsigned nth, const PGresult *rows)
{
	switch (nth) {
	case ANSWER_SUMMARY:
		take_summary(run, rows);
		break;
	case ANSWER_CLIENTS:
		take_clients(run, rows);
		break;
	case ANSWER_LONGEST:
		take_longest(run, rows);
		break;
	case ANSWER_TABLES:
		take_tables(run, rows);
		break;
	default:
		break;
	}
}

static const struct pg_talk_plan plan = {
	.write = write_all, .take = take, .conclude = fact_had, .takes_any_database = true
};

static void
start(struct fact_run *run)
{
	pg_talk_start(run, &plan);
}

static const char *const types[] = { "postgres", NULL };

const struct fact_type fact_type_pg_activity = {
	.name = "pg-activity",
	.summary = "Sessions of a PostgreSQL server: how many, whose, and which have been busy "
		   "longest.",
	.rights = "`GRANT pg_monitor TO` the role of the check's DSN; without it only counts are "
		  "seen.",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct activity),
	.start = start,
	.stop = pg_talk_stop,
};
