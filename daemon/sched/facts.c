/*
 * Facts on demand: each in flight once for each check (once for all where it is about the host),
 * so many at a time and no more, the others in a queue.  A young answer is given again.
 *
 *	slot: one fact about one check, or about the host: its memory, its run, its last answer
 *	wait: one check that is owed the answer of a slot
 *
 * Answers are always given later, never from inside sched_want_fact.  When a check goes or changes,
 * its slots and waits go with it and nothing is owed any more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/facts/fact_run.h"
#include "sched/private.h"

#define RUNNING_MAX 32
/* Many begin with a process of their own, which the kernel takes milliseconds to make. */
#define STARTS_MAX 3
/* When a thousand checks fail at once, facts about all of them would come when nobody waits any
 * more: what is beyond this is not begun. */
#define OWED_MAX 200
/* A fact of the host may be owed to every check there is, and who gets one thinks about it. */
#define GIVES_MAX 50
#define GIVES_US  (3 * USEC_PER_MSEC)
#define MISSED_US (5 * USEC_PER_SEC) /* a fact that could not be had is tried again so soon */
#define SWEEP_US  (60 * USEC_PER_SEC)

struct fact_slot {
	struct list node;   /* among the check's slots, or the host's */
	struct list queued; /* for a free place among those that run */
	struct list ready;  /* its answer is to be given again */
	struct list aged;   /* has an answer, which the sweep may drop */
	struct list waits;
	struct check *check; /* that it is asked about; of the host's: for this run; NULL */
	const struct fact_type *type;
	struct fact_run *run;
	struct generation *generation;
	struct probe_keep keep;
	bool is_owed;  /* queued, and somebody waits for it */
	bool is_quiet; /* run also without anybody who waits */
	bool has_answer;
	struct fact answer;
	usec_t began_us; /* the latest run */
	usec_t answered_us;
};

struct fact_wait {
	struct list of_slot, of_check;
	struct fact_slot *slot;
	struct check *check;
};

static void start_next(struct fact_desk *desk);

static struct fact_desk *
desk_of(const struct check *check)
{
	return check->sched->facts;
}

/* --- slots --- */

static struct fact_slot *
find_slot(const struct list *slots, const struct fact_type *type)
{
	LIST_EACH(node, slots)
	{
		struct fact_slot *slot = LIST_ENTRY(node, struct fact_slot, node);

		if (slot->type == type)
			return slot;
	}
	return NULL;
}

static struct check_facts *
need_facts(struct check *check)
{
	if (check->facts == NULL) {
		check->facts = xcalloc(1, sizeof(*check->facts));
		list_init(&check->facts->slots);
		list_init(&check->facts->waits);
	}
	return check->facts;
}

static struct fact_slot *
take_slot(struct check *check, const struct fact_type *type)
{
	struct list *slots =
		type->is_host ? &desk_of(check)->host_slots : &need_facts(check)->slots;
	struct fact_slot *slot = find_slot(slots, type);

	if (slot != NULL)
		return slot;
	slot = xcalloc(1, sizeof(*slot));
	slot->type = type;
	slot->check = type->is_host ? NULL : check;
	list_init(&slot->queued);
	list_init(&slot->ready);
	list_init(&slot->aged);
	list_init(&slot->waits);
	list_append(slots, &slot->node);
	return slot;
}

static void
end_run(struct fact_desk *desk, struct fact_slot *slot)
{
	struct generation *generation = slot->generation;

	slot->run = NULL;
	slot->generation = NULL;
	desk->running--;
	sched_release(generation);
}

static void
leave_queue(struct fact_desk *desk, struct fact_slot *slot)
{
	list_remove(&slot->queued);
	desk->owed -= slot->is_owed;
	slot->is_owed = false;
}

static void
abort_run(struct fact_desk *desk, struct fact_slot *slot)
{
	leave_queue(desk, slot);
	if (slot->run == NULL)
		return;
	fact_run_abort(slot->run);
	end_run(desk, slot);
}

static void
drop_answer(struct fact_slot *slot)
{
	list_remove(&slot->aged);
	if (slot->has_answer)
		fact_fini(&slot->answer);
	slot->has_answer = false;
}

static void
free_wait(struct fact_wait *wait)
{
	list_remove(&wait->of_slot);
	list_remove(&wait->of_check);
	free(wait);
}

