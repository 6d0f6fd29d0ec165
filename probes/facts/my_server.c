/* my-server: what a MySQL server is and how it is set: roles, limits, binary logs, times. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/my_ask.h"
#include "probes/mysql_replica.h"

enum key {
	VERSION,
	DATA_DIR,
	READ_ONLY,
	SUPER_READ_ONLY,
	REPLICA,
	MAX_CONNECTIONS,
	BINLOG_BYTES,
	BINLOG_COUNT,
	BINLOG_OLDEST,
	BINLOG_EXPIRE,
	BINLOG_FIRST,
	SLOW_LOG,
	LONG_QUERY,
	UPTIME,
	TIME_ZONE,
	PARSE_TIME,
	CHARSET,
};

static const struct metric_desc keys[] = {
	{ "version", METRIC_GAUGE, UNIT_TEXT, "As the server says it." },
	{ "data_dir", METRIC_GAUGE, UNIT_TEXT, "Where it keeps its data." },
	{ "read_only", METRIC_FLAG, UNIT_BOOL, "It refuses writes of ordinary users." },
	{ "super_read_only", METRIC_FLAG, UNIT_BOOL, "And of administrators (MySQL)." },
	{ "replica", METRIC_FLAG, UNIT_BOOL, "It replicates from another server." },
	{ "max_connections", METRIC_GAUGE, UNIT_NONE, "Its limit." },
	{ "binlog_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of all binary logs." },
	{ "binlog_count", METRIC_GAUGE, UNIT_NONE, "How many there are." },
	{ "binlog_oldest", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest, where its file can be seen from here." },
	{ "binlog_expire", METRIC_GAUGE, UNIT_SECONDS, "They go after so long; 0: never." },
	{ "binlog_first", METRIC_GAUGE, UNIT_TEXT, "Name of the oldest." },
	{ "slow_log", METRIC_FLAG, UNIT_BOOL, "Slow statements are logged." },
	{ "long_query", METRIC_GAUGE, UNIT_SECONDS, "What it calls slow (long_query_time)." },
	{ "uptime", METRIC_GAUGE, UNIT_SECONDS, "Since it started." },
	{ "time_zone", METRIC_GAUGE, UNIT_TEXT, "Its global time zone." },
	{ "parse_time", METRIC_FLAG, UNIT_BOOL,
		"The DSN of a Go program has parseTime=true; unknown for other forms." },
	{ "charset", METRIC_GAUGE, UNIT_TEXT, "The character set that the DSN asks for." },
	{ .name = NULL },
};

struct my_server {
	struct my_ask ask;
	bool has_binlog;
};

static bool
is_on(const char *cell)
{
	return cell != NULL && !str_eq(cell, "0") && !my_cell_is(cell, "OFF");
}

/* --- the DSN: known without asking anybody --- */

static void
tell_dsn(struct fact_run *run)
{
	const struct mysql_conf *conf = fact_check(run)->conf;
	const char *parse = dsn_param(&conf->parsed, "parseTime");
	const char *charset = dsn_param(&conf->parsed, "charset");

	if (strstr(conf->dsn, "://") == NULL)
		fact_number(run, PARSE_TIME, parse != NULL && my_cell_is(parse, "true"));
	my_fact_text(run, CHARSET, charset);
	if (conf->remark != NULL)
		fact_line(run, "the DSN: %s", conf->remark);
}

/* --- variables --- */

enum variable {
	V_VERSION,
	V_DATA_DIR,
	V_READ_ONLY,
	V_SUPER,
	V_MAX,
	V_LOG_BIN,
	V_EXPIRE,
	V_SLOW,
	V_LONG,
	V_ZONE
};

static bool
ask_variables(struct fact_run *run, char *out, size_t size)
{
	const struct mysql_greeting *g = my_ask_server(run);
	const char *super = "NULL", *expire = "@@global.expire_logs_days*86400";

	if (!g->is_mariadb && g->number >= 50708)
		super = "@@global.super_read_only";
	if (g->number >= (g->is_mariadb ? 100601U : 80001U))
		expire = "@@global.binlog_expire_logs_seconds";
	snprintf(out, size,
		"SELECT VERSION(),@@global.datadir,@@global.read_only,%s,@@global.max_connections,"
		"@@global.log_bin,%s,@@global.slow_query_log,@@global.long_query_time,"
		"@@global.time_zone",
		super, expire);
	return true;
}

