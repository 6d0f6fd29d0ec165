/*
 * my-locks: who waits for a lock in a MySQL server, and whom all of them wait for in the end.
 *
 * Row locks are InnoDB's: MariaDB and MySQL 5.7 have pairs of transactions in information_schema,
 * MySQL 8 in performance_schema.  Of a metadata lock only MySQL 8 says who holds it; elsewhere the
 * oldest transaction that waits for nothing is the one that keeps it, if there is one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/my_ask.h"

#define PAIRS_MAX   200
#define CHAIN_MAX   32
#define SHOWN_LINES 6

enum key {
	BLOCKED,
	ID,
	USER,
	QUERY,
	AGE,
	IDLE,
	BLOCKED_QUERY,
	BLOCKED_AGE,
	METADATA,
	KIND,
	DEADLOCK,
};

static const struct metric_desc keys[] = {
	{ "blocked", METRIC_GAUGE, UNIT_NONE, "Threads that wait for a lock." },
	{ "id", METRIC_GAUGE, UNIT_NONE, "The thread that all of the longest chain wait for." },
	{ "user", METRIC_GAUGE, UNIT_TEXT, "Its account and host." },
	{ "query", METRIC_GAUGE, UNIT_TEXT,
		"What it runs, values hidden; unknown when its transaction is idle." },
	{ "age", METRIC_GAUGE, UNIT_SECONDS, "Age of its transaction." },
	{ "idle", METRIC_FLAG, UNIT_BOOL, "It runs nothing: its transaction was left open." },
	{ "blocked_query", METRIC_GAUGE, UNIT_TEXT, "What waits longest, values hidden." },
	{ "blocked_age", METRIC_GAUGE, UNIT_SECONDS, "For how long it waits." },
	{ "metadata", METRIC_FLAG, UNIT_BOOL, "A change of a table waits, or is waited for." },
	{ "kind", METRIC_GAUGE, UNIT_TEXT, "\"row\", \"metadata\", \"table\" or \"global\"." },
	{ "deadlock", METRIC_GAUGE, UNIT_TEXT,
		"Statements of the latest deadlock, values hidden." },
	{ .name = NULL },
};

struct my_locks {
	struct my_ask ask;
	double rows, others; /* that wait, by kind of lock */
	double id;           /* the root; NAN: not known */
};

/* --- row locks: pairs of who waits and for whom --- */

enum pair { WAITING, WAITING_SQL, WAITED, HOLDER, HOLDER_AGE, PAIR_COLUMNS };

#define PAIR_COLUMNS_SQL                                                                           \
	"SELECT r.trx_mysql_thread_id,LEFT(r.trx_query," MY_SHOWN_SQL "),"                         \
	"TIMESTAMPDIFF(SECOND,r.trx_wait_started," MY_SYSTEM_NOW "),b.trx_mysql_thread_id,"        \
	"TIMESTAMPDIFF(SECOND,b.trx_started," MY_SYSTEM_NOW ") FROM "
#define PAIR_END_SQL                                                                               \
	" JOIN information_schema.innodb_trx r ON r.trx_id=w.%s"                                   \
	" JOIN information_schema.innodb_trx b ON b.trx_id=w.%s ORDER BY 3 DESC LIMIT 200"

static bool
has_data_locks(struct fact_run *run)
{
	const struct mysql_greeting *g = my_ask_server(run);

	return !g->is_mariadb && g->number >= 80001;
}

static bool
ask_pairs(struct fact_run *run, char *out, size_t size)
{
	if (has_data_locks(run))
		snprintf(out, size,
			PAIR_COLUMNS_SQL "performance_schema.data_lock_waits w" PAIR_END_SQL,
			"requesting_engine_transaction_id", "blocking_engine_transaction_id");
	else
		snprintf(out, size,
			PAIR_COLUMNS_SQL "information_schema.innodb_lock_waits w" PAIR_END_SQL,
			"requesting_trx_id", "blocking_trx_id");
	return true;
}

/* The row in which this thread is the one that waits; -1: it waits for nobody. */
static int
row_of_waiting(const struct mysql_result *r, double thread)
{
	for (unsigned i = 0; i < r->row_count && i < PAIRS_MAX; i++)
		if (my_cell_zero(mysql_cell(r, i, WAITING)) == thread)
			return (int)i;
	return -1;
}

/* The pair at the end of the chain that begins with this one. */
static unsigned
root_of(const struct mysql_result *r, unsigned row)
{
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		int next = row_of_waiting(r, my_cell_zero(mysql_cell(r, row, HOLDER)));

		if (next < 0)
			break;
		row = (unsigned)next;
	}
	return row;
}

/* A thread that waits for several is one. */
static unsigned
count_waiting(const struct mysql_result *r)
{
	unsigned count = 0;

	for (unsigned i = 0; i < r->row_count && i < PAIRS_MAX; i++)
		count += row_of_waiting(r, my_cell_zero(mysql_cell(r, i, WAITING))) == (int)i;
	return count;
}

