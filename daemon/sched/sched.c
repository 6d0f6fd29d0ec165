/*
 * The book: what each check's samples come to, who hears of them, what of a check outlives a
 * restart.  It is the main loop's; when and where probes run is the runners' (runner.c here,
 * further.c on other loops).
 */
#include "sched/sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "sched/private.h"

void
sched_release(struct generation *generation)
{
	if (--generation->users > 0)
		return;
	if (generation->owner.release != NULL)
		generation->owner.release(generation->owner.owner);
	free(generation);
}

/* Beyond a restart: how far the start_period has come, and what the probe wants remembered. */
void
sched_keep(struct check *check)
{
	struct sched *sched = check->sched;
	json_t *doc, *learned = sched_learned(check);

	if (sched->options.on_keep == NULL || (check->spec->common.start_period_us == 0 &&
						      check->kept == NULL && learned == NULL)) {
		json_decref(learned);
		return;
	}
	doc = json_pack("{s:I,s:b}", "first_added", (json_int_t)check->first_added_wall_us,
		"has_started", check->has_started);
	if (check->kept != NULL)
		json_object_set(doc, "probe", check->kept);
	if (learned != NULL)
		json_object_set_new(doc, "learned", learned);
	check->is_kept = true;
	sched->options.on_keep(sched->options.arg, check->spec->name, doc);
	json_decref(doc);
}

/* --- what the runners say --- */

void
sched_ask_retry(struct check *check)
{
	struct sched *sched = check->sched;
	usec_t at;

	if (!check_wants_retry(check) || check->is_moving)
		return;
	at = loop_now(sched->env->loop) + check->spec->common.retry_interval_us;
	if (check->at == 0)
		runner_run_at(&check->task, at);
	else
		further_run_at(sched->further[check->at - 1], check, at);
}

void
sched_take(struct check *check, const struct sample *seen)
{
	struct sched *sched = check->sched;
	struct sample sample = *seen; /* shares its parts; only flat members are completed here */
	bool had_started = check->has_started;
	bool was_up = check->state == CHECK_UP || check->state == CHECK_SUSPECT;

	check_take(check, &sample, sample.wall_us);
	check_remember(check, &sample);
	if (check->has_started && !had_started)
		sched_keep(check);
	sched_ask_retry(check);
	sched_look_at_place(check, !was_up);
	sched->options.on_sample(sched->options.arg, check->spec, &check->last, &check->ties);
	if (check->last.outcome == OUTCOME_OK && check_is_parent(check->spec))
		sched_take_children(check, &check->last);
}

static void
on_done(void *arg, struct task *task, const struct sample *sample)
{
	(void)arg;
	sched_take((struct check *)(void *)task, sample);
}

static void
on_let_go(void *arg, struct generation *generation)
{
	(void)arg;
	sched_release(generation);
}

/* What failed while the host woke up is not the targets' fault. */
static void
on_slept(void *arg, usec_t for_us)
{
	struct sched *sched = arg;

	stats_add(sched->env->stats, STAT_SUSPENDS, 1);
	for (size_t i = 0; i < sched->flat_count; i++) {
		struct check *check = sched->flat[i];

		if (check->state == CHECK_SUSPECT)
			check->failures = 0;
		if (check->at != 0)
			further_void(sched->further[check->at - 1], check);
	}
	if (sched->options.on_slept != NULL)
		sched->options.on_slept(sched->options.arg, for_us);
}

static const struct runner_calls calls = {
	.on_done = on_done,
	.on_let_go = on_let_go,
	.on_slept = on_slept,
};

/* --- life --- */

struct sched *
sched_new(const struct sched_options *options)
{
	struct sched *sched = xcalloc(1, sizeof(*sched));

	sched->options = *options;
	sched->env = options->env;
	sched->by_name = map_new_borrowing();
	sched->restored = map_new();
	list_init(&sched->leaving);
	runner_init(&sched->runner, options->env, options->judge, &calls, sched);
	sched_open_facts(sched);
	sched_open_places(sched);
	return sched;
}

