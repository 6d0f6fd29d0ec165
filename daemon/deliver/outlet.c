/*
 * One receiver at work.
 *
 *	written -> (on disk) -> waiting -> in flight -> taken
 *	                           ^           |-> given up: refused, too old, no room
 *	                           +-----------+ later: 2 s, 10 s ... 10 min, or as asked
 *
 * A failure holds the whole receiver back, and then one letter, another one if there is any, tries
 * the ground; so a dead receiver costs one try at a time however much waits for it, and a letter
 * that it chokes on delays nobody for long.  Failures of letters that were in flight together
 * count once.
 */
#include "deliver/outlet.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/backoff.h"

#define QUIET_US USEC_PER_MIN
#define BURST    4 /* letters that may leave ahead of an even pace */

static void
on_due(void *arg)
{
	outlet_pump(arg);
}

struct outlet *
outlet_new(struct deliver *deliver, const char *name)
{
	struct outlet *outlet = xcalloc(1, sizeof(*outlet));

	outlet->deliver = deliver;
	outlet->name = xstrdup(name);
	outbox_init(&outlet->box, deliver->loop);
	timer_init(&outlet->timer, deliver->loop, on_due, outlet);
	list_append(&deliver->outlets, &outlet->in_deliver);
	return outlet;
}

/* The letters on their way go back: the same id is sent again, which receivers are told to expect.
 */
static void
abort_flights(struct outlet *outlet)
{
	LIST_EACH(it, &outlet->box.busy)
	{
		struct letter *letter = lane_first(LIST_ENTRY(it, struct lane, in_outbox));

		if (letter->run == NULL)
			continue;
		send_run_abort(letter->run);
		letter->run = NULL;
		letter->due_us = loop_now(outlet->deliver->loop);
		outlet->flights--;
	}
}

void
outlet_free(struct outlet *outlet)
{
	abort_flights(outlet);
	timer_stop(&outlet->timer);
	list_remove(&outlet->in_deliver);
	outbox_fini(&outlet->box);
	free(outlet->trouble);
	free(outlet->name);
	free(outlet);
}

void
outlet_attach(struct outlet *outlet, const struct receiver_type *type, const void *conf)
{
	outlet->type = type;
	outlet->conf = conf;
}

void
outlet_detach(struct outlet *outlet)
{
	abort_flights(outlet);
	timer_stop(&outlet->timer);
	outlet->type = NULL;
	outlet->conf = NULL;
	outlet->is_fallback = false;
}

void
outlet_reset(struct outlet *outlet)
{
	outlet->fails = 0;
	outlet->hold_us = 0;
	outlet->slot_us = 0;
	outlet->is_disabled = false;
	outbox_hurry(&outlet->box);
}

void
outlet_absolve(struct outlet *outlet)
{
	outlet->has_news = outlet->trouble != NULL;
	xstrset(&outlet->trouble, NULL);
}

/* ---- documents ---- */

static void
keep(struct outlet *outlet, const char *kind, const char *id, json_t *doc)
{
	const struct deliver_options *options = &outlet->deliver->options;
	char *key = outbox_key(outlet->name, id);

	options->on_keep(options->arg, kind, key, doc);
	json_decref(doc);
	free(key);
}

static void
keep_letter(struct outlet *outlet, const struct letter *letter)
{
	keep(outlet, "outbox", letter->notice.id,
		letter_store(letter, outlet->name, outlet->deliver->loop));
}

static void
keep_lane(struct outlet *outlet, const struct lane *lane)
{
	keep(outlet, "ledger", lane->incident,
		lane_store(lane, outlet->name, outlet->deliver->loop));
}

static void
drop(struct outlet *outlet, struct letter *letter)
{
	keep(outlet, "outbox", letter->notice.id, NULL);
	outbox_drop(&outlet->box, letter);
}

void
outlet_forget(struct outlet *outlet, struct lane *lane)
{
	keep(outlet, "ledger", lane->incident, NULL);
	outbox_forget(&outlet->box, lane);
}