static void
tell_waiting(struct fact_run *run, const char *what, const char *thread, const char *seconds,
	const char *sql, bool is_first)
{
	char masked[400];

	my_mask(sql, masked, sizeof(masked));
	if (is_first) {
		my_fact_text(run, BLOCKED_QUERY, masked);
		my_fact_number(run, BLOCKED_AGE, seconds);
	}
	fact_line(run, "thread %s waits %s s for %s: %s", thread, seconds, what, masked);
}

static void
take_pairs(struct fact_run *run, const struct mysql_result *r)
{
	struct my_locks *state = fact_state(run);
	unsigned root;

	state->rows = count_waiting(r);
	for (unsigned i = 0; i < r->row_count && i < SHOWN_LINES; i++) {
		char what[60];

		snprintf(what, sizeof(what), "a row of thread %.20s",
			my_cell_text(mysql_cell(r, i, HOLDER)));
		tell_waiting(run, what, my_cell_text(mysql_cell(r, i, WAITING)),
			my_cell_text(mysql_cell(r, i, WAITED)),
			my_cell_text(mysql_cell(r, i, WAITING_SQL)), i == 0);
	}
	if (r->row_count == 0)
		return;
	root = root_of(r, 0);
	state->id = my_cell_zero(mysql_cell(r, root, HOLDER));
	my_fact_number(run, AGE, mysql_cell(r, root, HOLDER_AGE));
	fact_text(run, KIND, "row");
}

/* --- locks of tables and of everything --- */

static bool
ask_others(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size,
		"SELECT id,time,LEFT(info," MY_SHOWN_SQL "),state "
		"FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock%' "
		"ORDER BY time DESC LIMIT 50");
	return true;
}

static const char *
kind_of(const char *wait)
{
	if (strstr(wait, "metadata") != NULL)
		return "metadata";
	if (strstr(wait, "global") != NULL || strstr(wait, "backup") != NULL ||
		strstr(wait, "commit") != NULL)
		return "global";
	return "table";
}

static void
take_others(struct fact_run *run, const struct mysql_result *r)
{
	struct my_locks *state = fact_state(run);
	bool is_metadata = false;

	state->others = r->row_count;
	for (unsigned i = 0; i < r->row_count; i++) {
		const char *wait = my_cell_text(mysql_cell(r, i, 3));

		is_metadata |= str_eq(kind_of(wait), "metadata");
		if (i < SHOWN_LINES)
			tell_waiting(run, kind_of(wait), my_cell_text(mysql_cell(r, i, 0)),
				my_cell_text(mysql_cell(r, i, 1)),
				my_cell_text(mysql_cell(r, i, 2)), i == 0 && state->rows == 0);
	}
	fact_number(run, BLOCKED, state->rows + state->others);
	fact_number(run, METADATA, is_metadata);
	if (state->rows == 0 && r->row_count > 0)
		fact_text(run, KIND, "%s", kind_of(my_cell_text(mysql_cell(r, 0, 3))));
}

/* The holder: what MySQL 8 says, else the oldest transaction whose thread waits for no such lock.
 * Of a global lock (FLUSH TABLES WITH READ LOCK, a backup) nobody tells. */
static bool
ask_holder(struct fact_run *run, char *out, size_t size)
{
	const struct my_locks *state = fact_state(run);
	const struct mysql_greeting *g = my_ask_server(run);

	if (!g->is_mariadb && g->number >= 80001)
		str_copy(out, size,
			"SELECT t.processlist_id,NULL FROM performance_schema.metadata_locks p "
			"JOIN performance_schema.metadata_locks h ON h.object_type=p.object_type "
			"AND h.object_schema<=>p.object_schema AND h.object_name<=>p.object_name "
			"AND h.lock_status='GRANTED' AND h.owner_thread_id<>p.owner_thread_id "
			"JOIN performance_schema.threads t ON t.thread_id=h.owner_thread_id "
			"WHERE p.lock_status='PENDING' AND t.processlist_id NOT IN (SELECT id FROM "
			"information_schema.processlist WHERE state LIKE 'Waiting for%lock%') "
			"LIMIT 1");
	else
		str_copy(out, size,
			"SELECT trx_mysql_thread_id,TIMESTAMPDIFF(SECOND,trx_started," MY_SYSTEM_NOW
			") FROM information_schema.innodb_trx WHERE trx_mysql_thread_id<>0 AND "
			"trx_mysql_thread_id NOT IN (SELECT id FROM information_schema.processlist "
			"WHERE state LIKE 'Waiting for%lock%') ORDER BY trx_started LIMIT 1");
	return state->rows == 0 && state->others > 0;
}

