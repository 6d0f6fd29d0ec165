/*
 * Further loops: how many, their threads, and what is on each of them.  An environment there has a
 * resolver and an HTTP client of its own; the TLS pool is the main one's.  What runs on them is the
 * scheduler's business.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "app_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/http.h"
#include "io/loop_thread.h"
#include "io/resolve.h"

#define JOIN_US USEC_PER_SEC /* that all of them have to end, together */

struct app_loop {
	struct io_env env;
	struct loop_thread *thread;
};

/* Those that this process may use. */
static size_t
count_processors(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return count > 0 ? (size_t)count : 1;
}

static void
free_loop(struct app_loop *loop)
{
	http_client_free(loop->env.http);
	resolver_free(loop->env.resolver);
	loop_free(loop->env.loop);
	free(loop);
}

static struct app_loop *
make_loop(struct app *app, struct err *e)
{
	struct app_loop *loop = xcalloc(1, sizeof(*loop));
	struct io_env *env = &loop->env;

	env->loop = loop_new(&app->clock, e);
	if (env->loop == NULL) {
		free(loop);
		return NULL;
	}
	env->resolver = resolver_new(env->loop, NULL);
	env->tls = app->tls;
	env->http = http_client_new(env->loop, env->resolver, env->tls);
	env->host_root = "/"; /* what runs there looks at the network only */
	env->version = app->env.version;
	return loop;
}

/* The thread comes last: what it would turn is all there.  Where it is refused nothing of it
 * stays, as nobody would read what is written to that loop. */
static int
add_loop(struct app *app, struct err *e)
{
	struct app_loop *loop = make_loop(app, e);
	char name[16];

	if (loop == NULL)
		return -1;
	if (sched_add_loop(app->sched, &loop->env, e) == -1) {
		free_loop(loop);
		return -1;
	}
	snprintf(name, sizeof(name), "loop-%u", (unsigned)app->loop_count + 2);
	loop->thread = loop_thread_start(loop->env.loop, name, e);
	if (loop->thread == NULL) {
		sched_drop_loop(app->sched);
		free_loop(loop);
		return -1;
	}
	app->loops = xreallocarray(app->loops, app->loop_count + 1, sizeof(*app->loops));
	app->loops[app->loop_count++] = loop;
	return 0;
}

void
app_settle_loops(struct app *app)
{
	const struct settings *s = app->settings;
	size_t wanted = (size_t)s->daemon.loops, has = 1;
	struct err e;

	if (wanted == 0)
		wanted = sched_loops_wanted((const struct check_spec *const *)s->checks,
			s->check_count, count_processors());
	while (has < wanted && (has <= app->loop_count || add_loop(app, &e) == 0))
		has++;
	if (has < wanted)
		log_error("checks run on %zu loops instead of %zu: %s", has, wanted, e.text);
	else if (has != app->loops_used && (has > 1 || app->loops_used > 1))
		log_notice("checks run on %zu loop%s", has, has == 1 ? "" : "s");
	app->loops_used = has;
	sched_use_loops(app->sched, has);
}

bool
app_stop_loops(struct app *app)
{
	bool are_ended = true;
	usec_t until_us;

	if (app->loop_count == 0)
		return true;
	sched_leave_loops(app->sched);
	until_us = clock_mono(&app->clock) + JOIN_US;
	for (size_t i = 0; i < app->loop_count; i++)
		if (!loop_thread_join(app->loops[i]->thread, until_us))
			are_ended = false;
	return are_ended;
}

void
app_free_loops(struct app *app)
{
	for (size_t i = 0; i < app->loop_count; i++)
		free_loop(app->loops[i]);
	free(app->loops);
}
