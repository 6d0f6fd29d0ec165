/*
 *	connect -> AUTH, SELECT -> the script's questions -> its end
 *	   '- turned away: the check's kept connection -> the script's questions -> its end
 */
#include "probes/facts/redis_visit.h"

#include <string.h>

#include "base/str.h"
#include "probes/redis_words.h"

const struct redis_conf *
redis_visit_conf(const struct fact_run *run)
{
	return fact_check(run)->conf;
}

void
redis_visit_had(struct fact_run *run)
{
	struct redis_visit *v = fact_state(run);

	v->is_over = true;
	fact_had(run);
}

const char *
redis_visit_user(const struct fact_run *run)
{
	const struct dsn *dsn = &redis_visit_conf(run)->dsn;

	return dsn->user != NULL && dsn->password != NULL ? dsn->user : "default";
}

static bool
is_for_want_of_a_right(const struct redisReply *reply)
{
	return str_eq(redis_cause(reply->str), "redis.noperm");
}

void
redis_visit_refused(struct fact_run *run, const char *command, const struct redisReply *reply)
{
	struct redis_visit *v = fact_state(run);

	if (v->is_over)
		return;
	v->is_over = true;
	if (is_for_want_of_a_right(reply))
		fact_missed(run, "%.200s: ACL SETUSER %s +%s", reply->str, redis_visit_user(run),
			command);
	else
		fact_missed(run, "%s: %.300s", command, reply->str);
}

void
redis_visit_note(struct fact_run *run, const char *command, const struct redisReply *reply)
{
	if (is_for_want_of_a_right(reply))
		fact_line(run, "%.200s: ACL SETUSER %s +%s", reply->str, redis_visit_user(run),
			command);
}

const char *
redis_visit_value(const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[1]->type != REDIS_REPLY_STRING)
		return NULL;
	return reply->element[1]->str;
}

void
redis_visit_ask(struct fact_run *run, unsigned which, const char *const *words, size_t count)
{
	struct redis_visit *v = fact_state(run);

	if (v->asks_end == REDIS_VISIT_ASKS_MAX)
		return;
	v->asks[v->asks_end++] = (unsigned short)which;
	redis_link_add(v->link, words, count);
}

/* --- the dialogue --- */

static void
begin(struct redis_visit *v)
{
	v->is_in = true;
	if (v->script->reply_max > 0)
		redis_link_allow(v->link, v->script->reply_max);
	v->script->ask(v->run);
	redis_link_flush(v->link);
}

static void
log_in(struct redis_visit *v)
{
	const struct redis_conf *conf = redis_visit_conf(v->run);
	const struct dsn *dsn = &conf->dsn;
	char number[16];

	if (dsn->password != NULL) {
		const char *const words[] = { "AUTH", dsn->user, dsn->password };
		const char *const old[] = { "AUTH", dsn->password };

		redis_link_add(v->link, dsn->user != NULL ? words : old, dsn->user != NULL ? 3 : 2);
		v->logins++;
	}
	if (conf->db > 0) {
		snprintf(number, sizeof(number), "%u", conf->db);
		redis_link_add(v->link, (const char *const[]){ "SELECT", number }, 2);
		v->logins++;
	}
	redis_link_flush(v->link);
	if (v->logins == 0)
		begin(v);
}

/* A password that nobody wants is no obstacle, nor is a database that the script can do without. */
static void
take_login(struct redis_visit *v, const struct redisReply *reply)
{
	const struct redis_conf *conf = redis_visit_conf(v->run);
	bool is_select = v->logins == 1 && conf->db > 0;

	v->logins--;
	if (redis_is_error(reply) && is_select && v->script->needs_db)
		redis_visit_refused(v->run, "select", reply);
	else if (redis_is_error(reply) && !is_select &&
		 !str_eq(redis_cause(reply->str), "redis.auth-unneeded"))
		redis_visit_refused(v->run, "auth", reply);
	else if (v->logins == 0)
		begin(v);
}

static void on_event(void *arg, enum redis_event event, const struct redisReply *reply);

static void
on_loan(void *arg, struct redis_link *link)
{
	struct redis_visit *v = arg;

	if (v->is_over)
		return;
	if (link == NULL) {
		v->is_over = true;
		fact_missed(v->run, "the server turns clients away, and no connection is kept");
		return;
	}
	v->link = link;
	v->is_lent = true;
	redis_link_lend(link, on_event, v);
	begin(v);
}

