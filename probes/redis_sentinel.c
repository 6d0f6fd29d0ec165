/*
 * Sentinels: asked one after the other where the master is, until one of them knows.  The first
 * that answers decides; those before it cost a share of the time at most.
 */
#include "probes/redis_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/net.h"

static void ask_one(struct probe_run *run);

const char *
redis_sentinel_name(const struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	const struct redis_run *r = probe_state((struct probe_run *)(uintptr_t)run);
	unsigned at = r->sentinel < conf->dsn.host_count ? r->sentinel : conf->dsn.host_count - 1;

	return conf->places[at].path[0] != '\0' ? conf->places[at].path : conf->places[at].host;
}

void
redis_sentinel_next(struct probe_run *run, const char *why)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);
	size_t len = strlen(r->sentinels);

	snprintf(r->sentinels + len, sizeof(r->sentinels) - len, "%s%.40s:%u %.80s",
		len > 0 ? ", " : "", redis_sentinel_name(run), conf->places[r->sentinel].port, why);
	redis_link_close(r->link);
	r->link = NULL;
	if (++r->sentinel < conf->dsn.host_count) {
		ask_one(run);
		return;
	}
	r->is_over = true;
	probe_fail(run, "redis.no-master", "no sentinel knows where %s is: %s", conf->master,
		r->sentinels);
}

/* ["10.0.0.5", "6379"] */
static int
read_place(const struct redisReply *reply, struct place *place)
{
	long port;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_STRING)
		return -1;
	port = strtol(reply->element[1]->str, NULL, 10);
	if (port < 1 || port > 65535 || reply->element[0]->len == 0 ||
		(size_t)reply->element[0]->len >= sizeof(place->host))
		return -1;
	memset(place, 0, sizeof(*place));
	str_copy(place->host, sizeof(place->host), reply->element[0]->str);
	place->port = (uint16_t)port;
	return 0;
}

static void
take_answer(struct probe_run *run, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	struct place place;

	if (read_place(reply, &place) < 0) {
		redis_sentinel_next(run, reply->type == REDIS_REPLY_NIL ? "does not know it"
					 : redis_is_error(reply)        ? reply->str
									: "answers something else");
		return;
	}
	probe_fact(run, "sentinel", "%s says that the master is %s:%u", redis_sentinel_name(run),
		place.host, place.port);
	redis_link_close(r->link);
	r->asks_at = r->asks_end = 0;
	redis_talk_to(run, &place);
}

static void
ask(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_run *r = probe_state(run);

	r->asks_at = r->asks_end = 0;
	if (conf->sentinel_password != NULL && conf->sentinel_user != NULL)
		REDIS_ASK(run, ASK_AUTH, 0, "AUTH", conf->sentinel_user, conf->sentinel_password);
	else if (conf->sentinel_password != NULL)
		REDIS_ASK(run, ASK_AUTH, 0, "AUTH", conf->sentinel_password);
	REDIS_ASK(run, ASK_MASTER, 0, "SENTINEL", "get-master-addr-by-name", conf->master);
	redis_link_flush(r->link);
}

static void
on_reply(struct probe_run *run, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);

	if (r->asks_at == r->asks_end) {
		redis_sentinel_next(run, redis_is_error(reply) ? reply->str : "speaks unasked");
		return;
	}
	if (r->asks[r->asks_at++].ask == ASK_MASTER)
		take_answer(run, reply);
	else if (redis_is_error(reply))
		redis_sentinel_next(run, reply->str);
}

static void
on_event(void *arg, enum redis_event event, const struct redisReply *reply)
{
	struct probe_run *run = arg;
	struct redis_run *r = probe_state(run);

	if (r->is_over)
		return;
	switch (event) {
	case REDIS_EVENT_OPEN:
		ask(run);
		break;
	case REDIS_EVENT_REPLY:
		on_reply(run, reply);
		break;
	case REDIS_EVENT_GARBAGE:
		redis_sentinel_next(run, "does not speak Redis");
		break;
	case REDIS_EVENT_END:
		redis_sentinel_next(run, "closed the connection");
		break;
	case REDIS_EVENT_FAILED:
		redis_sentinel_next(run, fault_name(stream_fault(redis_link_stream(r->link))));
		break;
	}
}

static void
ask_one(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	struct redis_run *r = probe_state(run);
	const struct place *place = &conf->places[r->sentinel];

	r->link = redis_link_open(probe_env(run), place, conf->tls,
		conf->server_name != NULL ? conf->server_name : place->host, on_event, run);
	/* the master itself, and those that come after this one, need their share */
	timer_after(&w->patience, probe_time_left(run) / (conf->dsn.host_count - r->sentinel + 1));
}

void
redis_sentinel_start(struct probe_run *run)
{
	ask_one(run);
}
