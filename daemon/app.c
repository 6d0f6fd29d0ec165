/*
 * The whole pipeline in a few callbacks: on_sample (store, rules), on_alert (triage), on_incident
 * (deliver).  Lower floors never call up: they call what they were given here.  What must survive
 * goes through the on_keep callbacks into one store transaction per turn of the loop.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_private.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/bus.h"
#include "io/fs.h"
#include "io/http.h"
#include "io/inbox.h"
#include "io/inotify.h"
#include "io/log_writer.h"
#include "io/memory.h"
#include "io/offload.h"
#include "io/reaper.h"
#include "io/resolve.h"
#include "io/sandbox.h"
#include "rules/expr.h"

#define CHORES_US      (5 * USEC_PER_SEC)  /* reminders, ageing, gauges */
#define GROWN_EVERY_US USEC_PER_MIN        /* whether memory may be given back */
#define TRIAGE_US      (5 * USEC_PER_MSEC) /* of a turn */
#define ASIDE_TOLD_US  USEC_PER_HOUR       /* how long a corrupt database stays an open incident */
#define DRAIN_US       (3 * USEC_PER_SEC)  /* of the five seconds that a stop may take */
#define STORE_CLOSE_US USEC_PER_SEC
#define STOP_MAX_S     9    /* whatever hangs: containers are given ten */
#define OPEN_MAX       1000 /* open incidents looked at for reminders */

/* ---- what flows up ---- */

static void
arm_rules_at(struct app *app, usec_t next)
{
	if (next == INT64_MAX)
		timer_stop(&app->rules_timer);
	else if (!timer_runs(&app->rules_timer) || app->rules_timer.node.due != next)
		timer_at(&app->rules_timer, next);
}

void
app_arm_rules(struct app *app)
{
	arm_rules_at(
		app, rules_tick(app->rules, loop_now(app->env.loop), loop_wall(app->env.loop)));
}

static void
on_rules_due(void *arg)
{
	app_arm_rules(arg);
}

struct triage_moment
app_moment(const struct app *app)
{
	return (struct triage_moment){
		.now_us = loop_now(app->env.loop),
		.wall_us = loop_wall(app->env.loop),
	};
}

/* Whatever happened in triage: it looks at it in a turn of the loop of its own, once for all that
 * happened in this one. */
static void
arm_triage(struct app *app)
{
	usec_t due = triage_due(app->triage);

	if (!timer_runs(&app->triage_timer) || app->triage_timer.node.due > due)
		timer_at(&app->triage_timer, due);
}

static void
on_triage_due(void *arg)
{
	struct app *app = arg;
	struct triage_moment at = app_moment(app);

	/* Before the first round children are not known, and their incidents must not be taken
	 * for orphans; nor before their parent could tell which there are. */
	if (!app->is_settled && sched_round_done(app->sched) &&
		!rules_awaits_children(app->rules)) {
		app->is_settled = true;
		triage_settle(app->triage, &at);
	}
	app->triage_until_us = at.now_us + TRIAGE_US;
	timer_at(&app->triage_timer, triage_tick(app->triage, &at));
}

static void
on_sample(void *arg, const struct check_spec *check, const struct sample *sample,
	struct check_ties *ties)
{
	struct app *app = arg;
	bool is_due;

	app_say_notes(app->notes, check->name, sample);
	is_due = triage_minds(app->triage, sample) &&
		 triage_sample(app->triage, check, sample, loop_now(app->env.loop));
	recorder_take_tied(
		app->recorder, ties, check->name, sample, app_tells_up(app, check, sample));
	rules_feed_tied(app->rules, ties, check->name, sample);
	api_on_sample(app->api, check->name);
	arm_rules_at(app, rules_due(app->rules));
	if (is_due)
		arm_triage(app);
}

