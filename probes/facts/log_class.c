/* The words are compared without regard to case; "*" stands for anything between. */
#include "probes/facts/log_class.h"

#include <string.h>

#include "base/str.h"

#define LINE_LOOKED 1024

static const struct {
	const char *class, *words;
} rows[] = {
	/* memory, disks and ports name themselves */
	{ "port-in-use", "address already in use" },
	{ "port-in-use", "eaddrinuse" },
	{ "port-in-use", "could not bind*in use" },
	{ "port-in-use", "only one usage of each socket address" },
	{ "disk-full", "no space left on device" },
	{ "disk-full", "enospc" },
	{ "disk-full", "disk is full" },
	{ "disk-full", "database or disk is full" },
	{ "disk-full", "disk quota exceeded" },
	{ "oom", "oom command not allowed" },
	{ "oom", "out of memory" },
	{ "oom", "outofmemory" },
	{ "oom", "cannot allocate memory" },
	{ "oom", "javascript heap" },
	{ "oom", "oom-kill" },
	/* databases: full, refused credentials, not there */
	{ "too-many-connections", "too many connections" },
	{ "too-many-connections", "too many clients" },
	{ "too-many-connections", "remaining connection slots" },
	{ "too-many-connections", "queuepool limit" },
	{ "too-many-connections", "max number of clients reached" },
	{ "redis-url", "redis*invalid*url" },
	{ "redis-url", "failed to parse redis" },
	{ "redis-url", "redis: invalid url" },
	{ "redis-url", "redis_conn_string*pars" },
	{ "redis-ping", "redis ping test failed" },
	{ "redis-ping", "redis*noauth" },
	{ "redis-ping", "redis*wrongpass" },
	{ "redis-ping", "redis*connection refused" },
	{ "redis-ping", "redis*econnrefused" },
	{ "redis-ping", "redis*connection timed out" },
	{ "redis-ping", "redis*connection lost" },
	{ "redis-ping", "failed to connect to redis" },
	{ "db-auth", "password authentication failed" },
	{ "db-auth", "access denied for user" },
	{ "db-auth", "no pg_hba.conf entry" },
	{ "db-auth", "authentication failed" },
	{ "migration", "failed to migrate" },
	{ "migration", "migration*fail" },
	{ "migration", "automigrate" },
	{ "migration", "relation*does not exist" },
	{ "migration", "table*doesn't exist" },
	{ "migration", "no such table" },
	{ "db-connect", "failed to initialize database" },
	{ "db-connect", "could not connect to server" },
	{ "db-connect", "can't connect to*mysql" },
	{ "db-connect", "can't connect to*server" },
	{ "db-connect", "failed to connect to database" },
	{ "db-connect", "failed to connect to mongodb" },
	{ "db-connect", "database*connection refused" },
	{ "db-connect", "dial tcp*connection refused" },
	{ "db-connect", "dial tcp*no such host" },
	{ "db-connect", "dial tcp*i/o timeout" },
	{ "db-connect", "econnrefused" },
	{ "db-connect", "connection refused" },
	{ "db-connect", "could not translate host name" },
	/* settings, rights, what is not installed */
	{ "session-secret", "session_secret" },
	{ "session-secret", "crypto_secret" },
	{ "session-secret", "random_string" },
	{ "permission", "permission denied" },
	{ "permission", "operation not permitted" },
	{ "permission", "eacces" },
	{ "permission", "read-only file system" },
	{ "package-missing", "no module named" },
	{ "package-missing", "cannot find module" },
	{ "package-missing", "modulenotfounderror" },
	{ "package-missing", "error while loading shared libraries" },
	{ "package-missing", "command not found" },
	{ "package-missing", "executable file not found" },
	{ "config", "configuration file*fail" },
	{ "config", "bad directive" },
	{ "config", "unknown directive" },
	{ "config", "unknown variable" },
	{ "config", "unrecognized configuration parameter" },
	{ "config", "fatal config file error" },
	{ "config", "syntax error" },
	{ "config", "invalid config" },
	{ "config", "missing required*environment" },
	{ "config", "failed to load config" },
	{ "config", "yaml:" },
	{ "panic", "panic:" },
	{ "panic", "segmentation fault" },
	{ "panic", "traceback (most recent call last)" },
	{ "panic", "unhandled exception" },
	{ "panic", "core dumped" },
	{ "panic", "fatal error" },
	{ "panic", "signal: killed" },
};

/* Whoever says so has begun to work: what it had said before is of an earlier start. */
static const char *const beginnings[] = {
	"database system is ready to accept connections", /* PostgreSQL */
	"ready for connections",                          /* MySQL, MariaDB */
	"ready to accept connections",                    /* Redis */
};

static void
lower(char *out, size_t size, const char *text)
{
	size_t len = 0;

	for (; len < size - 1 && text[len] != '\0'; len++)
		out[len] = (char)(text[len] >= 'A' && text[len] <= 'Z' ? text[len] + 'a' - 'A'
								       : text[len]);
	out[len] = '\0';
}

/* Each part behind the one before. */
static int
has_words(const char *line, const char *words)
{
	while (*words != '\0') {
		size_t len = strcspn(words, "*");
		const char *at = memmem(line, strlen(line), words, len);

		if (at == NULL)
			return 0;
		line = at + len;
		words += len;
		words += *words == '*';
	}
	return 1;
}

static int
is_beginning(const char *line)
{
	for (size_t k = 0; k < sizeof(beginnings) / sizeof(beginnings[0]); k++)
		if (strstr(line, beginnings[k]) != NULL)
			return 1;
	return 0;
}

const char *
log_class_find(const char *const *lines, size_t count, size_t *which)
{
	char line[LINE_LOOKED];
	size_t best = sizeof(rows) / sizeof(rows[0]);

	for (size_t i = count; i-- > 0;) {
		lower(line, sizeof(line), lines[i]);
		if (is_beginning(line))
			break;
		for (size_t k = 0; k < best; k++) {
			if (!has_words(line, rows[k].words))
				continue;
			best = k;
			*which = i;
		}
	}
	return best < sizeof(rows) / sizeof(rows[0]) ? rows[best].class : "";
}