/* The one chair that is left is our own.  False: there is no watch that keeps one. */
static bool
borrow(struct redis_visit *v)
{
	struct probe_watch *watch = fact_watch(v->run);

	if (v->is_lent || watch == NULL)
		return false;
	redis_link_close(v->link);
	v->link = NULL;
	v->logins = v->asks_at = v->asks_end = 0;
	v->loan.fn = on_loan;
	v->loan.arg = v;
	redis_lend(probe_watch_state(watch), &v->loan);
	return true;
}

/* It speaks before it is asked. */
static void
take_greeting(struct redis_visit *v, const struct redisReply *reply)
{
	v->is_over = true;
	fact_missed(v->run, "%.300s",
		redis_is_error(reply) ? reply->str : "a reply to nothing that was asked");
}

/* The room for questions begins anew when every reply is there. */
static void
settle(struct redis_visit *v)
{
	if (!v->is_over && v->asks_at == v->asks_end) {
		v->asks_at = v->asks_end = 0;
		v->script->end(v->run);
	}
	if (!v->is_over)
		redis_link_flush(v->link);
}

static void
take_reply(struct redis_visit *v, const struct redisReply *reply)
{
	if (redis_is_error(reply) && str_eq(redis_cause(reply->str), "redis.maxclients") &&
		borrow(v))
		return;
	if (v->logins > 0) {
		take_login(v, reply);
	} else if (v->asks_at < v->asks_end) {
		v->script->take(v->run, v->asks[v->asks_at++], reply);
		settle(v);
	} else {
		take_greeting(v, reply);
	}
}

/* The word by which a full server turns us away may be lost with the connection. */
static bool
may_be_full(const struct redis_visit *v)
{
	struct probe_watch *watch = fact_watch(v->run);
	const struct redis_watch *w = watch != NULL ? probe_watch_state(watch) : NULL;

	return w != NULL && w->is_full && !v->is_lent && v->asks_at == 0;
}

static void
on_event(void *arg, enum redis_event event, const struct redisReply *reply)
{
	struct redis_visit *v = arg;
	const char *why = "closed the connection";

	if (v->is_over)
		return;
	switch (event) {
	case REDIS_EVENT_OPEN:
		log_in(v);
		return;
	case REDIS_EVENT_REPLY:
		take_reply(v, reply);
		return;
	case REDIS_EVENT_GARBAGE:
		why = redis_link_error(v->link);
		break;
	case REDIS_EVENT_FAILED:
		why = stream_reason(redis_link_stream(v->link));
		break;
	case REDIS_EVENT_END:
		break;
	}
	if (may_be_full(v) && borrow(v))
		return;
	v->is_over = true;
	fact_missed(v->run, "the server cannot be asked: %s", why);
}

void
redis_visit_start(struct fact_run *run, const struct redis_script *script)
{
	const struct redis_conf *conf = redis_visit_conf(run);
	struct probe_watch *watch = fact_watch(run);
	const struct redis_watch *w = watch != NULL ? probe_watch_state(watch) : NULL;
	struct redis_visit *v = fact_state(run);

	v->script = script;
	v->run = run;
	v->place = conf->places[0];
	if (conf->master != NULL) {
		if (w == NULL || (w->place.host[0] == '\0' && w->place.path[0] == '\0')) {
			v->is_over = true;
			fact_missed(run, "no sentinel has told yet where %s is", conf->master);
			return;
		}
		v->place = w->place;
	}
	v->link = redis_link_open(fact_env(run), &v->place, conf->tls,
		conf->server_name != NULL ? conf->server_name : v->place.host, on_event, v);
}

void
redis_visit_stop(struct fact_run *run)
{
	struct redis_visit *v = fact_state(run);

	v->is_over = true;
	if (!v->is_lent) {
		redis_link_close(v->link);
	} else if (v->asks_at < v->asks_end || v->logins > 0) {
		redis_link_close(v->link); /* replies are still to come: no use to anybody */
		v->loan.link = NULL;
	} else {
		redis_link_allow(v->link, REDIS_REPLY_BYTES_MAX);
	}
	v->link = NULL;
	redis_lend_end(&v->loan);
}
