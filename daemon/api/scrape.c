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

#define SLICE_CHECKS 100
#define RESTARTS_MAX 3
#define ALERTS_MAX   20000

struct scrape {
	struct exposition *ex;
	bool is_openmetrics;
	bool is_brief; /* without the checks */
	size_t at;
	unsigned restarts;
	/* What the walk began with. */
	const struct settings *settings;
	size_t count;
};

static size_t
checks_of(const struct scrape *scrape, const struct api_world *world)
{
	return scrape->is_brief || world->sched == NULL ? 0 : sched_count(world->sched);
}

static void
begin(struct scrape *scrape, const struct api_world *world)
{
	exposition_free(scrape->ex);
	scrape->ex = exposition_new(scrape->is_openmetrics, REPLY_MAX);
	scrape->at = 0;
	scrape->settings = world->settings;
	scrape->count = checks_of(scrape, world);
}

static void
add_alerts(struct exposition *ex, const struct rules *rules)
{
	struct alert_view *views;
	size_t count;

	if (rules == NULL)
		return;
	views = xcalloc(ALERTS_MAX, sizeof(*views));
	count = rules_view(rules, views, ALERTS_MAX);
	for (size_t i = 0; i < count && i < ALERTS_MAX; i++)
		metrics_add_alert(ex, &views[i]);
	free(views);
}

static void
add_incidents(struct exposition *ex, const struct triage *triage)
{
	size_t open[4] = { 0 };

	/* Open ones come first. */
	for (size_t i = 0; triage != NULL && i < triage_open_count(triage); i++)
		open[triage_at(triage, i)->severity]++;
	metrics_add_incidents(ex, open);
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
	metrics_add_process(ex, world->env->version, world->started_wall_us);
	metrics_add_hist(ex, "triaged_loop_lag_seconds", "How long the turns of the loop took.",
		loop_lag(world->env->loop));
	if (world->sched != NULL)
		metrics_add_hist(ex, "triaged_check_lateness_seconds",
			"How much later than due the checks started.",
			sched_lateness(world->sched));
	metrics_add_stats(ex, world->env->stats);
}

/* The parts that are small and change together: all in the last slice. */
static void
finish(struct api_call *call, struct scrape *scrape)
{
	add_alerts(scrape->ex, call->world->rules);
	add_incidents(scrape->ex, call->world->triage);
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
	if (scrape->at < scrape->count)
		return false;
	finish(call, scrape);
	return true;
}

static void
end_scrape(void *state)
{
	struct scrape *scrape = state;

	exposition_free(scrape->ex);
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
	begin(scrape, call->world);
	call->walk = (struct walk){ .step = step, .end = end_scrape, .state = scrape };
}
