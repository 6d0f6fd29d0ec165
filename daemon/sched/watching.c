/* A check's watch: what its probe keeps open between runs, and what it may ask of the scheduler. */
#include "base/mem.h"
#include "sched/private.h"

/* Something happened at the target: sooner than planned, but not more often than once a second. */
static void
on_poke(void *arg)
{
	runner_poke(&((struct check *)arg)->task);
}

static void
on_keep(void *arg, const json_t *state)
{
	struct check *check = arg;

	json_decref(check->kept);
	check->kept = json_deep_copy(state);
	sched_keep(check);
}

void
sched_close_watch(struct check *check)
{
	probe_watch_close(check->task.watch);
	check->task.watch = NULL;
}

void
sched_renew_watch(struct check *check)
{
	const struct probe_type *type = check->spec->probe_type;

	sched_close_watch(check);
	if (!probe_has_watch(type, check->spec->conf))
		return;
	check->task.watch = probe_watch_open(&(struct probe_watch_options){
		.type = type,
		.conf = check->spec->conf,
		.instance = check->spec->instance,
		.env = check->sched->env,
		.kept = check->kept,
		.on_poke = on_poke,
		.on_keep = on_keep,
		.arg = check,
	});
}
