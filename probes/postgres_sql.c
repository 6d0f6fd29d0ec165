/*
 * Statements, written once with {words} that differ between versions (9.6 called the log "xlog" and
 * knew neither the kind of a backend nor pg_monitor).
 */
#include "probes/postgres_sql.h"

#include <string.h>

#include "base/str.h"

struct dialect {
	const char *word, *before_10, *since_10;
};

static const struct dialect dialects[] = {
	{ "knows", "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)",
		"pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')" },
	{ "client", "s.query NOT LIKE 'autovacuum:%' AND s.datid IS NOT NULL",
		"(s.backend_type = 'client backend' OR s.backend_type IS NULL AND s.datid IS NOT "
		"NULL)" },
	{ "now_lsn", "pg_current_xlog_location()", "pg_current_wal_lsn()" },
	{ "received_lsn", "pg_last_xlog_receive_location()", "pg_last_wal_receive_lsn()" },
	{ "replayed_lsn", "pg_last_xlog_replay_location()", "pg_last_wal_replay_lsn()" },
	{ "diff", "pg_xlog_location_diff", "pg_wal_lsn_diff" },
	/* Of a standby that has replayed nothing yet: what it shows is older than its start. */
	{ "replayed_at", "coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())",
		"coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())" },
	{ "paused", "pg_is_xlog_replay_paused()", "pg_is_wal_replay_paused()" },
	{ "r_replayed", "r.replay_location", "r.replay_lsn" },
	{ "one_lag", "NULL::float8", "extract(epoch FROM r.replay_lag)" },
	{ "r_lag", "NULL::float8", "extract(epoch FROM max(r.replay_lag))" },
};

static const char activity[] =
	"SELECT k.knows AS \"knows\", pg_backend_pid() AS \"pid\","
	" current_setting('default_transaction_read_only') AS \"read_only\","
	" k.standby::int AS in_recovery, a.connections,"
	" 100.0 * a.connections / greatest(k.slots, 1) AS connections_percent,"
	" k.slots AS connections_max,"
	" CASE WHEN k.knows THEN a.idle END AS idle,"
	" CASE WHEN k.knows THEN a.idle_time END AS idle_time,"
	" CASE WHEN k.knows THEN a.in_tx END AS idle_in_transaction,"
	" CASE WHEN k.knows THEN a.in_tx_time END AS idle_in_transaction_time,"
	" CASE WHEN k.knows THEN a.waiting END AS waiting,"
	" CASE WHEN k.knows THEN a.waiting_time END AS waiting_time,"
	" CASE WHEN k.knows THEN a.query_time END AS longest_query_time,"
	" CASE WHEN k.knows THEN CASE WHEN a.waiting > 0 THEN"
	"  coalesce((SELECT extract(epoch FROM max(now() - b.query_start))"
	"   FROM pg_catalog.pg_stat_activity v"
	"   CROSS JOIN LATERAL unnest(pg_blocking_pids(v.pid)) AS h(pid)"
	"   JOIN pg_catalog.pg_stat_activity b ON b.pid = h.pid AND b.state = 'active'"
	"    AND b.wait_event_type IS DISTINCT FROM 'Lock'"
	"   WHERE v.wait_event_type = 'Lock'), 0) ELSE 0 END END AS blocking_query_time,"
	" CASE WHEN k.knows THEN a.tx_time END AS longest_transaction_time,"
	" CASE WHEN k.knows THEN r.replicas END AS replicas,"
	/* One that is fed with files of the log has no primary to receive from. */
	" CASE WHEN k.standby THEN CASE WHEN w.running THEN 1"
	"  WHEN k.knows AND (SELECT p.setting = '' FROM pg_catalog.pg_settings p"
	"   WHERE p.name = 'primary_conninfo') THEN NULL ELSE 0 END END AS replica_running,"
	" CASE WHEN NOT k.standby THEN CASE WHEN k.knows THEN r.lag_time END"
	"  WHEN w.running AND {received_lsn} = {replayed_lsn} THEN 0"
	"  ELSE greatest(extract(epoch FROM now() - {replayed_at}), 0)"
	"  END AS replication_lag_time,"
	" CASE WHEN NOT k.standby THEN CASE WHEN k.knows THEN r.lag_bytes END"
	"  ELSE greatest({diff}({received_lsn}, {replayed_lsn}), 0)"
	"  END AS replication_lag_bytes"
	" FROM (SELECT {knows} AS knows, pg_is_in_recovery() AS standby,"
	"  current_setting('max_connections')::int"
	"  - current_setting('superuser_reserved_connections')::int"
	"  - coalesce(current_setting('reserved_connections', true)::int, 0) AS slots) k,"
	" (SELECT count(*) AS connections,"
	"  count(*) FILTER (WHERE s.state = 'idle') AS idle,"
	"  coalesce(extract(epoch FROM max(now() - s.state_change)"
	"   FILTER (WHERE s.state = 'idle')), 0) AS idle_time,"
	"  count(*) FILTER (WHERE s.state LIKE 'idle in %') AS in_tx,"
	"  coalesce(extract(epoch FROM max(now() - s.state_change)"
	"   FILTER (WHERE s.state LIKE 'idle in %')), 0) AS in_tx_time,"
	"  count(*) FILTER (WHERE s.wait_event_type = 'Lock') AS waiting,"
	"  coalesce(extract(epoch FROM max(now() - s.query_start)"
	"   FILTER (WHERE s.wait_event_type = 'Lock')), 0) AS waiting_time,"
	"  coalesce(extract(epoch FROM max(now() - s.query_start)"
	"   FILTER (WHERE s.state = 'active' AND s.pid <> pg_backend_pid()"
	"    AND s.wait_event_type IS DISTINCT FROM 'Lock')), 0) AS query_time,"
	"  coalesce(extract(epoch FROM max(now() - s.xact_start)"
	"   FILTER (WHERE s.pid <> pg_backend_pid())), 0) AS tx_time"
	"  FROM pg_catalog.pg_stat_activity s WHERE {client}) a,"
	/* A backup under way streams, too, and goes again. */
	" (SELECT count(*) FILTER (WHERE r.state = 'streaming'"
	"   AND r.application_name NOT IN ('pg_basebackup', 'pg_receivewal')"
	"   AND r.application_name NOT LIKE 'pg\\_%\\_sync\\_%') AS replicas,"
	"  CASE WHEN count({r_replayed}) > 0 THEN coalesce({r_lag}, 0) END AS lag_time,"
	"  max(greatest(CASE WHEN NOT pg_is_in_recovery() THEN {diff}({now_lsn}, {r_replayed}) "
	"END,"
	"  0)) AS lag_bytes"
	"  FROM pg_catalog.pg_stat_replication r WHERE {r_replayed} IS NOT NULL) r,"
	" (SELECT count(*) > 0 AS running FROM pg_catalog.pg_stat_wal_receiver) w";

