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
 *
 * Where people read, what was never tried may still be merged (merge.c).  A document says "fresh"
 * while that is so, and no longer before the first try: what a kill left in between is not merged.
 * So a fresh letter that is to be tried is written once more, and goes when that is on disk.
 */
#include "deliver/outlet.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/backoff.h"

#define QUIET_US     USEC_PER_MIN
#define AWAY_US      USEC_PER_MIN /* so long without an answer, and what waited is one message */
#define INSIST_STEP  100          /* the slow end of the backoff */
#define MEMORY_BYTES 4096         /* of what a receiver remembers of one incident */

static void
on_due(void *arg)
{
	struct outlet *outlet = arg;

	outlet_pump(outlet);
	deliver_settle(outlet->deliver); /* it may have written */
}

struct outlet *
outlet_new(struct deliver *deliver, const char *name)
{
	struct outlet *outlet = xcalloc(1, sizeof(*outlet));

	outlet->deliver = deliver;
	outlet->name = xstrdup(name);
	outbox_init(&outlet->box, deliver->loop);
	timer_init(&outlet->timer, deliver->loop, on_due, outlet);
	refresh_init(outlet);
	list_init(&outlet->loads);
	list_append(&deliver->outlets, &outlet->in_deliver);
	return outlet;
}

/* The letters on their way go back: the same id is sent again, which receivers are told to expect.
 */
