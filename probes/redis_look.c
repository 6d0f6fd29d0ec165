/*
 * INFO, and what it leaves open: the limit of clients on old servers, the state of a cluster, the
 * role where INFO is forbidden, and where a local server keeps the file that it must be able to
 * write.  A right that is missing costs metrics, never the verdict.
 */
#include "probes/redis_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probes/net.h"

#define NO_ROOM_BYTES   (1024 * 1024) /* the write that failed was taken back, and left so much */
#define DISK_TIMEOUT_US (2 * (usec_t)USEC_PER_SEC)

void
redis_look_ask(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state(run);

	if (conf->is_measured || r->cause != NULL)
		REDIS_ASK(run, ASK_INFO, 0, "INFO");
	if (r->cause != NULL)
		return;
	for (unsigned i = 0; i < conf->lengths.count; i++)
		REDIS_ASK(run, ASK_TYPE, i, "TYPE", conf->lengths.all[i].value);
}

void
redis_on_info(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);

	(void)which;
	if (redis_is_error(reply)) {
		if (r->cause == NULL)
			redis_note_error(run, "info", reply);
		return;
	}
	if (reply->type != REDIS_REPLY_STRING)
		return;
	redis_info_parse(&r->info, reply->str, reply->len, conf->db);
	r->has_info = true;
}

static bool
is_local(const struct redis_run *r)
{
	return addr_is_loopback(stream_peer(redis_link_stream(r->link)));
}

/* Once for each connection: folders do not move. */
static bool
wants_dir(struct probe_run *run)
{
	const struct redis_run *r = probe_state(run);
	struct redis_memory *m = probe_memory(run, sizeof(*m));

	return m->is_aof_on && !r->is_kept && is_local(r);
}

void
redis_look_closer(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);
	struct redis_memory *m = probe_memory(run, sizeof(*m));

	if (r->cause != NULL)
		return;
	if (!r->has_info) {
		if (conf->role != REDIS_ANY || conf->master != NULL)
			REDIS_ASK(run, ASK_ROLE, 0, "ROLE");
		return;
	}
	m->is_aof_on = r->info.n[INFO_AOF_ENABLED] > 0;
	r->maxclients = r->info.n[INFO_MAXCLIENTS];
	if (isnan(r->maxclients) && !str_eq(r->info.mode, "sentinel"))
		REDIS_ASK(run, ASK_MAXCLIENTS, 0, "CONFIG", "GET", "maxclients");
	if (wants_dir(run))
		REDIS_ASK(run, ASK_DIR, 0, "CONFIG", "GET", "dir");
	if (r->info.n[INFO_CLUSTER_ENABLED] > 0)
		REDIS_ASK(run, ASK_CLUSTER, 0, "CLUSTER", "INFO");
}

/* "master", "slave", "sentinel" in front of what differs among them. */
void
redis_on_role(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);

	(void)which;
	if (redis_is_error(reply))
		redis_note_error(run, "role", reply);
	else if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		 reply->element[0]->type == REDIS_REPLY_STRING)
		str_copy(r->info.role, sizeof(r->info.role), reply->element[0]->str);
}

/* The value of CONFIG GET with one name; NULL: none. */
static const char *
config_value(const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[1]->type != REDIS_REPLY_STRING)
		return NULL;
	return reply->element[1]->str;
}

void
redis_on_maxclients(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	const char *value = config_value(reply);

	(void)which;
	if (redis_is_error(reply))
		redis_note_error(run, "config|get", reply);
	else if (value != NULL)
		r->maxclients = strtod(value, NULL);
}

/* Nothing is missing without it but a better word for a server that ended itself. */
void
redis_on_dir(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	struct redis_memory *m = probe_memory(run, sizeof(*m));
	const char *value = config_value(reply);

	(void)which;
	if (value != NULL && value[0] == '/' && strlen(value) < sizeof(m->dir))
		str_copy(m->dir, sizeof(m->dir), value);
}

void
redis_on_cluster(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	const char *state;

	(void)which;
	if (redis_is_error(reply)) {
		redis_note_error(run, "cluster|info", reply);
		return;
	}
	if (reply->type != REDIS_REPLY_STRING)
		return;
	state = strstr(reply->str, "cluster_state:");
	if (state == NULL)
		return;
	state += strlen("cluster_state:");
	snprintf(r->cluster_state, sizeof(r->cluster_state), "%.*s", (int)strcspn(state, "\r\n"),
		state);
}

/* --- a server that stopped: did its disk run full? --- */

static void
on_disk(void *arg, const struct fs_result *result)
{
	struct probe_run *run = arg;
	struct redis_run *r = probe_state(run);
	const struct redis_memory *m = probe_memory(run, sizeof(*m));
	double room = (double)result->blocks_avail * (double)result->block_size;

	r->disk = NULL;
	r->is_over = true;
	if (result->status == FS_OK && room < NO_ROOM_BYTES) {
		net_report(run, redis_link_stream(r->link));
		probe_fail(run, "redis.aof-exit", "%s, and the disk of its %s is full",
			stream_reason(redis_link_stream(r->link)), m->dir);
		return;
	}
	net_fail(run, redis_link_stream(r->link));
}

bool
redis_look_at_disk(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);
	const struct io_env *env = probe_env(run);
	const struct redis_memory *m = probe_memory(run, sizeof(*m));
	const char *root = env->host_root != NULL ? env->host_root : "/";
	usec_t left = probe_time_left(run) / 2;
	char path[FS_PATH_MAX];

	if (!m->is_aof_on || m->dir[0] == '\0' || env->fs == NULL)
		return false;
	snprintf(path, sizeof(path), "%s%s", str_eq(root, "/") ? "" : root, m->dir);
	r->disk = fs_call_start(env->fs,
		&(struct fs_request){ .op = FS_STATVFS, .path = path, .root = root },
		left < DISK_TIMEOUT_US ? left : DISK_TIMEOUT_US, on_disk, run);
	return r->disk != NULL;
}