static void
take_holder(struct fact_run *run, const struct mysql_result *r)
{
	struct my_locks *state = fact_state(run);

	if (r->row_count == 0)
		return;
	state->id = my_cell_zero(mysql_cell(r, 0, 0));
	my_fact_number(run, AGE, mysql_cell(r, 0, 1));
}

/* --- who that is --- */

static bool
ask_thread(struct fact_run *run, char *out, size_t size)
{
	const struct my_locks *state = fact_state(run);

	if (!(state->id > 0))
		return false;
	snprintf(out, size,
		"SELECT user,SUBSTRING_INDEX(host,':',1),command,time,LEFT(info," MY_SHOWN_SQL
		") FROM information_schema.processlist WHERE id=%.0f",
		state->id);
	return true;
}

static void
take_thread(struct fact_run *run, const struct mysql_result *r)
{
	const struct my_locks *state = fact_state(run);
	bool is_idle = my_cell_is(mysql_cell(r, 0, 2), "Sleep");
	char sql[400];

	fact_number(run, ID, state->id);
	if (r->row_count == 0)
		return;
	my_mask(my_cell_text(mysql_cell(r, 0, 4)), sql, sizeof(sql));
	fact_text(run, USER, "%s from %s", my_cell_text(mysql_cell(r, 0, 0)),
		my_cell_text(mysql_cell(r, 0, 1)));
	fact_number(run, IDLE, is_idle);
	my_fact_text(run, QUERY, sql);
	fact_line(run, "it is held by thread %.0f, %s@%s, %s for %s s%s%s", state->id,
		my_cell_text(mysql_cell(r, 0, 0)), my_cell_text(mysql_cell(r, 0, 1)),
		is_idle ? "idle" : "running", my_cell_text(mysql_cell(r, 0, 3)),
		sql[0] != '\0' ? ": " : " in an open transaction", sql);
}

/* --- the latest deadlock --- */

static double
deadlocks(struct fact_run *run)
{
	const struct sample *sample = fact_sample(run);
	int row = sample != NULL ? metric_index(sample->metrics, "deadlocks_total") : -1;

	return row >= 0 ? sample->values[row] : NAN;
}

static bool
ask_monitor(struct fact_run *run, char *out, size_t size)
{
	str_copy(out, size, "SHOW ENGINE INNODB STATUS");
	return deadlocks(run) > 0;
}

/* Of the monitor's text: the line after "MySQL thread id ..." ("MariaDB thread id ...") of each of
 * the two transactions. */
static size_t
read_statement(const char **at, char *out, size_t size)
{
	const char *thread = strstr(*at, " thread id ");
	const char *line = thread != NULL ? strchr(thread + 1, '\n') : NULL;
	size_t len = line != NULL ? strcspn(line + 1, "\n") : 0;
	char raw[500];

	if (len == 0)
		return 0;
	snprintf(raw, sizeof(raw), "%.*s", (int)(len < 490 ? len : 490), line + 1);
	my_mask(raw, out, size);
	*at = line + 1;
	return strlen(out);
}

static void
take_monitor(struct fact_run *run, const struct mysql_result *r)
{
	const char *text = my_cell_text(mysql_cell(r, 0, 2));
	const char *at = strstr(text, "LATEST DETECTED DEADLOCK");
	char first[200], second[200] = "";

	if (at == NULL || read_statement(&at, first, sizeof(first)) == 0)
		return;
	if (read_statement(&at, second, sizeof(second)) == 0)
		second[0] = '\0';
	fact_text(run, DEADLOCK, "%s <> %s", first, second);
	fact_line(run, "latest deadlock: %s <> %s", first, second);
}

static const struct my_step steps[] = {
	{ .ask = ask_pairs, .take = take_pairs, .rights = MYSQL_RIGHT_PROCESS },
	{ .ask = ask_others, .take = take_others },
	{ .ask = ask_holder, .take = take_holder, .is_optional = true },
	{ .ask = ask_thread, .take = take_thread },
	{ .ask = ask_monitor, .take = take_monitor, .is_optional = true },
	{ .ask = NULL },
};

static void
end(struct fact_run *run)
{
	const struct my_locks *state = fact_state(run);

	if (state->rows + state->others == 0)
		fact_line(run, "nothing waits for a lock now");
	fact_had(run);
}

static void
start(struct fact_run *run)
{
	struct my_locks *state = fact_state(run);

	state->id = NAN;
	my_ask_start(run, steps, end);
}

const struct fact_type fact_type_my_locks = {
	.name = "my-locks",
	.summary = "What waits for a lock in MySQL or MariaDB, and who holds it in the end.",
	.rights = "`PROCESS`; on MySQL 8 also `SELECT ON performance_schema.*`.",
	.keys = keys,
	.types = MY_TYPES,
	.run_size = sizeof(struct my_locks),
	.start = start,
	.stop = my_ask_stop,
};
