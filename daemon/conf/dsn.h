/*
 * Data source names, in the forms that applications already have in their environment: URLs, libpq
 * keyword strings, Go's user:password@tcp(host)/db, redis URLs and paths, SQLite paths.  Pure text;
 * nothing is looked up.  One file a grammar: dsn_postgres.c, dsn_mysql.c, dsn_redis.c,
 * dsn_sqlite.c.
 */
#ifndef CONF_DSN_H
#define CONF_DSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/schema.h"

#define DSN_HOSTS_MAX 8

enum dsn_tls {
	DSN_TLS_UNSET,
	DSN_TLS_DISABLE,
	DSN_TLS_ALLOW,
	DSN_TLS_PREFER,
	DSN_TLS_REQUIRE, /* encrypted, not verified */
	DSN_TLS_VERIFY_CA,
	DSN_TLS_VERIFY_FULL,
};

struct dsn_host {
	char host[256]; /* name or numeric, brackets taken off; empty for a unix path */
	uint16_t port;  /* the grammar's default filled in; 0 for a unix path */
	char path[108]; /* of the unix socket itself; empty for TCP */
};

struct dsn {
	enum dsn_kind kind;
	struct dsn_host hosts[DSN_HOSTS_MAX]; /* at least one; of SQLite none */
	unsigned host_count;
	char *user, *password; /* decoded; NULL: none */
	char *database;        /* "new-api", "0" of redis, the file of SQLite; NULL: none */
	enum dsn_tls tls;
	struct conf_pairs params; /* everything else, decoded, in order; drivers' own are kept */
};

/*
 * -1: e says which part is wrong and what would be right, never the password; e->code is the column
 * of that part, from 1.  A good `dsn` goes to dsn_fini.
 */
int dsn_parse(struct dsn *dsn, enum dsn_kind kind, const char *text, struct err *e);
void dsn_fini(struct dsn *dsn);
const char *dsn_param(const struct dsn *dsn, const char *name); /* NULL: absent */
/* Owned, for people: "postgresql://app:***@db:5432/shop". */
char *dsn_masked(const struct dsn *dsn);
/* Does this text have the shape of that grammar (and of no other)?  For `triage probe TEXT`. */
bool dsn_is_like(enum dsn_kind kind, const char *text);

/* Percent-decoding of [from, to); owned; NULL: a bad escape or a NUL. */
char *dsn_decode(const char *from, const char *to);
void dsn_add_param(struct dsn *dsn, const char *name, const char *value);

/* The grammars, for dsn.c alone. */
int dsn_postgres_parse(struct dsn *dsn, const char *text, struct err *e);
int dsn_mysql_parse(struct dsn *dsn, const char *text, struct err *e);
int dsn_redis_parse(struct dsn *dsn, const char *text, struct err *e);
int dsn_sqlite_parse(struct dsn *dsn, const char *text, struct err *e);

#endif
