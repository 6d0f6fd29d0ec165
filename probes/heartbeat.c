/*
 * Jobs that call us: `/ping/<token>` at their end, perhaps `/start` at their beginning.  The API
 * puts pings into the inbox, the watch takes them out and asks for a run; a run only says what the
 * pings so far mean now.  The watch's timer asks for one when a ping becomes due or overdue.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/inbox.h"
#include "io/loop.h"
#include "io/timer.h"
#include "probes/heartbeat_state.h"
#include "probes/probe.h"

#define ALIVE_US  USEC_PER_MIN /* how often it is written down that we could hear */
#define TOKEN_MIN 8
#define TOKEN_MAX 128
#define TIMER_MAX USEC_PER_HOUR /* the wall clock may be set: look again */

struct heartbeat_conf {
	char *token, *cron_text, *timezone;
	usec_t period_us, grace_us, max_runtime_us;
	/* made by check */
	struct cron cron;
	struct zone *zone;
};

#define ROW struct heartbeat_conf

static const struct conf_field fields[] = {
	{ .name = "token",
		SECRET_AT(ROW, token),
		.flags = CONF_REQUIRED,
		.doc = "What stands behind `/ping/` in the URL that the job calls: letters, "
		       "digits, "
		       "`_` and `-`, 8 to 128 of them. Whoever knows it may ping, and nothing "
		       "else.",
		.example = "${file:/etc/triaged/backup-token}" },
	{ .name = "period",
		DURATION_AT(ROW, period_us),
		.dflt = "0",
		.doc = "The time from one success to the next.",
		.example = "1d" },
	{ .name = "cron",
		STRING_AT(ROW, cron_text),
		.doc = "Instead of `period`: when the job is started, as in its crontab line.",
		.example = "\"30 2 * * *\"" },
	{ .name = "timezone",
		STRING_AT(ROW, timezone),
		.dflt = "local",
		.doc = "Whose clock `cron` means: a name such as Europe/Berlin, or `local`." },
	{ .name = "grace",
		DURATION_AT(ROW, grace_us),
		.dflt = "5m",
		.doc = "How late it may be until it is missed; how long the job usually runs is "
		       "part "
		       "of it." },
	{ .name = "max_runtime",
		DURATION_AT(ROW, max_runtime_us),
		.dflt = "0",
		.doc = "The longest time from `/start` to the end. 0: no limit.",
		.example = "2h" },
	{ .type = CONF_END },
};

enum row {
	ROW_TOTAL_TIME,
	ROW_AGE,
	ROW_OVERDUE,
	ROW_RUN_TIME,
	ROW_RUNNING,
	ROW_EXIT_CODE,
	ROW_PINGS,
	ROW_FAILURES,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "last_success_age", METRIC_GAUGE, UNIT_SECONDS, "Time since the last success." },
	{ "overdue_time", METRIC_GAUGE, UNIT_SECONDS,
		"How long the next success has been due; 0 while it is not." },
	{ "run_time", METRIC_GAUGE, UNIT_SECONDS,
		"How long the last run took, or the one that is under way; needs `/start`." },
	{ "running", METRIC_FLAG, UNIT_NONE, "1 between `/start` and the end." },
	{ "exit_code", METRIC_MOMENT, UNIT_NONE, "The last exit code that was sent." },
	{ "pings_total", METRIC_COUNTER, UNIT_NONE, "Pings of any kind." },
	{ "failures_total", METRIC_COUNTER, UNIT_NONE, "Runs that said they failed." },
	{ .name = NULL },
};

struct heartbeat_watch {
	struct probe_watch *watch;
	struct inbox_slot *slot; /* NULL: another check has the token, or nobody takes pings here */
	struct heartbeat_state state;
	struct timer timer;
	struct timer alive;
	usec_t heard_wall_us, heard_us; /* both clocks, when we last could hear */
};

static struct heartbeat_plan
plan_of(const struct heartbeat_conf *conf)
{
	return (struct heartbeat_plan){
		.period_us = conf->period_us,
		.grace_us = conf->grace_us,
		.max_runtime_us = conf->max_runtime_us,
		.cron = &conf->cron,
		.zone = conf->zone,
	};
}

