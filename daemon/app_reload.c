/*
 * Settings in force, and how they change: a reload is loaded off the loop, then each room is given
 * the new snapshot and compares it with what it has.  What is wrong leaves the old one in force.
 */
#include <stdlib.h>
#include <string.h>

#include "api/assets.h"
#include "app_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/log_writer.h"
#include "io/offload.h"
#include "io/tls.h"
#include "rules/expr.h"

struct reload {
	struct app *app;
	char *path;
	struct settings *settings; /* the result */
	struct complaints *complaints;
	void (*done)(void *arg, const char *text);
	void *arg;
};

static void
release_settings(void *owner)
{
	settings_unref(owner);
}

static const struct check_spec *const *
specs_of(const struct settings *settings)
{
	return (const struct check_spec *const *)settings->checks;
}

/* The dashboard's page of an incident; without a dashboard the incident itself.  NULL: nowhere. */
static char *
make_link_prefix(const struct app *app)
{
	const char *path = asset_has_dashboard ? "/#/incidents/" : "/api/v1/incidents/";
	const char *base = app->settings->api.public_url;
	char where[512];
	size_t len;

	if (base == NULL && app->api != NULL) {
		api_where(app->api, where, sizeof(where));
		base = strstr(where, "http://");
	}
	len = base == NULL ? 0 : strcspn(base, " ");
	while (len > 0 && base[len - 1] == '/')
		len--;
	return len == 0 ? NULL : xasprintf("%.*s%s", (int)len, base, path);
}

void
app_configure_triage(struct app *app)
{
	const struct settings *settings = app->settings;
	char *prefix = make_link_prefix(app);
	struct triage_options options = {
		.on_incident = app_on_incident,
		.on_keep = app_keep_incident,
		.asks = app_triage_asks,
		.arg = app,
		.host = settings->daemon.name,
		.language = (enum language)settings->daemon.language,
		.reopen_within_us = settings->triage.reopen_within_us,
		.triage_wait_us = settings->triage.triage_wait_us,
		.facts_wait_us = settings->triage.facts_wait_us,
	};

	options.link_prefix = prefix;
	if (app->triage == NULL)
		app->triage = triage_new(&options);
	else
		triage_configure(app->triage, &options);
	free(prefix);
}

void
app_apply(struct app *app)
{
	struct settings *settings = app->settings;
	const struct sched_owner owner = {
		.owner = settings_ref(settings),
		.release = release_settings,
		.secrets = settings->secrets,
	};
	struct triage_moment at = app_moment(app);

	log_set_level((enum log_level)settings->daemon.log_level);
	log_writer_set_format(app->log, (enum log_format)settings->daemon.log_format);
	log_writer_set_secrets(app->log, settings->secrets);
	app->env.secrets = settings->secrets;
	app->env.host_root = settings->daemon.host_root;
	app->world.settings = settings;
	app_configure_triage(app);
	deliver_set_language(app->deliver, (enum language)settings->daemon.language);
	deliver_maintain(app->deliver,
		(const struct maintenance_spec *const *)settings->maintenance,
		settings->maintenance_count);
	deliver_apply(app->deliver, (const struct receiver_spec *const *)settings->receivers,
		settings->receiver_count, (const struct route_spec *const *)settings->routes,
		settings->route_count);
	daily_apply(app->daily, (const struct receiver_spec *const *)settings->receivers,
		settings->receiver_count);
	heartbeat_apply(app->heartbeat, &settings->heartbeat);
	triage_apply(
		app->triage, specs_of(settings), settings->check_count, settings->playbooks, &at);
	app_settle_loops(app);
	sched_apply(app->sched, specs_of(settings), settings->check_count, &owner);
	rules_apply(app->rules, settings->rules, specs_of(settings), settings->check_count,
		loop_now(app->env.loop), loop_wall(app->env.loop));
	app_arm_rules(app);
	app->trims_due = 2;
}

#define TOLD_MAX 8192 /* of the complaints, to whoever asked for the reload */

