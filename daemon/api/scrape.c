/*
 * GET /metrics.  Ten thousand checks are some ten megabytes of text: they are written a slice of
 * checks each turn of the loop.  If checks come or go meanwhile the walk begins anew, so that none
 * is there twice.
 */
#include <stdlib.h>

#include "api/exposition.h"
#include "api/handlers.h"
#include "api/metrics.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "setup/settings.h"
#include "triage/triage.h"

#define SLICE_CHECKS  100
#define RESTARTS_MAX  3
#define SLICE_ALERTS  500
#define ALERTS_MAX    20000
#define INCIDENTS_MAX 100 /* that have a series of their own: ids are new with each */

/* An alert as it was when the checks were done: rules may change between two slices. */
struct alert_copy {
	char *check, *rule;
	struct alert_view view;
};

struct scrape {
	struct exposition *ex;
	bool is_openmetrics;
	bool is_brief; /* without the checks */
	size_t at;
	unsigned restarts;
	/* What the walk began with. */
	const struct settings *settings;
	size_t count;
	struct alert_copy *alerts; /* NULL: not looked yet */
	size_t alert_count, alerts_done;
};

static size_t
checks_of(const struct scrape *scrape, const struct api_world *world)
{
	return scrape->is_brief || world->sched == NULL ? 0 : sched_count(world->sched);
}

static void
drop_alerts(struct scrape *scrape)
{
	for (size_t i = 0; i < scrape->alert_count; i++) {
		free(scrape->alerts[i].check);
		free(scrape->alerts[i].rule);
	}
	free(scrape->alerts);
	scrape->alerts = NULL;
	scrape->alert_count = scrape->alerts_done = 0;
}

static void
begin(struct scrape *scrape, const struct api_world *world)
{
	exposition_free(scrape->ex);
	drop_alerts(scrape);
	scrape->ex = exposition_new(scrape->is_openmetrics, REPLY_MAX);
	scrape->at = 0;
	scrape->settings = world->settings;
	scrape->count = checks_of(scrape, world);
}

static void
copy_alerts(struct scrape *scrape, const struct rules *rules)
{
	struct alert_view *views = xcalloc(ALERTS_MAX, sizeof(*views));

	scrape->alert_count = rules == NULL ? 0 : rules_view(rules, views, ALERTS_MAX);
	scrape->alerts = xcalloc(scrape->alert_count + 1, sizeof(*scrape->alerts));
	for (size_t i = 0; i < scrape->alert_count; i++) {
		struct alert_copy *copy = &scrape->alerts[i];

		copy->check = xstrdup(views[i].check);
		copy->rule = xstrdup(views[i].rule);
		copy->view = views[i];
		copy->view.check = copy->check;
		copy->view.rule = copy->rule;
		copy->view.text = "";
	}
	free(views);
}

/* True: all of them are there. */
static bool
add_alerts(struct scrape *scrape, const struct rules *rules)
{
	size_t end;

	if (scrape->alerts == NULL)
		copy_alerts(scrape, rules);
	end = scrape->alerts_done + SLICE_ALERTS;
	for (; scrape->alerts_done < end && scrape->alerts_done < scrape->alert_count;
		scrape->alerts_done++)
		metrics_add_alert(scrape->ex, &scrape->alerts[scrape->alerts_done].view);
	return scrape->alerts_done == scrape->alert_count;
}

static void
count_incident(struct incident_counts *counts, const struct incident *incident,
	const struct deliver *deliver)
{
	char why[256];
	usec_t until_us;

	counts->open[incident->severity]++;
	counts->acknowledged += incident->status == INCIDENT_ACKNOWLEDGED;
	counts->flapping += incident->is_flapping;
	/* Asking costs a walk over what mutes: only where something does. */
	if (counts->silences + counts->works > 0 &&
		deliver_is_muted(deliver, incident, why, sizeof(why), &until_us))
		counts->muted++;
}