static void
on_child(void *arg, const struct check_spec *child, bool is_added)
{
	struct app *app = arg;
	usec_t now = loop_now(app->env.loop);

	api_on_checks(app->api);
	if (is_added) {
		triage_add_child(app->triage, child);
		rules_add_child(app->rules, child, now);
	} else {
		rules_remove_child(app->rules, child, now, loop_wall(app->env.loop));
		triage_remove_child(app->triage, child->name);
		free(map_remove(app->notes, child->name));
		recorder_drop(app->recorder, child->name);
	}
}

static void
on_slept(void *arg, usec_t for_us)
{
	struct app *app = arg;
	struct triage_moment at = app_moment(app);
	char text[64];

	clock_format_duration(for_us, text, sizeof(text));
	log_notice("this host slept for %s; checks start afresh", text);
	triage_slept(app->triage, &at);
}

static void
on_alert(void *arg, const struct alert_event *event)
{
	struct app *app = arg;

	triage_alert(app->triage, event, loop_now(app->env.loop));
	arm_triage(app);
}

static int
ask_run(void *arg, const char *check)
{
	return sched_run_now(((struct app *)arg)->sched, check);
}

static int
ask_fact(void *arg, const char *check, const char *fact, usec_t since_us)
{
	return sched_want_new_fact(((struct app *)arg)->sched, check, fact, since_us);
}

static const struct subject *
ask_subject(void *arg, const char *check)
{
	return sched_subject(((struct app *)arg)->sched, check);
}

static const struct sample *
ask_sample(void *arg, const char *check)
{
	return sched_last(((struct app *)arg)->sched, check);
}

static bool
ask_time(void *arg)
{
	const struct app *app = arg;

	return loop_now(app->env.loop) < app->triage_until_us;
}

const struct triage_asks app_triage_asks = {
	.run = ask_run,
	.fact = ask_fact,
	.subject = ask_subject,
	.sample = ask_sample,
	.has_time = ask_time,
};

static void
on_fact(void *arg, const struct check_spec *check, const struct fact *fact)
{
	struct app *app = arg;
	struct triage_moment at = app_moment(app);

	triage_fact(app->triage, check->name, fact, &at);
	arm_triage(app);
}

void
app_on_incident(void *arg, const struct incident_event *event)
{
	struct app *app = arg;
	const struct incident *incident = event->incident;
	const struct delivery_event delivery = {
		.type = event->type,
		.reason = event->reason,
		.incident = incident,
		.at_us = event->at_us,
	};

	log_notice("incident=%s event=%s reason=%s severity=%s check=%s cause=%s: %s", incident->id,
		incident_event_name(event->type), event->reason, severity_name(incident->severity),
		incident->check, incident->cause_code, incident->title);
	deliver_incident(app->deliver, &delivery);
	api_on_incident(app->api, event);
}

/* ---- what must survive ---- */

static void
keep(struct app *app, const char *kind, const char *key, const json_t *doc)
{
	if (doc == NULL)
		store_delete(app->store, kind, key);
	else
		store_put(app->store, kind, key, doc);
}

static void
keep_check(void *arg, const char *check, const json_t *doc)
{
	keep(arg, "check", check, doc);
}

static void
keep_alert(void *arg, const char *key, const json_t *doc)
{
	keep(arg, "alert", key, doc);
}

void
app_keep_incident(void *arg, const char *id, const json_t *doc)
{
	keep(arg, "incident", id, doc);
}

static void
keep_delivery(void *arg, const char *kind, const char *key, const json_t *doc)
{
	keep(arg, kind, key, doc);
	api_on_kept(((struct app *)arg)->api, kind);
}

static void
when_durable(void *arg, void (*fn)(void *arg2, bool is_durable), void *arg2)
{
	struct app *app = arg;

	store_when_durable(app->store, fn, arg2);
}

static void
read_delivery(void *arg, const char *kind, const char *key, deliver_read_fn fn, void *arg2)
{
	struct app *app = arg;

	store_read(app->store, kind, key, fn, arg2);
}

/* ---- our own trouble ---- */

