/* What a run found, told: metrics out of INFO, notes for rights that are missing, the verdict. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/net.h"
#include "probes/redis_run.h"
#include "probes/redis_words.h"

#define LOOKUPS_MIN 100 /* fewer say nothing about a hit rate */

bool
redis_is_error(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR;
}

bool
redis_is_elsewhere(const struct redisReply *reply)
{
	return redis_is_error(reply) && str_eq(redis_cause(reply->str), "redis.moved");
}

const char *
redis_user(const struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);

	return conf->dsn.user != NULL && conf->dsn.password != NULL ? conf->dsn.user : "default";
}

/* All rights that were missing: one rarely is the only one. */
static void
tell_denied(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);

	if (r->denied[0] != '\0')
		probe_note(run, "redis.no-grant", "%s: ACL SETUSER %s%s", r->denied,
			redis_user(run), r->grants);
}

/* What goes with every verdict: rights, phases of a connection that was made in this run. */
void
redis_tell_network(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);

	tell_denied(run);
	if (r->link == NULL)
		return;
	if (!r->is_kept)
		net_report(run, redis_link_stream(r->link));
	if (r->first_us > 0 && r->asked_us > 0) {
		probe_phase(run, PHASE_FIRST_BYTE, r->first_us - r->asked_us);
		probe_phase(run, PHASE_TRANSFER, loop_now(probe_env(run)->loop) - r->first_us);
	}
	if (conf->tls != NULL && redis_conf_tls(conf).is_unverified)
		probe_fact(run, "tls", "the certificate is not verified");
}

void
redis_fail(struct probe_run *run, const char *cause, const char *fmt, ...)
{
	struct redis_run *r = probe_state(run);
	char text[SAMPLE_TEXT_MAX];
	va_list ap;

	if (r->is_kept) { /* since it was made, the name may have come to mean another server */
		redis_give_up_kept(run);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	redis_tell_network(run);
	r->is_over = true;
	probe_fail(run, cause, "%s", text);
}

/* INFO is answered in these states, and says more about them. */
static bool
is_worth_info(const char *cause)
{
	return str_eq(cause, "redis.loading") || str_eq(cause, "redis.misconf") ||
	       str_eq(cause, "redis.masterdown");
}

void
redis_refused(struct probe_run *run, const char *command, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	const char *cause = redis_cause(reply->str);
	char word[24];

	if (r->cause != NULL)
		return;
	if (is_worth_info(cause) && !r->has_info) {
		r->cause = cause;
		snprintf(r->text, sizeof(r->text), "%s: %.200s", command, reply->str);
	} else if (str_eq(cause, "redis.noperm")) {
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(command, " "), command);
		for (char *p = word; *p != '\0'; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		redis_fail(run, cause, "%s: %.200s (ACL SETUSER %s +%s)", command, reply->str,
			redis_user(run), word);
	} else {
		redis_fail(run, cause, "%s: %.300s", command, reply->str);
	}
}

void
redis_note_error(struct probe_run *run, const char *command, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	size_t len = strlen(r->grants);
	char grant[80];

	if (redis_is_elsewhere(reply))
		probe_note(run, "redis.moved", "%s: %.120s", command, reply->str);
	if (!str_eq(redis_cause(reply->str), "redis.noperm"))
		return;
	if (r->denied[0] == '\0')
		str_copy(r->denied, sizeof(r->denied), reply->str);
	snprintf(grant, sizeof(grant), " +%s", command);
	if (strstr(r->grants, grant) == NULL)
		str_copy(r->grants + len, sizeof(r->grants) - len, grant);
}

/* --- numbers --- */

static void
tell(struct probe_run *run, int metric, enum redis_number number)
{
	const struct redis_run *r = probe_state(run);

	probe_value(run, metric, r->info.n[number]);
}

static void
tell_percent(struct probe_run *run, int metric, double part, double whole)
{
	if (whole > 0 && part >= 0)
		probe_value(run, metric, 100 * part / whole);
}

static const struct {
	int metric;
	enum redis_number number;
} plain[] = {
	{ METRIC_MEMORY_USED, INFO_USED_MEMORY },
	{ METRIC_FRAGMENTATION, INFO_FRAGMENTATION },
	{ METRIC_CLIENTS, INFO_CONNECTED_CLIENTS },
	{ METRIC_BLOCKED, INFO_BLOCKED_CLIENTS },
	{ METRIC_REJECTED, INFO_REJECTED_CONNECTIONS },
	{ METRIC_EVICTED, INFO_EVICTED_KEYS },
	{ METRIC_EXPIRED, INFO_EXPIRED_KEYS },
	{ METRIC_OPS, INFO_OPS_PER_SECOND },
	{ METRIC_REPLICAS, INFO_CONNECTED_REPLICAS },
	{ METRIC_REPLICA_LINK, INFO_MASTER_LINK_UP },
	{ METRIC_SAVE_OK, INFO_SAVE_OK },
	{ METRIC_UNSAVED, INFO_UNSAVED_CHANGES },
	{ METRIC_AOF_ON, INFO_AOF_ENABLED },
	{ METRIC_LOADING, INFO_LOADING },
	{ METRIC_UPTIME, INFO_UPTIME },
};

/* Since the run before, as soon as there are enough lookups; a restart begins anew. */
static void
tell_hits(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);
	struct redis_memory *m = probe_memory(run, sizeof(*m));
	double hits = r->info.n[INFO_HITS], misses = r->info.n[INFO_MISSES];
	double new_hits = hits - m->hits, new_misses = misses - m->misses;
	bool is_known = str_eq(m->run_id, r->info.run_id) && new_hits >= 0 && new_misses >= 0;

	if (isnan(hits) || isnan(misses))
		return;
	if (is_known && new_hits + new_misses < LOOKUPS_MIN)
		return;
	if (is_known)
		tell_percent(run, METRIC_HIT_PERCENT, new_hits, new_hits + new_misses);
	str_copy(m->run_id, sizeof(m->run_id), r->info.run_id);
	m->hits = hits;
	m->misses = misses;
}