static void
free_json(void *doc)
{
	json_decref(doc);
}

void
sched_stop(struct sched *sched)
{
	timer_stop(&sched->pace);
	sched->is_stopped = true;
	runner_stop(&sched->runner);
	for (unsigned i = 0; i < sched->further_count; i++)
		further_stop(sched->further[i]);
	for (size_t i = 0; i < sched->flat_count; i++)
		sched_drop_facts(sched->flat[i]);
}

static void
free_whole(struct check *check)
{
	for (size_t i = 0; i < check->child_count; i++)
		free_whole(check->children[i]);
	runner_abort(&check->task);
	sched_drop_facts(check);
	sched_drop_subject(check);
	check_free(check);
}

void
sched_free(struct sched *sched)
{
	if (sched == NULL)
		return;
	runner_stop(&sched->runner);
	for (unsigned i = 0; i < sched->further_count; i++)
		further_end(sched->further[i]);
	for (size_t i = 0; i < sched->count; i++)
		free_whole(sched->checks[i]);
	while (!list_is_empty(&sched->leaving)) {
		struct check *check = LIST_ENTRY(sched->leaving.next, struct check, at_place);

		list_remove(&check->at_place);
		check_free(check);
	}
	sched_close_facts(sched);
	sched_close_places(sched);
	for (unsigned i = 0; i < sched->further_count; i++)
		further_free(sched->further[i]);
	runner_fini(&sched->runner);
	map_free(sched->by_name, NULL);
	map_free(sched->restored, free_json);
	free(sched->further);
	free(sched->checks);
	free(sched->flat);
	free(sched);
}

void
sched_restore(struct sched *sched, const char *check, const json_t *state)
{
	json_decref(map_put(sched->restored, check, json_deep_copy(state)));
}

/* start_period is counted from the first time this check was ever seen, over restarts. */
static void
recall(struct check *check)
{
	struct sched *sched = check->sched;
	json_t *state = map_remove(sched->restored, check->spec->name);
	json_int_t first = json_integer_value(json_object_get(state, "first_added"));

	check->first_added_wall_us = loop_wall(sched->env->loop);
	check->kept = json_incref(json_object_get(state, "probe"));
	check->is_kept = state != NULL;
	sched_recall_subject(check, json_object_get(state, "learned"));
	if (first <= 0 || first > check->first_added_wall_us) {
		sched_keep(check);
	} else {
		check->first_added_wall_us = first;
		check->has_started = json_is_true(json_object_get(state, "has_started"));
	}
	json_decref(state);
}

struct check *
sched_add(struct sched *sched, const struct check_spec *spec, size_t place)
{
	struct check *check = check_new(sched, spec);

	map_put(sched->by_name, spec->name, check);
	recall(check);
	check->home = share_pick(sched, NULL, spec);
	sched_give(check, place);
	return check;
}

void
sched_remove(struct check *check)
{
	struct sched *sched = check->sched;
	bool is_free = sched_take_back(check);

	sched_drop_facts(check);
	map_remove(sched->by_name, check->spec->name);
	if (sched->options.on_keep != NULL && check->is_kept)
		sched->options.on_keep(sched->options.arg, check->spec->name, NULL);
	sched_drop_subject(check);
	if (is_free) {
		check_free(check);
		return;
	}
	check->is_leaving = true;
	list_append(&sched->leaving, &check->at_place);
}

int
sched_run_now(struct sched *sched, const char *name)
{
	struct check *check = map_get(sched->by_name, name);

	if (check == NULL || sched->is_stopped || check->is_moving)
		return -1;
	if (check->at == 0)
		return runner_run(&check->task) ? 0 : -1;
	return further_run(sched->further[check->at - 1], check) ? 0 : -1;
}
