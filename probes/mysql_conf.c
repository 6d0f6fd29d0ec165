/* What the mysql probe may be told, and the rows of what it says. */
#include "probes/mysql_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/mysql_auth.h"
#include "probes/reveal.h"
#include "probes/tls_rows.h"

#define QUERIES_MAX 32
#define TABLES_MAX  64
#define NAME_MAX_   48
#define SQL_MAX     4000

#define ROW struct mysql_conf

static const char *const roles[] = { "any", "primary", "replica", NULL };

const struct conf_field mysql_fields[] = {
	{ .name = "dsn",
		DSN_AT(ROW, dsn, DSN_MYSQL),
		.flags = CONF_REQUIRED,
		.doc = "`mysql://user:password@host:3306/db?ssl-mode=verify-identity` (or "
		       "`mariadb://`), or the form of Go's driver, "
		       "`user:password@tcp(host:3306)/db?tls=true`, `user@unix(/path)/db`. Other "
		       "parameters of drivers are accepted.",
		.example = "mysql://triaged:secret@127.0.0.1:3306/shop" },
	{ .name = "queries",
		PAIRS_AT(ROW, queries),
		.doc = "Statements, each of which gives one number (first column of the first "
		       "row), a "
		       "metric of this name. `_time` or `_age`, `_bytes`, `_percent` at the end of "
		       "a name "
		       "make it seconds, bytes, a percentage; `_total` makes it a counter.",
		.example =
			"{ orders_open: \"SELECT COUNT(*) FROM orders WHERE state = 'open'\" }" },
	{ .name = "tables",
		STRINGS_AT(ROW, tables),
		.doc = "Tables (`name` or `db.name`) that must exist: `my.no-table` otherwise.",
		.example = "[users, shop.orders]" },
	{ .name = "indexes",
		STRINGS_AT(ROW, indexes),
		.doc = "Indexes (`table.index` or `db.table.index`) that must exist: `my.no-index` "
		       "otherwise.",
		.example = "[kpi_details.idx_time_metric]" },
	{ .name = "role",
		ENUM_AT(ROW, role, roles),
		.dflt = "any",
		.doc = "`primary`: a server that is read-only fails (`my.readonly`). `replica`: "
		       "one that "
		       "replicates from nobody fails (`my.not-replica`)." },
	{ .name = "reconnect_interval",
		DURATION_AT(ROW, reconnect_us),
		.dflt = "5m",
		.min = "0",
		.max = "1h",
		.doc = "The connection is kept between runs; name, TCP, TLS and login are proven "
		       "anew this "
		       "often. `0`: at each run, and nothing is kept." },
	{ .name = "idle_after",
		DURATION_AT(ROW, idle_after_us),
		.dflt = "5m",
		.min = "1s",
		.max = "1d",
		.doc = "A connection that has been asleep for longer counts in "
		       "`idle_connections`." },
	{ .name = "metrics",
		BOOL_AT(ROW, is_measured),
		.dflt = "true",
		.doc = "Off: it logs in and does `SELECT 1` (and `tables`, `queries`), nothing "
		       "more." },
	TLS_CA_ROW(ROW),
	{ .name = "cert", PATH_AT(ROW, cert), .doc = "PEM file with the client certificate." },
	{ .name = "key", PATH_AT(ROW, key), .doc = "PEM file with its key." },
	{ .type = CONF_END },
};

