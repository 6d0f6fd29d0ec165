/* my-replication: what a replica says of its channels; the one that is worst off counts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/my_ask.h"
#include "probes/mysql_replica.h"

enum key {
	REPLICA,
	IO,
	SQL,
	IO_ERRNO,
	SQL_ERRNO,
	ERROR,
	LAG,
	DELAY,
	BEHIND,
	SOURCE,
	IO_STATE,
	SQL_STATE,
	STOPPED,
	RELAY_BYTES,
	WORKERS,
	APPLYING,
};

static const struct metric_desc keys[] = {
	{ "replica", METRIC_FLAG, UNIT_BOOL, "The server replicates from another." },
	{ "io", METRIC_GAUGE, UNIT_TEXT, "The thread that fetches: Yes, No, Connecting." },
	{ "sql", METRIC_GAUGE, UNIT_TEXT, "The thread that applies: Yes, No." },
	{ "io_errno", METRIC_GAUGE, UNIT_NONE, "Last error of fetching; 0: none." },
	{ "sql_errno", METRIC_GAUGE, UNIT_NONE, "Last error of applying; 0: none." },
	{ "error", METRIC_GAUGE, UNIT_TEXT, "The last error's text, values hidden." },
	{ "lag", METRIC_GAUGE, UNIT_SECONDS, "How far behind, without a delay that is wanted." },
	{ "delay", METRIC_GAUGE, UNIT_SECONDS, "The delay that is wanted (SQL_Delay)." },
	{ "behind", METRIC_GAUGE, UNIT_TEXT,
		"\"io\": it does not fetch; \"sql\": it has fetched more than it has applied." },
	{ "source", METRIC_GAUGE, UNIT_TEXT, "Host and port of the server it replicates from." },
	{ "io_state", METRIC_GAUGE, UNIT_TEXT, "What the fetching thread does." },
	{ "sql_state", METRIC_GAUGE, UNIT_TEXT, "What the applying thread does." },
	{ "stopped", METRIC_FLAG, UNIT_BOOL, "A thread is stopped without an error: by somebody." },
	{ "relay_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the relay logs." },
	{ "workers", METRIC_GAUGE, UNIT_NONE, "Threads that apply in parallel; 0: one by one." },
	{ "applying", METRIC_GAUGE, UNIT_SECONDS,
		"For how long the applier has been at its present transaction." },
	{ .name = NULL },
};

struct my_replication {
	struct my_ask ask;
	bool is_replica;
};

static const char *
text_of(const struct mysql_result *r, unsigned row, const char *name, const char *old)
{
	return my_cell_text(mysql_cell_of(r, row, name, old));
}

static double
number_of(const struct mysql_result *r, unsigned row, const char *name, const char *old)
{
	return mysql_number(mysql_cell_of(r, row, name, old));
}

static double
lag_of(const struct mysql_result *r, unsigned row)
{
	double behind = number_of(r, row, "Seconds_Behind_Source", "Seconds_Behind_Master");
	double delay = number_of(r, row, "SQL_Delay", NULL);

	return isfinite(behind) ? fmax(0, behind - (isfinite(delay) ? delay : 0)) : NAN;
}

static bool
is_running(const struct mysql_result *r, unsigned row)
{
	return str_eq(text_of(r, row, "Replica_IO_Running", "Slave_IO_Running"), "Yes") &&
	       str_eq(text_of(r, row, "Replica_SQL_Running", "Slave_SQL_Running"), "Yes");
}

/* One that does not run, else the one with the largest lag. */
static unsigned
worst_channel(const struct mysql_result *r)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < r->row_count; i++) {
		if (!is_running(r, i))
			return i;
		if (lag_of(r, i) > lag_of(r, worst))
			worst = i;
	}
	return worst;
}

/* What was fetched and not applied: another file, or more of the same one. */
static const char *
behind_of(const struct mysql_result *r, unsigned row)
{
	const char *io = text_of(r, row, "Replica_IO_Running", "Slave_IO_Running");
	const char *fetched = text_of(r, row, "Source_Log_File", "Master_Log_File");
	const char *applied = text_of(r, row, "Relay_Source_Log_File", "Relay_Master_Log_File");
	double read = number_of(r, row, "Read_Source_Log_Pos", "Read_Master_Log_Pos");
	double done = number_of(r, row, "Exec_Source_Log_Pos", "Exec_Master_Log_Pos");

	if (!str_eq(io, "Yes"))
		return "io";
	return !str_eq(fetched, applied) || read > done ? "sql" : "";
}

/* What of "Error 'Unknown database 'x'' on query. Default database..." names the trouble. */
static void
shorten_error(char *text)
{
	static const char head[] = "Error '", tail[] = "' on query";
	char *end = strstr(text, tail);

	if (!str_starts(text, head) || end == NULL)
		return;
	*end = '\0';
	memmove(text, text + strlen(head), strlen(text + strlen(head)) + 1);
}

static void
tell_error(struct fact_run *run, const struct mysql_result *r, unsigned row)
{
	const char *raw = text_of(r, row, "Last_SQL_Error", NULL);
	char text[500];

	if (raw[0] == '\0')
		raw = text_of(r, row, "Last_IO_Error", NULL);
	if (raw[0] == '\0')
		return;
	mysql_replica_error(raw, text, sizeof(text));
	fact_line(run, "%s", text);
	shorten_error(text);
	fact_text(run, ERROR, "%s", text);
}

