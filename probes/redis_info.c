/*
 * INFO in one walk over its lines "key:value".  A table, sorted by key, says what each is; the
 * lines that are lists themselves (dbN, slaveN, errorstat_X) have a reader of their own.
 */
#include "probes/redis_info.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define KEY_MAX   64
#define VALUE_MAX 256

static const char errors_title[] = "# Errorstats", keys_title[] = "# Keyspace";

enum kind { NUMBER, IS_OK, IS_UP, TEXT };

struct row {
	const char *key;
	enum kind kind;
	size_t at; /* the number, or the offset of the text */
	size_t size;
};

#define TEXT_AT(m) TEXT, offsetof(struct redis_info, m), sizeof(((struct redis_info *)0)->m)

/* Sorted by key. */
static const struct row rows[] = {
	{ "aof_enabled", NUMBER, INFO_AOF_ENABLED, 0 },
	{ "aof_last_bgrewrite_status", IS_OK, INFO_AOF_REWRITE_OK, 0 },
	{ "aof_last_write_status", IS_OK, INFO_AOF_WRITE_OK, 0 },
	{ "blocked_clients", NUMBER, INFO_BLOCKED_CLIENTS, 0 },
	{ "cluster_enabled", NUMBER, INFO_CLUSTER_ENABLED, 0 },
	{ "connected_clients", NUMBER, INFO_CONNECTED_CLIENTS, 0 },
	{ "connected_slaves", NUMBER, INFO_CONNECTED_REPLICAS, 0 },
	{ "evicted_keys", NUMBER, INFO_EVICTED_KEYS, 0 },
	{ "expired_keys", NUMBER, INFO_EXPIRED_KEYS, 0 },
	{ "instantaneous_ops_per_sec", NUMBER, INFO_OPS_PER_SECOND, 0 },
	{ "keyspace_hits", NUMBER, INFO_HITS, 0 },
	{ "keyspace_misses", NUMBER, INFO_MISSES, 0 },
	{ "latest_fork_usec", NUMBER, INFO_FORK_USEC, 0 },
	{ "loading", NUMBER, INFO_LOADING, 0 },
	{ "loading_eta_seconds", NUMBER, INFO_LOADING_ETA, 0 },
	{ "loading_loaded_perc", NUMBER, INFO_LOADED_PERCENT, 0 },
	{ "master_host", TEXT_AT(master_host) },
	{ "master_last_io_seconds_ago", NUMBER, INFO_MASTER_IO_AGE, 0 },
	{ "master_link_down_since_seconds", NUMBER, INFO_MASTER_DOWN_TIME, 0 },
	{ "master_link_status", IS_UP, INFO_MASTER_LINK_UP, 0 },
	{ "master_port", NUMBER, INFO_MASTER_PORT, 0 },
	{ "master_repl_offset", NUMBER, INFO_MASTER_OFFSET, 0 },
	{ "master_sync_in_progress", NUMBER, INFO_MASTER_SYNCING, 0 },
	{ "master_sync_left_bytes", NUMBER, INFO_MASTER_SYNC_LEFT, 0 },
	{ "maxclients", NUMBER, INFO_MAXCLIENTS, 0 },
	{ "maxmemory", NUMBER, INFO_MAXMEMORY, 0 },
	{ "maxmemory_policy", TEXT_AT(policy) },
	{ "mem_clients_normal", NUMBER, INFO_OUTPUT_MEMORY, 0 },
	{ "mem_fragmentation_ratio", NUMBER, INFO_FRAGMENTATION, 0 },
	{ "process_id", NUMBER, INFO_PROCESS_ID, 0 },
	{ "rdb_changes_since_last_save", NUMBER, INFO_UNSAVED_CHANGES, 0 },
	{ "rdb_last_bgsave_status", IS_OK, INFO_SAVE_OK, 0 },
	{ "rdb_last_save_time", NUMBER, INFO_SAVE_AT, 0 },
	{ "redis_mode", TEXT_AT(mode) },
	{ "redis_version", TEXT_AT(version) },
	{ "rejected_connections", NUMBER, INFO_REJECTED_CONNECTIONS, 0 },
	{ "role", TEXT_AT(role) },
	{ "run_id", TEXT_AT(run_id) },
	{ "server_time_usec", NUMBER, INFO_SERVER_TIME_USEC, 0 },
	{ "total_system_memory", NUMBER, INFO_SYSTEM_MEMORY, 0 },
	{ "uptime_in_seconds", NUMBER, INFO_UPTIME, 0 },
	{ "used_cpu_sys", NUMBER, INFO_CPU_SYSTEM, 0 },
	{ "used_cpu_user", NUMBER, INFO_CPU_USER, 0 },
	{ "used_memory", NUMBER, INFO_USED_MEMORY, 0 },
};

static int
compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct row *)row)->key);
}

