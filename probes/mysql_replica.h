/* What SHOW REPLICA STATUS says, by all of its names: private to mysql*.c. */
#ifndef PROBES_MYSQL_REPLICA_H
#define PROBES_MYSQL_REPLICA_H

#include "probes/mysql_result.h"
#include "probes/probe.h"

/* The statement that this server has: 8.4 took the old words away, MariaDB never had new columns.
 */
const char *mysql_replica_sql(const struct mysql_greeting *g);
void mysql_replica_take(struct probe_run *run, const struct mysql_result *r);

#endif
