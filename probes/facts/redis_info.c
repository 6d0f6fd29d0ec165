/*
 * INFO of a Redis server, and where it keeps its data: what tells a full memory from a full disk, a
 * cold cache from one that evicts, a replica that synchronises from one that is cut off.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/facts/redis_visit.h"
#include "probes/redis_words.h"

enum {
	KEY_VERSION,
	KEY_ROLE,
	KEY_USED_MEMORY,
	KEY_MAXMEMORY,
	KEY_MEMORY_PERCENT,
	KEY_POLICY,
	KEY_FRAGMENTATION,
	KEY_CLIENTS,
	KEY_MAXCLIENTS,
	KEY_BLOCKED,
	KEY_EVICTED,
	KEY_REJECTED,
	KEY_HIT_PERCENT,
	KEY_KEYS,
	KEY_TTL_PERCENT,
	KEY_AOF,
	KEY_AOF_OK,
	KEY_RDB_OK,
	KEY_LAST_SAVE_AGE,
	KEY_DIR,
	KEY_LOADING,
	KEY_LOADED_PERCENT,
	KEY_ETA,
	KEY_LINK,
	KEY_LINK_DOWN,
	KEY_MASTER,
	KEY_UPTIME,
	KEY_OOM_ERRORS,
	KEY_USED_CPU,
	KEY_DATABASES,
	KEY_OTHER_KEYS,
	KEY_FULLEST_DB,
	KEY_FORK_TIME,
	KEY_OUTPUT_MEMORY,
	KEY_SYSTEM_MEMORY,
	KEY_REPLICAS,
	KEY_SYNCING,
	KEY_UNSAVED,
	KEY_CLUSTER,
};

static const struct metric_desc keys[] = {
	{ "version", METRIC_GAUGE, UNIT_TEXT, "Its version." },
	{ "role", METRIC_GAUGE, UNIT_TEXT, "`master` or `slave`; empty of a sentinel." },
	{ "used_memory_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory in use." },
	{ "maxmemory_bytes", METRIC_GAUGE, UNIT_BYTES, "The limit; 0: there is none." },
	{ "memory_percent", METRIC_GAUGE, UNIT_PERCENT, "Memory in use, of the limit." },
	{ "policy", METRIC_GAUGE, UNIT_TEXT, "What happens at the limit (`noeviction`)." },
	{ "fragmentation", METRIC_GAUGE, UNIT_NONE, "Resident memory by memory in use." },
	{ "clients", METRIC_GAUGE, UNIT_NONE, "Connected clients." },
	{ "maxclients", METRIC_GAUGE, UNIT_NONE, "How many it takes." },
	{ "blocked", METRIC_GAUGE, UNIT_NONE, "Clients that wait in a blocking command." },
	{ "evicted", METRIC_GAUGE, UNIT_NONE, "Keys removed for want of memory since its start." },
	{ "rejected", METRIC_GAUGE, UNIT_NONE, "Clients turned away since its start." },
	{ "hit_percent", METRIC_GAUGE, UNIT_PERCENT, "Lookups that found a key since its start." },
	{ "keys", METRIC_GAUGE, UNIT_NONE, "Keys in the database of the check." },
	{ "ttl_percent", METRIC_GAUGE, UNIT_PERCENT, "Of them, those that expire." },
	{ "aof", METRIC_FLAG, UNIT_BOOL, "The append-only file is on." },
	{ "aof_ok", METRIC_FLAG, UNIT_BOOL, "Its last write and rewrite succeeded." },
	{ "rdb_ok", METRIC_FLAG, UNIT_BOOL, "The last RDB save succeeded." },
	{ "last_save_age", METRIC_GAUGE, UNIT_SECONDS, "Since the last good RDB save." },
	{ "dir", METRIC_GAUGE, UNIT_TEXT, "The folder of its data." },
	{ "loading", METRIC_FLAG, UNIT_BOOL, "It reads its data set." },
	{ "loaded_percent", METRIC_GAUGE, UNIT_PERCENT, "How much of it has been read." },
	{ "eta", METRIC_GAUGE, UNIT_SECONDS, "How long the rest will take." },
	{ "link", METRIC_GAUGE, UNIT_TEXT,
		"On a replica: its link to the master, `up` or `down`." },
	{ "link_down", METRIC_GAUGE, UNIT_SECONDS, "For how long the link has been down." },
	{ "master", METRIC_GAUGE, UNIT_TEXT, "On a replica: address of the master." },
	{ "uptime", METRIC_GAUGE, UNIT_SECONDS, "Since its start." },
	{ "oom_errors", METRIC_GAUGE, UNIT_NONE, "Commands refused for want of memory." },
	{ "used_cpu", METRIC_GAUGE, UNIT_PERCENT,
		"Of one processor, since the last look, or since its start." },
	{ "databases", METRIC_GAUGE, UNIT_NONE, "How many numbered databases there are." },
	{ "other_keys", METRIC_GAUGE, UNIT_NONE, "Keys in the other databases." },
	{ "fullest_db", METRIC_GAUGE, UNIT_NONE, "The other database with most keys." },
	{ "fork_time", METRIC_GAUGE, UNIT_SECONDS, "What the last fork took." },
	{ "output_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory of its clients' buffers." },
	{ "system_memory_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory of its machine." },
	{ "replicas", METRIC_GAUGE, UNIT_NONE, "Connected replicas." },
	{ "syncing", METRIC_FLAG, UNIT_BOOL, "On a replica: a full synchronisation goes on." },
	{ "unsaved", METRIC_GAUGE, UNIT_NONE, "Changes since the last RDB save." },
	{ "cluster", METRIC_FLAG, UNIT_BOOL, "It is a node of a cluster." },
	{ .name = NULL },
};

#define FRAGMENTS_FROM (64.0 * 1024 * 1024) /* of a small memory the rest is always most */

