/*
 * The dialogue of one run: a row of stages, each of which asks what it wants to know; when every
 * reply is there, the next one has its turn.  What a reply means is its handler's knowledge.
 *
 *	(sentinels ->) connect -> AUTH, SELECT -> PING -> INFO... -> lengths -> write test ->
 *		verdict
 *
 * A connection kept from an earlier run begins at PING.  One that turns out dead, or says nothing
 * for a third of the time, is replaced by a fresh one within the run: never two at once.
 */
#include "probes/redis_run.h"

#include <stdlib.h>
#include <string.h>

#include "io/loop.h"
#include "probes/net.h"

#define PATIENCE_PART 3 /* of the time there is */

static void (*const stages[])(struct probe_run *run) = {
	redis_login_ask,
	redis_ping_ask,
	redis_look_ask,
	redis_look_closer,
	redis_write_ask,
	redis_scan_ask,
	redis_tell_end,
};

#define STAGE_PING  1
#define STAGE_COUNT (sizeof(stages) / sizeof(stages[0]))

static const redis_reply_fn handlers[ASK_COUNT] = {
	[ASK_AUTH] = redis_on_auth,
	[ASK_SELECT] = redis_on_select,
	[ASK_PING] = redis_on_ping,
	[ASK_INFO] = redis_on_info,
	[ASK_ROLE] = redis_on_role,
	[ASK_MAXCLIENTS] = redis_on_maxclients,
	[ASK_DIR] = redis_on_dir,
	[ASK_CLUSTER] = redis_on_cluster,
	[ASK_TYPE] = redis_on_type,
	[ASK_LENGTH] = redis_on_length,
	[ASK_SET] = redis_on_set,
	[ASK_GET] = redis_on_get,
	[ASK_DEL] = redis_on_del,
	[ASK_SCAN] = redis_on_scan,
	[ASK_SIZE] = redis_on_size,
};

static usec_t
now_us(const struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

void
redis_ask(struct probe_run *run, enum redis_ask ask, unsigned which, const char *const *words,
	size_t count)
{
	struct redis_run *r = probe_state(run);

	if (r->asks_end == REDIS_ASKS_MAX)
		return;
	r->asks[r->asks_end].ask = (unsigned char)ask;
	r->asks[r->asks_end++].which = (unsigned char)which;
	redis_link_add(r->link, words, count);
}

/* Asks until something is under way or the verdict is given. */
static void
go_on(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);
	const struct redis_link *link = r->link;

	while (!r->is_over && r->asks_at == r->asks_end && r->stage < STAGE_COUNT) {
		stages[r->stage++](run);
		if (r->link != link)
			return; /* begun anew: it speaks when it is open */
	}
	if (r->is_over || r->asks_at == r->asks_end)
		return;
	if (r->asked_us == 0)
		r->asked_us = now_us(run);
	redis_link_flush(r->link);
}

static void
take_reply(struct probe_run *run, const struct redisReply *reply)
{
	struct redis_run *r = probe_state(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	const struct redis_link *link = r->link;
	unsigned at = r->asks_at;

	timer_stop(&w->patience);
	if (r->first_us == 0)
		r->first_us = now_us(run);
	if (at == r->asks_end) { /* it says something before it is asked: why it turns us away */
		if (redis_is_error(reply))
			redis_refused(run, "the greeting", reply);
		else
			redis_fail(run, "net.protocol", "a reply to nothing that was asked");
		return;
	}
	r->asks_at++;
	handlers[r->asks[at].ask](run, r->asks[at].which, reply);
	if (r->link == link)
		go_on(run);
}

static void
on_garbage(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);
	size_t len;
	const char *first = redis_link_first(r->link, &len);

	redis_tell_network(run);
	r->is_over = true;
	if (r->has_pong)
		probe_fail(run, "net.protocol", "a broken reply: %s", redis_link_error(r->link));
	else
		net_fail_protocol(run, "a Redis reply", first, len);
}

static void
on_failed(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);

	if (stream_fault(redis_link_stream(r->link)) == FAULT_REFUSED && redis_look_at_disk(run))
		return;
	r->is_over = true;
	net_fail(run, redis_link_stream(r->link));
}