static void
free_slot(struct fact_desk *desk, struct fact_slot *slot)
{
	abort_run(desk, slot);
	while (!list_is_empty(&slot->waits))
		free_wait(LIST_ENTRY(slot->waits.next, struct fact_wait, of_slot));
	drop_answer(slot);
	list_remove(&slot->ready);
	list_remove(&slot->node);
	probe_keep_fini(&slot->keep);
	free(slot);
}

/* A slot that remembers nothing, and that nobody waits for. */
static void
drop_idle(struct fact_desk *desk, struct fact_slot *slot)
{
	bool is_listed = !list_is_empty(&slot->waits) || !list_is_empty(&slot->queued) ||
			 !list_is_empty(&slot->ready);

	if (!is_listed && !slot->has_answer && slot->run == NULL && slot->keep.data == NULL)
		free_slot(desk, slot);
}

/* --- answers --- */

static void
give_later(struct fact_desk *desk, struct fact_slot *slot)
{
	list_remove(&slot->ready);
	list_append(&desk->ready, &slot->ready);
	timer_after(&desk->again, 0);
}

static void
take_round(struct list *round, struct list *from)
{
	list_init(round);
	for (size_t i = 0; i < GIVES_MAX && !list_is_empty(from); i++) {
		struct list *node = from->next;

		list_remove(node);
		list_append(round, node);
	}
}

/* What there was no time for is the first of the next round. */
static void
put_back(struct list *round, struct list *to)
{
	while (!list_is_empty(round)) {
		struct list *node = round->prev;

		list_remove(node);
		list_prepend(to, node);
	}
}

static bool
is_time_up(const struct fact_desk *desk, usec_t until_us)
{
	return loop_now(desk->sched->env->loop) >= until_us;
}

/* Whoever is told may ask again at once: what is asked from now on is another round. */
static void
give_answer(struct fact_desk *desk, struct fact_slot *slot)
{
	const struct sched_options *options = &desk->sched->options;
	usec_t until_us = loop_now(desk->sched->env->loop) + GIVES_US;
	struct list round;

	take_round(&round, &slot->waits);
	while (!list_is_empty(&round) && !is_time_up(desk, until_us)) {
		struct fact_wait *wait = LIST_ENTRY(round.next, struct fact_wait, of_slot);
		const struct check *check = wait->check;

		free_wait(wait);
		if (options->on_fact != NULL)
			options->on_fact(options->arg, check->spec, &slot->answer);
	}
	put_back(&round, &slot->waits);
	if (!list_is_empty(&slot->waits) && slot->run == NULL && list_is_empty(&slot->queued))
		give_later(desk, slot);
}

static bool
is_fresh(const struct fact_desk *desk, const struct fact_slot *slot)
{
	usec_t fresh = slot->type->fresh_us > 0 ? slot->type->fresh_us : FACT_FRESH_US;
	usec_t age = loop_now(desk->sched->env->loop) - slot->answered_us;

	if (!slot->has_answer)
		return false;
	if (slot->answer.end == FACT_MISSED && fresh > MISSED_US)
		fresh = MISSED_US;
	return age < fresh;
}

static void
on_done(void *arg, const struct fact *fact)
{
	struct fact_slot *slot = arg;
	struct check *check = slot->check;
	struct fact_desk *desk = desk_of(check);

	end_run(desk, slot);
	if (slot->type->is_host)
		slot->check = NULL;
	drop_answer(slot);
	fact_copy(&slot->answer, fact);
	slot->has_answer = true;
	slot->is_quiet = false;
	slot->answered_us = loop_now(desk->sched->env->loop);
	list_append(&desk->aged, &slot->aged);
	if (!timer_runs(&desk->sweep))
		timer_after(&desk->sweep, SWEEP_US);
	sched_learn(check, &slot->answer);
	give_answer(desk, slot);
	start_next(desk);
}

static void
on_again(void *arg)
{
	struct fact_desk *desk = arg;
	usec_t until_us = loop_now(desk->sched->env->loop) + GIVES_US;
	struct list round;

	take_round(&round, &desk->ready);
	while (!list_is_empty(&round) && !is_time_up(desk, until_us)) {
		struct fact_slot *slot = LIST_ENTRY(round.next, struct fact_slot, ready);

		list_remove(&slot->ready);
		give_answer(desk, slot);
	}
	put_back(&round, &desk->ready);
	if (!list_is_empty(&desk->ready))
		timer_after(&desk->again, 0);
	start_next(desk);
}