enum { WANT_INFO, WANT_DIR, WANT_DATABASES, WANT_MAXCLIENTS };

struct state {
	struct redis_visit visit;
	struct redis_info info;
	bool has_info, is_denied;
};

/* What the processor's share is measured against. */
struct memory {
	usec_t at_us;
	double cpu;
};

static void
ask(struct fact_run *run)
{
	REDIS_VISIT_ASK(run, WANT_INFO, "INFO");
	REDIS_VISIT_ASK(run, WANT_DIR, "CONFIG", "GET", "dir");
	REDIS_VISIT_ASK(run, WANT_DATABASES, "CONFIG", "GET", "databases");
	REDIS_VISIT_ASK(run, WANT_MAXCLIENTS, "CONFIG", "GET", "maxclients");
}

static void
tell_percent(struct fact_run *run, int key, double part, double whole)
{
	if (whole > 0 && part >= 0)
		fact_number(run, key, 100 * part / whole);
}

static void
tell_text(struct fact_run *run, int key, const char *text)
{
	if (text[0] != '\0')
		fact_text(run, key, "%s", text);
}

static const struct {
	int key;
	enum redis_number number;
} plain[] = {
	{ KEY_USED_MEMORY, INFO_USED_MEMORY },
	{ KEY_MAXMEMORY, INFO_MAXMEMORY },
	{ KEY_FRAGMENTATION, INFO_FRAGMENTATION },
	{ KEY_CLIENTS, INFO_CONNECTED_CLIENTS },
	{ KEY_MAXCLIENTS, INFO_MAXCLIENTS },
	{ KEY_BLOCKED, INFO_BLOCKED_CLIENTS },
	{ KEY_EVICTED, INFO_EVICTED_KEYS },
	{ KEY_REJECTED, INFO_REJECTED_CONNECTIONS },
	{ KEY_AOF, INFO_AOF_ENABLED },
	{ KEY_RDB_OK, INFO_SAVE_OK },
	{ KEY_LOADING, INFO_LOADING },
	{ KEY_LOADED_PERCENT, INFO_LOADED_PERCENT },
	{ KEY_ETA, INFO_LOADING_ETA },
	{ KEY_UPTIME, INFO_UPTIME },
	{ KEY_OUTPUT_MEMORY, INFO_OUTPUT_MEMORY },
	{ KEY_SYSTEM_MEMORY, INFO_SYSTEM_MEMORY },
	{ KEY_REPLICAS, INFO_CONNECTED_REPLICAS },
	{ KEY_SYNCING, INFO_MASTER_SYNCING },
	{ KEY_UNSAVED, INFO_UNSAVED_CHANGES },
	{ KEY_CLUSTER, INFO_CLUSTER_ENABLED },
};

