/*
 * What kind of PostgreSQL server it is: version, role, limits, where its data lie and what is large
 * there.  Where the database of the DSN is missing, the one called postgres is asked.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/pg_talk.h"
#include "probes/postgres_sql.h"

enum {
	KEY_VERSION,
	KEY_MAX,
	KEY_DATA_DIR,
	KEY_LOG,
	KEY_RECOVERY,
	KEY_READ_ONLY,
	KEY_UPTIME,
	KEY_WAL,
	KEY_DATABASE,
	KEY_LARGEST,
	KEY_LARGEST_BYTES,
	KEY_ARCHIVE,
	KEY_DATABASES,
	KEY_TABLES,
	KEY_ROLE_LIMIT,
	KEY_ROLE_COUNT,
	KEY_DATABASE_LIMIT,
};

static const struct metric_desc keys[] = {
	{ "version", METRIC_GAUGE, UNIT_TEXT, "As `15.3`." },
	{ "max_connections", METRIC_GAUGE, UNIT_NONE, "The setting." },
	{ "data_dir", METRIC_GAUGE, UNIT_TEXT, "Where its data lie." },
	{ "log", METRIC_GAUGE, UNIT_TEXT, "Its log file, if it collects one." },
	{ "in_recovery", METRIC_FLAG, UNIT_BOOL, "It is a standby." },
	{ "default_read_only", METRIC_FLAG, UNIT_BOOL,
		"Transactions may only read unless they say otherwise." },
	{ "uptime", METRIC_GAUGE, UNIT_SECONDS, "Since its start." },
	{ "wal_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of pg_wal." },
	{ "database_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of this database." },
	{ "largest", METRIC_GAUGE, UNIT_TEXT, "Its largest table." },
	{ "largest_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of that, indexes included." },
	{ "archive_failing", METRIC_FLAG, UNIT_BOOL, "The last log file could not be archived." },
	{ "databases", METRIC_GAUGE, UNIT_TEXT, "Databases of the server, 20 at most." },
	{ "tables", METRIC_GAUGE, UNIT_NONE, "Tables of this database that are not the system's." },
	{ "role_limit", METRIC_GAUGE, UNIT_NONE,
		"Sessions that our role may have; unknown: any number." },
	{ "role_count", METRIC_GAUGE, UNIT_NONE, "Sessions that it has." },
	{ "database_limit", METRIC_GAUGE, UNIT_NONE,
		"Sessions that this database may have; unknown: any number." },
	{ .name = NULL },
};

/* What needs rights comes last: it may end the transaction. */
static const char sql[] =
	"SELECT current_setting('server_version'), current_setting('max_connections')::int,"
	" pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool,"
	" extract(epoch FROM now() - pg_postmaster_start_time()),"
	" (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'),"
	" (SELECT nullif(rolconnlimit, -1) FROM pg_catalog.pg_roles WHERE rolname = current_user),"
	" (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = current_user),"
	" (SELECT nullif(datconnlimit, -1) FROM pg_catalog.pg_database"
	"  WHERE datname = current_database()),"
	" CASE WHEN current_setting('archive_mode') <> 'off' THEN"
	"  (SELECT last_failed_time IS NOT NULL AND last_failed_time >"
	"   coalesce(last_archived_time, '-infinity') FROM pg_catalog.pg_stat_archiver) END;"
	"SELECT datname FROM pg_catalog.pg_database WHERE NOT datistemplate ORDER BY 1 LIMIT 20;"
	"SELECT count(*) FROM pg_catalog.pg_class c"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema)';"
	"SELECT pg_database_size(current_database());"
	"SELECT n.nspname || '.' || c.relname, pg_total_relation_size(c.oid)"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)'"
	" ORDER BY c.relpages DESC LIMIT 1";

enum answer {
	ANSWER_SERVER,
	ANSWER_DATABASES,
	ANSWER_TABLES,
	ANSWER_SIZE,
	ANSWER_LARGEST,
	ANSWER_WAL,
	ANSWER_LOG
};

static void
write_all(struct buf *out, int version)
{
	pg_sql_write(out, sql, version);
	if (version >= 100000)
		buf_add_text(out, ";SELECT sum(size) FROM pg_ls_waldir();"
				  "SELECT pg_current_logfile()");
}