static void
on_store_trouble(void *arg, const char *text)
{
	struct app *app = arg;

	xstrset(&app->store_trouble, text);
	app->world.store_trouble = app->store_trouble;
	stats_set(&app->stats, STAT_STORE_DEGRADED, text == NULL ? 0 : 1);
	if (text == NULL)
		log_notice("store: writes work again, everything that waited is saved");
	else
		log_error("store: %s", text);
	if (app->triage != NULL) {
		struct triage_moment at = app_moment(app);

		triage_self(app->triage, "self.store", text, &at);
	}
}

static void
on_delivery_trouble(void *arg, const char *receiver, const char *text)
{
	struct app *app = arg;
	char *sentence = text == NULL ? NULL : xasprintf("receiver %s: %s", receiver, text);
	struct triage_moment at = app_moment(app);

	triage_self(app->triage, "self.delivery-failed", sentence, &at);
	free(sentence);
}

/* ---- chores, signals ---- */

static void
send_reminders(struct app *app)
{
	const struct incident *open[OPEN_MAX];
	size_t count = 0;

	for (size_t i = 0; i < triage_count(app->triage) && count < OPEN_MAX; i++) {
		const struct incident *incident = triage_at(app->triage, i);

		if (incident->status == INCIDENT_RESOLVED)
			break;
		open[count++] = incident;
	}
	deliver_tick(app->deliver, open, count);
}

static bool
is_watched(void *arg, const char *check)
{
	const struct app *app = arg;
	struct check_view view;

	return sched_view_name(app->sched, check, &view);
}

static void
look_for_growth(struct app *app)
{
	usec_t now = loop_now(app->env.loop);

	if (now - app->grown_looked_us < GROWN_EVERY_US)
		return;
	app->grown_looked_us = now;
	memory_trim_grown(&app->least_bytes);
}

/* When settings were read, and again when the first runs under them have left what they needed. */
static void
settle_memory(struct app *app)
{
	if (app->trims_due == 0) {
		look_for_growth(app);
		return;
	}
	settings_unref(app->former);
	app->former = NULL;
	recorder_sweep(app->recorder, is_watched, app);
	if (--app->trims_due == 0)
		memory_settle();
	else
		mem_trim();
}

static void
on_chores(void *arg)
{
	struct app *app = arg;
	struct triage_moment at = app_moment(app);

	arm_triage(app);
	if (app->aside_until_us != 0 && loop_now(app->env.loop) >= app->aside_until_us) {
		app->aside_until_us = 0;
		triage_self(app->triage, "self.store-corrupt", NULL, &at);
	}
	send_reminders(app);
	daily_tick(app->daily);
	app_service_say(app);
	settle_memory(app);
	timer_after(&app->chores_timer, CHORES_US);
}

static void
on_drain_due(void *arg)
{
	struct app *app = arg;

	bool is_idle = deliver_is_idle(app->deliver) && api_is_idle(app->api);

	if (is_idle || loop_now(app->env.loop) >= app->drain_until_us)
		loop_stop(app->env.loop);
	else
		timer_after(&app->drain_timer, 20 * USEC_PER_MSEC);
}

/* What must survive is on disk already, as it is for a kill -9. */
static void
on_stop_too_long(int signo)
{
	(void)signo;
	_exit(1);
}

static void
begin_stop(struct app *app)
{
	if (app->world.is_draining)
		return;
	log_notice("stopping");
	signal(SIGALRM, on_stop_too_long);
	alarm(STOP_MAX_S);
	app_service_stopping(app);
	app->world.is_draining = true;
	app_cancel_reload(app);
	sched_stop(app->sched);
	heartbeat_stop(app->heartbeat);
	deliver_drain(app->deliver);
	api_drain(app->api);
	timer_stop(&app->chores_timer);
	timer_stop(&app->rules_timer);
	timer_stop(&app->triage_timer);
	app->drain_until_us = loop_now(app->env.loop) + DRAIN_US;
	on_drain_due(app);
}

static void
on_signal(void *arg, int signo)
{
	struct app *app = arg;

	if (signo == SIGHUP)
		app_start_reload(app, NULL, NULL);
	else
		begin_stop(app);
}

