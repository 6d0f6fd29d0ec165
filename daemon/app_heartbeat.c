/* What the heartbeat that we send stands on: evidence from the rooms, and where its trouble goes.
 */
#include "app_private.h"
#include "triage/triage.h"

/* The same evidence as the watchdog's: the loop turned since it was last asked. */
static const char *
find_doubt(void *arg)
{
	struct app *app = arg;
	uint64_t turns = loop_lag(app->env.loop)->count;
	bool has_turned = turns != app->turns_heard;

	app->turns_heard = turns;
	if (app->world.is_draining)
		return "stopping";
	if (!sched_round_done(app->sched))
		return "not every check has run once yet";
	if (sched_silent_us(app->sched) > 0)
		return "a loop makes no progress";
	return has_turned ? NULL : "the loop makes no progress";
}

/* The slowest check's last run: what a round took. */
static usec_t
ask_round(void *arg)
{
	const struct app *app = arg;
	struct check_view view;
	usec_t most_us = 0;

	for (size_t n = 0; sched_view(app->sched, n, &view); n++)
		if (view.last != NULL && view.last->took_us > most_us)
			most_us = view.last->took_us;
	return most_us;
}

static void
on_trouble(void *arg, const char *text)
{
	struct app *app = arg;
	struct triage_moment at = app_moment(app);

	triage_self(app->triage, "self.heartbeat-unsent", text, &at);
}

struct heartbeat *
app_heartbeat_new(struct app *app)
{
	const struct heartbeat_options options = {
		.env = &app->env,
		.deliver = app->deliver,
		.doubt = find_doubt,
		.round_us = ask_round,
		.on_trouble = on_trouble,
		.arg = app,
	};

	return heartbeat_new(&options);
}