/* --- pings --- */

static void
keep(struct heartbeat_watch *w)
{
	json_t *doc = heartbeat_json(&w->state);

	probe_watch_keep(w->watch, doc);
	json_decref(doc);
}

/*
 * We can hear pings now.  Where the wall clock went ahead of time that passed (the host slept, or
 * its clock was set), nobody could ping meanwhile; where it was set back, so is what we know.
 */
static void
hear(struct heartbeat_watch *w)
{
	const struct heartbeat_plan plan = plan_of(probe_watch_conf(w->watch));
	const struct io_env *env = probe_watch_env(w->watch);
	usec_t wall = loop_wall(env->loop), now = loop_now(env->loop);
	usec_t jumped = (wall - w->heard_wall_us) - (now - w->heard_us);
	bool is_back = heartbeat_rewind(&w->state, wall);

	if (jumped >= HEARTBEAT_AWAY_US) {
		w->state.alive_us = w->heard_wall_us;
		heartbeat_wake(&w->state, &plan, wall);
	}
	w->heard_wall_us = wall;
	w->heard_us = now;
	if (env->inbox == NULL || (!is_back && wall - w->state.alive_us < ALIVE_US))
		return;
	w->state.alive_us = wall;
	keep(w);
}

static void
on_alive(void *arg)
{
	struct heartbeat_watch *w = arg;

	hear(w);
	timer_after(&w->alive, ALIVE_US);
}

static void
take_body(struct heartbeat_watch *w, const struct inbox_ping *ping)
{
	const struct secret_set *secrets = probe_watch_env(w->watch)->secrets;

	str_printable(w->state.body, sizeof(w->state.body), ping->body != NULL ? ping->body : "",
		ping->body_len);
	if (secrets != NULL)
		secret_mask(secrets, w->state.body);
	str_copy(w->state.from, sizeof(w->state.from), ping->from != NULL ? ping->from : "");
}

static void
on_ping(void *arg, const struct inbox_ping *ping)
{
	struct heartbeat_watch *w = arg;
	struct heartbeat_ping event;

	if (heartbeat_verb_parse(ping->verb, &event) < 0)
		return;
	hear(w);
	event.at_us = loop_wall(probe_watch_env(w->watch)->loop);
	heartbeat_take(&w->state, &event);
	take_body(w, ping);
	w->state.alive_us = event.at_us;
	keep(w);
	probe_watch_poke(w->watch);
}

static void
on_timer(void *arg)
{
	struct heartbeat_watch *w = arg;

	probe_watch_poke(w->watch);
}

static void
register_token(struct heartbeat_watch *w)
{
	const struct heartbeat_conf *conf = probe_watch_conf(w->watch);
	struct inbox *inbox = probe_watch_env(w->watch)->inbox;

	if (w->slot == NULL && inbox != NULL)
		w->slot = inbox_add(inbox, conf->token, on_ping, w);
}

static void
open_watch(struct probe_watch *watch)
{
	struct heartbeat_watch *w = probe_watch_state(watch);
	const json_t *kept = probe_watch_kept(watch);
	const struct heartbeat_plan plan = plan_of(probe_watch_conf(watch));
	usec_t wall = loop_wall(probe_watch_env(watch)->loop);

	w->watch = watch;
	w->state.took_us = w->state.exit_code = -1;
	timer_init(&w->timer, probe_watch_env(watch)->loop, on_timer, w);
	timer_init(&w->alive, probe_watch_env(watch)->loop, on_alive, w);
	timer_after(&w->alive, ALIVE_US);
	if (kept != NULL)
		heartbeat_recall(&w->state, kept);
	heartbeat_rewind(&w->state, wall);
	w->heard_wall_us = wall;
	w->heard_us = loop_now(probe_watch_env(watch)->loop);
	if (w->state.added_us <= 0)
		w->state.added_us = wall;
	heartbeat_wake(&w->state, &plan, wall);
	register_token(w);
}

static void
close_watch(struct probe_watch *watch)
{
	struct heartbeat_watch *w = probe_watch_state(watch);

	timer_stop(&w->timer);
	timer_stop(&w->alive);
	inbox_remove(w->slot);
}

