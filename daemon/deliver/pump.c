/*
 * What a receiver is sent now: its pace, the choice of the next letter, and the start of the try.
 *
 * A dead receiver costs one try at a time.  Where people read, what was never tried waits
 * meanwhile, to be one message when the receiver is back.
 */
#include "deliver/outlet.h"

#define BURST    4 /* letters that may leave ahead of an even pace, where the type is silent */
#define PROBES   4 /* letters at most that have tried a dead receiver, and then */
#define PROBE_US USEC_PER_HOUR /* another one this often */
#define LOADS    16            /* words on their way from the disk at once */

static void
launch(struct outlet *outlet, struct letter *letter)
{
	struct deliver *deliver = outlet->deliver;
	const struct send_job job = {
		.type = outlet->type,
		.conf = outlet->conf,
		.notice = letter->notice,
		.memory = letter->lane->memory,
		.env = deliver->options.env,
		.daemon_name = deliver->daemon_name,
		.receiver = outlet->name,
		.language = deliver->language,
	};

	letter->started_us = loop_now(deliver->loop);
	outlet->flights++;
	letter->run = send_run_start(&job, outlet_on_sent, letter);
	outbox_place(&outlet->box, letter->lane);
}

/* An even pace with a small burst ahead of it. */
static usec_t
interval(const struct outlet *outlet)
{
	double rate = outlet->type->rate_per_second;

	return rate > 0 ? (usec_t)((double)USEC_PER_SEC / rate) : 0;
}

static usec_t
burst(const struct outlet *outlet)
{
	return outlet->type->burst > 0 ? (usec_t)outlet->type->burst : BURST;
}

/* When the next letter may leave. */
static usec_t
pace(const struct outlet *outlet)
{
	return outlet->slot_us - burst(outlet) * interval(outlet);
}

static void
take_slot(struct outlet *outlet)
{
	usec_t now = loop_now(outlet->deliver->loop);

	if (outlet->slot_us < now)
		outlet->slot_us = now;
	outlet->slot_us += interval(outlet);
}

size_t
outlet_allowance(const struct outlet *outlet)
{
	usec_t now = loop_now(outlet->deliver->loop);

	if (outlet->hold_us > now || pace(outlet) > now)
		return 0;
	if (outlet->fails > 0)
		return outlet->flights > 0 ? 0 : 1;
	if (interval(outlet) == 0)
		return SIZE_MAX;
	if (outlet->slot_us < now)
		return (size_t)burst(outlet) + 1;
	return (size_t)((now - pace(outlet)) / interval(outlet)) + 1;
}

bool
outlet_may_send(const struct outlet *outlet)
{
	return outlet->type != NULL && !outlet->is_disabled && outlet->deliver->is_running &&
	       !outlet->deliver->is_draining;
}

/*
 * Who tries the ground where people read: what was never tried waits to be one message, so after a
 * few letters have met the dead receiver, these go on trying, and another one now and then, in case
 * it is they that are not liked.
 */
static bool
may_probe(struct outlet *outlet)
{
	size_t tried = 0;

	if (outlet->fails == 0 || !outlet_merges(outlet) ||
		loop_now(outlet->deliver->loop) - outlet->probed_us >= PROBE_US)
		return true;
	LIST_EACH(it, &outlet->box.busy)
	tried += lane_first(LIST_ENTRY(it, struct lane, in_outbox))->tries > 0;
	return tried < PROBES;
}

/* The oldest try that may be repeated. */
static struct letter *
find_tried(struct outlet *outlet, usec_t *due_us)
{
	usec_t now = loop_now(outlet->deliver->loop);
	struct letter *best = NULL;

	LIST_EACH(it, &outlet->box.busy)
	{
		const struct lane *lane = LIST_ENTRY(it, struct lane, in_outbox);
		struct letter *letter = lane_first(lane);

		if (letter->is_fresh || letter->run != NULL || lane->turn_in == NULL ||
			lane->turn_in == &outlet->box.unwritten)
			continue;
		if (best == NULL || letter->due_us < best->due_us)
			best = letter;
	}
	*due_us = best != NULL && best->due_us > now ? best->due_us : 0;
	return *due_us > 0 ? NULL : best;
}

static struct letter *
choose(struct outlet *outlet, usec_t *due_us)
{
	struct letter *letter = outbox_next(&outlet->box, outlet->deliver->durable, due_us);

	if (letter == NULL || !letter->is_fresh || may_probe(outlet))
		return letter;
	return find_tried(outlet, due_us);
}

/* The first word of an incident is an opening.  Nobody knows the words of what was never tried. */
static bool
is_to_open(const struct letter *letter)
{
	const struct lane *lane = letter->lane;

	return !lane->is_told && !lane->is_digest && letter->tries == 0 && !letter->is_resolved &&
	       !letter_is_opening(letter);
}

/* False: something has to be written first, or read. */
static bool
make_ready(struct outlet *outlet, struct letter *letter)
{
	if (letter->notice == NULL) {
		spill_load(outlet, letter);
		return false;
	}
	if (letter->is_whole) {
		merge_whole(outlet);
		return false;
	}
	if (!letter->is_fresh && !is_to_open(letter))
		return true;
	if (outlet->fails > 0)
		outlet->probed_us = loop_now(outlet->deliver->loop);
	if (is_to_open(letter))
		letter_set_type(letter, incident_event_name(INCIDENT_OPENED));
	letter->is_fresh = false;
	outlet_keep_letter(outlet, letter);
	return false;
}

/* Nothing more may be prepared than may go when it is ready. */
static bool
is_reserved(const struct outlet *outlet, const struct letter *letter)
{
	size_t reserved = outlet->box.unwritten.count;

	if (letter->notice == NULL)
		return outlet->loading >= LOADS;
	return letter->is_fresh && (outlet->flights + reserved >= OUTLET_FLIGHTS ||
					   outlet_allowance(outlet) <= reserved);
}

void
outlet_pump(struct outlet *outlet)
{
	usec_t now = loop_now(outlet->deliver->loop);
	usec_t wait_us = 0;

	timer_stop(&outlet->timer);
	if (!outlet_may_send(outlet))
		return;
	merge_gather(outlet);
	while (outlet->flights < (outlet->fails > 0 ? 1 : OUTLET_FLIGHTS) &&
		outlet->box.count > outlet->flights) {
		struct letter *letter;

		wait_us = outlet->hold_us > pace(outlet) ? outlet->hold_us : pace(outlet);
		if (wait_us > now)
			break;
		letter = choose(outlet, &wait_us);
		if (letter == NULL || is_reserved(outlet, letter))
			break;
		if (make_ready(outlet, letter)) {
			take_slot(outlet);
			launch(outlet, letter);
		}
	}
	if (wait_us > now)
		timer_at(&outlet->timer, wait_us);
}
