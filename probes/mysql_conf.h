/* Settings of the mysql probe and its rows: private to mysql*.c. */
#ifndef PROBES_MYSQL_CONF_H
#define PROBES_MYSQL_CONF_H

#include "conf/dsn.h"
#include "io/addr.h"
#include "io/tls.h"
#include "probes/probe.h"

enum mysql_row {
	MYSQL_LOGIN_TIME = PHASE_COUNT,
	MYSQL_QUERY_TIME,
	MYSQL_THREADS_CONNECTED,
	MYSQL_CONNECTIONS_PERCENT,
	MYSQL_CONNECTIONS_PEAK,
	MYSQL_THREADS_RUNNING,
	MYSQL_IDLE_CONNECTIONS,
	MYSQL_IDLE_PERCENT,
	MYSQL_LONGEST_QUERY_TIME,
	MYSQL_LONGEST_TRANSACTION_TIME,
	MYSQL_SLOW_QUERIES,
	MYSQL_FULL_JOINS,
	MYSQL_QUERIES,
	MYSQL_REPLICA_RUNNING,
	MYSQL_REPLICA_LAG_TIME,
	MYSQL_ABORTED_CONNECTS,
	MYSQL_REJECTED,
	MYSQL_ROW_LOCK_WAITS,
	MYSQL_LOCK_WAITS,
	MYSQL_LOCK_WAIT_TIME,
	MYSQL_DEADLOCKS,
	MYSQL_READ_ONLY,
	MYSQL_BINLOG_BYTES,
	MYSQL_BINLOG_PERCENT,
	MYSQL_BINLOG_EXPIRE_TIME,
	MYSQL_BINLOG_OLDEST_AGE,
	MYSQL_DATA_FREE_BYTES,
	MYSQL_DATA_USED_PERCENT,
	MYSQL_DSN_DOUBTFUL,
	MYSQL_RIGHTS_MISSING,
	MYSQL_UPTIME_TIME,
	MYSQL_ROW_COUNT, /* the rows of `queries` follow */
};

enum mysql_role { MYSQL_ROLE_ANY, MYSQL_ROLE_PRIMARY, MYSQL_ROLE_REPLICA };

struct mysql_conf {
	char *dsn, *ca, *cert, *key;
	struct conf_pairs queries;
	struct conf_strings tables, indexes;
	int role;
	usec_t reconnect_us, idle_after_us;
	bool is_measured;
	/* made by check */
	bool is_parsed;
	struct dsn parsed;
	struct place place;
	const char *remark; /* on the DSN's parameters; NULL: none */
	struct tls_ctx *ctx;
	const struct metric_desc *rows;
};

extern const struct conf_field mysql_fields[];
extern const struct metric_desc mysql_metrics[];

const struct metric_desc *mysql_conf_rows(const void *conf);
void mysql_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
void mysql_conf_release(void *conf);
void mysql_conf_target(const void *conf, const char *instance, char *out, size_t size);
void mysql_conf_reveal(const void *conf, const char *instance, struct revealed *out);
bool mysql_conf_takes(const char *text);
/* Does its DSN need TLS, and with which verification?  NULL with e: cannot be set up. */
struct tls_ctx *mysql_conf_tls(const struct mysql_conf *conf, struct tls_pool *pool, struct err *e);

#endif
