/*
 * The postgres probe's keys and rows: the rows of `queries` are added to the type's own, and the
 * data source name becomes what libpq may know of it: one numeric address, TLS, and no parameter
 * that it would choke on.
 */
#include "probes/postgres_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/addr.h"

#define QUERIES_MAX   32
#define TABLES_MAX    64
#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

#define ROW struct pg_conf

static const char *const roles[] = { "any", "primary", "replica", NULL };

static const struct conf_field pool_fields[] = {
	{ .name = "size",
		INT_AT(struct pg_pool, size),
		.dflt = "0",
		.min = "0",
		.max = "1000000",
		.doc = "Connections in the pool of one process (`SQL_MAX_OPEN_CONNS`, "
		       "`DB_POOL_SIZE`)." },
	{ .name = "overflow",
		INT_AT(struct pg_pool, overflow),
		.dflt = "0",
		.min = "0",
		.max = "1000000",
		.doc = "Those that it may open besides (`DB_MAX_OVERFLOW`)." },
	{ .name = "instances",
		INT_AT(struct pg_pool, instances),
		.dflt = "1",
		.min = "1",
		.max = "10000",
		.doc = "Processes that have such a pool: instances, workers." },
	{ .type = CONF_END },
};

const struct conf_field pg_fields[] = {
	{ .name = "dsn",
		DSN_AT(ROW, text, DSN_POSTGRES),
		.flags = CONF_REQUIRED,
		.doc = "`postgresql://user:password@host:5432/database?sslmode=...` or keywords "
		       "(`host=... dbname=...`), as the application has it. Several hosts are "
		       "tried in their order. Parameters of other drivers are accepted and left "
		       "alone.",
		.example = "postgresql://app:${DB_PASSWORD}@db:5432/shop" },
	{ .name = "role",
		ENUM_AT(ROW, role, roles),
		.dflt = "any",
		.doc = "What this address must lead to. `primary`: a standby or a read-only "
		       "default "
		       "is a failure (`pg.readonly`), for that is where the application writes. "
		       "`replica`: a primary is one (`pg.not-replica`)." },
	{ .name = "tables",
		STRINGS_AT(ROW, tables),
		.doc = "Tables that must exist, as SQL writes them (`users`, `shop.orders`, "
		       "`\"Order\"`).",
		.example = "[users, orders]" },
	{ .name = "pool",
		GROUP_AT(ROW, pool, pool_fields),
		.doc = "What applications may open at most; more than the server allows is a "
		       "warning (`pool-exceeds-limit`).",
		.example = "{ size: \"${SQL_MAX_OPEN_CONNS:-1000}\", instances: 2 }" },
	{ .name = "replicas",
		INT_AT(ROW, replicas),
		.dflt = "0",
		.min = "0",
		.max = "64",
		.doc = "Standbys that must stream from this server; fewer are critical "
		       "(`replication-stopped`). 0: it is not said, and losing one is a warning." },
	{ .name = "queries",
		PAIRS_AT(ROW, queries),
		.doc = "A metric for each name: the first column of the first row, a number or a "
		       "boolean. The name says the unit: `*_time` seconds, `*_bytes`, "
		       "`*_percent`, "
		       "`*_total` a counter.",
		.example = "{ open_orders: \"SELECT count(*) FROM orders WHERE paid IS NULL\" }" },
	{ .name = "ca",
		PATH_AT(ROW, ca),
		.doc = "PEM file with the authorities to trust, for `sslmode=verify-ca` and "
		       "`verify-full`. Default: `sslrootcert` of the `dsn`, or the system's." },
	{ .name = "reconnect_interval",
		DURATION_AT(ROW, reconnect_us),
		.dflt = "5m",
		.min = "0s",
		.max = "1d",
		.doc = "Between runs one connection is kept; after this time the whole way is "
		       "proven anew: name, connect, TLS, login. 0: at each run." },
	{ .type = CONF_END },
};