static void
on_end(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);
	char peer[ADDR_TEXT];

	addr_text(stream_peer(redis_link_stream(r->link)), peer);
	if (r->cause != NULL)
		redis_fail(run, r->cause, "%s", r->text);
	else
		redis_fail(run, "net.eof", "%s closed the connection %s", peer,
			r->first_us == 0 ? "without a word" : "in the middle of the dialogue");
}

static void
on_event(void *arg, enum redis_event event, const struct redisReply *reply)
{
	struct probe_run *run = arg;
	struct redis_run *r = probe_state(run);

	if (r->is_over) {           /* until the turn ends the connection may go on */
		r->is_good = false; /* but it is not worth keeping */
		return;
	}
	if (r->is_kept && event != REDIS_EVENT_REPLY) {
		redis_give_up_kept(run);
		return;
	}
	switch (event) {
	case REDIS_EVENT_OPEN:
		go_on(run);
		break;
	case REDIS_EVENT_REPLY:
		take_reply(run, reply);
		break;
	case REDIS_EVENT_GARBAGE:
		on_garbage(run);
		break;
	case REDIS_EVENT_END:
		on_end(run);
		break;
	case REDIS_EVENT_FAILED:
		on_failed(run);
		break;
	}
}

void
redis_talk_to(struct probe_run *run, const struct place *place)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	struct redis_run *r = probe_state(run);
	const char *name = conf->server_name != NULL ? conf->server_name : place->host;

	timer_stop(&w->patience);
	r->place = *place;
	r->link = redis_link_open(probe_env(run), &r->place, conf->tls, name, on_event, run);
}

static void
start_fresh(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);

	if (conf->master != NULL)
		redis_sentinel_start(run);
	else
		redis_talk_to(run, &conf->places[0]);
}

/* As if nothing had been said yet. */
void
redis_give_up_kept(struct probe_run *run)
{
	struct redis_run *r = probe_state(run);

	redis_link_close(r->link);
	free(r->scanned);
	memset(r, 0, sizeof(*r));
	start_fresh(run);
}

static void
on_impatience(void *arg)
{
	struct redis_watch *w = arg;
	struct redis_run *r;

	if (w->run == NULL)
		return;
	r = probe_state(w->run);
	if (r->is_over)
		return;
	if (r->is_kept)
		redis_give_up_kept(w->run);
	else
		redis_sentinel_next(w->run, "silent");
}

static bool
may_use_kept(const struct redis_conf *conf, const struct redis_watch *w, usec_t now)
{
	return redis_link_is_alive(w->link) && !w->must_prove && !w->is_full &&
	       now - w->opened_us < conf->reconnect_us;
}

static void
drop_kept(struct redis_watch *w)
{
	redis_link_close(w->link);
	w->link = NULL;
}

void
redis_talk_start(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	struct redis_run *r = probe_state(run);
	struct redis_link *kept = w->link;
	bool is_usable = may_use_kept(conf, w, probe_started(run));

	timer_init(&w->patience, probe_env(run)->loop, on_impatience, w);
	w->run = run;
	w->must_prove = false;
	if (!is_usable) {
		if (!w->is_full || !redis_link_is_alive(kept)) /* to give up a chair makes room */
			drop_kept(w);
		start_fresh(run);
		return;
	}
	w->link = NULL;
	r->link = kept;
	r->is_kept = true;
	r->stage = STAGE_PING;
	redis_link_lend(kept, on_event, run);
	timer_at(&w->patience, probe_started(run) + probe_time_left(run) / PATIENCE_PART);
	go_on(run);
}

void
redis_talk_stop(struct probe_run *run)
{
	const struct redis_conf *conf = probe_conf(run);
	struct redis_watch *w = probe_watch_state(probe_watch(run));
	struct redis_run *r = probe_state(run);

	timer_stop(&w->patience);
	w->run = NULL;
	fs_call_cancel(r->disk);
	free(r->scanned);
	r->scanned = NULL;
	if (r->is_good && conf->reconnect_us > 0 && redis_link_is_alive(r->link)) {
		if (!r->is_kept) {
			w->opened_us = now_us(run);
			w->place = r->place;
		}
		redis_link_lend(r->link, NULL, NULL);
		drop_kept(w);
		w->link = r->link;
	} else {
		redis_link_close(r->link);
	}
	r->link = NULL;
}
