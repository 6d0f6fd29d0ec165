/*
 * Who waits for whose lock in a PostgreSQL server.  The answer that helps is the root: the session
 * that waits for nobody and on which, directly or through others, most of them wait.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/pg_talk.h"
#include "probes/postgres_sql.h"

#define EDGES_MAX 100
#define LINES_MAX 6

enum {
	KEY_BLOCKED,
	KEY_PID,
	KEY_STATE,
	KEY_QUERY,
	KEY_USER,
	KEY_CLIENT,
	KEY_AGE,
	KEY_BLOCKED_QUERY,
	KEY_BLOCKED_AGE,
	KEY_BLOCKED_PID,
	KEY_CHAIN,
	KEY_PREPARED,
};

static const struct metric_desc keys[] = {
	{ "blocked", METRIC_GAUGE, UNIT_NONE, "Sessions that wait for a lock of another." },
	{ "pid", METRIC_GAUGE, UNIT_NONE, "The session on which most of them wait in the end." },
	{ "state", METRIC_GAUGE, UNIT_TEXT, "Its state, as `idle in transaction`." },
	{ "query", METRIC_GAUGE, UNIT_TEXT, "Its statement, or its last, without the values." },
	{ "user", METRIC_GAUGE, UNIT_TEXT, "Its role." },
	{ "client", METRIC_GAUGE, UNIT_TEXT, "Its application, and from where." },
	{ "age", METRIC_GAUGE, UNIT_SECONDS, "Age of its transaction." },
	{ "blocked_query", METRIC_GAUGE, UNIT_TEXT, "The statement that has waited longest." },
	{ "blocked_age", METRIC_GAUGE, UNIT_SECONDS, "How long." },
	{ "blocked_pid", METRIC_GAUGE, UNIT_NONE, "Its session." },
	{ "chain", METRIC_GAUGE, UNIT_TEXT, "From that one to the root: who waits for whom." },
	{ "prepared", METRIC_FLAG, UNIT_BOOL,
		"The root is a prepared transaction that belongs to no session." },
	{ .name = NULL },
};

/* The columns of one edge of the graph. */
enum {
	W_PID,
	W_AGE,
	W_ROLE,
	W_APP,
	W_QUERY,
	B_PID,
	B_STATE,
	B_AGE,
	B_ROLE,
	B_APP,
	B_PLACE,
	B_QUERY,
};

static const char sql[] =
	"SELECT {knows};"
	"SELECT w.pid, extract(epoch FROM now() - w.query_start), w.usename, w.application_name,"
	" left(w.query, 1000), p.pid, b.state, extract(epoch FROM now() - b.xact_start), b.usename,"
	" b.application_name, host(b.client_addr), left(b.query, 1000)"
	" FROM pg_catalog.pg_stat_activity w"
	" CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS p(pid)"
	" LEFT JOIN pg_catalog.pg_stat_activity b ON b.pid = p.pid"
	" WHERE w.wait_event_type = 'Lock' ORDER BY w.query_start LIMIT 100";

struct blockers {
	struct pg_talk talk;
	bool is_hidden;
	int count;
	/* Of each edge: pids, and whom its waiter waits for in the end. */
	int waiter[EDGES_MAX], holder[EDGES_MAX], root[EDGES_MAX];
};

/* The first edge in which this one waits; -1: it waits for nobody. */
static int
edge_of(const struct blockers *state, int pid)
{
	for (int i = 0; i < state->count; i++)
		if (state->waiter[i] == pid)
			return i;
	return -1;
}

/* Along the chain; it may be a ring for the moment until the server notices the deadlock. */
static int
root_of(const struct blockers *state, int pid)
{
	for (int steps = 0; steps < EDGES_MAX; steps++) {
		int edge = edge_of(state, pid);

		if (edge < 0)
			return pid;
		pid = state->holder[edge];
	}
	return pid;
}

static bool
is_first_edge(const struct blockers *state, int edge)
{
	return edge_of(state, state->waiter[edge]) == edge;
}

/* The root below which most wait. */
static int
worst_root(const struct blockers *state)
{
	int worst = state->root[0], most = 0;

	for (int i = 0; i < state->count; i++) {
		int count = 0;

		for (int k = 0; k < state->count; k++)
			count += state->root[k] == state->root[i] && is_first_edge(state, k);
		if (count > most) {
			worst = state->root[i];
			most = count;
		}
	}
	return worst;
}

/* Who has waited longest of those that wait for this one in the end. */
static int
first_below(const struct blockers *state, int root)
{
	for (int i = 0; i < state->count; i++)
		if (state->root[i] == root)
			return i;
	return 0;
}

static void
tell_chain(struct fact_run *run, const struct blockers *state, int pid)
{
	char chain[240] = "";
	size_t len = 0;

	for (int steps = 0; steps < 8; steps++) {
		int edge = edge_of(state, pid);

		len += (size_t)snprintf(chain + len, sizeof(chain) - len, "%s%d",
			steps > 0 ? " waits for " : "", pid);
		if (edge < 0 || len + 32 > sizeof(chain))
			break;
		pid = state->holder[edge];
	}
	fact_text(run, KEY_CHAIN, "%s", chain);
}