const struct metric_desc pg_metrics[] = {
	METRIC_PHASE_ROWS,
	{ "login_time", METRIC_MOMENT, UNIT_SECONDS,
		"Time from the connection to the end of the login, TLS included." },
	{ "query_time", METRIC_GAUGE, UNIT_SECONDS,
		"Time of the statement that proves it usable." },
	{ "accepting", METRIC_FLAG, UNIT_NONE,
		"1 when the server answers logins at all, refused ones too." },
	{ "usable", METRIC_FLAG, UNIT_NONE, "1 when login and statement succeed." },
	{ "pool_connections", METRIC_GAUGE, UNIT_NONE,
		"Sessions that applications may open by `pool`; 0: not said." },
	{ "replicas_wanted", METRIC_GAUGE, UNIT_NONE, "What `replicas` says; 0: not said." },
	{ "in_recovery", METRIC_FLAG, UNIT_NONE, "1 for a standby." },
	{ "connections", METRIC_GAUGE, UNIT_NONE, "Client sessions, ours included." },
	{ "connections_percent", METRIC_GAUGE, UNIT_PERCENT,
		"The same, of max_connections without the reserved ones." },
	{ "connections_max", METRIC_GAUGE, UNIT_NONE,
		"max_connections without the reserved ones." },
	{ "idle", METRIC_GAUGE, UNIT_NONE, "Sessions that do nothing." },
	{ "idle_time", METRIC_GAUGE, UNIT_SECONDS, "How long the one idle longest has been so." },
	{ "idle_in_transaction", METRIC_GAUGE, UNIT_NONE,
		"Sessions that hold a transaction open and do nothing." },
	{ "idle_in_transaction_time", METRIC_GAUGE, UNIT_SECONDS,
		"How long the longest of them has." },
	{ "waiting", METRIC_GAUGE, UNIT_NONE, "Sessions that wait for a lock." },
	{ "waiting_time", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest statement that waits for a lock." },
	{ "longest_query_time", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest statement that runs; one that waits for a lock is `waiting`." },
	{ "blocking_query_time", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest statement that runs while others wait for its lock." },
	{ "longest_transaction_time", METRIC_GAUGE, UNIT_SECONDS,
		"Age of the oldest transaction." },
	{ "replicas", METRIC_GAUGE, UNIT_NONE, "Standbys that stream from here." },
	{ "replica_running", METRIC_FLAG, UNIT_NONE,
		"On a standby: 1 while it receives from its primary; absent where it is fed "
		"files." },
	{ "replication_lag_time", METRIC_GAUGE, UNIT_SECONDS,
		"How far behind: the slowest standby, or this one." },
	{ "replication_lag_bytes", METRIC_GAUGE, UNIT_BYTES, "The same in bytes of log." },
	{ "database_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of this database." },
	{ "deadlocks_total", METRIC_COUNTER, UNIT_NONE, "Deadlocks, all databases." },
	{ "xid_used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Age of the oldest transaction id, of the 2^31 after which writes stop." },
	{ "xid_freeze_percent", METRIC_GAUGE, UNIT_PERCENT,
		"The same age, of autovacuum_freeze_max_age; about 100 is normal." },
	{ "slots_retained_bytes", METRIC_GAUGE, UNIT_BYTES,
		"Log that the furthest replication slot holds back." },
	{ "slots_inactive", METRIC_GAUGE, UNIT_NONE, "Replication slots that nobody reads." },
	{ "archive_failing", METRIC_FLAG, UNIT_NONE,
		"1 while the last attempt to archive a log file failed." },
	{ .name = NULL },
};

static const struct suffix {
	const char *end;
	enum metric_kind kind;
	enum metric_unit unit;
} suffixes[] = {
	{ "_time", METRIC_GAUGE, UNIT_SECONDS },
	{ "_age", METRIC_GAUGE, UNIT_SECONDS },
	{ "_bytes", METRIC_GAUGE, UNIT_BYTES },
	{ "_percent", METRIC_GAUGE, UNIT_PERCENT },
	{ "_total", METRIC_COUNTER, UNIT_NONE },
	{ "", METRIC_GAUGE, UNIT_NONE },
};

static void
add_row(struct metric_desc *row, const char *name, const char *help)
{
	const struct suffix *s = suffixes;

	while (!str_ends(name, s->end))
		s++;
	*row = (struct metric_desc){ name, s->kind, s->unit, help };
}

static bool
is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= 48 &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void
make_rows(struct pg_conf *conf, struct complaints *complaints)
{
	size_t own = metric_count(pg_metrics), count = own;
	struct metric_desc rows[sizeof(pg_metrics) / sizeof(pg_metrics[0]) + QUERIES_MAX];

	memcpy(rows, pg_metrics, own * sizeof(rows[0]));
	for (size_t i = 0; i < conf->queries.count; i++) {
		const struct conf_pair *pair = &conf->queries.all[i];

		if (i >= QUERIES_MAX) {
			complain(complaints, &pair->pos, "queries: at most %d", QUERIES_MAX);
			break;
		}
		if (!is_name(pair->name))
			complain(complaints, &pair->pos,
				"queries: \"%s\" is no name: a-z, 0-9 and _, a letter first",
				pair->name);
		else if (metric_index(pg_metrics, pair->name) >= 0)
			complain(complaints, &pair->pos,
				"queries: \"%s\" is a metric of this type already", pair->name);
		else if (pair->value[strspn(pair->value, " \t\r\n;")] == '\0')
			complain(complaints, &pair->pos, "queries: \"%s\" is empty", pair->name);
		add_row(&rows[count++], pair->name, "What `queries` says.");
	}
	rows[count] = (struct metric_desc){ .name = NULL };
	conf->metrics = metric_intern(rows);
}

void
pg_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct pg_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "tables");

	(void)setup;
	if (conf->text == NULL)
		return; /* complained about already */
	conf->dsn = xcalloc(1, sizeof(*conf->dsn));
	if (dsn_parse(conf->dsn, DSN_POSTGRES, conf->text, NULL) < 0) {
		free(conf->dsn);
		conf->dsn = NULL;
	}
	if (conf->tables.count > TABLES_MAX)
		complain(complaints, &pos, "tables: at most %d", TABLES_MAX);
	if (conf->queries.count > 0)
		make_rows(conf, complaints);
}

void
pg_conf_release(void *conf_)
{
	struct pg_conf *conf = conf_;

	if (conf->dsn == NULL)
		return;
	dsn_fini(conf->dsn);
	free(conf->dsn);
	conf->dsn = NULL;
}

const struct metric_desc *
pg_conf_metrics(const void *conf)
{
	return ((const struct pg_conf *)conf)->metrics;
}

/* --- what libpq is told --- */

static void
add(struct pg_keys *out, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0' || out->count == PG_KEYS_MAX)
		return;
	out->keys[out->count] = key;
	out->values[out->count++] = value;
}

/* Those of the DSN that are libpq's and do no harm here. */
static const char *const passed[] = { "sslcert", "sslkey", "sslpassword", "sslcrl",
	"ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "sslsni" };

static const char *const tls_words[] = {
	[DSN_TLS_UNSET] = "prefer",
	[DSN_TLS_DISABLE] = "disable",
	[DSN_TLS_ALLOW] = "allow",
	[DSN_TLS_PREFER] = "prefer",
	[DSN_TLS_REQUIRE] = "require",
	[DSN_TLS_VERIFY_CA] = "verify-ca",
	[DSN_TLS_VERIFY_FULL] = "verify-full",
};

static void
add_tls(struct pg_keys *out, const struct pg_conf *conf)
{
	enum dsn_tls tls = conf->dsn->tls;
	const char *ca = conf->ca != NULL ? conf->ca : dsn_param(conf->dsn, "sslrootcert");

	if (str_eq(ca, "system") || (ca == NULL && tls >= DSN_TLS_VERIFY_CA))
		ca = SYSTEM_BUNDLE;
	add(out, "sslmode", tls_words[tls]);
	add(out, "sslrootcert", ca);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		add(out, passed[i], dsn_param(conf->dsn, passed[i]));
}

/* "127.0.0.1" of "127.0.0.1:5432", "::1" of "[::1]:5432". */
static void
set_hostaddr(struct pg_keys *out, const struct addr *addr)
{
	char text[ADDR_TEXT], *from = text, *end;

	addr_text(addr, text);
	end = strrchr(text, ':');
	if (end != NULL)
		*end = '\0';
	if (*from == '[') {
		from++;
		from[strcspn(from, "]")] = '\0';
	}
	str_copy(out->hostaddr, sizeof(out->hostaddr), from);
}

static void
set_folder(struct pg_keys *out, const struct dsn_host *host)
{
	char *end;

	str_copy(out->folder, sizeof(out->folder), host->path);
	end = strrchr(out->folder, '/');
	if (end == NULL)
		return;
	*end = '\0';
	str_copy(out->port, sizeof(out->port), strrchr(end + 1, '.') + 1);
}

/* A value inside `options`: blanks and backslashes are escaped. */
static void
add_escaped(char *out, size_t size, const char *value)
{
	size_t len = strlen(out);

	for (; *value != '\0' && len + 3 < size; value++) {
		if (*value == ' ' || *value == '\\')
			out[len++] = '\\';
		out[len++] = *value;
	}
	out[len] = '\0';
}

static void
set_options(struct pg_keys *out, const struct dsn *dsn, unsigned timeout_ms)
{
	const char *own = dsn_param(dsn, "options"), *path = dsn_param(dsn, "search_path");
	size_t size = sizeof(out->options), len;

	snprintf(out->options, size, "%.400s -c statement_timeout=%u -c lock_timeout=%u",
		own != NULL ? own : "", timeout_ms, timeout_ms / 2 + 1);
	len = strlen(out->options);
	if (path == NULL || len + 20 > size)
		return;
	str_copy(out->options + len, size - len, " -c search_path=");
	add_escaped(out->options, size, path);
}

void
pg_keys_make(struct pg_keys *out, const struct pg_conf *conf, const struct dsn_host *host,
	const struct addr *addr, unsigned timeout_ms)
{
	const struct dsn *dsn = conf->dsn;

	memset(out, 0, sizeof(*out));
	if (addr != NULL) {
		set_hostaddr(out, addr);
		snprintf(out->port, sizeof(out->port), "%u", host->port);
		add(out, "host", host->host);
		add(out, "hostaddr", out->hostaddr);
	} else {
		set_folder(out, host);
		add(out, "host", out->folder);
	}
	add(out, "port", out->port);
	add(out, "user", dsn->user);
	add(out, "password", dsn->password);
	add(out, "dbname", dsn->database);
	add_tls(out, conf);
	add(out, "gssencmode", "disable");
	add(out, "passfile", "/nonexistent/pgpass");
	add(out, "application_name", "triaged");
	add(out, "client_encoding", "UTF8");
	add(out, "target_session_attrs", "any");
	add(out, "keepalives_idle", "30");
	add(out, "tcp_user_timeout", "10000");
	if (timeout_ms > 0) {
		set_options(out, dsn, timeout_ms);
		add(out, "options", out->options);
	}
}