static void
abort_flights(struct outlet *outlet)
{
	refresh_stop(outlet);
	LIST_EACH(it, &outlet->box.busy)
	{
		struct lane *lane = LIST_ENTRY(it, struct lane, in_outbox);
		struct letter *letter = lane_first(lane);

		if (letter->run == NULL)
			continue;
		send_run_abort(letter->run);
		letter->run = NULL;
		letter->due_us = loop_now(outlet->deliver->loop);
		outlet->flights--;
		outbox_place(&outlet->box, lane);
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
	refresh_start(outlet);
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

/* How its tries fare is kept, but nothing waits for that to be on disk. */
static void
note_letter(struct outlet *outlet, const struct letter *letter)
{
	keep(outlet, "outbox", letter->id,
		letter_store(letter, outlet->name, outlet->deliver->loop));
}

void
outlet_keep_letter(struct outlet *outlet, struct letter *letter)
{
	letter->kept = ++outlet->deliver->kept;
	note_letter(outlet, letter);
	outbox_place(&outlet->box, letter->lane);
}

void
outlet_keep_lane(struct outlet *outlet, const struct lane *lane)
{
	if (!lane->is_digest)
		keep(outlet, "ledger", lane->incident,
			lane_store(lane, outlet->name, outlet->deliver->loop));
}

void
outlet_drop(struct outlet *outlet, struct letter *letter)
{
	keep(outlet, "outbox", letter->id, NULL);
	if (letter->is_loading)
		spill_forget(outlet, letter);
	outbox_drop(&outlet->box, letter);
}

void
outlet_forget(struct outlet *outlet, struct lane *lane)
{
	if (lane->is_refreshing) {
		refresh_stop(outlet);
		refresh_start(outlet);
	}
	if (!lane->is_digest)
		keep(outlet, "ledger", lane->incident, NULL);
	outbox_forget(&outlet->box, lane);
}

/* What is over stays to be shown, for a while and up to a number. */
void
outlet_close(struct outlet *outlet, struct lane *lane)
{
	struct outbox *box = &outlet->box;

	if (lane->told_us == 0 || lane->is_digest) {
		outlet_forget(outlet, lane);
		return;
	}
	lane->is_told = false;
	outbox_archive(box, lane);
	outlet_keep_lane(outlet, lane);
	if (box->over_count > LEDGER_MAX)
		outlet_forget(outlet, LIST_ENTRY(box->over.next, struct lane, in_outbox));
}

void
outlet_owe(struct outlet *outlet, struct lane *lane, bool is_owed)
{
	if (lane->is_owed == is_owed)
		return;
	lane->is_owed = is_owed;
	outlet_keep_lane(outlet, lane);
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

/* As soon as it is on disk: then its document says from the start that it may have been tried. */
static bool
goes_at_once(const struct outlet *outlet, const struct letter *letter)
{
	size_t reserved = outlet->box.unwritten.count;

	return outlet_may_send(outlet) && outlet->fails == 0 && !letter->is_whole &&
	       lane_first(letter->lane) == letter && letter->lane->digest == NULL &&
	       outlet->box.fresh_count <= 1 && letter->due_us <= loop_now(outlet->deliver->loop) &&
	       outlet->flights + reserved < OUTLET_FLIGHTS && outlet_allowance(outlet) > reserved;
}

void
outlet_write(struct outlet *outlet, struct lane *lane, struct notice *notice, usec_t wait_us)
{
	struct letter *letter = outbox_add(&outlet->box, lane, notice);

	letter->due_us += wait_us;
	letter->is_fresh =
		!letter_is_test(letter) && (outlet->type == NULL || outlet_merges(outlet));
	outbox_place(&outlet->box, lane);
	touch(outlet);
	if (outlet_merges(outlet) && !letter_is_test(letter) && !merge_collapse(outlet, letter))
		return;
	if (letter->is_fresh && goes_at_once(outlet, letter))
		letter->is_fresh = false;
	outlet_keep_letter(outlet, letter);
	outlet_make_room(outlet);
}

/* ---- what became of a try ---- */

/* Who starts after us must not say that all is well again because it does not remember. */
static void
keep_trouble(struct outlet *outlet)
{
	json_t *doc = NULL;

	if (outlet->trouble != NULL)
		doc = json_pack("{s:s, s:s}", "receiver", outlet->name, "text", outlet->trouble);
	keep(outlet, "trouble", "", doc);
}

void
outlet_set_trouble(struct outlet *outlet, const char *text)
{
	if (text == NULL || (outlet->trouble != NULL && str_eq(outlet->trouble, text)))
		return;
	outlet->has_news |= outlet->trouble == NULL;
	xstrset(&outlet->trouble, text);
	keep_trouble(outlet);
}

void
outlet_absolve(struct outlet *outlet)
{
	if (outlet->trouble == NULL)
		return;
	outlet->has_news = true;
	xstrset(&outlet->trouble, NULL);
	keep_trouble(outlet);
}

int
outlet_restore_trouble(struct outlet *outlet, const json_t *doc, struct err *e)
{
	const char *text = json_string_value(json_object_get(doc, "text"));

	if (text == NULL)
		return err_set(e, 0, "it has no text");
	xstrset(&outlet->trouble, text);
	outlet->has_news = true;
	return 0;
}

void
outlet_told(struct outlet *outlet, struct lane *lane, const struct letter *letter)
{
	usec_t wall_us = loop_wall(outlet->deliver->loop);

	xstrset(&lane->last_type, letter->type);
	xstrset(&lane->last_reason, letter->notice->reason);
	memcpy(lane->last_id, letter->id, sizeof(lane->last_id));
	lane->told_us = wall_us;
	if (lane->first_told_us == 0)
		lane->first_told_us = wall_us;
	lane->repeat_from_us = loop_now(outlet->deliver->loop);
	refresh_learn(outlet, lane, letter);
}

static void
log_taken(const struct outlet *outlet, const struct letter *letter)
{
	if (letter->lane->is_digest)
		log_info("receiver %s: took a digest of %zu incidents (%s)", outlet->name,
			letter->notice->digest->count, letter->id);
	else
		log_info("receiver %s: took %s of incident %s (%s)", outlet->name, letter->type,
			letter->lane->incident, letter->id);
}

/* It answers.  What it asked for holds, whatever becomes of letters that were on their way then. */
static void
lift_hold(struct outlet *outlet)
{
	outlet->fails = 0;
	if (!outlet->is_asked || outlet->hold_us <= loop_now(outlet->deliver->loop))
		outlet->hold_us = 0;
}

static void
note_success(struct outlet *outlet)
{
	struct deliver *deliver = outlet->deliver;
	usec_t now = loop_now(deliver->loop);

	if (outlet->fails > 0)
		log_notice("receiver %s: takes notices again", outlet->name);
	if (outlet->fails > 0 && now - outlet->failing_us >= AWAY_US)
		outlet->is_catching_up = true;
	if (outlet->fails > 1 || outlet->sent == 0)
		outbox_hurry(&outlet->box);
	lift_hold(outlet);
	outlet->sent++;
	outlet->last_success_us = loop_wall(deliver->loop);
	if (!outlet->is_disabled) /* it was on its way when another was told not to come again */
		outlet_absolve(outlet);
	stats_add(deliver->options.env->stats, STAT_SENT, 1);
	touch(outlet);
}

void
outlet_proven(struct outlet *outlet)
{
	outlet_reset(outlet);
	outlet_absolve(outlet);
	outlet_pump(outlet);
}

/* The ledger follows in the same turn as the letter's document goes. */
static void
on_taken(struct outlet *outlet, struct letter *letter)
{
	struct lane *lane = letter->lane;

	note_success(outlet);
	hist_add(&outlet->latency, loop_now(outlet->deliver->loop) - letter->first_us);
	log_taken(outlet, letter);
	if (lane->is_digest) {
		merge_taken(outlet, letter);
		return;
	}
	if (!letter_is_test(letter)) {
		outlet_told(outlet, lane, letter);
		lane->is_told = !letter->is_resolved;
		lane->last_sequence = letter->sequence;
	}
	outlet_drop(outlet, letter);
	outlet_tidy(outlet, lane);
}

static void
hold_back(struct outlet *outlet, const struct letter *letter, usec_t asked_us)
{
	usec_t now = loop_now(outlet->deliver->loop);
	usec_t until_us = outlet->hold_us;
	bool was_asked = outlet->is_asked && outlet->hold_us > now;

	/* Letters that were in flight together meet the same trouble: one failure. */
	if (outlet->fails == 0 || letter->started_us > outlet->failed_us) {
		if (outlet->fails == 0)
			outlet->failing_us = now;
		outlet->fails++;
		outlet->failed_us = now;
		until_us = now + backoff_delay(outlet->fails);
	}
	if (asked_us > 0)
		until_us = now + backoff_asked(asked_us);
	outlet->is_asked = asked_us > 0 || was_asked;
	if (!was_asked || until_us > outlet->hold_us)
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
	letter->due_us = asked_us > 0 ? outlet->hold_us : now + backoff_delay(letter->tries);
	/* Behind the others when the rest is over: one that always fails must not block them. */
	if (letter->due_us <= outlet->hold_us)
		letter->due_us = outlet->hold_us + 1;
	note_letter(outlet, letter);
	outbox_place(&outlet->box, letter->lane);
	clock_format_duration(outlet->hold_us - now, wait, sizeof(wait));
	log_write(is_first && !outlet->is_fallback ? LOG_WARN : LOG_DEBUG,
		"receiver %s: %s; next try in %s, %zu waiting", outlet->name, text, wait,
		outlet->box.count);
}

static void
on_disabled(struct outlet *outlet, struct letter *letter, const char *text)
{
	letter->tries++;
	note_letter(outlet, letter);
	outbox_place(&outlet->box, letter->lane);
	outlet->is_disabled = true;
	outlet_set_trouble(outlet, text);
	log_error("receiver %s: %s: nothing is sent there until its settings change", outlet->name,
		text);
}

/*
 * Who was told that something goes on is owed the end, also when it is refused: a token may be
 * mended.  It is tried now and then, in nobody's way.
 */
static void
insist(struct outlet *outlet, struct letter *letter, const struct send_outcome *outcome)
{
	usec_t now = loop_now(outlet->deliver->loop);

	if (letter->refused_us == 0)
		log_error("receiver %s: refused the end of incident %s (%s), which it is owed: %s",
			outlet->name, letter->lane->incident, letter->id, outcome->text);
	if (!letter->is_about_delivery && !outlet->is_fallback)
		outlet_set_trouble(outlet, outcome->text);
	if (letter->refused_us == 0)
		letter->refused_us = now;
	letter->is_shut_out = outcome->class == SEND_CLASS_AUTH;
	letter->tries++;
	letter->due_us = now + backoff_delay(INSIST_STEP);
	note_letter(outlet, letter);
	outbox_place(&outlet->box, letter->lane);
}

static void
on_refused(struct outlet *outlet, struct letter *letter, const struct send_outcome *outcome)
{
	const char *text = outcome->text;

	lift_hold(outlet);
	if (letter->lane->is_digest && !letter->is_owed && merge_shrink(outlet, letter)) {
		log_error(
			"receiver %s: refused a digest (%s), which is tried without what goes on: "
			"%s",
			outlet->name, letter->id, text);
		outlet_set_trouble(outlet, text);
		return;
	}
	if (letter_is_owed(letter))
		insist(outlet, letter, outcome);
	else
		outlet_give_up(outlet, letter, text);
}

/* What the receiver wants to remember is kept whatever came of the try. */
static void
remember(struct outlet *outlet, struct lane *lane, const struct send_outcome *outcome)
{
	if (!outcome->has_memory || (outcome->memory == NULL && lane->memory == NULL))
		return;
	json_decref(lane->memory);
	lane->memory = NULL;
	if (outcome->memory != NULL &&
		json_dumpb(outcome->memory, NULL, 0, JSON_COMPACT) > MEMORY_BYTES)
		log_warn("receiver %s: what it wants to remember of incident %s is too much",
			outlet->name, lane->incident);
	else
		lane->memory = outcome->memory == NULL ? NULL : json_deep_copy(outcome->memory);
	if (!lane->is_digest) /* of which only the letter is kept */
		outlet_keep_lane(outlet, lane);
}

static void
count_failure(struct outlet *outlet, const struct send_outcome *outcome)
{
	if (outcome->result == SEND_OK)
		return;
	outlet->failed++;
	outlet->failed_by[outcome->class]++;
	str_copy(outlet->last_error, sizeof(outlet->last_error), outcome->text);
	stats_add(outlet->deliver->options.env->stats, STAT_SEND_FAILED, 1);
}

void
outlet_on_sent(void *arg, const struct send_outcome *outcome)
{
	struct letter *letter = arg;
	struct outlet *outlet = LIST_ENTRY(letter->lane->box, struct outlet, box);
	struct deliver *deliver = outlet->deliver;

	letter->run = NULL;
	outlet->flights--;
	count_failure(outlet, outcome);
	remember(outlet, letter->lane, outcome);
	switch (outcome->result) {
	case SEND_OK:
		on_taken(outlet, letter);
		break;
	case SEND_NEVER:
		on_refused(outlet, letter, outcome);
		break;
	case SEND_DISABLE:
		on_disabled(outlet, letter, outcome->text);
		break;
	case SEND_NONE:
	case SEND_LATER:
		on_later(outlet, letter, outcome->retry_after_us, outcome->text);
		break;
	}
	outlet_pump(outlet);
	deliver_settle(deliver);
}