static void
add_incidents(struct exposition *ex, const struct triage *triage, const struct deliver *deliver)
{
	struct incident_counts counts = { .silences = 0 };
	size_t open = triage == NULL ? 0 : triage_open_count(triage);

	if (deliver != NULL)
		deliver_count_mutes(deliver, &counts.silences, &counts.works);
	/* Open ones come first. */
	for (size_t i = 0; i < open; i++) {
		count_incident(&counts, triage_at(triage, i), deliver);
		if (i < INCIDENTS_MAX)
			metrics_add_incident(ex, triage_at(triage, i));
	}
	counts.not_shown = open > INCIDENTS_MAX ? open - INCIDENTS_MAX : 0;
	metrics_add_incident_counts(ex, &counts);
}

static void
add_receivers(struct exposition *ex, const struct deliver *deliver, usec_t wall_us)
{
	struct receiver_view view;

	for (size_t i = 0; deliver != NULL && i < deliver_receivers(deliver); i++)
		if (deliver_view(deliver, i, &view))
			metrics_add_receiver(ex, &view, wall_us);
}

static void
add_daemon(struct exposition *ex, const struct api_world *world)
{
	metrics_add_process(
		ex, world->env->version, world->started_wall_us, loop_wall(world->env->loop));
	metrics_add_hist(ex, "triaged_loop_lag_seconds", "How long the turns of the loop took.",
		loop_lag(world->env->loop));
	if (world->sched != NULL)
		metrics_add_hist(ex, "triaged_check_lateness_seconds",
			"How much later than due the checks started.",
			sched_lateness(world->sched));
	metrics_add_stats(ex, world->env->stats);
}

/* The parts that are small: all in the last slice. */
static void
finish(struct api_call *call, struct scrape *scrape)
{
	add_incidents(scrape->ex, call->world->triage, call->world->deliver);
	add_receivers(scrape->ex, call->world->deliver, loop_wall(call->world->env->loop));
	metrics_add_heartbeat(scrape->ex, call->world->heartbeat);
	add_daemon(scrape->ex, call->world);
	reply_text(call, 200, exposition_content_type(scrape->is_openmetrics), "");
	if (!exposition_write(scrape->ex, &call->reply.body))
		reply_problem(call, 500, "the metrics are larger than %zu MiB", REPLY_MAX >> 20);
}

static bool
has_changed(const struct scrape *scrape, const struct api_world *world)
{
	return scrape->settings != world->settings || scrape->count != checks_of(scrape, world);
}

static bool
step(struct api_call *call)
{
	struct scrape *scrape = call->walk.state;
	const struct api_world *world = call->world;
	size_t end;

	/* After some restarts the whole is written at once: slow, but it ends. */
	if (has_changed(scrape, world)) {
		scrape->restarts++;
		begin(scrape, world);
	}
	end = scrape->restarts > RESTARTS_MAX ? scrape->count : scrape->at + SLICE_CHECKS;
	for (; scrape->at < end && scrape->at < scrape->count; scrape->at++) {
		struct check_view view;

		if (sched_view(world->sched, scrape->at, &view))
			metrics_add_check(scrape->ex, &view);
	}
	if (scrape->at < scrape->count || !add_alerts(scrape, world->rules))
		return false;
	finish(call, scrape);
	return true;
}

static void
end_scrape(void *state)
{
	struct scrape *scrape = state;

	exposition_free(scrape->ex);
	drop_alerts(scrape);
	free(scrape);
}

void
handle_metrics(struct api_call *call)
{
	struct scrape *scrape = xcalloc(1, sizeof(*scrape));

	char checks[8];

	scrape->is_openmetrics = call_accepts(call, "application/openmetrics-text");
	scrape->is_brief =
		call_query(call, "checks", checks, sizeof(checks)) && str_eq(checks, "off");
	call->reply.vary = "Accept";
	begin(scrape, call->world);
	call->walk = (struct walk){ .step = step, .end = end_scrape, .state = scrape };
}