static const char upkeep[] =
	"SELECT pg_database_size(current_database()) AS database_bytes,"
	" (SELECT sum(deadlocks) FROM pg_catalog.pg_stat_database) AS deadlocks_total,"
	" x.age / 21474836.48 AS xid_used_percent,"
	" 100.0 * x.age / current_setting('autovacuum_freeze_max_age')::numeric"
	"  AS xid_freeze_percent,"
	" coalesce(greatest(s.retained, 0), 0) AS slots_retained_bytes,"
	" s.inactive AS slots_inactive,"
	" CASE WHEN current_setting('archive_mode') <> 'off' THEN"
	"  (SELECT (last_failed_time IS NOT NULL AND last_failed_time >"
	"   coalesce(last_archived_time, '-infinity'))::int FROM pg_catalog.pg_stat_archiver)"
	"  END AS archive_failing"
	" FROM (SELECT max(age(datfrozenxid)) AS age FROM pg_catalog.pg_database) x,"
	" (SELECT max({diff}(CASE WHEN pg_is_in_recovery()"
	"  THEN coalesce({received_lsn}, {replayed_lsn}) ELSE {now_lsn} END, restart_lsn))"
	"  AS retained, count(*) FILTER (WHERE NOT active) AS inactive"
	"  FROM pg_catalog.pg_replication_slots) s";

/* What stands in quotes or is a number may be somebody's data: it becomes '?'. */
static const char blockers[] =
	"SELECT format('pid %s (%s, %s) waits %ss for pid %s (%s, %s, %s): %s', w.pid, w.usename,"
	" left(w.application_name, 40), extract(epoch FROM now() - w.query_start)::int, b.pid,"
	" b.usename, left(b.application_name, 40), b.state,"
	" left(regexp_replace(regexp_replace(b.query, '''[^'']*''', '?', 'g'),"
	" '\\y[0-9]+\\y', '?', 'g'), 120))"
	" FROM pg_catalog.pg_stat_activity w"
	" CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS p(pid)"
	" JOIN pg_catalog.pg_stat_activity b ON b.pid = p.pid"
	" WHERE w.wait_event_type = 'Lock'"
	" ORDER BY (b.wait_event_type = 'Lock') NULLS FIRST, w.query_start LIMIT 3";

static const char crowd[] =
	"SELECT format('%s %s of %s (%s) from %s', count(*), state, usename,"
	" left(application_name, 40), coalesce(host(client_addr), 'a local socket'))"
	" FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL"
	" GROUP BY state, usename, application_name, client_addr ORDER BY count(*) DESC LIMIT 3";

static const char *
translate(const char *word, size_t len, int version)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		const struct dialect *d = &dialects[i];

		if (strlen(d->word) == len && memcmp(d->word, word, len) == 0)
			return version >= 100000 ? d->since_10 : d->before_10;
	}
	return "NULL";
}

void
pg_sql_write(struct buf *out, const char *text, int version)
{
	for (const char *p = text; *p != '\0';) {
		size_t len = strcspn(p, "{");
		const char *end;

		buf_add(out, p, len);
		p += len;
		if (*p == '\0')
			return;
		end = strchr(p, '}');
		buf_add_text(out, translate(p + 1, (size_t)(end - p - 1), version));
		p = end + 1;
	}
}

void
pg_sql_activity(struct buf *out, int version)
{
	pg_sql_write(out, activity, version);
}

void
pg_sql_upkeep(struct buf *out, int version)
{
	pg_sql_write(out, upkeep, version);
}

void
pg_sql_blockers(struct buf *out)
{
	buf_add_text(out, blockers);
}

void
pg_sql_crowd(struct buf *out)
{
	buf_add_text(out, crowd);
}

/* As E'...', whatever standard_conforming_strings is. */
static void
add_literal(struct buf *out, const char *text)
{
	buf_add_text(out, "E'");
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_add(out, text, 1); /* doubled */
		buf_add(out, text, 1);
	}
	buf_add_text(out, "'");
}

void
pg_sql_tables(struct buf *out, const struct conf_strings *tables)
{
	buf_add_text(out, "SELECT t.name, t.id IS NOT NULL, coalesce(has_table_privilege(t.id, "
			  "'SELECT'), false) FROM (SELECT n.name, to_regclass(n.name) AS id FROM "
			  "unnest(ARRAY[");
	for (size_t i = 0; i < tables->count; i++) {
		if (i > 0)
			buf_add_text(out, ",");
		add_literal(out, tables->all[i]);
	}
	buf_add_text(out, "]::text[]) AS n(name)) t");
}
