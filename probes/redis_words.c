/*
 * Error replies by how they begin.  The first word is the server's own code since Redis 3; what is
 * only "ERR" is told by its text, as Redis 2.8 to 7 and Valkey write it.
 */
#include "probes/redis_words.h"

#include <stddef.h>

#include "base/str.h"

/* The first match wins. */
static const struct {
	const char *begin, *cause;
} rows[] = {
	{ "NOAUTH ", "redis.noauth" },
	{ "ERR operation not permitted", "redis.noauth" }, /* 2.x */
	{ "WRONGPASS ", "redis.wrongpass" },
	{ "ERR invalid password", "redis.wrongpass" },
	/* AUTH with a user's name before Redis 6 */
	{ "ERR wrong number of arguments for 'auth'", "redis.wrongpass" },
	{ "ERR AUTH ", "redis.auth-unneeded" },
	{ "ERR Client sent AUTH, but no password is set", "redis.auth-unneeded" },
	{ "ERR DB index is out of range", "redis.db-range" },
	{ "ERR invalid DB index", "redis.db-range" },
	{ "ERR value is not an integer", "redis.db-range" },
	{ "ERR SELECT is not allowed in cluster mode", "redis.db-range" },
	{ "LOADING ", "redis.loading" },
	{ "ERR max number of clients", "redis.maxclients" },
	{ "DENIED ", "redis.protected" },
	{ "OOM ", "redis.oom" },
	{ "MISCONF ", "redis.misconf" },
	{ "READONLY ", "redis.readonly" },
	{ "MASTERDOWN ", "redis.masterdown" },
	{ "BUSY ", "redis.busy" },
	{ "NOPERM ", "redis.noperm" },
	{ "CLUSTERDOWN ", "redis.clusterdown" },
	{ "MOVED ", "redis.moved" },
	{ "ASK ", "redis.moved" },
	{ "TRYAGAIN ", "redis.moved" },
	{ "NOREPLICAS ", "redis.noreplicas" },
	{ "WRONGTYPE ", "redis.wrongtype" },
};

const char *
redis_cause(const char *error)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_starts(error, rows[i].begin))
			return rows[i].cause;
	return "redis.error";
}