static void
tell_cpu(struct fact_run *run, const struct redis_info *info)
{
	struct memory *m = fact_memory(run, sizeof(*m));
	usec_t now = loop_now(fact_env(run)->loop);
	double cpu = info->n[INFO_CPU_SYSTEM] + info->n[INFO_CPU_USER];
	double span = (double)(now - m->at_us) / USEC_PER_SEC;

	if (m->at_us > 0 && cpu >= m->cpu && span > 1)
		fact_number(run, KEY_USED_CPU, 100 * (cpu - m->cpu) / span);
	else
		tell_percent(run, KEY_USED_CPU, cpu, info->n[INFO_UPTIME]);
	m->at_us = isnan(cpu) ? 0 : now;
	m->cpu = cpu;
}

static void
tell_master(struct fact_run *run, const struct redis_info *info)
{
	if (isnan(info->n[INFO_MASTER_LINK_UP]))
		return;
	fact_text(run, KEY_LINK, "%s", info->n[INFO_MASTER_LINK_UP] > 0 ? "up" : "down");
	if (info->n[INFO_MASTER_DOWN_TIME] >= 0)
		fact_number(run, KEY_LINK_DOWN, info->n[INFO_MASTER_DOWN_TIME]);
	if (info->master_host[0] != '\0')
		fact_text(run, KEY_MASTER, "%s:%.0f", info->master_host, info->n[INFO_MASTER_PORT]);
}

static void
tell_keyspace(struct fact_run *run, const struct redis_info *info)
{
	fact_number(run, KEY_KEYS, info->keys);
	tell_percent(run, KEY_TTL_PERCENT, info->expiring, info->keys);
	tell_percent(run, KEY_HIT_PERCENT, info->n[INFO_HITS],
		info->n[INFO_HITS] + info->n[INFO_MISSES]);
	fact_number(run, KEY_OTHER_KEYS, info->other_keys);
	if (info->fullest_keys > 0)
		fact_number(run, KEY_FULLEST_DB, info->fullest_db);
}

static void
tell_persistence(struct fact_run *run, const struct redis_info *info)
{
	double now = info->n[INFO_SERVER_TIME_USEC] / USEC_PER_SEC;

	if (info->n[INFO_AOF_ENABLED] > 0)
		fact_number(run, KEY_AOF_OK,
			fmin(info->n[INFO_AOF_WRITE_OK], info->n[INFO_AOF_REWRITE_OK]));
	if (isnan(now))
		now = (double)loop_wall(fact_env(run)->loop) / USEC_PER_SEC;
	if (info->n[INFO_SAVE_AT] > 0)
		fact_number(run, KEY_LAST_SAVE_AGE, fmax(now - info->n[INFO_SAVE_AT], 0));
	if (info->n[INFO_FORK_USEC] > 0)
		fact_number(run, KEY_FORK_TIME, info->n[INFO_FORK_USEC] / USEC_PER_SEC);
}

static void
tell_numbers(struct fact_run *run, const struct redis_info *info)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		fact_number(run, plain[i].key, info->n[plain[i].number]);
	tell_text(run, KEY_VERSION, info->version);
	tell_text(run, KEY_ROLE, info->role);
	tell_text(run, KEY_POLICY, info->policy);
	tell_percent(run, KEY_MEMORY_PERCENT, info->n[INFO_USED_MEMORY], info->n[INFO_MAXMEMORY]);
	fact_number(run, KEY_OOM_ERRORS, info->oom_errors);
	tell_cpu(run, info);
	tell_master(run, info);
	tell_keyspace(run, info);
	tell_persistence(run, info);
}

