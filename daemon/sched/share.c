/*
 * Which loop has which check.  The main loop has all of them until there are others; then those
 * whose type needs nothing of the main loop go there, evenly by how often they run, and stay where
 * they are as long as that is even enough.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sched/private.h"

#define UNEVEN 1.2 /* a loop may have so many times its share before checks are moved */

/* Starts a second that one loop has room for.  At 10,000 HTTP checks a second it is busy for half
 * of the time on a small machine and starts them in time; its turns become long, though. */
#define STARTS_OF_ONE     8000
#define STARTS_OF_FURTHER 10000
#define SHARE_NONE        UINT8_MAX

static bool
is_portable(const struct check_spec *spec)
{
	const struct probe_type *type = spec->probe_type;

	return type->is_portable && !probe_has_watch(type, spec->conf);
}

static double
rate_of(const struct check_spec *spec)
{
	return (double)USEC_PER_SEC / (double)spec->common.interval_us;
}

/* --- how many --- */

size_t
sched_loops_wanted(const struct check_spec *const *specs, size_t count, size_t most)
{
	double rate = 0;
	size_t wanted;

	for (size_t i = 0; i < count; i++)
		if (is_portable(specs[i]))
			rate += rate_of(specs[i]);
	wanted = rate <= STARTS_OF_ONE ? 1 : 1 + (size_t)ceil(rate / STARTS_OF_FURTHER);
	if (wanted > most)
		wanted = most;
	return wanted == 0 ? 1 : wanted;
}

int
sched_add_loop(struct sched *sched, const struct io_env *env, struct err *e)
{
	struct further *further = further_open(sched, env, e);

	if (further == NULL)
		return -1;
	sched->further =
		xreallocarray(sched->further, sched->further_count + 1, sizeof(struct further *));
	sched->further[sched->further_count++] = further;
	return 0;
}

void
sched_drop_loop(struct sched *sched)
{
	further_free(sched->further[--sched->further_count]);
	if (sched->further_used > sched->further_count)
		sched->further_used = sched->further_count;
}

void
sched_use_loops(struct sched *sched, size_t count)
{
	size_t further = count == 0 ? 0 : count - 1;

	sched->further_used =
		(unsigned)(further < sched->further_count ? further : sched->further_count);
}

void
sched_leave_loops(struct sched *sched)
{
	for (unsigned i = 0; i < sched->further_count; i++)
		further_leave(sched->further[i]);
}

usec_t
sched_silent_us(const struct sched *sched)
{
	usec_t most = 0;

	for (unsigned i = 0; i < sched->further_count; i++) {
		usec_t silent = further_silent_us(sched->further[i]);

		if (silent > most)
			most = silent;
	}
	return most;
}

/* --- which --- */

static bool
is_for_others(const struct sched *sched, const struct check_spec *spec)
{
	return sched->further_used > 0 && is_portable(spec);
}

/* Those that stay where they are: so the others are shared by what room is left. */
static void
settle_old(struct sched *sched, const struct check_spec *const *specs, size_t count)
{
	double most = sched->share.each * UNEVEN;

	for (size_t i = 0; i < count; i++) {
		struct check *check = map_get(sched->by_name, specs[i]->name);
		double *load;

		if (check == NULL || !is_for_others(sched, specs[i]))
			continue;
		load = &sched->share.load[check->home];
		if (check->home == 0 || check->home > sched->further_used ||
			(*load > 0 && *load + rate_of(specs[i]) > most))
			check->home = SHARE_NONE;
		else
			*load += rate_of(specs[i]);
	}
}

void
share_begin(struct sched *sched, const struct check_spec *const *specs, size_t count)
{
	struct share *share = &sched->share;
	double others = 0;

	memset(share, 0, sizeof(*share));
	for (size_t i = 0; i < count; i++) {
		if (is_for_others(sched, specs[i]))
			others += rate_of(specs[i]);
		else
			share->load[0] += rate_of(specs[i]);
	}
	if (sched->further_used == 0)
		return;
	share->each = others / sched->further_used;
	settle_old(sched, specs, count);
}

double
share_rate(const struct sched *sched, uint8_t at)
{
	if (at == 0)
		return sched->share.load[0];
	return at <= sched->further_used ? sched->share.each : 0;
}

uint8_t
share_pick(struct sched *sched, const struct check *check, const struct check_spec *spec)
{
	double *load = sched->share.load;
	unsigned least = 1;

	if (!is_for_others(sched, spec))
		return 0;
	if (check != NULL && check->home != SHARE_NONE && check->home != 0)
		return check->home;
	for (unsigned i = 2; i <= sched->further_used; i++)
		if (load[i] < load[least])
			least = i;
	load[least] += rate_of(spec);
	return (uint8_t)least;
}

/* --- from one to another --- */

void
sched_give(struct check *check, size_t place)
{
	struct sched *sched = check->sched;
	struct task *task = &check->task;
	bool is_new = task->runner == NULL || task->version != check->version;

	task->spec = check->spec;
	task->version = check->version;
	check->at = check->home;
	check->is_moving = false;
	if (is_new) {
		probe_keep_fini(&task->keep);
		sched_close_watch(check);
	}
	if (check->at != 0) {
		further_add(sched->further[check->at - 1], check, is_new, place);
	} else if (is_new) {
		runner_add(&sched->runner, task, place);
		sched_renew_watch(check);
	} else {
		runner_take_over(&sched->runner, task);
	}
}

bool
sched_take_back(struct check *check)
{
	struct sched *sched = check->sched;

	if (check->is_moving)
		return false;
	if (check->at == 0) {
		runner_drop(&sched->runner, &check->task);
		return true;
	}
	check->is_moving = true;
	further_take_back(sched->further[check->at - 1], check);
	return false;
}

void
sched_on_back(struct check *check)
{
	check->is_moving = false;
	if (!check->is_leaving) {
		sched_give(check, 0);
		sched_ask_retry(check); /* nobody could be asked while it was under way */
		return;
	}
	list_remove(&check->at_place);
	check_free(check);
}
