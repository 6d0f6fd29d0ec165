/*
 * PostgreSQL: can it be reached, does it take sessions, is this session usable; and how it fares.
 * One connection at most, kept between runs and made anew at a stated interval:
 *
 *	start: kept and young? -> ask        else -> login -> ask        stop: idle? -> kept
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/postgres_run.h"
#include "probes/reveal.h"

static void
on_idle(void *arg, enum pg_event event)
{
	struct probe_watch *watch = arg;
	struct pg_watch *state = probe_watch_state(watch);

	if (event != PG_BROKEN)
		return;
	state->lost = *pg_link_trouble(state->link);
	state->is_lost = true;
	pg_link_close(state->link);
	state->link = NULL;
	probe_watch_poke(watch);
}

struct pg_link *
pg_watch_lend(struct probe_watch *watch)
{
	struct pg_watch *state = probe_watch_state(watch);
	struct pg_link *link = state->link;

	if (!pg_link_is_idle(link))
		return NULL;
	state->link = NULL;
	return link;
}

void
pg_watch_give(struct probe_watch *watch, struct pg_link *link)
{
	struct pg_watch *state = probe_watch_state(watch);

	pg_link_close(state->link);
	state->link = link;
	pg_link_hand(link, on_idle, watch);
}

static struct pg_link *
take_kept(struct probe_run *run)
{
	struct pg_watch *watch = probe_watch_state(probe_watch(run));
	const struct pg_conf *conf = probe_conf(run);
	struct pg_link *link = watch->link;

	if (link == NULL || watch->is_full)
		return NULL; /* a full server's is left alone: to give it up would make room */
	watch->link = NULL;
	if (pg_link_is_idle(link) &&
		loop_now(probe_env(run)->loop) - pg_link_up_us(link) < conf->reconnect_us)
		return link;
	pg_link_close(link);
	return NULL;
}

static void
start(struct probe_run *run)
{
	struct pg_watch *watch = probe_watch_state(probe_watch(run));
	struct pg_run *state = probe_state(run);

	state->missing[0] = state->unreadable[0] = '\0';
	if (watch->is_lost)
		pg_note_lost(run, &watch->lost);
	watch->is_lost = false;
	state->link = take_kept(run);
	state->is_kept = state->link != NULL;
	if (state->is_kept)
		pg_ask_start(run);
	else
		pg_login_start(run);
}

static void
stop(struct probe_run *run)
{
	struct probe_watch *watch = probe_watch(run);
	struct pg_watch *kept = probe_watch_state(watch);
	struct pg_run *state = probe_state(run);
	const struct pg_conf *conf = probe_conf(run);

	if (kept->about.is_known) /* else the login failed, and no room was seen */
		kept->is_full = kept->about.percent >= 100;
	if (pg_link_is_idle(state->link) && conf->reconnect_us > 0) {
		pg_watch_give(watch, state->link);
		state->link = NULL;
	}
	pg_login_stop(run);
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct pg_run *state = probe_state(run);

	if (state->link != NULL && pg_link_up_us(state->link) > 0)
		return pg_ask_stuck(run, text, size);
	return pg_login_stuck(run, text, size);
}

static void
open_watch(struct probe_watch *watch)
{
	struct pg_watch *state = probe_watch_state(watch);

	list_init(&state->talks); /* the first run connects */
}

static void
close_watch(struct probe_watch *watch)
{
	struct pg_watch *state = probe_watch_state(watch);

	pg_link_close(state->link);
	state->link = NULL;
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct pg_conf *conf = conf_;

	(void)instance;
	if (conf->dsn != NULL)
		reveal_dsn(conf->dsn, out);
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct pg_conf *conf = conf_;
	char *masked = conf->dsn != NULL ? dsn_masked(conf->dsn) : NULL;

	(void)instance;
	str_copy(out, size, masked != NULL ? masked : "");
	free(masked);
}

static bool
takes(const char *text)
{
	return dsn_is_like(DSN_POSTGRES, text);
}

static const char *const schemes[] = { "postgresql", "postgres", NULL };

const struct probe_type probe_type_postgres = {
	.name = "postgres",
	.summary = "Logs in to PostgreSQL (or through a pooler), and reads how it fares.",
	.manual =
		"Three things are told apart: the port answers (else `net.*`), the server takes "
		"sessions (`accepting`; else `pg.starting`, `pg.shutting-down`, "
		"`pg.not-accepting`), and this login is usable (`usable`; else `pg.auth`, "
		"`pg.no-db`, `pg.too-many`...). The last is more than pg_isready asks.\n\n"
		"One connection is held at most; while no slot is left, each run logs in anew "
		"beside it, as applications must. Queries run in a read-only transaction with a "
		"statement timeout of four fifths of the check's; the session is called `triaged` "
		"in pg_stat_activity. Size, transaction ids, slots and archive are read once a "
		"minute. When sessions wait for locks, or most slots are taken, the facts say who "
		"they are.\n\n"
		"Versions 9.6 and later. The role needs no rights to log in and be `usable`; for "
		"the numbers about other sessions and standbys: `GRANT pg_monitor TO triaged` "
		"(9.6: superuser). What it may not see is absent, never zero.",
	.fields = pg_fields,
	.metrics = pg_metrics,
	.metrics_of = pg_conf_metrics,
	.conf_size = sizeof(struct pg_conf),
	.run_size = sizeof(struct pg_run),
	.run_zeroed = offsetof(struct pg_run, missing),
	.is_network = true,
	.check = pg_conf_check,
	.release = pg_conf_release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.watch_size = sizeof(struct pg_watch),
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "dsn",
	.takes = takes,
};
