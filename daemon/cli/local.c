/* The same runner as the scheduler's, on a loop that lives for one run. */
#include "cli/local.h"

#include "io/bus.h"
#include "io/env.h"
#include "io/fs.h"
#include "io/http.h"
#include "io/inotify.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/resolve.h"
#include "io/timer.h"
#include "model/sample_json.h"
#include "probes/run.h"
#include "rules/expr.h"

#define APART_US USEC_PER_SEC /* from one run to the next, where only two make a rate */

struct local {
	const struct local_job *job;
	struct loop *loop;
	struct io_env env;
	struct timer again;
	struct probe_keep keep;
	struct probe_watch *watch;
	unsigned runs_left;
	json_t *sample;
};

static void on_done(void *arg, const struct sample *sample);

static void
run(void *arg)
{
	struct local *local = arg;
	const struct local_job *job = local->job;

	local->runs_left--;
	probe_run_start(
		&(struct probe_job){
			.type = job->type,
			.conf = job->conf,
			.instance = job->instance,
			.timeout_us = job->timeout_us,
			.env = &local->env,
			.judge = &expr_judge,
			.keep = &local->keep,
			.watch = local->watch,
		},
		on_done, local);
}

static void
on_done(void *arg, const struct sample *sample)
{
	struct local *local = arg;

	if (local->runs_left > 0 && sample->outcome == OUTCOME_OK)
		timer_after(&local->again, APART_US);
	else
		local->sample = sample_json(sample);
}

/* Its watch, like its memory, is the same for both runs. */
static void
begin(struct local *local)
{
	const struct local_job *job = local->job;

	if (probe_has_watch(job->type, job->conf))
		local->watch = probe_watch_open(&(struct probe_watch_options){
			.type = job->type,
			.conf = job->conf,
			.instance = job->instance,
			.env = &local->env,
		});
	local->runs_left = job->type->has_rates ? 2 : 1;
	timer_init(&local->again, local->loop, run, local);
	run(local);
}

json_t *
local_run(const struct local_job *job, struct err *e)
{
	struct stats stats = { .value = { 0 } };
	struct local local = { .job = job };
	struct io_env *env = &local.env;
	struct clock clock;

	clock_init_real(&clock);
	local.loop = loop_new(&clock, e);
	if (local.loop == NULL)
		return NULL;
	*env = (struct io_env){
		.loop = local.loop,
		.resolver = resolver_new(local.loop, NULL),
		.tls = job->tls,
		.fs = fs_pool_new(local.loop, &stats),
		.offload = offload_new(local.loop),
		.bus = bus_new(local.loop),
		.inotify = inotify_new(local.loop),
		.stats = &stats,
		.secrets = job->secrets,
		.host_root = job->host_root,
		.version = TRIAGED_VERSION,
	};
	env->http = http_client_new(local.loop, env->resolver, job->tls);
	begin(&local);
	while (local.sample == NULL)
		loop_turn(local.loop, true);
	probe_watch_close(local.watch);
	probe_keep_fini(&local.keep);
	http_client_free(env->http);
	fs_pool_free(env->fs);
	offload_free(env->offload);
	bus_free(env->bus);
	inotify_free(env->inotify);
	resolver_free(env->resolver);
	loop_free(local.loop);
	return local.sample;
}
