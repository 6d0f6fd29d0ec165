/*
 * Redis and Valkey: the type, its metrics and manual, and what lives between runs.  The dialogue is
 * in redis_talk.c.
 */
#include "probes/redis_run.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/net.h"
#include "probes/reveal.h"

const struct metric_desc redis_metrics[] = {
	METRIC_PHASE_ROWS,
	{ "ping_time", METRIC_GAUGE, UNIT_SECONDS, "Round trip of PING alone." },
	{ "memory_used_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory in use (`used_memory`)." },
	{ "memory_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Memory in use, of `maxmemory`; absent without a limit." },
	{ "evicts", METRIC_FLAG, UNIT_NONE,
		"When memory is full, keys are removed (`maxmemory_policy` is not `noeviction`)." },
	{ "memory_fragmentation", METRIC_GAUGE, UNIT_NONE,
		"Resident memory by memory in use (`mem_fragmentation_ratio`)." },
	{ "clients", METRIC_GAUGE, UNIT_NONE, "Connected clients, ours included." },
	{ "clients_percent", METRIC_GAUGE, UNIT_PERCENT, "Connected clients, of `maxclients`." },
	{ "blocked_clients", METRIC_GAUGE, UNIT_NONE, "Clients that wait in a blocking command." },
	{ "rejected_total", METRIC_COUNTER, UNIT_NONE,
		"Connections refused because of `maxclients`." },
	{ "evicted_total", METRIC_COUNTER, UNIT_NONE, "Keys removed because memory was full." },
	{ "expired_total", METRIC_COUNTER, UNIT_NONE, "Keys that reached their expiry." },
	{ "oom_errors_total", METRIC_COUNTER, UNIT_NONE,
		"Commands refused with -OOM (Redis 6.2 and later)." },
	{ "hit_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Lookups that found their key, since the last value; of a hundred lookups at "
		"least." },
	{ "ops_per_second", METRIC_GAUGE, UNIT_PER_SECOND, "Commands a second." },
	{ "keys", METRIC_GAUGE, UNIT_NONE, "Keys in the database of the URL." },
	{ "other_keys", METRIC_GAUGE, UNIT_NONE, "Keys in the other databases." },
	{ "replicas", METRIC_GAUGE, UNIT_NONE, "Replicas connected to this server." },
	{ "replica_link_up", METRIC_FLAG, UNIT_NONE,
		"On a replica: its link to the primary is up." },
	{ "replica_silence_time", METRIC_GAUGE, UNIT_SECONDS,
		"On a replica: since it heard from the primary." },
	{ "replica_lag_bytes", METRIC_GAUGE, UNIT_BYTES,
		"On a primary: what the slowest online replica lacks; on a replica: what is left "
		"of "
		"a full synchronisation." },
	{ "last_save_ok", METRIC_FLAG, UNIT_NONE, "The last RDB save succeeded." },
	{ "unsaved_changes", METRIC_GAUGE, UNIT_NONE, "Changes since the last RDB save." },
	{ "aof_on", METRIC_FLAG, UNIT_NONE, "The append-only file is on." },
	{ "last_aof_ok", METRIC_FLAG, UNIT_NONE,
		"The last write and rewrite of the append-only file succeeded; absent when it is "
		"off." },
	{ "fork_time", METRIC_GAUGE, UNIT_SECONDS,
		"What the last fork took; clients wait for it." },
	{ "loading", METRIC_FLAG, UNIT_NONE, "The data set is being loaded." },
	{ "write_time", METRIC_GAUGE, UNIT_SECONDS, "Round trip of the write test's SET." },
	{ "biggest_key_bytes", METRIC_GAUGE, UNIT_BYTES,
		"The biggest key of the last whole round of `big_keys`." },
	{ "big_keys", METRIC_GAUGE, UNIT_NONE,
		"Keys of at least `big_keys`, in its last whole round." },
	{ "longest_queue", METRIC_GAUGE, UNIT_NONE, "Elements of the longest of `lengths`." },
	{ "up_time", METRIC_GAUGE, UNIT_SECONDS, "Since the server was started." },
	{ .name = NULL },
};

static const struct metric_desc *
metrics_of(const void *conf_)
{
	const struct redis_conf *conf = conf_;

	return conf->rows != NULL ? conf->rows : redis_metrics;
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct redis_conf *conf = conf_;

	(void)instance;
	/* where the master is, sentinels decide: their own place would be taken for its */
	if (conf->is_read && conf->master == NULL)
		reveal_dsn(&conf->dsn, out);
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct redis_conf *conf = conf_;

	(void)instance;
	if (conf->master != NULL && conf->shown != NULL)
		snprintf(out, size, "%s of %s", conf->master, conf->shown);
	else
		str_copy(out, size, conf->shown != NULL ? conf->shown : "");
}

static void
start(struct probe_run *run)
{
	struct redis_conf const *conf = probe_conf(run);

	if (conf->dsn.tls >= DSN_TLS_REQUIRE && conf->tls == NULL) {
		probe_error(run, "self.local", "TLS is not to be had");
		return;
	}
	redis_talk_start(run);
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	struct redis_run *r = probe_state(run);

	if (r->link == NULL)
		return "net.noreply";
	if (r->cause != NULL) {
		redis_tell_network(run);
		str_copy(text, size, r->text);
		return r->cause;
	}
	if (r->has_pong) {
		redis_tell_network(run);
		str_copy(text, size, "PONG came, but not the answers after it");
		return "net.noreply";
	}
	return net_stuck(run, redis_link_stream(r->link), text, size);
}

static void
open_watch(struct probe_watch *watch)
{
	redis_lend_init(probe_watch_state(watch)); /* the first run connects */
}

static void
close_watch(struct probe_watch *watch)
{
	struct redis_watch *w = probe_watch_state(watch);

	redis_lend_stop(w);
	redis_link_close(w->link);
	w->link = NULL;
}

static bool
takes(const char *text)
{
	return str_starts(text, "unix:") &&
	       (strstr(text, "redis") != NULL || strstr(text, "?db=") != NULL);
}

static const char *const schemes[] = { "redis", "rediss", "valkey", "valkeys", "redis-socket",
	"redis+unix", NULL };

const struct probe_type probe_type_redis = {
	.name = "redis",
	.summary = "Logs in to a Redis (or Valkey) server, sends PING, and reads INFO.",
	.manual =
		"Healthy is a server that answers `+PONG` after AUTH and SELECT, as the URL says; "
		"an "
		"error reply (`NOAUTH`, `LOADING`, `MISCONF`, ...) is a cause of its own "
		"(`redis.*`).\n\n"
		"The connection is kept between runs and made anew every `reconnect_interval`; a "
		"kept "
		"one that broke is replaced within the run.\n\n"
		"Rights: `+ping +info` (and `+select` for a database other than 0). For `lengths` "
		"also "
		"`+type +llen +xlen +zcard +scard +hlen` on these keys, for `write_test` `+set "
		"+get "
		"+del` on its key, for `clients_percent` on servers before 6.0 `+config|get`, for "
		"`big_keys` `+scan +memory|usage`. Without a right its metrics are absent, and "
		"`redis.no-grant` names the `ACL SETUSER` line.",
	.fields = redis_fields,
	.metrics = redis_metrics,
	.metrics_of = metrics_of,
	.conf_size = sizeof(struct redis_conf),
	.run_size = sizeof(struct redis_run),
	.run_zeroed = offsetof(struct redis_run, asks),
	.is_network = true,
	.check = redis_conf_check,
	.release = redis_conf_release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = redis_talk_stop,
	.watch_size = sizeof(struct redis_watch),
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "url",
	.takes = takes,
};