static void
take_config(struct fact_run *run, unsigned which, const struct redisReply *reply)
{
	struct state *st = fact_state(run);
	const char *value = redis_visit_value(reply);
	double number = value != NULL ? strtod(value, NULL) : 0;

	if (redis_is_error(reply)) {
		st->is_denied |= str_eq(redis_cause(reply->str), "redis.noperm");
	} else if (value == NULL) {
		return;
	} else if (which == WANT_DIR) {
		fact_text(run, KEY_DIR, "%.400s", value);
	} else if (number > 0) {
		fact_number(run, which == WANT_DATABASES ? KEY_DATABASES : KEY_MAXCLIENTS, number);
		if (which == WANT_MAXCLIENTS)
			st->info.n[INFO_MAXCLIENTS] = number;
	}
}

static void
take(struct fact_run *run, unsigned which, const struct redisReply *reply)
{
	struct state *st = fact_state(run);

	if (which != WANT_INFO) {
		take_config(run, which, reply);
	} else if (redis_is_error(reply)) {
		redis_visit_refused(run, "info", reply);
	} else if (reply->type == REDIS_REPLY_STRING) {
		redis_info_parse(&st->info, reply->str, reply->len, redis_visit_conf(run)->db);
		st->has_info = true;
		tell_numbers(run, &st->info);
	}
}

/* --- for people --- */

struct line {
	char text[400];
};

static void add(struct line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct line *line, const char *fmt, ...)
{
	size_t len = strlen(line->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line->text + len, sizeof(line->text) - len, fmt, ap);
	va_end(ap);
}

struct shown {
	char text[32];
};

static struct shown
show(double value, enum metric_unit unit)
{
	struct shown out = { .text = "" };

	metric_format(value, unit, out.text, sizeof(out.text));
	return out;
}
#define SHOW(value, unit) (show(value, unit).text)

static void
show_server(struct fact_run *run, const struct redis_info *info)
{
	struct line l = { "" };

	add(&l, "Redis %s%s%s", info->version, info->role[0] != '\0' ? ", " : "", info->role);
	if (info->n[INFO_UPTIME] >= 0)
		add(&l, ", up %s", SHOW(info->n[INFO_UPTIME], UNIT_SECONDS));
	if (info->n[INFO_LOADING] > 0)
		add(&l, ", loading: %.0f %%, %.0f s to go", info->n[INFO_LOADED_PERCENT],
			info->n[INFO_LOADING_ETA]);
	fact_line(run, "%s", l.text);
}

static void
show_memory(struct fact_run *run, const struct redis_info *info)
{
	double used = info->n[INFO_USED_MEMORY], limit = info->n[INFO_MAXMEMORY];
	struct line l = { "" };

	if (isnan(used))
		return;
	add(&l, "memory %s", SHOW(used, UNIT_BYTES));
	if (limit > 0)
		add(&l, " of %s (%.0f %%), %s", SHOW(limit, UNIT_BYTES), 100 * used / limit,
			info->policy);
	else if (limit == 0)
		add(&l, ", no maxmemory");
	if (info->n[INFO_FRAGMENTATION] > 0 && used > FRAGMENTS_FROM)
		add(&l, ", fragmentation %.2f", info->n[INFO_FRAGMENTATION]);
	if (info->oom_errors > 0)
		add(&l, "; %.0f commands refused (OOM)", info->oom_errors);
	if (info->n[INFO_EVICTED_KEYS] > 0)
		add(&l, "; %.0f keys evicted", info->n[INFO_EVICTED_KEYS]);
	fact_line(run, "%s", l.text);
}

static void
show_clients(struct fact_run *run, const struct redis_info *info)
{
	struct line l = { "" };

	if (isnan(info->n[INFO_CONNECTED_CLIENTS]))
		return;
	add(&l, "clients %.0f", info->n[INFO_CONNECTED_CLIENTS]);
	if (info->n[INFO_MAXCLIENTS] > 0)
		add(&l, " of %.0f", info->n[INFO_MAXCLIENTS]);
	if (info->n[INFO_BLOCKED_CLIENTS] > 0)
		add(&l, ", %.0f blocked", info->n[INFO_BLOCKED_CLIENTS]);
	if (info->n[INFO_REJECTED_CONNECTIONS] > 0)
		add(&l, ", %.0f turned away so far", info->n[INFO_REJECTED_CONNECTIONS]);
	fact_line(run, "%s", l.text);
}