/* --- runs --- */

static void
report(struct probe_run *run, const struct heartbeat_state *s, const struct heartbeat_look *look,
	usec_t wall)
{
	if (s->success_us > 0)
		probe_value(run, ROW_AGE, fmax(0, (double)(wall - s->success_us) / USEC_PER_SEC));
	probe_value(run, ROW_OVERDUE, fmax(0, (double)(wall - look->due_us) / USEC_PER_SEC));
	if (look->is_running)
		probe_value(run, ROW_RUN_TIME, (double)(wall - s->start_us) / USEC_PER_SEC);
	else if (s->took_us >= 0)
		probe_value(run, ROW_RUN_TIME, (double)s->took_us / USEC_PER_SEC);
	probe_value(run, ROW_RUNNING, look->is_running ? 1 : 0);
	if (s->exit_code >= 0)
		probe_value(run, ROW_EXIT_CODE, s->exit_code);
	probe_value(run, ROW_PINGS, s->pings);
	probe_value(run, ROW_FAILURES, s->failures);
	if (s->body[0] != '\0')
		probe_fact(run, "body", "%s", s->body);
	if (s->from[0] != '\0')
		probe_fact(run, "from", "%s", s->from);
}

static const char *
ago(usec_t at_us, usec_t wall, char out[32])
{
	clock_format_duration(wall > at_us ? wall - at_us : 0, out, 32);
	return out;
}

static void
say_missed(struct probe_run *run, const struct heartbeat_state *s,
	const struct heartbeat_look *look, usec_t wall)
{
	char since[32], due[32];

	if (s->success_us == 0)
		probe_fail(run, "heartbeat.missed", "no success since it was added %s ago",
			ago(s->added_us, wall, since));
	else
		probe_fail(run, "heartbeat.missed", "the last success was %s ago, due %s ago",
			ago(s->success_us, wall, since), ago(look->due_us, wall, due));
}

static void
say_failed(struct probe_run *run, const struct heartbeat_state *s,
	const struct heartbeat_look *look, usec_t wall)
{
	char since[32], start[32], code[32] = "", again[80] = "";

	if (s->exit_code >= 0)
		snprintf(code, sizeof(code), " with exit code %d", s->exit_code);
	if (look->is_running)
		snprintf(again, sizeof(again), ", and runs again since %s",
			ago(s->start_us, wall, start));
	probe_fail(run, "heartbeat.failed", "the job failed %s ago%s%s%s%.200s",
		ago(s->fail_us, wall, since), code, again, s->body[0] != '\0' ? ": " : "", s->body);
}

static void
say(struct probe_run *run, const struct heartbeat_state *s, const struct heartbeat_look *look,
	usec_t wall)
{
	char since[32], due[32];

	switch (look->finding) {
	case HEARTBEAT_WAITING:
		probe_ok(run, "waiting for the first ping");
		break;
	case HEARTBEAT_FINE:
		probe_ok(run, "the last success was %s ago", ago(s->success_us, wall, since));
		break;
	case HEARTBEAT_RUNNING:
		probe_ok(run, "running for %s", ago(s->start_us, wall, since));
		break;
	case HEARTBEAT_LATE:
		probe_note(run, "heartbeat.late", "due %s ago", ago(look->due_us, wall, due));
		probe_ok(run, "due %s ago, the last success was %s ago",
			ago(look->due_us, wall, due), ago(s->success_us, wall, since));
		break;
	case HEARTBEAT_MISSED:
		say_missed(run, s, look, wall);
		break;
	case HEARTBEAT_FAILED:
		say_failed(run, s, look, wall);
		break;
	case HEARTBEAT_TOO_LONG:
		probe_fail(run, "heartbeat.too-long", "started %s ago and not ended",
			ago(s->start_us, wall, since));
		break;
	}
}