/* Each line into the log; the whole to whoever asked. */
static void
say_complaints(const struct reload *reload)
{
	struct buf text;
	char *line, *rest, told[TOLD_MAX];

	buf_init(&text, 0);
	complaints_print(reload->complaints, &text);
	str_copy(told, sizeof(told), buf_text(&text));
	if (reload->done != NULL)
		reload->done(reload->arg, told);
	for (line = strtok_r(text.data, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest))
		log_error("%s", line);
	buf_fini(&text);
}

static void
set_config_trouble(struct app *app, const struct complaints *complaints)
{
	struct triage_moment at = app_moment(app);
	char first[400];

	if (complaints == NULL) {
		xstrset(&app->config_trouble, NULL);
	} else {
		complaints_first(complaints, first, sizeof(first));
		xstrset(&app->config_trouble, first);
	}
	app->world.config_trouble = app->config_trouble;
	stats_set(&app->stats, STAT_CONFIG_BAD, app->config_trouble == NULL ? 0 : 1);
	triage_self(app->triage, "self.config-bad", app->config_trouble, &at);
}

static void
take_new_settings(struct app *app, struct settings *fresh)
{
	struct settings *old = app->settings;
	struct buf needs_restart;

	buf_init(&needs_restart, 0);
	settings_restart_needed(old, fresh, &needs_restart);
	if (buf_left(&needs_restart) > 0)
		log_warn("reload: takes effect at the next start only: %s",
			buf_text(&needs_restart));
	buf_fini(&needs_restart);
	app->settings = fresh;
	app_apply(app);
	/* To take apart a large one takes some milliseconds, and this turn has taken enough. */
	settings_unref(app->former);
	app->former = old;
}

static void
load_off_loop(void *arg)
{
	struct reload *reload = arg;
	const struct settings_context context = { .tls = reload->app->tls, .judge = &expr_judge };

	tls_pool_look_again(reload->app->tls);
	reload->settings = settings_load(reload->path, &context, reload->complaints);
}

static void
drop_reload(void *arg)
{
	struct reload *reload = arg;

	settings_unref(reload->settings);
	complaints_free(reload->complaints);
	free(reload->path);
	free(reload);
}

static void
on_loaded(void *arg)
{
	struct reload *reload = arg;
	struct app *app = reload->app;
	struct err e;

	app->reload_job = NULL;
	app->reload = NULL;
	if (reload->settings == NULL) {
		say_complaints(reload);
		log_error("reload: the settings have %u errors; the old ones stay in force",
			complaints_errors(reload->complaints));
		set_config_trouble(app, reload->complaints);
	} else {
		take_new_settings(app, reload->settings);
		reload->settings = NULL;
		set_config_trouble(app, NULL);
		if (api_listen(app->api, &e) == -1)
			log_error("api: %s", e.text);
		log_notice("reload: done, %zu checks", app->settings->check_count);
		if (reload->done != NULL)
			reload->done(reload->arg, NULL);
	}
	app_service_ready(app);
	drop_reload(reload);
	if (app->wants_reload) {
		app->wants_reload = false;
		app_start_reload(app, NULL, NULL);
	}
}

void
app_start_reload(struct app *app, void (*done)(void *, const char *), void *arg)
{
	struct reload *reload;

	if (app->world.is_draining) {
		if (done != NULL)
			done(arg, "triaged is stopping");
		return;
	}
	if (app->reload_job != NULL) {
		app->wants_reload = true;
		if (done != NULL)
			done(arg, "a reload is under way; another one follows it");
		return;
	}
	reload = app->reload = xcalloc(1, sizeof(*reload));
	reload->app = app;
	reload->path = xstrdup(app->settings->path);
	reload->complaints = complaints_new();
	reload->done = done;
	reload->arg = arg;
	stats_add(&app->stats, STAT_RELOADS, 1);
	app_service_reloading(app);
	app->reload_job = offload_start(app->env.offload, load_off_loop, on_loaded, reload);
}

void
app_cancel_reload(struct app *app)
{
	struct reload *reload = app->reload;

	if (reload == NULL)
		return;
	app->reload = NULL;
	if (reload->done != NULL)
		reload->done(reload->arg, "triaged is stopping");
	reload->done = NULL;
	offload_cancel(app->reload_job, drop_reload);
}