void
outlet_owe(struct outlet *outlet, struct lane *lane, bool is_owed)
{
	if (lane->is_owed == is_owed)
		return;
	lane->is_owed = is_owed;
	keep_lane(outlet, lane);
}

/* ---- giving up ---- */

static bool
is_opening(const struct letter *letter)
{
	return str_eq(letter->notice.type, incident_event_name(INCIDENT_OPENED));
}

/* Never tried, so no receiver knows its words: it becomes the first word. */
static void
make_opening(struct outlet *outlet, struct letter *letter)
{
	xstrset(&letter->notice.type, incident_event_name(INCIDENT_OPENED));
	letter->kept = ++outlet->deliver->kept;
	keep_letter(outlet, letter);
}

/*
 * After a letter left the lane: what follows must still make sense to the receiver.  The end of a
 * story that it never heard is not told; the middle becomes the beginning.  False: the lane is
 * gone.
 */
static bool
tidy_lane(struct outlet *outlet, struct lane *lane)
{
	struct letter *letter = lane_first(lane);

	while (letter != NULL && !lane->is_told && letter->notice.is_resolved &&
		letter->run == NULL) {
		drop(outlet, letter);
		letter = lane_first(lane);
	}
	if (letter == NULL && lane->is_ended) {
		outlet_forget(outlet, lane);
		return false;
	}
	if (letter != NULL && !lane->is_told && !is_opening(letter) && letter->tries == 0 &&
		letter->run == NULL)
		make_opening(outlet, letter);
	keep_lane(outlet, lane);
	return true;
}

static void
set_trouble(struct outlet *outlet, const char *text)
{
	bool is_new = outlet->trouble == NULL;

	if (text != NULL && is_new)
		outlet->has_news = true;
	if (text != NULL)
		xstrset(&outlet->trouble, text);
}

/* The alert about a failed delivery must not breed alerts about itself. */
static bool
is_about_delivery(const struct letter *letter)
{
	return str_eq(letter->notice.incident.cause_code, DELIVER_FAILED_CAUSE);
}

/* False: the lane is gone with it. */
static bool
give_up(struct outlet *outlet, struct letter *letter, const char *why)
{
	struct lane *lane = letter->lane;

	log_error("receiver %s: gave up %s of incident %s (%s): %s", outlet->name,
		letter->notice.type, lane->incident, letter->notice.id, why);
	if (!is_about_delivery(letter) && !outlet->is_fallback && outlet->type != NULL)
		set_trouble(outlet, why);
	lane->repeat_from_us = loop_now(outlet->deliver->loop);
	drop(outlet, letter);
	return tidy_lane(outlet, lane);
}

static usec_t
expiry_of(const struct outlet *outlet, const struct letter *letter)
{
	return outlet->type == NULL ? letter->born_us + OUTBOX_ENDING_US : letter_expires(letter);
}

void
outlet_expire(struct outlet *outlet, bool is_quiet)
{
	usec_t now = loop_now(outlet->deliver->loop);

	LIST_EACH_SAFE(it, &outlet->box.busy)
	{
		struct lane *lane = LIST_ENTRY(it, struct lane, in_outbox);
		struct letter *letter = lane_first(lane);
		bool is_left = true;

		while (is_left && letter != NULL && letter->run == NULL &&
			expiry_of(outlet, letter) <= now) {
			if (is_quiet || outlet->type == NULL) {
				drop(outlet, letter);
				is_left = tidy_lane(outlet, lane);
			} else {
				is_left = give_up(outlet, letter,
					letter->notice.is_resolved ? "not taken for 30 days"
								   : "not taken for 24 hours");
			}
			letter = is_left ? lane_first(lane) : NULL;
		}
	}
}

/* ---- writing ---- */

bool
outlet_is_quiet(const struct outlet *outlet)
{
	return !outlet->was_busy || loop_now(outlet->deliver->loop) - outlet->busy_us >= QUIET_US;
}

static void
touch(struct outlet *outlet)
{
	outlet->was_busy = true;
	outlet->busy_us = loop_now(outlet->deliver->loop);
}