/* ---- life ---- */

static void
on_api_reload(void *arg, void (*done)(void *arg2, const char *text), void *arg2)
{
	app_start_reload(arg, done, arg2);
}

static int
on_api_run(void *arg, const char *check)
{
	struct app *app = arg;

	return sched_run_now(app->sched, check);
}

static int
make_env(struct app *app, struct err *e)
{
	struct io_env *env = &app->env;

	env->loop = loop_new(&app->clock, e);
	if (env->loop == NULL)
		return -1;
	loop_set_stats(env->loop, &app->stats);
	env->resolver = resolver_new(env->loop, NULL);
	env->tls = app->tls;
	env->http = http_client_new(env->loop, env->resolver, env->tls);
	env->fs = fs_pool_new(env->loop, &app->stats);
	env->offload = offload_new(env->loop);
	env->inotify = inotify_new(env->loop);
	env->bus = bus_new(env->loop);
	env->inbox = inbox_new();
	env->stats = &app->stats;
	env->secrets = app->settings->secrets;
	env->host_root = app->settings->daemon.host_root;
	env->version = TRIAGED_VERSION;
	return 0;
}

static int
open_store(struct app *app, char aside[STORE_ASIDE_MAX], struct err *e)
{
	const struct store_options options = {
		.dir = app->settings->daemon.state_dir,
		.loop = app->env.loop,
		.stats = &app->stats,
		.history_max_bytes = app->settings->history.max_size,
		.on_trouble = on_store_trouble,
		.arg = app,
	};

	app->store = store_open(&options, aside, e);
	if (app->store == NULL)
		return -1;
	app->recorder = recorder_new(app->store);
	return 0;
}

static void
make_rooms(struct app *app)
{
	const struct rules_options rules = {
		.on_alert = on_alert,
		.on_keep = keep_alert,
		.past = app_ask_past,
		.arg = app,
	};
	const struct deliver_options deliver = {
		.env = &app->env,
		.daemon_name = app->settings->daemon.name,
		.on_keep = keep_delivery,
		.when_durable = when_durable,
		.read = read_delivery,
		.on_trouble = on_delivery_trouble,
		.arg = app,
	};
	const struct sched_options sched = {
		.env = &app->env,
		.judge = &expr_judge,
		.on_sample = on_sample,
		.on_child = on_child,
		.on_keep = keep_check,
		.on_slept = on_slept,
		.on_fact = on_fact,
		.arg = app,
	};
	struct daily_options daily = {
		.loop = app->env.loop,
		.on_keep = keep_delivery,
		.arg = app,
	};

	app->past = app_past_new(app);
	app->rules = rules_new(&rules);
	app->deliver = deliver_new(&deliver);
	app->heartbeat = app_heartbeat_new(app);
	daily.deliver = app->deliver;
	app->daily = daily_new(&daily);
	app->notes = map_new();
	app->sched = sched_new(&sched);
	app_configure_triage(app);
}

static int
open_api(struct app *app, struct err *e)
{
	app->world = (struct api_world){
		.passed = app->world.passed,
		.env = &app->env,
		.sched = app->sched,
		.rules = app->rules,
		.triage = app->triage,
		.deliver = app->deliver,
		.heartbeat = app->heartbeat,
		.store = app->store,
		.settings = app->settings,
		.store_trouble = app->store_trouble,
		.started_wall_us = loop_wall(app->env.loop),
		.reload = on_api_reload,
		.backup = app_start_backup,
		.run_check = on_api_run,
		.arg = app,
	};
	app->api = api_new(&app->world);
	return api_listen(app->api, e);
}

static int
watch_signals(struct app *app, struct err *e)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_on_signal(app->env.loop, signals[i], on_signal, app, e) == -1)
			return -1;
	/* A container's first process: nobody else waits for orphans there. */
	return getpid() == 1 ? reaper_start(app->env.loop, app->env.fs, e) : 0;
}