static void
tell_root(struct fact_run *run, const PGresult *rows, int root)
{
	const struct blockers *state = fact_state(run);
	char query[PG_FACT_TEXT], who[128], age[32];
	const char *held;
	int row = 0;

	while (row < state->count && state->holder[row] != root)
		row++;
	fact_number(run, KEY_PREPARED, root == 0);
	if (row == state->count)
		return; /* a ring */
	if (root == 0) {
		fact_line(run, "the lock belongs to a prepared transaction: see pg_prepared_xacts");
		return;
	}
	held = pg_cell(rows, row, B_STATE);
	pg_client_text(who, sizeof(who), pg_cell(rows, row, B_APP), pg_cell(rows, row, B_ROLE),
		pg_cell(rows, row, B_PLACE));
	pg_cell_sql(rows, row, B_QUERY, query, sizeof(query));
	fact_number(run, KEY_PID, root);
	fact_number(run, KEY_AGE, pg_cell_number(rows, row, B_AGE));
	fact_text(run, KEY_STATE, "%s", held != NULL ? held : "?");
	fact_text(run, KEY_QUERY, "%.240s", query);
	fact_text(run, KEY_CLIENT, "%s", who);
	if (pg_cell(rows, row, B_ROLE) != NULL)
		fact_text(run, KEY_USER, "%s", pg_cell(rows, row, B_ROLE));
	metric_format(pg_cell_number(rows, row, B_AGE), UNIT_SECONDS, age, sizeof(age));
	fact_line(run, "pid %d (%s, role %s) holds the lock, %s, in a transaction of %s: %.240s",
		root, who, pg_cell(rows, row, B_ROLE) != NULL ? pg_cell(rows, row, B_ROLE) : "?",
		held != NULL ? held : "?", age, query);
}

static void
tell_waiters(struct fact_run *run, const PGresult *rows)
{
	const struct blockers *state = fact_state(run);
	int told = 0;

	for (int i = 0; i < state->count && told < LINES_MAX; i++) {
		char query[PG_FACT_TEXT], who[128], age[32];

		if (!is_first_edge(state, i))
			continue;
		told++;
		pg_client_text(
			who, sizeof(who), pg_cell(rows, i, W_APP), pg_cell(rows, i, W_ROLE), NULL);
		pg_cell_sql(rows, i, W_QUERY, query, sizeof(query));
		metric_format(pg_cell_number(rows, i, W_AGE), UNIT_SECONDS, age, sizeof(age));
		fact_line(run, "pid %d (%s) waits %s for pid %d: %.160s", state->waiter[i], who,
			age, state->holder[i], query);
	}
}

static int
count_waiters(const struct blockers *state)
{
	int count = 0;

	for (int i = 0; i < state->count; i++)
		count += is_first_edge(state, i);
	return count;
}

static void
take_edges(struct fact_run *run, const PGresult *rows)
{
	struct blockers *state = fact_state(run);
	char query[PG_FACT_TEXT];
	int root, first;

	for (int i = 0; i < PQntuples(rows) && state->count < EDGES_MAX; i++) {
		double waiter = pg_cell_number(rows, i, W_PID),
		       holder = pg_cell_number(rows, i, B_PID);

		state->waiter[i] = waiter > 0 ? (int)fmin(waiter, INT32_MAX) : -1;
		state->holder[i] = holder > 0 ? (int)fmin(holder, INT32_MAX) : 0;
		state->count = i + 1;
	}
	if (state->count == 0)
		return;
	for (int i = 0; i < state->count; i++)
		state->root[i] = root_of(state, state->waiter[i]);
	root = worst_root(state);
	first = first_below(state, root);
	fact_number(run, KEY_BLOCKED, count_waiters(state));
	fact_number(run, KEY_BLOCKED_PID, state->waiter[first]);
	fact_number(run, KEY_BLOCKED_AGE, pg_cell_number(rows, first, W_AGE));
	pg_cell_sql(rows, first, W_QUERY, query, sizeof(query));
	fact_text(run, KEY_BLOCKED_QUERY, "%.240s", query);
	tell_chain(run, state, state->waiter[first]);
	tell_root(run, rows, root);
	tell_waiters(run, rows);
}

static void
write_all(struct buf *out, int version)
{
	pg_sql_write(out, sql, version);
}

static void
take(struct fact_run *run, unsigned nth, const PGresult *rows)
{
	struct blockers *state = fact_state(run);

	if (nth == 0)
		state->is_hidden = !str_eq(pg_cell(rows, 0, 0), "t");
	else
		take_edges(run, rows);
}

static void
conclude(struct fact_run *run)
{
	const struct blockers *state = fact_state(run);

	if (state->count == 0 && state->is_hidden) {
		fact_missed(run, "who waits for whom is hidden: GRANT pg_monitor TO \"%s\"",
			pg_talk_user(run));
		return;
	}
	if (state->count == 0) {
		fact_number(run, KEY_BLOCKED, 0);
		fact_line(run, "nobody waits for a lock now");
	}
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

const struct fact_type fact_type_pg_blockers = {
	.name = "pg-blockers",
	.summary = "Which session of a PostgreSQL server the others wait for.",
	.rights = "`GRANT pg_monitor TO` the role of the check's DSN.",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct blockers),
	.start = start,
	.stop = pg_talk_stop,
};