static void
start(struct probe_run *run)
{
	const struct heartbeat_plan plan = plan_of(probe_conf(run));
	struct heartbeat_watch *w = probe_watch_state(probe_watch(run));
	const struct io_env *env = probe_env(run);
	usec_t wall = loop_wall(env->loop);
	struct heartbeat_look look;

	register_token(w);
	if (env->inbox != NULL && w->slot == NULL) {
		probe_error(run, "self.local", "another check has the same token");
		return;
	}
	hear(w);
	heartbeat_look(&w->state, &plan, wall, &look);
	report(run, &w->state, &look, wall);
	if (look.next_us > wall) {
		usec_t left = look.next_us - wall;

		timer_after(&w->timer, left < TIMER_MAX ? left : TIMER_MAX);
	} else {
		timer_stop(&w->timer);
	}
	if (env->inbox == NULL)
		probe_error(run, "self.local",
			"only the daemon hears pings: `triage probe NAME` without --config asks "
			"it");
	else
		say(run, &w->state, &look, wall);
}

/* --- settings --- */

static void
check_when(struct heartbeat_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos cron = conf_pos_of(map, "cron"), zone = conf_pos_of(map, "timezone");
	struct err e;

	if (conf->cron_text == NULL)
		return;
	conf->zone = zone_load(conf->timezone, &e);
	if (conf->zone == NULL)
		complain(complaints, &zone, "timezone: %s", e.text);
	if (cron_parse(&conf->cron, conf->cron_text, &e) < 0)
		complain(complaints, &cron, "cron: %s", e.text);
	else if (conf->zone != NULL && cron_next(&conf->cron, conf->zone, 0) == INT64_MAX)
		complain(complaints, &cron, "cron: \"%s\" never comes", conf->cron_text);
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct heartbeat_conf *conf = conf_;
	struct conf_pos here = map != NULL ? map->pos : (struct conf_pos){ 0 };
	struct conf_pos token = conf_pos_of(map, "token");
	size_t len = conf->token != NULL ? strlen(conf->token) : 0;

	(void)setup;
	if (conf->token != NULL &&
		(len < TOKEN_MIN || len > TOKEN_MAX ||
			conf->token[strspn(conf->token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
							"QRSTUVWXYZ0123456789_-")] != '\0'))
		complain(complaints, &token,
			"token: %d to %d letters, digits, _ or - are wanted, such as `openssl rand "
			"-hex 16` prints",
			TOKEN_MIN, TOKEN_MAX);
	if ((conf->period_us == 0) == (conf->cron_text == NULL))
		complain(complaints, &here,
			"heartbeat needs either `period: 1d` or `cron: \"30 2 * * *\"`");
	check_when(conf, map, complaints);
}

static void
release(void *conf_)
{
	struct heartbeat_conf *conf = conf_;

	zone_free(conf->zone);
	conf->zone = NULL;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct heartbeat_conf *conf = conf_;
	char period[32];

	(void)instance;
	clock_format_duration(conf->period_us, period, sizeof(period));
	if (conf->cron_text != NULL)
		snprintf(out, size, "pings, %s %s", conf->cron_text, conf->timezone);
	else
		snprintf(out, size, "pings every %s", period);
}

const struct probe_type probe_type_heartbeat = {
	.name = "heartbeat",
	.summary = "Waits for pings of a job: missed, late, failed, or running too long.",
	.manual =
		"The job calls `GET`, `HEAD` or `POST /ping/TOKEN` on the API's address (or its "
		"unix "
		"socket) when it succeeded, for example `curl -fsS -m 10 --retry 5 "
		"http://127.0.0.1:8421/ping/TOKEN`. `/ping/TOKEN/start` says that it begins, "
		"`/ping/TOKEN/fail` that it failed, `/ping/TOKEN/$?` hands over its exit code. A "
		"body "
		"of up to 10 KB is kept as evidence, its first 1200 bytes at least. A new check "
		"waits "
		"for its first ping until `period` (or the next `cron` time) and `grace` are over. "
		"What was due while this daemon was not running is not held against the job, nor "
		"is what "
		"was due while the host slept. A failure holds until a run succeeds, whatever is "
		"started meanwhile. Where "
		"the clocks change, `cron` times are reckoned as cron does it. While it is late "
		"the "
		"check is up with the note `heartbeat.late`.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct heartbeat_conf),
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.watch_size = sizeof(struct heartbeat_watch),
	.open = open_watch,
	.close = close_watch,
};