void
outlet_write(struct outlet *outlet, struct lane *lane, struct notice *notice, usec_t wait_us)
{
	struct letter *letter = outbox_add(&outlet->box, lane, notice);

	letter->due_us += wait_us;
	letter->kept = ++outlet->deliver->kept;
	keep_letter(outlet, letter);
	touch(outlet);
	if (outlet->box.count > OUTBOX_MAX) {
		struct letter *victim = outbox_victim(&outlet->box);

		if (victim != NULL)
			give_up(outlet, victim, "too many notices wait for this receiver");
	}
}

/* ---- sending ---- */

/* The ledger follows in the same turn as the letter's document goes. */
static void
on_taken(struct outlet *outlet, struct letter *letter)
{
	struct lane *lane = letter->lane;
	struct deliver *deliver = outlet->deliver;
	const struct notice *notice = &letter->notice;
	/* The first word in this life may end a trouble that began in the one before. */
	bool was_in_trouble = outlet->trouble != NULL || outlet->sent == 0;

	if (outlet->fails > 0)
		log_notice("receiver %s: takes notices again", outlet->name);
	if (outlet->fails > 1 || outlet->sent == 0)
		outbox_hurry(&outlet->box);
	outlet->fails = 0;
	outlet->hold_us = 0;
	outlet->sent++;
	outlet->last_success_us = loop_wall(deliver->loop);
	xstrset(&outlet->trouble, NULL);
	outlet->has_news = was_in_trouble;
	stats_add(deliver->options.env->stats, STAT_SENT, 1);
	touch(outlet);

	lane->is_told = !notice->is_resolved;
	xstrset(&lane->last_type, notice->type);
	memcpy(lane->last_id, notice->id, sizeof(lane->last_id));
	lane->last_sequence = notice->sequence;
	lane->told_us = outlet->last_success_us;
	lane->repeat_from_us = loop_now(deliver->loop);
	log_info("receiver %s: took %s of incident %s (%s)", outlet->name, notice->type,
		lane->incident, notice->id);
	drop(outlet, letter);
	tidy_lane(outlet, lane);
}

static void
hold_back(struct outlet *outlet, const struct letter *letter, usec_t asked_us)
{
	usec_t now = loop_now(outlet->deliver->loop);
	usec_t until_us;

	/* Letters that were in flight together meet the same trouble: one failure. */
	if (outlet->fails == 0 || letter->started_us > outlet->failed_us) {
		outlet->fails++;
		outlet->failed_us = now;
		until_us = now + backoff_delay(outlet->fails);
	} else {
		until_us = outlet->hold_us;
	}
	if (asked_us > 0)
		until_us = now + backoff_asked(asked_us);
	outlet->hold_us = until_us;
}

static void
on_later(struct outlet *outlet, struct letter *letter, usec_t asked_us, const char *text)
{
	usec_t now = loop_now(outlet->deliver->loop);
	bool is_first = outlet->fails == 0;
	char wait[32];

	hold_back(outlet, letter, asked_us);
	letter->tries++;
	letter->due_us = now + (asked_us > 0 ? asked_us : backoff_delay(letter->tries));
	/* Behind the others when the rest is over: one that always fails must not block them. */
	if (letter->due_us <= outlet->hold_us)
		letter->due_us = outlet->hold_us + 1;
	keep_letter(outlet, letter);
	clock_format_duration(outlet->hold_us - now, wait, sizeof(wait));
	log_write(is_first && !outlet->is_fallback ? LOG_WARN : LOG_DEBUG,
		"receiver %s: %s; next try in %s, %zu waiting", outlet->name, text, wait,
		outlet->box.count);
}

static void
on_disabled(struct outlet *outlet, struct letter *letter, const char *text)
{
	letter->tries++;
	keep_letter(outlet, letter);
	outlet->is_disabled = true;
	set_trouble(outlet, text);
	log_error("receiver %s: %s: nothing is sent there until its settings change", outlet->name,
		text);
}