static void
tell_threads(struct fact_run *run, const struct mysql_result *r, unsigned row)
{
	const char *io = text_of(r, row, "Replica_IO_Running", "Slave_IO_Running");
	const char *sql = text_of(r, row, "Replica_SQL_Running", "Slave_SQL_Running");
	double io_errno = number_of(r, row, "Last_IO_Errno", NULL);
	double sql_errno = number_of(r, row, "Last_SQL_Errno", NULL);

	fact_text(run, IO, "%s", io);
	fact_text(run, SQL, "%s", sql);
	fact_number(run, IO_ERRNO, io_errno);
	fact_number(run, SQL_ERRNO, sql_errno);
	fact_number(run, STOPPED,
		(str_eq(io, "No") && io_errno == 0) || (str_eq(sql, "No") && sql_errno == 0));
	my_fact_text(run, IO_STATE, mysql_cell_of(r, row, "Replica_IO_State", "Slave_IO_State"));
	my_fact_text(run, SQL_STATE,
		mysql_cell_of(r, row, "Replica_SQL_Running_State", "Slave_SQL_Running_State"));
	fact_line(run, "from %s:%s: IO %s (%.0f), SQL %s (%.0f)",
		text_of(r, row, "Source_Host", "Master_Host"),
		text_of(r, row, "Source_Port", "Master_Port"), io, io_errno, sql, sql_errno);
}

static bool
ask_status(struct fact_run *run, char *out, size_t size)
{
	str_copy(out, size, mysql_replica_sql(my_ask_server(run)));
	return true;
}

static void
take_status(struct fact_run *run, const struct mysql_result *r)
{
	struct my_replication *state = fact_state(run);
	unsigned row = worst_channel(r);
	double lag = lag_of(r, row);

	state->is_replica = r->row_count > 0;
	fact_number(run, REPLICA, state->is_replica);
	if (!state->is_replica)
		return;
	tell_threads(run, r, row);
	tell_error(run, r, row);
	fact_text(run, SOURCE, "%s:%s", text_of(r, row, "Source_Host", "Master_Host"),
		text_of(r, row, "Source_Port", "Master_Port"));
	if (isfinite(lag))
		fact_number(run, LAG, lag);
	fact_number(run, DELAY, my_cell_zero(mysql_cell_of(r, row, "SQL_Delay", NULL)));
	fact_text(run, BEHIND, "%s", behind_of(r, row));
	my_fact_number(run, RELAY_BYTES, mysql_cell_of(r, row, "Relay_Log_Space", NULL));
	fact_line(run, "lag %s s, wanted delay %s s; applier: %s; relay logs %s bytes",
		text_of(r, row, "Seconds_Behind_Source", "Seconds_Behind_Master"),
		text_of(r, row, "SQL_Delay", NULL),
		text_of(r, row, "Replica_SQL_Running_State", "Slave_SQL_Running_State"),
		text_of(r, row, "Relay_Log_Space", NULL));
}

/* --- how it applies --- */

static bool
ask_workers(struct fact_run *run, char *out, size_t size)
{
	const struct my_replication *state = fact_state(run);
	const struct mysql_greeting *g = my_ask_server(run);
	const char *name = "slave_parallel_workers";

	if (g->is_mariadb)
		name = "slave_parallel_threads";
	else if (g->number >= 80026)
		name = "replica_parallel_workers";
	snprintf(out, size, "SELECT @@global.%s", name);
	return state->is_replica;
}

static void
take_workers(struct fact_run *run, const struct mysql_result *r)
{
	my_fact_number(run, WORKERS, mysql_cell(r, 0, 0));
}

/* The applier's own transaction; its threads are those of nobody. */
static bool
ask_applying(struct fact_run *run, char *out, size_t size)
{
	const struct my_replication *state = fact_state(run);

	str_copy(out, size,
		"SELECT MAX(TIMESTAMPDIFF(SECOND,t.trx_started," MY_SYSTEM_NOW
		")) FROM information_schema.innodb_trx t JOIN information_schema.processlist p "
		"ON p.id=t.trx_mysql_thread_id WHERE p.user='system user'");
	return state->is_replica;
}

static void
take_applying(struct fact_run *run, const struct mysql_result *r)
{
	my_fact_number(run, APPLYING, mysql_cell(r, 0, 0));
}

static const struct my_step steps[] = {
	{ .ask = ask_status, .take = take_status, .rights = MYSQL_RIGHT_REPLICA },
	{ .ask = ask_workers, .take = take_workers, .is_optional = true },
	{ .ask = ask_applying,
		.take = take_applying,
		.rights = MYSQL_RIGHT_PROCESS,
		.is_optional = true },
	{ .ask = NULL },
};

static void
end(struct fact_run *run)
{
	const struct my_replication *state = fact_state(run);

	if (state->is_replica)
		fact_had(run);
	else
		fact_none(run, "the server replicates from nobody");
}

static void
start(struct fact_run *run)
{
	my_ask_start(run, steps, end);
}

const struct fact_type fact_type_my_replication = {
	.name = "my-replication",
	.summary = "What a MySQL or MariaDB replica says of its threads, errors and lag.",
	.rights = "`SLAVE MONITOR` (MariaDB) or `REPLICATION CLIENT` (MySQL); `PROCESS` for the "
		  "age of the applier's transaction.",
	.keys = keys,
	.types = MY_TYPES,
	.run_size = sizeof(struct my_replication),
	.start = start,
	.stop = my_ask_stop,
};