static void
take_server(struct fact_run *run, const PGresult *rows)
{
	const char *version = pg_cell(rows, 0, 0), *data_dir = pg_cell(rows, 0, 5);
	bool is_standby = pg_cell_number(rows, 0, 2) > 0;
	bool is_read_only = pg_cell_number(rows, 0, 3) > 0;
	char up[32];

	if (version == NULL)
		return;
	fact_text(run, KEY_VERSION, "%.*s", (int)strcspn(version, " "), version);
	fact_number(run, KEY_MAX, pg_cell_number(rows, 0, 1));
	fact_number(run, KEY_RECOVERY, is_standby);
	fact_number(run, KEY_READ_ONLY, is_read_only);
	fact_number(run, KEY_UPTIME, pg_cell_number(rows, 0, 4));
	if (data_dir != NULL)
		fact_text(run, KEY_DATA_DIR, "%s", data_dir);
	fact_number(run, KEY_ROLE_LIMIT, pg_cell_number(rows, 0, 6));
	fact_number(run, KEY_ROLE_COUNT, pg_cell_number(rows, 0, 7));
	fact_number(run, KEY_DATABASE_LIMIT, pg_cell_number(rows, 0, 8));
	fact_number(run, KEY_ARCHIVE, pg_cell_number(rows, 0, 9));
	metric_format(pg_cell_number(rows, 0, 4), UNIT_SECONDS, up, sizeof(up));
	fact_line(run, "PostgreSQL %.*s, %s%s, up %s, max_connections %s",
		(int)strcspn(version, " "), version, is_standby ? "standby" : "primary",
		is_read_only ? " (default_transaction_read_only)" : "", up, pg_cell(rows, 0, 1));
	if (data_dir != NULL)
		fact_line(run, "data directory %s", data_dir);
	if (pg_cell(rows, 0, 6) != NULL)
		fact_line(run, "role %s: %s of at most %s sessions", pg_talk_user(run),
			pg_cell(rows, 0, 7), pg_cell(rows, 0, 6));
	if (pg_cell_number(rows, 0, 9) > 0)
		fact_line(run, "archiving fails: its log cannot be recycled");
}

static void
take_databases(struct fact_run *run, const PGresult *rows)
{
	char names[400] = "";
	size_t len = 0;

	for (int i = 0; i < PQntuples(rows) && len < sizeof(names); i++) {
		const char *name = pg_cell(rows, i, 0);

		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.63s",
			i > 0 ? ", " : "", name != NULL ? name : "?");
	}
	fact_text(run, KEY_DATABASES, "%s", names);
	fact_line(run, "databases: %s", names);
}

static void
take_largest(struct fact_run *run, const PGresult *rows)
{
	char bytes[32];

	if (PQntuples(rows) == 0)
		return;
	fact_text(run, KEY_LARGEST, "%s", pg_cell(rows, 0, 0));
	fact_number(run, KEY_LARGEST_BYTES, pg_cell_number(rows, 0, 1));
	metric_format(pg_cell_number(rows, 0, 1), UNIT_BYTES, bytes, sizeof(bytes));
	fact_line(run, "largest table: %s, %s", pg_cell(rows, 0, 0), bytes);
}

static void
take_size(struct fact_run *run, int key, const char *what, const PGresult *rows)
{
	double value = pg_cell_number(rows, 0, 0);
	char bytes[32];

	if (isnan(value))
		return;
	metric_format(value, UNIT_BYTES, bytes, sizeof(bytes));
	fact_number(run, key, value);
	fact_line(run, "%s: %s", what, bytes);
}

static void
take(struct fact_run *run, unsigned nth, const PGresult *rows)
{
	switch (nth) {
	case ANSWER_SERVER:
		take_server(run, rows);
		break;
	case ANSWER_DATABASES:
		take_databases(run, rows);
		break;
	case ANSWER_TABLES:
		fact_number(run, KEY_TABLES, pg_cell_number(rows, 0, 0));
		break;
	case ANSWER_SIZE:
		take_size(run, KEY_DATABASE, "this database", rows);
		break;
	case ANSWER_LARGEST:
		take_largest(run, rows);
		break;
	case ANSWER_WAL:
		take_size(run, KEY_WAL, "its log (pg_wal)", rows);
		break;
	case ANSWER_LOG:
		if (pg_cell(rows, 0, 0) != NULL)
			fact_text(run, KEY_LOG, "%s", pg_cell(rows, 0, 0));
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

const struct fact_type fact_type_pg_server = {
	.name = "pg-server",
	.summary = "A PostgreSQL server: version, role, limits, its databases, where and how large "
		   "its data are.",
	.rights = "`GRANT pg_monitor TO` the role of the check's DSN, for the data directory and "
		  "the size of pg_wal.",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct pg_talk),
	.start = start,
	.stop = pg_talk_stop,
};