/* Others were turned away while we sat on our kept chair: come in by the door next time. */
static void
note_rejected(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	struct redis_memory *m = probe_memory(run, sizeof(*m));
	double rejected = r->info.n[INFO_REJECTED_CONNECTIONS];

	w->must_prove = r->is_kept && rejected > m->rejected;
	w->is_full = r->info.n[INFO_CONNECTED_CLIENTS] >= r->maxclients;
	m->rejected = rejected;
}

static void
tell_replication(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);
	const struct redis_info *info = &r->info;

	if (info->n[INFO_MASTER_IO_AGE] >= 0) /* -1 while the link is down */
		tell(run, METRIC_REPLICA_SILENCE, INFO_MASTER_IO_AGE);
	else
		tell(run, METRIC_REPLICA_SILENCE, INFO_MASTER_DOWN_TIME);
	if (info->n[INFO_MASTER_SYNCING] > 0)
		tell(run, METRIC_REPLICA_LAG, INFO_MASTER_SYNC_LEFT);
	else
		probe_value(run, METRIC_REPLICA_LAG, info->worst_lag_bytes);
	if (info->replicas_online < info->replicas_seen)
		probe_fact(run, "replicas", "%u of %u online", info->replicas_online,
			info->replicas_seen);
}

static void
tell_persistence(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);
	const struct redis_info *info = &r->info;

	if (info->n[INFO_AOF_ENABLED] > 0)
		probe_value(run, METRIC_AOF_OK,
			fmin(info->n[INFO_AOF_WRITE_OK], info->n[INFO_AOF_REWRITE_OK]));
	if (info->n[INFO_FORK_USEC] > 0)
		probe_value(run, METRIC_FORK_TIME, info->n[INFO_FORK_USEC] / USEC_PER_SEC);
	if (info->n[INFO_LOADING] > 0 && isfinite(info->n[INFO_LOADING_ETA]))
		probe_fact(run, "loading", "%.0f %%, %.0f s to go", info->n[INFO_LOADED_PERCENT],
			info->n[INFO_LOADING_ETA]);
}

static void
tell_keyspace(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);

	probe_value(run, METRIC_KEYS, r->info.keys);
	probe_value(run, METRIC_OTHER_KEYS, r->info.other_keys);
}

static void
tell_queues(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);

	if (!r->has_longest)
		return;
	probe_value(run, METRIC_LONGEST_QUEUE, r->longest);
	probe_fact(run, "longest queue", "%s: %.0f", conf->lengths.all[r->longest_at].name,
		r->longest);
}

static void
tell_info(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);
	const struct redis_info *info = &r->info;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		tell(run, plain[i].metric, plain[i].number);
	tell_percent(
		run, METRIC_MEMORY_PERCENT, info->n[INFO_USED_MEMORY], info->n[INFO_MAXMEMORY]);
	tell_percent(run, METRIC_CLIENTS_PERCENT, info->n[INFO_CONNECTED_CLIENTS], r->maxclients);
	probe_value(run, METRIC_OOM_ERRORS, info->oom_errors);
	if (info->policy[0] != '\0')
		probe_value(run, METRIC_EVICTS, !str_eq(info->policy, "noeviction"));
	if (str_eq(info->role, "master") || str_eq(info->role, "slave"))
		tell_keyspace(run);
	tell_hits(run);
	note_rejected(run);
	tell_replication(run);
	tell_persistence(run);
	probe_fact(run, "server", "Redis %s, %s", info->version,
		info->role[0] != '\0' ? info->role : info->mode);
	if (info->n[INFO_MAXMEMORY] > 0)
		probe_fact(run, "memory policy", "%s", info->policy);
	if (info->keys == 0 && info->other_dbs > 0)
		probe_fact(run, "database", "%u is empty, %u other%s not", conf->db,
			info->other_dbs, info->other_dbs == 1 ? " is" : "s are");
}

