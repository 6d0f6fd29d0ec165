/*
 * A session of the check's account: how it is opened, what makes it harmless, which rights it
 * should have.  Shared by the probe and the facts.
 */
#ifndef PROBES_MYSQL_SESSION_H
#define PROBES_MYSQL_SESSION_H

#include "probes/mysql_client.h"
#include "probes/mysql_conf.h"

#define MYSQL_SQL_MAX 4200

/* A right that we lack. */
enum mysql_right { MYSQL_RIGHT_PROCESS = 1, MYSQL_RIGHT_REPLICA = 2, MYSQL_RIGHT_BINLOG = 4 };

/* NULL with e: TLS cannot be set up. */
struct mysql_client *mysql_session_open(const struct mysql_conf *conf, const struct io_env *env,
	mysql_fn fn, void *arg, struct err *e);

/* The statement that makes a session read-only and bounded: a statement may take `run_us`, the
 * session may be idle for `idle_us`.  A server too old for its variables knows the short one. */
void mysql_session_sql(
	const struct mysql_greeting *g, usec_t run_us, usec_t idle_us, char *out, size_t size);
#define MYSQL_SESSION_SHORT "SET SESSION TRANSACTION READ ONLY"

/* "GRANT PROCESS ON *.* TO `app`@`%`", by the words of this server; account as CURRENT_USER()
 * gives it, NULL: not known.  Without rights: "". */
void mysql_session_grant(const struct mysql_greeting *g, const char *account, unsigned rights,
	char *out, size_t size);

#endif