const struct metric_desc mysql_metrics[] = {
	METRIC_PHASE_ROWS,
	{ "login_time", METRIC_MOMENT, UNIT_SECONDS, "Time from the greeting to the login's end." },
	{ "query_time", METRIC_GAUGE, UNIT_SECONDS, "Time of a statement that reads no table." },
	{ "threads_connected", METRIC_GAUGE, UNIT_NONE, "Connections, ours included." },
	{ "connections_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Connections as a share of max_connections." },
	{ "connections_peak", METRIC_GAUGE, UNIT_NONE,
		"Most connections since the server started (Max_used_connections)." },
	{ "threads_running", METRIC_GAUGE, UNIT_NONE, "Connections that are not idle." },
	{ "idle_connections", METRIC_GAUGE, UNIT_NONE,
		"Connections asleep for longer than `idle_after`. Needs PROCESS." },
	{ "idle_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Those as a share of all connections. Needs PROCESS." },
	{ "longest_query_time", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest running statement of a client; 0 without one. Needs PROCESS." },
	{ "longest_transaction_time", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest open InnoDB transaction; 0 without one. Needs PROCESS." },
	{ "slow_queries_total", METRIC_COUNTER, UNIT_NONE,
		"Statements that took longer than long_query_time." },
	{ "full_joins_total", METRIC_COUNTER, UNIT_NONE,
		"Joins without an index (Select_full_join)." },
	{ "queries_total", METRIC_COUNTER, UNIT_NONE, "Statements executed." },
	{ "replica_running", METRIC_FLAG, UNIT_NONE,
		"Both threads of every channel run; absent where nothing is replicated. Needs "
		"SLAVE "
		"MONITOR (MariaDB) or REPLICATION CLIENT (MySQL)." },
	{ "replica_lag_time", METRIC_GAUGE, UNIT_SECONDS,
		"How far the slowest channel is behind, without a delay that is wanted "
		"(SQL_Delay)." },
	{ "aborted_connects_total", METRIC_COUNTER, UNIT_NONE, "Logins that failed." },
	{ "rejected_total", METRIC_COUNTER, UNIT_NONE,
		"Connections refused at max_connections, as the server counts them (MariaDB often "
		"does "
		"not)." },
	{ "row_lock_waits", METRIC_GAUGE, UNIT_NONE, "Row locks that are waited for now." },
	{ "lock_waits", METRIC_GAUGE, UNIT_NONE,
		"Statements that wait for a metadata, table or global lock now. Needs PROCESS." },
	{ "lock_wait_time", METRIC_GAUGE, UNIT_SECONDS,
		"Longest wait for a lock of any kind now; 0 without one. Needs PROCESS." },
	{ "deadlocks_total", METRIC_COUNTER, UNIT_NONE, "InnoDB deadlocks, where it counts them." },
	{ "read_only", METRIC_FLAG, UNIT_NONE, "The server refuses writes of ordinary users." },
	{ "binlog_bytes", METRIC_GAUGE, UNIT_BYTES,
		"Size of the binary logs, looked at once a minute. Needs BINLOG MONITOR (MariaDB) "
		"or "
		"REPLICATION CLIENT (MySQL)." },
	{ "binlog_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Those as a share of the file system that the data is on; of a server on this "
		"host." },
	{ "binlog_expire_time", METRIC_GAUGE, UNIT_SECONDS,
		"Binary logs are removed after so long; 0: never." },
	{ "binlog_oldest_age", METRIC_GAUGE, UNIT_SECONDS,
		"Since the last change of the oldest binary log; of a server on this host, where "
		"its file may be seen." },
	{ "data_free_bytes", METRIC_GAUGE, UNIT_BYTES,
		"Room under the data directory; of a server on this host." },
	{ "data_used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"How full the file system of the data directory is; of a server on this host." },
	{ "dsn_doubtful", METRIC_FLAG, UNIT_NONE,
		"The `dsn` lacks what Go programs need (parseTime), or asks for a character set "
		"that is too small." },
	{ "rights_missing", METRIC_GAUGE, UNIT_NONE,
		"Rights that the account lacks, so that some metrics are absent." },
	{ "up_time", METRIC_GAUGE, UNIT_SECONDS, "Since the server started." },
	{ .name = NULL },
};

/* What the end of a query's name says of its number. */
static const struct ending {
	const char *text;
	enum metric_kind kind;
	enum metric_unit unit;
} endings[] = {
	{ "_time", METRIC_GAUGE, UNIT_SECONDS },
	{ "_age", METRIC_GAUGE, UNIT_SECONDS },
	{ "_bytes", METRIC_GAUGE, UNIT_BYTES },
	{ "_percent", METRIC_GAUGE, UNIT_PERCENT },
	{ "_total", METRIC_COUNTER, UNIT_NONE },
};

static struct metric_desc
query_row(const struct conf_pair *query)
{
	struct metric_desc row = { query->name, METRIC_GAUGE, UNIT_NONE,
		"First column of the query of this name." };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (str_ends(query->name, endings[i].text)) {
			row.kind = endings[i].kind;
			row.unit = endings[i].unit;
		}
	return row;
}

static const struct metric_desc *
make_rows(const struct conf_pairs *queries)
{
	struct metric_desc all[MYSQL_ROW_COUNT + QUERIES_MAX + 1];

	if (queries->count == 0)
		return mysql_metrics;
	memcpy(all, mysql_metrics, MYSQL_ROW_COUNT * sizeof(all[0]));
	for (size_t i = 0; i < queries->count; i++)
		all[MYSQL_ROW_COUNT + i] = query_row(&queries->all[i]);
	all[MYSQL_ROW_COUNT + queries->count] = (struct metric_desc){ .name = NULL };
	return metric_intern(all);
}

const struct metric_desc *
mysql_conf_rows(const void *conf_)
{
	const struct mysql_conf *conf = conf_;

	return conf->rows;
}

static bool
is_metric_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_ && (name[0] < '0' || name[0] > '9') &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		       len;
}

static bool
check_queries(const struct conf_pairs *queries, struct complaints *complaints)
{
	unsigned before = complaints_errors(complaints);

	for (size_t i = 0; i < queries->count; i++) {
		const struct conf_pair *q = &queries->all[i];

		if (i >= QUERIES_MAX)
			complain(complaints, &q->pos, "queries: at most %d", QUERIES_MAX);
		else if (!is_metric_name(q->name))
			complain(complaints, &q->pos,
				"queries: \"%.60s\" cannot name a metric: letters, digits and "
				"\"_\"",
				q->name);
		else if (metric_index(mysql_metrics, q->name) >= 0)
			complain(complaints, &q->pos, "queries: there is a metric \"%s\" already",
				q->name);
		else if (q->value[0] == '\0' || strlen(q->value) > SQL_MAX)
			complain(complaints, &q->pos,
				"queries: %s needs a statement of at most %d "
				"bytes",
				q->name, SQL_MAX);
	}
	return complaints_errors(complaints) == before;
}

/* They go into a statement as texts. */
static void
check_indexes(const struct conf_strings *indexes, const struct conf_node *map,
	struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(map, "indexes");

	if (indexes->count > TABLES_MAX)
		complain(complaints, &pos, "indexes: at most %d", TABLES_MAX);
	for (size_t i = 0; i < indexes->count; i++) {
		const char *text = indexes->all[i], *dot = strchr(text, '.');

		if (dot == NULL || dot == text || dot[1] == '\0' || strlen(text) > 195 ||
			strpbrk(text, "'\\\"") != NULL)
			complain(complaints, &pos,
				"indexes: write `table.index` or `db.table.index`");
	}
}

struct tls_ctx *
mysql_conf_tls(const struct mysql_conf *conf, struct tls_pool *pool, struct err *e)
{
	struct tls_options o = { .ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key,
		.is_unverified = conf->parsed.tls < DSN_TLS_VERIFY_CA,
		.is_any_host = conf->parsed.tls == DSN_TLS_VERIFY_CA };

	return tls_ctx_get(pool, &o, e);
}

/* What Go programs trip over, and what they trip over only where texts are not ASCII. */
static const char *
judge_params(const struct mysql_conf *conf)
{
	const char *charset = dsn_param(&conf->parsed, "charset");

	if (strstr(conf->dsn, "://") == NULL && conf->parsed.database != NULL &&
		dsn_param(&conf->parsed, "parseTime") == NULL)
		return "no parseTime=true: Go programs read times as texts (some add it "
		       "themselves)";
	if (charset != NULL && !str_starts(charset, "utf8mb4"))
		return "charset is not utf8mb4: some characters cannot be stored";
	return NULL;
}

static void
check_dsn(struct mysql_conf *conf, const struct conf_pos *pos, const struct probe_setup *setup,
	struct complaints *complaints)
{
	const struct dsn_host *host = &conf->parsed.hosts[0];
	struct err e;

	str_copy(conf->place.host, sizeof(conf->place.host), host->host);
	str_copy(conf->place.path, sizeof(conf->place.path), host->path);
	conf->place.port = host->port;
	conf->remark = judge_params(conf);
	if (conf->parsed.password != NULL && strlen(conf->parsed.password) > MYSQL_PASSWORD_MAX)
		complain(complaints, pos, "dsn: a password has at most %d bytes",
			MYSQL_PASSWORD_MAX);
	if (conf->parsed.tls < DSN_TLS_ALLOW || setup->tls == NULL)
		return;
	conf->ctx = mysql_conf_tls(conf, setup->tls, &e);
	if (conf->ctx == NULL)
		complain(complaints, pos, "%s", e.text);
}

void
mysql_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct mysql_conf *conf = conf_;
	struct conf_pos dsn = conf_pos_of(map, "dsn"), tables = conf_pos_of(map, "tables");

	conf->rows = mysql_metrics;
	conf->is_parsed =
		conf->dsn != NULL && dsn_parse(&conf->parsed, DSN_MYSQL, conf->dsn, NULL) == 0;
	if (conf->is_parsed)
		check_dsn(conf, &dsn, setup, complaints);
	if (conf->tables.count > TABLES_MAX)
		complain(complaints, &tables, "tables: at most %d", TABLES_MAX);
	for (size_t i = 0; i < conf->tables.count; i++)
		if (conf->tables.all[i][0] == '\0' || strlen(conf->tables.all[i]) > 130)
			complain(complaints, &tables, "tables: write `name` or `db.name`");
	check_indexes(&conf->indexes, map, complaints);
	if (check_queries(&conf->queries, complaints))
		conf->rows = make_rows(&conf->queries);
}

void
mysql_conf_release(void *conf_)
{
	struct mysql_conf *conf = conf_;

	if (conf->is_parsed)
		dsn_fini(&conf->parsed);
	conf->is_parsed = false;
}

void
mysql_conf_reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct mysql_conf *conf = conf_;

	(void)instance;
	if (conf->is_parsed)
		reveal_dsn(&conf->parsed, out);
}

void
mysql_conf_target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct mysql_conf *conf = conf_;
	char *shown = conf->is_parsed ? dsn_masked(&conf->parsed) : xstrdup("mysql://");

	(void)instance;
	str_copy(out, size, shown);
	free(shown);
}

bool
mysql_conf_takes(const char *text)
{
	return dsn_is_like(DSN_MYSQL, text) || str_starts(text, "mysql+") ||
	       str_starts(text, "mariadb+");
}