static void
on_sent(void *arg, const struct send_outcome *outcome)
{
	const char *text = outcome->text;
	struct letter *letter = arg;
	struct outlet *outlet = LIST_ENTRY(letter->lane->box, struct outlet, box);
	struct deliver *deliver = outlet->deliver;

	letter->run = NULL;
	outlet->flights--;
	if (outcome->result != SEND_OK) {
		outlet->failed++;
		str_copy(outlet->last_error, sizeof(outlet->last_error), text);
		stats_add(deliver->options.env->stats, STAT_SEND_FAILED, 1);
	}
	switch (outcome->result) {
	case SEND_OK:
		on_taken(outlet, letter);
		break;
	case SEND_NEVER:
		outlet->fails = 0; /* it answers */
		outlet->hold_us = 0;
		give_up(outlet, letter, text);
		break;
	case SEND_DISABLE:
		on_disabled(outlet, letter, text);
		break;
	case SEND_NONE:
	case SEND_LATER:
		on_later(outlet, letter, outcome->retry_after_us, text);
		break;
	}
	outlet_pump(outlet);
	deliver_settle(deliver);
}

static void
launch(struct outlet *outlet, struct letter *letter)
{
	struct deliver *deliver = outlet->deliver;
	const struct send_job job = {
		.type = outlet->type,
		.conf = outlet->conf,
		.notice = &letter->notice,
		.env = deliver->options.env,
		.daemon_name = deliver->daemon_name,
		.language = deliver->language,
	};

	letter->started_us = loop_now(deliver->loop);
	outlet->flights++;
	letter->run = send_run_start(&job, on_sent, letter);
}

/* An even pace with a small burst ahead of it.  When the next letter may leave. */
static usec_t
pace(const struct outlet *outlet)
{
	double rate = outlet->type->rate_per_second;

	return rate > 0 ? outlet->slot_us - (usec_t)(BURST * (double)USEC_PER_SEC / rate) : 0;
}

static void
take_slot(struct outlet *outlet)
{
	usec_t now = loop_now(outlet->deliver->loop);
	double rate = outlet->type->rate_per_second;

	if (rate <= 0)
		return;
	if (outlet->slot_us < now)
		outlet->slot_us = now;
	outlet->slot_us += (usec_t)((double)USEC_PER_SEC / rate);
}

void
outlet_pump(struct outlet *outlet)
{
	const struct deliver *deliver = outlet->deliver;
	usec_t now = loop_now(deliver->loop);
	usec_t wait_us = 0;

	timer_stop(&outlet->timer);
	if (outlet->type == NULL || outlet->is_disabled || !deliver->is_running ||
		deliver->is_draining)
		return;
	while (outlet->flights < (outlet->fails > 0 ? 1 : OUTLET_FLIGHTS) &&
		outlet->box.count > outlet->flights) {
		struct letter *letter;

		wait_us = outlet->hold_us > pace(outlet) ? outlet->hold_us : pace(outlet);
		if (wait_us > now)
			break;
		letter = outbox_next(&outlet->box, deliver->durable, &wait_us);
		if (letter == NULL)
			break;
		take_slot(outlet);
		launch(outlet, letter);
	}
	if (wait_us > now)
		timer_at(&outlet->timer, wait_us);
}

/* ---- views ---- */

static const char *
state_of(const struct outlet *outlet)
{
	if (outlet->is_disabled)
		return "disabled";
	if (outlet->trouble != NULL)
		return "failing";
	if (outlet->fails > 0)
		return "retrying";
	return outlet->sent > 0 ? "ok" : "idle";
}

void
outlet_view(const struct outlet *outlet, struct receiver_view *out)
{
	struct loop *loop = outlet->deliver->loop;

	*out = (struct receiver_view){
		.name = outlet->name,
		.type = outlet->type->name,
		.state = state_of(outlet),
		.queued = outlet->box.count,
		.last_success_us = outlet->last_success_us,
		.oldest_us = outbox_oldest(&outlet->box),
		.sent = outlet->sent,
		.failed = outlet->failed,
	};
	if (outlet->type->target != NULL)
		outlet->type->target(outlet->conf, out->target, sizeof(out->target));
	if (timer_runs(&outlet->timer))
		out->next_try_us = loop_wall(loop) + (outlet->timer.node.due - loop_now(loop));
	memcpy(out->last_error, outlet->last_error, sizeof(out->last_error));
}