/* Old answers are dropped, and with them slots that remember nothing. */
static void
on_sweep(void *arg)
{
	struct fact_desk *desk = arg;

	LIST_EACH_SAFE(node, &desk->aged)
	{
		struct fact_slot *slot = LIST_ENTRY(node, struct fact_slot, aged);

		if (is_fresh(desk, slot) || !list_is_empty(&slot->ready) ||
			!list_is_empty(&slot->queued))
			continue;
		drop_answer(slot);
		drop_idle(desk, slot);
	}
	if (!list_is_empty(&desk->aged))
		timer_after(&desk->sweep, SWEEP_US);
}

/* --- runs --- */

static void
start_run(struct fact_desk *desk, struct fact_slot *slot)
{
	struct sched *sched = desk->sched;
	struct check *check = slot->check;
	const struct fact_job job = {
		.type = slot->type,
		.check = check->spec,
		.subject = sched_subject_of(check),
		.sample = check->has_sample ? &check->last : NULL,
		.watch = check->at == 0 ? check->task.watch : NULL,
		.keep = &slot->keep,
		.env = sched->env,
	};

	desk->running++;
	slot->began_us = loop_now(sched->env->loop);
	slot->generation = sched->generation;
	slot->generation->users++;
	slot->run = fact_run_start(&job, on_done, slot);
}

static void
start_next(struct fact_desk *desk)
{
	while (desk->running < RUNNING_MAX && desk->started < STARTS_MAX &&
		!list_is_empty(&desk->queue) && !desk->sched->is_stopped) {
		struct fact_slot *slot = LIST_ENTRY(desk->queue.next, struct fact_slot, queued);

		leave_queue(desk, slot);
		desk->started++;
		start_run(desk, slot);
	}
	if (desk->started > 0 && !timer_runs(&desk->more))
		timer_after(&desk->more, 0);
}

/* The loop had its turn: others may start. */
static void
on_more(void *arg)
{
	struct fact_desk *desk = arg;

	desk->started = 0;
	start_next(desk);
}

static void
queue_slot(struct fact_desk *desk, struct check *check, struct fact_slot *slot)
{
	if (slot->run != NULL)
		return;
	if (list_is_empty(&slot->queued)) {
		slot->check = check;
		list_append(&desk->queue, &slot->queued);
	}
	start_next(desk);
}

static bool
is_for(const struct fact_type *type, const struct check *check)
{
	const struct probe_type *probe = check->spec->probe_type;

	for (size_t i = 0; type->types != NULL && type->types[i] != NULL; i++)
		if (str_eq(type->types[i], probe->name))
			return true;
	return type->types == NULL;
}

static const struct fact_type *
find_type(const struct sched *sched, const char *name)
{
	const struct fact_type *const *table = sched->options.facts;

	for (size_t i = 0; table != NULL && table[i] != NULL; i++)
		if (str_eq(table[i]->name, name))
			return table[i];
	return table != NULL ? NULL : fact_find(name);
}

/* What was measured before the trouble began says nothing about it. */
static bool
is_about_now(const struct fact_slot *slot, const struct check *check, usec_t since_us)
{
	return slot->began_us >= check->fail_us && slot->began_us >= since_us;
}

static bool
awaits(const struct fact_slot *slot, const struct check *check)
{
	LIST_EACH(node, &check->facts->waits)
	if (LIST_ENTRY(node, struct fact_wait, of_check)->slot == slot)
		return true;
	return false;
}

/* Too many wait already for it to come in time. */
static bool
is_crowded(const struct fact_desk *desk, const struct fact_slot *slot, bool has_answer)
{
	if (desk->owed < OWED_MAX || slot->run != NULL || slot->is_owed)
		return false;
	return !has_answer;
}

/* It stands in the queue, if it still has to run. */
static void
note_owed(struct fact_desk *desk, struct fact_slot *slot)
{
	if (slot->is_owed || list_is_empty(&slot->queued))
		return;
	slot->is_owed = true;
	desk->owed++;
}