static void
show_keys(struct fact_run *run, const struct redis_info *info)
{
	double hits = info->n[INFO_HITS], looked = hits + info->n[INFO_MISSES];
	struct line l = { "" };

	if (isnan(info->keys))
		return;
	add(&l, "database %u: %.0f keys", redis_visit_conf(run)->db, info->keys);
	if (info->keys > 0 && info->expiring >= 0)
		add(&l, ", %.0f %% of them expire", 100 * info->expiring / info->keys);
	if (info->fullest_keys > 0)
		add(&l, "; database %u: %.0f keys", info->fullest_db, info->fullest_keys);
	if (looked > 0)
		add(&l, "; %.0f %% of %.0f lookups found theirs", 100 * hits / looked, looked);
	fact_line(run, "%s", l.text);
}

static void
show_persistence(struct fact_run *run, const struct redis_info *info)
{
	bool is_aof = info->n[INFO_AOF_ENABLED] > 0;
	struct line l = { "" };

	if (isnan(info->n[INFO_SAVE_OK]))
		return;
	add(&l, "last RDB save %s", info->n[INFO_SAVE_OK] > 0 ? "ok" : "FAILED");
	if (info->n[INFO_UNSAVED_CHANGES] > 0)
		add(&l, ", %.0f changes since", info->n[INFO_UNSAVED_CHANGES]);
	add(&l, "; AOF %s", !is_aof ? "off" : "on");
	if (is_aof && info->n[INFO_AOF_WRITE_OK] == 0)
		add(&l, ", last write FAILED");
	if (is_aof && info->n[INFO_AOF_REWRITE_OK] == 0)
		add(&l, ", last rewrite FAILED");
	fact_line(run, "%s", l.text);
}

static void
show_replication(struct fact_run *run, const struct redis_info *info)
{
	struct line l = { "" };

	if (info->replicas_seen > 0)
		fact_line(run, "replicas: %u of %u online", info->replicas_online,
			info->replicas_seen);
	if (isnan(info->n[INFO_MASTER_LINK_UP]))
		return;
	add(&l, "replica of %s:%.0f, link %s", info->master_host, info->n[INFO_MASTER_PORT],
		info->n[INFO_MASTER_LINK_UP] > 0 ? "up" : "down");
	if (info->n[INFO_MASTER_DOWN_TIME] >= 0)
		add(&l, " for %s", SHOW(info->n[INFO_MASTER_DOWN_TIME], UNIT_SECONDS));
	if (info->n[INFO_MASTER_SYNCING] > 0)
		add(&l, ", in a full synchronisation");
	fact_line(run, "%s", l.text);
}

static void
end(struct fact_run *run)
{
	struct state *st = fact_state(run);
	const struct redis_info *info = &st->info;

	if (!st->has_info) {
		fact_missed(run, "INFO is answered by something else than a text");
		return;
	}
	show_server(run, info);
	show_memory(run, info);
	show_clients(run, info);
	show_keys(run, info);
	show_persistence(run, info);
	show_replication(run, info);
	if (st->is_denied)
		fact_line(run, "folder and limits are not told: ACL SETUSER %s +config|get",
			redis_visit_user(run));
	redis_visit_had(run);
}

static void
start(struct fact_run *run)
{
	static const struct redis_script script = { .ask = ask, .take = take, .end = end };

	redis_visit_start(run, &script);
}

static const char *const types[] = { "redis", NULL };

const struct fact_type fact_type_redis_info = {
	.name = "redis-info",
	.summary = "What INFO says of a Redis server: memory, clients, keys, persistence, role.",
	.rights = "`+info`, and `+config|get` for folder and limits",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct state),
	.start = start,
	.stop = redis_visit_stop,
};