/* A whole round of SCAN is over. */
static void
tell_big_keys(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	struct redis_memory *m = probe_memory(run, sizeof(*m));
	char size[32];

	if (conf->big_keys == 0)
		return;
	if (m->cursor[0] == '\0') {
		m->biggest = m->biggest_so_far;
		m->big = m->big_so_far;
		str_copy(w->big_key, sizeof(w->big_key), m->biggest_key_so_far);
		m->has_biggest = true;
	}
	if (!m->has_biggest)
		return;
	probe_value(run, METRIC_BIGGEST_KEY, m->biggest);
	probe_value(run, METRIC_BIG_KEYS, m->big);
	if (m->biggest < (double)conf->big_keys)
		return;
	metric_format(m->biggest, UNIT_BYTES, size, sizeof(size));
	probe_fact(run, "big key", "%.64s: %s", w->big_key, size);
}

/* --- the verdict --- */

static bool
is_role(const struct probe_run *run, const struct redis_run *r)
{
	const struct redis_conf *conf = probe_conf(run);
	bool is_sentinel = str_eq(r->info.mode, "sentinel") || str_eq(r->info.role, "sentinel");
	int wanted = conf->master != NULL ? REDIS_PRIMARY : conf->role;

	switch (wanted) {
	case REDIS_PRIMARY:
		return str_eq(r->info.role, "master");
	case REDIS_REPLICA:
		return str_eq(r->info.role, "slave");
	case REDIS_SENTINEL:
		return is_sentinel;
	default:
		return true;
	}
}

static const char *
role_name(const struct redis_run *r)
{
	if (str_eq(r->info.role, "master"))
		return "a primary";
	if (str_eq(r->info.role, "slave"))
		return "a replica";
	return "a sentinel";
}

static void
tell_role(struct probe_run *run)
{
	static const char *const wanted[] = { "anything", "the primary", "a replica",
		"a sentinel" };
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);
	bool wants_primary = conf->master != NULL || conf->role == REDIS_PRIMARY;

	if (wants_primary && str_eq(r->info.role, "slave"))
		redis_fail(run, "redis.readonly",
			"this is a replica of %s, and the primary is wanted",
			r->info.master_host[0] != '\0' ? r->info.master_host : "another server");
	else
		redis_fail(run, "redis.role", "this is %s, and %s is wanted", role_name(r),
			wants_primary ? wanted[REDIS_PRIMARY] : wanted[conf->role]);
}

static bool
is_strangely_empty(const struct probe_run *run, const struct redis_run *r)
{
	const struct redis_conf *conf = probe_conf(run);

	return conf->wants_keys && r->has_info && r->info.keys == 0;
}

static void
tell_empty(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);

	if (r->info.fullest_keys > 0)
		redis_fail(run, "redis.wrong-db",
			"database %u has no keys, and database %u has %.0f", conf->db,
			r->info.fullest_db, r->info.fullest_keys);
	else
		redis_fail(run, "redis.wrong-db", "database %u has no keys, nor has any other",
			conf->db);
}

static void
tell_waiting(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);
	const struct redis_info *info = &r->info;

	if (str_eq(r->cause, "redis.loading") && isfinite(info->n[INFO_LOADING_ETA]))
		redis_fail(run, r->cause, "%s: %.0f %%, %.0f s to go", r->text,
			info->n[INFO_LOADED_PERCENT], info->n[INFO_LOADING_ETA]);
	else if (str_eq(r->cause, "redis.masterdown") && info->n[INFO_MASTER_DOWN_TIME] >= 0)
		redis_fail(run, r->cause, "%s: %s, for %.0f s", r->text, info->master_host,
			info->n[INFO_MASTER_DOWN_TIME]);
	else
		redis_fail(run, r->cause, "%s", r->text);
}

static void
tell_good(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);
	char took[32], peer[ADDR_TEXT];

	redis_tell_network(run);
	metric_format((double)r->ping_us / USEC_PER_SEC, UNIT_SECONDS, took, sizeof(took));
	addr_text(stream_peer(redis_link_stream(r->link)), peer);
	r->is_over = r->is_good = true;
	redis_link_rest(r->link);
	probe_ok(run, "PONG from %s in %s%s", peer, took,
		r->is_kept ? ", on the kept connection" : "");
}

void
redis_tell_end(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);
	bool knows_role = r->has_info || r->info.role[0] != '\0';

	if (r->is_kept && knows_role && !is_role(run, r)) {
		redis_give_up_kept(run); /* a failover: who is it now? */
		return;
	}
	if (r->has_info)
		tell_info(run);
	tell_queues(run);
	if (r->cause == NULL)
		tell_big_keys(run);
	if (r->cause != NULL)
		tell_waiting(run);
	else if (knows_role && !is_role(run, r))
		tell_role(run);
	else if (str_eq(r->cluster_state, "fail"))
		redis_fail(run, "redis.clusterdown", "cluster_state:fail");
	else if (is_strangely_empty(run, r))
		tell_empty(run);
	else
		tell_good(run);
}
