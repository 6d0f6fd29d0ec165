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
#include "model/sample_json.h"
#include "probes/run.h"
#include "rules/expr.h"

struct local {
	struct loop *loop;
	json_t *sample;
};

static void
on_done(void *arg, const struct sample *sample)
{
	struct local *local = arg;

	local->sample = sample_json(sample);
}

json_t *
local_run(const struct local_job *job, struct err *e)
{
	struct stats stats = { .value = { 0 } };
	struct local local = { .sample = NULL };
	struct io_env env;
	struct clock clock;

	clock_init_real(&clock);
	local.loop = loop_new(&clock, e);
	if (local.loop == NULL)
		return NULL;
	env = (struct io_env){
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
	env.http = http_client_new(local.loop, env.resolver, job->tls);
	probe_run_start(
		&(struct probe_job){
			.type = job->type,
			.conf = job->conf,
			.instance = job->instance,
			.timeout_us = job->timeout_us,
			.env = &env,
			.judge = &expr_judge,
		},
		on_done, &local);
	while (local.sample == NULL)
		loop_turn(local.loop, true);
	http_client_free(env.http);
	fs_pool_free(env.fs);
	offload_free(env.offload);
	bus_free(env.bus);
	inotify_free(env.inotify);
	resolver_free(env.resolver);
	loop_free(local.loop);
	return local.sample;
}