int
sched_want_fact(struct sched *sched, const char *name, const char *fact)
{
	return sched_want_new_fact(sched, name, fact, 0);
}

int
sched_want_new_fact(struct sched *sched, const char *name, const char *fact, usec_t since_us)
{
	const struct fact_type *type = find_type(sched, fact);
	struct check *check = map_get(sched->by_name, name);
	struct fact_desk *desk = sched->facts;
	struct fact_slot *slot;
	struct fact_wait *wait;
	bool is_about_it, has_answer;

	if (check == NULL || type == NULL || sched->is_stopped || !is_for(type, check))
		return -1;
	need_facts(check);
	slot = take_slot(check, type);
	is_about_it = is_about_now(slot, check, since_us);
	has_answer = is_about_it && is_fresh(desk, slot);
	if (is_crowded(desk, slot, has_answer)) {
		drop_idle(desk, slot);
		return -1;
	}
	if (!awaits(slot, check)) {
		wait = xcalloc(1, sizeof(*wait));
		wait->check = check;
		wait->slot = slot;
		list_append(&slot->waits, &wait->of_slot);
		list_append(&check->facts->waits, &wait->of_check);
	}
	list_remove(&slot->ready);
	if (slot->run != NULL && !is_about_it)
		abort_run(desk, slot);
	if (slot->run == NULL && has_answer) {
		give_later(desk, slot);
		return 0;
	}
	queue_slot(desk, check, slot);
	note_owed(desk, slot);
	return 0;
}

bool
sched_learn_by(struct check *check, const char *fact)
{
	const struct fact_type *type = find_type(check->sched, fact);
	struct fact_slot *slot;

	if (type == NULL || check->sched->is_stopped)
		return false;
	slot = take_slot(check, type);
	slot->is_quiet = true;
	queue_slot(desk_of(check), check, slot);
	return true;
}

bool
sched_facts_are_busy(const struct sched *sched)
{
	return sched->facts->running > 0 || !list_is_empty(&sched->facts->queue);
}

/* --- coming and going --- */

/* A host's fact that was asked about this check goes on with another that waits. */
static void
leave_host_slots(struct fact_desk *desk, const struct check *check)
{
	LIST_EACH(node, &desk->host_slots)
	{
		struct fact_slot *slot = LIST_ENTRY(node, struct fact_slot, node);

		if (slot->check != check)
			continue;
		abort_run(desk, slot);
		slot->check = NULL;
		if (!list_is_empty(&slot->waits))
			queue_slot(desk,
				LIST_ENTRY(slot->waits.next, struct fact_wait, of_slot)->check,
				slot);
	}
}

void
sched_drop_facts(struct check *check)
{
	struct fact_desk *desk = desk_of(check);
	struct check_facts *facts = check->facts;

	while (facts != NULL && !list_is_empty(&facts->waits))
		free_wait(LIST_ENTRY(facts->waits.next, struct fact_wait, of_check));
	while (facts != NULL && !list_is_empty(&facts->slots))
		free_slot(desk, LIST_ENTRY(facts->slots.next, struct fact_slot, node));
	leave_host_slots(desk, check);
	/* Its places are free for others: not at once, for those may be about to go, too. */
	if (!list_is_empty(&desk->queue))
		timer_after(&desk->again, 0);
}

void
sched_open_facts(struct sched *sched)
{
	struct fact_desk *desk = xcalloc(1, sizeof(*desk));

	desk->sched = sched;
	list_init(&desk->host_slots);
	list_init(&desk->queue);
	list_init(&desk->ready);
	list_init(&desk->aged);
	timer_init(&desk->again, sched->env->loop, on_again, desk);
	timer_init(&desk->more, sched->env->loop, on_more, desk);
	timer_init(&desk->sweep, sched->env->loop, on_sweep, desk);
	sched->facts = desk;
}

void
sched_close_facts(struct sched *sched)
{
	struct fact_desk *desk = sched->facts;

	while (!list_is_empty(&desk->host_slots))
		free_slot(desk, LIST_ENTRY(desk->host_slots.next, struct fact_slot, node));
	timer_stop(&desk->again);
	timer_stop(&desk->more);
	timer_stop(&desk->sweep);
	free(desk);
}
