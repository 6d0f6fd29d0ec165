/* AUTH, SELECT and PING: what makes a server usable.  Nothing but +PONG after them is healthy. */
#include "probes/redis_run.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/net.h"
#include "probes/redis_words.h"

void
redis_login_ask(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	char number[16];

	if (conf->dsn.password != NULL && conf->dsn.user != NULL)
		REDIS_ASK(run, ASK_AUTH, 0, "AUTH", conf->dsn.user, conf->dsn.password);
	else if (conf->dsn.password != NULL)
		REDIS_ASK(run, ASK_AUTH, 0, "AUTH", conf->dsn.password);
	if (conf->db == 0)
		return; /* where everybody begins; clients do not select it either */
	snprintf(number, sizeof(number), "%u", conf->db);
	REDIS_ASK(run, ASK_SELECT, 0, "SELECT", number);
}

/* Alone on its way: its time is the server's, not that of a long answer before it. */
void
redis_ping_ask(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);

	REDIS_ASK(run, ASK_PING, 0, "PING");
	r->ping_us = loop_now(probe_env(run)->loop);
	if (r->asked_us == 0)
		r->asked_us = r->ping_us;
}

void
redis_on_auth(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	(void)which;
	if (!redis_is_error(reply))
		return;
	if (str_eq(redis_cause(reply->str), "redis.auth-unneeded"))
		probe_note(run, "redis.auth-unneeded",
			"the URL has a password, but the server wants none");
	else
		redis_refused(run, "AUTH", reply);
}

void
redis_on_select(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	const struct redis_conf *conf = probe_conf(run);
	char command[32];

	(void)which;
	if (!redis_is_error(reply))
		return;
	snprintf(command, sizeof(command), "SELECT %u", conf->db);
	redis_refused(run, command, reply);
}

void
redis_on_ping(struct probe_run *run, unsigned which, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	const char *first;
	usec_t now = r->asks_at == 1 ? r->first_us : loop_now(probe_env(run)->loop);
	size_t len;

	(void)which;
	r->ping_us = now - r->ping_us;
	probe_value(run, METRIC_PING, (double)r->ping_us / USEC_PER_SEC);
	if (redis_is_error(reply)) {
		redis_refused(run, "PING", reply);
	} else if (reply->type == REDIS_REPLY_STATUS && str_eq(reply->str, "PONG")) {
		r->has_pong = true;
	} else if (r->is_kept) {
		redis_give_up_kept(run); /* somebody spoke unasked in between */
	} else {
		redis_tell_network(run);
		r->is_over = true;
		first = redis_link_first(r->link, &len);
		net_fail_protocol(run, "+PONG", first, len);
	}
}