static int
build(struct app *app, char aside[STORE_ASIDE_MAX], struct err *e)
{
	if (make_env(app, e) == -1 || watch_signals(app, e) == -1 ||
		open_store(app, aside, e) == -1)
		return -1;
	make_rooms(app);
	if (app_restore_all(app, e) == -1 || open_api(app, e) == -1)
		return -1;
	timer_init(&app->rules_timer, app->env.loop, on_rules_due, app);
	timer_init(&app->triage_timer, app->env.loop, on_triage_due, app);
	timer_init(&app->chores_timer, app->env.loop, on_chores, app);
	timer_init(&app->drain_timer, app->env.loop, on_drain_due, app);
	return 0;
}

struct app *
app_new(struct settings *settings, struct tls_pool *tls, const struct app_parent *parent,
	struct err *e)
{
	struct app *app = xcalloc(1, sizeof(*app));
	char aside[STORE_ASIDE_MAX] = "";

	app->notify = parent->notify;
	app->world.passed = parent->passed;
	app->settings = settings;
	app->tls = tls;
	clock_init_real(&app->clock);
	log_set_level((enum log_level)settings->daemon.log_level);
	app->sandbox = parent->sandbox;
	app->log = log_writer_start((enum log_format)settings->daemon.log_format, &app->stats, e);
	sandbox_watch(app->sandbox);
	if (app->log == NULL || build(app, aside, e) == -1) {
		app_free(app);
		return NULL;
	}
	app_apply(app);
	if (aside[0] != '\0') {
		struct triage_moment at = app_moment(app);

		log_error("store: %s", aside);
		triage_self(app->triage, "self.store-corrupt", aside, &at);
		app->aside_until_us = loop_now(app->env.loop) + ASIDE_TOLD_US;
	}
	return app;
}

void
app_run(struct app *app)
{
	char where[512];

	api_where(app->api, where, sizeof(where));
	log_notice("triaged %s: checks: %zu, receivers: %zu, listening on %s", TRIAGED_VERSION,
		app->settings->check_count, app->settings->receiver_count, where);
	log_notice("sandbox: %s", sandbox_words(app->sandbox));
	app_service_start(app);
	timer_after(&app->chores_timer, CHORES_US);
	loop_run(app->env.loop);
}

void
app_free(struct app *app)
{
	if (app == NULL)
		return;
	app_cancel_reload(app);
	app_cancel_backup(app);
	api_free(app->api);
	app->api = NULL; /* what the rooms say while they end, nobody hears */
	if (!app_stop_loops(app)) {
		log_error("a loop does not let itself be stopped: left alone");
		if (app->store != NULL)
			store_close(app->store, STORE_CLOSE_US);
		sandbox_free(app->sandbox);
		log_writer_stop(app->log);
		_exit(0);
	}
	sched_free(app->sched);
	app_free_loops(app);
	app_forget_notes(app->notes);
	if (app->store != NULL)
		store_drop_waiter(app->store, app->deliver);
	heartbeat_free(app->heartbeat);
	daily_free(app->daily);
	deliver_free(app->deliver);
	recorder_free(app->recorder);
	app_past_free(app->past);
	if (app->store != NULL)
		store_close(app->store, STORE_CLOSE_US);
	triage_free(app->triage);
	rules_free(app->rules);
	if (!offload_free(app->env.offload)) {
		log_error("a file of the settings does not let itself be read: left alone");
		sandbox_free(app->sandbox);
		log_writer_stop(app->log);
		_exit(0);
	}
	fs_pool_free(app->env.fs);
	bus_free(app->env.bus);
	inotify_free(app->env.inotify);
	inbox_free(app->env.inbox);
	http_client_free(app->env.http);
	resolver_free(app->env.resolver);
	loop_free(app->env.loop);
	sandbox_free(app->sandbox);
	log_writer_stop(app->log);
	settings_unref(app->former);
	settings_unref(app->settings);
	free(app->config_trouble);
	free(app->store_trouble);
	free(app);
}
