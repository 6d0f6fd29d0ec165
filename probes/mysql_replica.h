/* What SHOW REPLICA STATUS says, by all of its names: for mysql*.c and facts. */
#ifndef PROBES_MYSQL_REPLICA_H
#define PROBES_MYSQL_REPLICA_H

#include "probes/mysql_result.h"
#include "probes/probe.h"

/* The statement that this server has: 8.4 took the old words away, MariaDB never had new columns.
 */
const char *mysql_replica_sql(const struct mysql_greeting *g);
/* A replication error without the values of the statement and of the row that it quotes. */
void mysql_replica_error(const char *raw, char *out, size_t size);
void mysql_replica_take(struct probe_run *run, const struct mysql_result *r);

#endif
