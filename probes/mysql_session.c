/* Opening a session, making it harmless, and naming the rights it lacks. */
#include "probes/mysql_session.h"

#include <stdio.h>
#include <string.h>

#define SPARE_IDLE_S 600 /* beyond what is planned */

struct mysql_client *
mysql_session_open(const struct mysql_conf *conf, const struct io_env *env, mysql_fn fn, void *arg,
	struct err *e)
{
	struct mysql_client_options o = {
		.env = env,
		.place = &conf->place,
		.user = conf->parsed.user,
		.password = conf->parsed.password,
		.database = conf->parsed.database,
		.mode = conf->parsed.tls,
		.tls = conf->ctx,
	};

	if (conf->parsed.tls >= DSN_TLS_ALLOW && o.tls == NULL) {
		o.tls = mysql_conf_tls(conf, env->tls, e);
		if (o.tls == NULL)
			return NULL;
	}
	return mysql_client_open(&o, fn, arg);
}

void
mysql_session_sql(
	const struct mysql_greeting *g, usec_t run_us, usec_t idle_us, char *out, size_t size)
{
	unsigned run_ms = (unsigned)(run_us / USEC_PER_MSEC) + 1;
	unsigned lock_s = run_ms / 1000 + 1, idle_s = (unsigned)(idle_us / USEC_PER_SEC);
	const char *name = "tx_read_only";
	char limit[64] = "";

	if (g->number >= (g->is_mariadb ? 110101U : 50720U))
		name = "transaction_read_only";
	if (g->is_mariadb)
		snprintf(limit, sizeof(limit), ",max_statement_time=%u.%03u", run_ms / 1000,
			run_ms % 1000);
	else if (g->number >= 50708)
		snprintf(limit, sizeof(limit), ",max_execution_time=%u", run_ms);
	/* a session that begins transactions by itself would hold an old view open */
	snprintf(out, size,
		"SET autocommit=1,%s=1,lock_wait_timeout=%u,innodb_lock_wait_timeout=%u,"
		"wait_timeout=%u%s",
		name, lock_s, lock_s, idle_s + SPARE_IDLE_S, limit);
}

/* MariaDB split REPLICATION CLIENT in 10.5. */
static void
name_rights(const struct mysql_greeting *g, unsigned lacks, char *out, size_t size)
{
	bool is_split = g->is_mariadb && g->number >= 100509;
	size_t len = 0;

	if (!is_split && (lacks & (MYSQL_RIGHT_REPLICA | MYSQL_RIGHT_BINLOG)) != 0)
		lacks = (lacks & MYSQL_RIGHT_PROCESS) | MYSQL_RIGHT_REPLICA;
	out[0] = '\0';
	if ((lacks & MYSQL_RIGHT_PROCESS) != 0)
		len += (size_t)snprintf(out + len, size - len, ", PROCESS");
	if ((lacks & MYSQL_RIGHT_REPLICA) != 0)
		len += (size_t)snprintf(out + len, size - len, ", %s",
			is_split ? "SLAVE MONITOR" : "REPLICATION CLIENT");
	if ((lacks & MYSQL_RIGHT_BINLOG) != 0)
		snprintf(out + len, size - len, ", BINLOG MONITOR");
}

void
mysql_session_grant(const struct mysql_greeting *g, const char *account, unsigned rights, char *out,
	size_t size)
{
	const char *host = account != NULL ? strrchr(account, '@') : NULL;
	char names[100];

	out[0] = '\0';
	if (rights == 0)
		return;
	name_rights(g, rights, names, sizeof(names));
	if (host == NULL)
		snprintf(out, size, "%s", names + 2);
	else
		snprintf(out, size, "GRANT %s ON *.* TO `%.*s`@`%s`", names + 2,
			(int)(host - account), account, host + 1);
}
