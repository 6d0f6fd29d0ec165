/*
 * What whoever started us hears of us, by systemd's notify socket: ready, reloading, stopping, a
 * line for `systemctl status`, and signs of life.  Each is a datagram that is never waited for.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/log.h"
#include "base/str.h"
#include "io/dgram.h"

#define STOP_US (10 * USEC_PER_SEC) /* the longest that a stop may take */

/* ---- the line ---- */

static const char *
plural(double count)
{
	return count == 1 ? "" : "s";
}

static void
write_line(const struct app *app, char *out, size_t size)
{
	size_t counts[CHECK_STARTING + 1], open = triage_open_count(app->triage);
	size_t total = sched_count(app->sched), other;
	double waiting = stats_get(&app->stats, STAT_OUTBOX_DEPTH);
	char odd[48] = "";

	sched_count_states(app->sched, counts);
	other = total - counts[CHECK_UP] - counts[CHECK_DOWN];
	if (other > 0)
		snprintf(odd, sizeof(odd), ", %zu undecided", other);
	snprintf(out, size,
		"STATUS=%zu check%s: %zu up, %zu down%s; %zu open incident%s; %.0f notice%s "
		"waiting%s%s",
		total, plural((double)total), counts[CHECK_UP], counts[CHECK_DOWN], odd, open,
		plural((double)open), waiting, plural(waiting),
		app->config_trouble != NULL ? "; the settings on disk have errors and are not in "
					      "force"
					    : "",
		app->store_trouble != NULL ? "; the store cannot write" : "");
}

/* Each one becomes a message on the bus of the system: only what is new. */
void
app_service_say(struct app *app)
{
	char line[sizeof(app->said)];

	write_line(app, line, sizeof(line));
	if (str_eq(line, app->said))
		return;
	str_copy(app->said, sizeof(app->said), line);
	notify_send(app->notify, line);
}

/* ---- signs of life ---- */

/*
 * Fed only for work that goes on: the loop has turned since the last time, and no check waits for
 * its start as long as the whole watchdog's time.
 */
static void
on_watchdog(void *arg)
{
	struct app *app = arg;
	usec_t limit_us = notify_watchdog_us(app->notify);
	uint64_t turns = loop_lag(app->env.loop)->count;
	usec_t behind_us = app->world.is_draining ? 0 : sched_behind_us(app->sched);

	if (turns != app->turns_seen && behind_us < limit_us)
		notify_send(app->notify, "WATCHDOG=1");
	else
		log_warn("the watchdog is not fed: %s since %lld ms",
			sched_silent_us(app->sched) > 0 ? "a loop says nothing"
							: "a check waits for its start",
			(long long)(behind_us / USEC_PER_MSEC));
	app->turns_seen = turns;
	timer_after(&app->watchdog_timer, limit_us / 2);
}

/* For the tests of the watchdog: this signal, where that variable is set, wedges the loop. */
#define WEDGE_VARIABLE "TRIAGED_TEST_WEDGE"
#define WEDGE_SIGNAL   SIGUSR2

static void
on_wedge(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	log_warn("the loop is wedged, as " WEDGE_VARIABLE " asked for");
	for (;;)
		continue;
}

static void
allow_wedge(struct app *app)
{
	struct err e;

	if (getenv(WEDGE_VARIABLE) == NULL)
		return;
	if (loop_on_signal(app->env.loop, WEDGE_SIGNAL, on_wedge, app, &e) == -1)
		log_warn("%s", e.text);
}

/* ---- what is going on ---- */

void
app_service_ready(struct app *app)
{
	notify_send(app->notify, "READY=1");
	app->said[0] = '\0';
	app_service_say(app);
}

void
app_service_start(struct app *app)
{
	usec_t limit_us = notify_watchdog_us(app->notify);

	allow_wedge(app);
	app_service_ready(app);
	app->world.watchdog_us = limit_us;
	timer_init(&app->watchdog_timer, app->env.loop, on_watchdog, app);
	if (limit_us > 0)
		timer_after(&app->watchdog_timer, limit_us / 2);
}

/* The time is how systemd tells this reload from an earlier one. */
void
app_service_reloading(struct app *app)
{
	char text[128];

	snprintf(text, sizeof(text),
		"RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the settings anew",
		(long long)loop_now(app->env.loop));
	notify_send(app->notify, text);
}

/* Where the unit allows less time than what waits may need, it is asked for more. */
void
app_service_stopping(struct app *app)
{
	double waiting = stats_get(&app->stats, STAT_OUTBOX_DEPTH);
	char text[192];

	snprintf(text, sizeof(text),
		"STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\nSTATUS=stopping; %.0f notice%s waiting",
		(long long)STOP_US, waiting, plural(waiting));
	notify_send(app->notify, text);
}