static double
read_number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return end == text || !isfinite(value) ? (double)NAN : value;
}

/* "keys=1,expires=0": the number behind `name`; NAN: it is not there. */
static double
read_part(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; p != NULL && *p != '\0'; p = strchr(p, ',')) {
		if (*p == ',')
			p++;
		if (strncmp(p, name, len) == 0 && p[len] == '=')
			return read_number(p + len + 1);
	}
	return NAN;
}

static void
take_other_db(struct redis_info *info, unsigned number, double keys)
{
	info->other_dbs++;
	if (!(keys > 0))
		return;
	info->other_keys = (isnan(info->other_keys) ? 0 : info->other_keys) + keys;
	if (keys > info->fullest_keys) {
		info->fullest_db = number;
		info->fullest_keys = keys;
	}
}

/* "db0:keys=3,expires=1,avg_ttl=0" */
static bool
take_db(struct redis_info *info, const char *key, const char *value, unsigned db)
{
	char ours[16];

	if (!str_starts(key, "db") || key[2] < '0' || key[2] > '9')
		return false;
	snprintf(ours, sizeof(ours), "db%u", db);
	if (!str_eq(key, ours)) {
		take_other_db(info, (unsigned)strtoul(key + 2, NULL, 10), read_part(value, "keys"));
		return true;
	}
	info->keys = read_part(value, "keys");
	info->expiring = read_part(value, "expires");
	return true;
}

/* "slave0:ip=10.0.0.2,port=6379,state=online,offset=1300,lag=0"; the lag is made at the end. */
static bool
take_replica(struct redis_info *info, const char *key, const char *value, double *least_offset)
{
	double offset;

	if (!str_starts(key, "slave") || key[5] < '0' || key[5] > '9')
		return false;
	info->replicas_seen++;
	if (strstr(value, "state=online") == NULL)
		return true;
	info->replicas_online++;
	offset = read_part(value, "offset");
	if (isnan(*least_offset) || offset < *least_offset)
		*least_offset = offset;
	return true;
}

static void
take_row(struct redis_info *info, const struct row *row, const char *value)
{
	switch (row->kind) {
	case NUMBER:
		info->n[row->at] = read_number(value);
		break;
	case IS_OK:
		info->n[row->at] = str_eq(value, "ok");
		break;
	case IS_UP:
		info->n[row->at] = str_eq(value, "up");
		break;
	case TEXT:
		str_copy((char *)info + row->at, row->size, value);
		break;
	}
}

static bool
is_title(const char *line, size_t len, const char *title)
{
	return len >= strlen(title) && memcmp(line, title, strlen(title)) == 0;
}

static void
take_line(struct redis_info *info, const char *line, size_t len, unsigned db, double *least_offset)
{
	const char *colon = memchr(line, ':', len);
	char key[KEY_MAX], value[VALUE_MAX];
	const struct row *row;
	size_t key_len, value_len;

	/* what is counted and never happened has no line, and an empty database has none either */
	if (is_title(line, len, errors_title))
		info->oom_errors = 0;
	else if (is_title(line, len, keys_title))
		info->keys = info->expiring = info->other_keys = 0;
	if (colon == NULL || line[0] == '#')
		return;
	key_len = (size_t)(colon - line);
	value_len = len - key_len - 1;
	if (key_len >= sizeof(key))
		return;
	if (value_len >= sizeof(value))
		value_len = sizeof(value) - 1;
	memcpy(key, line, key_len);
	key[key_len] = '\0';
	memcpy(value, colon + 1, value_len);
	value[value_len] = '\0';
	row = bsearch(key, rows, sizeof(rows) / sizeof(rows[0]), sizeof(rows[0]), compare);
	if (row != NULL)
		take_row(info, row, value);
	else if (str_eq(key, "errorstat_OOM"))
		info->oom_errors = read_part(value, "count");
	else if (!take_db(info, key, value, db))
		take_replica(info, key, value, least_offset);
}

void
redis_info_parse(struct redis_info *info, const char *text, size_t len, unsigned db)
{
	const char *end = text + len;
	double least_offset = NAN;

	memset(info, 0, sizeof(*info));
	for (size_t i = 0; i < INFO_NUMBERS; i++)
		info->n[i] = NAN;
	info->oom_errors = info->worst_lag_bytes = info->keys = info->expiring = NAN;
	info->other_keys = NAN;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((stop != NULL ? stop : end) - text);

		if (line_len > 0)
			take_line(info, text, line_len - (text[line_len - 1] == '\r' ? 1 : 0), db,
				&least_offset);
		if (stop == NULL)
			break;
		text = stop + 1;
	}
	if (info->replicas_online > 0 && isfinite(info->n[INFO_MASTER_OFFSET] - least_offset))
		info->worst_lag_bytes = fmax(info->n[INFO_MASTER_OFFSET] - least_offset, 0);
}