static void
take_variables(struct fact_run *run, const struct mysql_result *r)
{
	struct my_server *state = fact_state(run);

	state->has_binlog = is_on(mysql_cell(r, 0, V_LOG_BIN));
	my_fact_text(run, VERSION, mysql_cell(r, 0, V_VERSION));
	my_fact_text(run, DATA_DIR, mysql_cell(r, 0, V_DATA_DIR));
	fact_number(run, READ_ONLY, is_on(mysql_cell(r, 0, V_READ_ONLY)));
	if (mysql_cell(r, 0, V_SUPER) != NULL)
		fact_number(run, SUPER_READ_ONLY, is_on(mysql_cell(r, 0, V_SUPER)));
	my_fact_number(run, MAX_CONNECTIONS, mysql_cell(r, 0, V_MAX));
	if (state->has_binlog)
		my_fact_number(run, BINLOG_EXPIRE, mysql_cell(r, 0, V_EXPIRE));
	fact_number(run, SLOW_LOG, is_on(mysql_cell(r, 0, V_SLOW)));
	my_fact_number(run, LONG_QUERY, mysql_cell(r, 0, V_LONG));
	my_fact_text(run, TIME_ZONE, mysql_cell(r, 0, V_ZONE));
	fact_line(run, "%s, data in %s, read_only %s, max_connections %s, time_zone %s",
		my_cell_text(mysql_cell(r, 0, V_VERSION)),
		my_cell_text(mysql_cell(r, 0, V_DATA_DIR)),
		my_cell_text(mysql_cell(r, 0, V_READ_ONLY)), my_cell_text(mysql_cell(r, 0, V_MAX)),
		my_cell_text(mysql_cell(r, 0, V_ZONE)));
	fact_line(run, "slow log %s, long_query_time %s s",
		is_on(mysql_cell(r, 0, V_SLOW)) ? "on" : "off",
		my_cell_text(mysql_cell(r, 0, V_LONG)));
}

static bool
ask_uptime(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size, "SHOW GLOBAL STATUS LIKE 'Uptime'");
	return true;
}

static void
take_uptime(struct fact_run *run, const struct mysql_result *r)
{
	my_fact_number(run, UPTIME, mysql_cell(r, 0, 1));
}

/* --- replication, binary logs --- */

static bool
ask_replica(struct fact_run *run, char *out, size_t size)
{
	str_copy(out, size, mysql_replica_sql(my_ask_server(run)));
	return true;
}

static void
take_replica(struct fact_run *run, const struct mysql_result *r)
{
	fact_number(run, REPLICA, r->row_count > 0);
}

static bool
ask_binlogs(struct fact_run *run, char *out, size_t size)
{
	const struct my_server *state = fact_state(run);

	str_copy(out, size, "SHOW BINARY LOGS");
	return state->has_binlog;
}

/* The probe looks at the file once a minute. */
static double
oldest_age(struct fact_run *run)
{
	const struct sample *sample = fact_sample(run);
	int row = sample != NULL ? metric_index(sample->metrics, "binlog_oldest_age") : -1;

	return row >= 0 ? sample->values[row] : NAN;
}

static void
take_binlogs(struct fact_run *run, const struct mysql_result *r)
{
	double bytes = 0, oldest = oldest_age(run);

	for (unsigned i = 0; i < r->row_count; i++)
		bytes += my_cell_zero(mysql_cell(r, i, 1));
	if (!r->is_cut)
		fact_number(run, BINLOG_BYTES, bytes);
	fact_number(run, BINLOG_COUNT, (double)r->rows);
	if (isfinite(oldest))
		fact_number(run, BINLOG_OLDEST, oldest);
	my_fact_text(run, BINLOG_FIRST, mysql_cell(r, 0, 0));
	fact_line(run, "%.0f binary logs, %.0f bytes, the oldest is %s", (double)r->rows, bytes,
		my_cell_text(mysql_cell(r, 0, 0)));
}

static const struct my_step steps[] = {
	{ .ask = ask_variables, .take = take_variables },
	{ .ask = ask_uptime, .take = take_uptime, .is_optional = true },
	{ .ask = ask_replica,
		.take = take_replica,
		.rights = MYSQL_RIGHT_REPLICA,
		.is_optional = true },
	{ .ask = ask_binlogs,
		.take = take_binlogs,
		.rights = MYSQL_RIGHT_BINLOG,
		.is_optional = true },
	{ .ask = NULL },
};

static void
start(struct fact_run *run)
{
	tell_dsn(run);
	my_ask_start(run, steps, fact_had);
}

const struct fact_type fact_type_my_server = {
	.name = "my-server",
	.summary = "What a MySQL or MariaDB server is and how it is set.",
	.rights = "`SLAVE MONITOR, BINLOG MONITOR` (MariaDB) or `REPLICATION CLIENT` (MySQL) for "
		  "replication and binary logs.",
	.keys = keys,
	.types = MY_TYPES,
	.run_size = sizeof(struct my_server),
	.start = start,
	.stop = my_ask_stop,
};
