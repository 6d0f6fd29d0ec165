/* INFO's answer as numbers: hostile text in, NAN where a field is missing or none of ours. */
#ifndef PROBES_REDIS_INFO_H
#define PROBES_REDIS_INFO_H

#include <stdbool.h>
#include <stddef.h>

enum redis_number {
	INFO_AOF_ENABLED,
	INFO_AOF_REWRITE_OK,
	INFO_AOF_WRITE_OK,
	INFO_BLOCKED_CLIENTS,
	INFO_CLUSTER_ENABLED,
	INFO_CONNECTED_CLIENTS,
	INFO_CONNECTED_REPLICAS,
	INFO_CPU_SYSTEM,
	INFO_CPU_USER,
	INFO_EVICTED_KEYS,
	INFO_EXPIRED_KEYS,
	INFO_FORK_USEC,
	INFO_FRAGMENTATION,
	INFO_HITS,
	INFO_LOADED_PERCENT,
	INFO_LOADING,
	INFO_LOADING_ETA,
	INFO_MASTER_DOWN_TIME,
	INFO_MASTER_IO_AGE,
	INFO_MASTER_LINK_UP,
	INFO_MASTER_OFFSET,
	INFO_MASTER_PORT,
	INFO_MASTER_SYNC_LEFT,
	INFO_MASTER_SYNCING,
	INFO_MAXCLIENTS,
	INFO_MAXMEMORY,
	INFO_MISSES,
	INFO_OPS_PER_SECOND,
	INFO_OUTPUT_MEMORY,
	INFO_PROCESS_ID,
	INFO_REJECTED_CONNECTIONS,
	INFO_SAVE_AT,
	INFO_SAVE_OK,
	INFO_SERVER_TIME_USEC,
	INFO_SYSTEM_MEMORY,
	INFO_UNSAVED_CHANGES,
	INFO_UPTIME,
	INFO_USED_MEMORY,
	INFO_NUMBERS
};

struct redis_info {
	double n[INFO_NUMBERS];
	double keys, expiring;  /* of the database asked for; NAN: INFO tells of none at all */
	double oom_errors;      /* NAN: the server does not count errors */
	double worst_lag_bytes; /* of the replicas that are online; NAN: none is */
	unsigned replicas_online, replicas_seen;
	unsigned other_dbs;  /* databases besides ours that hold keys */
	double other_keys;   /* in them, together; NAN: INFO tells of none at all */
	unsigned fullest_db; /* of them, the one with most keys */
	double fullest_keys; /* in it; 0: there is none */
	char role[16];       /* "master", "slave", "" */
	char mode[16];       /* "standalone", "cluster", "sentinel", "" */
	char policy[32], version[32], run_id[48], master_host[128];
};

void redis_info_parse(struct redis_info *info, const char *text, size_t len, unsigned db);

#endif
